/* SPDX-License-Identifier: MIT */
#include "metadata/event_format.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/digits.h"
#include "base/error.h"
#include "metadata/api.h"

/* A kernel has some 2,500 events with 20,000 fields; a hostile file must not fill memory. */
#define FORMATS_MAX (1u << 18)
#define FIELDS_MAX (1u << 20)
#define FIELDS_FEW 32 /* are looked through one by one; events of kernels seldom have more */

/* What is being read, for messages. */
struct reading {
	struct event_formats *formats;
	struct field_rules rules;
	struct text system, name;
	uint64_t file_offset;
	struct problems *problems;
};

static void remember(const struct reading *r, const char *what)
{
	struct trc_error fault;

	trc_fail(&fault, TRC_CORRUPT, r->file_offset, "event format %.*s:%.*s: %s",
		 (int)(r->system.size < 64 ? r->system.size : 64), r->system.start,
		 (int)(r->name.size < 64 ? r->name.size : 64), r->name.start, what);
	problems_add(r->problems, &fault);
}

static int compare_field_name(const void *a, const void *b)
{
	const struct event_field *x = *(const struct event_field *const *)a;
	const struct event_field *y = *(const struct event_field *const *)b;
	int order = text_compare(x->name, y->name);

	return order ? order : (x > y) - (x < y);
}

/* Where every column and every argument of the print fmt is looked for among many fields. */
static int sort_fields(struct event_formats *formats, const struct event_field *fields, uint32_t count,
		       const struct event_field *const **out, struct trc_error *err)
{
	const struct event_field **sorted = NULL;

	if (count > FIELDS_FEW) {
		sorted = arena_alloc(&formats->arena, count * sizeof(*sorted));
		if (!sorted)
			return trc_fail_no_memory(err);
		for (uint32_t i = 0; i < count; i++)
			sorted[i] = &fields[i];
		qsort(sorted, count, sizeof(*sorted), compare_field_name);
	}
	*out = sorted;
	return TRC_OK;
}

/* Fields read from the lines of a format; the list is in the arena. */
struct field_list {
	const struct event_field *fields;
	const struct event_field *const *by_name; /* see struct event_format */
	uint32_t count;
	uint32_t readable; /* up to the first that libtraceevent cannot read */
	bool failed;	   /* there is such a one */
};

static void note_failure(const struct reading *r, struct field_list *out, size_t count, const char *wrong)
{
	if (!out->failed)
		out->readable = (uint32_t)count;
	out->failed = true;
	remember(r, wrong);
}

static int keep_fields(struct event_formats *formats, size_t count, struct field_list *out,
		       struct trc_error *err)
{
	struct event_field *fields = arena_alloc(&formats->arena, count * sizeof(*fields));

	if (!fields)
		return trc_fail_no_memory(err);
	if (count)
		memcpy(fields, formats->scratch, count * sizeof(*fields));
	formats->field_count += count;
	out->fields = fields;
	out->count = (uint32_t)count;
	if (!out->failed)
		out->readable = out->count;
	return sort_fields(formats, fields, out->count, &out->by_name, err);
}

/* Moves on to the next line. */
static void skip_line(struct scanner *s)
{
	const char *newline = memchr(s->pos, '\n', (size_t)(s->end - s->pos));

	s->pos = newline ? newline + 1 : s->end;
}

/* Field lines up to one that is not. One that cannot be read is passed over, or opaque. */
static int read_fields(struct scanner *s, const struct reading *r, struct field_list *out,
		       struct trc_error *err)
{
	struct event_formats *formats = r->formats;
	size_t count = 0;

	*out = (struct field_list){ 0 };
	for (;;) {
		const char *wrong;
		int rc;

		if (count == formats->scratch_room) {
			struct event_field *larger = array_grow(formats->scratch, &formats->scratch_room, 64,
								sizeof(*larger));

			if (!larger)
				return trc_fail_no_memory(err);
			formats->scratch = larger;
		}
		if (formats->field_count + count >= FIELDS_MAX) {
			note_failure(r, out, count, "more fields than any kernel has");
			break;
		}
		rc = field_parse(s, &r->rules, &formats->scratch[count], &wrong);
		if (rc == TRC_NO_MEMORY)
			return trc_fail_no_memory(err);
		if (rc == TRC_NOT_FOUND)
			break;
		if (rc == TRC_CORRUPT) {
			note_failure(r, out, count, wrong);
			skip_line(s);
			continue;
		}
		if (formats->scratch[count].flags & TRC_FIELD_OPAQUE)
			note_failure(r, out, count, "a declaration that cannot be read");
		count++;
	}
	return keep_fields(formats, count, out, err);
}

/*
 * The common fields, up to and with the empty line after them. They are the same lines in every
 * format of a kernel, so that most often those of the event before will do.
 */
static int read_common(struct scanner *s, const struct reading *r, struct event_format *format, bool *failed,
		       struct trc_error *err)
{
	struct event_formats *formats = r->formats;
	struct text seen = formats->common_text;
	const char *start = s->pos;
	struct field_list list;
	int rc;

	if (seen.size && (size_t)(s->end - start) >= seen.size && !memcmp(start, seen.start, seen.size)) {
		s->pos += seen.size;
		*failed = false;
	} else {
		formats->common_text.size = 0;
		if ((rc = read_fields(s, r, &list, err)))
			return rc;
		formats->common_fields = list.fields;
		formats->common_by_name = list.by_name;
		formats->common_count = list.count;
		formats->reported_common_count = list.readable;
		*failed = list.failed;
		if (scanner_accept_char(s, '\n') && !*failed)
			formats->common_text = (struct text){ start, (size_t)(s->pos - start) };
	}
	format->common = formats->common_fields;
	format->common_by_name = formats->common_by_name;
	format->common_count = formats->common_count;
	format->reported_common_count = formats->reported_common_count;
	return TRC_OK;
}

static struct text trimmed(const char *start, const char *end)
{
	struct text text = { start, (size_t)(end - start) };

	text = text_skip_blanks(text);
	while (text.size && strchr(" \t\r\n", text.start[text.size - 1]) && text.start[text.size - 1])
		text.size--;
	return text;
}

static int read_body(struct scanner *s, const struct reading *r, struct event_format *format,
		     struct trc_error *err)
{
	struct field_list own;
	bool failed;
	int rc;

	scanner_skip_newlines(s);
	if (!scanner_accept(s, "format") || !scanner_accept_char(s, ':') || !scanner_accept_char(s, '\n')) {
		format->state |= TRC_EVENT_FIELDS_FAILED;
		remember(r, "no line \"format:\"");
		return TRC_OK;
	}
	if ((rc = read_common(s, r, format, &failed, err)))
		return rc;
	if ((rc = read_fields(s, r, &own, err)))
		return rc;
	format->fields = own.fields;
	format->fields_by_name = own.by_name;
	format->field_count = own.count;
	format->reported_field_count = failed ? 0 : own.readable;
	if (failed || own.failed)
		format->state |= TRC_EVENT_FIELDS_FAILED;
	scanner_skip_newlines(s);
	if (scanner_accept(s, "print") && scanner_accept(s, "fmt") && scanner_accept_char(s, ':')) {
		format->print_fmt = trimmed(s->pos, s->end);
	} else {
		format->state |= TRC_EVENT_NO_PRINT_FMT;
		remember(r, "no line \"print fmt:\"");
	}
	return TRC_OK;
}

/* "name: NAME" and "ID: NUMBER". Without them nothing of the format is of use. */
static bool read_head(struct scanner *s, struct reading *r, struct event_format *format)
{
	uint64_t id;

	if (!scanner_accept(s, "name") || !scanner_accept_char(s, ':') || scanner_next(s) != TOKEN_WORD) {
		remember(r, "no line \"name: NAME\"");
		return false;
	}
	format->name = r->name = s->text;
	scanner_skip_newlines(s);
	if (!scanner_accept(s, "ID") || !scanner_accept_char(s, ':') || scanner_next(s) != TOKEN_WORD ||
	    !text_number(s->text, INT32_MAX, &id)) {
		remember(r, "no line \"ID: NUMBER\"");
		return false;
	}
	format->id = (uint32_t)id;
	return true;
}

int event_formats_add(struct event_formats *formats, struct text system, struct text text, unsigned long_size,
		      uint64_t file_offset, struct problems *problems, struct trc_error *err)
{
	static const struct event_field none[1];
	bool ftrace = text_is(system, "ftrace");
	struct reading r = {
		.formats = formats,
		.rules = { .arena = &formats->arena, .long_size = long_size, .ftrace = ftrace },
		.system = system,
		.name = TEXT("?"),
		.file_offset = file_offset,
		.problems = problems,
	};
	struct event_format format = {
		.system = system,
		.print_fmt = TEXT(""),
		.state = ftrace ? TRC_EVENT_FTRACE : 0,
		.common = none,
		.fields = none,
	};
	struct scanner s = scanner_of(text);
	int rc;

	if (!read_head(&s, &r, &format))
		return TRC_OK;
	if (formats->count == FORMATS_MAX) {
		remember(&r, "more events than any kernel has");
		return TRC_OK;
	}
	if ((rc = read_body(&s, &r, &format, err)))
		return rc;
	if (formats->count == formats->list_room) {
		struct event_format *larger = array_grow(formats->list, &formats->list_room, 64,
							 sizeof(*larger));

		if (!larger)
			return trc_fail_no_memory(err);
		formats->list = larger;
	}
	format.index = (uint32_t)formats->count;
	formats->list[formats->count++] = format;
	return TRC_OK;
}

/* --- finding ---------------------------------------------------------------------------- */

static int compare_id(const void *a, const void *b)
{
	const struct event_format *x = *(const struct event_format *const *)a;
	const struct event_format *y = *(const struct event_format *const *)b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->rank > y->rank) - (x->rank < y->rank);
}

static int compare_name(const void *a, const void *b)
{
	const struct event_format *x = *(const struct event_format *const *)a;
	const struct event_format *y = *(const struct event_format *const *)b;
	int order = text_compare(x->name, y->name);

	return order ? order : compare_id(a, b);
}

/*
 * Of several events with one id that which libtraceevent finds: its table is sorted as by_number,
 * and it takes the one a plain bisection comes across first.
 */
const struct event_format *event_by_any_id(const struct event_formats *formats, uint32_t id)
{
	size_t low = 0, high = formats->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct event_format *format = formats->by_number[middle];

		if (format->id == id)
			return format;
		if (format->id > id)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static int index_ids(struct event_formats *formats, struct trc_error *err)
{
	for (size_t i = 0; i < formats->count; i++) {
		uint32_t id = formats->by_number[i]->id;

		if (id < EVENT_ID_DENSE)
			formats->id_count = id + 1;
	}
	formats->by_id = calloc(formats->id_count + (size_t)1, sizeof(*formats->by_id));
	if (!formats->by_id)
		return trc_fail_no_memory(err);
	for (size_t i = 0; i < formats->count; i++) {
		uint32_t id = formats->by_number[i]->id;

		if (id < formats->id_count && !formats->by_id[id])
			formats->by_id[id] = event_by_any_id(formats, id);
	}
	return TRC_OK;
}

static struct event_place common_place(const struct event_format *format, struct text name)
{
	for (uint32_t i = 0; i < format->common_count; i++) {
		const struct event_field *field = &format->common[i];

		if (!text_equal(field->name, name) || field->flags & TRC_FIELD_OPAQUE)
			continue;
		if (field->size == 1 || field->size == 2 || field->size == 4 || field->size == 8)
			return (struct event_place){ field->offset, field->size };
		break;
	}
	return (struct event_place){ 0, 0 };
}

static void find_common(struct event_formats *formats)
{
	static const struct event_common usual = {
		.type = { 0, 2 },
		.flags = { 2, 1 },
		.preempt_count = { 3, 1 },
		.pid = { 4, 4 },
		.end = 8,
	};
	const struct {
		struct text name;
		struct event_place *place;
	} places[] = {
		{ TEXT("common_type"), &formats->common.type },
		{ TEXT("common_flags"), &formats->common.flags },
		{ TEXT("common_preempt_count"), &formats->common.preempt_count },
		{ TEXT("common_pid"), &formats->common.pid },
		{ TEXT("common_lock_depth"), &formats->common.lock_depth },
		{ TEXT("common_migrate_disable"), &formats->common.migrate_disable },
		{ TEXT("common_preempt_lazy_count"), &formats->common.preempt_lazy_count },
	};
	const struct event_format *format = NULL;

	formats->common = usual;
	for (size_t i = 0; i < formats->count && !format; i++) {
		if (common_place(formats->by_number[i], places[0].name).size)
			format = formats->by_number[i];
	}
	if (!format)
		return;
	formats->common.end = 0;
	for (size_t i = 0; i < countof(places); i++) {
		struct event_place place = common_place(format, places[i].name);

		*places[i].place = place;
		if (place.size && place.offset + place.size > formats->common.end)
			formats->common.end = place.offset + place.size;
	}
}

int event_formats_finish(struct event_formats *formats, size_t late, struct trc_error *err)
{
	size_t count = formats->count;

	free(formats->scratch);
	formats->scratch = NULL;
	formats->by_number = calloc(count + 1, sizeof(*formats->by_number));
	formats->by_name = calloc(count + 1, sizeof(*formats->by_name));
	if (!formats->by_number || !formats->by_name)
		return trc_fail_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		formats->list[i].rank = (uint32_t)(i < late ? count - late + i : i - late);
		formats->by_number[i] = formats->by_name[i] = &formats->list[i];
	}
	qsort(formats->by_number, count, sizeof(*formats->by_number), compare_id);
	qsort(formats->by_name, count, sizeof(*formats->by_name), compare_name);
	find_common(formats);
	return index_ids(formats, err);
}

void event_formats_deinit(struct event_formats *formats)
{
	free(formats->by_name);
	free(formats->by_number);
	free(formats->by_id);
	free(formats->scratch);
	free(formats->list);
	arena_deinit(&formats->arena);
}

const struct event_format *event_by_name(const struct event_formats *formats, struct text system,
					 struct text name)
{
	size_t low = 0, high = formats->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (text_compare(formats->by_name[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < formats->count && text_equal(formats->by_name[low]->name, name); low++) {
		if (!system.size || text_equal(formats->by_name[low]->system, system))
			return formats->by_name[low];
	}
	return NULL;
}

/* by_name NULL: one after the other. */
static const struct event_field *find_field(const struct event_field *fields,
					    const struct event_field *const *by_name, uint32_t count,
					    struct text name)
{
	uint32_t low = 0, high = count;

	for (uint32_t i = 0; !by_name && i < count; i++) {
		if (text_equal(fields[i].name, name))
			return &fields[i];
	}
	while (by_name && low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (text_compare(by_name[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return by_name && low < count && text_equal(by_name[low]->name, name) ? by_name[low] : NULL;
}

const struct event_field *event_common_field(const struct event_format *format, struct text name)
{
	return find_field(format->common, format->common_by_name, format->common_count, name);
}

const struct event_field *event_own_field(const struct event_format *format, struct text name)
{
	return find_field(format->fields, format->fields_by_name, format->field_count, name);
}

const struct event_field *event_field_by_name(const struct event_format *format, struct text name)
{
	const struct event_field *field = event_own_field(format, name);

	return field ? field : event_common_field(format, name);
}

const struct event_field *event_reported_field(const struct event_format *format, struct text name)
{
	const struct event_field *field = event_own_field(format, name);

	if (field && field - format->fields < format->reported_field_count)
		return field;
	field = event_common_field(format, name);
	return field && field - format->common < format->reported_common_count ? field : NULL;
}
