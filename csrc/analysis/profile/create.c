/* SPDX-License-Identifier: MIT */
/* What a file's events are for a profile, and the pairs they make. */
#include <stdlib.h>
#include <string.h>

#include "analysis/profile/profile.h"
#include "base/error.h"
#include "file/file.h"

int profile_fail(const struct trc_profile *profile, struct trc_error *err)
{
	if (profile->base.account.exceeded)
		return trc_fail(err, TRC_LIMIT, TRC_NO_OFFSET,
				"profile: tasks, events and stacks take more than the budget of %llu bytes",
				(unsigned long long)profile->base.account.budget.memory);
	return trc_fail_no_memory(err);
}

/* --- events ---------------------------------------------------------------------------------- */

static struct event_place place_of(const struct event_format *event, struct text name)
{
	const struct event_field *field = event_own_field(event, name);

	return field ? (struct event_place){ field->offset, field->size } : (struct event_place){ 0 };
}

static struct event_place place_named(const struct event_format *event, const char *name)
{
	return place_of(event, (struct text){ name, strlen(name) });
}

/* An event as none that is known: counted, by its first field. NONE: there is no room. */
static uint32_t add_event(struct trc_profile *profile, struct profile_file *file,
			  const struct event_format *format, uint32_t id_count)
{
	void *grown = profile->events;
	uint32_t number = (uint32_t)profile->event_count;

	if (!grow_by_number(&profile->base, &grown, &profile->event_room, number, sizeof(*profile->events)))
		return NONE;
	profile->events = grown;
	profile->event_count++;
	profile->events[number] = (struct profile_event){
		.format = format,
		.ended_by = NONE,
		.began_by = NONE,
	};
	if (format->id < id_count)
		file->by_id[format->id] = number + 1;
	return number;
}

static uint32_t meet_event(struct trc_profile *profile, const struct analysis_file *from,
			   struct profile_file *file, uint32_t id, bool *no_room)
{
	const struct event_format *format = event_by_id(from->formats, id);
	uint32_t number;

	if (!format)
		return NONE;
	number = add_event(profile, file, format, from->formats->id_count);
	*no_room = number == NONE;
	if (number != NONE && format->reported_field_count)
		profile->events[number].places[PLACE_VALUE] = (struct event_place){ format->fields[0].offset,
										    format->fields[0].size };
	return number;
}

uint32_t profile_event_of(struct trc_profile *profile, const struct walk_record *record, bool *no_room)
{
	const struct analysis_file *from = analysis_file_of(&profile->base, record);
	struct profile_file *file = &profile->files[from - profile->base.files];
	uint32_t id = record_id(from->formats->common.type, from->big_endian, record->payload, record->size);

	*no_room = false;
	if (TRC_UNLIKELY(id >= from->formats->id_count))
		return NONE;
	if (TRC_LIKELY(file->by_id[id]))
		return file->by_id[id] - 1;
	return meet_event(profile, from, file, id, no_room);
}

/* --- those that are known ------------------------------------------------------------------------ */

enum known {
	IRQ_ENTRY,
	IRQ_EXIT,
	SOFTIRQ_ENTRY,
	SOFTIRQ_EXIT,
	SOFTIRQ_RAISE,
	WAKEUP,
	SWITCH,
	CALL,
	RETURN,
	SYS_ENTER,
	SYS_EXIT,
	EXEC,
	STACK,
	FUNCTION,
	KNOWN,
};

struct known_event {
	const char *name;
	uint8_t value; /* enum profile_value */
};

static const struct known_event known_events[KNOWN] = {
	[IRQ_ENTRY] = { "irq:irq_handler_entry", VALUE_HEX },
	[IRQ_EXIT] = { "irq:irq_handler_exit", VALUE_HEX },
	[SOFTIRQ_ENTRY] = { "irq:softirq_entry", VALUE_SOFTIRQ },
	[SOFTIRQ_EXIT] = { "irq:softirq_exit", VALUE_SOFTIRQ },
	[SOFTIRQ_RAISE] = { "irq:softirq_raise", VALUE_SOFTIRQ },
	[WAKEUP] = { "sched:sched_wakeup", VALUE_HEX },
	[SWITCH] = { "sched:sched_switch", VALUE_STATE },
	[CALL] = { "ftrace:funcgraph_entry", VALUE_FUNCTION },
	[RETURN] = { "ftrace:funcgraph_exit", VALUE_FUNCTION },
	[SYS_ENTER] = { "raw_syscalls:sys_enter", VALUE_HEX },
	[SYS_EXIT] = { "raw_syscalls:sys_exit", VALUE_HEX },
	[EXEC] = { "sched:sched_process_exec", VALUE_HEX },
	[STACK] = { "ftrace:kernel_stack", VALUE_HEX },
	[FUNCTION] = { "ftrace:function", VALUE_FUNCTION },
};

/* The pairs in which nothing but a field joins the two. */
static const struct known_pair {
	enum known begin, end;
	const char *field;
	bool migrates, is_interrupt;
} known_pairs[] = {
	{ IRQ_ENTRY, IRQ_EXIT, "irq", false, true },
	{ SOFTIRQ_ENTRY, SOFTIRQ_EXIT, "vec", false, true },
	{ SOFTIRQ_RAISE, SOFTIRQ_ENTRY, "vec", false, true },
	{ CALL, RETURN, "func", true, false },
	{ SYS_ENTER, SYS_EXIT, "id", true, false },
};

static void join(struct profile_event *begin, uint32_t begin_number, struct profile_event *end,
		 uint32_t end_number)
{
	begin->ended_by = end_number;
	end->began_by = begin_number;
}

static void join_known(struct trc_profile *profile, const uint32_t numbers[KNOWN])
{
	for (size_t i = 0; i < countof(known_pairs); i++) {
		const struct known_pair *pair = &known_pairs[i];
		uint32_t first = numbers[pair->begin], last = numbers[pair->end];
		struct profile_event *begin, *end;
		struct event_place of_begin, of_end;

		if (first == NONE || last == NONE)
			continue;
		begin = &profile->events[first];
		end = &profile->events[last];
		of_begin = place_named(begin->format, pair->field);
		of_end = place_named(end->format, pair->field);
		if (!of_begin.size || !of_end.size)
			continue;
		join(begin, first, end, last);
		begin->places[PLACE_BEGIN] = of_begin;
		end->places[PLACE_END] = of_end;
		begin->migrates = end->migrates = pair->migrates;
		begin->global = end->global = pair->is_interrupt && profile->flags & TRC_PROFILE_GLOBAL;
		if (pair->begin == SYS_ENTER)
			begin->value = end->value = VALUE_SYSCALL;
		if (pair->begin == CALL) {
			begin->role = PROFILE_CALL;
			end->role = PROFILE_RETURN;
		}
	}
}

/* A switch begins a time off the CPU, which a wake-up ends, or the next switch. */
static void know_scheduler(struct trc_profile *profile, const uint32_t numbers[KNOWN])
{
	struct profile_event *out = numbers[SWITCH] == NONE ? NULL : &profile->events[numbers[SWITCH]];
	struct profile_event *wakeup = numbers[WAKEUP] == NONE ? NULL : &profile->events[numbers[WAKEUP]];

	if (!out)
		return;
	out->places[PLACE_PID] = place_named(out->format, "prev_pid");
	out->places[PLACE_BEGIN] = place_named(out->format, "next_pid");
	out->places[PLACE_VALUE] = place_named(out->format, "prev_state");
	out->places[PLACE_COMM] = place_named(out->format, "prev_comm");
	out->places[PLACE_NEXT_COMM] = place_named(out->format, "next_comm");
	if (!out->places[PLACE_PID].size || !out->places[PLACE_BEGIN].size ||
	    !out->places[PLACE_VALUE].size) {
		memset(out->places, 0, sizeof(out->places));
		return;
	}
	out->role = PROFILE_SWITCH;
	out->migrates = true;
	if (!wakeup || !place_named(wakeup->format, "pid").size)
		return;
	wakeup->role = PROFILE_WAKEUP;
	wakeup->migrates = true;
	wakeup->places[PLACE_PID] = place_named(wakeup->format, "pid");
	wakeup->places[PLACE_COMM] = place_named(wakeup->format, "comm");
	wakeup->places[PLACE_VALUE] = place_named(wakeup->format, "success"); /* until Linux 4.3 */
	join(out, numbers[SWITCH], wakeup, numbers[WAKEUP]);
	join(wakeup, numbers[WAKEUP], out, numbers[SWITCH]);
}

/* Those that are no pair, or were none. */
static void know_others(struct trc_profile *profile, const uint32_t numbers[KNOWN])
{
	if (numbers[EXEC] != NONE) {
		struct profile_event *exec = &profile->events[numbers[EXEC]];

		exec->role = PROFILE_EXEC;
		exec->places[PLACE_PID] = place_named(exec->format, "old_pid");
	}
	if (numbers[STACK] != NONE) {
		struct profile_event *stack = &profile->events[numbers[STACK]];
		const struct event_field *caller = event_own_field(stack->format, TEXT("caller"));

		if (caller) {
			stack->role = PROFILE_STACK;
			stack->places[PLACE_VALUE] = (struct event_place){ caller->offset, caller->size };
		}
	}
	if (numbers[FUNCTION] != NONE)
		profile->events[numbers[FUNCTION]].places[PLACE_VALUE] =
			place_named(profile->events[numbers[FUNCTION]].format, "ip");
}

static int know_events(struct trc_profile *profile, uint32_t number, struct trc_error *err)
{
	const struct analysis_file *from = &profile->base.files[number];
	struct profile_file *file = &profile->files[number];
	uint32_t numbers[KNOWN];

	file->by_id = calloc((size_t)from->formats->id_count + 1, sizeof(*file->by_id));
	if (!file->by_id)
		return trc_fail_no_memory(err);
	for (size_t i = 0; i < KNOWN; i++) {
		const struct event_format *format = analysis_event(from, known_events[i].name);

		numbers[i] = NONE;
		if (!format)
			continue;
		numbers[i] = add_event(profile, file, format, from->formats->id_count);
		if (numbers[i] == NONE)
			return profile_fail(profile, err);
		profile->events[numbers[i]].value = known_events[i].value;
	}
	join_known(profile, numbers);
	know_scheduler(profile, numbers);
	know_others(profile, numbers);
	return TRC_OK;
}

/* --- hooks ----------------------------------------------------------------------------------- */

static const struct event_format *hooked_event(const struct analysis_file *file,
					       const struct trc_hook_side *side)
{
	return event_by_name(file->formats, (struct text){ side->system, side->system_size },
			     (struct text){ side->event, side->event_size });
}

static int hooked_place(const struct event_format *event, const char *name, size_t size,
			struct event_place *place, struct trc_error *err)
{
	*place = place_of(event, (struct text){ name, size });
	if (place->size)
		return TRC_OK;
	return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "hook: event %.*s has no field %.*s",
			(int)event->name.size, event->name.start, (int)size, name);
}

int trc_profile_add_hook(struct trc_profile *profile, size_t source, const struct trc_hook *hook,
			 struct trc_error *err)
{
	uint32_t number = source < profile->base.source_count ? profile->base.sources[source].file : 0;
	const struct analysis_file *from = &profile->base.files[number];
	struct profile_event begin = { 0 }, end = { 0 };
	uint32_t first, last;
	int rc;

	if (source >= profile->base.source_count)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "hook: source %zu is not there", source);
	begin.format = hooked_event(from, &hook->start);
	end.format = hooked_event(from, &hook->end);
	if (!begin.format || !end.format) {
		const struct trc_hook_side *side = begin.format ? &hook->end : &hook->start;

		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "hook: there is no event %.*s",
				(int)side->event_size, side->event);
	}
	if ((rc = hooked_place(begin.format, hook->start.field, hook->start.field_size,
			       &begin.places[PLACE_BEGIN], err)) ||
	    (rc = hooked_place(end.format, hook->end.field, hook->end.field_size, &end.places[PLACE_END],
			       err)) ||
	    (hook->pid_field_size && (rc = hooked_place(begin.format, hook->pid_field, hook->pid_field_size,
							&begin.places[PLACE_PID], err))))
		return rc;
	begin.migrates = end.migrates = !(hook->flags & TRC_HOOK_PRIVATE);
	begin.global = end.global = hook->flags & TRC_HOOK_GLOBAL;
	first = add_event(profile, &profile->files[number], begin.format, from->formats->id_count);
	last = first == NONE ?
		       NONE :
		       add_event(profile, &profile->files[number], end.format, from->formats->id_count);
	if (last == NONE)
		return profile_fail(profile, err);
	profile->events[first] = begin;
	profile->events[last] = end;
	profile->events[first].began_by = profile->events[last].ended_by = NONE;
	join(&profile->events[first], first, &profile->events[last], last);
	return TRC_OK;
}

/* --- profiles -------------------------------------------------------------------------------- */

static void deinit(struct trc_analysis *analysis)
{
	struct trc_profile *profile = (struct trc_profile *)analysis;

	for (size_t i = 0; profile->files && i < analysis->file_count; i++)
		free(profile->files[i].by_id);
	free(profile->files);
	free(profile->events);
	key_map_deinit(&profile->task_map);
	key_map_deinit(&profile->open_map);
	key_map_deinit(&profile->sum_map);
	key_map_deinit(&profile->stack_map);
	text_table_deinit(&profile->stacks);
	text_table_deinit(&profile->comms);
	free(profile->tasks);
	free(profile->opens);
	free(profile->starts);
	free(profile->lists);
	free(profile->units);
	free(profile->sums);
	free(profile->stack_sums);
	free(profile->page.tasks);
	free(profile->page.sums);
	output_deinit(&profile->page.out);
}

static const struct analysis_machine machine = { .deinit = deinit };

static int init(struct trc_profile *profile, const struct trc_profile_options *options, struct trc_error *err)
{
	struct trc_analysis *base = &profile->base;
	size_t lists = base->source_count + base->group_count;
	int rc = TRC_OK;

	profile->flags = options->flags;
	profile->task_map.words = profile->open_map.words = 2;
	profile->sum_map.words = 3;
	profile->stack_map.words = 1;
	profile->free_start = NONE;
	output_init(&profile->page.out);
	profile->files = calloc(base->file_count + 1, sizeof(*profile->files));
	profile->lists = malloc((lists + 1) * sizeof(*profile->lists));
	profile->units = calloc(base->group_count + (size_t)1, sizeof(*profile->units));
	if (!profile->files || !profile->lists || !profile->units)
		return trc_fail_no_memory(err);
	memset(profile->lists, 0xff, (lists + 1) * sizeof(*profile->lists)); /* NONE */
	for (uint32_t i = 0; i < base->source_count; i++)
		profile->units[base->sources[i].group] = i;
	for (size_t i = 0; options->symbols && i < base->source_count; i++) {
		if (options->symbols[i])
			profile->files[base->sources[i].file].symbols = &options->symbols[i]->kallsyms;
	}
	for (uint32_t i = 0; !rc && i < base->file_count; i++)
		rc = know_events(profile, i, err);
	return rc;
}

int trc_profile_create(const struct trc_analysis_source *sources, size_t count,
		       const struct trc_profile_options *options, struct trc_profile **out,
		       struct trc_error *err)
{
	static const struct trc_analysis_options all = { .until_last = 1 };
	struct trc_analysis *base;
	int rc = analysis_create(sizeof(struct trc_profile), &machine, sources, count, &all, &base, err);

	if (rc)
		return rc;
	rc = init((struct trc_profile *)base, options, err);
	if (rc)
		trc_analysis_destroy(base);
	else
		*out = (struct trc_profile *)base;
	return rc;
}

void trc_profile_destroy(struct trc_profile *profile)
{
	if (profile)
		trc_analysis_destroy(&profile->base);
}
