/* SPDX-License-Identifier: MIT */
/* A report: made, and begun. */
#include <stdlib.h>

#include "base/error.h"
#include "file/api.h"
#include "file/file.h"
#include "file/time_options.h"
#include "metadata/api.h"
#include "report/api.h"
#include "report/state.h"

/* --- creation ---------------------------------------------------------------------------- */

static bool is_in_nanoseconds(struct text clock)
{
	static const char *const clocks[] = { "local", "global", "uptime", "perf", "tai", "tsc2nsec" };

	if (clock.size >= 4 && !memcmp(clock.start, "mono", 4))
		return true;
	for (size_t i = 0; i < countof(clocks); i++)
		if (text_is(clock, clocks[i]))
			return true;
	return !clock.size;
}

/*
 * docs/FORMAT.md 6.2: clocks that do not count nanoseconds show their ticks, unless TSC2NSEC converts
 * them. Only the option TRACECLOCK tells; where it is missing, as in what trace-cmd split makes, trace-cmd
 * looks at no clock, in version 6 else at that of the buffer, too.
 */
static bool counts_nanoseconds(const struct trc_file *file)
{
	struct trc_tsc2nsec tsc2nsec;
	struct text option, clock, buffer;
	struct trc_header header;

	if (!trc_option_count_id(file, TRC_OPTION_TRACECLOCK) || !trc_tsc2nsec(file, &tsc2nsec, NULL))
		return true;
	trc_header(file, &header);
	trc_option_text(file, TRC_OPTION_TRACECLOCK, &option.start, &option.size);
	clock_in_brackets(option.start, option.size, &clock.start, &clock.size);
	trc_clock_name(file, &buffer.start, &buffer.size);
	if (!clock.size || header.version < 7)
		return is_in_nanoseconds(clock) && is_in_nanoseconds(buffer);
	return is_in_nanoseconds(clock);
}

static bool is_usual(const struct event_common *common)
{
	return !common->type.offset && common->type.size == 2 && common->flags.offset == 2 &&
	       common->flags.size == 1 && common->preempt_count.offset == 3 &&
	       common->preempt_count.size == 1 && common->pid.offset == 4 && common->pid.size == 4;
}

static int file_init(struct file_state *state, const struct trc_report_file *file, uint32_t flags,
		     struct trc_error *err)
{
	const struct trc_symbols *symbols = file->symbols;
	char *label;

	*state = (struct file_state){
		.file = *file,
		.formats = &file->metadata->formats,
		.env = {
			.kallsyms = symbols ? &symbols->kallsyms : NULL,
			.printk_formats = symbols ? &symbols->printk_formats : NULL,
			.long_size = file->metadata->long_size,
			.big_endian = file->metadata->big_endian,
			.plugins = !(flags & (TRC_REPORT_NO_PLUGINS | TRC_REPORT_NO_SYSTEM_PLUGINS)),
			.kernel_text = flags & TRC_REPORT_KERNEL_TEXT,
		},
		.trace_clock = trc_option_count_id(file->file, TRC_OPTION_TRACECLOCK) > 0,
	};
	/* Without a clock, trace-cmd shows seconds even of raw time stamps. */
	state->nanoseconds = !(flags & TRC_REPORT_TICKS && state->trace_clock) &&
			     ((flags & TRC_REPORT_SECONDS) || counts_nanoseconds(file->file));
	label = arena_alloc(&state->arena, file->label_size + 1);
	if (!label)
		return trc_fail_no_memory(err);
	if (file->label_size)
		memcpy(label, file->label, file->label_size);
	state->file.label = label;
	state->usual_common = is_usual(&state->formats->common);
	comm_table_init(&state->comms, &file->metadata->cmdlines);
	state->symbols = symbol_cache_create(state->env.kallsyms);
	state->events = calloc(state->formats->count + 1, sizeof(*state->events));
	state->by_type = calloc(state->formats->id_count + (size_t)1, sizeof(*state->by_type));
	if (symbols && symbols->btf.count) {
		state->prototypes = prototype_cache_create(&symbols->btf);
		if (!state->prototypes)
			return trc_fail_no_memory(err);
	}
	return state->symbols && state->events && state->by_type ? TRC_OK : trc_fail_no_memory(err);
}

static void file_deinit(struct file_state *state)
{
	for (size_t i = 0; state->events && i <= state->formats->count; i++)
		print_fmt_destroy(state->events[i].program);
	event_formats_deinit(&state->blktrace);
	free(state->events);
	free(state->by_type);
	free(state->guests);
	symbol_cache_destroy(state->symbols);
	free(state->prototypes);
	comm_table_deinit(&state->comms);
	arena_deinit(&state->arena);
}

/* Host threads that run a vCPU of a guest whose file is here, too: docs/FORMAT.md 8.3. */
static bool find_guests(struct trc_report *report, struct file_state *host)
{
	for (uint32_t i = 0; i < report->file_count; i++) {
		struct file_state *file = &report->files[i];
		struct guest_symbols *larger;
		struct trc_guest guest;

		if (file == host ||
		    trc_guest_find(host->file.file, trc_trace_id(file->file.file), &guest, NULL) ||
		    !guest.vcpu_count)
			continue;
		larger = realloc(host->guests,
				 (host->guest_count + (size_t)guest.vcpu_count) * sizeof(*larger));
		if (!larger)
			return false;
		host->guests = larger;
		for (uint32_t cpu = 0; cpu < guest.vcpu_count; cpu++)
			host->guests[host->guest_count++] = (struct guest_symbols){ guest.cpu_pid[cpu],
										    file->symbols };
	}
	return true;
}

static void find_rare_flags(struct trc_report *report)
{
	for (uint32_t i = 0; i < report->file_count; i++) {
		const struct event_common *common = &report->files[i].formats->common;

		if (common->migrate_disable.size || common->lock_depth.size)
			report->rare_flags = RARE_FLAGS_OPEN;
	}
	for (uint32_t i = 0; i < report->file_count && report->rare_flags; i++)
		report->files[i].usual_common = false; /* no line is kept for others of its kind */
}

/* All prefixes are as wide as the widest; a label that is empty makes one of blanks. docs/FORMAT.md 6.6. */
static bool make_prefixes(struct trc_report *report)
{
	size_t width = 0;
	char *to;

	for (uint32_t i = 0; i < report->buffer_count; i++)
		if (report->buffers[i].label.size > width)
			width = report->buffers[i].label.size;
	if (!width)
		return true;
	if (width > UINT16_MAX)
		width = UINT16_MAX;
	to = report->prefixes = malloc((width + 2) * report->buffer_count + COPY_SLACK);
	if (!to)
		return false;
	for (uint32_t i = 0; i < report->buffer_count; i++, to += width + 2) {
		struct text label = report->buffers[i].label;
		size_t size = label.size < width ? label.size : width;

		memset(to, ' ', width + 2);
		memcpy(to + width - size, label.start, size);
		if (size)
			to[width] = ':';
		report->buffers[i].prefix = (struct text){ to, width + 2 };
	}
	report->prefix_size = (uint32_t)width + 2;
	return true;
}

/* The top buffer shows its file's name, if there are several files; an instance its own. */
static struct text label_of(const struct trc_report *report, const struct file_state *file,
			    const struct trc_buffer *buffer)
{
	if (buffer->name_size)
		return (struct text){ buffer->name, buffer->name_size };
	if (report->file_count > 1)
		return (struct text){ file->file.label, file->file.label_size };
	return TEXT("");
}

/* All buffers of all files, used or not: prefixes are as wide as the widest of them. */
static int add_buffers(struct trc_report *report, struct trc_error *err)
{
	size_t total = 0;

	for (uint32_t i = 0; i < report->file_count; i++)
		total += trc_buffer_count(report->files[i].file.file);
	report->buffers = calloc(total + 1, sizeof(*report->buffers));
	if (!report->buffers)
		return trc_fail_no_memory(err);
	for (uint32_t i = 0; i < report->file_count; i++) {
		struct file_state *file = &report->files[i];

		file->first_buffer = report->buffer_count;
		file->buffer_count = (uint32_t)trc_buffer_count(file->file.file);
		for (uint32_t b = 0; b < file->buffer_count; b++) {
			struct trc_buffer buffer;
			int rc = trc_buffer(file->file.file, b, &buffer, err);

			if (rc)
				return rc;
			report->buffers[report->buffer_count++] = (struct buffer_state){
				.file = file, .label = label_of(report, file, &buffer)
			};
		}
	}
	return make_prefixes(report) ? TRC_OK : trc_fail_no_memory(err);
}

int report_create(uint32_t flags, const struct trc_report_file *files, size_t file_count,
		  struct trc_report **out, struct trc_error *err)
{
	struct trc_report *report = calloc(1, sizeof(*report));
	int rc = TRC_OK;

	if (!report)
		return trc_fail_no_memory(err);
	report->flags = flags;
	output_init(&report->place.out);
	output_init(&report->place.left_text);
	report->files = calloc(file_count + 1, sizeof(*report->files));
	if (!report->files)
		rc = trc_fail_no_memory(err);
	for (size_t i = 0; i < file_count && !rc; i++) {
		rc = file_init(&report->files[i], &files[i], flags, err);
		report->file_count++;
	}
	for (uint32_t i = 0; i < report->file_count && !rc; i++)
		if (!find_guests(report, &report->files[i]))
			rc = trc_fail_no_memory(err);
	if (!rc && flags & TRC_REPORT_WAKEUPS)
		wakeups_init(&report->wakeups, report->files[0].formats, report->files[0].env.big_endian);
	if (!rc)
		find_rare_flags(report);
	if (!rc)
		rc = add_buffers(report, err);
	if (rc) {
		trc_report_destroy(report);
		return rc;
	}
	*out = report;
	return TRC_OK;
}

static int set_sources(struct trc_report *report, const struct trc_report_source *sources, size_t count,
		       struct trc_error *err)
{
	report->sources = calloc(count + 1, sizeof(*report->sources));
	if (!report->sources)
		return trc_fail_no_memory(err);
	report->source_count = count;
	for (size_t i = 0; i < count; i++) {
		const struct trc_report_source *s = &sources[i];

		if (s->file >= report->file_count || s->buffer >= report->files[s->file].buffer_count)
			return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
					"report: source %zu is of file %u, buffer %u, which is not there", i,
					s->file, s->buffer);
		report->sources[i].buffer = &report->buffers[report->files[s->file].first_buffer + s->buffer];
		report->sources[i].cpu = s->cpu;
	}
	return TRC_OK;
}

int trc_report_create(uint32_t flags, const struct trc_report_file *files, size_t file_count,
		      const struct trc_report_source *sources, size_t source_count, struct trc_report **out,
		      struct trc_error *err)
{
	struct trc_report *report;
	int rc = TRC_OK;

	if (flags & TRC_REPORT_WAKEUPS && file_count != 1)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"report: wake-up latencies are those of a single file");
	for (size_t i = 0; i < file_count && !rc; i++)
		rc = trc_fail_of(trc_check(files[i].file, err), (uint32_t)i, err); /* its options are read */
	if (!rc)
		rc = report_create(flags, files, file_count, &report, err);
	if (rc)
		return rc;
	rc = set_sources(report, sources, source_count, err);
	if (rc)
		trc_report_destroy(report);
	else
		*out = report;
	return rc;
}

void trc_report_destroy(struct trc_report *report)
{
	if (!report)
		return;
	for (uint32_t i = 0; i < report->file_count; i++)
		file_deinit(&report->files[i]);
	free(report->files);
	free(report->buffers);
	free(report->prefixes);
	free(report->sources);
	report_place_deinit(&report->place);
	function_stacks_deinit(&report->stacks);
	wakeups_deinit(&report->wakeups);
	free(report);
}

/* --- above the first event --------------------------------------------------------------- */

/*
 * The number of CPUs of each file. With several files their names stand in front, as wide as the
 * widest of them: trace-cmd does not know the instances yet.
 */
void report_begin(struct trc_report *report, struct output *out)
{
	size_t width = 0;

	for (uint32_t i = 0; i < report->file_count && report->file_count > 1; i++)
		if (report->files[i].file.label_size > width)
			width = report->files[i].file.label_size;
	for (uint32_t i = 0; i < report->file_count; i++) {
		struct text label = { report->files[i].file.label, report->files[i].file.label_size };

		if (report->file_count > 1) {
			output_fill(out, ' ', width - label.size);
			output_text(out, label);
			output_literal(out, ": ");
		}
		output_literal(out, "cpus=");
		output_decimal(out, trc_cpu_count(report->files[i].file.file));
		output_char(out, '\n');
	}
}

/* A latency tracer leaves no records but its text. Buffers without number may name one and the same. */
static int put_latency(const struct trc_file *file, struct output *out, struct trc_error *err)
{
	struct account account = account_of(&file->image.budget);

	for (size_t i = 0; i < trc_buffer_count(file); i++) {
		struct trc_buffer buffer;
		struct trc_bytes text;
		int rc = trc_buffer(file, i, &buffer, err);

		if (rc)
			return rc;
		if (buffer.kind != TRC_BUFFER_TEXT)
			continue;
		rc = trc_buffer_text(file, i, &text, err);
		if (rc)
			return rc;
		rc = account_memory(&account, text.size, buffer.offset, "texts of latency tracers", err);
		if (rc) {
			trc_bytes_free(&text);
			return rc;
		}
		output_bytes(out, (const char *)text.data, (size_t)text.size);
		output_char(out, '\n');
		trc_bytes_free(&text);
	}
	return TRC_OK;
}

int report_texts(struct trc_report *report, struct output *out, struct trc_error *err)
{
	int rc = TRC_OK;

	for (uint32_t i = 0; i < report->file_count && !rc; i++)
		rc = trc_fail_of(put_latency(report->files[i].file.file, out, err), i, err);
	return rc;
}
