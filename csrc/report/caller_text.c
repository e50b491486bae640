/* SPDX-License-Identifier: MIT */
#include "report/caller_text.h"

#include <stdlib.h>

#include "base/error.h"
#include "report/state.h"

_Static_assert(HELPER_ARGUMENTS_MAX == TRC_FUNCTION_ARGUMENTS, "one and the same");

static int check_file(const struct trc_report *report, uint32_t file, struct trc_error *err)
{
	return file < report->file_count ? TRC_OK :
					   trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "report: file %u of %u",
						    file, report->file_count);
}

int trc_report_leave_out(struct trc_report *report, uint32_t file, size_t event, struct trc_error *err)
{
	int rc = check_file(report, file, err);

	if (rc)
		return rc;
	if (event >= report->files[file].formats->count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "event formats: there are %zu, not %zu",
				report->files[file].formats->count, event + 1);
	report->files[file].events[event].how |= TRC_REPORT_EVENTS_LEFT_OUT;
	report->leaves_out = true;
	return TRC_OK;
}

int report_set_helpers(struct trc_report *report, uint32_t file, const struct text *names, size_t count,
		       struct trc_error *err)
{
	struct file_state *state = &report->files[file];
	struct text *helpers;

	if (!count)
		return TRC_OK;
	if (count > UINT16_MAX)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "report: %zu functions", count);
	helpers = arena_alloc(&state->arena, count * sizeof(*helpers));
	if (!helpers)
		return trc_fail_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		char *name = arena_alloc(&state->arena, names[i].size + 1);

		if (!name)
			return trc_fail_no_memory(err);
		if (names[i].size)
			memcpy(name, names[i].start, names[i].size);
		helpers[i] = (struct text){ name, names[i].size };
	}
	state->env.helpers = helpers;
	state->env.helper_count = (uint32_t)count;
	report->leaves_out = true;
	return TRC_OK;
}

int trc_report_set_functions(struct trc_report *report, uint32_t file, const char *const *names, size_t count,
			     struct trc_error *err)
{
	struct text *texts;
	int rc = check_file(report, file, err);

	if (rc)
		return rc;
	texts = calloc(count + 1, sizeof(*texts));
	if (!texts)
		return trc_fail_no_memory(err);
	for (size_t i = 0; i < count; i++)
		texts[i] = (struct text){ names[i], strlen(names[i]) };
	rc = report_set_helpers(report, file, texts, count, err);
	free(texts);
	return rc;
}

size_t trc_report_left_out(const struct trc_report *report, const struct trc_left_out **records,
			   const uint8_t **payload)
{
	*records = report->place.left.list;
	*payload = report->place.left.payload;
	return report->place.left.count;
}

/* --- texts by print fmts --------------------------------------------------------------------- */

static struct helper_value *values_of(const struct trc_function_value *values, size_t count)
{
	struct helper_value *out = calloc(count + 1, sizeof(*out));

	for (size_t i = 0; out && i < count; i++) {
		out[i].number = values[i].number;
		out[i].is_text = values[i].text != NULL;
		if (values[i].text)
			out[i].text = (struct text){ values[i].text, values[i].size };
	}
	return out;
}

static void tell_call(const struct helper_call *wanted, struct trc_function_call *call)
{
	call->function = wanted->helper;
	call->count = wanted->count;
	memcpy(call->arguments, wanted->arguments, sizeof(call->arguments));
}

/* The event of a record, compiled; NULL: its text is not left out. */
static int find_event(struct trc_report *report, const struct trc_report_record *record,
		      const struct event_text **event, struct trc_error *err)
{
	struct file_state *file;
	uint32_t id;
	int rc;

	*event = NULL;
	if (record->source >= report->source_count || record->size > UINT32_MAX)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "report: source %u of %zu", record->source,
				report->source_count);
	file = report->sources[record->source].buffer->file;
	id = record_id(file->formats->common.type, file->env.big_endian, record->payload,
		       (uint32_t)record->size);
	rc = report_meet_event(report, file, id, event, err);
	if (!rc && *event && !(*event)->left_out)
		*event = NULL;
	return rc;
}

int trc_report_left_text(struct trc_report *report, const struct trc_report_record *record,
			 const struct trc_function_value *values, size_t count,
			 struct trc_function_call *call, const char **text, size_t *size,
			 struct trc_error *err)
{
	struct output *out = &report->place.left_text;
	const struct event_text *event;
	struct helper_run run = { .count = count };
	struct helper_value *given;
	const char *nul;
	int rc = find_event(report, record, &event, err);

	if (rc)
		return rc;
	if (!event)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET,
				"report: the record's text is not left out");
	given = values_of(values, count);
	if (!given)
		return trc_fail_no_memory(err);
	run.values = given;
	out->size = 0;
	out->has_nul = out->no_memory = false;
	output_limit(out, RECORD_TEXT_MAX);
	print_fmt_run_calls(event->program,
			    &(struct print_record){ record->payload, (uint32_t)record->size,
						    report->sources[record->source].buffer->file->symbols,
						    event->binary, &run },
			    out);
	free(given);
	if (out->no_memory)
		return trc_fail_no_memory(err);
	if (run.is_wanted) {
		tell_call(&run.wanted, call);
		return TRC_GO_ON;
	}
	*text = out->data ? out->data : "";
	nul = out->has_nul ? memchr(*text, 0, out->size) : NULL; /* lines end there */
	*size = nul ? (size_t)(nul - *text) : out->size;
	return TRC_OK;
}
