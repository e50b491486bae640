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

#endif
