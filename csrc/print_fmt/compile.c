/* SPDX-License-Identifier: MIT */
/* From the tree of a print fmt to a program: names resolved to places, formats to pieces. */
#include "print_fmt/compile.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "metadata/api.h"
#include "print_fmt/fast.h"

/* --- growing arrays ---------------------------------------------------------------------- */

static bool grow(struct compiler *c, void **array, uint32_t count, size_t size)
{
	void *larger;

	if (count & (count - 1) || (count && count < 8)) /* room is a power of two, 8 at least */
		return true;
	larger = realloc(*array, (count ? count * (size_t)2 : 8) * size);
	if (!larger) {
		c->no_memory = true;
		return false;
	}
	*array = larger;
	return true;
}

uint32_t compile_expr(struct compiler *c, struct expr expr)
{
	void *array = c->p->exprs;

	if (!grow(c, &array, c->p->expr_count, sizeof(expr)))
		return NO_EXPR;
	c->p->exprs = array;
	c->p->exprs[c->p->expr_count] = expr;
	return c->p->expr_count++;
}

/* Room for one more. Asked for by every list, so that one without entries has a place, too. */
static bool reserve_entry(struct compiler *c)
{
	void *array = c->p->entries;

	if (!grow(c, &array, c->p->entry_count, sizeof(*c->p->entries)))
		return false;
	c->p->entries = array;
	return true;
}

static bool add_entry(struct compiler *c, struct entry entry)
{
	if (!reserve_entry(c))
		return false;
	c->p->entries[c->p->entry_count++] = entry;
	return true;
}

struct piece *compile_piece(struct compiler *c, enum piece_code code)
{
	void *array = c->p->pieces;
	struct piece *piece;

	if (!grow(c, &array, c->p->piece_count, sizeof(*piece)))
		return NULL;
	c->p->pieces = array;
	piece = &c->p->pieces[c->p->piece_count++];
	*piece = (struct piece){ .code = (uint8_t)code, .arg = NO_EXPR, .star = NO_EXPR, .before = TEXT("") };
	return piece;
}

/* --- expressions ------------------------------------------------------------------------- */

static uint32_t compile_operand(struct compiler *c, const struct node *node);

struct place place_of(const struct event_field *field)
{
	return (struct place){ .offset = field->offset,
			       .size = field->size,
			       .element_size = field->element_size,
			       .flags = (uint16_t)field->flags };
}

struct expr compile_nothing(const struct node *node)
{
	return (struct expr){ .code = EXPR_NOTHING,
			      .kind = (uint8_t)node->kind,
			      .a = NO_EXPR,
			      .b = NO_EXPR,
			      .c = NO_EXPR,
			      .text = TEXT("") };
}

/* What libtraceevent's casts do: cut off high bits of some types, never extend a sign. 0: nothing. */
static uint64_t type_mask(struct text type, bool pointed_to)
{
	static const struct {
		const char *name;
		unsigned bits;
	} types[] = {
		{ "u8", 8 },
		{ "s8", 8 },
		{ "u16", 16 },
		{ "s16", 16 },
		{ "u32", 32 },
		{ "s32", 32 },
		{ "char", 8 },
		{ "short", 16 },
		{ "int", 32 },
		{ "unsigned char", 8 },
		{ "unsigned short", 16 },
		{ "unsigned int", 32 },
	};

	if (pointed_to) {
		if (type.size < 2 || memcmp(type.start + type.size - 2, " *", 2))
			return 0;
		type.size -= 2;
	}
	for (size_t i = 0; i < countof(types); i++)
		if (text_is(type, types[i].name))
			return (UINT64_C(1) << types[i].bits) - 1;
	return 0;
}

/* A name stands for a symbol's address, if there is one, or 0. */
static uint64_t atom_value(const struct compiler *c, const struct node *node)
{
	const struct kallsyms *kallsyms = c->p->env->kallsyms;
	struct symbol symbol;

	if (node->atom == ATOM_STRING || !node->text.size)
		return 0;
	if (memchr("-0123456789", node->text.start[0], 11))
		return atom_number(node->text);
	if (kallsyms && kallsyms_find_name(kallsyms, node->text, &symbol))
		return symbol.address;
	return 0;
}

static struct expr compile_atom(struct compiler *c, const struct node *node)
{
	struct expr expr = compile_nothing(node);

	expr.code = EXPR_TEXT;
	expr.text = node->text;
	expr.value = atom_value(c, node);
	return expr;
}

static struct expr compile_field(const struct node *node)
{
	struct expr expr = compile_nothing(node);

	expr.text = node->text;
	expr.code = EXPR_MISSING;
	if (node->field) {
		expr.code = node->kind == NODE_ADDRESS ? EXPR_ADDRESS : EXPR_FIELD;
		expr.field = place_of(node->field);
	}
	return expr;
}

/* The functions that name a dynamic field. */
static struct expr compile_dynamic(const struct node *node, enum expr_code code)
{
	struct expr expr = compile_nothing(node);

	if (!node->field)
		return expr;
	expr.code = (uint8_t)code;
	expr.field = place_of(node->field);
	expr.field.dynamic = true;
	return expr;
}

static struct expr compile_entries(struct compiler *c, const struct node *node, enum expr_code code)
{
	struct expr expr = compile_nothing(node);
	uint64_t value = 0;

	expr.code = (uint8_t)code;
	expr.text = node->text;
	expr.a = compile_operand(c, node->left);
	expr.first = c->p->entry_count;
	expr.sorted = true;
	if (!reserve_entry(c))
		return expr;
	for (const struct symbol_entry *e = node->entries; e; e = e->next) {
		char *name = arena_alloc(&c->p->arena, e->name.size + COPY_SLACK);

		if (!name || !add_entry(c, (struct entry){ e->value, { name, e->name.size } })) {
			c->no_memory = true;
			break;
		}
		memcpy(name, e->name.start, e->name.size);
		expr.count++;
		expr.sorted &= e->value == value++;
	}
	return expr;
}

/* The field whose bytes __print_hex and __print_array show. */
bool compile_bytes_of(const struct node *node, struct place *place)
{
	if ((node->kind != NODE_FIELD && node->kind != NODE_DYNAMIC_ARRAY && node->kind != NODE_ADDRESS) ||
	    !node->field)
		return false;
	*place = place_of(node->field);
	place->dynamic = node->kind == NODE_DYNAMIC_ARRAY;
	return true;
}

static struct expr compile_bytes(struct compiler *c, const struct node *node, enum expr_code code)
{
	struct expr expr = compile_nothing(node);
	const struct node *from = node->left;

	while (c->compile_arg == compile_c_arg && from->kind == NODE_TYPE)
		from = from->left;
	if (!compile_bytes_of(from, &expr.field)) {
		if (from->kind == NODE_FIELD) {
			expr.code = EXPR_MISSING;
			expr.text = from->text;
		}
		return expr;
	}
	expr.code = (uint8_t)code;
	if (node->right)
		expr.b = c->compile_arg(c, node->right);
	if (node->extra)
		expr.c = c->compile_arg(c, node->extra);
	return expr;
}

static struct expr compile_cast(struct compiler *c, const struct node *node)
{
	uint64_t mask = type_mask(node->text, false);
	struct expr expr = compile_nothing(node);

	expr.code = EXPR_MASK;
	expr.value = mask ? mask : UINT64_MAX;
	expr.a = c->compile_arg(c, node->left);
	return expr;
}

/* X[i]. Casts around X choose how much of the element is used; a dynamic array is indexed in bytes. */
static bool compile_index(struct compiler *c, const struct node *node, struct expr *expr)
{
	const struct node *array = node->left;
	struct text type = TEXT("");
	uint64_t mask;

	for (; array->kind == NODE_TYPE; array = array->left)
		if (!type.size)
			type = array->text;
	if (!compile_bytes_of(array, &expr->field))
		return false;
	mask = type_mask(type, true);
	expr->code = expr->field.dynamic ? EXPR_DYNAMIC_INDEX : EXPR_INDEX;
	expr->value = mask ? mask : UINT64_MAX;
	expr->size = (uint8_t)(expr->field.element_size > 8 ? 0 : expr->field.element_size);
	if (expr->field.dynamic && !expr->field.element_size)
		expr->size = (uint8_t)c->p->env->long_size;
	expr->b = c->compile_arg(c, node->right);
	return true;
}

enum expr_code compile_operator_code(struct text op)
{
	static const struct {
		char op[3];
		uint8_t code;
	} table[] = {
		{ "+", EXPR_ADD },  { "-", EXPR_SUB },	{ "*", EXPR_MUL },	  { "/", EXPR_DIV },
		{ "%", EXPR_MOD },  { "<<", EXPR_SHL }, { ">>", EXPR_SHR },	  { "<", EXPR_LT },
		{ ">", EXPR_GT },   { "<=", EXPR_LE },	{ ">=", EXPR_GE },	  { "==", EXPR_EQ },
		{ "!=", EXPR_NE },  { "&", EXPR_AND },	{ "|", EXPR_OR },	  { "&&", EXPR_ALL },
		{ "||", EXPR_ANY }, { "!", EXPR_NOT },	{ "~", EXPR_COMPLEMENT },
	};

	for (size_t i = 0; i < countof(table); i++)
		if (text_is(op, table[i].op))
			return table[i].code;
	return EXPR_NOTHING; /* ^ among them: libtraceevent knows it only between constants */
}

/* An operand as a number: casts that change nothing are not worth a step. */
static uint32_t compile_operand(struct compiler *c, const struct node *node)
{
	while (c->compile_arg == compile_node && node->kind == NODE_TYPE && !type_mask(node->text, false))
		node = node->left;
	return c->compile_arg(c, node);
}

static bool is_constant(const struct compiler *c, uint32_t index)
{
	return index != NO_EXPR &&
	       (c->p->exprs[index].code == EXPR_CONST || c->p->exprs[index].code == EXPR_TEXT);
}

/* Two numbers known now make one. */
static struct expr fold_constants(struct compiler *c, struct expr expr)
{
	static const struct print_record none;
	uint32_t index;

	if (expr.code < EXPR_ADD || expr.code > EXPR_ANY || !is_constant(c, expr.a) ||
	    !is_constant(c, expr.b))
		return expr;
	index = compile_expr(c, expr);
	if (index == NO_EXPR)
		return expr;
	expr.value = expr_eval(c->p, &none, index);
	c->p->expr_count--;
	expr.code = EXPR_CONST;
	return expr;
}

static struct expr compile_operator(struct compiler *c, const struct node *node)
{
	struct expr expr = compile_nothing(node);

	if (text_is(node->text, "[") && compile_index(c, node, &expr))
		return expr;
	if (text_is(node->text, "?")) {
		const struct node *branches = node->right;

		expr.code = EXPR_COND;
		expr.a = compile_operand(c, node->left);
		expr.b = c->compile_arg(c, branches->left);
		expr.c = c->compile_arg(c, branches->right);
		return expr;
	}
	expr.code = (uint8_t)compile_operator_code(node->text);
	expr.a = compile_operand(c, node->left);
	expr.b = compile_operand(c, node->right);
	return fold_constants(c, expr);
}

static struct expr compile_function(struct compiler *c, const struct node *node)
{
	struct expr expr = compile_nothing(node);

	if (node->function == FUNCTION_HELPER)
		return compile_helper(c, node);
	expr.code = EXPR_FUNC;
	expr.function = node->function;
	expr.a = c->compile_arg(c, node->left);
	if (node->right)
		expr.b = c->compile_arg(c, node->right);
	if (node->extra)
		expr.c = c->compile_arg(c, node->extra);
	return expr;
}

struct expr compile_kind(struct compiler *c, const struct node *node)
{
	switch (node->kind) {
	case NODE_ATOM:
		return compile_atom(c, node);
	case NODE_FIELD:
	case NODE_ADDRESS:
		return compile_field(node);
	case NODE_FLAGS:
		return compile_entries(c, node, EXPR_FLAGS);
	case NODE_SYMBOL:
		return compile_entries(c, node, EXPR_SYMBOL);
	case NODE_HEX:
		return compile_bytes(c, node, EXPR_HEX);
	case NODE_HEX_STR:
		return compile_bytes(c, node, EXPR_HEX_STR);
	case NODE_INT_ARRAY:
		return compile_bytes(c, node, EXPR_ARRAY);
	case NODE_TYPE:
		return compile_cast(c, node);
	case NODE_STRING:
		return compile_dynamic(node, EXPR_STRING);
	case NODE_DYNAMIC_ARRAY:
		return compile_dynamic(node, EXPR_DYNAMIC);
	case NODE_DYNAMIC_ARRAY_LEN:
		return compile_dynamic(node, EXPR_DYNAMIC_LEN);
	case NODE_BITMASK:
		return compile_dynamic(node, EXPR_BITMASK);
	case NODE_CPUMASK:
		return compile_dynamic(node, EXPR_CPUMASK);
	case NODE_STACKTRACE:
		return compile_dynamic(node, EXPR_STACKTRACE);
	case NODE_OP:
		return compile_operator(c, node);
	case NODE_FUNC:
		return compile_function(c, node);
	default:
		return compile_nothing(node);
	}
}

uint32_t compile_node(struct compiler *c, const struct node *node)
{
	struct expr expr;

	if (++c->depth > PRINT_FMT_MAX_OPERATORS + PRINT_FMT_MAX_DEPTH) {
		c->p->failed = true;
		expr = compile_nothing(node);
	} else {
		expr = compile_kind(c, node);
	}
	c->depth--;
	return compile_expr(c, expr);
}

/* --- public ------------------------------------------------------------------------------ */

bool print_fmt_failed(const struct print_fmt *program)
{
	return program->failed;
}

void print_fmt_destroy(struct print_fmt *program)
{
	if (!program)
		return;
	free(program->pieces);
	free(program->steps);
	free(program->branches);
	free(program->shown);
	free(program->exprs);
	free(program->entries);
	arena_deinit(&program->arena);
	free(program);
}

int print_fmt_compile(const struct event_format *event, const struct print_fmt_env *env,
		      struct print_fmt **out, struct trc_error *err)
{
	struct print_fmt_language language = {
		env->long_size,	 env->plugins, env->kernel_text,
		env->big_endian, env->helpers, env->helper_count,
	};
	struct print_fmt *program = calloc(1, sizeof(*program));
	struct compiler compiler = { .p = program,
				     .compile_arg = env->kernel_text ? compile_c_arg : compile_node };
	struct print_fmt_tree tree;
	int rc;

	if (!program)
		return trc_fail_no_memory(err);
	program->event = event;
	program->env = env;
	program->big_endian = env->big_endian;
	rc = print_fmt_parse(event, language, &program->arena, &tree, err);
	if (rc) {
		print_fmt_destroy(program);
		return rc;
	}
	program->failed = tree.failed;
	/* Its conversions are those of the record's own format, which libtraceevent takes apart each time. */
	program->bare = (event->state & TRC_EVENT_FTRACE) && text_is(event->name, "bprint");
	if (!tree.failed)
		compile_format(&compiler, tree.format, tree.args);
	if (compiler.no_memory) {
		print_fmt_destroy(program);
		return trc_fail_no_memory(err);
	}
	if (!print_fmt_make_fast(program) || !print_fmt_make_raw(program)) {
		print_fmt_destroy(program);
		return trc_fail_no_memory(err);
	}
	*out = program;
	return TRC_OK;
}
