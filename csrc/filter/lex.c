/* SPDX-License-Identifier: MIT */
#include "filter/lex.h"

#include "base/digits.h"
#include "base/error.h"

int filter_fault(const struct filter_lexer *lexer, const char *what)
{
	struct text at = lexer->spelling;

	if (lexer->kind == KIND_END)
		return trc_fail(lexer->err, TRC_ARGUMENT, TRC_NO_OFFSET, "filter: %s, at its end", what);
	return trc_fail(lexer->err, TRC_ARGUMENT, TRC_NO_OFFSET, "filter: %s, at '%.*s' (character %zu)",
			what, at.size > 40 ? 40 : (int)at.size, at.start,
			(size_t)(at.start - lexer->start) + 1);
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\n';
}

/* A quote after a backslash does not end it; both stay in the string. */
static int read_string(struct filter_lexer *lexer, char quote)
{
	struct text rest = text_skip(lexer->rest, 1);
	size_t n = 0;

	for (bool escaped = false; n < rest.size && (rest.start[n] != quote || escaped); n++)
		escaped = rest.start[n] == '\\' && !escaped;
	lexer->token = (struct text){ rest.start, n };
	lexer->spelling = (struct text){ lexer->rest.start, n < rest.size ? n + 2 : n + 1 };
	lexer->kind = quote == '"' ? KIND_STRING : KIND_CHARACTERS;
	if (n == rest.size)
		return filter_fault(lexer, "a string without an end");
	lexer->rest = text_skip(rest, n + 1);
	return TRC_OK;
}

static size_t operator_size(struct text rest)
{
	static const char *const operators[] = {
		"&&", "||", "==", "!=", "<=", ">=", "=~", "!~", "<<", ">>",
	};

	for (size_t i = 0; i < countof(operators); i++) {
		if (rest.size >= 2 && !memcmp(rest.start, operators[i], 2))
			return 2;
	}
	return 1;
}

/* A '.' belongs to a word if a letter follows: the fields of function graph events have one. */
static size_t word_size(struct text rest)
{
	size_t n = 1;

	while (n < rest.size && (is_word(rest.start[n]) ||
				 (rest.start[n] == '.' && n + 1 < rest.size && is_word(rest.start[n + 1]))))
		n++;
	return n;
}

int filter_next(struct filter_lexer *lexer)
{
	while (lexer->rest.size && is_space(*lexer->rest.start))
		lexer->rest = text_skip(lexer->rest, 1);
	lexer->token = (struct text){ lexer->rest.start, 0 };
	lexer->kind = KIND_END;
	if (!lexer->rest.size)
		return TRC_OK;
	if (*lexer->rest.start == '"' || *lexer->rest.start == '\'')
		return read_string(lexer, *lexer->rest.start);
	lexer->kind = is_word(*lexer->rest.start) ? KIND_WORD : KIND_OP;
	lexer->token.size = lexer->kind == KIND_WORD ? word_size(lexer->rest) : operator_size(lexer->rest);
	lexer->spelling = lexer->token;
	lexer->rest = text_skip(lexer->rest, lexer->token.size);
	return TRC_OK;
}

bool filter_at(const struct filter_lexer *lexer, const char *op)
{
	return lexer->kind == KIND_OP && text_is(lexer->token, op);
}

struct text filter_trim(struct text text)
{
	while (text.size && is_space(*text.start))
		text = text_skip(text, 1);
	while (text.size && is_space(text.start[text.size - 1]))
		text.size--;
	return text;
}
