/* SPDX-License-Identifier: MIT */
/*
 * What all analyses have in common: a walk over records in time order, which a machine is given one by
 * one, and columns that the machine puts its rows into. An answer is a struct that begins with a struct
 * trc_analysis, and four functions.
 */
#ifndef TRC_ANALYSIS_ANALYSIS_H
#define TRC_ANALYSIS_ANALYSIS_H

#include "analysis/api.h"
#include "arrow/builder.h"
#include "base/budget.h"
#include "base/text.h"
#include "metadata/event_format.h"
#include "records/walk.h"

/* A file, and what its events are for the machine. */
struct analysis_file {
	const struct trc_data *data;
	const struct event_formats *formats;
	unsigned long_size;
	bool big_endian;
	uint8_t *roles;	    /* [formats->id_count] by event id: the machine's number for it; 0: none */
	uint8_t *event_ids; /* TRC_EVENT_ID_BYTES: those with a role; NULL: all events are wanted */
};

struct analysis_source {
	uint32_t file; /* in files */
	uint32_t cpu;
	uint32_t group; /* of sources of one buffer of one file */
	size_t stream;
	uint32_t buffer_index;
	struct text buffer;
	char *peer;
	uint64_t gaps_seen; /* that the machine was told of */
	uint64_t lost;	    /* ns: no gap that it was told of ends later */
	bool has_lost;	    /* it was told of one */
};

/*
 * What a machine does. put, lose and finish give false where memory is short, or, after
 * analysis_spend(), the budget is.
 */
struct analysis_machine {
	bool (*put)(struct trc_analysis *analysis, const struct walk_record *record);
	/* Before any record that is later than the gap's beginning. */
	bool (*lose)(struct trc_analysis *analysis, uint32_t source, const struct walk_gap *gap);
	bool (*finish)(struct trc_analysis *analysis);
	void (*deinit)(struct trc_analysis *analysis);
};

struct analysis_column {
	char *name;
	bool nullable;
};

/* How a machine lists its columns. */
struct analysis_column_spec {
	const char *name;
	struct column_type type;
	bool nullable;
};

#define COLUMN_TIME { .shape = SHAPE_TIMESTAMP, .width = 8 }
#define COLUMN_U64 { .shape = SHAPE_INTEGER, .width = 8 }
#define COLUMN_U32 { .shape = SHAPE_INTEGER, .width = 4 }
#define COLUMN_I32 { .shape = SHAPE_INTEGER, .width = 4, .is_signed = true }
#define COLUMN_BOOL { .shape = SHAPE_BOOL }
#define COLUMN_TEXT { .shape = SHAPE_TEXT }

struct trc_analysis {
	const struct analysis_machine *machine;
	struct trc_walk *walk;
	struct analysis_file *files;
	size_t file_count;
	struct analysis_source *sources;
	size_t source_count;
	uint32_t group_count;
	uint32_t flags; /* enum trc_analysis_flags */
	bool until_last;
	uint64_t start, end;
	bool of_cpus, of_pids;
	uint32_t *cpus;
	size_t cpu_count;
	int32_t *pids;
	size_t pid_count;

	struct analysis_column *columns;
	struct column_builder *builders; /* [column_count] */
	size_t column_count, column_room;
	size_t rows;	/* of the batch that is being made */
	uint64_t batch; /* its number, from 1 on; what indices were looked up for */
	struct slab_pool memory;
	size_t expected_rows;
	bool making, finished, no_memory;
	bool done; /* the machine needs no more records */
	struct account account;
	uint64_t now; /* key of the record at hand */

	/* The gap that is told next, where has_gap. */
	bool has_gap;
	uint32_t gap_source;
	uint64_t gap_begins; /* ns */
};

/* --- making one ------------------------------------------------------------------------------ */

/*
 * A zeroed struct of size bytes that begins with a struct trc_analysis, which is filled but for roles,
 * columns and walk. Destroyed with trc_analysis_destroy().
 */
int analysis_create(size_t size, const struct analysis_machine *machine,
		    const struct trc_analysis_source *sources, size_t count,
		    const struct trc_analysis_options *options, struct trc_analysis **out,
		    struct trc_error *err);

/* "system:name" or "name" gets a role in a file. false: the file has no such event, *event is NULL. */
bool analysis_add_role(struct analysis_file *file, const char *name, uint8_t role,
		       const struct event_format **event);

/* The event of such a name; NULL: the file has none. */
const struct event_format *analysis_event(const struct analysis_file *file, const char *name);

/* Columns in their order; names are copied. */
bool analysis_add_column(struct trc_analysis *analysis, const char *name, struct column_type type,
			 bool nullable);
bool analysis_add_columns(struct trc_analysis *analysis, const struct analysis_column_spec *specs,
			  size_t count);

/* After the columns, to which peer is added if it is wanted: begins the walk, over all events or those with a role. */
int analysis_begin(struct trc_analysis *analysis, bool all_events, struct trc_error *err);

/* --- for machines ---------------------------------------------------------------------------- */

/* Counts what is kept; false: that is more than the budget. */
bool analysis_spend(struct trc_analysis *analysis, uint64_t bytes);

bool analysis_wants_cpu(const struct trc_analysis *analysis, uint32_t cpu);
bool analysis_wants_pid(const struct trc_analysis *analysis, int32_t pid);

TRC_INLINE const struct analysis_file *analysis_file_of(const struct trc_analysis *analysis,
							const struct walk_record *record)
{
	return &analysis->files[analysis->sources[record->source].file];
}

/* The machine's number for a record's event; 0: none. */
TRC_INLINE uint8_t analysis_role(const struct analysis_file *file, const struct walk_record *record)
{
	uint32_t id = record_id(file->formats->common.type, file->big_endian, record->payload, record->size);

	return TRC_LIKELY(id < file->formats->id_count) ? file->roles[id] : 0;
}

/* --- rows ------------------------------------------------------------------------------------ */

/* Each puts one value; where memory is short that is noted, and the batch will fail. */
TRC_INLINE void row_bytes(struct trc_analysis *analysis, size_t column, const void *value, size_t size)
{
	uint8_t *to = arrow_buffer_append(&analysis->builders[column].values, size);

	if (TRC_LIKELY(to != NULL))
		memcpy(to, value, size);
	else
		analysis->no_memory = true;
}

TRC_INLINE void row_u64(struct trc_analysis *analysis, size_t column, uint64_t value)
{
	row_bytes(analysis, column, &value, sizeof(value));
}

TRC_INLINE void row_u32(struct trc_analysis *analysis, size_t column, uint32_t value)
{
	row_bytes(analysis, column, &value, sizeof(value));
}

TRC_INLINE void row_bool(struct trc_analysis *analysis, size_t column, bool value)
{
	uint8_t byte = value;

	row_bytes(analysis, column, &byte, 1);
}

void row_null(struct trc_analysis *analysis, size_t column);
void row_text(struct trc_analysis *analysis, size_t column, struct text text);

/* The number that a text has in the dictionary of a batch; a zeroed one is of none. */
struct row_number {
	uint64_t batch;
	uint32_t number;
};

/* A text that is put again and again, and whose number stays with it until it is another one. */
TRC_INLINE void row_known_text(struct trc_analysis *analysis, size_t column, struct row_number *known,
			       struct text text)
{
	struct column_builder *builder = &analysis->builders[column];

	if (TRC_LIKELY(known->batch == analysis->batch)) {
		row_u32(analysis, column, known->number);
		return;
	}
	row_text(analysis, column, text);
	if (builder->type.dictionary && !analysis->no_memory) {
		memcpy(&known->number, builder->values.data + builder->values.size - sizeof(known->number),
		       sizeof(known->number));
		known->batch = analysis->batch;
	}
}

TRC_INLINE void row_optional_u64(struct trc_analysis *analysis, size_t column, bool has, uint64_t value)
{
	if (has)
		row_u64(analysis, column, value);
	else
		row_null(analysis, column);
}

/* The peer, where there is a column for it: of a source, in the last column. */
void row_peer(struct trc_analysis *analysis, uint32_t source);

/* All columns have their value. */
TRC_INLINE void row_end(struct trc_analysis *analysis)
{
	analysis->rows++;
}

#endif
