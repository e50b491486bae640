/* SPDX-License-Identifier: MIT */
/* Filling a trc_error. Nothing is allocated; err may be NULL everywhere. */
#ifndef TRC_BASE_ERROR_H
#define TRC_BASE_ERROR_H

#include <stdarg.h>

#include "base/internal.h"

/* Fills *err and returns code, so that a failure is one statement: return trc_fail(...); */
int trc_fail(struct trc_error *err, int code, uint64_t offset, const char *fmt, ...) TRC_PRINTF(4, 5);
int trc_vfail(struct trc_error *err, int code, uint64_t offset, const char *fmt, va_list args)
	TRC_PRINTF(4, 0);

/* Says of *err, filled with this code, which source it is of; returns the code. TRC_OK: does nothing. */
int trc_fail_of(int code, uint32_t source, struct trc_error *err);

/* TRC_SYSTEM with the current errno; what names the call that failed. */
int trc_fail_errno(struct trc_error *err, const char *what);

int trc_fail_no_memory(struct trc_error *err);

#endif
