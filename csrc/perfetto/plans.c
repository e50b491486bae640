/* SPDX-License-Identifier: MIT */
/* Which plan a record has: made when its event is first met in its buffer. */
#include <stdlib.h>

#include "base/array.h"
#include "perfetto/perfetto.h"
#include "perfetto/schema.h"

/* Pairs of events have the part of their names in common that is in front of these. */
static struct text stem_of(struct text name)
{
	static const char *const endings[] = {
		"_entry", "_exit", "_enter", "_start", "_end", "_begin", "_done",
	};

	for (size_t i = 0; i < countof(endings); i++) {
		size_t size = strlen(endings[i]);

		if (name.size > size && !memcmp(name.start + name.size - size, endings[i], size))
			return (struct text){ name.start, name.size - size };
	}
	return name;
}

/* The buffer that is to have an event, by those who counted, or else the one that has it now. */
static const void *preferred_of(const struct perfetto_machine *machine, uint32_t id, const void *buffer)
{
	uint32_t number = id < machine->preferred_count ? machine->preferred[id] : UINT32_MAX;

	if (number < machine->buffer_count && machine->buffers[number].machine)
		return &machine->buffers[number];
	return buffer;
}

/* The buffer that has an event of the schema, with its pair; NULL: memory is short. */
static const void *owner_of(struct perfetto_machine *machine, struct text name, uint32_t id,
			    const void *buffer)
{
	struct text stem = stem_of(name);

	for (size_t i = 0; i < machine->owner_count; i++) {
		if (text_equal(machine->owners[i].stem, stem))
			return machine->owners[i].buffer;
	}
	if (machine->owner_count == machine->owner_room) {
		struct owner *owners = array_grow(machine->owners, &machine->owner_room, 64, sizeof(*owners));

		if (!owners)
			return NULL;
		machine->owners = owners;
	}
	buffer = preferred_of(machine, id, buffer);
	machine->owners[machine->owner_count++] = (struct owner){ stem, buffer };
	return buffer;
}

/* Whether system calls are typed by these events, in this buffer. */
static bool takes_syscalls(struct perfetto_buffer *buffer, uint32_t id, enum syscall_events events,
			   bool *no_memory)
{
	struct perfetto_machine *machine = buffer->machine;
	const void *owner = owner_of(machine, TEXT("sys_enter"), id, buffer);

	*no_memory |= !owner;
	if (machine->syscalls == SYSCALLS_NONE)
		machine->syscalls = (uint8_t)events;
	return owner == buffer && machine->syscalls == events;
}

/* Whether an event of the schema is typed here: in one buffer, and of several by one name the first. */
static bool is_typed(struct perfetto_buffer *buffer, const struct event_format *event, uint32_t typed,
		     bool *no_memory)
{
	struct perfetto_machine *machine = buffer->machine;
	uint32_t *id = &machine->typed_ids[typed];
	const void *owner;

	if (*id && *id != event->id + 1)
		return false;
	*id = event->id + 1;
	if (text_is(event->name, "print")) /* each buffer has texts of its own */
		return true;
	if (text_is(event->name, "sys_enter") || text_is(event->name, "sys_exit"))
		return takes_syscalls(buffer, event->id, SYSCALLS_RAW, no_memory);
	owner = owner_of(machine, event->name, event->id, buffer);
	*no_memory |= !owner;
	return owner == buffer;
}

static struct plan_maker maker_of(struct trc_perfetto *perfetto, struct perfetto_buffer *buffer)
{
	return (struct plan_maker){
		.arena = &perfetto->arena,
		.formats = &buffer->machine->metadata->formats,
		.long_size = buffer->machine->metadata->long_size,
		.instance = buffer->instance,
		.instance_number = buffer->number,
		.next_field_id = &perfetto->next_field_id,
		.descriptors = &buffer->machine->descriptors,
	};
}

static struct plan *make_plan(struct trc_perfetto *perfetto, struct perfetto_buffer *buffer,
			      const struct event_format *event)
{
	struct plan_maker maker = maker_of(perfetto, buffer);
	uint32_t typed = plan_schema(event, maker.long_size);
	bool no_memory = false;
	struct plan *plan;

	if (plan_is_syscall(event, maker.long_size) &&
	    takes_syscalls(buffer, event->id, SYSCALLS_NAMED, &no_memory))
		return plan_syscall(&maker, event);
	if (typed == SCHEMA_NONE || !is_typed(buffer, event, typed, &no_memory))
		return no_memory ? NULL : plan_generic(&maker, event);
	plan = plan_typed(&maker, event, typed);
	if (!plan || !text_is(event->name, "print"))
		return plan;
	plan->kind = PLAN_MARK;
	while (plan->parts[plan->text_part].kind != PART_TEXT)
		plan->text_part++;
	plan->other = plan_generic(&maker, event);
	return plan->other ? plan : NULL;
}

/* One of each machine: whose buffer it is makes no difference. */
static const struct plan *unknown_plan(struct trc_perfetto *perfetto, struct perfetto_buffer *buffer,
				       uint32_t id)
{
	struct perfetto_machine *machine = buffer->machine;
	struct plan_maker maker = maker_of(perfetto, buffer);
	const struct plan **plan;

	if (!machine->unknown)
		machine->unknown = calloc(EVENT_ID_DENSE + 1, sizeof(*machine->unknown));
	if (!machine->unknown)
		return NULL;
	plan = &machine->unknown[id < EVENT_ID_DENSE ? id : EVENT_ID_DENSE];
	if (!*plan)
		*plan = plan_unknown(&maker, id);
	return *plan;
}

const struct plan *perfetto_make_plan(struct trc_perfetto *perfetto, struct perfetto_buffer *buffer,
				      uint32_t id)
{
	const struct event_formats *formats = &buffer->machine->metadata->formats;
	const struct event_format *event = event_by_id(formats, id);

	if (!event)
		return unknown_plan(perfetto, buffer, id);
	if (!buffer->plans) {
		buffer->plans = calloc(formats->id_count, sizeof(*buffer->plans));
		if (!buffer->plans)
			return NULL;
	}
	if (!buffer->plans[id])
		buffer->plans[id] = make_plan(perfetto, buffer, event);
	return buffer->plans[id];
}
