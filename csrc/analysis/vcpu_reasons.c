/* SPDX-License-Identifier: MIT */
/* Why vCPUs left the guest, as kvm_exit's own print format names it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/vcpu.h"
#include "base/error.h"
#include "metadata/metadata.h"
#include "records/data.h"

#define KNOWN_MOST 4096 /* reasons of a damaged file would be without end */
#define TEXT_SIZE 256

/* --- fields ---------------------------------------------------------------------------------- */

static bool is_integer(const struct event_field *field)
{
	return !(field->flags & (TRC_FIELD_ARRAY | TRC_FIELD_DYNAMIC)) &&
	       (field->size == 1 || field->size == 2 || field->size == 4 || field->size == 8);
}

static bool overlap(const struct vcpu_field *a, const struct vcpu_field *b)
{
	return a->offset < (uint64_t)b->offset + b->width && b->offset < (uint64_t)a->offset + a->width;
}

bool vcpu_find_fields(const struct event_format *event, const char *const *names, size_t count,
		      struct vcpu_fields *fields)
{
	fields->size = 0;
	for (size_t i = 0; i < count; i++) {
		const struct event_field *field =
			event_own_field(event, (struct text){ names[i], strlen(names[i]) });
		struct vcpu_field *to = &fields->fields[i];

		if (!field || !is_integer(field) || field->offset > UINT32_MAX - field->size)
			return false;
		*to = (struct vcpu_field){ field->offset, field->size, field->flags & TRC_FIELD_SIGNED };
		for (size_t other = 0; other < i; other++) {
			if (overlap(to, &fields->fields[other]))
				return false;
		}
		if (to->offset + to->width > fields->size)
			fields->size = to->offset + to->width;
	}
	return true;
}

static bool has_field(const struct event_format *event, const char *name)
{
	return event_own_field(event, (struct text){ name, strlen(name) }) != NULL;
}

/* The field that says why, whatever the machine calls it; and the one that it takes to know what that means. */
static int find(struct vcpu_reasons *reasons, const struct trc_metadata *metadata,
		const struct event_format *event, struct trc_error *err)
{
	static const char *const fields[] = { "exit_reason", "exit_nr", "ret", "reason", "scause" };
	const char *names[2];

	for (size_t i = 0; i < countof(fields) && !reasons->field; i++) {
		if (has_field(event, fields[i]))
			reasons->field = fields[i];
	}
	if (!reasons->field)
		return TRC_OK;
	if (has_field(event, "isa"))
		reasons->second = "isa";
	else if (has_field(event, "esr_ec"))
		reasons->second = "esr_ec";
	names[0] = reasons->field;
	names[1] = reasons->second;
	reasons->has = vcpu_find_fields(event, names, reasons->second ? 2 : 1, &reasons->fields);
	if (!reasons->has)
		return TRC_OK;
	return trc_value_names_create(metadata, event->index, &reasons->names, err);
}

int reasons_find(struct vcpu_timeline *timeline, const struct analysis_file *file,
		 const struct event_format *event, struct trc_error *err)
{
	struct vcpu_reasons *reasons = &timeline->reasons;

	reasons->known.words = 2;
	reasons->short_text = text_table_add(&timeline->texts, &timeline->base, TEXT("?"));
	if (reasons->short_text == NO_TEXT)
		return trc_fail_no_memory(err);
	return find(reasons, file->data->metadata, event, err);
}

void reasons_deinit(struct vcpu_reasons *reasons)
{
	trc_value_names_destroy(reasons->names);
	key_map_deinit(&reasons->known);
	free(reasons->texts);
}

/* --- names of values ------------------------------------------------------------------------- */

static bool is_text(const char *start, size_t size, const char *text)
{
	return strlen(text) == size && !memcmp(start, text, size);
}

/* A 64-bit constant as a field of so many bits can have it; false: it cannot. */
static bool fits(uint64_t constant, unsigned bits, uint64_t *value)
{
	int64_t number = (int64_t)constant;

	*value = constant;
	if (bits == 64)
		return true;
	*value &= (UINT64_C(1) << bits) - 1;
	return number >= -(INT64_C(1) << (bits - 1)) && number < INT64_C(1) << bits;
}

/* The first list of a field, of those for an instruction set where isa is not NULL. */
static bool find_list(const struct vcpu_reasons *reasons, const char *field, const uint64_t *isa, size_t *at)
{
	struct trc_value_list list;

	for (*at = 0; !trc_value_list(reasons->names, *at, &list, NULL); ++*at) {
		bool of_isa = is_text(list.condition, list.condition_size, "isa");

		if (is_text(list.field, list.field_size, field) &&
		    (isa ? of_isa && list.condition_value == *isa : !of_isa))
			return true;
	}
	return false;
}

/* A value's name; size 0: it has none. */
static struct text name_of(const struct vcpu_reasons *reasons, const char *field,
			   const struct vcpu_field *place, uint64_t value, const uint64_t *isa)
{
	unsigned bits = 8 * place->width;
	uint64_t top = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	struct trc_value_list list;
	size_t at;

	if ((!isa || !find_list(reasons, field, isa, &at)) && !find_list(reasons, field, NULL, &at))
		return TEXT("");
	if (trc_value_list(reasons->names, at, &list, NULL))
		return TEXT("");
	value &= top & list.mask;
	for (size_t i = 0; i < list.count; i++) {
		struct text name;
		uint64_t constant;

		if (!trc_value_name(reasons->names, at, i, &constant, &name.start, &name.size, NULL) &&
		    fits(constant, bits, &constant) && constant == value)
			return name;
	}
	return TEXT("");
}

static struct text print_number(char *room, const struct vcpu_field *place, uint64_t value)
{
	int size = place->is_signed ? snprintf(room, TEXT_SIZE, "%" PRId64, (int64_t)value) :
				      snprintf(room, TEXT_SIZE, "%" PRIu64, value);

	return (struct text){ room, (size_t)size };
}

/* On arm64 an exit for a trap has a syndrome, which says what was trapped. */
static struct text describe_trap(const struct vcpu_reasons *reasons, char *room, uint64_t value)
{
	const struct vcpu_field *place = &reasons->fields.fields[1];
	struct text name = name_of(reasons, reasons->second, place, value, NULL);
	bool negative = place->is_signed && (int64_t)value < 0;
	int size;

	if (name.size)
		return name;
	size = snprintf(room, TEXT_SIZE, "TRAP %s0x%" PRIx64, negative ? "-" : "",
			negative ? 0 - value : value);
	return (struct text){ room, (size_t)size };
}

static struct text describe(const struct vcpu_reasons *reasons, char *room, const uint64_t values[2])
{
	const struct vcpu_field *place = &reasons->fields.fields[0];
	bool has_isa = reasons->second && !strcmp(reasons->second, "isa");
	struct text name = name_of(reasons, reasons->field, place, values[0], has_isa ? &values[1] : NULL);

	if (!name.size)
		name = print_number(room, place, values[0]);
	if (reasons->second && !has_isa && text_is(name, "TRAP"))
		return describe_trap(reasons, room, values[1]);
	return name;
}

/* --- texts ----------------------------------------------------------------------------------- */

static uint32_t look_up(struct vcpu_timeline *timeline, const uint64_t values[2])
{
	struct vcpu_reasons *reasons = &timeline->reasons;
	char room[TEXT_SIZE];
	uint32_t number;
	bool added;

	if (reasons->known.count >= KNOWN_MOST) {
		key_map_deinit(&reasons->known);
		reasons->known = (struct key_map){ .words = 2 };
	}
	if (!reasons->texts) {
		reasons->texts = malloc(KNOWN_MOST * sizeof(*reasons->texts));
		if (!reasons->texts)
			return NO_TEXT;
	}
	number = key_map_add(&reasons->known, &timeline->base, values, &added);
	if (number == KEY_NONE)
		return NO_TEXT;
	if (added)
		reasons->texts[number] = text_table_add(&timeline->texts, &timeline->base,
							describe(reasons, room, values));
	return reasons->texts[number];
}

uint32_t reasons_text(struct vcpu_timeline *timeline, const struct walk_record *record, bool big_endian)
{
	struct vcpu_reasons *reasons = &timeline->reasons;
	uint64_t values[2] = { 0 };

	if (!reasons->has || record->size < reasons->fields.size)
		return reasons->short_text;
	for (size_t i = 0; i < (reasons->second ? 2 : 1); i++)
		values[i] = vcpu_load(&reasons->fields.fields[i], record->payload, big_endian);
	if (reasons->has_last && reasons->last[0] == values[0] && reasons->last[1] == values[1])
		return reasons->last_text;
	reasons->last_text = look_up(timeline, values);
	reasons->has_last = true;
	memcpy(reasons->last, values, sizeof(values));
	return reasons->last_text;
}

/* --- for those who have values from elsewhere ------------------------------------------------- */

struct trc_exit_reasons {
	struct vcpu_reasons reasons;
};

int trc_exit_reasons_create(const struct trc_metadata *metadata, size_t event, struct trc_exit_reasons **out,
			    struct trc_error *err)
{
	struct trc_exit_reasons *made;
	int rc;

	if (event >= metadata->formats.count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "event formats: there are %zu, not %zu",
				metadata->formats.count, event + 1);
	made = calloc(1, sizeof(*made));
	if (!made)
		return trc_fail_no_memory(err);
	rc = find(&made->reasons, metadata, &metadata->formats.list[event], err);
	if (rc) {
		trc_exit_reasons_destroy(made);
		return rc;
	}
	*out = made;
	return TRC_OK;
}

void trc_exit_reasons_destroy(struct trc_exit_reasons *reasons)
{
	if (!reasons)
		return;
	reasons_deinit(&reasons->reasons);
	free(reasons);
}

const char *trc_exit_reasons_field(const struct trc_exit_reasons *reasons, size_t index)
{
	const struct vcpu_reasons *of = &reasons->reasons;

	if (!of->has || index > 1)
		return NULL;
	return index ? of->second : of->field;
}

/* A number as a field has it: of its width, and with its sign. */
static uint64_t as_field(const struct vcpu_field *place, uint64_t value)
{
	unsigned spare = 64 - 8 * place->width;
	uint64_t top = value << spare;

	return place->is_signed && top >> 63 ? ~(~top >> spare) : top >> spare;
}

size_t trc_exit_reasons_text(const struct trc_exit_reasons *reasons, uint64_t value, uint64_t second,
			     char *text, size_t size)
{
	const struct vcpu_reasons *of = &reasons->reasons;
	uint64_t values[2] = { value, second };
	char room[TEXT_SIZE];
	struct text found;

	if (!of->has)
		return 0;
	for (size_t i = 0; i < (of->second ? 2 : 1); i++)
		values[i] = as_field(&of->fields.fields[i], values[i]);
	found = describe(of, room, values);
	if (found.size <= size)
		memcpy(text, found.start, found.size);
	return found.size;
}
