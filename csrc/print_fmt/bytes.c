/* SPDX-License-Identifier: MIT */
/* Masks, hex dumps, arrays and stacks as text. */
#include "print_fmt/program.h"

/* Byte number i of the mask, counted from the lowest bits. */
TRC_INLINE unsigned mask_byte(struct span mask, uint32_t i, bool big_endian)
{
	return mask.data[big_endian ? mask.size - 1 - i : i];
}

void output_bitmask(struct output *out, struct span mask, bool big_endian)
{
	char *to = output_reserve(out, (size_t)mask.size * 9 / 4 + 4);
	char *start = to;

	if (!to)
		return;
	for (uint32_t i = mask.size; i-- > 0;) {
		unsigned byte = mask_byte(mask, i, big_endian);

		*to++ = number_lower[byte >> 4];
		*to++ = number_lower[byte & 15];
		if (i && i % 4 == 0)
			*to++ = ',';
	}
	out->size += (size_t)(to - start);
}

static bool mask_bit(struct span mask, uint32_t bit, bool big_endian)
{
	return mask_byte(mask, bit / 8, big_endian) >> bit % 8 & 1;
}

void output_cpumask(struct output *out, struct span mask, bool big_endian)
{
	uint32_t bits = mask.size * 8;
	bool first = true;

	for (uint32_t bit = 0; bit < bits; bit++) {
		uint32_t start = bit;

		if (!mask_bit(mask, bit, big_endian))
			continue;
		while (bit + 1 < bits && mask_bit(mask, bit + 1, big_endian))
			bit++;
		if (!first)
			output_char(out, ',');
		first = false;
		output_decimal(out, start);
		if (bit > start) {
			output_char(out, '-');
			output_decimal(out, bit);
		}
	}
}

void output_hex_bytes(struct output *out, struct span bytes, const char *separator)
{
	for (uint32_t i = 0; i < bytes.size; i++) {
		char *to = output_reserve(out, 3);

		if (!to)
			return;
		if (i && *separator) {
			*to++ = *separator;
			out->size++;
		}
		to[0] = number_lower[bytes.data[i] >> 4];
		to[1] = number_lower[bytes.data[i] & 15];
		out->size += 2;
	}
}

void output_array(struct output *out, struct span bytes, uint64_t count, uint64_t element_size,
		  bool big_endian)
{
	bool known = element_size == 1 || element_size == 2 || element_size == 4 || element_size == 8;
	unsigned size = known ? (unsigned)element_size : 1;
	uint32_t left = bytes.size / size;

	output_char(out, '{');
	if ((int32_t)count < 0)
		count = 0;
	for (uint32_t i = 0; i < (uint32_t)count && i < left; i++) {
		if (i)
			output_char(out, ',');
		if (!known && !i) {
			output_literal(out, "BAD SIZE:");
			output_signed(out, (int32_t)element_size);
			output_char(out, ' ');
		}
		output_literal(out, "0x");
		output_hex(out, load_uint(bytes.data + (size_t)i * size, size, big_endian));
	}
	output_char(out, '}');
}

/* The first number of a stack in a record is how many there are; all that the field holds are shown. */
void output_stack(const struct print_fmt *p, const struct print_record *r, const struct place *field,
		  struct output *out)
{
	struct span bytes = read_dynamic(p, r, field);
	unsigned size = p->env->long_size;

	output_char(out, '\n');
	for (uint32_t at = size; bytes.size >= size && at <= bytes.size - size; at += size) {
		uint64_t address = load_uint(bytes.data + at, size, p->big_endian);
		const struct cached_symbol *symbol = symbol_cache_find(r->symbols, address);

		output_literal(out, "=> ");
		if (p->env->kernel_text) {
			kernel_print_symbol(p, address, 'S', out);
		} else if (symbol) {
			output_text(out, symbol->name);
			output_literal(out, "+0x");
			output_hex(out, address - symbol->address);
		} else {
			output_hex(out, address);
		}
		output_char(out, '\n');
	}
}
