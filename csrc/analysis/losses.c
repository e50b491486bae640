/* SPDX-License-Identifier: MIT */
/* Where events were lost: the walk's gaps as rows. */
#include "analysis/analysis.h"
#include "base/error.h"

enum { CPU, FROM, TO, COUNT, BUFFER };

static const struct analysis_column_spec columns[] = {
	[CPU] = { "cpu", COLUMN_U32, false },	     [FROM] = { "from", COLUMN_TIME, true },
	[TO] = { "to", COLUMN_TIME, true },	     [COUNT] = { "count", COLUMN_U64, true },
	[BUFFER] = { "buffer", COLUMN_TEXT, false },
};

static bool put(struct trc_analysis *analysis, const struct walk_record *record)
{
	(void)analysis;
	(void)record;
	return true;
}

static bool lose(struct trc_analysis *analysis, uint32_t source, const struct walk_gap *gap)
{
	if (!analysis_wants_cpu(analysis, analysis->sources[source].cpu))
		return true;
	row_u32(analysis, CPU, analysis->sources[source].cpu);
	row_optional_u64(analysis, FROM, gap->has_from, gap->from);
	row_optional_u64(analysis, TO, gap->to != UINT64_MAX, gap->to);
	row_optional_u64(analysis, COUNT, gap->count >= 0, (uint64_t)gap->count);
	row_text(analysis, BUFFER, analysis->sources[source].buffer);
	row_peer(analysis, source);
	row_end(analysis);
	return true;
}

static bool finish(struct trc_analysis *analysis)
{
	(void)analysis;
	return true;
}

static void deinit(struct trc_analysis *analysis)
{
	(void)analysis;
}

static const struct analysis_machine machine = { put, lose, finish, deinit };

int trc_losses_create(const struct trc_analysis_source *sources, size_t count,
		      const struct trc_analysis_options *options, struct trc_analysis **out,
		      struct trc_error *err)
{
	struct trc_analysis *analysis;
	int rc = analysis_create(sizeof(*analysis), &machine, sources, count, options, &analysis, err);

	if (rc)
		return rc;
	rc = analysis_add_columns(analysis, columns, countof(columns)) ? analysis_begin(analysis, true, err) :
									 trc_fail_no_memory(err);
	if (rc) {
		trc_analysis_destroy(analysis);
		return rc;
	}
	*out = analysis;
	return TRC_OK;
}
