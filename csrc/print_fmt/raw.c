/* SPDX-License-Identifier: MIT */
/* A record as NAME=VALUE of its fields: report -R, and print fmts that cannot be read. docs/FORMAT.md 5.7. */
#include <stdlib.h>

#include "metadata/api.h"
#include "print_fmt/program.h"

#define PIECES_FEW 64 /* are looked through one by one: more than print fmts of kernels have */
#define NO_PIECE UINT32_MAX

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

		/* It goes on to the next NUL, be it after the field; here no further than the record. */
		bytes.size = r->size - (uint32_t)(bytes.data - r->data);
		end = memchr(bytes.data, 0, bytes.size);
		output_bytes(out, (const char *)bytes.data, end ? (size_t)(end - bytes.data) : bytes.size);
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
/* Which piece shows which field. */
struct shown {
	struct text name;
	uint32_t offset, size;
	uint32_t piece;
};

/* false: the piece shows no field alone. */
static bool shown_field(const struct print_fmt *p, uint32_t piece, struct shown *out)
{
	const struct expr *e;

	if (p->pieces[piece].arg == NO_EXPR)
		return false;
	for (e = &p->exprs[p->pieces[piece].arg]; e->code == EXPR_MASK && e->a != NO_EXPR;
	     e = &p->exprs[e->a])
		;
	*out = (struct shown){ e->text, e->field.offset, e->field.size, piece };
	return e->code == EXPR_FIELD;
}

static int compare_field(const struct shown *x, const struct shown *y)
{
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return text_compare(x->name, y->name);
}

static int compare_shown(const void *a, const void *b)
{
	const struct shown *x = a, *y = b;
	int order = compare_field(x, y);

	return order ? order : (x->piece > y->piece) - (x->piece < y->piece);
}

bool print_fmt_make_raw(struct print_fmt *p)
{
	if (p->piece_count <= PIECES_FEW)
		return true;
	p->shown = calloc(p->piece_count, sizeof(*p->shown));
	if (!p->shown)
		return false;
	for (uint32_t i = 0; i < p->piece_count; i++)
		p->shown_count += shown_field(p, i, &p->shown[p->shown_count]);
	qsort(p->shown, p->shown_count, sizeof(*p->shown), compare_shown);
	return true;
}

/* The first piece from wanted->piece on that shows the field; NO_PIECE: none does. */
static uint32_t find_in_shown(const struct print_fmt *p, const struct shown *wanted)
{
	size_t low = 0, high = p->shown_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_shown(&p->shown[middle], wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->shown_count && !compare_field(&p->shown[low], wanted) ? p->shown[low].piece :
										NO_PIECE;
}

static uint32_t find_in_pieces(const struct print_fmt *p, const struct shown *wanted, uint32_t end)
{
	struct shown shown;

	for (uint32_t i = wanted->piece; i < end; i++)
		if (shown_field(p, i, &shown) && !compare_field(&shown, wanted))
			return i;
	return NO_PIECE;
}

static bool ends_in_0x(struct text text)
{
	return text.size > 1 && !memcmp(text.start + text.size - 2, "0x", 2);
}

/*
 * The first conversion that shows the field, looked for from *next on, round about; *next moves
 * after it. When that is the end of the format libtraceevent does not begin anew: no later field
 * gets one.
 */
static const struct piece *find_conversion(const struct print_fmt *p, uint32_t *next,
					   const struct event_field *field, struct text *before)
{
	struct shown wanted = { field->name, field->offset, field->size, *next };
	uint32_t count = p->piece_count, at;
	bool round;

	if (count && !p->pieces[count - 1].before.size)
		count--; /* nothing stands behind the last conversion */
	if (*next >= count)
		return NULL;
	at = p->shown ? find_in_shown(p, &wanted) : find_in_pieces(p, &wanted, count);
	round = at == NO_PIECE;
	if (round) {
		wanted.piece = 0;
		at = p->shown ? find_in_shown(p, &wanted) : find_in_pieces(p, &wanted, *next);
	}
	if (at == NO_PIECE)
		return NULL;
	*before = p->pieces[at].before;
	if (!at && round && !before->size) /* the end of the format is what came before its start */
		*before = p->pieces[p->piece_count - 1].before;
	*next = at + 1;
	return &p->pieces[at];
}

void print_fmt_run_raw(const struct print_fmt *program, const struct print_record *record, struct output *out)
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
		if (!program->failed && !program->bare &&
		    !(field->flags & (TRC_FIELD_ARRAY | TRC_FIELD_STRING)))
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
