/* SPDX-License-Identifier: MIT */
/* Calls of function_graph: what tasks have open, and what ends it. */
#include <stdlib.h>

#include "analysis/calls.h"

#define LONGEST (UINT64_C(1) << 56) /* ns, two years: what takes longer is no time */

bool calls_load(const struct calls *calls, const struct walk_record *record, enum calls_field field,
		uint64_t *number)
{
	uint32_t file = calls->base.sources[record->source].file;
	const struct value_place *place = &calls->places[file].fields[field];
	const struct field_access *access = &place->access;

	if (!place->has || record->size < access->width || access->offset > record->size - access->width)
		return false;
	*number = value_integer(access, record->payload, calls->base.files[file].big_endian);
	return true;
}

int32_t calls_pid(const struct calls *calls, const struct walk_record *record)
{
	uint32_t file = calls->base.sources[record->source].file;

	return record_pid(calls->places[file].pid, calls->base.files[file].big_endian, record->payload,
			  record->size);
}

/* --- stacks ---------------------------------------------------------------------------------- */

/* NULL: there is no memory. */
static struct call_stack *stack_of(struct calls *calls, const struct walk_record *record)
{
	int32_t pid = calls_pid(calls, record);
	uint32_t group = calls->base.sources[record->source].group;
	const uint64_t key[] = { group, (uint64_t)pid, pid ? 0 : record->source };
	bool added;
	uint32_t number = key_map_add(&calls->stack_map, &calls->base, key, &added);

	if (number == KEY_NONE || !grow_by_number(&calls->base, (void **)&calls->stacks, &calls->stack_room,
						  number, sizeof(*calls->stacks)))
		return NULL;
	if (added)
		calls->stacks[number] =
			(struct call_stack){ .group = group, .source = record->source, .pid = pid };
	return &calls->stacks[number];
}

static bool lost_since(const struct calls *calls, const struct call_stack *stack, uint64_t start)
{
	const struct analysis_source *source = &calls->base.sources[stack->source];

	if (!stack->pid)
		return source->has_lost && source->lost > start;
	return calls_lost_since(calls, stack->group, start);
}

static bool push(struct calls *calls, struct call_stack *stack, const struct open_call *call)
{
	if (!grow_by_number(&calls->base, (void **)&stack->calls, &stack->room, stack->count,
			    sizeof(*stack->calls)))
		return false;
	stack->calls[stack->count++] = *call;
	return true;
}

static struct open_call *top_of(const struct call_stack *stack)
{
	return stack->count ? &stack->calls[stack->count - 1] : NULL;
}

/* What lies around a record whose partner is not there does not have all of its records. */
static void cut_top(struct call_stack *stack)
{
	struct open_call *top = top_of(stack);

	if (top)
		top->cut = true;
}

/* --- calls around others --------------------------------------------------------------------- */

/* The early ones that wait for their caller, of a depth and deeper. */
static struct early_calls take_early(struct call_stack *stack, uint64_t depth)
{
	struct early_calls all = { 0 };

	while (stack->early_count) {
		const struct early_calls *early = &stack->early[stack->early_count - 1];

		if (early->level < stack->count || early->depth < depth)
			break;
		all.first = all.has && all.first < early->first ? all.first : early->first;
		all.last = all.last > early->last ? all.last : early->last;
		all.sum += early->sum;
		all.cut |= early->cut || all.sum < early->sum;
		all.has = true;
		stack->early_count--;
	}
	return all;
}

static bool add_early(struct calls *calls, struct call_stack *stack, const struct early_calls *early)
{
	struct early_calls *last = stack->early_count ? &stack->early[stack->early_count - 1] : NULL;

	if (last && last->level == early->level && last->depth == early->depth) {
		last->first = early->first < last->first ? early->first : last->first;
		last->last = early->last > last->last ? early->last : last->last;
		last->sum += early->sum;
		last->cut |= early->cut || last->sum < early->sum;
		return true;
	}
	if (!grow_by_number(&calls->base, (void **)&stack->early, &stack->early_room, stack->early_count,
			    sizeof(*stack->early)))
		return false;
	stack->early[stack->early_count++] = *early;
	return true;
}

static bool is_early(const struct call_stack *stack, const struct open_call *call)
{
	const struct open_call *top = top_of(stack);

	return top ? call->depth > (uint64_t)top->depth + 1 : call->depth > 0;
}

static bool leave_early(struct calls *calls, struct call_stack *stack, const struct open_call *call,
			bool whole, uint64_t from, uint64_t to)
{
	const struct early_calls early = {
		.sum = whole ? to - from : 0,
		.first = from,
		.last = to,
		.level = stack->count,
		.depth = call->depth,
		.has = true,
		.cut = !whole,
	};

	return !is_early(stack, call) || add_early(calls, stack, &early);
}

static void add_callee(struct open_call *caller, uint64_t begin, uint64_t total)
{
	caller->inside += total;
	caller->cut |= caller->inside < total;
	caller->late[caller->ended++ % LATE_CALLS] = (struct ended_call){ begin, total };
}

/* Those that ended before its entry began inside it, or before; false: that is not known. */
static bool settle_early(struct open_call *call, struct open_call *caller, uint64_t from)
{
	const struct early_calls *early = &call->early;

	if (!early->has || early->last <= from)
		return true;
	if (early->cut || early->first < from)
		return false;
	call->inside += early->sum;
	if (caller)
		caller->inside -= early->sum;
	return true;
}

/* Those that began when it had ended, but before its exit was written, are its caller's. */
static bool settle_late(struct open_call *call, struct open_call *caller, uint64_t to)
{
	uint32_t known = call->ended < LATE_CALLS ? call->ended : LATE_CALLS, i = 0;

	for (; i < known; i++) {
		const struct ended_call *last = &call->late[(call->ended - 1 - i) % LATE_CALLS];

		if (last->begin < to)
			return true;
		call->inside -= last->total;
		if (caller)
			add_callee(caller, last->begin, last->total);
	}
	return i == call->ended;
}

/* --- begin and end --------------------------------------------------------------------------- */

/* The calls at a depth and above end without an exit. */
static bool drop_from(struct calls *calls, struct call_stack *stack, uint64_t depth)
{
	while (stack->count && top_of(stack)->depth >= depth) {
		const struct open_call call = stack->calls[--stack->count];

		cut_top(stack);
		while (stack->early_count && stack->early[stack->early_count - 1].level > stack->count)
			stack->early_count--;
		if (!leave_early(calls, stack, &call, false, call.start, UINT64_MAX) ||
		    !calls->answer->end(calls, stack->pid, &call, CALL_UNMATCHED, 0, 0))
			return false;
	}
	return true;
}

/* Who calls it, as far as that is known. */
static void find_caller(const struct calls *calls, const struct call_stack *stack, struct open_call *call)
{
	const struct open_call *caller = top_of(stack);

	call->has_caller = caller && !lost_since(calls, stack, caller->start);
	call->parent = call->has_caller && !is_early(stack, call) ? caller->function : NO_FUNCTION;
}

bool calls_put_entry(struct calls *calls, const struct walk_record *record, uint8_t role)
{
	bool plain = role == CALLS_ENTRY;
	uint32_t file = calls->base.sources[record->source].file;
	struct open_call call = { .start = record->ts, .source = record->source };
	struct call_stack *stack;
	uint64_t address, depth;

	if (!calls_load(calls, record, plain ? ENTRY_FUNC : RETADDR_FUNC, &address) ||
	    !calls_load(calls, record, plain ? ENTRY_DEPTH : RETADDR_DEPTH, &depth))
		return true;
	call.function = function_table_add(&calls->functions, &calls->base, file, address);
	stack = stack_of(calls, record);
	call.depth = (uint32_t)depth;
	if (call.function == NO_FUNCTION || !stack || !drop_from(calls, stack, call.depth))
		return false;
	find_caller(calls, stack, &call);
	call.early = take_early(stack, (uint64_t)call.depth + 1);
	return (!calls->answer->begin || calls->answer->begin(calls, stack, &call)) &&
	       push(calls, stack, &call);
}

/* When the call at hand began and ended, as the kernel took it, or else by the records. */
static void times_of(const struct calls *calls, const struct walk_record *record, uint64_t start,
		     uint64_t *from, uint64_t *to)
{
	if (calls_load(calls, record, EXIT_CALLTIME, from) && calls_load(calls, record, EXIT_RETTIME, to))
		return;
	*from = start;
	*to = record->ts;
}

static bool end_call(struct calls *calls, struct call_stack *stack, const struct walk_record *record)
{
	struct open_call call = stack->calls[--stack->count], *caller = top_of(stack);
	uint64_t from, to, total, self;
	bool whole;

	times_of(calls, record, call.start, &from, &to);
	while (stack->early_count && stack->early[stack->early_count - 1].level > stack->count)
		stack->early_count--;
	whole = to >= from && to - from <= LONGEST && !call.cut && !lost_since(calls, stack, call.start) &&
		settle_late(&call, caller, to) && settle_early(&call, caller, from);
	if (!leave_early(calls, stack, &call, whole, from, to))
		return false;
	if (!whole) {
		cut_top(stack);
		return calls->answer->end(calls, stack->pid, &call, CALL_LOST, 0, 0);
	}
	total = to - from;
	self = total > call.inside ? total - call.inside : 0;
	if (caller)
		add_callee(caller, from, total);
	return calls->answer->end(calls, stack->pid, &call, CALL_WHOLE, total, self);
}

/* --- records --------------------------------------------------------------------------------- */

/* An exit whose entry is not there. */
static bool end_unknown(struct calls *calls, struct call_stack *stack, const struct walk_record *record,
			struct open_call *call)
{
	uint64_t from, to;

	times_of(calls, record, record->ts, &from, &to);
	cut_top(stack);
	take_early(stack, (uint64_t)call->depth + 1); /* they were in it */
	call->parent = NO_FUNCTION;
	return leave_early(calls, stack, call, false, from, to) &&
	       (!calls->answer->begin || calls->answer->begin(calls, stack, call)) &&
	       calls->answer->end(calls, stack->pid, call, CALL_UNMATCHED, 0, 0);
}

bool calls_put_exit(struct calls *calls, const struct walk_record *record)
{
	uint32_t file = calls->base.sources[record->source].file;
	struct open_call call = { .start = record->ts, .source = record->source };
	const struct open_call *top;
	struct call_stack *stack;
	uint64_t address, depth;

	if (!calls_load(calls, record, EXIT_FUNC, &address) || !calls_load(calls, record, EXIT_DEPTH, &depth))
		return true;
	call.function = function_table_add(&calls->functions, &calls->base, file, address);
	stack = stack_of(calls, record);
	call.depth = (uint32_t)depth;
	if (call.function == NO_FUNCTION || !stack || !drop_from(calls, stack, (uint64_t)call.depth + 1))
		return false;
	top = top_of(stack);
	if (top && top->depth == call.depth && top->function == call.function)
		return end_call(calls, stack, record);
	return drop_from(calls, stack, call.depth) && end_unknown(calls, stack, record, &call);
}

bool calls_put_kvm(struct calls *calls, const struct walk_record *record, uint8_t role)
{
	uint32_t file = calls->base.sources[record->source].file;
	struct open_call call = { .start = record->ts, .source = record->source, .parent = NO_FUNCTION };
	struct call_stack *stack = stack_of(calls, record);
	uint64_t reason, second;

	if (!stack)
		return false;
	if (role == CALLS_KVM_ENTRY)
		return !stack->count || end_call(calls, stack, record);
	if (!calls_load(calls, record, KVM_REASON, &reason))
		return true;
	if (calls_load(calls, record, KVM_SECOND, &second))
		reason = (uint32_t)reason | second << 32;
	call.function = function_table_add(&calls->functions, &calls->base, file, reason);
	return call.function != NO_FUNCTION && drop_from(calls, stack, 0) && push(calls, stack, &call);
}

/* What is open at the end has no exit. */
bool calls_end_all(struct calls *calls)
{
	for (size_t i = 0; i < calls->stack_map.count; i++) {
		if (!drop_from(calls, &calls->stacks[i], 0))
			return false;
	}
	return true;
}
