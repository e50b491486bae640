/* SPDX-License-Identifier: MIT */
#include "cursor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "byteorder.h"
#include "error.h"

uint64_t cursor_file_offset(const struct cursor *c, uint64_t pos)
{
	return c->unpacked ? c->file_offset : c->file_offset + pos;
}

static int fail_at(const struct cursor *c, uint64_t pos, struct trc_error *err, int code, const char *fmt,
		   va_list args)
{
	char text[sizeof(err->message)];

	vsnprintf(text, sizeof(text), fmt, args);
	if (c->unpacked)
		return trc_fail(err, code, c->file_offset, "%.60s: %.140s, at byte %" PRIu64 " after unpacking",
				c->structure, text, pos);
	return trc_fail(err, code, c->file_offset + pos, "%.60s: %.170s", c->structure, text);
}

int cursor_fail(const struct cursor *c, struct trc_error *err, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fail_at(c, c->pos, err, code, fmt, args);
	va_end(args);
	return code;
}

int cursor_refuse(const struct cursor *c, struct trc_error *err, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fail_at(c, c->last, err, code, fmt, args);
	va_end(args);
	return code;
}

/* What it means that a read runs into the end. */
static int short_code(const struct cursor *c)
{
	return c->inner ? TRC_CORRUPT : TRC_TRUNCATED;
}

/* In front of every read: are n bytes left? */
static int need(const struct cursor *c, uint64_t n, struct trc_error *err)
{
	if (TRC_LIKELY(n <= cursor_left(c)))
		return TRC_OK;
	return cursor_fail(c, err, short_code(c), "%" PRIu64 " bytes left, need %" PRIu64,
			   cursor_left(c), n);
}

static void take(struct cursor *c, uint64_t n)
{
	c->last = c->pos;
	c->pos += n;
}

int cursor_u8(struct cursor *c, uint8_t *out, struct trc_error *err)
{
	int rc = need(c, 1, err);

	if (rc)
		return rc;
	*out = *cursor_here(c);
	take(c, 1);
	return TRC_OK;
}

int cursor_u16(struct cursor *c, uint16_t *out, struct trc_error *err)
{
	int rc = need(c, 2, err);

	if (rc)
		return rc;
	*out = load_u16(cursor_here(c), c->big_endian);
	take(c, 2);
	return TRC_OK;
}

int cursor_u32(struct cursor *c, uint32_t *out, struct trc_error *err)
{
	int rc = need(c, 4, err);

	if (rc)
		return rc;
	*out = load_u32(cursor_here(c), c->big_endian);
	take(c, 4);
	return TRC_OK;
}

int cursor_u64(struct cursor *c, uint64_t *out, struct trc_error *err)
{
	int rc = need(c, 8, err);

	if (rc)
		return rc;
	*out = load_u64(cursor_here(c), c->big_endian);
	take(c, 8);
	return TRC_OK;
}

int cursor_skip(struct cursor *c, uint64_t n, struct trc_error *err)
{
	int rc = need(c, n, err);

	if (rc)
		return rc;
	take(c, n);
	return TRC_OK;
}

int cursor_skip_sized(struct cursor *c, uint64_t n, struct trc_error *err)
{
	if (c->inner && n > cursor_left(c))
		return cursor_refuse(c, err, TRC_CORRUPT, "%" PRIu64 " bytes claimed, %" PRIu64 " left", n,
				     cursor_left(c));
	return cursor_skip(c, n, err);
}

int cursor_slice(struct cursor *c, uint64_t n, const char *structure, struct cursor *out,
		 struct trc_error *err)
{
	int rc = need(c, n, err);

	if (rc)
		return rc;
	*out = *c;
	out->end = c->pos + n;
	out->structure = structure;
	take(c, n);
	return TRC_OK;
}

int cursor_string(struct cursor *c, uint64_t max, const char **text, uint64_t *size,
		  struct trc_error *err)
{
	uint64_t room = cursor_left(c) < max ? cursor_left(c) : max;
	const uint8_t *nul = room ? memchr(cursor_here(c), '\0', room) : NULL;

	if (!nul) {
		if (room == max)
			return cursor_fail(c, err, TRC_CORRUPT, "text not ended within %" PRIu64 " bytes", max);
		return cursor_fail(c, err, short_code(c), "text not ended within the %" PRIu64 " bytes left",
				   room);
	}
	*text = (const char *)cursor_here(c);
	*size = (uint64_t)(nul - cursor_here(c));
	take(c, *size + 1);
	return TRC_OK;
}

int cursor_expect(struct cursor *c, const char *text, uint64_t n, struct trc_error *err)
{
	int rc = need(c, n, err);

	if (rc)
		return rc;
	if (memcmp(cursor_here(c), text, n))
		return cursor_fail(c, err, TRC_CORRUPT, "\"%.*s\" expected, something else found",
				   (int)strnlen(text, n), text);
	take(c, n);
	return TRC_OK;
}
