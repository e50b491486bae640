/* SPDX-License-Identifier: MIT */
/* Reports of walks: the interface of tracecmd.h over report.h. */
#include <stdlib.h>

#include "base/error.h"
#include "file/api.h"
#include "records/api.h"
#include "records/walk.h"
#include "report/api.h"
#include "report/report.h"

#define BATCH_RECORDS 512	/* with the text of their lines they stay in the level 2 cache */

/* A walk's records, and those of them that were seen only as what comes next. */
struct report_batch {
	struct trc_batch arrays;
	struct report_record *records;	/* [REPORT_LOOK_AHEAD + BATCH_RECORDS] */
	uint8_t *held;			/* payloads of the records kept for the next round */
	size_t count;			/* records there are */
	bool ended;			/* the walk has no more */
};

static void batch_destroy(struct report_batch *batch)
{
	if (!batch)
		return;
	free(batch->arrays.ts);
	free(batch->arrays.source);
	free(batch->arrays.id);
	free(batch->arrays.pid);
	free(batch->arrays.missed_events);
	free(batch->arrays.size);
	free(batch->arrays.address);
	free(batch->records);
	free(batch->held);
	free(batch);
}

static struct report_batch *batch_create(void)
{
	struct report_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	batch->arrays.room = BATCH_RECORDS;
	batch->arrays.ts = malloc(BATCH_RECORDS * sizeof(uint64_t));
	batch->arrays.source = malloc(BATCH_RECORDS * sizeof(uint32_t));
	batch->arrays.id = malloc(BATCH_RECORDS * sizeof(uint32_t));
	batch->arrays.pid = malloc(BATCH_RECORDS * sizeof(int32_t));
	batch->arrays.missed_events = malloc(BATCH_RECORDS * sizeof(int64_t));
	batch->arrays.size = malloc(BATCH_RECORDS * sizeof(uint32_t));
	batch->arrays.address = malloc(BATCH_RECORDS * sizeof(*batch->arrays.address));
	batch->records = malloc((REPORT_LOOK_AHEAD + BATCH_RECORDS) * sizeof(*batch->records));
	if (!batch->arrays.ts || !batch->arrays.source || !batch->arrays.id || !batch->arrays.pid ||
	    !batch->arrays.missed_events || !batch->arrays.size || !batch->arrays.address || !batch->records) {
		batch_destroy(batch);
		return NULL;
	}
	return batch;
}

/* The payloads of the records that are kept are copied before the next batch takes their place. */
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
		memcpy(held + total, batch->records[i].data, batch->records[i].size);
		batch->records[i].data = held + total;
		total += batch->records[i].size;
	}
	free(batch->held);
	batch->held = held;
	return true;
}

/* Reads on; the records kept come first. */
static int batch_fill(struct report_batch *batch, struct trc_walk *walk, struct trc_error *err)
{
	const struct trc_batch *arrays = &batch->arrays;
	int rc;

	if (!hold_payloads(batch))
		return trc_fail_no_memory(err);
	rc = walk_next(walk, &batch->arrays, err);
	if (rc)
		return rc;
	batch->ended = !arrays->count;
	for (size_t i = 0; i < arrays->count; i++)
		batch->records[batch->count++] = (struct report_record){
			.data = arrays->address[i], .size = arrays->size[i], .source = arrays->source[i],
			.ts = arrays->ts[i], .missed = arrays->missed_events[i],
		};
	return TRC_OK;
}

/* Lines of all records but those among the last few whose next ones are to be known first. */
static int batch_write(struct trc_report *report, struct report_batch *batch, struct output *out,
		       struct trc_error *err)
{
	size_t i, left = 0;

	for (i = 0; i < batch->count; i++) {
		struct report_record *record = &batch->records[i];
		int rc;

		if (record->taken)
			continue;
		if (batch->count - i < REPORT_LOOK_AHEAD && !batch->ended && report_looks_ahead(report, record))
			break;
		rc = report_line(report, record, batch->count - i, out, err);
		if (rc)
			return rc;
	}
	for (; i < batch->count; i++)
		batch->records[left++] = batch->records[i];
	batch->count = left;
	return TRC_OK;
}

int trc_report_next(struct trc_report *report, struct trc_walk *walk, size_t enough,
		    const char **text, size_t *size, struct trc_error *err)
{
	struct report_place *place = report_place(report);
	int rc = walk_begin_stint(walk, err);

	if (rc)
		return rc;
	if (!place->batch)
		place->batch = batch_create();
	if (!place->batch)
		return trc_fail_no_memory(err);
	if (!place->writing)
		place->out.size = 0;
	place->writing = false;
	if (!place->batch->count)	/* it may be another walk now */
		place->batch->ended = false;
	while (place->out.size < enough && !(place->batch->ended && !place->batch->count)) {
		if ((rc = batch_fill(place->batch, walk, err)) ||
		    (rc = batch_write(report, place->batch, &place->out, err))) {
			place->writing = rc == TRC_GO_ON;
			return rc;
		}
	}
	*text = place->out.data ? place->out.data : "";
	*size = place->out.size;
	return TRC_OK;
}

int trc_report_begin(struct trc_report *report, const char **text, size_t *size,
		     struct trc_error *err)
{
	struct output *out = &report_place(report)->out;
	int rc;

	report_place(report)->writing = false;
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

int trc_report_record(struct trc_report *report, const struct trc_report_record *in,
		      const char **text, size_t *size, struct trc_error *err)
{
	struct output *out = &report_place(report)->out;
	struct report_record record = {
		.data = in->payload, .size = (uint32_t)in->size, .source = in->source, .ts = in->ts,
		.missed = in->missed_events,
	};
	int rc;

	if (in->size > UINT32_MAX)
		return trc_fail(err, TRC_LIMIT, TRC_NO_OFFSET, "report: a record of %zu bytes", in->size);
	report_place(report)->writing = false;
	out->size = 0;
	rc = report_line(report, &record, 1, out, err);
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
}

void report_place_deinit(struct report_place *place)
{
	batch_destroy(place->batch);
	output_deinit(&place->out);
}

/* --- creation ---------------------------------------------------------------------------- */

/* The top buffer shows its file's name, if there are several files; an instance its own. */
static struct text label_of(const struct trc_report_file *files, size_t file_count, size_t file,
			    const struct trc_buffer *buffer)
{
	if (buffer->name_size)
		return (struct text){ buffer->name, buffer->name_size };
	if (file_count > 1)
		return (struct text){ files[file].label, files[file].label_size };
	return TEXT("");
}

/* All buffers of all files, used or not: prefixes are as wide as the widest of them. */
static int add_buffers(const struct trc_report_file *files, size_t file_count,
		       struct report_buffer *buffers, uint32_t *first, struct trc_error *err)
{
	uint32_t count = 0;

	for (size_t i = 0; i < file_count; i++) {
		first[i] = count;
		for (size_t j = 0; j < trc_buffer_count(files[i].file); j++) {
			struct trc_buffer buffer;
			int rc = trc_buffer(files[i].file, j, &buffer, err);

			if (rc)
				return rc;
			buffers[count++] = (struct report_buffer){ (uint32_t)i,
								   label_of(files, file_count, i, &buffer) };
		}
	}
	first[file_count] = count;
	return TRC_OK;
}

static int make_sources(const struct trc_report_source *sources, size_t source_count,
			const uint32_t *first, size_t file_count, struct report_source *out,
			struct trc_error *err)
{
	for (size_t i = 0; i < source_count; i++) {
		const struct trc_report_source *s = &sources[i];

		if (s->file >= file_count || s->buffer >= first[s->file + 1] - first[s->file])
			return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
					"report: source %zu is of file %u, buffer %u, which is not there",
					i, s->file, s->buffer);
		out[i] = (struct report_source){ first[s->file] + s->buffer, s->cpu };
	}
	return TRC_OK;
}

int trc_report_create(uint32_t flags, const struct trc_report_file *files, size_t file_count,
		      const struct trc_report_source *sources, size_t source_count,
		      struct trc_report **out, struct trc_error *err)
{
	struct trc_report *report = NULL;
	struct report_file *own = calloc(file_count + 1, sizeof(*own));
	struct report_source *made = calloc(source_count + 1, sizeof(*made));
	uint32_t *first = calloc(file_count + 1, sizeof(*first));
	struct report_buffer *buffers = NULL;
	size_t buffer_count = 0;
	int rc = TRC_OK;

	for (size_t i = 0; i < file_count && !rc; i++) {
		rc = trc_fail_of(trc_check(files[i].file, err), (uint32_t)i, err);	/* its options are read */
		buffer_count += trc_buffer_count(files[i].file);
	}
	if (rc)
		goto out;
	buffers = calloc(buffer_count + 1, sizeof(*buffers));
	if (!own || !made || !first || !buffers) {
		rc = trc_fail_no_memory(err);
		goto out;
	}
	for (size_t i = 0; i < file_count; i++)
		own[i] = (struct report_file){ files[i].file, files[i].metadata, files[i].symbols,
					       { files[i].label ? files[i].label : "", files[i].label_size } };
	if ((rc = add_buffers(files, file_count, buffers, first, err)) ||
	    (rc = make_sources(sources, source_count, first, file_count, made, err)) ||
	    (rc = report_create(flags, own, (uint32_t)file_count, buffers, first[file_count], &report, err)))
		goto out;
	rc = report_set_sources(report, made, source_count, err);
	if (rc)
		trc_report_destroy(report);
	else
		*out = report;
out:
	free(own);
	free(made);
	free(first);
	free(buffers);
	return rc;
}
