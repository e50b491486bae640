/* SPDX-License-Identifier: MIT */
/*
 * From the time stamp in the ring buffer to the one users see: the options TIME_SHIFT, TSC2NSEC,
 * DATE and OFFSET. trace-cmd.dat.v7(5) says what they hold, libtracecmd's timestamp_calc() how
 * they are applied.
 */
#ifndef TRC_CLOCK_H
#define TRC_CLOCK_H

#include "internal.h"

struct time_shift_cpu {
	struct trc_time_sample *samples;	/* into time_shift.samples; sorted, times differ */
	size_t count;
};

struct time_shift {
	bool present;
	struct trc_time_shift info;
	struct time_shift_cpu *cpus;		/* info.cpu_count of them */
	struct trc_time_sample *samples;	/* all CPUs' */
};

/* Reads the four options. A malformed TIME_SHIFT is a problem of the file: times stay unshifted. */
int clock_read(struct trc_file *file, struct trc_error *err);
void time_shift_deinit(struct time_shift *shift);

/* Of a trace_clock text the current one, in brackets: "local [global] counter". None: size 0. */
void clock_in_brackets(const char *text, size_t size, const char **name, size_t *name_size);

/* --- applying them -------------------------------------------------------------------------- */

/* How one buffer's raw time stamps become nanoseconds; made once, then pure arithmetic. */
struct clock {
	const struct time_shift *shift;	/* NULL: none. Only the top buffer has one */
	uint32_t mult, tsc_shift;	/* of TSC2NSEC; mult 0: none */
	double ts2secs;			/* 1e9 / hz of trace-cmd report --ts2secs; 0: not asked for */
	uint64_t offset;		/* added last; wraps */
};

struct clock clock_make(const struct trc_file *file, size_t buffer,
			const struct trc_clock_options *options);

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
		ns += shift <= 32 ? (high * factor) << (32 - shift) :
				    (high * factor) >> ((shift - 32) & 63);
	return ns;
}

/* Raw time stamp of a CPU to the time users see. libtracecmd: timestamp_calc(). */
TRC_INLINE uint64_t clock_ns(const struct clock *clock, uint32_t cpu, uint64_t ts)
{
	if (TRC_UNLIKELY(clock->shift != NULL))
		ts = time_shift_apply(clock->shift, cpu, ts);
	if (TRC_UNLIKELY(clock->ts2secs != 0)) {
		double ns = (double)ts * clock->ts2secs;

		ts = ns < 0x1p64 ? (uint64_t)ns : 0;	/* what x86-64 makes of the rest; undefined in C */
	} else if (clock->mult) {
		ts = tsc_to_ns(ts, clock->mult, clock->tsc_shift);
	}
	return ts + clock->offset;
}

#endif
