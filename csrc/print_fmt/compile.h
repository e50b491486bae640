/* SPDX-License-Identifier: MIT */
/* What compiling formats and expressions, libtraceevent's way and C's, have in common. */
#ifndef TRC_PRINT_FMT_COMPILE_H
#define TRC_PRINT_FMT_COMPILE_H

#include "print_fmt/program.h"

struct compiler {
	struct print_fmt *p;
	uint32_t (*compile_arg)(struct compiler *c, const struct node *node);
	unsigned depth;
	bool no_memory;
};

/* The format and its arguments. False: out of memory. */
bool compile_format(struct compiler *c, struct text format, const struct node *args);
/* Appends a piece; NULL: out of memory. */
struct piece *compile_piece(struct compiler *c, enum piece_code code);

/* Appends an expression and gives its index; NO_EXPR: out of memory. */
uint32_t compile_expr(struct compiler *c, struct expr expr);
/* An expression in libtraceevent's arithmetic: everything is unsigned, 64 bits. */
uint32_t compile_node(struct compiler *c, const struct node *node);

/* The same as C has it: an argument of a conversion or a helper. */
uint32_t compile_c_arg(struct compiler *c, const struct node *node);

/* Parts of compile_node(). */
struct expr compile_helper(struct compiler *c, const struct node *node);
struct expr compile_nothing(const struct node *node);
struct expr compile_kind(struct compiler *c, const struct node *node);
enum expr_code compile_operator_code(struct text op); /* EXPR_NOTHING: not one */

/* The field whose bytes a node stands for, where it is one. */
bool compile_bytes_of(const struct node *node, struct place *place);
struct place place_of(const struct event_field *field);

#endif
