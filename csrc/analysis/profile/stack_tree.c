/* SPDX-License-Identifier: MIT */
/*
 * The stacks of a sum as a tree: what they have in common stands once, and branches where they part, the
 * branch that took most first.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/profile/profile.h"
#include "base/array.h"
#include "base/number.h"

#define CELL_WIDTH 5
#define LEVELS_MAX 60 /* deeper branches stand where these do */
#define FIRST_ROOM 16

/* A stack: addresses, the innermost first, one of all ones ends it where it does not fill its record. */
struct branch_stack {
	const uint8_t *bytes;
	size_t size;
	bool big_endian;
	const struct profile_times *times;
};

/* Stacks that are the same up to this address. */
struct branch {
	size_t first, count; /* of stacks */
	uint64_t address;
	struct profile_times times;
	int32_t percent;
};

/* Where some stacks part, while it is written. */
struct fork {
	size_t first, count, at; /* of branches */
	size_t depth;		 /* of the addresses that differ */
};

struct stack_tree {
	const struct kallsyms *symbols;
	struct branch_stack *stacks;
	size_t stack_count;
	unsigned long_size;
	bool big_endian;
	struct branch *branches;
	size_t branch_count, branch_room;
	struct fork *forks;
	size_t fork_count, fork_room;
	uint64_t lines; /* bit: a line runs down in this cell */
	struct output *out;
};

/* --- text ------------------------------------------------------------------------------------ */

/* A function's name and address, or the address alone. */
static void put_function(const struct kallsyms *symbols, uint64_t address, struct output *out)
{
	struct symbol symbol;
	bool named = symbols && kallsyms_find(symbols, address, &symbol);
	char *to;

	if (named) {
		output_text(out, symbol.name);
		output_literal(out, " (");
	}
	output_literal(out, "0x");
	to = output_reserve(out, NUMBER_ROOM);
	if (to)
		out->size = (size_t)(number_hex(to, address) - out->data);
	if (named)
		output_char(out, ')');
}

static void put_ts(struct output *out, uint64_t ts)
{
	uint64_t usecs = (ts % 1000000000 + 500) / 1000;
	char *to;

	output_decimal(out, ts / 1000000000);
	output_char(out, '.');
	to = output_reserve(out, NUMBER_ROOM);
	if (to)
		out->size = (size_t)(number_padded(to, usecs, usecs < 1000000 ? 6 : 7) - out->data);
}

void profile_put_extreme(struct output *out, uint64_t time, uint64_t ts)
{
	output_signed(out, (int64_t)time);
	output_literal(out, "(ts:");
	put_ts(out, ts);
	output_char(out, ')');
}

static void put_cell(struct output *out, char c)
{
	output_fill(out, ' ', CELL_WIDTH - 1);
	output_char(out, c);
	output_char(out, ' ');
}

static void put_cells(struct stack_tree *tree, size_t level)
{
	for (size_t i = 0; i <= level && i <= LEVELS_MAX + 1; i++)
		put_cell(tree->out, tree->lines >> i & 1 ? '|' : ' ');
}

static void put_times(struct output *out, const struct branch *branch)
{
	const struct profile_times *times = &branch->times;

	output_literal(out, "  ");
	output_signed(out, branch->percent);
	output_literal(out, "% (");
	output_signed(out, (int64_t)times->count);
	output_char(out, ')');
	if (times->total) {
		output_literal(out, " time:");
		output_signed(out, (int64_t)times->total);
		output_literal(out, " max:");
		profile_put_extreme(out, times->max, times->max_ts);
		output_literal(out, " min:");
		profile_put_extreme(out, times->min, times->min_ts);
		output_literal(out, " avg:");
		output_signed(out, (int64_t)(times->total / times->count));
	}
	output_char(out, '\n');
}

/* --- branches -------------------------------------------------------------------------------- */

static uint32_t word_at(const struct branch_stack *stack, size_t at)
{
	return load_u32(stack->bytes + at, stack->big_endian);
}

/* By their words, of what is the same that far the shorter one first: so equal beginnings stand together. */
static int compare_stacks(const void *left, const void *right)
{
	const struct branch_stack *a = left, *b = right;
	size_t size = a->size < b->size ? a->size : b->size;

	for (size_t i = 0; i + 4 <= size; i += 4) {
		uint32_t of_a = word_at(a, i), of_b = word_at(b, i);

		if (of_a != of_b)
			return of_a > of_b ? 1 : -1;
	}
	return (a->size > b->size) - (a->size < b->size);
}

/* Of equal ones the first of the stacks. */
static int compare_branches(const void *left, const void *right)
{
	const struct branch *a = left, *b = right;

	if (a->times.total != b->times.total)
		return a->times.total > b->times.total ? -1 : 1;
	if (a->times.count != b->times.count)
		return a->times.count > b->times.count ? -1 : 1;
	return (a->first > b->first) - (a->first < b->first);
}

/* false: the stack has ended before. */
static bool address_at(const struct stack_tree *tree, size_t number, size_t depth, uint64_t *address)
{
	const struct branch_stack *stack = &tree->stacks[number];
	size_t at = depth * tree->long_size;

	if (at > stack->size || stack->size - at < tree->long_size)
		return false;
	*address = load_uint(stack->bytes + at, tree->long_size, stack->big_endian);
	return *address != (tree->long_size == 8 ? UINT64_MAX : UINT32_MAX);
}

static struct branch *add_branch(struct stack_tree *tree)
{
	if (tree->branch_count == tree->branch_room) {
		struct branch *grown = array_grow(tree->branches, &tree->branch_room, FIRST_ROOM,
						  sizeof(*tree->branches));

		if (!grown)
			return NULL;
		tree->branches = grown;
	}
	return &tree->branches[tree->branch_count++];
}

static void set_percents(struct branch *branches, size_t count)
{
	uint64_t total = 0, events = 0;

	for (size_t i = 0; i < count; i++) {
		total += branches[i].times.total;
		events += branches[i].times.count;
	}
	for (size_t i = 0; i < count; i++) {
		if (total)
			branches[i].percent = (int32_t)((branches[i].times.total * 100 + total / 2) / total);
		else if (events)
			branches[i].percent =
				(int32_t)((branches[i].times.count * 100 + events / 2) / events);
	}
}

/* The branches, at this depth, of stacks that are the same before it. false: out of memory. */
static bool part(struct stack_tree *tree, size_t first, size_t count, size_t depth)
{
	size_t before = tree->branch_count;
	struct branch *last = NULL;

	for (size_t i = first; i < first + count; i++) {
		uint64_t address;

		if (!address_at(tree, i, depth, &address)) {
			last = NULL;
			continue;
		}
		if (!last || last->address != address) {
			last = add_branch(tree);
			if (!last)
				return false;
			*last = (struct branch){ .first = i, .address = address };
		}
		last->count++;
		profile_times_join(&last->times, tree->stacks[i].times);
	}
	if (tree->branch_count == before)
		return true;
	qsort(tree->branches + before, tree->branch_count - before, sizeof(*tree->branches),
	      compare_branches);
	set_percents(tree->branches + before, tree->branch_count - before);
	return true;
}

/* --- the tree -------------------------------------------------------------------------------- */

static bool add_fork(struct stack_tree *tree, size_t first, size_t depth)
{
	if (tree->fork_count == tree->fork_room) {
		struct fork *grown = array_grow(tree->forks, &tree->fork_room, FIRST_ROOM,
						sizeof(*tree->forks));

		if (!grown)
			return false;
		tree->forks = grown;
	}
	tree->forks[tree->fork_count++] = (struct fork){ first, tree->branch_count - first, 0, depth };
	return true;
}

static size_t level_of(size_t level)
{
	return level < LEVELS_MAX ? level : LEVELS_MAX;
}

static void put_lines(struct stack_tree *tree, size_t level)
{
	put_cells(tree, level);
	output_char(tree->out, '\n');
}

/* Goes on as long as all that go on are the same. */
static bool put_trunk(struct stack_tree *tree, size_t level, char line, size_t *depth)
{
	const struct fork *fork = &tree->forks[tree->fork_count - 1];
	size_t first = tree->branches[fork->first + fork->at].first;
	size_t count = tree->branches[fork->first + fork->at].count, before = tree->branch_count;

	for (;; ++*depth) {
		const struct branch *only;

		if (!part(tree, first, count, *depth))
			return false;
		if (tree->branch_count - before != 1)
			return true;
		only = &tree->branches[before];
		put_cells(tree, level);
		put_cell(tree->out, line);
		output_literal(tree->out, "   ");
		put_function(tree->symbols, only->address, tree->out);
		output_char(tree->out, '\n');
		first = only->first;
		count = only->count;
		tree->branch_count = before;
	}
}

/* One branch, up to where it parts; its fork is the last then. */
static bool put_branch(struct stack_tree *tree)
{
	struct fork *fork = &tree->forks[tree->fork_count - 1];
	const struct branch *branch = &tree->branches[fork->first + fork->at];
	size_t level = level_of(tree->fork_count - 1), depth = fork->depth + 1, before = tree->branch_count;
	char line = '|';

	put_cells(tree, level);
	put_cell(tree->out, '+');
	if (fork->at == fork->count - 1) {
		tree->lines &= ~(UINT64_C(2) << level);
		line = ' ';
	}
	put_function(tree->symbols, branch->address, tree->out);
	output_char(tree->out, '\n');
	put_cells(tree, level);
	put_cell(tree->out, line);
	put_times(tree->out, branch);
	if (!put_trunk(tree, level, line, &depth))
		return false;
	fork->at++;
	if (tree->branch_count > before) {
		if (!add_fork(tree, before, depth))
			return false;
		level = level_of(tree->fork_count - 1);
		tree->lines |= UINT64_C(2) << level;
	}
	put_lines(tree, level + 1);
	return true;
}

/* The fork is written, and the branch that led to it with it. */
static void end_fork(struct stack_tree *tree)
{
	size_t level = level_of(tree->fork_count - 1);

	tree->lines &= ~(UINT64_C(2) << level);
	put_lines(tree, level);
	tree->branch_count = tree->forks[--tree->fork_count].first;
	if (tree->fork_count)
		put_lines(tree, level_of(tree->fork_count - 1) + 1);
}

static bool put_tree(struct stack_tree *tree)
{
	qsort(tree->stacks, tree->stack_count, sizeof(*tree->stacks), compare_stacks);
	if (!part(tree, 0, tree->stack_count, 0))
		return false;
	if (!tree->branch_count)
		return true;
	if (!add_fork(tree, 0, 0))
		return false;
	tree->lines = 2;
	put_lines(tree, 1);
	while (tree->fork_count) {
		const struct fork *fork = &tree->forks[tree->fork_count - 1];

		if (fork->at == fork->count)
			end_fork(tree);
		else if (!put_branch(tree))
			return false;
	}
	return true;
}

bool profile_put_stacks(const struct trc_profile *profile, const struct profile_sum *sum, uint32_t file,
			struct output *out)
{
	const struct analysis_file *of = &profile->base.files[file];
	struct stack_tree tree = {
		.symbols = profile->files[file].symbols,
		.long_size = of->long_size,
		.big_endian = of->big_endian,
		.out = out,
	};
	size_t room = 0;
	bool done = true;

	for (uint32_t i = sum->first_stack; i != NONE && done; i = profile->stack_sums[i].next) {
		const struct profile_stack *stack = &profile->stack_sums[i];
		struct text bytes = profile->stacks.texts[stack->stack];

		if (tree.stack_count == room) {
			struct branch_stack *grown = array_grow(tree.stacks, &room, FIRST_ROOM,
								sizeof(*tree.stacks));

			done = grown != NULL;
			if (!done)
				break;
			tree.stacks = grown;
		}
		tree.stacks[tree.stack_count++] = (struct branch_stack){ (const uint8_t *)bytes.start,
									 bytes.size, of->big_endian,
									 &stack->times };
	}
	if (done && tree.stack_count)
		done = put_tree(&tree);
	free(tree.stacks);
	free(tree.branches);
	free(tree.forks);
	return done;
}
