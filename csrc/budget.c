/* SPDX-License-Identifier: MIT */
#include "budget.h"

#include <inttypes.h>

#include "error.h"

struct budget budget_of(const struct trc_open_options *options)
{
	return (struct budget){
		.memory = options && options->memory ? options->memory : TRC_BUDGET_MEMORY,
		.work = options && options->work ? options->work : TRC_BUDGET_WORK,
	};
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static int spend(uint64_t *spent, uint64_t budget, uint64_t bytes, const char *name, uint64_t offset,
		 const char *what, struct trc_error *err)
{
	uint64_t needed = sum(*spent, bytes);

	if (needed > budget)
		return trc_fail(err, TRC_LIMIT, offset,
				"%s: needs %" PRIu64 " bytes of %s, the budget is %" PRIu64, what, needed,
				name, budget);
	*spent = needed;
	return TRC_OK;
}

int account_memory(struct account *account, uint64_t bytes, uint64_t offset, const char *what,
		   struct trc_error *err)
{
	return spend(&account->spent.memory, account->budget.memory, bytes, "memory", offset, what, err);
}

int account_work(struct account *account, uint64_t bytes, uint64_t offset, const char *what,
		 struct trc_error *err)
{
	return spend(&account->spent.work, account->budget.work, bytes, "work", offset, what, err);
}
