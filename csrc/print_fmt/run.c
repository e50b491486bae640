/* SPDX-License-Identifier: MIT */
/* Running a compiled print fmt over a record. docs/FORMAT.md 5.5 to 5.7. */
#include "metadata/api.h"
#include "print_fmt/program.h"

/* --- fields ------------------------------------------------------------------------------ */

struct span read_dynamic(const struct print_fmt *p, const struct print_record *r, const struct place *field)
{
	uint64_t value = read_number(p, r, field->offset, field->size);
	uint64_t offset = value & 0xffff, size = value >> 16 & 0xffff;

	if (offset > r->size)
		offset = 0;
	if (field->size == 2) /* very old kernels */
		size = r->size - offset;
	if (offset + size > r->size)
		size = 0;
	if (field->flags & TRC_FIELD_RELATIVE)
		offset += (uint64_t)field->offset + field->size;
	if (offset + size > r->size) /* libtraceevent does not look again */
		return (struct span){ r->data, 0 };
	return (struct span){ r->data + offset, (uint32_t)size };
}

struct span read_static(const struct print_record *r, const struct place *field)
{
	uint32_t left = field->offset < r->size ? r->size - field->offset : 0;

	if (!left)
		return (struct span){ r->data, 0 };
	return (struct span){ r->data + field->offset,
			      field->size && field->size < left ? field->size : left };
}

/* --- numbers ----------------------------------------------------------------------------- */

static uint64_t eval_index(const struct print_fmt *p, const struct print_record *r, const struct expr *e)
{
	uint64_t index = expr_eval(p, r, e->b), offset;

	if (index > r->size)
		return 0;
	if (e->code == EXPR_INDEX && e->field.dynamic) { /* as C has it */
		offset = (uint64_t)(read_dynamic(p, r, &e->field).data - r->data) +
			 index * e->field.element_size;
	} else if (e->code == EXPR_DYNAMIC_INDEX) {
		offset = read_number(p, r, e->field.offset, e->field.size) & 0xffff;
		if (e->field.flags & TRC_FIELD_RELATIVE)
			offset += (uint64_t)e->field.offset + e->field.size;
		offset += index;
	} else {
		offset = e->field.offset + index * e->field.element_size;
	}
	return read_number(p, r, offset, e->size) & e->value;
}

static uint64_t eval_binary(enum expr_code code, uint64_t a, uint64_t b)
{
	int64_t sa = (int64_t)a, sb = (int64_t)b;

	switch (code) {
	case EXPR_ADD:
		return a + b;
	case EXPR_SUB:
		return a - b;
	case EXPR_MUL:
		return a * b;
	case EXPR_DIV:
		return b ? a / b : 0;
	case EXPR_MOD:
		return b ? a % b : 0;
	case EXPR_SHL:
		return a << (b & 63);
	case EXPR_SHR:
		return a >> (b & 63);
	case EXPR_LT:
		return a < b;
	case EXPR_GT:
		return a > b;
	case EXPR_LE:
		return a <= b;
	case EXPR_GE:
		return a >= b;
	case EXPR_EQ:
		return a == b;
	case EXPR_NE:
		return a != b;
	case EXPR_AND:
		return a & b;
	case EXPR_OR:
		return a | b;
	case EXPR_XOR:
		return a ^ b;
	case EXPR_SDIV:
		return !sb ? 0 : sb == -1 ? UINT64_C(0) - a : (uint64_t)(sa / sb);
	case EXPR_SMOD:
		return !sb || sb == -1 ? 0 : (uint64_t)(sa % sb);
	case EXPR_SSHR:
		return (uint64_t)(sa >> (b & 63));
	case EXPR_SLT:
		return sa < sb;
	case EXPR_SGT:
		return sa > sb;
	case EXPR_SLE:
		return sa <= sb;
	case EXPR_SGE:
		return sa >= sb;
	default:
		return 0;
	}
}

TRC_INLINE uint64_t sign_extend(uint64_t value, unsigned size)
{
	unsigned shift = 64 - 8 * size;

	return (uint64_t)((int64_t)(value << shift) >> shift);
}

uint64_t expr_eval(const struct print_fmt *p, const struct print_record *r, uint32_t index)
{
	const struct expr *e;

	if (TRC_UNLIKELY(index == NO_EXPR))
		return 0;
	e = &p->exprs[index];
	switch ((enum expr_code)e->code) {
	case EXPR_CONST:
	case EXPR_TEXT:
		return e->value;
	case EXPR_FIELD:
		return read_number(p, r, e->field.offset, e->field.size);
	case EXPR_ADDRESS:
		return e->field.offset;
	case EXPR_MASK:
		return expr_eval(p, r, e->a) & e->value;
	case EXPR_SIGN:
		return sign_extend(expr_eval(p, r, e->a), e->size);
	case EXPR_NOT:
		return !expr_eval(p, r, e->b);
	case EXPR_COMPLEMENT:
		return ~expr_eval(p, r, e->b);
	case EXPR_NEGATE:
		return UINT64_C(0) - expr_eval(p, r, e->b);
	case EXPR_ALL:
		return expr_eval(p, r, e->a) && expr_eval(p, r, e->b);
	case EXPR_ANY:
		return expr_eval(p, r, e->a) || expr_eval(p, r, e->b);
	case EXPR_COND:
		return expr_eval(p, r, expr_eval(p, r, e->a) ? e->b : e->c);
	case EXPR_INDEX:
	case EXPR_DYNAMIC_INDEX:
		return eval_index(p, r, e);
	case EXPR_DYNAMIC_LEN:
		return read_dynamic(p, r, &e->field).size;
	case EXPR_DYNAMIC: /* libtraceevent: an address in its own memory. Say where in the record */
		return (uint64_t)(read_dynamic(p, r, &e->field).data - r->data);
	case EXPR_FUNC:
		return function_eval(p, r, e);
	case EXPR_HELPER:
		return helper_eval(p, r, e);
	case EXPR_STRING:
	case EXPR_BITMASK:
	case EXPR_CPUMASK:
	case EXPR_MISSING:
	case EXPR_FLAGS:
	case EXPR_SYMBOL:
	case EXPR_HEX:
	case EXPR_HEX_STR:
	case EXPR_ARRAY:
	case EXPR_STACKTRACE:
	case EXPR_ARGUMENT:
	case EXPR_NOTHING:
		return 0;
	default:
		return eval_binary(e->code, expr_eval(p, r, e->a), expr_eval(p, r, e->b));
	}
}

/* --- strings ----------------------------------------------------------------------------- */

/* Each piece of a text gets the conversion's width and precision. */
static void print_text(struct text text, const struct number_format *format, struct output *out)
{
	if (TRC_LIKELY(!format))
		output_text(out, text);
	else
		output_padded(out, format, text);
}

/* Bytes up to NUL. */
static void print_string(struct span bytes, const struct number_format *format, struct output *out)
{
	const uint8_t *end = memchr(bytes.data, 0, bytes.size);

	print_text((struct text){ (const char *)bytes.data, end ? (size_t)(end - bytes.data) : bytes.size },
		   format, out);
}

/*
 * A field that is as large as a pointer is one: to a text of the kernel. libtraceevent reads it in
 * the byte order of the machine that it runs on, here taken to be little-endian.
 */
static void print_pointed(const struct print_fmt *p, uint64_t address, struct output *out)
{
	struct text text;

	if (p->env->printk_formats && printk_formats_find(p->env->printk_formats, address, &text))
		output_text(out, text);
	else
		output_hex(out, address);
}

static void print_field(const struct print_fmt *p, const struct print_record *r, const struct place *field,
			const struct number_format *format, struct output *out)
{
	if (!(field->flags & TRC_FIELD_ARRAY) && field->size == p->env->long_size) {
		bool swapped = p->big_endian && p->env->kernel_text;

		if ((uint64_t)field->offset + field->size <= r->size)
			print_pointed(p, load_uint(r->data + field->offset, field->size, swapped), out);
		return;
	}
	print_string(read_static(r, field), format, out);
}

/* The kernel's own way: every entry whose bits are all set, 0 included. */
static void print_hex(uint64_t value, struct output *out)
{
	output_literal(out, "0x");
	output_hex(out, value);
}

/* Text of flags as it grows: names with the delimiter between them. */
struct flags_text {
	const struct expr *e;
	const struct number_format *format;
	struct output *out;
	bool printed;
};

static void delimit(struct flags_text *text)
{
	if (text->printed)
		output_text(text->out, text->e->text);
	text->printed = true;
}

static void print_flag(struct flags_text *text, const struct entry *entry)
{
	delimit(text);
	print_text(entry->name, text->format, text->out);
}

/* The bits that no entry names. */
static void print_other_bits(struct flags_text *text, uint64_t value)
{
	delimit(text);
	print_hex(value, text->out);
}

static void print_flags_c(struct flags_text *text, uint64_t value, const struct entry *entry,
			  const struct entry *end)
{
	for (; entry < end; entry++) {
		if ((value & entry->value) != entry->value)
			continue;
		print_flag(text, entry);
		value &= ~entry->value;
	}
	if (value)
		print_other_bits(text, value);
}

/* An entry whose value libtraceevent could not read stands for 0: when no bit is left. */
static void print_flags_tep(struct flags_text *text, uint64_t value, const struct entry *entry,
			    const struct entry *end)
{
	for (; entry < end && value; entry++) {
		if ((int64_t)entry->value <= 0 || (value & entry->value) != entry->value)
			continue;
		print_flag(text, entry);
		value &= ~entry->value;
	}
	if (value) {
		print_other_bits(text, value);
		return;
	}
	for (; entry < end; entry++) {
		if ((int64_t)entry->value < 0) {
			print_text(entry->name, text->format, text->out);
			return;
		}
	}
}

static void print_flags(const struct print_fmt *p, const struct print_record *r, const struct expr *e,
			const struct number_format *format, struct output *out)
{
	struct flags_text text = { e, format, out, false };
	uint64_t value = expr_eval(p, r, e->a);
	const struct entry *entry = p->entries + e->first, *end = entry + e->count;

	if (p->env->kernel_text)
		print_flags_c(&text, value, entry, end);
	else
		print_flags_tep(&text, value, entry, end);
}

static void print_symbol(const struct print_fmt *p, const struct print_record *r, const struct expr *e,
			 const struct number_format *format, struct output *out)
{
	uint64_t value = expr_eval(p, r, e->a);
	const struct entry *entries = p->entries + e->first;
	uint32_t i = e->sorted && value < e->count ? (uint32_t)value : 0;

	for (; i < e->count; i++) {
		if (entries[i].value == value) {
			print_text(entries[i].name, format, out);
			return;
		}
	}
	print_hex(value, out);
}

static struct span bytes_of(const struct print_fmt *p, const struct print_record *r, const struct expr *e)
{
	struct span bytes;

	if (e->field.dynamic) {
		bytes = read_dynamic(p, r, &e->field);
		bytes.size = r->size - (uint32_t)(bytes.data - r->data);
	} else {
		bytes = read_static(r, &e->field);
		bytes.size = r->size - (uint32_t)(bytes.data - r->data);
		if (e->field.offset >= r->size)
			bytes.size = 0;
	}
	return bytes;
}

static void print_array(const struct print_fmt *p, const struct print_record *r, const struct expr *e,
			struct output *out)
{
	uint64_t size = expr_eval(p, r, e->c), count;

	if (e->b == NO_EXPR)
		count = read_dynamic(p, r, &e->field).size / (size ? size : 1);
	else
		count = expr_eval(p, r, e->b);
	output_array(out, bytes_of(p, r, e), count, size, p->big_endian);
}

/* libtraceevent believes the count; here it ends with the record. */
static void print_bytes(const struct print_fmt *p, const struct print_record *r, const struct expr *e,
			struct output *out)
{
	struct span bytes = bytes_of(p, r, e);
	uint64_t count = expr_eval(p, r, e->b);

	if ((int32_t)count < 0) /* it is an int there */
		count = 0;
	if ((uint32_t)count < bytes.size)
		bytes.size = (uint32_t)count;
	output_hex_bytes(out, bytes, e->code == EXPR_HEX ? " " : "");
}

static void print_mask(const struct print_fmt *p, const struct print_record *r, const struct expr *e,
		       const struct number_format *format, struct output *out)
{
	struct span mask = read_dynamic(p, r, &e->field);
	size_t start = out->size, size;

	if (e->code == EXPR_BITMASK)
		output_bitmask(out, mask, p->big_endian);
	else
		output_cpumask(out, mask, p->big_endian);
	if (format && format->has_precision && out->size - start > format->precision)
		out->size = start + format->precision;
	size = out->size - start;
	if (format && format->width > size && output_reserve(out, format->width - size)) {
		size_t blanks = format->width - size;
		char *text = out->data + start;

		if (!format->minus)
			memmove(text + blanks, text, size);
		memset(format->minus ? text + size : text, ' ', blanks);
		out->size += blanks;
	}
}

void expr_print(const struct print_fmt *p, const struct print_record *r, uint32_t index,
		const struct number_format *format, struct output *out)
{
	const struct expr *e;

	if (TRC_UNLIKELY(index == NO_EXPR))
		return;
	e = &p->exprs[index];
	switch ((enum expr_code)e->code) {
	case EXPR_TEXT:
		print_text(e->text, format, out);
		break;
	case EXPR_MISSING:
		break;
	case EXPR_FIELD:
		print_field(p, r, &e->field, format, out);
		break;
	case EXPR_STRING: {
		struct span bytes = read_dynamic(p, r, &e->field);

		if (bytes.size)
			print_string(bytes, format, out);
		break;
	}
	case EXPR_FLAGS:
		print_flags(p, r, e, format, out);
		break;
	case EXPR_SYMBOL:
		print_symbol(p, r, e, format, out);
		break;
	case EXPR_HEX:
	case EXPR_HEX_STR:
		print_bytes(p, r, e, out);
		break;
	case EXPR_ARRAY:
		print_array(p, r, e, out);
		break;
	case EXPR_STACKTRACE:
		output_stack(p, r, &e->field, out);
		break;
	case EXPR_BITMASK:
	case EXPR_CPUMASK:
		print_mask(p, r, e, format, out);
		break;
	case EXPR_COND:
		expr_print(p, r, expr_eval(p, r, e->a) ? e->b : e->c, format, out);
		break;
	case EXPR_FUNC:
		function_print(p, r, e, out);
		break;
	case EXPR_HELPER:
		helper_print(p, r, e, format, out);
		break;
	default: /* casts and other operators: libtraceevent prints nothing */
		break;
	}
}

/* --- conversions ------------------------------------------------------------------------- */

/* The width or precision that an argument gives; libtraceevent leaves a negative one out. */
static struct number_format with_star(const struct print_fmt *p, const struct print_record *r,
				      const struct piece *piece)
{
	struct number_format format = piece->format;
	int32_t value;

	if (piece->star == NO_EXPR)
		return format;
	value = (int32_t)expr_eval(p, r, piece->star);
	if (value < 0) {
		format.has_precision &= !piece->star_precision;
		return format;
	}
	if (value > NUMBER_MAX_WIDTH)
		value = NUMBER_MAX_WIDTH;
	if (piece->star_width)
		format.width = (uint32_t)value;
	if (piece->star_precision)
		format.precision = (uint32_t)value;
	return format;
}

static void print_pointer(const struct print_fmt *p, uint64_t value, struct output *out)
{
	if (p->env->kernel_text) {
		struct number_format format = { .letter = 'x', .zero = true, .width = p->env->long_size * 2 };

		output_number(out, &format, value);
		return;
	}
	if (!value) {
		output_literal(out, "(nil)");
		return;
	}
	print_hex(value, out);
}

/* %ps, %pf: the name; %pS, %pF: and how far after its start. raw: then the address. */
static void print_function(const struct print_record *r, uint64_t address, char letter, bool raw,
			   struct output *out)
{
	const struct cached_symbol *symbol = symbol_cache_find(r->symbols, address);

	if (symbol) {
		output_text(out, symbol->name);
		if (letter == 'S' || letter == 'F') {
			output_literal(out, "+0x");
			output_hex(out, address - symbol->address);
		}
	} else if (!raw) {
		print_hex(address, out);
	}
	if (raw) {
		output_literal(out, " (0x");
		output_hex(out, address);
		output_char(out, ')');
	}
}

TRC_INLINE uint64_t narrow(uint64_t value, const struct piece *piece)
{
	value <<= piece->shift;
	return piece->is_signed ? (uint64_t)((int64_t)value >> piece->shift) : value >> piece->shift;
}

TRC_INLINE uint64_t piece_value(const struct print_fmt *p, const struct print_record *r,
				const struct piece *piece)
{
	const struct expr *e = &p->exprs[piece->arg];

	if (TRC_LIKELY(e->code == EXPR_FIELD))
		return read_number(p, r, e->field.offset, e->field.size);
	return expr_eval(p, r, piece->arg);
}

void piece_run(const struct print_fmt *p, const struct print_record *r, const struct piece *piece, bool raw,
	       struct output *out)
{
	struct number_format format;

	switch ((enum piece_code)piece->code) {
	case PIECE_END:
		break;
	case PIECE_DECIMAL:
		output_decimal(out, narrow(piece_value(p, r, piece), piece));
		break;
	case PIECE_SIGNED:
		output_signed(out, (int64_t)narrow(piece_value(p, r, piece), piece));
		break;
	case PIECE_HEX:
		output_hex(out, narrow(piece_value(p, r, piece), piece));
		break;
	case PIECE_NUMBER:
		format = with_star(p, r, piece);
		output_number(out, &format, narrow(piece_value(p, r, piece), piece));
		break;
	case PIECE_PLAIN_STRING:
		expr_print(p, r, piece->arg, NULL, out);
		break;
	case PIECE_STRING:
		format = with_star(p, r, piece);
		expr_print(p, r, piece->arg, &format, out);
		break;
	case PIECE_POINTER:
		print_pointer(p, expr_eval(p, r, piece->arg), out);
		break;
	case PIECE_KERNEL:
		piece_run_kernel(p, r, piece, out);
		break;
	case PIECE_SYMBOL:
		if (p->env->kernel_text && !raw)
			kernel_print_symbol(p, expr_eval(p, r, piece->arg), piece->spec[0], out);
		else
			print_function(r, expr_eval(p, r, piece->arg), piece->spec[0], raw, out);
		break;
	case PIECE_MAC:
	case PIECE_IP:
	case PIECE_UUID:
	case PIECE_BUFFER:
		piece_run_pointer(p, r, piece, out);
		break;
	}
}
