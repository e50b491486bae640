/* SPDX-License-Identifier: MIT */
#include "file/buffer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "file/api.h"
#include "file/time_options.h"

#define NAME_MAX_SIZE 1024
#define CLOCK_TEXT_MAX 4096
#define FLYRECORD "flyrecord" /* 10 bytes with NUL */
#define LATENCY "latency  "   /* two blanks, 10 bytes with NUL */
#define MARK_SIZE 10

static void buffer_deinit(struct buffer *buffer)
{
	free(buffer->areas);
}

void buffers_deinit(struct buffers *buffers)
{
	for (size_t i = 0; i < buffers->count; i++)
		buffer_deinit(&buffers->list[i]);
	free(buffers->list);
}

static int add_buffer(struct buffers *buffers, struct buffer *buffer, struct trc_error *err)
{
	struct buffer *bigger = realloc(buffers->list, (buffers->count + 1) * sizeof(*bigger));

	if (!bigger) {
		buffer_deinit(buffer);
		return trc_fail_no_memory(err);
	}
	buffers->list = bigger;
	buffers->list[buffers->count++] = *buffer;
	return TRC_OK;
}

static void set_name(struct trc_buffer *info, const char *name, uint64_t size)
{
	info->name = name;
	info->name_size = (size_t)size;
}

static void set_clock(struct trc_buffer *info, const char *name, uint64_t size)
{
	info->clock = name;
	info->clock_size = (size_t)size;
}

/* The whole extent of a buffer's areas, for users who want to know where a buffer is. */
static void set_extent(struct buffer *buffer)
{
	uint64_t start = UINT64_MAX, end = 0;

	for (uint32_t i = 0; i < buffer->info.cpu_count; i++) {
		const struct trc_cpu_area *area = &buffer->areas[i];

		if (area->offset < start)
			start = area->offset;
		if (area->offset + area->size > end)
			end = area->offset + area->size;
	}
	if (end)
		buffer->info.offset = start;
	buffer->info.size = end ? end - start : 0;
}

static int compare_areas(const void *a, const void *b)
{
	const struct trc_cpu_area *x = a, *y = b;

	return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

/* Which CPUs a buffer has data of so far: a row costs the same, however many came before it. */
struct cpu_set {
	uint64_t words[CPU_ID_MAX / 64];
};

/* false if it was there before. */
static bool cpu_set_add(struct cpu_set *set, uint32_t cpu)
{
	uint64_t bit = UINT64_C(1) << cpu % 64, *word = &set->words[cpu / 64];
	bool is_new = !(*word & bit);

	*word |= bit;
	return is_new;
}

/* Where a row's values lie in the file; version 6 has no CPUs in its rows. */
struct area_row {
	const char *structure;
	uint64_t cpu_at, offset_at;
};

/* One row of a table: checked against the file, cut to it with a problem noted, or dropped. */
static void take_area(const struct buffer_reader *reader, struct buffer *buffer, struct area_row row,
		      struct cpu_set *seen, struct trc_cpu_area area)
{
	struct trc_error fault;
	uint32_t page_size = buffer->info.page_size;
	bool aligned = area.offset % page_size == 0;

	if (!area.size) {
		if (area.cpu >= CPU_ID_MAX)
			return;
		buffer->empty--;
		*buffer->empty = area;
		buffer->empty_count++;
		return;
	}
	if (!aligned || area.cpu >= CPU_ID_MAX || area.offset < reader->image->body) {
		trc_fail(&fault, TRC_CORRUPT, area.cpu >= CPU_ID_MAX ? row.cpu_at : row.offset_at,
			 "%s: data of CPU %u cannot lie at 0x%" PRIx64, row.structure, area.cpu, area.offset);
		problems_add(reader->problems, &fault);
		return;
	}
	if (area.offset > reader->image->map.size || area.size > reader->image->map.size - area.offset) {
		uint64_t there = area.offset < reader->image->map.size ?
					 reader->image->map.size - area.offset :
					 0;

		trc_fail(&fault, TRC_TRUNCATED, reader->image->map.size,
			 "CPU data: CPU %u has %" PRIu64 " of %" PRIu64 " bytes", area.cpu, there, area.size);
		problems_add(reader->problems, &fault);
		if (!there)
			return;
		area.size = there;
	}
	if (!cpu_set_add(seen, area.cpu)) {
		trc_fail(&fault, TRC_CORRUPT, row.cpu_at, "%s: CPU %u has data twice", row.structure,
			 area.cpu);
		problems_add(reader->problems, &fault);
		return;
	}
	buffer->areas[buffer->info.cpu_count++] = area;
}

static void finish_areas(struct buffer *buffer)
{
	if (buffer->info.cpu_count)
		qsort(buffer->areas, buffer->info.cpu_count, sizeof(*buffer->areas), compare_areas);
	set_extent(buffer);
}

/* Rows with data fill the array from its start, those without from its end. */
static int alloc_areas(struct buffer *buffer, uint64_t count, struct trc_error *err)
{
	buffer->areas = calloc(count ? count : 1, sizeof(*buffer->areas));
	if (!buffer->areas)
		return trc_fail_no_memory(err);
	buffer->empty = buffer->areas + count;
	return TRC_OK;
}

/* --- version 6 --------------------------------------------------------------------------- */

/* u64 size and the clock's text after the table. Files from before 2013 end without it. */
static int read_clock_trailer(const struct buffer_reader *reader, struct cursor *c, struct trc_buffer *info,
			      struct trc_error *err)
{
	const uint8_t *text;
	uint64_t size = 0;
	int rc = cursor_u64(c, &size, err);

	if (!rc && size <= CLOCK_TEXT_MAX && !(rc = cursor_keep(c, size, reader->kept, &text, err)))
		clock_in_brackets((const char *)text, (size_t)size, &info->clock, &info->clock_size);
	return problem_is_recoverable(rc) ? TRC_OK : rc;
}

/* cpu_count x { u64 offset, u64 size }, then the clock. */
static int read_table(const struct buffer_reader *reader, struct cursor *c, uint32_t cpu_count,
		      struct buffer *buffer, struct trc_error *err)
{
	struct cpu_set seen = { { 0 } };
	int rc;

	if (cpu_count > cursor_left(c) / 16)
		return cursor_fail(c, err, TRC_TRUNCATED, "table of %u CPUs, %" PRIu64 " bytes left",
				   cpu_count, cursor_left(c));
	/* Tables do not overlap; thousands of options that all name one would take gigabytes. */
	if (cpu_count > reader->image->map.size / 16 - reader->buffers->rows)
		return cursor_fail(c, err, TRC_CORRUPT, "table of %u CPUs: the tables overlap", cpu_count);
	reader->buffers->rows += cpu_count;
	if ((rc = alloc_areas(buffer, cpu_count, err)))
		return rc;
	for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
		struct trc_cpu_area area = { .cpu = cpu };
		uint64_t at = cursor_file_offset(c, c->pos);

		if ((rc = cursor_u64(c, &area.offset, err)) || (rc = cursor_u64(c, &area.size, err)))
			return rc;
		take_area(reader, buffer, (struct area_row){ c->structure, at, at }, &seen, area);
	}
	if ((rc = read_clock_trailer(reader, c, &buffer->info, err)))
		return rc;
	buffer->section.offset = c->pos;
	finish_areas(buffer);
	return TRC_OK;
}

/* The block at the cursor: a mark that tells ring-buffer pages from a latency tracer's text. */
static int read_block_v6(const struct buffer_reader *reader, struct cursor *c, uint32_t cpu_count,
			 struct buffer *buffer, struct trc_error *err)
{
	int rc = cursor_expect(c, LATENCY, MARK_SIZE, err);

	buffer->info.page_size = reader->image->header.page_size;
	if (rc && !problem_is_recoverable(rc))
		return rc;
	if (!rc) {
		buffer->info.kind = TRC_BUFFER_TEXT;
		buffer->info.offset = c->pos;
		buffer->info.size = cursor_left(c);
		buffer->section = (struct section){ .id = TRC_OPTION_BUFFER_TEXT,
						    .present = true,
						    .header = c->pos,
						    .offset = c->pos,
						    .size = cursor_left(c) };
		return TRC_OK;
	}
	rc = cursor_expect(c, FLYRECORD, MARK_SIZE, err);
	return rc ? rc : read_table(reader, c, cpu_count, buffer, err);
}

/* A CPUCOUNT option right after an instance's BUFFER option is about that instance. */
static uint32_t instance_cpu_count(const struct buffer_reader *reader, uint32_t place)
{
	uint32_t count = reader->cpu_count, own = 0;

	if (place + 1 < reader->options->count) {
		const struct trc_option *next = &reader->options->list[place + 1];
		struct cursor c = option_cursor(reader->image, next, "option CPUCOUNT");

		if (next->id == TRC_OPTION_CPUCOUNT && !cursor_u32(&c, &own, NULL) && own > count)
			count = own;
	}
	return count;
}

/* BUFFER in version 6: u64 offset of the instance's block, name. */
static int read_instance_v6(const struct buffer_reader *reader, const struct trc_option *option,
			    uint32_t cpu_count, struct buffer *buffer, struct trc_error *err)
{
	struct map_window window = image_window(reader->image);
	struct cursor c = option_cursor(reader->image, option, "option BUFFER");
	struct cursor block = image_cursor(reader->image, &window, "instance");
	const uint8_t *rest;
	const char *name;
	uint64_t offset, size;
	int rc;

	if ((rc = cursor_u64(&c, &offset, err)) || (rc = cursor_bytes(&c, cursor_left(&c), &rest, err)))
		return rc;
	name = (const char *)rest;
	size = strnlen(name, cursor_left(&c));
	set_name(&buffer->info, name, size);
	if (!offset)
		return cursor_refuse(&c, err, TRC_TRUNCATED, "instance \"%.*s\" was never written",
				     (int)(size < 40 ? size : 40), name);
	if (!(rc = cursor_skip(&block, offset, err)))
		rc = read_block_v6(reader, &block, cpu_count, buffer, err);
	map_window_deinit(&window);
	return rc;
}

/* Adds what was read, or what was wrong with it. */
static int settle(const struct buffer_reader *reader, int rc, struct buffer *buffer,
		  const struct trc_error *fault, struct trc_error *err)
{
	if (!rc)
		return add_buffer(reader->buffers, buffer, err);
	buffer_deinit(buffer);
	if (!problem_is_recoverable(rc)) {
		if (err)
			*err = *fault;
		return rc;
	}
	problems_add(reader->problems, fault);
	return TRC_OK;
}

int buffers_read_v6(const struct buffer_reader *reader, struct cursor *c, struct trc_error *err)
{
	struct buffer top = { .info = { .name = "", .clock = "" } };
	struct trc_error fault;
	size_t first, count = options_range(reader->options, TRC_OPTION_BUFFER, &first);
	int rc = read_block_v6(reader, c, reader->cpu_count, &top, &fault);

	if (rc && problem_is_recoverable(rc)) {
		/* The top buffer always is number 0, even when nothing of it can be read. */
		problems_add(reader->problems, &fault);
		buffer_deinit(&top);
		top.areas = NULL;
		top.info.cpu_count = 0;
		rc = TRC_OK;
	}
	if ((rc = settle(reader, rc, &top, &fault, err)))
		return rc;
	for (size_t i = 0; i < count; i++) {
		uint32_t place = reader->options->by_id[first + i];
		struct buffer buffer = { .info = { .name = "", .clock = "" } };

		rc = read_instance_v6(reader, &reader->options->list[place],
				      instance_cpu_count(reader, place), &buffer, &fault);
		if ((rc = settle(reader, rc, &buffer, &fault, err)))
			return rc;
	}
	return TRC_OK;
}

/* --- version 7 --------------------------------------------------------------------------- */

/* The tail of a BUFFER option: u32 page size, u32 n, n x { u32 CPU, u64 offset, u64 size }. */
static int read_areas_v7(const struct buffer_reader *reader, struct cursor *c, struct buffer *buffer,
			 struct trc_error *err)
{
	struct cpu_set seen = { { 0 } };
	uint32_t count;
	int rc;

	if ((rc = cursor_u32(c, &buffer->info.page_size, err)))
		return rc;
	if (!buffer->info.name_size)
		buffer->info.page_size =
			reader->image->header.page_size; /* as libtracecmd: the header's counts */
	if (!page_size_valid(buffer->info.page_size))
		return cursor_refuse(c, err, TRC_CORRUPT,
				     "page size %u is not a power of two from 512 to 16 MiB",
				     buffer->info.page_size);
	if ((rc = cursor_u32(c, &count, err)))
		return rc;
	if (count > cursor_left(c) / 20)
		return cursor_refuse(c, err, TRC_CORRUPT, "%u CPUs claimed, %" PRIu64 " bytes left", count,
				     cursor_left(c));
	if ((rc = alloc_areas(buffer, count, err)))
		return rc;
	for (; count; count--) {
		struct area_row row = { .structure = c->structure };
		struct trc_cpu_area area;

		if ((rc = cursor_u32(c, &area.cpu, err)))
			return rc;
		row.cpu_at = cursor_file_offset(c, c->last);
		if ((rc = cursor_u64(c, &area.offset, err)))
			return rc;
		row.offset_at = cursor_file_offset(c, c->last);
		if ((rc = cursor_u64(c, &area.size, err)))
			return rc;
		take_area(reader, buffer, row, &seen, area);
	}
	finish_areas(buffer);
	return TRC_OK;
}

/* BUFFER and BUFFER_TEXT begin alike: u64 offset of the section's header, name, clock. */
static int read_buffer_v7(const struct buffer_reader *reader, const struct trc_option *option,
			  struct buffer *buffer, struct trc_error *err)
{
	struct cursor c = option_cursor(reader->image, option,
					option->id == TRC_OPTION_BUFFER ? "option BUFFER" :
									  "option BUFFER_TEXT");
	struct trc_error fault;
	const char *name;
	uint64_t offset, size;
	int rc;

	if ((rc = cursor_u64(&c, &offset, err)) || (rc = cursor_string(&c, NAME_MAX_SIZE, &name, &size, err)))
		return rc;
	set_name(&buffer->info, name, size);
	if ((rc = cursor_string(&c, NAME_MAX_SIZE, &name, &size, err)))
		return rc;
	set_clock(&buffer->info, name, size);
	rc = section_read_header(reader->image, offset, option->offset, &buffer->section, &fault);
	if (rc == TRC_TRUNCATED && buffer->section.present) {
		problems_add(reader->problems, &fault);
	} else if (rc) {
		if (err)
			*err = fault;
		return rc;
	}
	if (buffer->section.id != option->id)
		return trc_fail(err, TRC_CORRUPT, offset, "section %u: option %u says it is of its kind",
				buffer->section.id, option->id);
	buffer->info.compressed = buffer->section.compressed;
	if (buffer->info.compressed && reader->image->compression == COMPRESSION_NONE)
		return trc_fail(err, TRC_CORRUPT, offset + SECTION_FLAGS,
				"section %u: marked compressed in a file without compression", option->id);
	if (option->id == TRC_OPTION_BUFFER_TEXT) {
		buffer->info.kind = TRC_BUFFER_TEXT;
		buffer->info.page_size = reader->image->header.page_size;
		buffer->info.offset = buffer->section.offset;
		buffer->info.size = buffer->section.size;
		return TRC_OK;
	}
	buffer->info.offset = buffer->section.offset;
	return read_areas_v7(reader, &c, buffer, err);
}

/* A later option without a name replaces the top buffer: libtracecmd's rule. */
static int settle_v7(const struct buffer_reader *reader, int rc, struct buffer *buffer,
		     const struct trc_error *fault, struct trc_error *err)
{
	if (!rc && !buffer->info.name_size) {
		buffer_deinit(&reader->buffers->list[0]);
		reader->buffers->list[0] = *buffer;
		return TRC_OK;
	}
	return settle(reader, rc, buffer, fault, err);
}

int buffers_read_v7(const struct buffer_reader *reader, struct trc_error *err)
{
	struct buffer top = {
		.info = { .name = "", .clock = "", .page_size = reader->image->header.page_size }
	};
	int rc = add_buffer(reader->buffers, &top, err);

	for (size_t i = 0; !rc && i < reader->options->count; i++) {
		const struct trc_option *option = &reader->options->list[i];
		struct buffer buffer = { .info = { .name = "", .clock = "" } };
		struct trc_error fault;

		if (option->id != TRC_OPTION_BUFFER && option->id != TRC_OPTION_BUFFER_TEXT)
			continue;
		rc = read_buffer_v7(reader, option, &buffer, &fault);
		rc = settle_v7(reader, rc, &buffer, &fault, err);
	}
	return rc;
}
