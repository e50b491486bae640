/* SPDX-License-Identifier: MIT */
/* The line of a record. docs/FORMAT.md 6.1 to 6.5. */
#include "base/error.h"
#include "base/number.h"
#include "report/api.h"
#include "report/state.h"

/* --- pieces of a line -------------------------------------------------------------------- */

/* Irqs off, need-resched (L: lazily), hard and soft irq, preempt count: docs/FORMAT.md 6.1. */
TRC_INLINE char *put_flags(char *to, unsigned flags, unsigned preempt_count)
{
	unsigned irq = flags >> 3 & 3;

	*to++ = ".d"[flags & 1];
	*to++ = ".LNN"[flags >> 1 & 3];
	*to++ = ".hsH"[irq];
	*to++ = preempt_count & 15 ? number_lower[preempt_count & 15] : '.';
	if (TRC_UNLIKELY(preempt_count > UINT8_MAX && preempt_count >> 4 & 15))
		return number_hex(to, preempt_count >> 4);
	*to++ = preempt_count >> 4 & 15 ? number_lower[preempt_count >> 4 & 15] : '.';
	return to;
}

TRC_INLINE uint64_t common_number(const struct walk_record *record, struct event_place place, bool big_endian)
{
	if (!place.size || (uint64_t)place.offset + place.size > record->size)
		return 0;
	return load_uint(record->payload + place.offset, place.size, big_endian);
}

/* The same; -1 where the format lacks the field, as a hypervisor's events do. */
TRC_INLINE uint32_t common_or_unknown(const struct walk_record *record, struct event_place place,
				      bool big_endian)
{
	return place.size ? (uint32_t)common_number(record, place, big_endian) : UINT32_MAX;
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
		if (report->second > UINT64_MAX - unit) {
			/* The last second of 64 bits is not a whole one: after it comes 0, so it is not kept. */
			*rest = (uint32_t)since;
			to = copy_short(to, report->seconds_text, report->seconds_size);
			report->seconds_size = 0;
			return to;
		}
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
			   const struct walk_record *record, struct output *out)
{
	char text[NUMBER_ROOM + 4];
	char *end = text;
	struct number_format format = { .letter = 's', .width = 8, .minus = true };

	uint64_t ts = record->ts, difference;

	if (file->trace_clock && !(report->flags & TRC_REPORT_NANOSECONDS)) /* as shown */
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

static void put_lost(int64_t missed, uint32_t cpu, struct output *out)
{
	output_literal(out, "CPU:");
	output_decimal(out, cpu);
	if (missed > 0) {
		output_literal(out, " [");
		output_decimal(out, (uint64_t)missed);
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

TRC_INLINE int event_of(const struct trc_report *report, struct file_state *file, uint32_t type,
			const struct event_text **out, struct trc_error *err)
{
	if (TRC_LIKELY(type < file->formats->id_count && file->by_type[type])) {
		*out = file->by_type[type];
		return TRC_OK;
	}
	return report_meet_event(report, file, type, out, err);
}

TRC_INLINE int event_of_record(const struct trc_report *report, struct file_state *file,
			       const struct walk_record *record, const struct event_text **out,
			       struct trc_error *err)
{
	struct event_place type = file->formats->common.type;

	if (TRC_LIKELY(file->usual_common && record->size >= 2))
		return event_of(report, file, load_u16(record->payload, file->env.big_endian), out, err);
	return event_of(report, file, (uint32_t)common_number(record, type, file->env.big_endian), out, err);
}

/* The fields that all events share; in all kernels of today they lie as here. */
struct common {
	uint32_t flags, preempt_count;
	int32_t pid;
};

TRC_INLINE struct common read_common(const struct file_state *file, const struct walk_record *record)
{
	const struct event_common *common = &file->formats->common;
	bool big_endian = file->env.big_endian;

	if (TRC_LIKELY(file->usual_common && record->size >= 8))
		return (struct common){ record->payload[2], record->payload[3],
					(int32_t)load_u32(record->payload + 4, big_endian) };
	return (struct common){
		common_or_unknown(record, common->flags, big_endian),
		common_or_unknown(record, common->preempt_count, big_endian),
		(int32_t)common_or_unknown(record, common->pid, big_endian),
	};
}

static char *put_rare_flag(char *to, int32_t value)
{
	if (value >= 0)
		return number_decimal(to, (uint64_t)value);
	*to = '.';
	return to + 1;
}

/* The first line decides what all have, so that lines depend on it. */
static char *put_rare_flags(struct trc_report *report, const struct file_state *file,
			    const struct walk_record *record, char *to)
{
	const struct event_common *places = &file->formats->common;
	int32_t lock = (int32_t)common_or_unknown(record, places->lock_depth, file->env.big_endian);
	int32_t migrate = (int32_t)common_or_unknown(record, places->migrate_disable, file->env.big_endian);

	report->depended = true;
	if (report->rare_flags == RARE_FLAGS_OPEN)
		report->rare_flags = lock >= 0				      ? RARE_FLAGS_LOCK :
				     migrate >= 0 && !places->lock_depth.size ? RARE_FLAGS_MIGRATE :
										RARE_FLAGS_NONE;
	if (report->rare_flags == RARE_FLAGS_NONE)
		return to;
	if (report->rare_flags == RARE_FLAGS_MIGRATE)
		return put_rare_flag(to, migrate);
	to = put_rare_flag(to, places->lock_depth.size ? lock : migrate);
	return put_rare_flag(to, lock);
}

/* "comm-pid [cpu] flags"; NULL: out of memory, or no room. */
static char *put_fresh_head(struct trc_report *report, const struct source_state *source,
			    const struct walk_record *record, struct output *out)
{
	struct file_state *file = source->buffer->file;
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
	return TRC_LIKELY(report->rare_flags == RARE_FLAGS_NONE) ? to :
								   put_rare_flags(report, file, record, to);
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
			  const struct walk_record *record, struct output *out)
{
	struct file_state *file = source->buffer->file;
	bool usual = file->usual_common && record->size >= 8;
	uint64_t key = usual ? load_u64(record->payload, false) >> 16 : 0; /* all but the type */
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
			       const struct event_text *event, const struct walk_record *record,
			       struct output *out)
{
	return (struct event_run){
		.flags = report->flags,
		.env = &file->env,
		.event = event,
		.record = record,
		.cpu = report->sources[record->source].cpu,
		.print = { record->payload, record->size, file->symbols, event->binary, NULL },
		.pid = file->formats->common.pid,
		.comms = &file->comms,
		.stacks = &report->stacks,
		.prototypes = file->prototypes,
		.out = out,
		.ticks = !file->nanoseconds || report->flags & TRC_REPORT_TICKS,
		.guests = file->guests,
		.guest_count = file->guest_count,
	};
}

/* For handlers that want to know what comes next in the same buffer. */
static int set_next(struct trc_report *report, struct file_state *file, struct event_run *run,
		    struct walk_record *records, size_t count, struct trc_error *err)
{
	size_t end = count < REPORT_LOOK_AHEAD ? count : REPORT_LOOK_AHEAD;
	const struct source_state *own = &report->sources[records[0].source];

	report->depended = true;
	for (size_t i = 1; i < end; i++) {
		const struct source_state *source = &report->sources[records[i].source];

		if (source->buffer != own->buffer || report_is_taken(&records[i]))
			continue;
		run->next = &records[i];
		run->next_cpu = source->cpu;
		return event_of_record(report, file, run->next, &run->next_event, err);
	}
	return TRC_OK;
}

static bool has_handler(const struct event_text *event)
{
	return event->handler && (event->handler->always || !(event->how & TRC_REPORT_EVENTS_PLAIN));
}

/* The text is the caller's, but what the lines after it owe to this event stays the same. */
static int leave_text(struct trc_report *report, struct file_state *file, const struct event_text *event,
		      const struct walk_record *record, struct output *out, struct trc_error *err)
{
	report->left_at = out->size;
	if (has_handler(event) && !event->handler->wants_next) {
		struct event_run run = run_of(report, file, event, record, out);

		event->handler->run(&run);
		report->depended |= run.depended;
		out->size = report->left_at;
		if (run.no_memory)
			return trc_fail_no_memory(err);
	}
	return TRC_OK;
}

static int put_text(struct trc_report *report, struct file_state *file, const struct event_text *event,
		    struct walk_record *records, size_t count, struct output *out, struct trc_error *err)
{
	const struct walk_record *record = records;
	struct print_record print = { record->payload, record->size, file->symbols, event->binary, NULL };

	if (TRC_UNLIKELY(report->flags & TRC_REPORT_RAW || event->how & TRC_REPORT_EVENTS_RAW)) {
		print_fmt_run_raw(event->program, &print, out);
		return TRC_OK;
	}
	if (TRC_UNLIKELY(event->left_out))
		return leave_text(report, file, event, record, out, err);
	if (has_handler(event)) {
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

/* -w: behind the text, even behind one that is the caller's. What is known then, all lines before told. */
static int put_latency(struct trc_report *report, const struct walk_record *record, struct output *out,
		       struct trc_error *err)
{
	bool concerned;

	if (!wakeups_put(&report->wakeups, record, out, &concerned))
		return trc_fail_no_memory(err);
	report->depended |= concerned;
	return TRC_OK;
}

static void put_start(struct trc_report *report, struct source_state *source, const struct event_text *event,
		      const struct walk_record *record, struct output *out)
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

bool report_looks_ahead(struct trc_report *report, const struct walk_record *record)
{
	const struct event_text *event;

	return record->source < report->source_count &&
	       !event_of_record(report, report->sources[record->source].buffer->file, record, &event, NULL) &&
	       event && event->handler && event->handler->wants_next;
}

int report_line(struct trc_report *report, struct walk_record *records, size_t count, int64_t missed,
		struct output *out, struct trc_error *err)
{
	const struct walk_record *record = records;
	struct source_state *source;
	struct file_state *file;
	const struct event_text *event;
	size_t start = out->size;
	int rc;

	report->left_at = NOT_LEFT_OUT;
	if (TRC_UNLIKELY(record->source >= report->source_count))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "report: source %u of %zu", record->source,
				report->source_count);
	source = &report->sources[record->source];
	file = source->buffer->file;
	rc = event_of_record(report, file, record, &event, err);
	if (TRC_UNLIKELY(rc))
		return rc;
	output_limit(out, RECORD_TEXT_MAX);
	if (source->buffer->prefix.size && !(report->flags & TRC_REPORT_EVENT_TEXT))
		output_text(out, source->buffer->prefix);
	if (TRC_UNLIKELY(missed && !(report->flags & TRC_REPORT_EVENT_TEXT)))
		put_lost(missed, source->cpu, out);
	if (TRC_UNLIKELY(!event)) {
		put_unknown(report, out);
	} else {
		if (TRC_LIKELY(!(report->flags & TRC_REPORT_EVENT_TEXT)))
			put_start(report, source, event, record, out);
		rc = put_text(report, file, event, records, count, out, err);
	}
	if (TRC_UNLIKELY(out->has_nul))
		cut_at_nul(out, start);
	if (TRC_UNLIKELY(report->left_at != NOT_LEFT_OUT))
		report->left_at = out->size;
	else if (out->size > start && out->data[out->size - 1] == '\n')
		out->size--;
	if (TRC_UNLIKELY(report->flags & TRC_REPORT_WAKEUPS) && !rc)
		rc = put_latency(report, record, out, err);
	output_char(out, '\n');
	if (TRC_UNLIKELY(out->no_memory) && !rc)
		rc = trc_fail_no_memory(err);
	return rc;
}
