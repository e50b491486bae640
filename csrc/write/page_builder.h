/* SPDX-License-Identifier: MIT */
/*
 * Pages made of records, as the kernel's ring buffer makes them: include/linux/ring_buffer.h and
 * Documentation/trace/ring-buffer-design.rst.
 */
#ifndef TRC_WRITE_PAGE_BUILDER_H
#define TRC_WRITE_PAGE_BUILDER_H

#include "records/subbuffer.h"

struct page_builder {
	const struct subbuffer_layout *layout;
	uint32_t page_size;
	uint8_t *page;	/* page_size bytes, the caller's; what lies after end is not cleared yet */
	uint32_t end;	/* bytes of records so far; 0: no page is begun */
	uint64_t ts;	/* raw, of the last record */
	int64_t missed; /* lost before the page: 0 none, -1 unknown number */
};

/* Begins a page at a record's time, after so many lost events. */
void page_begin(struct page_builder *builder, uint64_t ts, int64_t missed);

/* Adds a record. False: the page has no room for it; one that was just begun always has, if a page can. */
bool page_put(struct page_builder *builder, const struct record *record);

/* Ends the page; the builder is then as if none was begun. */
void page_end(struct page_builder *builder);

#endif
