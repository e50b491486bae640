/* SPDX-License-Identifier: MIT */
/*
 * Trace buffers: the top one and the named instances, and where each CPU's data lies.
 * trace-cmd.dat.v7(5), BUFFER and BUFFER_TEXT; trace-cmd.dat.v6(5), "flyrecord".
 */
#ifndef TRC_BUFFER_H
#define TRC_BUFFER_H

#include "cursor.h"
#include "section.h"

#define CPU_ID_MAX (UINT32_C(64) << 10)

/* A sub-buffer's size: a power of two from 512 bytes to 16 MiB. */
static inline bool page_size_valid(uint32_t size)
{
	return size >= 512 && size <= 16 << 20 && !(size & (size - 1));
}

struct buffer {
	struct trc_buffer info;		/* cpu_count is the length of areas */
	struct trc_cpu_area *areas;	/* sorted by CPU, each CPU once, all within the file */
	struct trc_cpu_area *empty;	/* [empty_count] rows without data, as the table has them */
	uint32_t empty_count;
	/*
	 * Version 7: the buffer's own. Version 6: a latency tracer's text is the rest of the file; else
	 * only offset counts, the first byte behind the buffer's table.
	 */
	struct section section;
};

struct buffers {
	struct buffer *list;	/* [0]: the top buffer */
	size_t count;
	uint64_t rows;		/* version 6: of all tables read so far, 16 bytes of the file each */
};

/*
 * Version 6: the top buffer at the cursor ("flyrecord" with its table and clock, or "latency"),
 * then the instances that BUFFER options tell of. Version 7: all from BUFFER and BUFFER_TEXT
 * options. A buffer that cannot be read is a problem of the file, and left out.
 */
int buffers_read_v6(struct trc_file *file, struct cursor *c, struct trc_error *err);
int buffers_read_v7(struct trc_file *file, struct trc_error *err);

void buffers_deinit(struct buffers *buffers);

#endif
