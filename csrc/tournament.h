/* SPDX-License-Identifier: MIT */
/*
 * A tournament tree ("loser tree"): which of many heads comes first, and which second. After the
 * first one has changed, only its way to the root is played again, without a branch that depends on
 * the outcome; with a heap those cost more than all else in the merge.
 */
#ifndef TRC_TOURNAMENT_H
#define TRC_TOURNAMENT_H

#include "internal.h"

struct head {
	uint64_t key;		/* less comes first */
	uint32_t order;		/* of equal keys the less comes first; no two heads have one */
};

#define HEAD_GONE ((struct head){ UINT64_MAX, UINT32_MAX })	/* comes after all that are there */

struct tournament {
	struct head *heads;	/* the leaves, a power of two; those without a player are HEAD_GONE */
	uint32_t *losers;	/* [1]: of the final; [n]: of the match between 2n and 2n + 1 */
	uint32_t leaves;
	uint32_t first;		/* leaf that won */
};

/* Room for count heads, all gone. heads may then be set; tournament_play() before the first look. */
int tournament_init(struct tournament *tournament, uint32_t count, struct trc_error *err);
void tournament_deinit(struct tournament *tournament);
void tournament_play(struct tournament *tournament);

TRC_INLINE bool head_less(struct head a, struct head b)
{
	return (a.key < b.key) | ((a.key == b.key) & (a.order < b.order));
}

TRC_INLINE bool head_is_gone(struct head head)
{
	return head.order == UINT32_MAX;
}

/* After the first head has changed: who is first now? */
TRC_INLINE void tournament_replay(struct tournament *tournament)
{
	uint32_t winner = tournament->first;

	for (uint32_t match = (winner + tournament->leaves) / 2; match; match /= 2) {
		uint32_t other = tournament->losers[match];
		bool beaten = head_less(tournament->heads[other], tournament->heads[winner]);

		tournament->losers[match] = beaten ? winner : other;
		winner = beaten ? other : winner;
	}
	tournament->first = winner;
}

/* The head that would be first without the first: one that lost to it. */
TRC_INLINE struct head tournament_second(const struct tournament *tournament)
{
	struct head second = HEAD_GONE;
	uint32_t match = (tournament->first + tournament->leaves) / 2;

	for (; match; match /= 2) {
		struct head other = tournament->heads[tournament->losers[match]];
		bool less = head_less(other, second);

		second.key = less ? other.key : second.key;
		second.order = less ? other.order : second.order;
	}
	return second;
}

#endif
