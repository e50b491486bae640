/* SPDX-License-Identifier: MIT */
/*
 * Options whose payload is a text with an inner form: CPUSTAT, HOOK, PROCMAPS.
 * trace-cmd.dat.v7(5), OPTIONS; the forms are those that trace-cmd record writes.
 */
#include "base/digits.h"
#include "base/error.h"
#include "file/api.h"
#include "file/file.h"

static struct text text_of(const struct trc_option *option)
{
	struct text text;

	option_text(option, &text.start, &text.size);
	return text;
}

/* Cuts off what stands before the separator and drops that; without one, all of it. */
static struct text cut(struct text *rest, char separator)
{
	const char *end = rest->size ? memchr(rest->start, separator, rest->size) : NULL;
	struct text piece = { rest->start, end ? (size_t)(end - rest->start) : rest->size };

	*rest = text_skip(*rest, piece.size + (end != NULL));
	return piece;
}

static bool parse_hex(struct text text, uint64_t *out)
{
	size_t used;

	return text_hex(text, out, &used) && used == text.size;
}

/* --- CPUSTAT ----------------------------------------------------------------------------- */

/* An instance's statistics are introduced by an option of their own: "\nBuffer: NAME\n\n". */
static bool names_buffer(struct text text, struct text *name)
{
	static const char intro[] = "\nBuffer: ";
	size_t size = sizeof(intro) - 1;

	if (text.size < size || memcmp(text.start, intro, size))
		return false;
	text = text_skip(text, size);
	*name = cut(&text, '\n');
	return true;
}

int trc_cpu_stat(const struct trc_file *file, struct trc_cpu_stat_position *position,
		 struct trc_cpu_stat *out, struct trc_error *err)
{
	struct trc_option option;
	struct text name;

	while (!trc_option_find(file, TRC_OPTION_CPUSTAT, position->occurrence, &option, NULL)) {
		struct text text = text_of(&option);

		position->occurrence++;
		if (names_buffer(text, &name)) {
			position->buffer = name.start;
			position->buffer_size = name.size;
			continue;
		}
		*out = (struct trc_cpu_stat){
			.buffer = position->buffer_size ? position->buffer : "",
			.buffer_size = position->buffer_size,
			.text = text.start,
			.size = text.size,
		};
		return TRC_OK;
	}
	return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "option CPUSTAT: no more of them");
}

/* --- HOOK -------------------------------------------------------------------------------- */

static void set_text(const char **text, size_t *size, struct text value)
{
	*text = value.start;
	*size = value.size;
}

/* [system:]event,field[,rest] */
static int read_hook_side(struct text side, struct trc_hook_side *out, struct text *rest)
{
	struct text event = cut(&side, ','), system = { event.start, 0 };

	if (event.size && memchr(event.start, ':', event.size))
		system = cut(&event, ':');
	set_text(&out->system, &out->system_size, system);
	set_text(&out->event, &out->event_size, event);
	struct text field = cut(&side, ',');

	set_text(&out->field, &out->field_size, field);
	*rest = side;
	return out->event_size && out->field_size ? TRC_OK : TRC_CORRUPT;
}

static uint32_t hook_flags(struct text flags)
{
	uint32_t set = 0;

	for (; flags.size; flags = text_skip(flags, 1)) {
		switch (*flags.start | 0x20) { /* in lower case */
		case 'p':
			set |= TRC_HOOK_PRIVATE;
			break;
		case 'g':
			set |= TRC_HOOK_GLOBAL;
			break;
		case 's':
			set |= TRC_HOOK_STACK;
			break;
		}
	}
	return set;
}

static int read_hook(struct text text, uint64_t offset, struct trc_hook *out, struct trc_error *err)
{
	struct trc_hook hook = { 0 };
	struct text more, start = cut(&text, '/');

	if (read_hook_side(start, &hook.start, &more))
		return trc_fail(err, TRC_CORRUPT, offset, "option HOOK: no start event and field");
	set_text(&hook.pid_field, &hook.pid_field_size, more);
	if (read_hook_side(text, &hook.end, &more))
		return trc_fail(err, TRC_CORRUPT, offset, "option HOOK: no end event and field");
	hook.flags = hook_flags(more);
	*out = hook;
	return TRC_OK;
}

int trc_hook(const struct trc_file *file, size_t index, struct trc_hook *out, struct trc_error *err)
{
	struct trc_option option;
	int rc = trc_option_find(file, TRC_OPTION_HOOK, index, &option, err);

	return rc ? rc : read_hook(text_of(&option), option.offset, out, err);
}

int trc_hook_parse(const char *text, size_t size, struct trc_hook *out, struct trc_error *err)
{
	return read_hook((struct text){ text, size }, TRC_NO_OFFSET, out, err);
}

/* --- PROCMAPS ---------------------------------------------------------------------------- */

int trc_proc_map(const struct trc_file *file, size_t index, struct trc_proc_map *out, struct trc_error *err)
{
	struct trc_proc_map map = { 0 };
	struct trc_option option;
	uint64_t pid, count;
	int rc = trc_option_find(file, TRC_OPTION_PROCMAPS, index, &option, err);

	if (rc)
		return rc;
	struct text rest = text_of(&option);
	struct text line = cut(&rest, '\n');
	struct text pid_text = cut(&line, ' '), count_text = cut(&line, ' ');

	/* The kernel's pid_t is 31 bits wide; a region takes at least "0 0 x". */
	if (!parse_hex(pid_text, &pid) || !parse_hex(count_text, &count) || pid > INT32_MAX ||
	    count > rest.size)
		return trc_fail(err, TRC_CORRUPT, option.offset,
				"option PROCMAPS: \"PID COUNT COMM\" expected in its first line");
	map.pid = (uint32_t)pid;
	map.region_count = (uint32_t)count;
	set_text(&map.comm, &map.comm_size, line);
	set_text(&map.regions, &map.regions_size, rest);
	map.offset = option.offset;
	*out = map;
	return TRC_OK;
}

int trc_proc_map_region(const struct trc_proc_map *map, size_t *position, struct trc_proc_map_region *out,
			struct trc_error *err)
{
	struct text rest = { map->regions, map->regions_size };
	struct trc_proc_map_region region = { 0 };

	if (*position >= map->regions_size)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "option PROCMAPS: no more regions");
	rest = text_skip(rest, *position);
	struct text line = cut(&rest, '\n');
	struct text start = cut(&line, ' '), end = cut(&line, ' ');

	if (!parse_hex(start, &region.start) || !parse_hex(end, &region.end))
		return trc_fail(err, TRC_CORRUPT, map->offset,
				"option PROCMAPS: \"START END PATH\" expected in each line");
	set_text(&region.path, &region.path_size, line);
	*position = (size_t)(rest.start - map->regions);
	*out = region;
	return TRC_OK;
}
