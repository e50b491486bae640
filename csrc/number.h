/* SPDX-License-Identifier: MIT */
/* Numbers as text, the way C's printf() writes them, without its cost. */
#ifndef TRC_NUMBER_H
#define TRC_NUMBER_H

#include "output.h"

#define NUMBER_ROOM 24	/* the most that number_decimal() and number_hex() write */

/* Each gives the end of what it wrote at to. */
char *number_decimal(char *to, uint64_t value);
char *number_hex(char *to, uint64_t value);	/* in lower case */
/* Exactly digits decimal places, with zeros in front. */
char *number_padded(char *to, uint64_t value, unsigned digits);

extern const char number_lower[17], number_upper[17];

void output_decimal(struct output *out, uint64_t value);
void output_signed(struct output *out, int64_t value);
void output_hex(struct output *out, uint64_t value);	/* without 0x */

/* One conversion specification of a format: everything between % and what is printed. */
struct number_format {
	char letter;		/* d i u x X o c s */
	bool minus, plus, space, hash, zero;
	bool has_precision;
	uint32_t width, precision;	/* at most NUMBER_MAX_WIDTH each */
};

/* A width of a format or a record is not obeyed beyond this: no record needs it, and one could ask for 2 GB. */
#define NUMBER_MAX_WIDTH 65536

/* value: sign-extended from its type for d and i, zero-extended for the others. */
void output_number(struct output *out, const struct number_format *format, uint64_t value);
/* %s with width, precision and minus. */
void output_padded(struct output *out, const struct number_format *format, struct text text);

#endif
