/* SPDX-License-Identifier: MIT */
/* The C core answers the question of open.h. */
#include "tracecmd.h"

#include "../open.h"

static void *open_file(const char *path)
{
	struct trc_error err;
	struct trc_file *file;

	if (trc_open(path, NULL, &file, &err))
		fail(path, err.message);
	return file;
}

static uint64_t trace_id_of(void *file)
{
	return trc_trace_id(file);
}

static struct vcpu_map find_guest(void *file, const char *trace_id)
{
	struct trc_guest guest;
	struct trc_error err;

	if (trc_guest_find(file, strtoull(trace_id, NULL, 0), &guest, &err))
		fail(trace_id, err.message);
	return (struct vcpu_map){ guest.name, guest.cpu_pid, (int)guest.vcpu_count };
}

static void close_file(void *file)
{
	trc_close(file);
}
