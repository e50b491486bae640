/* SPDX-License-Identifier: MIT */
/* What is made before an analysis begins: files, roles of events, columns, and the walk. */
#include <stdlib.h>
#include <string.h>

#include "analysis/analysis.h"
#include "base/error.h"
#include "file/api.h"
#include "file/file.h"
#include "metadata/metadata.h"
#include "records/data.h"

#define FIRST_ROWS 8192
#define FIRST_COLUMNS 16

/* --- files and sources ----------------------------------------------------------------------- */

static int add_file(struct trc_analysis *analysis, const struct trc_data *data, struct trc_error *err)
{
	struct analysis_file *file = &analysis->files[analysis->file_count++];
	const struct budget *budget = &data->file->image.budget;

	*file = (struct analysis_file){
		.data = data,
		.formats = &data->metadata->formats,
		.long_size = data->metadata->long_size,
		.big_endian = data->metadata->big_endian,
		.roles = calloc((size_t)data->metadata->formats.id_count + 1, 1),
		.event_ids = calloc(TRC_EVENT_ID_BYTES, 1),
	};
	if (budget->memory > analysis->account.budget.memory)
		analysis->account.budget = *budget;
	return file->roles && file->event_ids ? TRC_OK : trc_fail_no_memory(err);
}

static int find_file(struct trc_analysis *analysis, const struct trc_data *data, uint32_t *file,
		     struct trc_error *err)
{
	for (*file = 0; *file < analysis->file_count; ++*file) {
		if (analysis->files[*file].data == data)
			return TRC_OK;
	}
	return add_file(analysis, data, err);
}

static char *copy_string(const char *string)
{
	size_t size = string ? strlen(string) + 1 : 1;
	char *copy = malloc(size);

	if (copy)
		memcpy(copy, string ? string : "", size);
	return copy;
}

/* Sources of one buffer of a file stand together mostly. */
static uint32_t find_group(struct trc_analysis *analysis, const struct analysis_source *source)
{
	for (size_t i = analysis->source_count; i--;) {
		const struct analysis_source *other = &analysis->sources[i];

		if (other->file == source->file && other->buffer_index == source->buffer_index)
			return other->group;
	}
	return analysis->group_count++;
}

static int add_source(struct trc_analysis *analysis, const struct trc_analysis_source *from,
		      struct trc_error *err)
{
	struct analysis_source *source = &analysis->sources[analysis->source_count];
	struct trc_stream stream;
	struct trc_buffer buffer;
	int rc;

	if ((rc = trc_stream(from->data, from->stream, &stream, err)) ||
	    (rc = trc_buffer(from->data->file, stream.buffer, &buffer, err)) ||
	    (rc = find_file(analysis, from->data, &source->file, err)))
		return rc;
	source->cpu = stream.cpu;
	source->buffer = (struct text){ buffer.name, buffer.name_size };
	source->buffer_index = stream.buffer;
	source->stream = from->stream;
	source->group = find_group(analysis, source);
	source->peer = copy_string(from->peer);
	analysis->source_count++;
	return source->peer ? TRC_OK : trc_fail_no_memory(err);
}

static bool copy_choice(struct trc_analysis *analysis, const struct trc_analysis_options *options)
{
	analysis->of_cpus = options->of_cpus;
	analysis->of_pids = options->of_pids;
	analysis->cpus = calloc(options->cpu_count + 1, sizeof(*analysis->cpus));
	analysis->pids = calloc(options->pid_count + 1, sizeof(*analysis->pids));
	if (!analysis->cpus || !analysis->pids)
		return false;
	if (options->cpu_count)
		memcpy(analysis->cpus, options->cpus, options->cpu_count * sizeof(*analysis->cpus));
	if (options->pid_count)
		memcpy(analysis->pids, options->pids, options->pid_count * sizeof(*analysis->pids));
	analysis->cpu_count = options->cpu_count;
	analysis->pid_count = options->pid_count;
	return true;
}

int analysis_create(size_t size, const struct analysis_machine *machine,
		    const struct trc_analysis_source *sources, size_t count,
		    const struct trc_analysis_options *options, struct trc_analysis **out,
		    struct trc_error *err)
{
	struct trc_analysis *analysis = calloc(1, size);
	int rc = TRC_OK;

	if (!analysis)
		return trc_fail_no_memory(err);
	analysis->machine = machine;
	analysis->flags = options->flags;
	analysis->start = options->start;
	analysis->end = options->end;
	analysis->until_last = options->until_last;
	analysis->expected_rows = FIRST_ROWS;
	analysis->files = calloc(count + options->like_count + 1, sizeof(*analysis->files));
	analysis->sources = calloc(count + 1, sizeof(*analysis->sources));
	if (!analysis->files || !analysis->sources || !copy_choice(analysis, options))
		rc = trc_fail_no_memory(err);
	for (size_t i = 0; !rc && i < count; i++)
		rc = add_source(analysis, &sources[i], err);
	for (size_t i = 0; !rc && i < options->like_count; i++)
		rc = find_file(analysis, options->like[i], &(uint32_t){ 0 }, err);
	if (rc) {
		trc_analysis_destroy(analysis);
		return rc;
	}
	*out = analysis;
	return TRC_OK;
}

void trc_analysis_destroy(struct trc_analysis *analysis)
{
	if (!analysis)
		return;
	analysis->machine->deinit(analysis);
	trc_walk_destroy(analysis->walk);
	for (size_t i = 0; i < analysis->file_count; i++) {
		free(analysis->files[i].roles);
		free(analysis->files[i].event_ids);
	}
	for (size_t i = 0; i < analysis->source_count; i++)
		free(analysis->sources[i].peer);
	for (size_t i = 0; i < analysis->column_count; i++) {
		column_builder_deinit(&analysis->builders[i]);
		free(analysis->columns[i].name);
	}
	slab_pool_deinit(&analysis->memory);
	free(analysis->files);
	free(analysis->sources);
	free(analysis->cpus);
	free(analysis->pids);
	free(analysis->columns);
	free(analysis->builders);
	free(analysis);
}

/* --- roles ----------------------------------------------------------------------------------- */

const struct event_format *analysis_event(const struct analysis_file *file, const char *name)
{
	const char *colon = strchr(name, ':');
	struct text system = TEXT(""), event = { name, strlen(name) };
	const struct event_format *found, *of_id;

	if (colon) {
		system = (struct text){ name, (size_t)(colon - name) };
		event = (struct text){ colon + 1, strlen(colon + 1) };
	}
	found = event_by_name(file->formats, system, event);
	if (!found)
		return NULL;
	/* A file may have a format twice; records go by the one that their id finds. */
	of_id = event_by_id(file->formats, found->id);
	return of_id && text_equal(of_id->name, found->name) && text_equal(of_id->system, found->system) ?
		       of_id :
		       found;
}

bool analysis_add_role(struct analysis_file *file, const char *name, uint8_t role,
		       const struct event_format **event)
{
	uint32_t id;

	*event = analysis_event(file, name);
	if (!*event)
		return false;
	id = (*event)->id;
	if (id < file->formats->id_count && event_by_id(file->formats, id) == *event) {
		file->roles[id] = role;
		file->event_ids[id >> 3] |= (uint8_t)(1 << (id & 7));
	}
	return true;
}

/* --- columns --------------------------------------------------------------------------------- */

static bool reserve_column(struct trc_analysis *analysis)
{
	size_t room = analysis->column_room ? 2 * analysis->column_room : FIRST_COLUMNS;
	struct analysis_column *columns;
	struct column_builder *builders;

	if (analysis->column_count < analysis->column_room)
		return true;
	columns = realloc(analysis->columns, room * sizeof(*columns));
	if (!columns)
		return false;
	analysis->columns = columns;
	builders = realloc(analysis->builders, room * sizeof(*builders));
	if (!builders)
		return false;
	analysis->builders = builders;
	analysis->column_room = room;
	return true;
}

bool analysis_add_column(struct trc_analysis *analysis, const char *name, struct column_type type,
			 bool nullable)
{
	char *own = copy_string(name);

	if (!own || !reserve_column(analysis)) {
		free(own);
		return false;
	}
	if (type.shape == SHAPE_TEXT)
		type.dictionary = !(analysis->flags & TRC_ANALYSIS_NO_DICTIONARY);
	analysis->columns[analysis->column_count] = (struct analysis_column){ own, nullable };
	column_builder_init(&analysis->builders[analysis->column_count++], type);
	return true;
}

bool analysis_add_columns(struct trc_analysis *analysis, const struct analysis_column_spec *specs,
			  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct column_type type = specs[i].type;

		if (type.shape == SHAPE_TIMESTAMP)
			type.shape = column_time_shape(analysis->flags & TRC_ANALYSIS_UINT64_TS,
						       analysis->flags & TRC_ANALYSIS_DURATION_TS,
						       analysis->flags & TRC_ANALYSIS_UTC_TS);
		if (!analysis_add_column(analysis, specs[i].name, type, specs[i].nullable))
			return false;
	}
	return true;
}

/* --- the walk -------------------------------------------------------------------------------- */

int analysis_begin(struct trc_analysis *analysis, bool all_events, struct trc_error *err)
{
	struct trc_walk_source *walks = calloc(analysis->source_count + 1, sizeof(*walks));
	const struct trc_walk_options options = {
		.flags = TRC_WALK_GAPS,
		.until_last = analysis->until_last,
		.start = analysis->start,
		.end = analysis->end,
	};
	int rc;

	if (!walks ||
	    (analysis->flags & TRC_ANALYSIS_PEER &&
	     !analysis_add_column(analysis, "peer", (struct column_type){ .shape = SHAPE_TEXT }, false))) {
		free(walks);
		return trc_fail_no_memory(err);
	}
	for (size_t i = 0; i < analysis->source_count; i++) {
		const struct analysis_file *file = &analysis->files[analysis->sources[i].file];

		walks[i].data = file->data;
		walks[i].stream = analysis->sources[i].stream;
		walks[i].event_ids = all_events ? NULL : file->event_ids;
	}
	rc = trc_walk_create(walks, analysis->source_count, &options, &analysis->walk, err);
	free(walks);
	return rc;
}
