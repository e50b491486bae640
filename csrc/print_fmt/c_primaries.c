/* SPDX-License-Identifier: MIT */
/*
 * Operands that only C has, for the kernel's own text: addresses and what lies there, sizes of any type,
 * byte orders, and helpers of the kernel that libtraceevent does not know.
 */
#include "metadata/api.h"
#include "print_fmt/parser.h"

static struct node *number(struct parser *p, int64_t value)
{
	struct node *node = new_node(p);

	return node && parse_set_number(p, node, value) ? node : NULL;
}

/* *node becomes node op right. */
static bool put_operator(struct parser *p, struct node *node, struct text op, struct node *left,
			 struct node *right)
{
	*node = (struct node){ .kind = NODE_OP, .text = op, .left = left, .right = right, .next = node->next };
	if (!left || !right)
		p->no_memory = true;
	return left && right;
}

/* &REC->field stays one; &array[i] is array + i. */
static bool take_address(struct parser *p, struct node *node)
{
	if (node->kind == NODE_FIELD) {
		node->kind = NODE_ADDRESS;
		return true;
	}
	if (node->kind != NODE_OP || !text_is(node->text, "["))
		return refuse(p);
	node->text = TEXT("+");
	return true;
}

bool parse_c_prefix(struct parser *p, struct node *node)
{
	bool address = at(p, LEXEME_OP, "&");
	struct node *operand;

	if (address) {
		advance(p);
		return parse_primary(p, node) && take_address(p, node);
	}
	operand = new_node(p);
	advance(p);
	return operand && parse_primary(p, operand) &&
	       put_operator(p, node, TEXT("["), operand, number(p, 0));
}

bool parse_c_word(struct parser *p, struct node *node)
{
	bool known;

	if (!parse_c_variable(p, node, &known))
		return false;
	if (known)
		return true;
	if (text_is(node->text, "true"))
		return parse_set_number(p, node, 1);
	if (text_is(node->text, "false") || text_is(node->text, "NULL"))
		return parse_set_number(p, node, 0);
	return true;
}

#define STRUCT TEXT("struct") /* the type of a structure: no cast */

bool parse_c_structure(struct parser *p, struct node *node)
{
	struct node *value;

	advance(p);
	if (!expect(p, LEXEME_OP, "."))
		return false;
	advance(p); /* which member it is does not matter: there is one */
	advance(p);
	if (!expect(p, LEXEME_OP, "=") || !parse_next_primary(p, &value) || !expect(p, LEXEME_OP, "}"))
		return false;
	advance(p);
	*node = (struct node){ .kind = NODE_TYPE, .text = STRUCT, .left = value, .next = node->next };
	return true;
}

bool parse_c_member_of_structure(struct parser *p, const struct node *node)
{
	if (!at(p, LEXEME_OP, ".") || node->kind != NODE_TYPE || !text_equal(node->text, STRUCT))
		return true;
	advance(p);
	if (p->token.kind != LEXEME_ITEM)
		return refuse(p);
	advance(p);
	return true;
}

/* The fields that all events share are the members of ent to the kernel. */
bool parse_c_member(struct parser *p, struct node *node)
{
	static const struct {
		const char *member, *field;
	} members[] = {
		{ "type", "common_type" },
		{ "flags", "common_flags" },
		{ "preempt_count", "common_preempt_count" },
		{ "pid", "common_pid" },
	};

	if (!text_is(node->text, "ent") || !at(p, LEXEME_OP, "."))
		return true;
	advance(p);
	for (size_t i = 0; i < countof(members); i++) {
		if (!at(p, LEXEME_ITEM, members[i].member))
			continue;
		node->text = (struct text){ members[i].field, strlen(members[i].field) };
		node->field = event_common_field(p->event, node->text);
		advance(p);
		return true;
	}
	return refuse(p);
}

/* --- sizes ------------------------------------------------------------------------------- */

bool c_type_size(struct text name, unsigned long_size, unsigned *size, bool *is_unsigned)
{
	static const struct {
		const char *name;
		uint8_t size; /* 0: of a long */
		bool is_unsigned;
	} types[] = {
		{ "u8", 1, true },
		{ "s8", 1, false },
		{ "u16", 2, true },
		{ "s16", 2, false },
		{ "u32", 4, true },
		{ "s32", 4, false },
		{ "u64", 8, true },
		{ "s64", 8, false },
		{ "__u8", 1, true },
		{ "__s8", 1, false },
		{ "__u16", 2, true },
		{ "__s16", 2, false },
		{ "__u32", 4, true },
		{ "__s32", 4, false },
		{ "__u64", 8, true },
		{ "__s64", 8, false },
		{ "char", 1, false },
		{ "signed char", 1, false },
		{ "unsigned char", 1, true },
		{ "short", 2, false },
		{ "unsigned short", 2, true },
		{ "int", 4, false },
		{ "unsigned int", 4, true },
		{ "unsigned", 4, true },
		{ "long long", 8, false },
		{ "unsigned long long", 8, true },
		{ "loff_t", 8, false },
		{ "pid_t", 4, false },
		{ "gfp_t", 4, true },
		{ "dev_t", 4, true },
		{ "bool", 1, true },
		{ "long", 0, false },
		{ "unsigned long", 0, true },
		{ "size_t", 0, true },
		{ "ssize_t", 0, false },
		{ "uint8_t", 1, true },
		{ "int8_t", 1, false },
		{ "uint16_t", 2, true },
		{ "int16_t", 2, false },
		{ "uint32_t", 4, true },
		{ "int32_t", 4, false },
		{ "uint64_t", 8, true },
		{ "int64_t", 8, false },
		{ "__be16", 2, true },
		{ "__be32", 4, true },
		{ "__be64", 8, true },
		{ "__le16", 2, true },
		{ "__le32", 4, true },
		{ "__le64", 8, true },
		{ "long unsigned int", 0, true },
		{ "long long unsigned int", 8, true },
		{ "short unsigned int", 2, true },
		{ "long int", 0, false },
	};

	if (name.size > 6 && !memcmp(name.start, "const ", 6))
		name = text_skip(name, 6);
	if (name.size && name.start[name.size - 1] == '*') {
		*size = long_size;
		*is_unsigned = true;
		return true;
	}
	for (size_t i = 0; i < countof(types); i++) {
		if (!text_is(name, types[i].name))
			continue;
		*size = types[i].size ? types[i].size : long_size;
		*is_unsigned = types[i].is_unsigned;
		return true;
	}
	return false;
}

/* sizeof(type), sizeof(REC->field), sizeof(REC->array[0]); *node is what stands in the parentheses. */
static bool size_of(struct parser *p, const struct node *node, unsigned *size)
{
	const struct node *array = node->left;
	bool is_unsigned;

	if (node->kind == NODE_ATOM && node->atom == ATOM_WORD)
		return c_type_size(node->text, p->language.long_size, size, &is_unsigned);
	if (node->kind == NODE_FIELD && node->field) {
		*size = node->field->size;
		return true;
	}
	if (node->kind != NODE_OP || !text_is(node->text, "["))
		return false;
	if (array->kind == NODE_TYPE && array->text.size > 2)
		return c_type_size((struct text){ array->text.start, array->text.size - 2 },
				   p->language.long_size, size, &is_unsigned);
	if (!array->field)
		return false;
	*size = array->field->element_size;
	return *size != 0;
}

bool parse_c_sizeof(struct parser *p, struct node *node)
{
	struct node *operand;
	unsigned size;

	if (!parse_next_primary(p, &operand))
		return false;
	return size_of(p, operand, &size) ? parse_set_number(p, node, size) : refuse(p);
}

/* --- byte orders ------------------------------------------------------------------------- */

struct swap {
	unsigned bits;
	bool swapped; /* false: it is the machine's order */
	bool pointer; /* the argument points at the number: be16_to_cpup() */
};

/* "16", "32" or "64" in front; gives what is behind, or NULL. */
static const char *read_bits(const char *s, const char *end, unsigned *bits)
{
	unsigned value;

	if (end - s < 2)
		return NULL;
	value = (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
	if (value != 16 && value != 32 && value != 64)
		return NULL;
	*bits = value;
	return s + 2;
}

static bool is_rest(const char *s, const char *end, const char *rest)
{
	return text_is((struct text){ s, (size_t)(end - s) }, rest);
}

/* be16_to_cpu, cpu_to_le32 and the like, swab16, ntohs; underscores in front do not matter. */
static bool find_swap(struct text name, bool big_endian, struct swap *out)
{
	const char *s = name.start, *end = s + name.size, *rest;

	while (s < end && *s == '_')
		s++;
	*out = (struct swap){ 0 };
	if (is_rest(s, end, "ntohs") || is_rest(s, end, "htons") || is_rest(s, end, "ntohl") ||
	    is_rest(s, end, "htonl")) {
		out->bits = s[4] == 's' ? 16 : 32;
		out->swapped = !big_endian;
		return true;
	}
	if (end - s > 4 && !memcmp(s, "swab", 4)) {
		out->swapped = true;
		rest = read_bits(s + 4, end, &out->bits);
		return rest == end;
	}
	if (end - s > 2 && (!memcmp(s, "be", 2) || !memcmp(s, "le", 2))) {
		out->swapped = (*s == 'b') != big_endian;
		rest = read_bits(s + 2, end, &out->bits);
		out->pointer = rest && is_rest(rest, end, "_to_cpup");
		return rest && (out->pointer || is_rest(rest, end, "_to_cpu"));
	}
	if (end - s > 9 && (!memcmp(s, "cpu_to_be", 9) || !memcmp(s, "cpu_to_le", 9))) {
		out->swapped = (s[7] == 'b') != big_endian;
		rest = read_bits(s + 9, end, &out->bits);
		return rest == end;
	}
	return false;
}

static bool parse_swap(struct parser *p, struct node *node, const struct swap *swap)
{
	bool wide = swap->bits == 64;
	struct node *operand, *element = NULL;

	if (!parse_next_primary(p, &operand))
		return false;
	if (swap->pointer) {
		element = new_node(p);
		if (!element || !put_operator(p, element, TEXT("["), operand, number(p, 0)))
			return false;
		operand = element;
	}
	node->left = operand;
	node->kind = swap->swapped ? NODE_FUNC : NODE_TYPE;
	node->text = wide ? TEXT("u64") : swap->bits == 32 ? TEXT("u32") : TEXT("u16");
	node->function = wide ? FUNCTION_BSWAP64 : swap->bits == 32 ? FUNCTION_BSWAP32 : FUNCTION_BSWAP16;
	return true;
}

/* --- helpers ----------------------------------------------------------------------------- */

/* Nanoseconds into seconds, and what is left of them. */
static bool parse_ns(struct parser *p, struct node *node)
{
	struct text op = text_is(node->text, "__print_ns_to_secs") ? TEXT("/") : TEXT("%");
	struct node *operand, *cast = new_node(p);

	if (!cast || !parse_next_primary(p, &operand))
		return false;
	*cast = (struct node){ .kind = NODE_TYPE, .text = TEXT("u64"), .left = operand };
	return put_operator(p, node, op, cast, number(p, 1000000000));
}

/* __builtin_choose_expr(condition, a, b) */
static bool parse_choose(struct parser *p, struct node *node)
{
	struct node *condition, *branches = new_node(p);

	if (!branches || !parse_next_primary(p, &condition) || !expect(p, LEXEME_DELIM, ",") ||
	    !parse_next_primary(p, &branches->left) || !expect(p, LEXEME_DELIM, ",") ||
	    !parse_next_primary(p, &branches->right))
		return false;
	branches->kind = NODE_OP;
	branches->text = TEXT(":");
	return put_operator(p, node, TEXT("?"), condition, branches);
}

/* What only changes the type: errors and pointers, entries of page tables and their numbers. */
static bool parse_same(struct parser *p, struct node *node)
{
	struct node *operand;

	if (!parse_next_primary(p, &operand))
		return false;
	*node = (struct node){ .kind = NODE_TYPE, .text = TEXT("long"), .left = operand, .next = node->next };
	return true;
}

bool parse_c_function(struct parser *p, struct node *node, bool *known)
{
	static const struct {
		const char *name;
		bool (*parse)(struct parser *p, struct node *node);
	} functions[] = {
		{ "sizeof", parse_c_sizeof },
		{ "__print_ns_to_secs", parse_ns },
		{ "__print_ns_without_secs", parse_ns },
		{ "__builtin_choose_expr", parse_choose },
		{ "ERR_PTR", parse_same },
		{ "PTR_ERR", parse_same },
		{ "pte_val", parse_same },
		{ "native_make_pte", parse_same },
		{ "pmd_val", parse_same },
		{ "native_make_pmd", parse_same },
		{ "pud_val", parse_same },
		{ "native_make_pud", parse_same },
		{ "p4d_val", parse_same },
		{ "native_make_p4d", parse_same },
		{ "pgd_val", parse_same },
		{ "native_make_pgd", parse_same },
	};
	struct swap swap;

	*known = true;
	for (size_t i = 0; i < countof(functions); i++)
		if (text_is(node->text, functions[i].name))
			return functions[i].parse(p, node);
	if (find_swap(node->text, p->language.big_endian, &swap))
		return parse_swap(p, node, &swap);
	*known = false;
	return true;
}
