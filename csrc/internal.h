/* SPDX-License-Identifier: MIT */
/* The few definitions that every module of the core needs. */
#ifndef TRC_INTERNAL_H
#define TRC_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracecmd.h"

#define countof(array) (sizeof(array) / sizeof((array)[0]))

#if defined(__GNUC__)
#define TRC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define TRC_LIKELY(x) __builtin_expect(!!(x), 1)
#define TRC_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define TRC_INLINE static inline __attribute__((always_inline))
#else
#define TRC_PRINTF(fmt, args)
#define TRC_LIKELY(x) (x)
#define TRC_UNLIKELY(x) (x)
#define TRC_INLINE static inline
#endif

#endif
