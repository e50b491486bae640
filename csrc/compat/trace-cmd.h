/* SPDX-License-Identifier: MIT */
/*
 * The peers of a traced session, for C programs: the functions of the manual pages
 * tracecmd_get_traceid(3), tracecmd_map_vcpus(3), tracecmd_buffer_instances(3) and part of
 * tracecmd_get_first_ts(3) with the names, signatures and results that they have in libtracecmd,
 * on top of this core. A program that uses no more than these builds with either.
 *
 * Nothing is printed. A handle may be used by any number of threads at the same time;
 * tracecmd_close() must be the last call.
 */
#ifndef TRACECMD_TRACE_CMD_H
#define TRACECMD_TRACE_CMD_H

#ifdef __cplusplus
extern "C" {
#endif

/* One open file. */
struct tracecmd_input;

/* Accepted for the sake of programs that say them, and without effect: there are no plugins here. */
enum tracecmd_open_flags {
	TRACECMD_FL_LOAD_NO_PLUGINS = 1 << 0,
	TRACECMD_FL_LOAD_NO_SYSTEM_PLUGINS = 1 << 1,
};

/*
 * NULL if the file cannot be opened or is not a usable trace.dat file; errno is set if a system call
 * failed. Both read metadata only, whatever the size of the file, and so do the same. (The
 * library's tracecmd_open() looks at the data of each CPU, too, and refuses the file if it does
 * not like one; here a file with damaged data still tells its trace ID and guests.)
 */
struct tracecmd_input *tracecmd_open(const char *file, int flags);
struct tracecmd_input *tracecmd_open_head(const char *file, int flags);
/* The same of a descriptor, which belongs to the handle then and is closed with it. */
struct tracecmd_input *tracecmd_open_fd(int fd, int flags);

void tracecmd_close(struct tracecmd_input *handle); /* NULL is fine */

/* 0 if the file has no trace ID. */
unsigned long long tracecmd_get_traceid(struct tracecmd_input *handle);

/*
 * The guest of this host that has a trace ID: 0, or -1 if there is none, which leaves the results
 * untouched. Each of the results may be NULL; they belong to the handle and live until it is
 * closed. *cpu_pid has *vcpu_count entries: the host thread of each vCPU, 0 if it was not
 * recorded, -1 if it was not known. Of two guests with one trace ID it is the later.
 */
int tracecmd_get_guest_cpumap(struct tracecmd_input *handle, unsigned long long trace_id, const char **name,
			      int *vcpu_count, const int **cpu_pid);

/*
 * Trace instances, from 0, in the order of the file; NULL: there is no such one. A name belongs to the
 * handle. The handle of an instance is the caller's to close; the file stays open until its last handle
 * is closed. Such a handle has no instances, and else what the file has.
 */
int tracecmd_buffer_instances(struct tracecmd_input *handle);
const char *tracecmd_buffer_instance_name(struct tracecmd_input *handle, int index);
struct tracecmd_input *tracecmd_buffer_instance_handle(struct tracecmd_input *handle, int index);

/*
 * Time of the first record of the buffer, in ns, as trace-cmd report shows it; 0 if there is none. Its data
 * need not have been made ready.
 */
unsigned long long tracecmd_get_first_ts(struct tracecmd_input *handle);

/*
 * What makes ns of ticks; 0s where the file does not say it. 0: the clock is one of ticks, else -1. Each of
 * the results may be NULL.
 */
int tracecmd_get_tsc2nsec(struct tracecmd_input *handle, int *mult, int *shift, unsigned long long *offset);

/*
 * Maps the vCPUs of guests, handles[1] and on, to the threads of the host, handles[0], that run them. The
 * number of guests that are the host's, or -1: out of memory. A guest that was mapped to this host before
 * stays as it is. Closing a guest's handle takes its maps along. These functions are not to be called on
 * handles of one session by several threads at the same time.
 */
struct tracecmd_cpu_map;
int tracecmd_map_vcpus(struct tracecmd_input **handles, int nr_handles);
/* Of a guest's vCPU; of a host's handle the maps of all its guests, by host pid. NULL: there is none. */
struct tracecmd_cpu_map *tracecmd_get_cpu_map(struct tracecmd_input *handle, int cpu);
/* handle: the host's, or that of any guest of it. NULL: that thread runs none. */
struct tracecmd_cpu_map *tracecmd_map_find_by_host_pid(struct tracecmd_input *handle, int host_pid);
struct tracecmd_input *tracecmd_map_get_guest(struct tracecmd_cpu_map *map);
int tracecmd_map_get_host_pid(struct tracecmd_cpu_map *map);
void tracecmd_map_set_private(struct tracecmd_cpu_map *map, void *priv);
void *tracecmd_map_get_private(struct tracecmd_cpu_map *map);

#ifdef __cplusplus
}
#endif

#endif
