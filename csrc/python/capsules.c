/* SPDX-License-Identifier: MIT */
/*
 * "The Arrow PyCapsule interface": capsules own structs of Arrow's C data interface from before they
 * are filled until somebody moves them out, or drops the capsule.
 */
#include <stdlib.h>
#include <string.h>

#include "python/lifetime.h"
#include "tracecmd.h"

#define SCHEMA "arrow_schema"
#define ARRAY "arrow_array"

static void drop_schema(PyObject *capsule)
{
	struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, SCHEMA);

	if (schema->release)
		schema->release(schema);
	free(schema);
}

static void drop_array(PyObject *capsule)
{
	struct ArrowArray *array = PyCapsule_GetPointer(capsule, ARRAY);

	if (array->release)
		array->release(array);
	free(array);
}

/* The capsule of a cleared struct, and the struct's address. */
static PyObject *make(size_t size, const char *name, PyCapsule_Destructor drop)
{
	void *cleared = calloc(1, size);
	PyObject *capsule;

	if (!cleared)
		return PyErr_NoMemory();
	capsule = PyCapsule_New(cleared, name, drop);
	if (!capsule) {
		free(cleared);
		return NULL;
	}
	return Py_BuildValue("(NN)", capsule, PyLong_FromVoidPtr(cleared));
}

PyObject *capsule_of_schema(PyObject *module, PyObject *none)
{
	(void)module, (void)none;
	return make(sizeof(struct ArrowSchema), SCHEMA, drop_schema);
}

PyObject *capsule_of_array(PyObject *module, PyObject *none)
{
	(void)module, (void)none;
	return make(sizeof(struct ArrowArray), ARRAY, drop_array);
}

/* A struct is moved by copying it and forgetting its release function. */
PyObject *capsule_move(PyObject *module, PyObject *arguments)
{
	PyObject *capsule, *address;
	void *to;

	(void)module;
	if (!PyArg_ParseTuple(arguments, "OO", &capsule, &address))
		return NULL;
	to = PyLong_AsVoidPtr(address);
	if (!to && PyErr_Occurred())
		return NULL;
	if (PyCapsule_IsValid(capsule, SCHEMA)) {
		struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, SCHEMA);

		memcpy(to, schema, sizeof(*schema));
		schema->release = NULL;
	} else if (PyCapsule_IsValid(capsule, ARRAY)) {
		struct ArrowArray *array = PyCapsule_GetPointer(capsule, ARRAY);

		memcpy(to, array, sizeof(*array));
		array->release = NULL;
	} else {
		PyErr_SetString(PyExc_ValueError, "neither the capsule of a schema nor of an array");
		return NULL;
	}
	Py_RETURN_NONE;
}
