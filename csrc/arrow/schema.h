/* SPDX-License-Identifier: MIT */
/* What columns are, in the Arrow C data interface: its structure ArrowSchema. */
#ifndef TRC_ARROW_SCHEMA_H
#define TRC_ARROW_SCHEMA_H

#include "arrow/api.h"
#include "arrow/builder.h"
#include "base/text.h"

/* Key and value pairs of a schema. */
struct arrow_metadata {
	struct arrow_buffer bytes;
	int32_t count;
	bool no_memory;
};
void arrow_metadata_add(struct arrow_metadata *metadata, const char *key, struct text value);
void arrow_metadata_add_number(struct arrow_metadata *metadata, const char *key, uint64_t value);

/* metadata may be NULL; what is in it is taken. *out is released by the caller. */
int arrow_schema(struct column_type type, const char *name, bool nullable, struct arrow_metadata *metadata,
		 struct ArrowSchema *out, struct trc_error *err);

/* A struct of count children, which are taken, also in case of failure. */
int arrow_struct_schema(struct ArrowSchema *children, size_t count, struct arrow_metadata *metadata,
			struct ArrowSchema *out, struct trc_error *err);

#endif
