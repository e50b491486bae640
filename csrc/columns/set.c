/* SPDX-License-Identifier: MIT */
/*
 * Several tables out of one walk: each record goes to the table of its event. The records of a
 * portion are sorted by table first, as columns take many records of one event at a time.
 */
#include "columns/set.h"

#include <stdlib.h>

#include "arrow/api.h"
#include "base/error.h"
#include "columns/api.h"
#include "file/file.h"
#include "records/api.h"
#include "records/walk.h"

#define SET_PORTION 4096
#define SET_PORTION_MIN 64
#define SET_BYTES (UINT64_C(32) << 20) /* of all tables together: the largest batch ends then */
/*
 * A portion is of no more pages than this, about: the walk gives pages back to the system, and those
 * that a portion's records are read from after that would stay.
 */
#define PORTION_PAGES 64
#define PUT_ROWS 256 /* rows between two looks at how large a batch is */
#define TABLES_MAX UINT16_MAX

struct table {
	struct trc_columns *columns;
	bool begun;	  /* there is a batch */
	size_t rows;	  /* in it */
	size_t next, end; /* its records of the portion: places in order */
};

struct trc_column_set {
	struct trc_walk *walk;
	struct table *tables;
	size_t table_count;
	uint8_t event_ids[TRC_EVENT_ID_BYTES]; /* of all tables */
	uint16_t table_of[EVENT_ID_DENSE];     /* by event id: number + 1; 0: none */
	bool ended;			       /* the walk; what is left is handed over */

	size_t room; /* for the records of the next portion */
	uint64_t pages_read;

	/* The portion at hand. */
	size_t count, at;	     /* at: the table whose records are put next */
	uint32_t order[SET_PORTION]; /* numbers of the records, table by table */
	const uint8_t *payload[SET_PORTION];
	uint64_t ts[SET_PORTION];
	uint32_t source[SET_PORTION], id[SET_PORTION], size[SET_PORTION];
	int32_t pid[SET_PORTION];
};

/* --- portions -------------------------------------------------------------------------------- */

static struct trc_batch batch_of(struct trc_column_set *set)
{
	return (struct trc_batch){
		.room = set->room,
		.ts = set->ts,
		.source = set->source,
		.id = set->id,
		.pid = set->pid,
		.size = set->size,
		.address = set->payload,
	};
}

/* The walk gives records of no other events. */
static struct table *table_of(const struct trc_column_set *set, size_t record)
{
	return &set->tables[set->table_of[set->id[record]] - 1];
}

/* Sorts by table; within one the order stays. */
static void sort_portion(struct trc_column_set *set)
{
	size_t end = 0;

	for (size_t i = 0; i < set->table_count; i++)
		set->tables[i].end = 0;
	for (size_t i = 0; i < set->count; i++)
		table_of(set, i)->end++;
	for (size_t i = 0; i < set->table_count; i++) {
		set->tables[i].next = end;
		end += set->tables[i].end;
		set->tables[i].end = set->tables[i].next;
	}
	for (size_t i = 0; i < set->count; i++)
		set->order[table_of(set, i)->end++] = (uint32_t)i;
	set->at = 0;
}

/* Records that are wanted may be few and far between. */
static void choose_room(struct trc_column_set *set)
{
	uint64_t before = set->pages_read, total;

	trc_walk_progress(set->walk, &set->pages_read, &total);
	if (set->pages_read - before > PORTION_PAGES && set->room > SET_PORTION_MIN)
		set->room /= 2;
	else if (set->pages_read - before < PORTION_PAGES / 2 && set->room < SET_PORTION)
		set->room *= 2;
}

static int read_portion(struct trc_column_set *set, struct trc_error *err)
{
	struct trc_batch batch = batch_of(set);
	int rc = walk_next(set->walk, &batch, err);

	if (rc)
		return rc;
	set->count = batch.count;
	set->ended = !batch.count;
	choose_room(set);
	sort_portion(set);
	return TRC_OK;
}

/* --- batches --------------------------------------------------------------------------------- */

/* Puts a table's records of the portion until there are no more, or its batch is full. */
static int put_records(struct trc_column_set *set, struct table *table, size_t max_rows, bool *full,
		       struct trc_error *err)
{
	const struct trc_batch batch = batch_of(set);

	if (!table->begun && !columns_begin(table->columns))
		return trc_fail_no_memory(err);
	table->begun = true;
	*full = false;
	while (!*full && table->next < table->end) {
		size_t n = table->end - table->next, room = max_rows - table->rows, put;
		int rc;

		n = n < room ? n : room;
		n = n < PUT_ROWS ? n : PUT_ROWS;
		rc = columns_put_rows(table->columns, &batch, set->order + table->next, n, &put, err);
		if (rc) { /* what is half put is not a batch */
			table->begun = false;
			table->rows = 0;
			return rc;
		}
		table->next += n;
		table->rows += put;
		*full = table->rows == max_rows || columns_size(table->columns) >= BATCH_BYTES;
	}
	return TRC_OK;
}

/* The table with the most bytes, if all together have more than there may be; else NULL. */
static struct table *table_to_empty(const struct trc_column_set *set)
{
	struct table *largest = NULL;
	uint64_t sum = 0, most = 0;

	for (size_t i = 0; i < set->table_count; i++) {
		struct table *table = &set->tables[i];
		uint64_t size = table->rows ? columns_size(table->columns) : 0;

		sum += size;
		if (size > most) {
			most = size;
			largest = table;
		}
	}
	return sum >= SET_BYTES ? largest : NULL;
}

static struct table *first_with_rows(const struct trc_column_set *set)
{
	for (size_t i = 0; i < set->table_count; i++) {
		if (set->tables[i].rows)
			return &set->tables[i];
	}
	return NULL;
}

/* The table whose batch is next; NULL: there are no more. */
static int fill(struct trc_column_set *set, size_t max_rows, struct table **found, struct trc_error *err)
{
	for (;;) {
		int rc;

		for (; set->at < set->table_count; set->at++) {
			struct table *table = &set->tables[set->at];
			bool full;

			if (table->next == table->end)
				continue;
			if ((rc = put_records(set, table, max_rows, &full, err)))
				return rc;
			if (full) {
				*found = table;
				return TRC_OK;
			}
		}
		*found = set->ended ? first_with_rows(set) : table_to_empty(set);
		if (*found || set->ended)
			return TRC_OK;
		if ((rc = read_portion(set, err)))
			return rc;
	}
}

int trc_column_set_next(struct trc_column_set *set, size_t max_rows, size_t *table, struct ArrowArray *out,
			struct trc_error *err)
{
	int rc = walk_begin_stint(set->walk, err);
	struct table *found;
	size_t rows;

	if (rc)
		return rc;
	if (!max_rows)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "column set: a batch of no rows");
	if ((rc = fill(set, max_rows, &found, err)))
		return rc;
	*out = (struct ArrowArray){ 0 };
	if (!found)
		return TRC_OK;
	*table = (size_t)(found - set->tables);
	rows = found->rows;
	found->rows = 0;
	found->begun = false;
	return columns_hand_over(found->columns, rows, out, err);
}

/* --- making a set ---------------------------------------------------------------------------- */

/* The events of table number index are its own. */
static int add_events(struct trc_column_set *set, size_t index, const uint8_t *event_ids,
		      struct trc_error *err)
{
	for (uint32_t id = 0; id < EVENT_ID_DENSE; id++) {
		if (!(event_ids[id >> 3] >> (id & 7) & 1))
			continue;
		if (set->table_of[id])
			return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
					"column set: event %u is of two tables", id);
		set->table_of[id] = (uint16_t)(index + 1);
		set->event_ids[id >> 3] |= (uint8_t)(1 << (id & 7));
	}
	return TRC_OK;
}

static int add_table(struct trc_column_set *set, struct trc_columns_source *sources, size_t count,
		     const struct trc_columns_options *of_set, const struct trc_column_table *from,
		     struct trc_error *err)
{
	struct trc_columns_options options = *of_set;
	int rc;

	options.columns = from->columns;
	options.column_count = from->column_count;
	for (size_t i = 0; i < from->column_count; i++) {
		if (from->columns[i].kind == TRC_COLUMN_MISSED_EVENTS)
			return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
					"column set: a loss is before records of all tables");
	}
	for (size_t i = 0; i < count; i++) {
		sources[i].walk.event_ids = from->event_ids;
		sources[i].filter = from->filter;
	}
	if ((rc = add_events(set, set->table_count, from->event_ids, err)) ||
	    (rc = columns_create_of_set(sources, count, &options, &set->tables[set->table_count].columns,
					err)))
		return rc;
	set->table_count++;
	return TRC_OK;
}

static int fill_set(struct trc_column_set *set, const struct trc_columns_source *from, size_t count,
		    const struct trc_columns_options *options, const struct trc_column_table *tables,
		    size_t table_count, struct trc_error *err)
{
	struct trc_columns_source *sources = calloc(count + 1, sizeof(*sources));
	struct trc_walk_source *walks = calloc(count + 1, sizeof(*walks));
	int rc = sources && walks ? TRC_OK : trc_fail_no_memory(err);
	size_t walked = 0;

	for (size_t i = 0; !rc && i < count; i++) {
		sources[i] = from[i];
		if (!from[i].no_records) {
			walks[walked] = from[i].walk;
			walks[walked++].event_ids = set->event_ids;
		}
		if (from[i].walk.data != from[0].walk.data)
			rc = trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				      "column set: events of several files have ids of their own");
	}
	for (size_t i = 0; !rc && i < table_count; i++)
		rc = add_table(set, sources, count, options, &tables[i], err);
	if (!rc)
		rc = trc_walk_create(walks, walked, &options->walk, &set->walk, err);
	free(walks);
	free(sources);
	return rc;
}

int trc_column_set_create(const struct trc_columns_source *sources, size_t count,
			  const struct trc_columns_options *options, const struct trc_column_table *tables,
			  size_t table_count, struct trc_column_set **out, struct trc_error *err)
{
	struct trc_column_set *set;
	int rc;

	if (table_count > TABLES_MAX)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "column set: %zu tables are too many",
				table_count);
	set = calloc(1, sizeof(*set));
	if (!set)
		return trc_fail_no_memory(err);
	set->room = SET_PORTION_MIN;
	set->tables = calloc(table_count + 1, sizeof(*set->tables));
	rc = set->tables ? fill_set(set, sources, count, options, tables, table_count, err) :
			   trc_fail_no_memory(err);
	if (rc) {
		trc_column_set_destroy(set);
		return rc;
	}
	*out = set;
	return TRC_OK;
}

void trc_column_set_destroy(struct trc_column_set *set)
{
	if (!set)
		return;
	trc_walk_destroy(set->walk);
	for (size_t i = 0; set->tables && i < set->table_count; i++)
		trc_columns_destroy(set->tables[i].columns);
	free(set->tables);
	free(set);
}

size_t trc_column_set_problem_count(const struct trc_column_set *set)
{
	return trc_walk_problem_count(set->walk);
}

int trc_column_set_problem(const struct trc_column_set *set, size_t index, struct trc_error *problem)
{
	return trc_walk_problem(set->walk, index, problem);
}

void trc_column_set_progress(const struct trc_column_set *set, uint64_t *done, uint64_t *total)
{
	trc_walk_progress(set->walk, done, total);
}
