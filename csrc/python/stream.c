/* SPDX-License-Identifier: MIT */
/*
 * A struct ArrowArrayStream whose schema and batches come from a Python object: "The Arrow C stream
 * interface". The consumer may call from any thread, one that Python does not know as well; with an
 * exception of its own set, as pyarrow does when it gives up; and when the interpreter is gone, or
 * about to go. A callback keeps what exception there was, and always does its C part.
 *
 * The object has four methods. get_schema(address) and get_next(address) fill a struct, or raise;
 * fail(exception) gives the errno and the text that this becomes; release() is called once.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "python/lifetime.h"
#include "tracecmd.h"

#define STREAM "arrow_array_stream"

struct source {
	PyObject *object;    /* owned */
	PyObject *bytes;     /* owned, may be NULL: holds the message */
	const char *message; /* of the last failure, or NULL; in bytes or static */
};

/* While Python runs, or what runs there was interrupted by us. */
struct visit {
	PyGILState_STATE gil;
	PyObject *type, *value, *traceback;
};

/*
 * False: there is no Python any more, or it is ending on another thread and would stop this one for
 * good. The thread on which it is ending still has its state.
 */
static bool visit_begin(struct visit *visit)
{
	if (!Py_IsInitialized() && !PyGILState_GetThisThreadState())
		return false;
	visit->gil = PyGILState_Ensure();
	PyErr_Fetch(&visit->type, &visit->value, &visit->traceback);
	return true;
}

static void visit_end(struct visit *visit)
{
	PyErr_Restore(visit->type, visit->value, visit->traceback);
	PyGILState_Release(visit->gil);
}

/* Let the object say what its exception means, which is set; gives the errno. */
static int fail(struct source *source)
{
	PyObject *type, *value, *traceback, *said = NULL, *bytes;
	int number = 0;

	PyErr_Fetch(&type, &value, &traceback);
	PyErr_NormalizeException(&type, &value, &traceback);
	if (value && traceback)
		PyException_SetTraceback(value, traceback);
	if (value)
		said = PyObject_CallMethod(source->object, "fail", "O", value);
	if (said && PyArg_ParseTuple(said, "iS", &number, &bytes)) {
		Py_INCREF(bytes);
		Py_XDECREF(source->bytes);
		source->bytes = bytes;
		source->message = PyBytes_AsString(bytes);
	} else {
		PyErr_Clear();
		source->message = "reading failed, and so did saying why";
	}
	Py_XDECREF(said);
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(traceback);
	return number > 0 ? number : EIO;
}

static int ask(struct ArrowArrayStream *stream, const char *method, void *out)
{
	struct source *source = stream->private_data;
	struct visit visit;
	PyObject *done;
	int rc = 0;

	if (!visit_begin(&visit)) {
		source->message = "Python has ended";
		return EIO;
	}
	done = PyObject_CallMethod(source->object, method, "N", PyLong_FromVoidPtr(out));
	if (!done)
		rc = fail(source);
	Py_XDECREF(done);
	visit_end(&visit);
	return rc;
}

static int stream_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
	return ask(stream, "get_schema", out);
}

static int stream_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
	return ask(stream, "get_next", out);
}

static const char *stream_get_last_error(struct ArrowArrayStream *stream)
{
	return ((const struct source *)stream->private_data)->message;
}

static void stream_release(struct ArrowArrayStream *stream)
{
	struct source *source = stream->private_data;
	struct visit visit;

	if (visit_begin(&visit)) {
		PyObject *done = PyObject_CallMethod(source->object, "release", NULL);

		if (!done)
			PyErr_WriteUnraisable(source->object);
		Py_XDECREF(done);
		Py_DECREF(source->object);
		Py_XDECREF(source->bytes);
		visit_end(&visit);
	} /* else: Python objects are gone, or go with the process */
	free(source);
	stream->private_data = NULL;
	stream->release = NULL;
}

static void drop_stream(PyObject *capsule)
{
	struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, STREAM);

	if (stream->release)
		stream->release(stream);
	free(stream);
}

PyObject *capsule_of_stream(PyObject *module, PyObject *object)
{
	struct ArrowArrayStream *stream = calloc(1, sizeof(*stream));
	struct source *source = calloc(1, sizeof(*source));
	PyObject *capsule = NULL;

	(void)module;
	if (stream && source)
		capsule = PyCapsule_New(stream, STREAM, drop_stream);
	else
		PyErr_NoMemory();
	if (!capsule) {
		free(stream);
		free(source);
		return NULL;
	}
	Py_INCREF(object);
	source->object = object;
	*stream = (struct ArrowArrayStream){
		.get_schema = stream_get_schema,
		.get_next = stream_get_next,
		.get_last_error = stream_get_last_error,
		.release = stream_release,
		.private_data = source,
	};
	return capsule;
}
