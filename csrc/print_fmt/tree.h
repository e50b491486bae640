/* SPDX-License-Identifier: MIT */
/*
 * A print fmt as a tree: the format string and, in order, its arguments.
 *
 * Two parsers build it: one groups operators as libtraceevent does, whose text we print by default,
 * one as C does (docs/FORMAT.md 5.5).
 */
#ifndef TRC_PRINT_FMT_TREE_H
#define TRC_PRINT_FMT_TREE_H

#include "metadata/event_format.h"

/* The numbers are libtraceevent's, because texts name them: "ARG TYPE NOT FIELD BUT 10". */
enum node_kind {
	NODE_NULL = 0,	    /* the left side of a unary operator */
	NODE_ATOM = 1,	    /* number, identifier, string, character */
	NODE_FIELD = 2,	    /* REC->text */
	NODE_FLAGS = 3,	    /* left: the value; text: the delimiter */
	NODE_SYMBOL = 4,    /* left: the value */
	NODE_HEX = 5,	    /* left: pointer, right: number of bytes */
	NODE_INT_ARRAY = 6, /* left: pointer, right: number of elements or NULL: all, extra: their size */
	NODE_TYPE = 7,	    /* (text)left */
	NODE_STRING = 8,    /* __get_str(text) */
	NODE_DYNAMIC_ARRAY = 10, /* __get_dynamic_array(text) */
	NODE_OP = 11,		 /* left text right; of ?, right is a : of two */
	NODE_FUNC = 12,		 /* function(left, right, extra) */
	NODE_BITMASK = 13,
	NODE_DYNAMIC_ARRAY_LEN = 14,
	NODE_HEX_STR = 15,
	NODE_CPUMASK = 16,
	NODE_STACKTRACE = 17,
	NODE_ADDRESS = 32, /* &REC->text, of C only */
};

/* What plugins of libtraceevent add to the language. */
enum print_fmt_function {
	FUNCTION_JBD2_DEV_TO_NAME,
	FUNCTION_JIFFIES_TO_MSECS,
	FUNCTION_SCSI_TRACE_PARSE_CDB,
	FUNCTION_XEN_HYPERCALL_NAME,
	FUNCTION_LE16_TO_CPUP,
	FUNCTION_IS_WRITABLE_PTE,
	FUNCTION_CONSTANT_P,
	FUNCTION_FSWAB16,
	FUNCTION_FSWAB32,
	FUNCTION_FSWAB64,
	FUNCTION_BSWAP16,
	FUNCTION_BSWAP32,
	FUNCTION_BSWAP64,
	FUNCTION_HELPER, /* the caller's: print_fmt.h */
};

/* { value, "name" } of __print_flags and __print_symbolic. */
struct symbol_entry {
	uint64_t value;
	bool constant; /* value is what the kernel's compiler made of it, not what a word stands for */
	struct text name;
	struct symbol_entry *next;
};

enum atom_kind {
	ATOM_WORD, /* a number, a character's code, or identifiers */
	ATOM_STRING,
};

struct node {
	enum node_kind kind;
	uint8_t priority; /* of an operator node: enum of libtraceevent's numbers, 0: wrapped by any */
	uint8_t atom;	  /* enum atom_kind */
	uint8_t function; /* enum print_fmt_function */
	struct text text;
	const struct event_field *field; /* where text is the name of one; NULL: there is none */
	struct symbol_entry *entries;
	struct node *left, *right, *extra; /* of a caller's function: left is the first of its arguments */
	uint32_t helper;		   /* of NODE_FUNC: which of the caller's functions */
	struct node *next;		   /* the next argument */
};

/* Deeper nested expressions are refused: libtraceevent recurses without limit (docs/FORMAT.md 9). */
#define PRINT_FMT_MAX_DEPTH 200
/* Operators in one argument; chains of them nest as well. */
#define PRINT_FMT_MAX_OPERATORS 500

struct print_fmt_tree {
	struct text format; /* escapes and conversions as they are */
	struct node *args;
	bool failed; /* not understood: records show their fields */
};

struct print_fmt_language {
	unsigned long_size;
	bool plugins; /* know print_fmt_function */
	bool c;	      /* group operators as C does, not as libtraceevent */
	bool big_endian;
	const struct text *helpers; /* [helper_count]: names of the caller's functions */
	uint32_t helper_count;
};

/*
 * As libtraceevent. Nodes live in arena, texts in the event's own. A print fmt that cannot be
 * read is not a failure: tree->failed.
 */
int print_fmt_parse(const struct event_format *event, struct print_fmt_language language, struct arena *arena,
		    struct print_fmt_tree *tree, struct trc_error *err);

/* One __print_flags() or __print_symbolic(). */
struct value_list {
	const struct node *value;
	const struct symbol_entry *entries;
	bool is_flags;
	const struct node *condition; /* of the ?: whose first choice it is; NULL: of none */
	struct value_list *next;
};

/*
 * All of them in a print fmt, grouped as C does, in order. Where the rest cannot be read they are
 * looked for after it, so that this is not a failure.
 */
int print_fmt_value_lists(const struct event_format *event, unsigned long_size, struct arena *arena,
			  struct value_list **lists, struct trc_error *err);

/* Is the value of an expression that fold() takes known, or has it words, or digits that are not a number? */
bool node_is_constant(const struct node *node);

/* Size and sign of a type of C by its name; false: no integer type or pointer that is known. */
bool c_type_size(struct text name, unsigned long_size, unsigned *size, bool *is_unsigned);

/* 1 to 8 bytes of u8, __s16 and the like; 0: some other type. */
unsigned fixed_type_size(struct text type);

/* strtoull(text, NULL, base 0). */
uint64_t atom_number(struct text text);

/* Rank of an operator, low binds tightest; -1: it is not one. */
int print_fmt_priority(struct text op);

/*
 * The value of an entry's expression; words count as 0. False: something in it is not known before
 * there is a record, or is not an operator that libtraceevent works out there.
 */
bool fold(const struct node *node, int64_t *value);

/* a op b. False: no operator, or divided by 0. */
bool fold_operator(const struct node *op, int64_t a, int64_t b, bool is_signed, int64_t *value);

#endif
