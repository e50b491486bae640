/* SPDX-License-Identifier: MIT */
/*
 * The kernel's types as BTF has them, for the prototypes of its functions. docs/FORMAT.md 5.9;
 * Documentation/bpf/btf.rst of the kernel.
 *
 * A table of BTF is some megabytes of types one behind the other, each of which names others by
 * their number. Parsing finds where each begins, and no more; a type is decoded when it is asked for.
 */
#ifndef TRC_METADATA_BTF_H
#define TRC_METADATA_BTF_H

#include "base/text.h"
#include "metadata/api.h"

struct btf {
	const uint8_t *data; /* [size]: all of the table; NULL: there is none */
	uint32_t size;
	bool big_endian;
	uint32_t strings, strings_size; /* where in data the names are */
	uint32_t *places;		/* [count]: where in data type number i + 1 begins */
	uint32_t count;
	uint32_t *functions; /* [function_count]: numbers of the functions, in their order */
	uint32_t function_count;
	struct btf_names *names; /* for btf_function(); owned */
};

/*
 * data must outlive *out. A table that is broken anywhere is as good as none, since a type names
 * others all over it: TRC_CORRUPT, TRC_TRUNCATED, TRC_UNSUPPORTED (a kind of type that is not known).
 * file_offset is where the table lies in the file; packed: where what it is unpacked from does.
 */
int btf_parse(const uint8_t *data, uint64_t size, uint64_t file_offset, bool packed, struct btf *out,
	      struct trc_error *err);
void btf_deinit(struct btf *btf);

/* Type number type. false: there is none; 0 is void, and none either. */
bool btf_type(const struct btf *btf, uint32_t type, struct trc_btf_type *out);
/* The same, behind typedefs and qualifiers. false: they lead nowhere, or round in a circle. */
bool btf_bare_type(const struct btf *btf, uint32_t type, struct trc_btf_type *out);

/*
 * The prototype of the function of this name: a type of the kind TRC_BTF_PROTOTYPE. Of several
 * functions of one name that which libtraceevent finds. What compilers add behind a dot
 * (".isra.0") is left out where there is no function with it.
 */
enum btf_found {
	BTF_NO_FUNCTION,
	BTF_NO_PROTOTYPE, /* it has none, or what it has is no prototype */
	BTF_FOUND,
	BTF_NO_MEMORY, /* for the names in their order, which the first look-up makes */
};
enum btf_found btf_function(const struct btf *btf, struct text name, struct trc_btf_type *out);

/* Parameter number index of a prototype: its name, which may be empty, and type; 0: "...". */
bool btf_parameter(const struct btf *btf, const struct trc_btf_type *prototype, uint32_t index,
		   struct text *name, uint32_t *type);

/* "STRUCT", as the kernel's documentation calls the kind. */
const char *btf_kind_name(uint32_t kind);

#endif
