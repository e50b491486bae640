/* SPDX-License-Identifier: MIT */
#include "base/budget.h"

#include <inttypes.h>

#include "base/error.h"

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static int spend(struct account *account, uint64_t *spent, uint64_t budget, uint64_t bytes, const char *name,
		 uint64_t offset, const char *what, struct trc_error *err)
{
	uint64_t needed = sum(*spent, bytes);

	if (needed > budget) {
		account->exceeded = true;
		return trc_fail(err, TRC_LIMIT, offset,
				"%s: needs %" PRIu64 " bytes of %s, the budget is %" PRIu64, what, needed,
				name, budget);
	}
	*spent = needed;
	return TRC_OK;
}

int account_memory(struct account *account, uint64_t bytes, uint64_t offset, const char *what,
		   struct trc_error *err)
{
	return spend(account, &account->spent.memory, account->budget.memory, bytes, "memory", offset, what,
		     err);
}

int account_unpacked(struct account *account, uint64_t stored, uint64_t plain, uint64_t offset,
		     const char *what, struct trc_error *err)
{
	uint64_t free_bytes = stored > UINT64_MAX / WORK_FREE_RATIO ? UINT64_MAX : stored * WORK_FREE_RATIO;

	if (plain <= free_bytes)
		return TRC_OK;
	return spend(account, &account->spent.work, account->budget.work, plain - free_bytes, "work", offset,
		     what, err);
}
