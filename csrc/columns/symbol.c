/* SPDX-License-Identifier: MIT */
#include "columns/symbol.h"

#include "columns/api.h"

#define NO_SYMBOL UINT32_MAX

bool symbol_type_of(struct column_type field, uint32_t flags, struct column_type *out)
{
	bool list = field.shape == SHAPE_LIST || field.shape == SHAPE_FIXED_LIST;

	if ((!list && field.shape != SHAPE_INTEGER) || field.width < 4)
		return false;
	*out = (struct column_type){
		.shape = list ? SHAPE_TEXT_LIST : SHAPE_TEXT,
		.dictionary = !(flags & TRC_COLUMNS_NO_DICTIONARY),
		.binary = flags & TRC_COLUMNS_BINARY,
	};
	return true;
}

/*
 * A number for the symbol that an address is in, NO_SYMBOL if there is none: that of the name in the
 * dictionary, or where there is no dictionary, of the symbol. false: out of memory.
 */
static bool find(struct column_builder *builder, struct lookup_cache *cache, const struct kallsyms *kallsyms,
		 uint64_t address, uint32_t *number)
{
	struct lookup_slot *slot = lookup_slot_of(cache, address, (uintptr_t)kallsyms);
	size_t index;

	*number = slot->number;
	if (lookup_slot_has(slot, address, (uintptr_t)kallsyms))
		return true;
	*number = NO_SYMBOL;
	if (kallsyms && kallsyms_find_index(kallsyms, address, &index)) {
		struct text name = kallsyms_name(kallsyms, index);

		*number = (uint32_t)index;
		if (builder->type.dictionary)
			*number = column_builder_index(builder, (const uint8_t *)name.start, name.size);
		if (*number == NO_SYMBOL)
			return false;
	}
	*slot = (struct lookup_slot){ address, (uintptr_t)kallsyms, *number };
	return true;
}

/* --- one address a row ----------------------------------------------------------------------- */

static bool put_plain(struct column_builder *builder, const struct kallsyms *kallsyms, uint32_t number)
{
	struct text name = number == NO_SYMBOL ? TEXT("") : kallsyms_name(kallsyms, number);

	return column_builder_bytes(builder, (const uint8_t *)name.start, name.size);
}

static bool put_index(struct column_builder *builder, uint32_t number)
{
	uint32_t index = number == NO_SYMBOL ? 0 : number;

	return arrow_buffer_put(&builder->values, &index, sizeof(index));
}

static bool put_names(struct column_builder *builder, const struct column_builder *addresses,
		      struct lookup_cache *cache, const struct kallsyms *kallsyms, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t number = NO_SYMBOL;

		if (!column_builder_is_null(addresses, i) &&
		    !find(builder, cache, kallsyms, column_builder_integer(addresses, i), &number))
			return false;
		if (number == NO_SYMBOL && !column_builder_null(builder, builder->rows + i))
			return false;
		if (!(builder->type.dictionary ? put_index(builder, number) :
						 put_plain(builder, kallsyms, number)))
			return false;
	}
	return true;
}

/* --- lists of them --------------------------------------------------------------------------- */

static bool put_element(struct column_builder *builder, struct lookup_cache *cache,
			const struct kallsyms *kallsyms, uint64_t address)
{
	struct text name;
	uint32_t number;

	if (!find(builder, cache, kallsyms, address, &number))
		return false;
	if (number == NO_SYMBOL)
		return column_builder_element(builder, NULL, 0);
	if (builder->type.dictionary)
		return column_builder_element_index(builder, number);
	name = kallsyms_name(kallsyms, number);
	return column_builder_element(builder, (const uint8_t *)name.start, name.size);
}

static bool put_lists(struct column_builder *builder, const struct column_builder *addresses,
		      struct lookup_cache *cache, const struct kallsyms *kallsyms, size_t count)
{
	bool fixed = addresses->type.shape == SHAPE_FIXED_LIST;
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		size_t end = fixed ? (i + 1) * addresses->type.length : column_builder_list_end(addresses, i);
		bool null = column_builder_is_null(addresses, i);

		if (null && !column_builder_null(builder, builder->rows + i))
			return false;
		for (at = null ? end : at; at < end; at++) {
			if (!put_element(builder, cache, kallsyms, column_builder_integer(addresses, at)))
				return false;
		}
		if (!column_builder_end_row(builder))
			return false;
	}
	return true;
}

bool column_put_symbols(struct column_builder *builder, struct column_builder *addresses,
			struct lookup_cache *cache, const struct kallsyms *kallsyms,
			const struct column_rows *rows, const struct field_access *access)
{
	if (!column_builder_restart(addresses, access->type) ||
	    !column_put_field(addresses, NULL, rows, access))
		return false;
	return builder->type.shape == SHAPE_TEXT_LIST ?
		       put_lists(builder, addresses, cache, kallsyms, rows->count) :
		       put_names(builder, addresses, cache, kallsyms, rows->count);
}
