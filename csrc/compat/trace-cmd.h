/* SPDX-License-Identifier: MIT */
/*
 * The peers of a traced session, for C programs: the functions of the manual page
 * tracecmd_get_traceid(3) with the names, signatures and results that they have in libtracecmd,
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

void tracecmd_close(struct tracecmd_input *handle);	/* NULL is fine */

/* 0 if the file has no trace ID. */
unsigned long long tracecmd_get_traceid(struct tracecmd_input *handle);

/*
 * The guest of this host that has a trace ID: 0, or -1 if there is none, which leaves the results
 * untouched. Each of the results may be NULL; they belong to the handle and live until it is
 * closed. *cpu_pid has *vcpu_count entries: the host thread of each vCPU, 0 if it was not
 * recorded, -1 if it was not known. Of two guests with one trace ID it is the later.
 */
int tracecmd_get_guest_cpumap(struct tracecmd_input *handle, unsigned long long trace_id,
			      const char **name, int *vcpu_count, const int **cpu_pid);

#ifdef __cplusplus
}
#endif

#endif
