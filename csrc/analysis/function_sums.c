/* SPDX-License-Identifier: MIT */
/* What functions took altogether. */
#include <stdlib.h>

#include "analysis/calls.h"
#include "analysis/histogram.h"

enum { KEY_EVENT, KEY_FUNCTION, KEY_PARENT, KEY_FILE, KEY_PID, KEY_CPU, KEY_WORDS };
#define ANY UINT64_MAX

struct function_sum {
	uint32_t number; /* of its key */
	uint32_t source;
	uint64_t calls, total, self, min, max, unmatched, lost;
	struct histogram *times;
};

struct function_sums {
	struct key_map map;
	struct function_sum *list; /* [room] */
	size_t room;
	size_t parent, task, cpu, first; /* columns */
};

/* --- columns --------------------------------------------------------------------------------- */

static const struct analysis_column_spec name_columns[] = {
	{ "name", COLUMN_TEXT, false },
	{ "address", COLUMN_U64, false },
};
static const struct analysis_column_spec parent_columns[] = {
	{ "parent", COLUMN_TEXT, true },
	{ "parent_address", COLUMN_U64, true },
};
static const struct analysis_column_spec task_columns[] = {
	{ "pid", COLUMN_I32, false },
	{ "task", COLUMN_TEXT, false },
};
static const struct analysis_column_spec cpu_columns[] = { { "cpu", COLUMN_U32, false } };
static const struct analysis_column_spec sum_columns[] = {
	{ "calls", COLUMN_U64, false }, { "total", COLUMN_U64, true }, { "self", COLUMN_U64, true },
	{ "min", COLUMN_U64, true },	{ "max", COLUMN_U64, true },   { "p50", COLUMN_U64, true },
	{ "p90", COLUMN_U64, true },	{ "p99", COLUMN_U64, true },   { "unmatched", COLUMN_U64, true },
	{ "lost", COLUMN_U64, true },
};

/* Columns that are asked for; *place: the first of them. */
static bool add_if(struct calls *calls, uint32_t by, const struct analysis_column_spec *columns, size_t count,
		   size_t *place)
{
	*place = calls->base.column_count;
	return !by || analysis_add_columns(&calls->base, columns, count);
}

static bool init(struct calls *calls)
{
	struct function_sums *sums = calloc(1, sizeof(*sums));
	uint32_t by = calls->by;

	calls->memory = sums;
	if (!sums)
		return false;
	sums->map.words = KEY_WORDS;
	return analysis_add_columns(&calls->base, name_columns, countof(name_columns)) &&
	       add_if(calls, by & TRC_CALLS_BY_PARENT, parent_columns, countof(parent_columns),
		      &sums->parent) &&
	       add_if(calls, by & TRC_CALLS_BY_TASK, task_columns, countof(task_columns), &sums->task) &&
	       add_if(calls, by & TRC_CALLS_BY_CPU, cpu_columns, countof(cpu_columns), &sums->cpu) &&
	       add_if(calls, 1, sum_columns, countof(sum_columns), &sums->first);
}

/* --- sums ------------------------------------------------------------------------------------ */

/* NULL: there is no memory. */
static struct function_sum *sum_of(struct calls *calls, uint64_t event, const struct open_call *call,
				   int32_t pid)
{
	struct function_sums *sums = calls->memory;
	const struct analysis_source *source = &calls->base.sources[call->source];
	const uint64_t key[KEY_WORDS] = {
		[KEY_EVENT] = event,
		[KEY_FUNCTION] = call->function,
		[KEY_PARENT] = calls->by & TRC_CALLS_BY_PARENT ? call->parent : ANY,
		[KEY_FILE] = source->file,
		[KEY_PID] = calls->by & TRC_CALLS_BY_TASK ? (uint64_t)pid : ANY,
		[KEY_CPU] = calls->by & TRC_CALLS_BY_CPU ? source->cpu : ANY,
	};
	bool added;
	uint32_t number = key_map_add(&sums->map, &calls->base, key, &added);

	if (number == KEY_NONE ||
	    !grow_by_number(&calls->base, (void **)&sums->list, &sums->room, number, sizeof(*sums->list)))
		return NULL;
	if (added) {
		sums->list[number].number = number;
		sums->list[number].source = call->source;
	}
	return &sums->list[number];
}

static uint64_t add_capped(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static bool add_time(struct calls *calls, struct function_sum *sum, uint64_t total, uint64_t self)
{
	if (!sum->times) {
		if (analysis_spend(&calls->base, sizeof(*sum->times)))
			sum->times = calloc(1, sizeof(*sum->times));
		if (!sum->times)
			return false;
		sum->min = total;
	}
	sum->calls++;
	sum->total = add_capped(sum->total, total);
	sum->self = add_capped(sum->self, self);
	sum->min = total < sum->min ? total : sum->min;
	sum->max = total > sum->max ? total : sum->max;
	return histogram_add(sum->times, &calls->base, total);
}

static bool end(struct calls *calls, int32_t pid, const struct open_call *call, enum call_end how,
		uint64_t total, uint64_t self)
{
	struct function_sum *sum;

	if (!calls_wants(calls, call->source, pid))
		return true;
	sum = sum_of(calls, CALLS_ENTRY, call, pid);
	if (!sum)
		return false;
	if (how == CALL_WHOLE)
		return add_time(calls, sum, total, self);
	sum->unmatched += how == CALL_UNMATCHED;
	sum->lost += how == CALL_LOST;
	return true;
}

/* The event function: a call that nobody saw the end of. */
static bool other(struct calls *calls, const struct walk_record *record, uint8_t role)
{
	uint32_t file = calls->base.sources[record->source].file;
	struct open_call call = { .source = record->source, .parent = NO_FUNCTION };
	int32_t pid = calls_pid(calls, record);
	struct function_sum *sum;
	uint64_t address;

	if (role != CALLS_FUNCTION || !calls_load(calls, record, FUNCTION_IP, &address) ||
	    !calls_wants(calls, record->source, pid))
		return true;
	call.function = function_table_add(&calls->functions, &calls->base, file, address);
	if (call.function == NO_FUNCTION)
		return false;
	if (calls->by & TRC_CALLS_BY_PARENT && calls_load(calls, record, FUNCTION_PARENT, &address)) {
		call.parent = function_table_add(&calls->functions, &calls->base, file, address);
		if (call.parent == NO_FUNCTION)
			return false;
	}
	sum = sum_of(calls, CALLS_FUNCTION, &call, pid);
	if (sum)
		sum->calls++;
	return sum != NULL;
}

/* --- rows ------------------------------------------------------------------------------------ */

/* The most time first, then the most calls; else in the order in which they came. */
static int compare(const void *a, const void *b)
{
	const struct function_sum *left = a, *right = b;

	if (left->total != right->total)
		return left->total < right->total ? 1 : -1;
	if (left->calls != right->calls)
		return left->calls < right->calls ? 1 : -1;
	return (left->number > right->number) - (left->number < right->number);
}

static uint64_t percentile(const struct function_sum *sum, unsigned percent)
{
	uint64_t rank = sum->calls / 100 * percent + (sum->calls % 100 * percent + 99) / 100;
	uint64_t value = histogram_rank(sum->times, rank);

	return value < sum->min ? sum->min : value > sum->max ? sum->max : value;
}

static void row_parent(struct calls *calls, size_t column, uint64_t parent)
{
	if (parent == NO_FUNCTION) {
		row_null(&calls->base, column);
		row_null(&calls->base, column + 1);
		return;
	}
	row_function_name(&calls->base, column, &calls->functions.list[parent]);
	row_u64(&calls->base, column + 1, calls->functions.list[parent].address);
}

static void row_by(struct calls *calls, const struct function_sums *sums, const uint64_t *key)
{
	struct trc_analysis *base = &calls->base;
	int32_t pid = (int32_t)key[KEY_PID];

	if (calls->by & TRC_CALLS_BY_PARENT)
		row_parent(calls, sums->parent, key[KEY_PARENT]);
	if (calls->by & TRC_CALLS_BY_TASK) {
		row_u32(base, sums->task, (uint32_t)pid);
		row_text(base, sums->task + 1,
			 saved_cmdlines_comm(&base->files[key[KEY_FILE]].data->metadata->cmdlines, pid));
	}
	if (calls->by & TRC_CALLS_BY_CPU)
		row_u32(base, sums->cpu, (uint32_t)key[KEY_CPU]);
}

static void row_sum(struct calls *calls, const struct function_sums *sums, const struct function_sum *sum)
{
	struct trc_analysis *base = &calls->base;
	const uint64_t *key = key_map_key(&sums->map, sum->number);
	bool timed = key[KEY_EVENT] == CALLS_ENTRY, has = sum->calls && timed;
	const struct function *function = &calls->functions.list[key[KEY_FUNCTION]];
	size_t column = sums->first;

	row_function_name(base, 0, function);
	row_u64(base, 1, function->address);
	row_by(calls, sums, key);
	row_u64(base, column++, sum->calls);
	row_optional_u64(base, column++, timed, sum->total);
	row_optional_u64(base, column++, timed, sum->self);
	row_optional_u64(base, column++, has, sum->min);
	row_optional_u64(base, column++, has, sum->max);
	row_optional_u64(base, column++, has, has ? percentile(sum, 50) : 0);
	row_optional_u64(base, column++, has, has ? percentile(sum, 90) : 0);
	row_optional_u64(base, column++, has, has ? percentile(sum, 99) : 0);
	row_optional_u64(base, column++, timed, sum->unmatched);
	row_optional_u64(base, column++, timed, sum->lost);
	row_peer(base, sum->source);
	row_end(base);
}

static bool finish(struct calls *calls)
{
	struct function_sums *sums = calls->memory;

	if (sums->map.count)
		qsort(sums->list, sums->map.count, sizeof(*sums->list), compare);
	for (size_t i = 0; i < sums->map.count; i++)
		row_sum(calls, sums, &sums->list[i]);
	return true;
}

static void deinit(struct calls *calls)
{
	struct function_sums *sums = calls->memory;

	for (size_t i = 0; sums && i < sums->room; i++) {
		if (sums->list[i].times)
			histogram_deinit(sums->list[i].times);
		free(sums->list[i].times);
	}
	if (sums) {
		key_map_deinit(&sums->map);
		free(sums->list);
	}
}

const struct calls_answer function_sums_answer = {
	.init = init,
	.end = end,
	.other = other,
	.finish = finish,
	.deinit = deinit,
};
