/* SPDX-License-Identifier: MIT */
/*
 * A bounds-checked reader over [pos, end) of some bytes, in the file's byte order: of memory, or of the
 * file, through a window of it.
 *
 * Every byte of metadata is reached through here. A read that fails moves
 * nothing and says which structure wanted how many bytes, and where.
 */
#ifndef TRC_FILE_CURSOR_H
#define TRC_FILE_CURSOR_H

#include "base/arena.h"
#include "platform/map.h"

struct cursor {
	const uint8_t *base; /* NULL: positions are file offsets, bytes come through the window */
	struct map_window *window;
	uint64_t pos, end;     /* relative to base; pos <= end */
	uint64_t last;	       /* where what was read last begins */
	uint64_t file_offset;  /* where base[0] lies in the file; of an unpacked block: the block's place */
	const char *structure; /* what is being read, for messages: "option BUFFER" */
	bool big_endian;
	bool inner;    /* end is a structure's, not the file's: running into it is corruption */
	bool unpacked; /* base is what a compressed block unpacked to */
};

static inline uint64_t cursor_left(const struct cursor *c)
{
	return c->end - c->pos;
}

/* The file offset to report for position pos (a block's own place when unpacked). */
uint64_t cursor_file_offset(const struct cursor *c, uint64_t pos);

/* An error at the cursor's position; the structure's name is put in front. */
int cursor_fail(const struct cursor *c, struct trc_error *err, int code, const char *fmt, ...)
	TRC_PRINTF(4, 5);

/* The same about the value that was read last, which cannot be: at that value. */
int cursor_refuse(const struct cursor *c, struct trc_error *err, int code, const char *fmt, ...)
	TRC_PRINTF(4, 5);

int cursor_u8(struct cursor *c, uint8_t *out, struct trc_error *err);
int cursor_u16(struct cursor *c, uint16_t *out, struct trc_error *err);
int cursor_u32(struct cursor *c, uint32_t *out, struct trc_error *err);
int cursor_u64(struct cursor *c, uint64_t *out, struct trc_error *err);
int cursor_skip(struct cursor *c, uint64_t n, struct trc_error *err);

/*
 * The same for n bytes whose number was read just now: inside of a structure that has no so many it is
 * the number that is wrong, at the end of a file it is the bytes that are missing.
 */
int cursor_skip_sized(struct cursor *c, uint64_t n, struct trc_error *err);

/*
 * The next n bytes, where they lie; the cursor stays. Those of a file are good until the next read
 * through the same window.
 */
int cursor_bytes(const struct cursor *c, uint64_t n, const uint8_t **bytes, struct trc_error *err);

/* The next n bytes to stay: where they lie, or, of a file that is not mapped, copied; c moves after them. */
int cursor_keep(struct cursor *c, uint64_t n, struct arena *arena, const uint8_t **bytes,
		struct trc_error *err);

/* The next n bytes as a cursor of their own, named structure; c moves after them. */
int cursor_slice(struct cursor *c, uint64_t n, const char *structure, struct cursor *out,
		 struct trc_error *err);

/*
 * A text ended by NUL within max bytes (NUL included); *size is without NUL. *text is good for as long
 * as cursor_bytes() says.
 */
int cursor_string(struct cursor *c, uint64_t max, const char **text, uint64_t *size, struct trc_error *err);

/* Consumes the n bytes of text, or fails and stays. */
int cursor_expect(struct cursor *c, const char *text, uint64_t n, struct trc_error *err);

#endif
