/* SPDX-License-Identifier: MIT */
#include "file/option.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "file/api.h"
#include "file/section.h"

static int options_add(struct options *options, const struct trc_option *option, struct trc_error *err)
{
	if (options->count == options->room) {
		struct trc_option *larger;

		if (options->count == OPTION_COUNT_MAX)
			return trc_fail(err, TRC_LIMIT, option->offset, "options: more than %u",
					OPTION_COUNT_MAX);
		larger = array_grow(options->list, &options->room, 32, sizeof(*larger));
		if (!larger)
			return trc_fail_no_memory(err);
		options->list = larger;
	}
	options->list[options->count++] = *option;
	return TRC_OK;
}

/* After the id: u32 size, payload. */
static int read_option(struct options *options, struct cursor *c, uint16_t id, struct arena *kept,
		       struct trc_error *err)
{
	struct trc_option option = { .id = id, .unpacked = c->unpacked };
	int rc;

	if ((rc = cursor_u32(c, &option.size, err)))
		return rc;
	option.offset = cursor_file_offset(c, c->pos);
	if (c->window && !c->window->map->base && option.size <= cursor_left(c) &&
	    option.size > MAP_LOAD_MAX - options->payload_size)
		return cursor_refuse(c, err, TRC_LIMIT, "more than %" PRIu64 " bytes to be read",
				     MAP_LOAD_MAX);
	if (c->inner && option.size > cursor_left(c))
		return cursor_skip_sized(c, option.size, err); /* says that it is the size that is wrong */
	if ((rc = cursor_keep(c, option.size, kept, &option.data, err)))
		return rc;
	options->payload_size += option.size;
	return options_add(options, &option, err);
}

int options_read_v6(struct options *options, struct cursor *c, struct arena *kept, struct trc_error *err)
{
	for (;;) {
		uint16_t id;
		int rc;

		if ((rc = cursor_u16(c, &id, err)))
			return rc;
		if (id == TRC_OPTION_DONE)
			return TRC_OK; /* no size, no payload here */
		if ((rc = read_option(options, c, id, kept, err)))
			return rc;
	}
}

/* What the options of version 7's chain of sections are read from and to. */
struct chain {
	const struct image *image;
	struct options *options;
	struct arena *kept;
};

/* Where an options section is, and where the file says so. */
struct link {
	uint64_t offset, told_at;
};

/* DONE in version 7: u32 size, u64 where the next section is. */
static int read_done(struct cursor *c, struct link *next, struct trc_error *err)
{
	struct cursor payload;
	uint32_t size;
	int rc;

	if ((rc = cursor_u32(c, &size, err)))
		return rc;
	if (size < 8)
		return cursor_refuse(c, err, TRC_CORRUPT, "DONE has %u bytes, 8 expected", size);
	payload = *c;
	if ((rc = cursor_skip_sized(c, size, err)))
		return rc;
	rc = cursor_u64(&payload, &next->offset, err);
	next->told_at = cursor_file_offset(&payload, payload.last);
	return rc;
}

/* One section of options up to DONE, whose payload is where the next section is (0: nowhere). */
static int read_section(struct options *options, struct cursor *c, struct arena *kept, struct link *next,
			struct trc_error *err)
{
	for (;;) {
		uint16_t id;
		int rc;

		if ((rc = cursor_u16(c, &id, err)))
			return rc;
		if (id == TRC_OPTION_DONE)
			return read_done(c, next, err);
		if ((rc = read_option(options, c, id, kept, err)))
			return rc;
	}
}

/* Keeps the unpacked bytes of a compressed options section alive as long as the index. */
static int keep_unpacked(struct options *options, struct trc_bytes *bytes, struct trc_error *err)
{
	struct trc_bytes *bigger;

	bigger = realloc(options->unpacked, (options->unpacked_count + 1) * sizeof(*bigger));
	if (!bigger) {
		trc_bytes_free(bytes);
		return trc_fail_no_memory(err);
	}
	options->unpacked = bigger;
	options->unpacked[options->unpacked_count++] = *bytes;
	options->unpacked_size += bytes->size;
	return TRC_OK;
}

/*
 * Sections do not overlap, nor do options. Where they do, a small file can hold any number of
 * large ones; the same for sections that unpack to much more than they take.
 */
static int check_sizes(const struct image *image, const struct options *options, uint64_t offset,
		       struct trc_error *err)
{
	if (options->unpacked_size > budget_block(&image->budget))
		return trc_fail(err, TRC_LIMIT, offset,
				"options: they unpack to %" PRIu64
				" bytes, a quarter of the budget of %" PRIu64 " bytes of memory is the limit",
				options->unpacked_size, image->budget.memory);
	if (options->payload_size > image->map.size + options->unpacked_size)
		return trc_fail(err, TRC_CORRUPT, offset, "options: the sections of the chain overlap");
	return TRC_OK;
}

static int read_plain(const struct chain *chain, const struct section *section, struct link *next,
		      struct trc_error *err)
{
	struct map_window window = image_window(chain->image);
	struct cursor whole = image_cursor(chain->image, &window, "options section"), c;
	int rc;

	if (!(rc = cursor_skip(&whole, section->offset, err)) &&
	    !(rc = cursor_slice(&whole, section->size, whole.structure, &c, err))) {
		c.inner = true;
		rc = read_section(chain->options, &c, chain->kept, next, err);
	}
	map_window_deinit(&window);
	return rc;
}

static int read_compressed(const struct chain *chain, const struct section *section, struct link *next,
			   struct trc_error *err)
{
	struct trc_bytes bytes;
	struct cursor c;
	int rc;

	if ((rc = section_bytes(chain->image, section, &bytes, err)) ||
	    (rc = keep_unpacked(chain->options, &bytes, err)))
		return rc;
	c = section_cursor(chain->image, section, &bytes, "options section");
	return read_section(chain->options, &c, chain->kept, next, err);
}

static int read_section_at(const struct chain *chain, struct link at, struct link *next,
			   struct trc_error *err)
{
	struct options *options = chain->options;
	size_t before = options->count;
	struct section section;
	int rc;

	if ((rc = section_read_header(chain->image, at.offset, at.told_at, &section, err)))
		return rc;
	if (section.id != TRC_OPTION_DONE)
		return trc_fail(err, TRC_CORRUPT, at.offset, "options: section %u found where they should be",
				section.id);
	rc = section.compressed ? read_compressed(chain, &section, next, err) :
				  read_plain(chain, &section, next, err);
	if (!rc)
		rc = check_sizes(chain->image, options, at.offset, err);
	if (rc)
		options->count = before; /* all of a section or nothing */
	return rc;
}

/* Has the chain been here before? Then its end was damaged. */
static bool visited(const uint64_t *offsets, size_t count, uint64_t offset)
{
	for (size_t i = 0; i < count; i++) {
		if (offsets[i] == offset)
			return true;
	}
	return false;
}

int options_read_chain(const struct image *image, uint64_t offset, uint64_t told_at, struct options *options,
		       struct arena *kept, struct problems *problems, struct trc_error *err)
{
	const struct chain chain = { image, options, kept };
	struct link at = { offset, told_at };
	uint64_t *seen = malloc(OPTION_SECTIONS_MAX * sizeof(*seen));
	size_t count = 0;
	int rc = TRC_OK;

	if (!seen)
		return trc_fail_no_memory(err);
	while (at.offset) {
		struct trc_error fault;
		struct link next = { 0 };

		if (visited(seen, count, at.offset))
			rc = trc_fail(&fault, TRC_CORRUPT, at.told_at,
				      "options: the chain of sections is a loop");
		else if (count == OPTION_SECTIONS_MAX)
			rc = trc_fail(&fault, TRC_LIMIT, at.offset, "options: more than %d sections",
				      OPTION_SECTIONS_MAX);
		else
			rc = read_section_at(&chain, at, &next, &fault);
		if (rc) {
			if (count && problem_is_recoverable(rc)) {
				problems_add(problems, &fault);
				rc = TRC_OK;
			} else if (err) {
				*err = fault;
			}
			break;
		}
		seen[count++] = at.offset;
		at = next;
	}
	free(seen);
	return rc;
}

/* --- look-up ----------------------------------------------------------------------------- */

struct sort_key {
	uint32_t id, place;
};

static int compare_keys(const void *a, const void *b)
{
	const struct sort_key *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

int options_index(struct options *options, struct trc_error *err)
{
	struct sort_key *keys = malloc((options->count + 1) * sizeof(*keys));

	options->by_id = malloc((options->count + 1) * sizeof(*options->by_id));
	if (!keys || !options->by_id) {
		free(keys);
		return trc_fail_no_memory(err);
	}
	for (size_t i = 0; i < options->count; i++)
		keys[i] = (struct sort_key){ options->list[i].id, (uint32_t)i };
	qsort(keys, options->count, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < options->count; i++)
		options->by_id[i] = keys[i].place;
	free(keys);
	return TRC_OK;
}

/* First place in by_id whose option has at least this id. */
static size_t lower_bound(const struct options *options, uint32_t id)
{
	size_t low = 0, high = options->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (options->list[options->by_id[middle]].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t options_range(const struct options *options, uint32_t id, size_t *first)
{
	*first = lower_bound(options, id);
	return lower_bound(options, id + 1) - *first;
}

const struct trc_option *options_last(const struct options *options, uint32_t id)
{
	size_t first, count = options_range(options, id, &first);

	return count ? &options->list[options->by_id[first + count - 1]] : NULL;
}

struct cursor option_cursor(const struct image *image, const struct trc_option *option, const char *structure)
{
	/* Payloads count positions from their own place, unpacked ones stay at their section's. */
	return (struct cursor){
		.base = option->data,
		.end = option->size,
		.file_offset = option->offset,
		.structure = structure,
		.big_endian = image->header.big_endian,
		.inner = true,
		.unpacked = option->unpacked,
	};
}

void option_text(const struct trc_option *option, const char **text, size_t *size)
{
	*text = (const char *)option->data;
	*size = strnlen(*text, option->size);
}

int64_t option_number(const struct trc_option *option)
{
	char digits[64];
	const char *text;
	size_t size;

	option_text(option, &text, &size);
	if (size >= sizeof(digits))
		return 0;
	memcpy(digits, text, size);
	digits[size] = '\0';
	return strtoll(digits, NULL, 0);
}

void options_deinit(struct options *options)
{
	for (size_t i = 0; i < options->unpacked_count; i++)
		trc_bytes_free(&options->unpacked[i]);
	free(options->unpacked);
	free(options->by_id);
	free(options->list);
}
