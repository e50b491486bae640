/* SPDX-License-Identifier: MIT */
#include "perfetto/bundle.h"

#include <string.h>

static void each_output(struct compact_sched *compact, void (*do_it)(struct output *))
{
	struct output *outputs[] = {
		&compact->switch_ts, &compact->prev_state, &compact->next_pid, &compact->next_prio,
		&compact->next_comm, &compact->waking_ts,  &compact->pid,      &compact->target_cpu,
		&compact->prio,	     &compact->comm,	   &compact->flags,    &compact->comms,
	};

	for (size_t i = 0; i < countof(outputs); i++)
		do_it(outputs[i]);
}

void bundle_init(struct cpu_bundle *bundle, uint32_t cpu)
{
	*bundle = (struct cpu_bundle){ .cpu = cpu };
	output_init(&bundle->events);
	each_output(&bundle->compact, output_init);
	lookup_cache_clear(&bundle->compact.cache);
	bundle->compact.comm_base = 1; /* what is cleared is of no bundle */
}

void bundle_deinit(struct cpu_bundle *bundle)
{
	output_deinit(&bundle->events);
	each_output(&bundle->compact, output_deinit);
}

size_t bundle_size(const struct cpu_bundle *bundle)
{
	const struct compact_sched *compact = &bundle->compact;

	return bundle->events.size + 4 * (compact->switch_ts.size + compact->waking_ts.size) +
	       compact->comms.size;
}

bool bundle_no_memory(const struct cpu_bundle *bundle)
{
	const struct compact_sched *c = &bundle->compact;

	return bundle->events.no_memory || c->switch_ts.no_memory || c->prev_state.no_memory ||
	       c->next_pid.no_memory || c->next_prio.no_memory || c->next_comm.no_memory ||
	       c->waking_ts.no_memory || c->pid.no_memory || c->target_cpu.no_memory || c->prio.no_memory ||
	       c->comm.no_memory || c->flags.no_memory || c->comms.no_memory;
}

void bundle_lose(struct cpu_bundle *bundle)
{
	bundle->lost = true;
	bundle->runs = false;
}

/* --- out of it ------------------------------------------------------------------------------- */

struct column {
	uint32_t number;
	const struct output *values;
};

#define COLUMNS 11

static void columns_of(const struct compact_sched *compact, struct column columns[COLUMNS])
{
	const struct column all[COLUMNS] = {
		{ COMPACT_SWITCH_TIMESTAMP, &compact->switch_ts },
		{ COMPACT_SWITCH_PREV_STATE, &compact->prev_state },
		{ COMPACT_SWITCH_NEXT_PID, &compact->next_pid },
		{ COMPACT_SWITCH_NEXT_PRIO, &compact->next_prio },
		{ COMPACT_SWITCH_NEXT_COMM, &compact->next_comm },
		{ COMPACT_WAKING_TIMESTAMP, &compact->waking_ts },
		{ COMPACT_WAKING_PID, &compact->pid },
		{ COMPACT_WAKING_TARGET_CPU, &compact->target_cpu },
		{ COMPACT_WAKING_PRIO, &compact->prio },
		{ COMPACT_WAKING_COMM, &compact->comm },
		{ COMPACT_WAKING_FLAGS, &compact->flags },
	};

	memcpy(columns, all, sizeof(all));
}

static size_t compact_size(const struct compact_sched *compact)
{
	struct column columns[COLUMNS];
	size_t size = compact->comms.size;

	columns_of(compact, columns);
	for (size_t i = 0; i < COLUMNS; i++) {
		if (columns[i].values->size)
			size += field_size(columns[i].number, columns[i].values->size);
	}
	return size;
}

static void put_compact(const struct compact_sched *compact, struct output *out)
{
	struct column columns[COLUMNS];

	columns_of(compact, columns);
	if (compact->comms.size)
		output_bytes(out, compact->comms.data, compact->comms.size);
	for (size_t i = 0; i < COLUMNS; i++) {
		if (columns[i].values->size)
			output_field(out, columns[i].number, columns[i].values->data,
				     columns[i].values->size);
	}
}

static void empty(struct output *output)
{
	output->size = 0;
}

void bundle_flush(struct cpu_bundle *bundle, struct output *out)
{
	struct compact_sched *compact = &bundle->compact;
	size_t inner = compact_size(compact);
	size_t size = 1 + varint_size(bundle->cpu) + (bundle->lost ? 2 : 0) + bundle->events.size;

	if (inner)
		size += field_size(BUNDLE_COMPACT_SCHED, inner);
	output_head(out, PACKET_FTRACE_EVENTS, size);
	output_integer(out, BUNDLE_CPU, bundle->cpu);
	if (bundle->lost)
		output_integer(out, BUNDLE_LOST_EVENTS, 1);
	if (inner) {
		output_head(out, BUNDLE_COMPACT_SCHED, inner);
		put_compact(compact, out);
	}
	if (bundle->events.size)
		output_bytes(out, bundle->events.data, bundle->events.size);
	bundle->lost = false;
	bundle->events.size = 0;
	each_output(compact, empty);
	compact->comm_base += compact->comm_count;
	compact->comm_count = 0;
	compact->last_switch = compact->last_waking = 0;
}

/* --- switches and wake-ups ------------------------------------------------------------------- */

static bool load_comm(const struct walk_record *record, const struct field_access *access, struct comm *comm)
{
	const uint8_t *text = record->payload + access->offset;
	size_t size = 0;
	char clean[16] = { 0 };

	if (record->size < sizeof(clean) || access->offset > record->size - sizeof(clean))
		return false;
	while (size < sizeof(clean) && text[size])
		size++;
	memcpy(clean, text, size);
	memcpy(&comm->a, clean, 8);
	memcpy(&comm->b, clean + 8, 8);
	return true;
}

static bool same(struct comm a, struct comm b)
{
	return a.a == b.a && a.b == b.b;
}

static bool is_ascii(struct comm comm)
{
	return !((comm.a | comm.b) & UINT64_C(0x8080808080808080));
}

/* A comm's number in the table of the bundle. */
static uint32_t comm_number(struct compact_sched *compact, struct comm comm)
{
	struct lookup_slot *slot = lookup_slot_of(&compact->cache, comm.a, comm.b);
	char text[17] = { 0 };

	if (lookup_slot_has(slot, comm.a, comm.b) && slot->number >= compact->comm_base)
		return slot->number - compact->comm_base;
	memcpy(text, &comm.a, 8);
	memcpy(text + 8, &comm.b, 8);
	output_field(&compact->comms, COMPACT_INTERN_TABLE, text, strlen(text));
	*slot = (struct lookup_slot){ comm.a, comm.b, compact->comm_base + compact->comm_count };
	return compact->comm_count++;
}

static void put_compact_switch(struct compact_sched *compact, const struct held_sched *held)
{
	output_varint(&compact->switch_ts, held->record.ts - compact->last_switch);
	output_varint(&compact->prev_state, held->numbers[0]);
	output_varint(&compact->next_pid, held->numbers[1]);
	output_varint(&compact->next_prio, held->numbers[2]);
	output_varint(&compact->next_comm, comm_number(compact, held->comm));
	compact->last_switch = held->record.ts;
}

static void put_compact_waking(struct compact_sched *compact, const struct held_sched *held)
{
	output_varint(&compact->waking_ts, held->record.ts - compact->last_waking);
	output_varint(&compact->pid, held->numbers[0]);
	output_varint(&compact->target_cpu, held->numbers[1]);
	output_varint(&compact->prio, held->numbers[2]);
	output_varint(&compact->flags, held->numbers[3]);
	output_varint(&compact->comm, comm_number(compact, held->comm));
	compact->last_waking = held->record.ts;
}

const struct plan *bundle_release(struct cpu_bundle *bundle, bool has_next, uint64_t next_ts,
				  struct walk_record *record)
{
	struct held_sched *held = &bundle->held;
	const struct plan *plan = held->plan;

	held->plan = NULL;
	if (!plan)
		return NULL;
	if (!has_next || next_ts <= held->record.ts) {
		*record = held->record;
		return plan;
	}
	if (plan->kind == PLAN_SWITCH)
		put_compact_switch(&bundle->compact, held);
	else
		put_compact_waking(&bundle->compact, held);
	return NULL;
}

/* Whether a switch can be compact, but for its time; what the CPU runs is the next task from now on. */
static bool take_switch(struct cpu_bundle *bundle, const struct sched_switch_places *at,
			const struct walk_record *record, uint32_t pid, bool big_endian)
{
	uint64_t prev_pid, prev_prio, prev_state, next_pid, next_prio;
	struct comm prev, next;
	bool fits;

	if (!plan_integer(record, &at->prev_pid, big_endian, &prev_pid) ||
	    !plan_integer(record, &at->prev_prio, big_endian, &prev_prio) ||
	    !plan_integer(record, &at->prev_state, big_endian, &prev_state) ||
	    !plan_integer(record, &at->next_pid, big_endian, &next_pid) ||
	    !plan_integer(record, &at->next_prio, big_endian, &next_prio) ||
	    !load_comm(record, &at->prev_comm, &prev) || !load_comm(record, &at->next_comm, &next)) {
		bundle->runs = false;
		return false;
	}
	fits = bundle->runs && prev_pid == bundle->pid && prev_prio == bundle->prio &&
	       same(prev, bundle->comm) && pid == (uint32_t)prev_pid && is_ascii(next);
	bundle->runs = true;
	bundle->pid = next_pid;
	bundle->prio = next_prio;
	bundle->comm = bundle->held.comm = next;
	bundle->held.numbers[0] = prev_state;
	bundle->held.numbers[1] = next_pid;
	bundle->held.numbers[2] = next_prio;
	return fits;
}

static bool take_waking(struct cpu_bundle *bundle, const struct sched_waking_places *at,
			const struct walk_record *record, uint32_t pid, bool big_endian)
{
	struct held_sched *held = &bundle->held;

	return plan_integer(record, &at->pid, big_endian, &held->numbers[0]) &&
	       plan_integer(record, &at->target_cpu, big_endian, &held->numbers[1]) &&
	       plan_integer(record, &at->prio, big_endian, &held->numbers[2]) &&
	       load_comm(record, &at->comm, &held->comm) && bundle->runs && pid == (uint32_t)bundle->pid &&
	       held->numbers[1] <= UINT16_MAX && held->numbers[2] <= UINT16_MAX && is_ascii(held->comm);
}

bool bundle_hold(struct cpu_bundle *bundle, const struct plan *plan, const struct walk_record *record,
		 uint32_t pid, uint8_t flags, bool big_endian)
{
	struct held_sched *held = &bundle->held;
	bool later = record->ts > bundle->sched_ts;
	bool fits = plan->kind == PLAN_SWITCH ?
			    take_switch(bundle, &plan->at.on_switch, record, pid, big_endian) :
			    take_waking(bundle, &plan->at.on_waking, record, pid, big_endian);

	bundle->sched_ts = record->ts;
	if (!fits || !later || record->size > HELD_MOST)
		return false;
	held->plan = plan;
	held->pid = pid;
	held->numbers[3] = flags;
	held->record = *record;
	memcpy(held->payload, record->payload, record->size);
	held->record.payload = held->payload;
	return true;
}
