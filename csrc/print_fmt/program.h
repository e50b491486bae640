/* SPDX-License-Identifier: MIT */
/* What a print fmt is compiled to. Read-only once compiled: threads share it. */
#ifndef TRC_PRINT_FMT_PROGRAM_H
#define TRC_PRINT_FMT_PROGRAM_H

#include "base/byteorder.h"
#include "base/number.h"
#include "print_fmt/print_fmt.h"
#include "print_fmt/tree.h"

enum expr_code {
	EXPR_CONST,   /* value */
	EXPR_FIELD,   /* the integer in field place */
	EXPR_ADDRESS, /* &REC->field: where it is in the record */
	EXPR_MASK,    /* a & value: a cast */
	EXPR_SIGN,    /* a sign-extended from size bytes: a cast of C */
	EXPR_NOT,
	EXPR_COMPLEMENT,
	EXPR_NEGATE,
	EXPR_ADD,
	EXPR_SUB,
	EXPR_MUL,
	EXPR_DIV,
	EXPR_MOD,
	EXPR_SHL,
	EXPR_SHR,
	EXPR_LT,
	EXPR_GT,
	EXPR_LE,
	EXPR_GE,
	EXPR_EQ,
	EXPR_NE,
	EXPR_AND,
	EXPR_OR,
	EXPR_XOR,
	EXPR_ALL,
	EXPR_ANY,
	EXPR_SDIV,
	EXPR_SMOD,
	EXPR_SSHR,
	EXPR_SLT,
	EXPR_SGT,
	EXPR_SLE,
	EXPR_SGE,	    /* signed, of C */
	EXPR_COND,	    /* a ? b : c */
	EXPR_INDEX,	    /* element b of the field: size bytes each */
	EXPR_DYNAMIC_INDEX, /* size bytes at byte b of the dynamic field */
	EXPR_DYNAMIC,	    /* __get_dynamic_array */
	EXPR_DYNAMIC_LEN,
	EXPR_STRING, /* __get_str */
	EXPR_BITMASK,
	EXPR_CPUMASK,
	EXPR_TEXT,    /* text: a literal or, under %s, any atom. As a number: value */
	EXPR_MISSING, /* text: a field's name that the event lacks */
	EXPR_FLAGS,
	EXPR_SYMBOL, /* of a; entries first .. first + count */
	EXPR_HEX,
	EXPR_HEX_STR,	 /* bytes of the field, b: how many */
	EXPR_ARRAY,	 /* elements of the field, b: how many or NO_EXPR: all, c: size of each */
	EXPR_STACKTRACE, /* functions in the dynamic field, one a line */
	EXPR_FUNC,	 /* function(a, b, c) */
	EXPR_HELPER,	 /* function number value of the caller's, a: the first argument */
	EXPR_ARGUMENT,	 /* a; b: the next one */
	EXPR_NOTHING,	 /* 0, no text */
};

#define NO_EXPR UINT32_MAX

/* A field's place, as far as programs need it. */
struct place {
	uint32_t offset, size;
	uint32_t element_size;
	uint16_t flags; /* enum trc_field_flag */
	bool dynamic;	/* what is meant are the bytes it refers to */
};

struct expr {
	uint8_t code; /* enum expr_code */
	uint8_t kind; /* enum node_kind it came from */
	uint8_t size;
	uint8_t function; /* enum print_fmt_function */
	uint32_t a, b, c; /* other expressions, or NO_EXPR */
	uint64_t value;
	struct place field;
	struct text text;
	uint32_t first, count; /* of FLAGS and SYMBOL */
	bool sorted;	       /* values of the entries are 0, 1, 2, ...: entry number value is the one */
};

struct entry {
	uint64_t value;
	struct text name;
};

enum piece_code {
	PIECE_END,     /* only the text before it */
	PIECE_DECIMAL, /* a plain number: no flags, width or precision */
	PIECE_SIGNED,
	PIECE_HEX,
	PIECE_NUMBER,
	PIECE_STRING,
	PIECE_PLAIN_STRING, /* %s without width or precision */
	PIECE_POINTER,	    /* %p */
	PIECE_SYMBOL,	    /* %ps, %pS */
	PIECE_MAC,
	PIECE_IP,
	PIECE_UUID,
	PIECE_BUFFER, /* %pM, %pI, %pU, %ph */
	PIECE_KERNEL, /* %pb, %pe, %pa, %pt of the kernel's text */
};

/* A conversion and the text in front of it. */
struct piece {
	uint8_t code;  /* enum piece_code */
	uint8_t shift; /* 64 - the bits of the number's type */
	bool is_signed;
	bool star_width, star_precision;
	char spec[8];	    /* of PIECE_SYMBOL and after: the letters after %p; ends in NUL */
	uint32_t arg, star; /* expressions; star NO_EXPR: none */
	struct number_format format;
	struct text before;
};

struct print_fmt {
	const struct event_format *event;
	const struct print_fmt_env *env;
	bool failed;
	bool bare; /* -R shows the fields without conversions: of trace_printk() */
	bool big_endian;
	bool helpers;	      /* it has functions of the caller's */
	struct piece *pieces; /* the last is PIECE_END */
	struct expr *exprs;
	struct entry *entries;
	uint32_t piece_count, expr_count, entry_count;
	struct fast_step *steps, *branches; /* the same, and parts of ?: in it: print_fmt_fast.h */
	struct shown *shown;		    /* for -R where there are many pieces; else NULL: raw.c */
	size_t shown_count;
	uint32_t fast_size; /* a shorter record cannot be run fast */
	size_t room;	    /* the most that steps write without asking for more */
	struct arena arena;
};

/* Bytes of a field in a record; size 0 when they are not all there. */
struct span {
	const uint8_t *data;
	uint32_t size;
};

TRC_INLINE uint64_t read_number(const struct print_fmt *p, const struct print_record *r, uint64_t offset,
				uint32_t size)
{
	if (TRC_UNLIKELY(offset + size > r->size))
		return 0;
	return load_uint(r->data + offset, size, p->big_endian);
}

/* Where a __data_loc or __rel_loc field refers to. docs/FORMAT.md 5.3. */
struct span read_dynamic(const struct print_fmt *p, const struct print_record *r, const struct place *field);
/* The field's own bytes; size 0 in the format: up to the end of the record. */
struct span read_static(const struct print_record *r, const struct place *field);

uint64_t expr_eval(const struct print_fmt *p, const struct print_record *r, uint32_t index);
/* What %s shows of an expression; format NULL: as it is. */
void expr_print(const struct print_fmt *p, const struct print_record *r, uint32_t index,
		const struct number_format *format, struct output *out);

/* The part of a program that a piece is, its text before included if whole. */
void piece_run(const struct print_fmt *p, const struct print_record *r, const struct piece *piece, bool raw,
	       struct output *out);

/* %pM, %pI, %pU, %ph: pointer.c. */
void piece_run_pointer(const struct print_fmt *p, const struct print_record *r, const struct piece *piece,
		       struct output *out);
/* How many characters after %p belong to the conversion; 0: it is plain %p. */
size_t pointer_spec_size(const char *spec, const char *end, enum piece_code *code);

/* What only the kernel's text has: kernel_pointer.c. */
size_t kernel_spec_size(const char *spec, const char *end, enum piece_code *code);
void kernel_print_symbol(const struct print_fmt *p, uint64_t address, char letter, struct output *out);
void piece_run_kernel(const struct print_fmt *p, const struct print_record *r, const struct piece *piece,
		      struct output *out);
/* The bytes of the record that an argument points at; size 0: it points at none. */
struct span kernel_pointed_bytes(const struct print_fmt *p, const struct print_record *r, uint32_t arg);

/* Sorts the pieces by the fields they show, if they are many. false: no memory. */
bool print_fmt_make_raw(struct print_fmt *program);

/* Masks and arrays as text: bytes.c. */
void output_bitmask(struct output *out, struct span mask, bool big_endian);
void output_cpumask(struct output *out, struct span mask, bool big_endian);
void output_hex_bytes(struct output *out, struct span bytes, const char *separator);
void output_array(struct output *out, struct span bytes, uint64_t count, uint64_t element_size,
		  bool big_endian);

/* The functions whose addresses a dynamic field holds. */
void output_stack(const struct print_fmt *p, const struct print_record *r, const struct place *field,
		  struct output *out);

/* Plugins' functions: function.c. */
/* The SCSI command in expr's second argument: scsi_cdb.c. */
void scsi_print_cdb(const struct print_fmt *p, const struct print_record *r, const struct expr *expr,
		    struct output *out);

/* The caller's functions: helper.c. */
uint64_t helper_eval(const struct print_fmt *p, const struct print_record *r, const struct expr *e);
void helper_print(const struct print_fmt *p, const struct print_record *r, const struct expr *e,
		  const struct number_format *format, struct output *out);

uint64_t function_eval(const struct print_fmt *p, const struct print_record *r, const struct expr *expr);
void function_print(const struct print_fmt *p, const struct print_record *r, const struct expr *expr,
		    struct output *out);

#endif
