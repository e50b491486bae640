/* SPDX-License-Identifier: MIT */
/* Faults that were passed over so that the rest of the file stays readable. */
#ifndef TRC_BASE_PROBLEM_H
#define TRC_BASE_PROBLEM_H

#include "base/internal.h"

#define PROBLEMS_MAX 64 /* a file of nothing but faults must not fill memory with them */

struct problems {
	struct trc_error *list;
	size_t count;
	size_t unlisted; /* those beyond PROBLEMS_MAX */
};

/* Remembers *fault. Without memory for it the fault is at least counted. */
void problems_add(struct problems *problems, const struct trc_error *fault);
void problems_deinit(struct problems *problems);

/* For the public functions: those that could not be listed are one more, the last. */
size_t problems_count(const struct problems *problems);
int problems_get(const struct problems *problems, size_t index, struct trc_error *problem);

/*
 * Can the rest of the file be read all the same? Running out of memory or a failing system
 * call says nothing about the file and has to end the open.
 */
bool problem_is_recoverable(int code);

#endif
