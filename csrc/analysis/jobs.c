/* SPDX-License-Identifier: MIT */
/*
 * Jobs: what is asked for, waits, and is done. Of each key one may wait while another is being done, as
 * a work item can be queued anew by its own function. What was cancelled stays until it is known whether
 * it was: kernels report a timer as cancelled also when it is set anew, and when it expires.
 */
#include "analysis/jobs.h"

#include <stdlib.h>
#include <string.h>

enum {
	QUEUED,
	START,
	STOP,
	WAITED,
	DURATION,
	CPU,
	PID,
	QUEUED_CPU,
	QUEUED_PID,
};

/* The record at hand. */
struct step {
	const struct walk_record *record;
	const struct analysis_file *file;
	const struct job_places *places;
	uint32_t of_file;
	uint8_t role;
};

/* --- rows ------------------------------------------------------------------------------------ */

static uint64_t *values_of(const struct jobs *jobs, uint32_t number)
{
	return jobs->values + (size_t)number * jobs->field_count;
}

static void row_mark(struct trc_analysis *base, const struct job_mark *mark, size_t time)
{
	row_optional_u64(base, time, mark->has, mark->ts);
}

static void row_between(struct trc_analysis *base, size_t column, const struct job_mark *from,
			const struct job_mark *to)
{
	bool has = from->has && to->has;

	/* 0 where time stepped back */
	row_optional_u64(base, column, has, has && to->ts > from->ts ? to->ts - from->ts : 0);
}

static void row_field(struct jobs *jobs, size_t field, const struct job *job, const uint64_t *values)
{
	const struct job_part *part = &jobs->fields[field];
	bool has = job->has_value >> field & 1;

	if (part->kind == TRC_JOB_VALUE)
		row_value(&jobs->base, part->column, &jobs->texts, (struct value){ has, values[field] });
	else if (has)
		row_function_name(&jobs->base, part->column,
				  &((const struct function *)jobs->functions.list)[values[field]]);
	else
		row_null(&jobs->base, part->column);
}

static void row_keys(struct jobs *jobs, uint32_t key)
{
	const uint64_t *words = key_map_key(&jobs->map, key);

	for (size_t i = 0; i < jobs->key_count; i++)
		row_value(&jobs->base, jobs->keys[i].column, &jobs->texts,
			  (struct value){ words[1 + 2 * i], words[2 + 2 * i] });
}

/* Whatever a loss on any CPU may have changed. */
static bool is_lost(const struct jobs *jobs, const struct job *job, uint32_t source)
{
	uint32_t group = jobs->base.sources[source].group;
	const struct job_mark *marks = job->marks;

	if (!jobs->group_has_lost[group])
		return false;
	if (marks[JOB_QUEUE].has)
		return jobs->group_lost[group] > marks[JOB_QUEUE].ts;
	if (jobs->has_queue || !marks[JOB_START].has)
		return true; /* its beginning may be among them */
	return jobs->group_lost[group] > marks[JOB_START].ts;
}

/* The record that says where it was done; else what is known of it. */
static const struct job_mark *mark_of(const struct job *job)
{
	if (job->marks[JOB_START].has)
		return &job->marks[JOB_START];
	return job->marks[JOB_END].has ? &job->marks[JOB_END] : &job->marks[JOB_QUEUE];
}

static void put_row(struct jobs *jobs, const struct job *job, const uint64_t *values)
{
	struct trc_analysis *base = &jobs->base;
	const struct job_mark *marks = job->marks, *of = mark_of(job);
	uint32_t cpu = base->sources[of->source].cpu;

	if (!analysis_wants_cpu(base, cpu) || !analysis_wants_pid(base, of->pid))
		return;
	row_mark(base, &marks[JOB_QUEUE], QUEUED);
	row_mark(base, &marks[JOB_START], START);
	row_mark(base, &marks[JOB_END], STOP);
	row_between(base, WAITED, &marks[JOB_QUEUE], &marks[JOB_START]);
	row_between(base, DURATION, &marks[JOB_START], &marks[JOB_END]);
	row_u32(base, CPU, cpu);
	row_u32(base, PID, (uint32_t)of->pid);
	if (marks[JOB_QUEUE].has) {
		row_u32(base, QUEUED_CPU, base->sources[marks[JOB_QUEUE].source].cpu);
		row_u32(base, QUEUED_PID, (uint32_t)marks[JOB_QUEUE].pid);
	} else {
		row_null(base, QUEUED_CPU);
		row_null(base, QUEUED_PID);
	}
	row_keys(jobs, job->key);
	for (size_t i = 0; i < jobs->field_count; i++)
		row_field(jobs, i, job, values);
	if (jobs->has_cancel)
		row_mark(base, &marks[JOB_CANCEL], jobs->cancel_column);
	row_bool(base, jobs->lost_column, is_lost(jobs, job, of->source));
	row_text(base, jobs->buffer_column, base->sources[of->source].buffer);
	row_peer(base, of->source);
	row_end(base);
}

/* --- jobs ------------------------------------------------------------------------------------ */

static bool grow_jobs(struct jobs *jobs)
{
	size_t wanted = jobs->room ? 2 * jobs->room : 64, more = wanted - jobs->room;
	struct job *list;
	uint64_t *values;

	if (wanted >= NO_JOB ||
	    !analysis_spend(&jobs->base, more * (sizeof(*list) + jobs->field_count * sizeof(*values))))
		return false;
	list = realloc(jobs->list, wanted * sizeof(*list));
	if (!list)
		return false;
	jobs->list = list;
	values = realloc(jobs->values, (wanted * jobs->field_count + 1) * sizeof(*values));
	if (!values)
		return false;
	jobs->values = values;
	jobs->room = wanted;
	return true;
}

static uint32_t take_job(struct jobs *jobs, uint32_t key)
{
	uint32_t number = jobs->free;

	if (number != NO_JOB)
		jobs->free = (uint32_t)jobs->list[number].marks[0].ts;
	else if (jobs->count < jobs->room || grow_jobs(jobs))
		number = (uint32_t)jobs->count++;
	else
		return NO_JOB;
	jobs->open++;
	jobs->list[number] = (struct job){ .key = key };
	if (jobs->field_count)
		memset(values_of(jobs, number), 0, jobs->field_count * sizeof(*jobs->values));
	return number;
}

/* It is told of, and gone; *slot is free for another. */
static void put_job(struct jobs *jobs, uint32_t *slot)
{
	uint32_t number = *slot;

	if (number == NO_JOB)
		return;
	put_row(jobs, &jobs->list[number], values_of(jobs, number));
	jobs->list[number].marks[0].ts = jobs->free;
	jobs->free = number;
	jobs->open--;
	*slot = NO_JOB;
}

/* --- keys ------------------------------------------------------------------------------------ */

static struct job_key *key_slot(const struct jobs *jobs, uint32_t key)
{
	return (struct job_key *)jobs->by_key + key;
}

/* Keys that have no job are forgotten: of a disk there are as many as it has sectors. */
static bool tidy(struct jobs *jobs)
{
	struct key_map kept = { .words = jobs->map.words };
	bool added;

	for (uint32_t old = 0; old < jobs->map.count; old++) {
		struct job_key slot = *key_slot(jobs, old);
		uint32_t key;

		if (slot.waiting == NO_JOB && slot.running == NO_JOB)
			continue;
		key = key_map_add(&kept, &jobs->base, key_map_key(&jobs->map, old), &added);
		if (key == KEY_NONE) {
			key_map_deinit(&kept);
			return false;
		}
		*key_slot(jobs, key) = slot; /* never behind the old one */
		if (slot.waiting != NO_JOB)
			jobs->list[slot.waiting].key = key;
		if (slot.running != NO_JOB)
			jobs->list[slot.running].key = key;
	}
	key_map_clear(&jobs->map, &jobs->base);
	jobs->map = kept;
	jobs->tidy_at = kept.count < TIDY_FIRST / 4 ? TIDY_FIRST : 4 * kept.count;
	return true;
}

static struct job_key *key_of(struct jobs *jobs, const struct step *step, uint32_t *key)
{
	uint64_t words[1 + 2 * TRC_JOB_KEYS] = { jobs->base.sources[step->record->source].group };
	bool added;

	if (jobs->map.count >= jobs->tidy_at && !tidy(jobs))
		return NULL;
	for (size_t i = 0; i < jobs->key_count; i++) {
		struct value value;

		if (!value_load(&jobs->base, &jobs->texts, &step->places->keys[step->role][i], step->record,
				step->file->big_endian, &value))
			return NULL;
		words[1 + 2 * i] = value.has;
		words[2 + 2 * i] = value.number;
	}
	*key = key_map_add(&jobs->map, &jobs->base, words, &added);
	if (*key == KEY_NONE ||
	    !grow_by_number(&jobs->base, &jobs->by_key, &jobs->by_key_room, *key, sizeof(struct job_key)))
		return NULL;
	if (added)
		*key_slot(jobs, *key) = (struct job_key){ NO_JOB, NO_JOB };
	return key_slot(jobs, *key);
}

/* --- steps ----------------------------------------------------------------------------------- */

/* The step's time, place and fields; a field keeps the value that it had first. */
static bool mark(struct jobs *jobs, const struct step *step, uint32_t number)
{
	struct job *job = &jobs->list[number];
	uint64_t *values = values_of(jobs, number);

	job->marks[step->role] = (struct job_mark){
		.ts = step->record->ts,
		.source = step->record->source,
		.pid = record_pid(step->places->pid, step->file->big_endian, step->record->payload,
				  step->record->size),
		.has = true,
	};
	for (size_t i = 0; i < jobs->field_count; i++) {
		struct value value;

		if (job->has_value >> i & 1)
			continue;
		if (!value_load(&jobs->base, &jobs->texts, &step->places->fields[step->role][i], step->record,
				step->file->big_endian, &value))
			return false;
		if (!value.has)
			continue;
		if (jobs->fields[i].kind == TRC_JOB_SYMBOL) {
			value.number = function_table_add(&jobs->functions, &jobs->base, step->of_file,
							  value.number);
			if (value.number == NO_FUNCTION)
				return false;
		}
		values[i] = value.number;
		job->has_value |= UINT64_C(1) << i;
	}
	return true;
}

/* A job is in a slot, a new one if there is none, and has this step. */
static bool mark_in(struct jobs *jobs, const struct step *step, uint32_t *slot, uint32_t key)
{
	if (*slot == NO_JOB)
		*slot = take_job(jobs, key);
	return *slot != NO_JOB && mark(jobs, step, *slot);
}

static bool queue(struct jobs *jobs, const struct step *step, struct job_key *slots, uint32_t key)
{
	if (slots->waiting != NO_JOB && jobs->has_cancel) {
		struct job_mark *cancelled = &jobs->list[slots->waiting].marks[JOB_CANCEL];

		if (!cancelled->has) /* set anew, which ends what it was set for */
			*cancelled = (struct job_mark){ .ts = step->record->ts, .has = true };
	}
	put_job(jobs, &slots->waiting);
	return mark_in(jobs, step, &slots->waiting, key);
}

static bool start(struct jobs *jobs, const struct step *step, struct job_key *slots, uint32_t key)
{
	put_job(jobs, &slots->running); /* its end was not seen */
	slots->running = slots->waiting;
	slots->waiting = NO_JOB;
	if (slots->running != NO_JOB)
		jobs->list[slots->running].marks[JOB_CANCEL].has = false; /* it was not */
	return mark_in(jobs, step, &slots->running, key);
}

static bool end(struct jobs *jobs, const struct step *step, struct job_key *slots, uint32_t key)
{
	if (!mark_in(jobs, step, &slots->running, key))
		return false;
	put_job(jobs, &slots->running);
	return true;
}

/* --- the machine ----------------------------------------------------------------------------- */

static bool put(struct trc_analysis *analysis, const struct walk_record *record)
{
	struct jobs *jobs = (struct jobs *)analysis;
	uint32_t of_file = analysis->sources[record->source].file;
	const struct analysis_file *file = &analysis->files[of_file];
	const struct step step = { record, file, &jobs->places[of_file], of_file,
				   analysis_role(file, record) };
	struct job_key *slots;
	uint32_t key;

	if (!step.role)
		return true;
	slots = key_of(jobs, &step, &key);
	if (!slots)
		return false;
	if (step.role == JOB_QUEUE)
		return queue(jobs, &step, slots, key);
	if (step.role == JOB_START)
		return start(jobs, &step, slots, key);
	if (step.role == JOB_END)
		return end(jobs, &step, slots, key);
	return slots->waiting == NO_JOB || mark(jobs, &step, slots->waiting);
}

static bool lose(struct trc_analysis *analysis, uint32_t source, const struct walk_gap *gap)
{
	struct jobs *jobs = (struct jobs *)analysis;
	uint32_t group = analysis->sources[source].group;

	if (!jobs->group_has_lost[group] || gap->to > jobs->group_lost[group])
		jobs->group_lost[group] = gap->to;
	jobs->group_has_lost[group] = true;
	return true;
}

static bool finish(struct trc_analysis *analysis)
{
	struct jobs *jobs = (struct jobs *)analysis;

	for (uint32_t key = 0; key < jobs->map.count; key++) {
		put_job(jobs, &key_slot(jobs, key)->running);
		put_job(jobs, &key_slot(jobs, key)->waiting);
	}
	return true;
}

static void deinit(struct trc_analysis *analysis)
{
	struct jobs *jobs = (struct jobs *)analysis;

	text_table_deinit(&jobs->texts);
	function_table_deinit(&jobs->functions);
	key_map_deinit(&jobs->map);
	free(jobs->by_key);
	free(jobs->places);
	free(jobs->list);
	free(jobs->values);
	free(jobs->group_lost);
	free(jobs->group_has_lost);
}

const struct analysis_machine jobs_machine = { put, lose, finish, deinit };
