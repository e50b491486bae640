/* SPDX-License-Identifier: MIT */
#ifndef TRC_ANALYSIS_JOBS_H
#define TRC_ANALYSIS_JOBS_H

#include "analysis/function_table.h"
#include "analysis/value.h"

#define NO_JOB UINT32_MAX
#define TIDY_FIRST 1024 /* keys */

enum job_role { JOB_QUEUE = 1, JOB_START, JOB_END, JOB_CANCEL, JOB_ROLES };

struct job_part {
	uint32_t kind; /* enum trc_job_field_kind */
	size_t column;
	struct column_type type;
	bool found;
};

/* A file's fields, by role. */
struct job_places {
	struct event_place pid;
	struct value_place keys[JOB_ROLES][TRC_JOB_KEYS];
	struct value_place fields[JOB_ROLES][TRC_JOB_FIELDS];
};

/* A record of a job, of one role. */
struct job_mark {
	uint64_t ts;
	uint32_t source;
	int32_t pid;
	bool has;
};

/* Of a free one marks[0].ts is the next free one. */
struct job {
	uint32_t key;
	struct job_mark marks[JOB_ROLES];
	uint64_t has_value; /* a bit for each field */
};

/* Jobs of one key: one that waits, and one that is being done; either may be NO_JOB. */
struct job_key {
	uint32_t waiting, running;
};

struct jobs {
	struct trc_analysis base;
	struct job_part keys[TRC_JOB_KEYS], fields[TRC_JOB_FIELDS];
	size_t key_count, field_count;
	bool has_queue, has_cancel; /* such an event was asked for */
	size_t cancel_column, lost_column, buffer_column;
	struct job_places *places; /* [file_count] */

	struct text_table texts;
	struct function_table functions;
	struct key_map map; /* group, and of each key whether it is there, and it */
	void *by_key;	    /* struct job_key [by_key_room] */
	size_t by_key_room;
	size_t tidy_at;	  /* so many keys may be known before those without jobs are forgotten */
	struct job *list; /* [room] */
	uint64_t *values; /* [room][field_count] */
	size_t count, room;
	uint32_t free;
	size_t open;	      /* how many are not free */
	bool *group_has_lost; /* [group_count] */
	uint64_t *group_lost; /* ns: of the gap that ended last */
};

extern const struct analysis_machine jobs_machine;

#endif
