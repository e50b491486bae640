/* SPDX-License-Identifier: MIT */
#include "analysis/analysis.h"

#include <stdlib.h>
#include <string.h>

#include "arrow/schema.h"
#include "base/error.h"
#include "records/data.h"

#define BATCH_BYTES (UINT64_C(64) << 20) /* a batch that has grown to this ends */

/* --- batches --------------------------------------------------------------------------------- */

static uint64_t batch_size(const struct trc_analysis *analysis)
{
	uint64_t size = 0;

	for (size_t i = 0; i < analysis->column_count; i++)
		size += column_builder_size(&analysis->builders[i]);
	return size;
}

static bool begin_batch(struct trc_analysis *analysis)
{
	for (size_t i = 0; i < analysis->column_count; i++) {
		if (!column_builder_begin(&analysis->builders[i], analysis->expected_rows,
					  analysis->batch ? &analysis->memory : NULL))
			return false;
	}
	analysis->rows = 0;
	analysis->batch++;
	return true;
}

static int fail(const struct trc_analysis *analysis, struct trc_error *err)
{
	if (analysis->account.exceeded)
		return trc_fail(err, TRC_LIMIT, TRC_NO_OFFSET,
				"analysis: what is open at once takes more than the budget of %llu bytes",
				(unsigned long long)analysis->account.budget.memory);
	return trc_fail_no_memory(err);
}

/* --- gaps ------------------------------------------------------------------------------------ */

/* The gaps of a source that the machine was not told of; false: there are none. */
static bool untold_gaps(struct trc_analysis *analysis, uint32_t source, struct walk_gaps *gaps)
{
	uint64_t seen = analysis->sources[source].gaps_seen;

	*gaps = walk_gaps(analysis->walk, source);
	if (seen >= gaps->before + gaps->count)
		return false;
	seen = seen > gaps->before ? seen - gaps->before : 0;
	gaps->gaps += seen;
	gaps->count -= seen;
	gaps->before += seen;
	return true;
}

/* Which is to be told next: the one that begins first, of those at hand. */
static void find_next_gap(struct trc_analysis *analysis)
{
	analysis->has_gap = false;
	for (uint32_t i = 0; i < analysis->source_count; i++) {
		struct walk_gaps gaps;
		uint64_t begins;

		if (!untold_gaps(analysis, i, &gaps))
			continue;
		begins = gaps.gaps->has_from ? gaps.gaps->from : 0;
		if (!analysis->has_gap || begins < analysis->gap_begins) {
			analysis->gap_begins = begins;
			analysis->gap_source = i;
		}
		analysis->has_gap = true;
	}
}

static bool tell_gap(struct trc_analysis *analysis, uint32_t of)
{
	struct analysis_source *source = &analysis->sources[of];
	struct walk_gaps gaps;
	bool good;

	if (!untold_gaps(analysis, of, &gaps))
		return true;
	source->gaps_seen = gaps.before + 1;
	if (!source->has_lost || gaps.gaps->to > source->lost)
		source->lost = gaps.gaps->to;
	source->has_lost = true;
	good = analysis->machine->lose(analysis, of, gaps.gaps);
	find_next_gap(analysis);
	return good;
}

/*
 * A gap comes before what is later than its beginning, of sources behind its own also what has that time, and
 * before the record behind it.
 */
static bool tell_gaps_before(struct trc_analysis *analysis, const struct walk_record *record)
{
	struct walk_gaps gaps;

	while (analysis->has_gap &&
	       (analysis->gap_begins < record->key ||
		(analysis->gap_begins == record->key && analysis->gap_source < record->source))) {
		if (!tell_gap(analysis, analysis->gap_source))
			return false;
	}
	if (!analysis->has_gap || analysis->gap_begins > record->key)
		return true;
	while (untold_gaps(analysis, record->source, &gaps) && gaps.after == record->payload) {
		if (!tell_gap(analysis, record->source))
			return false;
	}
	return true;
}

/* --- the pass -------------------------------------------------------------------------------- */

/* Records as far as the batch has room; how many were taken. */
static bool put_records(struct trc_analysis *analysis, const struct walk_record *records, size_t count,
			size_t max_rows, size_t *taken)
{
	bool (*put)(struct trc_analysis *, const struct walk_record *) = analysis->machine->put;
	size_t i = 0;

	for (; i < count && analysis->rows < max_rows; i++) {
		if (TRC_UNLIKELY(analysis->has_gap) && !tell_gaps_before(analysis, &records[i]))
			return false;
		analysis->now = records[i].key;
		if (TRC_UNLIKELY(!put(analysis, &records[i])))
			return false;
	}
	*taken = i;
	return !analysis->no_memory;
}

static bool finish(struct trc_analysis *analysis)
{
	while (analysis->has_gap) {
		if (!tell_gap(analysis, analysis->gap_source))
			return false;
	}
	analysis->finished = true;
	return analysis->machine->finish(analysis) && !analysis->no_memory;
}

static int fill_batch(struct trc_analysis *analysis, size_t max_rows, struct trc_error *err)
{
	while (!analysis->finished && analysis->rows < max_rows && batch_size(analysis) < BATCH_BYTES) {
		struct walk_record *records;
		size_t count, taken;
		int rc = walk_peek(analysis->walk, &records, &count, err);

		if (rc)
			return rc;
		if (walk_has_gaps(analysis->walk))
			find_next_gap(analysis);
		if (!count || analysis->done)
			return finish(analysis) ? TRC_OK : fail(analysis, err);
		if (!put_records(analysis, records, count, max_rows, &taken))
			return fail(analysis, err);
		walk_take(analysis->walk, taken);
	}
	return TRC_OK;
}

static int hand_over(struct trc_analysis *analysis, struct ArrowArray *out, struct trc_error *err)
{
	analysis->expected_rows = analysis->rows;
	return arrow_batch(analysis->builders, analysis->column_count, analysis->rows, out, err);
}

int trc_analysis_next(struct trc_analysis *analysis, size_t max_rows, struct ArrowArray *out,
		      struct trc_error *err)
{
	int rc = walk_begin_stint(analysis->walk, err);

	if (!rc && !max_rows)
		rc = trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "analysis: a batch of no rows");
	if (!rc && !analysis->making && !begin_batch(analysis))
		rc = trc_fail_no_memory(err);
	if (!rc)
		rc = fill_batch(analysis, max_rows, err);
	analysis->making = rc == TRC_GO_ON;
	return rc ? rc : hand_over(analysis, out, err);
}

size_t trc_analysis_problem_count(const struct trc_analysis *analysis)
{
	return trc_walk_problem_count(analysis->walk);
}

int trc_analysis_problem(const struct trc_analysis *analysis, size_t index, struct trc_error *problem)
{
	return trc_walk_problem(analysis->walk, index, problem);
}

void trc_analysis_progress(const struct trc_analysis *analysis, uint64_t *done, uint64_t *total)
{
	trc_walk_progress(analysis->walk, done, total);
}

/* --- rows ------------------------------------------------------------------------------------ */

void row_null(struct trc_analysis *analysis, size_t column)
{
	struct column_builder *builder = &analysis->builders[column];
	size_t size = column_row_size(builder->type);
	uint8_t *to = arrow_buffer_append(&builder->values, size);

	if (to)
		memset(to, 0, size);
	if (!to || (!size && !column_builder_end_row(builder)) ||
	    !column_builder_null(builder, analysis->rows))
		analysis->no_memory = true;
}

void row_text(struct trc_analysis *analysis, size_t column, struct text text)
{
	struct column_builder *builder = &analysis->builders[column];
	const uint8_t *bytes = (const uint8_t *)text.start;

	if (builder->type.dictionary) {
		uint32_t index = column_builder_index(builder, bytes, text.size);

		if (index == UINT32_MAX)
			analysis->no_memory = true;
		else
			row_u32(analysis, column, index);
	} else if (!column_builder_bytes(builder, bytes, text.size)) {
		analysis->no_memory = true;
	}
}

void row_peer(struct trc_analysis *analysis, uint32_t source)
{
	const char *peer = analysis->sources[source].peer;

	if (analysis->flags & TRC_ANALYSIS_PEER)
		row_text(analysis, analysis->column_count - 1, (struct text){ peer, strlen(peer) });
}

/* --- for machines ---------------------------------------------------------------------------- */

bool analysis_spend(struct trc_analysis *analysis, uint64_t bytes)
{
	return !account_memory(&analysis->account, bytes, TRC_NO_OFFSET, "analysis", NULL);
}

bool analysis_wants_cpu(const struct trc_analysis *analysis, uint32_t cpu)
{
	if (!analysis->of_cpus)
		return true;
	for (size_t i = 0; i < analysis->cpu_count; i++) {
		if (analysis->cpus[i] == cpu)
			return true;
	}
	return false;
}

bool analysis_wants_pid(const struct trc_analysis *analysis, int32_t pid)
{
	size_t low = 0, high = analysis->pid_count;

	if (!analysis->of_pids)
		return true;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (analysis->pids[middle] < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < analysis->pid_count && analysis->pids[low] == pid;
}

/* --- schema ---------------------------------------------------------------------------------- */

int trc_analysis_schema(const struct trc_analysis *analysis, struct ArrowSchema *out, struct trc_error *err)
{
	struct ArrowSchema *children = calloc(analysis->column_count + 1, sizeof(*children));
	int rc = children ? TRC_OK : trc_fail_no_memory(err);
	size_t made = 0;

	while (!rc && made < analysis->column_count) {
		const struct analysis_column *column = &analysis->columns[made];

		rc = arrow_schema(analysis->builders[made].type, column->name, column->nullable, NULL,
				  &children[made], err);
		made += !rc;
	}
	if (!rc) {
		rc = arrow_struct_schema(children, made, NULL, out, err);
	} else {
		for (size_t i = 0; i < made; i++)
			children[i].release(&children[i]);
	}
	free(children);
	return rc;
}
