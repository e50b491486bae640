/* SPDX-License-Identifier: MIT */
/* A tree of stacks, and what each of its nodes weighs. */
#ifndef TRC_ANALYSIS_CALL_PATHS_H
#define TRC_ANALYSIS_CALL_PATHS_H

#include "analysis/calls.h"

#define NO_PATH UINT32_MAX
#define ROOT (UINT32_MAX - 1) /* what a path begins at; no node */

enum path_kind { PATH_FUNCTION, PATH_TASK, PATH_CPU, PATH_UNKNOWN };

struct path {
	uint64_t weight, count, lost;
	uint32_t source;
};

/* A task that runs nowhere, as far as records tell. */
struct away {
	uint64_t since;
	uint32_t source, path;
	bool is_away;
};

struct call_paths {
	struct key_map map; /* file, parent, kind, number */
	struct path *list;  /* [room] */
	size_t room;

	/* OFFCPU */
	struct key_map away_map; /* group, pid */
	struct away *away;
	size_t away_room;
	uint32_t *left; /* [source_count] who left it with the record before, or KEY_NONE */
};

/* Nodes; NO_PATH: there is no memory. */
uint32_t path_add(struct calls *calls, uint32_t source, uint32_t parent, enum path_kind kind,
		  uint64_t number);
/* What all paths of a CPU and a task begin with. */
uint32_t path_root(struct calls *calls, uint32_t source, int32_t pid);
/* The stack of a kernel_stack. */
uint32_t path_of_stack(struct calls *calls, const struct walk_record *record, uint32_t root);

/* off_cpu.c */
bool off_cpu_init(struct calls *calls);
bool off_cpu_put(struct calls *calls, const struct walk_record *record, uint8_t role);
void off_cpu_finish(struct calls *calls);

TRC_INLINE struct path *path_at(const struct calls *calls, uint32_t number)
{
	return &((struct call_paths *)calls->memory)->list[number];
}

#endif
