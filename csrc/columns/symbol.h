/* SPDX-License-Identifier: MIT */
/*
 * Names of the kernel's symbols that addresses are in, as columns: of each record what its report says
 * of the same address.
 */
#ifndef TRC_COLUMNS_SYMBOL_H
#define TRC_COLUMNS_SYMBOL_H

#include "base/lookup_cache.h"
#include "columns/field.h"
#include "metadata/kallsyms.h"

/* The names' type; false: what the field holds are no addresses. */
bool symbol_type_of(struct column_type field, uint32_t flags, struct column_type *out);

/*
 * The names of what column_put_field() would put. addresses: any builder, of use meanwhile. kallsyms
 * NULL: no symbols are known. An address that is in none is null. false: out of memory.
 */
bool column_put_symbols(struct column_builder *builder, struct column_builder *addresses,
			struct lookup_cache *cache, const struct kallsyms *kallsyms,
			const struct column_rows *rows, const struct field_access *access);

#endif
