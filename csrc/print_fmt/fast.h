/* SPDX-License-Identifier: MIT */
/*
 * The fast way to run a print fmt: over records that hold all of its fields, which nearly all do.
 *
 * A program's pieces become steps, each with all it takes in one place; the room for the text is
 * asked for once. What a step cannot do itself it leaves to piece_run().
 */
#ifndef TRC_PRINT_FMT_FAST_H
#define TRC_PRINT_FMT_FAST_H

#include "print_fmt/program.h"

enum fast_op {
	FAST_TEXT, /* only the text before */
	FAST_END,  /* the same, and nothing after it */
	FAST_DECIMAL,
	FAST_SIGNED,
	FAST_HEX,
	FAST_PADDED_HEX,      /* %08lx */
	FAST_POINTER,	      /* %p */
	FAST_SYMBOLIC,	      /* %s of __print_symbolic */
	FAST_FLAGS,	      /* %s of __print_flags */
	FAST_CHARACTERS,      /* %s of a char array */
	FAST_STRING,	      /* %s of __get_str */
	FAST_FUNCTION,	      /* %ps */
	FAST_FUNCTION_OFFSET, /* %pS */
	FAST_CHOICE,	      /* %s of ?: */
	FAST_PRINT,	      /* %s of anything else: expr_print() */
	FAST_PIECE,	      /* anything else: piece_run() */
};

struct fast_step {
	uint8_t op; /* enum fast_op */
	bool loads; /* the number is a field's; else what its expression evaluates to */
	bool is_signed;
	uint8_t shift;	     /* 64 - bits of the number: see step_number() */
	uint16_t width;	     /* places of FAST_PADDED_HEX; bytes of FAST_CHARACTERS */
	uint32_t offset;     /* of the eight bytes whose last or first are the number; of the characters */
	uint32_t number;     /* the number's expression, */
	uint64_t mask, plus; /* or of the one that is loaded: what counts, what is added */
	uint32_t shown;	     /* the expression that is printed */
	uint32_t yes, no;    /* steps of FAST_CHOICE */
	uint32_t piece;	     /* of FAST_PIECE */
	struct text before;  /* COPY_SLACK bytes after it can be read */
};

/* Makes the steps of a program that has its pieces. false: out of memory. */
bool print_fmt_make_fast(struct print_fmt *p);

#endif
