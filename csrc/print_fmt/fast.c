/* SPDX-License-Identifier: MIT */
#include "print_fmt/fast.h"

#include <stdlib.h>

#include "metadata/api.h"

/* Of larger char arrays the end is searched for with memchr(). */
#define CHARACTERS_MAX 256

/* A program with more text than this is not run fast: the room is asked for with every record. */
#define ROOM_MAX ((size_t)1 << 16)

/* --- making steps ------------------------------------------------------------------------ */

/* What a program has so far of the branches of ?: in it. */
struct branches {
	struct print_fmt *p;
	uint32_t count, room;
};

static uint32_t add_branch(struct branches *branches, struct fast_step step)
{
	struct print_fmt *p = branches->p;

	if (branches->count == branches->room) {
		uint32_t room = branches->room ? branches->room * 2 : 8;
		struct fast_step *larger = realloc(p->branches, room * sizeof(*larger));

		if (!larger)
			return NO_EXPR;
		p->branches = larger;
		branches->room = room;
	}
	p->branches[branches->count] = step;
	return branches->count++;
}

static void need(struct print_fmt *p, uint64_t end)
{
	if (end > p->fast_size)
		p->fast_size = end > UINT32_MAX ? UINT32_MAX : (uint32_t)end;
}

static bool constant(const struct print_fmt *p, uint32_t index, uint64_t *value)
{
	if (index == NO_EXPR || (p->exprs[index].code != EXPR_CONST && p->exprs[index].code != EXPR_TEXT))
		return false;
	*value = p->exprs[index].value;
	return true;
}

/* Of an operator one of whose sides is a constant: *other is the other side. */
static bool constant_side(const struct print_fmt *p, const struct expr *e, uint64_t *value, uint32_t *other)
{
	bool first = constant(p, e->a, value);

	*other = first ? e->b : e->a;
	return *other != NO_EXPR && (first || constant(p, e->b, value));
}

/* ((a field, or an element of an array) & mask) + plus */
struct number {
	uint64_t offset, mask, plus;
	unsigned size; /* bytes */
};

static bool find_place(const struct print_fmt *p, const struct expr *e, struct number *number)
{
	uint64_t index = 0;

	number->offset = e->field.offset;
	number->size = e->code == EXPR_INDEX ? e->size : e->field.size;
	if (e->code == EXPR_INDEX) {
		if (!constant(p, e->b, &index) || index > UINT16_MAX || e->field.dynamic ||
		    !e->field.element_size)
			return false;
		number->offset += index * e->field.element_size;
		number->mask &= e->value;
	} else if (e->code != EXPR_FIELD) {
		return false;
	}
	return number->size == 1 || number->size == 2 || number->size == 4 || number->size == 8;
}

static bool find_number(const struct print_fmt *p, uint32_t arg, struct number *number)
{
	const struct expr *e = &p->exprs[arg];
	uint64_t value = 0;
	uint32_t other;

	*number = (struct number){ .mask = UINT64_MAX };
	if (e->code == EXPR_ADD && constant_side(p, e, &number->plus, &other))
		e = &p->exprs[other];
	for (;;) {
		if (e->code == EXPR_MASK && e->a != NO_EXPR) {
			number->mask &= e->value;
			e = &p->exprs[e->a];
		} else if (e->code == EXPR_AND && constant_side(p, e, &value, &other)) {
			number->mask &= value;
			e = &p->exprs[other];
		} else {
			return find_place(p, e, number);
		}
	}
}

static uint64_t low_bits(unsigned bits)
{
	return bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
}

/* Is the number one whose conversion to a type of so many bits step_number() can do? */
static bool narrows(const struct number *number, unsigned bits, bool is_signed)
{
	uint64_t of_field = low_bits(8 * number->size), mask = number->mask & of_field;

	if (number->plus)
		return bits == 64;
	return mask == of_field || bits == 64 || mask <= low_bits(bits - is_signed);
}

/*
 * Whatever its size, a number is loaded with the eight bytes that end where it does: all but the
 * first fields of a record have that many before them. See step_number() for what then happens.
 */
static void make_number(struct print_fmt *p, uint32_t arg, unsigned shift, bool is_signed,
			struct fast_step *step)
{
	unsigned bits = 64 - shift;
	struct number number;
	uint64_t end;

	step->number = arg;
	step->shift = (uint8_t)shift;
	step->is_signed = is_signed;
	if (arg == NO_EXPR || !find_number(p, arg, &number) || !narrows(&number, bits, is_signed))
		return;
	number.mask &= low_bits(8 * number.size);
	if (8 * number.size < bits || number.mask != low_bits(8 * number.size)) { /* what is above is 0 */
		bits = 8 * number.size;
		is_signed = false;
	}
	/* The bytes that count: the first of a little-endian number, the last of a big-endian one. */
	end = number.offset + (p->big_endian ? number.size : bits / 8);
	if (end < 8 || end > UINT32_MAX)
		return;
	step->loads = true;
	step->is_signed = is_signed;
	step->shift = (uint8_t)(64 - bits);
	step->mask = is_signed ? UINT64_MAX : number.mask;
	step->plus = number.plus;
	step->offset = (uint32_t)end - 8;
	need(p, number.offset + number.size);
}

static size_t longest_name(const struct print_fmt *p, const struct expr *e)
{
	size_t longest = 0;

	for (uint32_t i = 0; i < e->count; i++)
		if (p->entries[e->first + i].name.size > longest)
			longest = p->entries[e->first + i].name.size;
	return longest;
}

static bool make_string(struct branches *branches, uint32_t arg, struct fast_step *step);

static bool make_text(struct print_fmt *p, struct text text, struct fast_step *step)
{
	char *copy = arena_alloc(&p->arena, text.size + COPY_SLACK);

	if (!copy)
		return false;
	memcpy(copy, text.start, text.size);
	step->op = FAST_TEXT;
	step->before = (struct text){ copy, text.size };
	p->room += text.size + COPY_SLACK;
	return true;
}

/* NO_EXPR: out of memory. */
static uint32_t make_branch(struct branches *branches, uint32_t arg)
{
	struct print_fmt *p = branches->p;
	struct fast_step step = { .op = FAST_TEXT, .before = TEXT("") };
	bool made = true;

	if (arg != NO_EXPR && p->exprs[arg].code == EXPR_TEXT)
		made = make_text(p, p->exprs[arg].text, &step);
	else if (arg != NO_EXPR)
		made = make_string(branches, arg, &step);
	return made ? add_branch(branches, step) : NO_EXPR;
}

/* What decides: of (1 && X) that is X. */
static uint32_t condition(const struct print_fmt *p, uint32_t arg)
{
	const struct expr *e;
	uint64_t value = 0;
	uint32_t other;

	while (arg != NO_EXPR) {
		e = &p->exprs[arg];
		if (e->code != EXPR_ALL || !constant_side(p, e, &value, &other) || !value)
			break;
		arg = other;
	}
	return arg;
}

static bool make_choice(struct branches *branches, const struct expr *e, struct fast_step *step)
{
	step->op = FAST_CHOICE;
	step->yes = make_branch(branches, e->b);
	step->no = make_branch(branches, e->c);
	make_number(branches->p, condition(branches->p, e->a), 0, false, step);
	return step->yes != NO_EXPR && step->no != NO_EXPR;
}

/* %s of an expression, without width or precision. false: out of memory. */
static bool make_string(struct branches *branches, uint32_t arg, struct fast_step *step)
{
	struct print_fmt *p = branches->p;
	const struct expr *e = &p->exprs[arg];

	step->shown = arg;
	switch (e->code) {
	case EXPR_COND:
		return make_choice(branches, e, step);
	case EXPR_FLAGS:
		step->op = FAST_FLAGS;
		make_number(p, e->a, 0, false, step);
		p->room += CACHED_TEXT_ROOM;
		return true;
	case EXPR_SYMBOL:
		step->op = FAST_SYMBOLIC;
		make_number(p, e->a, 0, false, step);
		p->room += longest_name(p, e) + COPY_SLACK;
		return true;
	case EXPR_STRING:
		step->op = FAST_STRING;
		return true;
	case EXPR_FIELD:
		step->op = FAST_PRINT;
		if (!(e->field.flags & TRC_FIELD_ARRAY) || !e->field.size || e->field.size > CHARACTERS_MAX)
			return true;
		step->op = FAST_CHARACTERS;
		step->offset = e->field.offset;
		step->width = (uint16_t)e->field.size;
		p->room += e->field.size;
		need(p, (uint64_t)e->field.offset + e->field.size);
		return true;
	default:
		step->op = FAST_PRINT;
		return true;
	}
}

static bool is_padded_hex(const struct piece *piece)
{
	const struct number_format *f = &piece->format;

	return f->letter == 'x' && f->zero && f->width <= 16 && piece->star == NO_EXPR && !f->minus &&
	       !f->plus && !f->hash && !f->has_precision;
}

static enum fast_op number_op(const struct piece *piece, bool kernel_text)
{
	switch (piece->code) {
	case PIECE_DECIMAL:
		return FAST_DECIMAL;
	case PIECE_SIGNED:
		return FAST_SIGNED;
	case PIECE_HEX:
		return FAST_HEX;
	case PIECE_POINTER:
		return kernel_text ? FAST_PIECE : FAST_POINTER;
	case PIECE_NUMBER:
		return is_padded_hex(piece) ? FAST_PADDED_HEX : FAST_PIECE;
	case PIECE_SYMBOL:
		if (kernel_text)
			return FAST_PIECE;
		return piece->spec[0] == 'S' || piece->spec[0] == 'F' ? FAST_FUNCTION_OFFSET : FAST_FUNCTION;
	default:
		return FAST_PIECE;
	}
}

static bool make_step(struct branches *branches, uint32_t index, struct fast_step *step)
{
	struct print_fmt *p = branches->p;
	const struct piece *piece = &p->pieces[index];

	*step = (struct fast_step){ .op = FAST_PIECE, .piece = index, .before = piece->before };
	p->room += piece->before.size + NUMBER_ROOM + COPY_SLACK;
	if (piece->code == PIECE_PLAIN_STRING && piece->arg != NO_EXPR)
		return make_string(branches, piece->arg, step);
	step->op = piece->code == PIECE_END ? FAST_END : (uint8_t)number_op(piece, p->env->kernel_text);
	step->width = (uint16_t)piece->format.width;
	if (step->op != FAST_END && step->op != FAST_PIECE)
		make_number(p, piece->arg, piece->shift, piece->is_signed, step);
	if (step->op == FAST_FUNCTION || step->op == FAST_FUNCTION_OFFSET)
		p->room += CACHED_TEXT_ROOM;
	return true;
}

bool print_fmt_make_fast(struct print_fmt *p)
{
	struct branches branches = { .p = p };

	p->steps = calloc(p->piece_count + (size_t)1, sizeof(*p->steps));
	if (!p->steps)
		return false;
	for (uint32_t i = 0; i < p->piece_count; i++)
		if (!make_step(&branches, i, &p->steps[i]))
			return false;
	if (p->room > ROOM_MAX || p->failed)
		p->fast_size = UINT32_MAX;
	return true;
}

/* --- running ----------------------------------------------------------------------------- */

/*
 * The bytes that were loaded before the number go first. In a little-endian record they are the low
 * ones.
 */
TRC_INLINE uint64_t step_number(const struct print_fmt *p, const struct print_record *r,
				const struct fast_step *step, bool big_endian)
{
	uint64_t value;

	if (TRC_UNLIKELY(!step->loads)) {
		value = expr_eval(p, r, step->number) << step->shift;
		return step->is_signed ? (uint64_t)((int64_t)value >> step->shift) : value >> step->shift;
	}
	value = load_u64(r->data + step->offset, big_endian) << (big_endian ? step->shift : 0);
	value = step->is_signed ? (uint64_t)((int64_t)value >> step->shift) : value >> step->shift;
	return (value & step->mask) + step->plus;
}

TRC_INLINE char *put_padded_hex(char *to, uint64_t value, uint32_t width)
{
	unsigned places = (67 - (unsigned)__builtin_clzll(value | 1)) / 4;

	if (width > places) {
		memcpy(to, "0000000000000000", 16);
		to += width - places;
	}
	return number_hex(to, value);
}

TRC_INLINE char *put_pointer(char *to, uint64_t value)
{
	memcpy(to, value ? "0x   " : "(nil)", 5);
	return value ? number_hex(to + 2, value) : to + 5;
}

TRC_INLINE char *put_symbolic(const struct print_fmt *p, const struct expr *e, uint64_t value, char *to)
{
	const struct entry *entry = p->entries + e->first, *end = entry + e->count;

	if (e->sorted && value < e->count)
		entry += value;
	for (; entry < end; entry++)
		if (entry->value == value)
			return copy_short(to, entry->name.start, entry->name.size);
	memcpy(to, "0x", 2);
	return number_hex(to + 2, value);
}

TRC_INLINE char *put_characters(char *to, const uint8_t *from, uint32_t size)
{
	for (uint32_t i = 0; i < size && from[i]; i++)
		*to++ = (char)from[i];
	return to;
}

static char *put_string(const struct print_fmt *p, struct span bytes, struct output *out, char *to)
{
	const uint8_t *end = memchr(bytes.data, 0, bytes.size);
	size_t size = end ? (size_t)(end - bytes.data) : bytes.size;

	out->size = (size_t)(to - out->data);
	to = output_reserve(out, size + p->room);
	if (!to)
		return NULL;
	memcpy(to, bytes.data, size);
	return to + size;
}

/* What a step writes that goes through the buffer: room is asked for again afterwards. */
TRC_INLINE char *aside(const struct print_fmt *p, const struct print_record *r, const struct fast_step *step,
		       struct output *out, char *to)
{
	out->size = (size_t)(to - out->data);
	if (step->op == FAST_PRINT)
		expr_print(p, r, step->shown, NULL, out);
	else
		piece_run(p, r, &p->pieces[step->piece], false, out);
	return output_reserve(out, p->room);
}

/* The text of flags, from the cache or into it. */
static char *put_flags(const struct print_fmt *p, const struct print_record *r, const struct fast_step *step,
		       uint64_t value, struct output *out, char *to)
{
	struct cached_flags *slot = flags_cache_slot(r->symbols, step, value);
	size_t start;

	if (TRC_LIKELY(slot->of == step && slot->value == value))
		return copy_twice(to, slot->text, slot->size);
	start = out->size = (size_t)(to - out->data);
	expr_print(p, r, step->shown, NULL, out);
	if (out->size - start <= CACHED_TEXT_ROOM) {
		slot->of = step;
		slot->value = value;
		slot->size = out->size - start;
		memcpy(slot->text, out->data + start, slot->size);
	}
	return output_reserve(out, p->room);
}

TRC_INLINE void run(const struct print_fmt *p, const struct print_record *r, bool big_endian,
		    struct output *out)
{
	const struct cached_symbol *symbol;
	const struct fast_step *next = p->steps;
	char *to = output_reserve(out, p->room);

	while (TRC_LIKELY(to != NULL)) {
		const struct fast_step *step = next++;
		uint64_t value;

		to = copy_short(to, step->before.start, step->before.size);
		while (step->op == FAST_CHOICE)
			step = p->branches + (step_number(p, r, step, big_endian) ? step->yes : step->no);
		switch ((enum fast_op)step->op) {
		case FAST_END:
			out->size = (size_t)(to - out->data);
			return;
		case FAST_TEXT:
			to = copy_short(to, step->before.start, step->before.size);
			break;
		case FAST_DECIMAL:
			to = number_decimal(to, step_number(p, r, step, big_endian));
			break;
		case FAST_SIGNED:
			value = step_number(p, r, step, big_endian);
			*to = '-';
			to += value >> 63;
			to = number_decimal(to, value >> 63 ? UINT64_C(0) - value : value);
			break;
		case FAST_HEX:
			to = number_hex(to, step_number(p, r, step, big_endian));
			break;
		case FAST_PADDED_HEX:
			to = put_padded_hex(to, step_number(p, r, step, big_endian), step->width);
			break;
		case FAST_POINTER:
			to = put_pointer(to, step_number(p, r, step, big_endian));
			break;
		case FAST_SYMBOLIC:
			to = put_symbolic(p, &p->exprs[step->shown], step_number(p, r, step, big_endian), to);
			break;
		case FAST_FLAGS:
			to = put_flags(p, r, step, step_number(p, r, step, big_endian), out, to);
			break;
		case FAST_CHARACTERS:
			to = put_characters(to, r->data + step->offset, step->width);
			break;
		case FAST_STRING:
			to = put_string(p, read_dynamic(p, r, &p->exprs[step->shown].field), out, to);
			break;
		case FAST_FUNCTION:
		case FAST_FUNCTION_OFFSET:
			symbol = symbol_cache_find(r->symbols, step_number(p, r, step, big_endian));
			if (TRC_LIKELY(symbol && symbol->text_size))
				to = copy_twice(to, symbol->text,
						step->op == FAST_FUNCTION ? symbol->name.size :
									    symbol->text_size);
			else
				to = aside(p, r, step, out, to);
			break;
		default:
			to = aside(p, r, step, out, to);
			break;
		}
	}
}

static void run_slowly(const struct print_fmt *p, const struct print_record *r, struct output *out)
{
	if (p->failed) {
		output_literal(out, "[FAILED TO PARSE]");
		print_fmt_run_raw(p, r, out);
		return;
	}
	for (uint32_t i = 0; i < p->piece_count; i++) {
		output_text(out, p->pieces[i].before);
		piece_run(p, r, &p->pieces[i], false, out);
	}
}

void print_fmt_run_calls(const struct print_fmt *program, const struct print_record *record,
			 struct output *out)
{
	run_slowly(program, record, out);
}

void print_fmt_run(const struct print_fmt *program, const struct print_record *record, struct output *out)
{
	if (TRC_UNLIKELY(record->size < program->fast_size))
		run_slowly(program, record, out);
	else if (TRC_UNLIKELY(program->big_endian))
		run(program, record, true, out);
	else
		run(program, record, false, out);
}
