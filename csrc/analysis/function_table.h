/* SPDX-License-Identifier: MIT */
/* Functions by number: of each file the symbols that addresses are in, or addresses that are in none. */
#ifndef TRC_ANALYSIS_FUNCTION_TABLE_H
#define TRC_ANALYSIS_FUNCTION_TABLE_H

#include "analysis/key_map.h"
#include "metadata/metadata.h"

#define NO_FUNCTION UINT32_MAX

struct function {
	uint64_t address;
	struct text name; /* empty: no symbol */
};

struct function_table {
	const struct kallsyms **symbols; /* [file_count]; NULL: none */
	struct key_map addresses;	 /* file, address */
	uint32_t *of_address;		 /* [address_room] its function */
	size_t address_room;
	struct key_map map; /* file, address of the symbol */
	struct function *list;
	size_t room;
};

bool function_table_init(struct function_table *table, const struct trc_analysis *analysis,
			 const struct trc_symbols *const *symbols);
void function_table_deinit(struct function_table *table);

/* The number of the function that an address of a file is in; NO_FUNCTION: there is no memory. */
uint32_t function_table_add(struct function_table *table, struct trc_analysis *analysis, uint32_t file,
			    uint64_t address);
void row_function_name(struct trc_analysis *analysis, size_t column, const struct function *function);

/* Room in what goes by numbers that rise one by one; false: there is no memory. */
bool grow_by_number(struct trc_analysis *analysis, void **list, size_t *room, size_t number, size_t element);

#endif
