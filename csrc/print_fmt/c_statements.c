/* SPDX-License-Identifier: MIT */
/*
 * Statements in an expression, as the kernel's min() and its like leave them, by the rules of C:
 * ({ int x = REC->a; int y = 128; x < y ? x : y; }). What a variable was set to stands in its place.
 */
#include "print_fmt/parser.h"

struct variable {
	struct text type, name;
	struct node *value;
	unsigned operators; /* in value, those of the variables in it as well */
	struct variable *next;
};

static bool at_declaration(const struct parser *p)
{
	struct lexer after = p->lexer;

	return p->token.kind == LEXEME_ITEM && lex_item(&after).kind == LEXEME_ITEM;
}

/* TYPE NAME = expression; at the type. */
static bool parse_declaration(struct parser *p)
{
	struct variable *variable = arena_alloc(p->arena, sizeof(*variable));
	const char *start = p->token.text.start, *end = start;
	unsigned before;

	if (!variable) {
		p->no_memory = true;
		return false;
	}
	*variable = (struct variable){ .next = p->variables };
	for (; at_declaration(p); advance(p))
		end = p->token.text.start + p->token.text.size;
	variable->type = (struct text){ start, (size_t)(end - start) };
	variable->name = p->token.text;
	advance(p);
	before = p->operators;
	if (!expect(p, LEXEME_OP, "=") || !parse_next_primary(p, &variable->value) ||
	    !expect(p, LEXEME_OP, ";"))
		return false;
	variable->operators = p->operators - before;
	p->variables = variable; /* only now: it is not known in its own value */
	advance(p);
	return true;
}

bool parse_c_statements(struct parser *p, struct node *node)
{
	struct variable *outside = p->variables;

	advance(p);
	while (at_declaration(p)) {
		if (!parse_declaration(p))
			return false;
	}
	if (!parse_c(p, node, C_LOWEST) || !expect(p, LEXEME_OP, ";"))
		return false;
	advance(p);
	if (!expect(p, LEXEME_OP, "}"))
		return false;
	advance(p);
	p->variables = outside;
	return true;
}

bool parse_c_variable(struct parser *p, struct node *node, bool *known)
{
	const struct variable *variable = p->variables;
	bool is_unsigned;
	unsigned size;

	while (variable && !text_equal(variable->name, node->text))
		variable = variable->next;
	*known = variable != NULL;
	if (!variable)
		return true;
	/* The expression is worked out in each place anew. */
	p->operators += variable->operators + 1;
	if (p->operators > PRINT_FMT_MAX_OPERATORS)
		return refuse(p);
	if (!c_type_size(variable->type, p->language.long_size, &size, &is_unsigned)) {
		struct node *next = node->next;

		*node = *variable->value;
		node->next = next;
		return true;
	}
	*node = (struct node){
		.kind = NODE_TYPE, .text = variable->type, .left = variable->value, .next = node->next
	};
	return true;
}
