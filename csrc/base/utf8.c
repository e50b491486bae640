/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include <string.h>

size_t ascii_length(const uint8_t *text, size_t size)
{
	size_t n = 0;

	for (uint64_t word; size - n >= sizeof(word); n += sizeof(word)) {
		memcpy(&word, text + n, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	while (n < size && text[n] < 0x80)
		n++;
	return n;
}

/* What a lead byte allows as the second byte, and the length; Unicode, table 3-7. */
static unsigned sequence_of(uint8_t lead, uint8_t *low, uint8_t *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef) {
		if (lead == 0xe0)
			*low = 0xa0;
		if (lead == 0xed)
			*high = 0x9f;
		return 3;
	}
	if (lead >= 0xf0 && lead <= 0xf4) {
		if (lead == 0xf0)
			*low = 0x90;
		if (lead == 0xf4)
			*high = 0x8f;
		return 4;
	}
	return 0;
}

/* Length of the sequence at text, which is not ASCII; *valid: it is whole. At least 1. */
static size_t sequence_length(const uint8_t *text, size_t size, bool *valid)
{
	uint8_t low, high;
	unsigned length = sequence_of(text[0], &low, &high);
	size_t n = 1;

	while (n < length && n < size && text[n] >= low && text[n] <= high) {
		low = 0x80;
		high = 0xbf;
		n++;
	}
	*valid = length && n == length;
	return n;
}

size_t utf8_copy(uint8_t *to, const uint8_t *text, size_t size)
{
	size_t from = 0, written = 0;

	while (from < size) {
		size_t n = ascii_length(text + from, size - from);
		bool valid;

		memcpy(to + written, text + from, n);
		written += n;
		from += n;
		if (from == size)
			break;
		n = sequence_length(text + from, size - from, &valid);
		memcpy(to + written, valid ? (const char *)text + from : "\xef\xbf\xbd", valid ? n : 3);
		written += valid ? n : 3;
		from += n;
	}
	return written;
}
