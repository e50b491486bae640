/* SPDX-License-Identifier: MIT */
/*
 * How deep a traced function is nested, guessed as libtraceevent's function plugin does: from the
 * names of callers seen before on the same CPU. docs/FORMAT.md 6.5.
 */
#ifndef TRC_REPORT_FUNCTION_STACK_H
#define TRC_REPORT_FUNCTION_STACK_H

#include "base/text.h"

#define FUNCTION_STACK_MAX 512 /* deeper than any kernel stack */

struct function_stack {
	struct text names[FUNCTION_STACK_MAX];
	uint32_t size;
};

struct function_stacks {
	struct function_stack **by_cpu; /* [count]; NULL: nothing seen yet */
	uint32_t count;
};

/* Depth of child called by parent. An empty child is unknown and not remembered. -1: out of memory. */
int function_depth(struct function_stacks *stacks, uint32_t cpu, struct text parent, struct text child);

bool function_stacks_copy(struct function_stacks *to, const struct function_stacks *from);
void function_stacks_deinit(struct function_stacks *stacks);

#endif
