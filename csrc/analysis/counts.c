/* SPDX-License-Identifier: MIT */
/* How often events happened, by task, by event, and by the function that an address of theirs is in. */
#include <stdlib.h>
#include <string.h>

#include "analysis/function_table.h"
#include "analysis/value.h"
#include "base/error.h"
#include "metadata/metadata.h"
#include "records/data.h"

enum { PID, NAME, EVENT, FUNCTION, ADDRESS, COUNT, FIRST, LAST, LOST, BUFFER };
enum { KEY_GROUP, KEY_PID, KEY_ROLE, KEY_FUNCTION, KEY_WORDS };

#define MAX_EVENTS 200 /* roles are bytes */

struct counted {
	uint64_t count, first, last;
	uint32_t source, key;
};

struct counts {
	struct trc_analysis base;
	uint32_t by;  /* enum trc_counts_by */
	char **names; /* [event_count] */
	size_t event_count;
	struct value_place *places; /* [file_count][event_count] of the address */
	struct function_table functions;
	struct key_map map;
	void *list; /* struct counted [room] */
	size_t room;
	bool *group_has_lost; /* [group_count] */
};

/* --- records --------------------------------------------------------------------------------- */

/* NO_FUNCTION: no memory, or the record is too short to have one, which *has says. */
static uint32_t function_of(struct counts *counts, const struct walk_record *record, uint8_t role, bool *has)
{
	uint32_t file = counts->base.sources[record->source].file;
	const struct field_access *access = &counts->places[file * counts->event_count + role - 1].access;

	*has = record->size >= access->width && access->offset <= record->size - access->width;
	if (!*has)
		return NO_FUNCTION;
	return function_table_add(
		&counts->functions, &counts->base, file,
		value_integer(access, record->payload, counts->base.files[file].big_endian));
}

static bool put(struct trc_analysis *analysis, const struct walk_record *record)
{
	struct counts *counts = (struct counts *)analysis;
	const struct analysis_file *file = analysis_file_of(analysis, record);
	uint8_t role = analysis_role(file, record);
	int32_t pid = record_pid(file->data->common.pid, file->big_endian, record->payload, record->size);
	uint64_t key[KEY_WORDS] = { analysis->sources[record->source].group };
	struct counted *counted;
	uint32_t number;
	bool added, has = false;

	if (!role || !analysis_wants_cpu(analysis, analysis->sources[record->source].cpu) ||
	    !analysis_wants_pid(analysis, pid))
		return true;
	key[KEY_PID] = (uint32_t)pid;
	key[KEY_ROLE] = role;
	key[KEY_FUNCTION] = NO_FUNCTION;
	if (counts->by == TRC_COUNTS_BY_FUNCTION) {
		key[KEY_FUNCTION] = function_of(counts, record, role, &has);
		if (has && key[KEY_FUNCTION] == NO_FUNCTION)
			return false;
	}
	number = key_map_add(&counts->map, analysis, key, &added);
	if (number == KEY_NONE ||
	    !grow_by_number(analysis, &counts->list, &counts->room, number, sizeof(*counted)))
		return false;
	counted = (struct counted *)counts->list + number;
	if (added)
		*counted = (struct counted){ .first = record->ts, .source = record->source, .key = number };
	counted->count++;
	counted->last = record->ts;
	return true;
}

static bool lose(struct trc_analysis *analysis, uint32_t source, const struct walk_gap *gap)
{
	(void)gap;
	((struct counts *)analysis)->group_has_lost[analysis->sources[source].group] = true;
	return true;
}

/* --- rows ------------------------------------------------------------------------------------ */

static void row_function(struct counts *counts, const uint64_t *key)
{
	struct trc_analysis *base = &counts->base;
	const struct function *function;

	if (key[KEY_FUNCTION] == NO_FUNCTION) {
		row_null(base, FUNCTION);
		row_null(base, ADDRESS);
		return;
	}
	function = &counts->functions.list[key[KEY_FUNCTION]];
	if (function->name.size)
		row_text(base, FUNCTION, function->name);
	else
		row_null(base, FUNCTION);
	row_u64(base, ADDRESS, function->address);
}

static void put_row(struct counts *counts, const struct counted *counted)
{
	struct trc_analysis *base = &counts->base;
	const uint64_t *key = key_map_key(&counts->map, counted->key);
	const struct analysis_source *source = &base->sources[counted->source];
	const char *event = counts->names[key[KEY_ROLE] - 1], *colon = strchr(event, ':');
	int32_t pid = (int32_t)(uint32_t)key[KEY_PID];

	event = colon ? colon + 1 : event;
	row_u32(base, PID, (uint32_t)pid);
	row_text(base, NAME, saved_cmdlines_comm(&base->files[source->file].data->metadata->cmdlines, pid));
	row_text(base, EVENT, (struct text){ event, strlen(event) });
	row_function(counts, key);
	row_u64(base, COUNT, counted->count);
	row_u64(base, FIRST, counted->first);
	row_u64(base, LAST, counted->last);
	row_bool(base, LOST, counts->group_has_lost[source->group]);
	row_text(base, BUFFER, source->buffer);
	row_peer(base, counted->source);
	row_end(base);
}

/* The most first; of equal ones the first to happen. */
static int compare(const void *a, const void *b)
{
	const struct counted *left = a, *right = b;

	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return left->key < right->key ? -1 : left->key > right->key;
}

static bool finish(struct trc_analysis *analysis)
{
	struct counts *counts = (struct counts *)analysis;
	struct counted *list = counts->list;

	if (counts->map.count)
		qsort(list, counts->map.count, sizeof(*list), compare);
	for (size_t i = 0; i < counts->map.count; i++)
		put_row(counts, &list[i]);
	return true;
}

static void deinit(struct trc_analysis *analysis)
{
	struct counts *counts = (struct counts *)analysis;

	for (size_t i = 0; counts->names && i < counts->event_count; i++)
		free(counts->names[i]);
	free(counts->names);
	free(counts->places);
	free(counts->list);
	free(counts->group_has_lost);
	function_table_deinit(&counts->functions);
	key_map_deinit(&counts->map);
}

static const struct analysis_machine machine = { put, lose, finish, deinit };

/* --- making one ------------------------------------------------------------------------------ */

static int find_event(struct counts *counts, size_t file, size_t event, const char *field, bool *found,
		      struct trc_error *err)
{
	struct analysis_file *of = &counts->base.files[file];
	struct value_place *place = &counts->places[file * counts->event_count + event];
	const struct event_format *format = analysis_event(of, counts->names[event]);
	struct column_type type;
	bool has = false;
	int rc;

	if (!format)
		return TRC_OK;
	*found = true;
	if (field && (rc = value_find(of, format, field, place, &type, &has, err)))
		return rc;
	if (field && (!has || type.shape != SHAPE_INTEGER))
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "counts: event %s has no number %s",
				counts->names[event], field);
	analysis_add_role(of, counts->names[event], (uint8_t)(event + 1), &format);
	return TRC_OK;
}

static int find_events(struct counts *counts, const struct trc_counts_options *of, struct trc_error *err)
{
	const char *field = of->by == TRC_COUNTS_BY_FUNCTION ? of->address : NULL;
	bool found = false;
	int rc = TRC_OK;

	for (size_t i = 0; i < of->event_count; i++) {
		counts->names[i] = malloc(strlen(of->events[i]) + 1);
		if (!counts->names[i])
			return trc_fail_no_memory(err);
		strcpy(counts->names[i], of->events[i]);
	}
	for (size_t file = 0; file < counts->base.file_count; file++) {
		for (size_t i = 0; !rc && i < of->event_count; i++)
			rc = find_event(counts, file, i, field, &found, err);
	}
	if (!rc && !found && counts->base.file_count)
		rc = trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "counts: no file has any of the events");
	return rc;
}

static int fill(struct counts *counts, const struct trc_counts_options *of, struct trc_error *err)
{
	static const struct analysis_column_spec columns[] = {
		[PID] = { "pid", COLUMN_I32, false },	     [NAME] = { "name", COLUMN_TEXT, false },
		[EVENT] = { "event", COLUMN_TEXT, false },   [FUNCTION] = { "function", COLUMN_TEXT, true },
		[ADDRESS] = { "address", COLUMN_U64, true }, [COUNT] = { "count", COLUMN_U64, false },
		[FIRST] = { "first", COLUMN_TIME, false },   [LAST] = { "last", COLUMN_TIME, false },
		[LOST] = { "lost", COLUMN_BOOL, false },     [BUFFER] = { "buffer", COLUMN_TEXT, false },
	};
	struct trc_analysis *base = &counts->base;
	int rc;

	counts->by = of->by;
	counts->map.words = KEY_WORDS;
	counts->event_count = of->event_count;
	counts->names = calloc(of->event_count, sizeof(*counts->names));
	counts->places = calloc((base->file_count + 1) * of->event_count, sizeof(*counts->places));
	counts->group_has_lost = calloc(base->group_count + (size_t)1, sizeof(*counts->group_has_lost));
	if (!function_table_init(&counts->functions, base, of->symbols) || !counts->names ||
	    !counts->places || !counts->group_has_lost ||
	    !analysis_add_columns(base, columns, countof(columns)))
		return trc_fail_no_memory(err);
	rc = find_events(counts, of, err);
	return rc ? rc : analysis_begin(base, false, err);
}

int trc_counts_create(const struct trc_analysis_source *sources, size_t count,
		      const struct trc_analysis_options *options, const struct trc_counts_options *of,
		      struct trc_analysis **out, struct trc_error *err)
{
	struct trc_analysis *analysis;
	int rc;

	if (!of->event_count || of->event_count > MAX_EVENTS || of->by > TRC_COUNTS_BY_FUNCTION ||
	    (of->by == TRC_COUNTS_BY_FUNCTION && !of->address))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"counts: of 1 to %d events, by %u, an address", MAX_EVENTS, of->by);
	rc = analysis_create(sizeof(struct counts), &machine, sources, count, options, &analysis, err);
	if (rc)
		return rc;
	rc = fill((struct counts *)analysis, of, err);
	if (rc) {
		trc_analysis_destroy(analysis);
		return rc;
	}
	*out = analysis;
	return TRC_OK;
}
