/* SPDX-License-Identifier: MIT */
/*
 * A program is instructions in postfix order, over masks: a comparison puts a mask of the records
 * that it holds for on a stack, and && and || join the two on top.
 */
#include <string.h>

#include "filter/api.h"
#include "filter/compare.h"

static void run_leaf(const struct trc_filter *filter, const struct code *code, const struct filter_rows *rows,
		     uint8_t *pass)
{
	if (code->opcode == CODE_TEXT)
		filter_compare_texts(filter, code, rows, pass);
	else if (code->opcode == CODE_NUMBERS)
		filter_compare_numbers(filter, code, rows, pass);
	else
		memset(pass, 0, rows->count);
}

void filter_run_program(const struct trc_filter *filter, uint32_t id, const struct filter_rows *rows,
			uint8_t *pass)
{
	uint8_t stack[FILTER_NESTING_MAX + 4][FILTER_ROWS];
	const struct program *program = id < filter->id_count ? filter->by_id[id] : NULL;
	size_t depth = 0;

	if (!program) {
		memset(pass, 0, rows->count);
		return;
	}
	for (size_t c = 0; c < program->count; c++) {
		const struct code *code = &program->code[c];
		uint8_t *top;

		if (code->opcode != CODE_AND && code->opcode != CODE_OR && code->opcode != CODE_NOT) {
			run_leaf(filter, code, rows, stack[depth++]);
			continue;
		}
		if (code->opcode != CODE_NOT)
			depth--;
		top = stack[depth - 1];
		for (size_t i = 0; i < rows->count; i++) {
			if (code->opcode == CODE_NOT)
				top[i] = !top[i];
			else if (code->opcode == CODE_AND)
				top[i] &= stack[depth][i];
			else
				top[i] |= stack[depth][i];
		}
	}
	memcpy(pass, stack[0], rows->count);
}
