/* SPDX-License-Identifier: MIT */
/*
 * What the tracers themselves record: functions, function graph, stacks, raw markers.
 * docs/FORMAT.md 5.8, 6.5.
 */
#include "report/api.h"
#include "report/event_handler.h"
#include "report/function_args.h"

/* --- function ---------------------------------------------------------------------------- */

enum { IP, PARENT_IP, ARGS, COUNT, TOP_DELTA, BOTTOM_DELTA };

#define ARGUMENTS_MIN 3 /* fewer are none: a record of no arguments may end in as much padding */

/* A parent that is not a known function is not nested in anything. */
static unsigned depth_of(struct event_run *run)
{
	const struct cached_symbol *symbol;
	struct text parent, child = TEXT("");
	int depth;

	symbol = symbol_cache_find(run->print.symbols, run_number(run, PARENT_IP));
	if (!symbol)
		return 0;
	run->depended = true;
	parent = symbol->name;
	symbol = symbol_cache_find(run->print.symbols, run_number(run, IP));
	if (symbol)
		child = symbol->name;
	depth = function_depth(run->stacks, run->cpu, parent, child);
	if (depth < 0)
		run->no_memory = true;
	return depth < 0 ? 0 : (unsigned)depth;
}

/* "+0x12 " after it, if that is wanted; of a known function only. */
static const struct cached_symbol *put_function(struct event_run *run, uint64_t address)
{
	const struct cached_symbol *symbol = run_function(run, address, "0x");

	if (!symbol || !(run->flags & TRC_REPORT_FUNCTION_OFFSET))
		return symbol;
	output_literal(run->out, "+0x");
	output_hex(run->out, (uint32_t)(address - symbol->address)); /* of 32 bits, as libtraceevent has it */
	output_char(run->out, ' ');
	return symbol;
}

static bool run_function_event(struct event_run *run)
{
	const struct cached_symbol *function;

	if (run_lacks(run, IP, 2))
		return false;
	if (!(run->flags & TRC_REPORT_FUNCTION_FLAT))
		output_fill(run->out, ' ', depth_of(run) * 3);
	function = put_function(run, run_number(run, IP));
	if (run_argument_count(run, ARGS) >= ARGUMENTS_MIN) {
		output_char(run->out, '(');
		run_arguments(run, ARGS, function);
		output_char(run->out, ')');
	}
	if (run->flags & TRC_REPORT_FUNCTION_PARENT) {
		output_literal(run->out, " <-- ");
		put_function(run, run_number(run, PARENT_IP));
	}
	return true;
}

/* A function called count times more; the delta leads from this record's time to the last of them. */
static bool run_repeats(struct event_run *run)
{
	uint64_t ts = run->record->ts;

	run_function_event(run);
	if (run_lacks(run, COUNT, 3))
		return false;
	ts -= run_number(run, TOP_DELTA) << 32 | run_number(run, BOTTOM_DELTA);
	output_literal(run->out, " (count: ");
	output_signed(run->out, (int64_t)run_number(run, COUNT));
	output_literal(run->out, "  last_ts: ");
	run_time(run, ts);
	output_char(run->out, ')');
	return true;
}

/* --- function graph ---------------------------------------------------------------------- */

enum { FUNC, DEPTH, CALLTIME, RETTIME, RETVAL }; /* of an exit */
enum { ENTRY_ARGS = 2, RETADDR };		 /* of an entry: behind FUNC and DEPTH */

#define GRAPH_INDENT 2
#define GRAPH_DEPTH_MAX 4096 /* of a record that lies; kernels know 50 levels */
#define ERRNO_MAX 4095	     /* the kernel's MAX_ERRNO */

static void put_overhead(uint64_t duration, struct output *out)
{
	if (duration == UINT64_MAX) /* -1 is libtraceevent's "no duration" */
		output_literal(out, "  ");
	else if (duration > 1000000000)
		output_literal(out, "$ ");
	else if (duration > 1000000)
		output_literal(out, "# ");
	else if (duration > 100000)
		output_literal(out, "! ");
	else if (duration > 10000)
		output_literal(out, "+ ");
	else
		output_literal(out, "  ");
}

/* "12.345 us   |  ": seven columns for the number, the fraction only while it fits. */
static void put_duration(uint64_t duration, struct output *out)
{
	char text[NUMBER_ROOM + 8];
	char *end = number_decimal(text, duration / 1000);

	if (end - text < 7) {
		*end++ = '.';
		end = number_padded(end, duration % 1000, 3);
	}
	output_bytes(out, text, (size_t)(end - text));
	output_literal(out, " us ");
	if (end - text < 7)
		output_fill(out, ' ', (size_t)(7 - (end - text)));
	output_literal(out, "|  ");
}

static void put_indent(uint64_t depth, struct output *out)
{
	int64_t levels = (int32_t)depth;

	if (levels > GRAPH_DEPTH_MAX)
		levels = GRAPH_DEPTH_MAX;
	if (levels > 0)
		output_fill(out, ' ', (size_t)levels * GRAPH_INDENT);
}

/* In hex, but error codes in decimal. */
static void put_return_value(const struct event_text *event, const struct print_record *print, uint32_t flags,
			     struct output *out)
{
	const struct place *place = &event->fields[RETVAL];
	int64_t value;
	bool decimal;

	if (!event->found[RETVAL] || flags & TRC_REPORT_FGRAPH_RETVAL_SKIP)
		return;
	value = (int64_t)read_number(event->program, print, place->offset, place->size);
	decimal = value < 0 && value >= -ERRNO_MAX && !(flags & TRC_REPORT_FGRAPH_RETVAL_HEX);
	output_literal(out, " (ret=");
	if (decimal || flags & TRC_REPORT_FGRAPH_RETVAL_DEC) {
		output_signed(out, value);
	} else {
		output_literal(out, "0x");
		output_hex(out, (uint64_t)value);
	}
	output_char(out, ')');
}

static void put_depth(struct event_run *run)
{
	if (!(run->flags & TRC_REPORT_FGRAPH_DEPTH))
		return;
	output_literal(run->out, " (");
	output_signed(run->out, (int64_t)run_number(run, DEPTH));
	output_char(run->out, ')');
}

/* The record after the entry is its own exit: then one line tells both. */
static bool next_is_exit(const struct event_run *run, struct print_record *exit)
{
	const struct walk_record *next = run->next;
	const struct event_text *event = run->next_event;

	if (!next || !event || event->left_out || !event->handler ||
	    !text_is(TEXT("funcgraph_exit"), event->handler->name) || run->next_cpu != run->cpu ||
	    run_pid(run, next) != run_pid(run, run->record) || !event->found[FUNC])
		return false;
	*exit = (struct print_record){ .data = next->payload,
				       .size = next->size,
				       .symbols = run->print.symbols };
	return read_number(event->program, exit, event->fields[FUNC].offset, event->fields[FUNC].size) ==
	       run_number(run, FUNC);
}

/* "NAME(ARGUMENTS" */
static void put_call(struct event_run *run)
{
	const struct cached_symbol *function = run_function(run, run_number(run, FUNC), "");

	output_char(run->out, '(');
	run_arguments(run, ENTRY_ARGS, function);
}

/* As a comment, if it is recorded and known. */
static void put_caller(struct event_run *run)
{
	const struct cached_symbol *caller = NULL;

	if (run->event->found[RETADDR])
		caller = symbol_cache_find(run->print.symbols, run_number(run, RETADDR));
	if (!caller)
		return;
	output_literal(run->out, " /* <-");
	output_text(run->out, caller->name);
	output_literal(run->out, " */");
}

static void put_leaf(struct event_run *run, const struct print_record *exit)
{
	const struct event_text *event = run->next_event;
	const struct place *call = &event->fields[CALLTIME], *ret = &event->fields[RETTIME];
	uint64_t duration;

	if (!event->found[CALLTIME] || !event->found[RETTIME]) {
		output_char(run->out, '!');
		return;
	}
	duration = read_number(event->program, exit, ret->offset, ret->size) -
		   read_number(event->program, exit, call->offset, call->size);
	put_overhead(duration, run->out);
	put_duration(duration, run->out);
	if (run_lacks(run, DEPTH, 1))
		return;
	put_indent(run_number(run, DEPTH), run->out);
	put_call(run);
	output_literal(run->out, ");");
	put_depth(run);
	put_caller(run);
	put_return_value(event, exit, run->flags, run->out);
}

static bool run_entry(struct event_run *run)
{
	struct print_record exit;

	if (run_lacks(run, FUNC, 1))
		return false;
	if (next_is_exit(run, &exit)) {
		report_take(run->next);
		put_leaf(run, &exit);
		return true;
	}
	output_literal(run->out, "             |  ");
	if (run_lacks(run, DEPTH, 1))
		return true;
	put_indent(run_number(run, DEPTH), run->out);
	put_call(run);
	output_char(run->out, ')');
	put_caller(run);
	output_literal(run->out, " {");
	put_depth(run);
	return true;
}

/* The function's name as a comment. An unknown one ends the line: libtraceevent drops the rest. */
static bool put_tail(struct event_run *run)
{
	const struct cached_symbol *symbol;

	if (!(run->flags & TRC_REPORT_FGRAPH_TAILPRINT))
		return true;
	if (!run->event->found[FUNC])
		return false;
	symbol = symbol_cache_find(run->print.symbols, run_number(run, FUNC));
	if (!symbol)
		return false;
	output_literal(run->out, " /* ");
	output_text(run->out, symbol->name);
	output_literal(run->out, " */");
	return true;
}

static bool run_exit(struct event_run *run)
{
	uint64_t duration = run_number(run, RETTIME) - run_number(run, CALLTIME);

	if (run_lacks(run, RETTIME, 1) || run_lacks(run, CALLTIME, 1))
		return false;
	put_overhead(duration, run->out);
	put_duration(duration, run->out);
	if (run_lacks(run, DEPTH, 1))
		return false;
	put_indent(run_number(run, DEPTH), run->out);
	output_char(run->out, '}');
	if (!put_tail(run))
		return true;
	put_depth(run);
	put_return_value(run->event, &run->print, run->flags, run->out);
	return true;
}

/* --- stacks and raw data ----------------------------------------------------------------- */

enum { CALLER };
enum { RAW_ID, RAW_BUF };

static bool run_kernel_stack(struct event_run *run)
{
	unsigned size = run->env->long_size;
	uint64_t offset = run->event->fields[CALLER].offset, none = size == 8 ? UINT64_MAX : UINT32_MAX;

	if (!run->event->found[CALLER]) {
		run_missing(run, CALLER);
		return true;
	}
	output_literal(run->out, "<stack trace >\n");
	for (; offset + size <= run->record->size; offset += size) {
		uint64_t address = load_uint(run->record->payload + offset, size, run->env->big_endian);

		if (address == none)
			break;
		output_literal(run->out, "=> ");
		if (symbol_cache_find(run->print.symbols, address)) {
			put_function(run, address);
			output_literal(run->out, " (");
			output_hex(run->out, address);
			output_literal(run->out, ")\n");
		} else {
			output_hex(run->out, address);
			output_char(run->out, '\n');
		}
	}
	return true;
}

static bool run_raw_data(struct event_run *run)
{
	uint32_t offset = run->event->fields[RAW_BUF].offset, size = run->record->size;
	uint32_t step = run->env->kernel_text ? 8 : run->env->long_size;

	if (run_lacks(run, RAW_ID, 1))
		return false;
	output_literal(run->out, "# ");
	output_hex(run->out, run_number(run, RAW_ID));
	if (!run->event->found[RAW_BUF]) {
		run_missing(run, RAW_BUF);
		return true;
	}
	/* libtraceevent steps by the kernel's long but prints 8 bytes each time: with 4-byte ones all twice. */
	for (; offset < size; offset += step) {
		for (uint32_t i = offset; i < size && i < offset + 8; i++) {
			uint8_t byte = run->record->payload[i];
			char text[3] = { ' ', number_lower[byte >> 4], number_lower[byte & 15] };

			output_bytes(run->out, text, 3);
		}
	}
	return true;
}

const struct event_handler ftrace_handlers[] = {
	{ .system = "ftrace",
	  .name = "function",
	  .run = run_function_event,
	  .fields = { "ip", "parent_ip", "args" } },
	{ .system = "ftrace",
	  .name = "func_repeats",
	  .run = run_repeats,
	  .fields = { "ip", "parent_ip", "args", "count", "top_delta_ts", "bottom_delta_ts" } },
	{ .system = "ftrace",
	  .name = "funcgraph_entry",
	  .run = run_entry,
	  .wants_next = true,
	  .needs = "funcgraph_exit",
	  .fields = { "func", "depth", "args", "retaddr" } },
	{ .system = "ftrace",
	  .name = "fgraph_retaddr_entry",
	  .run = run_entry,
	  .wants_next = true,
	  .needs = "funcgraph_exit",
	  .fields = { "func", "depth", "args", "retaddr" } },
	{ .system = "ftrace",
	  .name = "funcgraph_exit",
	  .run = run_exit,
	  .fields = { "func", "depth", "calltime", "rettime", "retval" } },
	{ .system = "ftrace", .name = "kernel_stack", .run = run_kernel_stack, .fields = { "caller" } },
	{ .system = "ftrace", .name = "raw_data", .run = run_raw_data, .fields = { "id", "buf" } },
	{ .system = "ftrace",
	  .name = "bprint",
	  .run = run_bprint,
	  .always = true,
	  .fields = { "ip", "fmt", "buf" } },
	{ 0 },
};
