/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing the report of whole files: the lines of any bytes taken for a trace.dat file, written in
 * large pieces and in small ones, record by record, and in stretches by copies that are joined as
 * threads would. All have to say the same. So do profiles. README.md says how to build and run it.
 *
 * One report is without options. Those of a second one are the input's last four bytes, which mean
 * little to most files: flags of the core, and from 1 << 19 on those of enum how.
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

#define STREAMS_MAX 16
#define RECORDS_MAX 4096
#define PAYLOAD_MAX (1 << 20)
#define TEXT_MAX (1 << 20)	/* of a report: what is beyond it is left out */
#define STRETCHES 3

enum how {
	HOW_EVENTS = 1 << 19,		/* some events are shown otherwise: -r, -n */
	HOW_TWICE = 1 << 20,		/* the file is there twice, as two peers */
	HOW_KALLSYMS = 1 << 21,		/* --kallsyms */
	HOW_RAW_TS = 1 << 22,		/* --raw-ts */
	HOW_FILTER = 1 << 23,		/* -F, with the stacks of what it lets through */
	CORE_FLAGS = HOW_EVENTS - 1,
};

struct recording {
	uint32_t flags;			/* the core's, and enum how */
	struct trc_file *file;
	struct trc_metadata *metadata;
	struct trc_symbols *symbols;	/* NULL: they cannot be read */
	struct trc_data *data;
	struct trc_filter *filter;
	struct trc_report_file files[2];
	struct trc_walk_source walked[2 * STREAMS_MAX];
	struct trc_report_source sources[2 * STREAMS_MAX];
	size_t file_count, source_count;
};

/* --- texts ------------------------------------------------------------------------------------ */

struct text {
	char *bytes;
	size_t size;
	bool whole;		/* to the last record */
};

static void add(struct text *text, const char *piece, size_t size)
{
	text->bytes = realloc(text->bytes, text->size + size + 1);
	require(text->bytes != NULL, "there is memory for a text");
	memcpy(text->bytes + text->size, piece, size);
	text->size += size;
}

/* Equal, as far as both go. */
static void require_same(const struct text *a, const struct text *b, const char *what)
{
	size_t size = a->size < b->size ? a->size : b->size;

	require(!size || !memcmp(a->bytes, b->bytes, size), what);
	require(!a->whole || !b->whole || a->size == b->size, what);
}

/* The lines of the walk's records. */
static void add_lines(struct text *text, struct trc_report *report, struct trc_walk *walk, size_t enough)
{
	size_t size = 1, end = text->size + TEXT_MAX;
	const char *piece;
	struct trc_error err;

	text->whole = false;
	while (text->size < end) {
		int rc = trc_report_next(report, walk, enough, &piece, &size, &err);

		if (rc == TRC_GO_ON)
			continue;
		if (!ok(rc, &err))
			break;
		add(text, piece, size);
		text->whole = !size;
		if (!size)
			break;
	}
}

/* --- records ---------------------------------------------------------------------------------- */

/* Those of a recording, RECORDS_MAX at most. */
static struct {
	uint64_t ts[RECORDS_MAX], end[RECORDS_MAX];
	uint32_t source[RECORDS_MAX], id[RECORDS_MAX];
	int32_t pid[RECORDS_MAX];
	int64_t missed[RECORDS_MAX];
	uint8_t payload[PAYLOAD_MAX];
	size_t count;
	bool whole, sorted;	/* there are no more; no time steps back */
} records;

static void read_records(const struct recording *recording)
{
	struct trc_walk_options all = { .until_last = 1 };
	struct trc_batch batch = {
		.room = RECORDS_MAX, .payload_room = PAYLOAD_MAX, .ts = records.ts,
		.source = records.source, .id = records.id, .pid = records.pid,
		.missed_events = records.missed, .payload_end = records.end, .payload = records.payload,
	};
	struct trc_error err;
	struct trc_walk *walk;
	int rc;

	records.count = 0;
	records.whole = false;
	records.sorted = true;
	if (!ok(trc_walk_create(recording->walked, recording->source_count, &all, &walk, &err), &err))
		return;
	do
		rc = trc_walk_next(walk, &batch, &err);
	while (rc == TRC_GO_ON);
	if (ok(rc, &err)) {
		records.count = batch.count;
		records.whole = batch.count < RECORDS_MAX && batch.payload_size < PAYLOAD_MAX - 65536;
	}
	trc_walk_destroy(walk);
	for (size_t i = 1; i < records.count; i++)
		records.sorted &= records.ts[i - 1] <= records.ts[i];
	/* A stretch that ends at the last time of all has no bound: it cannot end before such a record. */
	records.sorted &= !records.count || records.ts[records.count - 1] != UINT64_MAX;
}

/* --- reports ---------------------------------------------------------------------------------- */

static struct trc_report *make_report(const struct recording *recording, struct text *text)
{
	struct trc_report *report;
	const char *head;
	size_t size;
	struct trc_error err;

	if (!ok(trc_report_create(recording->flags & CORE_FLAGS, recording->files, recording->file_count,
				  recording->sources, recording->source_count, &report, &err), &err))
		return NULL;
	if (recording->flags & HOW_EVENTS) {
		ok(trc_report_set_events(report, TRC_REPORT_EVENTS_RAW, "t.*|kvm", 7, &err), &err);
		ok(trc_report_set_events(report, TRC_REPORT_EVENTS_PLAIN, "sched_.*|func.*", 15, &err), &err);
	}
	if (ok(trc_report_begin(report, &head, &size, &err), &err))
		add(text, head, size);
	return report;
}

/* What is below the last event, where that was reached. */
static void add_end(struct trc_report *report, struct text *text)
{
	const char *end;
	size_t size;
	struct trc_error err;

	if (text->whole && ok(trc_report_end(report, &end, &size, &err), &err))
		add(text, end, size);
}

static struct trc_walk *make_walk(const struct recording *recording, uint64_t start, uint64_t end)
{
	struct trc_walk_options options = { .start = start, .end = end, .until_last = end == UINT64_MAX };
	struct trc_walk *walk;
	struct trc_error err;

	return ok(trc_walk_create(recording->walked, recording->source_count, &options, &walk, &err), &err) ?
		walk : NULL;
}

/* Stretches may lack records of pages that are not in order, which is a problem then. */
static bool disorder;

static void look_for_disorder(const struct trc_walk *walk)
{
	struct trc_error problem;

	for (size_t i = 0; i < trc_walk_problem_count(walk); i++) {
		if (!trc_walk_problem(walk, i, &problem))
			disorder |= strstr(problem.message, "not in order") || strstr(problem.message, "more");
	}
}

/* What a report, which goes on from what it wrote before, writes of a stretch of time. */
static void add_stretch(const struct recording *recording, struct trc_report *report, uint64_t start,
			uint64_t end, size_t enough, struct text *text)
{
	struct trc_walk *walk = make_walk(recording, start, end);

	if (!walk)
		return;
	add_lines(text, report, walk, enough);
	look_for_disorder(walk);
	trc_walk_destroy(walk);
}

static struct text in_pieces(const struct recording *recording, size_t enough)
{
	struct text text = { 0 };
	struct trc_report *report = make_report(recording, &text);

	if (report)
		add_stretch(recording, report, 0, UINT64_MAX, enough, &text);
	add_end(report, &text);
	trc_report_destroy(report);
	return text;
}

/* Lines of functions are joined with later ones only where these are known: not here, nor with -R. */
static struct text record_by_record(const struct recording *recording)
{
	struct text text = { .whole = records.whole };
	struct trc_report *report = make_report(recording, &text);
	size_t start = 0;

	for (size_t i = 0; report && i < records.count; start = records.end[i++]) {
		struct trc_report_record record = {
			.payload = records.payload + start, .size = records.end[i] - start,
			.source = records.source[i], .missed_events = records.missed[i], .ts = records.ts[i],
		};
		const char *line;
		size_t size;
		struct trc_error err;

		if (text.size > TEXT_MAX || !ok(trc_report_record(report, &record, &line, &size, &err), &err)) {
			text.whole = false;
			break;
		}
		add(&text, line, size);
	}
	if (report)
		add_end(report, &text);
	trc_report_destroy(report);
	return text;
}

/* Where stretch number n begins; the last one ends at the end of time. */
static uint64_t begin_of(size_t n)
{
	return !n ? 0 : n == STRETCHES ? UINT64_MAX : records.ts[records.count * n / STRETCHES];
}

/* The stretch that a copy wrote, joined. true: the report wrote all the rest of the trace with it. */
static bool join(const struct recording *recording, struct trc_report *report,
		 const struct trc_report *copy, size_t n, const struct text *own, struct text *text)
{
	uint32_t again;
	struct trc_error err;

	if (!ok(trc_report_join(report, copy, &again, &err), &err))
		abort();
	if (again == TRC_REPORT_JOINED) {
		if (own->size)
			add(text, own->bytes, own->size);
		text->whole = own->whole;
		return !own->whole;
	}
	add_stretch(recording, report, begin_of(n), again == TRC_REPORT_AGAIN ? begin_of(n + 1) : UINT64_MAX,
		    4096, text);
	return again == TRC_REPORT_IN_ONE || !text->whole;
}

/* Each stretch by a copy of what the report was then, the last one by one that was used before. */
static struct text in_stretches(const struct recording *recording)
{
	struct text text = { 0 };
	struct trc_report *report = make_report(recording, &text), *copy = NULL;
	bool done = !report;
	struct trc_error err;

	for (size_t n = 0; n < STRETCHES && !done; n++) {
		struct text own = { 0 };

		if (n < STRETCHES - 1)
			trc_report_destroy(copy);
		if (!ok(n < STRETCHES - 1 ? trc_report_copy(report, &copy, &err) :
			trc_report_restart(copy, report, &err), &err))
			abort();
		add_stretch(recording, copy, begin_of(n), begin_of(n + 1), 1 << 16, &own);
		done = join(recording, report, copy, n, &own, &text);
		free(own.bytes);
	}
	if (report)
		add_end(report, &text);
	trc_report_destroy(copy);
	trc_report_destroy(report);
	return text;
}

static void use_reports(const struct recording *recording)
{
	struct text text = in_pieces(recording, 1 << 16), other;

	if (text.whole && text.size && !(recording->flags & TRC_REPORT_EVENT_TEXT))
		require(text.bytes[text.size - 1] == '\n', "a text ends with its last line");
	other = in_pieces(recording, 1);
	require_same(&text, &other, "small pieces are those of large ones");
	free(other.bytes);
	read_records(recording);
	other = record_by_record(recording);
	if (recording->flags & TRC_REPORT_RAW)
		require_same(&text, &other, "records one by one have the same lines");
	free(other.bytes);
	if (records.count && !recording->filter) {
		disorder = false;
		other = in_stretches(recording);
		if (records.sorted && records.whole && !disorder)
			require_same(&text, &other, "stretches join up to the whole");
		free(other.bytes);
	}
	free(text.bytes);
}

/* --- profiles --------------------------------------------------------------------------------- */

static struct trc_profile *make_profile(const struct recording *recording)
{
	static const char text[] = "irq_handler_entry,irq/sched_switch,next_pid,p";
	struct trc_analysis_source sources[2 * STREAMS_MAX] = { 0 };
	const struct trc_symbols *symbols[2 * STREAMS_MAX];
	const struct trc_profile_options options = { recording->flags & 3, symbols };
	struct trc_profile *profile;
	struct trc_hook hook;
	struct trc_error err;

	for (size_t i = 0; i < recording->source_count; i++) {
		sources[i].data = recording->walked[i].data;
		sources[i].stream = recording->walked[i].stream;
		symbols[i] = recording->symbols;
	}
	if (!ok(trc_profile_create(sources, recording->source_count, &options, &profile, &err), &err))
		return NULL;
	if (recording->flags & HOW_EVENTS && recording->source_count) {
		require(!trc_hook_parse(text, sizeof(text) - 1, &hook, &err), "a hook can be read");
		ok(trc_profile_add_hook(profile, 0, &hook, &err), &err);
	}
	return profile;
}

static struct text profile_in_pieces(const struct recording *recording, size_t enough)
{
	struct text text = { 0 };
	struct trc_profile *profile = make_profile(recording);
	struct trc_walk *walk = profile ? make_walk(recording, 0, UINT64_MAX) : NULL;
	const char *piece;
	size_t size = 1;
	struct trc_error err;
	int rc = walk ? TRC_GO_ON : TRC_NO_MEMORY;

	while (rc == TRC_GO_ON)
		rc = trc_profile_next(profile, walk, &err);
	if (walk && ok(rc, &err))
		while (size && text.size < TEXT_MAX && ok(trc_profile_text(profile, enough, &piece, &size, &err), &err))
			add(&text, piece, size);
	text.whole = !size;
	trc_walk_destroy(walk);
	trc_profile_destroy(profile);
	return text;
}

static void use_profiles(const struct recording *recording)
{
	struct text large = profile_in_pieces(recording, 1 << 16), small = profile_in_pieces(recording, 1);

	require_same(&large, &small, "small pieces of a profile are those of large ones");
	free(large.bytes);
	free(small.bytes);
}

/* --- recordings ------------------------------------------------------------------------------- */

/* Top buffers first, then all instances: the order in which trace-cmd merges. */
static void add_sources(struct recording *recording, bool instances)
{
	const struct trc_filter *const *filters = (const struct trc_filter *const *)&recording->filter;
	struct trc_event_info stack = { 0 };
	struct trc_stream stream;
	size_t event;

	if (recording->filter &&
	    !trc_event_find(recording->metadata, "ftrace", 6, "kernel_stack", 12, &event, NULL))
		require(!trc_event(recording->metadata, event, &stack, NULL), "an event found is there");
	for (size_t i = 0; i < recording->file_count; i++) {
		for (size_t n = 0; n < STREAMS_MAX && !trc_stream(recording->data, n, &stream, NULL); n++) {
			if ((stream.buffer != 0) != instances)
				continue;
			recording->walked[recording->source_count] = (struct trc_walk_source){
				.data = recording->data, .stream = n, .filters = filters,
				.filter_count = recording->filter != NULL, .stack_id = stack.id,
			};
			recording->sources[recording->source_count++] =
				(struct trc_report_source){ (uint32_t)i, stream.buffer, stream.cpu };
		}
	}
}

static void use_print_fmts(const struct recording *recording)
{
	struct trc_error err;
	int failed;

	for (size_t i = 0; i < trc_event_count(recording->metadata); i++)
		ok(trc_event_check_print_fmt(recording->metadata, i, recording->flags & CORE_FLAGS, &failed, &err),
		   &err);
}

static void read_symbols(struct recording *recording)
{
	static const char more[] = "1234 T more\nffffffff81000180 t do_more\t[m]\nno symbol\n";
	struct trc_error err;
	int rc = recording->flags & HOW_KALLSYMS ?
		trc_symbols_create_with(recording->file, more, sizeof(more) - 1, &recording->symbols, &err) :
		trc_symbols_create(recording->file, &recording->symbols, &err);

	if (!ok(rc, &err))
		recording->symbols = NULL;
}

static void make_filter(struct recording *recording)
{
	static const char text[] = "CPU == 0 || common_pid > 4";
	static uint8_t all[TRC_EVENT_ID_BYTES];
	struct trc_error err;

	memset(all, 0xff, sizeof(all));
	if (!ok(trc_filter_create(recording->metadata, recording->symbols, text, sizeof(text) - 1, all, 0,
				  &recording->filter, &err), &err))
		recording->filter = NULL;
}

static void use_file(struct trc_file *file, struct trc_metadata *metadata, uint32_t flags)
{
	struct trc_clock_options clock = { .flags = flags & HOW_RAW_TS ? TRC_CLOCK_RAW : 0 };
	struct recording recording = { .flags = flags, .file = file, .metadata = metadata };
	struct trc_error err;

	if (flags & HOW_TWICE) /* they are those of a single file */
		recording.flags &= ~(uint32_t)TRC_REPORT_WAKEUPS;
	if (!ok(trc_data_create(file, metadata, &clock, &recording.data, &err), &err))
		return;
	read_symbols(&recording);
	if (flags & HOW_FILTER)
		make_filter(&recording);
	recording.file_count = flags & HOW_TWICE ? 2 : 1;
	for (size_t i = 0; i < recording.file_count; i++)
		recording.files[i] = (struct trc_report_file){
			file, metadata, recording.symbols, i ? "guest" : "a.dat", 5 };
	add_sources(&recording, false);
	add_sources(&recording, true);
	use_print_fmts(&recording);
	use_reports(&recording);
	use_profiles(&recording);
	trc_filter_destroy(recording.filter);
	trc_symbols_destroy(recording.symbols);
	trc_data_destroy(recording.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	struct trc_metadata *metadata;
	struct trc_file *file;
	struct trc_error err;
	uint32_t flags = 0;

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size, "an input can be written");
	if (size >= sizeof(flags))
		memcpy(&flags, data + size - sizeof(flags), sizeof(flags));
	if (ok(trc_open_fd(fd, NULL, &file, &err), &err)) {
		if (ok(trc_metadata_create(file, &metadata, &err), &err)) {
			use_file(file, metadata, 0);
			use_file(file, metadata, flags);
			trc_metadata_destroy(metadata);
		}
		trc_close(file);
	}
	close(fd);
	return 0;
}

#include "main.h"
