/* SPDX-License-Identifier: MIT */
/* hrtimers. docs/FORMAT.md 6.5. */
#include "report/event_handler.h"

enum { TIMER, HRTIMER, FUNCTION, EXPIRES, NOW = EXPIRES, SOFTEXPIRES };

/* The timer has two names in the course of kernels. */
static void put_timer(struct event_run *run)
{
	run_hex(run, "hrtimer=", run->event->found[TIMER] ? TIMER : HRTIMER);
}

/* libtraceevent prints the function's start minus the address, as a 64-bit number. */
static void put_function(struct event_run *run)
{
	const struct cached_symbol *symbol;
	uint64_t address = run_number(run, FUNCTION);
	struct number_format padded = { .letter = 'x', .zero = true, .width = 8 };

	if (!run->event->found[FUNCTION])
		return;
	output_literal(run->out, " function=");
	symbol = symbol_cache_find(run->print.symbols, address);
	if (symbol) {
		output_text(run->out, symbol->name);
		output_literal(run->out, "/0x");
		output_hex(run->out, symbol->address - address);
	} else {
		output_literal(run->out, "0x");
		output_number(run->out, &padded, address);
	}
}

static bool run_start(struct event_run *run)
{
	put_timer(run);
	put_function(run);
	run_decimal(run, " expires=", EXPIRES);
	run_decimal(run, " softexpires=", SOFTEXPIRES);
	return true;
}

static bool run_expire(struct event_run *run)
{
	put_timer(run);
	run_decimal(run, " now=", NOW);
	put_function(run);
	return true;
}

const struct event_handler timer_handlers[] = {
	{ .system = "timer",
	  .name = "hrtimer_start",
	  .run = run_start,
	  .fields = { "timer", "hrtimer", "function", "expires", "softexpires" } },
	{ .system = "timer",
	  .name = "hrtimer_expire_entry",
	  .run = run_expire,
	  .fields = { "timer", "hrtimer", "function", "now" } },
	{ 0 },
};
