/* SPDX-License-Identifier: MIT */
/* All vCPUs at once: records of host and guests, losses, and ends of files, in order of time. */
#include <stdlib.h>
#include <string.h>

#include "analysis/value.h"
#include "analysis/vcpu.h"
#include "columns/field.h"

/* --- what is no record ----------------------------------------------------------------------- */

/* The time that something happens at: never before what was, nor after the host's records. */
static uint64_t at_time(struct vcpu_timeline *timeline, uint64_t ts)
{
	if (ts > timeline->now)
		timeline->now = ts;
	if (TRC_LIKELY(timeline->now <= timeline->end))
		return timeline->now;
	for (size_t i = 0; i < timeline->thread_count && !timeline->over; i++) {
		host_leave(timeline, &timeline->threads[i]);
		thread_forget(timeline, &timeline->threads[i], timeline->end,
			      (struct vcpu_why_of){ .why = WHY_END });
	}
	timeline->over = true;
	return timeline->end;
}

/* Whether what happens on a source at a time comes before a record of another source. */
static bool is_before(uint64_t ts, uint32_t source, uint64_t key, uint32_t other)
{
	return ts < key || (ts == key && source <= other);
}

static bool mark_is_before(const struct vcpu_mark *mark, uint64_t key)
{
	return mark->ts < key || (mark->ts == key && !mark->last);
}

/* Not known; of a vCPU, for events that were lost. */
static struct vcpu_task no_task(const struct vcpu_timeline *timeline, uint32_t thread, enum vcpu_why why)
{
	return (struct vcpu_task){ .why = { (uint32_t)why, (uint32_t)timeline->threads[thread].vcpu } };
}

static void begin_loss(struct vcpu_timeline *timeline, const struct vcpu_source *source)
{
	uint64_t ts = at_time(timeline, source->begin);

	if (source->thread == OF_HOST)
		host_lose(timeline, ts, source->slot, WHY_LOST);
	else if (source->thread != OF_NONE)
		thread_set_task(timeline, &timeline->threads[source->thread], ts,
				no_task(timeline, source->thread, WHY_LOST));
}

static void end_loss(struct vcpu_timeline *timeline, const struct vcpu_source *source)
{
	at_time(timeline, source->end);
	if (source->thread == OF_HOST)
		host_find(timeline, source->slot);
}

/* The source whose next part of a loss is the earliest; UINT32_MAX: none. */
static uint32_t next_loss(const struct vcpu_timeline *timeline, uint64_t *ts)
{
	uint32_t found = UINT32_MAX;

	*ts = 0;
	for (uint32_t i = 0; timeline->open_losses && i < timeline->base.source_count; i++) {
		const struct vcpu_source *source = &timeline->sources[i];
		uint64_t next = source->begins ? source->begin : source->end;

		if ((source->begins || source->ends) && (found == UINT32_MAX || next < *ts)) {
			*ts = next;
			found = i;
		}
	}
	return found;
}

static void find_next_event(struct vcpu_timeline *timeline)
{
	uint64_t ts;

	timeline->next_event = UINT64_MAX;
	if (timeline->next_mark < timeline->mark_count)
		timeline->next_event = timeline->marks[timeline->next_mark].ts;
	if (next_loss(timeline, &ts) != UINT32_MAX && ts < timeline->next_event)
		timeline->next_event = ts;
}

static void pass_loss(struct vcpu_timeline *timeline, struct vcpu_source *source)
{
	if (source->begins) {
		source->begins = false;
		begin_loss(timeline, source);
		return;
	}
	source->ends = false;
	timeline->open_losses--;
	end_loss(timeline, source);
}

/* All marks and losses that come before a record; all: whatever there is. */
static void pass_events(struct vcpu_timeline *timeline, uint64_t key, uint32_t of, bool all)
{
	for (;;) {
		const struct vcpu_mark *mark = timeline->next_mark < timeline->mark_count ?
						       &timeline->marks[timeline->next_mark] :
						       NULL;
		uint64_t ts = 0;
		uint32_t source = next_loss(timeline, &ts);
		bool has_loss = source != UINT32_MAX && (all || is_before(ts, source, key, of));

		if (mark && !all && !mark_is_before(mark, key))
			mark = NULL;
		if (mark && (!has_loss || mark_is_before(mark, ts))) {
			timeline->next_mark++;
			thread_set_task(timeline, &timeline->threads[mark->thread],
					at_time(timeline, mark->ts), mark->task);
		} else if (has_loss) {
			pass_loss(timeline, &timeline->sources[source]);
		} else {
			break;
		}
	}
	find_next_event(timeline);
}

/* --- the guests ------------------------------------------------------------------------------ */

static bool task_in(struct vcpu_timeline *timeline, const struct analysis_file *file,
		    const struct vcpu_guest *guest, const struct walk_record *record, struct vcpu_task *task)
{
	const struct field_access *pid = &guest->pid;
	const uint8_t *bytes, *nul;
	uint32_t size;

	if (record->size < pid->width || pid->offset > record->size - pid->width ||
	    !column_find_bytes(record->payload, record->size, &guest->comm, file->big_endian, &bytes, &size))
		return true;
	nul = size ? memchr(bytes, 0, size) : NULL;
	if (nul)
		size = (uint32_t)(nul - bytes);
	task->known = true;
	task->pid = (int64_t)value_integer(pid, record->payload, file->big_endian);
	task->comm = text_table_add(&timeline->texts, &timeline->base,
				    (struct text){ (const char *)bytes, size });
	return task->comm != KEY_NONE;
}

static bool put_guest(struct vcpu_timeline *timeline, uint32_t file, uint8_t role, uint64_t ts,
		      const struct walk_record *record)
{
	uint32_t number = timeline->sources[record->source].thread;
	struct vcpu_thread *thread = &timeline->threads[number];
	const struct vcpu_guest *guest = &timeline->guests[file];

	if (role == VCPU_GUEST_SWITCH) {
		struct vcpu_task task = no_task(timeline, number, WHY_UNREADABLE);

		if (guest->has && !task_in(timeline, &timeline->base.files[file], guest, record, &task))
			return false;
		thread_set_task(timeline, thread, ts, task);
	}
	thread->records++;
	return true;
}

/* --- the machine ----------------------------------------------------------------------------- */

/* That made a record, or on whose vCPU it was made; NULL: none. */
static const struct vcpu_thread *thread_of(const struct vcpu_timeline *timeline,
					   const struct analysis_file *file, uint32_t thread,
					   const struct walk_record *record)
{
	if (thread == OF_HOST)
		return host_thread(timeline, record_pid(file->formats->common.pid, file->big_endian,
							record->payload, record->size));
	return thread == OF_NONE ? NULL : &timeline->threads[thread];
}

static bool put(struct trc_analysis *analysis, const struct walk_record *record)
{
	struct vcpu_timeline *timeline = (struct vcpu_timeline *)analysis;
	uint32_t of = analysis->sources[record->source].file;
	uint32_t thread = timeline->sources[record->source].thread;
	const struct analysis_file *file = &analysis->files[of];
	uint8_t role = analysis_role(file, record);
	uint64_t ts;

	if (TRC_UNLIKELY(record->key >= timeline->next_event))
		pass_events(timeline, record->key, record->source, false);
	ts = at_time(timeline, record->key);
	if (thread == OF_HOST) {
		if (role && role <= VCPU_EXIT)
			host_put(timeline, file, role, ts, record);
	} else if (thread != OF_NONE && !put_guest(timeline, of, role, ts, record)) {
		return false;
	}
	if (timeline->answer->record)
		timeline->answer->record(timeline, thread_of(timeline, file, thread, record), record);
	return !timeline->failed;
}

static bool lose(struct trc_analysis *analysis, uint32_t number, const struct walk_gap *gap)
{
	struct vcpu_timeline *timeline = (struct vcpu_timeline *)analysis;
	struct vcpu_source *source = &timeline->sources[number];

	/* Without a record before it, it is from the file's first record on, which begin is as yet. */
	if (gap->has_from) {
		pass_events(timeline, gap->from, number, false);
		source->begin = gap->from;
	}
	source->end = gap->to > source->begin ? gap->to : source->begin;
	if (timeline->answer->lose)
		timeline->answer->lose(timeline, number);
	timeline->open_losses += !source->begins && !source->ends;
	source->begins = source->ends = true;
	find_next_event(timeline);
	return !timeline->failed;
}

static bool finish(struct trc_analysis *analysis)
{
	struct vcpu_timeline *timeline = (struct vcpu_timeline *)analysis;

	pass_events(timeline, UINT64_MAX, 0, true);
	for (size_t i = 0; i < timeline->thread_count; i++)
		thread_finish(timeline, &timeline->threads[i], timeline->end);
	if (timeline->answer->finish && !timeline->failed)
		timeline->answer->finish(timeline);
	return !timeline->failed;
}

static void deinit(struct trc_analysis *analysis)
{
	struct vcpu_timeline *timeline = (struct vcpu_timeline *)analysis;

	for (size_t i = 0; timeline->threads && i < timeline->thread_count; i++) {
		free(timeline->threads[i].guest);
		free(timeline->threads[i].pending);
	}
	free(timeline->threads);
	free(timeline->by_pid);
	free(timeline->sources);
	free(timeline->slot_cpus);
	free(timeline->running);
	free(timeline->lost);
	free(timeline->marks);
	free(timeline->guests);
	vcpu_table_destroy(timeline);
	vcpu_wakeups_destroy(timeline);
	free(timeline->sums.sums);
	reasons_deinit(&timeline->reasons);
	text_table_deinit(&timeline->texts);
	key_map_deinit(&timeline->sums.keys);
}

const struct analysis_machine vcpu_machine = { put, lose, finish, deinit };
