/* SPDX-License-Identifier: MIT */
/* A parser at work: parse.c begins, primaries.c and operators.c call each other. */
#ifndef TRC_PRINT_FMT_PARSER_H
#define TRC_PRINT_FMT_PARSER_H

#include "print_fmt/lex.h"
#include "print_fmt/tree.h"

#define C_LOWEST 16 /* the rank of ?: in print_fmt_priority() */

struct parser {
	struct lexer lexer;
	const struct event_format *event;
	struct print_fmt_language language;
	struct arena *arena;
	struct lexeme token; /* the one after what was parsed last */
	unsigned depth, operators;
	bool failed, no_memory;
	struct value_list **lists;    /* where the next one goes; NULL: they are not wanted */
	const struct node *condition; /* of the ?: whose first choice is being parsed */
};

/* Every parse_ function gives false when the print fmt is lost; p->token is then of no meaning. */
static inline bool refuse(struct parser *p)
{
	p->failed = true;
	return false;
}

static inline void advance(struct parser *p)
{
	p->token = lex_item(&p->lexer);
	if (p->token.kind == LEXEME_NO_MEMORY)
		p->no_memory = true;
}

static inline struct node *new_node(struct parser *p)
{
	struct node *node = arena_alloc(p->arena, sizeof(*node));

	if (!node) {
		p->no_memory = true;
		return NULL;
	}
	*node = (struct node){ .text = TEXT("") };
	return node;
}

static inline bool at(const struct parser *p, enum lexeme_kind kind, const char *text)
{
	return lexeme_is(p->token, kind, text);
}

static inline bool expect(struct parser *p, enum lexeme_kind kind, const char *text)
{
	return at(p, kind, text) || refuse(p);
}

/* Item, string and character start a primary without being an operator. */
static inline bool at_item(const struct parser *p)
{
	return p->token.kind == LEXEME_ITEM || p->token.kind == LEXEME_STRING || p->token.kind == LEXEME_CHAR;
}

/* One operand, of which p->token is the first token. */
bool parse_primary(struct parser *p, struct node *node);
/* REC->name, at what follows REC. */
bool parse_field(struct parser *p, struct node *node);
/* Moves on and parses a primary into *node, a new one; by the rules of C all of an expression. */
bool parse_next_primary(struct parser *p, struct node **node);
/* A primary and whatever operators follow it. */
bool parse_next_expression(struct parser *p, struct node **node);

/* An operator after *node, and all that binds to what it makes. */
bool parse_operator(struct parser *p, struct node *node);
/* By the rules of C: a primary and the operators after it whose rank is at most loosest. */
bool parse_c(struct parser *p, struct node *node, int loosest);
/* An operator in front of its operand. */
bool parse_unary(struct parser *p, struct node *node);
/* array[i]; i is one primary. */
bool parse_index(struct parser *p, struct node *node);

/* By the rules of C: * or & and its operand; what a lone word stands for. */
bool parse_c_prefix(struct parser *p, struct node *node);
bool parse_c_word(struct parser *p, struct node *node);
/* Behind REC->name: the rest of REC->ent.pid. */
bool parse_c_member(struct parser *p, struct node *node);
/* ((ktime_t) { .tv64 = x }).tv64: at the brace, *node being the type; and behind the parentheses. */
bool parse_c_structure(struct parser *p, struct node *node);
bool parse_c_member_of_structure(struct parser *p, const struct node *node);
bool parse_c_sizeof(struct parser *p, struct node *node);
/* name(...) at its parenthesis, up to the closing one, of those that only C has; else *known is false. */
bool parse_c_function(struct parser *p, struct node *node, bool *known);

/* __print_flags(value, "delimiter", { value, "name" } ...) and __print_symbolic(value, ...), at what follows the name. */
bool parse_flags(struct parser *p, struct node *node);
bool parse_symbolic(struct parser *p, struct node *node);

/* name(...) at its parenthesis, of a function of the caller's: which, and its arguments. */
bool find_helper(const struct parser *p, struct text name, uint32_t *index);
bool parse_helper(struct parser *p, struct node *node, uint32_t index);

bool parse_set_number(struct parser *p, struct node *node, int64_t value);

#endif
