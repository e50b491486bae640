/* SPDX-License-Identifier: MIT */
/* Which events and fields make jobs. */
#include <stdlib.h>
#include <string.h>

#include "analysis/jobs.h"
#include "base/error.h"
#include "records/data.h"

static const struct analysis_column_spec first_columns[] = {
	{ "queued", COLUMN_TIME, true },    { "start", COLUMN_TIME, true },
	{ "end", COLUMN_TIME, true },	    { "waited", COLUMN_U64, true },
	{ "duration", COLUMN_U64, true },   { "cpu", COLUMN_U32, false },
	{ "pid", COLUMN_I32, false },	    { "queued_cpu", COLUMN_U32, true },
	{ "queued_pid", COLUMN_I32, true },
};
static const struct analysis_column_spec cancel_column = { "cancelled", COLUMN_TIME, true };
static const struct analysis_column_spec last_columns[] = {
	{ "lost", COLUMN_BOOL, false },
	{ "buffer", COLUMN_TEXT, false },
};

static int check(const struct trc_jobs_options *options, struct trc_error *err)
{
	if (!options->start || !options->end || !options->key_count || options->key_count > TRC_JOB_KEYS ||
	    options->field_count > TRC_JOB_FIELDS)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"jobs: they start and end, and have 1 to %u keys and at most %u fields",
				TRC_JOB_KEYS, TRC_JOB_FIELDS);
	for (size_t i = 0; i < options->field_count; i++) {
		if (options->fields[i].kind > TRC_JOB_SYMBOL)
			return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "jobs: %u is no kind of a field",
					options->fields[i].kind);
	}
	return TRC_OK;
}

/* --- files ----------------------------------------------------------------------------------- */

static int find_keys(struct jobs *jobs, const struct trc_jobs_options *options,
		     const struct analysis_file *file, const struct event_format *event,
		     struct value_place *places, struct trc_error *err)
{
	for (size_t i = 0; i < options->key_count; i++) {
		int rc = value_find(file, event, options->keys[i], &places[i], &jobs->keys[i].type,
				    &jobs->keys[i].found, err);

		if (rc)
			return rc;
		if (!places[i].has)
			return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "jobs: event %.*s has no field %s",
					(int)event->name.size, event->name.start, options->keys[i]);
	}
	return TRC_OK;
}

/* Where the event has them. */
static int find_fields(struct jobs *jobs, const struct trc_jobs_options *options,
		       const struct analysis_file *file, const struct event_format *event, uint8_t role,
		       struct value_place *places, struct trc_error *err)
{
	for (size_t i = 0; i < options->field_count; i++) {
		const struct trc_job_field *of = &options->fields[i];
		struct job_part *part = &jobs->fields[i];
		struct column_type type;
		bool found = false;
		int rc;

		if (!(of->of >> (role - 1) & 1))
			continue;
		rc = part->kind == TRC_JOB_VALUE ?
			     value_find(file, event, of->field, &places[i], &part->type, &part->found, err) :
			     value_find(file, event, of->field, &places[i], &type, &found, err);
		if (rc)
			return rc;
		if (part->kind == TRC_JOB_SYMBOL && found && type.shape != SHAPE_INTEGER)
			places[i].has = false;
	}
	return TRC_OK;
}

static int find_in_file(struct jobs *jobs, const struct trc_jobs_options *options, struct analysis_file *file,
			struct job_places *places, struct trc_error *err)
{
	const char *const names[JOB_ROLES] = {
		[JOB_QUEUE] = options->queue,
		[JOB_START] = options->start,
		[JOB_END] = options->end,
		[JOB_CANCEL] = options->cancel,
	};

	places->pid = file->data->common.pid;
	for (uint8_t role = JOB_QUEUE; role < JOB_ROLES; role++) {
		const struct event_format *event = names[role] ? analysis_event(file, names[role]) : NULL;
		int rc;

		if (!event)
			continue;
		if ((rc = find_keys(jobs, options, file, event, places->keys[role], err)) ||
		    (rc = find_fields(jobs, options, file, event, role, places->fields[role], err)))
			return rc;
		analysis_add_role(file, names[role], role, &event);
	}
	return TRC_OK;
}

static int find_events(struct jobs *jobs, const struct trc_jobs_options *options, struct trc_error *err)
{
	struct trc_analysis *base = &jobs->base;
	bool found = false;
	int rc = TRC_OK;

	for (size_t i = 0; !rc && i < base->file_count; i++) {
		if (!analysis_event(&base->files[i], options->start) ||
		    !analysis_event(&base->files[i], options->end))
			continue;
		found = true;
		rc = find_in_file(jobs, options, &base->files[i], &jobs->places[i], err);
	}
	if (!rc && !found && base->file_count)
		rc = trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "jobs: no file has both %s and %s",
			      options->start, options->end);
	return rc;
}

/* --- columns --------------------------------------------------------------------------------- */

static bool add_part(struct jobs *jobs, struct job_part *part, const char *name, bool is_text)
{
	part->column = jobs->base.column_count;
	if (part->kind == TRC_JOB_SYMBOL || (!part->found && is_text))
		part->type = (struct column_type)COLUMN_TEXT;
	else if (!part->found)
		part->type = (struct column_type)COLUMN_U64;
	return analysis_add_column(&jobs->base, name, part->type, true);
}

static bool add_columns(struct jobs *jobs, const struct trc_jobs_options *options)
{
	struct trc_analysis *base = &jobs->base;

	if (!analysis_add_columns(base, first_columns, countof(first_columns)))
		return false;
	for (size_t i = 0; i < jobs->key_count; i++) {
		if (!add_part(jobs, &jobs->keys[i], options->keys[i], false))
			return false;
	}
	for (size_t i = 0; i < jobs->field_count; i++) {
		const struct trc_job_field *of = &options->fields[i];

		if (!add_part(jobs, &jobs->fields[i], of->name ? of->name : of->field, of->is_text))
			return false;
	}
	jobs->cancel_column = base->column_count;
	if (jobs->has_cancel && !analysis_add_columns(base, &cancel_column, 1))
		return false;
	jobs->lost_column = base->column_count;
	jobs->buffer_column = base->column_count + 1;
	return analysis_add_columns(base, last_columns, countof(last_columns));
}

static int fill(struct jobs *jobs, const struct trc_jobs_options *options,
		const struct trc_symbols *const *symbols, struct trc_error *err)
{
	struct trc_analysis *base = &jobs->base;
	int rc;

	jobs->free = NO_JOB;
	jobs->tidy_at = TIDY_FIRST;
	jobs->key_count = options->key_count;
	jobs->field_count = options->field_count;
	jobs->has_queue = options->queue;
	jobs->has_cancel = options->cancel;
	jobs->map.words = (unsigned)(1 + 2 * options->key_count);
	for (size_t i = 0; i < options->field_count; i++)
		jobs->fields[i].kind = options->fields[i].kind;
	jobs->places = calloc(base->file_count + 1, sizeof(*jobs->places));
	jobs->group_lost = calloc(base->group_count + (size_t)1, sizeof(*jobs->group_lost));
	jobs->group_has_lost = calloc(base->group_count + (size_t)1, sizeof(*jobs->group_has_lost));
	if (!function_table_init(&jobs->functions, base, symbols) || !jobs->places || !jobs->group_lost ||
	    !jobs->group_has_lost)
		return trc_fail_no_memory(err);
	rc = find_events(jobs, options, err);
	if (!rc && !add_columns(jobs, options))
		rc = trc_fail_no_memory(err);
	return rc ? rc : analysis_begin(base, false, err);
}

int trc_jobs_create(const struct trc_analysis_source *sources, size_t count,
		    const struct trc_analysis_options *options, const struct trc_jobs_options *of,
		    struct trc_analysis **out, struct trc_error *err)
{
	struct trc_analysis *analysis;
	int rc = check(of, err);

	if (rc || (rc = analysis_create(sizeof(struct jobs), &jobs_machine, sources, count, options,
					&analysis, err)))
		return rc;
	rc = fill((struct jobs *)analysis, of, of->symbols, err);
	if (rc) {
		trc_analysis_destroy(analysis);
		return rc;
	}
	*out = analysis;
	return TRC_OK;
}
