/* SPDX-License-Identifier: MIT */
/* What vCPUs did, as slices: csrc/analysis/vcpu_answers.c makes the rows. */
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "perfetto/perfetto.h"

enum { GUEST, VCPU, HOST_PID, HOST_CPU, START, END, STATE, GUEST_PID, GUEST_COMM, EXIT_REASON, COLUMNS };

#define ROWS 2048

struct rows {
	const struct ArrowArray *columns[COLUMNS];
	int64_t count;
};

static bool has_value(const struct rows *rows, int column, int64_t row)
{
	const uint8_t *valid = rows->columns[column]->buffers[0];

	return !valid || valid[row >> 3] >> (row & 7) & 1;
}

static int32_t number_of(const struct rows *rows, int column, int64_t row)
{
	return ((const int32_t *)rows->columns[column]->buffers[1])[row];
}

static uint64_t time_of(const struct rows *rows, int column, int64_t row)
{
	return ((const uint64_t *)rows->columns[column]->buffers[1])[row];
}

/* size 0: it is null. */
static struct text text_of(const struct rows *rows, int column, int64_t row)
{
	const int32_t *offsets = rows->columns[column]->buffers[1];
	const char *bytes = rows->columns[column]->buffers[2];

	if (!has_value(rows, column, row) || offsets[row + 1] <= offsets[row])
		return TEXT("");
	return (struct text){ bytes + offsets[row], (size_t)(offsets[row + 1] - offsets[row]) };
}

/* --- packets --------------------------------------------------------------------------------- */

static void put_utf8(struct output *out, uint32_t number, struct text text)
{
	uint8_t *to = (uint8_t *)output_reserve(out, TAG_ROOM + LENGTH_ROOM + UTF8_GROWTH * text.size);
	uint8_t *begin;

	if (!to)
		return;
	begin = begin_message(put_tag(to, number, WIRE_BYTES));
	to = end_message(begin, begin + utf8_copy(begin, (const uint8_t *)text.start, text.size));
	out->size = (size_t)(to - (uint8_t *)out->data);
}

static void put_annotation_number(struct output *out, const char *name, int32_t value)
{
	size_t size = strlen(name);
	uint64_t number = (uint64_t)(int64_t)value;

	output_head(out, TRACK_EVENT_ANNOTATIONS,
		    field_size(ANNOTATION_NAME, size) + 1 + varint_size(number));
	output_field(out, ANNOTATION_NAME, name, size);
	output_integer(out, ANNOTATION_INT, number);
}

/* The name that a slice is drawn with: the guest's task, what the host does for it, or the state. */
static struct text title_of(const struct rows *rows, int64_t row, struct text state)
{
	struct text title = TEXT("");

	if (text_is(state, "running-in-guest"))
		title = text_of(rows, GUEST_COMM, row);
	else if (text_is(state, "running-in-host"))
		title = text_of(rows, EXIT_REASON, row);
	return title.size ? title : state;
}

static void put_packet(struct trc_perfetto *perfetto, uint64_t ts, uint32_t sequence_id)
{
	struct output *event = &perfetto->packet;
	size_t size = 1 + varint_size(ts) + 1 + varint_size(sequence_id) +
		      field_size(PACKET_TRACK_EVENT, event->size);

	output_head(&perfetto->out, TRACE_PACKET, size);
	output_integer(&perfetto->out, PACKET_TIMESTAMP, ts);
	output_integer(&perfetto->out, PACKET_SEQUENCE_ID, sequence_id);
	output_field(&perfetto->out, PACKET_TRACK_EVENT, event->data, event->size);
	event->size = 0;
}

static void put_slice(struct trc_perfetto *perfetto, const struct rows *rows, int64_t row, uint64_t track,
		      uint32_t sequence_id)
{
	struct output *event = &perfetto->packet;
	struct text state = text_of(rows, STATE, row);

	output_integer(event, TRACK_EVENT_TYPE, SLICE_BEGIN);
	output_integer(event, TRACK_EVENT_TRACK, track);
	put_utf8(event, TRACK_EVENT_NAME, title_of(rows, row, state));
	put_utf8(event, TRACK_EVENT_CATEGORIES, state);
	if (has_value(rows, HOST_CPU, row))
		put_annotation_number(event, "host_cpu", number_of(rows, HOST_CPU, row));
	if (has_value(rows, GUEST_PID, row))
		put_annotation_number(event, "guest_pid", number_of(rows, GUEST_PID, row));
	put_packet(perfetto, time_of(rows, START, row), sequence_id);
	output_integer(event, TRACK_EVENT_TYPE, SLICE_END);
	output_integer(event, TRACK_EVENT_TRACK, track);
	put_packet(perfetto, time_of(rows, END, row), sequence_id);
}

/* --- rows ------------------------------------------------------------------------------------ */

static const struct trc_perfetto_track *track_of(const struct trc_perfetto_track *tracks, size_t count,
						 const struct rows *rows, int64_t row)
{
	struct text guest = text_of(rows, GUEST, row);

	for (size_t i = 0; i < count; i++) {
		if (tracks[i].vcpu == number_of(rows, VCPU, row) && text_is(guest, tracks[i].guest))
			return &tracks[i];
	}
	return NULL;
}

static int find_columns(const struct ArrowArray *array, struct rows *rows, struct trc_error *err)
{
	bool fits = array->n_children >= COLUMNS;

	rows->count = array->length;
	for (int i = 0; fits && i < COLUMNS; i++) {
		bool is_text = i == GUEST || i == STATE || i == GUEST_COMM || i == EXIT_REASON;

		rows->columns[i] = array->children[i];
		fits = !array->children[i]->dictionary && array->children[i]->n_buffers == (is_text ? 3 : 2);
	}
	if (!fits)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "perfetto: rows are not those of vCPUs");
	return TRC_OK;
}

int trc_perfetto_slices(struct trc_perfetto *perfetto, struct trc_analysis *analysis,
			const struct trc_perfetto_track *tracks, size_t track_count, uint32_t sequence_id,
			const uint8_t **packets, size_t *size, struct trc_error *err)
{
	struct ArrowArray array;
	struct rows rows;
	int rc = trc_analysis_next(analysis, ROWS, &array, err);

	if (rc)
		return rc;
	perfetto->out.size = 0;
	if (array.length)
		rc = find_columns(&array, &rows, err);
	for (int64_t row = 0; !rc && array.length && row < rows.count; row++) {
		const struct trc_perfetto_track *track = track_of(tracks, track_count, &rows, row);

		if (track)
			put_slice(perfetto, &rows, row, track->track, sequence_id);
	}
	/* A batch without slices is not the end. */
	if (!rc && array.length && !perfetto->out.size)
		rc = TRC_GO_ON;
	array.release(&array);
	if (rc)
		return rc;
	if (perfetto->out.no_memory || perfetto->packet.no_memory)
		return trc_fail_no_memory(err);
	*packets = perfetto->out.data ? (const uint8_t *)perfetto->out.data : (const uint8_t *)"";
	*size = perfetto->out.size;
	return TRC_OK;
}
