/* SPDX-License-Identifier: MIT */
/* What every function of the core may answer: a code, and an error that says what is wrong, and where. */
#ifndef TRC_BASE_API_H
#define TRC_BASE_API_H

#include <stddef.h>
#include <stdint.h>

/* [cdef begin] */

/* What to do about a failure. */
enum trc_code {
	TRC_OK = 0,
	TRC_NOT_TRACE,	 /* not a trace.dat file at all */
	TRC_TRUNCATED,	 /* bytes that should be there are past the end of the file */
	TRC_CORRUPT,	 /* bytes contradict the format or each other */
	TRC_UNSUPPORTED, /* well formed perhaps, but not something this reader knows */
	TRC_LIMIT,	 /* larger than this reader is willing to handle */
	TRC_SYSTEM,	 /* a system call failed: see sys_errno */
	TRC_NO_MEMORY,
	TRC_ARGUMENT,  /* the caller's fault */
	TRC_NOT_FOUND, /* no such option, guest, ... in this file */
	TRC_GO_ON,     /* no failure: nothing so far, call again to go on. err is left alone */
};

struct trc_error {
	int32_t code;	   /* enum trc_code */
	int32_t sys_errno; /* of TRC_SYSTEM, else 0 */
	uint64_t offset;   /* file offset of the bytes at fault, or TRC_NO_OFFSET */
	uint32_t source;   /* where several files are read: whose fault it is, or TRC_NO_SOURCE */
	char message[256]; /* "STRUCTURE: what is wrong", without path and offset */
};

/* [cdef end] */

/* trc_error.offset when the failure is not about bytes at one place. */
#define TRC_NO_OFFSET UINT64_MAX
/* trc_error.source when the failure is not about one of several files. */
#define TRC_NO_SOURCE UINT32_MAX

#endif
