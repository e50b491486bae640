/* SPDX-License-Identifier: MIT */
/* Who takes part in a traced session: trace ID, guests and their vCPU maps. tracecmd_get_guest_cpumap(3). */
#ifndef TRC_PEER_H
#define TRC_PEER_H

#include "internal.h"

struct peers {
	uint64_t trace_id;	/* 0: none recorded */
	struct trc_guest *guests;	/* names and cpu_pid are owned */
	size_t count;
};

/* From the TRACEID and GUEST options. A malformed GUEST is a problem of the file, and left out. */
int peers_read(struct trc_file *file, struct trc_error *err);
void peers_deinit(struct peers *peers);

#endif
