/* SPDX-License-Identifier: MIT */
/* How long it is not known what vCPUs do, and why. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analysis/vcpu.h"

#define TEXT_SIZE 80

/* --- pieces ---------------------------------------------------------------------------------- */

/* Stretches of one reason that follow each other are one. */
static void add(struct vcpu_timeline *timeline, struct vcpu_thread *thread, enum vcpu_aspect aspect,
		struct vcpu_why_of why, uint64_t start, uint64_t end)
{
	bool goes_on = thread->unknown[aspect].end == start && thread->unknown[aspect].why.why == why.why &&
		       thread->unknown[aspect].why.cpu == why.cpu;
	const uint64_t key[] = {
		(uint64_t)(thread - timeline->threads) << 1 | aspect,
		(uint64_t)why.why << 32 | why.cpu,
	};

	vcpu_add_sum(timeline, key, end - start, !goes_on);
	thread->unknown[aspect].end = end;
	thread->unknown[aspect].why = why;
}

static void add_piece(struct vcpu_timeline *timeline, struct vcpu_thread *thread,
		      const struct vcpu_piece *piece)
{
	uint64_t start, end;

	if (!vcpu_in_window(timeline, piece, &start, &end))
		return;
	if (piece->kind == VCPU_UNKNOWN)
		add(timeline, thread, ASPECT_STATE, piece->why, start, end);
	if (!piece->task.known)
		add(timeline, thread, ASPECT_TASK, piece->task.why, start, end);
}

/* --- reasons --------------------------------------------------------------------------------- */

static struct text describe(const struct vcpu_timeline *timeline, char *room, enum vcpu_aspect aspect,
			    uint32_t why, uint32_t cpu)
{
	static const char *const of_state[] = {
		[WHY_NO_RECORD] = "no record had told of its thread",
		[WHY_NO_KVM] = "no KVM event had told of its thread",
		[WHY_NO_ENTRY] = "kvm_entry was not recorded",
		[WHY_NO_EXIT] = "kvm_exit was not recorded",
		[WHY_NO_WAKE] = "the wake-up was not recorded",
		[WHY_NO_SWITCHES] = "sched_switch was not recorded",
		[WHY_LOST] = "events were lost on host CPU %" PRIu32,
		[WHY_UNREADABLE] = "a record of host CPU %" PRIu32 " cannot be read",
		[WHY_CONTRADICTION] = "records contradict each other",
		[WHY_DEAD] = "its thread had ended",
		[WHY_TOO_LONG] = "more happened until it was known than is kept",
		[WHY_END] = "the recording of the host ended",
	};
	static const char *const of_task[] = {
		[WHY_LOST] = "events were lost on guest CPU %" PRIu32,
		[WHY_UNREADABLE] = "a record of guest CPU %" PRIu32 " cannot be read",
		[WHY_END] = "the recording of the guest ended",
		[WHY_NO_CPU] = "no records of it on the host's clock",
		[WHY_NOT_BEGUN] = "the recording of the guest had not begun",
		[WHY_NO_TASKS] = "the guest's sched_switch was not recorded",
	};
	const char *text = aspect == ASPECT_STATE ? of_state[why] : of_task[why];

	if (aspect == ASPECT_STATE && (why == WHY_LOST || why == WHY_UNREADABLE))
		cpu = timeline->slot_cpus[cpu];
	if (why == WHY_LOST || why == WHY_UNREADABLE)
		return (struct text){ room, (size_t)snprintf(room, TEXT_SIZE, text, cpu) };
	return (struct text){ text, strlen(text) };
}

/* --- rows ------------------------------------------------------------------------------------ */

enum { OF, WHAT, REASON, VALUE, COUNT };

static const struct analysis_column_spec columns[] = {
	[OF] = { "of", COLUMN_U32, false },	     [WHAT] = { "what", COLUMN_TEXT, false },
	[REASON] = { "reason", COLUMN_TEXT, false }, [VALUE] = { "value", COLUMN_U64, false },
	[COUNT] = { "count", COLUMN_U64, false },
};

static void put_unknown(struct vcpu_timeline *timeline)
{
	struct trc_analysis *base = &timeline->base;

	for (uint32_t i = 0; i < timeline->sums.keys.count; i++) {
		const uint64_t *key = key_map_key(&timeline->sums.keys, i);
		enum vcpu_aspect aspect = key[0] & 1;
		char room[TEXT_SIZE];

		row_u32(base, OF, (uint32_t)(key[0] >> 1));
		row_text(base, WHAT, aspect == ASPECT_STATE ? TEXT("state") : TEXT("task"));
		row_text(base, REASON,
			 describe(timeline, room, aspect, (uint32_t)(key[1] >> 32), (uint32_t)key[1]));
		row_u64(base, VALUE, timeline->sums.sums[i].value);
		row_u64(base, COUNT, timeline->sums.sums[i].count);
		row_end(base);
	}
}

const struct vcpu_answer vcpu_unknown_answer = {
	vcpu_no_row, add_piece, NULL, NULL, put_unknown, columns, countof(columns),
};
