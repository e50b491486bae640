/* SPDX-License-Identifier: MIT */
/* The tokens of a print fmt, cut where libtraceevent cuts them. docs/FORMAT.md 5.2. */
#ifndef TRC_PRINT_FMT_LEX_H
#define TRC_PRINT_FMT_LEX_H

#include "base/arena.h"
#include "base/text.h"

enum lexeme_kind {
	LEXEME_END, /* of the text, or a character that is not printable */
	LEXEME_NEWLINE,
	LEXEME_ITEM,   /* letters, digits, _ */
	LEXEME_STRING, /* "..." without the quotes, escapes as they are, neighbours joined */
	LEXEME_CHAR,   /* '.' without the quotes */
	LEXEME_DELIM,  /* ( ) or , */
	LEXEME_OP,
	LEXEME_NO_MEMORY,
};

struct lexeme {
	enum lexeme_kind kind;
	struct text text;
};

struct lexer {
	const char *pos, *end;
	struct arena *arena; /* for joined strings */
};

/* The next token, blanks before it skipped. */
struct lexeme lex(struct lexer *lexer);
/* The same, newlines skipped too. */
struct lexeme lex_item(struct lexer *lexer);

static inline bool lexeme_is(struct lexeme token, enum lexeme_kind kind, const char *text)
{
	return token.kind == kind && text_is(token.text, text);
}

#endif
