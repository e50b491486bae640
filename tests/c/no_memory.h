/* SPDX-License-Identifier: MIT */
/* What the files of the program no_memory share: an opened file, and what a job makes of it. */
#ifndef TESTS_NO_MEMORY_H
#define TESTS_NO_MEMORY_H

#include "tracecmd.h"

#define FIELDS_MAX 64 /* of an event */
#define MAX_SOURCES 64
#define ENOUGH 4096

/* Not the text itself, so that keeping it allocates nothing. */
struct sum {
	uint64_t bytes, hash;
};

struct opened {
	struct trc_file *file;
	struct trc_metadata *metadata;
	struct trc_symbols *symbols;
	struct trc_data *data;
	struct trc_walk_source walked[MAX_SOURCES];
	struct trc_report_source sources[MAX_SOURCES];
	size_t source_count;
};

void add(struct sum *sum, const void *data, uint64_t size);

/* Jobs: each gives a code, and adds what it found to a sum. In no_memory_texts.c: */
int job_left_out(const struct opened *o, uint32_t flags, struct sum *sum);
int job_filter(const struct opened *o, uint32_t flags, struct sum *sum);
int job_joined_filters(const struct opened *o, uint32_t flags, struct sum *sum);
int job_value_names(const struct opened *o, uint32_t flags, struct sum *sum);
int job_exit_reasons(const struct opened *o, uint32_t flags, struct sum *sum);
int job_symbol_fields(const struct opened *o, uint32_t flags, struct sum *sum);
int job_format(const struct opened *o, uint32_t flags, struct sum *sum);

/* In no_memory_records.c: */
int job_columns(const struct opened *o, uint32_t flags, struct sum *sum);
int job_fields(const struct opened *o, uint32_t flags, struct sum *sum);

#endif
