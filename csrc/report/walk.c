/* SPDX-License-Identifier: MIT */
/* Reports of walks, and of single records. */
#include <stdlib.h>

#include "base/error.h"
#include "file/api.h"
#include "records/api.h"
#include "records/walk.h"
#include "report/api.h"
#include "report/state.h"

#define BATCH_RECORDS 512 /* with the text of their lines they stay in the level 2 cache */

/* A walk's records, as they lie, and those of them that were seen only as what comes next. */
struct report_batch {
	struct walk_record records[REPORT_LOOK_AHEAD + BATCH_RECORDS];
	int64_t missed[REPORT_LOOK_AHEAD + BATCH_RECORDS];  /* before each of them */
	uint64_t offset[REPORT_LOOK_AHEAD + BATCH_RECORDS]; /* of payloads in the file */
	uint8_t *held; /* payloads of the records kept for the next round */
	size_t count;  /* records there are */
	bool ended;    /* the walk has no more */
};

static void batch_destroy(struct report_batch *batch)
{
	if (!batch)
		return;
	free(batch->held);
	free(batch);
}

/* The payloads of the records that are kept are copied before the walk goes on to other pages. */
static bool hold_payloads(struct report_batch *batch)
{
	size_t total = 0;
	uint8_t *held;

	if (!batch->count)
		return true;
	for (size_t i = 0; i < batch->count; i++)
		total += batch->records[i].size;
	held = malloc(total + 1);
	if (!held)
		return false;
	total = 0;
	for (size_t i = 0; i < batch->count; i++) {
		struct walk_record *record = &batch->records[i];

		if (report_is_taken(record))
			continue;
		memcpy(held + total, record->payload, record->size);
		record->payload = held + total;
		total += record->size;
	}
	free(batch->held);
	batch->held = held;
	return true;
}

/* Reads on; the records kept come first. */
static int batch_fill(struct report_batch *batch, struct trc_walk *walk, bool with_offsets,
		      struct trc_error *err)
{
	struct walk_record *records;
	size_t count;
	int rc;

	if (!hold_payloads(batch))
		return trc_fail_no_memory(err);
	rc = walk_peek(walk, &records, &count, err);
	if (rc)
		return rc;
	batch->ended = !count;
	if (!count) /* records is NULL where there never was one */
		return TRC_OK;
	count = count < BATCH_RECORDS ? count : BATCH_RECORDS;
	memcpy(batch->records + batch->count, records, count * sizeof(*records));
	walk_missed(walk, records, count, batch->missed + batch->count);
	if (with_offsets)
		walk_offsets(walk, records, count, batch->offset + batch->count);
	walk_take(walk, count);
	batch->count += count;
	return TRC_OK;
}

static bool keep_left_out(struct trc_report *report, const struct walk_record *record, int64_t missed,
			  uint64_t offset)
{
	const struct file_state *file = report->sources[record->source].buffer->file;
	const struct event_common *common = &file->formats->common;
	struct trc_left_out left = {
		.at = report->left_at,
		.ts = record->ts,
		.offset = offset,
		.missed_events = missed,
		.source = record->source,
		.id = record_id(common->type, file->env.big_endian, record->payload, record->size),
		.size = record->size,
		.pid = record_pid(common->pid, file->env.big_endian, record->payload, record->size),
	};

	return left_records_add(&report->place.left, left, record->payload);
}

/* Lines of all records but those among the last few whose next ones are to be known first. */
static int batch_write(struct trc_report *report, struct report_batch *batch, struct output *out,
		       struct trc_error *err)
{
	size_t i, left = 0;

	for (i = 0; i < batch->count; i++) {
		struct walk_record *record = &batch->records[i];
		int rc;

		if (report_is_taken(record))
			continue;
		if (batch->count - i < REPORT_LOOK_AHEAD && !batch->ended &&
		    report_looks_ahead(report, record))
			break;
		rc = report_line(report, record, batch->count - i, batch->missed[i], out, err);
		if (rc)
			return rc;
		if (TRC_UNLIKELY(report->left_at != NOT_LEFT_OUT) &&
		    !keep_left_out(report, record, batch->missed[i], batch->offset[i]))
			return trc_fail_no_memory(err);
	}
	for (; i < batch->count; i++, left++) {
		batch->records[left] = batch->records[i];
		batch->missed[left] = batch->missed[i];
		batch->offset[left] = batch->offset[i];
	}
	batch->count = left;
	return TRC_OK;
}

int trc_report_next(struct trc_report *report, struct trc_walk *walk, size_t enough, const char **text,
		    size_t *size, struct trc_error *err)
{
	struct report_place *place = &report->place;
	int rc = walk_begin_stint(walk, err);

	if (rc)
		return rc;
	if (!place->batch)
		place->batch = calloc(1, sizeof(*place->batch));
	if (!place->batch)
		return trc_fail_no_memory(err);
	if (!place->writing) {
		place->out.size = 0;
		left_records_clear(&place->left);
	}
	place->writing = false;
	if (!place->batch->count) /* it may be another walk now */
		place->batch->ended = false;
	while (place->out.size + place->left.payload_size < enough &&
	       !(place->batch->ended && !place->batch->count)) {
		if ((rc = batch_fill(place->batch, walk, report->leaves_out, err)) ||
		    (rc = batch_write(report, place->batch, &place->out, err))) {
			place->writing = rc == TRC_GO_ON;
			return rc;
		}
	}
	*text = place->out.data ? place->out.data : "";
	*size = place->out.size;
	return TRC_OK;
}

int trc_report_begin(struct trc_report *report, const char **text, size_t *size, struct trc_error *err)
{
	struct output *out = &report->place.out;
	int rc;

	report->place.writing = false;
	out->size = 0;
	output_limit(out, SIZE_MAX);
	report_begin(report, out);
	rc = report_texts(report, out, err);
	if (rc)
		return rc;
	if (out->no_memory)
		return trc_fail_no_memory(err);
	*text = out->data ? out->data : "";
	*size = out->size;
	return TRC_OK;
}

int trc_report_end(struct trc_report *report, const char **text, size_t *size, struct trc_error *err)
{
	struct output *out = &report->place.out;

	report->place.writing = false;
	out->size = 0;
	output_limit(out, SIZE_MAX);
	if (report->flags & TRC_REPORT_WAKEUPS)
		wakeups_finish(&report->wakeups, out);
	if (out->no_memory)
		return trc_fail_no_memory(err);
	*text = out->data ? out->data : "";
	*size = out->size;
	return TRC_OK;
}

int trc_report_record(struct trc_report *report, const struct trc_report_record *in, const char **text,
		      size_t *size, struct trc_error *err)
{
	struct output *out = &report->place.out;
	struct walk_record record = {
		.ts = in->ts,
		.payload = in->payload,
		.size = (uint32_t)in->size,
		.source = in->source,
	};
	int rc;

	if (in->size > UINT32_MAX)
		return trc_fail(err, TRC_LIMIT, TRC_NO_OFFSET, "report: a record of %zu bytes", in->size);
	report->place.writing = false;
	out->size = 0;
	rc = report_line(report, &record, 1, in->missed_events, out, err);
	*text = out->data ? out->data : "";
	*size = out->size;
	return rc;
}

void report_place_restart(struct report_place *place)
{
	if (place->batch)
		place->batch->count = 0;
	place->writing = false;
	place->out.size = 0;
	left_records_clear(&place->left);
}

void report_place_deinit(struct report_place *place)
{
	batch_destroy(place->batch);
	output_deinit(&place->out);
	output_deinit(&place->left_text);
	left_records_deinit(&place->left);
}
