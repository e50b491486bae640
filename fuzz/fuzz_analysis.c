/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing the analyses: all machines over a whole trace.dat file, a buffer at a time. Whatever the records
 * say, states of a task neither overlap nor leave a hole, sums fill the window, durations are differences of
 * times, and what a loss may have changed is marked. README.md says how to build and run it.
 *
 * mmap() and its like are replaced at link time (--wrap) as exact_mapping.h says.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exact_mapping.h"
#include "tracecmd.h"

#define STREAMS_MAX 64
#define ROWS 500
#define LOSSES_MAX 1024
#define KEYS 65536 /* a power of two */
#define WAITS_MAX 4

/* --- batches ----------------------------------------------------------------------------------- */

struct rows {
	const struct ArrowSchema *schema;
	const struct ArrowArray *array;
	size_t count;
};

static const struct ArrowArray *column(const struct rows *rows, const char *name)
{
	for (int64_t i = 0; i < rows->schema->n_children; i++) {
		if (!strcmp(rows->schema->children[i]->name, name)) {
			require(rows->array->children[i]->length == (int64_t)rows->count, "columns are of one length");
			return rows->array->children[i];
		}
	}
	require(false, "an answer has its columns");
	return NULL;
}

static bool is_null(const struct ArrowArray *array, size_t row)
{
	const uint8_t *bits = array->buffers[0];

	return bits && !(bits[row / 8] >> row % 8 & 1);
}

static uint64_t u64(const struct ArrowArray *array, size_t row)
{
	return ((const uint64_t *)array->buffers[1])[row];
}

static uint32_t u32(const struct ArrowArray *array, size_t row)
{
	return ((const uint32_t *)array->buffers[1])[row];
}

static bool flag(const struct ArrowArray *array, size_t row)
{
	return ((const uint8_t *)array->buffers[1])[row / 8] >> row % 8 & 1;
}

static bool text_is(const struct ArrowArray *array, size_t row, const char *text)
{
	const int32_t *offsets = array->buffers[1];
	size_t size = (size_t)(offsets[row + 1] - offsets[row]);

	return size == strlen(text) && !memcmp((const char *)array->buffers[2] + offsets[row], text, size);
}

/* --- up to when each key was told of --------------------------------------------------------- */

static struct {
	uint64_t key[KEYS], until[KEYS]; /* key + 1 */
	size_t count;
} told;

static void forget_all(void)
{
	memset(&told, 0, sizeof(told));
}

/* NULL: there are too many. */
static uint64_t *until(uint64_t key, uint64_t first)
{
	size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 40) & (KEYS - 1);

	while (told.key[at] && told.key[at] != key + 1)
		at = (at + 1) & (KEYS - 1);
	if (!told.key[at]) {
		if (told.count > KEYS / 2)
			return NULL;
		told.count++;
		told.key[at] = key + 1;
		told.until[at] = first;
	}
	return &told.until[at];
}

/* --- what is asked of, and of which window --------------------------------------------------- */

static struct trc_analysis_source sources[STREAMS_MAX];
static size_t source_count;
static struct trc_analysis_options options;
static uint32_t cpus[STREAMS_MAX];

static struct {
	uint64_t from, to;
} losses[LOSSES_MAX];
static size_t loss_count;
static bool all_losses; /* they are all in the list */

/* All keys reach the end of the window. */
static void check_filled(void)
{
	for (size_t i = 0; i < KEYS; i++)
		require(!told.key[i] || told.until[i] == options.end, "rows reach the end of the window");
}

static void follow(uint64_t key, uint64_t start, uint64_t end)
{
	uint64_t *last = until(key, options.start);

	if (!last)
		return;
	require(start == *last && end > start, "rows follow each other");
	*last = end;
}

/* --- checks of each answer -------------------------------------------------------------------- */

static void check_losses(const struct rows *rows)
{
	const struct ArrowArray *from = column(rows, "from"), *to = column(rows, "to");

	for (size_t i = 0; i < rows->count; i++) {
		if (loss_count == LOSSES_MAX) {
			all_losses = false;
			return;
		}
		losses[loss_count].from = is_null(from, i) ? 0 : u64(from, i);
		losses[loss_count++].to = is_null(to, i) ? UINT64_MAX : u64(to, i);
	}
}

static void check_states(const struct rows *rows)
{
	const struct ArrowArray *pid = column(rows, "pid"), *state = column(rows, "state");
	const struct ArrowArray *start = column(rows, "start"), *end = column(rows, "end");
	const struct ArrowArray *duration = column(rows, "duration"), *cpu = column(rows, "cpu");

	for (size_t i = 0; i < rows->count; i++) {
		bool has_pid = !is_null(pid, i);

		require(u64(duration, i) == u64(end, i) - u64(start, i), "a duration is a difference");
		require(has_pid || text_is(state, i, "unknown"), "nobody's time is unknown");
		require(!is_null(cpu, i) || text_is(state, i, "unknown") || !text_is(state, i, "running"),
			"what runs does so on a CPU");
		if (has_pid && u32(pid, i))
			follow(UINT64_C(1) << 40 | u32(pid, i), u64(start, i), u64(end, i));
		if (text_is(state, i, "running") || !has_pid)
			follow(UINT64_C(1) << 41 | u32(cpu, i), u64(start, i), u64(end, i));
	}
}

static void check_tasks(const struct rows *rows)
{
	static const char *const states[] = { "running",  "runnable", "preempted", "sleeping",
					      "blocked", "other",    "unknown" };

	for (size_t i = 0; i < rows->count; i++) {
		uint64_t sum = 0;

		for (size_t k = 0; k < sizeof(states) / sizeof(*states); k++)
			sum += u64(column(rows, states[k]), i);
		require(sum == options.end - options.start, "a task's times fill the window");
	}
}

static struct trc_sched_wait waits[WAITS_MAX];
static size_t wait_count;
static uint64_t shortest; /* of the waits so far, the longest first */

static void check_latency(const struct rows *rows)
{
	const struct ArrowArray *woken = column(rows, "woken"), *run = column(rows, "run");
	const struct ArrowArray *latency = column(rows, "latency");

	for (size_t i = 0; i < rows->count; i++) {
		require(u64(run, i) >= u64(woken, i) && u64(latency, i) == u64(run, i) - u64(woken, i),
			"a latency is a difference");
		require(u64(woken, i) >= options.start && u64(run, i) < options.end, "waits are of the window");
		require(u64(latency, i) <= shortest, "the longest come first");
		shortest = u64(latency, i);
		if (wait_count < WAITS_MAX)
			waits[wait_count++] = (struct trc_sched_wait){
				.woken = u64(woken, i),
				.run = u64(run, i),
				.pid = (int32_t)u32(column(rows, "pid"), i),
				.cpu = u32(column(rows, "cpu"), i),
				.name = "task",
			};
	}
}

static uint64_t held;

static void check_holders(const struct rows *rows)
{
	const struct ArrowArray *of = column(rows, "held");

	for (size_t i = 0; i < rows->count; i++)
		held += u64(of, i);
}

static void check_nr_running(const struct rows *rows)
{
	const struct ArrowArray *cpu = column(rows, "cpu"), *start = column(rows, "start");
	const struct ArrowArray *end = column(rows, "end");

	for (size_t i = 0; i < rows->count; i++)
		follow(u32(cpu, i), u64(start, i), u64(end, i));
}

static void check_wakers(const struct rows *rows)
{
	const struct ArrowArray *pid = column(rows, "pid"), *start = column(rows, "start");
	const struct ArrowArray *run = column(rows, "run"), *end = column(rows, "end");
	const struct ArrowArray *latency = column(rows, "latency"), *waker = column(rows, "waker");

	for (size_t i = 0; i < rows->count; i++) {
		uint64_t *last = until(u32(pid, i), options.start);
		uint64_t stop = is_null(end, i) ? options.end : u64(end, i);

		require(stop >= u64(start, i), "a task is awake until a later time");
		require(!last || u64(start, i) >= *last, "a task is awake once at a time");
		if (last)
			*last = stop;
		require(is_null(run, i) || (u64(run, i) >= u64(start, i) && u64(run, i) <= stop),
			"a task runs while it is awake");
		require(is_null(latency, i) == (is_null(run, i) || is_null(waker, i)) &&
			(is_null(latency, i) || u64(latency, i) == u64(run, i) - u64(start, i)),
			"a latency is a difference of what is known");
		require(is_null(waker, i) == is_null(column(rows, "event"), i), "a waker has a record");
	}
}

/* Of two times that may be null, and of what is between them. */
static void check_between(const struct rows *rows, const char *from, const char *to, const char *between)
{
	const struct ArrowArray *start = column(rows, from), *end = column(rows, to);
	const struct ArrowArray *duration = column(rows, between);

	for (size_t i = 0; i < rows->count; i++) {
		bool known = !is_null(start, i) && !is_null(end, i);
		uint64_t right = known && u64(end, i) > u64(start, i) ? u64(end, i) - u64(start, i) : 0;

		require(is_null(duration, i) == !known && (!known || u64(duration, i) == right),
			"a duration is a difference");
	}
}

/* A loss on any CPU between two records is marked; without losses nothing is. */
static void check_marked(const struct rows *rows, const char *from)
{
	const struct ArrowArray *start = column(rows, from), *end = column(rows, "end");
	const struct ArrowArray *lost = column(rows, "lost");

	for (size_t i = 0; i < rows->count; i++) {
		require(!all_losses || loss_count || !flag(lost, i), "nothing is lost without a loss");
		if (is_null(start, i) || is_null(end, i) || u64(end, i) <= u64(start, i))
			continue;
		/* A loss of no length is one that time steps back over: it has no place among these times. */
		for (size_t k = 0; k < loss_count && !flag(lost, i); k++)
			require(losses[k].from >= u64(end, i) || losses[k].to <= u64(start, i) ||
					losses[k].from == losses[k].to,
				"what a loss may have changed is marked");
	}
}

static void check_spans(const struct rows *rows)
{
	const struct ArrowArray *self = column(rows, "self"), *duration = column(rows, "duration");

	check_between(rows, "start", "end", "duration");
	check_marked(rows, "start");
	for (size_t i = 0; i < rows->count; i++)
		require(is_null(self, i) == is_null(duration, i) ||
			u64(self, i) <= u64(duration, i), "self is a part");
}

static void check_marks(const struct rows *rows)
{
	check_between(rows, "start", "end", "duration");
	check_marked(rows, "start");
}

static void check_jobs(const struct rows *rows)
{
	check_between(rows, "start", "end", "duration");
	check_between(rows, "queued", "start", "waited");
	check_marked(rows, "queued");
}

static void check_counts(const struct rows *rows)
{
	static uint64_t before;
	const struct ArrowArray *count = column(rows, "count");

	for (size_t i = 0; i < rows->count; i++) {
		require(u64(count, i) && (!i || u64(count, i) <= before), "the most frequent come first");
		before = u64(count, i);
	}
}

static void check_functions(const struct rows *rows)
{
	const struct ArrowArray *total = column(rows, "total"), *self = column(rows, "self");

	for (size_t i = 0; i < rows->count; i++)
		require(is_null(total, i) || is_null(self, i) || u64(self, i) <= u64(total, i), "self is a part");
}

static void check_vcpus(const struct rows *rows)
{
	const struct ArrowArray *start = column(rows, "start"), *end = column(rows, "end");

	for (size_t i = 0; i < rows->count; i++) {
		uint64_t *last = until(u32(column(rows, "vcpu"), i), 0);

		require(last && u64(start, i) == *last && u64(end, i) > *last, "a vCPU's rows follow each other");
		*last = u64(end, i);
	}
}

/* --- reading answers --------------------------------------------------------------------------- */

static void read_answer(int rc, struct trc_analysis **made, void (*check)(const struct rows *rows))
{
	struct trc_analysis *analysis = *made;
	struct ArrowSchema schema;
	struct trc_error err;
	uint64_t done, total;

	if (rc)
		return;
	require(!trc_analysis_schema(analysis, &schema, &err), "an answer has a schema");
	for (;;) {
		struct ArrowArray array;
		struct rows rows = { &schema, &array, 0 };

		while ((rc = trc_analysis_next(analysis, ROWS, &array, &err)) == TRC_GO_ON)
			continue;
		if (rc)
			break;
		rows.count = (size_t)array.length;
		if (rows.count && check)
			check(&rows);
		array.release(&array);
		if (!rows.count)
			break;
	}
	require(!rc || rc == err.code, "the code returned is the error's");
	for (size_t i = 0; i < trc_analysis_problem_count(analysis); i++)
		require(!trc_analysis_problem(analysis, i, &err) && err.code, "there are as many problems as said");
	trc_analysis_progress(analysis, &done, &total);
	schema.release(&schema);
	trc_analysis_destroy(analysis);
	if (rc)
		forget_all(); /* it told of a part alone */
	*made = NULL;
}

static void ask_sched(uint32_t kind, size_t most, const struct trc_sched_wait *wait,
		      void (*check)(const struct rows *rows))
{
	const struct trc_sched_options of = { kind, most, wait };
	struct trc_analysis *analysis = NULL;

	forget_all();
	read_answer(trc_sched_create(sources, source_count, &options, &of, &analysis, NULL), &analysis, check);
}

static void ask_about_tasks(void)
{
	ask_sched(TRC_SCHED_STATES, 0, NULL, check_states);
	check_filled();
	ask_sched(TRC_SCHED_TASKS, 0, NULL, check_tasks);
	ask_sched(TRC_SCHED_NR_RUNNING, 0, NULL, check_nr_running);
	check_filled();
	ask_sched(TRC_SCHED_WAKERS, 0, NULL, check_wakers);
	wait_count = 0;
	shortest = UINT64_MAX;
	ask_sched(TRC_SCHED_LATENCY, 100, NULL, check_latency);
	for (size_t i = 0; i < wait_count; i++) {
		struct trc_analysis_options whole = options;

		held = 0;
		options.start = waits[i].woken;
		ask_sched(TRC_SCHED_HOLDERS, 0, &waits[i], check_holders);
		require(held == waits[i].run - waits[i].woken, "who held the CPU adds up to the wait");
		options = whole;
	}
}

static void ask_spans(void)
{
	static const struct trc_span_part keys[] = { { TRC_SPAN_FIELD, "vec", "vec", "vec" } };
	static const struct trc_span_part named[] = { { TRC_SPAN_NAMED, "name", "vec", "" } };
	static const struct trc_span_part of_task[] = { { TRC_SPAN_PID, "", "", "" } };
	static const struct trc_span_part ret[] = { { TRC_SPAN_END, "ret", "ret", "ret" } };
	const struct trc_spans_options softirqs = {
		"irq:softirq_entry", "irq:softirq_exit", keys, 1, named, 1, NULL,
	};
	const struct trc_spans_options syscalls = {
		"raw_syscalls:sys_enter", "raw_syscalls:sys_exit", of_task, 1, ret, 1, NULL,
	};
	const struct trc_residency_options residency = { "sched:sched_waking", "pid", "target_cpu", "pid",
							 "target_cpu", 0 };
	struct trc_analysis *analysis = NULL;

	read_answer(trc_spans_create(sources, source_count, &options, &softirqs, &analysis, NULL), &analysis,
		    check_spans);
	read_answer(trc_spans_create(sources, source_count, &options, &syscalls, &analysis, NULL), &analysis,
		    check_spans);
	read_answer(trc_markers_create(sources, source_count, &options, &analysis, NULL), &analysis, check_marks);
	read_answer(trc_residency_create(sources, source_count, &options, &residency, &analysis, NULL), &analysis,
		    check_marks);
}

static void ask_jobs(const struct trc_symbols *const *symbols)
{
	static const char *const timer[] = { "hrtimer" }, *const task[] = { "pid" };
	static const char *const events[] = { "sched:sched_switch", "timer:hrtimer_start" };
	static const struct trc_job_field fields[] = {
		{ TRC_JOB_SYMBOL, TRC_JOB_QUEUE | TRC_JOB_START, 0, "function", NULL },
		{ TRC_JOB_VALUE, TRC_JOB_QUEUE | TRC_JOB_START | TRC_JOB_END, 1, "comm", NULL },
	};
	const struct trc_jobs_options timers = {
		"timer:hrtimer_start", "timer:hrtimer_expire_entry", "timer:hrtimer_expire_exit",
		"timer:hrtimer_cancel", timer, 1, fields, 2, symbols,
	};
	const struct trc_jobs_options tasks = {
		"sched:sched_waking", "sched:sched_wakeup", "sched:sched_migrate_task", NULL, task, 1, fields, 2,
		symbols,
	};
	const struct trc_counts_options counts = { TRC_COUNTS_BY_FUNCTION, events, 2, "common_pid", symbols };
	struct trc_analysis *analysis = NULL;

	read_answer(trc_jobs_create(sources, source_count, &options, &timers, &analysis, NULL), &analysis,
		    check_jobs);
	read_answer(trc_jobs_create(sources, source_count, &options, &tasks, &analysis, NULL), &analysis,
		    check_jobs);
	read_answer(trc_counts_create(sources, source_count, &options, &counts, &analysis, NULL), &analysis,
		    check_counts);
}

static void ask_calls(const struct trc_symbols *const *symbols)
{
	for (uint32_t kind = TRC_CALLS_FUNCTIONS; kind <= TRC_CALLS_EXITS; kind++) {
		const struct trc_calls_options of = {
			.kind = kind,
			.by = kind == TRC_CALLS_FUNCTIONS ? TRC_CALLS_BY_PARENT | TRC_CALLS_BY_CPU :
							    TRC_CALLS_BY_TASK,
			.reason = "exit_reason",
			.second = "isa",
			.symbols = symbols,
		};
		struct trc_analysis *analysis = NULL;

		read_answer(trc_calls_create(sources, source_count, &options, &of, &analysis, NULL), &analysis,
			    kind == TRC_CALLS_FUNCTIONS ? check_functions : NULL);
	}
}

/* One vCPU, whose guest the last stream is of, if there are several. */
static void ask_vcpus(void)
{
	static const struct trc_vcpu vcpu = {
		.guest = "guest", .host_pid = 5, .end = UINT64_MAX, .has_switches = 1, .comm = "task",
	};
	static uint32_t vcpu_of[STREAMS_MAX];
	struct trc_vcpu_options of = {
		.flags = TRC_VCPU_SWITCHES | TRC_VCPU_WAKES | TRC_VCPU_FROM | TRC_VCPU_TO,
		.end = INT64_MAX,
		.last = INT64_MAX,
		.vcpus = &vcpu,
		.vcpu_count = 1,
		.vcpu_of = vcpu_of,
	};
	struct trc_analysis *analysis = NULL;

	for (size_t i = 0; i < source_count; i++)
		vcpu_of[i] = source_count > 1 && i + 1 == source_count ? 0 : UINT32_MAX;
	forget_all();
	read_answer(trc_vcpus_create(sources, source_count, &options, &of, &analysis, NULL), &analysis,
		    check_vcpus);
	for (size_t i = 0; i < KEYS; i++)
		require(!told.key[i] || told.until[i] == INT64_MAX, "rows reach the end of the window");
	of.flags = TRC_VCPU_SUMMARY | TRC_VCPU_SWITCHES;
	read_answer(trc_vcpus_create(sources, source_count, &options, &of, &analysis, NULL), &analysis, NULL);
}

/* --- files ------------------------------------------------------------------------------------- */

static void ask_buffer(const struct trc_symbols *const *symbols)
{
	struct trc_analysis *analysis = NULL;

	loss_count = 0;
	all_losses = true;
	read_answer(trc_losses_create(sources, source_count, &options, &analysis, NULL), &analysis, check_losses);
	ask_about_tasks();
	ask_spans();
	ask_jobs(symbols);
	ask_calls(symbols);
	ask_vcpus();
}

/* A CPU that the buffer has twice runs two tasks at a time. */
static bool add_source(const struct trc_data *data, size_t stream, uint32_t cpu)
{
	for (size_t i = 0; i < source_count; i++) {
		if (cpus[i] == cpu)
			return false;
	}
	cpus[source_count] = cpu;
	sources[source_count++] = (struct trc_analysis_source){ data, stream, NULL };
	return true;
}

static void use_data(const struct trc_data *data, const struct trc_symbols *of_file)
{
	const struct trc_symbols *symbols[STREAMS_MAX];
	size_t count = trc_stream_count(data) < STREAMS_MAX ? trc_stream_count(data) : STREAMS_MAX, next;
	struct trc_error err;

	for (size_t i = 0; i < STREAMS_MAX; i++)
		symbols[i] = of_file;
	for (size_t first = 0; first < count; first = next) {
		struct trc_stream stream;
		uint32_t buffer = 0;

		source_count = 0;
		for (next = first; next < count; next++) {
			require(!trc_stream(data, next, &stream, &err), "there are as many streams as said");
			if (next == first)
				buffer = stream.buffer;
			if (stream.buffer != buffer || !add_source(data, next, stream.cpu))
				break;
		}
		ask_buffer(symbols);
	}
}

static void use_file(const struct trc_file *file)
{
	struct trc_metadata *metadata = NULL;
	struct trc_symbols *symbols = NULL;
	struct trc_data *data = NULL;
	struct trc_error err;

	if (!trc_metadata_create(file, &metadata, &err) && !trc_symbols_create(file, &symbols, &err) &&
	    !trc_data_create(file, metadata, NULL, &data, &err))
		use_data(data, symbols);
	trc_data_destroy(data);
	trc_symbols_destroy(symbols);
	trc_metadata_destroy(metadata);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	struct trc_file *file;
	struct trc_error err;

	options = (struct trc_analysis_options){ .flags = TRC_ANALYSIS_UINT64_TS | TRC_ANALYSIS_NO_DICTIONARY,
						 .end = UINT64_MAX };
	/* Half of them are asked about a window that the last bytes choose. */
	if (size > 8 && bytes[size - 1] & 1)
		memcpy((uint8_t *)&options.start + 2, bytes + size - 4, 3);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		abort();
	if (!trc_open_fd(fd, NULL, &file, &err)) {
		use_file(file);
		trc_close(file);
	}
	close(fd);
	return 0;
}

#include "main.h"
