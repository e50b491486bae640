/* SPDX-License-Identifier: MIT */
/*
 * What libtraceevent makes of the kernel's texts in a trace.dat: formats_libtraceevent WHAT FILE
 *
 * WHAT: "events" (formats, fields, look-ups), "comms" (pids of stdin), "symbols" (all of them, then
 * the addresses of stdin looked up), "printk". formats_core.c prints the same with the core of this
 * project.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trace-cmd.h>

/* These two are derived from the print fmt, no matter of the fields. */
#define OF_PRINT_FMT (TEP_FIELD_IS_FLAG | TEP_FIELD_IS_SYMBOLIC)

static void print_fields(const char *kind, const struct tep_format_field *field)
{
	for (; field; field = field->next)
		printf(" %s %s|%s|%d|%d|%u|%u|%lx\n", kind, field->name, field->type, field->offset,
		       field->size, field->arraylen, field->elementsize, field->flags & ~OF_PRINT_FMT);
}

static void print_found(const char *how, const struct tep_event *event)
{
	if (event)
		printf(" %s %s:%s %d\n", how, event->system, event->name, event->id);
	else
		printf(" %s none\n", how);
}

/* The library tries the event it found last first: makes that one with another id and name. */
static void forget(struct tep_handle *tep, const struct tep_event *event)
{
	int count = tep_get_events_count(tep);

	for (int i = 0; i < count; i++) {
		struct tep_event *other = tep_get_event(tep, i);

		if (other->id != event->id && strcmp(other->name, event->name)) {
			struct tep_event *found = tep_find_event(tep, other->id);

			if (found && strcmp(found->name, event->name))
				return;
		}
	}
}

static void print_events(struct tep_handle *tep)
{
	int count = tep_get_events_count(tep);

	printf("events %d\n", count);
	for (int i = 0; i < count; i++) {
		struct tep_event *event = tep_get_event(tep, i);

		printf("event %s:%s %d%s\n", event->system, event->name, event->id,
		       event->flags & TEP_EVENT_FL_ISFTRACE ? " ftrace" : "");
		print_fields("common", event->format.common_fields);
		print_fields("field", event->format.fields);
		forget(tep, event);
		print_found("by id", tep_find_event(tep, event->id));
		forget(tep, event);
		print_found("by name", tep_find_event_by_name(tep, NULL, event->name));
		forget(tep, event);
		print_found("by both", tep_find_event_by_name(tep, event->system, event->name));
	}
}

static void print_comms(struct tep_handle *tep)
{
	int pid;

	while (scanf("%d", &pid) == 1)
		printf("%d %s\n", pid, tep_data_comm_from_pid(tep, pid));
}

static void print_symbols(struct tep_handle *tep)
{
	unsigned long long address;

	tep_print_funcs(tep);
	while (scanf("%llx", &address) == 1) {
		const char *name = tep_find_function(tep, address);

		if (name)
			printf("%llx: %s+0x%llx\n", address, name,
			       address - tep_find_function_address(tep, address));
		else
			printf("%llx: none\n", address);
	}
}

int main(int argc, char **argv)
{
	struct tracecmd_input *handle;
	struct tep_handle *tep;

	if (argc != 3)
		return 2;
	handle = tracecmd_open_head(argv[2], TRACECMD_FL_LOAD_NO_PLUGINS);
	if (!handle)
		return 1;
	tep = tracecmd_get_tep(handle);
	if (!strcmp(argv[1], "events"))
		print_events(tep);
	else if (!strcmp(argv[1], "comms"))
		print_comms(tep);
	else if (!strcmp(argv[1], "symbols"))
		print_symbols(tep);
	else if (!strcmp(argv[1], "printk"))
		tep_print_printk(tep);
	tracecmd_close(handle);
	return 0;
}
