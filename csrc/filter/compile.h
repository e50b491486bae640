/* SPDX-License-Identifier: MIT */
/* From the text of a filter to the program of one event; whether what it compares fits any. */
#ifndef TRC_FILTER_COMPILE_H
#define TRC_FILTER_COMPILE_H

#include "filter/api.h"
#include "filter/lex.h"
#include "filter/program.h"

struct filter_parser {
	struct filter_lexer lexer;
	struct trc_filter *filter; /* learns which names the text has */
	const struct event_format *event;
	struct program *program;
	unsigned nesting;
	size_t comparison; /* which one of the text comes next */
};

/* *out's text is the caller's to free, also after an error. TRC_ARGUMENT, TRC_NO_MEMORY. */
int filter_read_operand(struct filter_parser *parser, struct operand *out);

/*
 * Whether the two sides can be compared in the event at hand; the filter keeps the best answer of all
 * its events. Clears *can if there is nothing to compare, so that the comparison is false. spelling: of
 * both sides. TRC_NO_MEMORY.
 */
int filter_check_comparison(struct filter_parser *parser, const struct code *code,
			    const struct text spelling[2], bool *can);

/*
 * text: the expression, within the filter's. *out is for filter_program_destroy(). TRC_ARGUMENT: the
 * text is wrong. TRC_NO_MEMORY.
 */
int filter_compile(struct trc_filter *filter, const struct event_format *event, struct text text,
		   struct program **out, struct trc_error *err);

void filter_program_destroy(struct program *program);

#endif
