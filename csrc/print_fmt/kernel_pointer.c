/* SPDX-License-Identifier: MIT */
/*
 * Conversions of %p that only the kernel's own text has; libtraceevent takes their letters for text.
 * The kernel's Documentation/core-api/printk-formats.rst.
 */
#include <string.h>

#include "metadata/api.h"
#include "print_fmt/program.h"

static bool at(const char *spec, const char *end, size_t i, const char *letters)
{
	return i < (size_t)(end - spec) && spec[i] && strchr(letters, spec[i]);
}

/* T[dt][rs], with the time that is meant a time64_t. */
static size_t time_spec_size(const char *spec, const char *end)
{
	size_t n = 2;

	if (!at(spec, end, 1, "T"))
		return 0;
	while (at(spec, end, n, "dtrs") && n < 5)
		n++;
	return n;
}

size_t kernel_spec_size(const char *spec, const char *end, enum piece_code *code)
{
	*code = PIECE_KERNEL;
	if (at(spec, end, 0, "sSfFB")) { /* R: relocated; b: with the build's id */
		size_t n = 1;

		*code = PIECE_SYMBOL;
		while (at(spec, end, n, "Rb") && n < 3)
			n++;
		return n;
	}
	if (at(spec, end, 0, "b"))
		return at(spec, end, 1, "l") ? 2 : 1;
	if (at(spec, end, 0, "e"))
		return 1;
	if (at(spec, end, 0, "a"))
		return at(spec, end, 1, "pd") ? 2 : 1;
	return at(spec, end, 0, "t") ? time_spec_size(spec, end) : 0;
}

/* --- symbols ----------------------------------------------------------------------------- */

/* S: how far in which length; B: of a return address, which is behind its call. */
void kernel_print_symbol(const struct print_fmt *p, uint64_t address, char letter, struct output *out)
{
	const struct kallsyms *kallsyms = p->env->kallsyms;
	struct symbol symbol;
	uint64_t size;

	if (!kallsyms || !kallsyms_find(kallsyms, address - (letter == 'B'), &symbol)) {
		output_literal(out, "0x");
		output_hex(out, address);
		return;
	}
	output_text(out, symbol.name);
	if (letter != 's' && letter != 'f') {
		output_literal(out, "+0x");
		output_hex(out, address - symbol.address);
		size = kallsyms_size(kallsyms, symbol.address);
		if (size) {
			output_literal(out, "/0x");
			output_hex(out, size);
		}
	}
	if (symbol.module.size) {
		output_literal(out, " [");
		output_text(out, symbol.module);
		output_char(out, ']');
	}
}

/* --- bitmaps ----------------------------------------------------------------------------- */

/* An array of unsigned longs, whose bytes are in the machine's order. */
struct bitmap {
	struct span bytes;
	uint32_t bits;
	unsigned long_size;
	bool big_endian;
};

static bool is_set(const struct bitmap *map, uint32_t bit)
{
	uint32_t byte = bit / 8;

	if (map->big_endian)
		byte = byte / map->long_size * map->long_size + map->long_size - 1 - byte % map->long_size;
	return byte < map->bytes.size && map->bytes.data[byte] >> bit % 8 & 1;
}

static void print_bit_list(const struct bitmap *map, struct output *out)
{
	bool first = true;

	for (uint32_t bit = 0; bit < map->bits; bit++) {
		uint32_t start = bit;

		if (!is_set(map, bit))
			continue;
		while (bit + 1 < map->bits && is_set(map, bit + 1))
			bit++;
		if (!first)
			output_char(out, ',');
		first = false;
		output_decimal(out, start);
		if (bit > start) {
			output_char(out, '-');
			output_decimal(out, bit);
		}
	}
}

/* Words of 32 bits, the highest first, which has as many digits as its bits take. */
static void print_bit_words(const struct bitmap *map, struct output *out)
{
	for (uint32_t left = map->bits; left;) {
		uint32_t size = left % 32 ? left % 32 : 32;
		struct number_format format = { .letter = 'x', .zero = true, .width = (size + 3) / 4 };
		uint32_t word = 0;

		for (uint32_t bit = 0; bit < size; bit++)
			word |= (uint32_t)is_set(map, left - size + bit) << bit;
		if (left != map->bits)
			output_char(out, ',');
		output_number(out, &format, word);
		left -= size;
	}
}

static void print_bitmap(const struct print_fmt *p, const struct print_record *r, const struct piece *piece,
			 struct span bytes, struct output *out)
{
	struct bitmap map = { bytes, piece->format.width, p->env->long_size, p->big_endian };
	int32_t count;

	if (piece->star != NO_EXPR) {
		count = (int32_t)expr_eval(p, r, piece->star);
		map.bits = count > 0 ? (uint32_t)count : 0;
	}
	if (map.bits / 8 > bytes.size)
		map.bits = bytes.size * 8;
	if (piece->spec[1] == 'l')
		print_bit_list(&map, out);
	else
		print_bit_words(&map, out);
}

/* --- errors ------------------------------------------------------------------------------ */

/* Of Linux on most machines; errno(3). */
static const char *const error_names[] = {
	[1] = "EPERM",
	"ENOENT",
	"ESRCH",
	"EINTR",
	"EIO",
	"ENXIO",
	"E2BIG",
	"ENOEXEC",
	"EBADF",
	"ECHILD",
	"EAGAIN",
	"ENOMEM",
	"EACCES",
	"EFAULT",
	"ENOTBLK",
	"EBUSY",
	"EEXIST",
	"EXDEV",
	"ENODEV",
	"ENOTDIR",
	"EISDIR",
	"EINVAL",
	"ENFILE",
	"EMFILE",
	"ENOTTY",
	"ETXTBSY",
	"EFBIG",
	"ENOSPC",
	"ESPIPE",
	"EROFS",
	"EMLINK",
	"EPIPE",
	"EDOM",
	"ERANGE",
	"EDEADLK",
	"ENAMETOOLONG",
	"ENOLCK",
	"ENOSYS",
	"ENOTEMPTY",
	"ELOOP",
	[42] = "ENOMSG",
	"EIDRM",
	"ECHRNG",
	"EL2NSYNC",
	"EL3HLT",
	"EL3RST",
	"ELNRNG",
	"EUNATCH",
	"ENOCSI",
	"EL2HLT",
	"EBADE",
	"EBADR",
	"EXFULL",
	"ENOANO",
	"EBADRQC",
	"EBADSLT",
	[59] = "EBFONT",
	"ENOSTR",
	"ENODATA",
	"ETIME",
	"ENOSR",
	"ENONET",
	"ENOPKG",
	"EREMOTE",
	"ENOLINK",
	"EADV",
	"ESRMNT",
	"ECOMM",
	"EPROTO",
	"EMULTIHOP",
	"EDOTDOT",
	"EBADMSG",
	"EOVERFLOW",
	"ENOTUNIQ",
	"EBADFD",
	"EREMCHG",
	"ELIBACC",
	"ELIBBAD",
	"ELIBSCN",
	"ELIBMAX",
	"ELIBEXEC",
	"EILSEQ",
	"ERESTART",
	"ESTRPIPE",
	"EUSERS",
	"ENOTSOCK",
	"EDESTADDRREQ",
	"EMSGSIZE",
	"EPROTOTYPE",
	"ENOPROTOOPT",
	"EPROTONOSUPPORT",
	"ESOCKTNOSUPPORT",
	"EOPNOTSUPP",
	"EPFNOSUPPORT",
	"EAFNOSUPPORT",
	"EADDRINUSE",
	"EADDRNOTAVAIL",
	"ENETDOWN",
	"ENETUNREACH",
	"ENETRESET",
	"ECONNABORTED",
	"ECONNRESET",
	"ENOBUFS",
	"EISCONN",
	"ENOTCONN",
	"ESHUTDOWN",
	"ETOOMANYREFS",
	"ETIMEDOUT",
	"ECONNREFUSED",
	"EHOSTDOWN",
	"EHOSTUNREACH",
	"EALREADY",
	"EINPROGRESS",
	"ESTALE",
	"EUCLEAN",
	"ENOTNAM",
	"ENAVAIL",
	"EISNAM",
	"EREMOTEIO",
	"EDQUOT",
	"ENOMEDIUM",
	"EMEDIUMTYPE",
	"ECANCELED",
	"ENOKEY",
	"EKEYEXPIRED",
	"EKEYREVOKED",
	"EKEYREJECTED",
	"EOWNERDEAD",
	"ENOTRECOVERABLE",
	"ERFKILL",
	"EHWPOISON",
	/* of the kernel alone */
	[512] = "ERESTARTSYS",
	"ERESTARTNOINTR",
	"ERESTARTNOHAND",
	"ENOIOCTLCMD",
	"ERESTART_RESTARTBLOCK",
	"EPROBE_DEFER",
	"EOPENSTALE",
	"ENOPARAM",
};

static void print_hex(uint64_t value, unsigned digits, struct output *out)
{
	struct number_format format = { .letter = 'x', .zero = true, .width = digits };

	output_number(out, &format, value);
}

/* An error in the place of a pointer. */
static void print_error(const struct print_fmt *p, uint64_t value, struct output *out)
{
	unsigned shift = 64 - 8 * p->env->long_size;
	uint64_t error = UINT64_C(0) - (uint64_t)((int64_t)(value << shift) >> shift);

	if (error < countof(error_names) && error_names[error]) {
		output_char(out, '-');
		output_bytes(out, error_names[error], strlen(error_names[error]));
	} else if (error && error <= 4095) {
		output_signed(out, -(int64_t)error);
	} else {
		print_hex(value, 2 * p->env->long_size, out);
	}
}

/* --- times ------------------------------------------------------------------------------- */

static void print_padded(uint64_t value, unsigned digits, struct output *out)
{
	struct number_format format = { .letter = 'u', .zero = true, .width = digits };

	output_number(out, &format, value);
}

/* Days since 1970 as a date of the Gregorian calendar, counted in years that begin in March. */
static void print_date(int64_t days, bool raw, struct output *out)
{
	int64_t since = days + 719468, era, year; /* 0000-03-01 */
	uint32_t of_era, of_year, month;

	era = (since >= 0 ? since : since - 146096) / 146097;
	of_era = (uint32_t)(since - era * 146097);
	of_year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	year = era * 400 + of_year;
	of_year = of_era - (365 * of_year + of_year / 4 - of_year / 100);
	month = (5 * of_year + 2) / 153;
	year += month >= 10;
	if (raw)
		year -= 1900;
	if (year < 0)
		output_char(out, '-');
	print_padded((uint64_t)(year < 0 ? -year : year), 4, out);
	output_char(out, '-');
	print_padded((month + 2) % 12 + !raw, 2, out);
	output_char(out, '-');
	print_padded(of_year - (153 * month + 2) / 5 + 1, 2, out);
}

static void print_time(const char *spec, int64_t seconds, struct output *out)
{
	bool date = !strchr(spec + 2, 't') || strchr(spec + 2, 'd');
	bool time = !strchr(spec + 2, 'd') || strchr(spec + 2, 't');
	int64_t days = seconds / 86400 - (seconds % 86400 < 0);
	uint32_t of_day = (uint32_t)(seconds - days * 86400);

	if (date)
		print_date(days, strchr(spec + 2, 'r'), out);
	if (date && time)
		output_char(out, strchr(spec + 2, 's') ? ' ' : 'T');
	if (!time)
		return;
	print_padded(of_day / 3600, 2, out);
	output_char(out, ':');
	print_padded(of_day / 60 % 60, 2, out);
	output_char(out, ':');
	print_padded(of_day % 60, 2, out);
}

/* --- dispatch ---------------------------------------------------------------------------- */

struct span kernel_pointed_bytes(const struct print_fmt *p, const struct print_record *r, uint32_t arg)
{
	const struct expr *e = &p->exprs[arg];

	while ((e->code == EXPR_MASK || e->code == EXPR_SIGN) && e->a != NO_EXPR)
		e = &p->exprs[e->a];
	if (e->code == EXPR_DYNAMIC)
		return read_dynamic(p, r, &e->field);
	if (e->code == EXPR_ADDRESS || (e->code == EXPR_FIELD && e->field.flags & TRC_FIELD_ARRAY))
		return read_static(r, &e->field);
	return (struct span){ r->data, 0 };
}

void piece_run_kernel(const struct print_fmt *p, const struct print_record *r, const struct piece *piece,
		      struct output *out)
{
	struct span bytes;

	if (piece->arg == NO_EXPR)
		return;
	bytes = kernel_pointed_bytes(p, r, piece->arg);
	if (piece->spec[0] == 'e') {
		print_error(p, expr_eval(p, r, piece->arg), out);
	} else if (!bytes.size) { /* what it points at is not in the record */
		print_hex(expr_eval(p, r, piece->arg), 2 * p->env->long_size, out);
	} else if (piece->spec[0] == 'b') {
		print_bitmap(p, r, piece, bytes, out);
	} else if (piece->spec[0] == 'a') {
		unsigned size = bytes.size >= 8 ? 8 : bytes.size >= 4 ? 4 : bytes.size;

		output_literal(out, "0x");
		print_hex(load_uint(bytes.data, size, p->big_endian), 2 * size, out);
	} else {
		print_time(piece->spec,
			   (int64_t)load_uint(bytes.data, bytes.size >= 8 ? 8 : bytes.size, p->big_endian),
			   out);
	}
}
