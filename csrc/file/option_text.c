/* SPDX-License-Identifier: MIT */
/*
 * Options whose payload is a text with an inner form: CPUSTAT, HOOK, PROCMAPS.
 * trace-cmd.dat.v7(5), OPTIONS; the forms are those that trace-cmd record writes.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "file/api.h"
#include "file/file.h"

/* A stretch of text; parsers cut pieces off its front. */
struct span {
	const char *at, *end;
};

static struct span option_span(const struct trc_option *option)
{
	struct span span;
	size_t size;

	option_text(option, &span.at, &size);
	span.end = span.at + size;
	return span;
}

static size_t span_size(const struct span *span)
{
	return (size_t)(span->end - span->at);
}

/* Cuts off what stands before the separator and drops that; without one, all of it. */
static struct span cut(struct span *rest, char separator)
{
	const char *found = span_size(rest) ? memchr(rest->at, separator, span_size(rest)) : NULL;
	struct span piece = { rest->at, found ? found : rest->end };

	rest->at = found ? found + 1 : rest->end;
	return piece;
}

static bool parse_hex(struct span text, uint64_t *out)
{
	uint64_t value = 0;

	if (text.at == text.end || span_size(&text) > 16)
		return false;
	for (; text.at < text.end; text.at++) {
		int c = tolower((unsigned char)*text.at);

		if (!isxdigit(c))
			return false;
		value = value << 4 | (uint64_t)(isdigit(c) ? c - '0' : c - 'a' + 10);
	}
	*out = value;
	return true;
}

/* --- CPUSTAT ----------------------------------------------------------------------------- */

/* An instance's statistics are introduced by an option of their own: "\nBuffer: NAME\n\n". */
static bool names_buffer(struct span text, struct span *name)
{
	static const char intro[] = "\nBuffer: ";
	size_t size = sizeof(intro) - 1;

	if (span_size(&text) < size || memcmp(text.at, intro, size))
		return false;
	text.at += size;
	*name = cut(&text, '\n');
	return true;
}

int trc_cpu_stat(const struct trc_file *file, struct trc_cpu_stat_position *position,
		 struct trc_cpu_stat *out, struct trc_error *err)
{
	struct trc_option option;
	struct span name;

	while (!trc_option_find(file, TRC_OPTION_CPUSTAT, position->occurrence, &option, NULL)) {
		struct span text = option_span(&option);

		position->occurrence++;
		if (names_buffer(text, &name)) {
			position->buffer = name.at;
			position->buffer_size = (size_t)(name.end - name.at);
			continue;
		}
		*out = (struct trc_cpu_stat){
			.buffer = position->buffer_size ? position->buffer : "",
			.buffer_size = position->buffer_size,
			.text = text.at,
			.size = span_size(&text),
		};
		return TRC_OK;
	}
	return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "option CPUSTAT: no more of them");
}

/* --- HOOK -------------------------------------------------------------------------------- */

static void set_text(const char **text, size_t *size, struct span span)
{
	*text = span.at;
	*size = span_size(&span);
}

/* [system:]event,field[,rest] */
static int read_hook_side(struct span side, struct trc_hook_side *out, struct span *rest)
{
	struct span event = cut(&side, ','), system = { event.at, event.at };

	if (span_size(&event) && memchr(event.at, ':', span_size(&event)))
		system = cut(&event, ':');
	set_text(&out->system, &out->system_size, system);
	set_text(&out->event, &out->event_size, event);
	struct span field = cut(&side, ',');

	set_text(&out->field, &out->field_size, field);
	*rest = side;
	return out->event_size && out->field_size ? TRC_OK : TRC_CORRUPT;
}

static uint32_t hook_flags(struct span flags)
{
	uint32_t set = 0;

	for (; flags.at < flags.end; flags.at++) {
		switch (tolower((unsigned char)*flags.at)) {
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

int trc_hook(const struct trc_file *file, size_t index, struct trc_hook *out,
	     struct trc_error *err)
{
	struct trc_option option;
	struct trc_hook hook = { 0 };
	struct span rest, more;
	int rc = trc_option_find(file, TRC_OPTION_HOOK, index, &option, err);

	if (rc)
		return rc;
	rest = option_span(&option);
	struct span start = cut(&rest, '/');

	if (read_hook_side(start, &hook.start, &more))
		return trc_fail(err, TRC_CORRUPT, option.offset, "option HOOK: no start event and field");
	set_text(&hook.pid_field, &hook.pid_field_size, more);
	if (read_hook_side(rest, &hook.end, &more))
		return trc_fail(err, TRC_CORRUPT, option.offset, "option HOOK: no end event and field");
	hook.flags = hook_flags(more);
	*out = hook;
	return TRC_OK;
}

/* --- PROCMAPS ---------------------------------------------------------------------------- */

int trc_proc_map(const struct trc_file *file, size_t index, struct trc_proc_map *out,
		 struct trc_error *err)
{
	struct trc_proc_map map = { 0 };
	struct trc_option option;
	uint64_t pid, count;
	int rc = trc_option_find(file, TRC_OPTION_PROCMAPS, index, &option, err);

	if (rc)
		return rc;
	struct span rest = option_span(&option);
	struct span line = cut(&rest, '\n');
	struct span pid_text = cut(&line, ' '), count_text = cut(&line, ' ');

	/* The kernel's pid_t is 31 bits wide; a region takes at least "0 0 x". */
	if (!parse_hex(pid_text, &pid) || !parse_hex(count_text, &count) || pid > INT32_MAX ||
	    count > span_size(&rest))
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

int trc_proc_map_region(const struct trc_proc_map *map, size_t *position,
			struct trc_proc_map_region *out, struct trc_error *err)
{
	struct span rest = { map->regions + *position, map->regions + map->regions_size };
	struct trc_proc_map_region region = { 0 };

	if (*position >= map->regions_size)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "option PROCMAPS: no more regions");
	struct span line = cut(&rest, '\n');
	struct span start = cut(&line, ' '), end = cut(&line, ' ');

	if (!parse_hex(start, &region.start) || !parse_hex(end, &region.end))
		return trc_fail(err, TRC_CORRUPT, map->offset,
				"option PROCMAPS: \"START END PATH\" expected in each line");
	set_text(&region.path, &region.path_size, line);
	*position = (size_t)(rest.at - map->regions);
	*out = region;
	return TRC_OK;
}
