/* SPDX-License-Identifier: MIT */
#ifndef TRC_WRITE_OUTLINE_H
#define TRC_WRITE_OUTLINE_H

#include "base/arena.h"
#include "base/problem.h"
#include "file/section.h"
#include "write/api.h"

struct trc_outline {
	struct trc_outline_header header;
	struct trc_option *options; /* payloads are in the arena */
	size_t option_count, option_room;
	struct trc_bytes sections[SECTION_LAST_TEXT - SECTION_FIRST_TEXT + 1]; /* data NULL: none */
	struct trc_outline_buffer *buffers;				       /* texts are in the arena */
	size_t buffer_count, buffer_room;
	struct arena arena;
	struct problems problems;
};

#endif
