/* SPDX-License-Identifier: MIT */
/*
 * A print fmt, compiled once and run per record: appends the record's text, allocates nothing.
 * docs/FORMAT.md 5.5 to 5.7; the text is libtraceevent's, byte for byte.
 */
#ifndef TRC_PRINT_FMT_PRINT_FMT_H
#define TRC_PRINT_FMT_PRINT_FMT_H

#include "base/output.h"
#include "metadata/event_format.h"
#include "metadata/kallsyms.h"
#include "metadata/printk_formats.h"
#include "print_fmt/symbol_cache.h"

/* What print fmts refer to in their file. All of it must outlive the programs. */
struct print_fmt_env {
	const struct kallsyms *kallsyms;	     /* NULL: none */
	const struct printk_formats *printk_formats; /* NULL: none */
	unsigned long_size;
	bool big_endian;
	bool plugins;		    /* the functions that libtraceevent's plugins add are known */
	bool kernel_text;	    /* evaluate as C, print as the kernel does */
	const struct text *helpers; /* [helper_count]: names of the caller's functions */
	uint32_t helper_count;
};

/*
 * Calls of functions that the caller knows: their values, in the order of a run. A run that comes to one
 * behind them has not printed all, and says which call that is.
 */
#define HELPER_ARGUMENTS_MAX 8
struct helper_value {
	uint64_t number; /* of a text: 0 */
	struct text text;
	bool is_text;
};
struct helper_call {
	uint32_t helper; /* index in print_fmt_env.helpers */
	uint32_t count;
	uint64_t arguments[HELPER_ARGUMENTS_MAX];
};
struct helper_run {
	const struct helper_value *values;
	size_t count, next;
	bool is_wanted;
	struct helper_call wanted;
};

/* A record as programs see it. */
struct print_record {
	const uint8_t *data;
	uint32_t size;
	struct symbol_cache *symbols; /* of the running thread */
	bool *binary;		      /* [fields of the event] were not printable once; may be NULL */
	struct helper_run *helpers;   /* NULL: functions of the caller's are worth 0 */
};

struct print_fmt;

/* A print fmt that cannot be understood compiles as well: to a program that shows all fields. */
int print_fmt_compile(const struct event_format *event, const struct print_fmt_env *env,
		      struct print_fmt **out, struct trc_error *err);
void print_fmt_destroy(struct print_fmt *program);

/* Not understood: print_fmt_run() will show "[FAILED TO PARSE]" and the fields. */
bool print_fmt_failed(const struct print_fmt *program);

/* Has it functions of the caller's? Then print_fmt_run_calls() is for it, which need not be fast. */
bool print_fmt_calls_helpers(const struct print_fmt *program);
void print_fmt_run_calls(const struct print_fmt *program, const struct print_record *record,
			 struct output *out);

void print_fmt_run(const struct print_fmt *program, const struct print_record *record, struct output *out);
/* NAME=VALUE for every field: trace-cmd report -R. */
void print_fmt_run_raw(const struct print_fmt *program, const struct print_record *record,
		       struct output *out);

#endif
