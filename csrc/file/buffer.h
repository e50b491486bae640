/* SPDX-License-Identifier: MIT */
/*
 * Trace buffers: the top one and the named instances, and where each CPU's data lies.
 * trace-cmd.dat.v7(5), BUFFER and BUFFER_TEXT; trace-cmd.dat.v6(5), "flyrecord".
 */
#ifndef TRC_FILE_BUFFER_H
#define TRC_FILE_BUFFER_H

#include "base/problem.h"
#include "file/api.h"
#include "file/option.h"
#include "file/section.h"

#define CPU_ID_MAX (UINT32_C(64) << 10)

struct buffer {
	struct trc_buffer info;	    /* cpu_count is the length of areas */
	struct trc_cpu_area *areas; /* sorted by CPU, each CPU once, all within the file */
	struct trc_cpu_area *empty; /* [empty_count] rows without data, as the table has them */
	uint32_t empty_count;
	/*
	 * Version 7: the buffer's own. Version 6: a latency tracer's text is the rest of the file; else
	 * only offset counts, the first byte after the buffer's table.
	 */
	struct section section;
};

struct buffers {
	struct buffer *list; /* [0]: the top buffer */
	size_t count;
	uint64_t rows; /* version 6: of all tables read so far, 16 bytes of the file each */
};

/* What buffers are read from, and where they and what is wrong with them go. */
struct buffer_reader {
	const struct image *image;
	const struct options *options;
	uint32_t cpu_count; /* version 6: of the whole file */
	struct arena *kept; /* version 6: texts that are pointed to */
	struct buffers *buffers;
	struct problems *problems;
};

/*
 * Version 6: the top buffer at the cursor ("flyrecord" with its table and clock, or "latency"),
 * then the instances that BUFFER options name. Version 7: all from BUFFER and BUFFER_TEXT
 * options. A buffer that cannot be read is a problem, and left out.
 */
int buffers_read_v6(const struct buffer_reader *reader, struct cursor *c, struct trc_error *err);
int buffers_read_v7(const struct buffer_reader *reader, struct trc_error *err);

void buffers_deinit(struct buffers *buffers);

#endif
