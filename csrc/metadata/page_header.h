/* SPDX-License-Identifier: MIT */
/*
 * header_page: where time stamp, commit and data lie in a sub-buffer.
 * The kernel's Documentation/trace/ring-buffer-design.rst; tracefs events/header_page.
 */
#ifndef TRC_METADATA_PAGE_HEADER_H
#define TRC_METADATA_PAGE_HEADER_H

#include "base/text.h"

struct page_header {
	uint32_t timestamp_offset; /* of the 8-byte base time stamp: 0 in every kernel known */
	uint32_t commit_offset;
	uint32_t commit_size; /* 4 or 8: also the kernel's size of a long, in records too */
	uint32_t data_offset; /* commit_offset + commit_size in every kernel known */
	uint32_t page_size;   /* of a sub-buffer of the top buffer: end of data */
};

/*
 * TRC_UNSUPPORTED: the text is empty, as of kernels up to 2.6.30, whose pages are laid out in
 * another way. TRC_CORRUPT: no usable time stamp, commit or data. file_offset: the text's place.
 */
int page_header_parse(struct text text, uint64_t file_offset, struct page_header *out, struct trc_error *err);

#endif
