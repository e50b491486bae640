/* SPDX-License-Identifier: MIT */
/*
 * One sub-buffer ("page") of the ring buffer: its header, and the walk over its records.
 * The kernel's Documentation/trace/ring-buffer-design.rst; include/linux/ring_buffer.h.
 *
 * All inline: this is the innermost loop of everything. Byte order and the rest of the layout
 * are arguments, so that callers who pass constants get a loop of their own for each.
 */
#ifndef TRC_RECORDS_SUBBUFFER_H
#define TRC_RECORDS_SUBBUFFER_H

#include "base/byteorder.h"

enum record_type { /* type_len of a record's first word; 1 to 28: data of so many words */
		   RECORD_LONG_DATA = 0,
		   RECORD_PADDING = 29,
		   RECORD_TIME_EXTEND = 30,
		   RECORD_TIME_STAMP = 31,
};

#define COMMIT_SIZE_MASK UINT32_C(0x07ffffff) /* bits 0 to 26 */
#define COMMIT_MISSED_STORED (UINT32_C(1) << 30)
#define COMMIT_MISSED_EVENTS (UINT32_C(1) << 31)

/* So many bytes may a commit pass the end of its page: U-Boot's writer forgets the last record's own word. */
#define COMMIT_OVERRUN 4

#define TIME_STAMP_TOP UINT64_C(0xf800000000000000) /* a stamp has 59 bits, these come from before */

/* header_page: where things lie in a sub-buffer. */
struct subbuffer_layout {
	uint32_t commit_offset;
	uint32_t commit_size; /* 4 or 8 */
	uint32_t data_offset;
	bool big_endian;
};

struct subbuffer {
	const uint8_t *data; /* first record */
	uint32_t end;	     /* bytes of records */
	uint32_t pos;	     /* of the next record, relative to data; a multiple of 4 */
	uint64_t ts;	     /* raw, of the last record */
	int64_t missed;	     /* lost before the first event: 0 none, -1 unknown number */
};

struct record {
	const uint8_t *payload;
	uint32_t size;
	uint64_t ts;	 /* raw */
	uint32_t header; /* bytes before the payload: a word, or two where the second is the length */
};

enum subbuffer_step {
	SUBBUFFER_RECORD, /* *out is the next event */
	SUBBUFFER_END,
	SUBBUFFER_DAMAGED, /* the record at pos contradicts the page: nothing after it can be read */
};

/*
 * Begins a page of which available bytes are there (fewer than page_size where the file was cut).
 * False: its header is damaged. A last record that passes the end of the page comes as damaged: its
 * end was written over by the page after it.
 */
TRC_INLINE bool subbuffer_open(const struct subbuffer_layout *layout, bool big_endian, const uint8_t *page,
			       uint32_t page_size, uint32_t available, struct subbuffer *out)
{
	uint32_t commit, size, room;

	if (TRC_UNLIKELY(available < layout->data_offset))
		return false;
	/* An 8-byte commit may be sign-extended from bit 31: its low half says it all. */
	commit = load_u32(page + layout->commit_offset + (big_endian ? layout->commit_size - 4 : 0),
			  big_endian);
	size = commit & COMMIT_SIZE_MASK;
	room = available - layout->data_offset;
	if (TRC_UNLIKELY(size > page_size - layout->data_offset + COMMIT_OVERRUN))
		return false;
	out->data = page + layout->data_offset;
	out->end = size < room ? size : room;
	out->pos = 0;
	out->ts = load_u64(page, big_endian);
	out->missed = 0;
	if (TRC_UNLIKELY(commit & COMMIT_MISSED_EVENTS)) {
		out->missed = -1;
		if ((commit & COMMIT_MISSED_STORED) && room - out->end >= layout->commit_size) {
			int64_t stored = (int64_t)load_uint(out->data + out->end, layout->commit_size,
							    big_endian);

			out->missed = stored > 0 ? stored : -1;
		}
	}
	return true;
}

/* The rarer kinds of records; word is the one at pos, of which at least 4 bytes are there. */
static enum subbuffer_step subbuffer_next_rare(struct subbuffer *s, bool big_endian, uint32_t type_len,
					       uint32_t delta, struct record *out)
{
	uint32_t left = s->end - s->pos - 4, value;

	/* The padding at the end of a page may lack its length; nothing else begins that late. */
	if (left < 4) {
		s->pos = s->end;
		return SUBBUFFER_END;
	}
	value = load_u32(s->data + s->pos + 4, big_endian);
	switch (type_len) {
	case RECORD_LONG_DATA:
		if (value < 4 || value > left)
			return SUBBUFFER_DAMAGED;
		value = (value + 3) & ~UINT32_C(3); /* left is not a multiple of 4 only in a cut page */
		if (value > left)
			return SUBBUFFER_DAMAGED;
		s->ts += delta;
		*out = (struct record){ s->data + s->pos + 8, value - 4, s->ts, 8 };
		s->pos += 4 + value;
		return SUBBUFFER_RECORD;
	case RECORD_PADDING:
		s->ts += delta;
		if (value > left || value & 3) {
			if (delta)
				return SUBBUFFER_DAMAGED;
			value = left; /* fills the page; the kernel leaves its length unset */
		}
		s->pos += 4 + value;
		break;
	case RECORD_TIME_EXTEND:
		s->ts += ((uint64_t)value << 27) + delta;
		s->pos += 8;
		break;
	default:
		s->ts = (((uint64_t)value << 27) + delta) | (s->ts & TIME_STAMP_TOP);
		s->pos += 8;
		break;
	}
	return SUBBUFFER_END; /* of this record, not of the page: subbuffer_next() goes on */
}

TRC_INLINE enum subbuffer_step subbuffer_next(struct subbuffer *s, bool big_endian, struct record *out)
{
	while (TRC_LIKELY(s->end - s->pos >= 4)) {
		const uint8_t *at = s->data + s->pos;
		uint32_t word = load_u32(at, big_endian);
		uint32_t type_len = big_endian ? word >> 27 : word & 31;
		uint32_t delta = big_endian ? word & ((1u << 27) - 1) : word >> 5;
		struct subbuffer rare;
		struct record rare_record;
		enum subbuffer_step step;

		if (TRC_LIKELY(type_len - 1 < 28)) {
			uint32_t size = type_len * 4;

			if (TRC_UNLIKELY(s->end - s->pos - 4 < size))
				return SUBBUFFER_DAMAGED;
			s->ts += delta;
			*out = (struct record){ at + 4, size, s->ts, 4 };
			s->pos += 4 + size;
			return SUBBUFFER_RECORD;
		}
		/* On copies, so that *s and *out need not live in memory in the loops this is part of. */
		rare = *s;
		step = subbuffer_next_rare(&rare, big_endian, type_len, delta, &rare_record);
		*s = rare;
		if (step == SUBBUFFER_END)
			continue;
		if (step == SUBBUFFER_RECORD)
			*out = rare_record;
		return step;
	}
	return SUBBUFFER_END;
}

static inline bool subbuffer_has_records(const struct subbuffer *sub, bool big_endian)
{
	struct subbuffer copy = *sub;
	struct record record;

	return subbuffer_next(&copy, big_endian, &record) == SUBBUFFER_RECORD;
}

/*
 * For loops over many records: ordinary ones that others follow, which takes few comparisons to tell. All
 * else, of rarer kinds, damaged, or the page's last ones, is left to subbuffer_next(). Places are
 * numbers, as what a record's word says of the next one's may be nowhere.
 */
struct subbuffer_run {
	uintptr_t at;	/* the next record, of which the first word is there */
	uintptr_t last; /* the last word of the page */
	uint64_t ts;
};

/* False: there is nothing for it to go over. */
TRC_INLINE bool subbuffer_run_begin(const struct subbuffer *s, struct subbuffer_run *run)
{
	uintptr_t data = (uintptr_t)s->data;

	if (s->end - s->pos < 4)
		return false;
	*run = (struct subbuffer_run){ data + s->pos, data + s->end - 4, s->ts };
	return true;
}

TRC_INLINE void subbuffer_run_end(struct subbuffer *s, const struct subbuffer_run *run)
{
	s->pos = (uint32_t)(run->at - (uintptr_t)s->data);
	s->ts = run->ts;
}

TRC_INLINE bool subbuffer_run_next(struct subbuffer_run *run, bool big_endian, struct record *out)
{
	uintptr_t at = run->at, next;
	uint32_t word = load_u32((const uint8_t *)at, big_endian);
	uint32_t type_len = big_endian ? word >> 27 : word & 31;

	next = at + 4 + 4 * (size_t)type_len;
	if (TRC_UNLIKELY(type_len - 1 >= 28 || next > run->last))
		return false;
	run->ts += big_endian ? word & ((1u << 27) - 1) : word >> 5;
	*out = (struct record){ (const uint8_t *)at + 4, type_len * 4, run->ts, 4 };
	run->at = next;
	return true;
}

#endif
