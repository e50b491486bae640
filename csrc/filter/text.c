/* SPDX-License-Identifier: MIT */
/* A compiled filter as text, as trace-cmd report -T shows it. */
#include <stdlib.h>

#include "base/error.h"
#include "base/number.h"
#include "base/output.h"
#include "file/api.h"
#include "filter/api.h"
#include "filter/program.h"

/* What is known of a part of the filter whatever the record. */
enum known { KNOWN_FALSE, KNOWN_TRUE, KNOWN_NOTHING };

/* A part of the filter; those on the stack lie one after the other in the text. */
struct part {
	size_t start;
	enum known known;
};

static void put_operand(const struct operand *operand, struct output *out)
{
	switch (operand->kind) {
	case OPERAND_NUMBER:
		output_signed(out, (int64_t)operand->number);
		break;
	case OPERAND_TEXT:
		output_char(out, '"');
		output_bytes(out, operand->text, operand->text_size);
		output_char(out, '"');
		break;
	case OPERAND_FIELD:
		output_text(out, operand->field->name);
		break;
	case OPERAND_CPU:
		output_literal(out, "CPU");
		break;
	case OPERAND_COMM:
		output_literal(out, "COMM");
		break;
	default:
		break; /* CODE_FALSE */
	}
}

static struct part put_comparison(const struct code *code, struct output *out)
{
	struct part part = { out->size, code->opcode == CODE_FALSE ? KNOWN_FALSE : KNOWN_NOTHING };
	const char *operator = filter_operators[code->op];

	if (part.known != KNOWN_NOTHING)
		return part;
	put_operand(&code->left, out);
	output_char(out, ' ');
	output_bytes(out, operator, strlen(operator));
	output_char(out, ' ');
	put_operand(&code->right, out);
	return part;
}

static void insert(struct output *out, size_t at, const char *text)
{
	size_t size = strlen(text), after = out->size - at;

	if (!output_reserve(out, size))
		return;
	memmove(out->data + at + size, out->data + at, after);
	memcpy(out->data + at, text, size);
	out->size += size;
}

static void negate(struct part *part, struct output *out)
{
	if (part->known != KNOWN_NOTHING) {
		part->known = part->known == KNOWN_TRUE ? KNOWN_FALSE : KNOWN_TRUE;
		return;
	}
	insert(out, part->start, "!(");
	output_char(out, ')');
}

/* What one side decides is left out, as libtraceevent does. The left side takes the result. */
static void join(struct part *left, const struct part *right, enum opcode opcode, struct output *out)
{
	enum known decides = opcode == CODE_AND ? KNOWN_FALSE : KNOWN_TRUE;

	if (left->known == decides || right->known == decides) {
		left->known = decides;
		out->size = left->start;
	} else if (left->known != KNOWN_NOTHING) {
		left->known = right->known; /* whose text is all there is */
	} else if (right->known == KNOWN_NOTHING) {
		insert(out, right->start, opcode == CODE_AND ? ") && (" : ") || (");
		insert(out, left->start, "(");
		output_char(out, ')');
	}
}

static void put_program(const struct program *program, struct part *stack, struct output *out)
{
	size_t depth = 0;

	for (size_t i = 0; i < program->count && !out->no_memory; i++) {
		const struct code *code = &program->code[i];

		if (code->opcode == CODE_NOT) {
			negate(&stack[depth - 1], out);
		} else if (code->opcode == CODE_AND || code->opcode == CODE_OR) {
			depth--;
			join(&stack[depth - 1], &stack[depth], code->opcode, out);
		} else {
			stack[depth++] = put_comparison(code, out);
		}
	}
	if (stack[0].known != KNOWN_NOTHING)
		output_bytes(out, stack[0].known ? "TRUE" : "FALSE", stack[0].known ? 4 : 5);
}

int trc_filter_text(const struct trc_filter *filter, size_t index, uint32_t *id, struct trc_bytes *text,
		    struct trc_error *err)
{
	const struct program *program;
	struct part *stack;
	struct output out;

	if (index >= filter->listed)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "filter: of %zu events, not of %zu",
				filter->listed, index + 1);
	program = filter->by_id[filter->ids[filter->listed - 1 - index]];
	stack = malloc((program->count + 1) * sizeof(*stack));
	if (!stack)
		return trc_fail_no_memory(err);
	output_init(&out);
	put_program(program, stack, &out);
	free(stack);
	if (out.no_memory) {
		output_deinit(&out);
		return trc_fail_no_memory(err);
	}
	*id = filter->ids[filter->listed - 1 - index];
	*text = (struct trc_bytes){ (const uint8_t *)out.data, out.size, out.data };
	return TRC_OK;
}
