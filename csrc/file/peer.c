/* SPDX-License-Identifier: MIT */
#include "file/peer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "file/api.h"

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
static int read_cpu_pid(struct cursor *c, uint32_t vcpu_count, int32_t *cpu_pid, struct trc_error *err)
{
	for (uint32_t i = 0; i < vcpu_count; i++) {
		uint32_t vcpu, pid;
		int rc;

		if ((rc = cursor_u32(c, &vcpu, err)))
			return rc;
		if (vcpu >= vcpu_count)
			return cursor_refuse(c, err, TRC_CORRUPT, "vCPU %u of a guest with %u", vcpu,
					     vcpu_count);
		if ((rc = cursor_u32(c, &pid, err)))
			return rc;
		cpu_pid[vcpu] = (int32_t)pid;
	}
	return TRC_OK;
}

/* GUEST: name, u64 trace ID, u32 number of vCPUs, the map. */
static int read_guest(const struct image *image, const struct trc_option *option, struct trc_guest *out,
		      struct trc_error *err)
{
	struct cursor c = option_cursor(image, option, "option GUEST");
	struct trc_guest guest = { 0 };
	const char *name;
	uint64_t size;
	int32_t *cpu_pid;
	char *copy;
	int rc;

	if ((rc = cursor_string(&c, option->size + UINT64_C(1), &name, &size, err)) ||
	    (rc = cursor_u64(&c, &guest.trace_id, err)) || (rc = cursor_u32(&c, &guest.vcpu_count, err)))
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

static void read_trace_id(const struct image *image, const struct options *options, uint64_t *out,
			  struct problems *problems)
{
	const struct trc_option *option = options_last(options, TRC_OPTION_TRACEID);
	struct trc_error fault;

	if (!option)
		return;
	struct cursor c = option_cursor(image, option, "option TRACEID");

	if (cursor_u64(&c, out, &fault))
		problems_add(problems, &fault);
}

int peers_read(const struct image *image, const struct options *options, struct peers *peers,
	       struct problems *problems, struct trc_error *err)
{
	size_t first, count = options_range(options, TRC_OPTION_GUEST, &first);

	read_trace_id(image, options, &peers->trace_id, problems);
	if (!count)
		return TRC_OK;
	peers->guests = calloc(count, sizeof(*peers->guests));
	if (!peers->guests)
		return trc_fail_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		const struct trc_option *option = &options->list[options->by_id[first + i]];
		struct trc_error fault;
		int rc = read_guest(image, option, &peers->guests[peers->count], &fault);

		if (!rc) {
			peers->count++;
		} else if (problem_is_recoverable(rc)) {
			problems_add(problems, &fault);
		} else {
			if (err)
				*err = fault;
			return rc;
		}
	}
	return TRC_OK;
}
