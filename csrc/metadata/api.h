/* SPDX-License-Identifier: MIT */
/* The kernel's texts as tables: page layout, events and fields, symbols, names of tasks. */
#ifndef TRC_METADATA_API_H
#define TRC_METADATA_API_H

#include "file/api.h"

/* [cdef begin] */

/*
 * The parsed texts of a file. Like a struct trc_file they never change once created, so that any
 * number of threads may use one at the same time; the file must stay open until they are
 * destroyed. Texts handed out live until then.
 */
struct trc_metadata; /* page layout, event formats, names of processes */
struct trc_symbols;  /* symbols of the kernel and its texts, 10 MB of them, only needed for texts */

/*
 * Faults in single formats or lines do not fail: see trc_metadata_problem(). An error only if
 * the sections are there but nothing in any of them can be read; and TRC_NO_MEMORY, TRC_SYSTEM.
 * A file without these sections gives empty tables.
 */
int trc_metadata_create(const struct trc_file *file, struct trc_metadata **metadata, struct trc_error *err);
/*
 * The same of one event's format text alone, which is copied; there is no file then, and nothing else
 * that one would have. long_size: of the kernel that wrote the text, 4 or 8. TRC_CORRUPT: it has no
 * name or no id. Faults in single fields do not fail.
 */
int trc_metadata_create_of_format(const char *system, size_t system_size, const char *text, size_t size,
				  uint32_t long_size, struct trc_metadata **metadata, struct trc_error *err);
void trc_metadata_destroy(struct trc_metadata *metadata); /* NULL is fine */
size_t trc_metadata_problem_count(const struct trc_metadata *metadata);
int trc_metadata_problem(const struct trc_metadata *metadata, size_t index, struct trc_error *problem);

/*
 * Where things lie in a sub-buffer of the top buffer. Without it no record can be read:
 * TRC_NOT_FOUND: the file has no HEADER_INFO. TRC_UNSUPPORTED: of Linux 2.6.30 or before.
 * TRC_CORRUPT, TRC_TRUNCATED: it cannot be read.
 */
struct trc_page_layout {
	uint32_t timestamp_offset;
	uint32_t commit_offset;
	uint32_t commit_size; /* 4 or 8: also the size of a long in records */
	uint32_t data_offset;
	uint32_t page_size;
};
int trc_page_layout(const struct trc_metadata *metadata, struct trc_page_layout *out, struct trc_error *err);

/*
 * Events, in the order of the file, those of the system "ftrace" first. An event is named by its
 * index in that order. trc_event_find(): system_size 0 stands for any system; of several the one
 * with the lowest id. trc_event_find_id(): of several the one libtraceevent takes.
 * TRC_NOT_FOUND: there is none.
 */
enum trc_event_state {
	TRC_EVENT_FIELDS_FAILED =
		1, /* a field could not be read: it is opaque, or missing if nothing is known of it */
	TRC_EVENT_NO_PRINT_FMT = 2,
	TRC_EVENT_FTRACE = 4, /* of the system "ftrace": a record of a tracer, no trace event */
};
struct trc_event_info {
	const char *system;
	size_t system_size;
	const char *name;
	size_t name_size;
	const char *print_fmt; /* all that stands behind "print fmt:" */
	size_t print_fmt_size;
	uint32_t id;
	uint32_t state;	       /* enum trc_event_state, or'ed */
	uint32_t common_count; /* number of common fields */
	uint32_t field_count;  /* number of its own fields */
	/* Of these those that libtraceevent reads, too, up to the first that it cannot, and that reports know. */
	uint32_t reported_common_count, reported_field_count;
};
size_t trc_event_count(const struct trc_metadata *metadata);
int trc_event(const struct trc_metadata *metadata, size_t event, struct trc_event_info *out,
	      struct trc_error *err);
int trc_event_find(const struct trc_metadata *metadata, const char *system, size_t system_size,
		   const char *name, size_t name_size, size_t *event, struct trc_error *err);
int trc_event_find_id(const struct trc_metadata *metadata, uint32_t id, size_t *event, struct trc_error *err);

/* Fields of an event: its common ones (0 to common_count - 1), then its own, as the text has them. */
/* The bits of a field's flags, as those of libtraceevent. */
enum trc_field_flag {
	TRC_FIELD_ARRAY = 1,
	TRC_FIELD_POINTER = 2,
	TRC_FIELD_SIGNED = 4,
	TRC_FIELD_STRING = 8,	/* an array of characters */
	TRC_FIELD_DYNAMIC = 16, /* __data_loc or __rel_loc: where in the record it is */
	TRC_FIELD_LONG = 32,
	TRC_FIELD_RELATIVE = 256, /* __rel_loc: counted from the field's end */
	TRC_FIELD_OPAQUE = 65536, /* ours: the declaration cannot be read; its bytes are all that is known */
};
struct trc_field_info {
	const char *name;
	size_t name_size;
	const char *
		type; /* as libtraceevent spells it: "unsigned int", "char[16]"; all of an opaque declaration */
	size_t type_size;
	uint32_t offset;       /* from the start of the record's payload */
	uint32_t size;	       /* 0: up to the end of the record */
	uint32_t array_length; /* 0: no array, or one of unknown length */
	uint32_t element_size; /* of no array: size; 0: unknown */
	uint32_t flags;	       /* enum trc_field_flag, or'ed */
};
int trc_event_field(const struct trc_metadata *metadata, size_t event, size_t index,
		    struct trc_field_info *out, struct trc_error *err);

/*
 * Names of processes, sorted by pid. trc_comm() gives "<idle>" for pid 0 and "<...>" for one that
 * is not listed.
 */
void trc_comm(const struct trc_metadata *metadata, int32_t pid, const char **comm, size_t *size);
size_t trc_comm_count(const struct trc_metadata *metadata);
int trc_comm_at(const struct trc_metadata *metadata, size_t index, int32_t *pid, const char **comm,
		size_t *size, struct trc_error *err);

/*
 * Symbols of the kernel, and the texts in its memory that trace_printk() and tracepoint strings
 * name by address. Faults of these texts do not fail: see trc_symbols_problem(). trc_symbol_find()
 * gives the symbol an address belongs to, the last at or below it (the very last symbol only at its
 * exact address); trc_symbol_find_name() goes through all of them. TRC_NOT_FOUND: there is none.
 *
 * Records that a former boot left in memory have addresses of that boot. trc_symbol_find() takes them,
 * and gives the symbol's address of then, if the file says where things lay; all others give that of
 * the boot that recorded the file.
 */
struct trc_symbol {
	const char *name;
	size_t name_size;
	const char *module; /* size 0: of the kernel itself */
	size_t module_size;
	uint64_t address;
};
int trc_symbols_create(const struct trc_file *file, struct trc_symbols **symbols, struct trc_error *err);
/*
 * The same with the symbols of a text like /proc/kallsyms added (trace-cmd report --kallsyms), which
 * is copied. It is read up to its first line that is not a symbol.
 */
int trc_symbols_create_with(const struct trc_file *file, const char *kallsyms, size_t size,
			    struct trc_symbols **symbols, struct trc_error *err);
void trc_symbols_destroy(struct trc_symbols *symbols); /* NULL is fine */
size_t trc_symbols_problem_count(const struct trc_symbols *symbols);
int trc_symbols_problem(const struct trc_symbols *symbols, size_t index, struct trc_error *problem);
size_t trc_symbol_count(const struct trc_symbols *symbols);
int trc_symbol(const struct trc_symbols *symbols, size_t index, struct trc_symbol *out,
	       struct trc_error *err);
int trc_symbol_find(const struct trc_symbols *symbols, uint64_t address, struct trc_symbol *out,
		    struct trc_error *err);
int trc_symbol_find_name(const struct trc_symbols *symbols, const char *name, size_t name_size,
			 struct trc_symbol *out, struct trc_error *err);
size_t trc_printk_format_count(const struct trc_symbols *symbols);
int trc_printk_format(const struct trc_symbols *symbols, size_t index, uint64_t *address, const char **text,
		      size_t *size, struct trc_error *err);
int trc_printk_format_find(const struct trc_symbols *symbols, uint64_t address, const char **text,
			   size_t *size, struct trc_error *err);

/*
 * Types of the kernel (BTF), where the file has them: trace-cmd 3.4 stores them beside functions with
 * their arguments. A type is named by its number, from 1 on; 0 is void.
 */
enum trc_btf_kind {
	TRC_BTF_UNKNOWN = 0,
	TRC_BTF_INT = 1,
	TRC_BTF_POINTER = 2,
	TRC_BTF_ARRAY = 3,
	TRC_BTF_STRUCT = 4,
	TRC_BTF_UNION = 5,
	TRC_BTF_ENUM = 6,
	TRC_BTF_FORWARD = 7, /* struct NAME; or union NAME; */
	TRC_BTF_TYPEDEF = 8,
	TRC_BTF_VOLATILE = 9,
	TRC_BTF_CONST = 10,
	TRC_BTF_RESTRICT = 11,
	TRC_BTF_FUNCTION = 12,
	TRC_BTF_PROTOTYPE = 13,
	TRC_BTF_VARIABLE = 14,
	TRC_BTF_DATASEC = 15,
	TRC_BTF_FLOAT = 16,
	TRC_BTF_DECL_TAG = 17,
	TRC_BTF_TYPE_TAG = 18,
	TRC_BTF_ENUM64 = 19,
	TRC_BTF_KINDS,
};
struct trc_btf_type {
	const char *name; /* size 0: it has none */
	size_t name_size;
	uint32_t kind; /* enum trc_btf_kind */
	uint32_t flag; /* the kind's: of ENUM it is signed, of FORWARD a union */
	uint32_t size; /* in bytes: of INT, ENUM, ENUM64, STRUCT, UNION, FLOAT; else the same as type */
	uint32_t type; /* that it is of: of POINTER, TYPEDEF and so on, what a function returns; ARRAY: of an element */
	uint32_t count;	      /* of members, parameters, or of an array's elements */
	uint32_t bits, shift; /* INT: how many, and how far up in the word */
	uint32_t is_signed;   /* INT */
	uint64_t place;	      /* of what follows the type in the table */
};
size_t trc_btf_type_count(const struct trc_symbols *symbols); /* 0: the file has no types */
/* TRC_NOT_FOUND: there is none of that number. */
int trc_btf_type(const struct trc_symbols *symbols, uint32_t type, struct trc_btf_type *out,
		 struct trc_error *err);
/* The prototype of a function. TRC_NOT_FOUND: it is not known. */
int trc_btf_prototype(const struct trc_symbols *symbols, const char *function, size_t size,
		      struct trc_btf_type *out, struct trc_error *err);
/* Parameter number index of a prototype; *type 0: "...". TRC_NOT_FOUND: it has not that many. */
int trc_btf_parameter(const struct trc_symbols *symbols, const struct trc_btf_type *prototype, uint32_t index,
		      const char **name, size_t *size, uint32_t *type, struct trc_error *err);

/* [cdef end] */

#endif
