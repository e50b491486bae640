/* SPDX-License-Identifier: MIT */
/* The scheduler's events in the files, and since when each CPU recorded. */
#include <stdlib.h>
#include <string.h>

#include "analysis/sched.h"
#include "base/error.h"
#include "metadata/metadata.h"
#include "print_fmt/program.h"
#include "records/data.h"

/* --- letters of states ----------------------------------------------------------------------- */

static uint8_t state_of_letter(char letter)
{
	static const struct {
		char letter;
		uint8_t state;
	} letters[] = {
		{ 'S', TASK_SLEEPING }, { 'D', TASK_BLOCKED }, { 'T', TASK_STOPPED },
		{ 't', TASK_TRACED },	{ 'X', TASK_DEAD },    { 'x', TASK_DEAD },
		{ 'Z', TASK_ZOMBIE },	{ 'P', TASK_PARKED },  { 'I', TASK_IDLE },
	};

	for (size_t i = 0; i < countof(letters); i++) {
		if (letters[i].letter == letter)
			return letters[i].state;
	}
	return 0;
}

static void usual_states(struct sched_places *places)
{
	static const char usual[] = "SDTtXZPI";

	for (size_t bit = 0; usual[bit]; bit++)
		places->states[bit] = state_of_letter(usual[bit]);
}

/* The bits of prev_state differ between kernels: the event's own __print_flags() has their letters. */
static int find_states(const struct analysis_file *file, const struct event_format *event,
		       struct sched_places *places, struct trc_error *err)
{
	const struct print_fmt_env env = { .long_size = file->long_size, .big_endian = file->big_endian };
	const struct expr *flags = NULL;
	struct print_fmt *program;
	int rc = print_fmt_compile(event, &env, &program, err);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < program->expr_count && !flags; i++) {
		if (program->exprs[i].code == EXPR_FLAGS)
			flags = &program->exprs[i];
	}
	if (!flags)
		usual_states(places);
	for (uint32_t i = 0; flags && i < flags->count; i++) {
		const struct entry *entry = &program->entries[flags->first + i];

		for (unsigned bit = 0; bit < 64 && entry->name.size; bit++) {
			if (entry->value == UINT64_C(1) << bit)
				places->states[bit] = state_of_letter(entry->name.start[0]);
		}
	}
	print_fmt_destroy(program);
	return TRC_OK;
}

/* --- fields ---------------------------------------------------------------------------------- */

/* As far as the event has them, numbers or texts as they have to be; what is anything else is not there. */
static void find_places(const struct analysis_file *file, const struct event_format *event,
			const char *const *names, size_t count, struct value_place *places)
{
	for (size_t i = 0; i < count; i++) {
		const char *name = names[i];
		struct column_type type;
		bool found = false, text = name && (strstr(name, "comm") || !strcmp(name, "filename"));

		if (name && (value_find(file, event, name, &places[i], &type, &found, NULL) ||
			     (found && (type.shape == SHAPE_TEXT) != text)))
			places[i].has = false;
	}
}

static const char *const switch_names[SWITCH_FIELDS] = {
	[PREV_PID] = "prev_pid", [PREV_STATE] = "prev_state", [PREV_COMM] = "prev_comm",
	[NEXT_PID] = "next_pid", [NEXT_COMM] = "next_comm",
};

static const struct {
	const char *event;
	const char *names[WAKE_FIELDS];
} events[SCHED_ROLES] = {
	[SCHED_SWITCH] = { "sched:sched_switch", { NULL } },
	[SCHED_WAKING] = { "sched:sched_waking", { "pid", "comm", "target_cpu", "success" } },
	[SCHED_WAKEUP] = { "sched:sched_wakeup", { "pid", "comm", "target_cpu", "success" } },
	[SCHED_WAKEUP_NEW] = { "sched:sched_wakeup_new", { "pid", "comm", "target_cpu", "success" } },
	[SCHED_MIGRATE] = { "sched:sched_migrate_task", { "pid", NULL, "dest_cpu", NULL } },
	[SCHED_RENAME] = { "task:task_rename", { "pid", "newcomm", NULL, NULL } },
	[SCHED_EXEC] = { "sched:sched_process_exec", { "pid", "filename", NULL, NULL } },
};

static int find_of_file(struct analysis_file *file, struct sched_places *places, struct trc_error *err)
{
	places->pid = file->data->common.pid;
	places->flags = file->data->common.flags;
	for (uint8_t role = SCHED_SWITCH; role < SCHED_ROLES; role++) {
		const struct event_format *event;
		int rc;

		if (!analysis_add_role(file, events[role].event, role, &event))
			continue;
		if (role != SCHED_SWITCH) {
			find_places(file, event, events[role].names, WAKE_FIELDS, places->of_wake[role]);
			continue;
		}
		find_places(file, event, switch_names, SWITCH_FIELDS, places->of_switch);
		if ((rc = find_states(file, event, places, err)))
			return rc;
	}
	return TRC_OK;
}

int sched_find_events(struct sched *sched, struct trc_error *err)
{
	int rc = TRC_OK;

	for (size_t i = 0; !rc && i < sched->base.file_count; i++)
		rc = find_of_file(&sched->base.files[i], &sched->places[i], err);
	return rc;
}

/* --- beginnings and ends ------------------------------------------------------------------------------ */

/* The time of a source's first or, TRC_WALK_BACKWARDS, last record, of any event. false: it has none. */
static int edge_time(const struct trc_analysis *analysis, const struct analysis_source *source,
		     uint32_t flags, bool *has, uint64_t *ts, struct trc_error *err)
{
	const struct trc_walk_source of = {
		.data = analysis->files[source->file].data,
		.stream = source->stream,
	};
	const struct trc_walk_options options = { .flags = flags, .until_last = 1 };
	struct walk_record *records;
	struct trc_walk *walk;
	size_t count = 0;
	int rc = trc_walk_create(&of, 1, &options, &walk, err);

	*has = false;
	if (rc)
		return rc;
	do {
		rc = walk_begin_stint(walk, err);
		if (!rc)
			rc = walk_peek(walk, &records, &count, err);
	} while (rc == TRC_GO_ON);
	if (!rc && count) {
		*has = true;
		*ts = records->ts;
	}
	trc_walk_destroy(walk);
	return rc;
}

int sched_find_edges(struct sched *sched, struct trc_error *err)
{
	struct trc_analysis *base = &sched->base;

	for (size_t i = 0; i < base->source_count; i++) {
		struct sched_group *group = &sched->groups[base->sources[i].group];
		uint64_t first = 0, last = 0;
		bool has;
		int rc = edge_time(base, &base->sources[i], 0, &has, &first, err);

		if (!rc && has)
			rc = edge_time(base, &base->sources[i], TRC_WALK_BACKWARDS, &has, &last, err);
		if (rc)
			return rc;
		if (!has)
			first = UINT64_MAX;
		if (last > group->last)
			group->last = last;
		sched->cpus[i] = (struct cpu_run){
			.task = NO_TASK,
			.since = base->start,
			.gapless = first > base->start ? first : base->start,
		};
		group->unknown_cpus++;
	}
	return TRC_OK;
}

/* --- making one ------------------------------------------------------------------------------ */

static int fill(struct sched *sched, struct trc_error *err)
{
	struct trc_analysis *base = &sched->base;
	int rc;

	sched->map.words = 1;
	sched->places = calloc(base->file_count + 1, sizeof(*sched->places));
	sched->cpus = calloc(base->source_count + 1, sizeof(*sched->cpus));
	sched->groups = calloc(base->group_count + (size_t)1, sizeof(*sched->groups));
	if (!sched->places || !sched->cpus || !sched->groups)
		return trc_fail_no_memory(err);
	if ((rc = sched_find_events(sched, err)) || (rc = sched_find_edges(sched, err)))
		return rc;
	return sched->answer->init(sched) ? analysis_begin(base, false, err) : trc_fail_no_memory(err);
}

void sched_deinit(struct trc_analysis *analysis)
{
	struct sched *sched = (struct sched *)analysis;

	if (sched->answer && sched->answer->deinit)
		sched->answer->deinit(sched);
	for (size_t i = 0; sched->groups && i < analysis->group_count; i++)
		free(sched->groups[i].gaps);
	free(sched->places);
	free(sched->tasks);
	free(sched->cpus);
	free(sched->groups);
	free(sched->memory);
	key_map_deinit(&sched->map);
}

int trc_sched_create(const struct trc_analysis_source *sources, size_t count,
		     const struct trc_analysis_options *options, const struct trc_sched_options *of,
		     struct trc_analysis **out, struct trc_error *err)
{
	static const struct sched_answer *const answers[] = {
		[TRC_SCHED_STATES] = &task_states_answer, [TRC_SCHED_TASKS] = &task_sums_answer,
		[TRC_SCHED_LATENCY] = &latency_answer,	  [TRC_SCHED_NR_RUNNING] = &nr_running_answer,
		[TRC_SCHED_WAKERS] = &wakers_answer,	  [TRC_SCHED_HOLDERS] = &holders_answer,
	};
	struct trc_analysis *analysis;
	struct sched *sched;
	int rc;

	if (of->kind >= countof(answers))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "sched: %u is not an answer", of->kind);
	if (of->kind == TRC_SCHED_HOLDERS &&
	    (!of->wait || !of->wait->name || of->wait->run < of->wait->woken))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "sched: no wait to ask about");
	rc = analysis_create(sizeof(*sched), &sched_machine, sources, count, options, &analysis, err);
	if (rc)
		return rc;
	sched = (struct sched *)analysis;
	sched->answer = answers[of->kind];
	sched->most = of->most;
	sched->wait = of->wait;
	rc = fill(sched, err);
	if (rc) {
		trc_analysis_destroy(analysis);
		return rc;
	}
	*out = analysis;
	return TRC_OK;
}
