/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "file.h"

static void guest_deinit(struct trc_guest *guest)
{
	free((void *)(uintptr_t)guest->name);
	free((void *)(uintptr_t)guest->cpu_pid);
}

void peers_deinit(struct peers *peers)
{
	for (size_t i = 0; i < peers->count; i++)
		guest_deinit(&peers->guests[i]);
	free(peers->guests);
}

/* vcpu_count x { u32 vCPU, u32 host pid }. vCPUs that are not mentioned keep 0. */
static int read_cpu_pid(struct cursor *c, uint32_t vcpu_count, int32_t *cpu_pid,
			struct trc_error *err)
{
	for (uint32_t i = 0; i < vcpu_count; i++) {
		uint32_t vcpu, pid;
		int rc;

		if ((rc = cursor_u32(c, &vcpu, err)))
			return rc;
		if (vcpu >= vcpu_count)
			return cursor_refuse(c, err, TRC_CORRUPT, "vCPU %u of a guest with %u", vcpu, vcpu_count);
		if ((rc = cursor_u32(c, &pid, err)))
			return rc;
		cpu_pid[vcpu] = (int32_t)pid;
	}
	return TRC_OK;
}

/* GUEST: name, u64 trace ID, u32 number of vCPUs, the map. */
static int read_guest(const struct trc_file *file, const struct trc_option *option,
		      struct trc_guest *out, struct trc_error *err)
{
	struct cursor c = option_cursor(file, option, "option GUEST");
	struct trc_guest guest = { 0 };
	const char *name;
	uint64_t size;
	int32_t *cpu_pid;
	char *copy;
	int rc;

	if ((rc = cursor_string(&c, option->size + UINT64_C(1), &name, &size, err)) ||
	    (rc = cursor_u64(&c, &guest.trace_id, err)) ||
	    (rc = cursor_u32(&c, &guest.vcpu_count, err)))
		return rc;
	if (guest.vcpu_count > cursor_left(&c) / 8)
		return cursor_refuse(&c, err, TRC_CORRUPT, "%u vCPUs claimed, %" PRIu64 " bytes left",
				   guest.vcpu_count, cursor_left(&c));
	copy = malloc((size_t)size + 1);
	cpu_pid = calloc(guest.vcpu_count + (size_t)1, sizeof(*cpu_pid));
	guest.name = copy;
	guest.cpu_pid = cpu_pid;
	if (!copy || !cpu_pid)
		rc = trc_fail_no_memory(err);
	else
		rc = read_cpu_pid(&c, guest.vcpu_count, cpu_pid, err);
	if (rc) {
		guest_deinit(&guest);
		return rc;
	}
	memcpy(copy, name, (size_t)size + 1);
	guest.name_size = (size_t)size;
	*out = guest;
	return TRC_OK;
}

static void read_trace_id(struct trc_file *file)
{
	const struct trc_option *option = options_last(&file->options, TRC_OPTION_TRACEID);
	struct trc_error fault;

	if (!option)
		return;
	struct cursor c = option_cursor(file, option, "option TRACEID");

	if (cursor_u64(&c, &file->peers.trace_id, &fault))
		problems_add(&file->problems, &fault);
}

int peers_read(struct trc_file *file, struct trc_error *err)
{
	struct peers *peers = &file->peers;
	size_t first, count = options_range(&file->options, TRC_OPTION_GUEST, &first);

	read_trace_id(file);
	if (!count)
		return TRC_OK;
	peers->guests = calloc(count, sizeof(*peers->guests));
	if (!peers->guests)
		return trc_fail_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		const struct trc_option *option = &file->options.list[file->options.by_id[first + i]];
		struct trc_error fault;
		int rc = read_guest(file, option, &peers->guests[peers->count], &fault);

		if (!rc) {
			peers->count++;
		} else if (problem_is_bearable(rc)) {
			problems_add(&file->problems, &fault);
		} else {
			if (err)
				*err = fault;
			return rc;
		}
	}
	return TRC_OK;
}

/* --- public ------------------------------------------------------------------------------ */

uint64_t trc_trace_id(const struct trc_file *file)
{
	return file->peers.trace_id;
}

size_t trc_guest_count(const struct trc_file *file)
{
	return file->peers.count;
}

int trc_guest(const struct trc_file *file, size_t index, struct trc_guest *out,
	      struct trc_error *err)
{
	if (index >= file->peers.count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "guests: there are %zu, not %zu",
				file->peers.count, index + 1);
	*out = file->peers.guests[index];
	return TRC_OK;
}

int trc_guest_find(const struct trc_file *file, uint64_t trace_id, struct trc_guest *out,
		   struct trc_error *err)
{
	for (size_t i = file->peers.count; i-- > 0;) {
		if (file->peers.guests[i].trace_id == trace_id) {
			*out = file->peers.guests[i];
			return TRC_OK;
		}
	}
	return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET,
			"guests: none has the trace ID 0x%" PRIx64, trace_id);
}
