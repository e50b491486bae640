/* SPDX-License-Identifier: MIT */
/*
 * From what woke a vCPU's thread in the host to the guest's task that runs.
 *
 * The chain is told where each link was recorded: the vCPU's thread slept while its guest was idle, it was
 * woken, it got a CPU, and the guest's idle task, on that vCPU, then woke another task. What the guest's own
 * tasks wake, and what happens on a vCPU whose thread was awake, has no such beginning.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/value.h"
#include "analysis/vcpu.h"
#include "base/array.h"
#include "base/error.h"
#include "records/data.h"

#define FIRST_TASKS 64

/* What happens on a CPU of the host, in the task that it runs: this wakes whoever is woken next. */
struct cpu_cause {
	bool has_irq, has_injected;
	uint64_t irq, injected; /* ns: the handler began, the interrupt was put to a guest */
	uint8_t role;		/* of what put it */
};

/* That a vCPU's thread was woken, and got a CPU. */
struct vcpu_chain {
	bool has, has_run, has_entry;
	uint8_t role;
	uint32_t forgotten; /* of the thread */
	uint64_t begun, woken, run, entry;
	uint32_t slot;
	int32_t waker;
};

enum unknown {
	KNOWN,
	BY_A_TASK,
	NOT_WOKEN,
	NOT_PLACED,
	NOT_IDLE,
};

/* A task of a guest. */
struct guest_task {
	bool waits;
	uint8_t unknown; /* enum unknown */
	uint64_t woken;
	uint32_t thread; /* of the vCPU that woke it */
	struct vcpu_chain chain;
};

struct vcpu_wakeups {
	struct cpu_cause *cpus;	   /* [slot_count] */
	struct vcpu_chain *chains; /* [thread_count] */
	struct key_map map;	   /* of file and pid */
	struct guest_task *tasks;  /* [room] */
	size_t room;
};

/* --- the host -------------------------------------------------------------------------------- */

static void wake_thread(struct vcpu_timeline *timeline, const struct walk_record *record, uint32_t slot,
			int32_t by, const struct vcpu_thread *thread)
{
	struct cpu_cause *cause = &timeline->wakeups->cpus[slot];
	struct vcpu_chain *chain = &timeline->wakeups->chains[thread - timeline->threads];

	/* It slept until this very record. */
	if (thread->mode != MODE_RUNNABLE || thread->seen != record->key || (chain->has && !chain->has_run))
		return;
	*chain = (struct vcpu_chain){
		.has = true,
		.forgotten = thread->forgotten,
		.role = VCPU_WAKE,
		.begun = record->key,
		.woken = record->key,
		.slot = slot,
		.waker = by,
	};
	if (cause->has_injected) {
		chain->role = cause->role;
		chain->begun = cause->injected;
	}
	if (cause->has_irq && cause->irq <= chain->begun) {
		chain->role = VCPU_IRQ_ENTRY;
		chain->begun = cause->irq;
	}
}

static const struct vcpu_thread *target(const struct vcpu_timeline *timeline, uint8_t role,
					const struct walk_record *record, bool big_endian)
{
	const struct vcpu_fields *fields = &timeline->host[role];
	const struct vcpu_field *field = &fields->fields[role == VCPU_SWITCH ? 2 : 0];

	return record->size < fields->size ?
		       NULL :
		       host_thread(timeline, (int64_t)vcpu_load(field, record->payload, big_endian));
}

static void put_switch(struct vcpu_timeline *timeline, const struct vcpu_thread *previous,
		       const struct walk_record *record, const struct vcpu_thread *next)
{
	struct vcpu_chain *chains = timeline->wakeups->chains;

	if (previous && previous->mode != MODE_RUNNABLE)
		chains[previous - timeline->threads].has = false;
	if (next) {
		struct vcpu_chain *chain = &chains[next - timeline->threads];

		if (chain->has && !chain->has_run)
			chain->run = record->key;
		chain->has_run = chain->has;
	}
}

static void put_host(struct vcpu_timeline *timeline, const struct vcpu_thread *thread, uint8_t role,
		     const struct walk_record *record, const struct analysis_file *file)
{
	uint32_t slot = timeline->sources[record->source].slot;
	struct cpu_cause *cause = &timeline->wakeups->cpus[slot];
	const struct vcpu_thread *other;

	switch (role) {
	case VCPU_IRQ_ENTRY:
	case VCPU_IRQ_EXIT:
		cause->has_irq = role == VCPU_IRQ_ENTRY;
		cause->irq = record->key;
		return;
	case VCPU_SET_IRQ:
	case VCPU_MSI_SET_IRQ:
	case VCPU_ACCEPT_IRQ:
		if (!cause->has_injected) {
			cause->role = role;
			cause->injected = record->key;
		}
		cause->has_injected = true;
		return;
	case VCPU_SWITCH:
		put_switch(timeline, thread, record, target(timeline, role, record, file->big_endian));
		break;
	case VCPU_ENTRY:
		if (thread && timeline->wakeups->chains[thread - timeline->threads].has_run) {
			struct vcpu_chain *chain = &timeline->wakeups->chains[thread - timeline->threads];

			if (!chain->has_entry)
				chain->entry = record->key;
			chain->has_entry = true;
		}
		break;
	case VCPU_WAKE:
	case VCPU_WAKEUP:
		other = target(timeline, role, record, file->big_endian);
		if (other)
			wake_thread(timeline, record, slot,
				    record_pid(file->formats->common.pid, file->big_endian, record->payload,
					       record->size),
				    other);
		break;
	default:
		break;
	}
	cause->has_injected = false;
}

/* --- the guests ------------------------------------------------------------------------------ */

static struct guest_task *task_of(struct vcpu_timeline *timeline, uint32_t file, int64_t pid)
{
	struct vcpu_wakeups *wakeups = timeline->wakeups;
	uint64_t key = (uint64_t)file << 32 | (uint32_t)pid;
	bool added;
	uint32_t number = key_map_add(&wakeups->map, &timeline->base, &key, &added);

	if (number != KEY_NONE && number >= wakeups->room) {
		struct guest_task *grown = NULL;

		if (analysis_spend(&timeline->base, (wakeups->room + FIRST_TASKS) * sizeof(*grown)))
			grown = array_grow(wakeups->tasks, &wakeups->room, FIRST_TASKS, sizeof(*grown));
		if (grown)
			wakeups->tasks = grown;
	}
	if (number == KEY_NONE || number >= wakeups->room) {
		timeline->failed = true;
		return NULL;
	}
	if (added)
		wakeups->tasks[number].waits = false;
	return &wakeups->tasks[number];
}

static bool is_running(const struct vcpu_timeline *timeline, uint32_t file, int64_t pid)
{
	for (size_t i = 0; i < timeline->base.source_count; i++) {
		uint32_t thread = timeline->sources[i].thread;

		if (timeline->base.sources[i].file == file && thread < timeline->thread_count &&
		    timeline->threads[thread].task.known && timeline->threads[thread].task.pid == pid)
			return true;
	}
	return false;
}

/* Why the host's part of it is not known, if so. */
static enum unknown look(const struct vcpu_thread *thread, const struct vcpu_chain *chain, int32_t by)
{
	if (by)
		return BY_A_TASK;
	if (!chain->has || !chain->has_run)
		return thread->mode == MODE_LOST ? NOT_PLACED : NOT_WOKEN;
	if (chain->forgotten != thread->forgotten)
		return NOT_PLACED;
	return thread->task.known && !thread->task.pid ? KNOWN : NOT_IDLE;
}

static void put_guest_wake(struct vcpu_timeline *timeline, const struct vcpu_thread *thread,
			   const struct vcpu_fields *fields, const struct walk_record *record,
			   const struct analysis_file *file)
{
	const struct vcpu_chain *chain = &timeline->wakeups->chains[thread - timeline->threads];
	uint32_t of = timeline->base.sources[record->source].file;
	struct guest_task *task;
	int64_t pid;

	if (record->size < fields->size)
		return;
	pid = (int64_t)vcpu_load(&fields->fields[0], record->payload, file->big_endian);
	if (!pid || is_running(timeline, of, pid) || !(task = task_of(timeline, of, pid)) || task->waits)
		return;
	task->waits = true;
	task->woken = record->ts;
	task->thread = (uint32_t)(thread - timeline->threads);
	task->unknown = (uint8_t)look(
		thread, chain,
		record_pid(file->formats->common.pid, file->big_endian, record->payload, record->size));
	task->chain = *chain;
}

/* --- rows ------------------------------------------------------------------------------------ */

enum {
	GUEST,
	VCPU,
	PID,
	NAME,
	WOKEN,
	RUN,
	LATENCY,
	SOURCE,
	BEGUN,
	HOST_CPU,
	WAKER,
	VCPU_WOKEN,
	VCPU_RUN,
	ENTRY_AT,
	UNKNOWN,
	COLUMNS
};

static const struct analysis_column_spec columns[COLUMNS] = {
	[GUEST] = { "guest", COLUMN_TEXT, false },	[VCPU] = { "vcpu", COLUMN_I32, false },
	[PID] = { "pid", COLUMN_I32, false },		[NAME] = { "name", COLUMN_TEXT, false },
	[WOKEN] = { "woken", COLUMN_TIME, false },	[RUN] = { "run", COLUMN_TIME, false },
	[LATENCY] = { "latency", COLUMN_U64, false },	[SOURCE] = { "source", COLUMN_TEXT, true },
	[BEGUN] = { "begun", COLUMN_TIME, true },	[HOST_CPU] = { "host_cpu", COLUMN_I32, true },
	[WAKER] = { "waker", COLUMN_I32, true },	[VCPU_WOKEN] = { "vcpu_woken", COLUMN_TIME, true },
	[VCPU_RUN] = { "vcpu_run", COLUMN_TIME, true }, [ENTRY_AT] = { "entry", COLUMN_TIME, true },
	[UNKNOWN] = { "unknown", COLUMN_TEXT, true },
};

static void put_text(struct trc_analysis *base, size_t column, const char *text)
{
	row_text(base, column, (struct text){ text, strlen(text) });
}

static void put_chain(struct vcpu_timeline *timeline, const struct vcpu_chain *chain)
{
	static const char *const names[VCPU_ROLES] = {
		[VCPU_WAKE] = "sched_waking",
		[VCPU_IRQ_ENTRY] = "irq_handler_entry",
		[VCPU_SET_IRQ] = "kvm_set_irq",
		[VCPU_MSI_SET_IRQ] = "kvm_msi_set_irq",
		[VCPU_ACCEPT_IRQ] = "kvm_apic_accept_irq",
	};
	struct trc_analysis *base = &timeline->base;

	put_text(base, SOURCE, names[chain->role]);
	row_u64(base, BEGUN, chain->begun);
	row_u32(base, HOST_CPU, timeline->slot_cpus[chain->slot]);
	row_u32(base, WAKER, (uint32_t)chain->waker);
	row_u64(base, VCPU_WOKEN, chain->woken);
	row_u64(base, VCPU_RUN, chain->run);
	row_optional_u64(base, ENTRY_AT, chain->has_entry, chain->entry);
	row_null(base, UNKNOWN);
}

static void put_no_chain(struct trc_analysis *base, enum unknown unknown)
{
	static const char *const texts[] = {
		[BY_A_TASK] = "woken by a task of the guest",
		[NOT_WOKEN] = "the vCPU's thread was not woken for it",
		[NOT_PLACED] = "it is not known what the vCPU's thread did",
		[NOT_IDLE] = "it is not known that the vCPU was idle",
	};

	for (size_t column = SOURCE; column < UNKNOWN; column++)
		row_null(base, column);
	put_text(base, UNKNOWN, texts[unknown]);
}

static void put_row(struct vcpu_timeline *timeline, const struct vcpu_thread *thread,
		    const struct guest_task *task, uint64_t ts)
{
	struct trc_analysis *base = &timeline->base;
	uint64_t from = task->unknown ? task->woken : task->chain.begun;

	row_text(base, GUEST, (struct text){ thread->guest, strlen(thread->guest) });
	row_u32(base, VCPU, (uint32_t)thread->vcpu);
	row_u32(base, PID, (uint32_t)thread->task.pid);
	row_text(base, NAME, timeline->texts.texts[thread->task.comm]);
	row_u64(base, WOKEN, task->woken);
	row_u64(base, RUN, ts);
	row_u64(base, LATENCY, ts > from ? ts - from : 0);
	if (task->unknown)
		put_no_chain(base, task->unknown);
	else
		put_chain(timeline, &task->chain);
	row_end(base);
}

static void put_guest_switch(struct vcpu_timeline *timeline, const struct vcpu_thread *thread,
			     const struct walk_record *record)
{
	struct guest_task *task;
	uint64_t ts = record->ts;

	if (!thread->task.known || !thread->task.pid)
		return;
	timeline->wakeups->chains[thread - timeline->threads].has = false; /* the vCPU is not idle any more */
	task = task_of(timeline, timeline->base.sources[record->source].file, thread->task.pid);
	if (!task || !task->waits)
		return;
	task->waits = false;
	if ((!timeline->has_from || ts >= timeline->from) && (!timeline->has_to || ts < timeline->to))
		put_row(timeline, thread, task, ts);
}

static void put_record(struct vcpu_timeline *timeline, const struct vcpu_thread *thread,
		       const struct walk_record *record)
{
	uint32_t of = timeline->base.sources[record->source].file;
	const struct analysis_file *file = &timeline->base.files[of];
	uint8_t role = analysis_role(file, record);

	if (!role)
		return;
	if (timeline->sources[record->source].thread == OF_HOST)
		put_host(timeline, thread, role, record, file);
	else if (thread && role == VCPU_GUEST_SWITCH)
		put_guest_switch(timeline, thread, record);
	else if (thread)
		put_guest_wake(timeline, thread, &timeline->guests[of].wakes[role - VCPU_GUEST_WAKE], record,
			       file);
}

/* What a guest's CPU lost may have been a task's run, what the host's lost its cause. */
static void lose(struct vcpu_timeline *timeline, uint32_t number)
{
	struct vcpu_wakeups *wakeups = timeline->wakeups;
	const struct vcpu_source *source = &timeline->sources[number];

	if (source->thread == OF_HOST) {
		wakeups->cpus[source->slot] = (struct cpu_cause){ 0 };
		return;
	}
	if (source->thread < timeline->thread_count)
		wakeups->chains[source->thread].has = false;
	for (uint32_t i = 0; i < wakeups->map.count; i++) {
		if (*key_map_key(&wakeups->map, i) >> 32 == timeline->base.sources[number].file)
			wakeups->tasks[i].waits = false;
	}
}

const struct vcpu_answer vcpu_wakeups_answer = {
	.row = vcpu_no_row,
	.record = put_record,
	.lose = lose,
	.columns = columns,
	.column_count = COLUMNS,
};

/* --- making one ------------------------------------------------------------------------------ */

static void find_events(struct vcpu_timeline *timeline)
{
	static const struct {
		const char *name;
		uint8_t role;
	} host[] = {
		{ "irq:irq_handler_entry", VCPU_IRQ_ENTRY },
		{ "irq:irq_handler_exit", VCPU_IRQ_EXIT },
		{ "kvm:kvm_set_irq", VCPU_SET_IRQ },
		{ "kvm:kvm_msi_set_irq", VCPU_MSI_SET_IRQ },
		{ "kvm:kvm_apic_accept_irq", VCPU_ACCEPT_IRQ },
	};
	static const char *const guest[] = { "sched:sched_waking", "sched:sched_wakeup",
					     "sched:sched_wakeup_new" };
	static const char *const pid[] = { "pid" };
	const struct event_format *event;

	for (uint32_t i = 0; i < timeline->base.source_count; i++) {
		uint32_t of = timeline->base.sources[i].file;
		struct analysis_file *file = &timeline->base.files[of];
		bool of_host = timeline->sources[i].thread == OF_HOST;

		if (i && timeline->base.sources[i - 1].file == of)
			continue;
		for (size_t at = 0; of_host && at < countof(host); at++)
			analysis_add_role(file, host[at].name, host[at].role, &event);
		for (size_t at = 0; !of_host && at < countof(guest); at++) {
			event = analysis_event(file, guest[at]);
			if (event && vcpu_find_fields(event, pid, 1, &timeline->guests[of].wakes[at]))
				analysis_add_role(file, guest[at], (uint8_t)(VCPU_GUEST_WAKE + at), &event);
		}
	}
}

int vcpu_wakeups_create(struct vcpu_timeline *timeline, struct trc_error *err)
{
	struct vcpu_wakeups *wakeups = calloc(1, sizeof(*wakeups));

	timeline->wakeups = wakeups;
	if (!wakeups)
		return trc_fail_no_memory(err);
	wakeups->map.words = 1;
	wakeups->cpus = calloc(timeline->slot_count + 1, sizeof(*wakeups->cpus));
	wakeups->chains = calloc(timeline->thread_count + 1, sizeof(*wakeups->chains));
	find_events(timeline);
	return wakeups->cpus && wakeups->chains && analysis_add_columns(&timeline->base, columns, COLUMNS) ?
		       TRC_OK :
		       trc_fail_no_memory(err);
}

void vcpu_wakeups_destroy(struct vcpu_timeline *timeline)
{
	struct vcpu_wakeups *wakeups = timeline->wakeups;

	if (!wakeups)
		return;
	free(wakeups->cpus);
	free(wakeups->chains);
	free(wakeups->tasks);
	key_map_deinit(&wakeups->map);
	free(wakeups);
}
