/* SPDX-License-Identifier: MIT */
#include "report/event_handler.h"

#include "metadata/api.h"
#include "report/api.h"

struct text run_text(const struct event_run *run, unsigned i)
{
	const struct place *place = &run->event->fields[i];
	const struct print_fmt *program = run->event->program;
	struct span bytes = place->flags & TRC_FIELD_DYNAMIC ? read_dynamic(program, &run->print, place) :
							       read_static(&run->print, place);
	const uint8_t *end = memchr(bytes.data, 0, bytes.size);

	return (struct text){ (const char *)bytes.data, end ? (size_t)(end - bytes.data) : bytes.size };
}

void run_time(struct event_run *run, uint64_t ts)
{
	struct number_format ticks = { .letter = 'u', .width = 12 }, seconds = { .letter = 'u', .width = 5 };
	bool all = run->flags & TRC_REPORT_NANOSECONDS;
	char digits[9];

	if (run->ticks) {
		output_number(run->out, &ticks, ts);
		return;
	}
	if (!all)
		ts = (ts + 500) / 1000;
	output_number(run->out, &seconds, ts / (all ? 1000000000 : 1000000));
	output_char(run->out, '.');
	if (all)
		number_padded(digits, ts % 1000000000, 9);
	else
		number_six(digits, (uint32_t)(ts % 1000000));
	output_bytes(run->out, digits, all ? 9 : 6);
}

int32_t run_pid(const struct event_run *run, const struct walk_record *record)
{
	if ((uint64_t)run->pid.offset + run->pid.size > record->size)
		return 0;
	return (int32_t)load_uint(record->payload + run->pid.offset, run->pid.size, run->env->big_endian);
}

const struct cached_symbol *run_function(struct event_run *run, uint64_t address, const char *prefix)
{
	const struct cached_symbol *symbol = symbol_cache_find(run->print.symbols, address);

	if (symbol) {
		output_text(run->out, symbol->name);
	} else {
		output_bytes(run->out, prefix, strlen(prefix));
		output_hex(run->out, address);
	}
	return symbol;
}

void run_missing(struct event_run *run, unsigned i)
{
	const char *name = run->event->handler->fields[i];

	output_literal(run->out, "<CANT FIND FIELD ");
	output_bytes(run->out, name, strlen(name));
	output_char(run->out, '>');
}

bool run_lacks(struct event_run *run, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++) {
		if (run->event->found[i])
			continue;
		run_missing(run, i);
		output_char(run->out, '!');
		return true;
	}
	return false;
}

void run_missing_number(struct event_run *run, unsigned i)
{
	const char *name = run->event->handler->fields[i];

	output_literal(run->out, "CAN'T FIND FIELD \"");
	output_bytes(run->out, name, strlen(name));
	output_char(run->out, '"');
}

void run_decimal(struct event_run *run, const char *label, unsigned i)
{
	output_bytes(run->out, label, strlen(label));
	if (run->event->found[i])
		output_decimal(run->out, run_number(run, i));
	else
		run_missing_number(run, i);
}

void run_hex(struct event_run *run, const char *label, unsigned i)
{
	output_bytes(run->out, label, strlen(label));
	if (run->event->found[i]) {
		output_literal(run->out, "0x");
		output_hex(run->out, run_number(run, i));
	} else {
		run_missing_number(run, i);
	}
}

const struct event_handler *event_handler_find(const struct event_format *event, uint32_t flags)
{
	static const struct event_handler *const lists[] = {
		ftrace_handlers, sched_handlers, timer_handlers,    memory_handlers,
		futex_handlers,	 kvm_handlers,	 wireless_handlers,
	};
	bool plugins = !(flags &
			 (TRC_REPORT_NO_PLUGINS | TRC_REPORT_NO_SYSTEM_PLUGINS | TRC_REPORT_KERNEL_TEXT));

	for (size_t i = 0; i < countof(lists); i++)
		for (const struct event_handler *h = lists[i]; h->name; h++)
			if ((plugins || h->always) && text_is(event->name, h->name) &&
			    text_is(event->system, h->system))
				return h;
	return NULL;
}
