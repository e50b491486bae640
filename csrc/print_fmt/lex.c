/* SPDX-License-Identifier: MIT */
#include "print_fmt/lex.h"

#include "base/digits.h"

static void skip_blanks(struct lexer *lexer)
{
	while (lexer->pos < lexer->end && is_blank(*lexer->pos))
		lexer->pos++;
}

/* After the opening quote; ends after the closing one. False: there is none. */
static bool lex_quoted(struct lexer *lexer, char quote, struct text *out)
{
	const char *start = lexer->pos;
	bool escaped = false;

	for (; lexer->pos < lexer->end; lexer->pos++) {
		char c = *lexer->pos;

		if (c == quote && !escaped) {
			*out = (struct text){ start, (size_t)(lexer->pos++ - start) };
			return true;
		}
		escaped = c == '\\' && !escaped;
	}
	return false;
}

/* "a" "b" is one string. Copies are made piece by piece only when there are neighbours. */
static struct lexeme lex_string(struct lexer *lexer)
{
	struct text whole, piece;
	struct lexer ahead;
	size_t total, count = 0;
	char *joined;

	if (!lex_quoted(lexer, '"', &whole))
		return (struct lexeme){ LEXEME_END, TEXT("") };
	ahead = *lexer;
	total = whole.size;
	for (;;) {
		skip_blanks(&ahead);
		if (ahead.pos == ahead.end || *ahead.pos != '"')
			break;
		ahead.pos++;
		if (!lex_quoted(&ahead, '"', &piece))
			return (struct lexeme){ LEXEME_END, TEXT("") };
		total += piece.size;
		count++;
	}
	if (!count)
		return (struct lexeme){ LEXEME_STRING, whole };
	joined = arena_alloc(lexer->arena, total + 1);
	if (!joined)
		return (struct lexeme){ LEXEME_NO_MEMORY, TEXT("") };
	memcpy(joined, whole.start, whole.size);
	for (size_t at = whole.size; count--; at += piece.size) {
		skip_blanks(lexer);
		lexer->pos++;
		lex_quoted(lexer, '"', &piece);
		memcpy(joined + at, piece.start, piece.size);
	}
	return (struct lexeme){ LEXEME_STRING, { joined, total } };
}

static size_t operator_size(const char *pos, size_t left)
{
	char c = pos[0], next = left > 1 ? pos[1] : '\0';

	if (c == '-' && next == '>')
		return 2;
	if (next == c && memchr("-+|&><=!", c, 8))
		return c == '!' ? 1 : 2;
	if (next == '=' && memchr("-+|&><!", c, 7))
		return 2;
	return 1;
}

struct lexeme lex(struct lexer *lexer)
{
	struct text quoted = TEXT("");
	const char *start;
	enum lexeme_kind kind;

	skip_blanks(lexer);
	start = lexer->pos;
	if (start == lexer->end)
		return (struct lexeme){ LEXEME_END, TEXT("") };
	if (is_word(*start)) {
		while (lexer->pos < lexer->end && is_word(*lexer->pos))
			lexer->pos++;
		return (struct lexeme){ LEXEME_ITEM, { start, (size_t)(lexer->pos - start) } };
	}
	lexer->pos++;
	switch (*start) {
	case '\n':
		kind = LEXEME_NEWLINE;
		break;
	case '"':
		return lex_string(lexer);
	case '\'':
		kind = lex_quoted(lexer, '\'', &quoted) ? LEXEME_CHAR : LEXEME_END;
		return (struct lexeme){ kind, quoted };
	case '(':
	case ')':
	case ',':
		kind = LEXEME_DELIM;
		break;
	default:
		if (*start < ' ' || *start > '~') {
			lexer->pos = lexer->end;
			return (struct lexeme){ LEXEME_END, TEXT("") };
		}
		kind = LEXEME_OP;
		lexer->pos = start + operator_size(start, (size_t)(lexer->end - start));
	}
	return (struct lexeme){ kind, { start, (size_t)(lexer->pos - start) } };
}

struct lexeme lex_item(struct lexer *lexer)
{
	struct lexeme token;

	do
		token = lex(lexer);
	while (token.kind == LEXEME_NEWLINE);
	return token;
}
