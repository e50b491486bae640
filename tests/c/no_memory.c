/* SPDX-License-Identifier: MIT */
/*
 * no_memory FILE: runs out of memory at each allocation in turn, while the file is opened, reported,
 * filtered, read as columns and written anew. Built with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc and the
 * sanitizers, which find what is leaked or used after all. Each time the answer has to be
 * TRC_NO_MEMORY, or what it is with memory. Prints the number of allocations of each job.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "no_memory.h"

/* --- allocations -------------------------------------------------------------------------- */

static unsigned long allocations, failing; /* failing: number of the one that fails; 0: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static int fails(void)
{
	return ++allocations == failing;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

/* --- what a job gives --------------------------------------------------------------------- */

void add(struct sum *sum, const void *data, uint64_t size)
{
	const uint8_t *bytes = data;

	for (uint64_t i = 0; i < size; i++)
		sum->hash = (sum->hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	sum->bytes += size;
}

/* --- an opened file ------------------------------------------------------------------------- */

static const char *path;

static void close_file(struct opened *o)
{
	trc_data_destroy(o->data);
	trc_symbols_destroy(o->symbols);
	trc_metadata_destroy(o->metadata);
	trc_close(o->file);
}

static int open_file(struct opened *o)
{
	static const struct trc_clock_options clock;
	static const char more[] = "ffffffff81000100 T another\nno symbol\n";
	int rc;

	memset(o, 0, sizeof(*o));
	if ((rc = trc_open(path, NULL, &o->file, NULL)) ||
	    (rc = trc_metadata_create(o->file, &o->metadata, NULL)) ||
	    (rc = trc_symbols_create_with(o->file, more, sizeof(more) - 1, &o->symbols, NULL)) ||
	    (rc = trc_data_create(o->file, o->metadata, &clock, &o->data, NULL)))
		return rc;
	for (size_t i = 0; i < trc_stream_count(o->data) && i < MAX_SOURCES; i++) {
		struct trc_stream stream;

		rc = trc_stream(o->data, i, &stream, NULL);
		if (rc)
			return rc;
		o->walked[i] = (struct trc_walk_source){ .data = o->data, .stream = i };
		o->sources[i] = (struct trc_report_source){ 0, stream.buffer, stream.cpu };
		o->source_count++;
	}
	return TRC_OK;
}

/* --- jobs ----------------------------------------------------------------------------------- */

static int job_open(const struct opened *unused, uint32_t flags, struct sum *sum)
{
	struct opened o;
	int rc = open_file(&o);

	(void)unused;
	(void)flags;
	if (!rc) {
		size_t counts[2] = { trc_event_count(o.metadata), trc_symbol_count(o.symbols) };

		add(sum, counts, sizeof(counts));
	}
	close_file(&o);
	return rc;
}

static int write_walk(const struct opened *o, struct trc_report *report, struct sum *sum)
{
	const struct trc_walk_options options = { .until_last = 1 };
	struct trc_walk *walk;
	const char *text;
	size_t size;
	int rc = trc_walk_create(o->walked, o->source_count, &options, &walk, NULL);

	if (rc)
		return rc;
	do {
		rc = trc_report_next(report, walk, ENOUGH, &text, &size, NULL);
		if (!rc)
			add(sum, text, size);
	} while (rc == TRC_GO_ON || (!rc && size));
	trc_walk_destroy(walk);
	return rc;
}

/* A report, and a copy of it that is joined to it. */
static int job_report(const struct opened *o, uint32_t flags, struct sum *sum)
{
	const struct trc_report_file file = { o->file, o->metadata, o->symbols, "file", 4 };
	struct trc_report *report, *copy = NULL;
	const char *text;
	uint32_t again;
	size_t size;
	int rc = trc_report_create(flags, &file, 1, o->sources, o->source_count, &report, NULL);

	if (rc)
		return rc;
	if (!(rc = trc_report_set_events(report, TRC_REPORT_EVENTS_RAW, "sched_wakeup", 12, NULL)) &&
	    !(rc = trc_report_begin(report, &text, &size, NULL))) {
		add(sum, text, size);
		rc = trc_report_copy(report, &copy, NULL);
	}
	if (!rc && !(rc = write_walk(o, copy, sum)) && !(rc = trc_report_join(report, copy, &again, NULL)))
		add(sum, &again, sizeof(again));
	if (!rc)
		rc = write_walk(o, report, sum);
	if (!rc && !(rc = trc_report_end(report, &text, &size, NULL)))
		add(sum, text, size);
	trc_report_destroy(copy);
	trc_report_destroy(report);
	return rc;
}

static void take_pieces(struct trc_writer *writer, struct sum *sum)
{
	struct trc_piece piece;

	for (trc_writer_next_piece(writer, &piece); piece.size; trc_writer_next_piece(writer, &piece))
		add(sum, piece.data, piece.size);
}

static int write_stream(const struct opened *o, size_t source, struct trc_writer *writer,
			struct trc_block *block, struct sum *sum)
{
	const struct trc_walk_options options = { .until_last = 1 };
	struct trc_cut *cut;
	int begun = 0, rc = trc_cut_create(&o->walked[source], &options, &cut, NULL);

	if (rc)
		return rc;
	while ((rc = trc_cut_next(cut, block, NULL)) == TRC_GO_ON || (!rc && trc_block_size(block))) {
		if (rc == TRC_GO_ON)
			continue;
		if (!begun++ &&
		    (rc = trc_writer_begin(writer, o->sources[source].buffer, o->sources[source].cpu, NULL)))
			break;
		take_pieces(writer, sum);
		if ((rc = trc_block_pack(block, NULL)) || (rc = trc_writer_put(writer, block, NULL)))
			break;
		take_pieces(writer, sum);
	}
	trc_cut_destroy(cut);
	return rc;
}

/* The whole file in another format: flags are version | compression << 8. */
static int job_write(const struct opened *o, uint32_t flags, struct sum *sum)
{
	const struct trc_write_format format = { .version = flags & 255, .compression = flags >> 8 };
	struct trc_outline *outline = NULL;
	struct trc_writer *writer = NULL;
	struct trc_block *block = NULL;
	int rc;

	if (!(rc = trc_outline_of_file(o->file, &outline, NULL)) &&
	    !(rc = trc_block_create(outline, &format, &block, NULL)))
		rc = trc_writer_create(outline, &format, &writer, NULL);
	if (!rc)
		take_pieces(writer, sum);
	for (size_t i = 0; !rc && i < o->source_count; i++)
		rc = write_stream(o, i, writer, block, sum);
	if (!rc && !(rc = trc_writer_end(writer, NULL)))
		take_pieces(writer, sum);
	trc_writer_destroy(writer);
	trc_block_destroy(block);
	trc_outline_destroy(outline);
	return rc;
}

/* --- analyses ----------------------------------------------------------------------------- */

static int read_answer(int rc, struct trc_analysis **made, struct sum *sum)
{
	struct trc_analysis *analysis = *made;
	struct ArrowSchema schema;
	int64_t rows = 1;

	if (rc == TRC_NOT_FOUND) /* the file does not have these events */
		return TRC_OK;
	if (rc)
		return rc;
	rc = trc_analysis_schema(analysis, &schema, NULL);
	if (!rc)
		schema.release(&schema);
	while (!rc && rows) {
		struct ArrowArray batch;

		while ((rc = trc_analysis_next(analysis, 100, &batch, NULL)) == TRC_GO_ON)
			continue;
		if (rc)
			break;
		rows = batch.length;
		add(sum, &rows, sizeof(rows));
		batch.release(&batch);
	}
	trc_analysis_destroy(analysis);
	return rc;
}

static int ask_spans(const struct trc_analysis_source *sources, size_t count,
		     const struct trc_analysis_options *options, struct sum *sum)
{
	static const struct trc_span_part keys[] = {
		{ TRC_SPAN_PID, "", "", "" },
		{ TRC_SPAN_FIELD, "id", "id", "id" },
	};
	static const struct trc_span_part fields[] = {
		{ TRC_SPAN_END, "ret", "ret", "ret" },
		{ TRC_SPAN_EVENT, "name", "sys_", "" },
	};
	static const struct trc_spans_options spans = {
		"raw_syscalls:sys_enter", "raw_syscalls:sys_exit", keys, 2, fields, 2, NULL,
	};
	static const struct trc_residency_options residency = {
		"sched:sched_wakeup", "comm", "prio", "comm", "prio", 0
	};
	struct trc_analysis *analysis = NULL;
	int rc = read_answer(trc_spans_create(sources, count, options, &spans, &analysis, NULL), &analysis,
			     sum);

	return rc ? rc :
		    read_answer(trc_residency_create(sources, count, options, &residency, &analysis, NULL),
				&analysis, sum);
}

static int ask_calls(const struct opened *o, const struct trc_analysis_source *sources,
		     const struct trc_analysis_options *options, struct sum *sum)
{
	const struct trc_symbols *symbols[MAX_SOURCES] = { 0 };
	struct trc_analysis *analysis = NULL;
	int rc = TRC_OK;

	for (size_t i = 0; i < o->source_count; i++)
		symbols[i] = o->symbols;
	for (uint32_t kind = TRC_CALLS_FUNCTIONS; !rc && kind <= TRC_CALLS_EXITS; kind++) {
		const struct trc_calls_options of = {
			.kind = kind,
			.by = TRC_CALLS_BY_PARENT | TRC_CALLS_BY_TASK | TRC_CALLS_BY_CPU,
			.reason = "exit_reason",
			.second = "isa",
			.symbols = symbols,
		};

		rc = read_answer(trc_calls_create(sources, o->source_count, options, &of, &analysis, NULL),
				 &analysis, sum);
	}
	return rc;
}

static int ask_jobs(const struct opened *o, const struct trc_analysis_source *sources,
		    const struct trc_analysis_options *options, struct sum *sum)
{
	static const char *const keys[] = { "pid" };
	static const struct trc_job_field fields[] = {
		{ TRC_JOB_VALUE, TRC_JOB_QUEUE, 1, "comm", "name" },
		{ TRC_JOB_SYMBOL, TRC_JOB_START | TRC_JOB_END, 0, "target_cpu", NULL },
	};
	const struct trc_symbols *symbols[MAX_SOURCES] = { 0 };
	const struct trc_jobs_options of = {
		.queue = "sched:sched_waking",
		.start = "sched:sched_wakeup",
		.end = "sched:sched_process_free",
		.cancel = "sched:sched_process_exit",
		.keys = keys,
		.key_count = 1,
		.fields = fields,
		.field_count = 2,
		.symbols = symbols,
	};
	static const char *const events[] = { "sched:sched_switch", "sched:sched_waking" };
	const struct trc_counts_options counts = {
		TRC_COUNTS_BY_FUNCTION, events, 2, "common_pid", symbols,
	};
	struct trc_analysis *analysis = NULL;
	int rc;

	for (size_t i = 0; i < o->source_count; i++)
		symbols[i] = o->symbols;
	rc = read_answer(trc_jobs_create(sources, o->source_count, options, &of, &analysis, NULL), &analysis, sum);
	return rc ? rc :
		    read_answer(trc_counts_create(sources, o->source_count, options, &counts, &analysis, NULL),
				&analysis, sum);
}

static int job_analyses(const struct opened *o, uint32_t flags, struct sum *sum)
{
	static const struct trc_sched_wait wait = { 0, UINT64_MAX - 1, 23, 0, 0, 1, "task" };
	static const struct trc_sched_options sched[] = {
		{ TRC_SCHED_STATES, 0, NULL },  { TRC_SCHED_TASKS, 0, NULL },	{ TRC_SCHED_LATENCY, 0, NULL },
		{ TRC_SCHED_LATENCY, 3, NULL }, { TRC_SCHED_NR_RUNNING, 0, NULL }, { TRC_SCHED_WAKERS, 0, NULL },
		{ TRC_SCHED_HOLDERS, 0, &wait },
	};
	const struct trc_analysis_options options = { .flags = flags, .until_last = 1, .end = UINT64_MAX };
	struct trc_analysis_source sources[MAX_SOURCES] = { 0 };
	struct trc_analysis *analysis = NULL;
	int rc;

	for (size_t i = 0; i < o->source_count; i++)
		sources[i] = (struct trc_analysis_source){ o->walked[i].data, o->walked[i].stream, "peer" };
	rc = read_answer(trc_losses_create(sources, o->source_count, &options, &analysis, NULL), &analysis,
			 sum);
	if (!rc)
		rc = read_answer(trc_markers_create(sources, o->source_count, &options, &analysis, NULL),
				 &analysis, sum);
	if (!rc)
		rc = ask_spans(sources, o->source_count, &options, sum);
	for (size_t i = 0; !rc && i < sizeof(sched) / sizeof(*sched); i++)
		rc = read_answer(trc_sched_create(sources, o->source_count, &options, &sched[i], &analysis,
						  NULL),
				 &analysis, sum);
	if (!rc)
		rc = ask_jobs(o, sources, &options, sum);
	return rc ? rc : ask_calls(o, sources, &options, sum);
}

/* What vCPUs do; the file is the host's, or a guest's. */
static int ask_vcpus(const struct opened *o, uint32_t flags, int of_host, struct sum *sum)
{
	static const char *const fields[] = { "prio", "next_comm" };
	static const struct trc_vcpu vcpu = { .guest = "guest", .host_pid = 1, .has_task = 1, .comm = "task" };
	struct trc_analysis_options options = { 0 };
	int rc;
	struct trc_analysis_source sources[MAX_SOURCES] = { 0 };
	uint32_t vcpu_of[MAX_SOURCES] = { 0 };
	const struct trc_vcpu_options of = {
		.flags = flags | TRC_VCPU_SWITCHES | TRC_VCPU_WAKES,
		.end = INT64_MAX,
		.vcpus = &vcpu,
		.vcpu_count = 1,
		.vcpu_of = vcpu_of,
		.fields = fields,
		.field_names = fields,
		.field_count = 2,
	};
	struct trc_analysis *analysis = NULL;

	for (size_t i = 0; i < o->source_count; i++) {
		sources[i] = (struct trc_analysis_source){ o->walked[i].data, o->walked[i].stream, "peer" };
		vcpu_of[i] = of_host ? UINT32_MAX : 0;
	}
	/* The first records will do. */
	rc = trc_stream_page_ts(o->walked[0].data, o->walked[0].stream, 0, &options.start, NULL);
	if (rc)
		return rc;
	options.end = options.start + 20 * 1000 * 1000;
	return read_answer(trc_vcpus_create(sources, o->source_count, &options, &of, &analysis, NULL),
			   &analysis, sum);
}

static int job_vcpus(const struct opened *o, uint32_t flags, struct sum *sum)
{
	static const uint32_t kinds[] = { 0, TRC_VCPU_UNKNOWN, TRC_VCPU_TABLE, TRC_VCPU_WAKEUPS };
	int rc = TRC_OK;

	(void)flags;
	for (size_t i = 0; !rc && i < sizeof(kinds) / sizeof(*kinds); i++) {
		rc = ask_vcpus(o, kinds[i], 1, sum);
		if (!rc)
			rc = ask_vcpus(o, kinds[i], 0, sum);
	}
	return rc;
}

/* Profiles with a hook of two events that are there, or not. */
static int take_profile(const struct opened *o, struct trc_profile *profile, struct sum *sum)
{
	static const char text[] = "sched_switch,prev_pid/sched_switch,next_pid,g";
	const struct trc_walk_options options = { .until_last = 1 };
	struct trc_walk *walk = NULL;
	struct trc_hook hook;
	const char *lines;
	size_t size;
	int rc = trc_hook_parse(text, sizeof(text) - 1, &hook, NULL);

	if (!rc && o->source_count)
		rc = trc_profile_add_hook(profile, 0, &hook, NULL);
	if (rc == TRC_NOT_FOUND)
		rc = TRC_OK;
	if (!rc)
		rc = trc_walk_create(o->walked, o->source_count, &options, &walk, NULL);
	if (rc)
		return rc;
	while ((rc = trc_profile_next(profile, walk, NULL)) == TRC_GO_ON)
		continue;
	trc_walk_destroy(walk);
	while (!rc && !(rc = trc_profile_text(profile, ENOUGH, &lines, &size, NULL)) && size)
		add(sum, lines, size);
	return rc;
}

static int job_profile(const struct opened *o, uint32_t flags, struct sum *sum)
{
	struct trc_analysis_source sources[MAX_SOURCES] = { 0 };
	const struct trc_symbols *symbols[MAX_SOURCES];
	const struct trc_profile_options options = { .flags = flags, .symbols = symbols };
	struct trc_profile *profile;
	int rc;

	for (size_t i = 0; i < o->source_count; i++) {
		sources[i] = (struct trc_analysis_source){ o->walked[i].data, o->walked[i].stream, NULL };
		symbols[i] = o->symbols;
	}
	rc = trc_profile_create(sources, o->source_count, &options, &profile, NULL);
	if (rc)
		return rc;
	rc = take_profile(o, profile, sum);
	trc_profile_destroy(profile);
	return rc;
}

/* --- for Perfetto -------------------------------------------------------------------------- */

static int job_perfetto(const struct opened *o, uint32_t flags, struct sum *sum)
{
	const uint32_t buffers[] = { 0, 1 };
	const struct trc_perfetto_machine machine = {
		.metadata = o->metadata,
		.symbols = o->symbols,
		.machine_id = flags,
		.sequence_id = 1,
		.buffers = buffers,
		.buffers_count = 2,
	};
	const struct trc_walk_options options = { .until_last = 1 };
	struct trc_perfetto_source sources[MAX_SOURCES];
	struct trc_perfetto *perfetto = NULL;
	struct trc_walk *walk = NULL;
	const uint8_t *packets;
	size_t size = 0;
	int rc;

	for (size_t i = 0; i < o->source_count; i++)
		sources[i] = (struct trc_perfetto_source){
			.buffer = o->sources[i].buffer,
			.cpu = o->sources[i].cpu,
			.instance = o->sources[i].buffer ? "an instance" : "",
		};
	if (!(rc = trc_perfetto_create(&machine, 1, sources, o->source_count, &perfetto, NULL)) &&
	    !(rc = trc_walk_create(o->walked, o->source_count, &options, &walk, NULL))) {
		do {
			rc = trc_perfetto_next(perfetto, walk, ENOUGH, &packets, &size, NULL);
			if (!rc)
				add(sum, packets, size);
		} while (rc == TRC_GO_ON || (!rc && size));
	}
	trc_walk_destroy(walk);
	trc_perfetto_destroy(perfetto);
	return rc;
}

/* --- running them -------------------------------------------------------------------------- */

static const struct job {
	const char *name;
	int (*run)(const struct opened *o, uint32_t flags, struct sum *sum);
	uint32_t flags;
} jobs[] = {
	{ "open", job_open, 0 },
	{ "report", job_report, 0 },
	{ "report -R --ts-diff", job_report, TRC_REPORT_RAW | TRC_REPORT_TS_DIFF },
	{ "report -w", job_report, TRC_REPORT_WAKEUPS },
	{ "report --kernel-text", job_report, TRC_REPORT_KERNEL_TEXT },
	{ "report without texts", job_left_out, 0 },
	{ "filter", job_filter, 0 },
	{ "joined filters", job_joined_filters, 0 },
	{ "value names", job_value_names, 0 },
	{ "exit reasons", job_exit_reasons, 0 },
	{ "symbol fields", job_symbol_fields, 0 },
	{ "format", job_format, 0 },
	{ "columns", job_columns, 0 },
	{ "fields", job_fields, 0 },
	{ "columns without dictionaries", job_columns, TRC_COLUMNS_NO_DICTIONARY },
	{ "write version 6", job_write, 6 },
	{ "write version 7 with zstd", job_write, 7 | TRC_COMPRESSION_ZSTD << 8 },
	{ "analyses", job_analyses, TRC_ANALYSIS_PEER },
	{ "profile --by-comm", job_profile, TRC_PROFILE_BY_COMM },
	{ "perfetto", job_perfetto, 7 },
	{ "vcpus", job_vcpus, 0 },
};

static int run_job(const struct job *job, const struct opened *o, unsigned long fail, struct sum *sum)
{
	int rc;

	*sum = (struct sum){ 0 };
	allocations = 0;
	failing = fail;
	rc = job->run(o, job->flags, sum);
	failing = 0;
	return rc;
}

static int try_job(const struct job *job, const struct opened *o)
{
	struct sum whole, sum;
	unsigned long count;
	int rc = run_job(job, o, 0, &whole);

	count = allocations;
	if (rc || !count || !whole.bytes) {
		fprintf(stderr, "no_memory: %s: code %d, %lu allocations\n", job->name, rc, count);
		return 1;
	}
	for (unsigned long n = 1; n <= count; n++) {
		rc = run_job(job, o, n, &sum);
		if (rc == TRC_NO_MEMORY || (!rc && sum.bytes == whole.bytes && sum.hash == whole.hash))
			continue;
		fprintf(stderr, "no_memory: %s: allocation %lu of %lu fails: code %d\n", job->name, n, count,
			rc);
		return 1;
	}
	printf("%s: %lu\n", job->name, count);
	return 0;
}

int main(int argc, char **argv)
{
	struct opened o;
	int failed = 0;

	if (argc != 2)
		return 2;
	path = argv[1];
	if (open_file(&o))
		return 2;
	for (size_t i = 0; i < sizeof(jobs) / sizeof(*jobs); i++)
		failed |= try_job(&jobs[i], &o);
	close_file(&o);
	return failed;
}
