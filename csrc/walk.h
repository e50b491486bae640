/* SPDX-License-Identifier: MIT */
/*
 * Records of one stream, one after the other, forwards or backwards, as many as a filter lets
 * through. The merge takes its heads from here.
 */
#ifndef TRC_WALK_H
#define TRC_WALK_H

#include "data.h"

/* What is wanted; made once for a whole walk. */
struct record_filter {
	uint64_t start, last;		/* ns: start <= ts <= last */
	const uint8_t *event_ids;	/* 65536 bits, or NULL: all */
	const int32_t *pids;		/* sorted, or NULL: all */
	size_t pid_count;
};

/* A record that was read: its common fields, and its time as users see it. */
struct walk_record {
	const uint8_t *payload;		/* good until the cursor moves to another page */
	uint32_t size;
	uint32_t id;			/* UINT32_MAX: too short to have one */
	int32_t pid;
	uint64_t ts;			/* ns */
	int64_t missed;			/* lost before it: 0 none, -1 unknown number */
};

struct stream_cursor {
	const struct trc_data *data;
	const struct stream *stream;
	const struct record_filter *filter;
	bool backwards;
	bool drop_behind;		/* give pages back to the system once read */
	struct walk_record head;	/* the record the cursor stands on */
	uint64_t next, last;		/* pages: the one to open next, and the last one to open */
	bool done;			/* no page is left */
	uint64_t index;			/* of the open page */
	struct page page;		/* the open page */
	struct chunk_cache cache;
	struct subbuffer sub;		/* forwards: how far the open page is read */
	int64_t missed;			/* forwards: lost since the last record that was wanted */
	struct walk_record *records;	/* backwards: the open page's records, all that are wanted */
	size_t record_count, record_room;
	uint64_t populated;		/* file offset up to which the mapping was asked for (down to) */
	struct problems *problems;	/* where damaged pages are told of */
	uint64_t pages_read;
};

/* Stands before the first record. problems must outlive the cursor. */
void stream_cursor_init(struct stream_cursor *cursor, const struct trc_data *data,
			const struct stream *stream, const struct record_filter *filter,
			bool backwards, bool drop_behind, struct problems *problems);
void stream_cursor_deinit(struct stream_cursor *cursor);

/* Moves to the next record: 1 and head is it, 0 at the end, or minus an enum trc_code. */
int stream_cursor_next(struct stream_cursor *cursor, struct trc_error *err);

/* First page that can hold a record at or after ts, by bisection over the pages' time stamps. */
int stream_find_page(const struct trc_data *data, const struct stream *stream, uint64_t ts,
		     struct chunk_cache *cache, uint64_t *page, struct trc_error *err);

/* The common fields of a payload, as far as it is long enough. */
TRC_INLINE uint32_t record_id(const struct trc_data *data, bool big_endian, const uint8_t *payload,
			      uint32_t size)
{
	const struct event_place *type = &data->common.type;

	if (TRC_LIKELY(type->size == 2 && type->offset <= size - 2))
		return load_u16(payload + type->offset, big_endian);
	if (type->size && size >= type->size && type->offset <= size - type->size)
		return (uint32_t)load_uint(payload + type->offset, type->size, big_endian);
	return UINT32_MAX;
}

TRC_INLINE int32_t record_pid(const struct trc_data *data, bool big_endian, const uint8_t *payload,
			      uint32_t size)
{
	const struct event_place *pid = &data->common.pid;

	if (TRC_LIKELY(pid->size == 4 && size >= 4 && pid->offset <= size - 4))
		return (int32_t)load_u32(payload + pid->offset, big_endian);
	if (pid->size && size >= pid->size && pid->offset <= size - pid->size)
		return (int32_t)load_uint(payload + pid->offset, pid->size, big_endian);
	return -1;
}

#endif
