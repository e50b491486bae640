/* SPDX-License-Identifier: MIT */
/*
 * The kernel's extensions of %p for addresses, UUIDs and buffers, as far as libtraceevent knows
 * them. docs/FORMAT.md 5.7; the kernel's Documentation/core-api/printk-formats.rst.
 */
#include "print_fmt/program.h"

#define SIZE_MAC 6
#define SIZE_IPV4 4
#define SIZE_IPV6 16
#define SIZE_UUID 16
#define SIZE_SOCKADDR_IN 16
#define SIZE_SOCKADDR_IN6 28
#define FAMILY_IPV4 2
#define FAMILY_IPV6 10

/* --- how far a conversion reaches --------------------------------------------------------- */

static bool at(const char *spec, const char *end, size_t i, const char *letters)
{
	return i < (size_t)(end - spec) && strchr(letters, spec[i]) && spec[i];
}

/* I4[hlnb], I6[c], IS[p][hlnb], ISpc, ISc; any other I is taken, and prints nothing. */
static size_t ip_spec_size(const char *spec, const char *end)
{
	size_t n = 2;

	if (at(spec, end, 1, "6"))
		return at(spec, end, 2, "c") ? 3 : 2;
	if (at(spec, end, 1, "S")) {
		n += at(spec, end, 2, "p");
		if (at(spec, end, n, "c"))
			return n + 1;
	} else if (!at(spec, end, 1, "4")) {
		return 1;
	}
	return at(spec, end, n, "hlnb") ? n + 1 : n;
}

size_t pointer_spec_size(const char *spec, const char *end, enum piece_code *code)
{
	if (at(spec, end, 0, "sSfF")) {
		*code = PIECE_SYMBOL;
		return 1;
	}
	if (at(spec, end, 0, "mM")) {
		*code = PIECE_MAC;
		return at(spec, end, 1, "FR") ? 2 : 1;
	}
	if (at(spec, end, 0, "iI")) {
		*code = PIECE_IP;
		return ip_spec_size(spec, end);
	}
	if (at(spec, end, 0, "U")) {
		*code = PIECE_UUID;
		return at(spec, end, 1, "bBlL") ? 2 : 1;
	}
	if (at(spec, end, 0, "h")) {
		*code = PIECE_BUFFER;
		return at(spec, end, 1, "CDN") ? 2 : 1;
	}
	return 0;
}

/* --- addresses --------------------------------------------------------------------------- */

static void put_hex(struct output *out, unsigned byte)
{
	char digits[2] = { number_lower[byte >> 4], number_lower[byte & 15] };

	output_bytes(out, digits, 2);
}

static void print_mac(const char *spec, struct span bytes, struct output *out)
{
	bool reverse = spec[1] == 'R';
	char separator = spec[0] == 'm' ? '\0' : spec[1] == 'F' ? '-' : ':';

	for (unsigned i = 0; i < SIZE_MAC; i++) {
		if (i && separator)
			output_char(out, separator);
		put_hex(out, bytes.data[reverse ? SIZE_MAC - 1 - i : i]);
	}
}

static void print_ipv4(const uint8_t *address, bool reverse, bool padded, struct output *out)
{
	for (unsigned i = 0; i < SIZE_IPV4; i++) {
		unsigned byte = address[reverse ? SIZE_IPV4 - 1 - i : i];

		if (i)
			output_char(out, '.');
		if (padded) {
			char digits[3];

			number_padded(digits, byte, 3);
			output_bytes(out, digits, 3);
		} else {
			output_decimal(out, byte);
		}
	}
}

static void print_ipv6(const uint8_t *address, bool colons, struct output *out)
{
	for (unsigned i = 0; i < SIZE_IPV6; i++) {
		if (colons && i && i % 2 == 0)
			output_char(out, ':');
		put_hex(out, address[i]);
	}
}

static unsigned ipv6_group(const uint8_t *address, unsigned i)
{
	return (unsigned)address[2 * i] << 8 | address[2 * i + 1];
}

/* Addresses that hold one of IPv4: ::ffff:a.b.c.d, and those of ISATAP. */
static bool has_ipv4(const uint8_t *address)
{
	bool mapped = true;

	for (unsigned i = 0; i < 5; i++)
		mapped &= !ipv6_group(address, i);
	if (mapped && ipv6_group(address, 5) == 0xffff)
		return true;
	return (ipv6_group(address, 4) | 0x0200) == 0x0200 && ipv6_group(address, 5) == 0x5efe;
}

/* The first of the longest runs of zero groups among the first count; its length, if above 1. */
static unsigned longest_zeros(const uint8_t *address, unsigned count, unsigned *first)
{
	unsigned longest = 1;

	for (unsigned i = 0; i < count; i++) {
		unsigned n = 0;

		while (i + n < count && !ipv6_group(address, i + n))
			n++;
		if (n > longest) {
			longest = n;
			*first = i;
		}
	}
	return longest > 1 ? longest : 0;
}

static void print_ipv6_short(const uint8_t *address, struct output *out)
{
	bool ipv4 = has_ipv4(address);
	unsigned count = ipv4 ? 6 : 8, first = 0, zeros = longest_zeros(address, count, &first);
	bool colon = false;

	for (unsigned i = 0; i < count; i++) {
		if (zeros && i == first) {
			if (colon || !i)
				output_char(out, ':');
			output_char(out, ':');
			colon = false;
			i += zeros - 1;
			continue;
		}
		if (colon)
			output_char(out, ':');
		output_hex(out, ipv6_group(address, i));
		colon = true;
	}
	if (ipv4) {
		if (colon)
			output_char(out, ':');
		print_ipv4(address + 12, false, false, out);
	}
}

static bool ipv4_reversed(const struct print_fmt *p, char order)
{
	return order == 'l' || (order == 'h' && !p->big_endian);
}

static void print_port(const uint8_t *sockaddr, struct output *out)
{
	output_char(out, ':');
	output_decimal(out, load_u16(sockaddr + 2, true));
}

static void print_sockaddr(const struct print_fmt *p, const char *spec, struct span bytes, struct output *out)
{
	bool with_port = strchr(spec, 'p') != NULL, shorter = strchr(spec, 'c') != NULL;
	unsigned family = bytes.size >= 2 ? load_u16(bytes.data, p->big_endian) : 0;

	if (family == FAMILY_IPV4) {
		if (bytes.size < SIZE_SOCKADDR_IN) {
			output_literal(out, "INVALIDIPv4");
			return;
		}
		print_ipv4(bytes.data + 4, ipv4_reversed(p, spec[strlen(spec) - 1]), spec[0] == 'i', out);
		if (with_port)
			print_port(bytes.data, out);
	} else if (family == FAMILY_IPV6) {
		if (bytes.size < SIZE_SOCKADDR_IN6) {
			output_literal(out, "INVALIDIPv6");
			return;
		}
		if (with_port)
			output_char(out, '[');
		if (shorter)
			print_ipv6_short(bytes.data + 8, out);
		else
			print_ipv6(bytes.data + 8, spec[0] == 'I', out);
		if (with_port) {
			output_char(out, ']');
			print_port(bytes.data, out);
		}
	}
}

static void print_ip(const struct print_fmt *p, const char *spec, struct span bytes, struct output *out)
{
	if (spec[1] == 'S') {
		print_sockaddr(p, spec, bytes, out);
	} else if (spec[1] == '4') {
		if (bytes.size != SIZE_IPV4)
			output_literal(out, "INVALIDIPv4");
		else
			print_ipv4(bytes.data, ipv4_reversed(p, spec[2]), spec[0] == 'i', out);
	} else if (bytes.size != SIZE_IPV6) {
		output_literal(out, "INVALIDIPv6");
	} else if (spec[0] == 'I' && spec[2] == 'c') {
		print_ipv6_short(bytes.data, out);
	} else {
		print_ipv6(bytes.data, spec[0] == 'I', out);
	}
}

/* l and L: the first three groups are little-endian numbers. B and L: upper case. */
static void print_uuid(const char *spec, struct span bytes, struct output *out)
{
	static const uint8_t little[SIZE_UUID] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	bool swapped = spec[1] == 'l' || spec[1] == 'L';
	const char *digits = spec[1] == 'B' || spec[1] == 'L' ? number_upper : number_lower;

	for (unsigned i = 0; i < SIZE_UUID; i++) {
		unsigned byte = bytes.data[swapped ? little[i] : i];

		output_char(out, digits[byte >> 4]);
		output_char(out, digits[byte & 15]);
		if (i == 3 || i == 5 || i == 7 || i == 9)
			output_char(out, '-');
	}
}

/* --- conversions ------------------------------------------------------------------------- */

static void print_buffer(const struct print_fmt *p, const struct print_record *r, const struct piece *piece,
			 struct span bytes, struct output *out)
{
	char letter = piece->spec[1];
	int32_t count = 1;

	if (piece->star != NO_EXPR)
		count = (int32_t)expr_eval(p, r, piece->star);
	if (count >= 0 && (uint32_t)count < bytes.size)
		bytes.size = (uint32_t)count;
	output_hex_bytes(out, bytes, letter == 'C' ? ":" : letter == 'D' ? "-" : letter == 'N' ? "" : " ");
}

/* Which of them read __get_dynamic_array(): buffers nothing else, addresses only of sockets. */
static bool takes_dynamic(const struct piece *piece)
{
	return piece->code == PIECE_BUFFER || (piece->code == PIECE_IP && piece->spec[1] == 'S');
}

/* The kernel takes an address for the start of as many bytes as it wants. */
static struct span first_bytes(const struct piece *piece, struct span bytes)
{
	uint32_t wanted = piece->code == PIECE_MAC			   ? SIZE_MAC :
			  piece->code == PIECE_UUID			   ? SIZE_UUID :
			  piece->code == PIECE_IP && piece->spec[1] == '4' ? SIZE_IPV4 :
			  piece->code == PIECE_IP && piece->spec[1] == '6' ? SIZE_IPV6 :
									     bytes.size;

	if (bytes.size > wanted)
		bytes.size = wanted;
	return bytes;
}

void piece_run_pointer(const struct print_fmt *p, const struct print_record *r, const struct piece *piece,
		       struct output *out)
{
	const struct expr *e;
	struct span bytes;

	if (piece->arg == NO_EXPR)
		return;
	e = &p->exprs[piece->arg];
	while (e->code == EXPR_MASK && e->a != NO_EXPR && piece->code != PIECE_BUFFER)
		e = &p->exprs[e->a]; /* casts do not matter */
	if (e->code == EXPR_FUNC) {
		function_print(p, r, e, out);
		return;
	}
	if (piece->code == PIECE_IP && !piece->spec[1]) /* neither 4, 6 nor S */
		return;
	if (p->env->kernel_text && kernel_pointed_bytes(p, r, piece->arg).size) {
		bytes = first_bytes(piece, kernel_pointed_bytes(p, r, piece->arg));
	} else if (e->code == EXPR_DYNAMIC && takes_dynamic(piece)) {
		bytes = read_dynamic(p, r, &e->field);
	} else if (e->code == EXPR_FIELD && piece->code != PIECE_BUFFER) {
		bytes = read_static(r, &e->field);
	} else {
		if (piece->code == PIECE_IP && piece->spec[1] == 'S')
			output_literal(out, "ARG NOT FIELD NOR DYNAMIC ARRAY BUT TYPE ");
		else
			output_literal(out, "ARG TYPE NOT FIELD BUT ");
		output_decimal(out, e->kind);
		return;
	}
	switch (piece->code) {
	case PIECE_MAC:
		if (bytes.size != SIZE_MAC)
			output_literal(out, "INVALIDMAC");
		else
			print_mac(piece->spec, bytes, out);
		break;
	case PIECE_IP:
		print_ip(p, piece->spec, bytes, out);
		break;
	case PIECE_UUID:
		if (bytes.size != SIZE_UUID)
			output_literal(out, "INVALIDUUID");
		else
			print_uuid(piece->spec, bytes, out);
		break;
	default:
		print_buffer(p, r, piece, bytes, out);
	}
}
