/* SPDX-License-Identifier: MIT */
#include "file/time_options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "file/api.h"
#include "file/image.h"

#define SHIFT_CPUS_MAX (UINT32_C(64) << 10)

/* Who wrote TIME_SHIFT how. Told apart by the payload's size, which must match exactly. */
enum layout {
	LAYOUT_PER_CPU, /* 2021 on: id, flags, CPUs, per CPU n and arrays [, fractions] */
	LAYOUT_2_9_2,	/* id, flags, n, time[n], offset[n], scaling[n] for all CPUs */
	LAYOUT_2_9,	/* id, n, time[n], offset[n] for all CPUs; always interpolated */
};

static void time_shift_deinit(struct time_shift *shift)
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
static int read_array(struct cursor *c, struct time_shift_cpu *cpu, size_t member, struct trc_error *err)
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

static int read_samples(struct cursor *c, struct time_shift_cpu *cpu, bool scaling, struct trc_error *err)
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

	sort_samples(&all); /* once, not for each of up to 65536 CPUs */
	for (uint32_t i = 0; i < shift->info.cpu_count; i++)
		shift->cpus[i] = all;
	return rc;
}

static int read_time_shift(const struct image *image, const struct trc_option *option, uint32_t cpu_count,
			   struct time_shift *out, struct trc_error *err)
{
	struct cursor c = option_cursor(image, option, "option TIME_SHIFT");
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
		shift.info.cpu_count = cpu_count;
	if (shift.info.cpu_count > SHIFT_CPUS_MAX)
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
static int64_t sum_numbers(const struct options *options, uint32_t id, uint64_t factor)
{
	size_t first, count = options_range(options, id, &first);
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += (uint64_t)option_number(&options->list[options->by_id[first + i]]) * factor;
	return (int64_t)sum;
}

int time_options_read(const struct image *image, const struct options *options, uint32_t cpu_count,
		      struct time_options *out, struct problems *problems, struct trc_error *err)
{
	const struct trc_option *option = options_last(options, TRC_OPTION_TIME_SHIFT);
	struct trc_error fault;
	int rc;

	out->offset.date = sum_numbers(options, TRC_OPTION_DATE, 1000);
	out->offset.offset = sum_numbers(options, TRC_OPTION_OFFSET, 1);
	if (!option)
		return TRC_OK;
	rc = read_time_shift(image, option, cpu_count, &out->shift, &fault);
	if (rc && problem_is_recoverable(rc)) {
		problems_add(problems, &fault);
		return TRC_OK;
	}
	if (rc && err)
		*err = fault;
	return rc;
}

void time_options_deinit(struct time_options *times)
{
	time_shift_deinit(&times->shift);
}

int tsc2nsec_read(const struct image *image, const struct options *options, struct trc_tsc2nsec *out,
		  struct trc_error *err)
{
	const struct trc_option *option = options_last(options, TRC_OPTION_TSC2NSEC);
	struct trc_tsc2nsec tsc;
	int rc;

	if (!option)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "option TSC2NSEC: not in this file");
	struct cursor c = option_cursor(image, option, "option TSC2NSEC");

	if ((rc = cursor_u32(&c, &tsc.mult, err)) || (rc = cursor_u32(&c, &tsc.shift, err)) ||
	    (rc = cursor_u64(&c, &tsc.offset, err)))
		return rc;
	*out = tsc;
	return TRC_OK;
}

void clock_in_brackets(const char *text, size_t size, const char **name, size_t *name_size)
{
	const char *open = size ? memchr(text, '[', size) : NULL;
	const char *close = open ? memchr(open, ']', size - (size_t)(open - text)) : NULL;

	*name = close ? open + 1 : "";
	*name_size = close ? (size_t)(close - open - 1) : 0;
}
