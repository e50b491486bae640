/* SPDX-License-Identifier: MIT */
#include "metadata/field.h"

#include "base/digits.h"
#include "metadata/api.h"

#define NUMBER_MAX INT32_MAX
#define DECL_MAX 4096 /* characters; a long one of a kernel has 60 */

/* A declaration while it is read. libtraceevent puts the type together from the tokens anew. */
struct decl {
	char *type; /* room for twice the characters of the declaration: a blank after each */
	size_t size;
	struct text last; /* the word read last: the name, unless something follows */
	uint32_t array_length;
	uint32_t flags;
};

static void put(struct decl *d, struct text text)
{
	memcpy(d->type + d->size, text.start, text.size);
	d->size += text.size;
}

static void put_word(struct decl *d, struct text word)
{
	if (d->size)
		put(d, TEXT(" "));
	put(d, word);
}

static void put_last(struct decl *d)
{
	if (d->last.size)
		put_word(d, d->last);
	d->last.size = 0;
}

static bool type_contains(const struct decl *d, struct text part)
{
	for (size_t i = 0; i + part.size <= d->size; i++) {
		if (!memcmp(d->type + i, part.start, part.size))
			return true;
	}
	return false;
}

static bool type_begins(const struct decl *d, struct text part)
{
	return d->size >= part.size && !memcmp(d->type, part.start, part.size);
}

/* Copies the tokens up to the closing character that belongs to the open one just read. */
static bool put_group(struct scanner *s, struct decl *d, char open, char close)
{
	bool word = false;
	unsigned depth = 1;
	uint64_t number;

	put(d, s->text);
	while (depth) {
		enum token token = scanner_next(s);

		if (token == TOKEN_END)
			return false;
		if (token == TOKEN_OTHER && *s->text.start == open)
			depth++;
		else if (token == TOKEN_OTHER && *s->text.start == close)
			depth--;
		else
			d->array_length = text_number(s->text, UINT32_MAX, &number) ? (uint32_t)number : 0;
		if (word && token == TOKEN_WORD)
			put(d, TEXT(" "));
		word = token == TOKEN_WORD;
		put(d, s->text);
	}
	return true;
}

static bool is_operator(const struct scanner *s, const struct field_rules *rules)
{
	return s->token == TOKEN_OTHER && (*s->text.start == '*' || (*s->text.start == '.' && rules->ftrace));
}

/* Type words and '*'; stops in front of what is neither. The name, if any, is then in last. */
static bool read_words(struct scanner *s, const struct field_rules *rules, struct decl *d)
{
	for (;;) {
		struct scanner before = *s;
		enum token token = scanner_next(s);

		if (token != TOKEN_WORD && !is_operator(s, rules)) {
			*s = before;
			return true;
		}
		if (token != TOKEN_WORD && !d->size && !d->last.size)
			return false;
		if (*s->text.start == '*')
			d->flags |= TRC_FIELD_POINTER;
		put_last(d);
		d->last = s->text;
		if (text_is(s->text, "__attribute__") && scanner_accept_char(s, '(')) {
			struct scanner group = *s;

			put_last(d);
			if (!put_group(&group, d, '(', ')'))
				return false;
			*s = group;
		}
	}
}

/*
 * Brackets: after the name as in C, or between type and name, which all __data_loc have:
 * "__data_loc char[] name". *element is then the last word of the type.
 */
static bool read_brackets(struct scanner *s, struct decl *d, struct text *element)
{
	struct text name = d->last;
	char *after = d->type + d->size;
	size_t type_size = d->size;

	if (!d->size || !name.size)
		return false;
	d->flags |= TRC_FIELD_ARRAY;
	d->array_length = 0;
	if (!put_group(s, d, '[', ']'))
		return false;
	*element = name;
	if (scanner_next(s) == TOKEN_END)
		return true;
	if (s->token != TOKEN_WORD)
		return false;
	memmove(after + 1 + name.size, after, d->size - type_size);
	after[0] = ' ';
	memcpy(after + 1, name.start, name.size);
	d->size += 1 + name.size;
	d->last = s->text;
	return scanner_next(s) == TOKEN_END;
}

/* Sizes of the element types of dynamic arrays, as far as libtraceevent knows them. */
static uint32_t dynamic_element_size(struct text element)
{
	static const struct {
		char name[5];
		uint8_t size;
	} types[] = {
		{ "u8", 1 },  { "s8", 1 },  { "u16", 2 }, { "s16", 2 },	 { "u32", 4 },
		{ "s32", 4 }, { "u64", 8 }, { "s64", 8 }, { "char", 1 },
	};

	for (size_t i = 0; i < countof(types); i++) {
		if (text_is(element, types[i].name))
			return types[i].size;
	}
	return 0;
}

static uint32_t derive_flags(const struct decl *d)
{
	uint32_t flags = d->flags;

	if (type_begins(d, TEXT("__data_loc")))
		flags |= TRC_FIELD_DYNAMIC;
	else if (type_begins(d, TEXT("__rel_loc")))
		flags |= TRC_FIELD_DYNAMIC | TRC_FIELD_RELATIVE;
	if (type_contains(d, TEXT("long")))
		flags |= TRC_FIELD_LONG;
	if ((flags & TRC_FIELD_ARRAY) &&
	    (type_contains(d, TEXT("char")) || type_contains(d, TEXT("u8")) || type_contains(d, TEXT("s8"))))
		flags |= TRC_FIELD_STRING;
	return flags;
}

static uint32_t derive_element_size(const struct event_field *field, struct text element, unsigned long_size)
{
	if (!(field->flags & TRC_FIELD_ARRAY))
		return field->flags & TRC_FIELD_DYNAMIC ? 0 : field->size;
	if (field->array_length)
		return field->size / field->array_length;
	if (field->flags & TRC_FIELD_DYNAMIC)
		return dynamic_element_size(element);
	if (field->flags & TRC_FIELD_STRING)
		return 1;
	return field->flags & TRC_FIELD_LONG ? long_size : 0;
}

/* The type is most often spelled in the text just as it is here; then its memory is given back. */
static struct text settle_type(const struct field_rules *rules, struct decl *d, struct text decl, size_t room)
{
	struct text type = text_skip_blanks(decl);

	if (type.size >= d->size && !memcmp(type.start, d->type, d->size)) {
		arena_shrink(rules->arena, d->type, room, 0);
		type.size = d->size;
		return type;
	}
	arena_shrink(rules->arena, d->type, room, d->size);
	return (struct text){ d->type, d->size };
}

static int parse_decl(struct text decl, const struct field_rules *rules, struct event_field *out,
		      struct text *element)
{
	struct scanner s = scanner_of(decl);
	size_t room = 2 * decl.size + 1;
	struct decl d = { .type = arena_alloc(rules->arena, room) };
	bool good;

	if (!d.type)
		return TRC_NO_MEMORY;
	good = read_words(&s, rules, &d);
	if (good && scanner_accept_char(&s, '['))
		good = read_brackets(&s, &d, element);
	else
		good = good && scanner_next(&s) == TOKEN_END;
	if (!good || !d.size || !d.last.size || *d.last.start == '*' || *d.last.start == '.') {
		arena_shrink(rules->arena, d.type, room, 0);
		return TRC_CORRUPT;
	}
	out->name = d.last;
	out->flags = derive_flags(&d);
	out->array_length = d.flags & TRC_FIELD_ARRAY ? d.array_length : 0;
	out->type = settle_type(rules, &d, decl, room);
	return TRC_OK;
}

/* --- declarations that cannot be read -------------------------------------------------------- */

/*
 * The ';' that ends a declaration which may hold others ("struct { int a; } x"): what follows is
 * "offset:". NULL: there is none on the line.
 */
static const char *end_of_opaque(const char *start, const char *end)
{
	const char *line_end = memchr(start, '\n', (size_t)(end - start));

	end = line_end ? line_end : end;
	for (const char *p = start; (p = memchr(p, ';', (size_t)(end - p))); p++) {
		struct scanner after = { .pos = p + 1, .end = end };

		if (scanner_accept(&after, "offset") && scanner_accept_char(&after, ':'))
			return p;
	}
	return NULL;
}

/* What the words of a declaration may be besides its type and its name. */
static bool is_attribute(struct text word)
{
	return text_is(word, "const") || text_is(word, "volatile") || text_is(word, "__attribute__");
}

/*
 * The name that is declared: the last word outside of parentheses and brackets, but in "int (*f)(void)"
 * and "int (*p)[2]", where nothing follows these, the one after "(*". Empty: there is none.
 */
static struct text opaque_name(struct text decl)
{
	struct scanner s = scanner_of(decl);
	struct text plain = TEXT(""), pointer = TEXT("");
	bool opened = false, in_pointer = false, is_pointer = false;
	unsigned depth = 0;

	for (bool first = true; scanner_next(&s) != TOKEN_END; first = false) {
		char c = s.token == TOKEN_OTHER ? *s.text.start : 0;
		bool word = s.token == TOKEN_WORD && !is_attribute(s.text) &&
			    (*s.text.start < '0' || *s.text.start > '9');

		in_pointer |= opened && c == '*';
		opened = c == '(' && !depth;
		if (c == '(' || c == '[' || c == '{')
			depth++;
		else if ((c == ')' || c == ']' || c == '}') && depth)
			depth--;
		if (c == ')' && !depth) {
			is_pointer = pointer.size;
			in_pointer = false;
		}
		if (word && in_pointer && !pointer.size)
			pointer = s.text;
		if (word && !depth && !first) {
			plain = s.text;
			is_pointer = false;
		}
	}
	return is_pointer ? pointer : plain;
}

static struct text trim(struct text text)
{
	text = text_skip_blanks(text);
	while (text.size && strchr(" \t", text.start[text.size - 1]))
		text.size--;
	return text;
}

/* Leaves s after the declaration. false: it has no name, or no end. */
static bool parse_opaque(struct scanner *s, struct event_field *out)
{
	const char *end = end_of_opaque(s->pos, s->end);
	struct text decl;

	if (!end)
		return false;
	decl = trim((struct text){ s->pos, (size_t)(end - s->pos) });
	*out = (struct event_field){ .name = opaque_name(decl), .type = decl, .flags = TRC_FIELD_OPAQUE };
	s->pos = end + 1;
	return out->name.size;
}

/* --- field lines ----------------------------------------------------------------------------- */

/* "NAME:NUMBER;" */
static bool read_number(struct scanner *s, const char *name, uint32_t *out)
{
	uint64_t value;

	if (!scanner_accept(s, name) || !scanner_accept_char(s, ':') || scanner_next(s) != TOKEN_WORD ||
	    !text_number(s->text, NUMBER_MAX, &value))
		return false;
	*out = (uint32_t)value;
	return scanner_accept_char(s, ';');
}

/* Kernels before 2.6.32 did not say "signed". */
static bool read_sign(struct scanner *s, struct event_field *out)
{
	uint32_t is_signed = 0;
	struct scanner before = *s;

	if (scanner_next(s) != TOKEN_NEWLINE) {
		*s = before;
		if (!read_number(s, "signed", &is_signed) || scanner_next(s) != TOKEN_NEWLINE)
			return false;
	}
	if (is_signed)
		out->flags |= TRC_FIELD_SIGNED;
	return true;
}

static int fault(const char **wrong, const char *what)
{
	*wrong = what;
	return TRC_CORRUPT;
}

/* Leaves s after the declaration and its ';'. */
static int read_decl(struct scanner *s, const struct field_rules *rules, struct event_field *out,
		     struct text *element, const char **wrong)
{
	const char *end = memchr(s->pos, ';', (size_t)(s->end - s->pos));
	struct text decl;
	int rc;

	if (!end)
		return fault(wrong, "a declaration without ';'");
	decl = (struct text){ s->pos, (size_t)(end - s->pos) };
	rc = decl.size > DECL_MAX ? TRC_CORRUPT : parse_decl(decl, rules, out, element);
	if (rc == TRC_CORRUPT)
		return parse_opaque(s, out) ? TRC_OK : fault(wrong, "a declaration that cannot be read");
	s->pos = end + 1;
	return rc;
}

int field_parse(struct scanner *s, const struct field_rules *rules, struct event_field *out,
		const char **wrong)
{
	struct event_field field = { 0 };
	struct text element = TEXT("");
	int rc;

	if (!scanner_accept(s, "field"))
		return TRC_NOT_FOUND;
	if (rules->ftrace)
		scanner_accept(s, "special");
	if (!scanner_accept_char(s, ':'))
		return fault(wrong, "no ':' after \"field\"");
	rc = read_decl(s, rules, &field, &element, wrong);
	if (rc)
		return rc;
	if (!read_number(s, "offset", &field.offset))
		return fault(wrong, "no usable offset");
	if (!read_number(s, "size", &field.size))
		return fault(wrong, "no usable size");
	/* In 2009 a place had two bytes, and what was there was a text, whatever its type said or did not. */
	if (field.flags & TRC_FIELD_DYNAMIC && field.size == 2)
		field.flags |= TRC_FIELD_ARRAY | TRC_FIELD_STRING;
	if (!read_sign(s, &field))
		return fault(wrong, "neither \"signed\" nor the end of the line");
	field.element_size = derive_element_size(&field, element, rules->long_size);
	*out = field;
	return TRC_OK;
}
