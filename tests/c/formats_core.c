/* SPDX-License-Identifier: MIT */
/* As formats_libtraceevent.c, with the core of this project: formats_core WHAT FILE */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tracecmd.h"

static int failed(const struct trc_error *err)
{
	printf("error %d: %s\n", err->code, err->message);
	return 1;
}

static int print_fields(const struct trc_metadata *metadata, size_t index,
			const struct trc_event_info *event, struct trc_error *err)
{
	for (size_t i = 0; i < (size_t)event->common_count + event->reported_field_count; i++) {
		struct trc_field_info f;

		if (i >= event->reported_common_count && i < event->common_count)
			continue;
		if (trc_event_field(metadata, index, i, &f, err))
			return failed(err);
		printf(" %s %.*s|%.*s|%d|%d|%u|%u|%x\n", i < event->common_count ? "common" : "field",
		       (int)f.name_size, f.name, (int)f.type_size, f.type, (int)f.offset, (int)f.size,
		       f.array_length, f.element_size, f.flags);
	}
	return 0;
}

static void print_found(const struct trc_metadata *metadata, const char *how, int missing,
			size_t index)
{
	struct trc_event_info event;

	if (missing || trc_event(metadata, index, &event, NULL))
		printf(" %s none\n", how);
	else
		printf(" %s %.*s:%.*s %u\n", how, (int)event.system_size, event.system,
		       (int)event.name_size, event.name, event.id);
}

static int print_events(const struct trc_metadata *metadata, struct trc_error *err)
{
	size_t count = trc_event_count(metadata);
	int rc = 0;

	printf("events %zu\n", count);
	for (size_t index = 0; !rc && index < count; index++) {
		size_t found = 0;
		struct trc_event_info e;
		int missing;

		trc_event(metadata, index, &e, NULL);
		printf("event %.*s:%.*s %u%s\n", (int)e.system_size, e.system, (int)e.name_size, e.name,
		       e.id, e.state & TRC_EVENT_FTRACE ? " ftrace" : "");
		rc = print_fields(metadata, index, &e, err);
		missing = trc_event_find_id(metadata, e.id, &found, NULL);
		print_found(metadata, "by id", missing, found);
		missing = trc_event_find(metadata, NULL, 0, e.name, e.name_size, &found, NULL);
		print_found(metadata, "by name", missing, found);
		missing = trc_event_find(metadata, e.system, e.system_size, e.name, e.name_size, &found, NULL);
		print_found(metadata, "by both", missing, found);
	}
	return rc;
}

static void print_comms(const struct trc_metadata *metadata)
{
	int pid;

	while (scanf("%d", &pid) == 1) {
		const char *comm;
		size_t size;

		trc_comm(metadata, pid, &comm, &size);
		printf("%d %.*s\n", pid, (int)size, comm);
	}
}

/* The pids that are listed, for the test to ask about. */
static int print_pids(const struct trc_metadata *metadata, struct trc_error *err)
{
	for (size_t i = 0; i < trc_comm_count(metadata); i++) {
		const char *comm;
		size_t size;
		int32_t pid;

		if (trc_comm_at(metadata, i, &pid, &comm, &size, err))
			return failed(err);
		printf("%d\n", pid);
	}
	return 0;
}

static int print_symbols(const struct trc_symbols *symbols, struct trc_error *err)
{
	unsigned long long address;

	for (size_t i = 0; i < trc_symbol_count(symbols); i++) {
		struct trc_symbol s;

		if (trc_symbol(symbols, i, &s, err))
			return failed(err);
		printf("%016" PRIx64 " %.*s%s%.*s%s\n", s.address, (int)s.name_size, s.name,
		       s.module_size ? " [" : "", (int)s.module_size, s.module, s.module_size ? "]" : "");
	}
	while (scanf("%llx", &address) == 1) {
		struct trc_symbol s;

		if (trc_symbol_find(symbols, address, &s, NULL))
			printf("%llx: none\n", address);
		else
			printf("%llx: %.*s+0x%llx\n", address, (int)s.name_size, s.name, address - s.address);
	}
	return 0;
}

static int print_printk(const struct trc_symbols *symbols, struct trc_error *err)
{
	for (size_t i = 0; i < trc_printk_format_count(symbols); i++) {
		uint64_t address;
		const char *text;
		size_t size;

		if (trc_printk_format(symbols, i, &address, &text, &size, err))
			return failed(err);
		printf("%016" PRIx64 " %.*s\n", address, (int)size, text);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct trc_metadata *metadata = NULL;
	struct trc_symbols *symbols = NULL;
	struct trc_file *file = NULL;
	struct trc_error err = { 0 };
	int rc = 0;

	if (argc != 3)
		return 2;
	if (trc_open(argv[2], NULL, &file, &err) || trc_metadata_create(file, &metadata, &err) ||
	    trc_symbols_create(file, &symbols, &err))
		rc = failed(&err);
	else if (!strcmp(argv[1], "events"))
		rc = print_events(metadata, &err);
	else if (!strcmp(argv[1], "pids"))
		rc = print_pids(metadata, &err);
	else if (!strcmp(argv[1], "comms"))
		print_comms(metadata);
	else if (!strcmp(argv[1], "symbols"))
		rc = print_symbols(symbols, &err);
	else if (!strcmp(argv[1], "printk"))
		rc = print_printk(symbols, &err);
	trc_symbols_destroy(symbols);
	trc_metadata_destroy(metadata);
	trc_close(file);
	return rc;
}
