/* SPDX-License-Identifier: MIT */
/* The tokens of the kernel's format texts. Nothing is copied: a token is a piece of the text. */
#ifndef TRC_METADATA_SCANNER_H
#define TRC_METADATA_SCANNER_H

#include "base/text.h"

enum token {
	TOKEN_END,
	TOKEN_NEWLINE,
	TOKEN_WORD,   /* letters, digits and _ : names and numbers */
	TOKEN_STRING, /* "..." without the quotes, escapes as they are */
	TOKEN_CHAR,   /* '...', likewise */
	TOKEN_OTHER,  /* any other single character; the rest from a quote that is never closed */
};

struct scanner {
	const char *pos, *end;
	enum token token; /* the one just read */
	struct text text; /* and its characters */
};

static inline struct scanner scanner_of(struct text text)
{
	return (struct scanner){ .pos = text.start, .end = text.start + text.size };
}

/* Reads the next token; blanks (a carriage return is one) only separate. */
enum token scanner_next(struct scanner *s);

/* Reads the next token if it is this word, or this character; else reads nothing. */
bool scanner_accept(struct scanner *s, const char *word);
bool scanner_accept_char(struct scanner *s, char c);

void scanner_skip_newlines(struct scanner *s);

#endif
