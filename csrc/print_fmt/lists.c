/* SPDX-License-Identifier: MIT */
/* The lists of names in __print_flags() and __print_symbolic(). docs/FORMAT.md 5.6. */
#include <string.h>

#include "base/digits.h"
#include "base/number.h"
#include "metadata/api.h"
#include "print_fmt/parser.h"

/* Names that kernels leave in format files. */
static bool known_name(struct text name, uint64_t *value)
{
	static const char *const names[] = {
		"HI_SOFTIRQ",	    "TIMER_SOFTIRQ",   "NET_TX_SOFTIRQ", "NET_RX_SOFTIRQ",  "BLOCK_SOFTIRQ",
		"IRQ_POLL_SOFTIRQ", "TASKLET_SOFTIRQ", "SCHED_SOFTIRQ",	 "HRTIMER_SOFTIRQ", "RCU_SOFTIRQ",
	};

	for (*value = 0; *value < countof(names); ++*value)
		if (text_is(name, names[*value]))
			return true;
	*value = text_is(name, "HRTIMER_RESTART");
	return *value || text_is(name, "HRTIMER_NORESTART");
}

/* A word that is not a number and not known is -1. */
static uint64_t word_value(struct text word)
{
	uint64_t value;

	if (word.size && is_digit(*word.start))
		return atom_number(word);
	return known_name(word, &value) ? value : UINT64_MAX;
}

/* The value of a { value, "name" }: what is negative is not recognised, and thus -1. docs/FORMAT.md 5.6. */
static bool entry_value(const struct node *node, bool c, uint64_t *value)
{
	int64_t folded;

	while (node->kind == NODE_TYPE)
		node = node->left;
	if (node->kind == NODE_ATOM) {
		*value = word_value(node->text);
		return true;
	}
	if (node->kind != NODE_OP || !fold(node, &folded))
		return false;
	*value = folded < 0 && !c ? UINT64_MAX : (uint64_t)folded;
	return true;
}

static const struct node *without_casts(const struct node *node)
{
	while (node->kind == NODE_TYPE)
		node = node->left;
	return node;
}

/* ((void *)0), NULL: what the kernel's own lists end with. */
static bool is_null(const struct node *name)
{
	int64_t value;

	name = without_casts(name);
	if (name->kind == NODE_ATOM && name->atom == ATOM_STRING)
		return false;
	return text_is(name->text, "NULL") || (node_is_constant(name) && fold(name, &value) && !value);
}

/* The name of a { value, "name" } as libtraceevent has it: a word stands for itself, numbers are worked out. */
static bool entry_name(struct parser *p, struct node *node, struct text *name)
{
	struct node number = { .text = TEXT("") };
	int64_t value;

	while (node->kind == NODE_TYPE)
		node = node->left;
	*name = node->text;
	if (node->kind == NODE_ATOM)
		return true;
	if (node->kind != NODE_OP || !fold(node, &value))
		return p->lists || refuse(p);
	if (!parse_set_number(p, &number, value))
		return false;
	*name = number.text;
	return true;
}

/* To the kernel, a name that is a null pointer ends the list. */
static bool parse_entries(struct parser *p, struct symbol_entry **list)
{
	bool ended = false;

	do {
		struct symbol_entry *entry;
		struct node *value, *name;

		advance(p);
		if (!at(p, LEXEME_OP, "{"))
			break;
		if (p->lists)
			p->operators = 0; /* real lists have more than one argument should */
		if (!parse_next_primary(p, &value) ||
		    (p->token.kind == LEXEME_OP && !parse_operator(p, value)) ||
		    !expect(p, LEXEME_DELIM, ","))
			return false;
		entry = arena_alloc(p->arena, sizeof(*entry));
		if (!entry) {
			p->no_memory = true;
			return false;
		}
		entry->constant = node_is_constant(value) ||
				  (value->kind == NODE_ATOM && known_name(value->text, &entry->value));
		if (!entry_value(value, p->language.c, &entry->value)) {
			if (!p->lists)
				return refuse(p);
			entry->constant = false;
		}
		if (!parse_next_primary(p, &name) || !expect(p, LEXEME_OP, "}") ||
		    !entry_name(p, name, &entry->name))
			return false;
		entry->constant &= without_casts(name)->atom == ATOM_STRING; /* not { -1, NULL } */
		entry->next = NULL;
		ended |= p->language.c && !p->lists && is_null(name);
		if (!ended) {
			*list = entry;
			list = &entry->next;
		}
		advance(p);
	} while (at(p, LEXEME_DELIM, ","));
	return true;
}

/* A list whose value and entries are read; the node itself may become an operand elsewhere. */
static bool add_list(struct parser *p, const struct node *node)
{
	struct value_list *list;

	if (!p->lists)
		return true;
	list = arena_alloc(p->arena, sizeof(*list));
	if (!list) {
		p->no_memory = true;
		return false;
	}
	*list = (struct value_list){ .value = node->left,
				     .entries = node->entries,
				     .is_flags = node->kind == NODE_FLAGS,
				     .condition = p->condition };
	*p->lists = list;
	p->lists = &list->next;
	return true;
}

/* __print_flags(value, "delimiter", entries) */
bool parse_flags(struct parser *p, struct node *node)
{
	node->kind = NODE_FLAGS;
	if (!parse_next_expression(p, &node->left) || !expect(p, LEXEME_DELIM, ","))
		return false;
	advance(p);
	if (at_item(p)) {
		node->text = p->token.text;
		advance(p);
	}
	return expect(p, LEXEME_DELIM, ",") && parse_entries(p, &node->entries) && add_list(p, node);
}

/* __print_symbolic(value, entries) */
bool parse_symbolic(struct parser *p, struct node *node)
{
	node->kind = NODE_SYMBOL;
	return parse_next_expression(p, &node->left) && expect(p, LEXEME_DELIM, ",") &&
	       parse_entries(p, &node->entries) && add_list(p, node);
}
