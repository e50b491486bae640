/* SPDX-License-Identifier: MIT */
#include "tournament.h"

#include <stdlib.h>

#include "error.h"

int tournament_init(struct tournament *tournament, uint32_t count, struct trc_error *err)
{
	uint32_t leaves = 1;

	while (leaves < count)
		leaves *= 2;
	*tournament = (struct tournament){
		.heads = malloc(leaves * sizeof(*tournament->heads)),
		.losers = calloc(leaves, sizeof(*tournament->losers)),
		.leaves = leaves,
	};
	if (!tournament->heads || !tournament->losers) {
		tournament_deinit(tournament);
		return trc_fail_no_memory(err);
	}
	for (uint32_t i = 0; i < leaves; i++)
		tournament->heads[i] = HEAD_GONE;
	return TRC_OK;
}

void tournament_deinit(struct tournament *tournament)
{
	free(tournament->heads);
	free(tournament->losers);
	*tournament = (struct tournament){ 0 };
}

/* The winner among the leaves below a node; losers are entered on the way. */
static uint32_t play(struct tournament *tournament, uint32_t node)
{
	if (node >= tournament->leaves)
		return node - tournament->leaves;

	uint32_t left = play(tournament, 2 * node), right = play(tournament, 2 * node + 1);
	bool right_wins = head_less(tournament->heads[right], tournament->heads[left]);

	tournament->losers[node] = right_wins ? left : right;
	return right_wins ? right : left;
}

void tournament_play(struct tournament *tournament)
{
	tournament->first = play(tournament, 1);
}
