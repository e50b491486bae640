/* SPDX-License-Identifier: MIT */
/*
 * Records of the blk tracer, of which the kernel writes no format: trace-cmd report makes one up.
 * docs/FORMAT.md 6.5.
 */
#ifndef TRC_REPORT_BLKTRACE_H
#define TRC_REPORT_BLKTRACE_H

#include "base/arena.h"
#include "metadata/event_format.h"

/*
 * Fills *out, an empty table, with the format of blktrace, if these are records of that type; its
 * text lies in the arena.
 */
int blktrace_format(const struct event_formats *formats, uint32_t type, unsigned long_size,
		    struct arena *arena, struct event_formats *out, struct trc_error *err);

#endif
