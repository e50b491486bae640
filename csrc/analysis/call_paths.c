/* SPDX-License-Identifier: MIT */
#include "analysis/call_paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_FILE, KEY_PARENT, KEY_KIND, KEY_NUMBER, KEY_WORDS };
enum { NODE, PARENT, NAME, ADDRESS, WEIGHT, COUNT, LOST };

/* --- nodes ----------------------------------------------------------------------------------- */

uint32_t path_add(struct calls *calls, uint32_t source, uint32_t parent, enum path_kind kind, uint64_t number)
{
	struct call_paths *paths = calls->memory;
	const uint64_t key[KEY_WORDS] = {
		[KEY_FILE] = calls->base.sources[source].file,
		[KEY_PARENT] = parent,
		[KEY_KIND] = kind,
		[KEY_NUMBER] = number,
	};
	bool added;
	uint32_t node = key_map_add(&paths->map, &calls->base, key, &added);

	if (node == KEY_NONE ||
	    !grow_by_number(&calls->base, (void **)&paths->list, &paths->room, node, sizeof(*paths->list)))
		return NO_PATH;
	if (added)
		paths->list[node].source = source;
	return node;
}

uint32_t path_root(struct calls *calls, uint32_t source, int32_t pid)
{
	uint32_t path = ROOT;

	if (calls->by & TRC_CALLS_BY_CPU)
		path = path_add(calls, source, path, PATH_CPU, calls->base.sources[source].cpu);
	if (path != NO_PATH && calls->by & TRC_CALLS_BY_TASK)
		path = path_add(calls, source, path, PATH_TASK, (uint64_t)pid);
	return path;
}

uint32_t path_of_stack(struct calls *calls, const struct walk_record *record, uint32_t root)
{
	const struct analysis_file *file = analysis_file_of(&calls->base, record);
	uint32_t number = calls->base.sources[record->source].file, path = root;
	uint32_t begin = calls->places[number].stack, end = begin;
	uint64_t none = file->long_size == 8 ? UINT64_MAX : UINT32_MAX;

	/* The innermost is the first; a stack that is shorter than its array ends with -1. */
	while (end < record->size && record->size - end >= file->long_size &&
	       load_uint(record->payload + end, file->long_size, file->big_endian) != none)
		end += file->long_size;
	while (end > begin && path != NO_PATH) {
		uint32_t function;

		end -= file->long_size;
		function = function_table_add(
			&calls->functions, &calls->base, number,
			load_uint(record->payload + end, file->long_size, file->big_endian));
		path = function == NO_FUNCTION ?
			       NO_PATH :
			       path_add(calls, record->source, path, PATH_FUNCTION, function);
	}
	return path == ROOT ? path_add(calls, record->source, ROOT, PATH_UNKNOWN, 0) : path;
}

/* --- calls ----------------------------------------------------------------------------------- */

/* Below what is open where that is around it; what lies between, or may, is unknown. */
static bool begin(struct calls *calls, const struct call_stack *stack, struct open_call *call)
{
	bool known = call->parent != NO_FUNCTION || (!stack->count && !call->depth);
	uint32_t path = call->has_caller ? stack->calls[stack->count - 1].path :
					   path_root(calls, call->source, stack->pid);

	if (path != NO_PATH && !known)
		path = path_add(calls, call->source, path, PATH_UNKNOWN, 0);
	if (path != NO_PATH)
		path = path_add(calls, call->source, path, PATH_FUNCTION, call->function);
	call->path = path;
	return path != NO_PATH;
}

static bool end(struct calls *calls, int32_t pid, const struct open_call *call, enum call_end how,
		uint64_t total, uint64_t self)
{
	struct path *path = path_at(calls, call->path);

	(void)total;
	if (!calls_wants(calls, call->source, pid))
		return true;
	path->weight += self;
	path->count += how == CALL_WHOLE;
	path->lost += how != CALL_WHOLE;
	return true;
}

/* --- samples --------------------------------------------------------------------------------- */

static bool put_sample(struct calls *calls, const struct walk_record *record)
{
	int32_t pid = calls_pid(calls, record);
	uint32_t path;

	if (!calls_wants(calls, record->source, pid))
		return true;
	path = path_root(calls, record->source, pid);
	if (path != NO_PATH)
		path = path_of_stack(calls, record, path);
	if (path == NO_PATH)
		return false;
	path_at(calls, path)->weight++;
	path_at(calls, path)->count++;
	return true;
}

static bool other(struct calls *calls, const struct walk_record *record, uint8_t role)
{
	if (calls->kind == TRC_CALLS_OFFCPU)
		return off_cpu_put(calls, record, role);
	return role != CALLS_STACK || put_sample(calls, record);
}

/* --- rows ------------------------------------------------------------------------------------ */

static const struct analysis_column_spec columns[] = {
	[NODE] = { "node", COLUMN_U32, false },	    [PARENT] = { "parent", COLUMN_U32, true },
	[NAME] = { "name", COLUMN_TEXT, false },    [ADDRESS] = { "address", COLUMN_U64, true },
	[WEIGHT] = { "weight", COLUMN_U64, false }, [COUNT] = { "count", COLUMN_U64, false },
	[LOST] = { "lost", COLUMN_U64, false },
};

static bool init(struct calls *calls)
{
	struct call_paths *paths = calloc(1, sizeof(*paths));

	calls->memory = paths;
	if (!paths)
		return false;
	paths->map.words = KEY_WORDS;
	return analysis_add_columns(&calls->base, columns, countof(columns)) &&
	       (calls->kind != TRC_CALLS_OFFCPU || off_cpu_init(calls));
}

/* "some task-4711", as reports name tasks. */
static void row_task(struct trc_analysis *base, uint64_t file, int32_t pid)
{
	struct text comm = saved_cmdlines_comm(&base->files[file].data->metadata->cmdlines, pid);
	char name[64];
	int size = snprintf(name, sizeof(name), "%.*s-%d", (int)(comm.size < 32 ? comm.size : 32), comm.start,
			    pid);

	row_text(base, NAME, (struct text){ name, (size_t)size });
}

static void row_name(struct calls *calls, const uint64_t *key)
{
	struct trc_analysis *base = &calls->base;
	char cpu[16];

	switch (key[KEY_KIND]) {
	case PATH_FUNCTION:
		row_function_name(base, NAME, &calls->functions.list[key[KEY_NUMBER]]);
		return;
	case PATH_TASK:
		row_task(base, key[KEY_FILE], (int32_t)key[KEY_NUMBER]);
		return;
	case PATH_CPU:
		snprintf(cpu, sizeof(cpu), "CPU %u", (unsigned)key[KEY_NUMBER]);
		row_text(base, NAME, (struct text){ cpu, strlen(cpu) });
		return;
	default:
		row_text(base, NAME, TEXT("[unknown]"));
	}
}

static bool finish(struct calls *calls)
{
	struct trc_analysis *base = &calls->base;
	const struct call_paths *paths = calls->memory;

	if (calls->kind == TRC_CALLS_OFFCPU)
		off_cpu_finish(calls);
	for (uint32_t node = 0; node < paths->map.count; node++) {
		const uint64_t *key = key_map_key(&paths->map, node);
		const struct path *path = &paths->list[node];
		bool of_function = key[KEY_KIND] == PATH_FUNCTION;

		row_u32(base, NODE, node);
		if (key[KEY_PARENT] == ROOT)
			row_null(base, PARENT);
		else
			row_u32(base, PARENT, (uint32_t)key[KEY_PARENT]);
		row_name(calls, key);
		row_optional_u64(base, ADDRESS, of_function,
				 of_function ? calls->functions.list[key[KEY_NUMBER]].address : 0);
		row_u64(base, WEIGHT, path->weight);
		row_u64(base, COUNT, path->count);
		row_u64(base, LOST, path->lost);
		row_peer(base, path->source);
		row_end(base);
	}
	return true;
}

static bool lose(struct calls *calls, uint32_t source)
{
	struct call_paths *paths = calls->memory;

	if (paths->left)
		paths->left[source] = KEY_NONE;
	return true;
}

static void deinit(struct calls *calls)
{
	struct call_paths *paths = calls->memory;

	if (!paths)
		return;
	key_map_deinit(&paths->map);
	key_map_deinit(&paths->away_map);
	free(paths->list);
	free(paths->away);
	free(paths->left);
}

const struct calls_answer call_paths_answer = {
	.init = init,
	.begin = begin,
	.end = end,
	.other = other,
	.lose = lose,
	.finish = finish,
	.deinit = deinit,
};
