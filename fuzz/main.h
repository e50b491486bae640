/* SPDX-License-Identifier: MIT */
/*
 * The main program of the fuzzers that take whole files, for compilers without libFuzzer:
 *
 *	NAME ROUNDS FILE...
 *
 * takes each file as it is, and then ROUNDS damaged copies of it. To be included last.
 */
#ifdef FUZZ_MAIN

#include <string.h>

#include "fuzz.h"

static uint64_t random_state = 1;

/* xorshift64*, so that a seed means the same everywhere. */
static uint64_t random_number(uint64_t below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(2685821657736338717) % below;
}

/* The next digit of a text becomes another: fields lie elsewhere then, and print fmts differ. */
static void change_digit(uint8_t *data, size_t size, size_t at)
{
	for (size_t end = size - at < 4096 ? size : at + 4096; at < end; at++) {
		if (data[at] >= '0' && data[at] <= '9') {
			data[at] = (uint8_t)('0' + random_number(10));
			break;
		}
	}
}

static void damage(uint8_t *data, size_t *size)
{
	static const uint64_t values[] = { 0, 1, 0xff, 0x7fffffff, 0xffffffff, UINT64_MAX, 4096 };
	static const char odd[] = { '[', ']', '_', ';', '9', '%', '(', '"' };

	for (uint64_t n = 1 + random_number(16); n-- && *size > 8;) {
		size_t at = random_number(*size - 8);

		switch (random_number(8)) {
		case 0:
			data[at] ^= (uint8_t)(1 << random_number(8));
			break;
		case 1:
			data[at] = (uint8_t)random_number(256);
			break;
		case 2:
			data[at] = (uint8_t)odd[random_number(sizeof(odd))];
			break;
		case 3:
			memcpy(data + at, &values[random_number(7)], (size_t)1 << random_number(4));
			break;
		case 4:
			memmove(data + at, data + random_number(*size - 8), 8);
			break;
		case 5:
			if (!random_number(16))
				*size = at;
			break;
		default:
			change_digit(data, *size, at);
		}
	}
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 0;

	for (int i = 2; i < argc; i++) {
		size_t whole = 0;
		uint8_t *data = read_whole(argv[i], &whole);
		uint8_t *copy = data ? malloc(whole + 1) : NULL;

		if (!copy) {
			perror(argv[i]);
			return 1;
		}
		LLVMFuzzerTestOneInput(data, whole);
		for (long round = 0; round < rounds; round++) {
			size_t size = whole;

			random_state = (uint64_t)round * 2 + 1;
			memcpy(copy, data, whole);
			damage(copy, &size);
			LLVMFuzzerTestOneInput(copy, size);
		}
		free(copy);
		free(data);
		printf("%s: %ld rounds\n", argv[i], rounds);
	}
	return 0;
}

#endif
