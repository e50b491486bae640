/* SPDX-License-Identifier: MIT */
#include "base/problem.h"

#include <stdlib.h>

#include "base/error.h"

void problems_add(struct problems *problems, const struct trc_error *fault)
{
	if (!problems->list)
		problems->list = calloc(PROBLEMS_MAX, sizeof(*problems->list));
	if (!problems->list || problems->count == PROBLEMS_MAX)
		problems->unlisted++;
	else
		problems->list[problems->count++] = *fault;
}

void problems_deinit(struct problems *problems)
{
	free(problems->list);
}

bool problem_is_recoverable(int code)
{
	return code != TRC_NO_MEMORY && code != TRC_SYSTEM;
}

size_t problems_count(const struct problems *problems)
{
	return problems->count + (problems->unlisted ? 1 : 0);
}

int problems_get(const struct problems *problems, size_t index, struct trc_error *problem)
{
	if (index < problems->count) {
		*problem = problems->list[index];
		return TRC_OK;
	}
	if (index == problems->count && problems->unlisted) {
		trc_fail(problem, TRC_CORRUPT, TRC_NO_OFFSET, "file: %zu more faults of this kind",
			 problems->unlisted);
		if (problems->count)
			problem->source = problems->list[0].source;
		return TRC_OK;
	}
	return TRC_NOT_FOUND;
}
