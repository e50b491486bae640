/* SPDX-License-Identifier: MIT */
/* Events of a report: how they are written is made out when one is met first. */
#include "base/error.h"
#include "base/pattern.h"
#include "report/api.h"
#include "report/blktrace.h"
#include "report/state.h"

/* Names are padded to this width before the text. */
#define NAME_WIDTH 20

static void find_fields(struct event_text *text, const struct event_format *event)
{
	for (unsigned i = 0; i < HANDLER_FIELDS && text->handler->fields[i]; i++) {
		const char *name = text->handler->fields[i];
		const struct event_field *field = event_reported_field(event,
								       (struct text){ name, strlen(name) });

		text->found[i] = field != NULL;
		if (field)
			text->fields[i] = (struct place){ field->offset, field->size, field->element_size,
							  (uint16_t)field->flags, false };
	}
}

static bool make_label(struct file_state *file, const struct event_format *event, struct text *label)
{
	size_t size = event->name.size;
	size_t blanks = size < NAME_WIDTH ? NAME_WIDTH - size : 0;
	char *start = arena_alloc(&file->arena, size + 4 + blanks + COPY_SLACK);

	if (!start)
		return false;
	memcpy(start, ": ", 2);
	memcpy(start + 2, event->name.start, size);
	memcpy(start + 2 + size, ": ", 2);
	memset(start + 4 + size, ' ', blanks);
	*label = (struct text){ start, size + 4 + blanks };
	return true;
}

/*
 * libtraceevent gives the handler to the event that it finds by name. Where a format is stored
 * twice (record -e ftrace) that need not be the one it finds by id, whose text then stays plain.
 */
static const struct event_handler *handler_of(const struct file_state *file, const struct event_format *event,
					      uint32_t flags)
{
	const struct event_handler *handler = event_handler_find(event, flags);

	if (handler && handler->needs &&
	    !event_by_name(file->formats, event->system,
			   (struct text){ handler->needs, strlen(handler->needs) }))
		return NULL;
	if (handler && !handler->always && event_by_name(file->formats, event->system, event->name) != event)
		return NULL;
	return handler;
}

static bool is_left_out(const struct trc_report *report, const struct event_text *text)
{
	if (report->flags & TRC_REPORT_RAW || text->how & TRC_REPORT_EVENTS_RAW)
		return false;
	return print_fmt_calls_helpers(text->program) ||
	       (text->how & TRC_REPORT_EVENTS_LEFT_OUT && !(text->how & TRC_REPORT_EVENTS_PLAIN));
}

int report_compile_event(const struct trc_report *report, struct file_state *file,
			 const struct event_format *event, struct event_text *out, struct trc_error *err)
{
	struct event_text text = { .how = out->how };
	int rc;

	text.binary = arena_alloc(&file->arena, event->field_count + (size_t)1);
	text.binary_first = arena_alloc(&file->arena, event->field_count + (size_t)1);
	if (!text.binary || !text.binary_first || !make_label(file, event, &text.label))
		return trc_fail_no_memory(err);
	memset(text.binary, 0, event->field_count);
	memset(text.binary_first, 0, event->field_count);
	rc = print_fmt_compile(event, &file->env, &text.program, err);
	if (rc)
		return rc;
	text.left_out = is_left_out(report, &text);
	text.handler = handler_of(file, event, report->flags);
	if (text.handler)
		find_fields(&text, event);
	sched_prepare(&text);
	*out = text;
	return TRC_OK;
}

/* *event stays NULL where the type is another's. */
static int find_blktrace(struct file_state *file, uint32_t type, const struct event_format **event,
			 struct trc_error *err)
{
	int rc = TRC_OK;

	if (!file->blktrace.count)
		rc = blktrace_format(file->formats, type, file->env.long_size, &file->arena, &file->blktrace,
				     err);
	if (!rc && file->blktrace.count && file->blktrace.list[0].id == type)
		*event = &file->blktrace.list[0];
	return rc;
}

int report_meet_event(const struct trc_report *report, struct file_state *file, uint32_t type,
		      const struct event_text **out, struct trc_error *err)
{
	const struct event_format *event = event_by_id(file->formats, type);
	struct event_text *text;
	int rc = TRC_OK;

	*out = NULL;
	if (!event) {
		rc = find_blktrace(file, type, &event, err);
		if (rc || !event)
			return rc;
	}
	text = &file->events[event == file->blktrace.list ? file->formats->count : event->index];
	if (!text->program)
		rc = report_compile_event(report, file, event, text, err);
	if (rc)
		return rc;
	*out = text;
	if (type < file->formats->id_count)
		file->by_type[type] = text;
	return TRC_OK;
}

int trc_report_set_events(struct trc_report *report, uint32_t how, const char *pattern, size_t size,
			  struct trc_error *err)
{
	regex_t regex;
	int rc = pattern_compile((struct text){ pattern, size }, "report", &regex, err);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < report->file_count; i++) {
		const struct event_formats *formats = report->files[i].formats;

		for (size_t j = 0; j < formats->count; j++) {
			const struct event_format *event = &formats->list[j];

			if (pattern_fits(&regex, event->name) || pattern_fits(&regex, event->system))
				report->files[i].events[j].how |= (uint8_t)how;
		}
	}
	regfree(&regex);
	return TRC_OK;
}
