/* SPDX-License-Identifier: MIT */
#include "records/salvage.h"

#include <inttypes.h>

#include "base/error.h"
#include "file/api.h"
#include "file/file.h"

struct search {
	const struct trc_file *file;
	const struct subbuffer_layout *layout;
	const struct areas *known;
	struct problems *problems;
	salvage_found found;
	void *context;
	struct map_window window;
	uint32_t page_size;
	uint32_t next_cpu, next_row; /* of the top buffer's areas, the first at or after next_cpu */
};

static uint64_t round_up(uint64_t offset, uint32_t page_size)
{
	return (offset + page_size - 1) / page_size * page_size;
}

/* The next CPU that the tables know nothing of; false when all the machine's have data. */
static bool take_cpu(struct search *search, uint32_t *cpu)
{
	const struct buffer *top = &search->file->buffers.list[0];
	uint32_t limit = search->file->cpu_count ? search->file->cpu_count : CPU_ID_MAX;

	/* Its areas are sorted by CPU. */
	while (search->next_row < top->info.cpu_count &&
	       top->areas[search->next_row].cpu <= search->next_cpu) {
		search->next_cpu += top->areas[search->next_row].cpu == search->next_cpu;
		search->next_row++;
	}
	if (search->next_cpu >= limit)
		return false;
	*cpu = search->next_cpu++;
	return true;
}

static int give_area(struct search *search, uint64_t offset, uint64_t size, struct trc_error *err)
{
	struct trc_cpu_area area = { .offset = offset, .size = size };
	struct trc_error fault;

	if (!take_cpu(search, &area.cpu)) {
		trc_fail(&fault, TRC_CORRUPT, offset,
			 "trace data: %" PRIu64 " bytes belong to no CPU of this machine", size);
		problems_add(search->problems, &fault);
		return TRC_OK;
	}
	trc_fail(&fault, TRC_TRUNCATED, offset,
		 "trace data: the recorder did not finish; %" PRIu64 " bytes found that seem to be CPU %u's",
		 size, area.cpu);
	problems_add(search->problems, &fault);
	return search->found(search->context, &area, err);
}

/* Is there a page with records at this offset, and from when? Its header tells. */
static int page_time(struct search *search, uint64_t offset, uint64_t *ts, bool *found, struct trc_error *err)
{
	uint64_t left = search->file->image.map.size - offset;
	uint32_t size = search->layout->data_offset + 4;
	const uint8_t *bytes;
	struct subbuffer page;
	int rc;

	size = size < search->page_size ? size : search->page_size;
	size = size < left ? size : (uint32_t)left;
	rc = map_window_get(&search->window, offset, size, &bytes, err);
	if (rc)
		return rc;
	*found = subbuffer_open(search->layout, search->layout->big_endian, bytes, search->page_size, size,
				&page) &&
		 page.end > 0 && page.ts > 0;
	*ts = *found ? page.ts : 0;
	return TRC_OK;
}

/* Uncompressed pages from offset to the end of the file, cut where time steps back. */
static int search_pages(struct search *search, uint64_t offset, uint64_t end, struct trc_error *err)
{
	uint64_t start = offset, last = 0, ts;
	bool any = false, found;
	int rc;

	for (; offset < end; offset += search->page_size) {
		if ((rc = page_time(search, offset, &ts, &found, err)))
			return rc;
		if (!found)
			continue;
		if (any && ts < last) {
			if ((rc = give_area(search, start, offset - start, err)))
				return rc;
			start = offset;
		}
		any = true;
		last = ts;
	}
	return any ? give_area(search, start, end - start, err) : TRC_OK;
}

/* Compressed chunks of one CPU: where they end, or where they stop making sense. */
static int skip_chunks(struct search *search, uint64_t offset, uint64_t end, uint64_t *stop,
		       struct trc_error *err)
{
	struct cursor c = image_cursor(&search->file->image, &search->window, "chunks");
	uint32_t count, stored, plain;
	int rc;

	c.end = end;
	if (!(rc = cursor_skip(&c, offset, err)))
		rc = cursor_u32(&c, &count, err);
	for (uint32_t i = 0; !rc && (!count || i < count); i++) {
		struct cursor before = c;

		if ((rc = cursor_u32(&c, &stored, err)) || (rc = cursor_u32(&c, &plain, err)))
			break;
		if (!stored || !plain || plain % search->page_size) {
			c = before;
			break;
		}
		rc = cursor_skip(&c, stored, err);
	}
	*stop = rc ? end : c.pos;
	return problem_is_recoverable(rc) ? TRC_OK : rc;
}

static int search_chunks(struct search *search, uint64_t offset, uint64_t end, struct trc_error *err)
{
	while (offset < end) {
		uint64_t stop;
		int rc = skip_chunks(search, offset, end, &stop, err);

		if (rc)
			return rc;
		if (stop <= offset + 4)
			break;
		if ((rc = give_area(search, offset, stop - offset, err)))
			return rc;
		offset = round_up(stop, search->page_size);
	}
	return TRC_OK;
}

/* From start to end, or to what is known to be some CPU's. */
static int search_area(struct search *search, bool compressed, uint64_t start, uint64_t end,
		       struct trc_error *err)
{
	uint64_t known = areas_first_byte(search->known, start);

	if (known < end)
		end = known;
	return compressed ? search_chunks(search, start, end, err) : search_pages(search, start, end, err);
}

/* --- where to search ------------------------------------------------------------------------- */

/* Does a BUFFER option name the section at this offset? Then its areas are known. */
static bool section_known(const struct trc_file *file, const struct section *section)
{
	for (size_t i = 0; i < file->buffers.count; i++) {
		if (file->buffers.list[i].section.present &&
		    file->buffers.list[i].section.header == section->header)
			return true;
	}
	return false;
}

/* The head of a recording alone: of trace-cmd restore -c, or of a recorder that was stopped early. */
static void note_no_data(struct search *search)
{
	struct trc_error fault;

	trc_fail(&fault, TRC_TRUNCATED, search->file->image.map.size,
		 "trace data: the file ends before it; it has none");
	problems_add(search->problems, &fault);
}

static int search_v7(struct search *search, struct trc_error *err)
{
	const struct trc_file *file = search->file;
	uint64_t at = file->image.body;

	/* With a top buffer in the options the recorder came to its end, at least with that. */
	if (file->buffers.list[0].section.present)
		return TRC_OK;
	for (unsigned n = 0; n < OPTION_SECTIONS_MAX; n++) {
		struct section section = { 0 };
		int rc = section_read_header(&file->image, at, at, &section, err);

		if (rc && !problem_is_recoverable(rc))
			return rc;
		if (rc && !section.present)
			break;
		if (section.id == TRC_OPTION_BUFFER && !section_known(file, &section)) {
			uint64_t start = round_up(section.offset, search->page_size);
			uint64_t end = section.size ? section.offset + section.size : file->image.map.size;

			return search_area(search, section.compressed, start, end, err);
		}
		at = section.offset + section.size;
	}
	if (file->buffers.count == 1) /* no instance either */
		note_no_data(search);
	return TRC_OK;
}

static int search_v6(struct search *search, struct trc_error *err)
{
	const struct buffer *top = &search->file->buffers.list[0];
	uint64_t start = top->info.cpu_count ? top->info.offset + top->info.size : top->section.offset;
	size_t first;

	/* Instances are written after the top buffer, so then that is whole. */
	if (top->info.kind != TRC_BUFFER_FLYRECORD || !start ||
	    top->info.cpu_count >= search->file->cpu_count ||
	    options_range(&search->file->options, TRC_OPTION_BUFFER, &first))
		return TRC_OK;
	return search_area(search, false, round_up(start, search->page_size), search->file->image.map.size,
			   err);
}

int salvage_areas(const struct trc_file *file, const struct subbuffer_layout *layout,
		  const struct areas *known, struct problems *problems, salvage_found found, void *context,
		  struct trc_error *err)
{
	struct search search = {
		.file = file,
		.layout = layout,
		.known = known,
		.problems = problems,
		.found = found,
		.context = context,
		.window = image_window(&file->image),
		.page_size = file->image.header.page_size,
	};
	int rc;

	if (search.page_size < layout->data_offset)
		return TRC_OK;
	rc = file->image.header.version == 7 ? search_v7(&search, err) : search_v6(&search, err);
	map_window_deinit(&search.window);
	return rc;
}
