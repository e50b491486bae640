/* SPDX-License-Identifier: MIT */
/* Numbers as text, the way C's printf() writes them, without its cost. */
#ifndef TRC_BASE_NUMBER_H
#define TRC_BASE_NUMBER_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/byteorder.h"
#include "base/output.h"

#define NUMBER_ROOM 24 /* the most that number_decimal() and number_hex() write */

extern const char number_lower[17], number_upper[17];
extern const char number_pairs[201]; /* "000102" to "99" */

/* Each of these gives the end of what it wrote at to. */

/* Exactly digits decimal places, with zeros in front. */
char *number_padded(char *to, uint64_t value, unsigned digits);
char *number_long_decimal(char *to, uint64_t value); /* value >= 10 */

TRC_INLINE void number_put_pair(char *to, unsigned value)
{
	memcpy(to, number_pairs + (size_t)2 * value, 2);
}

TRC_INLINE char *number_decimal(char *to, uint64_t value)
{
	if (value < 10) {
		*to = (char)('0' + value);
		return to + 1;
	}
	if (value < 100) {
		number_put_pair(to, (unsigned)value);
		return to + 2;
	}
	if (value < 1000) {
		*to = (char)('0' + value / 100);
		number_put_pair(to + 1, (unsigned)value % 100);
		return to + 3;
	}
	return number_long_decimal(to, value);
}

/* Six places, as microseconds have. */
TRC_INLINE char *number_six(char *to, uint32_t value)
{
	number_put_pair(to, value / 10000);
	number_put_pair(to + 2, value / 100 % 100);
	number_put_pair(to + 4, value % 100);
	return to + 6;
}

/* All sixteen hexadecimal digits of value, the first one first. */
#ifdef __SSE2__
TRC_INLINE void number_put_hex(char *to, uint64_t value)
{
	__m128i bytes = _mm_cvtsi64_si128((int64_t)__builtin_bswap64(value)), low = _mm_set1_epi8(15);
	__m128i digits = _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi64(bytes, 4), low),
					   _mm_and_si128(bytes, low));
	__m128i letters = _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(9)),
					_mm_set1_epi8('a' - '0' - 10));

	_mm_storeu_si128((__m128i *)(void *)to,
			 _mm_add_epi8(_mm_add_epi8(digits, _mm_set1_epi8('0')), letters));
}
#else
TRC_INLINE void number_put_hex(char *to, uint64_t value)
{
	for (unsigned half = 0; half < 2; half++, value <<= 32) {
		uint64_t x = value >> 32, above_9;

		x = (x << 16 | x) & UINT64_C(0x0000ffff0000ffff);
		x = (x << 8 | x) & UINT64_C(0x00ff00ff00ff00ff);
		x = (x << 4 | x) & UINT64_C(0x0f0f0f0f0f0f0f0f);
		above_9 = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
		x += UINT64_C(0x3030303030303030) + above_9 * ('a' - '0' - 10);
		if (!TRC_HOST_BIG_ENDIAN)
			x = __builtin_bswap64(x);
		memcpy(to + 8 * half, &x, sizeof(x));
	}
}
#endif

/* In lower case, without 0x. */
TRC_INLINE char *number_hex(char *to, uint64_t value)
{
	unsigned places = (67 - (unsigned)__builtin_clzll(value | 1)) / 4;

	number_put_hex(to, value << (64 - 4 * places));
	return to + places;
}

/* The same into a buffer. */
void output_decimal(struct output *out, uint64_t value);
void output_signed(struct output *out, int64_t value);
void output_hex(struct output *out, uint64_t value); /* without 0x */

/* One conversion specification of a format: everything between % and what is printed. */
struct number_format {
	char letter; /* d i u x X o c s */
	bool minus, plus, space, hash, zero;
	bool has_precision;
	uint32_t width, precision; /* at most NUMBER_MAX_WIDTH each */
};

/* A width of a format or a record is not obeyed beyond this: no record needs it, and one could ask for 2 GB. */
#define NUMBER_MAX_WIDTH 65536

/* value: sign-extended from its type for d and i, zero-extended for the others. */
void output_number(struct output *out, const struct number_format *format, uint64_t value);
/* %s with width, precision and minus. */
void output_padded(struct output *out, const struct number_format *format, struct text text);

#endif
