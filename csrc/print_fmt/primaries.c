/* SPDX-License-Identifier: MIT */
/* Operands of a print fmt: fields, numbers, names, helpers, and what stands in parentheses. */
#include <string.h>

#include "base/digits.h"
#include "base/number.h"
#include "metadata/api.h"
#include "print_fmt/parser.h"

/* Moves on and parses a primary into *node, a new one; by the rules of C all of an expression. */
bool parse_next_primary(struct parser *p, struct node **node)
{
	*node = new_node(p);
	if (!*node)
		return false;
	advance(p);
	return p->language.c ? parse_c(p, *node, C_LOWEST) : parse_primary(p, *node);
}

/* A primary and whatever operators follow it. */
bool parse_next_expression(struct parser *p, struct node **node)
{
	if (!parse_next_primary(p, node))
		return false;
	while (p->token.kind == LEXEME_OP)
		if (!parse_operator(p, *node))
			return false;
	return true;
}

static const struct event_field *find_field(const struct event_format *event, struct text name, bool own_only)
{
	const struct event_field *field = own_only ? NULL : event_common_field(event, name);

	return field ? field : event_own_field(event, name);
}

/* REC->name, at what follows REC. */
bool parse_field(struct parser *p, struct node *node)
{
	advance(p);
	if (!expect(p, LEXEME_OP, "->"))
		return false;
	advance(p);
	if (p->token.kind != LEXEME_ITEM)
		return refuse(p);
	node->kind = NODE_FIELD;
	node->text = p->token.text;
	node->field = find_field(p->event, node->text, false);
	advance(p);
	return !p->language.c || parse_c_member(p, node);
}

static bool parse_hex(struct parser *p, struct node *node)
{
	node->kind = text_is(node->text, "__print_hex") ? NODE_HEX : NODE_HEX_STR;
	return parse_next_expression(p, &node->left) && expect(p, LEXEME_DELIM, ",") &&
	       parse_next_expression(p, &node->right);
}

static bool parse_array(struct parser *p, struct node *node)
{
	node->kind = NODE_INT_ARRAY;
	return parse_next_expression(p, &node->left) && expect(p, LEXEME_DELIM, ",") &&
	       parse_next_expression(p, &node->right) && expect(p, LEXEME_DELIM, ",") &&
	       parse_next_expression(p, &node->extra);
}

/* __print_dynamic_array(name, size of an element) */
static bool parse_dynamic_array(struct parser *p, struct node *node)
{
	node->kind = NODE_INT_ARRAY;
	node->left = new_node(p);
	if (!node->left)
		return false;
	advance(p);
	if (p->token.kind != LEXEME_ITEM)
		return refuse(p);
	node->left->kind = NODE_DYNAMIC_ARRAY;
	node->left->text = p->token.text;
	node->left->field = find_field(p->event, p->token.text, true);
	if (!node->left->field)
		return refuse(p);
	advance(p);
	return expect(p, LEXEME_DELIM, ",") && parse_next_expression(p, &node->extra);
}

/* A function of a field: its name stands in the parentheses. */
struct accessor {
	const char *name;
	enum node_kind kind;
	bool needed; /* libtraceevent looks the field up at once: it must be there */
};

static const struct accessor *find_accessor(struct text name, bool c)
{
	static const struct accessor accessors[] = {
		{ "__get_str", NODE_STRING, false },
		{ "__get_rel_str", NODE_STRING, false },
		{ "__get_bitmask", NODE_BITMASK, false },
		{ "__get_rel_bitmask", NODE_BITMASK, false },
		{ "__get_cpumask", NODE_CPUMASK, false },
		{ "__get_rel_cpumask", NODE_CPUMASK, false },
		{ "__get_stacktrace", NODE_STACKTRACE, false },
		{ "__get_dynamic_array", NODE_DYNAMIC_ARRAY, true },
		{ "__get_rel_dynamic_array", NODE_DYNAMIC_ARRAY, true },
		{ "__get_sockaddr", NODE_DYNAMIC_ARRAY, true },
		{ "__get_sockaddr_rel", NODE_DYNAMIC_ARRAY, true },
		{ "__get_rel_sockaddr", NODE_DYNAMIC_ARRAY, true }, /* the kernel's name for it */
		{ "__get_dynamic_array_len", NODE_DYNAMIC_ARRAY_LEN, true },
		{ "__get_rel_dynamic_array_len", NODE_DYNAMIC_ARRAY_LEN, true },
	};

	for (size_t i = 0; i < countof(accessors); i++)
		if (text_is(name, accessors[i].name) && (c || !text_is(name, "__get_rel_sockaddr")))
			return &accessors[i];
	return NULL;
}

static bool parse_accessor(struct parser *p, const struct accessor *accessor, struct node *node)
{
	node->kind = accessor->kind;
	advance(p);
	if (p->token.kind != LEXEME_ITEM)
		return refuse(p);
	node->text = p->token.text;
	node->field = find_field(p->event, node->text, accessor->needed);
	if (accessor->needed && !node->field)
		return refuse(p);
	advance(p);
	return true;
}

/* The node becomes the atom of a number. */
bool parse_set_number(struct parser *p, struct node *node, int64_t value)
{
	char *text = arena_alloc(p->arena, NUMBER_ROOM + 1), *end = text;
	struct node *next = node->next;

	if (!text) {
		p->no_memory = true;
		return false;
	}
	if (value < 0)
		*end++ = '-';
	end = number_decimal(end, value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value);
	*node = (struct node){
		.kind = NODE_ATOM, .atom = ATOM_WORD, .next = next, .text = { text, (size_t)(end - text) }
	};
	return true;
}

unsigned fixed_type_size(struct text type)
{
	if (type.size > 2 && !memcmp(type.start, "__", 2))
		type = (struct text){ type.start + 2, type.size - 2 };
	if (type.size < 2 || (type.start[0] != 'u' && type.start[0] != 's'))
		return 0;
	type = (struct text){ type.start + 1, type.size - 1 };
	return text_is(type, "8")  ? 1 :
	       text_is(type, "16") ? 2 :
	       text_is(type, "32") ? 4 :
	       text_is(type, "64") ? 8 :
				     0;
}

/* sizeof REC->field, which must not be an array. */
static bool parse_sizeof_field(struct parser *p, struct node *node)
{
	struct node field = { 0 };

	if (!parse_field(p, &field))
		return false;
	if (!field.field || (field.field->flags & TRC_FIELD_ARRAY))
		return refuse(p);
	return parse_set_number(p, node, field.field->size);
}

static bool parse_sizeof(struct parser *p, struct node *node)
{
	bool is_unsigned;
	unsigned size;

	advance(p);
	if (at(p, LEXEME_ITEM, "REC"))
		return parse_sizeof_field(p, node);
	is_unsigned = at(p, LEXEME_ITEM, "unsigned");
	if (is_unsigned)
		advance(p);
	if (is_unsigned && p->token.kind != LEXEME_ITEM)
		return parse_set_number(p, node, 4);
	if (at(p, LEXEME_ITEM, "long")) {
		advance(p);
		size = p->language.long_size;
		if (at(p, LEXEME_ITEM, "long")) {
			size = 8;
			advance(p);
		}
		return parse_set_number(p, node, size);
	}
	size = at(p, LEXEME_ITEM, "int")    ? 4 :
	       p->token.kind == LEXEME_ITEM ? fixed_type_size(p->token.text) :
					      0;
	if (!size)
		return refuse(p);
	advance(p);
	return parse_set_number(p, node, size);
}

/* __builtin_expect(x, n) is x, one primary; n is any word. */
static bool parse_expect(struct parser *p, struct node *node)
{
	advance(p);
	*node = (struct node){ .text = TEXT("") };
	if (!(p->language.c ? parse_c(p, node, C_LOWEST) : parse_primary(p, node)) ||
	    !expect(p, LEXEME_DELIM, ","))
		return false;
	advance(p);
	if (p->token.kind != LEXEME_ITEM)
		return refuse(p);
	advance(p);
	return true;
}

/* Plugins' functions take single primaries. */
static bool parse_plugin_function(struct parser *p, struct node *node)
{
	static const struct {
		const char *name;
		uint8_t count;
	} functions[] = {
		[FUNCTION_JBD2_DEV_TO_NAME] = { "jbd2_dev_to_name", 1 },
		[FUNCTION_JIFFIES_TO_MSECS] = { "jiffies_to_msecs", 1 },
		[FUNCTION_SCSI_TRACE_PARSE_CDB] = { "scsi_trace_parse_cdb", 3 },
		[FUNCTION_XEN_HYPERCALL_NAME] = { "xen_hypercall_name", 1 },
		[FUNCTION_LE16_TO_CPUP] = { "__le16_to_cpup", 1 },
		[FUNCTION_IS_WRITABLE_PTE] = { "is_writable_pte", 1 },
		[FUNCTION_CONSTANT_P] = { "__builtin_constant_p", 1 },
		[FUNCTION_FSWAB16] = { "__fswab16", 1 },
		[FUNCTION_FSWAB32] = { "__fswab32", 1 },
		[FUNCTION_FSWAB64] = { "__fswab64", 1 },
		[FUNCTION_BSWAP16] = { "__builtin_bswap16", 1 },
		[FUNCTION_BSWAP32] = { "__builtin_bswap32", 1 },
		[FUNCTION_BSWAP64] = { "__builtin_bswap64", 1 },
	};
	struct node **args[] = { &node->left, &node->right, &node->extra };
	size_t i = 0;

	while (i < countof(functions) && !text_is(node->text, functions[i].name))
		i++;
	if (!p->language.plugins || i == countof(functions))
		return refuse(p);
	node->kind = NODE_FUNC;
	node->function = (uint8_t)i;
	for (unsigned arg = 0; arg < functions[i].count; arg++) {
		if (arg && !expect(p, LEXEME_DELIM, ","))
			return false;
		if (!parse_next_primary(p, args[arg]))
			return false;
	}
	return true;
}

/* name(...), node->text being the name and the token its parenthesis. */
static bool parse_function(struct parser *p, struct node *node)
{
	static const struct {
		const char *name;
		bool (*parse)(struct parser *p, struct node *node);
	} functions[] = {
		{ "__print_flags", parse_flags }, { "__print_symbolic", parse_symbolic },
		{ "__print_hex", parse_hex },	  { "__print_hex_str", parse_hex },
		{ "__print_array", parse_array }, { "__print_dynamic_array", parse_dynamic_array },
		{ "sizeof", parse_sizeof },	  { "__builtin_expect", parse_expect },
	};
	const struct accessor *accessor = find_accessor(node->text, p->language.c);
	bool (*parse)(struct parser *p, struct node *node) = parse_plugin_function;
	bool known = false;
	uint32_t helper;

	if (find_helper(p, node->text, &helper)) {
		if (!parse_helper(p, node, helper) || !expect(p, LEXEME_DELIM, ")"))
			return false;
		advance(p);
		return true;
	}
	if (p->language.c && !parse_c_function(p, node, &known))
		return false;
	if (known)
		return expect(p, LEXEME_DELIM, ")") && (advance(p), true);
	if (p->language.c &&
	    (text_is(node->text, "__print_flags_u64") || text_is(node->text, "__print_symbolic_u64")))
		node->text.size -= strlen("_u64"); /* all are of 64 bits here */
	for (size_t i = 0; i < countof(functions); i++)
		if (text_is(node->text, functions[i].name))
			parse = functions[i].parse;
	if (!(accessor ? parse_accessor(p, accessor, node) : parse(p, node)) || !expect(p, LEXEME_DELIM, ")"))
		return false;
	advance(p);
	return true;
}

/* Words up to the next other token are one atom: (unsigned long). */
static bool parse_word(struct parser *p, struct node *node)
{
	struct text first = p->token.text;
	size_t size = first.size, used;
	struct lexer ahead;
	char *joined;

	node->text = first;
	ahead = p->lexer;
	advance(p);
	if (at(p, LEXEME_DELIM, "("))
		return parse_function(p, node);
	node->kind = NODE_ATOM;
	node->atom = ATOM_WORD;
	while (p->token.kind == LEXEME_ITEM) {
		size += 1 + p->token.text.size;
		advance(p);
	}
	if (size == first.size)
		return !p->language.c || parse_c_word(p, node);
	joined = arena_alloc(p->arena, size);
	if (!joined) {
		p->no_memory = true;
		return false;
	}
	memcpy(joined, first.start, first.size);
	for (used = first.size; used < size; used += p->token.text.size) {
		if (used == first.size)
			p->lexer = ahead;
		advance(p);
		joined[used++] = ' ';
		memcpy(joined + used, p->token.text.start, p->token.text.size);
	}
	node->text = (struct text){ joined, size };
	advance(p);
	return true;
}

/* (u8)~x and (int)-1: a cast only where the word in parentheses is a type. */
static bool at_c_unary(const struct parser *p, const struct node *node)
{
	static const char *const types[] = {
		"u8",
		"s8",
		"u16",
		"s16",
		"u32",
		"s32",
		"u64",
		"s64",
		"char",
		"short",
		"int",
		"long",
		"unsigned",
		"unsigned char",
		"unsigned short",
		"unsigned int",
		"unsigned long",
		"long long",
		"unsigned long long",
		"bool",
	};

	if (!p->language.c || node->kind != NODE_ATOM || p->token.kind != LEXEME_OP ||
	    p->token.text.size != 1 || !strchr("~!-+*&", p->token.text.start[0]))
		return false;
	if (node->atom == ATOM_WORD && node->text.size && node->text.start[node->text.size - 1] == '*')
		return true;
	for (size_t i = 0; i < countof(types); i++)
		if (text_is(node->text, types[i]))
			return true;
	return false;
}

/* ( expression ), or a cast if something follows that can be cast. */
static bool parse_parenthesis(struct parser *p, struct node *node)
{
	struct lexer after;

	advance(p);
	after = p->lexer;
	if (at(p, LEXEME_ITEM, "REC") && lexeme_is(lex_item(&after), LEXEME_DELIM, ")")) {
		advance(p); /* (REC)->field */
		return parse_field(p, node);
	}
	if (p->language.c ?
		    !parse_c(p, node, C_LOWEST) :
		    !parse_primary(p, node) || (p->token.kind == LEXEME_OP && !parse_operator(p, node)))
		return false;
	if (!expect(p, LEXEME_DELIM, ")"))
		return false;
	advance(p);
	if (p->language.c && node->kind == NODE_ATOM && at(p, LEXEME_OP, "{"))
		return parse_c_structure(p, node);
	if (!at_item(p) && !at(p, LEXEME_DELIM, "(") && !at_c_unary(p, node))
		return !p->language.c || parse_c_member_of_structure(p, node);
	if (node->kind != NODE_ATOM)
		return refuse(p);
	node->kind = NODE_TYPE;
	node->left = new_node(p);
	return node->left && parse_primary(p, node->left);
}

/* One operand, of which p->token is the first token. */
bool parse_primary(struct parser *p, struct node *node)
{
	bool ok = true;

	if (p->no_memory || p->depth >= PRINT_FMT_MAX_DEPTH)
		return refuse(p);
	p->depth++;
	switch (p->token.kind) {
	case LEXEME_ITEM:
		ok = at(p, LEXEME_ITEM, "REC") ? parse_field(p, node) : parse_word(p, node);
		break;
	case LEXEME_STRING:
		node->kind = NODE_ATOM;
		node->atom = ATOM_STRING;
		node->text = p->token.text;
		advance(p);
		break;
	case LEXEME_CHAR:
		ok = parse_set_number(p, node, p->token.text.size ? (uint8_t)p->token.text.start[0] : 0);
		advance(p);
		break;
	case LEXEME_DELIM:
		ok = at(p, LEXEME_DELIM, "(") ? parse_parenthesis(p, node) : parse_unary(p, node);
		break;
	case LEXEME_OP:
		ok = p->language.c && (at(p, LEXEME_OP, "&") || at(p, LEXEME_OP, "*")) ?
			     parse_c_prefix(p, node) :
			     parse_unary(p, node);
		break;
	default:
		ok = refuse(p);
	}
	while (ok && p->language.c && at(p, LEXEME_OP, "["))
		ok = parse_index(p, node);
	p->depth--;
	return ok;
}
