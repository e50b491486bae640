/* SPDX-License-Identifier: MIT */
/* What struct trc_perfetto is made of. */
#ifndef TRC_PERFETTO_PERFETTO_H
#define TRC_PERFETTO_PERFETTO_H

#include "metadata/metadata.h"
#include "perfetto/api.h"
#include "perfetto/bundle.h"
#include "report/api.h"

/* CPUs that trace processor holds: it refuses a trace with others. */
#define CPU_COUNT 1024

/* Which buffer of a machine an event of the schema, or a pair such as X_entry and X_exit, is typed of. */
struct owner {
	struct text stem;
	const void *buffer; /* struct perfetto_buffer */
};

/* Each system call may be recorded twice, once as one of all and once by its name: the first are drawn. */
enum syscall_events { SYSCALLS_NONE, SYSCALLS_RAW, SYSCALLS_NAMED };

struct perfetto_machine {
	const struct trc_metadata *metadata;
	const struct trc_symbols *symbols;
	uint32_t machine_id, sequence_id;
	const struct perfetto_buffer *buffers; /* [buffer_count], by number */
	size_t buffer_count;
	const uint32_t *preferred; /* [preferred_count], by event id: numbers of buffers */
	size_t preferred_count;
	uint64_t steps_back; /* of time, in a stream */
	bool begun;	     /* its sequence has a packet that clears the state */
	struct function_names names;
	struct output descriptors;	    /* that are not written yet */
	struct cpu_bundle *cpus[CPU_COUNT]; /* NULL: none of its sources is of it */
	uint8_t syscalls;		    /* enum syscall_events: which are typed */
	struct owner *owners;
	size_t owner_count, owner_room;
	const struct plan *
		*unknown;    /* [EVENT_ID_DENSE + 1], of ids that no format is of; NULL: there were none */
	uint32_t *typed_ids; /* by place in the schema: the event's id + 1, 0: none was written */
};

struct perfetto_buffer {
	struct perfetto_machine *machine;
	uint32_t number;
	struct text instance;
	struct plan **plans; /* [metadata's id_count]; NULL: not yet asked for */
};

struct perfetto_source {
	uint64_t last_ts;
	struct perfetto_buffer *buffer;
	struct cpu_bundle *bundle; /* NULL: trace processor does not hold the CPU */
	uint32_t cpu;
};

struct trc_perfetto {
	struct perfetto_machine *machines;
	struct perfetto_buffer *buffers;
	struct perfetto_source *sources;
	size_t machine_count, buffer_count, source_count;
	struct arena arena;
	uint32_t next_field_id;
	size_t bundle_most;	   /* bytes of a bundle before it is written */
	struct output out, packet; /* what is given out, and a packet on its way there */
	struct trc_report *report; /* NULL: no record needed its text so far */
	bool ended;
	uint64_t records, first_ts;
};

/* The plan for a record's id in a buffer; NULL: memory is short. */
const struct plan *perfetto_make_plan(struct trc_perfetto *perfetto, struct perfetto_buffer *buffer,
				      uint32_t id);

/* What a report says of a record, until the next one is asked for. false: memory is short. */
bool perfetto_text(struct trc_perfetto *perfetto, const struct walk_record *record, struct text *text);

#endif
