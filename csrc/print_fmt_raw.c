/* SPDX-License-Identifier: MIT */
/* A record as NAME=VALUE of its fields: report -R, and print fmts that cannot be read. docs/FORMAT.md 5.7. */
#include "print_fmt_program.h"

static bool is_printable(struct span bytes)
{
	for (uint32_t i = 0; i < bytes.size && bytes.data[i]; i++) {
		uint8_t c = bytes.data[i];

		if ((c < ' ' || c > '~') && !(c >= '\t' && c <= '\r'))
			return false;
	}
	return true;
}

/*
 * Characters as text, anything else byte by byte. A field that was once not printable stays an
 * array: libtraceevent clears its flag. One without size is not looked at, and taken for a text.
 */
static void print_array(const struct print_fmt *p, const struct print_record *r, uint32_t index,
			const struct place *field, struct output *out)
{
	struct span bytes = field->flags & TRC_FIELD_DYNAMIC ? read_dynamic(p, r, field) :
							       read_static(r, field);
	bool unsized = !field->size;

	if ((field->flags & TRC_FIELD_STRING) && !(r->binary && r->binary[index]) &&
	    (unsized || is_printable(bytes))) {
		const uint8_t *end;

		/* It goes on to the next NUL, be it behind the field; here no further than the record. */
		bytes.size = r->size - (uint32_t)(bytes.data - r->data);
		end = memchr(bytes.data, 0, bytes.size);
		output_bytes(out, (const char *)bytes.data,
			     end ? (size_t)(end - bytes.data) : bytes.size);
		return;
	}
	if (r->binary)
		r->binary[index] = true;
	output_literal(out, "ARRAY[");
	for (uint32_t i = 0; i < bytes.size && !unsized; i++) {
		char digits[2] = { number_lower[bytes.data[i] >> 4], number_lower[bytes.data[i] & 15] };

		if (i)
			output_literal(out, ", ");
		output_bytes(out, digits, 2);
	}
	output_char(out, ']');
}

/* The smaller the number the narrower it is padded: "%2d" of 2 bytes. */
static void print_signed(uint64_t value, uint32_t size, bool is_long, struct output *out)
{
	struct number_format padded = { .letter = 'd', .width = 2 };

	switch (size) {
	case 1:
		output_signed(out, (int8_t)value);
		break;
	case 2:
		output_number(out, &padded, (uint64_t)(int64_t)(int16_t)value);
		break;
	case 4:
		if (is_long) {
			output_literal(out, "0x");
			output_hex(out, (uint32_t)value);
		} else {
			output_signed(out, (int32_t)value);
		}
		break;
	default:
		output_signed(out, (int64_t)value);
	}
}

static void print_value(const struct print_fmt *p, const struct print_record *r, uint32_t index,
			const struct place *field, struct output *out)
{
	uint64_t value;

	if (field->flags & TRC_FIELD_ARRAY) {
		print_array(p, r, index, field, out);
		return;
	}
	value = read_number(p, r, field->offset, field->size);
	if (field->flags & TRC_FIELD_POINTER) {
		output_literal(out, "0x");
		output_hex(out, value);
	} else if (field->flags & TRC_FIELD_SIGNED) {
		print_signed(value, field->size, field->flags & TRC_FIELD_LONG, out);
	} else if (field->flags & TRC_FIELD_LONG) {
		output_literal(out, "0x");
		output_hex(out, value);
	} else {
		output_decimal(out, value);
	}
}

/* Does the conversion show this field and nothing else, casts aside? */
static bool shows_field(const struct print_fmt *p, const struct piece *piece,
			const struct event_field *field)
{
	const struct expr *e;

	if (piece->arg == NO_EXPR)
		return false;
	for (e = &p->exprs[piece->arg]; e->code == EXPR_MASK && e->a != NO_EXPR; e = &p->exprs[e->a])
		;
	return e->code == EXPR_FIELD && e->field.offset == field->offset &&
	       e->field.size == field->size && text_equal(e->text, field->name);
}

static bool ends_in_0x(struct text text)
{
	return text.size > 1 && !memcmp(text.start + text.size - 2, "0x", 2);
}

/*
 * The first conversion that shows the field, looked for from *next on, round about; *next moves
 * behind it. When that is the end of the format libtraceevent does not begin anew: no later field
 * gets one.
 */
static const struct piece *find_conversion(const struct print_fmt *p, uint32_t *next,
					   const struct event_field *field, struct text *before)
{
	uint32_t count = p->piece_count;

	if (count && !p->pieces[count - 1].before.size)
		count--;	/* nothing stands behind the last conversion */
	if (*next >= count)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = *next + i < count ? *next + i : *next + i - count;

		if (!shows_field(p, &p->pieces[at], field))
			continue;
		*before = p->pieces[at].before;
		if (!at && i && !before->size)	/* the end of the format is what came before its start */
			*before = p->pieces[p->piece_count - 1].before;
		*next = at + 1;
		return &p->pieces[at];
	}
	return NULL;
}

void print_fmt_run_raw(const struct print_fmt *program, const struct print_record *record,
		       struct output *out)
{
	const struct event_format *event = program->event;
	uint32_t next = 0;

	for (uint32_t i = 0; i < event->reported_field_count; i++) {
		const struct event_field *field = &event->fields[i];
		const struct piece *piece = NULL;
		struct text before = TEXT("");
		struct place place = { field->offset, field->size, field->element_size,
				       (uint16_t)field->flags, false };

		output_char(out, ' ');
		output_text(out, field->name);
		output_char(out, '=');
		if (!program->failed && !(field->flags & (TRC_FIELD_ARRAY | TRC_FIELD_STRING)))
			piece = find_conversion(program, &next, field, &before);
		if (!piece) {
			print_value(program, record, i, &place, out);
			continue;
		}
		if (ends_in_0x(before))
			output_literal(out, "0x");
		piece_run(program, record, piece, true, out);
	}
}
