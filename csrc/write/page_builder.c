/* SPDX-License-Identifier: MIT */
#include "write/page_builder.h"

#include <string.h>

#define DELTA_BITS 27
#define DELTA_MAX ((UINT64_C(1) << DELTA_BITS) - 1)
#define STAMP_BITS 59
#define STAMP_MAX ((UINT64_C(1) << STAMP_BITS) - 1)

static uint32_t room_of(const struct page_builder *builder)
{
	return builder->page_size - builder->layout->data_offset;
}

/* Where the number of lost events goes, which is after the last record. */
static uint32_t reserved(const struct page_builder *builder)
{
	return builder->missed > 0 ? builder->layout->commit_size : 0;
}

void page_begin(struct page_builder *builder, uint64_t ts, int64_t missed)
{
	memset(builder->page, 0, builder->layout->data_offset);
	store_u64(builder->page, ts, builder->layout->big_endian);
	builder->end = 0;
	builder->ts = ts;
	builder->missed = missed;
}

static void put_word(struct page_builder *builder, uint32_t type_len, uint32_t delta)
{
	bool big_endian = builder->layout->big_endian;
	uint32_t word = big_endian ? type_len << DELTA_BITS | delta : delta << 5 | type_len;

	store_u32(builder->page + builder->layout->data_offset + builder->end, word, big_endian);
	builder->end += 4;
}

/* A time extend or stamp: its low 27 bits in the first word, the others in a second. */
static void put_time(struct page_builder *builder, uint32_t type, uint64_t value)
{
	put_word(builder, type, (uint32_t)(value & DELTA_MAX));
	store_u32(builder->page + builder->layout->data_offset + builder->end,
		  (uint32_t)(value >> DELTA_BITS), builder->layout->big_endian);
	builder->end += 4;
}

/* What comes between two records where their times are far apart, or step back. */
struct time_step {
	uint32_t delta; /* in the record's own word */
	uint32_t type;	/* of the words before it, of which there are count */
	uint32_t count;
	uint64_t value; /* a stamp, or what they add up to */
};

/*
 * A step back is a step ahead that wraps around, or a stamp. A stamp has 59 bits; the upper ones stay as they
 * were before. Whatever made this step in a page of the kernel took as many words.
 */
static struct time_step time_step_of(uint64_t from, uint64_t to)
{
	uint64_t delta = to - from;

	if (delta <= DELTA_MAX)
		return (struct time_step){ .delta = (uint32_t)delta };
	if (to < from && (to & TIME_STAMP_TOP) == (from & TIME_STAMP_TOP))
		return (struct time_step){ .type = RECORD_TIME_STAMP, .count = 1, .value = to & STAMP_MAX };
	return (struct time_step){ .type = RECORD_TIME_EXTEND,
				   .count = (uint32_t)((delta - 1) / STAMP_MAX + 1),
				   .value = delta };
}

static void put_step(struct page_builder *builder, struct time_step step)
{
	for (; step.count; step.count--) {
		uint64_t value = step.value < STAMP_MAX ? step.value : STAMP_MAX;

		put_time(builder, step.type, value);
		step.value -= value;
	}
}

bool page_put(struct page_builder *builder, const struct record *record)
{
	struct time_step step = time_step_of(builder->ts, record->ts);
	uint32_t room = room_of(builder), needed = 8 * step.count + record->header + record->size;
	const uint8_t *words = record->payload - record->header;
	uint32_t word = load_u32(words, builder->layout->big_endian);

	/* A page full to its last byte has no place for a number, which is then not known. */
	if (!builder->end && needed <= room && needed > room - reserved(builder))
		builder->missed = -1;
	room -= reserved(builder);
	if (needed > room || builder->end > room - needed)
		return false;
	put_step(builder, step);
	put_word(builder, builder->layout->big_endian ? word >> DELTA_BITS : word & 31, step.delta);
	memcpy(builder->page + builder->layout->data_offset + builder->end, words + 4,
	       record->header - 4 + record->size);
	builder->end += record->header - 4 + record->size;
	builder->ts = record->ts;
	return true;
}

void page_end(struct page_builder *builder)
{
	const struct subbuffer_layout *layout = builder->layout;
	uint8_t *end = builder->page + layout->data_offset + builder->end;
	uint32_t commit = builder->end;

	memset(end, 0, room_of(builder) - builder->end);
	if (builder->missed)
		commit |= COMMIT_MISSED_EVENTS;
	if (builder->missed > 0) {
		commit |= COMMIT_MISSED_STORED;
		store_long(end, (uint64_t)builder->missed, layout->commit_size, layout->big_endian);
	}
	store_long(builder->page + layout->commit_offset, commit, layout->commit_size, layout->big_endian);
	builder->end = 0;
}
