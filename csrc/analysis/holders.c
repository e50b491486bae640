/* SPDX-License-Identifier: MIT */
/*
 * Who held the CPU while a task waited for it. The task may be moved meanwhile, so a wait is a list of stays,
 * each for a CPU; what that ran is known when the run is over, at last some time after the wait is.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/function_table.h"
#include "analysis/sched.h"

enum { RANK, PID, NAME, WAKER, CPU, WOKEN, RUN, LATENCY, BY_PID, BY_NAME, HELD };

#define FIRST_STAYS 8

struct stay {
	uint32_t cpu;  /* or NO_CPU */
	uint64_t from; /* until the next one begins, or the task runs */
};

/* A task that held the CPU during a stay. */
struct holder {
	uint32_t stay;
	int32_t pid;
	uint8_t name_size;
	char name[COMM_SIZE];
	uint64_t held; /* ns */
};

/* A run of a CPU; it waits until it is known for which one the task waits first. */
struct early_run {
	struct holder holder;
	bool known;
	uint32_t cpu;
	uint64_t from, to;
};

struct holders {
	void *stays; /* struct stay [stay_room] */
	size_t stay_count, stay_room;
	void *early; /* struct early_run [early_room] */
	size_t early_count, early_room;
	struct key_map map; /* of a stay's number and a pid */
	void *list;	    /* struct holder [list_room] by number in map */
	size_t list_room;
	bool queued;	 /* nothing that comes changes which stays there were until now */
	uint64_t looked; /* ns of the wait that were looked at, whether it is known who ran or not */
};

/* --- stays ----------------------------------------------------------------------------------- */

static struct stay *stays_of(const struct holders *holders)
{
	return holders->stays;
}

static bool add_stay(struct sched *sched, uint32_t cpu, uint64_t from)
{
	struct holders *holders = sched->memory;

	if (!grow_by_number(&sched->base, &holders->stays, &holders->stay_room, holders->stay_count,
			    sizeof(struct stay)))
		return false;
	stays_of(holders)[holders->stay_count++] = (struct stay){ cpu, from };
	return true;
}

static bool init(struct sched *sched)
{
	static const struct analysis_column_spec columns[] = {
		[RANK] = { "rank", COLUMN_U32, false },	   [PID] = { "pid", COLUMN_I32, false },
		[NAME] = { "name", COLUMN_TEXT, false },   [WAKER] = { "waker", COLUMN_I32, false },
		[CPU] = { "cpu", COLUMN_U32, false },	   [WOKEN] = { "woken", COLUMN_TIME, false },
		[RUN] = { "run", COLUMN_TIME, false },	   [LATENCY] = { "latency", COLUMN_U64, false },
		[BY_PID] = { "by_pid", COLUMN_I32, true }, [BY_NAME] = { "by_name", COLUMN_TEXT, true },
		[HELD] = { "held", COLUMN_U64, false },
	};
	struct holders *holders = calloc(1, sizeof(*holders));

	sched->memory = holders;
	if (!holders)
		return false;
	holders->map.words = 1;
	return analysis_add_columns(&sched->base, columns, countof(columns)) &&
	       add_stay(sched, NO_CPU, sched->wait->woken);
}

static bool is_asked(const struct sched *sched, const struct task *task)
{
	return task->pid == sched->wait->pid && task->group == sched->base.sources[0].group;
}

static void change(struct sched *sched, const struct task *task, uint8_t state, uint32_t cpu)
{
	struct holders *holders = sched->memory;
	struct stay *last = &stays_of(holders)[holders->stay_count - 1];

	(void)state;
	(void)cpu;
	if (!is_asked(sched, task) || sched->now >= sched->wait->run || task->cpu == last->cpu)
		return;
	if (last->cpu == NO_CPU || last->from == sched->now)
		last->cpu = task->cpu;
	else if (!add_stay(sched, task->cpu, sched->now))
		sched->base.no_memory = true;
}

/* --- what CPUs ran --------------------------------------------------------------------------- */

static uint64_t stay_end(const struct sched *sched, size_t stay)
{
	const struct holders *holders = sched->memory;

	return stay + 1 < holders->stay_count ? stays_of(holders)[stay + 1].from : sched->wait->run;
}

static bool add_held(struct sched *sched, const struct holder *of, uint32_t stay, uint64_t ns)
{
	struct holders *holders = sched->memory;
	uint64_t key = (uint64_t)stay << 32 | (uint32_t)of->pid, held;
	struct holder *holder;
	bool added;
	uint32_t number = key_map_add(&holders->map, &sched->base, &key, &added);

	if (number == KEY_NONE ||
	    !grow_by_number(&sched->base, &holders->list, &holders->list_room, number, sizeof(struct holder)))
		return false;
	holder = (struct holder *)holders->list + number;
	held = holder->held + ns;
	*holder = *of;
	holder->held = held;
	holder->stay = stay;
	return true;
}

static void add_run(struct sched *sched, const struct early_run *run)
{
	struct holders *holders = sched->memory;

	for (uint32_t i = 0; i < holders->stay_count; i++) {
		const struct stay *stay = &stays_of(holders)[i];
		uint64_t end = stay_end(sched, i), begin = stay->from;

		end = end < run->to ? end : run->to;
		begin = begin > run->from ? begin : run->from;
		if (stay->cpu != run->cpu || end <= begin)
			continue;
		holders->looked += end - begin;
		if (run->known && !add_held(sched, &run->holder, i, end - begin))
			sched->base.no_memory = true;
	}
}

/* Nothing that comes will tell more. */
static bool is_complete(const struct sched *sched)
{
	const struct holders *holders = sched->memory;
	uint64_t wanted = 0;

	for (size_t i = 0; i < holders->stay_count; i++) {
		if (stays_of(holders)[i].cpu != NO_CPU)
			wanted += stay_end(sched, i) - stays_of(holders)[i].from;
	}
	return sched->now > sched->wait->run && holders->looked >= wanted;
}

/* The CPU that it waits for first is known: what ran until now counts. */
static void count_early(struct sched *sched)
{
	struct holders *holders = sched->memory;

	for (size_t i = 0; i < holders->early_count; i++)
		add_run(sched, (struct early_run *)holders->early + i);
	holders->early_count = 0;
}

static void piece(struct sched *sched, const struct sched_piece *piece)
{
	struct holders *holders = sched->memory;
	struct text name = piece->task ? sched_name(sched, piece->task) : TEXT("<idle>");
	struct early_run run = {
		.holder = { .pid = piece->pid },
		.known = piece->task || piece->is_idle,
		.cpu = piece->cpu,
		.from = piece->from,
		.to = piece->to,
	};

	if ((piece->task && piece->state != TASK_RUNNING) || piece->from >= sched->wait->run ||
	    sched->base.sources[piece->source].group != sched->base.sources[0].group)
		return;
	run.holder.name_size = (uint8_t)(name.size < COMM_SIZE ? name.size : COMM_SIZE);
	if (name.size)
		memcpy(run.holder.name, name.start, run.holder.name_size);
	if (holders->queued) {
		add_run(sched, &run);
		sched->base.done |= is_complete(sched);
	} else if (grow_by_number(&sched->base, &holders->early, &holders->early_room, holders->early_count,
				  sizeof(run))) {
		((struct early_run *)holders->early)[holders->early_count++] = run;
	} else {
		sched->base.no_memory = true;
	}
}

/* sched_waking comes before a CPU is chosen, sched_wakeup after that: until then it waits for the chosen one. */
static void wake(struct sched *sched, struct task *task, const struct sched_wake *wake)
{
	struct holders *holders = sched->memory;
	struct stay *stays = stays_of(holders);

	if (!is_asked(sched, task) || holders->queued || wake->role == SCHED_WAKING)
		return;
	stays[0].cpu = stays[holders->stay_count - 1].cpu;
	holders->stay_count = 1;
	holders->queued = true;
	count_early(sched);
}

static void run(struct sched *sched, struct task *task, uint32_t cpu, bool woken)
{
	struct holders *holders = sched->memory;

	(void)cpu;
	(void)woken;
	if (!is_asked(sched, task) || sched->now < sched->wait->run || holders->queued)
		return;
	holders->queued = true;
	count_early(sched);
}

/* --- rows ------------------------------------------------------------------------------------ */

static void put_row(struct sched *sched, const struct holder *holder, uint64_t held)
{
	const struct trc_sched_wait *wait = sched->wait;
	struct trc_analysis *base = &sched->base;

	row_u32(base, RANK, wait->rank);
	row_u32(base, PID, (uint32_t)wait->pid);
	row_text(base, NAME, (struct text){ wait->name, strlen(wait->name) });
	row_u32(base, WAKER, (uint32_t)wait->waker);
	row_u32(base, CPU, wait->cpu);
	row_u64(base, WOKEN, wait->woken);
	row_u64(base, RUN, wait->run);
	row_u64(base, LATENCY, wait->run - wait->woken);
	if (holder) {
		row_u32(base, BY_PID, (uint32_t)holder->pid);
		row_text(base, BY_NAME, (struct text){ holder->name, holder->name_size });
	} else {
		row_null(base, BY_PID);
		row_null(base, BY_NAME);
	}
	row_u64(base, HELD, held);
	row_peer(base, 0);
	row_end(base);
}

static int compare_pids(const void *a, const void *b)
{
	const struct holder *left = a, *right = b;

	return left->pid < right->pid ? -1 : left->pid > right->pid;
}

static int compare_held(const void *a, const void *b)
{
	const struct holder *left = a, *right = b;

	if (left->held != right->held)
		return left->held < right->held ? 1 : -1;
	return compare_pids(a, b);
}

/* One of each task, how many; without those of a stay that is not known to have been one. */
static size_t join_stays(const struct sched *sched, struct holder *list)
{
	const struct holders *holders = sched->memory;
	uint32_t last = (uint32_t)holders->stay_count - 1;
	/* It ran on another CPU than it was last known to wait for: it was moved, nobody knows when. */
	bool moved = stays_of(holders)[last].cpu != sched->wait->cpu;
	size_t count = 0;

	if (holders->map.count)
		qsort(list, holders->map.count, sizeof(*list), compare_pids);
	for (size_t i = 0; i < holders->map.count; i++) {
		if (moved && list[i].stay == last)
			continue;
		if (count && list[count - 1].pid == list[i].pid)
			list[count - 1].held += list[i].held;
		else
			list[count++] = list[i];
	}
	if (count)
		qsort(list, count, sizeof(*list), compare_held);
	return count;
}

static bool finish(struct sched *sched)
{
	struct holders *holders = sched->memory;
	struct holder *list;
	uint64_t left = sched->wait->run - sched->wait->woken;
	size_t count;

	count_early(sched);
	list = holders->list;
	count = join_stays(sched, list);
	for (size_t i = 0; i < count; i++) {
		put_row(sched, &list[i], list[i].held);
		left = left > list[i].held ? left - list[i].held : 0;
	}
	if (left)
		put_row(sched, NULL, left);
	return true;
}

static void deinit(struct sched *sched)
{
	struct holders *holders = sched->memory;

	if (!holders)
		return;
	free(holders->stays);
	free(holders->early);
	free(holders->list);
	key_map_deinit(&holders->map);
}

const struct sched_answer holders_answer = {
	.init = init,
	.piece = piece,
	.run = run,
	.change = change,
	.wake = wake,
	.finish = finish,
	.deinit = deinit,
};
