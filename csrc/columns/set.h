/* SPDX-License-Identifier: MIT */
/* Columns as one table of a set: set.c walks, and gives each table its records. */
#ifndef TRC_COLUMNS_SET_H
#define TRC_COLUMNS_SET_H

#include "arrow/api.h"
#include "columns/api.h"
#include "records/api.h"
#include "records/data.h"

#define BATCH_BYTES (UINT64_C(64) << 20) /* a batch that has grown to this ends */

/* Destroyed with trc_columns_destroy(); trc_columns_next() and its like are not for these. */
int columns_create_of_set(const struct trc_columns_source *sources, size_t count,
			  const struct trc_columns_options *options, struct trc_columns **out,
			  struct trc_error *err);

/* Before the first row of a batch. false: out of memory. */
bool columns_begin(struct trc_columns *columns);

/* Puts rows of a walk's batch, given by number; put: as many as the filter let through. */
int columns_put_rows(struct trc_columns *columns, const struct trc_batch *from, const uint32_t *rows,
		     size_t count, size_t *put, struct trc_error *err);

/* Bytes of the batch so far, and the batch: trc_columns_next(). */
uint64_t columns_size(const struct trc_columns *columns);
int columns_hand_over(struct trc_columns *columns, size_t rows, struct ArrowArray *out,
		      struct trc_error *err);

#endif
