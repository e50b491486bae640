/* SPDX-License-Identifier: MIT */
/* Comparisons joined with !, && and ||, compiled for one event. */
#include "filter/compile.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "filter/api.h"
#include "metadata/api.h"

#define CODE_MAX 20000

static void code_deinit(struct code *code)
{
	free(code->left.text);
	free(code->right.text);
	if (code->regex)
		regfree(code->regex);
	free(code->regex);
}

void filter_program_destroy(struct program *program)
{
	if (!program)
		return;
	for (size_t i = 0; i < program->count; i++)
		code_deinit(&program->code[i]);
	free(program->code);
	free(program);
}

/* What code holds belongs to the program then, or is freed. */
static int emit(struct filter_parser *parser, struct code code)
{
	struct program *program = parser->program;

	if (program->count == program->room && program->room < CODE_MAX) {
		struct code *larger = array_grow(program->code, &program->room, 4, sizeof(*larger));

		if (!larger) {
			code_deinit(&code);
			return trc_fail_no_memory(parser->lexer.err);
		}
		program->code = larger;
	}
	if (program->count == program->room) {
		code_deinit(&code);
		return filter_fault(&parser->lexer, "too many comparisons");
	}
	program->code[program->count++] = code;
	return TRC_OK;
}

const char filter_operators[OPERATIONS][3] = {
	[OP_EQ] = "==", [OP_NE] = "!=",	    [OP_LT] = "<",	   [OP_LE] = "<=",     [OP_GT] = ">",
	[OP_GE] = ">=", [OP_ADD] = "+",	    [OP_SUB] = "-",	   [OP_MUL] = "*",     [OP_DIV] = "/",
	[OP_MOD] = "%", [OP_LSHIFT] = "<<", [OP_RSHIFT] = ">>",	   [OP_BIT_AND] = "&", [OP_BIT_OR] = "|",
	[OP_XOR] = "^", [OP_REGEX] = "=~",  [OP_NOT_REGEX] = "!~", [OP_GLOB] = "~",
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

static int check_text_operation(struct filter_parser *parser, const struct code *code)
{
	enum operand_kind left = code->left.kind;

	if (left != OPERAND_FIELD && left != OPERAND_COMM && left != OPERAND_NONE)
		return filter_fault(&parser->lexer, "only a field can be compared with a string");
	if (code->op != OP_EQ && code->op != OP_NE && code->op < OP_REGEX)
		return filter_fault(&parser->lexer, "strings are compared with ==, !=, =~, !~ or ~");
	if (left == OPERAND_FIELD && !(code->left.field->flags & TRC_FIELD_STRING) &&
	    filter_is_address(code->left.field))
		parser->filter->wants_symbols = true;
	return TRC_OK;
}

static int compile_regex(struct filter_parser *parser, struct code *code)
{
	regex_t *regex;

	if (code->op != OP_REGEX && code->op != OP_NOT_REGEX)
		return TRC_OK;
	regex = malloc(sizeof(*regex));
	if (!regex)
		return trc_fail_no_memory(parser->lexer.err);
	if (strlen(code->right.text) != code->right.text_size ||
	    regcomp(regex, code->right.text, REG_ICASE | REG_NOSUB)) {
		free(regex);
		return trc_fail(parser->lexer.err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"filter: '%.60s' is not a regular expression", code->right.text);
	}
	code->regex = regex;
	return TRC_OK;
}

/* In libtraceevent a single character is a number, but before =~ and !~. Names are texts all the same. */
static void settle_character(struct code *code)
{
	const struct operand *left = &code->left;

	if (code->right.character && (code->op >= OP_REGEX || left->kind == OPERAND_COMM ||
				      (left->kind == OPERAND_FIELD && left->field->flags & TRC_FIELD_STRING)))
		code->right.kind = OPERAND_TEXT;
}

static int check_operation(struct filter_parser *parser, struct code *code)
{
	int rc;

	settle_character(code);
	if (code->right.kind == OPERAND_TEXT) {
		code->opcode = CODE_TEXT;
		rc = check_text_operation(parser, code);
		rc = rc ? rc : compile_regex(parser, code);
	} else {
		code->opcode = CODE_NUMBERS;
		rc = TRC_OK;
		if (code->op >= OP_REGEX)
			rc = filter_fault(&parser->lexer, "=~, !~ and ~ want a string on their right");
		else if (code->left.kind == OPERAND_TEXT || code->left.kind == OPERAND_COMM ||
			 code->right.kind == OPERAND_COMM)
			rc = filter_fault(&parser->lexer, "a string stands on the right, in quotes");
	}
	return rc;
}

static int parse_comparison(struct filter_parser *parser)
{
	struct code code = { 0 };
	struct text spelling[2] = { parser->lexer.spelling };
	bool can = true;
	int rc = filter_read_operand(parser, &code.left);

	if (!rc && (parser->lexer.kind != KIND_OP || !find_operation(parser->lexer.token, &code.op)))
		rc = filter_fault(&parser->lexer, "an operator is expected");
	rc = rc ? rc : filter_next(&parser->lexer);
	spelling[1] = parser->lexer.spelling;
	rc = rc ? rc : filter_read_operand(parser, &code.right);
	rc = rc ? rc : check_operation(parser, &code);
	rc = rc ? rc : filter_check_comparison(parser, &code, spelling, &can);
	if (rc) {
		code_deinit(&code);
		return rc;
	}
	if (!can)
		code.opcode = CODE_FALSE;
	return emit(parser, code);
}

static int parse_expression(struct filter_parser *parser);

/* '!' is for the one comparison or parenthesis after it. */
static int parse_term(struct filter_parser *parser)
{
	unsigned negations = 0;
	int rc = TRC_OK;

	for (; !rc && filter_at(&parser->lexer, "!"); rc = filter_next(&parser->lexer))
		negations++;
	if (rc)
		return rc;
	if (!filter_at(&parser->lexer, "(")) {
		rc = parse_comparison(parser);
	} else {
		if (++parser->nesting > FILTER_NESTING_MAX)
			return filter_fault(&parser->lexer, "too many parentheses");
		rc = filter_next(&parser->lexer);
		rc = rc ? rc : parse_expression(parser);
		if (!rc && !filter_at(&parser->lexer, ")"))
			rc = filter_fault(&parser->lexer, "')' or an operator is expected");
		rc = rc ? rc : filter_next(&parser->lexer);
		parser->nesting--;
	}
	for (; !rc && negations; negations--)
		rc = emit(parser, (struct code){ .opcode = CODE_NOT });
	return rc;
}

/* && and || alike, from left to right. C has it otherwise: a strict filter says what is meant. */
static int parse_expression(struct filter_parser *parser)
{
	bool strict = parser->filter->flags & TRC_FILTER_STRICT;
	enum opcode first = CODE_NOT; /* neither yet */
	int rc = parse_term(parser);

	while (!rc && (filter_at(&parser->lexer, "&&") || filter_at(&parser->lexer, "||"))) {
		enum opcode opcode = filter_at(&parser->lexer, "&&") ? CODE_AND : CODE_OR;

		if (strict && first != CODE_NOT && opcode != first)
			return filter_fault(&parser->lexer,
					    "&& and || are mixed: parentheses have to say which goes first");
		first = opcode;
		rc = filter_next(&parser->lexer);
		rc = rc ? rc : parse_term(parser);
		rc = rc ? rc : emit(parser, (struct code){ .opcode = opcode });
	}
	return rc;
}

int filter_compile(struct trc_filter *filter, const struct event_format *event, struct text text,
		   struct program **out, struct trc_error *err)
{
	struct filter_parser parser = {
		.lexer = { .start = filter->text.start, .rest = text, .err = err },
		.filter = filter,
		.event = event,
	};
	int rc;

	parser.program = calloc(1, sizeof(*parser.program));
	if (!parser.program)
		return trc_fail_no_memory(err);
	rc = filter_next(&parser.lexer);
	rc = rc ? rc : parse_expression(&parser);
	if (!rc && parser.lexer.kind != KIND_END)
		rc = filter_fault(&parser.lexer, "&& or || is expected");
	if (rc) {
		filter_program_destroy(parser.program);
		return rc;
	}
	*out = parser.program;
	return TRC_OK;
}
