/* SPDX-License-Identifier: MIT */
/*
 * Cursors in one order of time: a tree of merges of two, whose leaves are the cursors. An empty node
 * is filled for many records at once: with copies of both children's in turn, or, where one child has
 * many in a row, with those in their place.
 *
 * Of equal keys the left one comes first: an earlier cursor's, backwards a later one's.
 */
#ifndef TRC_RECORDS_MERGE_TREE_H
#define TRC_RECORDS_MERGE_TREE_H

#include "records/stream_cursor.h"

#define NODE_RECORDS 256 /* 8 KiB */
#define MERGE_NODE_BYTES (2 * sizeof(struct merge_node) + NODE_RECORDS * sizeof(struct walk_record))

struct merge_node {
	struct walk_record *at, *end; /* what is there: in the buffer, or a part of what a node below has */
	struct walk_record *buffer;   /* of leaves NULL: theirs is the cursor's block */
	bool done;
};

struct merge_tree {
	struct stream_cursor *cursors;
	struct merge_node *nodes; /* [1] is the root, 2n and 2n + 1 the children of n */
	uint32_t leaves, count;	  /* leaves: a power of two; the last ones may have no cursor */
	bool backwards, by_cpu;
	size_t losses;		    /* cursors whose block is after a loss */
	struct stream_cursor *held; /* the one that merge_tree_fill() stopped for */
};

enum merge_step {
	MERGE_END,
	MERGE_READY,	  /* there are records at the root */
	MERGE_HELD,	  /* merge_tree_release() first */
	MERGE_STINT_OVER, /* there may be, in another stint */
};

/* by_cpu: cursor after cursor. A zeroed one may be deinited. Cursors must outlive it. */
int merge_tree_init(struct merge_tree *tree, struct stream_cursor *cursors, uint32_t count, bool backwards,
		    bool by_cpu, struct trc_error *err);
void merge_tree_deinit(struct merge_tree *tree);

/*
 * Sees to it that there are records at the root; an enum merge_step, or minus an enum trc_code.
 * MERGE_HELD: a cursor has to leave its page, which its records lie in, or which reported a loss.
 * None of those records is in the tree any more; merge_tree_release() says that nobody else needs
 * them or the loss.
 */
int merge_tree_fill(struct merge_tree *tree, struct trc_error *err);
void merge_tree_release(struct merge_tree *tree);

TRC_INLINE struct merge_node *merge_tree_root(struct merge_tree *tree)
{
	return &tree->nodes[1];
}

#endif
