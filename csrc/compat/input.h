/* SPDX-License-Identifier: MIT */
/* What is behind a handle of trace-cmd.h. */
#ifndef TRC_COMPAT_INPUT_H
#define TRC_COMPAT_INPUT_H

#include <stdatomic.h>

#include "compat/trace-cmd.h"
#include "records/api.h"

/* An open file, shared by the handles of its instances. */
struct shared_file {
	atomic_uint users;
	struct trc_file *file;
	struct trc_metadata *metadata;
	_Atomic(struct trc_data *) data; /* made when first asked for */
	int fd;				 /* the caller's, closed with the last handle; or -1 */
};

struct tracecmd_cpu_map {
	struct tracecmd_input *guest;
	int host_pid;
	void *private;
};

struct tracecmd_input {
	struct shared_file *shared;
	size_t buffer; /* trc_buffer(): 0, or an instance */
	/* Of a guest: its vCPUs, and the host whose threads run them. NULL: not mapped. */
	struct tracecmd_cpu_map *maps;
	int map_count;
	struct tracecmd_input *host;
	/* Of a host: the maps of all its guests, by host pid. */
	struct tracecmd_cpu_map **by_pid;
	size_t by_pid_count;
};

/* Before a handle goes: its maps with it, and the other side no longer knows of it. */
void cpu_maps_forget(struct tracecmd_input *handle);

#endif
