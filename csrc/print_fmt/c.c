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
	uint8_t size; /* 4 or 8 */
	bool is_unsigned;
};

static const struct type type_int = { 4, false }, type_u64 = { 8, true };

static uint32_t compile_typed(struct compiler *c, const struct node *node, struct type *type);

/* A value of size bytes, extended to 64 bits as its sign says. */
static uint32_t convert(struct compiler *c, uint32_t index, unsigned size, bool is_unsigned)
{
	struct expr expr = { .code = is_unsigned ? EXPR_MASK : EXPR_SIGN,
			     .size = (uint8_t)size,
			     .a = index,
			     .b = NO_EXPR,
			     .c = NO_EXPR,
			     .text = TEXT("") };

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

static bool named_type(const struct compiler *c, struct text name, unsigned *size, bool *is_unsigned)
{
	return c_type_size(name, c->p->env->long_size, size, is_unsigned);
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

/* --- pointers into the record -------------------------------------------------------------- */

/* Where an expression points: a field, bytes behind its start, and what lies there. */
struct pointer {
	struct place field;
	uint32_t bytes; /* an expression; NO_EXPR: 0 */
	unsigned size;	/* of what it points at; 0: not known, or of no number */
	bool is_unsigned;
};

static struct text pointed_type(struct text type)
{
	return (struct text){ type.start, type.size - 2 };
}

static bool is_pointer_type(struct text type)
{
	return type.size > 2 && type.start[type.size - 1] == '*';
}

static uint32_t compile_scaled(struct compiler *c, uint32_t index, unsigned size)
{
	struct expr scale = { .code = EXPR_CONST, .value = size, .a = NO_EXPR, .b = NO_EXPR, .c = NO_EXPR };
	struct expr expr = { .code = EXPR_MUL, .a = index, .c = NO_EXPR, .text = TEXT("") };

	if (size <= 1)
		return index;
	expr.b = compile_expr(c, scale);
	return compile_expr(c, expr);
}

static uint32_t compile_sum(struct compiler *c, enum expr_code code, uint32_t a, uint32_t b)
{
	struct expr none = { .code = EXPR_CONST, .a = NO_EXPR, .b = NO_EXPR, .c = NO_EXPR };
	struct expr expr = { .code = (uint8_t)code, .b = b, .c = NO_EXPR, .text = TEXT("") };

	if (a == NO_EXPR && code == EXPR_ADD)
		return b;
	expr.a = a == NO_EXPR ? compile_expr(c, none) : a;
	return compile_expr(c, expr);
}

static bool compile_pointer(struct compiler *c, const struct node *node, struct pointer *out);

/* pointer + i, pointer - i, i + pointer: in elements. */
static bool compile_moved(struct compiler *c, const struct node *node, struct pointer *out)
{
	bool minus = text_is(node->text, "-");
	const struct node *count = node->right;
	struct type type;
	uint32_t index;

	if (!minus && !text_is(node->text, "+"))
		return false;
	if (!compile_pointer(c, node->left, out)) {
		count = node->left;
		if (minus || !compile_pointer(c, node->right, out))
			return false;
	}
	index = compile_scaled(c, compile_typed(c, count, &type), out->size);
	out->bytes = compile_sum(c, minus ? EXPR_SUB : EXPR_ADD, out->bytes, index);
	return true;
}

static bool compile_pointer(struct compiler *c, const struct node *node, struct pointer *out)
{
	bool is_unsigned;
	unsigned size;

	switch (node->kind) {
	case NODE_TYPE:
		if (!compile_pointer(c, node->left, out))
			return false;
		if (is_pointer_type(node->text) &&
		    named_type(c, pointed_type(node->text), &size, &is_unsigned)) {
			out->size = size;
			out->is_unsigned = is_unsigned;
		}
		return true;
	case NODE_FIELD:
		if (!node->field || !(node->field->flags & TRC_FIELD_ARRAY) ||
		    node->field->flags & TRC_FIELD_DYNAMIC)
			return false;
		break;
	case NODE_ADDRESS:
	case NODE_DYNAMIC_ARRAY:
	case NODE_STRING:
		if (!node->field)
			return false;
		break;
	case NODE_OP:
		return compile_moved(c, node, out);
	default:
		return false;
	}
	*out = (struct pointer){ .field = place_of(node->field), .bytes = NO_EXPR };
	out->field.dynamic = node->kind == NODE_DYNAMIC_ARRAY || node->kind == NODE_STRING;
	out->size = node->kind == NODE_STRING ? 1 : out->field.element_size;
	if (node->kind == NODE_ADDRESS && !(node->field->flags & TRC_FIELD_ARRAY))
		out->size = node->field->size;
	out->is_unsigned = !(node->field->flags & TRC_FIELD_SIGNED);
	return true;
}

/* pointer[i] and, i being 0, *pointer. */
static uint32_t compile_index(struct compiler *c, const struct node *node, struct type *type)
{
	struct expr expr = compile_nothing(node);
	struct pointer pointer;
	struct type index_type;

	*type = type_u64;
	if (!compile_pointer(c, node->left, &pointer))
		return compile_expr(c, expr);
	if (pointer.size > 8)
		pointer.size = 0;
	expr.field = pointer.field;
	expr.field.element_size = pointer.size;
	expr.size = (uint8_t)pointer.size;
	expr.value = UINT64_MAX;
	expr.code = EXPR_INDEX;
	expr.b = compile_typed(c, node->right, &index_type);
	if (pointer.bytes != NO_EXPR) {
		expr.b = compile_sum(c, EXPR_ADD, pointer.bytes, compile_scaled(c, expr.b, pointer.size));
		expr.field.element_size = 1;
	}
	*type = promoted(pointer.size, pointer.is_unsigned);
	return pointer.is_unsigned || !pointer.size ? compile_expr(c, expr) :
						      convert(c, compile_expr(c, expr), pointer.size, false);
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

/* Of a pointer by its cast or its field; 0: of no pointer, or of one to no known number. */
static unsigned pointee_size(const struct compiler *c, const struct node *node)
{
	bool is_unsigned;
	unsigned size;

	if (node->kind == NODE_TYPE && is_pointer_type(node->text) &&
	    named_type(c, pointed_type(node->text), &size, &is_unsigned))
		return size;
	if ((node->kind == NODE_FIELD || node->kind == NODE_DYNAMIC_ARRAY) && node->field &&
	    node->field->flags & TRC_FIELD_ARRAY)
		return node->field->element_size;
	return 0;
}

static uint32_t compile_binary(struct compiler *c, const struct node *node, struct type *type)
{
	struct expr expr = compile_nothing(node);
	enum expr_code code = text_is(node->text, "^") ? EXPR_XOR : compile_operator_code(node->text);
	struct type left, right, both;

	expr.a = compile_typed(c, node->left, &left);
	expr.b = compile_typed(c, node->right, &right);
	both = code == EXPR_SHL || code == EXPR_SHR ? left : common_type(left, right);
	if (code == EXPR_ADD || code == EXPR_SUB) { /* pointers move by what they point at */
		unsigned left_size = pointee_size(c, node->left), right_size = pointee_size(c, node->right);

		if (left_size && !right_size)
			expr.b = compile_scaled(c, expr.b, left_size);
		else if (right_size && !left_size)
			expr.a = compile_scaled(c, expr.a, right_size);
	}
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

static struct type function_type(unsigned function)
{
	if (function == FUNCTION_BSWAP32 || function == FUNCTION_FSWAB32 ||
	    function == FUNCTION_JIFFIES_TO_MSECS)
		return (struct type){ 4, true };
	return function == FUNCTION_BSWAP64 || function == FUNCTION_FSWAB64 ? type_u64 : type_int;
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
	case NODE_FUNC:
		*type = function_type(node->function);
		index = compile_expr(c, compile_kind(c, node));
		break;
	default:
		*type = node->kind == NODE_ATOM && node->atom == ATOM_WORD ? number_type(node->text) :
			node->kind == NODE_DYNAMIC_ARRAY_LEN		   ? type_int :
									     type_u64;
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
