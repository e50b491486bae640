/* SPDX-License-Identifier: MIT */
/* The records of a CPU on their way into a packet: FtraceEventBundle, and its compact form of switches. */
#ifndef TRC_PERFETTO_BUNDLE_H
#define TRC_PERFETTO_BUNDLE_H

#include "perfetto/plan.h"

/* A comm, what is behind its NUL cleared. */
struct comm {
	uint64_t a, b;
};

/* CompactSched: columns of numbers, of which trace processor infers what the CPU ran before. */
struct compact_sched {
	struct output switch_ts, prev_state, next_pid, next_prio, next_comm;
	struct output waking_ts, pid, target_cpu, prio, comm, flags;
	struct output comms;		/* the table that the comms' numbers refer to, as fields */
	uint32_t comm_count, comm_base; /* names in the table; the cache counts from before it */
	struct lookup_cache cache;
	uint64_t last_switch, last_waking; /* times in this bundle; 0: there is none */
};

/* Records are short: what is longer is never held back. */
#define HELD_MOST 192

/*
 * The last switch or wake-up, which can be compact unless the next one is of the same time: trace processor
 * does not keep the order of those in compact form and others.
 */
struct held_sched {
	const struct plan *plan; /* NULL: there is none */
	struct walk_record record;
	uint8_t payload[HELD_MOST];
	uint32_t pid;
	uint64_t numbers
		[4]; /* of a switch: previous state, pid, priority; of a wake-up: pid, CPU, priority, flags */
	struct comm comm;
};

struct cpu_bundle {
	uint32_t cpu;
	bool lost;	      /* events were lost before its first */
	struct output events; /* fields of the bundle */
	struct compact_sched compact;
	struct held_sched held;
	/* What the CPU runs since the last switch. */
	bool runs;
	uint64_t sched_ts; /* of the last switch or wake-up */
	uint64_t pid, prio;
	struct comm comm;
};

void bundle_init(struct cpu_bundle *bundle, uint32_t cpu);
void bundle_deinit(struct cpu_bundle *bundle);
/* About how many bytes it will be; 0: it is empty. */
size_t bundle_size(const struct cpu_bundle *bundle);
/* Appends it as a field of a packet, and empties it. */
void bundle_flush(struct cpu_bundle *bundle, struct output *packet);
bool bundle_no_memory(const struct cpu_bundle *bundle);
/* Events were lost: what the CPU runs is not known. */
void bundle_lose(struct cpu_bundle *bundle);

/*
 * A switch and a wake-up: held back if trace processor reads the same in compact form as in the whole record.
 * false: it does not, and the record is to be written. pid: the record's.
 */
bool bundle_hold(struct cpu_bundle *bundle, const struct plan *plan, const struct walk_record *record,
		 uint32_t pid, uint8_t flags, bool big_endian);
/*
 * The record that is held back goes where it belongs, as one of another time follows, or none that is known.
 * NULL: in compact form, or there was none; else the plan to write it by, and *record is it.
 */
const struct plan *bundle_release(struct cpu_bundle *bundle, bool has_next, uint64_t next_ts,
				  struct walk_record *record);

#endif
