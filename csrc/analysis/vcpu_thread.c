/* SPDX-License-Identifier: MIT */
/* One vCPU's host thread: what the records say of it, and its time in pieces. */
#include <stdlib.h>

#include "analysis/vcpu.h"

#define PENDING_FIRST 16
#define STATE_DEAD 0x30	  /* EXIT_DEAD, EXIT_ZOMBIE in the kernel's sched.h */
#define STATE_ASLEEP 0xff /* above it there are marks of the tracepoint only: 0x100 says preempted */

/* --- pieces ---------------------------------------------------------------------------------- */

static bool same_task(const struct vcpu_task *a, const struct vcpu_task *b)
{
	return a->known == b->known && (!a->known || (a->pid == b->pid && a->comm == b->comm));
}

static const struct vcpu_why_of no_why;

static struct vcpu_why_of because(enum vcpu_why why)
{
	return (struct vcpu_why_of){ .why = (uint32_t)why };
}

static bool same_why(struct vcpu_why_of a, struct vcpu_why_of b)
{
	return a.why == b.why && a.cpu == b.cpu;
}

static void put_row(struct vcpu_timeline *timeline, const struct vcpu_thread *thread)
{
	timeline->answer->row(timeline, (uint32_t)(thread - timeline->threads), &thread->last);
}

/* A piece that is decided, after all before it. */
static void put_piece(struct vcpu_timeline *timeline, struct vcpu_thread *thread,
		      const struct vcpu_piece *piece)
{
	struct vcpu_piece *last = &thread->last;

	if (timeline->answer->piece)
		timeline->answer->piece(timeline, thread, piece);
	if (thread->has_last) {
		if (last->kind == piece->kind && last->slot == piece->slot && last->reason == piece->reason &&
		    same_task(&last->task, &piece->task)) {
			last->end = piece->end;
			return;
		}
		put_row(timeline, thread);
	}
	*last = *piece;
	thread->has_last = true;
}

static void put_pending(struct vcpu_timeline *timeline, struct vcpu_thread *thread)
{
	for (size_t i = 0; i < thread->pending_count; i++)
		put_piece(timeline, thread, &thread->pending[i]);
	thread->pending_count = 0;
}

/* Now it is known what the pieces of one kind were; they are the last ones mostly. */
static void decide(struct vcpu_timeline *timeline, struct vcpu_thread *thread, enum vcpu_state kind,
		   enum vcpu_state state, uint32_t reason, struct vcpu_why_of why)
{
	size_t left = thread->undecided_of[kind];

	if (!left)
		return;
	thread->undecided_of[kind] = 0;
	thread->undecided -= left;
	for (size_t i = thread->pending_count; left && i--;) {
		struct vcpu_piece *piece = &thread->pending[i];

		if (piece->kind != kind)
			continue;
		piece->kind = (uint8_t)state;
		piece->reason = reason;
		piece->why = why;
		left--;
	}
	if (!thread->undecided)
		put_pending(timeline, thread);
}

/* It will not be known what they were. */
static void give_up(struct vcpu_timeline *timeline, struct vcpu_thread *thread, enum vcpu_state kind,
		    struct vcpu_why_of why)
{
	decide(timeline, thread, kind, VCPU_UNKNOWN, NO_TEXT, why);
}

static bool reserve_pending(struct vcpu_timeline *timeline, struct vcpu_thread *thread)
{
	size_t room = thread->pending_room ? 2 * thread->pending_room : PENDING_FIRST;
	struct vcpu_piece *grown = NULL;

	if (thread->pending_count < thread->pending_room)
		return true;
	if (analysis_spend(&timeline->base, (room - thread->pending_room) * sizeof(*grown)))
		grown = realloc(thread->pending, room * sizeof(*grown));
	if (!grown) {
		timeline->failed = true;
		return false;
	}
	thread->pending = grown;
	thread->pending_room = room;
	return true;
}

static enum vcpu_state kind_of(const struct vcpu_thread *thread)
{
	switch (thread->mode) {
	case MODE_ON_CPU:
		return thread->kvm ? VCPU_ON_CPU_PIECE : VCPU_UNKNOWN;
	case MODE_ASLEEP:
		return VCPU_ASLEEP_PIECE;
	case MODE_RUNNABLE:
		return VCPU_PREEMPTED;
	case MODE_WOKEN:
		return VCPU_WOKEN_PIECE;
	default:
		return VCPU_UNKNOWN;
	}
}

/* Ends the piece that is open. */
static void cut(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts)
{
	struct vcpu_piece piece = {
		.start = thread->since,
		.end = ts,
		.slot = thread->slot,
		.reason = NO_TEXT,
		.task = thread->task,
		.why = thread->mode == MODE_ON_CPU ? thread->kvm_why : thread->why,
	};
	enum vcpu_state kind;

	if (ts <= thread->since)
		return;
	thread->since = ts;
	kind = kind_of(thread);
	piece.kind = (uint8_t)kind;
	if (kind < VCPU_STATES && !thread->undecided) {
		put_piece(timeline, thread, &piece);
		return;
	}
	if (!reserve_pending(timeline, thread))
		return;
	thread->pending[thread->pending_count++] = piece;
	if (kind >= VCPU_STATES) {
		thread->undecided_of[kind]++;
		thread->undecided++;
	}
	if (thread->pending_count <= timeline->pending_most)
		return;
	thread->kvm = KVM_NONE;
	thread->kvm_why = because(WHY_TOO_LONG);
	give_up(timeline, thread, VCPU_ON_CPU_PIECE, thread->kvm_why);
	give_up(timeline, thread, VCPU_ASLEEP_PIECE, thread->kvm_why);
	give_up(timeline, thread, VCPU_WOKEN_PIECE, thread->kvm_why);
}

/* --- what the records say -------------------------------------------------------------------- */

/* From this time on nothing is known. */
void thread_forget(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts,
		   struct vcpu_why_of why)
{
	bool slept = timeline->wakes && !thread->woken;

	cut(timeline, thread, ts);
	give_up(timeline, thread, VCPU_ON_CPU_PIECE, why);
	decide(timeline, thread, VCPU_ASLEEP_PIECE, slept ? VCPU_BLOCKED : VCPU_UNKNOWN, NO_TEXT, why);
	give_up(timeline, thread, VCPU_WOKEN_PIECE, thread->why);
	if (thread->mode != MODE_LOST && thread->mode != MODE_WOKEN) /* else it still is for what it was */
		thread->why = why;
	if (thread->kvm)
		thread->kvm_why = why;
	thread->kvm = KVM_NONE;
	thread->forgotten++;
	thread->records = 0;
	thread->mode = MODE_LOST;
	thread->slot = NO_SLOT;
}

/* The host's records end here. */
void thread_finish(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts)
{
	thread_forget(timeline, thread, ts, because(WHY_END));
	if (thread->has_last)
		put_row(timeline, thread);
	thread->has_last = false;
}

/* It made a record: it is on that CPU. */
void thread_observe(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts, uint32_t slot)
{
	if (thread->mode != MODE_ON_CPU || thread->slot != slot) {
		if (thread->mode != MODE_LOST) /* it should not be there */
			thread_forget(timeline, thread, thread->seen, because(WHY_CONTRADICTION));
		cut(timeline, thread, ts);
		thread->mode = MODE_ON_CPU;
		thread->slot = slot;
	}
	thread->woken = false;
	thread->seen = ts;
}

void thread_switch_in(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts, uint32_t slot)
{
	if (thread->mode == MODE_ON_CPU)
		thread_forget(timeline, thread, thread->seen, because(WHY_CONTRADICTION));
	cut(timeline, thread, ts);
	decide(timeline, thread, VCPU_ASLEEP_PIECE, thread->woken ? VCPU_PREEMPTED : VCPU_UNKNOWN, NO_TEXT,
	       because(WHY_NO_WAKE));
	decide(timeline, thread, VCPU_WOKEN_PIECE, VCPU_PREEMPTED, NO_TEXT, no_why);
	thread->mode = MODE_ON_CPU;
	thread->slot = slot;
	thread->woken = false;
	thread->seen = ts;
}

void thread_switch_out(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts, uint32_t slot,
		       uint64_t state)
{
	bool woken = thread->woken;

	thread_observe(timeline, thread, ts, slot);
	cut(timeline, thread, ts);
	if (thread->kvm == KVM_ENTERED) {
		thread->kvm = KVM_NONE;
		thread->kvm_why = because(WHY_NO_EXIT);
		thread->records = 0;
		give_up(timeline, thread, VCPU_ON_CPU_PIECE, thread->kvm_why);
	}
	if (state & STATE_DEAD)
		thread_forget(timeline, thread, ts, because(WHY_DEAD));
	thread->mode = state & STATE_DEAD ? MODE_LOST : state & STATE_ASLEEP ? MODE_ASLEEP : MODE_RUNNABLE;
	thread->woken = woken;
	thread->slot = NO_SLOT;
}

void thread_wake(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts)
{
	switch (thread->mode) {
	case MODE_ASLEEP:
		cut(timeline, thread, ts);
		decide(timeline, thread, VCPU_ASLEEP_PIECE, VCPU_BLOCKED, NO_TEXT, no_why);
		thread->mode = MODE_RUNNABLE;
		thread->seen = ts;
		break;
	case MODE_ON_CPU:
		/*
		 * Going to sleep, it was found by its waker already: then it sleeps without another wake-up
		 * and was runnable all the time. Or it stays awake.
		 */
		thread->woken = true;
		break;
	case MODE_LOST:
		cut(timeline, thread, ts); /* runnable from here, if the next of it is a switch to it */
		thread->mode = MODE_WOKEN;
		thread->seen = ts;
		break;
	default:
		break;
	}
}

void thread_entry(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts, uint32_t slot)
{
	thread_observe(timeline, thread, ts, slot);
	cut(timeline, thread, ts);
	if (thread->kvm == KVM_EXITED) {
		decide(timeline, thread, VCPU_ON_CPU_PIECE, VCPU_HOST, thread->reason, no_why);
		thread->checkable += thread->records;
	} else {
		give_up(timeline, thread, VCPU_ON_CPU_PIECE, because(WHY_NO_EXIT));
	}
	thread->kvm = KVM_ENTERED;
	thread->records = 0;
}

void thread_exit(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts, uint32_t slot,
		 uint32_t reason)
{
	thread_observe(timeline, thread, ts, slot);
	cut(timeline, thread, ts);
	if (thread->kvm == KVM_ENTERED) {
		decide(timeline, thread, VCPU_ON_CPU_PIECE, VCPU_GUEST, NO_TEXT, no_why);
		thread->checkable += thread->records;
		thread->inside += thread->records;
	} else {
		give_up(timeline, thread, VCPU_ON_CPU_PIECE, because(WHY_NO_ENTRY));
	}
	thread->kvm = KVM_EXITED;
	thread->reason = reason;
	thread->records = 0;
}

/* The guest switched to another task, or it is not known to which. */
void thread_set_task(struct vcpu_timeline *timeline, struct vcpu_thread *thread, uint64_t ts,
		     struct vcpu_task task)
{
	/* It may be unknown for another reason, which is no matter of rows. */
	if (same_task(&task, &thread->task) &&
	    (task.known || !timeline->answer->piece || same_why(task.why, thread->task.why)))
		return;
	cut(timeline, thread, ts);
	thread->task = task;
}
