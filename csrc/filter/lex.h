/* SPDX-License-Identifier: MIT */
/* The tokens of the filter language. */
#ifndef TRC_FILTER_LEX_H
#define TRC_FILTER_LEX_H

#include "base/text.h"

enum filter_token {
	KIND_END,
	KIND_WORD,
	KIND_STRING,	 /* in double quotes */
	KIND_CHARACTERS, /* in single quotes */
	KIND_OP,
};

struct filter_lexer {
	const char *start;	/* of the whole filter */
	struct text rest;	/* after the token at hand */
	enum filter_token kind; /* of the token at hand */
	struct text token;	/* of strings without the quotes */
	struct text spelling;	/* of strings with them */
	struct trc_error *err;
};

/* Goes on to the next token. TRC_ARGUMENT: a string without an end. */
int filter_next(struct filter_lexer *lexer);

/* Whether the token at hand is that operator. */
bool filter_at(const struct filter_lexer *lexer, const char *op);

/* TRC_ARGUMENT, with what is wrong at the token at hand. */
int filter_fault(const struct filter_lexer *lexer, const char *what);

/* The text without the blanks around it. */
struct text filter_trim(struct text text);

#endif
