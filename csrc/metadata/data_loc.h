/* SPDX-License-Identifier: MIT */
/* The word that a field with a __data_loc or __rel_loc is: where in the record its value lies. */
#ifndef TRC_METADATA_DATA_LOC_H
#define TRC_METADATA_DATA_LOC_H

#include "base/byteorder.h"

#define DATA_LOC_NO_LENGTH UINT32_MAX

struct data_loc {
	uint32_t offset; /* of __rel_loc from the field's end, else from the record's start */
	uint32_t length; /* DATA_LOC_NO_LENGTH: not recorded; a text ends at its NUL */
};

/*
 * The low half is the offset, the high half the length. In kernels of 2009 a field of two bytes is the
 * offset alone; of eight bytes, which synthetic events have, the first four are used. false: there are
 * no fields of that size.
 */
TRC_INLINE bool data_loc_load(const uint8_t *field, uint32_t size, bool big_endian, struct data_loc *out)
{
	uint32_t word;

	if (size == 2) {
		*out = (struct data_loc){ load_u16(field, big_endian), DATA_LOC_NO_LENGTH };
		return true;
	}
	if (size != 4 && size != 8)
		return false;
	word = load_u32(field, big_endian);
	*out = (struct data_loc){ word & 0xffff, word >> 16 };
	return true;
}

#endif
