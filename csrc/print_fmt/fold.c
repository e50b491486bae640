/* SPDX-License-Identifier: MIT */
/* Values that a print fmt's expressions have without any record. docs/FORMAT.md 5.5. */
#include "base/digits.h"
#include "print_fmt/tree.h"

int print_fmt_priority(struct text op)
{
	static const struct {
		char op[3];
		int8_t priority;
	} table[] = {
		{ "++", 3 }, { "--", 3 }, { "~", 4 },	{ "!", 4 },   { "*", 6 },   { "/", 6 },
		{ "%", 6 },  { "+", 7 },  { "-", 7 },	{ "<<", 8 },  { ">>", 8 },  { "<", 9 },
		{ ">", 9 },  { "<=", 9 }, { ">=", 9 },	{ "==", 10 }, { "!=", 10 }, { "&", 11 },
		{ "^", 12 }, { "|", 13 }, { "&&", 14 }, { "||", 15 }, { "?", 16 },
	};

	for (size_t i = 0; i < countof(table); i++)
		if (text_is(op, table[i].op))
			return table[i].priority;
	return -1;
}

uint64_t atom_number(struct text text)
{
	uint64_t value;
	size_t used;

	if (text.size && *text.start == '-')
		return UINT64_C(0) - atom_number(text_skip(text, 1));
	digits_read(text, 0, &value, &used);
	return value;
}

static bool fold_unary(struct text op, int64_t right, int64_t *value)
{
	switch (op.start[0]) {
	case '~':
		*value = ~right;
		return true;
	case '-':
		*value = (int64_t)(UINT64_C(0) - (uint64_t)right);
		return true;
	case '+':
		*value = right;
		return true;
	default:
		return false;
	}
}

bool fold_operator(const struct node *node, int64_t a, int64_t b, bool is_signed, int64_t *value)
{
	uint64_t left = (uint64_t)a, right = (uint64_t)b, out;

	if (print_fmt_priority(node->text) < 0)
		return false;
	switch (print_fmt_priority(node->text) << 8 | node->text.start[0]) {
	case 6 << 8 | '*':
		out = left * right;
		break;
	case 6 << 8 | '/':
	case 6 << 8 | '%':
		if (!b || (is_signed && a == INT64_MIN && b == -1))
			return false;
		if (node->text.start[0] == '/')
			out = is_signed ? (uint64_t)(a / b) : left / right;
		else
			out = is_signed ? (uint64_t)(a % b) : left % right;
		break;
	case 7 << 8 | '+':
		out = left + right;
		break;
	case 7 << 8 | '-':
		out = left - right;
		break;
	case 8 << 8 | '<':
		out = left << (right & 63);
		break;
	case 8 << 8 | '>':
		out = is_signed ? (uint64_t)(a >> (right & 63)) : left >> (right & 63);
		break;
	case 9 << 8 | '<':
		out = (is_signed ? a < b : left < right) || (node->text.size == 2 && a == b);
		break;
	case 9 << 8 | '>':
		out = (is_signed ? a > b : left > right) || (node->text.size == 2 && a == b);
		break;
	case 10 << 8 | '=':
		out = a == b;
		break;
	case 10 << 8 | '!':
		out = a != b;
		break;
	case 11 << 8 | '&':
		out = left & right;
		break;
	case 12 << 8 | '^':
		out = left ^ right;
		break;
	case 13 << 8 | '|':
		out = left | right;
		break;
	case 14 << 8 | '&':
		out = left && right;
		break;
	case 15 << 8 | '|':
		out = left || right;
		break;
	default:
		return false;
	}
	*value = (int64_t)out;
	return true;
}

static bool fold_children(const struct node *node, int64_t *value)
{
	int64_t left, right;

	if (node->text.size == 1 && strchr("[:?*/%^", node->text.start[0]))
		return false;
	if (!fold(node->right, &right))
		return false;
	if (node->left->kind == NODE_NULL)
		return fold_unary(node->text, right, value);
	return fold(node->left, &left) && fold_operator(node, left, right, true, value);
}

/* All of a word is a number as C writes it: 0x24UL, not 09. */
static bool is_number(struct text text)
{
	const char *s = text.start, *end = s + text.size;
	const char *digits = "0123456789";

	while (s < end && strchr("uUlL", end[-1]))
		end--;
	if (end - s > 2 && s[0] == '0' && (s[1] | 0x20) == 'x') {
		s += 2;
		digits = "0123456789abcdefABCDEF";
	} else if (s < end && *s == '0') {
		digits = "01234567";
	} else if (end - s > 1 && *s == '-') { /* of sizeof and the like: set_number() */
		s++;
	}
	if (s == end)
		return false;
	while (s < end && *s && strchr(digits, *s))
		s++;
	return s == end;
}

static bool constant_operator(const struct node *node)
{
	int64_t bits;

	if (!node_is_constant(node->left) || !node_is_constant(node->right))
		return false;
	return (!text_is(node->text, "<<") && !text_is(node->text, ">>")) ||
	       (fold(node->right, &bits) && bits >= 0 && bits < 64);
}

bool node_is_constant(const struct node *node)
{
	switch (node->kind) {
	case NODE_NULL:
		return true;
	case NODE_ATOM:
		return node->atom == ATOM_WORD && is_number(node->text);
	case NODE_TYPE:
		return node_is_constant(node->left);
	case NODE_OP:
		return constant_operator(node);
	default:
		return false;
	}
}

bool fold(const struct node *node, int64_t *value)
{
	switch (node->kind) {
	case NODE_NULL:
		*value = 0;
		return true;
	case NODE_ATOM:
		*value = (int64_t)atom_number(node->text);
		return true;
	case NODE_TYPE:
		return fold(node->left, value);
	case NODE_OP:
		return fold_children(node, value);
	default:
		return false;
	}
}
