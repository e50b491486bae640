/* SPDX-License-Identifier: MIT */
#include "report/function_stack.h"

#include <stdlib.h>

#define CPU_MAX 65536

static struct function_stack *stack_of(struct function_stacks *stacks, uint32_t cpu)
{
	if (cpu >= CPU_MAX)
		return NULL;
	if (cpu >= stacks->count) {
		uint32_t count = (cpu | 7) + 1;
		struct function_stack **larger = realloc(stacks->by_cpu, count * sizeof(*larger));

		if (!larger)
			return NULL;
		memset(larger + stacks->count, 0, (count - stacks->count) * sizeof(*larger));
		stacks->by_cpu = larger;
		stacks->count = count;
	}
	if (!stacks->by_cpu[cpu]) {
		stacks->by_cpu[cpu] = malloc(sizeof(struct function_stack));
		if (stacks->by_cpu[cpu])
			stacks->by_cpu[cpu]->size = 0;
	}
	return stacks->by_cpu[cpu];
}

/* Names after at stay: the plugin does not cut its stack. */
static void put(struct function_stack *stack, uint32_t at, struct text name)
{
	if (!name.size || at >= FUNCTION_STACK_MAX)
		return;
	stack->names[at] = name;
	if (at >= stack->size)
		stack->size = at + 1;
}

int function_depth(struct function_stacks *stacks, uint32_t cpu, struct text parent, struct text child)
{
	struct function_stack *stack = stack_of(stacks, cpu);

	if (!stack)
		return -1;
	for (uint32_t i = 0; i < stack->size; i++) {
		if (text_equal(stack->names[i], parent)) {
			put(stack, i + 1, child);
			return (int)i;
		}
	}
	put(stack, 0, parent);
	put(stack, 1, child);
	return 0;
}

bool function_stacks_copy(struct function_stacks *to, const struct function_stacks *from)
{
	struct function_stacks copy = { 0 };

	for (uint32_t cpu = 0; cpu < from->count; cpu++) {
		struct function_stack *stack;

		if (!from->by_cpu[cpu])
			continue;
		stack = stack_of(&copy, cpu);
		if (!stack) {
			function_stacks_deinit(&copy);
			return false;
		}
		stack->size = from->by_cpu[cpu]->size;
		memcpy(stack->names, from->by_cpu[cpu]->names, stack->size * sizeof(stack->names[0]));
	}
	*to = copy;
	return true;
}

void function_stacks_deinit(struct function_stacks *stacks)
{
	for (uint32_t cpu = 0; cpu < stacks->count; cpu++)
		free(stacks->by_cpu[cpu]);
	free(stacks->by_cpu);
	*stacks = (struct function_stacks){ 0 };
}
