/* SPDX-License-Identifier: MIT */
#include "records/merge_tree.h"

#include <stdlib.h>

#include "base/error.h"

#define RUN_LEAST 16 /* records of one side in a row that are not worth a copy */

int merge_tree_init(struct merge_tree *tree, struct stream_cursor *cursors, uint32_t count, bool backwards,
		    bool by_cpu, struct trc_error *err)
{
	uint32_t leaves = 1;

	while (leaves < count)
		leaves *= 2;
	*tree = (struct merge_tree){
		.cursors = cursors,
		.nodes = calloc(2 * (size_t)leaves, sizeof(*tree->nodes)),
		.leaves = leaves,
		.count = count,
		.backwards = backwards,
		.by_cpu = by_cpu,
	};
	return tree->nodes ? TRC_OK : trc_fail_no_memory(err);
}

void merge_tree_deinit(struct merge_tree *tree)
{
	for (uint32_t i = 1; tree->nodes && i < tree->leaves; i++)
		free(tree->nodes[i].buffer);
	free(tree->nodes);
}

/* The block is a leaf's now. What was lost before it is told with its earliest record. */
static void enter_block(struct merge_tree *tree, struct stream_cursor *cursor, struct merge_node *node)
{
	const struct record_block *block = &cursor->block;

	node->at = block->records;
	node->end = block->records + block->count;
	if (cursor->missed) {
		cursor->behind_loss = block->records[tree->backwards ? block->count - 1 : 0].payload;
		tree->losses++;
	}
	cursor->held = cursor->missed || cursor->pages_pass;
}

static int fill_leaf(struct merge_tree *tree, uint32_t leaf, struct trc_error *err)
{
	struct stream_cursor *cursor;
	int rc;

	if (leaf >= tree->count)
		return MERGE_END;
	cursor = &tree->cursors[tree->backwards ? tree->count - 1 - leaf : leaf];
	if (cursor->held) {
		tree->held = cursor;
		return MERGE_HELD;
	}
	if (cursor->behind_loss) {
		cursor->behind_loss = NULL;
		tree->losses--;
	}
	rc = stream_cursor_next_page(cursor, err);
	if (rc == PAGE_STINT_OVER)
		return MERGE_STINT_OVER;
	cursor->ended = rc == PAGE_END;
	if (cursor->ended && cursor->missed)
		tree->losses++; /* after its last record */
	if (rc != PAGE_READY)
		return -trc_fail_of(-rc, cursor->source, err);
	enter_block(tree, cursor, &tree->nodes[tree->leaves + leaf]);
	return MERGE_READY;
}

static size_t node_count(const struct merge_node *node)
{
	return (size_t)(node->end - node->at);
}

/* How many of a node's records come before a key, or with it; 0 for less than RUN_LEAST. */
static size_t run_length(const struct merge_node *node, uint64_t key, bool with_equal)
{
	size_t low = RUN_LEAST, high = node_count(node);
	uint64_t last = with_equal ? key : key - 1;

	if (high < RUN_LEAST || node->at[RUN_LEAST - 1].key > last || (!with_equal && !key))
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (node->at[middle].key <= last)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Records of one child that are next, all of them, and lie side by side. */
struct run {
	struct merge_node *child; /* NULL: both children's are to be merged */
	size_t count;
};

static struct run find_run(struct merge_node *left, struct merge_node *right)
{
	struct run run = { left, node_count(left) };

	if (!node_count(right))
		return run;
	if (!node_count(left))
		return (struct run){ right, node_count(right) };
	if ((run.count = run_length(left, right->at->key, true)))
		return run;
	run.count = run_length(right, left->at->key, false);
	run.child = run.count ? right : NULL;
	return run;
}

static int need(struct merge_tree *tree, uint32_t index, struct trc_error *err);

/* Both of a node's children have their next records, if they have any. */
static int need_children(struct merge_tree *tree, uint32_t index, struct trc_error *err)
{
	int left = need(tree, 2 * index, err), right;

	if (left < 0 || left == MERGE_HELD || left == MERGE_STINT_OVER ||
	    (left == MERGE_READY && tree->by_cpu))
		return left;
	right = need(tree, 2 * index + 1, err);
	return right == MERGE_END ? left : right;
}

static void take_over(struct merge_node *node, struct run run)
{
	node->at = run.child->at;
	node->end = node->at + run.count;
	run.child->at = node->end;
}

/*
 * Copies of both children's next records after the filled ones, until either has no more; how many.
 * Who is next hangs on a branch. Where CPUs take turns at random it is foreseen half the time only, but
 * without one every step would wait for the loads of the step before, which takes about as long; and
 * real CPUs mostly have a few records in a row.
 */
static size_t mix(struct merge_node *node, size_t filled, struct merge_node *left, struct merge_node *right)
{
	struct walk_record *to = node->buffer + filled, *end = node->buffer + NODE_RECORDS;
	struct walk_record *a = left->at, *b = right->at;
	uint64_t a_key = a->key, b_key = b->key;

	while (to < end) {
		if (b_key < a_key) {
			*to++ = *b++;
			if (b == right->end)
				break;
			b_key = b->key;
		} else {
			*to++ = *a++;
			if (a == left->end)
				break;
			a_key = a->key;
		}
	}
	left->at = a;
	right->at = b;
	return (size_t)(to - node->buffer) - filled;
}

/* Fills an empty node: with a run of one child where it lies, or with copies of both's. */
static int fill_node(struct merge_tree *tree, uint32_t index, struct trc_error *err)
{
	struct merge_node *node = &tree->nodes[index];
	struct merge_node *left = &tree->nodes[2 * index], *right = &tree->nodes[2 * index + 1];
	size_t filled = 0;
	int rc = MERGE_READY;

	if (!node->buffer && !(node->buffer = malloc(NODE_RECORDS * sizeof(*node->buffer))))
		return -trc_fail_no_memory(err);
	while (filled < NODE_RECORDS && (rc = need_children(tree, index, err)) == MERGE_READY) {
		struct run run = find_run(left, right);

		if (run.child && !filled) {
			take_over(node, run);
			return MERGE_READY;
		}
		if (run.child)
			break;
		filled += mix(node, filled, left, right);
	}
	if (rc < 0 || !filled)
		return rc;
	node->at = node->buffer;
	node->end = node->buffer + filled;
	return MERGE_READY;
}

/* Sees to it that a node has records, if there are any. */
static int need(struct merge_tree *tree, uint32_t index, struct trc_error *err)
{
	struct merge_node *node = &tree->nodes[index];
	int rc;

	if (TRC_LIKELY(node_count(node)))
		return MERGE_READY;
	if (node->done)
		return MERGE_END;
	rc = index >= tree->leaves ? fill_leaf(tree, index - tree->leaves, err) : fill_node(tree, index, err);
	node->done = rc == MERGE_END;
	return rc;
}

int merge_tree_fill(struct merge_tree *tree, struct trc_error *err)
{
	return need(tree, 1, err);
}

void merge_tree_release(struct merge_tree *tree)
{
	tree->held->held = false;
}
