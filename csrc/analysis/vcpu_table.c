/* SPDX-License-Identifier: MIT */
/* Records as rows, with what the other side did at that instant. */
#include <stdlib.h>
#include <string.h>

#include "analysis/value.h"
#include "analysis/vcpu.h"
#include "base/error.h"
#include "filter/filter.h"
#include "metadata/metadata.h"
#include "records/data.h"

enum { TS, EVENT, PEER, CPU, PID, GUEST, VCPU, HOST_CPU, HOST_PID, GUEST_PID, GUEST_COMM, OWN_COLUMNS };

static const struct analysis_column_spec own_columns[] = {
	[TS] = { "ts", COLUMN_TIME, false },
	[EVENT] = { "event", COLUMN_TEXT, false },
	[PEER] = { "peer", COLUMN_TEXT, false },
	[CPU] = { "cpu", COLUMN_U32, false },
	[PID] = { "pid", COLUMN_I32, false },
	[GUEST] = { "guest", COLUMN_TEXT, false },
	[VCPU] = { "vcpu", COLUMN_I32, false },
	[HOST_CPU] = { "host_cpu", COLUMN_I32, true },
	[HOST_PID] = { "host_pid", COLUMN_I32, true },
	[GUEST_PID] = { "guest_pid", COLUMN_I32, true },
	[GUEST_COMM] = { "guest_comm", COLUMN_TEXT, true },
};

/* Of one event that rows are of. */
struct table_event {
	struct text name;
	struct row_number number;
	struct value_place *places; /* [field_count]; NULL: it has none of the fields */
};

struct table_source {
	uint8_t *event_ids; /* those that rows are of; NULL: all */
	const struct trc_filter *filter;
};

struct vcpu_table {
	size_t field_count;
	struct table_source *sources; /* [source_count] */
	struct table_file {
		struct table_event *events; /* [formats->id_count] by id */
		size_t count;
	} *files; /* [file_count] */
	size_t file_count;
};

/* --- rows ------------------------------------------------------------------------------------ */

static bool is_wanted(const struct vcpu_timeline *timeline, const struct table_source *source, uint32_t id,
		      const struct walk_record *record)
{
	const uint8_t *payload = record->payload;
	const uint32_t size = record->size, cpu = timeline->base.sources[record->source].cpu;
	const struct filter_rows rows = { 1, &payload, &size, &cpu };
	uint8_t pass = 1;

	if ((timeline->has_from && record->ts < timeline->from) ||
	    (timeline->has_to && record->ts >= timeline->to) || id >= 8 * TRC_EVENT_ID_BYTES ||
	    (source->event_ids && !(source->event_ids[id >> 3] >> (id & 7) & 1)))
		return false;
	if (source->filter)
		filter_run(source->filter, id, &rows, &pass);
	return pass;
}

static void put_event(struct vcpu_timeline *timeline, struct table_event *event)
{
	struct row_number unknown = { 0 };

	row_known_text(&timeline->base, EVENT, event ? &event->number : &unknown,
		       event ? event->name : TEXT(""));
}

/* The guest's task: that of a record of the guest's own is told by the record. */
static void put_task(struct vcpu_timeline *timeline, const struct vcpu_thread *thread,
		     const struct analysis_file *guest, int32_t pid)
{
	struct trc_analysis *base = &timeline->base;
	bool known = thread && thread->task.known;

	if (guest && !(known && thread->task.pid == pid)) {
		row_u32(base, GUEST_PID, (uint32_t)pid);
		row_text(base, GUEST_COMM, saved_cmdlines_comm(&guest->data->metadata->cmdlines, pid));
	} else if (known) {
		row_u32(base, GUEST_PID, (uint32_t)thread->task.pid);
		row_text(base, GUEST_COMM, timeline->texts.texts[thread->task.comm]);
	} else {
		row_null(base, GUEST_PID);
		row_null(base, GUEST_COMM);
	}
}

/* Where it was made, on either side. */
static void put_places(struct vcpu_timeline *timeline, const struct vcpu_thread *thread,
		       const struct analysis_source *source, bool of_host)
{
	struct trc_analysis *base = &timeline->base;
	bool placed = thread && (of_host || thread->slot != NO_SLOT);
	const char *guest = of_host ? thread->guest : source->peer;

	row_text(base, GUEST, (struct text){ guest, strlen(guest) });
	row_u32(base, VCPU, of_host ? (uint32_t)thread->vcpu : source->cpu);
	if (placed) {
		row_u32(base, HOST_CPU, of_host ? source->cpu : timeline->slot_cpus[thread->slot]);
		row_u32(base, HOST_PID, (uint32_t)thread->host_pid);
	} else {
		row_null(base, HOST_CPU);
		row_null(base, HOST_PID);
	}
}

static void put_fields(struct vcpu_timeline *timeline, const struct table_event *event,
		       const struct walk_record *record, bool big_endian)
{
	struct trc_analysis *base = &timeline->base;

	for (size_t i = 0; i < timeline->table->field_count; i++) {
		struct value value = { 0 };

		if (event && event->places &&
		    !value_load(base, &timeline->texts, &event->places[i], record, big_endian, &value))
			timeline->failed = true;
		if (timeline->failed)
			value.has = false;
		row_value(base, OWN_COLUMNS + i, &timeline->texts, value);
	}
}

static void put_record(struct vcpu_timeline *timeline, const struct vcpu_thread *thread,
		       const struct walk_record *record)
{
	struct trc_analysis *base = &timeline->base;
	const struct analysis_source *source = &base->sources[record->source];
	const struct analysis_file *file = &base->files[source->file];
	const struct table_file *of_file = &timeline->table->files[source->file];
	bool of_host = timeline->sources[record->source].thread == OF_HOST;
	uint32_t id = record_id(file->formats->common.type, file->big_endian, record->payload, record->size);
	struct table_event *event = id < of_file->count ? &of_file->events[id] : NULL;
	int32_t pid;

	if ((of_host && !thread) ||
	    !is_wanted(timeline, &timeline->table->sources[record->source], id, record))
		return;
	pid = record_pid(file->formats->common.pid, file->big_endian, record->payload, record->size);
	row_u64(base, TS, record->ts);
	put_event(timeline, event);
	row_text(base, PEER, (struct text){ source->peer, strlen(source->peer) });
	row_u32(base, CPU, source->cpu);
	row_u32(base, PID, (uint32_t)pid);
	put_places(timeline, thread, source, of_host);
	put_task(timeline, thread, of_host ? NULL : file, pid);
	put_fields(timeline, event, record, file->big_endian);
	row_end(base);
}

const struct vcpu_answer vcpu_table_answer = {
	.row = vcpu_no_row,
	.record = put_record,
	.columns = own_columns,
	.column_count = countof(own_columns),
};

/* --- making one ------------------------------------------------------------------------------ */

static bool is_of(const struct vcpu_timeline *timeline, uint32_t file, uint32_t id)
{
	for (size_t i = 0; i < timeline->base.source_count; i++) {
		const uint8_t *ids = timeline->table->sources[i].event_ids;

		if (timeline->base.sources[i].file == file &&
		    (!ids || (id < 8 * TRC_EVENT_ID_BYTES && ids[id >> 3] >> (id & 7) & 1)))
			return true;
	}
	return false;
}

struct table_field {
	struct column_type type;
	bool found;
};

static int find_fields(struct vcpu_timeline *timeline, const struct trc_vcpu_options *of, uint32_t number,
		       const struct event_format *event, struct table_field *fields, struct trc_error *err)
{
	struct table_event *to = &timeline->table->files[number].events[event->id];
	int rc = TRC_OK;

	to->name = event->name;
	if (!of->field_count || !is_of(timeline, number, event->id))
		return TRC_OK;
	if (!analysis_spend(&timeline->base, of->field_count * sizeof(*to->places)))
		return trc_fail(err, TRC_LIMIT, TRC_NO_OFFSET, "join: fields take more than the budget");
	to->places = calloc(of->field_count, sizeof(*to->places));
	if (!to->places)
		return trc_fail_no_memory(err);
	for (size_t i = 0; !rc && i < of->field_count; i++)
		rc = value_find(&timeline->base.files[number], event, of->fields[i], &to->places[i],
				&fields[i].type, &fields[i].found, err);
	return rc;
}

static int find_events(struct vcpu_timeline *timeline, const struct trc_vcpu_options *of,
		       struct table_field *fields, struct trc_error *err)
{
	struct vcpu_table *table = timeline->table;
	int rc = TRC_OK;

	for (uint32_t i = 0; !rc && i < timeline->base.file_count; i++) {
		const struct event_formats *formats = timeline->base.files[i].formats;

		table->file_count++;
		table->files[i].count = formats->id_count;
		table->files[i].events = calloc((size_t)formats->id_count + 1, sizeof(struct table_event));
		if (!table->files[i].events)
			return trc_fail_no_memory(err);
		for (uint32_t id = 0; !rc && id < formats->id_count; id++) {
			const struct event_format *event = event_by_id(formats, id);

			if (event)
				rc = find_fields(timeline, of, i, event, fields, err);
		}
	}
	return rc;
}

static bool copy_sources(struct vcpu_timeline *timeline, const struct trc_vcpu_options *of)
{
	struct vcpu_table *table = timeline->table;

	for (size_t i = 0; i < timeline->base.source_count; i++) {
		table->sources[i].filter = of->filters ? of->filters[i] : NULL;
		if (!of->wanted || !of->wanted[i])
			continue;
		table->sources[i].event_ids = malloc(TRC_EVENT_ID_BYTES);
		if (!table->sources[i].event_ids)
			return false;
		memcpy(table->sources[i].event_ids, of->wanted[i], TRC_EVENT_ID_BYTES);
	}
	return true;
}

static int fill(struct vcpu_timeline *timeline, const struct trc_vcpu_options *of, struct table_field *fields,
		struct trc_error *err)
{
	int rc;

	if (!copy_sources(timeline, of))
		return trc_fail_no_memory(err);
	rc = find_events(timeline, of, fields, err);
	if (rc)
		return rc;
	if (!analysis_add_columns(&timeline->base, own_columns, countof(own_columns)))
		return trc_fail_no_memory(err);
	for (size_t i = 0; i < of->field_count; i++) {
		if (!fields[i].found) /* no file has records */
			fields[i].type = (struct column_type)COLUMN_U64;
		if (!analysis_add_column(&timeline->base, of->field_names[i], fields[i].type, true))
			return trc_fail_no_memory(err);
	}
	return TRC_OK;
}

int vcpu_table_create(struct vcpu_timeline *timeline, const struct trc_vcpu_options *of,
		      struct trc_error *err)
{
	struct vcpu_table *table = calloc(1, sizeof(*table));
	struct table_field *fields = calloc(of->field_count + 1, sizeof(*fields));
	int rc = TRC_OK;

	timeline->table = table;
	if (table) {
		table->field_count = of->field_count;
		table->sources = calloc(timeline->base.source_count + 1, sizeof(*table->sources));
		table->files = calloc(timeline->base.file_count + 1, sizeof(*table->files));
	}
	rc = table && table->sources && table->files && fields ? fill(timeline, of, fields, err) :
								 trc_fail_no_memory(err);
	free(fields);
	return rc;
}

void vcpu_table_destroy(struct vcpu_timeline *timeline)
{
	struct vcpu_table *table = timeline->table;

	if (!table)
		return;
	for (size_t i = 0; table->sources && i < timeline->base.source_count; i++)
		free(table->sources[i].event_ids);
	for (size_t i = 0; i < table->file_count; i++) {
		for (size_t id = 0; table->files[i].events && id < table->files[i].count; id++)
			free(table->files[i].events[id].places);
		free(table->files[i].events);
	}
	free(table->sources);
	free(table->files);
	free(table);
}
