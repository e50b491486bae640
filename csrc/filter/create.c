/* SPDX-License-Identifier: MIT */
/* A filter: the events that its text names, and a program for each. */
#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "base/pattern.h"
#include "filter/api.h"
#include "filter/compile.h"
#include "filter/filter.h"
#include "metadata/api.h"

static bool list_event(struct trc_filter *filter, uint32_t id)
{
	if (filter->listed == filter->id_room) {
		uint32_t *larger = array_grow(filter->ids, &filter->id_room, 64, sizeof(*larger));

		if (!larger)
			return false;
		filter->ids = larger;
	}
	filter->ids[filter->listed++] = id;
	return true;
}

/* The event is that of its id. */
static int add_event(struct trc_filter *filter, const struct event_format *event, struct text text,
		     struct trc_error *err)
{
	if (!list_event(filter, event->id))
		return trc_fail_no_memory(err);
	if (filter->by_id[event->id])
		return TRC_OK;
	return filter_compile(filter, event, text, &filter->by_id[event->id], err);
}

/* "SYSTEM/EVENT", or one that either may fit. */
static int add_events(struct trc_filter *filter, struct text which, struct text expression,
		      struct trc_error *err)
{
	const struct event_formats *formats = &filter->metadata->formats;
	const char *slash = memchr(which.start, '/', which.size);
	struct text system = TEXT(""), name = filter_trim(which);
	regex_t system_regex, name_regex;
	bool found = false;
	int rc;

	if (slash) {
		system = filter_trim((struct text){ which.start, (size_t)(slash - which.start) });
		name = filter_trim(text_skip(which, (size_t)(slash - which.start) + 1));
	}
	if (!name.size || (slash && !system.size))
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "filter: no event before ':'");
	if ((rc = pattern_compile(name, "filter", &name_regex, err)))
		return rc;
	if (slash && (rc = pattern_compile(system, "filter", &system_regex, err))) {
		regfree(&name_regex);
		return rc;
	}
	for (uint32_t id = 0; !rc && id < formats->id_count; id++) {
		const struct event_format *event = formats->by_id[id];

		if (!event)
			continue;
		if (slash ? !pattern_fits(&system_regex, event->system) ||
				    !pattern_fits(&name_regex, event->name) :
			    !pattern_fits(&name_regex, event->system) &&
				    !pattern_fits(&name_regex, event->name))
			continue;
		found = true;
		rc = add_event(filter, event, expression, err);
	}
	regfree(&name_regex);
	if (slash)
		regfree(&system_regex);
	if (!rc && !found)
		rc = trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "filter: no event fits '%.*s'",
			      which.size > 60 ? 60 : (int)which.size, which.start);
	return rc;
}

/* Where the ':' after EVENTS is; NULL: there are none. */
static const char *end_of_events(struct text text)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.start[i] == ':')
			return text.start + i;
		if (memchr("\"'=<>!&|~", text.start[i], 9))
			return NULL;
	}
	return NULL;
}

static int add_listed(struct trc_filter *filter, struct text events, struct text expression,
		      struct trc_error *err)
{
	int rc = TRC_OK;

	for (bool more = true; !rc && more;) {
		const char *comma = memchr(events.start, ',', events.size);
		size_t size = comma ? (size_t)(comma - events.start) : events.size;

		rc = add_events(filter, (struct text){ events.start, size }, expression, err);
		more = comma != NULL;
		events = text_skip(events, size + more);
	}
	return rc;
}

static int fill_filter(struct trc_filter *filter, struct text text, const uint8_t *event_ids,
		       struct trc_error *err)
{
	const struct event_formats *formats = &filter->metadata->formats;
	const char *colon = end_of_events(text);
	int rc = TRC_OK;

	if (colon) {
		size_t size = (size_t)(colon - text.start);

		return add_listed(filter, (struct text){ text.start, size }, text_skip(text, size + 1), err);
	}
	for (uint32_t id = 0; !rc && id < formats->id_count; id++) {
		if (formats->by_id[id] && (!event_ids || event_ids[id >> 3] >> (id & 7) & 1))
			rc = add_event(filter, formats->by_id[id], text, err);
	}
	return rc;
}

static struct text text_copy(struct text text)
{
	char *copy = malloc(text.size + 1);

	if (copy)
		memcpy(copy, text.start, text.size);
	return (struct text){ copy, text.size };
}

int trc_filter_create(const struct trc_metadata *metadata, const struct trc_symbols *symbols,
		      const char *text, size_t size, const uint8_t *event_ids, uint32_t flags,
		      struct trc_filter **out, struct trc_error *err)
{
	struct trc_filter *filter = calloc(1, sizeof(*filter));
	int rc;

	if (!filter)
		return trc_fail_no_memory(err);
	filter->metadata = metadata;
	filter->symbols = symbols;
	filter->flags = flags;
	filter->text = text_copy((struct text){ text, size });
	filter->id_count = metadata->formats.id_count;
	filter->by_id = calloc((size_t)filter->id_count + 1, sizeof(*filter->by_id));
	rc = filter->by_id && filter->text.start ? fill_filter(filter, filter->text, event_ids, err) :
						   trc_fail_no_memory(err);
	if (rc) {
		trc_filter_destroy(filter);
		return rc;
	}
	*out = filter;
	return TRC_OK;
}

void trc_filter_destroy(struct trc_filter *filter)
{
	if (!filter)
		return;
	for (uint32_t id = 0; filter->by_id && id < filter->id_count; id++)
		filter_program_destroy(filter->by_id[id]);
	for (size_t i = 0; i < filter->name_count; i++)
		free(filter->names[i].text);
	free(filter->by_id);
	free(filter->ids);
	free(filter->names);
	free(filter->comparisons);
	filter_join_destroy(filter->join);
	free((char *)filter->text.start);
	free(filter);
}

int trc_filter_name(const struct trc_filter *filter, size_t index, const char **name, size_t *size,
		    int *own_field, struct trc_error *err)
{
	if (index >= filter->name_count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "filter: there are %zu names, not %zu",
				filter->name_count, index + 1);
	*name = filter->names[index].text;
	*size = filter->names[index].size;
	*own_field = filter->names[index].own_field;
	return TRC_OK;
}

int trc_filter_unknown(const struct trc_filter *filter, size_t index, const char **name, size_t *size,
		       struct trc_error *err)
{
	for (size_t i = 0; i < filter->name_count; i++) {
		if (filter->names[i].known || index--)
			continue;
		*name = filter->names[i].text;
		*size = filter->names[i].size;
		return TRC_OK;
	}
	return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "filter: all names are known");
}

int trc_filter_wants_symbols(const struct trc_filter *filter)
{
	return filter->wants_symbols && !filter->symbols;
}
