/* SPDX-License-Identifier: MIT */
/*
 * Spans as records come. Each open one is in two lists: of those with its key, the last of which the next
 * end ends, and of those in its scope (a CPU, a task), where what stands above began inside it.
 */
#include "analysis/spans.h"

#include <stdlib.h>
#include <string.h>

#define KEY_WORDS(count) (1 + 2 * (count)) /* a group, and of each part whether it is there, and it */

/* The record at hand. */
struct edge {
	const struct walk_record *record;
	const struct analysis_file *file;
	const struct span_places *places;
	const struct analysis_source *source;
	int32_t pid;
	struct value keys[TRC_SPAN_KEYS];
};

static bool wants(const struct spans *spans, uint32_t source, int32_t pid)
{
	return analysis_wants_cpu(&spans->base, spans->base.sources[source].cpu) &&
	       analysis_wants_pid(&spans->base, pid);
}

/* --- keys and scopes ------------------------------------------------------------------------- */

static bool load_keys(struct spans *spans, struct edge *edge, bool begins)
{
	for (size_t i = 0; i < spans->key_count; i++) {
		const struct value_place *place = begins ? &edge->places->key_begin[i] :
							   &edge->places->key_end[i];
		struct value *value = &edge->keys[i];

		if (spans->keys[i].kind == TRC_SPAN_CPU)
			*value = (struct value){ true, edge->source->cpu };
		else if (spans->keys[i].kind == TRC_SPAN_PID)
			*value = (struct value){ true, (uint64_t)edge->pid };
		else if (!value_load(&spans->base, &spans->texts, place, edge->record, edge->file->big_endian,
				     value))
			return false;
	}
	return true;
}

/* Numbers, and room in what goes by them; the new ones have no span. */
static uint32_t number_of(struct spans *spans, struct key_map *map, const uint64_t *key, uint32_t **tops,
			  size_t *room)
{
	bool added;
	uint32_t number = key_map_add(map, &spans->base, key, &added);

	if (!added || number == KEY_NONE)
		return number;
	if (number >= *room) {
		size_t wanted = *room ? 2 * *room : 64;
		uint32_t *grown = NULL;

		if (analysis_spend(&spans->base, (wanted - *room) * sizeof(*grown)))
			grown = realloc(*tops, wanted * sizeof(*grown));
		if (!grown)
			return KEY_NONE;
		*tops = grown;
		*room = wanted;
	}
	(*tops)[number] = NO_SPAN;
	return number;
}

static uint32_t key_of(struct spans *spans, const struct edge *edge)
{
	uint64_t key[KEY_WORDS(TRC_SPAN_KEYS)] = { edge->source->group };

	for (size_t i = 0; i < spans->key_count; i++) {
		key[1 + 2 * i] = edge->keys[i].has;
		key[2 + 2 * i] = edge->keys[i].number;
	}
	return number_of(spans, &spans->key_map, key, &spans->key_top, &spans->key_room);
}

/* Where spans lie inside each other: a CPU, a task, or those of one key. */
static uint32_t scope_of(struct spans *spans, const struct edge *edge, uint32_t key)
{
	uint64_t scope[3] = { edge->source->group, 0, 0 };

	if (spans->by_cpu || spans->by_pid) {
		scope[1] = spans->by_cpu ? edge->source->cpu : 0;
		scope[2] = spans->by_pid ? (uint64_t)edge->pid : 0;
	} else {
		scope[1] = key;
	}
	return number_of(spans, &spans->scope_map, scope, &spans->scope_top, &spans->scope_room);
}

/* --- open spans ------------------------------------------------------------------------------ */

static bool grow_open(struct spans *spans)
{
	size_t wanted = spans->open_room ? 2 * spans->open_room : 64;
	size_t more = wanted - spans->open_room;
	struct open_span *open;
	struct value *values;

	if (wanted >= NO_SPAN ||
	    !analysis_spend(&spans->base, more * (sizeof(*open) + spans->field_count * sizeof(*values))))
		return false;
	open = realloc(spans->open, wanted * sizeof(*open));
	if (!open)
		return false;
	spans->open = open;
	values = realloc(spans->values, (wanted * spans->field_count + 1) * sizeof(*values));
	if (!values)
		return false;
	spans->values = values;
	spans->open_room = wanted;
	return true;
}

static uint32_t take_open(struct spans *spans)
{
	uint32_t number = spans->free;

	if (number != NO_SPAN) {
		spans->free = spans->open[number].key;
		return number;
	}
	if (spans->open_count == spans->open_room && !grow_open(spans))
		return NO_SPAN;
	return (uint32_t)spans->open_count++;
}

static struct value *values_of(const struct spans *spans, uint32_t number)
{
	return spans->values + number * spans->field_count;
}

/* The event's name, without what the part says that names begin with. */
static bool load_event(struct spans *spans, const struct edge *edge, const struct span_part *part,
		       struct value *value)
{
	const struct event_formats *formats = edge->file->formats;
	const struct walk_record *record = edge->record;
	const struct event_format *event = event_by_id(
		formats,
		record_id(formats->common.type, edge->file->big_endian, record->payload, record->size));
	const char *const prefixes[] = { part->begin, part->end };
	struct text name = event ? event->name : TEXT("");

	for (size_t i = 0; i < countof(prefixes); i++) {
		size_t size = strlen(prefixes[i]);

		if (size && name.size > size && !memcmp(name.start, prefixes[i], size)) {
			name.start += size;
			name.size -= size;
			break;
		}
	}
	*value = (struct value){ event, text_table_add(&spans->texts, &spans->base, name) };
	return value->number != KEY_NONE;
}

static bool load_fields(struct spans *spans, const struct edge *edge, uint32_t kind, struct value *values)
{
	for (size_t i = 0; i < spans->field_count; i++) {
		if (spans->fields[i].kind == TRC_SPAN_EVENT &&
		    !load_event(spans, edge, &spans->fields[i], &values[i]))
			return false;
		if (spans->fields[i].kind == kind &&
		    !value_load(&spans->base, &spans->texts, &edge->places->fields[i], edge->record,
				edge->file->big_endian, &values[i]))
			return false;
	}
	return true;
}

static bool begin_span(struct spans *spans, const struct edge *edge)
{
	uint32_t key = key_of(spans, edge), scope, number;
	struct open_span *span;

	if (key == KEY_NONE || (scope = scope_of(spans, edge, key)) == KEY_NONE ||
	    (number = take_open(spans)) == NO_SPAN)
		return false;
	span = &spans->open[number];
	*span = (struct open_span){
		.start = edge->record->ts,
		.source = edge->record->source,
		.pid = edge->pid,
		.key = key,
		.key_below = spans->key_top[key],
		.below = spans->scope_top[scope],
		.above = NO_SPAN,
		.scope = scope,
	};
	if (span->below != NO_SPAN)
		spans->open[span->below].above = number;
	spans->key_top[key] = spans->scope_top[scope] = number;
	memset(values_of(spans, number), 0, spans->field_count * sizeof(struct value));
	return load_fields(spans, edge, TRC_SPAN_BEGIN, values_of(spans, number));
}

/* What it took counts as inside of the one it began in. */
static void leave_scope(struct spans *spans, const struct open_span *span, uint64_t end)
{
	if (span->above != NO_SPAN)
		spans->open[span->above].below = span->below;
	else
		spans->scope_top[span->scope] = span->below;
	if (span->below != NO_SPAN) {
		struct open_span *below = &spans->open[span->below];
		uint64_t from = span->start > below->covered ? span->start : below->covered;

		below->above = span->above;
		if (end > from) {
			below->inside += end - from;
			below->covered = end;
		}
	}
}

/* --- rows ------------------------------------------------------------------------------------ */

static bool lost_after(const struct spans *spans, uint32_t source, uint64_t start)
{
	const struct analysis_source *of = &spans->base.sources[source];

	if (spans->by_cpu)
		return of->has_lost && of->lost > start;
	return spans->group_has_lost[of->group] && spans->group_lost[of->group] > start;
}

static bool lost_before(const struct spans *spans, uint32_t source)
{
	const struct analysis_source *of = &spans->base.sources[source];

	return spans->by_cpu ? of->has_lost : spans->group_has_lost[of->group];
}

static void row_keys(struct spans *spans, uint32_t key)
{
	const uint64_t *words = key_map_key(&spans->key_map, key);

	for (size_t i = 0; i < spans->key_count; i++) {
		const struct value value = { words[1 + 2 * i], words[2 + 2 * i] };

		if (spans->keys[i].kind == TRC_SPAN_FIELD)
			row_value(&spans->base, spans->keys[i].column, &spans->texts, value);
	}
}

static bool find_given(const struct trc_span_names *given, int64_t value, struct text *name)
{
	size_t low = 0, high = given ? given->count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (given->values[middle] == value) {
			*name = (struct text){ given->names[middle], strlen(given->names[middle]) };
			return true;
		}
		if (given->values[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static void row_named(struct spans *spans, const struct span_part *part, uint32_t file, uint32_t key)
{
	const uint64_t *words = key_map_key(&spans->key_map, key);
	const struct span_places *places = &spans->places[file];
	uint64_t value = words[2 + 2 * part->key];
	struct text name;

	if (words[1 + 2 * part->key] && (find_given(places->given, (int64_t)value, &name) ||
					 named_values_name(&places->names[part->key], value, &name)))
		row_text(&spans->base, part->column, name);
	else
		row_null(&spans->base, part->column);
}

/* All but the times. */
static void row_rest(struct spans *spans, uint32_t source, int32_t pid, uint32_t key,
		     const struct value *values, bool lost)
{
	struct trc_analysis *base = &spans->base;

	row_u32(base, SPAN_CPU, base->sources[source].cpu);
	row_u32(base, SPAN_PID, (uint32_t)pid);
	row_keys(spans, key);
	for (size_t i = 0; i < spans->field_count; i++) {
		if (spans->fields[i].kind == TRC_SPAN_NAMED)
			row_named(spans, &spans->fields[i], base->sources[source].file, key);
		else
			row_value(base, spans->fields[i].column, &spans->texts, values[i]);
	}
	row_bool(base, spans->lost_column, lost);
	row_text(base, spans->buffer_column, base->sources[source].buffer);
	row_peer(base, source);
	row_end(base);
}

static void row_without_end(struct spans *spans, const struct open_span *span, const struct value *values)
{
	row_u64(&spans->base, SPAN_START, span->start);
	row_null(&spans->base, SPAN_STOP);
	row_null(&spans->base, SPAN_DURATION);
	row_null(&spans->base, SPAN_SELF);
	row_rest(spans, span->source, span->pid, span->key, values,
		 lost_after(spans, span->source, span->start));
}

static void row_without_start(struct spans *spans, const struct edge *edge, uint32_t key,
			      const struct value *values)
{
	row_null(&spans->base, SPAN_START);
	row_u64(&spans->base, SPAN_STOP, edge->record->ts);
	row_null(&spans->base, SPAN_DURATION);
	row_null(&spans->base, SPAN_SELF);
	row_rest(spans, edge->record->source, edge->pid, key, values,
		 lost_before(spans, edge->record->source));
}

static void row_whole(struct spans *spans, const struct open_span *span, uint64_t end,
		      const struct value *values)
{
	uint64_t duration = end > span->start ? end - span->start : 0; /* where time stepped back */

	row_u64(&spans->base, SPAN_START, span->start);
	row_u64(&spans->base, SPAN_STOP, end);
	row_u64(&spans->base, SPAN_DURATION, duration);
	row_u64(&spans->base, SPAN_SELF, duration > span->inside ? duration - span->inside : 0);
	row_rest(spans, span->source, span->pid, span->key, values,
		 lost_after(spans, span->source, span->start));
}

static bool end_span(struct spans *spans, const struct edge *edge)
{
	struct value values[TRC_SPAN_FIELDS] = { 0 };
	uint32_t key = key_of(spans, edge), number;
	struct open_span *span;

	if (key == KEY_NONE || !load_fields(spans, edge, TRC_SPAN_END, values))
		return false;
	number = spans->key_top[key];
	if (number == NO_SPAN) {
		if (wants(spans, edge->record->source, edge->pid))
			row_without_start(spans, edge, key, values);
		return true;
	}
	span = &spans->open[number];
	for (size_t i = 0; i < spans->field_count; i++) {
		if (spans->fields[i].kind != TRC_SPAN_END)
			values[i] = values_of(spans, number)[i];
	}
	if (wants(spans, span->source, span->pid))
		row_whole(spans, span, edge->record->ts, values);
	leave_scope(spans, span, edge->record->ts);
	spans->key_top[key] = span->key_below;
	span->key = spans->free;
	spans->free = number;
	return true;
}

/* --- the machine ----------------------------------------------------------------------------- */

static bool put(struct trc_analysis *analysis, const struct walk_record *record)
{
	struct spans *spans = (struct spans *)analysis;
	const struct analysis_file *file = analysis_file_of(analysis, record);
	uint8_t role = analysis_role(file, record);
	struct edge edge;

	if (!role)
		return true;
	edge.record = record;
	edge.file = file;
	edge.source = &analysis->sources[record->source];
	edge.places = &spans->places[edge.source->file];
	edge.pid = record_pid(edge.places->pid, file->big_endian, record->payload, record->size);
	if (!load_keys(spans, &edge, role == SPAN_BEGIN))
		return false;
	return role == SPAN_BEGIN ? begin_span(spans, &edge) : end_span(spans, &edge);
}

static bool lose(struct trc_analysis *analysis, uint32_t source, const struct walk_gap *gap)
{
	struct spans *spans = (struct spans *)analysis;
	uint32_t group = analysis->sources[source].group;

	if (!spans->group_has_lost[group] || gap->to > spans->group_lost[group])
		spans->group_lost[group] = gap->to;
	spans->group_has_lost[group] = true;
	return true;
}

static bool finish(struct trc_analysis *analysis)
{
	struct spans *spans = (struct spans *)analysis;

	/* Those that a scope has open, scope by scope, the last to begin first. */
	for (size_t scope = 0; scope < spans->scope_map.count; scope++) {
		for (uint32_t i = spans->scope_top[scope]; i != NO_SPAN; i = spans->open[i].below) {
			const struct open_span *span = &spans->open[i];

			if (wants(spans, span->source, span->pid))
				row_without_end(spans, span, values_of(spans, i));
		}
	}
	return true;
}

static void deinit(struct trc_analysis *analysis)
{
	struct spans *spans = (struct spans *)analysis;

	for (size_t i = 0; i < TRC_SPAN_KEYS; i++) {
		free(spans->keys[i].begin);
		free(spans->keys[i].end);
	}
	for (size_t i = 0; i < TRC_SPAN_FIELDS; i++) {
		free(spans->fields[i].begin);
		free(spans->fields[i].end);
	}
	for (size_t i = 0; spans->places && i < analysis->file_count; i++) {
		for (size_t k = 0; k < TRC_SPAN_KEYS; k++)
			named_values_deinit(&spans->places[i].names[k]);
	}
	text_table_deinit(&spans->texts);
	key_map_deinit(&spans->key_map);
	key_map_deinit(&spans->scope_map);
	free(spans->places);
	free(spans->key_top);
	free(spans->scope_top);
	free(spans->open);
	free(spans->values);
	free(spans->group_lost);
	free(spans->group_has_lost);
}

const struct analysis_machine spans_machine = { put, lose, finish, deinit };
