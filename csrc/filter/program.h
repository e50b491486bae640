/* SPDX-License-Identifier: MIT */
/*
 * What a filter is compiled to, once per event. compile.c makes it, run.c runs it,
 * text.c writes it out.
 */
#ifndef TRC_FILTER_PROGRAM_H
#define TRC_FILTER_PROGRAM_H

#include <regex.h>

#include "filter/api.h"
#include "filter/filter.h"
#include "metadata/api.h"

#define FILTER_NESTING_MAX 60 /* of parentheses: bounds the stack of filter_run() */

enum operand_kind {
	OPERAND_NUMBER,
	OPERAND_TEXT,
	OPERAND_FIELD,
	OPERAND_CPU,
	OPERAND_COMM,
	OPERAND_NONE, /* a name that is not a field of this event */
};

struct operand {
	enum operand_kind kind;
	uint64_t number;
	bool character; /* one in single quotes: number, or text */
	char *text;	/* ends in NUL */
	size_t text_size;
	const struct event_field *field;
};

enum opcode {
	CODE_FALSE,
	CODE_NUMBERS, /* left OP right, or whether that is not 0 */
	CODE_TEXT,    /* left is a text, right the one to compare with */
	CODE_AND,
	CODE_OR,
	CODE_NOT,
};

enum operation {
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_ADD,
	OP_SUB,
	OP_MUL,
	OP_DIV,
	OP_MOD,
	OP_LSHIFT,
	OP_RSHIFT,
	OP_BIT_AND,
	OP_BIT_OR,
	OP_XOR,
	OP_REGEX,
	OP_NOT_REGEX,
	OP_GLOB,
	OPERATIONS,
};

extern const char filter_operators[OPERATIONS][3]; /* their spelling */

struct code {
	enum opcode opcode;
	enum operation op;
	struct operand left, right;
	regex_t *regex;
};

struct program {
	struct code *code;
	size_t count, room;
};

struct name {
	char *text;
	size_t size;
	bool known;	/* a field of some event, or the record's own */
	bool own_field; /* a field of some event, not a common one */
};

/* Whether a comparison can be made, from no to yes. */
enum fit {
	FIT_NO_LEFT, /* the event has no such field: false, as libtraceevent has it */
	FIT_NO_RIGHT,
	FIT_ARRAY,
	FIT_WANTS_TEXT,
	FIT_WANTS_NUMBER,
	FIT_YES,
};

/* A comparison of the text. */
struct comparison {
	struct text left, right; /* as spelled there, within it */
	enum fit fit;		 /* of the event that it fits best */
};

struct trc_filter {
	const struct trc_metadata *metadata;
	const struct trc_symbols *symbols;
	uint32_t flags;
	struct text text;
	struct comparison *comparisons;
	size_t comparison_count, comparison_room;
	struct program **by_id; /* [id_count]; NULL: no record of the event passes */
	uint32_t id_count;
	uint32_t *ids; /* [listed] events in the order of the text; one may be there twice */
	size_t listed, id_room;
	struct name *names;
	size_t name_count, name_room;
	bool wants_symbols;
	struct trc_filter_join
		*join; /* owned; made of others: all of the above is empty then. NULL: it is not */
};

void filter_join_destroy(struct trc_filter_join *join); /* NULL is fine */

/* filter_run() of one that is not joined; its stack is large, so that it stands below the recursion. */
void filter_run_program(const struct trc_filter *filter, uint32_t id, const struct filter_rows *rows,
			uint8_t *pass);

/* As text such a field is the function that lies there. */
static inline bool filter_is_address(const struct event_field *field)
{
	return field->flags & (TRC_FIELD_POINTER | TRC_FIELD_LONG);
}

#endif
