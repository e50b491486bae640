/* SPDX-License-Identifier: MIT */
#include "report/function_args.h"

#include <stdlib.h>

#include "base/number.h"

/* The arguments in a record: words of the kernel's long. */
struct arguments {
	const struct event_run *run;
	struct output *out;
	uint32_t offset, count;
};

static uint64_t argument(const struct arguments *a, uint32_t index)
{
	unsigned size = a->run->env->long_size;

	return load_uint(a->run->record->payload + a->offset + (size_t)size * index, size,
			 a->run->env->big_endian);
}

static void put_hex(struct output *out, uint64_t value)
{
	output_literal(out, "0x");
	output_hex(out, value);
}

/* Of a function whose prototype is not known. */
static void put_plain(const struct arguments *a)
{
	for (uint32_t i = 0; i < a->count; i++) {
		if (i)
			output_literal(a->out, ", ");
		output_hex(a->out, argument(a, i));
	}
}

/* As libtraceevent has it: without a sign even if the type has one. */
static void put_integer(struct output *out, const struct trc_btf_type *type, uint64_t value)
{
	value >>= type->shift & 63;
	if (type->bits < 64)
		value &= (UINT64_C(1) << type->bits) - 1;
	if (type->is_signed)
		output_signed(out, (int64_t)value);
	else
		put_hex(out, value);
}

/* A structure and the like, word by word from *index on. false: they pass the end of the record. */
static bool put_words(const struct arguments *a, const struct trc_btf_type *type, uint32_t *index)
{
	output_char(a->out, '(');
	output_bytes(a->out, btf_kind_name(type->kind), strlen(btf_kind_name(type->kind)));
	output_literal(a->out, ")[");
	put_hex(a->out, argument(a, *index));
	for (uint64_t at = a->run->env->long_size; at < type->size; at += a->run->env->long_size) {
		output_char(a->out, ':');
		if (++*index == a->count) {
			output_literal(a->out, "...]");
			return false;
		}
		put_hex(a->out, argument(a, *index));
	}
	output_char(a->out, ']');
	return true;
}

static bool put_value(const struct arguments *a, const struct btf *btf, uint32_t type_number, uint32_t *index)
{
	struct trc_btf_type type;

	if (!btf_bare_type(btf, type_number, &type))
		type.kind = TRC_BTF_UNKNOWN;
	switch (type.kind) {
	case TRC_BTF_UNKNOWN:
		output_char(a->out, '?');
		put_hex(a->out, argument(a, *index));
		return true;
	case TRC_BTF_POINTER:
		put_hex(a->out, argument(a, *index));
		return true;
	case TRC_BTF_INT:
		put_integer(a->out, &type, argument(a, *index));
		return true;
	case TRC_BTF_ENUM:
		output_signed(a->out, (int64_t)argument(a, *index));
		return true;
	default:
		return put_words(a, &type, index);
	}
}

static void put_named(const struct arguments *a, const struct btf *btf, const struct trc_btf_type *prototype)
{
	uint32_t index = 0, type;
	struct text name;

	for (uint32_t i = 0; btf_parameter(btf, prototype, i, &name, &type); i++, index++) {
		if (i)
			output_literal(a->out, ", ");
		if (index == a->count) {
			output_literal(a->out, "...");
			return;
		}
		output_text(a->out, name);
		output_char(a->out, '=');
		/* "..." has no type, and no value. */
		if (type && !put_value(a, btf, type, &index))
			return;
	}
}

struct prototype_cache *prototype_cache_create(const struct btf *btf)
{
	struct prototype_cache *cache = calloc(1, sizeof(*cache));

	if (cache)
		cache->btf = btf;
	return cache;
}

static enum btf_found find(struct prototype_cache *cache, const struct cached_symbol *function,
			   struct trc_btf_type *out)
{
	/* By name, not address: of several symbols at one address each has its own. */
	const char *name = function->name.start;
	size_t i = (uintptr_t)name * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (PROTOTYPE_CACHE_SIZE - 1);

	if (cache->slots[i].name != name) {
		enum btf_found found = btf_function(cache->btf, function->name, &cache->slots[i].prototype);

		cache->slots[i].found = (uint8_t)found;
		cache->slots[i].name = found == BTF_NO_MEMORY ? NULL : name;
	}
	*out = cache->slots[i].prototype;
	return (enum btf_found)cache->slots[i].found;
}

uint32_t run_argument_count(const struct event_run *run, unsigned field)
{
	uint32_t offset = run->event->fields[field].offset, size = run->record->size;

	return run->event->found[field] && offset < size ? (size - offset) / run->env->long_size : 0;
}

void run_arguments(struct event_run *run, unsigned field, const struct cached_symbol *function)
{
	const struct arguments a = { run, run->out, run->event->fields[field].offset,
				     run_argument_count(run, field) };
	enum btf_found found = BTF_NO_FUNCTION;
	struct trc_btf_type prototype;

	if (!function || !run->event->found[field])
		return;
	if (run->prototypes)
		found = find(run->prototypes, function, &prototype);
	if (found == BTF_FOUND)
		put_named(&a, run->prototypes->btf, &prototype);
	else if (found == BTF_NO_FUNCTION)
		put_plain(&a);
	run->no_memory |= found == BTF_NO_MEMORY;
}
