/* SPDX-License-Identifier: MIT */
/* Which events calls and stacks are of, and the machine that takes their records. */
#include <stdlib.h>
#include <string.h>

#include "analysis/calls.h"
#include "base/error.h"
#include "records/data.h"

/* --- the machine ----------------------------------------------------------------------------- */

static bool put(struct trc_analysis *analysis, const struct walk_record *record)
{
	struct calls *calls = (struct calls *)analysis;
	uint8_t role = analysis_role(analysis_file_of(analysis, record), record);

	if (calls->kind == TRC_CALLS_EXITS)
		return !role || calls_put_kvm(calls, record, role);
	if (calls->kind == TRC_CALLS_OFFCPU || (role != CALLS_EXIT && role > CALLS_RETADDR_ENTRY))
		return calls->answer->other(calls, record, role);
	if (role == CALLS_EXIT)
		return calls_put_exit(calls, record);
	return !role || calls_put_entry(calls, record, role);
}

static bool lose(struct trc_analysis *analysis, uint32_t source, const struct walk_gap *gap)
{
	struct calls *calls = (struct calls *)analysis;
	uint32_t group = analysis->sources[source].group;

	if (!calls->group_has_lost[group] || gap->to > calls->group_lost[group])
		calls->group_lost[group] = gap->to;
	calls->group_has_lost[group] = true;
	return !calls->answer->lose || calls->answer->lose(calls, source);
}

static bool finish(struct trc_analysis *analysis)
{
	struct calls *calls = (struct calls *)analysis;

	return calls_end_all(calls) && calls->answer->finish(calls);
}

static void deinit(struct trc_analysis *analysis)
{
	struct calls *calls = (struct calls *)analysis;

	if (calls->answer)
		calls->answer->deinit(calls);
	for (size_t i = 0; i < calls->stack_room; i++) {
		free(calls->stacks[i].calls);
		free(calls->stacks[i].early);
	}
	key_map_deinit(&calls->stack_map);
	function_table_deinit(&calls->functions);
	free(calls->places);
	free(calls->stacks);
	free(calls->group_lost);
	free(calls->group_has_lost);
	free(calls->memory);
}

static const struct analysis_machine calls_machine = { put, lose, finish, deinit };

/* --- events ---------------------------------------------------------------------------------- */

struct wanted_event {
	const char *name;
	uint8_t role;
	uint8_t kinds; /* bits by enum trc_calls_kind */
	struct {
		const char *name;
		uint8_t field;
		bool needed;
	} fields[4];
};

#define OF(kind) (1 << (kind))
#define OF_GRAPH (OF(TRC_CALLS_FUNCTIONS) | OF(TRC_CALLS_SELF))

static const struct wanted_event wanted_events[] = {
	{ "ftrace:funcgraph_entry",
	  CALLS_ENTRY,
	  OF_GRAPH,
	  { { "func", ENTRY_FUNC, true }, { "depth", ENTRY_DEPTH, true } } },
	{ "ftrace:fgraph_retaddr_entry",
	  CALLS_RETADDR_ENTRY,
	  OF_GRAPH,
	  { { "func", RETADDR_FUNC, true }, { "depth", RETADDR_DEPTH, true } } },
	{ "ftrace:funcgraph_exit",
	  CALLS_EXIT,
	  OF_GRAPH,
	  { { "func", EXIT_FUNC, true },
	    { "depth", EXIT_DEPTH, true },
	    { "calltime", EXIT_CALLTIME, false },
	    { "rettime", EXIT_RETTIME, false } } },
	{ "ftrace:function",
	  CALLS_FUNCTION,
	  OF(TRC_CALLS_FUNCTIONS),
	  { { "ip", FUNCTION_IP, true }, { "parent_ip", FUNCTION_PARENT, false } } },
	{ "ftrace:kernel_stack", CALLS_STACK, OF(TRC_CALLS_SAMPLES) | OF(TRC_CALLS_OFFCPU), { { 0 } } },
	{ "sched:sched_switch",
	  CALLS_SWITCH,
	  OF(TRC_CALLS_OFFCPU),
	  { { "prev_pid", SWITCH_PREV, true }, { "next_pid", SWITCH_NEXT, true } } },
};

/* An event of a file whose fields are not what they should be is left out. */
static void find_event(const struct calls *calls, struct analysis_file *file, struct calls_places *places,
		       const struct wanted_event *wanted, struct trc_error *err)
{
	const struct event_format *event = analysis_event(file, wanted->name);
	const struct event_field *stack = NULL;

	if (!event || !(wanted->kinds & OF(calls->kind)))
		return;
	for (size_t i = 0; i < countof(wanted->fields) && wanted->fields[i].name; i++) {
		struct value_place *place = &places->fields[wanted->fields[i].field];
		struct column_type type = { 0 };
		bool found = false;

		if (value_find(file, event, wanted->fields[i].name, place, &type, &found, err) ||
		    type.shape != SHAPE_INTEGER)
			place->has = false;
		if (!place->has && wanted->fields[i].needed)
			return;
	}
	if (wanted->role == CALLS_STACK) {
		stack = event_field_by_name(event, TEXT("caller"));
		if (!stack)
			return;
		places->stack = stack->offset;
	}
	analysis_add_role(file, wanted->name, wanted->role, &event);
}

/* Why a CPU left its guest, in a field that each machine has of its own. */
static void find_kvm(struct analysis_file *file, struct calls_places *places,
		     const struct trc_calls_options *of, struct trc_error *err)
{
	const struct event_format *event = analysis_event(file, "kvm:kvm_exit");
	struct value_place *reason = &places->fields[KVM_REASON], *second = &places->fields[KVM_SECOND];
	struct column_type types[2] = { 0 };
	bool found[2] = { false };

	if (!event || !of->reason || value_find(file, event, of->reason, reason, &types[0], &found[0], err) ||
	    types[0].shape != SHAPE_INTEGER) {
		reason->has = false;
		return;
	}
	if (of->second && (value_find(file, event, of->second, second, &types[1], &found[1], err) ||
			   types[1].shape != SHAPE_INTEGER))
		second->has = false;
	analysis_add_role(file, "kvm:kvm_exit", CALLS_KVM_EXIT, &event);
	analysis_add_role(file, "kvm:kvm_entry", CALLS_KVM_ENTRY, &event);
}

static int find_events(struct calls *calls, const struct trc_calls_options *of, struct trc_error *err)
{
	struct trc_analysis *base = &calls->base;

	calls->places = calloc(base->file_count + 1, sizeof(*calls->places));
	calls->group_lost = calloc(base->group_count + (size_t)1, sizeof(*calls->group_lost));
	calls->group_has_lost = calloc(base->group_count + (size_t)1, sizeof(*calls->group_has_lost));
	if (!calls->places || !calls->group_lost || !calls->group_has_lost)
		return trc_fail_no_memory(err);
	for (size_t i = 0; i < base->file_count; i++) {
		struct analysis_file *file = &base->files[i];

		calls->places[i].pid = file->data->common.pid;
		for (size_t event = 0; event < countof(wanted_events); event++)
			find_event(calls, file, &calls->places[i], &wanted_events[event], err);
		if (of->kind == TRC_CALLS_EXITS)
			find_kvm(file, &calls->places[i], of, err);
	}
	return TRC_OK;
}

int trc_calls_create(const struct trc_analysis_source *sources, size_t count,
		     const struct trc_analysis_options *options, const struct trc_calls_options *of,
		     struct trc_analysis **out, struct trc_error *err)
{
	const struct calls_answer *answer = of->kind == TRC_CALLS_FUNCTIONS || of->kind == TRC_CALLS_EXITS ?
						    &function_sums_answer :
						    &call_paths_answer;
	struct trc_analysis *analysis;
	struct calls *calls;
	int rc;

	if (of->kind > TRC_CALLS_EXITS)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "analysis: no kind %u of calls", of->kind);
	rc = analysis_create(sizeof(*calls), &calls_machine, sources, count, options, &analysis, err);
	if (rc)
		return rc;
	calls = (struct calls *)analysis;
	calls->kind = of->kind;
	calls->by = of->by;
	calls->stack_map.words = 3;
	rc = find_events(calls, of, err);
	calls->answer = answer;
	if (!rc && (!function_table_init(&calls->functions, analysis, of->symbols) || !answer->init(calls)))
		rc = trc_fail_no_memory(err);
	/* Whether a stack is of a switch, the record right before it tells. */
	if (!rc)
		rc = analysis_begin(analysis, of->kind == TRC_CALLS_OFFCPU, err);
	if (rc) {
		trc_analysis_destroy(analysis);
		return rc;
	}
	*out = analysis;
	return TRC_OK;
}
