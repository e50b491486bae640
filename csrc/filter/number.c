/* SPDX-License-Identifier: MIT */
/* Comparisons of numbers, for many records at once. */
#include <string.h>

#include "filter/api.h"
#include "filter/compare.h"

/* valid is cleared for records that do not reach as far as the field. */
static void load_operand(const struct trc_filter *filter, const struct operand *operand,
			 const struct filter_rows *rows, uint64_t *values, uint8_t *valid)
{
	const struct event_field *field = operand->field;
	bool big_endian = filter->metadata->big_endian;

	for (size_t i = 0; i < rows->count; i++) {
		if (operand->kind == OPERAND_NUMBER)
			values[i] = operand->number;
		else if (operand->kind == OPERAND_CPU)
			values[i] = rows->cpu[i];
		else if (field->size <= rows->size[i] && field->offset <= rows->size[i] - field->size)
			values[i] = filter_field_number(field, rows->payload[i], big_endian);
		else
			values[i] = valid[i] = 0;
	}
}

#define EACH(expression) \
	do { \
		for (size_t i = 0; i < count; i++) \
			pass[i] &= (expression) != 0; \
	} while (0)

/* Unsigned, as libtraceevent compares them. */
static void compare(enum operation op, const uint64_t *a, const uint64_t *b, size_t count, uint8_t *pass)
{
	switch (op) {
	case OP_EQ:
		EACH(a[i] == b[i]);
		break;
	case OP_NE:
		EACH(a[i] != b[i]);
		break;
	case OP_LT:
		EACH(a[i] < b[i]);
		break;
	case OP_LE:
		EACH(a[i] <= b[i]);
		break;
	case OP_GT:
		EACH(a[i] > b[i]);
		break;
	case OP_GE:
		EACH(a[i] >= b[i]);
		break;
	case OP_ADD:
		EACH(a[i] + b[i]);
		break;
	case OP_SUB:
		EACH(a[i] - b[i]);
		break;
	case OP_MUL:
		EACH(a[i] * b[i]);
		break;
	case OP_DIV:
		EACH(b[i] ? a[i] / b[i] : 0);
		break;
	case OP_MOD:
		EACH(b[i] ? a[i] % b[i] : 0);
		break;
	case OP_LSHIFT:
		EACH(b[i] < 64 ? a[i] << b[i] : 0);
		break;
	case OP_RSHIFT:
		EACH(b[i] < 64 ? a[i] >> b[i] : 0);
		break;
	case OP_BIT_AND:
		EACH(a[i] & b[i]);
		break;
	case OP_BIT_OR:
		EACH(a[i] | b[i]);
		break;
	default:
		EACH(a[i] ^ b[i]);
	}
}

void filter_compare_numbers(const struct trc_filter *filter, const struct code *code,
			    const struct filter_rows *rows, uint8_t *pass)
{
	uint64_t left[FILTER_ROWS], right[FILTER_ROWS];

	memset(pass, 1, rows->count);
	load_operand(filter, &code->left, rows, left, pass);
	load_operand(filter, &code->right, rows, right, pass);
	compare(code->op, left, right, rows->count, pass);
}
