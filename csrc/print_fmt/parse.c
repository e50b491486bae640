/* SPDX-License-Identifier: MIT */
/*
 * The print fmt language grouped as libtraceevent groups it (docs/FORMAT.md 5.5), which is not how C
 * does: operators of equal rank lean to the right, a ternary ends after one operand.
 */
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "metadata/api.h"
#include "print_fmt/lex.h"
#include "print_fmt/tree.h"

#define C_LOWEST 16	/* the rank of ?: in print_fmt_priority() */

struct parser {
	struct lexer lexer;
	const struct event_format *event;
	struct print_fmt_language language;
	struct arena *arena;
	struct lexeme token;	/* the one behind what was parsed last */
	unsigned depth, operators;
	bool failed, no_memory;
	struct value_list **lists;	/* where the next one goes; NULL: they are not wanted */
	const struct node *condition;	/* of the ?: whose first choice is being parsed */
};

static bool parse_primary(struct parser *p, struct node *node);
static bool parse_c(struct parser *p, struct node *node, int loosest);
static bool parse_operator(struct parser *p, struct node *node);
static bool parse_following(struct parser *p, struct node *node, struct node *operand);

static bool set_number(struct parser *p, struct node *node, int64_t value);

/* Every parse_ function gives false when the print fmt is lost; p->token is then of no meaning. */
static bool refuse(struct parser *p)
{
	p->failed = true;
	return false;
}

static void advance(struct parser *p)
{
	p->token = lex_item(&p->lexer);
	if (p->token.kind == LEXEME_NO_MEMORY)
		p->no_memory = true;
}

static struct node *new_node(struct parser *p)
{
	struct node *node = arena_alloc(p->arena, sizeof(*node));

	if (!node) {
		p->no_memory = true;
		return NULL;
	}
	*node = (struct node){ .text = TEXT("") };
	return node;
}

static bool at(const struct parser *p, enum lexeme_kind kind, const char *text)
{
	return lexeme_is(p->token, kind, text);
}

static bool expect(struct parser *p, enum lexeme_kind kind, const char *text)
{
	return at(p, kind, text) || refuse(p);
}

/* Item, string and character start a primary without being an operator. */
static bool at_item(const struct parser *p)
{
	return p->token.kind == LEXEME_ITEM || p->token.kind == LEXEME_STRING ||
	       p->token.kind == LEXEME_CHAR;
}

/* Moves on and parses a primary into *node, a new one; by the rules of C all of an expression. */
static bool next_primary(struct parser *p, struct node **node)
{
	*node = new_node(p);
	if (!*node)
		return false;
	advance(p);
	return p->language.c ? parse_c(p, *node, C_LOWEST) : parse_primary(p, *node);
}

/* A primary and whatever operators follow it. */
static bool next_expression(struct parser *p, struct node **node)
{
	if (!next_primary(p, node))
		return false;
	while (p->token.kind == LEXEME_OP)
		if (!parse_operator(p, *node))
			return false;
	return true;
}

/* --- operators --------------------------------------------------------------------------- */

/* The tree so far becomes the left operand of a new operator in its place. */
static bool wrap(struct parser *p, struct node *node, uint8_t priority)
{
	struct node *left = new_node(p);

	if (!left)
		return false;
	*left = *node;
	*node = (struct node){ .kind = NODE_OP, .text = p->token.text, .priority = priority,
			       .left = left };
	return true;
}

/* cond ? a : b; b is one primary. The result has rank 0, so that what follows wraps it. */
static bool parse_conditional(struct parser *p, struct node *node)
{
	struct node *branches;

	if (!wrap(p, node, 0) || !(branches = new_node(p)))
		return false;
	branches->kind = NODE_OP;
	branches->text = TEXT(":");
	node->right = branches;
	if (!next_primary(p, &branches->left))
		return false;
	while (p->token.kind == LEXEME_OP && !at(p, LEXEME_OP, ":"))
		if (!parse_operator(p, branches->left))
			return false;
	return expect(p, LEXEME_OP, ":") && next_primary(p, &branches->right);
}

/* array[i]; i is one primary. */
static bool parse_index(struct parser *p, struct node *node)
{
	if (!wrap(p, node, 0) || !next_primary(p, &node->right) || !expect(p, LEXEME_OP, "]"))
		return false;
	advance(p);
	return true;
}

static bool parse_unary(struct parser *p, struct node *node)
{
	if (p->token.text.size != 1 || !memchr("~!+-", p->token.text.start[0], 4))
		return refuse(p);
	*node = (struct node){ .kind = NODE_OP, .text = p->token.text };
	node->left = new_node(p);
	if (p->language.c) {
		node->right = new_node(p);
		advance(p);
		return node->left && node->right && parse_primary(p, node->right);
	}
	return node->left && next_primary(p, &node->right) && parse_following(p, node, node->right);
}

/*
 * a op b: if b came as an operator node that binds less tightly (it was in parentheses, or
 * unary), libtraceevent lets it change places with op. *right then holds (a op ...), and that is
 * what it goes on to take for the operand on the right.
 */
static void attach_right(struct node *node, struct node *right)
{
	if (right->kind == NODE_OP &&
	    print_fmt_priority(node->text) < print_fmt_priority(right->text)) {
		struct node tight = *node;

		tight.right = right->left;
		*node = *right;
		*right = tight;
		node->left = right;
	} else {
		node->right = right;
	}
}

/* "TYPE *" in parentheses was taken for a multiplication. */
static bool make_pointer_type(struct parser *p, struct node *node)
{
	struct node *left = node->left;
	char *type;

	if (left->kind != NODE_ATOM)
		return refuse(p);
	type = arena_alloc(p->arena, left->text.size + 2);
	if (!type) {
		p->no_memory = true;
		return false;
	}
	memcpy(type, left->text.start, left->text.size);
	memcpy(type + left->text.size, " *", 2);
	*node = *left;
	node->text = (struct text){ type, left->text.size + 2 };
	return true;
}

static bool parse_binary(struct parser *p, struct node *node, struct node **operand)
{
	int priority = print_fmt_priority(p->token.text);
	struct node *right;

	if (priority < 5 || priority > 15)
		return refuse(p);
	if (!wrap(p, node, (uint8_t)priority))
		return false;
	advance(p);
	if (text_is(node->text, "*") && at(p, LEXEME_DELIM, ")"))	/* a cast to a pointer */
		return make_pointer_type(p, node);
	right = new_node(p);
	if (!right || !parse_primary(p, right))
		return false;
	attach_right(node, right);
	*operand = right;
	return true;
}

/* The operator at p->token, with *node as its left operand. *operand: what it has on its right. */
static bool parse_one_operator(struct parser *p, struct node *node, struct node **operand)
{
	*operand = NULL;
	if (++p->operators > PRINT_FMT_MAX_OPERATORS)
		return refuse(p);
	if (at(p, LEXEME_OP, "?"))
		return parse_conditional(p, node);
	if (at(p, LEXEME_OP, "["))
		return parse_index(p, node);
	return parse_binary(p, node, operand);
}

/*
 * All operators behind the operator node *node, up to a colon: one that binds less wraps the
 * whole, any other takes the operand on the right only.
 */
static bool parse_following(struct parser *p, struct node *node, struct node *operand)
{
	while (p->token.kind == LEXEME_OP && !at(p, LEXEME_OP, ":")) {
		if (print_fmt_priority(p->token.text) <= node->priority)
			node = operand;
		if (!node)	/* what is not a right operand there: [ behind a ? or another [ */
			return refuse(p);
		if (!parse_one_operator(p, node, &operand))
			return false;
	}
	return true;
}

static bool parse_operator(struct parser *p, struct node *node)
{
	struct node *operand;

	return parse_one_operator(p, node, &operand) && parse_following(p, node, operand);
}

/* --- operators, as C has them -------------------------------------------------------------- */

/* cond ? a : b, b being a conditional itself if there are more. */
static bool parse_c_conditional(struct parser *p, struct node *node)
{
	const struct node *outer = p->condition;
	struct node *branches;

	if (!wrap(p, node, 0) || !(branches = new_node(p)))
		return false;
	branches->kind = NODE_OP;
	branches->text = TEXT(":");
	node->right = branches;
	p->condition = node->left;
	if (!next_primary(p, &branches->left) || !expect(p, LEXEME_OP, ":"))
		return false;
	p->condition = outer;
	return next_primary(p, &branches->right);
}

/* A primary and the operators behind it whose rank is at most loosest. */
static bool parse_c(struct parser *p, struct node *node, int loosest)
{
	if (!parse_primary(p, node))
		return false;
	while (p->token.kind == LEXEME_OP) {
		int rank = print_fmt_priority(p->token.text);

		if (++p->operators > PRINT_FMT_MAX_OPERATORS)
			return refuse(p);
		if (at(p, LEXEME_OP, "?")) {
			if (loosest < C_LOWEST)
				return true;
			if (!parse_c_conditional(p, node))
				return false;
			continue;
		}
		if (rank < 5 || rank > loosest)
			return true;
		if (!wrap(p, node, (uint8_t)rank) || !(node->right = new_node(p)))
			return false;
		advance(p);
		if (text_is(node->text, "*") && at(p, LEXEME_DELIM, ")")) {	/* a cast to a pointer */
			node->right = NULL;
			return make_pointer_type(p, node);
		}
		if (!parse_c(p, node->right, rank - 1))
			return false;
	}
	return true;
}

/* --- values known while parsing ----------------------------------------------------------- */

/* Names that kernels leave in format files. */
static bool known_name(struct text name, uint64_t *value)
{
	static const char *const names[] = {
		"HI_SOFTIRQ", "TIMER_SOFTIRQ", "NET_TX_SOFTIRQ", "NET_RX_SOFTIRQ", "BLOCK_SOFTIRQ",
		"IRQ_POLL_SOFTIRQ", "TASKLET_SOFTIRQ", "SCHED_SOFTIRQ", "HRTIMER_SOFTIRQ", "RCU_SOFTIRQ",
	};

	for (*value = 0; *value < countof(names); ++*value)
		if (text_is(name, names[*value]))
			return true;
	*value = text_is(name, "HRTIMER_RESTART");
	return *value || text_is(name, "HRTIMER_NORESTART");
}

/* A word that is no number and not known is -1. */
static uint64_t word_value(struct text word)
{
	uint64_t value;

	if (word.size && word.start[0] >= '0' && word.start[0] <= '9')
		return atom_number(word);
	return known_name(word, &value) ? value : UINT64_MAX;
}

/* The value of a { value, "name" }: what is negative is not recognised, and thus -1. docs/FORMAT.md 5.6. */
static bool entry_value(const struct node *node, bool c, uint64_t *value)
{
	int64_t folded;

	while (node->kind == NODE_TYPE)
		node = node->left;
	if (node->kind == NODE_ATOM) {
		*value = word_value(node->text);
		return true;
	}
	if (node->kind != NODE_OP || !fold(node, &folded))
		return false;
	*value = folded < 0 && !c ? UINT64_MAX : (uint64_t)folded;
	return true;
}

/* --- primaries --------------------------------------------------------------------------- */

static const struct event_field *find_field(const struct event_format *event, struct text name,
					    bool own_only)
{
	const struct event_field *field = own_only ? NULL : event_common_field(event, name);

	return field ? field : event_own_field(event, name);
}

/* REC->name, at what follows REC. */
static bool parse_field(struct parser *p, struct node *node)
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
	return true;
}

static bool parse_entries(struct parser *p, struct symbol_entry **list)
{
	do {
		struct symbol_entry *entry;
		struct node *value, *name;

		advance(p);
		if (!at(p, LEXEME_OP, "{"))
			break;
		if (p->lists)
			p->operators = 0;	/* real lists have more than one argument should */
		if (!next_primary(p, &value) || (p->token.kind == LEXEME_OP && !parse_operator(p, value)) ||
		    !expect(p, LEXEME_DELIM, ","))
			return false;
		entry = arena_alloc(p->arena, sizeof(*entry));
		if (!entry) {
			p->no_memory = true;
			return false;
		}
		entry->constant = node_is_constant(value) ||
				  (value->kind == NODE_ATOM && known_name(value->text, &entry->value));
		if (!entry_value(value, p->language.c, &entry->value)) {
			if (!p->lists)
				return refuse(p);
			entry->constant = false;
		}
		if (!next_primary(p, &name) || !expect(p, LEXEME_OP, "}"))
			return false;
		if (name->kind != NODE_ATOM && !p->lists)
			return refuse(p);
		entry->constant &= name->kind == NODE_ATOM && name->atom == ATOM_STRING;	/* not { -1, NULL } */
		entry->name = name->text;
		entry->next = NULL;
		*list = entry;
		list = &entry->next;
		advance(p);
	} while (at(p, LEXEME_DELIM, ","));
	return true;
}

/* A list whose value and entries are read; the node itself may become an operand elsewhere. */
static bool add_list(struct parser *p, const struct node *node)
{
	struct value_list *list;

	if (!p->lists)
		return true;
	list = arena_alloc(p->arena, sizeof(*list));
	if (!list) {
		p->no_memory = true;
		return false;
	}
	*list = (struct value_list){ .value = node->left, .entries = node->entries,
				     .is_flags = node->kind == NODE_FLAGS, .condition = p->condition };
	*p->lists = list;
	p->lists = &list->next;
	return true;
}

/* __print_flags(value, "delimiter", entries) */
static bool parse_flags(struct parser *p, struct node *node)
{
	node->kind = NODE_FLAGS;
	if (!next_expression(p, &node->left) || !expect(p, LEXEME_DELIM, ","))
		return false;
	advance(p);
	if (at_item(p)) {
		node->text = p->token.text;
		advance(p);
	}
	return expect(p, LEXEME_DELIM, ",") && parse_entries(p, &node->entries) && add_list(p, node);
}

/* __print_symbolic(value, entries) */
static bool parse_symbolic(struct parser *p, struct node *node)
{
	node->kind = NODE_SYMBOL;
	return next_expression(p, &node->left) && expect(p, LEXEME_DELIM, ",") &&
	       parse_entries(p, &node->entries) && add_list(p, node);
}

static bool parse_hex(struct parser *p, struct node *node)
{
	node->kind = text_is(node->text, "__print_hex") ? NODE_HEX : NODE_HEX_STR;
	return next_expression(p, &node->left) && expect(p, LEXEME_DELIM, ",") &&
	       next_expression(p, &node->right);
}

static bool parse_array(struct parser *p, struct node *node)
{
	node->kind = NODE_INT_ARRAY;
	return next_expression(p, &node->left) && expect(p, LEXEME_DELIM, ",") &&
	       next_expression(p, &node->right) && expect(p, LEXEME_DELIM, ",") &&
	       next_expression(p, &node->extra);
}

/* A function of a field: its name stands in the parentheses. */
struct accessor {
	const char *name;
	enum node_kind kind;
	bool needed;		/* libtraceevent looks the field up at once: it must be there */
};

static const struct accessor *find_accessor(struct text name)
{
	static const struct accessor accessors[] = {
		{ "__get_str", NODE_STRING, false },
		{ "__get_rel_str", NODE_STRING, false },
		{ "__get_bitmask", NODE_BITMASK, false },
		{ "__get_rel_bitmask", NODE_BITMASK, false },
		{ "__get_cpumask", NODE_CPUMASK, false },
		{ "__get_rel_cpumask", NODE_CPUMASK, false },
		{ "__get_dynamic_array", NODE_DYNAMIC_ARRAY, true },
		{ "__get_rel_dynamic_array", NODE_DYNAMIC_ARRAY, true },
		{ "__get_sockaddr", NODE_DYNAMIC_ARRAY, true },
		{ "__get_sockaddr_rel", NODE_DYNAMIC_ARRAY, true },
		{ "__get_dynamic_array_len", NODE_DYNAMIC_ARRAY_LEN, true },
		{ "__get_rel_dynamic_array_len", NODE_DYNAMIC_ARRAY_LEN, true },
	};

	for (size_t i = 0; i < countof(accessors); i++)
		if (text_is(name, accessors[i].name))
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
static bool set_number(struct parser *p, struct node *node, int64_t value)
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
	*node = (struct node){ .kind = NODE_ATOM, .atom = ATOM_WORD, .next = next,
			       .text = { text, (size_t)(end - text) } };
	return true;
}

unsigned fixed_type_size(struct text type)
{
	if (type.size > 2 && !memcmp(type.start, "__", 2))
		type = (struct text){ type.start + 2, type.size - 2 };
	if (type.size < 2 || (type.start[0] != 'u' && type.start[0] != 's'))
		return 0;
	type = (struct text){ type.start + 1, type.size - 1 };
	return text_is(type, "8") ? 1 : text_is(type, "16") ? 2 : text_is(type, "32") ? 4 :
	       text_is(type, "64") ? 8 : 0;
}

/* sizeof REC->field, which must not be an array. */
static bool parse_sizeof_field(struct parser *p, struct node *node)
{
	struct node field = { 0 };

	if (!parse_field(p, &field))
		return false;
	if (!field.field || (field.field->flags & TRC_FIELD_ARRAY))
		return refuse(p);
	return set_number(p, node, field.field->size);
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
		return set_number(p, node, 4);
	if (at(p, LEXEME_ITEM, "long")) {
		advance(p);
		size = p->language.long_size;
		if (at(p, LEXEME_ITEM, "long")) {
			size = 8;
			advance(p);
		}
		return set_number(p, node, size);
	}
	size = at(p, LEXEME_ITEM, "int") ? 4 : p->token.kind == LEXEME_ITEM ? fixed_type_size(p->token.text) : 0;
	if (!size)
		return refuse(p);
	advance(p);
	return set_number(p, node, size);
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
		if (!next_primary(p, args[arg]))
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
		{ "__print_flags", parse_flags },
		{ "__print_symbolic", parse_symbolic },
		{ "__print_hex", parse_hex },
		{ "__print_hex_str", parse_hex },
		{ "__print_array", parse_array },
		{ "sizeof", parse_sizeof },
		{ "__builtin_expect", parse_expect },
	};
	const struct accessor *accessor = find_accessor(node->text);
	bool (*parse)(struct parser *p, struct node *node) = parse_plugin_function;

	for (size_t i = 0; i < countof(functions); i++)
		if (text_is(node->text, functions[i].name))
			parse = functions[i].parse;
	if (!(accessor ? parse_accessor(p, accessor, node) : parse(p, node)) ||
	    !expect(p, LEXEME_DELIM, ")"))
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
		return true;
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
		"u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "char", "short", "int", "long",
		"unsigned", "unsigned char", "unsigned short", "unsigned int", "unsigned long",
		"long long", "unsigned long long", "bool",
	};

	if (!p->language.c || node->kind != NODE_ATOM || p->token.kind != LEXEME_OP ||
	    p->token.text.size != 1 || !strchr("~!-+", p->token.text.start[0]))
		return false;
	for (size_t i = 0; i < countof(types); i++)
		if (text_is(node->text, types[i]))
			return true;
	return false;
}

/* ( expression ), or a cast if something follows that can be cast. */
static bool parse_parenthesis(struct parser *p, struct node *node)
{
	struct lexer behind;

	advance(p);
	behind = p->lexer;
	if (at(p, LEXEME_ITEM, "REC") && lexeme_is(lex_item(&behind), LEXEME_DELIM, ")")) {
		advance(p);	/* (REC)->field */
		return parse_field(p, node);
	}
	if (p->language.c ? !parse_c(p, node, C_LOWEST) :
			    !parse_primary(p, node) ||
			    (p->token.kind == LEXEME_OP && !parse_operator(p, node)))
		return false;
	if (!expect(p, LEXEME_DELIM, ")"))
		return false;
	advance(p);
	if (!at_item(p) && !at(p, LEXEME_DELIM, "(") && !at_c_unary(p, node))
		return true;
	if (node->kind != NODE_ATOM)
		return refuse(p);
	node->kind = NODE_TYPE;
	node->left = new_node(p);
	return node->left && parse_primary(p, node->left);
}

/* One operand, of which p->token is the first token. */
static bool parse_primary(struct parser *p, struct node *node)
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
		ok = set_number(p, node, p->token.text.size ? (uint8_t)p->token.text.start[0] : 0);
		advance(p);
		break;
	case LEXEME_DELIM:
		ok = at(p, LEXEME_DELIM, "(") ? parse_parenthesis(p, node) : parse_unary(p, node);
		break;
	case LEXEME_OP:
		ok = parse_unary(p, node);
		break;
	default:
		ok = refuse(p);
	}
	while (ok && p->language.c && at(p, LEXEME_OP, "["))
		ok = parse_index(p, node);
	p->depth--;
	return ok;
}

/* --- the whole --------------------------------------------------------------------------- */

/* ftrace's own events of old kernels have no arguments in their format: all fields are, in order. */
static bool fields_as_args(struct parser *p, struct node **list)
{
	for (uint32_t i = 0; i < p->event->field_count; i++) {
		struct node *node = new_node(p);

		if (!node)
			return false;
		node->kind = NODE_FIELD;
		node->field = &p->event->fields[i];
		node->text = node->field->name;
		*list = node;
		list = &node->next;
	}
	return true;
}

static uint64_t constant(const struct node *atom)
{
	return atom->atom == ATOM_WORD ? atom_number(atom->text) : 0;
}

/*
 * Operators between two atoms are worked out as soon as an argument is read, and there names are
 * worth 0, whatever symbols there are. Casts and unary operators are left alone.
 */
static bool consolidate(struct parser *p, struct node *node)
{
	int64_t value;
	uint64_t left, right;

	if (node->kind != NODE_OP)
		return true;
	if (!consolidate(p, node->left) || !consolidate(p, node->right))
		return false;
	if (node->left->kind != NODE_ATOM || node->right->kind != NODE_ATOM)
		return true;
	left = constant(node->left);
	right = constant(node->right);
	if (!fold_operator(node, (int64_t)left, (int64_t)right, false, &value))
		return true;
	return set_number(p, node, value);
}

/* At the comma behind the format string. */
static bool parse_args(struct parser *p, struct node **list)
{
	do {
		p->operators = 0;
		if (!next_primary(p, list))
			return false;
		if (p->token.kind == LEXEME_OP && (p->language.c || !parse_operator(p, *list) ||
						     !consolidate(p, *list)))
			return false;
		list = &(*list)->next;
	} while (at(p, LEXEME_DELIM, ","));
	return true;
}

static bool parse_all(struct parser *p, struct print_fmt_tree *tree)
{
	advance(p);
	if (p->token.kind != LEXEME_STRING)
		return refuse(p);
	tree->format = p->token.text;
	advance(p);
	if (p->token.kind != LEXEME_END && (!expect(p, LEXEME_DELIM, ",") || !parse_args(p, &tree->args)))
		return false;
	if (!tree->args && (p->event->state & TRC_EVENT_FTRACE))
		return fields_as_args(p, &tree->args);
	return true;
}

int print_fmt_parse(const struct event_format *event, struct print_fmt_language language,
		    struct arena *arena, struct print_fmt_tree *tree, struct trc_error *err)
{
	struct parser parser = {
		.lexer = { event->print_fmt.start, event->print_fmt.start + event->print_fmt.size, arena },
		.event = event, .language = language, .arena = arena,
	};
	struct print_fmt_tree out = { .format = TEXT("") };

	if (event->state & (TRC_EVENT_FIELDS_FAILED | TRC_EVENT_NO_PRINT_FMT))
		out.failed = true;
	else
		out.failed = !parse_all(&parser, &out);
	if (parser.no_memory)
		return trc_fail_no_memory(err);
	*tree = out;
	return TRC_OK;
}

/* --- names of values ---------------------------------------------------------------------- */

static bool at_list(const struct parser *p)
{
	return at(p, LEXEME_ITEM, "__print_flags") || at(p, LEXEME_ITEM, "__print_symbolic");
}

/* Moves on to a list behind what could not be read; false: there are no more. */
static bool find_list(struct parser *p)
{
	while (!p->no_memory && p->token.kind != LEXEME_END && !at_list(p))
		advance(p);
	p->failed = false;
	p->depth = p->operators = 0;
	p->condition = NULL;
	return !p->no_memory && p->token.kind != LEXEME_END;
}

int print_fmt_value_lists(const struct event_format *event, unsigned long_size, struct arena *arena,
			  struct value_list **lists, struct trc_error *err)
{
	struct parser parser = {
		.lexer = { event->print_fmt.start, event->print_fmt.start + event->print_fmt.size, arena },
		.event = event, .arena = arena, .lists = lists,
		.language = { .long_size = long_size, .plugins = true, .c = true },
	};
	struct print_fmt_tree tree = { .format = TEXT("") };
	struct node *node = NULL;

	*lists = NULL;
	if (!parse_all(&parser, &tree)) {
		while (find_list(&parser) && (node = new_node(&parser)))
			parse_primary(&parser, node);
	}
	return parser.no_memory ? trc_fail_no_memory(err) : TRC_OK;
}
