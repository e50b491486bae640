/* SPDX-License-Identifier: MIT */
/* A record as it lies in its page: what columns, texts and analyses take. */
#ifndef TRC_RECORDS_RECORD_H
#define TRC_RECORDS_RECORD_H

#include "base/internal.h"

/*
 * Half a cache line, moved as a whole: a merge of records that lie side by side
 * stays in the cache.
 */
struct walk_record {
	uint64_t key;		/* of the merge: less comes first */
	uint64_t ts;		/* ns */
	const uint8_t *payload; /* in its page */
	uint32_t size;
	uint32_t source; /* its source's number in the walk */
};

/* Where events were lost: after one record of a stream and before the next, whether these are wanted or not. */
struct walk_gap {
	uint64_t from, to; /* ns; to UINT64_MAX: no record comes after it */
	bool has_from;	   /* a record was read before it */
	int64_t count;	   /* -1: not known */
};

/* Two losses in a row; one of unknown number makes the sum unknown. */
TRC_INLINE int64_t add_missed(int64_t a, int64_t b)
{
	return a < 0 || b < 0 ? -1 : a > INT64_MAX - b ? INT64_MAX : a + b;
}

#endif
