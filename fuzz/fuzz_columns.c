/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing the columns: every event of a damaged trace.dat file becomes Arrow arrays, all of its fields
 * and common columns, with and without a filter. What comes out has to be sound: offsets rise, indices
 * lie in their dictionary, texts are UTF-8, and every byte can be read. Tables of all events in one walk
 * have as many rows as each alone. README.md says how to build and run it.
 *
 * The bytes behind the last NUL of the input's first 64 are tried as a filter, too. mmap() and its like
 * are replaced at link time (--wrap) as exact_mapping.h says.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exact_mapping.h"
#include "tracecmd.h"

#define STREAMS_MAX 16
#define COLUMNS_MAX 64
#define COMMON 11
#define ROWS_MAX 100000
#define TABLES_MAX 64
#define TABLE_COLUMNS 8

/* --- arrays ---------------------------------------------------------------------------------- */

static bool is_utf8(const uint8_t *text, size_t size)
{
	for (size_t i = 0; i < size;) {
		unsigned more = text[i] < 0x80 ? 0 : text[i] < 0xc2 ? 9 : text[i] < 0xe0 ? 1 :
				text[i] < 0xf0 ? 2 : text[i] < 0xf5 ? 3 : 9;

		if (more > 3 || more > size - i - 1)
			return false;
		for (unsigned k = 1; k <= more; k++) {
			if ((text[i + k] & 0xc0) != 0x80)
				return false;
		}
		i += more + 1;
	}
	return true;
}

static size_t width_of(const char *format)
{
	switch (*format) {
	case 'c': case 'C':
		return 1;
	case 's': case 'S':
		return 2;
	case 'i': case 'I':
		return 4;
	default:
		return 8;
	}
}

/* Ends that rise, from 0 on; the last one. */
static int32_t check_offsets(const struct ArrowArray *array)
{
	const int32_t *ends = array->buffers[1];

	require(ends[0] == 0, "offsets begin with 0");
	for (int64_t i = 0; i < array->length; i++)
		require(ends[i] <= ends[i + 1], "offsets rise");
	return ends[array->length];
}

static void check_array(const struct ArrowSchema *schema, const struct ArrowArray *array);

static void check_texts(const struct ArrowArray *array, bool utf8)
{
	const int32_t *ends = array->buffers[1];
	const uint8_t *bytes = array->buffers[2];

	touch(bytes, (size_t)check_offsets(array));
	for (int64_t i = 0; utf8 && i < array->length; i++)
		require(is_utf8(bytes + ends[i], (size_t)(ends[i + 1] - ends[i])), "a text is UTF-8");
}

static void check_indices(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
	const int32_t *indices = array->buffers[1];
	const uint8_t *valid = array->buffers[0];

	check_array(schema->dictionary, array->dictionary);
	for (int64_t i = 0; i < array->length; i++) {
		if (!valid || valid[i / 8] >> i % 8 & 1)
			require(indices[i] >= 0 && indices[i] < array->dictionary->length,
				"an index lies in its dictionary");
	}
}

static void check_array(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
	const char *format = schema->format;
	size_t rows = (size_t)array->length;
	int64_t nulls = 0;

	if (array->null_count) {
		const uint8_t *valid = array->buffers[0];

		for (size_t i = 0; i < rows; i++)
			nulls += !(valid[i / 8] >> i % 8 & 1);
	}
	require(nulls == array->null_count, "as many nulls as are told of");
	if (schema->dictionary) {
		check_indices(schema, array);
	} else if (!strcmp(format, "u") || !strcmp(format, "z")) {
		check_texts(array, *format == 'u');
	} else if (!strcmp(format, "+l")) {
		require(check_offsets(array) <= array->children[0]->length, "lists lie in their values");
		check_array(schema->children[0], array->children[0]);
	} else if (!strncmp(format, "+w:", 3)) {
		require(array->children[0]->length == array->length * atoll(format + 3),
			"lists of one length");
		check_array(schema->children[0], array->children[0]);
	} else if (!strncmp(format, "w:", 2)) {
		touch(array->buffers[1], rows * (size_t)atoll(format + 2));
	} else if (!strcmp(format, "b")) {
		touch(array->buffers[1], (rows + 7) / 8);
	} else {
		touch(array->buffers[1], rows * width_of(format));
	}
}

/* --- columns --------------------------------------------------------------------------------- */

struct recording {
	struct trc_file *file;
	struct trc_metadata *metadata;
	struct trc_symbols *symbols;
	struct trc_data *data;
	struct trc_columns_source sources[STREAMS_MAX];
	size_t count;
};

/* All batches, each checked; how many rows they have. */
static int64_t read_batches(struct trc_columns *reader, const struct ArrowSchema *schema,
			    size_t max_rows)
{
	struct ArrowArray batch;
	int64_t rows = 0;

	while (rows < ROWS_MAX) {
		int rc = trc_columns_next(reader, max_rows, &batch, NULL);
		int64_t length;

		if (rc == TRC_GO_ON)
			continue;
		if (rc)
			break;
		length = batch.length;
		for (int64_t i = 0; i < schema->n_children; i++) {
			require(batch.children[i]->length == length, "columns are of one length");
			check_array(schema->children[i], batch.children[i]);
		}
		batch.release(&batch);
		if (!length)
			break;
		rows += length;
	}
	return rows;
}

/* How many rows there are; -1: there are no such columns, such as where a name holds a NUL. */
static int64_t read_columns(const struct recording *recording, const struct trc_column *columns,
			    size_t count, uint32_t flags, uint32_t walk_flags, bool by_the_way)
{
	struct trc_columns_options options = {
		.walk = { .flags = walk_flags, .until_last = 1 },
		.flags = flags, .columns = columns, .column_count = count,
	};
	struct trc_columns *reader;
	struct ArrowSchema own, schema;
	struct trc_error err;
	int64_t rows;

	if (trc_columns_create(recording->sources, recording->count, &options, &reader, &err)) {
		require(err.message[0], "an error has a text");
		return -1;
	}
	if (trc_columns_schema(reader, &own, &err) || trc_schema_copy(&own, &schema, &err))
		abort();
	own.release(&own);
	require(schema.n_children == (int64_t)count, "as many columns as asked for");
	rows = read_batches(reader, &schema, by_the_way ? 7 : 5000);
	if (by_the_way && rows < ROWS_MAX) {
		require(!trc_columns_restart(reader, &options.walk, NULL), "columns begin anew");
		require(read_batches(reader, &schema, 5000) == rows, "as many rows the second time");
	}
	schema.release(&schema);
	trc_columns_destroy(reader);
	return rows;
}

static void read_texts(const struct trc_filter *filter)
{
	struct trc_bytes text;
	uint32_t id;

	for (size_t i = 0; !trc_filter_text(filter, i, &id, &text, NULL); i++) {
		require(text.size > 0, "a filter has a text");
		trc_bytes_free(&text);
	}
}

static void use_event(struct recording *recording, size_t event, const char *filter_text,
		      size_t filter_size)
{
	static const char *const common[COMMON] = {
		"ts", "cpu", "pid", "comm", "flags", "preempt_count", "event", "buffer", "peer",
		"system", "missed_events",
	};
	struct trc_column columns[COLUMNS_MAX];
	char names[COLUMNS_MAX][64];
	uint8_t ids[TRC_EVENT_ID_BYTES] = { 0 };
	struct trc_event_info info;
	struct trc_filter *filter;
	size_t count = COMMON;
	int64_t all;

	if (trc_event(recording->metadata, event, &info, NULL) || info.id >= 65536)
		return;
	ids[info.id / 8] = (uint8_t)(1 << info.id % 8);
	for (uint32_t i = 0; i < COMMON; i++)
		columns[i] = (struct trc_column){ .name = common[i], .kind = i + 1 };
	for (size_t i = 0; i < info.common_count + info.field_count && count < COLUMNS_MAX; i++) {
		struct trc_field_info field;

		if (trc_event_field(recording->metadata, event, i, &field, NULL) || field.name_size > 63)
			continue;
		memcpy(names[count], field.name, field.name_size);
		names[count][field.name_size] = '\0';
		columns[count] = (struct trc_column){ .name = names[count], .field = names[count],
						      .kind = TRC_COLUMN_FIELD, .symbols = "{}" };
		count++;
	}
	for (size_t i = 0; i < recording->count; i++) {
		recording->sources[i].walk.event_ids = ids;
		recording->sources[i].filter = NULL;
	}
	all = read_columns(recording, columns, count, 0, 0, false);
	require(all >= ROWS_MAX ||
		all == read_columns(recording, columns, count,
				    TRC_COLUMNS_BINARY | TRC_COLUMNS_NO_DICTIONARY, TRC_WALK_BY_CPU, true),
		"as many rows in any order");
	if (trc_filter_create(recording->metadata, recording->symbols, filter_text, filter_size, ids,
			      (uint32_t)filter_size & TRC_FILTER_STRICT, &filter, NULL))
		return;
	for (size_t i = 0; i < recording->count; i++)
		recording->sources[i].filter = filter;
	read_texts(filter);
	require(all < 0 || read_columns(recording, columns, COMMON, 0, 0, false) <= all,
		"a filter adds nothing");
	trc_filter_destroy(filter);
}

/* --- sets ------------------------------------------------------------------------------------ */

struct together {
	uint8_t ids[TRC_EVENT_ID_BYTES];
	struct trc_column columns[TABLE_COLUMNS];
	char names[TABLE_COLUMNS][64];
	struct ArrowSchema schema;
	int64_t alone, rows;	/* read alone, and in the set */
};

/* Common columns and the first fields of an event; false: that is no table, which is fine. */
static bool make_table(struct recording *recording, size_t event, struct together *table,
		       struct trc_column_table *out)
{
	struct trc_columns_options options = { .walk.until_last = 1, .columns = table->columns };
	struct trc_columns *reader;
	struct trc_event_info info;
	size_t count = 2;

	if (trc_event(recording->metadata, event, &info, NULL) || info.id >= 65536)
		return false;
	*table = (struct together){
		.columns = { { .name = "ts", .kind = TRC_COLUMN_TS },
			     { .name = "comm", .kind = TRC_COLUMN_COMM } },
	};
	table->ids[info.id / 8] = (uint8_t)(1 << info.id % 8);
	for (size_t i = info.common_count; count < TABLE_COLUMNS; i++) {
		struct trc_field_info field;

		if (trc_event_field(recording->metadata, event, i, &field, NULL) || field.name_size > 63)
			break;
		memcpy(table->names[count], field.name, field.name_size);
		table->columns[count] = (struct trc_column){
			.name = table->names[count], .field = table->names[count],
		};
		count++;
	}
	for (size_t i = 0; i < recording->count; i++) {
		recording->sources[i].walk.event_ids = table->ids;
		recording->sources[i].filter = NULL;
	}
	options.column_count = count;
	if (trc_columns_create(recording->sources, recording->count, &options, &reader, NULL))
		return false;
	if (trc_columns_schema(reader, &table->schema, NULL))
		abort();
	trc_columns_destroy(reader);
	table->alone = read_columns(recording, table->columns, count, 0, 0, false);
	*out = (struct trc_column_table){ .event_ids = table->ids, .column_count = count,
					  .columns = table->columns };
	return true;
}

static void read_set(struct trc_column_set *set, struct together *tables, size_t count)
{
	struct ArrowArray batch;
	size_t number = 0;

	for (;;) {
		int rc = trc_column_set_next(set, 100, &number, &batch, NULL);

		if (rc == TRC_GO_ON)
			continue;
		if (rc || !batch.release)
			break;
		require(number < count && batch.length > 0 && batch.length <= 100, "a batch of a table");
		for (int64_t i = 0; i < batch.n_children; i++) {
			require(batch.children[i]->length == batch.length, "columns are of one length");
			check_array(tables[number].schema.children[i], batch.children[i]);
		}
		tables[number].rows += batch.length;
		batch.release(&batch);
	}
}

/* Tables of all events in one walk have the rows that each has alone. */
static void use_together(struct recording *recording)
{
	static struct together tables[TABLES_MAX];
	struct trc_columns_options options = { .walk.until_last = 1 };
	struct trc_column_table given[TABLES_MAX];
	struct trc_column_set *set;
	size_t events = trc_event_count(recording->metadata), count = 0;

	for (size_t event = 0; event < events && count < TABLES_MAX; event++)
		count += make_table(recording, event, &tables[count], &given[count]);
	if (!trc_column_set_create(recording->sources, recording->count, &options, given, count, &set,
				   NULL)) {
		read_set(set, tables, count);
		trc_column_set_destroy(set);
		for (size_t i = 0; i < count; i++)
			require(tables[i].alone >= ROWS_MAX || tables[i].rows == tables[i].alone,
				"as many rows as alone");
	}
	for (size_t i = 0; i < count; i++)
		tables[i].schema.release(&tables[i].schema);
}

/* Filters that ask every field of an event, as a number and as a text. */
static size_t make_filter(const struct recording *recording, size_t event, char *text, size_t room)
{
	static const char *const forms[] = {
		"%.*s%.*s == 1 || ", "%.*s%.*s != \"x\" || ", "!(%.*s%.*s =~ \"a.*b\") && ",
		"%.*s%.*s ~ \"*a[b-d]?\" || ", "%.*s%.*s & 0x10 || ", "%.*s%.*s > %.*s && ",
	};
	struct trc_field_info field;
	size_t size = 0;

	for (size_t i = 0; !trc_event_field(recording->metadata, event, i, &field, NULL); i++) {
		int name = (int)(field.name_size > 60 ? 60 : field.name_size);

		if (size + 256 > room)
			break;
		size += (size_t)snprintf(text + size, 200, forms[i % 6], 0, "", name, field.name, name,
					 field.name);
	}
	return size + (size_t)snprintf(text + size, 32, "CPU >= 0 || COMM == \"a\"");
}

static void use(struct recording *recording, const uint8_t *data, size_t size)
{
	size_t head = size < 64 ? size : 64, start = head;
	static char text[8192];
	struct trc_stream stream;

	while (start && data[start - 1])
		start--;
	while (recording->count < STREAMS_MAX &&
	       !trc_stream(recording->data, recording->count, &stream, NULL)) {
		recording->sources[recording->count].walk = (struct trc_walk_source){
			.data = recording->data, .stream = recording->count,
		};
		recording->sources[recording->count].peer = "peer";
		recording->count++;
	}
	for (size_t event = 0; event < trc_event_count(recording->metadata) && event < 64; event++) {
		size_t length = make_filter(recording, event, text, sizeof(text));

		use_event(recording, event, text, length);
		use_event(recording, event, (const char *)data + start, head - start);
	}
	use_together(recording);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recording recording = { 0 };
	int fd = memfd_create("case", 0);

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size, "a case can be written");
	if (!trc_open_fd(fd, NULL, &recording.file, NULL) &&
	    !trc_metadata_create(recording.file, &recording.metadata, NULL) &&
	    !trc_data_create(recording.file, recording.metadata, NULL, &recording.data, NULL)) {
		if (trc_symbols_create(recording.file, &recording.symbols, NULL))
			recording.symbols = NULL;
		use(&recording, data, size);
	}
	trc_data_destroy(recording.data);
	trc_symbols_destroy(recording.symbols);
	trc_metadata_destroy(recording.metadata);
	trc_close(recording.file);
	close(fd);
	return 0;
}

#include "main.h"
