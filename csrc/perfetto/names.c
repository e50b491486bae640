/* SPDX-License-Identifier: MIT */
#include "perfetto/names.h"

#include <stdlib.h>

#include "perfetto/wire.h"

#define FIRST_SLOTS 256

void names_init(struct function_names *names, const struct kallsyms *kallsyms)
{
	*names = (struct function_names){ .kallsyms = kallsyms && kallsyms->count ? kallsyms : NULL };
	output_init(&names->pending);
	lookup_cache_clear(&names->iids);
	lookup_cache_clear(&names->symbols);
}

void names_deinit(struct function_names *names)
{
	free(names->slots);
	output_deinit(&names->pending);
}

void names_clear(struct function_names *names)
{
	free(names->slots);
	names->slots = NULL;
	names->pending.size = 0;
	names->slot_count = names->count = 0;
	lookup_cache_clear(&names->iids);
}

/* Where an allocation lies is nothing that a file can foresee. */
static size_t hash_of(const struct function_names *names, uint64_t key, bool is_symbol)
{
	uint64_t hash = (key ^ (uintptr_t)names->slots >> 4) + is_symbol;

	hash *= UINT64_C(0xd6e8feb86659fd93);
	hash ^= hash >> 32;
	return (size_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 20);
}

static struct name_slot *slot_of(struct function_names *names, uint64_t key, bool is_symbol)
{
	size_t at = hash_of(names, key, is_symbol);

	for (;; at++) {
		struct name_slot *slot = &names->slots[at & (names->slot_count - 1)];

		if (!slot->iid || (slot->key == key && slot->is_symbol == is_symbol))
			return slot;
	}
}

static bool grow(struct function_names *names)
{
	struct name_slot *old = names->slots;
	size_t old_count = names->slot_count;
	size_t count = old_count ? 2 * old_count : FIRST_SLOTS;
	struct name_slot *slots = calloc(count, sizeof(*slots));

	if (!slots) {
		names->no_memory = true;
		return false;
	}
	names->slots = slots;
	names->slot_count = count;
	for (size_t i = 0; i < old_count; i++) {
		if (old[i].iid)
			*slot_of(names, old[i].key, old[i].is_symbol) = old[i];
	}
	free(old);
	return true;
}

static uint32_t symbol_of(struct function_names *names, uint64_t address)
{
	struct lookup_slot *slot = lookup_slot_of(&names->symbols, address, 1);
	size_t index;

	if (lookup_slot_has(slot, address, 1))
		return slot->number;
	if (!names->kallsyms || !kallsyms_find_index(names->kallsyms, address, &index))
		index = UINT32_MAX;
	*slot = (struct lookup_slot){ address, 1, (uint32_t)index };
	return (uint32_t)index;
}

struct text names_text(struct function_names *names, uint64_t address, char *spare)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t symbol = symbol_of(names, address);
	size_t at = NAME_SPARE;

	if (symbol != UINT32_MAX)
		return kallsyms_name(names->kallsyms, symbol);
	do {
		spare[--at] = digits[address & 15];
		address >>= 4;
	} while (address);
	spare[--at] = 'x';
	spare[--at] = '0';
	return (struct text){ spare + at, NAME_SPARE - at };
}

static uint32_t add(struct function_names *names, uint64_t address)
{
	uint32_t symbol = symbol_of(names, address);
	bool is_symbol = symbol != UINT32_MAX;
	uint64_t key = is_symbol ? symbol : address;
	char spare[NAME_SPARE];
	struct name_slot *slot;
	struct text text;

	if (2 * names->count >= names->slot_count && !grow(names))
		return 0;
	slot = slot_of(names, key, is_symbol);
	if (slot->iid)
		return slot->iid;
	*slot = (struct name_slot){ key, (uint32_t)++names->count, is_symbol };
	text = names_text(names, address, spare);
	output_head(&names->pending, INTERNED_KERNEL_SYMBOLS,
		    1 + varint_size(slot->iid) + field_size(INTERNED_STRING_STR, text.size));
	output_integer(&names->pending, INTERNED_STRING_IID, slot->iid);
	output_field(&names->pending, INTERNED_STRING_STR, text.start, text.size);
	return slot->iid;
}

uint64_t names_intern(struct function_names *names, uint64_t address)
{
	struct lookup_slot *slot;
	uint32_t iid;

	if (!names->kallsyms)
		return address;
	slot = lookup_slot_of(&names->iids, address, 1);
	if (TRC_LIKELY(lookup_slot_has(slot, address, 1)))
		return slot->number;
	iid = add(names, address);
	if (iid)
		*slot = (struct lookup_slot){ address, 1, iid };
	return iid;
}
