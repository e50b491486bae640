/* SPDX-License-Identifier: MIT */
/*
 * trace_printk(): the record holds the address of a format and the arguments packed as the kernel's
 * vbin_printf() leaves them. docs/FORMAT.md 5.8.
 */
#include "report/event_handler.h"

enum { IP, FMT, BUF };

/* The arguments, from the buf field to the end of the record. */
struct arguments {
	const struct event_run *run;
	uint32_t pos;
	bool ended; /* the record was too short for one: later ones are 0 or empty */
};

static uint64_t take(struct arguments *a, unsigned size)
{
	uint64_t at = ((uint64_t)a->pos + 3) & ~UINT64_C(3), value;

	if (a->ended || at + size > a->run->record->size) {
		a->ended = true;
		return 0;
	}
	value = load_uint(a->run->record->payload + at, size, a->run->env->big_endian);
	a->pos = (uint32_t)at + size;
	return value;
}

static struct text take_string(struct arguments *a)
{
	const uint8_t *start = a->run->record->payload + a->pos, *end;

	if (a->ended || a->pos >= a->run->record->size)
		return TEXT("");
	end = memchr(start, 0, a->run->record->size - a->pos);
	if (!end) {
		a->ended = true;
		end = a->run->record->payload + a->run->record->size;
	} else {
		a->pos += (uint32_t)(end - start) + 1;
	}
	return (struct text){ (const char *)start, (size_t)(end - start) };
}

struct specification {
	struct number_format format;
	int longs;
};

static const char *read_digits(const char *pos, const char *end, uint32_t *number)
{
	for (; pos < end && *pos >= '0' && *pos <= '9'; pos++)
		if (*number < NUMBER_MAX_WIDTH)
			*number = *number * 10 + (uint32_t)(*pos - '0');
	if (*number > NUMBER_MAX_WIDTH)
		*number = NUMBER_MAX_WIDTH;
	return pos;
}

/* Flags, width, precision and size in front of the letter; gives where the letter is. */
static const char *read_specification(const char *pos, const char *end, struct arguments *a,
				      struct specification *spec)
{
	struct number_format *format = &spec->format;

	for (; pos < end; pos++) {
		switch (*pos) {
		case '-':
			format->minus = true;
			continue;
		case '+':
			format->plus = true;
			continue;
		case '#':
			format->hash = true;
			continue;
		case 'l':
			spec->longs++;
			continue;
		case 'L':
			spec->longs = 2;
			continue;
		case 'z':
		case 'Z':
			spec->longs = 1;
			continue;
		case 'h':
			spec->longs--;
			continue;
		case '.':
			format->has_precision = true;
			continue;
		case '*': {
			int32_t value = (int32_t)take(a, 4);

			if (value > NUMBER_MAX_WIDTH)
				value = NUMBER_MAX_WIDTH;
			if (value >= 0)
				*(format->has_precision ? &format->precision :
							  &format->width) = (uint32_t)value;
			continue;
		}
		case '0':
			if (!format->has_precision && !format->width) {
				format->zero = true;
				continue;
			}
			break;
		default:
			break;
		}
		if (*pos < '0' || *pos > '9')
			break;
		pos = read_digits(pos, end, format->has_precision ? &format->precision : &format->width) - 1;
	}
	return pos;
}

static unsigned argument_size(const struct arguments *a, int longs)
{
	if (longs <= 0)
		return 4;
	return longs == 1 ? a->run->env->long_size : 8;
}

static void put_number(struct arguments *a, struct specification *spec, char letter)
{
	uint64_t value = take(a, argument_size(a, spec->longs));
	unsigned shift = spec->longs > 0 ? 0 : spec->longs == 0 ? 32 : spec->longs == -1 ? 48 : 56;

	spec->format.letter = letter;
	value <<= shift;
	value = letter == 'd' || letter == 'i' ? (uint64_t)((int64_t)value >> shift) : value >> shift;
	output_number(a->run->out, &spec->format, value);
}

/* What the kernel formats itself when it writes the record, because the object may be gone later. */
static bool is_text(const struct arguments *a)
{
	uint8_t c = a->pos < a->run->record->size ? a->run->record->payload[a->pos] : 0;

	return c >= ' ' && c <= '~';
}

/* %p and what extends it; pos is after the p. */
static const char *put_pointer(struct arguments *a, const char *pos, const char *end)
{
	struct event_run *run = (struct event_run *)(uintptr_t)a->run;
	char letter = pos < end ? *pos : '\0';
	bool is_letter = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');

	if (letter && strchr("sSfF", letter)) {
		uint64_t address = take(a, run->env->long_size);
		const struct cached_symbol *symbol = run_function(run, address, "0x");

		if (symbol && (letter == 'S' || letter == 'F')) {
			output_literal(run->out, "+0x");
			output_hex(run->out, address - symbol->address);
		}
		return pos + 1;
	}
	if (is_letter && letter != 'x' && is_text(a)) {
		output_text(run->out, take_string(a));
		while (pos < end && ((*pos >= 'a' && *pos <= 'z') || (*pos >= 'A' && *pos <= 'Z') ||
				     (*pos >= '0' && *pos <= '9')))
			pos++;
		return pos;
	}
	uint64_t value = take(a, run->env->long_size);

	if (value) {
		output_literal(run->out, "0x");
		output_hex(run->out, value);
	} else {
		output_literal(run->out, "(nil)");
	}
	return pos;
}

/* At the character after %; gives what is after the conversion. */
static const char *put_conversion(struct arguments *a, const char *pos, const char *end)
{
	struct specification spec = { .format = { .letter = 's' } };
	struct output *out = a->run->out;

	pos = read_specification(pos, end, a, &spec);
	if (pos == end)
		return pos;
	switch (*pos) {
	case 'd':
	case 'i':
	case 'u':
	case 'x':
	case 'X':
	case 'o':
	case 'c':
		put_number(a, &spec, *pos);
		break;
	case 's':
		output_padded(out, &spec.format, take_string(a));
		break;
	case 'p':
		return put_pointer(a, pos + 1, end);
	default:
		output_char(out, '>');
		output_char(out, *pos);
		output_char(out, '<');
	}
	return pos + 1;
}

static char escaped(char c)
{
	return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
}

static void put_format(struct event_run *run, struct text format)
{
	struct arguments arguments = { .run = run, .pos = run->event->fields[BUF].offset };
	const char *pos = format.start, *end = pos + format.size;

	while (pos < end) {
		if (*pos == '\\' && pos + 1 < end) {
			output_char(run->out, escaped(pos[1]));
			pos += 2;
		} else if (*pos == '%' && pos + 1 < end && pos[1] != '%') {
			pos = put_conversion(&arguments, pos + 1, end);
		} else {
			pos += *pos == '%' && pos + 1 < end;
			output_char(run->out, *pos++);
		}
	}
}

bool run_bprint(struct event_run *run)
{
	uint64_t address = run_number(run, FMT);
	struct text format;

	for (unsigned i = IP; i <= BUF; i++)
		if (!run->event->found[i])
			return false;
	run_function(run, run_number(run, IP), "0x");
	output_literal(run->out, ": ");
	if (run->env->printk_formats && printk_formats_find(run->env->printk_formats, address, &format)) {
		put_format(run, format);
	} else {
		output_literal(run->out, "(NO FORMAT FOUND at ");
		output_hex(run->out, address);
		output_literal(run->out, ")\n");
	}
	return true;
}
