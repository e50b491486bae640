/* SPDX-License-Identifier: MIT */
/* What a walk finds, counted: for counts of what filters let through. */
#include "records/api.h"
#include "records/walk.h"

#define COUNT_ROWS 1024

static void add_batch(const struct trc_batch *batch, uint64_t *counts, struct trc_count *sum)
{
	for (size_t i = 0; i < batch->count; i++) {
		uint32_t id = batch->id[i];

		counts[id < TRC_COUNT_IDS - 1 ? id : TRC_COUNT_IDS - 1]++;
	}
	if (!sum->records)
		sum->first_ts = batch->ts[0];
	sum->last_ts = batch->ts[batch->count - 1];
	sum->records += batch->count;
}

int trc_walk_count(struct trc_walk *walk, uint64_t *counts, struct trc_count *sum, struct trc_error *err)
{
	uint64_t ts[COUNT_ROWS];
	uint32_t source[COUNT_ROWS], id[COUNT_ROWS];
	int32_t pid[COUNT_ROWS];
	struct trc_batch batch = {
		.room = COUNT_ROWS,
		.ts = ts,
		.source = source,
		.id = id,
		.pid = pid,
	};

	int rc = walk_begin_stint(walk, err);

	while (!rc && !(rc = walk_next(walk, &batch, err)) && batch.count)
		add_batch(&batch, counts, sum);
	return rc;
}
