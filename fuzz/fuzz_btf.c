/* SPDX-License-Identifier: MIT */
/*
 * The reader of the kernel's types, on any bytes at all, and arguments shown by them.
 *
 * A libFuzzer target: README.md. With -DFUZZ_MAIN it has a main of its own for any compiler: main.h.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "metadata/btf.h"
#include "report/function_args.h"

#define TYPES_ASKED 2000	/* a large input must not take long only for having many types */
#define WORDS 6

/* Reads every character, so that one outside of any memory is found. */
static unsigned sum(const char *start, size_t size)
{
	unsigned total = 0;

	CHECK(start);
	for (size_t i = 0; i < size; i++)
		total = total * 31 + (unsigned char)start[i];
	return total;
}

static unsigned use_parameters(const struct btf *btf, const struct trc_btf_type *prototype)
{
	struct trc_btf_type type;
	uint32_t count = 0, number;
	unsigned total = 0;
	struct text name;

	while (btf_parameter(btf, prototype, count, &name, &number)) {
		total += sum(name.start, name.size);
		btf_bare_type(btf, number, &type);
		count++;
	}
	CHECK(prototype->kind == TRC_BTF_PROTOTYPE ? count == prototype->count : !count);
	return total;
}

static unsigned use_types(const struct btf *btf)
{
	struct trc_btf_type type, bare;
	unsigned total = 0;

	CHECK(!btf_type(btf, 0, &type) && !btf_type(btf, btf->count + 1, &type));
	CHECK(!btf_type(btf, UINT32_MAX, &type));
	for (uint32_t number = 1; number <= btf->count && number <= TYPES_ASKED; number++) {
		CHECK(btf_type(btf, number, &type));
		CHECK(type.kind > TRC_BTF_UNKNOWN && type.kind < TRC_BTF_KINDS);
		total += sum(type.name, type.name_size) + sum(btf_kind_name(type.kind), 3);
		if (btf_bare_type(btf, number, &bare))
			CHECK(bare.kind != TRC_BTF_TYPEDEF && bare.kind != TRC_BTF_CONST);
		total += use_parameters(btf, &type);
	}
	return total;
}

/* A record of a function of this name, with as many arguments as fit in a few registers. */
static void show(struct prototype_cache *cache, struct text name, uint32_t number, unsigned long_size,
		 bool big_endian, struct output *out)
{
	uint8_t *data = calloc(WORDS, long_size);
	const struct print_fmt_env env = { .long_size = long_size, .big_endian = big_endian };
	const struct walk_record record = { .payload = data, .size = WORDS * long_size };
	const struct event_text event = { .found = { true } };
	const struct cached_symbol function = { .key = number, .address = number, .name = name };
	struct event_run run = {
		.env = &env, .event = &event, .record = &record, .prototypes = cache, .out = out,
	};

	CHECK(data);
	memset(data, 0xa5, WORDS * long_size);
	CHECK(run_argument_count(&run, 0) == WORDS);
	run_arguments(&run, 0, &function);
	run_arguments(&run, 0, NULL);
	free(data);
}

static unsigned use_functions(const struct btf *btf)
{
	struct prototype_cache *cache = prototype_cache_create(btf);
	struct trc_btf_type function, prototype;
	struct output out;
	unsigned total;

	CHECK(cache);
	output_init(&out);
	CHECK(btf_function(btf, TEXT(""), &prototype) != BTF_NO_MEMORY);
	for (uint32_t i = 0; i < btf->function_count && i < TYPES_ASKED; i++) {
		struct text name;

		CHECK(btf_type(btf, btf->functions[i], &function) && function.kind == TRC_BTF_FUNCTION);
		name = (struct text){ function.name, function.name_size };
		CHECK(btf_function(btf, name, &prototype) != BTF_NO_FUNCTION);
		show(cache, name, i, i % 2 ? 8 : 4, btf->big_endian, &out);
	}
	show(cache, TEXT("f.isra.0"), TYPES_ASKED, 8, false, &out);
	CHECK(!out.no_memory);
	total = sum(out.size ? out.data : "", out.size);
	output_deinit(&out);
	free(cache);
	return total;
}

static volatile unsigned keep;	/* so that no reading is optimised away */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A block of exactly this size, so that a byte too many is seen. */
	uint8_t *copy = malloc(size ? size : 1);
	struct trc_error err;
	struct btf btf;
	int rc;

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	rc = btf_parse(copy, size, 100, size % 2, &btf, &err);
	if (rc) {
		CHECK(rc == err.code && (rc == TRC_CORRUPT || rc == TRC_TRUNCATED || rc == TRC_UNSUPPORTED));
		CHECK(size % 2 ? err.offset == 100 : err.offset - 100 <= size);
	} else {
		CHECK((uint64_t)btf.count * 12 <= size && btf.function_count <= btf.count);
		keep += use_types(&btf) + use_functions(&btf);
		btf_deinit(&btf);
	}
	free(copy);
	return 0;
}

#include "main.h"
