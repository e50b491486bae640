/* SPDX-License-Identifier: MIT */
/*
 * What one operation on a file may take beyond what the file's size accounts for: struct
 * trc_open_options says what is counted. An operation keeps its own account, so threads do not meet.
 */
#ifndef TRC_BASE_BUDGET_H
#define TRC_BASE_BUDGET_H

#include "base/internal.h"

struct budget {
	uint64_t memory, work;
};

struct account {
	struct budget budget;
	struct budget spent;
	bool exceeded; /* something could not be spent: that fault ends the operation */
};

static inline struct account account_of(const struct budget *budget)
{
	return (struct account){ .budget = *budget };
}

/*
 * What one compressed block, or all that is unpacked of one kind, may take: a quarter of the memory, so
 * that several are no trouble. A larger one is a fault of that block, and need not end the operation.
 */
static inline uint64_t budget_block(const struct budget *budget)
{
	return budget->memory / 4 < UINT32_MAX ? budget->memory / 4 :
						 UINT32_MAX; /* blocks have 32-bit sizes */
}

/*
 * Spends so many bytes on what, a text for the error, of the structure at offset. TRC_LIMIT: that would
 * be more than the budget, and nothing was spent.
 */
int account_memory(struct account *account, uint64_t bytes, uint64_t offset, const char *what,
		   struct trc_error *err);

/*
 * Spends work on a block of stored bytes that unpacked to plain ones. Real data has a ratio of less than
 * WORK_FREE_RATIO, and costs nothing: its file is large enough for what it takes.
 */
#define WORK_FREE_RATIO 16
int account_unpacked(struct account *account, uint64_t stored, uint64_t plain, uint64_t offset,
		     const char *what, struct trc_error *err);

#endif
