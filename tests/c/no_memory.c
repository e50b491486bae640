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
		"raw_syscalls:sys_enter", "raw_syscalls:sys_exit", keys, 2, fields, 2,
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

static int job_analyses(const struct opened *o, uint32_t flags, struct sum *sum)
{
	static const struct trc_sched_options sched[] = {
		{ TRC_SCHED_STATES, 0 },  { TRC_SCHED_TASKS, 0 },      { TRC_SCHED_LATENCY, 0 },
		{ TRC_SCHED_LATENCY, 3 }, { TRC_SCHED_NR_RUNNING, 0 },
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
		rc = read_answer(
			trc_sched_create(sources, o->source_count, &options, &sched[i], &analysis, NULL),
			&analysis, sum);
	return rc ? rc : ask_calls(o, sources, &options, sum);
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
