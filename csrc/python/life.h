/* SPDX-License-Identifier: MIT */
/*
 * When an object that many use may be destroyed: one atomic word, and no lock that somebody could
 * wait for while holding it.
 *
 * An object is in use while a call on it runs, and while another object points into it. Closing it
 * lets nobody in any more; whoever leaves last, or closes it when nobody is inside, is told so and
 * has to destroy it. That is exactly one: after the bit is set the number of users only falls, so
 * that it becomes 0 once, in one atomic step of one thread.
 */
#ifndef TRC_LIFE_H
#define TRC_LIFE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define LIFE_CLOSED ((size_t)1)
#define LIFE_USER ((size_t)2)

/* All zeros: open, nobody inside. */
struct life {
	atomic_size_t state; /* LIFE_USER a user, and LIFE_CLOSED */
};

/* False: it is closed. Each that came in has to leave. */
static inline bool life_enter(struct life *life)
{
	size_t state = atomic_load(&life->state);

	do {
		if (state & LIFE_CLOSED)
			return false;
	} while (!atomic_compare_exchange_weak(&life->state, &state, state + LIFE_USER));
	return true;
}

/* True: the caller has to destroy the object. */
static inline bool life_leave(struct life *life)
{
	return atomic_fetch_sub(&life->state, LIFE_USER) == LIFE_USER + LIFE_CLOSED;
}

/* True: the caller has to destroy the object. Closing again is fine. */
static inline bool life_close(struct life *life)
{
	return atomic_fetch_or(&life->state, LIFE_CLOSED) == 0;
}

static inline bool life_is_closed(struct life *life)
{
	return atomic_load(&life->state) & LIFE_CLOSED;
}

#endif
