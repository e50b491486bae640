/* SPDX-License-Identifier: MIT */
/* Fields of records as Arrow arrays. */
#ifndef TRC_COLUMNS_API_H
#define TRC_COLUMNS_API_H

#include "arrow/api.h"
#include "records/api.h"

/* [cdef begin] */

/*
 * Records as columns: the wanted fields of the wanted events, straight from the pages.
 *
 * Integers keep their width and sign; pointers are uint64; texts end at their first NUL, fixed ones
 * (comm and its like) are dictionaries. Arrays of numbers are lists, of fixed length where the field
 * is; cpumasks and bitmasks are lists of the numbers of the bits set; stacks are lists of uint64, a
 * kernel's without the -1 that may end it, a user's with all 8 as recorded, zeros after the last one.
 * Bytes that are none of these (u8 arrays, structs, opaque fields) are binary. A value that does not lie within its
 * record is null, and so is that of a field which an event does not have. Each column's metadata holds
 * the field's C type ("c_type"), "offset", "size", "signed", and what trc_column.symbols says as "symbols";
 * that of a column of symbols the field's name ("symbol_of").
 */
struct trc_columns;
enum trc_column_kind {
	TRC_COLUMN_FIELD = 0,	       /* a field by name, common ones included */
	TRC_COLUMN_TS = 1,	       /* timestamp[ns] */
	TRC_COLUMN_CPU = 2,	       /* uint32 */
	TRC_COLUMN_PID = 3,	       /* int32, common_pid */
	TRC_COLUMN_COMM = 4,	       /* dictionary: the saved name of the process */
	TRC_COLUMN_FLAGS = 5,	       /* uint8, common_flags */
	TRC_COLUMN_PREEMPT_COUNT = 6,  /* uint8, common_preempt_count */
	TRC_COLUMN_EVENT = 7,	       /* dictionary: the event's name */
	TRC_COLUMN_BUFFER = 8,	       /* dictionary: the buffer's name */
	TRC_COLUMN_PEER = 9,	       /* dictionary: the source's peer */
	TRC_COLUMN_SYSTEM = 10,	       /* dictionary: the event's system */
	TRC_COLUMN_MISSED_EVENTS = 11, /* int64: lost before this record; -1: an unknown number */
	TRC_COLUMN_SYMBOL = 12,	       /* dictionary, of arrays a list of it: the kernel's symbols that
					  a field's addresses are in; null: none */
};
enum trc_columns_flags {
	TRC_COLUMNS_UINT64_TS = 1,     /* time stamps as plain numbers */
	TRC_COLUMNS_BINARY = 2,	       /* texts as they are: binary, not utf8 with U+FFFD for what is not */
	TRC_COLUMNS_NO_DICTIONARY = 4, /* all texts plain */
	TRC_COLUMNS_DURATION_TS = 8,   /* time stamps as durations, from where the clock is 0 */
	TRC_COLUMNS_UTC_TS = 16,       /* time stamps as times of UTC, which the caller knows they are */
};
struct trc_column {
	const char *name;    /* of the column; ends in NUL */
	const char *field;   /* of kinds FIELD and SYMBOL: its name; ends in NUL */
	uint32_t kind;	     /* enum trc_column_kind */
	const char *symbols; /* names of its values, for its metadata; ends in NUL; NULL: none */
	const char *event;   /* of the same kinds: that of this event alone, "SYSTEM:NAME", null in others;
					   ends in NUL; NULL: of all events that have it */
};
struct trc_columns_source {
	struct trc_walk_source walk;	   /* event_ids: which events' fields there are */
	const char *peer;		   /* for TRC_COLUMN_PEER; ends in NUL; NULL: none */
	const struct trc_filter *filter;   /* of the source's file; NULL: all records */
	const struct trc_symbols *symbols; /* of the source's file, for TRC_COLUMN_SYMBOL; NULL: none */
	uint32_t no_records;		   /* not 0: there is no stream; what fields the events have counts */
};
struct trc_columns_options {
	struct trc_walk_options walk;
	uint32_t flags; /* enum trc_columns_flags */
	size_t column_count;
	const struct trc_column *columns;
};

/*
 * sources' streams, event_ids, pids, filters and symbols must outlive the columns; the rest is copied.
 * TRC_NOT_FOUND: a field that none of the events has. TRC_ARGUMENT: events have fields of one name
 * whose types cannot be one column, or a column of symbols is of a field that has no addresses.
 */
int trc_columns_create(const struct trc_columns_source *sources, size_t count,
		       const struct trc_columns_options *options, struct trc_columns **out,
		       struct trc_error *err);
void trc_columns_destroy(struct trc_columns *columns); /* NULL is fine */

/*
 * Begins anew with another window of time, or in another direction, in the memory of batches that were
 * released meanwhile. After a failure the columns are as they were.
 */
int trc_columns_restart(struct trc_columns *columns, const struct trc_walk_options *options,
			struct trc_error *err);

/*
 * The schema of the batches: a struct with the columns as children. Released by the caller. Its texts
 * are UTF-8, with U+FFFD for what is not in the file.
 */
int trc_columns_schema(const struct trc_columns *columns, struct ArrowSchema *out, struct trc_error *err);

/*
 * The next batch, of at most max_rows rows; fewer where texts and lists would take much memory.
 * length 0: there are no more. TRC_GO_ON: the batch is not done yet, and *out not filled. Released by
 * the caller. Columns belong to one thread at a time;
 * different ones of the same file may be used at the same time.
 */
int trc_columns_next(struct trc_columns *columns, size_t max_rows, struct ArrowArray *out,
		     struct trc_error *err);

/* As trc_walk_problem_count() and its like; only sources with records have a number. */
size_t trc_columns_problem_count(const struct trc_columns *columns);
int trc_columns_problem(const struct trc_columns *columns, size_t index, struct trc_error *problem);
void trc_columns_progress(const struct trc_columns *columns, uint64_t *done, uint64_t *total);

/*
 * After the last batch of columns with MISSED_EVENTS, read forwards: the number of a source's first
 * row, counted over all batches (UINT64_MAX: it has none), and what it lost after its last one, as
 * trc_walk_missed(). Whoever reads on in other columns has to add that to the next row of the source.
 */
void trc_columns_losses(const struct trc_columns *columns, size_t source, uint64_t *first_row,
			int64_t *missed);

/*
 * Several tables of one file out of one walk: a record goes to the table of its event. Times, order
 * and pids are the sources'; their event_ids and filters are not looked at. A set belongs to one
 * thread at a time.
 */
struct trc_column_set;
struct trc_column_table {
	const uint8_t *event_ids; /* TRC_EVENT_ID_BYTES: whose records; an event is of one table */
	size_t column_count;
	const struct trc_column *columns; /* of any kind but MISSED_EVENTS */
	const struct trc_filter *filter;  /* NULL: all records */
};

/* The options' columns are not looked at. As trc_columns_create(); TRC_ARGUMENT: several files. */
int trc_column_set_create(const struct trc_columns_source *sources, size_t count,
			  const struct trc_columns_options *options, const struct trc_column_table *tables,
			  size_t table_count, struct trc_column_set **out, struct trc_error *err);
void trc_column_set_destroy(struct trc_column_set *set); /* NULL is fine */

/*
 * The next batch that is done, and the number of its table: of max_rows rows, or fewer at the end,
 * and where the batches of all tables together take much memory. release NULL: there are no more.
 * TRC_GO_ON: none is done yet.
 */
int trc_column_set_next(struct trc_column_set *set, size_t max_rows, size_t *table, struct ArrowArray *out,
			struct trc_error *err);

/* As trc_walk_problem_count() and its like. */
size_t trc_column_set_problem_count(const struct trc_column_set *set);
int trc_column_set_problem(const struct trc_column_set *set, size_t index, struct trc_error *problem);
void trc_column_set_progress(const struct trc_column_set *set, uint64_t *done, uint64_t *total);

/*
 * One field's values in some records, as its column would have them: for events one by one. A reader
 * stands for itself; metadata may be destroyed before it, and any number of threads may use it.
 */
struct trc_field_reader;
/* event, index: as for trc_event_field(). */
int trc_field_reader_create(const struct trc_metadata *metadata, size_t event, size_t index,
			    struct trc_field_reader **out, struct trc_error *err);
/* Of a field that all records have at one place: TRC_COLUMN_FLAGS, TRC_COLUMN_PREEMPT_COUNT. */
int trc_common_reader_create(const struct trc_metadata *metadata, uint32_t kind,
			     struct trc_field_reader **out, struct trc_error *err);
void trc_field_reader_destroy(struct trc_field_reader *reader); /* NULL is fine */

/*
 * An array of its own, released by the caller, of the type that the schema tells; but texts are the
 * bytes as recorded, UTF-8 or not. trc_field_reader_values(): rows first to first + count of a batch, of
 * which payload, payload_end, size and id are looked at; those of other events than id are null, unless
 * the reader is of all. trc_field_reader_value(): one record, an array of one.
 */
int trc_field_reader_schema(const struct trc_field_reader *reader, struct ArrowSchema *out,
			    struct trc_error *err);
int trc_field_reader_values(const struct trc_field_reader *reader, const struct trc_batch *batch,
			    size_t first, size_t count, uint32_t id, int big_endian, struct ArrowArray *out,
			    struct trc_error *err);
int trc_field_reader_value(const struct trc_field_reader *reader, const uint8_t *payload, uint32_t size,
			   int big_endian, struct ArrowArray *out, struct trc_error *err);

/* [cdef end] */

#endif
