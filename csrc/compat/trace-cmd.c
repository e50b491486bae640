/* SPDX-License-Identifier: MIT */
#include "compat/trace-cmd.h"

#include <errno.h>
#include <stdlib.h>

#include "file/api.h"
#include "tracecmd.h"

struct tracecmd_input {
	struct trc_file *file;
};

struct tracecmd_input *tracecmd_open_head(const char *file, int flags)
{
	struct tracecmd_input *handle = malloc(sizeof(*handle));
	struct trc_error err;

	(void)flags;
	if (!handle)
		return NULL;
	if (trc_open(file, NULL, &handle->file, &err)) {
		free(handle);
		if (err.code == TRC_SYSTEM)
			errno = err.sys_errno;
		return NULL;
	}
	return handle;
}

struct tracecmd_input *tracecmd_open(const char *file, int flags)
{
	return tracecmd_open_head(file, flags);
}

void tracecmd_close(struct tracecmd_input *handle)
{
	if (!handle)
		return;
	trc_close(handle->file);
	free(handle);
}

unsigned long long tracecmd_get_traceid(struct tracecmd_input *handle)
{
	return trc_trace_id(handle->file);
}

int tracecmd_get_guest_cpumap(struct tracecmd_input *handle, unsigned long long trace_id,
			      const char **name, int *vcpu_count, const int **cpu_pid)
{
	struct trc_guest guest;

	if (trc_guest_find(handle->file, trace_id, &guest, NULL))
		return -1;
	if (name)
		*name = guest.name;
	if (vcpu_count)
		*vcpu_count = (int)guest.vcpu_count;	/* 8 bytes each in an option of less than 4 GiB */
	if (cpu_pid)
		*cpu_pid = guest.cpu_pid;
	return 0;
}
