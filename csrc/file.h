/* SPDX-License-Identifier: MIT */
/* One open file: its start, version 6 or 7, and everything that was found in it. */
#ifndef TRC_FILE_H
#define TRC_FILE_H

#include "budget.h"
#include "buffer.h"
#include "clock.h"
#include "compress.h"
#include "cursor.h"
#include "map.h"
#include "option.h"
#include "peer.h"
#include "problem.h"
#include "section.h"

struct trc_file {
	struct map map;
	struct budget budget;
	struct trc_header header;
	enum compression compression;
	uint64_t body;		/* first byte behind the initial header */
	uint32_t cpu_count;	/* version 6: row of its own; version 7: CPUCOUNT */
	struct sections sections;
	struct options options;
	struct buffers buffers;
	struct peers peers;
	struct time_shift time_shift;
	struct trc_ts_offset ts_offset;
	struct problems problems;
	struct arena kept;	/* not mapped: what was read while opening and is still pointed to */
};

/* A window of the file for cursors: they look at a little here and there, mostly on and on. */
struct map_window file_window(const struct trc_file *file);

/* A cursor over the whole file, at its first byte. It and its like use the window, which must outlive them. */
struct cursor file_cursor(const struct trc_file *file, struct map_window *window,
			  const char *structure);

#endif
