/* SPDX-License-Identifier: MIT */
/* The structs that columns are handed over in. */
#ifndef TRC_ARROW_API_H
#define TRC_ARROW_API_H

#include "base/api.h"

/* [cdef begin] */

/* The Arrow C data interface and stream interface: arrow.apache.org, "The Arrow C data interface". */
struct ArrowSchema {
	const char *format;
	const char *name;
	const char *metadata;
	int64_t flags;
	int64_t n_children;
	struct ArrowSchema **children;
	struct ArrowSchema *dictionary;
	void (*release)(struct ArrowSchema *schema);
	void *private_data;
};
struct ArrowArray {
	int64_t length;
	int64_t null_count;
	int64_t offset;
	int64_t n_buffers;
	int64_t n_children;
	const void **buffers;
	struct ArrowArray **children;
	struct ArrowArray *dictionary;
	void (*release)(struct ArrowArray *array);
	void *private_data;
};
struct ArrowArrayStream {
	int (*get_schema)(struct ArrowArrayStream *stream, struct ArrowSchema *out);
	int (*get_next)(struct ArrowArrayStream *stream, struct ArrowArray *out);
	const char *(*get_last_error)(struct ArrowArrayStream *stream);
	void (*release)(struct ArrowArrayStream *stream);
	void *private_data;
};

/* A copy of a schema that is the core's own and was not moved yet. Released by the caller. */
int trc_schema_copy(const struct ArrowSchema *schema, struct ArrowSchema *out, struct trc_error *err);

/* [cdef end] */

#endif
