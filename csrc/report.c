/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <stdlib.h>

#include "error.h"
#include "event_handler.h"
#include "file.h"
#include "number.h"
#include "pattern.h"

/* The most text that one record may become; the rest of it is dropped. */
#define RECORD_TEXT_MAX ((size_t)8 << 20)

/* Names are padded to this width before the text. */
#define NAME_WIDTH 20

#define LINE_HEADS_LOG2 3
#define LINE_HEAD_ROOM COPY_TWICE

struct file_state {
	struct report_file file;
	const struct event_formats *formats;
	struct print_fmt_env env;
	struct event_text *events;	/* [formats->count]; program NULL: not compiled yet */
	struct event_text **by_type;	/* [formats->id_count]: those compiled so far, else NULL */
	struct comm_table comms;
	struct symbol_cache *symbols;
	struct arena arena;		/* labels of events */
	bool nanoseconds;		/* time stamps are shown as seconds */
	bool trace_clock;		/* the file says which clock it used: --ts-diff is in us then */
	bool usual_common;		/* the common fields are those of all kernels of today, and lie as there */
	struct guest_symbols *guests;	/* of this host */
	uint32_t guest_count;
};

struct buffer_state {
	struct file_state *file;
	size_t label_size;		/* at the end of prefix, but for ": " */
	struct text prefix;		/* "NAME: ", padded; empty: none */
};

/*
 * What a line begins with: "comm-pid [cpu] flags". Most records have there what one of the last few
 * on their CPU had.
 */
struct line_head {
	uint64_t key;			/* of the record's common fields */
	uint32_t version;		/* of the names */
	uint32_t size;			/* 0: there is none */
	char text[LINE_HEAD_ROOM];
};

/* A CPU of a buffer. */
struct source_state {
	struct buffer_state *buffer;
	uint32_t cpu;
	struct line_head heads[1 << LINE_HEADS_LOG2];
};

struct trc_report {
	uint32_t flags;
	struct file_state *files;
	struct buffer_state *buffers;
	uint32_t file_count, buffer_count;
	uint32_t prefix_size;		/* 0: lines have no prefix */
	char *prefixes;
	struct source_state *sources;
	size_t source_count;
	struct report_place place;
	struct function_stacks stacks;	/* of all files, as the plugin has them */
	uint64_t last_ts;		/* of the line before, for --ts-diff; none and 0 are one */
	bool depended;			/* a line came out as it did because of those before */
	uint64_t second;		/* the one that seconds_text says, in units of time stamps as shown */
	size_t seconds_size;		/* 0: none yet */
	char seconds_text[COPY_SLACK];
};

/* --- events ------------------------------------------------------------------------------ */

static void find_fields(struct event_text *text, const struct event_format *event)
{
	for (unsigned i = 0; i < HANDLER_FIELDS && text->handler->fields[i]; i++) {
		const char *name = text->handler->fields[i];
		const struct event_field *field =
			event_field_by_name(event, (struct text){ name, strlen(name) });

		text->found[i] = field != NULL;
		if (field)
			text->fields[i] = (struct place){ field->offset, field->size, field->element_size,
							  (uint16_t)field->flags, false };
	}
}

static bool make_label(struct file_state *file, const struct event_format *event,
		       struct text *label)
{
	size_t size = event->name.size;
	size_t blanks = size < NAME_WIDTH ? NAME_WIDTH - size : 0;
	char *start = arena_alloc(&file->arena, size + 4 + blanks + COPY_SLACK);

	if (!start)
		return false;
	memcpy(start, ": ", 2);
	memcpy(start + 2, event->name.start, size);
	memcpy(start + 2 + size, ": ", 2);
	memset(start + 4 + size, ' ', blanks);
	*label = (struct text){ start, size + 4 + blanks };
	return true;
}

/*
 * libtraceevent gives the handler to the event that it finds by name. Where a format is stored
 * twice (record -e ftrace) that need not be the one it finds by id, whose text then stays plain.
 */
static const struct event_handler *handler_of(const struct file_state *file,
					      const struct event_format *event, uint32_t flags)
{
	const struct event_handler *handler = event_handler_find(event, flags);

	if (handler && !handler->always &&
	    event_by_name(file->formats, event->system, event->name) != event)
		return NULL;
	return handler;
}

static int compile(const struct trc_report *report, struct file_state *file,
		   const struct event_format *event, struct event_text *out, struct trc_error *err)
{
	struct event_text text = { .how = out->how };
	int rc;

	text.binary = arena_alloc(&file->arena, event->field_count + (size_t)1);
	text.binary_first = arena_alloc(&file->arena, event->field_count + (size_t)1);
	if (!text.binary || !text.binary_first || !make_label(file, event, &text.label))
		return trc_fail_no_memory(err);
	memset(text.binary, 0, event->field_count);
	memset(text.binary_first, 0, event->field_count);
	rc = print_fmt_compile(event, &file->env, &text.program, err);
	if (rc)
		return rc;
	text.handler = handler_of(file, event, report->flags);
	if (text.handler)
		find_fields(&text, event);
	sched_prepare(&text);
	*out = text;
	return TRC_OK;
}

/* An event that is met first, or of no known type. */
static int meet_event(const struct trc_report *report, struct file_state *file, uint32_t type,
		      const struct event_text **out, struct trc_error *err)
{
	const struct event_format *event = event_by_id(file->formats, type);
	struct event_text *text;
	int rc;

	*out = NULL;
	if (!event)
		return TRC_OK;
	text = &file->events[event->index];
	if (!text->program) {
		rc = compile(report, file, event, text, err);
		if (rc)
			return rc;
	}
	*out = file->by_type[type] = text;
	return TRC_OK;
}

TRC_INLINE int event_of(const struct trc_report *report, struct file_state *file, uint32_t type,
			const struct event_text **out, struct trc_error *err)
{
	if (TRC_LIKELY(type < file->formats->id_count && file->by_type[type])) {
		*out = file->by_type[type];
		return TRC_OK;
	}
	return meet_event(report, file, type, out, err);
}

/* --- creation ---------------------------------------------------------------------------- */

/* docs/FORMAT.md 6.2: clocks that do not count nanoseconds show their ticks, unless TSC2NSEC converts them. */
static bool counts_nanoseconds(const struct trc_file *file)
{
	static const char *const clocks[] = { "local", "global", "uptime", "perf", "tai", "tsc2nsec" };
	struct trc_tsc2nsec tsc2nsec;
	struct text clock;

	trc_clock_name(file, &clock.start, &clock.size);
	if (!clock.size || !trc_tsc2nsec(file, &tsc2nsec, NULL))
		return true;
	if (clock.size >= 4 && !memcmp(clock.start, "mono", 4))
		return true;
	for (size_t i = 0; i < countof(clocks); i++)
		if (text_is(clock, clocks[i]))
			return true;
	return false;
}

static bool is_usual(const struct event_common *common)
{
	return !common->type.offset && common->type.size == 2 && common->flags.offset == 2 && common->flags.size == 1 &&
	       common->preempt_count.offset == 3 && common->preempt_count.size == 1 &&
	       common->pid.offset == 4 && common->pid.size == 4 && !common->migrate_disable.size &&
	       !common->lock_depth.size;
}

static int file_init(struct file_state *state, const struct report_file *file, uint32_t flags,
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
	label = arena_alloc(&state->arena, file->label.size + 1);
	if (!label)
		return trc_fail_no_memory(err);
	memcpy(label, file->label.start, file->label.size);
	state->file.label = (struct text){ label, file->label.size };
	state->usual_common = is_usual(&state->formats->common);
	comm_table_init(&state->comms, &file->metadata->cmdlines);
	state->symbols = symbol_cache_create(state->env.kallsyms);
	state->events = calloc(state->formats->count + 1, sizeof(*state->events));
	state->by_type = calloc(state->formats->id_count + (size_t)1, sizeof(*state->by_type));
	return state->symbols && state->events && state->by_type ? TRC_OK : trc_fail_no_memory(err);
}

static void file_deinit(struct file_state *state)
{
	for (size_t i = 0; state->events && i < state->formats->count; i++)
		print_fmt_destroy(state->events[i].program);
	free(state->events);
	free(state->by_type);
	free(state->guests);
	symbol_cache_destroy(state->symbols);
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

		if (file == host || trc_guest_find(host->file.file, trc_trace_id(file->file.file), &guest, NULL) ||
		    !guest.vcpu_count)
			continue;
		larger = realloc(host->guests,
				 (host->guest_count + (size_t)guest.vcpu_count) * sizeof(*larger));
		if (!larger)
			return false;
		host->guests = larger;
		for (uint32_t cpu = 0; cpu < guest.vcpu_count; cpu++)
			host->guests[host->guest_count++] =
				(struct guest_symbols){ guest.cpu_pid[cpu], file->symbols };
	}
	return true;
}

/* All prefixes are as wide as the widest; a label that is empty makes one of blanks. docs/FORMAT.md 6.6. */
static bool make_prefixes(struct trc_report *report, const struct report_buffer *buffers)
{
	size_t width = 0;
	char *to;

	for (uint32_t i = 0; i < report->buffer_count; i++)
		if (buffers[i].label.size > width)
			width = buffers[i].label.size;
	if (!width)
		return true;
	if (width > UINT16_MAX)
		width = UINT16_MAX;
	to = report->prefixes = malloc((width + 2) * report->buffer_count + COPY_SLACK);
	if (!to)
		return false;
	for (uint32_t i = 0; i < report->buffer_count; i++, to += width + 2) {
		size_t size = buffers[i].label.size < width ? buffers[i].label.size : width;

		memset(to, ' ', width + 2);
		memcpy(to + width - size, buffers[i].label.start, size);
		if (size)
			to[width] = ':';
		report->buffers[i].label_size = size;
		report->buffers[i].prefix = (struct text){ to, width + 2 };
	}
	report->prefix_size = (uint32_t)width + 2;
	return true;
}

int report_create(uint32_t flags, const struct report_file *files, uint32_t file_count,
		  const struct report_buffer *buffers, uint32_t buffer_count, struct trc_report **out,
		  struct trc_error *err)
{
	struct trc_report *report = calloc(1, sizeof(*report));
	int rc = TRC_OK;

	if (!report)
		return trc_fail_no_memory(err);
	report->flags = flags;
	output_init(&report->place.out);
	report->files = calloc(file_count + (size_t)1, sizeof(*report->files));
	report->buffers = calloc(buffer_count + (size_t)1, sizeof(*report->buffers));
	if (!report->files || !report->buffers)
		rc = trc_fail_no_memory(err);
	for (uint32_t i = 0; i < file_count && !rc; i++) {
		rc = file_init(&report->files[i], &files[i], flags, err);
		report->file_count++;
	}
	for (uint32_t i = 0; i < buffer_count && !rc; i++) {
		if (buffers[i].file >= file_count)
			rc = trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "report: buffer of file %u of %u",
				      buffers[i].file, file_count);
		else
			report->buffers[i].file = &report->files[buffers[i].file];
		report->buffer_count++;
	}
	for (uint32_t i = 0; i < report->file_count && !rc; i++)
		if (!find_guests(report, &report->files[i]))
			rc = trc_fail_no_memory(err);
	if (!rc && !make_prefixes(report, buffers))
		rc = trc_fail_no_memory(err);
	if (rc) {
		trc_report_destroy(report);
		return rc;
	}
	*out = report;
	return TRC_OK;
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
	free(report);
}

struct report_place *report_place(struct trc_report *report)
{
	return &report->place;
}

int report_set_sources(struct trc_report *report, const struct report_source *sources, size_t count,
		       struct trc_error *err)
{
	struct source_state *made = calloc(count + 1, sizeof(*made));

	if (!made)
		return trc_fail_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		if (sources[i].buffer >= report->buffer_count) {
			free(made);
			return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "report: buffer %u of %u",
					sources[i].buffer, report->buffer_count);
		}
		made[i].buffer = &report->buffers[sources[i].buffer];
		made[i].cpu = sources[i].cpu;
	}
	free(report->sources);
	report->sources = made;
	report->source_count = count;
	return TRC_OK;
}

static bool copy_sources(struct trc_report *to, const struct trc_report *from)
{
	to->sources = calloc(from->source_count + 1, sizeof(*to->sources));
	if (!to->sources)
		return false;
	to->source_count = from->source_count;
	for (size_t i = 0; i < from->source_count; i++) {
		to->sources[i].buffer = to->buffers + (from->sources[i].buffer - from->buffers);
		to->sources[i].cpu = from->sources[i].cpu;
	}
	return true;
}

int trc_report_set_events(struct trc_report *report, uint32_t how, const char *pattern, size_t size,
			  struct trc_error *err)
{
	regex_t regex;
	int rc = pattern_compile((struct text){ pattern, size }, "report", &regex, err);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < report->file_count; i++) {
		const struct event_formats *formats = report->files[i].formats;

		for (size_t j = 0; j < formats->count; j++) {
			const struct event_format *event = &formats->list[j];

			if (pattern_fits(&regex, event->name) || pattern_fits(&regex, event->system))
				report->files[i].events[j].how |= (uint8_t)how;
		}
	}
	regfree(&regex);
	return TRC_OK;
}

static void copy_how(struct trc_report *to, const struct trc_report *from)
{
	for (uint32_t i = 0; i < from->file_count; i++)
		for (size_t j = 0; j < from->files[i].formats->count; j++)
			to->files[i].events[j].how = from->files[i].events[j].how;
}

/* Fields that were not printable once: struct print_record. */
static bool join_binary(const struct trc_report *report, struct file_state *to,
			const struct file_state *from)
{
	for (size_t i = 0; i < from->formats->count; i++) {
		const struct event_format *event = &from->formats->list[i];
		struct event_text *text = &to->events[i];

		if (!from->events[i].program)
			continue;
		if (!text->program && compile(report, to, event, text, NULL))
			return false;
		for (uint32_t f = 0; f < event->field_count; f++)
			text->binary[f] |= from->events[i].binary[f];
	}
	return true;
}

static void remember_first(struct file_state *state)
{
	for (size_t i = 0; i < state->formats->count; i++)
		if (state->events[i].program)
			memcpy(state->events[i].binary_first, state->events[i].binary,
			       state->formats->list[i].field_count);
}

static bool copy_file_state(struct trc_report *report, struct file_state *to,
			    const struct file_state *from)
{
	struct comm_table comms;

	if (!comm_table_copy(&comms, &from->comms))
		return false;
	comm_table_deinit(&to->comms);
	to->comms = comms;
	for (size_t i = 0; i < to->formats->count; i++)
		if (to->events[i].program)
			memset(to->events[i].binary, 0, to->formats->list[i].field_count);
	if (!join_binary(report, to, from))
		return false;
	remember_first(to);
	return true;
}

static bool copy_state(struct trc_report *to, const struct trc_report *from)
{
	for (uint32_t i = 0; i < from->file_count; i++)
		if (!copy_file_state(to, &to->files[i], &from->files[i]))
			return false;
	for (size_t i = 0; i < to->source_count; i++)	/* they are of other names */
		memset(to->sources[i].heads, 0, sizeof(to->sources[i].heads));
	to->last_ts = from->last_ts;
	to->depended = false;
	function_stacks_deinit(&to->stacks);
	return function_stacks_copy(&to->stacks, &from->stacks);
}

static struct text label_of(const struct buffer_state *buffer)
{
	if (!buffer->label_size)
		return TEXT("");
	return (struct text){ buffer->prefix.start + buffer->prefix.size - 2 - buffer->label_size,
			      buffer->label_size };
}

int trc_report_copy(const struct trc_report *report, struct trc_report **out,
		    struct trc_error *err)
{
	struct report_file *files = calloc(report->file_count + (size_t)1, sizeof(*files));
	struct report_buffer *buffers = calloc(report->buffer_count + (size_t)1, sizeof(*buffers));
	struct trc_report *copy = NULL;
	int rc = TRC_OK;

	if (!files || !buffers) {
		rc = trc_fail_no_memory(err);
		goto out;
	}
	for (uint32_t i = 0; i < report->file_count; i++)
		files[i] = report->files[i].file;
	for (uint32_t i = 0; i < report->buffer_count; i++)
		buffers[i] = (struct report_buffer){ (uint32_t)(report->buffers[i].file - report->files),
						     label_of(&report->buffers[i]) };
	rc = report_create(report->flags, files, report->file_count, buffers, report->buffer_count,
			   &copy, err);
	if (!rc)
		copy_how(copy, report);
	if (!rc && !(copy_sources(copy, report) && copy_state(copy, report)))
		rc = trc_fail_no_memory(err);
	if (rc)
		trc_report_destroy(copy);
	else
		*out = copy;
out:
	free(files);
	free(buffers);
	return rc;
}

int trc_report_restart(struct trc_report *copy, const struct trc_report *report,
		       struct trc_error *err)
{
	if (copy->file_count != report->file_count)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "report: restarted as that of other files");
	report_place_restart(&copy->place);
	return copy_state(copy, report) ? TRC_OK : trc_fail_no_memory(err);
}

/* Was a field found not printable that the later stretch began by taking to be printable? */
static bool binary_differs(const struct file_state *before, const struct file_state *later)
{
	for (size_t i = 0; i < before->formats->count; i++) {
		const struct event_text *a = &before->events[i], *b = &later->events[i];

		for (uint32_t f = 0; a->program && b->program && f < before->formats->list[i].field_count; f++)
			if (a->binary[f] && !b->binary_first[f])
				return true;
	}
	return false;
}

/* Would names of processes that before knows have changed the later stretch? */
static bool names_differ(const struct trc_report *before, const struct trc_report *later)
{
	for (uint32_t i = 0; i < before->file_count; i++)
		if (comm_table_differs(&before->files[i].comms, &later->files[i].comms))
			return true;
	return false;
}

int trc_report_join(struct trc_report *report, const struct trc_report *later, uint32_t *again,
		    struct trc_error *err)
{
	bool differs = names_differ(report, later);

	if (report->file_count != later->file_count)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "report: joined with that of other files");
	for (uint32_t i = 0; i < report->file_count && !differs; i++)
		differs = binary_differs(&report->files[i], &later->files[i]);
	*again = later->depended ? TRC_REPORT_IN_ONE : differs ? TRC_REPORT_AGAIN : TRC_REPORT_JOINED;
	if (*again)
		return TRC_OK;
	for (uint32_t i = 0; i < report->file_count; i++) {
		if (!comm_table_join(&report->files[i].comms, &later->files[i].comms) ||
		    !join_binary(report, &report->files[i], &later->files[i]))
			return trc_fail_no_memory(err);
	}
	return TRC_OK;
}

/* --- pieces of a line -------------------------------------------------------------------- */

static const char common_flags[4] = { '.', 'd', 'X', 'd' };

/* Irqs off, need-resched, hard and soft irq, preempt count: docs/FORMAT.md 6.1. */
TRC_INLINE char *put_flags(char *to, unsigned flags, unsigned preempt_count)
{
	unsigned irq = flags >> 3 & 3;

	*to++ = common_flags[flags & 3];
	*to++ = flags & 4 ? 'N' : '.';
	*to++ = ".hsH"[irq];
	*to++ = preempt_count & 15 ? number_lower[preempt_count & 15] : '.';
	*to++ = preempt_count >> 4 & 15 ? number_lower[preempt_count >> 4 & 15] : '.';
	return to;
}

TRC_INLINE uint64_t common_number(const struct report_record *record, struct event_place place,
				  bool big_endian)
{
	if (!place.size || (uint64_t)place.offset + place.size > record->size)
		return 0;
	return load_uint(record->data + place.offset, place.size, big_endian);
}

/* Fields that only some kernels have: a number, or a dot if it is negative. */
TRC_INLINE char *put_optional(char *to, const struct report_record *record, struct event_place place,
			  bool big_endian)
{
	uint64_t value;

	if (TRC_LIKELY(!place.size))
		return to;
	value = common_number(record, place, big_endian);
	if (place.size < 8)
		value = (uint64_t)((int64_t)(value << (64 - 8 * place.size)) >> (64 - 8 * place.size));
	if ((int64_t)value < 0) {
		*to = '.';
		return to + 1;
	}
	return number_decimal(to, value);
}

static char *put_padded(char *to, uint64_t value, unsigned width)
{
	char digits[NUMBER_ROOM];
	size_t size = (size_t)(number_decimal(digits, value) - digits);

	for (; width > size; width--)
		*to++ = ' ';
	memcpy(to, digits, size);
	return to + size;
}

TRC_INLINE char *put_cpu(char *to, uint32_t cpu)
{
	return cpu < 1000 ? number_padded(to, cpu, 3) : number_decimal(to, cpu);
}

/*
 * The whole seconds of a time given in units, unit of them a second; *rest is what is left. They are
 * mostly those of the line before.
 */
TRC_INLINE char *put_seconds(struct trc_report *report, char *to, uint64_t time, uint32_t unit,
			     uint32_t *rest)
{
	uint64_t since = time - report->second;

	if (TRC_UNLIKELY(since >= unit || !report->seconds_size)) {
		char *end = put_padded(report->seconds_text, time / unit, 5);

		*end++ = '.';
		since = time % unit;
		report->second = time - since;
		report->seconds_size = (size_t)(end - report->seconds_text);
	}
	*rest = (uint32_t)since;
	return copy_short(to, report->seconds_text, report->seconds_size);
}

/* " 12345.678901", or ticks without the blank in front: docs/FORMAT.md 6.2. */
TRC_INLINE char *put_time(struct trc_report *report, char *to, uint64_t ts, bool nanoseconds)
{
	uint32_t rest;

	if (TRC_UNLIKELY(!nanoseconds))
		return put_padded(to, ts, 12);
	*to++ = ' ';
	if (TRC_UNLIKELY(report->flags & TRC_REPORT_NANOSECONDS)) {
		to = put_seconds(report, to, ts, 1000000000, &rest);
		return number_padded(to, rest, 9);
	}
	to = put_seconds(report, to, (ts + 500) / 1000, 1000000, &rest);
	return number_six(to, rest);
}

/* --ts-diff: time since the line before, between the time stamp's colon and the event's name. */
static void put_difference(struct trc_report *report, const struct file_state *file,
			   const struct report_record *record, struct output *out)
{
	char text[NUMBER_ROOM + 4];
	char *end = text;
	struct number_format format = { .letter = 's', .width = 8, .minus = true };

	uint64_t ts = record->ts, difference;

	if (file->trace_clock && !(report->flags & TRC_REPORT_NANOSECONDS))	/* as shown */
		ts = (ts + 500) / 1000;
	report->depended = true;
	if (report->last_ts) {
		difference = ts - report->last_ts;
		*end++ = '(';
		*end++ = '+';
		if ((int64_t)difference < 0) {
			*end++ = '-';
			difference = 0 - difference;
		}
		end = number_decimal(end, difference);
		*end++ = ')';
	}
	report->last_ts = ts;
	output_literal(out, ": ");
	output_padded(out, &format, (struct text){ text, (size_t)(end - text) });
}

static void put_lost(const struct report_record *record, uint32_t cpu, struct output *out)
{
	output_literal(out, "CPU:");
	output_decimal(out, cpu);
	if (record->missed > 0) {
		output_literal(out, " [");
		output_decimal(out, (uint64_t)record->missed);
		output_literal(out, " EVENTS DROPPED]\n");
	} else {
		output_literal(out, " [EVENTS DROPPED]\n");
	}
}

/* The most that a line has in front of the text, texts of any length aside. */
#define HEAD_ROOM 256

/* -l: "%8.8s-%-5d %3d" and the flags; -R: "-0x" and their number. */
static char *put_rare_head(struct trc_report *report, const struct comm_slot *comm, uint32_t cpu, char *to)
{
	size_t size = comm->comm_size < 8 ? comm->comm_size : 8, pid = comm->comm + comm->comm_size;

	if (!(report->flags & TRC_REPORT_LATENCY_FORMAT)) {
		to = copy_short(to, comm->start, comm->size);
		memcpy(to, " [", 2);
		to = put_cpu(to + 2, cpu);
		*to++ = ']';
		return to;
	}
	memset(to, ' ', 8 - size);
	memcpy(to + 8 - size, comm->start + comm->comm, size);
	memcpy(to + 8, comm->start + pid, comm->size - pid);
	to += 8 + comm->size - pid;
	*to++ = ' ';
	return put_padded(to, cpu, 3);
}

TRC_INLINE int event_of_record(const struct trc_report *report, struct file_state *file,
			   const struct report_record *record, const struct event_text **out,
			   struct trc_error *err)
{
	struct event_place type = file->formats->common.type;

	if (TRC_LIKELY(file->usual_common && record->size >= 2))
		return event_of(report, file, load_u16(record->data, file->env.big_endian), out, err);
	return event_of(report, file, (uint32_t)common_number(record, type, file->env.big_endian), out, err);
}

/* The fields that all events share; in all kernels of today they lie as here. */
struct common {
	uint32_t flags, preempt_count;
	int32_t pid;
};

TRC_INLINE struct common read_common(const struct file_state *file,
				     const struct report_record *record)
{
	const struct event_common *common = &file->formats->common;
	bool big_endian = file->env.big_endian;

	if (TRC_LIKELY(file->usual_common && record->size >= 8))
		return (struct common){ record->data[2], record->data[3],
					(int32_t)load_u32(record->data + 4, big_endian) };
	return (struct common){
		(uint32_t)common_number(record, common->flags, big_endian),
		(uint32_t)common_number(record, common->preempt_count, big_endian),
		(int32_t)common_number(record, common->pid, big_endian),
	};
}

/* "comm-pid [cpu] flags"; NULL: out of memory, or no room. */
static char *put_fresh_head(struct trc_report *report, const struct source_state *source,
			    const struct report_record *record, struct output *out)
{
	struct file_state *file = source->buffer->file;
	const struct event_common *places = &file->formats->common;
	struct common common = read_common(file, record);
	const struct comm_slot *comm = comm_table_find(&file->comms, common.pid);
	char *to;

	out->no_memory |= !comm;
	to = comm ? output_reserve(out, comm->size + (size_t)HEAD_ROOM) : NULL;
	if (!to)
		return NULL;
	if (TRC_UNLIKELY(report->flags & (TRC_REPORT_LATENCY_FORMAT | TRC_REPORT_RAW))) {
		to = put_rare_head(report, comm, source->cpu, to);
	} else {
		to = copy_short(to, comm->start, comm->size);
		memcpy(to, " [", 2);
		to = put_cpu(to + 2, source->cpu);
		memcpy(to, "] ", 2);
		to += 2;
	}
	if (TRC_UNLIKELY(report->flags & TRC_REPORT_RAW)) {
		memcpy(to, "-0x", 3);
		return number_hex(to + 3, common.flags);
	}
	to = put_flags(to, common.flags, common.preempt_count);
	to = put_optional(to, record, places->migrate_disable, file->env.big_endian);
	return put_optional(to, record, places->lock_depth, file->env.big_endian);
}

static void remember_head(struct line_head *head, const char *text, size_t size, uint64_t key,
			  uint32_t version)
{
	head->size = 0;
	if (size > sizeof(head->text))
		return;
	memcpy(head->text, text, size);
	head->key = key;
	head->version = version;
	head->size = (uint32_t)size;
}

/* The same; of the record before, where it is that. */
TRC_INLINE char *put_head(struct trc_report *report, struct source_state *source,
			  const struct report_record *record, struct output *out)
{
	struct file_state *file = source->buffer->file;
	bool usual = file->usual_common && record->size >= 8;
	uint64_t key = usual ? load_u64(record->data, false) >> 16 : 0;	/* all but the type */
	struct line_head *head = &source->heads[key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - LINE_HEADS_LOG2)];
	char *to;

	if (TRC_LIKELY(usual && head->size && head->key == key && head->version == file->comms.version)) {
		to = output_reserve(out, HEAD_ROOM);
		return to ? copy_twice(to, head->text, head->size) : NULL;
	}
	to = put_fresh_head(report, source, record, out);
	if (to && usual)
		remember_head(head, out->data + out->size, (size_t)(to - out->data) - out->size, key,
			      file->comms.version);
	return to;
}

static struct event_run run_of(struct trc_report *report, struct file_state *file,
			       const struct event_text *event, const struct report_record *record,
			       struct output *out)
{
	return (struct event_run){
		.flags = report->flags,
		.env = &file->env, .event = event, .record = record,
		.cpu = report->sources[record->source].cpu,
		.print = { record->data, record->size, file->symbols, event->binary },
		.pid = file->formats->common.pid,
		.comms = &file->comms, .stacks = &report->stacks, .out = out,
		.ticks = !file->nanoseconds || report->flags & TRC_REPORT_TICKS,
		.guests = file->guests, .guest_count = file->guest_count,
	};
}

/* For handlers that want to know what comes next in the same buffer. */
static int set_next(struct trc_report *report, struct file_state *file, struct event_run *run,
		    struct report_record *records, size_t count, struct trc_error *err)
{
	size_t end = count < REPORT_LOOK_AHEAD ? count : REPORT_LOOK_AHEAD;
	const struct source_state *own = &report->sources[records[0].source];

	report->depended = true;
	for (size_t i = 1; i < end; i++) {
		const struct source_state *source = &report->sources[records[i].source];

		if (source->buffer != own->buffer || records[i].taken)
			continue;
		run->next = &records[i];
		run->next_cpu = source->cpu;
		return event_of_record(report, file, run->next, &run->next_event, err);
	}
	return TRC_OK;
}

static int put_text(struct trc_report *report, struct file_state *file,
		    const struct event_text *event, struct report_record *records, size_t count,
		    struct output *out, struct trc_error *err)
{
	const struct report_record *record = records;
	struct print_record print = { record->data, record->size, file->symbols, event->binary };

	if (TRC_UNLIKELY(report->flags & TRC_REPORT_RAW || event->how & TRC_REPORT_EVENTS_RAW)) {
		print_fmt_run_raw(event->program, &print, out);
		return TRC_OK;
	}
	if (event->handler && (event->handler->always || !(event->how & TRC_REPORT_EVENTS_PLAIN))) {
		struct event_run run = run_of(report, file, event, record, out);
		bool done;
		int rc = event->handler->wants_next ? set_next(report, file, &run, records, count, err) :
						      TRC_OK;

		if (rc)
			return rc;
		done = event->handler->run(&run);
		report->depended |= run.depended;
		if (run.no_memory)
			return trc_fail_no_memory(err);
		if (done)
			return TRC_OK;
	}
	print_fmt_run(event->program, &print, out);
	return TRC_OK;
}

/* ": NAME: ", padded; from its second character on where the colon is out already. */
static void put_label(const struct event_text *event, size_t from, struct output *out)
{
	size_t size = event->label.size - from;
	char *to = output_reserve(out, size + COPY_SLACK);

	if (to)
		out->size = (size_t)(copy_short(to, event->label.start + from, size) - out->data);
}

/* An event whose format is not in the file. docs/FORMAT.md 6.4. */
static void put_unknown(struct trc_report *report, struct output *out)
{
	output_literal(out, "[UNKNOWN EVENT][UNKNOWN EVENT]");
	if (!(report->flags & TRC_REPORT_RAW))
		output_literal(out, "[UNKNOWN EVENT]");
	output_literal(out, " (NULL):               [UNKNOWN EVENT]");
}

/* %c of a zero byte ends the line: trace-cmd prints its buffer as a C string. */
static void cut_at_nul(struct output *out, size_t start)
{
	const char *nul = out->size > start ? memchr(out->data + start, 0, out->size - start) : NULL;

	if (nul)
		out->size = (size_t)(nul - out->data);
	out->has_nul = false;
}

/* --- public ------------------------------------------------------------------------------ */

/*
 * The number of CPUs of each file. With several files their names stand in front, as wide as the
 * widest of them: trace-cmd does not know the instances yet.
 */
void report_begin(struct trc_report *report, struct output *out)
{
	size_t width = 0;

	for (uint32_t i = 0; i < report->file_count && report->file_count > 1; i++)
		if (report->files[i].file.label.size > width)
			width = report->files[i].file.label.size;
	for (uint32_t i = 0; i < report->file_count; i++) {
		struct text label = report->files[i].file.label;

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

/* A latency tracer leaves no records but its text. */
static int put_latency(const struct trc_file *file, struct output *out, struct trc_error *err)
{
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
		rc = put_latency(report->files[i].file.file, out, err);
	return rc;
}

/* "comm-pid [cpu] flags time: NAME:", padded. */
static void put_start(struct trc_report *report, struct source_state *source,
		      const struct event_text *event, const struct report_record *record,
		      struct output *out)
{
	bool difference = report->flags & TRC_REPORT_TS_DIFF;
	char *to = put_head(report, source, record, out);

	if (to)
		out->size = (size_t)(put_time(report, to, record->ts, source->buffer->file->nanoseconds) -
				     out->data);
	if (TRC_UNLIKELY(difference))
		put_difference(report, source->buffer->file, record, out);
	put_label(event, difference, out);
}

bool report_looks_ahead(struct trc_report *report, const struct report_record *record)
{
	const struct event_text *event;

	return record->source < report->source_count &&
	       !event_of_record(report, report->sources[record->source].buffer->file, record, &event, NULL) &&
	       event && event->handler && event->handler->wants_next;
}

int report_line(struct trc_report *report, struct report_record *records, size_t count,
		struct output *out, struct trc_error *err)
{
	const struct report_record *record = records;
	struct source_state *source;
	struct file_state *file;
	const struct event_text *event;
	size_t start = out->size;
	int rc;

	if (TRC_UNLIKELY(record->source >= report->source_count))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "report: source %u of %zu",
				record->source, report->source_count);
	source = &report->sources[record->source];
	file = source->buffer->file;
	rc = event_of_record(report, file, record, &event, err);
	if (TRC_UNLIKELY(rc))
		return rc;
	output_limit(out, RECORD_TEXT_MAX);
	if (source->buffer->prefix.size)
		output_text(out, source->buffer->prefix);
	if (TRC_UNLIKELY(record->missed && !(report->flags & TRC_REPORT_EVENT_TEXT)))
		put_lost(record, source->cpu, out);
	if (TRC_UNLIKELY(!event)) {
		put_unknown(report, out);
	} else {
		if (TRC_LIKELY(!(report->flags & TRC_REPORT_EVENT_TEXT)))
			put_start(report, source, event, record, out);
		rc = put_text(report, file, event, records, count, out, err);
	}
	if (TRC_UNLIKELY(out->has_nul))
		cut_at_nul(out, start);
	if (out->size > start && out->data[out->size - 1] == '\n')
		out->size--;
	output_char(out, '\n');
	if (TRC_UNLIKELY(out->no_memory) && !rc)
		rc = trc_fail_no_memory(err);
	return rc;
}
