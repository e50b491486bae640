/* SPDX-License-Identifier: MIT */
/* One field line of a format text: its C declaration, offset, size and sign. */
#ifndef TRC_METADATA_FIELD_H
#define TRC_METADATA_FIELD_H

#include "base/arena.h"
#include "metadata/scanner.h"

/*
 * Nothing about offset and size is checked against any record: a format is as hostile as the
 * records are, and records may be shorter than their format says. Both are below 2^31, so that
 * their sum fits.
 */
struct event_field {
	struct text name;
	struct text type;      /* as libtraceevent spells it: "unsigned int", "char[16]", "__data_loc char[]";
				   of an opaque field the declaration, its name included */
	uint32_t offset;       /* from the start of the payload, common fields included */
	uint32_t size;	       /* 0: runs to the end of the record */
	uint32_t array_length; /* 0 if not an array, or of unknown length */
	uint32_t element_size; /* bytes; of a field that is not an array its size; 0 if unknown */
	uint32_t flags;	       /* enum trc_field_flag */
};

struct field_rules {
	struct arena *arena; /* for types that are not spelled that way in the text */
	unsigned long_size;  /* of the recording kernel */
	bool ftrace;	     /* "field special:" and a '.' in a type are known in this system only */
};

/*
 * Reads "field:DECL; offset:N; size:N; signed:N;" and the newline. TRC_NOT_FOUND: the next token
 * is not "field", nothing was read. TRC_CORRUPT: *wrong says what could not be read, and s stands
 * there. TRC_NO_MEMORY.
 *
 * A declaration that libtraceevent cannot read ("int (*f)(void)", "u8 m[2][3]") is TRC_OK with the
 * flag TRC_FIELD_OPAQUE, if it has a name: its bytes can be shown even so.
 */
int field_parse(struct scanner *s, const struct field_rules *rules, struct event_field *out,
		const char **wrong);

#endif
