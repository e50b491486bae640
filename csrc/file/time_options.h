/* SPDX-License-Identifier: MIT */
/*
 * What a file says of its clocks: the options TIME_SHIFT, TSC2NSEC, DATE and OFFSET, and the trace_clock
 * text. trace-cmd.dat.v7(5) says what they hold.
 */
#ifndef TRC_FILE_TIME_OPTIONS_H
#define TRC_FILE_TIME_OPTIONS_H

#include "base/problem.h"
#include "file/api.h"
#include "file/option.h"

#define TIME_SHIFT_INTERPOLATE 1 /* in flags */

struct time_shift_cpu {
	struct trc_time_sample *samples; /* into time_shift.samples; sorted, times differ */
	size_t count;
};

struct time_shift {
	bool present;
	struct trc_time_shift info;
	struct time_shift_cpu *cpus;	 /* info.cpu_count of them */
	struct trc_time_sample *samples; /* all CPUs' */
};

struct time_options {
	struct time_shift shift;
	struct trc_ts_offset offset;
};

/*
 * cpu_count: of the file. A malformed TIME_SHIFT is a problem: times stay unshifted. TSC2NSEC is read by
 * who asks for it.
 */
int time_options_read(const struct image *image, const struct options *options, uint32_t cpu_count,
		      struct time_options *out, struct problems *problems, struct trc_error *err);
void time_options_deinit(struct time_options *times);

/* TRC_NOT_FOUND: there is none. */
int tsc2nsec_read(const struct image *image, const struct options *options, struct trc_tsc2nsec *out,
		  struct trc_error *err);

/* Of a trace_clock text the current one, in brackets: "local [global] counter". None: size 0. */
void clock_in_brackets(const char *text, size_t size, const char **name, size_t *name_size);

#endif
