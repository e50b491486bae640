/* SPDX-License-Identifier: MIT */
/* From the text of a filter to the program of one event. */
#ifndef TRC_FILTER_COMPILE_H
#define TRC_FILTER_COMPILE_H

#include "filter_lex.h"
#include "filter_program.h"

struct filter_parser {
	struct filter_lexer lexer;
	struct trc_filter *filter;	/* learns which names the text has */
	const struct event_format *event;
	struct program *program;
	unsigned nesting;
};

/* *out's text is the caller's to free, also after an error. TRC_ARGUMENT, TRC_NO_MEMORY. */
int filter_read_operand(struct filter_parser *parser, struct operand *out);

/* *out is for filter_program_destroy(). TRC_ARGUMENT: the text is wrong. TRC_NO_MEMORY. */
int filter_compile(struct trc_filter *filter, const struct event_format *event, struct text text,
		   struct program **out, struct trc_error *err);

void filter_program_destroy(struct program *program);

#endif
