/* SPDX-License-Identifier: MIT */
/*
 * What one operation on a file may take beyond what the file's size accounts for: struct
 * trc_open_options says what is counted. An operation keeps its own account, so threads do not meet.
 */
#ifndef TRC_BUDGET_H
#define TRC_BUDGET_H

#include "internal.h"

struct budget {
	uint64_t memory, work;
};

struct account {
	struct budget budget;
	struct budget spent;
};

struct budget budget_of(const struct trc_open_options *options);

static inline struct account account_of(const struct budget *budget)
{
	return (struct account){ .budget = *budget };
}

/*
 * Spends so many bytes on what, a text for the error, of the structure at offset. TRC_LIMIT: that would
 * be more than the budget, and nothing was spent.
 */
int account_memory(struct account *account, uint64_t bytes, uint64_t offset, const char *what,
		   struct trc_error *err);
int account_work(struct account *account, uint64_t bytes, uint64_t offset, const char *what,
		 struct trc_error *err);

/* Memory that was freed, or not taken after all. */
static inline void account_release(struct account *account, uint64_t bytes)
{
	account->spent.memory -= bytes;
}

#endif
