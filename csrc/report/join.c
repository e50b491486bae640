/* SPDX-License-Identifier: MIT */
/*
 * Stretches of a trace side by side: copies of a report, and what comes of them when they are joined.
 */
#include <stdlib.h>

#include "base/error.h"
#include "report/api.h"
#include "report/caller_text.h"
#include "report/state.h"

static bool copy_sources(struct trc_report *to, const struct trc_report *from)
{
	to->sources = calloc(from->source_count + 1, sizeof(*to->sources));
	if (!to->sources)
		return false;
	to->source_count = from->source_count;
	for (size_t i = 0; i < from->source_count; i++) {
		to->sources[i].buffer = to->buffers + (from->sources[i].buffer - from->buffers);
		to->sources[i].cpu = from->sources[i].cpu;
	}
	return true;
}

static int copy_functions(struct trc_report *to, const struct trc_report *from, struct trc_error *err)
{
	int rc = TRC_OK;

	to->leaves_out = from->leaves_out;
	for (uint32_t i = 0; i < from->file_count && !rc; i++)
		rc = report_set_helpers(to, i, from->files[i].env.helpers, from->files[i].env.helper_count,
					err);
	return rc;
}

static void copy_how(struct trc_report *to, const struct trc_report *from)
{
	for (uint32_t i = 0; i < from->file_count; i++)
		for (size_t j = 0; j < from->files[i].formats->count; j++)
			to->files[i].events[j].how = from->files[i].events[j].how;
}

/* Fields that were not printable once: struct print_record. */
static bool join_binary(const struct trc_report *report, struct file_state *to, const struct file_state *from)
{
	for (size_t i = 0; i < from->formats->count; i++) {
		const struct event_format *event = &from->formats->list[i];
		struct event_text *text = &to->events[i];

		if (!from->events[i].program)
			continue;
		if (!text->program && report_compile_event(report, to, event, text, NULL))
			return false;
		for (uint32_t f = 0; f < event->field_count; f++)
			text->binary[f] |= from->events[i].binary[f];
	}
	return true;
}

static void remember_first(struct file_state *state)
{
	for (size_t i = 0; i < state->formats->count; i++)
		if (state->events[i].program)
			memcpy(state->events[i].binary_first, state->events[i].binary,
			       state->formats->list[i].field_count);
}

static bool copy_file_state(struct trc_report *report, struct file_state *to, const struct file_state *from)
{
	struct comm_table comms;

	if (!comm_table_copy(&comms, &from->comms))
		return false;
	comm_table_deinit(&to->comms);
	to->comms = comms;
	for (size_t i = 0; i < to->formats->count; i++)
		if (to->events[i].program)
			memset(to->events[i].binary, 0, to->formats->list[i].field_count);
	if (!join_binary(report, to, from))
		return false;
	remember_first(to);
	return true;
}

static bool copy_state(struct trc_report *to, const struct trc_report *from)
{
	for (uint32_t i = 0; i < from->file_count; i++)
		if (!copy_file_state(to, &to->files[i], &from->files[i]))
			return false;
	for (size_t i = 0; i < to->source_count; i++) /* they are of other names */
		memset(to->sources[i].heads, 0, sizeof(to->sources[i].heads));
	to->last_ts = from->last_ts;
	to->rare_flags = from->rare_flags;
	to->depended = false;
	if (from->flags & TRC_REPORT_WAKEUPS && !wakeups_copy(&to->wakeups, &from->wakeups))
		return false;
	function_stacks_deinit(&to->stacks);
	return function_stacks_copy(&to->stacks, &from->stacks);
}

int trc_report_copy(const struct trc_report *report, struct trc_report **out, struct trc_error *err)
{
	struct trc_report_file *files = calloc(report->file_count + (size_t)1, sizeof(*files));
	struct trc_report *copy = NULL;
	int rc;

	if (!files)
		return trc_fail_no_memory(err);
	for (uint32_t i = 0; i < report->file_count; i++)
		files[i] = report->files[i].file;
	rc = report_create(report->flags, files, report->file_count, &copy, err);
	free(files);
	if (rc)
		return rc;
	copy_how(copy, report);
	rc = copy_functions(copy, report, err);
	if (rc) {
		trc_report_destroy(copy);
		return rc;
	}
	if (!copy_sources(copy, report) || !copy_state(copy, report)) {
		trc_report_destroy(copy);
		return trc_fail_no_memory(err);
	}
	*out = copy;
	return TRC_OK;
}

int trc_report_restart(struct trc_report *copy, const struct trc_report *report, struct trc_error *err)
{
	if (copy->file_count != report->file_count)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "report: restarted as that of other files");
	report_place_restart(&copy->place);
	return copy_state(copy, report) ? TRC_OK : trc_fail_no_memory(err);
}

/* Was a field found not printable that the later stretch began by taking to be printable? */
static bool binary_differs(const struct file_state *before, const struct file_state *later)
{
	for (size_t i = 0; i < before->formats->count; i++) {
		const struct event_text *a = &before->events[i], *b = &later->events[i];

		for (uint32_t f = 0; a->program && b->program && f < before->formats->list[i].field_count;
		     f++)
			if (a->binary[f] && !b->binary_first[f])
				return true;
	}
	return false;
}

/* Would names of processes that before knows have changed the later stretch? */
static bool names_differ(const struct trc_report *before, const struct trc_report *later)
{
	for (uint32_t i = 0; i < before->file_count; i++)
		if (comm_table_differs(&before->files[i].comms, &later->files[i].comms))
			return true;
	return false;
}

int trc_report_join(struct trc_report *report, const struct trc_report *later, uint32_t *again,
		    struct trc_error *err)
{
	bool differs = names_differ(report, later);

	if (report->file_count != later->file_count)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "report: joined with that of other files");
	for (uint32_t i = 0; i < report->file_count && !differs; i++)
		differs = binary_differs(&report->files[i], &later->files[i]);
	*again = later->depended ? TRC_REPORT_IN_ONE : differs ? TRC_REPORT_AGAIN : TRC_REPORT_JOINED;
	if (*again)
		return TRC_OK;
	for (uint32_t i = 0; i < report->file_count; i++) {
		if (!comm_table_join(&report->files[i].comms, &later->files[i].comms) ||
		    !join_binary(report, &report->files[i], &later->files[i]))
			return trc_fail_no_memory(err);
	}
	return TRC_OK;
}
