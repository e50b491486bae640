/* SPDX-License-Identifier: MIT */
/*
 * Arguments of traced functions: named and shown by their types where the file has the kernel's
 * types, plain numbers else. docs/FORMAT.md 6.5.
 */
#ifndef TRC_REPORT_FUNCTION_ARGS_H
#define TRC_REPORT_FUNCTION_ARGS_H

#include "metadata/btf.h"
#include "report/event_handler.h"

#define PROTOTYPE_CACHE_SIZE 1024 /* a power of two */

/* Functions come again and again; finding one in the types takes a bisection through all of them. */
struct prototype_cache {
	const struct btf *btf;
	struct {
		const char *name; /* of the function, in kallsyms; NULL: the slot is free */
		uint8_t found;	  /* enum btf_found */
		struct trc_btf_type prototype;
	} slots[PROTOTYPE_CACHE_SIZE];
};

/* NULL: out of memory. */
struct prototype_cache *prototype_cache_create(const struct btf *btf);

/* How many whole arguments are in the record, in field number field of the handler. */
uint32_t run_argument_count(const struct event_run *run, unsigned field);

/* "NAME=VALUE, NAME=VALUE", of a function that is known; nothing of any other (NULL). */
void run_arguments(struct event_run *run, unsigned field, const struct cached_symbol *function);

#endif
