/* SPDX-License-Identifier: MIT */
/* The option index. trace-cmd.dat.v7(5), OPTIONS; the end marker DONE is not part of it. */
#ifndef TRC_FILE_OPTION_H
#define TRC_FILE_OPTION_H

#include "base/problem.h"
#include "file/api.h"
#include "file/image.h"

#define OPTION_SECTIONS_MAX 4096
#define OPTION_COUNT_MAX (1u << 20)

struct options {
	struct trc_option *list; /* in file order */
	size_t count, room;
	uint32_t *by_id;	    /* indices into list, sorted by (id, place): look-up by bisection */
	struct trc_bytes *unpacked; /* of compressed options sections; the options point into them */
	size_t unpacked_count;
	uint64_t unpacked_size, payload_size; /* sums, over version 7's whole chain */
};

/* Version 6: options from the cursor up to the bare end marker, which is consumed. kept: for payloads. */
int options_read_v6(struct options *options, struct cursor *c, struct arena *kept, struct trc_error *err);

/*
 * Version 7: all options sections of the chain that starts at a section header, whose offset the file
 * has at told_at. The first must be whole; a fault further along the chain ends it and is a problem.
 */
int options_read_chain(const struct image *image, uint64_t offset, uint64_t told_at, struct options *options,
		       struct arena *kept, struct problems *problems, struct trc_error *err);

/* Sorts the look-up index; to be called once, when all options are in. */
int options_index(struct options *options, struct trc_error *err);

/* The last option with an id, NULL if there is none. */
const struct trc_option *options_last(const struct options *options, uint32_t id);
/* All options with an id: *first indexes by_id. Returns how many. */
size_t options_range(const struct options *options, uint32_t id, size_t *first);

struct cursor option_cursor(const struct image *image, const struct trc_option *option,
			    const char *structure);

/* A text option's payload up to its NUL, which an unkind writer may have left out. */
void option_text(const struct trc_option *option, const char **text, size_t *size);

/* The payload as a number in C syntax (strtoll, base 0: saturating); 0 for anything else. */
int64_t option_number(const struct trc_option *option);

void options_deinit(struct options *options);

#endif
