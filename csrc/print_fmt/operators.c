/* SPDX-License-Identifier: MIT */
/*
 * Operators grouped as libtraceevent groups them (docs/FORMAT.md 5.5), which is not how C does: those of
 * equal rank lean to the right. And as C does, for the kernel's own text.
 */
#include "print_fmt/parser.h"

static bool parse_following(struct parser *p, struct node *node, struct node *operand);

/* The tree so far becomes the left operand of a new operator in its place. */
static bool wrap(struct parser *p, struct node *node, uint8_t priority)
{
	struct node *left = new_node(p);

	if (!left)
		return false;
	*left = *node;
	*node = (struct node){ .kind = NODE_OP, .text = p->token.text, .priority = priority, .left = left };
	return true;
}

/* cond ? a : b; b is all that follows, other conditionals among it. In a they are not understood. */
static bool parse_conditional(struct parser *p, struct node *node)
{
	struct node *branches;

	if (!wrap(p, node, 0) || !(branches = new_node(p)))
		return false;
	branches->kind = NODE_OP;
	branches->text = TEXT(":");
	node->right = branches;
	if (!parse_next_primary(p, &branches->left))
		return false;
	while (p->token.kind == LEXEME_OP && !at(p, LEXEME_OP, ":"))
		if (!parse_operator(p, branches->left))
			return false;
	return expect(p, LEXEME_OP, ":") && parse_next_expression(p, &branches->right);
}

/* array[i]; i is one primary. */
bool parse_index(struct parser *p, struct node *node)
{
	if (!wrap(p, node, 0) || !parse_next_primary(p, &node->right) || !expect(p, LEXEME_OP, "]"))
		return false;
	advance(p);
	return true;
}

bool parse_unary(struct parser *p, struct node *node)
{
	if (p->token.text.size != 1 || !memchr("~!+-", p->token.text.start[0], 4))
		return refuse(p);
	*node = (struct node){ .kind = NODE_OP, .text = p->token.text };
	node->left = new_node(p);
	if (p->language.c) {
		node->right = new_node(p);
		advance(p);
		return node->left && node->right && parse_primary(p, node->right);
	}
	return node->left && parse_next_primary(p, &node->right) && parse_following(p, node, node->right);
}

/*
 * a op b: if b came as an operator node that binds less tightly (it was in parentheses, or
 * unary), libtraceevent lets it change places with op. *right then holds (a op ...), and that is
 * what it goes on to take for the operand on the right.
 */
static void attach_right(struct node *node, struct node *right)
{
	if (right->kind == NODE_OP && print_fmt_priority(node->text) < print_fmt_priority(right->text)) {
		struct node tight = *node;

		tight.right = right->left;
		*node = *right;
		*right = tight;
		node->left = right;
	} else {
		node->right = right;
	}
}

/* "TYPE *" in parentheses was taken for a multiplication. */
static bool make_pointer_type(struct parser *p, struct node *node)
{
	struct node *left = node->left;
	char *type;

	if (left->kind != NODE_ATOM)
		return refuse(p);
	type = arena_alloc(p->arena, left->text.size + 2);
	if (!type) {
		p->no_memory = true;
		return false;
	}
	memcpy(type, left->text.start, left->text.size);
	memcpy(type + left->text.size, " *", 2);
	*node = *left;
	node->text = (struct text){ type, left->text.size + 2 };
	return true;
}

static bool parse_binary(struct parser *p, struct node *node, struct node **operand)
{
	int priority = print_fmt_priority(p->token.text);
	struct node *right;

	if (priority < 5 || priority > 15)
		return refuse(p);
	if (!wrap(p, node, (uint8_t)priority))
		return false;
	advance(p);
	if (text_is(node->text, "*") && at(p, LEXEME_DELIM, ")")) /* a cast to a pointer */
		return make_pointer_type(p, node);
	right = new_node(p);
	if (!right || !parse_primary(p, right))
		return false;
	attach_right(node, right);
	*operand = right;
	return true;
}

/* The operator at p->token, with *node as its left operand. *operand: what it has on its right. */
static bool parse_one_operator(struct parser *p, struct node *node, struct node **operand)
{
	*operand = NULL;
	if (++p->operators > PRINT_FMT_MAX_OPERATORS)
		return refuse(p);
	if (at(p, LEXEME_OP, "?"))
		return parse_conditional(p, node);
	if (at(p, LEXEME_OP, "["))
		return parse_index(p, node);
	return parse_binary(p, node, operand);
}

/*
 * All operators after the operator node *node, up to a colon: one that binds less wraps the
 * whole, any other takes the operand on the right only.
 */
static bool parse_following(struct parser *p, struct node *node, struct node *operand)
{
	while (p->token.kind == LEXEME_OP && !at(p, LEXEME_OP, ":")) {
		if (print_fmt_priority(p->token.text) <= node->priority)
			node = operand;
		if (!node) /* what is not a right operand there: [ after a ? or another [ */
			return refuse(p);
		if (!parse_one_operator(p, node, &operand))
			return false;
	}
	return true;
}

bool parse_operator(struct parser *p, struct node *node)
{
	struct node *operand;

	return parse_one_operator(p, node, &operand) && parse_following(p, node, operand);
}

/* --- operators, as C has them -------------------------------------------------------------- */

/* cond ? a : b, b being a conditional itself if there are more. */
static bool parse_c_conditional(struct parser *p, struct node *node)
{
	const struct node *outer = p->condition;
	struct node *branches;

	if (!wrap(p, node, 0) || !(branches = new_node(p)))
		return false;
	branches->kind = NODE_OP;
	branches->text = TEXT(":");
	node->right = branches;
	p->condition = node->left;
	if (!parse_next_primary(p, &branches->left) || !expect(p, LEXEME_OP, ":"))
		return false;
	p->condition = outer;
	return parse_next_primary(p, &branches->right);
}

/* A primary and the operators after it whose rank is at most loosest. */
bool parse_c(struct parser *p, struct node *node, int loosest)
{
	if (!parse_primary(p, node))
		return false;
	while (p->token.kind == LEXEME_OP) {
		int rank = print_fmt_priority(p->token.text);

		if (++p->operators > PRINT_FMT_MAX_OPERATORS)
			return refuse(p);
		if (at(p, LEXEME_OP, "?")) {
			if (loosest < C_LOWEST)
				return true;
			if (!parse_c_conditional(p, node))
				return false;
			continue;
		}
		if (rank < 5 || rank > loosest)
			return true;
		if (!wrap(p, node, (uint8_t)rank) || !(node->right = new_node(p)))
			return false;
		advance(p);
		if (text_is(node->text, "*") && at(p, LEXEME_DELIM, ")")) { /* a cast to a pointer */
			node->right = NULL;
			return make_pointer_type(p, node);
		}
		if (!parse_c(p, node->right, rank - 1))
			return false;
	}
	return true;
}
