/* SPDX-License-Identifier: MIT */
#include "compat/input.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracecmd.h"

static struct tracecmd_input *handle_of(struct shared_file *shared, size_t buffer)
{
	struct tracecmd_input *handle = calloc(1, sizeof(*handle));

	if (handle) {
		atomic_fetch_add(&shared->users, 1);
		handle->shared = shared;
		handle->buffer = buffer;
	}
	return handle;
}

static void shared_destroy(struct shared_file *shared)
{
	trc_data_destroy(shared->data);
	trc_metadata_destroy(shared->metadata);
	trc_close(shared->file);
	if (shared->fd >= 0)
		close(shared->fd);
	free(shared);
}

/* file: what opening it gave. */
static struct tracecmd_input *open_handle(struct trc_file *file, int rc, const struct trc_error *err)
{
	struct shared_file *shared = rc ? NULL : calloc(1, sizeof(*shared));
	struct tracecmd_input *handle;

	if (rc == TRC_SYSTEM)
		errno = err->sys_errno;
	if (rc)
		return NULL;
	if (!shared) {
		trc_close(file);
		return NULL;
	}
	shared->file = file;
	shared->fd = -1;
	handle = handle_of(shared, 0);
	if (!handle)
		shared_destroy(shared);
	return handle;
}

struct tracecmd_input *tracecmd_open_head(const char *path, int flags)
{
	struct trc_file *file = NULL;
	struct trc_error err;
	int rc = trc_open(path, NULL, &file, &err);

	(void)flags;
	return open_handle(file, rc, &err);
}

struct tracecmd_input *tracecmd_open(const char *path, int flags)
{
	return tracecmd_open_head(path, flags);
}

struct tracecmd_input *tracecmd_open_fd(int fd, int flags)
{
	struct trc_file *file = NULL;
	struct trc_error err;
	int rc = trc_open_fd(fd, NULL, &file, &err);
	struct tracecmd_input *handle = open_handle(file, rc, &err);

	(void)flags;
	if (handle)
		handle->shared->fd = fd;
	return handle;
}

void tracecmd_close(struct tracecmd_input *handle)
{
	if (!handle)
		return;
	cpu_maps_forget(handle);
	if (atomic_fetch_sub(&handle->shared->users, 1) == 1)
		shared_destroy(handle->shared);
	free(handle);
}

unsigned long long tracecmd_get_traceid(struct tracecmd_input *handle)
{
	return trc_trace_id(handle->shared->file);
}

int tracecmd_get_guest_cpumap(struct tracecmd_input *handle, unsigned long long trace_id, const char **name,
			      int *vcpu_count, const int **cpu_pid)
{
	struct trc_guest guest;

	if (trc_guest_find(handle->shared->file, trace_id, &guest, NULL))
		return -1;
	if (name)
		*name = guest.name;
	if (vcpu_count)
		*vcpu_count = (int)guest.vcpu_count; /* 8 bytes each in an option of less than 4 GiB */
	if (cpu_pid)
		*cpu_pid = guest.cpu_pid;
	return 0;
}

/* --- instances ----------------------------------------------------------------------------- */

int tracecmd_buffer_instances(struct tracecmd_input *handle)
{
	return handle->buffer ? 0 : (int)trc_buffer_count(handle->shared->file) - 1;
}

static int find_instance(struct tracecmd_input *handle, int index, struct trc_buffer *out)
{
	if (index < 0 || index >= tracecmd_buffer_instances(handle))
		return TRC_NOT_FOUND;
	return trc_buffer(handle->shared->file, (size_t)index + 1, out, NULL);
}

const char *tracecmd_buffer_instance_name(struct tracecmd_input *handle, int index)
{
	struct trc_buffer buffer;

	return find_instance(handle, index, &buffer) ? NULL : buffer.name;
}

struct tracecmd_input *tracecmd_buffer_instance_handle(struct tracecmd_input *handle, int index)
{
	struct trc_buffer buffer;

	return find_instance(handle, index, &buffer) ? NULL : handle_of(handle->shared, (size_t)index + 1);
}

/* --- times --------------------------------------------------------------------------------- */

/* The first who asks makes it; of several at a time one succeeds. */
static const struct trc_data *data_of(struct shared_file *shared)
{
	struct trc_data *data = atomic_load(&shared->data), *before = NULL;
	struct trc_metadata *metadata;

	if (data)
		return data;
	if (trc_metadata_create(shared->file, &metadata, NULL))
		return NULL;
	if (trc_data_create(shared->file, metadata, NULL, &data, NULL)) {
		trc_metadata_destroy(metadata);
		return NULL;
	}
	if (atomic_compare_exchange_strong(&shared->data, &before, data)) {
		shared->metadata = metadata;
		return data;
	}
	trc_data_destroy(data);
	trc_metadata_destroy(metadata);
	return before;
}

/* A page's header may have the time of a record that was discarded, so this takes the first that is there. */
static bool first_ts(const struct trc_data *data, size_t stream, uint64_t *ts)
{
	struct trc_walk_source source = { .data = data, .stream = stream };
	struct trc_walk_options options = { .until_last = 1 };
	uint32_t source_number, id;
	int32_t pid;
	struct trc_batch batch = { .room = 1, .ts = ts, .source = &source_number, .id = &id, .pid = &pid };
	struct trc_walk *walk;
	int rc;

	if (trc_walk_create(&source, 1, &options, &walk, NULL))
		return false;
	do
		rc = trc_walk_next(walk, &batch, NULL);
	while (rc == TRC_GO_ON);
	trc_walk_destroy(walk);
	return !rc && batch.count;
}

unsigned long long tracecmd_get_first_ts(struct tracecmd_input *handle)
{
	const struct trc_data *data = data_of(handle->shared);
	struct trc_stream stream;
	uint64_t first = UINT64_MAX, ts;

	for (size_t i = 0; data && !trc_stream(data, i, &stream, NULL); i++) {
		if (stream.buffer == handle->buffer && first_ts(data, i, &ts) && ts < first)
			first = ts;
	}
	return first == UINT64_MAX ? 0 : first;
}

/* Is the clock of the top buffer one whose ticks these numbers are for? Version 6 does not say at its buffer. */
static bool counts_ticks(const struct trc_file *file)
{
	struct trc_header header;
	struct trc_buffer top;

	trc_header(file, &header);
	return header.version == 7 && !trc_buffer(file, 0, &top, NULL) &&
	       ((top.clock_size == 7 && !memcmp(top.clock, "x86-tsc", 7)) ||
		(top.clock_size == 8 && !memcmp(top.clock, "tsc2nsec", 8)));
}

int tracecmd_get_tsc2nsec(struct tracecmd_input *handle, int *mult, int *shift, unsigned long long *offset)
{
	struct trc_tsc2nsec tsc2nsec = { 0 };

	trc_tsc2nsec(handle->shared->file, &tsc2nsec, NULL);
	if (mult)
		*mult = (int)tsc2nsec.mult;
	if (shift)
		*shift = (int)tsc2nsec.shift;
	if (offset)
		*offset = tsc2nsec.offset;
	return counts_ticks(handle->shared->file) ? 0 : -1;
}
