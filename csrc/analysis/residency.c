/* SPDX-License-Identifier: MIT */
/* What value a field had for how long, by key: the state of each CPU's cpu_idle, or its frequency. */
#include <stdlib.h>

#include "analysis/value.h"
#include "base/error.h"
#include "records/data.h"

enum { KEY, VALUE, START, END, DURATION, CPU, LOST, BUFFER };

/* What a key has since its last record. */
struct holding {
	struct value key, value;
	uint64_t start;
	uint32_t source; /* of that record */
};

struct residency {
	struct trc_analysis base;
	struct value_place *keys, *values; /* [file_count] */
	struct column_type key_type, value_type;
	bool of_itself;
	struct text_table texts;
	struct key_map map;	  /* group and key */
	struct holding *holdings; /* [room] by number in map */
	size_t room;
	struct group_loss {
		bool has;
		uint64_t to; /* ns: of the one that ended last, on any CPU */
	} *losses;	     /* [group_count] */
};

/* --- rows ------------------------------------------------------------------------------------ */

/* Unless each CPU records of itself alone, a record may be among those lost anywhere. */
static bool is_lost(const struct residency *residency, const struct holding *holding)
{
	const struct analysis_source *source = &residency->base.sources[holding->source];
	const struct group_loss *loss = &residency->losses[source->group];

	if (residency->of_itself)
		return source->has_lost && source->lost > holding->start;
	return loss->has && loss->to > holding->start;
}

static void put_row(struct residency *residency, const struct holding *holding, bool ended, uint64_t end)
{
	struct trc_analysis *base = &residency->base;
	const struct analysis_source *source = &base->sources[holding->source];

	if (!analysis_wants_cpu(base, source->cpu))
		return;
	row_value(base, KEY, &residency->texts, holding->key);
	row_value(base, VALUE, &residency->texts, holding->value);
	row_u64(base, START, holding->start);
	row_optional_u64(base, END, ended, end);
	row_optional_u64(base, DURATION, ended, end > holding->start ? end - holding->start : 0);
	row_u32(base, CPU, source->cpu);
	row_bool(base, LOST, is_lost(residency, holding));
	row_text(base, BUFFER, source->buffer);
	row_peer(base, holding->source);
	row_end(base);
}

/* --- the machine ----------------------------------------------------------------------------- */

static struct holding *holding_of(struct residency *residency, uint32_t group, struct value key, bool *added)
{
	uint64_t words[] = { group, key.has, key.number };
	uint32_t number = key_map_add(&residency->map, &residency->base, words, added);
	size_t room = residency->room ? 2 * residency->room : 64;
	struct holding *grown = NULL;

	if (number == KEY_NONE)
		return NULL;
	if (number >= residency->room) {
		if (analysis_spend(&residency->base, (room - residency->room) * sizeof(*grown)))
			grown = realloc(residency->holdings, room * sizeof(*grown));
		if (!grown)
			return NULL;
		residency->holdings = grown;
		residency->room = room;
	}
	return &residency->holdings[number];
}

static bool put(struct trc_analysis *analysis, const struct walk_record *record)
{
	struct residency *residency = (struct residency *)analysis;
	const struct analysis_source *source = &analysis->sources[record->source];
	const struct analysis_file *file = &analysis->files[source->file];
	struct value key, value;
	struct holding *holding;
	bool added;

	if (!analysis_role(file, record))
		return true;
	if (!value_load(analysis, &residency->texts, &residency->keys[source->file], record, file->big_endian,
			&key) ||
	    !value_load(analysis, &residency->texts, &residency->values[source->file], record,
			file->big_endian, &value) ||
	    !(holding = holding_of(residency, source->group, key, &added)))
		return false;
	if (!added)
		put_row(residency, holding, true, record->ts);
	*holding = (struct holding){ key, value, record->ts, record->source };
	return true;
}

static bool lose(struct trc_analysis *analysis, uint32_t source, const struct walk_gap *gap)
{
	struct residency *residency = (struct residency *)analysis;
	struct group_loss *loss = &residency->losses[analysis->sources[source].group];

	if (!loss->has || gap->to > loss->to)
		loss->to = gap->to;
	loss->has = true;
	return true;
}

static bool finish(struct trc_analysis *analysis)
{
	struct residency *residency = (struct residency *)analysis;

	for (size_t i = 0; i < residency->map.count; i++)
		put_row(residency, &residency->holdings[i], false, 0);
	return true;
}

static void deinit(struct trc_analysis *analysis)
{
	struct residency *residency = (struct residency *)analysis;

	free(residency->keys);
	free(residency->values);
	free(residency->holdings);
	free(residency->losses);
	text_table_deinit(&residency->texts);
	key_map_deinit(&residency->map);
}

static const struct analysis_machine machine = { put, lose, finish, deinit };

/* --- making one ------------------------------------------------------------------------------ */

static int find_fields(struct residency *residency, const struct trc_residency_options *options,
		       struct trc_error *err)
{
	struct trc_analysis *base = &residency->base;
	bool found_key = false, found_value = false;

	for (size_t i = 0; i < base->file_count; i++) {
		const struct event_format *event;
		int rc;

		if (!analysis_add_role(&base->files[i], options->event, 1, &event))
			continue;
		if ((rc = value_find(&base->files[i], event, options->key, &residency->keys[i],
				     &residency->key_type, &found_key, err)) ||
		    (rc = value_find(&base->files[i], event, options->value, &residency->values[i],
				     &residency->value_type, &found_value, err)))
			return rc;
		if (!residency->keys[i].has || !residency->values[i].has)
			return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET,
					"residency: event %s has no field %s", options->event,
					residency->keys[i].has ? options->value : options->key);
	}
	if (base->file_count && !found_key)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "residency: no file has event %s",
				options->event);
	if (!found_key)
		residency->key_type = residency->value_type = (struct column_type)COLUMN_U64;
	return TRC_OK;
}

static bool add_columns(struct residency *residency, const struct trc_residency_options *options)
{
	static const struct analysis_column_spec rest[] = {
		{ "start", COLUMN_TIME, false },  { "end", COLUMN_TIME, true },
		{ "duration", COLUMN_U64, true }, { "cpu", COLUMN_U32, false },
		{ "lost", COLUMN_BOOL, false },	  { "buffer", COLUMN_TEXT, false },
	};

	return analysis_add_column(&residency->base, options->key_name, residency->key_type, true) &&
	       analysis_add_column(&residency->base, options->value_name, residency->value_type, true) &&
	       analysis_add_columns(&residency->base, rest, countof(rest));
}

static int fill(struct residency *residency, const struct trc_residency_options *options,
		struct trc_error *err)
{
	struct trc_analysis *base = &residency->base;
	int rc;

	residency->map.words = 3;
	residency->of_itself = options->of_itself;
	residency->keys = calloc(base->file_count + 1, sizeof(*residency->keys));
	residency->values = calloc(base->file_count + 1, sizeof(*residency->values));
	residency->losses = calloc(base->group_count + (size_t)1, sizeof(*residency->losses));
	if (!residency->keys || !residency->values || !residency->losses)
		return trc_fail_no_memory(err);
	rc = find_fields(residency, options, err);
	if (!rc && !add_columns(residency, options))
		rc = trc_fail_no_memory(err);
	return rc ? rc : analysis_begin(base, false, err);
}

int trc_residency_create(const struct trc_analysis_source *sources, size_t count,
			 const struct trc_analysis_options *options, const struct trc_residency_options *of,
			 struct trc_analysis **out, struct trc_error *err)
{
	struct trc_analysis *analysis;
	int rc = analysis_create(sizeof(struct residency), &machine, sources, count, options, &analysis, err);

	if (rc)
		return rc;
	rc = fill((struct residency *)analysis, of, err);
	if (rc) {
		trc_analysis_destroy(analysis);
		return rc;
	}
	*out = analysis;
	return TRC_OK;
}
