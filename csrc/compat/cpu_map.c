/* SPDX-License-Identifier: MIT */
/* Which host thread runs which vCPU of which guest: tracecmd_map_vcpus(3). */
#include <stdlib.h>
#include <string.h>

#include "compat/input.h"

static int compare_pids(const void *a, const void *b)
{
	const struct tracecmd_cpu_map *x = *(struct tracecmd_cpu_map *const *)a;
	const struct tracecmd_cpu_map *y = *(struct tracecmd_cpu_map *const *)b;

	if (x->host_pid != y->host_pid)
		return x->host_pid < y->host_pid ? -1 : 1;
	return (x > y) - (x < y);
}

/* Leaves the maps of all other guests. */
static void drop_guest(struct tracecmd_input *host, const struct tracecmd_input *guest)
{
	size_t kept = 0;

	for (size_t i = 0; i < host->by_pid_count; i++) {
		if (host->by_pid[i]->guest != guest)
			host->by_pid[kept++] = host->by_pid[i];
	}
	host->by_pid_count = kept;
}

static void forget_maps(struct tracecmd_input *guest)
{
	if (guest->host)
		drop_guest(guest->host, guest);
	free(guest->maps);
	guest->maps = NULL;
	guest->map_count = 0;
	guest->host = NULL;
}

void cpu_maps_forget(struct tracecmd_input *handle)
{
	forget_maps(handle);
	for (size_t i = 0; i < handle->by_pid_count; i++)
		handle->by_pid[i]->guest->host = NULL;
	free(handle->by_pid);
}

/* -1: out of memory. */
static int map_guest(struct tracecmd_input *host, struct tracecmd_input *guest, int count, const int *pids)
{
	struct tracecmd_cpu_map **larger;

	if (guest->host == host)
		return 0; /* mapped before: what the caller has put there stays */
	forget_maps(guest);
	larger = realloc(host->by_pid,
			 (host->by_pid_count + (size_t)count + 1) * sizeof(struct tracecmd_cpu_map *));
	if (!larger)
		return -1;
	host->by_pid = larger;
	guest->maps = calloc((size_t)count + 1, sizeof(*guest->maps));
	if (!guest->maps)
		return -1;
	guest->map_count = count;
	guest->host = host;
	for (int cpu = 0; cpu < count; cpu++) {
		guest->maps[cpu] = (struct tracecmd_cpu_map){ .guest = guest, .host_pid = pids[cpu] };
		host->by_pid[host->by_pid_count++] = &guest->maps[cpu];
	}
	qsort(host->by_pid, host->by_pid_count, sizeof(struct tracecmd_cpu_map *), compare_pids);
	return 0;
}

int tracecmd_map_vcpus(struct tracecmd_input **handles, int nr_handles)
{
	int mapped = 0;

	for (int i = 1; i < nr_handles; i++) {
		const int *pids;
		int count;

		if (tracecmd_get_guest_cpumap(handles[0], tracecmd_get_traceid(handles[i]), NULL, &count,
					      &pids))
			continue;
		if (map_guest(handles[0], handles[i], count, pids))
			return -1;
		mapped++;
	}
	return mapped;
}

struct tracecmd_cpu_map *tracecmd_get_cpu_map(struct tracecmd_input *handle, int cpu)
{
	if (cpu < 0)
		return NULL;
	if (handle->maps)
		return cpu < handle->map_count ? &handle->maps[cpu] : NULL;
	return (size_t)cpu < handle->by_pid_count ? handle->by_pid[cpu] : NULL;
}

struct tracecmd_cpu_map *tracecmd_map_find_by_host_pid(struct tracecmd_input *handle, int host_pid)
{
	const struct tracecmd_input *host = handle->host ? handle->host : handle;
	size_t low = 0, high = host->by_pid_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (host->by_pid[middle]->host_pid < host_pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < host->by_pid_count && host->by_pid[low]->host_pid == host_pid ? host->by_pid[low] : NULL;
}

struct tracecmd_input *tracecmd_map_get_guest(struct tracecmd_cpu_map *map)
{
	return map->guest;
}

int tracecmd_map_get_host_pid(struct tracecmd_cpu_map *map)
{
	return map->host_pid;
}

void tracecmd_map_set_private(struct tracecmd_cpu_map *map, void *priv)
{
	map->private = priv;
}

void *tracecmd_map_get_private(struct tracecmd_cpu_map *map)
{
	return map->private;
}
