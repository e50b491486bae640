/* SPDX-License-Identifier: MIT */
/* A whole print fmt: the format and its arguments, or no more than the lists of names in it. */
#include "base/error.h"
#include "metadata/api.h"
#include "print_fmt/parser.h"

/* ftrace's own events of old kernels have no arguments in their format: all fields are, in order. */
static bool fields_as_args(struct parser *p, struct node **list)
{
	for (uint32_t i = 0; i < p->event->field_count; i++) {
		struct node *node = new_node(p);

		if (!node)
			return false;
		node->kind = NODE_FIELD;
		node->field = &p->event->fields[i];
		node->text = node->field->name;
		*list = node;
		list = &node->next;
	}
	return true;
}

static uint64_t constant(const struct node *atom)
{
	return atom->atom == ATOM_WORD ? atom_number(atom->text) : 0;
}

/*
 * Operators between two atoms are worked out as soon as an argument is read, and there names are
 * worth 0, whatever symbols there are. Casts and unary operators are left alone.
 */
static bool consolidate(struct parser *p, struct node *node)
{
	int64_t value;
	uint64_t left, right;

	if (node->kind != NODE_OP)
		return true;
	if (!consolidate(p, node->left) || !consolidate(p, node->right))
		return false;
	if (node->left->kind != NODE_ATOM || node->right->kind != NODE_ATOM)
		return true;
	left = constant(node->left);
	right = constant(node->right);
	if (!fold_operator(node, (int64_t)left, (int64_t)right, false, &value))
		return true;
	return parse_set_number(p, node, value);
}

/* At the comma after the format string. */
static bool parse_args(struct parser *p, struct node **list)
{
	do {
		p->operators = 0;
		if (!parse_next_primary(p, list))
			return false;
		if (p->token.kind == LEXEME_OP &&
		    (p->language.c || !parse_operator(p, *list) || !consolidate(p, *list)))
			return false;
		list = &(*list)->next;
	} while (at(p, LEXEME_DELIM, ","));
	return true;
}

static bool parse_all(struct parser *p, struct print_fmt_tree *tree)
{
	advance(p);
	if (p->token.kind != LEXEME_STRING)
		return refuse(p);
	tree->format = p->token.text;
	advance(p);
	if (p->token.kind != LEXEME_END && (!expect(p, LEXEME_DELIM, ",") || !parse_args(p, &tree->args)))
		return false;
	if (!tree->args && (p->event->state & TRC_EVENT_FTRACE))
		return fields_as_args(p, &tree->args);
	return true;
}

int print_fmt_parse(const struct event_format *event, struct print_fmt_language language, struct arena *arena,
		    struct print_fmt_tree *tree, struct trc_error *err)
{
	struct parser parser = {
		.lexer = { event->print_fmt.start, event->print_fmt.start + event->print_fmt.size, arena },
		.event = event,
		.language = language,
		.arena = arena,
	};
	struct print_fmt_tree out = { .format = TEXT("") };

	if (event->state & (TRC_EVENT_FIELDS_FAILED | TRC_EVENT_NO_PRINT_FMT))
		out.failed = true;
	else
		out.failed = !parse_all(&parser, &out);
	if (parser.no_memory)
		return trc_fail_no_memory(err);
	*tree = out;
	return TRC_OK;
}

/* --- names of values ---------------------------------------------------------------------- */

static bool at_list(const struct parser *p)
{
	return at(p, LEXEME_ITEM, "__print_flags") || at(p, LEXEME_ITEM, "__print_symbolic") ||
	       at(p, LEXEME_ITEM, "__print_flags_u64") || at(p, LEXEME_ITEM, "__print_symbolic_u64");
}

/* Moves on to a list after what could not be read; false: there are no more. */
static bool find_list(struct parser *p)
{
	while (!p->no_memory && p->token.kind != LEXEME_END && !at_list(p))
		advance(p);
	p->failed = false;
	p->depth = p->operators = 0;
	p->condition = NULL;
	return !p->no_memory && p->token.kind != LEXEME_END;
}

int print_fmt_value_lists(const struct event_format *event, unsigned long_size, struct arena *arena,
			  struct value_list **lists, struct trc_error *err)
{
	struct parser parser = {
		.lexer = { event->print_fmt.start, event->print_fmt.start + event->print_fmt.size, arena },
		.event = event,
		.arena = arena,
		.lists = lists,
		.language = { .long_size = long_size, .plugins = true, .c = true },
	};
	struct print_fmt_tree tree = { .format = TEXT("") };
	struct node *node = NULL;

	*lists = NULL;
	if (!parse_all(&parser, &tree)) {
		while (find_list(&parser) && (node = new_node(&parser)))
			parse_primary(&parser, node);
	}
	return parser.no_memory ? trc_fail_no_memory(err) : TRC_OK;
}
