/* SPDX-License-Identifier: MIT */
#include "metadata/btf.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/byteorder.h"
#include "base/error.h"

#define MAGIC 0xeb9f
#define HEADER_SIZE 24
#define TYPE_SIZE 12
#define PARAMETER_SIZE 8
#define TYPES_MAX (1u << 22)	 /* a whole kernel has 200,000 */
#define FUNCTIONS_MAX (1u << 20) /* and 80,000 */
#define NAME_MAX_SIZE 511	 /* the kernel's KSYM_NAME_LEN without the NUL: longer names end there */
#define MODIFIERS_MAX 64	 /* typedefs and qualifiers in a row */

/* What all types begin with: u32 name, u32 info, u32 size or type. */
struct head {
	uint32_t name, kind, flag, count, size;
};

static struct head read_head(const struct btf *btf, uint32_t place)
{
	const uint8_t *p = btf->data + place;
	uint32_t info = load_u32(p + 4, btf->big_endian);

	return (struct head){
		.name = load_u32(p, btf->big_endian),
		.kind = info >> 24 & 31,
		.flag = info >> 31,
		.count = info & 0xffff,
		.size = load_u32(p + 8, btf->big_endian),
	};
}

/* Bytes that follow the head of a type. false: the kind is not known. */
static bool tail_size(const struct head *head, uint32_t *out)
{
	static const struct {
		uint8_t once, each;
	} tails[TRC_BTF_KINDS] = {
		[TRC_BTF_INT] = { 4, 0 },      [TRC_BTF_ARRAY] = { 12, 0 },
		[TRC_BTF_STRUCT] = { 0, 12 },  [TRC_BTF_UNION] = { 0, 12 },
		[TRC_BTF_ENUM] = { 0, 8 },     [TRC_BTF_PROTOTYPE] = { 0, PARAMETER_SIZE },
		[TRC_BTF_VARIABLE] = { 4, 0 }, [TRC_BTF_DATASEC] = { 0, 12 },
		[TRC_BTF_DECL_TAG] = { 4, 0 }, [TRC_BTF_ENUM64] = { 0, 12 },
	};

	if (head->kind == TRC_BTF_UNKNOWN || head->kind >= TRC_BTF_KINDS)
		return false;
	*out = tails[head->kind].once + tails[head->kind].each * head->count;
	return true;
}

/* --- parsing ------------------------------------------------------------------------------------ */

/* Where things are while a table is parsed. */
struct parser {
	struct btf btf;
	uint32_t types, types_end; /* in data */
	size_t types_room, functions_room;
	uint64_t file_offset;
	bool packed;
};

/* Where in the file a byte of the table is. */
static uint64_t file_place(const struct parser *p, uint64_t place)
{
	return p->packed || p->file_offset == TRC_NO_OFFSET ? p->file_offset : p->file_offset + place;
}

/*
 * u16 magic, u8 version, u8 flags, u32 size of the header, then offset and size of the types and of the
 * names, counted from its end.
 */
static int read_header(struct parser *p, uint64_t size, struct trc_error *err)
{
	struct btf *btf = &p->btf;
	uint64_t header, at[4];

	if (size < HEADER_SIZE)
		return trc_fail(err, TRC_TRUNCATED, file_place(p, 0), "BTF: %" PRIu64 " bytes left, need %d",
				size, HEADER_SIZE);
	if (size > UINT32_MAX)
		return trc_fail(err, TRC_LIMIT, file_place(p, 0), "BTF: %" PRIu64 " bytes", size);
	btf->big_endian = load_u16(btf->data, true) == MAGIC;
	if (!btf->big_endian && load_u16(btf->data, false) != MAGIC)
		return trc_fail(err, TRC_CORRUPT, file_place(p, 0),
				"BTF: begins with 0x%04x, 0x%04x expected", load_u16(btf->data, false),
				MAGIC);
	header = load_u32(btf->data + 4, btf->big_endian);
	if (header < HEADER_SIZE)
		return trc_fail(err, TRC_CORRUPT, file_place(p, 4),
				"BTF: header of %" PRIu64 " bytes, %d expected", header, HEADER_SIZE);
	for (unsigned i = 0; i < 4; i++)
		at[i] = load_u32(btf->data + 8 + 4 * i, btf->big_endian);
	for (unsigned i = 0; i < 4; i += 2) {
		if (header + at[i] + at[i + 1] > size)
			return trc_fail(err, TRC_TRUNCATED, file_place(p, 8 + 4 * i),
					"BTF: %s pass its end, which is at %" PRIu64, i ? "names" : "types",
					size);
	}
	p->types = (uint32_t)(header + at[0]);
	p->types_end = p->types + (uint32_t)at[1];
	btf->strings = (uint32_t)(header + at[2]);
	btf->strings_size = (uint32_t)at[3];
	btf->size = (uint32_t)size;
	return TRC_OK;
}

/* What the table has is enough to bound the lists by: a type takes 12 bytes. */
static bool append(uint32_t **list, uint32_t *count, size_t *room, uint32_t value)
{
	if (*count == *room) {
		uint32_t *larger = array_grow(*list, room, 1024, sizeof(*larger));

		if (!larger)
			return false;
		*list = larger;
	}
	(*list)[(*count)++] = value;
	return true;
}

static int read_types(struct parser *p, struct trc_error *err)
{
	struct btf *btf = &p->btf;

	for (uint32_t at = p->types; at < p->types_end;) {
		uint32_t left = p->types_end - at, tail;
		struct head head;

		if (left < TYPE_SIZE)
			return trc_fail(err, TRC_TRUNCATED, file_place(p, at),
					"BTF: type %u: %u bytes left, need %d", btf->count + 1, left,
					TYPE_SIZE);
		head = read_head(btf, at);
		if (!tail_size(&head, &tail))
			return trc_fail(err, TRC_UNSUPPORTED, file_place(p, at + 4),
					"BTF: type %u: kind %u is not known", btf->count + 1, head.kind);
		if (left - TYPE_SIZE < tail)
			return trc_fail(err, TRC_TRUNCATED, file_place(p, at),
					"BTF: type %u: %u bytes left, need %u", btf->count + 1, left,
					TYPE_SIZE + tail);
		if (btf->count == TYPES_MAX || btf->function_count == FUNCTIONS_MAX)
			return trc_fail(err, TRC_LIMIT, file_place(p, at),
					"BTF: more than %u types or %u functions", TYPES_MAX, FUNCTIONS_MAX);
		if (!append(&btf->places, &btf->count, &p->types_room, at) ||
		    (head.kind == TRC_BTF_FUNCTION &&
		     !append(&btf->functions, &btf->function_count, &p->functions_room, btf->count)))
			return trc_fail_no_memory(err);
		at += TYPE_SIZE + tail;
	}
	return TRC_OK;
}

/* --- types -------------------------------------------------------------------------------------- */

static struct text name_at(const struct btf *btf, uint32_t offset)
{
	const char *start;
	uint32_t room;

	if (offset >= btf->strings_size)
		return TEXT("");
	start = (const char *)btf->data + btf->strings + offset;
	room = btf->strings_size - offset;
	return (struct text){ start, strnlen(start, room < NAME_MAX_SIZE ? room : NAME_MAX_SIZE) };
}

/* Are the bytes that follow a type there? They were; but a mapping may change after it was parsed. */
static bool fits(const struct btf *btf, const struct head *head, uint64_t place)
{
	uint32_t tail;

	return tail_size(head, &tail) && place + tail <= btf->size;
}

/* Type number type, which is there. */
static struct text name_of(const struct btf *btf, uint32_t type)
{
	return name_at(btf, load_u32(btf->data + btf->places[type - 1], btf->big_endian));
}

bool btf_type(const struct btf *btf, uint32_t type, struct trc_btf_type *out)
{
	struct head head;
	struct text name;
	const uint8_t *tail;
	uint32_t word;

	if (!type || type > btf->count)
		return false;
	head = read_head(btf, btf->places[type - 1]);
	name = name_at(btf, head.name);
	*out = (struct trc_btf_type){
		.name = name.start,
		.name_size = name.size,
		.kind = head.kind,
		.flag = head.flag,
		.size = head.size,
		.type = head.size,
		.count = head.count,
		.place = (uint64_t)btf->places[type - 1] + TYPE_SIZE,
	};
	tail = btf->data + out->place;
	if (!fits(btf, &head, out->place))
		return false;
	if (head.kind == TRC_BTF_INT) {
		word = load_u32(tail, btf->big_endian);
		out->bits = word & 0xff;
		out->shift = word >> 16 & 0xff;
		out->is_signed = word >> 24 & 1;
	} else if (head.kind == TRC_BTF_ARRAY) {
		out->type = load_u32(tail, btf->big_endian);
		out->count = load_u32(tail + 8, btf->big_endian);
	}
	return true;
}

bool btf_bare_type(const struct btf *btf, uint32_t type, struct trc_btf_type *out)
{
	for (unsigned i = 0; i < MODIFIERS_MAX; i++) {
		if (!btf_type(btf, type, out))
			return false;
		switch (out->kind) {
		case TRC_BTF_TYPEDEF:
		case TRC_BTF_VOLATILE:
		case TRC_BTF_CONST:
		case TRC_BTF_RESTRICT:
		case TRC_BTF_TYPE_TAG:
			type = out->type;
			break;
		default:
			return true;
		}
	}
	return false;
}

/* --- functions ---------------------------------------------------------------------------------- */

struct named {
	struct text name;
	uint32_t type;
};

/* The one thing that changes in a table that threads share: of those who sort, the first one stores. */
struct btf_names {
	_Atomic(struct named *) sorted; /* by name, then number; NULL: not yet */
};

static int compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = text_compare(x->name, y->name);

	return order ? order : (x->type > y->type) - (x->type < y->type);
}

/* NULL: there is no memory for it. */
static const struct named *sorted_names(const struct btf *btf)
{
	struct named *sorted = atomic_load_explicit(&btf->names->sorted, memory_order_acquire), *none = NULL;

	if (sorted)
		return sorted;
	sorted = malloc(btf->function_count * sizeof(*sorted));
	if (!sorted)
		return NULL;
	for (uint32_t i = 0; i < btf->function_count; i++)
		sorted[i] = (struct named){ name_of(btf, btf->functions[i]), btf->functions[i] };
	qsort(sorted, btf->function_count, sizeof(*sorted), compare_named);
	if (atomic_compare_exchange_strong(&btf->names->sorted, &none, sorted))
		return sorted;
	free(sorted);
	return none;
}

/* Which of several of one name is found depends on the steps of the bisection: they are libtraceevent's. */
static uint32_t find_sorted(const struct btf *btf, const struct named *sorted, struct text name)
{
	size_t low = 0, high = btf->function_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = text_compare(name, sorted[middle].name);

		if (!order)
			return sorted[middle].type;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

enum btf_found btf_function(const struct btf *btf, struct text name, struct trc_btf_type *out)
{
	const struct named *sorted = btf->function_count ? sorted_names(btf) : NULL;
	struct trc_btf_type function;
	uint32_t number;

	if (!sorted)
		return btf->function_count ? BTF_NO_MEMORY : BTF_NO_FUNCTION;
	number = find_sorted(btf, sorted, name);
	if (!number) {
		const char *dot = name.size ? memchr(name.start, '.', name.size) : NULL;

		if (dot)
			number = find_sorted(btf, sorted,
					     (struct text){ name.start, (size_t)(dot - name.start) });
	}
	if (!btf_type(btf, number, &function))
		return BTF_NO_FUNCTION;
	return btf_type(btf, function.type, out) && out->kind == TRC_BTF_PROTOTYPE ? BTF_FOUND :
										     BTF_NO_PROTOTYPE;
}

bool btf_parameter(const struct btf *btf, const struct trc_btf_type *prototype, uint32_t index,
		   struct text *name, uint32_t *type)
{
	const uint8_t *p;

	if (prototype->kind != TRC_BTF_PROTOTYPE || index >= prototype->count ||
	    prototype->place > btf->size || (btf->size - prototype->place) / PARAMETER_SIZE <= index)
		return false;
	p = btf->data + prototype->place + (size_t)PARAMETER_SIZE * index;
	*name = name_at(btf, load_u32(p, btf->big_endian));
	*type = load_u32(p + 4, btf->big_endian);
	return true;
}

const char *btf_kind_name(uint32_t kind)
{
	static const char *const names[TRC_BTF_KINDS] = {
		"UNKNOWN", "INT",     "PTR",	  "ARRAY",    "STRUCT",	  "UNION",  "ENUM",
		"FWD",	   "TYPEDEF", "VOLATILE", "CONST",    "RESTRICT", "FUNC",   "FUNC_PROTO",
		"VAR",	   "DATASEC", "FLOAT",	  "DECL_TAG", "TYPE_TAG", "ENUM64",
	};

	return names[kind < TRC_BTF_KINDS ? kind : TRC_BTF_UNKNOWN];
}

/* --- life --------------------------------------------------------------------------------------- */

int btf_parse(const uint8_t *data, uint64_t size, uint64_t file_offset, bool packed, struct btf *out,
	      struct trc_error *err)
{
	struct parser p = { .btf = { .data = data }, .file_offset = file_offset, .packed = packed };
	int rc = read_header(&p, size, err);

	if (!rc)
		rc = read_types(&p, err);
	if (!rc && !(p.btf.names = calloc(1, sizeof(*p.btf.names))))
		rc = trc_fail_no_memory(err);
	if (rc) {
		btf_deinit(&p.btf);
		return rc;
	}
	*out = p.btf;
	return TRC_OK;
}

void btf_deinit(struct btf *btf)
{
	if (btf->names)
		free(atomic_load(&btf->names->sorted));
	free(btf->names);
	free(btf->functions);
	free(btf->places);
	*btf = (struct btf){ 0 };
}
