/* SPDX-License-Identifier: MIT */
#include "base/number.h"

const char number_lower[17] = "0123456789abcdef";
const char number_upper[17] = "0123456789ABCDEF";

const char number_pairs[201] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
	"8081828384858687888990919293949596979899";

/* 10^i - 1 at i: so that a value with as many bits as it gets its digits by one comparison. */
static const uint64_t largest[21] = {
	0,
	9,
	99,
	999,
	9999,
	99999,
	999999,
	9999999,
	99999999,
	999999999,
	UINT64_C(9999999999),
	UINT64_C(99999999999),
	UINT64_C(999999999999),
	UINT64_C(9999999999999),
	UINT64_C(99999999999999),
	UINT64_C(999999999999999),
	UINT64_C(9999999999999999),
	UINT64_C(99999999999999999),
	UINT64_C(999999999999999999),
	UINT64_C(9999999999999999999),
	UINT64_MAX,
};

static unsigned decimal_digits(uint64_t value)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
	unsigned digits = bits * 1233 >> 12; /* log10(2) is 1233 / 4096, nearly: this or one more */

	return digits + (value > largest[digits]);
}

/* Writes value backwards, ending at end, in exactly digits places. */
static void put_backwards(char *end, uint64_t value, unsigned digits)
{
	while (value > UINT32_MAX && digits >= 2) {
		number_put_pair(end -= 2, (unsigned)(value % 100));
		value /= 100;
		digits -= 2;
	}
	uint32_t rest = (uint32_t)value; /* 32-bit divisions cost much less */

	for (; digits >= 2; digits -= 2) {
		number_put_pair(end -= 2, rest % 100);
		rest /= 100;
	}
	if (digits)
		*--end = (char)('0' + rest % 10);
}

char *number_padded(char *to, uint64_t value, unsigned digits)
{
	put_backwards(to + digits, value, digits);
	return to + digits;
}

char *number_long_decimal(char *to, uint64_t value)
{
	return number_padded(to, value, decimal_digits(value));
}

void output_decimal(struct output *out, uint64_t value)
{
	char *to = output_reserve(out, NUMBER_ROOM);

	if (to)
		out->size += (size_t)(number_decimal(to, value) - to);
}

void output_signed(struct output *out, int64_t value)
{
	if (value < 0)
		output_char(out, '-');
	output_decimal(out, value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value);
}

void output_hex(struct output *out, uint64_t value)
{
	char *to = output_reserve(out, NUMBER_ROOM);

	if (to)
		out->size += (size_t)(number_hex(to, value) - to);
}

static char *number_octal(char *to, uint64_t value)
{
	unsigned places = value ? (66 - (unsigned)__builtin_clzll(value)) / 3 : 1;

	for (unsigned i = places; i-- > 0; value >>= 3)
		to[i] = (char)('0' + (value & 7));
	return to + places;
}

static void output_one_char(struct output *out, const struct number_format *format, char c)
{
	struct number_format plain = { .width = format->width, .minus = format->minus };

	output_padded(out, &plain, (struct text){ &c, 1 });
}

void output_number(struct output *out, const struct number_format *format, uint64_t value)
{
	char digits[32], prefix[2];
	unsigned prefix_size = 0;
	size_t size, zeros = 0, blanks = 0;
	char *end;

	if (format->letter == 'c') {
		out->has_nul |= !(char)value;
		output_one_char(out, format, (char)value);
		return;
	}
	if (format->letter == 'd' || format->letter == 'i') {
		bool negative = (int64_t)value < 0;

		if (negative)
			value = UINT64_C(0) - value;
		if (negative || format->plus || format->space)
			prefix[prefix_size++] = negative ? '-' : format->plus ? '+' : ' ';
		end = number_decimal(digits, value);
	} else if (format->letter == 'x' || format->letter == 'X') {
		if (format->hash && value) {
			prefix[prefix_size++] = '0';
			prefix[prefix_size++] = format->letter;
		}
		end = number_hex(digits, value);
		for (char *c = digits; format->letter == 'X' && c < end; c++)
			if (*c >= 'a')
				*c = (char)(*c - 'a' + 'A');
	} else if (format->letter == 'o') {
		end = number_octal(digits, value);
	} else {
		end = number_decimal(digits, value);
	}
	size = (size_t)(end - digits);
	if (format->has_precision) {
		if (!value && !format->precision)
			size = 0;
		if (format->precision > size)
			zeros = format->precision - size;
	}
	if (format->letter == 'o' && format->hash && !zeros && (value || !size))
		zeros = 1;
	if (format->width > prefix_size + zeros + size)
		blanks = format->width - prefix_size - zeros - size;
	if (format->zero && !format->minus && !format->has_precision) {
		zeros += blanks;
		blanks = 0;
	}
	if (!format->minus)
		output_fill(out, ' ', blanks);
	output_bytes(out, prefix, prefix_size);
	output_fill(out, '0', zeros);
	output_bytes(out, digits, size);
	if (format->minus)
		output_fill(out, ' ', blanks);
}

void output_padded(struct output *out, const struct number_format *format, struct text text)
{
	size_t size = text.size, blanks;

	if (format->has_precision && size > format->precision)
		size = format->precision;
	blanks = format->width > size ? format->width - size : 0;
	if (!format->minus)
		output_fill(out, ' ', blanks);
	output_bytes(out, text.start, size);
	if (format->minus)
		output_fill(out, ' ', blanks);
}
