/* SPDX-License-Identifier: MIT */
/* One open file: its start, version 6 or 7, and everything that was found in it. */
#ifndef TRC_FILE_FILE_H
#define TRC_FILE_FILE_H

#include "base/problem.h"
#include "file/api.h"
#include "file/buffer.h"
#include "file/image.h"
#include "file/option.h"
#include "file/peer.h"
#include "file/section.h"
#include "file/time_options.h"

struct trc_file {
	struct image image;
	uint32_t cpu_count; /* version 6: row of its own; version 7: CPUCOUNT */
	struct sections sections;
	struct options options;
	struct buffers buffers;
	struct peers peers;
	struct time_options times;
	struct problems problems;
	struct arena kept; /* not mapped: what was read while opening and is still pointed to */
};

#endif
