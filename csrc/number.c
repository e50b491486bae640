/* SPDX-License-Identifier: MIT */
#include "number.h"

const char number_lower[17] = "0123456789abcdef";
const char number_upper[17] = "0123456789ABCDEF";

static const char pairs[201] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
	"8081828384858687888990919293949596979899";

TRC_INLINE void put_pair(char *to, unsigned value)
{
	memcpy(to, pairs + 2 * value, 2);
}

static unsigned decimal_digits(uint64_t value)
{
	unsigned digits = 1;

	for (;;) {
		if (value < 10)
			return digits;
		if (value < 100)
			return digits + 1;
		if (value < 1000)
			return digits + 2;
		if (value < 10000)
			return digits + 3;
		value /= 10000;
		digits += 4;
	}
}

/* Writes value backwards, ending at end, in exactly digits places. */
static void put_backwards(char *end, uint64_t value, unsigned digits)
{
	while (value > UINT32_MAX && digits >= 2) {
		put_pair(end -= 2, (unsigned)(value % 100));
		value /= 100;
		digits -= 2;
	}
	uint32_t rest = (uint32_t)value;	/* 32-bit divisions cost much less */

	for (; digits >= 2; digits -= 2) {
		put_pair(end -= 2, rest % 100);
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

char *number_decimal(char *to, uint64_t value)
{
	if (value < 10) {
		*to = (char)('0' + value);
		return to + 1;
	}
	return number_padded(to, value, decimal_digits(value));
}

char *number_hex(char *to, uint64_t value, const char digits[16])
{
	unsigned places = value ? (67 - (unsigned)__builtin_clzll(value)) / 4 : 1;

	for (unsigned i = places; i-- > 0; value >>= 4)
		to[i] = digits[value & 15];
	return to + places;
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
		out->size += (size_t)(number_hex(to, value, number_lower) - to);
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
		end = number_hex(digits, value, format->letter == 'x' ? number_lower : number_upper);
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
