/* SPDX-License-Identifier: MIT */
/* Who takes part in a traced session: trace ID, guests and their vCPU maps. tracecmd_get_guest_cpumap(3). */
#ifndef TRC_FILE_PEER_H
#define TRC_FILE_PEER_H

#include "base/problem.h"
#include "file/api.h"
#include "file/option.h"

struct peers {
	uint64_t trace_id;	  /* 0: none recorded */
	struct trc_guest *guests; /* names and cpu_pid are owned */
	size_t count;
};

/* From the TRACEID and GUEST options. A malformed one is a problem, and left out. */
int peers_read(const struct image *image, const struct options *options, struct peers *out,
	       struct problems *problems, struct trc_error *err);
void peers_deinit(struct peers *peers);

#endif
