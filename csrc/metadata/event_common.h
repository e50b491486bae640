/* SPDX-License-Identifier: MIT */
/* What all records begin with: the common fields, where they lie, and a record's id and pid. */
#ifndef TRC_METADATA_EVENT_COMMON_H
#define TRC_METADATA_EVENT_COMMON_H

#include "base/byteorder.h"

/* Where a common field lies; size 0: this kernel has no such field. */
struct event_place {
	uint32_t offset, size;
};

/*
 * The common fields, as the event with the lowest id has them: libtraceevent uses these for the
 * records of all events. If no event has them, where every kernel so far put them.
 */
struct event_common {
	struct event_place type, flags, preempt_count, pid;
	struct event_place lock_depth, migrate_disable, preempt_lazy_count;
	uint32_t end; /* first byte after the last of these: no shorter payload is an event */
};

/* Where common_type and common_pid lie in the records of every kernel from 2.6.31 on. */
#define USUAL_TYPE ((struct event_place){ 0, 2 })
#define USUAL_PID ((struct event_place){ 4, 4 })

TRC_INLINE bool place_fits(struct event_place place, uint32_t size)
{
	return place.size && size >= place.size && place.offset <= size - place.size;
}

TRC_INLINE uint32_t record_id(struct event_place type, bool big_endian, const uint8_t *payload, uint32_t size)
{
	if (TRC_LIKELY(place_fits(type, size)))
		return (uint32_t)load_uint(payload + type.offset, type.size, big_endian);
	return UINT32_MAX;
}

TRC_INLINE int32_t record_pid(struct event_place pid, bool big_endian, const uint8_t *payload, uint32_t size)
{
	if (TRC_LIKELY(place_fits(pid, size)))
		return (int32_t)load_uint(payload + pid.offset, pid.size, big_endian);
	return -1;
}

#endif
