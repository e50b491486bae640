/* SPDX-License-Identifier: MIT */
/*
 * Which page of a stream a time is in. Pages' headers carry the time of their first record, so a few of
 * them tell; the account bounds what compressed streams unpack for that.
 */
#ifndef TRC_RECORDS_PAGE_SEARCH_H
#define TRC_RECORDS_PAGE_SEARCH_H

#include "records/api.h"
#include "records/page.h"

/* The time a page begins with, or the next one that has records. TRC_LIMIT: finding it takes too much. */
int stream_page_ts(const struct trc_data *data, const struct stream *stream, uint64_t page,
		   struct account *account, uint64_t *ts, struct trc_error *err);

/*
 * First page that can hold a record at or after ts, by bisection. Where many pages in a row have no
 * records it may be an earlier one, or, if later is asked for, a later one. So it is where a page that was
 * looked at is not in order: the first page, or the last. TRC_LIMIT: as above.
 */
int stream_find_page(const struct trc_data *data, const struct stream *stream, uint64_t ts, bool later,
		     struct page_cache *cache, uint64_t *page, struct trc_error *err);

#endif
