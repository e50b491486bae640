/* SPDX-License-Identifier: MIT */
#include "write/outline.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "file/file.h"

int trc_outline_create(const struct trc_outline_header *header, struct trc_outline **out,
		       struct trc_error *err)
{
	if (!page_size_valid(header->page_size))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "outline: %u is not a page's size",
				header->page_size);
	if (header->big_endian > 1 || (header->long_size != 4 && header->long_size != 8))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "outline: a long has no %u bytes",
				header->long_size);
	if (header->cpu_count > CPU_ID_MAX)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "outline: %u CPUs are too many",
				header->cpu_count);
	if (!(*out = calloc(1, sizeof(**out))))
		return trc_fail_no_memory(err);
	(*out)->header = *header;
	return TRC_OK;
}

void trc_outline_destroy(struct trc_outline *outline)
{
	if (!outline)
		return;
	for (size_t i = 0; i < countof(outline->sections); i++)
		trc_bytes_free(&outline->sections[i]);
	free(outline->options);
	free(outline->buffers);
	arena_deinit(&outline->arena);
	problems_deinit(&outline->problems);
	free(outline);
}

void trc_outline_header(const struct trc_outline *outline, struct trc_outline_header *out)
{
	*out = outline->header;
}

size_t trc_outline_problem_count(const struct trc_outline *outline)
{
	return problems_count(&outline->problems);
}

int trc_outline_problem(const struct trc_outline *outline, size_t index, struct trc_error *problem)
{
	return problems_get(&outline->problems, index, problem);
}

/* A copy that lives as long as the outline; NULL: no memory. */
static void *keep(struct trc_outline *outline, const void *data, size_t size)
{
	void *copy = arena_alloc(&outline->arena, size ? size : 1);

	if (copy && size)
		memcpy(copy, data, size);
	return copy;
}

static const char *keep_text(struct trc_outline *outline, const char *text, size_t size)
{
	char *copy = arena_alloc(&outline->arena, size + 1);

	if (copy) {
		memcpy(copy, text, size);
		copy[size] = '\0';
	}
	return copy;
}

/* --- options ----------------------------------------------------------------------------------- */

/* Those that say where something lies. */
static bool made_by_writer(uint32_t id)
{
	switch (id) {
	case TRC_OPTION_DONE:
	case TRC_OPTION_BUFFER:
	case TRC_OPTION_CPUCOUNT:
	case TRC_OPTION_BUFFER_TEXT:
	case TRC_OPTION_BTF_FILE:
	case TRC_OPTION_MODULES_FILE:
		return true;
	default:
		return id >= TRC_OPTION_STRINGS && id <= TRC_OPTION_CMDLINES;
	}
}

size_t trc_outline_option_count(const struct trc_outline *outline)
{
	return outline->option_count;
}

static int check_option(const struct trc_outline *outline, size_t index, struct trc_error *err)
{
	return index < outline->option_count ?
		       TRC_OK :
		       trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "outline: there is no option %zu", index);
}

int trc_outline_option(const struct trc_outline *outline, size_t index, struct trc_option *option,
		       struct trc_error *err)
{
	int rc = check_option(outline, index, err);

	if (!rc)
		*option = outline->options[index];
	return rc;
}

int trc_outline_add_option(struct trc_outline *outline, uint32_t id, const uint8_t *data, uint32_t size,
			   struct trc_error *err)
{
	struct trc_option option = { .id = id, .size = size, .offset = TRC_NO_OFFSET };

	if (id > UINT16_MAX || made_by_writer(id))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET,
				"outline: options of id %u are made by the writer, or none", id);
	if (!(option.data = keep(outline, data, size)))
		return trc_fail_no_memory(err);
	if (outline->option_count == outline->option_room) {
		struct trc_option *grown = array_grow(outline->options, &outline->option_room, 32,
						      sizeof(*outline->options));

		if (!grown)
			return trc_fail_no_memory(err);
		outline->options = grown;
	}
	outline->options[outline->option_count++] = option;
	return TRC_OK;
}

int trc_outline_drop_option(struct trc_outline *outline, size_t index, struct trc_error *err)
{
	struct trc_option *options = outline->options;
	int rc = check_option(outline, index, err);

	if (rc)
		return rc;
	memmove(options + index, options + index + 1, (--outline->option_count - index) * sizeof(*options));
	return TRC_OK;
}

/* --- sections ---------------------------------------------------------------------------------- */

static struct trc_bytes *find_section(const struct trc_outline *outline, uint32_t id, struct trc_error *err)
{
	if (id >= SECTION_FIRST_TEXT && id <= SECTION_LAST_TEXT && id != TRC_OPTION_BUFFER_TEXT &&
	    id != TRC_OPTION_LAST_BOOT_INFO)
		return (struct trc_bytes *)(uintptr_t)&outline->sections[id - SECTION_FIRST_TEXT];
	trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "outline: %u is not a section of the kernel's", id);
	return NULL;
}

int trc_outline_section(const struct trc_outline *outline, uint32_t id, struct trc_bytes *out,
			struct trc_error *err)
{
	const struct trc_bytes *section = find_section(outline, id, err);

	if (!section)
		return TRC_ARGUMENT;
	if (!section->data)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "outline: there is no section %u", id);
	*out = (struct trc_bytes){ .data = section->data, .size = section->size };
	return TRC_OK;
}

int trc_outline_set_section(struct trc_outline *outline, uint32_t id, const uint8_t *data, uint64_t size,
			    struct trc_error *err)
{
	struct trc_bytes *section = find_section(outline, id, err);
	uint8_t *copy;

	if (!section)
		return TRC_ARGUMENT;
	copy = size < SIZE_MAX ? malloc((size_t)size + 1) : NULL;
	if (!copy)
		return trc_fail_no_memory(err);
	if (size)
		memcpy(copy, data, (size_t)size);
	trc_bytes_free(section);
	*section = (struct trc_bytes){ .data = copy, .size = size, .owned = copy };
	return TRC_OK;
}

int trc_outline_drop_section(struct trc_outline *outline, uint32_t id, struct trc_error *err)
{
	struct trc_bytes *section = find_section(outline, id, err);

	if (!section)
		return TRC_ARGUMENT;
	trc_bytes_free(section);
	*section = (struct trc_bytes){ 0 };
	return TRC_OK;
}

/* --- buffers ----------------------------------------------------------------------------------- */

size_t trc_outline_buffer_count(const struct trc_outline *outline)
{
	return outline->buffer_count;
}

int trc_outline_buffer(const struct trc_outline *outline, size_t index, struct trc_outline_buffer *out,
		       struct trc_error *err)
{
	if (index >= outline->buffer_count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "outline: there is no buffer %zu", index);
	*out = outline->buffers[index];
	return TRC_OK;
}

static int check_buffer(const struct trc_outline *outline, const struct trc_outline_buffer *buffer,
			struct trc_error *err)
{
	if (!page_size_valid(buffer->page_size))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "outline: %u is not a page's size",
				buffer->page_size);
	if (!*buffer->name && outline->buffer_count)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "outline: the top buffer comes first");
	if (buffer->cpu_count > CPU_ID_MAX)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "outline: %u CPUs are too many",
				buffer->cpu_count);
	return TRC_OK;
}

int trc_outline_add_buffer(struct trc_outline *outline, const struct trc_outline_buffer *buffer,
			   struct trc_error *err)
{
	struct trc_outline_buffer kept = *buffer;
	int rc = check_buffer(outline, buffer, err);

	if (rc)
		return rc;
	kept.name = keep_text(outline, buffer->name, strlen(buffer->name));
	kept.clock = keep_text(outline, buffer->clock, strlen(buffer->clock));
	kept.text = buffer->text_size <= SIZE_MAX ? keep(outline, buffer->text, (size_t)buffer->text_size) :
						    NULL;
	if (!kept.name || !kept.clock || !kept.text)
		return trc_fail_no_memory(err);
	if (outline->buffer_count == outline->buffer_room) {
		struct trc_outline_buffer *grown = array_grow(outline->buffers, &outline->buffer_room, 8,
							      sizeof(*outline->buffers));

		if (!grown)
			return trc_fail_no_memory(err);
		outline->buffers = grown;
	}
	outline->buffers[outline->buffer_count++] = kept;
	return TRC_OK;
}

int trc_outline_drop_buffers(struct trc_outline *outline)
{
	outline->buffer_count = 0;
	return TRC_OK;
}

/* --- that of a file ---------------------------------------------------------------------------- */

/* Faults of the file are noted, and what they are of is left out. */
static int tolerate(struct trc_outline *outline, int rc, const struct trc_error *fault, struct trc_error *err)
{
	if (!rc || rc == TRC_NOT_FOUND)
		return TRC_OK;
	if (problem_is_recoverable(rc)) {
		problems_add(&outline->problems, fault);
		return TRC_OK;
	}
	if (err)
		*err = *fault;
	return rc;
}

static int copy_options(struct trc_outline *outline, const struct trc_file *file, struct trc_error *err)
{
	for (size_t i = 0; i < file->options.count; i++) {
		const struct trc_option *option = &file->options.list[i];
		int rc;

		if (made_by_writer(option->id))
			continue;
		if ((rc = trc_outline_add_option(outline, option->id, option->data, option->size, err)))
			return rc;
	}
	return TRC_OK;
}

static int copy_section(struct trc_outline *outline, const struct trc_file *file, uint32_t id,
			struct trc_error *err)
{
	struct trc_bytes *section = find_section(outline, id, NULL);
	struct trc_error fault;
	struct trc_bytes bytes;
	int rc = section ? trc_section_load(file, id, &bytes, &fault) : TRC_NOT_FOUND;

	if (rc)
		return tolerate(outline, rc, &fault, err);
	if (bytes.owned) {
		*section = bytes;
		return TRC_OK;
	}
	return trc_outline_set_section(outline, id, bytes.data, bytes.size, err);
}

/* Version 6: how many rows an instance's table has, where they are more than the file's CPUs. */
static uint32_t rows_of(const struct trc_outline *outline, const struct buffer *buffer)
{
	uint32_t rows = 0;

	for (uint32_t i = 0; i < buffer->info.cpu_count; i++)
		rows = buffer->areas[i].cpu + 1 > rows ? buffer->areas[i].cpu + 1 : rows;
	return rows > outline->header.cpu_count ? rows : 0;
}

static int copy_buffer(struct trc_outline *outline, const struct trc_file *file, size_t index,
		       struct trc_error *err)
{
	const struct buffer *from = &file->buffers.list[index];
	const char *clock = from->info.clock;
	size_t clock_size = from->info.clock_size;
	struct trc_bytes text = { 0 };
	struct trc_error fault;
	int rc;

	/* The top buffer is always there to be looked at, but may not be in the file. */
	if (!index && file->image.header.version == 7 && !from->section.present && file->buffers.count > 1)
		return TRC_OK;
	if (!clock_size)
		trc_clock_name(file, &clock, &clock_size);
	rc = from->info.kind == TRC_BUFFER_TEXT ? trc_buffer_text(file, index, &text, &fault) : TRC_OK;
	if (rc)
		return tolerate(outline, rc, &fault, err);
	struct trc_outline_buffer buffer = {
		.name = keep_text(outline, from->info.name, from->info.name_size),
		.clock = keep_text(outline, clock, clock_size),
		.page_size = from->info.page_size,
		.cpu_count = index ? rows_of(outline, from) : 0,
		.kind = from->info.kind,
		.text = text.data,
		.text_size = text.size,
	};

	rc = buffer.name && buffer.clock ? trc_outline_add_buffer(outline, &buffer, err) :
					   trc_fail_no_memory(err);
	trc_bytes_free(&text);
	return rc;
}

int trc_outline_of_file(const struct trc_file *file, struct trc_outline **out, struct trc_error *err)
{
	const struct trc_header *header = &file->image.header;
	struct trc_outline_header own = { header->big_endian, header->long_size, header->page_size,
					  trc_cpu_count(file) };
	struct trc_outline *outline;
	int rc = map_check(&file->image.map, err);

	if (rc || (rc = trc_outline_create(&own, &outline, err)))
		return rc;
	rc = copy_options(outline, file, err);
	for (uint32_t id = SECTION_FIRST_TEXT; !rc && id <= SECTION_LAST_TEXT; id++)
		rc = copy_section(outline, file, id, err);
	for (size_t i = 0; !rc && i < file->buffers.count; i++)
		rc = copy_buffer(outline, file, i, err);
	if (rc) {
		trc_outline_destroy(outline);
		return rc;
	}
	*out = outline;
	return TRC_OK;
}
