/* SPDX-License-Identifier: MIT */
/*
 * Unaligned loads and stores in the file's byte order. Bounds are the caller's business:
 * metadata goes through the cursor, records through the sub-buffer walk.
 */
#ifndef TRC_BASE_BYTEORDER_H
#define TRC_BASE_BYTEORDER_H

#include <string.h>

#include "base/internal.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define TRC_HOST_BIG_ENDIAN true
#else
#define TRC_HOST_BIG_ENDIAN false
#endif

TRC_INLINE uint16_t load_u16(const uint8_t *p, bool big_endian)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return big_endian == TRC_HOST_BIG_ENDIAN ? v : (uint16_t)(v >> 8 | v << 8);
}

TRC_INLINE uint32_t load_u32(const uint8_t *p, bool big_endian)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return big_endian == TRC_HOST_BIG_ENDIAN ? v : __builtin_bswap32(v);
}

TRC_INLINE uint64_t load_u64(const uint8_t *p, bool big_endian)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return big_endian == TRC_HOST_BIG_ENDIAN ? v : __builtin_bswap64(v);
}

/* An unsigned integer of 1, 2, 4 or 8 bytes; 0 for any other size, as libtraceevent reads it. */
TRC_INLINE uint64_t load_uint(const uint8_t *p, unsigned size, bool big_endian)
{
	switch (size) {
	case 1:
		return *p;
	case 2:
		return load_u16(p, big_endian);
	case 4:
		return load_u32(p, big_endian);
	case 8:
		return load_u64(p, big_endian);
	default:
		return 0;
	}
}

TRC_INLINE void store_u16(uint8_t *p, uint16_t v, bool big_endian)
{
	if (big_endian != TRC_HOST_BIG_ENDIAN)
		v = (uint16_t)(v >> 8 | v << 8);
	memcpy(p, &v, sizeof(v));
}

TRC_INLINE void store_u32(uint8_t *p, uint32_t v, bool big_endian)
{
	if (big_endian != TRC_HOST_BIG_ENDIAN)
		v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

TRC_INLINE void store_u64(uint8_t *p, uint64_t v, bool big_endian)
{
	if (big_endian != TRC_HOST_BIG_ENDIAN)
		v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof(v));
}

/* A kernel's long: of 4 bytes the low half. */
TRC_INLINE void store_long(uint8_t *p, uint64_t v, unsigned size, bool big_endian)
{
	if (size == 4)
		store_u32(p, (uint32_t)v, big_endian);
	else
		store_u64(p, v, big_endian);
}

#endif
