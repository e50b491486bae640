/* SPDX-License-Identifier: MIT */
/* How long tasks waited for a CPU after they were woken; all waits, or the longest ones. */
#include <stdlib.h>
#include <string.h>

#include "analysis/sched.h"

enum { PID, NAME, WAKER, CPU, WOKEN, RUN, LATENCY };

struct wait {
	uint64_t woken, run;
	uint64_t number; /* in the order in which they ended */
	uint32_t source, cpu;
	int32_t pid, waker;
	char name[COMM_SIZE];
	uint8_t name_size;
};

/* A heap of the longest, the shortest of them at its top. */
struct waits {
	struct wait *heap; /* [most] */
	size_t count, room;
	uint64_t number;
};

static bool init(struct sched *sched)
{
	static const struct analysis_column_spec columns[] = {
		[PID] = { "pid", COLUMN_I32, false },	      [NAME] = { "name", COLUMN_TEXT, false },
		[WAKER] = { "waker", COLUMN_I32, false },     [CPU] = { "cpu", COLUMN_U32, false },
		[WOKEN] = { "woken", COLUMN_TIME, false },    [RUN] = { "run", COLUMN_TIME, false },
		[LATENCY] = { "latency", COLUMN_U64, false },
	};

	sched->memory = calloc(1, sizeof(struct waits));
	return sched->memory && analysis_add_columns(&sched->base, columns, countof(columns));
}

static void put_row(struct sched *sched, const struct wait *wait, struct text name)
{
	struct trc_analysis *base = &sched->base;

	row_u32(base, PID, (uint32_t)wait->pid);
	row_text(base, NAME, name);
	row_u32(base, WAKER, (uint32_t)wait->waker);
	row_u32(base, CPU, wait->cpu);
	row_u64(base, WOKEN, wait->woken);
	row_u64(base, RUN, wait->run);
	row_u64(base, LATENCY, wait->run - wait->woken);
	row_peer(base, wait->source);
	row_end(base);
}

/* Of equal ones the first to end counts as longer. */
static bool is_shorter(const struct wait *a, const struct wait *b)
{
	uint64_t left = a->run - a->woken, right = b->run - b->woken;

	return left < right || (left == right && a->number > b->number);
}

static void swap(struct wait *a, struct wait *b)
{
	struct wait wait = *a;

	*a = *b;
	*b = wait;
}

static void sift_down(struct waits *waits)
{
	for (size_t at = 0;;) {
		size_t left = 2 * at + 1, least = at;

		if (left < waits->count && is_shorter(&waits->heap[left], &waits->heap[least]))
			least = left;
		if (left + 1 < waits->count && is_shorter(&waits->heap[left + 1], &waits->heap[least]))
			least = left + 1;
		if (least == at)
			return;
		swap(&waits->heap[at], &waits->heap[least]);
		at = least;
	}
}

static bool grow(struct sched *sched, struct waits *waits)
{
	size_t room = waits->room ? 2 * waits->room : 64;
	struct wait *grown = NULL;

	if (analysis_spend(&sched->base, (room - waits->room) * sizeof(*grown)))
		grown = realloc(waits->heap, room * sizeof(*grown));
	if (!grown)
		return false;
	waits->heap = grown;
	waits->room = room;
	return true;
}

static void keep(struct sched *sched, const struct wait *wait)
{
	struct waits *waits = sched->memory;

	if (waits->count == sched->most) {
		if (is_shorter(&waits->heap[0], wait)) {
			waits->heap[0] = *wait;
			sift_down(waits);
		}
		return;
	}
	if (waits->count == waits->room && !grow(sched, waits)) {
		sched->base.no_memory = true;
		return;
	}
	waits->heap[waits->count] = *wait;
	for (size_t at = waits->count++; at;) {
		size_t above = (at - 1) / 2;

		if (!is_shorter(&waits->heap[at], &waits->heap[above]))
			return;
		swap(&waits->heap[at], &waits->heap[above]);
		at = above;
	}
}

static void run(struct sched *sched, struct task *task, uint32_t cpu, bool woken)
{
	struct waits *waits = sched->memory;
	struct text name;
	struct wait wait = {
		.woken = task->since,
		.run = sched->now,
		.source = task->source,
		.cpu = cpu,
		.pid = task->pid,
		.waker = task->waker,
	};

	if (!woken || !analysis_wants_cpu(&sched->base, cpu) || !analysis_wants_pid(&sched->base, task->pid))
		return;
	name = sched_name(sched, task);
	if (!sched->most) {
		put_row(sched, &wait, name);
		return;
	}
	wait.number = waits->number++;
	wait.name_size = (uint8_t)(name.size < COMM_SIZE ? name.size : COMM_SIZE);
	memcpy(wait.name, name.start, wait.name_size);
	keep(sched, &wait);
}

static int compare(const void *a, const void *b)
{
	return is_shorter(a, b) ? 1 : -1;
}

static bool finish(struct sched *sched)
{
	struct waits *waits = sched->memory;

	if (waits->count)
		qsort(waits->heap, waits->count, sizeof(*waits->heap), compare);
	for (size_t i = 0; i < waits->count; i++) {
		const struct wait *wait = &waits->heap[i];

		put_row(sched, wait, (struct text){ wait->name, wait->name_size });
	}
	return true;
}

static void deinit(struct sched *sched)
{
	struct waits *waits = sched->memory;

	if (waits)
		free(waits->heap);
}

const struct sched_answer latency_answer = { .init = init, .run = run, .finish = finish, .deinit = deinit };
