/* SPDX-License-Identifier: MIT */
/*
 * From the time stamp in the ring buffer to the one users see: what libtracecmd's timestamp_calc() makes
 * of the options that time_options.h reads.
 */
#ifndef TRC_RECORDS_CLOCK_H
#define TRC_RECORDS_CLOCK_H

#include "file/api.h"
#include "file/file.h"
#include "records/api.h"

/* How one buffer's raw time stamps become nanoseconds; made once, then pure arithmetic. */
struct clock {
	const struct time_shift *shift; /* NULL: none. Only the top buffer has one */
	uint32_t mult, tsc_shift;	/* of TSC2NSEC; mult 0: none */
	double ts2secs;			/* 1e9 / hz of trace-cmd report --ts2secs; 0: not asked for */
	uint64_t offset;		/* added last; wraps */
};

struct clock clock_make(const struct trc_file *file, size_t buffer, const struct trc_clock_options *options);

/* Does a later raw time stamp of this CPU always give a later (or the same) time? */
bool clock_is_monotone(const struct clock *clock, uint32_t cpu);

/* The arithmetic of TIME_SHIFT, wrap-around included. */
uint64_t time_shift_apply(const struct time_shift *shift, uint32_t cpu, uint64_t ts);

/*
 * libtracecmd hands its mul_u64_u32_shr() a signed multiplier: from 2^31 on (clocks below 1 GHz) it is
 * extended to 64 bits, which its numbers show.
 */
TRC_INLINE uint64_t tsc_factor(uint32_t mult)
{
	return (uint64_t)(int64_t)(int32_t)mult;
}

/* The two 64 x 32 bit products of that function. */
TRC_INLINE uint64_t tsc_to_ns(uint64_t cycles, uint32_t mult, uint32_t shift)
{
	uint64_t factor = tsc_factor(mult);
	uint32_t high = (uint32_t)(cycles >> 32);
	uint64_t ns = ((cycles & UINT32_MAX) * factor) >> (shift & 63);

	if (high)
		ns += shift <= 32 ? (high * factor) << (32 - shift) : (high * factor) >> ((shift - 32) & 63);
	return ns;
}

/* Raw time stamp of a CPU to the time users see. libtracecmd: timestamp_calc(). */
TRC_INLINE uint64_t clock_ns(const struct clock *clock, uint32_t cpu, uint64_t ts)
{
	if (TRC_UNLIKELY(clock->shift != NULL))
		ts = time_shift_apply(clock->shift, cpu, ts);
	if (TRC_UNLIKELY(clock->ts2secs != 0)) {
		double ns = (double)ts * clock->ts2secs;

		ts = ns < 0x1p64 ? (uint64_t)ns : 0; /* what x86-64 makes of the rest; undefined in C */
	} else if (clock->mult) {
		ts = tsc_to_ns(ts, clock->mult, clock->tsc_shift);
	}
	return ts + clock->offset;
}

#endif
