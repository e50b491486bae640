/* SPDX-License-Identifier: MIT */
/* The text of a profile: tasks, the events of each, and their stacks. */
#include <stdlib.h>
#include <string.h>

#include "analysis/profile/profile.h"
#include "base/array.h"
#include "base/error.h"
#include "base/number.h"

/* --- order ----------------------------------------------------------------------------------- */

/* What qsort() takes along: it has no argument for it. */
struct ordered_task {
	uint32_t number, file, buffer;
	const struct profile_task *task;
	struct text comm;
};

struct ordered_sum {
	uint32_t number;
	const struct profile_sum *sum;
	const struct profile_event *event;
};

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* The last file first, as trace-cmd has it; in a buffer what belongs to no task, groups, and tasks. */
static int compare_tasks(const void *left, const void *right)
{
	const struct ordered_task *a = left, *b = right;
	int order = ORDER(b->file, a->file);

	if (!order)
		order = ORDER(a->buffer, b->buffer);
	if (!order)
		order = ORDER(a->task->owner, b->task->owner);
	if (!order && a->task->owner == OWNER_GROUP)
		order = text_compare(a->comm, b->comm);
	return order ? order : ORDER(a->task->number, b->task->number);
}

static int rank_of(const struct profile_event *event)
{
	return event->role == PROFILE_SWITCH ? 0 : event->role == PROFILE_WAKEUP ? 1 : 2;
}

/* Where trace-cmd leaves it to chance, by value. */
static int compare_sums(const void *left, const void *right)
{
	const struct ordered_sum *a = left, *b = right;
	int rank = rank_of(a->event), order = ORDER(rank, rank_of(b->event));

	if (!order && rank == 2) {
		order = ORDER(a->event->format->id, b->event->format->id);
		if (!order)
			order = ORDER(b->sum->times.total, a->sum->times.total);
	}
	if (!order)
		order = ORDER(a->sum->value, b->sum->value);
	if (!order)
		order = ORDER(a->sum->event, b->sum->event);
	return order ? order : ORDER(a->number, b->number);
}

static bool is_shown(const struct profile_task *task)
{
	if (task->owner == OWNER_GLOBAL || task->owner == OWNER_CPU)
		return task->first_sum != NONE;
	return !task->grouped;
}

static const struct analysis_source *source_of(const struct trc_profile *profile, uint32_t unit)
{
	return &profile->base.sources[profile->units[unit]];
}

/* false: out of memory. */
static bool order_tasks(struct trc_profile *profile)
{
	struct profile_page *page = &profile->page;
	struct ordered_task *tasks = malloc((profile->task_map.count + 1) * sizeof(*tasks));

	page->tasks = malloc((profile->task_map.count + 1) * sizeof(*page->tasks));
	if (!tasks || !page->tasks) {
		free(tasks);
		return false;
	}
	for (uint32_t i = 0; i < profile->task_map.count; i++) {
		const struct profile_task *task = &profile->tasks[i];
		const struct analysis_source *source = source_of(profile, task->unit);

		if (!is_shown(task))
			continue;
		tasks[page->task_count++] = (struct ordered_task){
			i, source->file, source->buffer_index, task,
			task->comm == NONE ? TEXT("") : profile->comms.texts[task->comm]
		};
	}
	qsort(tasks, page->task_count, sizeof(*tasks), compare_tasks);
	for (size_t i = 0; i < page->task_count; i++)
		page->tasks[i] = tasks[i].number;
	free(tasks);
	return true;
}

/* The sums of the task at hand. false: out of memory. */
static bool order_sums(struct trc_profile *profile, const struct profile_task *task)
{
	struct profile_page *page = &profile->page;
	struct ordered_sum *sums;
	size_t count = 0;

	for (uint32_t i = task->first_sum; i != NONE; i = profile->sums[i].next)
		count++;
	sums = malloc((count + 1) * sizeof(*sums));
	while (sums && page->sum_room < count) {
		uint32_t *grown = array_grow(page->sums, &page->sum_room, count, sizeof(*page->sums));

		if (!grown) {
			free(sums);
			return false;
		}
		page->sums = grown;
	}
	if (!sums)
		return false;
	count = 0;
	for (uint32_t i = task->first_sum; i != NONE; i = profile->sums[i].next) {
		const struct profile_sum *sum = &profile->sums[i];

		sums[count++] = (struct ordered_sum){ i, sum, &profile->events[sum->event] };
	}
	qsort(sums, count, sizeof(*sums), compare_sums);
	for (size_t i = 0; i < count; i++)
		page->sums[i] = sums[i].number;
	page->sum_count = count;
	page->at_sum = 0;
	free(sums);
	return true;
}

/* --- events ---------------------------------------------------------------------------------- */

static void put_hex(struct output *out, uint64_t value)
{
	char *to;

	output_literal(out, "0x");
	to = output_reserve(out, NUMBER_ROOM);
	if (to)
		out->size = (size_t)(number_hex(to, value) - out->data);
}

static void put_function(struct output *out, const struct kallsyms *symbols, uint64_t address)
{
	struct symbol symbol;

	output_literal(out, "func: ");
	if (!symbols || !kallsyms_find(symbols, address, &symbol)) {
		put_hex(out, address);
		return;
	}
	output_text(out, symbol.name);
	output_literal(out, "()");
}

/* Names of the kernel's include/linux/interrupt.h. */
static void put_softirq(struct output *out, uint64_t vector)
{
	static const char *const names[] = { "HI",	     "TIMER",	"NET_TX", "NET_RX",  "BLOCK",
					     "BLOCK_IOPOLL", "TASKLET", "SCHED",  "HRTIMER", "RCU" };

	if ((uint32_t)vector < countof(names))
		output_bytes(out, names[(uint32_t)vector], strlen(names[(uint32_t)vector]));
	else
		output_signed(out, (int32_t)vector);
}

/* A letter for each bit; "R" where there is none: it would have gone on. */
static void put_state(struct output *out, uint64_t state)
{
	static const char letters[] = "SDTtXZxKWP";

	if (!state)
		output_char(out, 'R');
	for (size_t i = 0; i < sizeof(letters) - 1; i++)
		if (state >> i & 1)
			output_char(out, letters[i]);
}

static void put_value(struct output *out, const struct profile_event *event, const struct kallsyms *symbols,
		      uint64_t value)
{
	if (event->value == VALUE_FUNCTION) {
		put_function(out, symbols, value);
		return;
	}
	output_text(out, event->format->name);
	output_char(out, ':');
	if (event->value == VALUE_SYSCALL)
		output_signed(out, (int32_t)value);
	else if (event->value == VALUE_SOFTIRQ)
		put_softirq(out, value);
	else if (event->value == VALUE_STATE)
		put_state(out, value);
	else
		put_hex(out, value);
}

static void put_times(struct output *out, const struct profile_times *times)
{
	output_literal(out, " (");
	output_signed(out, (int64_t)times->count);
	output_char(out, ')');
	if (times->total) {
		output_literal(out, " Total: ");
		output_signed(out, (int64_t)times->total);
		output_literal(out, " Avg: ");
		output_signed(out, (int64_t)(times->total / times->count));
		output_literal(out, " Max: ");
		profile_put_extreme(out, times->max, times->max_ts);
		output_literal(out, " Min:");
		profile_put_extreme(out, times->min, times->min_ts);
	}
	output_char(out, '\n');
}

static bool put_sum(struct trc_profile *profile, uint32_t file, const struct profile_sum *sum)
{
	struct output *out = &profile->page.out;

	output_literal(out, "  Event: ");
	put_value(out, &profile->events[sum->event], profile->files[file].symbols, sum->value);
	put_times(out, &sum->times);
	return profile_put_stacks(profile, sum, file, out);
}

/* --- tasks ----------------------------------------------------------------------------------- */

static struct text comm_of(const struct trc_profile *profile, const struct profile_task *task, uint32_t file)
{
	if (task->comm != NONE)
		return profile->comms.texts[task->comm];
	return saved_cmdlines_comm(&profile->base.files[file].data->metadata->cmdlines, task->number);
}

static void put_task_name(struct trc_profile *profile, const struct profile_task *task, uint32_t file)
{
	struct output *out = &profile->page.out;
	struct text comm = comm_of(profile, task, file);

	if (task->number >= 0) {
		output_literal(out, "\ntask: ");
		output_text(out, comm);
		output_char(out, '-');
		output_decimal(out, (uint64_t)task->number);
	} else { /* as of what belongs to no task */
		output_text(out, comm);
	}
	output_char(out, '\n');
}

static void put_name(struct trc_profile *profile, const struct profile_task *task, uint32_t file)
{
	struct output *out = &profile->page.out;

	switch (task->owner) {
	case OWNER_GLOBAL:
		output_literal(out, "Global Events\n");
		return;
	case OWNER_CPU:
		output_literal(out, "Global CPU[");
		output_signed(out, task->number);
		output_literal(out, "] Events\n");
		return;
	case OWNER_GROUP:
		output_literal(out, "\ngroup: ");
		output_text(out, profile->comms.texts[task->comm]);
		output_char(out, '\n');
		return;
	default:
		put_task_name(profile, task, file);
	}
}

/* An instance's tables have its name above them; trace-cmd has no tables of instances. */
static void put_instance(struct trc_profile *profile, const struct analysis_source *source)
{
	const struct profile_page *page = &profile->page;
	uint32_t unit = profile->tasks[page->tasks[page->at_task]].unit;

	if (!source->buffer.size ||
	    (page->at_task && profile->tasks[page->tasks[page->at_task - 1]].unit == unit))
		return;
	output_literal(&profile->page.out, "\ninstance: ");
	output_text(&profile->page.out, source->buffer);
	output_char(&profile->page.out, '\n');
}

/* Of the task at hand as much as is enough. */
static bool put_task(struct trc_profile *profile, size_t enough)
{
	struct profile_page *page = &profile->page;
	const struct profile_task *task = &profile->tasks[page->tasks[page->at_task]];
	const struct analysis_source *source = source_of(profile, task->unit);

	if (!page->in_task) {
		put_instance(profile, source);
		put_name(profile, task, source->file);
		if (!order_sums(profile, task))
			return false;
		page->in_task = true;
	}
	while (page->at_sum < page->sum_count && page->out.size < enough)
		if (!put_sum(profile, source->file, &profile->sums[page->sums[page->at_sum++]]))
			return false;
	if (page->at_sum == page->sum_count) {
		page->in_task = false;
		page->at_task++;
	}
	return !page->out.no_memory;
}

static int begin(struct trc_profile *profile, struct trc_error *err)
{
	profile->page.begun = true;
	if (profile->flags & TRC_PROFILE_BY_COMM && !profile_group(profile))
		return profile_fail(profile, err);
	return order_tasks(profile) ? TRC_OK : trc_fail_no_memory(err);
}

int trc_profile_text(struct trc_profile *profile, size_t enough, const char **text, size_t *size,
		     struct trc_error *err)
{
	struct profile_page *page = &profile->page;
	int rc = page->begun ? TRC_OK : begin(profile, err);

	if (rc)
		return rc;
	page->out.size = 0;
	output_limit(&page->out, SIZE_MAX);
	while (page->at_task < page->task_count && page->out.size < enough)
		if (!put_task(profile, enough))
			return trc_fail_no_memory(err);
	*text = page->out.data ? page->out.data : "";
	*size = page->out.size;
	return TRC_OK;
}
