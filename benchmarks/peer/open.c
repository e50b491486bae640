/* SPDX-License-Identifier: MIT */
/*
 * libtracecmd answers the question of open.h. Plugins are not loaded, so that opening is all that
 * counts.
 */
#include <trace-cmd.h>

#include "../open.h"

static void *open_file(const char *path)
{
	struct tracecmd_input *handle = tracecmd_open(path, TRACECMD_FL_LOAD_NO_PLUGINS);

	if (!handle)
		fail(path, "tracecmd_open() failed");
	return handle;
}

static uint64_t trace_id_of(void *file)
{
	return tracecmd_get_traceid(file);
}

static struct vcpu_map find_guest(void *file, const char *trace_id)
{
	struct vcpu_map map;

	if (tracecmd_get_guest_cpumap(file, strtoull(trace_id, NULL, 0), &map.guest, &map.count,
				      &map.pid))
		fail(trace_id, "no such guest");
	return map;
}

static void close_file(void *file)
{
	tracecmd_close(file);
}
