/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "file.h"

#define TIME_SHIFT_INTERPOLATE 1	/* in flags */

/* Who wrote TIME_SHIFT how. Told apart by the payload's size, which must match exactly. */
enum layout {
	LAYOUT_PER_CPU,		/* 2021 on: id, flags, CPUs, per CPU n and arrays [, fractions] */
	LAYOUT_2_9_2,		/* id, flags, n, time[n], offset[n], scaling[n] for all CPUs */
	LAYOUT_2_9,		/* id, n, time[n], offset[n] for all CPUs; always interpolated */
};

void time_shift_deinit(struct time_shift *shift)
{
	free(shift->cpus);
	free(shift->samples);
}

static int compare_samples(const void *a, const void *b)
{
	const struct trc_time_sample *x = a, *y = b;

	return x->time < y->time ? -1 : x->time > y->time;
}

/* Sorted by time; of those with one time the first stays, as in libtracecmd. */
static void sort_samples(struct time_shift_cpu *cpu)
{
	size_t kept = 0;

	if (cpu->count < 2)
		return;
	for (size_t i = 1; i < cpu->count; i++) {
		if (compare_samples(&cpu->samples[i - 1], &cpu->samples[i]) > 0) {
			qsort(cpu->samples, cpu->count, sizeof(*cpu->samples), compare_samples);
			break;
		}
	}
	for (size_t i = 0; i < cpu->count; i++) {
		if (!kept || cpu->samples[kept - 1].time != cpu->samples[i].time)
			cpu->samples[kept++] = cpu->samples[i];
	}
	cpu->count = kept;
}

/* One array of s64 into the member at byte offset member of each sample. */
static int read_array(struct cursor *c, struct time_shift_cpu *cpu, size_t member,
		      struct trc_error *err)
{
	for (size_t i = 0; i < cpu->count; i++) {
		int64_t *to = (int64_t *)(void *)((char *)&cpu->samples[i] + member);
		uint64_t value;
		int rc = cursor_u64(c, &value, err);

		if (rc)
			return rc;
		*to = (int64_t)value;
	}
	return TRC_OK;
}

static int read_samples(struct cursor *c, struct time_shift_cpu *cpu, bool scaling,
			struct trc_error *err)
{
	int rc;

	if ((rc = read_array(c, cpu, offsetof(struct trc_time_sample, time), err)) ||
	    (rc = read_array(c, cpu, offsetof(struct trc_time_sample, offset), err)))
		return rc;
	if (scaling)
		return read_array(c, cpu, offsetof(struct trc_time_sample, scaling), err);
	for (size_t i = 0; i < cpu->count; i++)
		cpu->samples[i].scaling = 1;
	return TRC_OK;
}

/* Which layout a payload of this size has; count is that of samples over all CPUs. */
static int find_layout(const struct cursor *start, enum layout *layout, size_t *samples,
		       struct trc_error *err)
{
	struct cursor c = *start;
	uint32_t cpu_count, n = 0;
	uint64_t size = cursor_left(&c), sum = 0;
	int rc;

	if ((rc = cursor_skip(&c, 12, err)) || (rc = cursor_u32(&c, &cpu_count, err)))
		return rc;
	for (uint32_t i = 0; !rc && i < cpu_count; i++) {
		if (!(rc = cursor_u32(&c, &n, NULL)))
			rc = cursor_skip(&c, n * UINT64_C(24), NULL);
		sum += n;
	}
	if (!rc && (cursor_left(&c) == 0 || cursor_left(&c) == 8 * sum)) {
		*layout = LAYOUT_PER_CPU;
		*samples = (size_t)sum;
		return TRC_OK;
	}
	if (size == 16 + 24 * (uint64_t)cpu_count) {
		*layout = LAYOUT_2_9_2;
		*samples = cpu_count;
		return TRC_OK;
	}
	c = *start;
	if (!cursor_skip(&c, 8, NULL) && !cursor_u32(&c, &n, NULL) && size == 12 + 16 * (uint64_t)n) {
		*layout = LAYOUT_2_9;
		*samples = n;
		return TRC_OK;
	}
	if (!rc) {
		/* libtracecmd reads the per-CPU arrays and whatever part of the fractions is there. */
		return cursor_fail(start, err, TRC_CORRUPT, "%" PRIu64 " bytes fit none of its known layouts",
				   size);
	}
	return cursor_fail(start, err, TRC_CORRUPT, "%" PRIu64 " bytes do not hold %u CPUs' samples", size,
			   cpu_count);
}

static int read_per_cpu(struct cursor *c, struct time_shift *shift, struct trc_error *err)
{
	struct trc_time_sample *next = shift->samples;
	int rc;

	for (uint32_t i = 0; i < shift->info.cpu_count; i++) {
		uint32_t n;

		if ((rc = cursor_u32(c, &n, err)))
			return rc;
		shift->cpus[i] = (struct time_shift_cpu){ .samples = next, .count = n };
		next += n;
		if ((rc = read_samples(c, &shift->cpus[i], true, err)))
			return rc;
	}
	for (uint32_t i = 0; cursor_left(c) && i < shift->info.cpu_count; i++) {
		rc = read_array(c, &shift->cpus[i], offsetof(struct trc_time_sample, fraction), err);
		if (rc)
			return rc;
	}
	return TRC_OK;
}

/* The layouts of 2.9 knew one set of samples; it holds for every CPU. */
static int read_shared(struct cursor *c, struct time_shift *shift, size_t samples, bool scaling,
		       struct trc_error *err)
{
	struct time_shift_cpu all = { .samples = shift->samples, .count = samples };
	int rc = read_samples(c, &all, scaling, err);

	sort_samples(&all);	/* once, not for each of up to 65536 CPUs */
	for (uint32_t i = 0; i < shift->info.cpu_count; i++)
		shift->cpus[i] = all;
	return rc;
}

static int read_time_shift(const struct trc_file *file, const struct trc_option *option,
			   struct time_shift *out, struct trc_error *err)
{
	struct cursor c = option_cursor(file, option, "option TIME_SHIFT");
	struct time_shift shift = { .present = true, .info.flags = TIME_SHIFT_INTERPOLATE };
	enum layout layout = LAYOUT_PER_CPU;
	size_t samples = 0;
	int rc;

	if ((rc = find_layout(&c, &layout, &samples, err)) ||
	    (rc = cursor_u64(&c, &shift.info.peer_trace_id, err)) ||
	    (layout != LAYOUT_2_9 && (rc = cursor_u32(&c, &shift.info.flags, err))) ||
	    (rc = cursor_u32(&c, &shift.info.cpu_count, err)))
		return rc;
	if (layout != LAYOUT_PER_CPU)
		shift.info.cpu_count = file->cpu_count;
	if (shift.info.cpu_count > CPU_ID_MAX)
		return cursor_refuse(&c, err, TRC_LIMIT, "%u CPUs", shift.info.cpu_count);
	shift.cpus = calloc(shift.info.cpu_count + (size_t)1, sizeof(*shift.cpus));
	shift.samples = calloc(samples + 1, sizeof(*shift.samples));
	if (!shift.cpus || !shift.samples)
		rc = trc_fail_no_memory(err);
	else if (layout == LAYOUT_PER_CPU)
		rc = read_per_cpu(&c, &shift, err);
	else
		rc = read_shared(&c, &shift, samples, layout == LAYOUT_2_9_2, err);
	if (rc) {
		time_shift_deinit(&shift);
		return rc;
	}
	for (uint32_t i = 0; layout == LAYOUT_PER_CPU && i < shift.info.cpu_count; i++)
		sort_samples(&shift.cpus[i]);
	*out = shift;
	return TRC_OK;
}

/* Sums wrap: the reference adds up in a signed 64-bit variable. */
static int64_t sum_numbers(const struct trc_file *file, uint32_t id, uint64_t factor)
{
	size_t first, count = options_range(&file->options, id, &first);
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += (uint64_t)option_number(&file->options.list[file->options.by_id[first + i]]) * factor;
	return (int64_t)sum;
}

int clock_read(struct trc_file *file, struct trc_error *err)
{
	const struct trc_option *option = options_last(&file->options, TRC_OPTION_TIME_SHIFT);
	struct trc_error fault;
	int rc;

	file->ts_offset.date = sum_numbers(file, TRC_OPTION_DATE, 1000);
	file->ts_offset.offset = sum_numbers(file, TRC_OPTION_OFFSET, 1);
	if (!option)
		return TRC_OK;
	rc = read_time_shift(file, option, &file->time_shift, &fault);
	if (rc && problem_is_bearable(rc)) {
		problems_add(&file->problems, &fault);
		return TRC_OK;
	}
	if (rc && err)
		*err = fault;
	return rc;
}

/* --- applying ------------------------------------------------------------------------------- */

/* (O + D/2) / D in C's arithmetic, made safe where that is undefined. */
static uint64_t divide(uint64_t numerator, int64_t by)
{
	if (by == -1)
		return -numerator;
	return (uint64_t)((int64_t)numerator / by);
}

/* The two samples whose line a time stamp is put on; the outermost pairs go on for ever. */
static const struct trc_time_sample *find_pair(const struct time_shift_cpu *cpu, int64_t ts)
{
	const struct trc_time_sample *s = cpu->samples;
	size_t low = 0, high = cpu->count - 1;	/* s[low].time <= ts < s[high].time, once inside */

	if (cpu->count == 2 || ts <= s[0].time)
		return s;
	if (ts >= s[high].time)
		return &s[high - 1];
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (s[middle].time <= ts)
			low = middle;
		else
			high = middle;
	}
	return &s[low];
}

/*
 * libtracecmd: timestamp_host_sync(). Products wrap at 64 bits as they do there, so that the
 * numbers are the same in files where they overflow.
 */
uint64_t time_shift_apply(const struct time_shift *shift, uint32_t cpu, uint64_t ts)
{
	const struct time_shift_cpu *samples;
	const struct trc_time_sample *a, *b;
	uint64_t correction;

	if (cpu >= shift->info.cpu_count || !shift->cpus[cpu].count)
		return ts;
	samples = &shift->cpus[cpu];
	if (samples->count == 1)
		return ts + (uint64_t)samples->samples[0].offset;
	a = find_pair(samples, (int64_t)ts);
	b = a + 1;
	correction = (uint64_t)a->offset;
	if (shift->info.flags & TIME_SHIFT_INTERPOLATE) {
		int64_t distance = (int64_t)((uint64_t)b->time - (uint64_t)a->time);
		uint64_t over = (ts - (uint64_t)a->time) * ((uint64_t)b->offset - (uint64_t)a->offset);

		correction += divide(over + (uint64_t)(distance / 2), distance);
	}
	return (ts * (uint64_t)a->scaling >> (a->fraction & 63)) + correction;
}

bool clock_is_monotone(const struct clock *clock, uint32_t cpu)
{
	const struct time_shift *shift = clock->shift;

	/* What does not fit 64 bits wraps. */
	if (clock->mult > INT32_MAX || (uint64_t)clock->mult >> (clock->tsc_shift & 63))
		return false;
	if (!shift || cpu >= shift->info.cpu_count || shift->cpus[cpu].count < 2)
		return true;
	/* From pair to pair, and where products wrap, time can step back. */
	return shift->cpus[cpu].count == 2 && !(shift->info.flags & TIME_SHIFT_INTERPOLATE) &&
	       shift->cpus[cpu].samples[0].scaling == 1;
}

struct clock clock_make(const struct trc_file *file, size_t buffer,
			const struct trc_clock_options *options)
{
	struct trc_clock_options none = { 0 };
	struct trc_tsc2nsec tsc;
	struct clock clock = { 0 };

	if (!options)
		options = &none;
	if (options->flags & TRC_CLOCK_RAW)
		return clock;
	/* Instances are not shifted, all else holds for them, too: libtracecmd. */
	if (!buffer && file->time_shift.present && !(options->flags & TRC_CLOCK_NO_SYNC))
		clock.shift = &file->time_shift;
	if (options->ts2secs_hz)
		clock.ts2secs = 1e9 / (double)options->ts2secs_hz;
	if (!trc_tsc2nsec(file, &tsc, NULL)) {
		clock.mult = tsc.mult;
		clock.tsc_shift = tsc.shift;
	}
	clock.offset = (uint64_t)file->ts_offset.offset + (uint64_t)options->offset;
	if (!(options->flags & TRC_CLOCK_NO_DATE))
		clock.offset += (uint64_t)file->ts_offset.date;
	return clock;
}

void clock_in_brackets(const char *text, size_t size, const char **name, size_t *name_size)
{
	const char *open = size ? memchr(text, '[', size) : NULL;
	const char *close = open ? memchr(open, ']', size - (size_t)(open - text)) : NULL;

	*name = close ? open + 1 : "";
	*name_size = close ? (size_t)(close - open - 1) : 0;
}

/* --- public ------------------------------------------------------------------------------ */

void trc_ts_offset(const struct trc_file *file, struct trc_ts_offset *out)
{
	*out = file->ts_offset;
}

int trc_tsc2nsec(const struct trc_file *file, struct trc_tsc2nsec *out, struct trc_error *err)
{
	const struct trc_option *option = options_last(&file->options, TRC_OPTION_TSC2NSEC);
	struct trc_tsc2nsec tsc;
	int rc;

	if (!option)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "option TSC2NSEC: not in this file");
	struct cursor c = option_cursor(file, option, "option TSC2NSEC");

	if ((rc = cursor_u32(&c, &tsc.mult, err)) || (rc = cursor_u32(&c, &tsc.shift, err)) ||
	    (rc = cursor_u64(&c, &tsc.offset, err)))
		return rc;
	*out = tsc;
	return TRC_OK;
}

int trc_time_shift(const struct trc_file *file, struct trc_time_shift *out, struct trc_error *err)
{
	if (!file->time_shift.present)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "option TIME_SHIFT: not in this file");
	*out = file->time_shift.info;
	return TRC_OK;
}

int trc_time_samples(const struct trc_file *file, uint32_t cpu,
		     const struct trc_time_sample **samples, size_t *count, struct trc_error *err)
{
	const struct time_shift *shift = &file->time_shift;

	if (!shift->present || cpu >= shift->info.cpu_count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "option TIME_SHIFT: no samples of CPU %u",
				cpu);
	*samples = shift->cpus[cpu].samples;
	*count = shift->cpus[cpu].count;
	return TRC_OK;
}
