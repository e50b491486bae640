/* SPDX-License-Identifier: MIT */
/*
 * Sections: where each is, and its bytes. trace-cmd.dat.v7(5), FORMAT OF THE SECTION HEADER.
 *
 * Version 6 has one fixed sequence instead; its parts are entered into the same table under
 * the ids that version 7 gave them, since their inner encoding is the same.
 */
#ifndef TRC_FILE_SECTION_H
#define TRC_FILE_SECTION_H

#include "file/api.h"
#include "file/image.h"

#define SECTION_FIRST_TEXT TRC_OPTION_HEADER_INFO /* what is the kernel's: ids 16 to 21, 23, 25 */
#define SECTION_LAST_TEXT TRC_OPTION_MODULES_FILE
#define SECTION_HEADER_SIZE 16
#define SYSTEM_NAME_MAX 1024

struct section {
	uint16_t id;
	bool present;
	bool compressed;
	uint64_t header;       /* file offset of the section's header; of version 6 parts: as offset */
	uint64_t offset, size; /* of the stored payload */
};

struct sections {
	struct section text[SECTION_LAST_TEXT - SECTION_FIRST_TEXT + 1];
};

/* NULL: no such section is the kernel's. */
struct section *sections_text(struct sections *sections, uint32_t id);

#define SECTION_FLAGS 2 /* where the flags lie in a section's header */

/*
 * Reads the section header at a file offset (version 7), which the file names at told_at: where one
 * cannot be, that is at fault. A section whose size points past the end of the file is
 * TRC_TRUNCATED, but *out is filled with what is there all the same.
 */
int section_read_header(const struct image *image, uint64_t offset, uint64_t told_at, struct section *out,
			struct trc_error *err);

/* The section's plain bytes: of the mapping, or unpacked or read and then owned by *out. */
int section_bytes(const struct image *image, const struct section *section, struct trc_bytes *out,
		  struct trc_error *err);

/* A cursor over a section's plain bytes, which must outlive it. */
struct cursor section_cursor(const struct image *image, const struct section *section,
			     const struct trc_bytes *bytes, const char *structure);

/* trc_section_text() of a section's plain bytes, from their first one. */
int section_next_text(struct cursor c, uint32_t id, struct trc_text_position *position, struct trc_text *out,
		      struct trc_error *err);

/*
 * Version 6: steps over the formats at the cursor (count x {u64 size, text}), with
 * system names (count x {name, u32 count, texts}) or without.
 */
int section_skip_events(struct cursor *c, struct trc_error *err);
int section_skip_systems(struct cursor *c, struct trc_error *err);

#endif
