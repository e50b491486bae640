/* SPDX-License-Identifier: MIT */
/* A walk's records into packets. */
#include <inttypes.h>

#include "base/error.h"
#include "perfetto/perfetto.h"
#include "records/data.h"
#include "records/walk.h"

#define BATCH_RECORDS 512

/* --- packets --------------------------------------------------------------------------------- */

/* A packet's last fields: whose it is. */
static void put_ending(struct trc_perfetto *perfetto, struct perfetto_machine *machine)
{
	struct output *out = &perfetto->packet;

	output_integer(out, PACKET_SEQUENCE_ID, machine->sequence_id);
	if (machine->machine_id)
		output_integer(out, PACKET_MACHINE_ID, machine->machine_id);
	output_integer(out, PACKET_SEQUENCE_FLAGS, machine->begun ? NEEDS_STATE : STATE_CLEARED);
	machine->begun = true;
	output_field(&perfetto->out, TRACE_PACKET, out->data, out->size);
	out->size = 0;
}

/* The names and descriptors that what comes next refers to. */
static void put_state(struct trc_perfetto *perfetto, struct perfetto_machine *machine)
{
	struct output *out = &perfetto->packet, *names = &machine->names.pending;

	if (machine->begun && !names->size && !machine->descriptors.size)
		return;
	if (names->size)
		output_field(out, PACKET_INTERNED_DATA, names->data, names->size);
	if (machine->descriptors.size) {
		output_head(out, PACKET_FTRACE_EVENTS, 2 + machine->descriptors.size);
		output_integer(out, BUNDLE_CPU, 0);
		output_bytes(out, machine->descriptors.data, machine->descriptors.size);
	}
	names->size = machine->descriptors.size = 0;
	put_ending(perfetto, machine);
}

/* The switch or wake-up that is held back, before one of another time, or none. false: memory is short. */
static bool release(struct perfetto_machine *machine, struct cpu_bundle *bundle, bool has_next,
		    uint64_t next_ts)
{
	struct walk_record record;
	const struct plan *plan = bundle_release(bundle, has_next, next_ts, &record);

	const struct record_facts facts = {
		.names = &machine->names,
		.pid = bundle->held.pid,
		.big_endian = machine->metadata->big_endian,
	};

	return !plan || plan_write(plan, &record, &facts, &bundle->events);
}

static void put_bundle(struct trc_perfetto *perfetto, struct perfetto_machine *machine,
		       struct cpu_bundle *bundle)
{
	if (!release(machine, bundle, false, 0))
		perfetto->packet.no_memory = true;
	if (!bundle_size(bundle))
		return;
	put_state(perfetto, machine);
	bundle_flush(bundle, &perfetto->packet);
	put_ending(perfetto, machine);
}

static void put_bundles(struct trc_perfetto *perfetto, struct perfetto_machine *machine)
{
	for (size_t i = 0; i < CPU_COUNT; i++) {
		if (machine->cpus[i])
			put_bundle(perfetto, machine, machine->cpus[i]);
	}
}

/* Where a machine has had very many names, it begins anew, so that memory does not follow their number. */
static void forget_names(struct trc_perfetto *perfetto)
{
	for (size_t i = 0; i < perfetto->machine_count; i++) {
		struct perfetto_machine *machine = &perfetto->machines[i];

		if (machine->names.count < NAMES_MOST)
			continue;
		put_bundles(perfetto, machine);
		names_clear(&machine->names);
		machine->begun = false;
	}
}

/* --- records --------------------------------------------------------------------------------- */

/* The form that a record is written in, if it is not held back; *waits: it is. false: memory is short. */
static bool choose_plan(const struct perfetto_source *source, const struct walk_record *record,
			const struct record_facts *facts, const struct plan **plan, bool *waits)
{
	struct perfetto_machine *machine = source->buffer->machine;
	const struct event_place flags = machine->metadata->formats.common.flags;
	struct text text;
	uint64_t bits = 0;

	switch ((*plan)->kind) {
	case PLAN_SWITCH:
	case PLAN_WAKING:
		if (!release(machine, source->bundle, true, record->ts))
			return false;
		if (place_fits(flags, record->size))
			bits = load_uint(record->payload + flags.offset, flags.size, facts->big_endian);
		*waits = bundle_hold(source->bundle, *plan, record, facts->pid, (uint8_t)bits,
				     facts->big_endian);
		return true;
	case PLAN_MARK:
		if (!plan_text(record, &(*plan)->parts[(*plan)->text_part].access, facts->big_endian,
			       &text) ||
		    !is_mark(text))
			*plan = (*plan)->other;
		return true;
	default:
		return true;
	}
}

static bool put_record(struct trc_perfetto *perfetto, const struct perfetto_source *source,
		       const struct walk_record *record)
{
	struct perfetto_machine *machine = source->buffer->machine;
	const struct event_common *common = &machine->metadata->formats.common;
	struct record_facts facts = {
		.names = &machine->names,
		.given = TEXT(""),
		.big_endian = machine->metadata->big_endian,
	};
	uint32_t id = record_id(common->type, facts.big_endian, record->payload, record->size);
	struct perfetto_buffer *buffer = source->buffer;
	const struct plan *plan = NULL;
	bool waits = false;

	facts.pid = (uint32_t)record_pid(common->pid, facts.big_endian, record->payload, record->size);
	if (TRC_LIKELY(buffer->plans && id < machine->metadata->formats.id_count))
		plan = buffer->plans[id];
	if (TRC_UNLIKELY(!plan))
		plan = perfetto_make_plan(perfetto, buffer, id);
	if (!plan || (plan->kind != PLAN_EVENT && !choose_plan(source, record, &facts, &plan, &waits)))
		return false;
	if (waits)
		return true;
	if (TRC_UNLIKELY(plan->kind == PLAN_TEXT) && !perfetto_text(perfetto, record, &facts.given))
		return false;
	return plan_write(plan, record, &facts, &source->bundle->events);
}

static int beyond(const struct perfetto_source *source, const struct walk_record *record,
		  struct trc_error *err)
{
	int rc;

	if (record->ts > INT64_MAX)
		rc = trc_fail(err, TRC_LIMIT, TRC_NO_OFFSET,
			      "trace data: a record of time %" PRIu64 " ns; Perfetto has times up to %" PRId64
			      " ns and CPUs up to %d",
			      record->ts, INT64_MAX, CPU_COUNT - 1);
	else
		rc = trc_fail(err, TRC_LIMIT, TRC_NO_OFFSET,
			      "trace data: a record of CPU %u; Perfetto has times up to %" PRId64
			      " ns and CPUs up to %d",
			      source->cpu, INT64_MAX, CPU_COUNT - 1);
	return trc_fail_of(rc, record->source, err);
}

static int put_records(struct trc_perfetto *perfetto, const struct walk_record *records,
		       const int64_t *missed, size_t count, struct trc_error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct walk_record *record = &records[i];
		struct perfetto_source *source = &perfetto->sources[record->source];
		struct cpu_bundle *bundle = source->bundle;

		if (TRC_UNLIKELY(!bundle || record->ts > INT64_MAX))
			return beyond(source, record, err);
		source->buffer->machine->steps_back += record->ts < source->last_ts;
		source->last_ts = record->ts;
		if (TRC_UNLIKELY(missed[i])) {
			put_bundle(perfetto, source->buffer->machine, bundle);
			bundle_lose(bundle);
		}
		if (TRC_UNLIKELY(!put_record(perfetto, source, record)))
			return trc_fail_no_memory(err);
		if (!perfetto->records++)
			perfetto->first_ts = record->ts;
		if (TRC_UNLIKELY(bundle_size(bundle) > perfetto->bundle_most)) {
			if (bundle_no_memory(bundle))
				return trc_fail_no_memory(err);
			put_bundle(perfetto, source->buffer->machine, bundle);
		}
	}
	return TRC_OK;
}

static int put_rest(struct trc_perfetto *perfetto, struct trc_error *err)
{
	for (size_t i = 0; i < perfetto->machine_count; i++) {
		struct perfetto_machine *machine = &perfetto->machines[i];

		for (size_t cpu = 0; cpu < CPU_COUNT; cpu++) {
			if (machine->cpus[cpu] && bundle_no_memory(machine->cpus[cpu]))
				return trc_fail_no_memory(err);
		}
		put_bundles(perfetto, machine);
	}
	perfetto->ended = true;
	return TRC_OK;
}

static bool no_memory(const struct trc_perfetto *perfetto)
{
	bool no_memory = perfetto->out.no_memory || perfetto->packet.no_memory;

	for (size_t i = 0; i < perfetto->machine_count; i++)
		no_memory |= perfetto->machines[i].names.pending.no_memory ||
			     perfetto->machines[i].descriptors.no_memory;
	return no_memory;
}

int trc_perfetto_next(struct trc_perfetto *perfetto, struct trc_walk *walk, size_t enough,
		      const uint8_t **packets, size_t *size, struct trc_error *err)
{
	int64_t missed[BATCH_RECORDS];
	int rc = walk_begin_stint(walk, err);

	perfetto->out.size = 0;
	while (!rc && !perfetto->ended && perfetto->out.size < enough) {
		struct walk_record *records;
		size_t count;

		rc = walk_peek(walk, &records, &count, err);
		if (rc)
			break;
		count = count < BATCH_RECORDS ? count : BATCH_RECORDS;
		if (count) {
			walk_missed(walk, records, count, missed);
			rc = put_records(perfetto, records, missed, count, err);
			walk_take(walk, count);
			forget_names(perfetto);
		} else {
			rc = put_rest(perfetto, err);
		}
	}
	if (rc && !(rc == TRC_GO_ON && perfetto->out.size))
		return rc;
	if (no_memory(perfetto))
		return trc_fail_no_memory(err);
	*packets = perfetto->out.data ? (const uint8_t *)perfetto->out.data : (const uint8_t *)"";
	*size = perfetto->out.size;
	return TRC_OK;
}

uint64_t trc_perfetto_records(const struct trc_perfetto *perfetto, uint64_t *first_ts)
{
	*first_ts = perfetto->first_ts;
	return perfetto->records;
}

uint64_t trc_perfetto_steps_back(const struct trc_perfetto *perfetto, size_t machine)
{
	return machine < perfetto->machine_count ? perfetto->machines[machine].steps_back : 0;
}
