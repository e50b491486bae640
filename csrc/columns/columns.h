/* SPDX-License-Identifier: MIT */
/*
 * Records of some events into columns. The walk shows records in small portions, as addresses into
 * their pages; each column then takes its values from all of a portion, while that is in the cache.
 */
#ifndef TRC_COLUMNS_COLUMNS_H
#define TRC_COLUMNS_COLUMNS_H

#include "columns/api.h"
#include "columns/field.h"
#include "filter/api.h"
#include "filter/filter.h"
#include "metadata/kallsyms.h"
#include "records/api.h"
#include "records/data.h"
#include "records/walk.h"

#define PORTION 64 /* records: with few of them their payloads stay in the nearest cache */

/* An event of a file: where the columns' fields are. */
struct plan {
	const struct event_format *event; /* NULL: the file has no format of that id */
	bool *has;			  /* [column_count]: does the event have the field? */
	struct field_access *access;	  /* [column_count] */
};

struct file_plans {
	const struct trc_data *data;
	const struct event_formats *formats;
	unsigned long_size;
	bool big_endian;
	const struct kallsyms *kallsyms; /* NULL: no symbols were given */
	struct plan *plans;		 /* [plan_count]; the first is for ids without a format */
	size_t plan_count;
	uint32_t *by_id; /* [formats->id_count]: which plan */
	struct field_access pid, flags, preempt_count;
};

struct source {
	size_t file; /* in files */
	const uint8_t *event_ids;
	const struct trc_filter *filter;
	struct text buffer, peer;
	/* With a column of missed_events: */
	int64_t missed;	    /* before rows that did not pass, since the last that did */
	uint64_t first_row; /* over all batches; UINT64_MAX: none so far */
};

struct column {
	uint32_t kind;		 /* enum trc_column_kind */
	char *name, *field_name; /* field_name: NULL unless the kind is FIELD or SYMBOL */
	char *symbols;		 /* or NULL */
	char *event;		 /* "SYSTEM:NAME", the only one whose field it is; or NULL */
	struct text field;
	struct column_builder builder, addresses; /* addresses: of symbols, those of a stretch */
	struct lookup_cache *cache;		  /* indices of texts of 16 bytes, of pids; or NULL */
	uint32_t *of_source;			  /* [source_count] index + 1, or NULL */
};

struct trc_columns {
	struct trc_walk *walk; /* NULL: of a set, which has the walk */
	struct file_plans *files;
	size_t file_count;
	struct source *sources;
	size_t source_count;
	uint32_t *cpus;		       /* of the sources */
	struct trc_walk_source *walks; /* the same, for walks */
	struct column *columns;
	size_t column_count;
	uint32_t flags;		 /* enum trc_columns_flags */
	bool filtered;		 /* some source has a filter */
	bool missed;		 /* a column wants missed_events */
	uint64_t rows_before;	 /* this portion, over all batches; where missed */
	const struct plan *only; /* of all records, or NULL */
	size_t portion;
	struct slab_pool memory; /* of batches after the first, of which it is known how many rows come */
	size_t expected_rows;	 /* of the next batch: as many as the one before has, first a guess */
	bool begun;		 /* there was a batch before; never of a set: of many tables, memory
					   cut for each would add up */

	size_t rows; /* of the batch that is being made */
	bool making; /* the last stint was over before it was done */

	/* The portion at hand. */
	struct walk_record *records;
	size_t count;
	int64_t missed_events[PORTION];
};

#endif
