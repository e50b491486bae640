/* SPDX-License-Identifier: MIT */
#include "event_handler.h"

struct text run_text(const struct event_run *run, unsigned i)
{
	const struct place *place = &run->event->fields[i];
	const struct print_fmt *program = run->event->program;
	struct span bytes = place->flags & TRC_FIELD_DYNAMIC ? read_dynamic(program, &run->print, place) :
							       read_static(&run->print, place);
	const uint8_t *end = memchr(bytes.data, 0, bytes.size);

	return (struct text){ (const char *)bytes.data,
			      end ? (size_t)(end - bytes.data) : bytes.size };
}

void run_missing(struct event_run *run, unsigned i)
{
	const char *name = run->event->handler->fields[i];

	output_literal(run->out, "<CANT FIND FIELD ");
	output_bytes(run->out, name, strlen(name));
	output_char(run->out, '>');
}

void run_decimal(struct event_run *run, const char *label, unsigned i)
{
	output_bytes(run->out, label, strlen(label));
	if (run->event->found[i])
		output_decimal(run->out, run_number(run, i));
	else
		run_missing(run, i);
}

void run_hex(struct event_run *run, const char *label, unsigned i)
{
	output_bytes(run->out, label, strlen(label));
	if (run->event->found[i]) {
		output_literal(run->out, "0x");
		output_hex(run->out, run_number(run, i));
	} else {
		run_missing(run, i);
	}
}

const struct event_handler *event_handler_find(const struct event_format *event, uint32_t flags)
{
	static const struct event_handler *const lists[] = {
		ftrace_handlers, sched_handlers, timer_handlers, memory_handlers, futex_handlers,
		kvm_handlers, wireless_handlers,
	};
	bool plugins = !(flags & (REPORT_NO_PLUGINS | REPORT_NO_SYSTEM_PLUGINS));

	for (size_t i = 0; i < countof(lists); i++)
		for (const struct event_handler *h = lists[i]; h->name; h++)
			if ((plugins || (h->builtin && !(flags & REPORT_NO_SYSTEM_PLUGINS))) &&
			    text_is(event->name, h->name) && text_is(event->system, h->system))
				return h;
	return NULL;
}
