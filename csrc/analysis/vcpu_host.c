/* SPDX-License-Identifier: MIT */
/* The host's CPUs: which vCPU's thread each of them runs, as the scheduler and KVM say. */
#include <stdlib.h>

#include "analysis/vcpu.h"

#define NO_THREAD UINT32_MAX

/* A record of the host, at its time. */
struct host_record {
	const struct walk_record *record;
	uint64_t ts;
	uint32_t slot;
	int32_t pid; /* that made it */
	bool big_endian;
};

struct vcpu_thread *host_thread(const struct vcpu_timeline *timeline, int64_t pid)
{
	size_t mask = timeline->pid_slots - 1;

	for (size_t at = ((uint64_t)pid * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask; timeline->by_pid[at];
	     at = (at + 1) & mask) {
		struct vcpu_thread *thread = &timeline->threads[timeline->by_pid[at] - 1];

		if (thread->host_pid == pid)
			return thread;
	}
	return NULL;
}

/* --- who is where ---------------------------------------------------------------------------- */

static struct vcpu_why_of because(enum vcpu_why why, uint32_t slot)
{
	return (struct vcpu_why_of){ .why = (uint32_t)why, .cpu = slot };
}

/* A task made a record on a CPU: no other is there. */
static void only(struct vcpu_timeline *timeline, int64_t pid, uint32_t slot)
{
	uint32_t number = timeline->running[slot];
	struct vcpu_thread *thread;

	if (number == NO_THREAD)
		return;
	thread = &timeline->threads[number];
	if (thread->host_pid == pid)
		return;
	timeline->running[slot] = NO_THREAD;
	thread_forget(timeline, thread, thread->seen, because(WHY_CONTRADICTION, 0));
}

void host_leave(struct vcpu_timeline *timeline, const struct vcpu_thread *thread)
{
	if (thread->slot != NO_SLOT)
		timeline->running[thread->slot] = NO_THREAD;
}

/* The first CPU that loses events; there is one. */
static uint32_t lost_slot(const struct vcpu_timeline *timeline)
{
	uint32_t slot = 0;

	while (!timeline->lost[slot])
		slot++;
	return slot;
}

static void enter(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts, uint32_t slot)
{
	if (timeline->lost[slot]) /* it is there, but for how long? */
		thread_forget(timeline, thread, ts, because(WHY_LOST, slot));
	else
		timeline->running[slot] = (uint32_t)(thread - timeline->threads);
}

void host_lose(struct vcpu_timeline *timeline, uint64_t ts, uint32_t slot, enum vcpu_why why)
{
	timeline->lost_cpus += !timeline->lost[slot]++;
	for (size_t i = 0; i < timeline->thread_count; i++) {
		struct vcpu_thread *thread = &timeline->threads[i];

		if (thread->slot != NO_SLOT && thread->slot != slot)
			continue;
		host_leave(timeline, thread);
		thread_forget(timeline, thread, ts, because(why, slot));
	}
}

void host_find(struct vcpu_timeline *timeline, uint32_t slot)
{
	timeline->lost_cpus -= !--timeline->lost[slot];
}

/* A record that cannot be read is as good as lost. */
static void lose_now(struct vcpu_timeline *timeline, const struct host_record *at)
{
	host_lose(timeline, at->ts, at->slot, WHY_UNREADABLE);
	host_find(timeline, at->slot);
}

/* --- records --------------------------------------------------------------------------------- */

static void put_switch(struct vcpu_timeline *timeline, const struct host_record *at)
{
	const struct vcpu_fields *fields = &timeline->host[VCPU_SWITCH];
	const uint8_t *payload = at->record->payload;
	struct vcpu_thread *thread;
	int64_t previous, next;

	if (at->record->size < fields->size) {
		lose_now(timeline, at);
		return;
	}
	previous = (int64_t)vcpu_load(&fields->fields[0], payload, at->big_endian);
	next = (int64_t)vcpu_load(&fields->fields[2], payload, at->big_endian);
	only(timeline, previous, at->slot);
	thread = host_thread(timeline, previous);
	if (thread) {
		host_leave(timeline, thread);
		thread_switch_out(timeline, thread, at->ts, at->slot,
				  vcpu_load(&fields->fields[1], payload, at->big_endian));
		if (timeline->lost_cpus)
			thread_forget(timeline, thread, at->ts, because(WHY_LOST, lost_slot(timeline)));
	}
	thread = host_thread(timeline, next);
	if (thread) {
		host_leave(timeline, thread);
		thread_switch_in(timeline, thread, at->ts, at->slot);
		enter(timeline, thread, at->ts, at->slot);
	}
}

static void put_wake(struct vcpu_timeline *timeline, const struct host_record *at, uint8_t role)
{
	const struct vcpu_fields *fields = &timeline->host[role];
	struct vcpu_thread *thread;

	only(timeline, at->pid, at->slot);
	thread = host_thread(timeline, at->pid);
	if (thread) {
		host_leave(timeline, thread);
		thread_observe(timeline, thread, at->ts, at->slot);
		enter(timeline, thread, at->ts, at->slot);
	}
	if (at->record->size < fields->size) {
		lose_now(timeline, at);
		return;
	}
	thread = host_thread(timeline,
			     (int64_t)vcpu_load(&fields->fields[0], at->record->payload, at->big_endian));
	if (thread && (!timeline->lost_cpus || thread->slot != NO_SLOT))
		thread_wake(timeline, thread, at->ts);
}

static void put_entry(struct vcpu_timeline *timeline, const struct host_record *at)
{
	struct vcpu_thread *thread;

	only(timeline, at->pid, at->slot);
	thread = host_thread(timeline, at->pid);
	if (!thread)
		return;
	host_leave(timeline, thread);
	thread_entry(timeline, thread, at->ts, at->slot);
	enter(timeline, thread, at->ts, at->slot);
}

static void put_exit(struct vcpu_timeline *timeline, const struct host_record *at)
{
	struct vcpu_thread *thread;
	uint32_t reason;

	only(timeline, at->pid, at->slot);
	thread = host_thread(timeline, at->pid);
	if (!thread)
		return;
	reason = reasons_text(timeline, at->record, at->big_endian);
	if (reason == NO_TEXT) {
		timeline->failed = true;
		return;
	}
	host_leave(timeline, thread);
	thread_exit(timeline, thread, at->ts, at->slot, reason);
	if (timeline->answer == &vcpu_summary_answer)
		vcpu_add_sum(timeline, (uint64_t[]){ (uint64_t)(thread - timeline->threads), reason }, 1, 1);
	enter(timeline, thread, at->ts, at->slot);
	if (!timeline->switches) { /* it may be switched out now */
		host_leave(timeline, thread);
		thread_forget(timeline, thread, at->ts, because(WHY_NO_SWITCHES, 0));
	}
}

void host_put(struct vcpu_timeline *timeline, const struct analysis_file *file, uint8_t role, uint64_t ts,
	      const struct walk_record *record)
{
	const struct host_record at = {
		.record = record,
		.ts = ts,
		.slot = timeline->sources[record->source].slot,
		.pid = record_pid(file->formats->common.pid, file->big_endian, record->payload, record->size),
		.big_endian = file->big_endian,
	};

	switch (role) {
	case VCPU_SWITCH:
		put_switch(timeline, &at);
		break;
	case VCPU_ENTRY:
		put_entry(timeline, &at);
		break;
	case VCPU_EXIT:
		put_exit(timeline, &at);
		break;
	default:
		put_wake(timeline, &at, role);
	}
}
