/* SPDX-License-Identifier: MIT */
/*
 * Names of kernel functions: interned, so that events refer to them by small numbers, as Perfetto's typed
 * events do, or as texts.
 */
#ifndef TRC_PERFETTO_NAMES_H
#define TRC_PERFETTO_NAMES_H

#include "base/lookup_cache.h"
#include "base/output.h"
#include "metadata/kallsyms.h"

/* Then whoever uses them begins anew. Tests are built with less. */
#ifndef NAMES_MOST
#define NAMES_MOST ((size_t)1 << 18)
#endif

struct function_names {
	const struct kallsyms *kallsyms; /* NULL: there are none, and addresses stay as they are */
	struct name_slot {
		uint64_t key; /* number of the symbol, or the address that is in none */
		uint32_t iid; /* 0: free */
		bool is_symbol;
	} *slots; /* [slot_count], a power of two */
	size_t count, slot_count;
	struct output pending;	     /* entries of InternedData that are not written yet */
	struct lookup_cache iids;    /* by address */
	struct lookup_cache symbols; /* by address: number of the symbol, UINT32_MAX: none */
	bool no_memory;
};

void names_init(struct function_names *names, const struct kallsyms *kallsyms);
void names_deinit(struct function_names *names);
/* Forgets what was interned. */
void names_clear(struct function_names *names);

/* The number that stands for an address: of its function, or of itself where it is in none. */
uint64_t names_intern(struct function_names *names, uint64_t address);

/* A function's name, or its address in hex, written to spare. */
#define NAME_SPARE 20
struct text names_text(struct function_names *names, uint64_t address, char *spare);

#endif
