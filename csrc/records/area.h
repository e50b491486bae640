/* SPDX-License-Identifier: MIT */
/*
 * Which bytes of the file are whose: the areas of all CPUs of all buffers, none of which share a byte.
 * A table of a few kilobytes could else have the same pages, or the same chunks, read for thousands of
 * CPUs.
 */
#ifndef TRC_RECORDS_AREA_H
#define TRC_RECORDS_AREA_H

#include "base/internal.h"
#include "base/problem.h"
#include "file/api.h"

struct area {
	uint32_t buffer, cpu;
	uint64_t offset, size; /* as stored; ends where the next area begins at the latest */
	uint64_t next;	       /* where the next area begins; UINT64_MAX: there is none */
};

struct areas {
	struct area *list; /* by offset */
	size_t count;
};

/*
 * All areas that the tables of the file name. Of those that begin at one place, the first in the order
 * of buffers and CPUs has it, the others are left out; one that reaches into the next ends there. Both
 * are problems.
 */
int areas_collect(const struct trc_file *file, struct areas *out, struct problems *problems,
		  struct trc_error *err);
void areas_deinit(struct areas *areas);

/* The first byte from offset on that belongs to an area; UINT64_MAX: none does. */
uint64_t areas_first_byte(const struct areas *areas, uint64_t offset);

#endif
