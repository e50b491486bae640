/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int trc_vfail(struct trc_error *err, int code, uint64_t offset, const char *fmt, va_list args)
{
	if (!err)
		return code;
	err->code = code;
	err->sys_errno = 0;
	err->offset = offset;
	err->source = TRC_NO_SOURCE;
	vsnprintf(err->message, sizeof(err->message), fmt, args);
	return code;
}

int trc_fail(struct trc_error *err, int code, uint64_t offset, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	trc_vfail(err, code, offset, fmt, args);
	va_end(args);
	return code;
}

int trc_fail_of(int code, uint32_t source, struct trc_error *err)
{
	if (code && err)
		err->source = source;
	return code;
}

int trc_fail_errno(struct trc_error *err, const char *what)
{
	int saved = errno;

	trc_fail(err, TRC_SYSTEM, TRC_NO_OFFSET, "%s: %s", what, strerror(saved));
	if (err)
		err->sys_errno = saved;
	return TRC_SYSTEM;
}

int trc_fail_no_memory(struct trc_error *err)
{
	return trc_fail(err, TRC_NO_MEMORY, TRC_NO_OFFSET, "out of memory");
}
