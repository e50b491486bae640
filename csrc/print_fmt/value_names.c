/* SPDX-License-Identifier: MIT */
/* Names of values, as the lists in an event's print fmt have them. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/error.h"
#include "metadata/api.h"
#include "metadata/metadata.h"
#include "print_fmt/api.h"
#include "print_fmt/tree.h"

struct named_list {
	struct trc_value_list info;
	const struct symbol_entry **entries; /* [info.count] */
};

struct trc_value_names {
	struct arena arena;
	struct named_list *lists;
	size_t count;
};

/* A number that an expression stands for; false: it is not one before there is a record. */
static bool constant_of(const struct node *node, uint64_t *value)
{
	int64_t folded;

	if (!node_is_constant(node) || !fold(node, &folded))
		return false;
	*value = (uint64_t)folded;
	return true;
}

static const struct node *without_casts(const struct node *node, uint64_t *mask)
{
	for (; node->kind == NODE_TYPE; node = node->left) {
		unsigned size = fixed_type_size(node->text);

		if (size && size < 8)
			*mask &= (UINT64_C(1) << 8 * size) - 1;
	}
	return node;
}

/* A field, or some bits of one: REC->field, (u8)REC->field, REC->field & mask. NULL: anything else. */
static const struct node *field_of(const struct node *node, uint64_t *mask)
{
	uint64_t bits;

	*mask = UINT64_MAX;
	node = without_casts(node, mask);
	if (node->kind == NODE_OP && text_is(node->text, "&") && constant_of(node->right, &bits)) {
		*mask &= bits;
		node = without_casts(node->left, mask);
	}
	return node->kind == NODE_FIELD && node->field ? node : NULL;
}

static void describe_condition(const struct node *condition, struct trc_value_list *info)
{
	const struct node *field;
	uint64_t mask;

	if (!condition || condition->kind != NODE_OP || !text_is(condition->text, "==") ||
	    !constant_of(condition->right, &info->condition_value))
		return;
	field = field_of(condition->left, &mask);
	if (!field || mask != UINT64_MAX)
		return;
	info->condition = field->text.start;
	info->condition_size = field->text.size;
}

static int add_list(struct trc_value_names *names, const struct value_list *list, struct trc_error *err)
{
	struct named_list *to = &names->lists[names->count];
	const struct node *field;
	size_t count = 0;

	to->info = (struct trc_value_list){ .field = "",
					    .condition = "",
					    .flags = list->is_flags ? TRC_VALUE_LIST_BITS : 0 };
	field = field_of(list->value, &to->info.mask);
	if (field) {
		to->info.field = field->text.start;
		to->info.field_size = field->text.size;
	}
	describe_condition(list->condition, &to->info);
	for (const struct symbol_entry *entry = list->entries; entry; entry = entry->next)
		count++;
	to->entries = calloc(count + 1, sizeof(*to->entries));
	if (!to->entries)
		return trc_fail_no_memory(err);
	names->count++;
	for (const struct symbol_entry *entry = list->entries; entry; entry = entry->next) {
		if (entry->constant)
			to->entries[to->info.count++] = entry;
	}
	return TRC_OK;
}

static int read_lists(struct trc_value_names *names, const struct trc_metadata *metadata,
		      const struct event_format *event, struct trc_error *err)
{
	struct value_list *lists;
	size_t count = 0;
	int rc = print_fmt_value_lists(event, metadata->long_size, &names->arena, &lists, err);

	if (rc)
		return rc;
	for (const struct value_list *list = lists; list; list = list->next)
		count++;
	names->lists = calloc(count + 1, sizeof(*names->lists));
	if (!names->lists)
		return trc_fail_no_memory(err);
	for (const struct value_list *list = lists; !rc && list; list = list->next)
		rc = add_list(names, list, err);
	return rc;
}

int trc_value_names_create(const struct trc_metadata *metadata, size_t event, struct trc_value_names **out,
			   struct trc_error *err)
{
	struct trc_value_names *names;
	int rc;

	if (event >= metadata->formats.count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "event formats: there are %zu, not %zu",
				metadata->formats.count, event + 1);
	names = calloc(1, sizeof(*names));
	if (!names)
		return trc_fail_no_memory(err);
	rc = read_lists(names, metadata, &metadata->formats.list[event], err);
	if (rc)
		trc_value_names_destroy(names);
	else
		*out = names;
	return rc;
}

void trc_value_names_destroy(struct trc_value_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->count; i++)
		free(names->lists[i].entries);
	free(names->lists);
	arena_deinit(&names->arena);
	free(names);
}

int trc_value_list(const struct trc_value_names *names, size_t list, struct trc_value_list *out,
		   struct trc_error *err)
{
	if (list >= names->count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "print fmt: there are %zu lists, not %zu",
				names->count, list + 1);
	*out = names->lists[list].info;
	return TRC_OK;
}

int trc_value_name(const struct trc_value_names *names, size_t list, size_t index, uint64_t *value,
		   const char **name, size_t *size, struct trc_error *err)
{
	size_t count = list < names->count ? names->lists[list].info.count : 0;
	const struct symbol_entry *entry;

	if (index >= count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "print fmt: there are %zu names, not %zu",
				count, index + 1);
	entry = names->lists[list].entries[index];
	*value = entry->value;
	*name = entry->name.start;
	*size = entry->name.size;
	return TRC_OK;
}
