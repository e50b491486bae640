/* SPDX-License-Identifier: MIT */
#include "perfetto/plan.h"

#include <string.h>

#include "base/utf8.h"
#include "metadata/api.h"
#include "perfetto/schema.h"

#define FIRST_FIELD_ID 65536 /* of generic events' descriptors */
#define DESCRIBED_MOST 31    /* fields that trace processor takes in a descriptor */

enum field_type { TYPE_INT64 = 3, TYPE_UINT64 = 4, TYPE_STRING = 9 };

/* --- constants ------------------------------------------------------------------------------- */

static void *take(const struct plan_maker *maker, size_t size)
{
	void *memory = arena_alloc(maker->arena, size);

	if (memory)
		memset(memory, 0, size);
	return memory;
}

static struct plan *plan_create(const struct plan_maker *maker, size_t parts)
{
	struct plan *plan = take(maker, sizeof(*plan));

	if (!plan)
		return NULL;
	plan->parts = take(maker, (parts ? parts : 1) * sizeof(*plan->parts));
	return plan->parts ? plan : NULL;
}

/* A text of the file's as UTF-8. start NULL: memory is short. */
static struct text clean(const struct plan_maker *maker, struct text text)
{
	uint8_t *copy;

	if (ascii_length((const uint8_t *)text.start, text.size) == text.size)
		return text;
	copy = take(maker, UTF8_GROWTH * text.size);
	return (struct text){ (const char *)copy,
			      copy ? utf8_copy(copy, (const uint8_t *)text.start, text.size) : 0 };
}

/* A field that is the same in all records. start NULL: memory is short. */
static struct text constant_bytes(const struct plan_maker *maker, uint32_t number, struct text text)
{
	struct text utf8 = clean(maker, text);
	uint8_t *start = utf8.start ? take(maker, TAG_ROOM + VARINT_ROOM + utf8.size) : NULL;
	uint8_t *end = start ? put_bytes(start, number, utf8.start, utf8.size) : NULL;

	return (struct text){ (const char *)start, (size_t)(end - start) };
}

static struct text constant_integer(const struct plan_maker *maker, uint32_t number, uint64_t value)
{
	uint8_t *start = take(maker, TAG_ROOM + VARINT_ROOM);
	uint8_t *end = start ? put_integer(start, number, value) : NULL;

	return (struct text){ (const char *)start, (size_t)(end - start) };
}

static uint8_t store_tag(uint8_t *tag, uint32_t number, enum wire_type type)
{
	return (uint8_t)(put_tag(tag, number, type) - tag);
}

static bool is_name(const struct event_format *event, const char *name)
{
	return event->state & TRC_EVENT_FTRACE && text_is(event->name, name);
}

/* --- typed events ---------------------------------------------------------------------------- */

/* Events of their names are what somebody made them. */
static bool is_dynamic(struct text system)
{
	static const char *const systems[] = {
		"kprobes",   "uprobes",	    "eprobes",	 "fprobes",
		"synthetic", "user_events", "dynevents", "syscalls",
	};

	for (size_t i = 0; i < countof(systems); i++) {
		if (text_is(system, systems[i]))
			return true;
	}
	return false;
}

/* Fields that trace processor looks up among the interned names of functions. */
static bool is_function(struct text event, struct text field)
{
	static const struct {
		const char *event, *field;
	} fields[] = {
		{ "sched_blocked_reason", "caller" },
		{ "workqueue_queue_work", "function" },
		{ "workqueue_execute_start", "function" },
		{ "workqueue_execute_end", "function" },
		{ "funcgraph_entry", "func" },
		{ "fgraph_retaddr_entry", "func" },
		{ "funcgraph_exit", "func" },
		{ "mm_shrink_slab_start", "shrink" },
		{ "hrtimer_expire_entry", "function" },
	};

	for (size_t i = 0; i < countof(fields); i++) {
		if (text_is(event, fields[i].event) && text_is(field, fields[i].field))
			return true;
	}
	return false;
}

static struct field_access access_of(const struct event_format *event, const struct event_field *field,
				     uint32_t long_size)
{
	struct field_access access = field_access_of(event, field, long_size, 0);

	if (access.type.shape == SHAPE_BOOL)
		access.width = 1;
	return access;
}

/* How a field of the kernel's becomes one of the schema. false: it cannot. */
static bool typed_kind(const struct field_access *access, const struct schema_field *field, uint8_t *kind)
{
	switch (access->type.shape) {
	case SHAPE_INTEGER:
	case SHAPE_BOOL:
		*kind = PART_INTEGER;
		return field->type != 's' && !field->repeated;
	case SHAPE_TEXT:
		*kind = PART_TEXT;
		return field->type == 's' && !field->repeated;
	case SHAPE_FIXED_LIST:
	case SHAPE_LIST:
		*kind = PART_REPEATED;
		return field->type != 's' && field->repeated;
	default:
		return false;
	}
}

static size_t count_typed(const struct event_format *event, uint32_t long_size, struct text fields,
			  size_t *all)
{
	struct schema_field field;
	size_t count = 0;

	for (*all = 0; schema_next_field(&fields, &field); ++*all) {
		const struct event_field *own = event_own_field(event, field.name);
		struct field_access access;
		uint8_t kind;

		if (!own)
			continue;
		access = access_of(event, own, long_size);
		count += typed_kind(&access, &field, &kind);
	}
	return count;
}

uint32_t plan_schema(const struct event_format *event, uint32_t long_size)
{
	struct text name = is_name(event, "fgraph_retaddr_entry") ? TEXT("funcgraph_entry") : event->name;
	size_t all, fits;
	struct text fields;
	uint32_t typed;

	if (is_dynamic(event->system))
		return SCHEMA_NONE;
	typed = schema_find(name);
	if (typed == SCHEMA_NONE)
		return SCHEMA_NONE;
	schema_number(typed, &fields);
	fits = count_typed(event, long_size, fields, &all);
	if (text_is(name, "sched_switch") || text_is(name, "print"))
		return fits == all ? typed : SCHEMA_NONE;
	return fits || !all || !event->field_count ? typed : SCHEMA_NONE;
}

static bool is_comm(const struct field_access *access)
{
	return access->type.shape == SHAPE_TEXT && access->extent == EXTENT_FIXED && access->size == 16;
}

static bool find_place(const struct event_format *event, uint32_t long_size, const char *name, bool comm,
		       struct field_access *access)
{
	const struct event_field *field = event_own_field(event, (struct text){ name, strlen(name) });

	if (!field)
		return false;
	*access = access_of(event, field, long_size);
	return comm ? is_comm(access) : access->type.shape == SHAPE_INTEGER;
}

static bool find_switch(const struct event_format *event, uint32_t long_size, struct sched_switch_places *at)
{
	return find_place(event, long_size, "prev_comm", true, &at->prev_comm) &&
	       find_place(event, long_size, "prev_pid", false, &at->prev_pid) &&
	       find_place(event, long_size, "prev_prio", false, &at->prev_prio) &&
	       find_place(event, long_size, "prev_state", false, &at->prev_state) &&
	       find_place(event, long_size, "next_comm", true, &at->next_comm) &&
	       find_place(event, long_size, "next_pid", false, &at->next_pid) &&
	       find_place(event, long_size, "next_prio", false, &at->next_prio);
}

static bool find_waking(const struct event_format *event, uint32_t long_size, struct sched_waking_places *at)
{
	return find_place(event, long_size, "comm", true, &at->comm) &&
	       find_place(event, long_size, "pid", false, &at->pid) &&
	       find_place(event, long_size, "prio", false, &at->prio) &&
	       find_place(event, long_size, "target_cpu", false, &at->target_cpu);
}

/* How much a part takes at most, apart from what its own size says: see plan_write(). */
static void add_room(struct plan *plan, const struct part *part)
{
	plan->room += TAG_ROOM + VARINT_ROOM + LENGTH_ROOM + part->constant.size;
	if (part->name.size)
		plan->room += TAG_ROOM + LENGTH_ROOM + part->name.size;
}

static struct part *next_part(struct plan *plan)
{
	return &plan->parts[plan->part_count++];
}

struct plan *plan_typed(const struct plan_maker *maker, const struct event_format *event, uint32_t typed)
{
	struct text fields, rest;
	struct schema_field field;
	uint32_t number = schema_number(typed, &fields);
	size_t all = 0;
	struct plan *plan;

	for (rest = fields; schema_next_field(&rest, &field);)
		all++;
	plan = plan_create(maker, all);
	if (!plan)
		return NULL;
	plan->head_size = store_tag(plan->head, number, WIRE_BYTES);
	while (schema_next_field(&fields, &field)) {
		const struct event_field *own = event_own_field(event, field.name);
		struct part part = { 0 };

		if (!own)
			continue;
		part.access = access_of(event, own, maker->long_size);
		if (!typed_kind(&part.access, &field, &part.kind))
			continue;
		if (part.kind == PART_INTEGER && is_function(event->name, field.name))
			part.kind = PART_FUNCTION;
		part.tag_size = store_tag(part.tag, field.number,
					  part.kind == PART_TEXT ? WIRE_BYTES : WIRE_VARINT);
		add_room(plan, &part);
		*next_part(plan) = part;
	}
	if (text_is(event->name, "sched_switch") && find_switch(event, maker->long_size, &plan->at.on_switch))
		plan->kind = PLAN_SWITCH;
	if (text_is(event->name, "sched_waking") && find_waking(event, maker->long_size, &plan->at.on_waking))
		plan->kind = PLAN_WAKING;
	return plan;
}

/* --- system calls ---------------------------------------------------------------------------- */

static bool begins_with(struct text text, struct text start)
{
	return text.size > start.size && !memcmp(text.start, start.start, start.size);
}

static const struct event_field *syscall_number(const struct event_format *event)
{
	const struct event_field *field = event_own_field(event, TEXT("__syscall_nr"));

	return field ? field : event_own_field(event, TEXT("nr"));
}

bool plan_is_syscall(const struct event_format *event, uint32_t long_size)
{
	const struct event_field *number = syscall_number(event);

	return text_is(event->system, "syscalls") && number &&
	       access_of(event, number, long_size).type.shape == SHAPE_INTEGER &&
	       (begins_with(event->name, TEXT("sys_enter_")) || begins_with(event->name, TEXT("sys_exit_")));
}

struct plan *plan_syscall(const struct plan_maker *maker, const struct event_format *event)
{
	bool enters = begins_with(event->name, TEXT("sys_enter_"));
	uint32_t typed = schema_find(enters ? TEXT("sys_enter") : TEXT("sys_exit"));
	const struct event_field *nr = syscall_number(event);
	struct plan *plan = plan_create(maker, event->field_count);
	struct text fields;

	if (!plan)
		return NULL;
	plan->head_size = store_tag(plan->head, schema_number(typed, &fields), WIRE_BYTES);
	for (uint32_t i = 0; i < event->field_count; i++) {
		const struct event_field *field = &event->fields[i];
		struct part part = { .access = access_of(event, field, maker->long_size) };

		/* What strings say that arguments point to is no argument. */
		if (part.access.type.shape != SHAPE_INTEGER)
			continue;
		part.tag_size = store_tag(part.tag, field == nr ? SYSCALL_ID : SYSCALL_ARGS_OR_RET,
					  WIRE_VARINT);
		add_room(plan, &part);
		*next_part(plan) = part;
	}
	return plan;
}

/* --- generic events -------------------------------------------------------------------------- */

static bool is_stack(const struct event_format *event, const struct event_field *field)
{
	return is_name(event, "kernel_stack") && text_is(field->name, "caller");
}

static uint8_t generic_kind(const struct event_format *event, const struct event_field *field,
			    const struct field_access *access)
{
	switch (access->type.shape) {
	case SHAPE_INTEGER:
	case SHAPE_BOOL:
		return PART_INTEGER;
	case SHAPE_TEXT:
		return PART_TEXT;
	case SHAPE_BITS:
		return PART_BITS;
	case SHAPE_FIXED_LIST:
	case SHAPE_LIST:
		return is_stack(event, field) ? PART_FUNCTIONS : PART_LIST;
	default:
		return PART_HEX;
	}
}

static enum field_type type_of(const struct part *part)
{
	if (part->kind != PART_INTEGER)
		return TYPE_STRING;
	return part->access.is_signed ? TYPE_INT64 : TYPE_UINT64;
}

/* A generic event while it is put together: its parts, and what its descriptor says of them. */
struct described {
	const struct plan_maker *maker;
	struct plan *plan;
	struct output fields; /* of DescriptorProto */
	uint32_t count;
	bool no_memory;
};

static void describe(struct described *described, struct text name, enum field_type type)
{
	struct text utf8 = clean(described->maker, name);

	described->no_memory |= !utf8.start;
	output_head(&described->fields, MESSAGE_FIELD, field_size(FIELD_NAME, utf8.size) + 6);
	output_field(&described->fields, FIELD_NAME, utf8.start, utf8.size);
	output_integer(&described->fields, FIELD_NUMBER, ++described->count);
	output_integer(&described->fields, FIELD_LABEL, 1); /* optional */
	output_integer(&described->fields, FIELD_TYPE, type);
}

static void add_field(struct described *described, struct text name, struct part part)
{
	enum field_type type = type_of(&part);

	describe(described, name, type);
	part.tag_size = store_tag(part.tag, described->count, type == TYPE_STRING ? WIRE_BYTES : WIRE_VARINT);
	add_room(described->plan, &part);
	*next_part(described->plan) = part;
}

static void add_constant(struct described *described, struct text constant)
{
	struct part part = { .kind = PART_CONSTANT, .constant = constant };

	described->no_memory |= !constant.start;
	add_room(described->plan, &part);
	*next_part(described->plan) = part;
}

static void add_constant_text(struct described *described, struct text name, struct text value)
{
	describe(described, name, TYPE_STRING);
	add_constant(described, constant_bytes(described->maker, described->count, value));
}

static void add_constant_number(struct described *described, struct text name, uint64_t value)
{
	describe(described, name, TYPE_UINT64);
	add_constant(described, constant_integer(described->maker, described->count, value));
}

/* Texts of the kernel's own, which are put together when they are read. */
static bool is_printk(const struct event_format *event)
{
	return is_name(event, "bprint") || is_name(event, "bputs");
}

/* What a record is called where it is drawn: of texts and functions what they say. false: as its event. */
static bool drawn_name(const struct plan_maker *maker, const struct event_format *event, struct part *part)
{
	bool is_print = is_name(event, "print");
	const struct event_field *field = NULL;

	*part = (struct part){ .kind = PART_GIVEN };
	if (is_printk(event))
		return true;
	if (is_print)
		field = event_own_field(event, TEXT("buf"));
	else if (is_name(event, "function"))
		field = event_own_field(event, TEXT("ip"));
	if (!field)
		return false;
	part->kind = is_print ? PART_LINE : PART_NAME;
	part->access = access_of(event, field, maker->long_size);
	return part->access.type.shape == (is_print ? SHAPE_TEXT : SHAPE_INTEGER);
}

#define DRAWN_FIELDS 4

/*
 * What makes trace processor draw a generic event as an instant: texts and functions on a track of the
 * thread, and all records of an instance, as far as they are not typed, on one of that name.
 */
static void add_drawn(struct described *described, const struct event_format *event)
{
	const struct plan_maker *maker = described->maker;
	bool in_instance = maker->instance.size;
	struct part part;
	bool named = drawn_name(maker, event, &part);

	if (!named && !in_instance)
		return;
	add_constant_number(described, TEXT("track_event_type"), 'I');
	if (named)
		add_field(described, TEXT("slice_name"), part);
	else
		add_constant_text(described, TEXT("slice_name"), event->name);
	if (in_instance) {
		add_constant_text(described, TEXT("track_name"), maker->instance);
		add_constant_number(described, TEXT("scope_instance"), maker->instance_number);
	}
}

static void put_descriptor(struct described *described, const struct event_format *event, uint32_t id)
{
	const struct plan_maker *maker = described->maker;
	const struct output *fields = &described->fields;
	struct text name = clean(maker, event->name), group = clean(maker, event->system);
	size_t size = field_size(MESSAGE_NAME, name.size) + fields->size;
	struct output *out = maker->descriptors;

	described->no_memory |= !name.start || !group.start;
	output_head(out, BUNDLE_DESCRIPTORS,
		    1 + varint_size(id) + field_size(DESCRIPTOR_GROUP, group.size) +
			    field_size(DESCRIPTOR_EVENT, size));
	output_integer(out, DESCRIPTOR_FIELD_ID, id);
	output_field(out, DESCRIPTOR_GROUP, group.start, group.size);
	output_head(out, DESCRIPTOR_EVENT, size);
	output_field(out, MESSAGE_NAME, name.start, name.size);
	if (fields->size)
		output_bytes(out, fields->data, fields->size);
}

static struct part generic_part(const struct plan_maker *maker, const struct event_format *event,
				const struct event_field *field)
{
	struct part part = { .access = access_of(event, field, maker->long_size) };

	part.kind = generic_kind(event, field, &part.access);
	return part;
}

/* --- generic events without a descriptor ----------------------------------------------------- */

/* A field that is a message of its name and its value. */
static bool add_named(const struct plan_maker *maker, struct plan *plan, struct text name, struct part part)
{
	enum field_type type = type_of(&part);

	part.name = constant_bytes(maker, OLD_FIELD_NAME, name);
	part.tag_size = store_tag(part.tag,
				  type == TYPE_STRING ? OLD_FIELD_STR :
				  type == TYPE_INT64  ? OLD_FIELD_INT :
							OLD_FIELD_UINT,
				  type == TYPE_STRING ? WIRE_BYTES : WIRE_VARINT);
	add_room(plan, &part);
	*next_part(plan) = part;
	return part.name.start != NULL;
}

static struct plan *plan_old(const struct plan_maker *maker, struct text name, size_t parts)
{
	struct plan *plan = plan_create(maker, parts);

	if (!plan)
		return NULL;
	plan->head_size = store_tag(plan->head, EVENT_OLD_GENERIC, WIRE_BYTES);
	plan->prefix = constant_bytes(maker, OLD_GENERIC_NAME, name);
	plan->room = plan->prefix.size;
	return plan->prefix.start ? plan : NULL;
}

static struct plan *plan_many_fields(const struct plan_maker *maker, const struct event_format *event)
{
	struct plan *plan = plan_old(maker, event->name, event->field_count);

	for (uint32_t i = 0; plan && i < event->field_count; i++) {
		const struct event_field *field = &event->fields[i];

		if (!add_named(maker, plan, field->name, generic_part(maker, event, field)))
			return NULL;
	}
	return plan;
}

struct plan *plan_unknown(const struct plan_maker *maker, uint32_t id)
{
	struct part part = {
		.kind = PART_HEX,
		.access = { .extent = EXTENT_REST, .type = { .shape = SHAPE_BINARY } },
	};
	char name[16] = "id ";
	size_t size = 3;
	struct plan *plan;

	for (uint64_t unit = UINT64_C(1000000000); unit; unit /= 10) {
		if (id >= unit || unit == 1)
			name[size++] = (char)('0' + id / unit % 10);
	}
	plan = plan_old(maker, (struct text){ name, size }, 1);
	return plan && add_named(maker, plan, TEXT("raw"), part) ? plan : NULL;
}

struct plan *plan_generic(const struct plan_maker *maker, const struct event_format *event)
{
	struct described described = { .maker = maker };
	uint32_t id;

	if (event->field_count + DRAWN_FIELDS > DESCRIBED_MOST)
		return plan_many_fields(maker, event);
	described.plan = plan_create(maker, event->field_count + DRAWN_FIELDS);
	if (!described.plan)
		return NULL;
	output_init(&described.fields);
	for (uint32_t i = 0; i < event->field_count; i++)
		add_field(&described, event->fields[i].name, generic_part(maker, event, &event->fields[i]));
	add_drawn(&described, event);
	if (is_printk(event))
		described.plan->kind = PLAN_TEXT;
	id = FIRST_FIELD_ID + (*maker->next_field_id)++;
	described.plan->head_size = store_tag(described.plan->head, id, WIRE_BYTES);
	put_descriptor(&described, event, id);
	described.no_memory |= described.fields.no_memory || maker->descriptors->no_memory;
	output_deinit(&described.fields);
	return described.no_memory ? NULL : described.plan;
}
