/* SPDX-License-Identifier: MIT */
/*
 * Names of processes for a report: those saved in the file, and those that sched events told since.
 * A name is kept together with its pid the way a line begins, "%16s-%-5d".
 */
#ifndef TRC_REPORT_COMM_TABLE_H
#define TRC_REPORT_COMM_TABLE_H

#include "base/arena.h"
#include "metadata/saved_cmdlines.h"

struct comm_slot {
	int32_t pid;
	uint16_t size;	    /* of start; 0: the slot is free */
	uint16_t comm_size; /* after the blanks in front of it */
	uint16_t comm;	    /* where it starts */
	bool known;	    /* saved or told; else "<...>" stands there */
	bool missed;	    /* asked for while it was not known */
	const char *start;
};

struct comm_table {
	const struct saved_cmdlines *saved;
	struct comm_slot *slots; /* [room], a power of two */
	size_t room, count;
	uint32_t version; /* another one whenever a name has changed */
	struct arena arena;
};

void comm_table_init(struct comm_table *table, const struct saved_cmdlines *saved);
void comm_table_deinit(struct comm_table *table);

/* NULL: out of memory. Valid until the next call. */
const struct comm_slot *comm_table_find(struct comm_table *table, int32_t pid);

/* A name that a record told; the first one for a pid stays. false: out of memory. */
bool comm_table_add(struct comm_table *table, int32_t pid, struct text comm);

/* Does a know the name of a process that b was asked for in vain, or was told another of? */
bool comm_table_differs(const struct comm_table *a, const struct comm_table *b);

/* Adds what from knows. false: out of memory. */
bool comm_table_join(struct comm_table *to, const struct comm_table *from);
bool comm_table_copy(struct comm_table *to, const struct comm_table *from);

#endif
