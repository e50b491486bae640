/* SPDX-License-Identifier: MIT */
/*
 * Functions of a print fmt that the caller knows. Nothing is called from here: a run ends at the first call
 * whose value is not known, and tells of it; with that value it is begun anew.
 */
#include "print_fmt/compile.h"
#include "print_fmt/parser.h"
#include "print_fmt/program.h"

bool find_helper(const struct parser *p, struct text name, uint32_t *index)
{
	for (*index = 0; *index < p->language.helper_count; ++*index)
		if (text_equal(p->language.helpers[*index], name))
			return true;
	return false;
}

static bool at_end(const struct parser *p)
{
	struct lexer after = p->lexer;

	return lexeme_is(lex_item(&after), LEXEME_DELIM, ")");
}

/* At the parenthesis; up to the closing one. */
bool parse_helper(struct parser *p, struct node *node, uint32_t index)
{
	struct node **argument = &node->left;
	unsigned count = 0;

	node->kind = NODE_FUNC;
	node->function = FUNCTION_HELPER;
	node->helper = index;
	if (at_end(p)) {
		advance(p);
		return true;
	}
	do {
		if (count++ == HELPER_ARGUMENTS_MAX)
			return refuse(p);
		if (!parse_next_expression(p, argument))
			return false;
		argument = &(*argument)->next;
	} while (at(p, LEXEME_DELIM, ","));
	return true;
}

/* Arguments are a chain: each has its value in a, and the next one in b. */
struct expr compile_helper(struct compiler *c, const struct node *node)
{
	const struct node *arguments[HELPER_ARGUMENTS_MAX];
	struct expr expr = compile_nothing(node);
	size_t count = 0;

	for (const struct node *argument = node->left; argument; argument = argument->next)
		arguments[count++] = argument;
	while (count--) {
		struct expr link = compile_nothing(node);

		link.code = EXPR_ARGUMENT;
		link.a = c->compile_arg(c, arguments[count]);
		link.b = expr.a;
		expr.a = compile_expr(c, link);
	}
	expr.code = EXPR_HELPER;
	expr.value = node->helper;
	c->p->helpers = true;
	return expr;
}

/* The value of a call; NULL: it is not known. Calls in its arguments come before it. */
static const struct helper_value *call(const struct print_fmt *p, const struct print_record *r,
				       const struct expr *e)
{
	struct helper_run *run = r->helpers;
	struct helper_call found = { .helper = (uint32_t)e->value };

	if (!run)
		return NULL;
	for (uint32_t link = e->a; link != NO_EXPR; link = p->exprs[link].b)
		found.arguments[found.count++] = expr_eval(p, r, p->exprs[link].a);
	if (run->is_wanted)
		return NULL;
	if (run->next < run->count)
		return &run->values[run->next++];
	run->wanted = found;
	run->is_wanted = true;
	return NULL;
}

uint64_t helper_eval(const struct print_fmt *p, const struct print_record *r, const struct expr *e)
{
	const struct helper_value *value = call(p, r, e);

	return value ? value->number : 0;
}

void helper_print(const struct print_fmt *p, const struct print_record *r, const struct expr *e,
		  const struct number_format *format, struct output *out)
{
	const struct helper_value *value = call(p, r, e);
	char digits[NUMBER_ROOM + 1], *end = digits;
	bool negative;

	if (!value)
		return;
	if (value->is_text) {
		if (format)
			output_padded(out, format, value->text);
		else
			output_text(out, value->text);
		return;
	}
	negative = value->number >> 63;
	if (negative)
		*end++ = '-';
	end = number_decimal(end, negative ? UINT64_C(0) - value->number : value->number);
	if (format)
		output_padded(out, format, (struct text){ digits, (size_t)(end - digits) });
	else
		output_bytes(out, digits, (size_t)(end - digits));
}

bool print_fmt_calls_helpers(const struct print_fmt *program)
{
	return program->helpers;
}
