/* SPDX-License-Identifier: MIT */
/*
 * A filter is compiled once per event to instructions in postfix order, over masks: a comparison
 * puts a mask of the records that it holds for on a stack, and && and || join the two on top.
 */
#include "filter_code.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "pattern.h"
#include "walk.h"

#define NESTING_MAX 60
#define CODE_MAX 20000
#define MEMO_SLOTS 16

/* --- tokens ---------------------------------------------------------------------------------- */

enum kind {
	KIND_END,
	KIND_WORD,
	KIND_STRING,			/* in double quotes */
	KIND_CHARACTERS,		/* in single quotes */
	KIND_OP,
};

struct parser {
	struct trc_filter *filter;
	const struct event_format *event;
	struct program *program;
	struct text rest;
	enum kind kind;			/* of the token at hand */
	struct text token;		/* of strings without the quotes */
	unsigned nesting;
	struct trc_error *err;
};

static int fault(const struct parser *parser, const char *what)
{
	int size = parser->token.size > 40 ? 40 : (int)parser->token.size;

	if (parser->kind == KIND_END)
		return trc_fail(parser->err, TRC_ARGUMENT, TRC_NO_OFFSET, "filter: %s, at its end", what);
	return trc_fail(parser->err, TRC_ARGUMENT, TRC_NO_OFFSET, "filter: %s, at '%.*s'", what, size,
			parser->token.start);
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A quote behind a backslash does not end it; both stay in the string. */
static int read_string(struct parser *parser, char quote)
{
	struct text rest = text_skip(parser->rest, 1);
	size_t n = 0;

	for (bool escaped = false; n < rest.size && (rest.start[n] != quote || escaped); n++)
		escaped = rest.start[n] == '\\' && !escaped;
	parser->token = (struct text){ rest.start, n };
	parser->kind = quote == '"' ? KIND_STRING : KIND_CHARACTERS;
	if (n == rest.size)
		return fault(parser, "a string without an end");
	parser->rest = text_skip(rest, n + 1);
	return TRC_OK;
}

static size_t operator_size(struct text rest)
{
	static const char *const operators[] = {
		"&&", "||", "==", "!=", "<=", ">=", "=~", "!~", "<<", ">>",
	};

	for (size_t i = 0; i < countof(operators); i++) {
		if (rest.size >= 2 && !memcmp(rest.start, operators[i], 2))
			return 2;
	}
	return 1;
}

/* A '.' belongs to a word if a letter follows: the fields of function graph events have one. */
static size_t word_size(struct text rest)
{
	size_t n = 1;

	while (n < rest.size &&
	       (is_word(rest.start[n]) || (rest.start[n] == '.' && n + 1 < rest.size &&
					   is_word(rest.start[n + 1]))))
		n++;
	return n;
}

static int next(struct parser *parser)
{
	while (parser->rest.size && is_blank(*parser->rest.start))
		parser->rest = text_skip(parser->rest, 1);
	parser->token = (struct text){ parser->rest.start, 0 };
	parser->kind = KIND_END;
	if (!parser->rest.size)
		return TRC_OK;
	if (*parser->rest.start == '"' || *parser->rest.start == '\'')
		return read_string(parser, *parser->rest.start);
	parser->kind = is_word(*parser->rest.start) ? KIND_WORD : KIND_OP;
	parser->token.size = parser->kind == KIND_WORD ? word_size(parser->rest) :
							 operator_size(parser->rest);
	parser->rest = text_skip(parser->rest, parser->token.size);
	return TRC_OK;
}

static bool at(const struct parser *parser, const char *op)
{
	return parser->kind == KIND_OP && text_is(parser->token, op);
}

/* --- operands -------------------------------------------------------------------------------- */

static char *copy_text(struct text text)
{
	char *copy = malloc(text.size + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text.start, text.size);
	copy[text.size] = '\0';
	return copy;
}

/* Remembers which names there are that no event knows. */
static bool note_name(struct trc_filter *filter, struct text text, bool known)
{
	for (size_t i = 0; i < filter->name_count; i++) {
		struct name *name = &filter->names[i];

		if (text_equal((struct text){ name->text, name->size }, text)) {
			name->known |= known;
			return true;
		}
	}
	if (filter->name_count == filter->name_room) {
		size_t room = filter->name_room ? 2 * filter->name_room : 8;
		struct name *names = realloc(filter->names, room * sizeof(*names));

		if (!names)
			return false;
		filter->names = names;
		filter->name_room = room;
	}
	filter->names[filter->name_count] = (struct name){ copy_text(text), text.size, known };
	if (!filter->names[filter->name_count].text)
		return false;
	filter->name_count++;
	return true;
}

static int read_name(struct parser *parser, struct operand *out)
{
	out->field = event_field_by_name(parser->event, parser->token);
	out->kind = OPERAND_FIELD;
	if (!out->field && text_is(parser->token, "COMM"))
		out->kind = OPERAND_COMM;
	else if (!out->field && text_is(parser->token, "CPU"))
		out->kind = OPERAND_CPU;
	else if (!out->field)
		out->kind = OPERAND_NONE;
	if (!note_name(parser->filter, parser->token, out->kind != OPERAND_NONE))
		return trc_fail_no_memory(parser->err);
	return TRC_OK;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* As strtoull() with base 0, but to the end of the word. */
static int read_number(struct parser *parser, uint64_t *out)
{
	struct text digits = parser->token;
	unsigned base = 10;

	if (digits.size > 2 && digits.start[0] == '0' && (digits.start[1] | 0x20) == 'x') {
		base = 16;
		digits = text_skip(digits, 2);
	} else if (digits.start[0] == '0') {
		base = 8;
	}
	*out = 0;
	for (size_t i = 0; i < digits.size; i++) {
		unsigned digit = (unsigned)digit_of(digits.start[i]);

		if (digit >= base)
			return fault(parser, "neither a number nor a field");
		if (*out > (UINT64_MAX - digit) / base)
			return fault(parser, "a number of more than 64 bits");
		*out = *out * base + digit;
	}
	return TRC_OK;
}

static int read_operand(struct parser *parser, struct operand *out)
{
	bool minus = at(parser, "-");
	int rc;

	*out = (struct operand){ .kind = OPERAND_NUMBER };
	if (minus && (rc = next(parser)))
		return rc;
	if (parser->kind == KIND_WORD && digit_of(*parser->token.start) < 10) {
		rc = read_number(parser, &out->number);
		out->number = minus ? 0 - out->number : out->number;
	} else if (minus) {
		return fault(parser, "'-' without a number");
	} else if (parser->kind == KIND_WORD) {
		rc = read_name(parser, out);
	} else if (parser->kind == KIND_CHARACTERS && parser->token.size == 1) {
		out->number = (uint8_t)*parser->token.start;
		rc = TRC_OK;
	} else if (parser->kind == KIND_STRING || parser->kind == KIND_CHARACTERS) {
		out->kind = OPERAND_TEXT;
		out->text_size = parser->token.size;
		out->text = copy_text(parser->token);
		rc = out->text ? TRC_OK : trc_fail_no_memory(parser->err);
	} else {
		return fault(parser, "a field, a number or a string is expected");
	}
	return rc ? rc : next(parser);
}

/* --- instructions ---------------------------------------------------------------------------- */

static void code_deinit(struct code *code)
{
	free(code->left.text);
	free(code->right.text);
	if (code->regex)
		regfree(code->regex);
	free(code->regex);
}

static void program_destroy(struct program *program)
{
	if (!program)
		return;
	for (size_t i = 0; i < program->count; i++)
		code_deinit(&program->code[i]);
	free(program->code);
	free(program);
}

/* What code holds belongs to the program then, or is freed. */
static int emit(struct parser *parser, struct code code)
{
	struct program *program = parser->program;

	if (program->count == program->room && program->room < CODE_MAX) {
		size_t room = program->room ? 2 * program->room : 4;
		struct code *grown = realloc(program->code, room * sizeof(*grown));

		if (!grown) {
			code_deinit(&code);
			return trc_fail_no_memory(parser->err);
		}
		program->code = grown;
		program->room = room;
	}
	if (program->count == program->room) {
		code_deinit(&code);
		return fault(parser, "too many comparisons");
	}
	program->code[program->count++] = code;
	return TRC_OK;
}

const char filter_operators[OPERATIONS][3] = {
	[OP_EQ] = "==", [OP_NE] = "!=", [OP_LT] = "<", [OP_LE] = "<=", [OP_GT] = ">",
	[OP_GE] = ">=", [OP_ADD] = "+", [OP_SUB] = "-", [OP_MUL] = "*", [OP_DIV] = "/",
	[OP_MOD] = "%", [OP_LSHIFT] = "<<", [OP_RSHIFT] = ">>", [OP_BIT_AND] = "&",
	[OP_BIT_OR] = "|", [OP_XOR] = "^", [OP_REGEX] = "=~", [OP_NOT_REGEX] = "!~", [OP_GLOB] = "~",
};

static bool find_operation(struct text token, enum operation *out)
{
	for (unsigned i = 0; i < OPERATIONS; i++) {
		if (text_is(token, filter_operators[i])) {
			*out = (enum operation)i;
			return true;
		}
	}
	return false;
}

static bool is_address(const struct event_field *field)
{
	return field->flags & (TRC_FIELD_POINTER | TRC_FIELD_LONG);
}

static int check_text_operation(struct parser *parser, const struct code *code)
{
	enum operand_kind left = code->left.kind;

	if (left != OPERAND_FIELD && left != OPERAND_COMM && left != OPERAND_NONE)
		return fault(parser, "only a field can be compared with a string");
	if (code->op != OP_EQ && code->op != OP_NE && code->op < OP_REGEX)
		return fault(parser, "strings are compared with ==, !=, =~, !~ or ~");
	if (left == OPERAND_FIELD && !(code->left.field->flags & TRC_FIELD_STRING) &&
	    is_address(code->left.field))
		parser->filter->wants_symbols = true;
	return TRC_OK;
}

static int compile_regex(struct parser *parser, struct code *code)
{
	regex_t *regex;

	if (code->op != OP_REGEX && code->op != OP_NOT_REGEX)
		return TRC_OK;
	regex = malloc(sizeof(*regex));
	if (!regex)
		return trc_fail_no_memory(parser->err);
	if (strlen(code->right.text) != code->right.text_size ||
	    regcomp(regex, code->right.text, REG_ICASE | REG_NOSUB)) {
		free(regex);
		return trc_fail(parser->err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"filter: '%.60s' is not a regular expression", code->right.text);
	}
	code->regex = regex;
	return TRC_OK;
}

static int check_operation(struct parser *parser, struct code *code)
{
	int rc;

	if (code->right.kind == OPERAND_TEXT) {
		code->opcode = CODE_TEXT;
		rc = check_text_operation(parser, code);
		rc = rc ? rc : compile_regex(parser, code);
	} else {
		code->opcode = CODE_NUMBERS;
		rc = TRC_OK;
		if (code->op >= OP_REGEX)
			rc = fault(parser, "=~, !~ and ~ want a string on their right");
		else if (code->left.kind == OPERAND_TEXT || code->left.kind == OPERAND_COMM ||
			 code->right.kind == OPERAND_COMM)
			rc = fault(parser, "a string stands on the right, in quotes");
	}
	if (code->left.kind == OPERAND_NONE || code->right.kind == OPERAND_NONE)
		code->opcode = CODE_FALSE;
	return rc;
}

static int parse_comparison(struct parser *parser)
{
	struct code code = { 0 };
	int rc = read_operand(parser, &code.left);

	if (!rc && (parser->kind != KIND_OP || !find_operation(parser->token, &code.op)))
		rc = fault(parser, "an operator is expected");
	rc = rc ? rc : next(parser);
	rc = rc ? rc : read_operand(parser, &code.right);
	rc = rc ? rc : check_operation(parser, &code);
	if (rc) {
		code_deinit(&code);
		return rc;
	}
	return emit(parser, code);
}

static int parse_expression(struct parser *parser);

/* '!' is for the one comparison or parenthesis behind it. */
static int parse_term(struct parser *parser)
{
	unsigned negations = 0;
	int rc = TRC_OK;

	for (; !rc && at(parser, "!"); rc = next(parser))
		negations++;
	if (rc)
		return rc;
	if (!at(parser, "(")) {
		rc = parse_comparison(parser);
	} else {
		if (++parser->nesting > NESTING_MAX)
			return fault(parser, "too many parentheses");
		rc = next(parser);
		rc = rc ? rc : parse_expression(parser);
		if (!rc && !at(parser, ")"))
			rc = fault(parser, "')' or an operator is expected");
		rc = rc ? rc : next(parser);
		parser->nesting--;
	}
	for (; !rc && negations; negations--)
		rc = emit(parser, (struct code){ .opcode = CODE_NOT });
	return rc;
}

/* && and || alike, from left to right. */
static int parse_expression(struct parser *parser)
{
	int rc = parse_term(parser);

	while (!rc && (at(parser, "&&") || at(parser, "||"))) {
		enum opcode opcode = at(parser, "&&") ? CODE_AND : CODE_OR;

		rc = next(parser);
		rc = rc ? rc : parse_term(parser);
		rc = rc ? rc : emit(parser, (struct code){ .opcode = opcode });
	}
	return rc;
}

/* --- events ---------------------------------------------------------------------------------- */

static bool list_event(struct trc_filter *filter, uint32_t id)
{
	if (filter->listed == filter->id_room) {
		size_t room = filter->id_room ? 2 * filter->id_room : 64;
		uint32_t *ids = realloc(filter->ids, room * sizeof(*ids));

		if (!ids)
			return false;
		filter->ids = ids;
		filter->id_room = room;
	}
	filter->ids[filter->listed++] = id;
	return true;
}

/* The event is that of its id. */
static int add_event(struct trc_filter *filter, const struct event_format *event, struct text text,
		     struct trc_error *err)
{
	struct parser parser = { .filter = filter, .event = event, .rest = text, .err = err };
	int rc;

	if (!list_event(filter, event->id))
		return trc_fail_no_memory(err);
	if (filter->by_id[event->id])
		return TRC_OK;
	parser.program = calloc(1, sizeof(*parser.program));
	if (!parser.program)
		return trc_fail_no_memory(err);
	rc = next(&parser);
	rc = rc ? rc : parse_expression(&parser);
	if (!rc && parser.kind != KIND_END)
		rc = fault(&parser, "&& or || is expected");
	if (rc) {
		program_destroy(parser.program);
		return rc;
	}
	filter->by_id[event->id] = parser.program;
	return TRC_OK;
}

static struct text trim(struct text text)
{
	while (text.size && is_blank(*text.start))
		text = text_skip(text, 1);
	while (text.size && is_blank(text.start[text.size - 1]))
		text.size--;
	return text;
}

/* "SYSTEM/EVENT", or one that either may fit. */
static int add_events(struct trc_filter *filter, struct text which, struct text expression,
		      struct trc_error *err)
{
	const struct event_formats *formats = &filter->metadata->formats;
	const char *slash = memchr(which.start, '/', which.size);
	struct text system = TEXT(""), name = trim(which);
	regex_t system_regex, name_regex;
	bool found = false;
	int rc;

	if (slash) {
		system = trim((struct text){ which.start, (size_t)(slash - which.start) });
		name = trim(text_skip(which, (size_t)(slash - which.start) + 1));
	}
	if (!name.size || (slash && !system.size))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "filter: no event before ':'");
	if ((rc = pattern_compile(name, "filter", &name_regex, err)))
		return rc;
	if (slash && (rc = pattern_compile(system, "filter", &system_regex, err))) {
		regfree(&name_regex);
		return rc;
	}
	for (uint32_t id = 0; !rc && id < formats->id_count; id++) {
		const struct event_format *event = formats->by_id[id];

		if (!event)
			continue;
		if (slash ? !pattern_fits(&system_regex, event->system) || !pattern_fits(&name_regex, event->name) :
			    !pattern_fits(&name_regex, event->system) && !pattern_fits(&name_regex, event->name))
			continue;
		found = true;
		rc = add_event(filter, event, expression, err);
	}
	regfree(&name_regex);
	if (slash)
		regfree(&system_regex);
	if (!rc && !found)
		rc = trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "filter: no event fits '%.*s'",
			      which.size > 60 ? 60 : (int)which.size, which.start);
	return rc;
}

/* Where the ':' behind EVENTS is; NULL: there are none. */
static const char *end_of_events(struct text text)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.start[i] == ':')
			return text.start + i;
		if (memchr("\"'=<>!&|~", text.start[i], 9))
			return NULL;
	}
	return NULL;
}

static int add_listed(struct trc_filter *filter, struct text events, struct text expression,
		      struct trc_error *err)
{
	int rc = TRC_OK;

	for (bool more = true; !rc && more;) {
		const char *comma = memchr(events.start, ',', events.size);
		size_t size = comma ? (size_t)(comma - events.start) : events.size;

		rc = add_events(filter, (struct text){ events.start, size }, expression, err);
		more = comma != NULL;
		events = text_skip(events, size + more);
	}
	return rc;
}

static int fill_filter(struct trc_filter *filter, struct text text, const uint8_t *event_ids,
		       struct trc_error *err)
{
	const struct event_formats *formats = &filter->metadata->formats;
	const char *colon = end_of_events(text);
	int rc = TRC_OK;

	if (colon) {
		size_t size = (size_t)(colon - text.start);

		return add_listed(filter, (struct text){ text.start, size }, text_skip(text, size + 1),
				  err);
	}
	for (uint32_t id = 0; !rc && id < formats->id_count; id++) {
		if (formats->by_id[id] && (!event_ids || event_ids[id >> 3] >> (id & 7) & 1))
			rc = add_event(filter, formats->by_id[id], text, err);
	}
	return rc;
}

int trc_filter_create(const struct trc_metadata *metadata, const struct trc_symbols *symbols,
		      const char *text, size_t size, const uint8_t *event_ids,
		      struct trc_filter **out, struct trc_error *err)
{
	struct trc_filter *filter = calloc(1, sizeof(*filter));
	int rc;

	if (!filter)
		return trc_fail_no_memory(err);
	filter->metadata = metadata;
	filter->symbols = symbols;
	filter->id_count = metadata->formats.id_count;
	filter->by_id = calloc((size_t)filter->id_count + 1, sizeof(*filter->by_id));
	rc = filter->by_id ? fill_filter(filter, (struct text){ text, size }, event_ids, err) :
			     trc_fail_no_memory(err);
	if (rc) {
		trc_filter_destroy(filter);
		return rc;
	}
	*out = filter;
	return TRC_OK;
}

void trc_filter_destroy(struct trc_filter *filter)
{
	if (!filter)
		return;
	for (uint32_t id = 0; filter->by_id && id < filter->id_count; id++)
		program_destroy(filter->by_id[id]);
	for (size_t i = 0; i < filter->name_count; i++)
		free(filter->names[i].text);
	free(filter->by_id);
	free(filter->ids);
	free(filter->names);
	free(filter);
}

int trc_filter_unknown(const struct trc_filter *filter, size_t index, const char **name,
		       size_t *size, struct trc_error *err)
{
	for (size_t i = 0; i < filter->name_count; i++) {
		if (filter->names[i].known || index--)
			continue;
		*name = filter->names[i].text;
		*size = filter->names[i].size;
		return TRC_OK;
	}
	return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "filter: all names are known");
}

int trc_filter_wants_symbols(const struct trc_filter *filter)
{
	return filter->wants_symbols && !filter->symbols;
}

/* --- numbers --------------------------------------------------------------------------------- */

static uint64_t field_number(const struct event_field *field, const uint8_t *payload,
			     bool big_endian)
{
	uint64_t value = load_uint(payload + field->offset, field->size, big_endian);

	if (!(field->flags & TRC_FIELD_SIGNED))
		return value;
	switch (field->size) {
	case 1:
		return (uint64_t)(int8_t)value;
	case 2:
		return (uint64_t)(int16_t)value;
	case 4:
		return (uint64_t)(int32_t)value;
	default:
		return value;
	}
}

/* valid is cleared for records that do not reach as far as the field. */
static void load_operand(const struct trc_filter *filter, const struct operand *operand,
			 const struct filter_rows *rows, uint64_t *values, uint8_t *valid)
{
	const struct event_field *field = operand->field;
	bool big_endian = filter->metadata->big_endian;

	for (size_t i = 0; i < rows->count; i++) {
		if (operand->kind == OPERAND_NUMBER)
			values[i] = operand->number;
		else if (operand->kind == OPERAND_CPU)
			values[i] = rows->cpu[i];
		else if (field->size <= rows->size[i] && field->offset <= rows->size[i] - field->size)
			values[i] = field_number(field, rows->payload[i], big_endian);
		else
			values[i] = valid[i] = 0;
	}
}

#define EACH(expression)					\
	do {							\
		for (size_t i = 0; i < count; i++)		\
			pass[i] &= (expression) != 0;		\
	} while (0)

/* Unsigned, as libtraceevent compares them. */
static void compare(enum operation op, const uint64_t *a, const uint64_t *b, size_t count,
		    uint8_t *pass)
{
	switch (op) {
	case OP_EQ:
		EACH(a[i] == b[i]);
		break;
	case OP_NE:
		EACH(a[i] != b[i]);
		break;
	case OP_LT:
		EACH(a[i] < b[i]);
		break;
	case OP_LE:
		EACH(a[i] <= b[i]);
		break;
	case OP_GT:
		EACH(a[i] > b[i]);
		break;
	case OP_GE:
		EACH(a[i] >= b[i]);
		break;
	case OP_ADD:
		EACH(a[i] + b[i]);
		break;
	case OP_SUB:
		EACH(a[i] - b[i]);
		break;
	case OP_MUL:
		EACH(a[i] * b[i]);
		break;
	case OP_DIV:
		EACH(b[i] ? a[i] / b[i] : 0);
		break;
	case OP_MOD:
		EACH(b[i] ? a[i] % b[i] : 0);
		break;
	case OP_LSHIFT:
		EACH(b[i] < 64 ? a[i] << b[i] : 0);
		break;
	case OP_RSHIFT:
		EACH(b[i] < 64 ? a[i] >> b[i] : 0);
		break;
	case OP_BIT_AND:
		EACH(a[i] & b[i]);
		break;
	case OP_BIT_OR:
		EACH(a[i] | b[i]);
		break;
	default:
		EACH(a[i] ^ b[i]);
	}
}

/* --- texts ----------------------------------------------------------------------------------- */

/* One of the characters in "[...]" at the start of *pattern, which is moved behind it. */
static bool glob_class(struct text *pattern, char c)
{
	struct text rest = text_skip(*pattern, 1);
	bool negated = rest.size && *rest.start == '!', found = false;
	size_t n = negated;

	for (bool first = true; n < rest.size && (first || rest.start[n] != ']'); first = false) {
		char low = rest.start[n], high = low;

		if (n + 2 < rest.size && rest.start[n + 1] == '-' && rest.start[n + 2] != ']') {
			high = rest.start[n + 2];
			n += 2;
		}
		found |= (uint8_t)c >= (uint8_t)low && (uint8_t)c <= (uint8_t)high;
		n++;
	}
	if (n >= rest.size) {	/* no class: a '[' by itself */
		*pattern = rest;
		return c == '[';
	}
	*pattern = text_skip(rest, n + 1);
	return found != negated;
}

/* One character of text against the start of *pattern, which is moved on. */
static bool glob_one(struct text *pattern, char c)
{
	char p = *pattern->start;

	if (p == '[')
		return glob_class(pattern, c);
	if (p == '\\' && pattern->size > 1) {
		*pattern = text_skip(*pattern, 1);
		p = *pattern->start;
		*pattern = text_skip(*pattern, 1);
		return p == c;
	}
	*pattern = text_skip(*pattern, 1);
	return p == '?' || p == c;
}

/* The kernel's wildcards. Going back to the last '*' alone is enough. */
static bool glob_matches(struct text pattern, struct text text)
{
	struct text after_star = { NULL, 0 }, again = text;

	while (text.size) {
		if (pattern.size && *pattern.start == '*') {
			after_star = pattern = text_skip(pattern, 1);
			again = text;
			continue;
		}
		if (pattern.size && glob_one(&pattern, *text.start)) {
			text = text_skip(text, 1);
			continue;
		}
		if (!after_star.start)
			return false;
		pattern = after_star;
		text = again = text_skip(again, 1);
	}
	while (pattern.size && *pattern.start == '*')
		pattern = text_skip(pattern, 1);
	return !pattern.size;
}

static bool text_passes(const struct code *code, struct text text)
{
	struct text right = { code->right.text, code->right.text_size };

	switch (code->op) {
	case OP_EQ:
		return text_equal(text, right);
	case OP_NE:
		return !text_equal(text, right);
	case OP_REGEX:
		return pattern_fits(code->regex, text);
	case OP_NOT_REGEX:
		return !pattern_fits(code->regex, text);
	default:
		return glob_matches(right, text);
	}
}

/* Characters of a string field up to NUL; false: they are not in the record. */
static bool string_of(const struct event_field *field, const uint8_t *payload, uint32_t size,
		      bool big_endian, struct text *out)
{
	uint64_t from = field->offset, length = field->size, word;
	const char *nul;

	if (length > size || from > size - length)
		return false;
	if (field->flags & TRC_FIELD_DYNAMIC) {
		word = load_uint(payload + from, field->size, big_endian);
		from = (word & 0xffff) + (field->flags & TRC_FIELD_RELATIVE ? from + field->size : 0);
		length = word >> 16 & 0xffff;
		if (length > size || from > size - length)
			return false;
	} else if (!length) {
		length = size - from;
	}
	*out = (struct text){ (const char *)payload + from, length };
	nul = length ? memchr(out->start, 0, length) : NULL;
	if (nul)
		out->size = (size_t)(nul - out->start);
	return true;
}

/* A number as text: the function at that address, or the address. */
static bool number_text(const struct trc_filter *filter, const struct event_field *field,
			const uint8_t *payload, uint32_t size, char buffer[24], struct text *out)
{
	struct trc_symbol symbol;
	uint64_t value;

	if (field->size > size || field->offset > size - field->size)
		return false;
	value = field_number(field, payload, filter->metadata->big_endian);
	if (is_address(field) && filter->symbols &&
	    !trc_symbol_find(filter->symbols, value, &symbol, NULL)) {
		*out = (struct text){ symbol.name, symbol.name_size };
		return true;
	}
	*out = (struct text){ buffer, (size_t)snprintf(buffer, 24, "0x%" PRIx64, value) };
	return true;
}

static bool operand_text(const struct trc_filter *filter, const struct operand *operand,
			 const struct filter_rows *rows, size_t i, char buffer[24], struct text *out)
{
	bool big_endian = filter->metadata->big_endian;

	if (operand->kind == OPERAND_COMM) {
		int32_t pid = record_pid(filter->metadata->formats.common.pid, big_endian,
					 rows->payload[i], rows->size[i]);

		*out = saved_cmdlines_comm(&filter->metadata->cmdlines, pid);
		return true;
	}
	if (operand->field->flags & TRC_FIELD_STRING)
		return string_of(operand->field, rows->payload[i], rows->size[i], big_endian, out);
	return number_text(filter, operand->field, rows->payload[i], rows->size[i], buffer, out);
}

/* A few names stand in most records, and a regular expression takes its time. */
struct memo {
	char text[16];
	uint8_t size;			/* + 1; 0: free */
	bool passes;
};

static bool passes_by_memo(const struct code *code, struct memo *memos, struct text text)
{
	struct memo *memo;

	if (text.size > sizeof(memo->text) || !text.size)
		return text_passes(code, text);
	memo = &memos[((uint8_t)text.start[0] * 7u + (uint8_t)text.start[text.size - 1] +
		       text.size) % MEMO_SLOTS];
	if (memo->size != text.size + 1 || memcmp(memo->text, text.start, text.size)) {
		memo->size = (uint8_t)(text.size + 1);
		memcpy(memo->text, text.start, text.size);
		memo->passes = text_passes(code, text);
	}
	return memo->passes;
}

static void compare_texts(const struct trc_filter *filter, const struct code *code,
			  const struct filter_rows *rows, uint8_t *pass)
{
	struct memo memos[MEMO_SLOTS] = { 0 };

	for (size_t i = 0; i < rows->count; i++) {
		char buffer[24];
		struct text text;

		pass[i] = operand_text(filter, &code->left, rows, i, buffer, &text) &&
			  (code->regex ? passes_by_memo(code, memos, text) : text_passes(code, text));
	}
}

/* --- running --------------------------------------------------------------------------------- */

static void run_leaf(const struct trc_filter *filter, const struct code *code,
		     const struct filter_rows *rows, uint8_t *pass)
{
	uint64_t left[FILTER_ROWS], right[FILTER_ROWS];

	memset(pass, code->opcode != CODE_FALSE, rows->count);
	if (code->opcode == CODE_TEXT) {
		compare_texts(filter, code, rows, pass);
	} else if (code->opcode == CODE_NUMBERS) {
		load_operand(filter, &code->left, rows, left, pass);
		load_operand(filter, &code->right, rows, right, pass);
		compare(code->op, left, right, rows->count, pass);
	}
}

bool filter_run(const struct trc_filter *filter, uint32_t id, const struct filter_rows *rows,
		uint8_t *pass)
{
	uint8_t stack[NESTING_MAX + 4][FILTER_ROWS];
	const struct program *program = id < filter->id_count ? filter->by_id[id] : NULL;
	size_t depth = 0;

	if (!program) {
		memset(pass, 0, rows->count);
		return true;
	}
	for (size_t c = 0; c < program->count; c++) {
		const struct code *code = &program->code[c];
		uint8_t *top;

		if (code->opcode != CODE_AND && code->opcode != CODE_OR && code->opcode != CODE_NOT) {
			run_leaf(filter, code, rows, stack[depth++]);
			continue;
		}
		if (code->opcode != CODE_NOT)
			depth--;
		top = stack[depth - 1];
		for (size_t i = 0; i < rows->count; i++) {
			if (code->opcode == CODE_NOT)
				top[i] = !top[i];
			else if (code->opcode == CODE_AND)
				top[i] &= stack[depth][i];
			else
				top[i] |= stack[depth][i];
		}
	}
	memcpy(pass, stack[0], rows->count);
	return true;
}
