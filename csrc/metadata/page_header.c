/* SPDX-License-Identifier: MIT */
#include "metadata/page_header.h"

#include <inttypes.h>

#include "base/error.h"
#include "metadata/field.h"

#define PAGE_SIZE_MAX (16u << 20)

struct fields {
	struct event_field timestamp, commit, data;
};

static int read_fields(struct text text, uint64_t file_offset, struct arena *arena, struct fields *out,
		       struct trc_error *err)
{
	const struct field_rules rules = { .arena = arena, .long_size = 8 };
	struct scanner s = scanner_of(text);
	const char *wrong = "";
	int rc;

	for (;;) {
		struct event_field field;

		scanner_skip_newlines(&s);
		if ((rc = field_parse(&s, &rules, &field, &wrong)))
			break;
		if (text_is(field.name, "timestamp"))
			out->timestamp = field;
		else if (text_is(field.name, "commit"))
			out->commit = field;
		else if (text_is(field.name, "data"))
			out->data = field;
	}
	if (rc == TRC_NO_MEMORY)
		return trc_fail_no_memory(err);
	if (rc == TRC_CORRUPT)
		return trc_fail(err, rc, file_offset, "header_page: %s", wrong);
	return TRC_OK;
}

/*
 * Offsets and sizes are believed, types are not: kernels declare "commit" as a local_t whatever its
 * size is (kernel bugzilla 216999).
 */
static int check(const struct fields *f, uint64_t file_offset, struct trc_error *err)
{
	if (f->timestamp.size != 8)
		return trc_fail(err, TRC_CORRUPT, file_offset,
				"header_page: time stamp of %u bytes, expected 8", f->timestamp.size);
	if (f->commit.size != 4 && f->commit.size != 8)
		return trc_fail(err, TRC_CORRUPT, file_offset,
				"header_page: commit of %u bytes, expected 4 or 8", f->commit.size);
	if (f->commit.offset < f->timestamp.offset + 8 || f->data.offset < f->commit.offset + f->commit.size)
		return trc_fail(err, TRC_CORRUPT, file_offset,
				"header_page: time stamp at %u, commit at %u and data at %u overlap",
				f->timestamp.offset, f->commit.offset, f->data.offset);
	if (!f->data.size || f->data.offset > PAGE_SIZE_MAX || f->data.size > PAGE_SIZE_MAX - f->data.offset)
		return trc_fail(err, TRC_CORRUPT, file_offset,
				"header_page: %u bytes of data at %u are not a sub-buffer", f->data.size,
				f->data.offset);
	return TRC_OK;
}

int page_header_parse(struct text text, uint64_t file_offset, struct page_header *out, struct trc_error *err)
{
	struct arena arena = { 0 };
	struct fields fields = { 0 };
	int rc;

	if (!text.size)
		return trc_fail(err, TRC_UNSUPPORTED, file_offset,
				"header_page: empty, as of Linux 2.6.30 and before, whose pages differ");
	rc = read_fields(text, file_offset, &arena, &fields, err);
	arena_deinit(&arena);
	if (rc || (rc = check(&fields, file_offset, err)))
		return rc;
	*out = (struct page_header){
		.timestamp_offset = fields.timestamp.offset,
		.commit_offset = fields.commit.offset,
		.commit_size = fields.commit.size,
		.data_offset = fields.data.offset,
		.page_size = fields.data.offset + fields.data.size,
	};
	return TRC_OK;
}
