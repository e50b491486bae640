/* SPDX-License-Identifier: MIT */
/*
 * Expressions as the kernel evaluates them: with C's integer promotions and conversions, signs and
 * sizes. Where libtraceevent differs the kernel's own trace file has what comes out here.
 */
#include <string.h>

#include "metadata/api.h"
#include "print_fmt/compile.h"

/* An integer type, after promotion: int, unsigned int, long or unsigned long. */
struct type {
	uint8_t size;		/* 4 or 8 */
	bool is_unsigned;
};

static const struct type type_int = { 4, false }, type_u64 = { 8, true };

static uint32_t compile_typed(struct compiler *c, const struct node *node, struct type *type);

/* A value of size bytes, extended to 64 bits as its sign says. */
static uint32_t convert(struct compiler *c, uint32_t index, unsigned size, bool is_unsigned)
{
	struct expr expr = { .code = is_unsigned ? EXPR_MASK : EXPR_SIGN, .size = (uint8_t)size,
			     .a = index, .b = NO_EXPR, .c = NO_EXPR, .text = TEXT("") };

	if (size >= 8)
		return index;
	expr.value = (UINT64_C(1) << 8 * size) - 1;
	return compile_expr(c, expr);
}

static struct type promoted(unsigned size, bool is_unsigned)
{
	if (size < 4)
		return type_int;
	return (struct type){ size > 4 ? 8 : 4, is_unsigned };
}

static struct type common_type(struct type a, struct type b)
{
	if (a.size != b.size)
		return a.size > b.size ? a : b;
	return (struct type){ a.size, a.is_unsigned || b.is_unsigned };
}

/* --- operands ---------------------------------------------------------------------------- */

static uint32_t compile_field(struct compiler *c, const struct node *node, struct type *type)
{
	uint32_t index = compile_expr(c, compile_kind(c, node));
	const struct event_field *field = node->field;
	bool is_unsigned;

	if (!field || (field->flags & TRC_FIELD_ARRAY) || field->size > 8) {
		*type = type_u64;
		return index;
	}
	is_unsigned = !(field->flags & TRC_FIELD_SIGNED) || (field->flags & TRC_FIELD_POINTER);
	*type = promoted(field->size, is_unsigned);
	return is_unsigned || !field->size ? index : convert(c, index, field->size, false);
}

/* 10 is an int, 10u is not; 0xffffffff is the first type that can hold it. */
static struct type number_type(struct text text)
{
	uint64_t value = atom_number(text);
	bool hex = text.size > 1 && text.start[0] == '0', u = false, l = false;

	while (text.size && strchr("uUlL", text.start[text.size - 1])) {
		u |= (text.start[text.size - 1] | 0x20) == 'u';
		l |= (text.start[text.size - 1] | 0x20) == 'l';
		text.size--;
	}
	if (!l && value <= INT32_MAX)
		return (struct type){ 4, u };
	if (!l && (u || hex) && value <= UINT32_MAX)
		return (struct type){ 4, true };
	return (struct type){ 8, u || value > INT64_MAX };
}

/* Size and sign of a type by its name; false: no integer type that is known. */
static bool named_type(const struct compiler *c, struct text name, unsigned *size, bool *is_unsigned)
{
	static const struct {
		const char *name;
		uint8_t size;
		bool is_unsigned;
	} types[] = {
		{ "u8", 1, true }, { "s8", 1, false }, { "u16", 2, true }, { "s16", 2, false },
		{ "u32", 4, true }, { "s32", 4, false }, { "u64", 8, true }, { "s64", 8, false },
		{ "__u8", 1, true }, { "__s8", 1, false }, { "__u16", 2, true }, { "__s16", 2, false },
		{ "__u32", 4, true }, { "__s32", 4, false }, { "__u64", 8, true },
		{ "__s64", 8, false }, { "char", 1, false }, { "signed char", 1, false },
		{ "unsigned char", 1, true }, { "short", 2, false }, { "unsigned short", 2, true },
		{ "int", 4, false }, { "unsigned int", 4, true }, { "unsigned", 4, true },
		{ "long long", 8, false }, { "unsigned long long", 8, true }, { "loff_t", 8, false },
		{ "pid_t", 4, false }, { "gfp_t", 4, true }, { "dev_t", 4, true }, { "bool", 1, true },
		{ "long", 0, false }, { "unsigned long", 0, true }, { "size_t", 0, true },
		{ "ssize_t", 0, false },
	};

	if (name.size && name.start[name.size - 1] == '*') {
		*size = c->p->env->long_size;
		*is_unsigned = true;
		return true;
	}
	for (size_t i = 0; i < countof(types); i++) {
		if (!text_is(name, types[i].name))
			continue;
		*size = types[i].size ? types[i].size : c->p->env->long_size;
		*is_unsigned = types[i].is_unsigned;
		return true;
	}
	return false;
}

static uint32_t compile_cast(struct compiler *c, const struct node *node, struct type *type)
{
	uint32_t index = compile_typed(c, node->left, type);
	bool is_unsigned;
	unsigned size;

	if (!named_type(c, node->text, &size, &is_unsigned))
		return index;
	*type = promoted(size, is_unsigned);
	return convert(c, index, size, is_unsigned);
}

/* ((TYPE *)array)[i]: elements are as large as the cast says, or as those of the field. */
static uint32_t compile_index(struct compiler *c, const struct node *node, struct type *type)
{
	const struct node *array = node->left;
	struct expr expr = compile_nothing(node);
	bool is_unsigned = true, known = false;
	struct type index_type;
	unsigned size = 0;

	for (; array->kind == NODE_TYPE; array = array->left)
		if (!known && array->text.size > 2 && array->text.start[array->text.size - 1] == '*')
			known = named_type(c, (struct text){ array->text.start, array->text.size - 2 }, &size,
					   &is_unsigned);
	*type = type_u64;
	if (!compile_bytes_of(array, &expr.field))
		return compile_expr(c, expr);
	if (!known) {
		size = expr.field.element_size;
		is_unsigned = !(expr.field.flags & TRC_FIELD_SIGNED);
	}
	if (size > 8)
		size = 0;
	expr.field.element_size = size;
	expr.size = (uint8_t)size;
	expr.value = UINT64_MAX;
	expr.code = EXPR_INDEX;
	expr.b = compile_typed(c, node->right, &index_type);
	*type = promoted(size, is_unsigned);
	return is_unsigned || !size ? compile_expr(c, expr) :
				      convert(c, compile_expr(c, expr), size, false);
}

/* --- operators --------------------------------------------------------------------------- */

static uint32_t compile_unary(struct compiler *c, const struct node *node, struct type *type)
{
	struct expr expr = compile_nothing(node);

	expr.b = compile_typed(c, node->right, type);
	switch (node->text.start[0]) {
	case '!':
		expr.code = EXPR_NOT;
		*type = type_int;
		return compile_expr(c, expr);
	case '~':
		expr.code = EXPR_COMPLEMENT;
		break;
	case '-':
		expr.code = EXPR_NEGATE;
		break;
	default:
		return expr.b;
	}
	return convert(c, compile_expr(c, expr), type->size, type->is_unsigned);
}

static enum expr_code signed_code(enum expr_code code)
{
	switch (code) {
	case EXPR_DIV:
		return EXPR_SDIV;
	case EXPR_MOD:
		return EXPR_SMOD;
	case EXPR_SHR:
		return EXPR_SSHR;
	case EXPR_LT:
		return EXPR_SLT;
	case EXPR_GT:
		return EXPR_SGT;
	case EXPR_LE:
		return EXPR_SLE;
	case EXPR_GE:
		return EXPR_SGE;
	default:
		return code;
	}
}

static bool gives_truth(enum expr_code code)
{
	return (code >= EXPR_LT && code <= EXPR_NE) || code == EXPR_ALL || code == EXPR_ANY;
}

static uint32_t compile_binary(struct compiler *c, const struct node *node, struct type *type)
{
	struct expr expr = compile_nothing(node);
	enum expr_code code = text_is(node->text, "^") ? EXPR_XOR : compile_operator_code(node->text);
	struct type left, right, both;

	expr.a = compile_typed(c, node->left, &left);
	expr.b = compile_typed(c, node->right, &right);
	both = code == EXPR_SHL || code == EXPR_SHR ? left : common_type(left, right);
	if (code != EXPR_ALL && code != EXPR_ANY) {
		expr.a = convert(c, expr.a, both.size, both.is_unsigned);
		if (code != EXPR_SHL && code != EXPR_SHR)
			expr.b = convert(c, expr.b, both.size, both.is_unsigned);
	}
	expr.code = (uint8_t)(both.is_unsigned ? code : signed_code(code));
	if (gives_truth(code)) {
		*type = type_int;
		return compile_expr(c, expr);
	}
	*type = both;
	return convert(c, compile_expr(c, expr), both.size, both.is_unsigned);
}

static uint32_t compile_conditional(struct compiler *c, const struct node *node, struct type *type)
{
	struct expr expr = compile_nothing(node);
	struct type condition, yes, no;

	expr.code = EXPR_COND;
	expr.a = compile_typed(c, node->left, &condition);
	expr.b = compile_typed(c, node->right->left, &yes);
	expr.c = compile_typed(c, node->right->right, &no);
	*type = common_type(yes, no);
	return compile_expr(c, expr);
}

static uint32_t compile_operator(struct compiler *c, const struct node *node, struct type *type)
{
	if (text_is(node->text, "["))
		return compile_index(c, node, type);
	if (text_is(node->text, "?"))
		return compile_conditional(c, node, type);
	if (node->left->kind == NODE_NULL)
		return compile_unary(c, node, type);
	return compile_binary(c, node, type);
}

static uint32_t compile_typed(struct compiler *c, const struct node *node, struct type *type)
{
	uint32_t index;

	if (++c->depth > PRINT_FMT_MAX_OPERATORS + PRINT_FMT_MAX_DEPTH) {
		c->p->failed = true;
		c->depth--;
		*type = type_int;
		return compile_expr(c, compile_nothing(node));
	}
	switch (node->kind) {
	case NODE_FIELD:
		index = compile_field(c, node, type);
		break;
	case NODE_TYPE:
		index = compile_cast(c, node, type);
		break;
	case NODE_OP:
		index = compile_operator(c, node, type);
		break;
	default:
		*type = node->kind == NODE_ATOM && node->atom == ATOM_WORD ? number_type(node->text) :
			node->kind == NODE_DYNAMIC_ARRAY_LEN ? type_int : type_u64;
		index = compile_expr(c, compile_kind(c, node));
	}
	c->depth--;
	return index;
}

uint32_t compile_c_arg(struct compiler *c, const struct node *node)
{
	struct type type;

	/* (char *)REC->text under %s is the text: pointers lead to what they point at. */
	while (node->kind == NODE_TYPE && node->text.size && node->text.start[node->text.size - 1] == '*')
		node = node->left;
	return compile_typed(c, node, &type);
}
