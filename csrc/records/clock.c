/* SPDX-License-Identifier: MIT */
#include "records/clock.h"

#include "file/api.h"
#include "records/api.h"

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
	size_t low = 0, high = cpu->count - 1; /* s[low].time <= ts < s[high].time, once inside */

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

struct clock clock_make(const struct trc_file *file, size_t buffer, const struct trc_clock_options *options)
{
	struct trc_clock_options none = { 0 };
	struct trc_tsc2nsec tsc;
	struct clock clock = { 0 };

	if (!options)
		options = &none;
	if (options->flags & TRC_CLOCK_RAW)
		return clock;
	/* Instances are not shifted, all else holds for them, too: libtracecmd. */
	if (!buffer && file->times.shift.present && !(options->flags & TRC_CLOCK_NO_SYNC))
		clock.shift = &file->times.shift;
	if (options->ts2secs_hz)
		clock.ts2secs = 1e9 / (double)options->ts2secs_hz;
	if (!tsc2nsec_read(&file->image, &file->options, &tsc, NULL)) {
		clock.mult = tsc.mult;
		clock.tsc_shift = tsc.shift;
	}
	clock.offset = (uint64_t)file->times.offset.offset + (uint64_t)options->offset;
	if (!(options->flags & TRC_CLOCK_NO_DATE))
		clock.offset += (uint64_t)file->times.offset.date;
	return clock;
}
