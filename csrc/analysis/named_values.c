/* SPDX-License-Identifier: MIT */
#include "analysis/named_values.h"

#include <string.h>

#include "metadata/metadata.h"
#include "records/data.h"

int named_values_find(struct named_values *named, const struct analysis_file *file,
		      const struct event_format *event, const char *field, struct trc_error *err)
{
	struct trc_value_list list;
	int rc = trc_value_names_create(file->data->metadata, (size_t)(event - file->formats->list),
					&named->names, err);

	if (rc)
		return rc;
	for (; !trc_value_list(named->names, named->list, &list, NULL); named->list++) {
		named->mask = list.mask;
		if (!(list.flags & TRC_VALUE_LIST_BITS) && !list.condition_size &&
		    list.field_size == strlen(field) && !memcmp(list.field, field, list.field_size))
			return TRC_OK;
	}
	named_values_deinit(named);
	return TRC_OK;
}

void named_values_deinit(struct named_values *named)
{
	trc_value_names_destroy(named->names);
	*named = (struct named_values){ 0 };
}

bool named_values_name(const struct named_values *named, uint64_t value, struct text *name)
{
	uint64_t of;

	for (size_t i = 0; named->names && !trc_value_name(named->names, named->list, i, &of, &name->start,
							   &name->size, NULL);
	     i++) {
		if (of == (value & named->mask))
			return true;
	}
	return false;
}
