/* SPDX-License-Identifier: MIT */
/* The format string of a print fmt as pieces: a text and a conversion each. */
#include <string.h>

#include "print_fmt/compile.h"
#include "print_fmt/program.h"

/* The text in front of a conversion is put together here, escapes resolved. */
struct literal {
	char *start;
	size_t size;
};

static char escaped(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	default:
		return c;
	}
}

static void put(struct literal *literal, char c)
{
	literal->start[literal->size++] = c;
}

/* Up to the next conversion; gives where its % is, or end. */
static const char *copy_literal(const char *pos, const char *end, struct literal *literal)
{
	for (; pos < end; pos++) {
		if (*pos == '\\') {
			if (++pos == end)
				break;
			put(literal, escaped(*pos));
		} else if (*pos == '%') {
			if (pos + 1 == end || pos[1] != '%')
				return pos;
			put(literal, '%');
			pos++;
		} else {
			put(literal, *pos);
		}
	}
	return pos;
}

struct conversion {
	struct number_format format;
	int longs; /* h counts -1, l 1 */
	unsigned stars;
	bool star_width, star_precision;
	bool point;
};

static void add_digit(struct conversion *conversion, char c)
{
	uint32_t *number = conversion->point ? &conversion->format.precision : &conversion->format.width;

	if (c == '0' && !conversion->point && !conversion->format.width) {
		conversion->format.zero = true;
	} else {
		*number = *number * 10 + (uint32_t)(c - '0');
		if (*number > NUMBER_MAX_WIDTH)
			*number = NUMBER_MAX_WIDTH;
	}
}

/* The characters between % and the letter; gives where the letter is. */
static const char *read_modifiers(const char *pos, const char *end, bool kernel,
				  struct conversion *conversion)
{
	for (; pos < end; pos++) {
		switch (*pos) {
		case 'h':
			conversion->longs--;
			break;
		case 'l':
			conversion->longs++;
			break;
		case 'L':
			conversion->longs = 2;
			break;
		case 'z':
		case 'Z':
			conversion->longs = 1;
			break;
		case '#':
			conversion->format.hash = true;
			break;
		case '-':
			conversion->format.minus = true;
			break;
		case '+':
			conversion->format.plus = true;
			break;
		case '.':
			conversion->point = conversion->format.has_precision = true;
			break;
		case '*':
			conversion->stars++;
			if (conversion->point)
				conversion->star_precision = true;
			else
				conversion->star_width = true;
			break;
		default:
			if (kernel && strchr("jt ", *pos) && *pos) { /* libtraceevent knows none of them */
				conversion->longs = *pos == 'j' ? 2 : *pos == 't' ? 1 : conversion->longs;
				conversion->format.space |= *pos == ' ';
				break;
			}
			if (*pos < '0' || *pos > '9')
				return pos;
			add_digit(conversion, *pos);
		}
	}
	return pos;
}

static bool is_plain(const struct conversion *conversion)
{
	const struct number_format *format = &conversion->format;

	return !conversion->stars && !format->minus && !format->plus && !format->hash && !format->zero &&
	       !format->space && !format->width && !format->has_precision;
}

static void set_number(struct compiler *c, struct piece *piece, const struct conversion *conversion,
		       char letter)
{
	static const uint8_t bits[] = { 8, 16, 32, 64, 64 };

	piece->code = PIECE_NUMBER;
	piece->is_signed = letter == 'd' || letter == 'i';
	if (conversion->longs < -2 || conversion->longs > 2) { /* a "bad count" fails the event for good */
		c->p->failed = true;
		return;
	}
	piece->shift = (uint8_t)(64 - bits[conversion->longs + 2]);
	if (!is_plain(conversion))
		return;
	if (piece->is_signed)
		piece->code = PIECE_SIGNED;
	else if (letter == 'u')
		piece->code = PIECE_DECIMAL;
	else if (letter == 'x')
		piece->code = PIECE_HEX;
}

static void set_pointer(struct piece *piece, const char *spec, size_t size, enum piece_code code)
{
	piece->code = (uint8_t)(size ? code : PIECE_POINTER);
	if (size >= sizeof(piece->spec))
		size = sizeof(piece->spec) - 1;
	memcpy(piece->spec, spec, size);
}

/*
 * The next argument becomes an expression. Without one libtraceevent gives the whole format up.
 */
static uint32_t next_arg(struct compiler *c, const struct node **args)
{
	const struct node *node = *args;

	if (!node) {
		c->p->failed = true;
		return NO_EXPR;
	}
	*args = node->next;
	return c->compile_arg(c, node);
}

/* At the letter of a conversion; gives what is after it. */
static const char *compile_conversion(struct compiler *c, const char *pos, const char *end,
				      struct conversion *conversion, const struct node **args,
				      struct text before)
{
	struct piece *piece = compile_piece(c, PIECE_END);
	enum piece_code code = PIECE_POINTER;
	char letter = *pos++;
	size_t size = 0;

	if (!piece)
		return pos;
	piece->before = before;
	piece->format = conversion->format;
	piece->format.letter = letter;
	piece->star_width = conversion->star_width;
	piece->star_precision = conversion->star_precision;
	if (letter == 'p') {
		if (c->p->env->kernel_text)
			size = kernel_spec_size(pos, end, &code);
		if (!size)
			size = pointer_spec_size(pos, end, &code);
		if (c->p->env->kernel_text && !size) /* %px, %pK and all that only kernels can print */
			while (pos < end && ((*pos >= 'a' && *pos <= 'z') || (*pos >= 'A' && *pos <= 'Z')))
				pos++;
		set_pointer(piece, pos, size, code);
	} else if (letter == 's') {
		piece->code = is_plain(conversion) ? PIECE_PLAIN_STRING : PIECE_STRING;
	} else {
		set_number(c, piece, conversion, letter);
	}
	/* compile_expr() does not move pieces. */
	while (conversion->stars--)
		piece->star = next_arg(c, args);
	piece->arg = next_arg(c, args);
	return pos + size;
}

bool compile_format(struct compiler *c, struct text format, const struct node *args)
{
	const char *pos = format.start, *end = pos + format.size;
	/* A literal is shorter than its source, but ">c<" of an unknown conversion has one more. */
	struct literal buffer = { arena_alloc(&c->p->arena, format.size * 2 + 1 + COPY_SLACK), 0 };
	struct literal literal = buffer;
	struct piece *last;

	if (!buffer.start) {
		c->no_memory = true;
		return false;
	}
	for (;;) {
		struct conversion conversion = { 0 };
		struct text before;

		pos = copy_literal(pos, end, &literal);
		if (pos == end)
			break;
		pos = read_modifiers(pos + 1, end, c->p->env->kernel_text, &conversion);
		if (pos == end)
			break;
		if (!memchr("diuxXocsp", *pos, 9)) {
			for (; conversion.stars; conversion.stars--)
				next_arg(c, &args);
			put(&literal, '>');
			put(&literal, *pos++);
			put(&literal, '<');
			continue;
		}
		before = (struct text){ literal.start, literal.size };
		literal = (struct literal){ literal.start + literal.size, 0 };
		pos = compile_conversion(c, pos, end, &conversion, &args, before);
		if (c->no_memory || c->p->failed)
			return !c->no_memory;
	}
	last = compile_piece(c, PIECE_END);
	if (last)
		last->before = (struct text){ literal.start, literal.size };
	return last != NULL;
}
