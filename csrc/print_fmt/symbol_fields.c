/* SPDX-License-Identifier: MIT */
/* Which fields are addresses that reports show as symbols, as an event's print fmt tells. */
#include <stdlib.h>

#include "base/error.h"
#include "columns/symbol.h"
#include "metadata/api.h"
#include "metadata/metadata.h"
#include "print_fmt/api.h"
#include "print_fmt/compile.h"

/* Arguments by number, in the place of expressions: a piece then tells whose argument it has. */
struct arguments {
	struct compiler compiler; /* the first member: compile_argument() is given this one */
	const struct node **list;
	size_t count, room;
};

static uint32_t compile_argument(struct compiler *c, const struct node *node)
{
	struct arguments *arguments = (struct arguments *)(void *)c;

	if (arguments->count == arguments->room) {
		size_t room = 2 * arguments->room + 16;
		const struct node **larger = realloc(arguments->list, room * sizeof(*larger));

		if (!larger) {
			c->no_memory = true;
			return NO_EXPR;
		}
		arguments->list = larger;
		arguments->room = room;
	}
	arguments->list[arguments->count] = node;
	return (uint32_t)arguments->count++;
}

/* The field that an argument is, or an element of it: (void *)REC->ip, (void *)REC->caller[0]. */
static const struct event_field *field_of(const struct node *node)
{
	while (node->kind == NODE_TYPE || (node->kind == NODE_OP && text_is(node->text, "[")))
		node = node->left;
	return node->kind == NODE_FIELD ? node->field : NULL;
}

static bool is_address(const struct event_format *event, const struct event_field *field, unsigned long_size)
{
	struct field_access access = field_access_of(event, field, long_size, 0);
	struct column_type type;

	return symbol_type_of(access.type, 0, &type);
}

static void mark(const struct trc_metadata *metadata, const struct event_format *event,
		 const struct event_field *field, uint8_t *shown, size_t count)
{
	bool common = field >= event->common && field < event->common + event->common_count;
	size_t index = common ? (size_t)(field - event->common) :
				event->common_count + (size_t)(field - event->fields);

	if (index < count && is_address(event, field, metadata->long_size))
		shown[index] = 1;
}

/* As the kernel prints them. A print fmt that cannot be read tells nothing. */
static int mark_printed(const struct trc_metadata *metadata, const struct event_format *event, uint8_t *shown,
			size_t count, struct trc_error *err)
{
	const struct print_fmt_env env = { .long_size = metadata->long_size,
					   .big_endian = metadata->big_endian,
					   .kernel_text = true };
	struct print_fmt program = { .event = event, .env = &env };
	struct arguments arguments = { .compiler = { .p = &program, .compile_arg = compile_argument } };
	struct print_fmt_tree tree;
	int rc = print_fmt_parse(event,
				 (struct print_fmt_language){ .long_size = env.long_size,
							      .plugins = true,
							      .c = true,
							      .big_endian = env.big_endian },
				 &program.arena, &tree, err);

	if (!rc && !tree.failed)
		compile_format(&arguments.compiler, tree.format, tree.args);
	if (!rc && arguments.compiler.no_memory)
		rc = trc_fail_no_memory(err);
	for (size_t i = 0; !rc && i < program.piece_count; i++) {
		const struct piece *piece = &program.pieces[i];
		const struct node *node = piece->arg < arguments.count ? arguments.list[piece->arg] : NULL;
		const struct event_field *field = NULL;

		if (node && piece->code == PIECE_SYMBOL)
			field = field_of(node);
		else if (node && node->kind == NODE_STACKTRACE)
			field = node->field;
		if (field)
			mark(metadata, event, field, shown, count);
	}
	free(arguments.list);
	free(program.pieces);
	arena_deinit(&program.arena);
	return rc;
}

/* What libtraceevent's plugin for the tracers' events shows as functions. */
static void mark_tracers(const struct trc_metadata *metadata, const struct event_format *event,
			 uint8_t *shown, size_t count)
{
	static const struct {
		const char *event, *field;
	} known[] = {
		{ "function", "ip" },
		{ "function", "parent_ip" },
		{ "func_repeats", "ip" },
		{ "func_repeats", "parent_ip" },
		{ "funcgraph_entry", "func" },
		{ "funcgraph_entry", "retaddr" },
		{ "fgraph_retaddr_entry", "func" },
		{ "fgraph_retaddr_entry", "retaddr" },
		{ "funcgraph_exit", "func" },
		{ "kernel_stack", "caller" },
		{ "print", "ip" },
		{ "bprint", "ip" },
		{ "bputs", "ip" },
	};

	for (size_t i = 0; i < countof(known); i++) {
		const struct event_field *field;

		if (!text_is(event->name, known[i].event))
			continue;
		field = event_own_field(event, (struct text){ known[i].field, strlen(known[i].field) });
		if (field)
			mark(metadata, event, field, shown, count);
	}
}

int trc_event_symbol_fields(const struct trc_metadata *metadata, size_t event, uint8_t *shown, size_t count,
			    struct trc_error *err)
{
	const struct event_format *format;

	if (event >= metadata->formats.count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "event formats: there are %zu, not %zu",
				metadata->formats.count, event + 1);
	format = &metadata->formats.list[event];
	if (count)
		memset(shown, 0, count);
	if (format->state & TRC_EVENT_FTRACE) {
		if (text_is(format->name, "user_stack"))
			return TRC_OK;
		mark_tracers(metadata, format, shown, count);
	}
	return mark_printed(metadata, format, shown, count, err);
}
