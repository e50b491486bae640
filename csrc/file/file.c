/* SPDX-License-Identifier: MIT */
#include "file/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "file/api.h"

#define VERSION_TEXT_MAX 1024
#define CPU_COUNT_MAX CPU_ID_MAX

static const char magic[] = "\x17\x08\x44tracing"; /* 10 bytes; the NUL is not part of it */

/* --- the initial header: trace-cmd.dat.v7(5), INITIAL FORMAT ------------------------------ */

static int read_magic(struct cursor *c, struct trc_error *err)
{
	uint64_t size = sizeof(magic) - 1;
	uint64_t there = cursor_left(c) < size ? cursor_left(c) : size;
	const uint8_t *bytes;
	int rc = cursor_bytes(c, there, &bytes, err);

	if (rc)
		return rc;
	if (!there || memcmp(bytes, magic, there))
		return trc_fail(err, TRC_NOT_TRACE, 0, "file header: this is not a trace.dat file");
	return cursor_skip(c, size, err);
}

static int read_version(struct cursor *c, uint32_t *out, struct trc_error *err)
{
	const char *text;
	uint64_t size;
	char *end;
	int rc = cursor_string(c, VERSION_TEXT_MAX, &text, &size, err);

	if (rc)
		return rc;
	unsigned long version = strtoul(text, &end, 10); /* ends in NUL: cursor_string() */

	if (*end || !size || version < 6 || version > 7)
		return cursor_refuse(c, err, TRC_UNSUPPORTED, "version \"%.20s\"; 6 and 7 are known", text);
	*out = (uint32_t)version;
	return TRC_OK;
}

/* One byte each: byte order, size of long; then the sub-buffer size. */
static int read_sizes(struct cursor *c, struct trc_header *header, struct trc_error *err)
{
	uint8_t big_endian, long_size;
	int rc;

	if ((rc = cursor_u8(c, &big_endian, err)))
		return rc;
	if (big_endian > 1)
		return cursor_refuse(c, err, TRC_CORRUPT, "byte order %u, 0 or 1 expected", big_endian);
	header->big_endian = c->big_endian = big_endian;
	if ((rc = cursor_u8(c, &long_size, err)))
		return rc;
	if (long_size != 4 && long_size != 8)
		return cursor_refuse(c, err, TRC_CORRUPT, "size of long %u, 4 or 8 expected", long_size);
	header->long_size = long_size;
	if ((rc = cursor_u32(c, &header->page_size, err)))
		return rc;
	if (!page_size_valid(header->page_size))
		return cursor_refuse(c, err, TRC_CORRUPT,
				     "page size %u is not a power of two from 512 to 16 MiB",
				     header->page_size);
	return TRC_OK;
}

static int keep_string(struct trc_file *file, struct cursor *c, const char **out, struct trc_error *err)
{
	struct cursor at = *c;
	const uint8_t *bytes;
	const char *text;
	uint64_t size;
	int rc;

	if ((rc = cursor_string(&at, VERSION_TEXT_MAX, &text, &size, err)) ||
	    (rc = cursor_keep(c, size + 1, &file->kept, &bytes, err)))
		return rc;
	*out = (const char *)bytes;
	return TRC_OK;
}

/* Version 7 only: compression name, version of its library. */
static int read_compression(struct trc_file *file, struct cursor *c, struct trc_error *err)
{
	uint64_t at = c->pos;
	int rc;

	if ((rc = keep_string(file, c, &file->image.header.compression, err)) ||
	    (rc = compression_from_name(file->image.header.compression, at, &file->image.compression, err)))
		return rc;
	return keep_string(file, c, &file->image.header.compression_version, err);
}

/* --- version 6: one fixed sequence. trace-cmd.dat.v6(5) ----------------------------------- */

/* Notes that the section spans from start to the cursor. */
static void note_part(struct trc_file *file, uint32_t id, uint64_t start, const struct cursor *c)
{
	*sections_text(&file->sections, id) = (struct section){
		.id = (uint16_t)id,
		.present = true,
		.header = start,
		.offset = start,
		.size = c->pos - start,
	};
}

static int skip_named_text(struct cursor *c, const char *name, uint64_t name_size, struct trc_error *err)
{
	uint64_t size;
	int rc;

	if ((rc = cursor_expect(c, name, name_size, err)) || (rc = cursor_u64(c, &size, err)))
		return rc;
	return cursor_skip_sized(c, size, err);
}

static int skip_headers(struct cursor *c, struct trc_error *err)
{
	int rc = skip_named_text(c, "header_page", 12, err);

	return rc ? rc : skip_named_text(c, "header_event", 13, err);
}

static int skip_text_u32(struct cursor *c, struct trc_error *err)
{
	uint32_t size;
	int rc = cursor_u32(c, &size, err);

	return rc ? rc : cursor_skip_sized(c, size, err);
}

static int skip_text_u64(struct cursor *c, struct trc_error *err)
{
	uint64_t size;
	int rc = cursor_u64(c, &size, err);

	return rc ? rc : cursor_skip_sized(c, size, err);
}

static int read_parts_v6(struct trc_file *file, struct cursor *c, struct trc_error *err)
{
	static const struct {
		uint32_t id;
		const char *structure;
		int (*skip)(struct cursor *c, struct trc_error *err);
	} parts[] = {
		{ TRC_OPTION_HEADER_INFO, "header_page and header_event", skip_headers },
		{ TRC_OPTION_FTRACE_EVENTS, "ftrace event formats", section_skip_events },
		{ TRC_OPTION_EVENT_FORMATS, "event formats", section_skip_systems },
		{ TRC_OPTION_KALLSYMS, "kallsyms", skip_text_u32 },
		{ TRC_OPTION_PRINTK, "printk_formats", skip_text_u32 },
		{ TRC_OPTION_CMDLINES, "saved_cmdlines", skip_text_u64 },
	};

	for (size_t i = 0; i < countof(parts); i++) {
		uint64_t start = c->pos;
		int rc;

		c->structure = parts[i].structure;
		if ((rc = parts[i].skip(c, err)))
			return rc;
		note_part(file, parts[i].id, start, c);
	}
	return TRC_OK;
}

static struct buffer_reader buffer_reader_of(struct trc_file *file)
{
	return (struct buffer_reader){
		.image = &file->image,
		.options = &file->options,
		.cpu_count = file->cpu_count,
		.kept = &file->kept,
		.buffers = &file->buffers,
		.problems = &file->problems,
	};
}

static int read_body_v6(struct trc_file *file, struct cursor *c, struct trc_error *err)
{
	struct buffer_reader reader;
	int rc = read_parts_v6(file, c, err);

	if (rc)
		return rc;
	c->structure = "CPU count";
	if ((rc = cursor_u32(c, &file->cpu_count, err)))
		return rc;
	if (file->cpu_count > CPU_COUNT_MAX)
		return cursor_refuse(c, err, TRC_LIMIT, "%u CPUs, %u is the limit", file->cpu_count,
				     CPU_COUNT_MAX);
	c->structure = "options";
	rc = cursor_expect(c, "options  ", 10, err);
	if (!rc)
		rc = options_read_v6(&file->options, c, &file->kept, err);
	else if (problem_is_recoverable(rc)) /* there are none */
		rc = TRC_OK;
	if (rc)
		return rc;
	if ((rc = options_index(&file->options, err)))
		return rc;
	c->structure = "trace data";
	reader = buffer_reader_of(file);
	return buffers_read_v6(&reader, c, err);
}

/* --- version 7: sections. trace-cmd.dat.v7(5) --------------------------------------------- */

/* Where a killed recorder left the offset of the options 0: the first options section there is, or 0. */
static int search_options(const struct trc_file *file, uint64_t *options, struct trc_error *err)
{
	uint64_t at = file->image.body;

	*options = 0;
	for (uint32_t n = 0; n < OPTION_SECTIONS_MAX; n++) {
		struct section section = { 0 };
		int rc = section_read_header(&file->image, at, at, &section, err);

		if (rc)
			return problem_is_recoverable(rc) ? TRC_OK : rc;
		if (section.id == TRC_OPTION_DONE) {
			*options = at;
			break;
		}
		at = section.offset + section.size;
	}
	return TRC_OK;
}

/* HEADER_INFO to MODULES_FILE: u64 offset of the section's header. Of several the last wins. */
static int note_section(struct trc_file *file, const struct trc_option *option, struct trc_error *err)
{
	struct cursor c = option_cursor(&file->image, option, "option of a section");
	struct section section = { 0 };
	uint64_t offset;
	int rc;

	if ((rc = cursor_u64(&c, &offset, err)) ||
	    (rc = section_read_header(&file->image, offset, option->offset, &section, err)))
		return rc;
	if (section.id != option->id)
		return trc_fail(err, TRC_CORRUPT, offset, "section %u: option %u says it is of its kind",
				section.id, option->id);
	*sections_text(&file->sections, option->id) = section;
	return TRC_OK;
}

/* Of two sections of texts one begins in the other: what it holds is not what either says. */
static void check_overlaps(struct trc_file *file)
{
	for (uint32_t i = SECTION_FIRST_TEXT; i <= SECTION_LAST_TEXT; i++) {
		for (uint32_t j = SECTION_FIRST_TEXT; j <= SECTION_LAST_TEXT; j++) {
			const struct section *outer = sections_text(&file->sections, i);
			const struct section *inner = sections_text(&file->sections, j);
			struct trc_error fault;

			if (i == j || !outer || !inner || !outer->present || !inner->present ||
			    inner->header < outer->header ||
			    inner->header - outer->header >= SECTION_HEADER_SIZE + outer->size)
				continue;
			trc_fail(&fault, TRC_CORRUPT, inner->header, "section %u: begins within section %u",
				 inner->id, outer->id);
			problems_add(&file->problems, &fault);
		}
	}
}

static int note_sections(struct trc_file *file, struct trc_error *err)
{
	for (size_t i = 0; i < file->options.count; i++) {
		const struct trc_option *option = &file->options.list[i];
		struct trc_error fault;
		int rc;

		if (!sections_text(&file->sections, option->id))
			continue;
		if ((rc = note_section(file, option, &fault))) {
			if (!problem_is_recoverable(rc)) {
				if (err)
					*err = fault;
				return rc;
			}
			problems_add(&file->problems, &fault);
		}
	}
	check_overlaps(file);
	return TRC_OK;
}

static void read_cpu_count(struct trc_file *file)
{
	const struct trc_option *option = options_last(&file->options, TRC_OPTION_CPUCOUNT);
	struct trc_error fault;
	uint32_t count = 0;

	if (!option)
		return;
	struct cursor c = option_cursor(&file->image, option, "option CPUCOUNT");
	int rc = cursor_u32(&c, &count, &fault);

	if (!rc && count > CPU_COUNT_MAX)
		rc = cursor_refuse(&c, &fault, TRC_LIMIT, "%u CPUs, %u is the limit", count, CPU_COUNT_MAX);
	if (rc)
		problems_add(&file->problems, &fault);
	else
		file->cpu_count = count;
}

static int read_body_v7(struct trc_file *file, struct cursor *c, struct trc_error *err)
{
	struct buffer_reader reader;
	uint64_t options;
	int rc;

	if ((rc = cursor_u64(c, &options, err)))
		return rc;
	file->image.body = c->pos;
	if (!options) {
		struct trc_error fault;

		if ((rc = search_options(file, &options, err)))
			return rc;
		if (!options)
			return trc_fail(err, TRC_TRUNCATED, c->pos - 8,
					"file header: the recorder never wrote where its options are");
		trc_fail(&fault, TRC_TRUNCATED, c->pos - 8,
			 "file header: the recorder did not finish; options found by searching");
		problems_add(&file->problems, &fault);
	}
	if ((rc = options_read_chain(&file->image, options, c->pos - 8, &file->options, &file->kept,
				     &file->problems, err)) ||
	    (rc = options_index(&file->options, err)) || (rc = note_sections(file, err)))
		return rc;
	read_cpu_count(file);
	reader = buffer_reader_of(file);
	return buffers_read_v7(&reader, err);
}

/* --- open and close ----------------------------------------------------------------------- */

static int read_parts(struct trc_file *file, struct cursor c, struct trc_error *err)
{
	int rc;

	file->image.header.file_size = file->image.map.size;
	file->image.header.compression = "none";
	file->image.header.compression_version = "";
	if ((rc = read_magic(&c, err)) || (rc = read_version(&c, &file->image.header.version, err)) ||
	    (rc = read_sizes(&c, &file->image.header, err)))
		return rc;
	if (file->image.header.version == 7 && (rc = read_compression(file, &c, err)))
		return rc;
	file->image.body = c.pos;
	rc = file->image.header.version == 7 ? read_body_v7(file, &c, err) : read_body_v6(file, &c, err);
	if (rc)
		return rc;
	if ((rc = peers_read(&file->image, &file->options, &file->peers, &file->problems, err)))
		return rc;
	return time_options_read(&file->image, &file->options, file->cpu_count, &file->times, &file->problems,
				 err);
}

static int read_file(struct trc_file *file, struct trc_error *err)
{
	struct map_window window = image_window(&file->image);
	int rc = read_parts(file, image_cursor(&file->image, &window, "file header"), err);

	map_window_deinit(&window);
	return rc;
}

static struct budget budget_of(const struct trc_open_options *options)
{
	return (struct budget){
		.memory = options && options->memory ? options->memory : TRC_BUDGET_MEMORY,
		.work = options && options->work ? options->work : TRC_BUDGET_WORK,
	};
}

/* Takes the map over, whatever the outcome. */
static int open_map(const struct map *map, const struct trc_open_options *options, struct trc_file **out,
		    struct trc_error *err)
{
	struct trc_file *file = calloc(1, sizeof(*file));
	int rc;

	if (!file) {
		struct map unwanted = *map;

		map_close(&unwanted);
		return trc_fail_no_memory(err);
	}
	file->image.map = *map;
	file->image.budget = budget_of(options);
	/* Opening touches a few places far apart: what the disk would read ahead is not wanted. */
	map_expect_jumps(&file->image.map, true);
	rc = read_file(file, err);
	map_expect_jumps(&file->image.map, false);
	if (rc) {
		trc_close(file);
		return rc;
	}
	*out = file;
	return TRC_OK;
}

static bool wants_read(const struct trc_open_options *options)
{
	return options && options->flags & TRC_OPEN_READ;
}

int trc_open(const char *path, const struct trc_open_options *options, struct trc_file **out,
	     struct trc_error *err)
{
	struct map map;
	int rc = map_open(path, wants_read(options), &map, err);

	return rc ? rc : open_map(&map, options, out, err);
}

int trc_open_fd(int fd, const struct trc_open_options *options, struct trc_file **out, struct trc_error *err)
{
	struct map map;
	int rc = map_open_fd(fd, wants_read(options), &map, err);

	return rc ? rc : open_map(&map, options, out, err);
}

void trc_close(struct trc_file *file)
{
	if (!file)
		return;
	buffers_deinit(&file->buffers);
	peers_deinit(&file->peers);
	time_options_deinit(&file->times);
	options_deinit(&file->options);
	problems_deinit(&file->problems);
	arena_deinit(&file->kept);
	map_close(&file->image.map);
	free(file);
}
