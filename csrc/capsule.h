/* SPDX-License-Identifier: MIT */
/*
 * For the Python module alone, which includes it behind Python.h: what becomes of an Arrow struct in
 * a PyCapsule that nobody took. "The Arrow PyCapsule interface". The structs are calloc()ed.
 */
#ifndef TRC_CAPSULE_H
#define TRC_CAPSULE_H

#include <stdlib.h>

#include "tracecmd.h"

static void trc_capsule_drop_schema(PyObject *capsule)
{
	struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");

	if (schema && schema->release)
		schema->release(schema);
	free(schema);
}

static void trc_capsule_drop_array(PyObject *capsule)
{
	struct ArrowArray *array = PyCapsule_GetPointer(capsule, "arrow_array");

	if (array && array->release)
		array->release(array);
	free(array);
}

static void trc_capsule_drop_stream(PyObject *capsule)
{
	struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");

	if (stream && stream->release)
		stream->release(stream);
	free(stream);
}

enum trc_capsule_kind {
	TRC_CAPSULE_SCHEMA,
	TRC_CAPSULE_ARRAY,
	TRC_CAPSULE_STREAM,
};

/* The destructor's address, for PyCapsule_New(). */
static uintptr_t trc_capsule_destructor(int kind)
{
	return kind == TRC_CAPSULE_SCHEMA ? (uintptr_t)trc_capsule_drop_schema :
	       kind == TRC_CAPSULE_ARRAY  ? (uintptr_t)trc_capsule_drop_array :
					    (uintptr_t)trc_capsule_drop_stream;
}

static void trc_release_schema(struct ArrowSchema *schema)
{
	if (schema->release)
		schema->release(schema);
}

static void trc_release_array(struct ArrowArray *array)
{
	if (array->release)
		array->release(array);
}

#endif
