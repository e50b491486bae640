/* SPDX-License-Identifier: MIT */
#include "analysis/function_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool function_table_init(struct function_table *table, const struct trc_analysis *analysis,
			 const struct trc_symbols *const *symbols)
{
	table->addresses.words = table->map.words = 2;
	table->symbols = calloc(analysis->file_count + 1, sizeof(*table->symbols));
	if (!table->symbols)
		return false;
	for (size_t i = 0; symbols && i < analysis->source_count; i++) {
		if (symbols[i])
			table->symbols[analysis->sources[i].file] = &symbols[i]->kallsyms;
	}
	return true;
}

void function_table_deinit(struct function_table *table)
{
	key_map_deinit(&table->addresses);
	key_map_deinit(&table->map);
	free(table->symbols);
	free(table->of_address);
	free(table->list);
}

bool grow_by_number(struct trc_analysis *analysis, void **list, size_t *room, size_t number, size_t element)
{
	size_t wanted = *room ? 2 * *room : 64;
	uint8_t *grown = NULL;

	if (number < *room)
		return true;
	if (!analysis_spend(analysis, (wanted - *room) * element))
		return false;
	grown = realloc(*list, wanted * element);
	if (!grown)
		return false;
	memset(grown + *room * element, 0, (wanted - *room) * element);
	*list = grown;
	*room = wanted;
	return true;
}

static uint32_t add_function(struct function_table *table, struct trc_analysis *analysis, uint32_t file,
			     uint64_t address)
{
	const struct kallsyms *symbols = table->symbols[file];
	struct function function = { .address = address };
	struct symbol symbol;
	uint32_t number;
	bool added;

	if (symbols && kallsyms_find(symbols, address, &symbol))
		function = (struct function){ symbol.address, symbol.name };
	number = key_map_add(&table->map, analysis, (const uint64_t[]){ file, function.address }, &added);
	if (number == KEY_NONE ||
	    !grow_by_number(analysis, (void **)&table->list, &table->room, number, sizeof(*table->list)))
		return NO_FUNCTION;
	if (added)
		table->list[number] = function;
	return number;
}

uint32_t function_table_add(struct function_table *table, struct trc_analysis *analysis, uint32_t file,
			    uint64_t address)
{
	bool added;
	uint32_t seen = key_map_add(&table->addresses, analysis, (const uint64_t[]){ file, address }, &added);

	if (seen == KEY_NONE)
		return NO_FUNCTION;
	if (TRC_LIKELY(!added))
		return table->of_address[seen];
	if (!grow_by_number(analysis, (void **)&table->of_address, &table->address_room, seen,
			    sizeof(*table->of_address)))
		return NO_FUNCTION;
	return table->of_address[seen] = add_function(table, analysis, file, address);
}

void row_function_name(struct trc_analysis *analysis, size_t column, const struct function *function)
{
	char hex[2 + 16 + 1];

	if (function->name.size) {
		row_text(analysis, column, function->name);
		return;
	}
	snprintf(hex, sizeof(hex), "0x%llx", (unsigned long long)function->address);
	row_text(analysis, column, (struct text){ hex, strlen(hex) });
}
