/* SPDX-License-Identifier: MIT */
/* The public functions that look up what opening a file found. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "file/api.h"
#include "file/file.h"

/* --- the file --------------------------------------------------------------------------------- */

int trc_check(const struct trc_file *file, struct trc_error *err)
{
	return map_check(&file->image.map, err);
}

void trc_header(const struct trc_file *file, struct trc_header *header)
{
	*header = file->image.header;
}

uint32_t trc_cpu_count(const struct trc_file *file)
{
	const struct buffer *top = &file->buffers.list[0];
	uint32_t from_areas = top->info.cpu_count ? top->areas[top->info.cpu_count - 1].cpu + 1 : 0;

	return from_areas > file->cpu_count ? from_areas : file->cpu_count;
}

void trc_clock_name(const struct trc_file *file, const char **name, size_t *size)
{
	const struct trc_buffer *top = &file->buffers.list[0].info;

	*name = top->clock;
	*size = top->clock_size;
	for (size_t i = 1; !*size && i < file->buffers.count; i++) {
		*name = file->buffers.list[i].info.clock;
		*size = file->buffers.list[i].info.clock_size;
	}
	if (!*size) {
		const char *text;
		size_t text_size;

		trc_option_text(file, TRC_OPTION_TRACECLOCK, &text, &text_size);
		clock_in_brackets(text, text_size, name, size);
	}
}

/* --- problems --------------------------------------------------------------------------------- */

size_t trc_problem_count(const struct trc_file *file)
{
	return problems_count(&file->problems);
}

int trc_problem(const struct trc_file *file, size_t index, struct trc_error *problem)
{
	return problems_get(&file->problems, index, problem);
}

/* --- sections --------------------------------------------------------------------------------- */

static const struct section *find_text(const struct trc_file *file, uint32_t id, struct trc_error *err)
{
	const struct section *section = sections_text((struct sections *)(uintptr_t)&file->sections, id);

	if (section && section->present)
		return section;
	trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "section %u: not in this file", id);
	return NULL;
}

int trc_section_find(const struct trc_file *file, uint32_t id, struct trc_section *out, struct trc_error *err)
{
	const struct section *section = find_text(file, id, err);

	if (!section)
		return TRC_NOT_FOUND;
	*out = (struct trc_section){
		.id = id, .compressed = section->compressed, .offset = section->offset, .size = section->size
	};
	return TRC_OK;
}

int trc_section_load(const struct trc_file *file, uint32_t id, struct trc_bytes *out, struct trc_error *err)
{
	const struct section *section = find_text(file, id, err);

	if (!section)
		return TRC_NOT_FOUND;
	return section_bytes(&file->image, section, out, err);
}

void trc_bytes_free(struct trc_bytes *bytes)
{
	free(bytes->owned);
	*bytes = (struct trc_bytes){ 0 };
}

/* --- options ---------------------------------------------------------------------------------- */

size_t trc_option_count(const struct trc_file *file)
{
	return file->options.count;
}

size_t trc_option_count_id(const struct trc_file *file, uint32_t id)
{
	size_t first;

	return id > UINT16_MAX ? 0 : options_range(&file->options, id, &first);
}

int trc_option(const struct trc_file *file, size_t index, struct trc_option *option, struct trc_error *err)
{
	if (index >= file->options.count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "options: there are %zu, not %zu",
				file->options.count, index + 1);
	*option = file->options.list[index];
	return TRC_OK;
}

int trc_option_find(const struct trc_file *file, uint32_t id, size_t occurrence, struct trc_option *option,
		    struct trc_error *err)
{
	size_t first = 0;
	size_t count = id > UINT16_MAX ? 0 : options_range(&file->options, id, &first);

	if (occurrence >= count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET,
				"option %u: there are %zu of it, number %zu was asked for", id, count,
				occurrence);
	*option = file->options.list[file->options.by_id[first + occurrence]];
	return TRC_OK;
}

void trc_option_text(const struct trc_file *file, uint32_t id, const char **text, size_t *size)
{
	const struct trc_option *option = id > UINT16_MAX ? NULL : options_last(&file->options, id);

	*text = "";
	*size = 0;
	if (option)
		option_text(option, text, size);
}

/* --- buffers ---------------------------------------------------------------------------------- */

size_t trc_buffer_count(const struct trc_file *file)
{
	return file->buffers.count;
}

int trc_buffer(const struct trc_file *file, size_t index, struct trc_buffer *out, struct trc_error *err)
{
	if (index >= file->buffers.count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "buffers: there are %zu, not %zu",
				file->buffers.count, index + 1);
	*out = file->buffers.list[index].info;
	return TRC_OK;
}

int trc_cpu_area(const struct trc_file *file, size_t buffer, size_t index, struct trc_cpu_area *out,
		 struct trc_error *err)
{
	struct trc_buffer info = { 0 };
	int rc = trc_buffer(file, buffer, &info, err);

	if (rc)
		return rc;
	if (index >= info.cpu_count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "buffer: it has data of %u CPUs, not %zu",
				info.cpu_count, index + 1);
	*out = file->buffers.list[buffer].areas[index];
	return TRC_OK;
}

int trc_cpu_empty(const struct trc_file *file, size_t buffer, size_t index, struct trc_cpu_area *out,
		  struct trc_error *err)
{
	struct trc_buffer info;
	int rc = trc_buffer(file, buffer, &info, err);
	const struct buffer *found;

	if (rc)
		return rc;
	found = &file->buffers.list[buffer];
	if (index >= found->empty_count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "buffer: %u CPUs have no data, not %zu",
				found->empty_count, index + 1);
	*out = found->empty[found->empty_count - 1 - index];
	return TRC_OK;
}

/* --- peers ------------------------------------------------------------------------------------ */

uint64_t trc_trace_id(const struct trc_file *file)
{
	return file->peers.trace_id;
}

size_t trc_guest_count(const struct trc_file *file)
{
	return file->peers.count;
}

int trc_guest(const struct trc_file *file, size_t index, struct trc_guest *out, struct trc_error *err)
{
	if (index >= file->peers.count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "guests: there are %zu, not %zu",
				file->peers.count, index + 1);
	*out = file->peers.guests[index];
	return TRC_OK;
}

int trc_guest_find(const struct trc_file *file, uint64_t trace_id, struct trc_guest *out,
		   struct trc_error *err)
{
	for (size_t i = file->peers.count; i-- > 0;) {
		if (file->peers.guests[i].trace_id == trace_id) {
			*out = file->peers.guests[i];
			return TRC_OK;
		}
	}
	return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "guests: none has the trace ID 0x%" PRIx64,
			trace_id);
}

/* --- clocks ----------------------------------------------------------------------------------- */

void trc_ts_offset(const struct trc_file *file, struct trc_ts_offset *out)
{
	*out = file->times.offset;
}

int trc_tsc2nsec(const struct trc_file *file, struct trc_tsc2nsec *out, struct trc_error *err)
{
	return tsc2nsec_read(&file->image, &file->options, out, err);
}

int trc_time_shift(const struct trc_file *file, struct trc_time_shift *out, struct trc_error *err)
{
	if (!file->times.shift.present)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "option TIME_SHIFT: not in this file");
	*out = file->times.shift.info;
	return TRC_OK;
}

int trc_time_samples(const struct trc_file *file, uint32_t cpu, const struct trc_time_sample **samples,
		     size_t *count, struct trc_error *err)
{
	const struct time_shift *shift = &file->times.shift;

	if (!shift->present || cpu >= shift->info.cpu_count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "option TIME_SHIFT: no samples of CPU %u",
				cpu);
	*samples = shift->cpus[cpu].samples;
	*count = shift->cpus[cpu].count;
	return TRC_OK;
}
