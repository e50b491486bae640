/* SPDX-License-Identifier: MIT */
/*
 * Clocks, instances and vCPUs of a session: cpu_maps HOST [GUEST...]
 *
 * Of each file the first time stamp, what makes ns of its ticks, and its instances; then the maps of
 * tracecmd_map_vcpus(3), from the host's side and from each guest's. Built with libtracecmd and with the
 * core of this project, both print the same. NO_TSC2NSEC: the library is older than tracecmd_get_tsc2nsec().
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <trace-cmd.h>

#define FILES_MAX 16
#define CPUS_MAX 64

/* Exit codes: 0, 1 a file cannot be opened, 2 wrong arguments, 3 the results contradict each other. */

static struct tracecmd_input *open_by_fd(const char *path)
{
	int fd = open(path, O_RDONLY);

	return fd < 0 ? NULL : tracecmd_open_fd(fd, TRACECMD_FL_LOAD_NO_PLUGINS);
}

static void print_clock(struct tracecmd_input *handle)
{
	printf("  first time stamp %llu\n", tracecmd_get_first_ts(handle));
#ifndef NO_TSC2NSEC
	int mult = -1, shift = -1, rc = tracecmd_get_tsc2nsec(handle, &mult, &shift, NULL);

	printf("  ticks: %d, %d >> %d\n", rc, mult, shift);
#endif
}

static int print_instances(struct tracecmd_input *handle)
{
	int count = tracecmd_buffer_instances(handle);

	for (int i = 0; i < count; i++) {
		struct tracecmd_input *instance = tracecmd_buffer_instance_handle(handle, i);

		if (!instance)
			return 3;
		printf("  instance %s, ID 0x%llx\n", tracecmd_buffer_instance_name(handle, i),
		       tracecmd_get_traceid(instance));
		print_clock(instance);
		tracecmd_close(instance);
	}
	return tracecmd_buffer_instance_name(handle, count) ? 3 : 0;
}

/* Private data is of the map, from whichever side it is asked for. */
static int print_map(struct tracecmd_input **handles, int asked, int cpu)
{
	struct tracecmd_cpu_map *map = tracecmd_get_cpu_map(handles[asked], cpu), *again;
	int guest = 0, pid;

	if (!map)
		return 0;
	while (handles[guest] != tracecmd_map_get_guest(map))
		guest++;
	pid = tracecmd_map_get_host_pid(map);
	printf("  %d: %d runs guest %d, had %p\n", cpu, pid, guest, tracecmd_map_get_private(map));
	tracecmd_map_set_private(map, (void *)(size_t)(pid + 1));
	again = tracecmd_map_find_by_host_pid(handles[asked], pid);
	return again && tracecmd_map_get_private(again) == (void *)(size_t)(pid + 1) ? 0 : 3;
}

static int print_maps(struct tracecmd_input **handles, int count)
{
	int rc = 0;

	printf("mapped: %d\n", tracecmd_map_vcpus(handles, count));
	for (int i = 0; i < count; i++) {
		printf("file %d:\n", i);
		for (int cpu = 0; cpu < CPUS_MAX; cpu++)
			rc |= print_map(handles, i, cpu);
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct tracecmd_input *handles[FILES_MAX];
	int rc = 0;

	if (argc < 2 || argc > FILES_MAX + 1) {
		fprintf(stderr, "usage: cpu_maps HOST [GUEST...]\n");
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		handles[i - 1] = i % 2 ? tracecmd_open(argv[i], TRACECMD_FL_LOAD_NO_PLUGINS) : open_by_fd(argv[i]);
		if (!handles[i - 1]) {
			printf("%s: cannot be opened\n", argv[i]);
			return 1;
		}
		printf("%s\n", argv[i]);
		print_clock(handles[i - 1]);
		rc |= print_instances(handles[i - 1]);
	}
	if (argc > 2)
		rc |= print_maps(handles, argc - 1);
	for (int i = argc - 1; i-- > 0;)
		tracecmd_close(handles[i]);
	return rc;
}
