/* SPDX-License-Identifier: MIT */
#include "records/area.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "file/api.h"
#include "file/file.h"

/* "CPU 3", or with the instance it is of. */
struct owner {
	char text[80];
};

static struct owner owner_of(const struct trc_file *file, const struct area *area)
{
	const struct trc_buffer *buffer = &file->buffers.list[area->buffer].info;
	int size = buffer->name_size < 40 ? (int)buffer->name_size : 40;
	struct owner owner;

	snprintf(owner.text, sizeof(owner.text), size ? "CPU %u of buffer \"%.*s\"" : "CPU %u", area->cpu,
		 size, buffer->name);
	return owner;
}

static void note_same_place(const struct trc_file *file, const struct area *kept, const struct area *left_out,
			    struct problems *problems)
{
	struct owner owner = owner_of(file, left_out), other = owner_of(file, kept);
	struct trc_error fault;

	trc_fail(&fault, TRC_CORRUPT, left_out->offset, "data of %s: is that of %s, and left out", owner.text,
		 other.text);
	problems_add(problems, &fault);
}

static void note_overlap(const struct trc_file *file, const struct area *area, const struct area *next,
			 struct problems *problems)
{
	struct owner owner = owner_of(file, area), other = owner_of(file, next);
	struct trc_error fault;

	trc_fail(&fault, TRC_CORRUPT, next->offset,
		 "data of %s: %" PRIu64 " of its %" PRIu64 " bytes are past the beginning of that of %s, "
		 "and left out",
		 owner.text, area->size - (next->offset - area->offset), area->size, other.text);
	problems_add(problems, &fault);
}

static int compare_areas(const void *a, const void *b)
{
	const struct area *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->buffer != y->buffer)
		return x->buffer < y->buffer ? -1 : 1;
	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

/* Sorted by offset: leaves each byte to one area. */
static void part(const struct trc_file *file, struct areas *areas, struct problems *problems)
{
	size_t kept = 0;

	for (size_t i = 0; i < areas->count; i++) {
		struct area *last = kept ? &areas->list[kept - 1] : NULL, *area = &areas->list[i];

		if (last && last->offset == area->offset) {
			note_same_place(file, last, area, problems);
			continue;
		}
		if (last) {
			last->next = area->offset;
			if (last->size > area->offset - last->offset) {
				note_overlap(file, last, area, problems);
				last->size = area->offset - last->offset;
			}
		}
		areas->list[kept++] = *area;
	}
	areas->count = kept;
}

int areas_collect(const struct trc_file *file, struct areas *out, struct problems *problems,
		  struct trc_error *err)
{
	const struct buffers *buffers = &file->buffers;
	struct areas areas = { 0 };
	size_t count = 0;

	for (uint32_t b = 0; b < buffers->count; b++)
		count += buffers->list[b].info.cpu_count;
	areas.list = calloc(count + 1, sizeof(*areas.list));
	if (!areas.list)
		return trc_fail_no_memory(err);
	for (uint32_t b = 0; b < buffers->count; b++) {
		for (uint32_t i = 0; i < buffers->list[b].info.cpu_count; i++) {
			const struct trc_cpu_area *area = &buffers->list[b].areas[i];

			areas.list[areas.count++] = (struct area){ b, area->cpu, area->offset, area->size,
								   UINT64_MAX };
		}
	}
	qsort(areas.list, areas.count, sizeof(*areas.list), compare_areas);
	part(file, &areas, problems);
	*out = areas;
	return TRC_OK;
}

void areas_deinit(struct areas *areas)
{
	free(areas->list);
}

uint64_t areas_first_byte(const struct areas *areas, uint64_t offset)
{
	for (size_t i = 0; i < areas->count; i++) {
		const struct area *area = &areas->list[i];

		if (area->offset + area->size > offset)
			return area->offset > offset ? area->offset : offset;
	}
	return UINT64_MAX;
}
