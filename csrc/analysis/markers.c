/* SPDX-License-Identifier: MIT */
/*
 * What programs wrote into trace_marker: texts, and spans and counters as Android's atrace writes them,
 * "B|PID|NAME" and "E", "S|PID|NAME|COOKIE" and "F|PID|NAME|COOKIE", "C|PID|NAME|VALUE".
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/value.h"
#include "base/array.h"
#include "base/error.h"
#include "columns/field.h"
#include "records/data.h"

#define NONE UINT32_MAX
#define FIRST_OPEN 64

enum { START, END, DURATION, CPU, PID, KIND, PROCESS, NAME, VALUE, LOST, BUFFER };

struct open_marker {
	uint64_t start;
	uint32_t source, name, below; /* below: of the same task or key, or NONE; of a free one the next */
	int32_t pid;
	uint32_t process;
	bool has_process, async;
};

struct markers {
	struct trc_analysis base;
	struct value_place *places; /* [file_count] of the text */
	struct text_table texts;
	struct key_map keys; /* group and task; or group, process, name and cookie */
	uint32_t *tops;	     /* [top_room] by number of the key: the last that is open, or NONE */
	size_t top_room;
	struct open_marker *open; /* [open_room] */
	size_t open_count, open_room;
	uint32_t free;
	struct marker_loss {
		bool has;
		uint64_t to;
	} *losses; /* [group_count] */
};

/* A text, cut at its bars. */
struct marker_text {
	char letter; /* 0: it is none of these */
	bool has_process;
	uint32_t process;
	struct text name, rest;
};

/* --- texts ----------------------------------------------------------------------------------- */

static struct text cut(struct text *rest)
{
	const char *bar = rest->size ? memchr(rest->start, '|', rest->size) : NULL;
	struct text first = *rest;

	if (bar) {
		first.size = (size_t)(bar - rest->start);
		rest->start = bar + 1;
		rest->size -= first.size + 1;
	} else {
		rest->start += rest->size;
		rest->size = 0;
	}
	return first;
}

static bool read_number(struct text text, uint64_t most, uint64_t *number)
{
	*number = 0;
	if (!text.size)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		unsigned digit = (unsigned)text.start[i] - '0';

		if (digit > 9 || *number > (most - digit) / 10)
			return false;
		*number = 10 * *number + digit;
	}
	return true;
}

static bool read_signed(struct text text, int64_t *number)
{
	bool negative = text.size && *text.start == '-';
	uint64_t value;

	if (negative) {
		text.start++;
		text.size--;
	}
	if (!read_number(text, INT64_MAX, &value))
		return false;
	*number = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

static struct marker_text parse(struct text text)
{
	struct marker_text found = { .name = text };
	struct text rest = text, letter = cut(&rest), process;
	int64_t value;
	uint64_t number;

	if (letter.size != 1 || !strchr("BESFCI", *letter.start))
		return found;
	if (*letter.start == 'E' && text.size == 1) {
		found.letter = 'E';
		return found;
	}
	process = cut(&rest);
	if (letter.size == text.size || !read_number(process, UINT32_MAX, &number))
		return found;
	found.process = (uint32_t)number;
	found.has_process = true;
	found.letter = *letter.start;
	if (found.letter == 'B' || found.letter == 'I') {
		found.name = rest;
	} else if (found.letter != 'E') {
		found.name = cut(&rest);
		found.rest = rest;
	}
	if ((found.letter == 'C' && !read_signed(rest, &value)) ||
	    ((found.letter == 'S' || found.letter == 'F') && !rest.size))
		return (struct marker_text){ .name = text };
	return found;
}

/* --- rows ------------------------------------------------------------------------------------ */

static bool is_lost(const struct markers *markers, uint32_t source, bool has_start, uint64_t start)
{
	const struct marker_loss *loss = &markers->losses[markers->base.sources[source].group];

	return loss->has && (!has_start || loss->to > start);
}

static bool wants(const struct markers *markers, uint32_t source, int32_t pid)
{
	return analysis_wants_cpu(&markers->base, markers->base.sources[source].cpu) &&
	       analysis_wants_pid(&markers->base, pid);
}

struct marker_row {
	const char *kind;
	bool has_start, has_end, has_process, has_name, has_value;
	uint64_t start, end;
	uint32_t source, process;
	int32_t pid;
	struct text name;
	int64_t value;
	bool lost;
};

static void put_row(struct markers *markers, const struct marker_row *row)
{
	struct trc_analysis *base = &markers->base;

	if (!wants(markers, row->source, row->pid))
		return;
	row_optional_u64(base, START, row->has_start, row->start);
	row_optional_u64(base, END, row->has_end, row->end);
	row_optional_u64(base, DURATION, row->has_start && row->has_end,
			 row->end > row->start ? row->end - row->start : 0);
	row_u32(base, CPU, base->sources[row->source].cpu);
	row_u32(base, PID, (uint32_t)row->pid);
	row_text(base, KIND, (struct text){ row->kind, strlen(row->kind) });
	if (row->has_process)
		row_u32(base, PROCESS, row->process);
	else
		row_null(base, PROCESS);
	if (row->has_name)
		row_text(base, NAME, row->name);
	else
		row_null(base, NAME);
	row_optional_u64(base, VALUE, row->has_value, (uint64_t)row->value);
	row_bool(base, LOST, row->lost);
	row_text(base, BUFFER, base->sources[row->source].buffer);
	row_peer(base, row->source);
	row_end(base);
}

static void put_open(struct markers *markers, const struct open_marker *open, bool has_end, uint64_t end)
{
	const struct marker_row row = {
		.kind = open->async ? "async" : "slice",
		.has_start = true,
		.start = open->start,
		.has_end = has_end,
		.end = end,
		.source = open->source,
		.pid = open->pid,
		.has_process = open->has_process,
		.process = open->process,
		.has_name = true,
		.name = markers->texts.texts[open->name],
		.lost = is_lost(markers, open->source, true, open->start),
	};

	put_row(markers, &row);
}

/* --- spans ----------------------------------------------------------------------------------- */

/* The marker at hand. */
struct marker {
	const struct walk_record *record;
	int32_t pid;
	struct marker_text text;
};

static uint32_t *top_of(struct markers *markers, const struct marker *marker)
{
	const struct marker_text *text = &marker->text;
	uint64_t key[4] = { markers->base.sources[marker->record->source].group, 0, UINT64_MAX,
			    (uint32_t)marker->pid };
	uint32_t number;
	bool added;

	if (text->letter == 'S' || text->letter == 'F') {
		uint32_t name = text_table_add(&markers->texts, &markers->base, text->name);
		uint32_t cookie = text_table_add(&markers->texts, &markers->base, text->rest);

		if (name == KEY_NONE || cookie == KEY_NONE)
			return NULL;
		key[1] = text->process;
		key[2] = name;
		key[3] = cookie;
	}
	number = key_map_add(&markers->keys, &markers->base, key, &added);
	if (number == KEY_NONE)
		return NULL;
	if (number >= markers->top_room) {
		uint32_t *grown = NULL;

		if (analysis_spend(&markers->base, (markers->top_room + FIRST_OPEN) * sizeof(*grown)))
			grown = array_grow(markers->tops, &markers->top_room, FIRST_OPEN, sizeof(*grown));
		if (!grown)
			return NULL;
		markers->tops = grown;
	}
	if (added)
		markers->tops[number] = NONE;
	return &markers->tops[number];
}

static uint32_t take_open(struct markers *markers)
{
	uint32_t number = markers->free;

	if (number != NONE) {
		markers->free = markers->open[number].below;
		return number;
	}
	if (markers->open_count == markers->open_room) {
		struct open_marker *grown = NULL;

		if (analysis_spend(&markers->base, (markers->open_room + FIRST_OPEN) * sizeof(*grown)))
			grown = array_grow(markers->open, &markers->open_room, FIRST_OPEN, sizeof(*grown));
		if (!grown)
			return NONE;
		markers->open = grown;
	}
	return (uint32_t)markers->open_count++;
}

static bool begin_span(struct markers *markers, const struct marker *marker)
{
	uint32_t *top = top_of(markers, marker), name, number;

	if (!top)
		return false;
	name = text_table_add(&markers->texts, &markers->base, marker->text.name);
	number = name == KEY_NONE ? NONE : take_open(markers);
	if (number == NONE)
		return false;
	markers->open[number] = (struct open_marker){
		.start = marker->record->ts,
		.source = marker->record->source,
		.name = name,
		.below = *top,
		.pid = marker->pid,
		.process = marker->text.process,
		.has_process = marker->text.has_process,
		.async = marker->text.letter == 'S',
	};
	*top = number;
	return true;
}

static bool end_span(struct markers *markers, const struct marker *marker)
{
	uint32_t *top = top_of(markers, marker), number;
	bool async = marker->text.letter == 'F';

	if (!top)
		return false;
	number = *top;
	if (number == NONE) {
		const struct marker_row row = {
			.kind = async ? "async" : "slice",
			.has_end = true,
			.end = marker->record->ts,
			.source = marker->record->source,
			.pid = marker->pid,
			.has_process = marker->text.has_process,
			.process = marker->text.process,
			.has_name = async,
			.name = marker->text.name,
			.lost = is_lost(markers, marker->record->source, false, 0),
		};

		put_row(markers, &row);
		return true;
	}
	put_open(markers, &markers->open[number], true, marker->record->ts);
	*top = markers->open[number].below;
	markers->open[number].below = markers->free;
	markers->free = number;
	return true;
}

static void put_instant(struct markers *markers, const struct marker *marker)
{
	struct marker_row row = {
		.kind = marker->text.letter == 'C' ? "counter" : "mark",
		.has_start = true,
		.has_end = true,
		.start = marker->record->ts,
		.end = marker->record->ts,
		.source = marker->record->source,
		.pid = marker->pid,
		.has_process = marker->text.has_process,
		.process = marker->text.process,
		.has_name = true,
		.name = marker->text.name,
	};

	if (marker->text.letter == 'C')
		row.has_value = read_signed(marker->text.rest, &row.value);
	put_row(markers, &row);
}

/* --- the machine ----------------------------------------------------------------------------- */

static bool put(struct trc_analysis *analysis, const struct walk_record *record)
{
	struct markers *markers = (struct markers *)analysis;
	const struct analysis_file *file = analysis_file_of(analysis, record);
	const struct value_place *place = &markers->places[analysis->sources[record->source].file];
	struct marker marker = { .record = record };
	const uint8_t *bytes;
	uint32_t size;

	if (!analysis_role(file, record) || !column_find_bytes(record->payload, record->size, &place->access,
							       file->big_endian, &bytes, &size))
		return true;
	if (size && memchr(bytes, 0, size))
		size = (uint32_t)((const uint8_t *)memchr(bytes, 0, size) - bytes);
	while (size && (bytes[size - 1] == '\n' || bytes[size - 1] == '\r'))
		size--;
	marker.pid = record_pid(file->data->common.pid, file->big_endian, record->payload, record->size);
	marker.text = parse((struct text){ (const char *)bytes, size });
	if (marker.text.letter == 'B' || marker.text.letter == 'S')
		return begin_span(markers, &marker);
	if (marker.text.letter == 'E' || marker.text.letter == 'F')
		return end_span(markers, &marker);
	put_instant(markers, &marker);
	return true;
}

static bool lose(struct trc_analysis *analysis, uint32_t source, const struct walk_gap *gap)
{
	struct marker_loss *loss = &((struct markers *)analysis)->losses[analysis->sources[source].group];

	if (!loss->has || gap->to > loss->to)
		loss->to = gap->to;
	loss->has = true;
	return true;
}

static bool finish(struct trc_analysis *analysis)
{
	struct markers *markers = (struct markers *)analysis;

	for (size_t key = 0; key < markers->keys.count; key++) {
		for (uint32_t i = markers->tops[key]; i != NONE; i = markers->open[i].below)
			put_open(markers, &markers->open[i], false, 0);
	}
	return true;
}

static void deinit(struct trc_analysis *analysis)
{
	struct markers *markers = (struct markers *)analysis;

	free(markers->places);
	free(markers->tops);
	free(markers->open);
	free(markers->losses);
	text_table_deinit(&markers->texts);
	key_map_deinit(&markers->keys);
}

static const struct analysis_machine machine = { put, lose, finish, deinit };

/* --- making one ------------------------------------------------------------------------------ */

/* A text that is anything else in some file is none there. */
static void find_texts(struct markers *markers)
{
	struct trc_analysis *base = &markers->base;

	for (size_t i = 0; i < base->file_count; i++) {
		const struct event_format *event = analysis_event(&base->files[i], "ftrace:print");
		struct column_type type;
		bool found = false;

		if (event &&
		    !value_find(&base->files[i], event, "buf", &markers->places[i], &type, &found, NULL) &&
		    found && type.shape == SHAPE_TEXT)
			analysis_add_role(&base->files[i], "ftrace:print", 1, &event);
	}
}

static int fill(struct markers *markers, struct trc_error *err)
{
	static const struct analysis_column_spec columns[] = {
		[START] = { "start", COLUMN_TIME, true },
		[END] = { "end", COLUMN_TIME, true },
		[DURATION] = { "duration", COLUMN_U64, true },
		[CPU] = { "cpu", COLUMN_U32, false },
		[PID] = { "pid", COLUMN_I32, false },
		[KIND] = { "kind", COLUMN_TEXT, false },
		[PROCESS] = { "process", COLUMN_U32, true },
		[NAME] = { "name", COLUMN_TEXT, true },
		[VALUE] = { "value", { .shape = SHAPE_INTEGER, .width = 8, .is_signed = true }, true },
		[LOST] = { "lost", COLUMN_BOOL, false },
		[BUFFER] = { "buffer", COLUMN_TEXT, false },
	};
	struct trc_analysis *base = &markers->base;

	markers->free = NONE;
	markers->keys.words = 4;
	markers->places = calloc(base->file_count + 1, sizeof(*markers->places));
	markers->losses = calloc(base->group_count + (size_t)1, sizeof(*markers->losses));
	if (!markers->places || !markers->losses || !analysis_add_columns(base, columns, countof(columns)))
		return trc_fail_no_memory(err);
	find_texts(markers);
	return analysis_begin(base, false, err);
}

int trc_markers_create(const struct trc_analysis_source *sources, size_t count,
		       const struct trc_analysis_options *options, struct trc_analysis **out,
		       struct trc_error *err)
{
	struct trc_analysis *analysis;
	int rc = analysis_create(sizeof(struct markers), &machine, sources, count, options, &analysis, err);

	if (rc)
		return rc;
	rc = fill((struct markers *)analysis, err);
	if (rc) {
		trc_analysis_destroy(analysis);
		return rc;
	}
	*out = analysis;
	return TRC_OK;
}
