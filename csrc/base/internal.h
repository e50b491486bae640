/* SPDX-License-Identifier: MIT */
/* The few definitions that every module of the core needs. */
#ifndef TRC_BASE_INTERNAL_H
#define TRC_BASE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/api.h"

#define countof(array) (sizeof(array) / sizeof((array)[0]))

#if defined(__GNUC__)
#define TRC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define TRC_LIKELY(x) __builtin_expect(!!(x), 1)
#define TRC_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define TRC_INLINE static inline __attribute__((always_inline))
/* Asks for what lies at an address, which may be nowhere, to read it or to write it soon. */
#define TRC_WILL_READ(address) __builtin_prefetch((const void *)(address))
#define TRC_WILL_WRITE(address) __builtin_prefetch((const void *)(address), 1)
#else
#define TRC_PRINTF(fmt, args)
#define TRC_LIKELY(x) (x)
#define TRC_UNLIKELY(x) (x)
#define TRC_INLINE static inline
#define TRC_WILL_READ(address) ((void)(address))
#define TRC_WILL_WRITE(address) ((void)(address))
#endif

#endif
