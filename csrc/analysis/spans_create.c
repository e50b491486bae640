/* SPDX-License-Identifier: MIT */
/* Which fields of which events make spans. */
#include <stdlib.h>
#include <string.h>

#include "analysis/spans.h"
#include "base/error.h"
#include "records/data.h"

static const struct analysis_column_spec first_columns[] = {
	[SPAN_START] = { "start", COLUMN_TIME, true },	    [SPAN_STOP] = { "end", COLUMN_TIME, true },
	[SPAN_DURATION] = { "duration", COLUMN_U64, true }, [SPAN_SELF] = { "self", COLUMN_U64, true },
	[SPAN_CPU] = { "cpu", COLUMN_U32, false },	    [SPAN_PID] = { "pid", COLUMN_I32, false },
};
static const struct analysis_column_spec last_columns[] = {
	{ "lost", COLUMN_BOOL, false },
	{ "buffer", COLUMN_TEXT, false },
};

static char *copy_string(const char *string)
{
	size_t size = strlen(string) + 1;
	char *copy = malloc(size);

	if (copy)
		memcpy(copy, string, size);
	return copy;
}

/* --- parts ----------------------------------------------------------------------------------- */

static int copy_part(const struct trc_span_part *from, uint32_t most, struct span_part *part,
		     struct trc_error *err)
{
	bool field = from->kind >= TRC_SPAN_FIELD;

	if (from->kind > most || (field && (!from->name || !from->begin || !from->end)))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "spans: %u is not a part of them",
				from->kind);
	part->kind = from->kind;
	if (field && (!(part->begin = copy_string(from->begin)) || !(part->end = copy_string(from->end))))
		return trc_fail_no_memory(err);
	return TRC_OK;
}

/* The key whose values a field names. */
static int find_key(const struct trc_spans_options *options, struct span_part *part, struct trc_error *err)
{
	for (part->key = 0; part->key < options->key_count; part->key++) {
		const struct trc_span_part *key = &options->keys[part->key];

		if (key->kind == TRC_SPAN_FIELD && !strcmp(key->name, part->begin))
			return TRC_OK;
	}
	return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "spans: there is no key %s", part->begin);
}

static int copy_parts(struct spans *spans, const struct trc_spans_options *options, struct trc_error *err)
{
	int rc = TRC_OK;

	if (!options->key_count || options->key_count > TRC_SPAN_KEYS ||
	    options->field_count > TRC_SPAN_FIELDS)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"spans: there are 1 to %u keys and at most %u fields", TRC_SPAN_KEYS,
				TRC_SPAN_FIELDS);
	for (size_t i = 0; !rc && i < options->key_count; i++) {
		rc = copy_part(&options->keys[i], TRC_SPAN_FIELD, &spans->keys[i], err);
		spans->by_cpu |= options->keys[i].kind == TRC_SPAN_CPU;
		spans->by_pid |= options->keys[i].kind == TRC_SPAN_PID;
	}
	for (size_t i = 0; !rc && i < options->field_count; i++) {
		rc = copy_part(&options->fields[i], TRC_SPAN_NAMED, &spans->fields[i], err);
		if (!rc && spans->fields[i].kind < TRC_SPAN_BEGIN)
			rc = trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "spans: a field is of one event");
		if (!rc && spans->fields[i].kind == TRC_SPAN_NAMED)
			rc = find_key(options, &spans->fields[i], err);
	}
	spans->key_count = options->key_count;
	spans->field_count = options->field_count;
	spans->key_map.words = (unsigned)(1 + 2 * options->key_count);
	spans->scope_map.words = 3;
	return rc;
}

/* --- files ----------------------------------------------------------------------------------- */

/* Of several events of one side the field is at one place. */
static int find_field(const struct analysis_file *file, const struct event_format *event, const char *name,
		      struct span_part *part, struct value_place *place, struct trc_error *err)
{
	const struct value_place before = *place;
	int rc = value_find(file, event, name, place, &part->type, &part->found, err);

	if (rc)
		return rc;
	if (!place->has)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "spans: event %.*s has no field %s",
				(int)event->name.size, event->name.start, name);
	if (before.has &&
	    (before.access.offset != place->access.offset || before.access.width != place->access.width ||
	     before.access.extent != place->access.extent))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"spans: field %s of %.*s is at another place than that of others", name,
				(int)event->name.size, event->name.start);
	return TRC_OK;
}

static int find_fields(struct spans *spans, const struct analysis_file *file,
		       const struct event_format *event, enum span_role role, struct span_places *places,
		       struct trc_error *err)
{
	uint32_t kind = role == SPAN_BEGIN ? TRC_SPAN_BEGIN : TRC_SPAN_END;
	int rc = TRC_OK;

	for (size_t i = 0; !rc && i < spans->key_count; i++) {
		struct span_part *part = &spans->keys[i];

		if (part->kind != TRC_SPAN_FIELD)
			continue;
		rc = role == SPAN_BEGIN ?
			     find_field(file, event, part->begin, part, &places->key_begin[i], err) :
			     find_field(file, event, part->end, part, &places->key_end[i], err);
	}
	for (size_t i = 0; !rc && i < spans->field_count; i++) {
		struct span_part *part = &spans->fields[i];

		if (part->kind == TRC_SPAN_NAMED && role == SPAN_BEGIN && !places->names[part->key].names)
			rc = named_values_find(&places->names[part->key], file, event,
					       spans->keys[part->key].begin, err);
		else if (part->kind == kind)
			rc = find_field(file, event, role == SPAN_BEGIN ? part->begin : part->end, part,
					&places->fields[i], err);
	}
	return rc;
}

/* Calls find_fields() for each event of a list that the file has; NULL spans: only counts them. */
static int each_event(struct spans *spans, struct analysis_file *file, const char *list, enum span_role role,
		      struct span_places *places, size_t *count, struct trc_error *err)
{
	char *names = copy_string(list);
	int rc = names ? TRC_OK : trc_fail_no_memory(err);

	*count = 0;
	for (char *name = names, *next; !rc && name; name = next) {
		const struct event_format *event;

		next = strchr(name, ',');
		if (next)
			*next++ = '\0';
		event = analysis_event(file, name);
		*count += event != NULL;
		if (!event || !spans)
			continue;
		rc = find_fields(spans, file, event, role, places, err);
		analysis_add_role(file, name, (uint8_t)role, &event);
	}
	free(names);
	return rc;
}

static int find_events(struct spans *spans, const struct trc_spans_options *options, struct trc_error *err)
{
	struct trc_analysis *base = &spans->base;
	bool found = false;

	spans->places = calloc(base->file_count + 1, sizeof(*spans->places));
	if (!spans->places)
		return trc_fail_no_memory(err);
	for (size_t i = 0; options->names && i < base->source_count; i++)
		spans->places[base->sources[i].file].given = options->names[i];
	for (size_t i = 0; i < base->file_count; i++) {
		struct analysis_file *file = &base->files[i];
		struct span_places *places = &spans->places[i];
		size_t begins, ends;
		int rc;

		places->pid = file->data->common.pid;
		if ((rc = each_event(NULL, file, options->begin, SPAN_BEGIN, NULL, &begins, err)) ||
		    (rc = each_event(NULL, file, options->end, SPAN_END, NULL, &ends, err)))
			return rc;
		if (!begins || !ends)
			continue;
		found = true;
		if ((rc = each_event(spans, file, options->begin, SPAN_BEGIN, places, &begins, err)) ||
		    (rc = each_event(spans, file, options->end, SPAN_END, places, &ends, err)))
			return rc;
	}
	return found || !base->file_count ?
		       TRC_OK :
		       trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "spans: no file has events of both sides");
}

/* --- columns --------------------------------------------------------------------------------- */

static bool add_part(struct spans *spans, struct span_part *part, const char *name)
{
	part->column = spans->base.column_count;
	if (part->kind == TRC_SPAN_EVENT || part->kind == TRC_SPAN_NAMED)
		part->type = (struct column_type)COLUMN_TEXT;
	else if (!part->found) /* no file has records */
		part->type = (struct column_type)COLUMN_U64;
	return analysis_add_column(&spans->base, name, part->type, true);
}

static bool add_columns(struct spans *spans, const struct trc_spans_options *options)
{
	struct trc_analysis *base = &spans->base;

	if (!analysis_add_columns(base, first_columns, countof(first_columns)))
		return false;
	for (size_t i = 0; i < spans->key_count; i++) {
		if (spans->keys[i].kind == TRC_SPAN_FIELD &&
		    !add_part(spans, &spans->keys[i], options->keys[i].name))
			return false;
	}
	for (size_t i = 0; i < spans->field_count; i++) {
		if (!add_part(spans, &spans->fields[i], options->fields[i].name))
			return false;
	}
	spans->lost_column = base->column_count;
	spans->buffer_column = base->column_count + 1;
	spans->group_lost = calloc(base->group_count + (size_t)1, sizeof(*spans->group_lost));
	spans->group_has_lost = calloc(base->group_count + (size_t)1, sizeof(*spans->group_has_lost));
	return spans->group_lost && spans->group_has_lost &&
	       analysis_add_columns(base, last_columns, countof(last_columns));
}

int trc_spans_create(const struct trc_analysis_source *sources, size_t count,
		     const struct trc_analysis_options *options, const struct trc_spans_options *of,
		     struct trc_analysis **out, struct trc_error *err)
{
	struct trc_analysis *analysis;
	struct spans *spans;
	int rc = analysis_create(sizeof(*spans), &spans_machine, sources, count, options, &analysis, err);

	if (rc)
		return rc;
	spans = (struct spans *)analysis;
	spans->free = NO_SPAN;
	rc = copy_parts(spans, of, err);
	if (!rc)
		rc = find_events(spans, of, err);
	if (!rc)
		rc = add_columns(spans, of) ? analysis_begin(analysis, false, err) : trc_fail_no_memory(err);
	if (rc) {
		trc_analysis_destroy(analysis);
		return rc;
	}
	*out = analysis;
	return TRC_OK;
}
