/* SPDX-License-Identifier: MIT */
/* The vCPUs, their threads and CPUs, and which events of which file are about them. */
#include <stdlib.h>
#include <string.h>

#include "analysis/vcpu.h"
#include "base/error.h"
#include "records/data.h"

#define PENDING_MOST 16384 /* pieces of one vCPU that wait for the record that says what they were */
#define NO_THREAD UINT32_MAX

/* --- vCPUs ----------------------------------------------------------------------------------- */

static bool copy_guest(struct vcpu_thread *thread, const char *name)
{
	size_t size = strlen(name) + 1;

	thread->guest = malloc(size);
	if (thread->guest)
		memcpy(thread->guest, name, size);
	return thread->guest != NULL;
}

/* Of two vCPUs with one thread the first has it. */
static void enter_pid(struct vcpu_timeline *timeline, uint32_t number)
{
	int64_t pid = timeline->threads[number].host_pid;
	size_t mask = timeline->pid_slots - 1;
	size_t at = ((uint64_t)pid * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;

	for (; timeline->by_pid[at]; at = (at + 1) & mask) {
		if (timeline->threads[timeline->by_pid[at] - 1].host_pid == pid)
			return;
	}
	timeline->by_pid[at] = number + 1;
}

static int add_threads(struct vcpu_timeline *timeline, const struct trc_vcpu *vcpus, size_t count,
		       struct trc_error *err)
{
	timeline->pid_slots = 64;
	while (timeline->pid_slots < 4 * count)
		timeline->pid_slots *= 2;
	if (!analysis_spend(&timeline->base, count * sizeof(*timeline->threads)))
		return trc_fail(err, TRC_LIMIT, TRC_NO_OFFSET, "vCPUs: %zu of them take more than the budget",
				count);
	timeline->threads = calloc(count + 1, sizeof(*timeline->threads));
	timeline->by_pid = calloc(timeline->pid_slots, sizeof(*timeline->by_pid));
	if (!timeline->threads || !timeline->by_pid)
		return trc_fail_no_memory(err);
	for (uint32_t i = 0; i < count; i++) {
		struct vcpu_thread *thread = &timeline->threads[timeline->thread_count++];

		if (!copy_guest(thread, vcpus[i].guest))
			return trc_fail_no_memory(err);
		thread->vcpu = vcpus[i].vcpu;
		thread->host_pid = vcpus[i].host_pid;
		thread->slot = NO_SLOT;
		thread->seen = thread->since = timeline->start;
		thread->mode = MODE_LOST;
		thread->why.why = WHY_NO_RECORD;
		thread->kvm_why.why = WHY_NO_KVM;
		thread->task.why.why = WHY_NO_CPU;
		enter_pid(timeline, i);
	}
	return TRC_OK;
}

/* --- marks ----------------------------------------------------------------------------------- */

/* Sorts it in behind those that come before it, or at the same time in the order of their vCPUs. */
static void add_mark(struct vcpu_timeline *timeline, struct vcpu_mark mark)
{
	size_t at = timeline->mark_count++;

	for (; at; at--) {
		const struct vcpu_mark *before = &timeline->marks[at - 1];

		if (before->ts < mark.ts || (before->ts == mark.ts && before->last <= mark.last))
			break;
		timeline->marks[at] = *before;
	}
	timeline->marks[at] = mark;
}

/* What a guest's CPU ran before its first switch; after the last record it is not known. */
static int add_marks(struct vcpu_timeline *timeline, const struct trc_vcpu *vcpus, size_t count,
		     struct trc_error *err)
{
	timeline->marks = calloc(2 * count + 1, sizeof(*timeline->marks));
	if (!timeline->marks)
		return trc_fail_no_memory(err);
	for (size_t left = count; left--;) {
		const struct trc_vcpu *vcpu = &vcpus[left];
		struct vcpu_mark mark = { .ts = vcpu->begin, .thread = (uint32_t)left };

		if (!vcpu->has_task)
			continue;
		mark.task.known = true;
		mark.task.pid = vcpu->pid;
		mark.task.comm = text_table_add(&timeline->texts, &timeline->base,
						(struct text){ vcpu->comm, strlen(vcpu->comm) });
		if (mark.task.comm == KEY_NONE)
			return trc_fail_no_memory(err);
		add_mark(timeline, mark);
	}
	for (size_t i = 0; i < count; i++) {
		if (vcpus[i].has_switches)
			add_mark(timeline, (struct vcpu_mark){
						   .ts = vcpus[i].end,
						   .last = true,
						   .thread = (uint32_t)i,
						   .task.why.why = WHY_END,
					   });
	}
	if (timeline->mark_count)
		timeline->next_event = timeline->marks[0].ts;
	return TRC_OK;
}

/* --- sources --------------------------------------------------------------------------------- */

static uint32_t slot_of(struct vcpu_timeline *timeline, uint32_t cpu)
{
	size_t slot = 0;

	while (slot < timeline->slot_count && timeline->slot_cpus[slot] != cpu)
		slot++;
	if (slot == timeline->slot_count)
		timeline->slot_cpus[timeline->slot_count++] = cpu;
	return (uint32_t)slot;
}

static int add_sources(struct vcpu_timeline *timeline, const struct trc_vcpu_options *of,
		       struct trc_error *err)
{
	size_t count = timeline->base.source_count;

	timeline->sources = calloc(count + 1, sizeof(*timeline->sources));
	timeline->slot_cpus = calloc(count + 1, sizeof(*timeline->slot_cpus));
	timeline->running = calloc(count + 1, sizeof(*timeline->running));
	timeline->lost = calloc(count + 1, sizeof(*timeline->lost));
	if (!timeline->sources || !timeline->slot_cpus || !timeline->running || !timeline->lost)
		return trc_fail_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		struct vcpu_source *source = &timeline->sources[i];

		timeline->running[i] = NO_THREAD;
		source->thread = of->vcpu_of[i];
		source->slot = NO_SLOT;
		if (source->thread == OF_HOST) {
			source->slot = slot_of(timeline, timeline->base.sources[i].cpu);
			source->begin = timeline->start;
		} else if (source->thread == OF_NONE) {
			continue;
		} else if (source->thread >= of->vcpu_count) {
			return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "vCPUs: there is no vCPU %u",
					source->thread);
		} else {
			const struct trc_vcpu *vcpu = &of->vcpus[source->thread];

			source->begin = vcpu->begin;
			timeline->threads[source->thread].task.why.why = vcpu->has_switches ? WHY_NOT_BEGUN :
											      WHY_NO_TASKS;
		}
	}
	return TRC_OK;
}

/* --- events ---------------------------------------------------------------------------------- */

static int find_host_events(struct vcpu_timeline *timeline, struct analysis_file *file, struct trc_error *err)
{
	static const struct {
		const char *name;
		uint8_t role;
		uint8_t count;
		const char *fields[VCPU_FIELDS];
	} events[] = {
		{ "sched:sched_switch", VCPU_SWITCH, 3, { "prev_pid", "prev_state", "next_pid" } },
		{ "sched:sched_waking", VCPU_WAKE, 1, { "pid" } },
		{ "sched:sched_wakeup", VCPU_WAKEUP, 1, { "pid" } },
		{ "sched:sched_wakeup_new", VCPU_WAKEUP_NEW, 1, { "pid" } },
		{ "kvm:kvm_entry", VCPU_ENTRY, 0, { NULL } },
	};
	const struct event_format *event;

	for (size_t i = 0; i < countof(events); i++) {
		event = analysis_event(file, events[i].name);
		if (event && vcpu_find_fields(event, events[i].fields, events[i].count,
					      &timeline->host[events[i].role]))
			analysis_add_role(file, events[i].name, events[i].role, &event);
	}
	return analysis_add_role(file, "kvm:kvm_exit", VCPU_EXIT, &event) ?
		       reasons_find(timeline, file, event, err) :
		       TRC_OK;
}

/* sched_switch, where it names tasks. */
static void find_guest_events(struct vcpu_timeline *timeline, uint32_t of)
{
	static const char *const needed[] = { "prev_pid", "prev_comm", "next_pid", "next_comm" };
	struct analysis_file *file = &timeline->base.files[of];
	struct vcpu_guest *guest = &timeline->guests[of];
	const struct event_format *event = analysis_event(file, "sched:sched_switch");
	const struct event_field *fields[countof(needed)] = { NULL };

	for (size_t i = 0; event && i < countof(needed); i++) {
		fields[i] = event_own_field(event, (struct text){ needed[i], strlen(needed[i]) });
		if (!fields[i])
			event = NULL;
	}
	if (event) {
		guest->pid = field_access_of(event, fields[2], file->long_size, 0);
		guest->comm = field_access_of(event, fields[3], file->long_size, 0);
		guest->has = guest->pid.type.shape == SHAPE_INTEGER && guest->comm.type.shape == SHAPE_TEXT;
		analysis_add_role(file, "sched:sched_switch", VCPU_GUEST_SWITCH, &event);
	}
}

/* Those that are asked for instead of what it takes; what is more has no role. */
static void copy_event_ids(struct analysis_file *file, const uint8_t *event_ids)
{
	if (event_ids) {
		memcpy(file->event_ids, event_ids, TRC_EVENT_ID_BYTES);
		return;
	}
	free(file->event_ids);
	file->event_ids = NULL;
}

static int find_events(struct vcpu_timeline *timeline, const struct trc_vcpu_options *of,
		       struct trc_error *err)
{
	const struct trc_analysis *base = &timeline->base;
	int rc = TRC_OK;

	timeline->guests = calloc(base->file_count + 1, sizeof(*timeline->guests));
	if (!timeline->guests)
		return trc_fail_no_memory(err);
	for (uint32_t file = 0; !rc && file < base->file_count; file++) {
		size_t first = 0;

		while (base->sources[first].file != file)
			first++;
		if (timeline->sources[first].thread == OF_HOST)
			rc = find_host_events(timeline, &timeline->base.files[file], err);
		else
			find_guest_events(timeline, file);
		if (of->flags & TRC_VCPU_SUMMARY && timeline->sources[first].thread != OF_HOST)
			copy_event_ids(&timeline->base.files[file], NULL); /* to count records takes all */
		else if (of->event_ids)
			copy_event_ids(&timeline->base.files[file], of->event_ids[first]);
	}
	return rc;
}

/* --- making one ------------------------------------------------------------------------------ */

static int fill(struct vcpu_timeline *timeline, const struct trc_vcpu_options *of, struct trc_error *err)
{
	int rc;

	timeline->answer = of->flags & TRC_VCPU_SUMMARY ? &vcpu_summary_answer :
			   of->flags & TRC_VCPU_JOIN	? &vcpu_join_answer :
			   of->flags & TRC_VCPU_UNKNOWN ? &vcpu_unknown_answer :
			   of->flags & TRC_VCPU_TABLE	? &vcpu_table_answer :
			   of->flags & TRC_VCPU_WAKEUPS ? &vcpu_wakeups_answer :
							  &vcpu_intervals_answer;
	if (timeline->answer == &vcpu_intervals_answer && !(of->flags & TRC_VCPU_RAW_VALUES) &&
	    of->end > INT64_MAX)
		return trc_fail(err, TRC_LIMIT, TRC_NO_OFFSET, "vCPUs: times up to %llu ns are no int64",
				(unsigned long long)of->end);
	timeline->start = of->start;
	timeline->end = of->end;
	timeline->has_from = of->flags & TRC_VCPU_FROM;
	timeline->has_to = of->flags & TRC_VCPU_TO;
	timeline->from = of->first;
	timeline->to = of->last;
	timeline->switches = of->flags & TRC_VCPU_SWITCHES;
	timeline->wakes = of->flags & TRC_VCPU_WAKES;
	timeline->pending_most = of->pending_most ? of->pending_most : PENDING_MOST;
	timeline->next_event = UINT64_MAX;
	timeline->sums.keys.words = 2;
	if ((rc = add_threads(timeline, of->vcpus, of->vcpu_count, err)) ||
	    (rc = add_marks(timeline, of->vcpus, of->vcpu_count, err)) ||
	    (rc = add_sources(timeline, of, err)) || (rc = find_events(timeline, of, err)))
		return rc;
	if (of->flags & TRC_VCPU_TABLE)
		rc = vcpu_table_create(timeline, of, err);
	else if (of->flags & TRC_VCPU_WAKEUPS)
		rc = vcpu_wakeups_create(timeline, err);
	else if (!vcpu_add_columns(timeline, of->flags & TRC_VCPU_RAW_VALUES))
		rc = trc_fail_no_memory(err);
	if (rc)
		return rc;
	return analysis_begin(&timeline->base, false, err);
}

int trc_vcpus_create(const struct trc_analysis_source *sources, size_t count,
		     const struct trc_analysis_options *options, const struct trc_vcpu_options *of,
		     struct trc_analysis **out, struct trc_error *err)
{
	struct trc_analysis *analysis;
	int rc = analysis_create(sizeof(struct vcpu_timeline), &vcpu_machine, sources, count, options,
				 &analysis, err);

	if (rc)
		return rc;
	rc = fill((struct vcpu_timeline *)analysis, of, err);
	if (rc) {
		trc_analysis_destroy(analysis);
		return rc;
	}
	*out = analysis;
	return TRC_OK;
}
