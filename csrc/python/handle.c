/* SPDX-License-Identifier: MIT */
/*
 * Handle: a Python object that owns an object of the core. Described in tracecmd/_lifetime.pyi.
 *
 * A call on the object stands in "with handle as pointer". Where __enter__ and __exit__ are Python
 * code a signal's exception can come after the count was raised and before the block begins; up to
 * Python 3.13 there is no such place if they are C. From 3.14 on there is: the count stays too high
 * then, and close() leaves the destroying to the deallocator.
 *
 * The deallocator need not look at the count. Whoever is inside refers to the handle, a block by the
 * __exit__ that it will call, a child by its list of parents, so nobody is inside any more.
 *
 * The collector is not told of the references to parents: it then takes parents to be referred to
 * from outside, and leaves them alone until their children are gone. No cycle can lead through them,
 * as a handle refers to nothing that could refer to a child of it.
 */
#include <stdint.h>

#include "python/life.h"
#include "python/lifetime.h"

struct handle {
	PyObject_HEAD struct life life;
	void *object; /* owned; NULL until it is made, and when it is destroyed */
	void (*destroy)(void *object);
	PyObject *pointer;	 /* owned, NULL until published: the object as CFFI sees it */
	PyObject *kept;		 /* owned, NULL or a list: memory that the object points to */
	struct handle **parents; /* owned, and so is a reference to each */
	Py_ssize_t parent_count;
	Py_ssize_t used_parents; /* so many of them are in use by this; 0 after the end */
};

/* What it points into may be closed before it is. */
static bool is_closed(struct handle *handle)
{
	if (life_is_closed(&handle->life))
		return true;
	for (Py_ssize_t i = 0; i < handle->parent_count; i++)
		if (is_closed(handle->parents[i]))
			return true;
	return false;
}

static void end(struct handle *handle);

static void leave(struct handle *handle)
{
	if (life_leave(&handle->life))
		end(handle);
}

/* Parents later than children. Destroying may take long (unmapping a large file), so others may run. */
static void end(struct handle *handle)
{
	void *object = handle->object;

	handle->object = NULL;
	if (object) {
		Py_BEGIN_ALLOW_THREADS handle->destroy(object);
		Py_END_ALLOW_THREADS
	}
	while (handle->used_parents)
		leave(handle->parents[--handle->used_parents]);
}

/* Raises ClosedError, which is Python's to make. */
static PyObject *refuse(PyObject *self)
{
	PyObject *returned = PyObject_CallMethod(self, "require_open", NULL);

	if (returned) {
		Py_DECREF(returned);
		PyErr_SetString(PyExc_ValueError, "nothing is in this handle yet");
	}
	return NULL;
}

/* A new reference to the pointer, and one user more. NULL: an exception is set. */
static PyObject *enter(struct handle *handle)
{
	if (is_closed(handle) || !handle->pointer || !life_enter(&handle->life))
		return refuse((PyObject *)handle);
	Py_INCREF(handle->pointer);
	return handle->pointer;
}

static PyObject *handle_enter(PyObject *self, PyObject *none)
{
	(void)none;
	return enter((struct handle *)self);
}

static PyObject *handle_exit(PyObject *self, PyObject *exception)
{
	(void)exception;
	leave((struct handle *)self);
	Py_RETURN_NONE;
}

static PyObject *handle_close(PyObject *self, PyObject *none)
{
	struct handle *handle = (struct handle *)self;

	(void)none;
	if (life_close(&handle->life))
		end(handle);
	Py_RETURN_NONE;
}

static PyObject *handle_closed(PyObject *self, void *closure)
{
	(void)closure;
	return PyBool_FromLong(is_closed((struct handle *)self));
}

static PyObject *handle_parents(PyObject *self, void *closure)
{
	struct handle *handle = (struct handle *)self;
	PyObject *tuple = PyTuple_New(handle->parent_count);

	(void)closure;
	for (Py_ssize_t i = 0; tuple && i < handle->parent_count; i++) {
		Py_INCREF(handle->parents[i]);
		PyTuple_SetItem(tuple, i, (PyObject *)handle->parents[i]);
	}
	return tuple;
}

/* --- making one ------------------------------------------------------------------------------ */

/* Whoever makes it is alone with it. False: an exception is set. */
static bool is_private(struct handle *handle)
{
	if (!atomic_load(&handle->life.state))
		return true;
	PyErr_SetString(PyExc_ValueError, "the handle is in use or closed");
	return false;
}

/*
 * The address of a function that destroys; gives where its object is to be put, so that it is owned
 * as soon as it exists. An object that was there before is destroyed.
 */
static PyObject *handle_own(PyObject *self, PyObject *address)
{
	struct handle *handle = (struct handle *)self;
	void *destroy = PyLong_AsVoidPtr(address);
	void *before = handle->object;

	if (!destroy) {
		if (!PyErr_Occurred())
			PyErr_SetString(PyExc_ValueError, "nothing destroys the object");
		return NULL;
	}
	if (!is_private(handle))
		return NULL;
	Py_CLEAR(handle->pointer);
	handle->object = NULL;
	if (before)
		handle->destroy(before);
	handle->destroy = (void (*)(void *))(uintptr_t)destroy;
	return PyLong_FromVoidPtr(&handle->object);
}

static PyObject *handle_publish(PyObject *self, PyObject *pointer)
{
	struct handle *handle = (struct handle *)self;

	if (!handle->object || handle->pointer) {
		PyErr_SetString(PyExc_ValueError, "an object is published once, when it is made");
		return NULL;
	}
	Py_INCREF(pointer);
	handle->pointer = pointer;
	Py_RETURN_NONE;
}

static PyObject *handle_keep(PyObject *self, PyObject *memory)
{
	struct handle *handle = (struct handle *)self;

	if (!handle->kept)
		handle->kept = PyList_New(0);
	if (!handle->kept || PyList_Append(handle->kept, memory))
		return NULL;
	Py_INCREF(memory);
	return memory;
}

static bool has_parent(const struct handle *child, const struct handle *parent)
{
	for (Py_ssize_t i = 0; i < child->parent_count; i++)
		if (child->parents[i] == parent)
			return true;
	return false;
}

static bool add_parent(struct handle *child, struct handle *parent)
{
	size_t size = ((size_t)child->parent_count + 1) * sizeof(struct handle *);
	struct handle **grown = PyMem_Realloc(child->parents, size);

	if (!grown)
		return false;
	child->parents = grown;
	Py_INCREF(parent);
	child->parents[child->parent_count++] = parent;
	child->used_parents++;
	return true;
}

PyObject *handle_hold(PyTypeObject *type, PyObject *arguments)
{
	PyObject *of_child, *of_parent, *pointer;
	struct handle *child, *parent;

	if (!PyArg_ParseTuple(arguments, "O!O!", type, &of_child, type, &of_parent))
		return NULL;
	child = (struct handle *)of_child;
	parent = (struct handle *)of_parent;
	if (!is_private(child))
		return NULL;
	pointer = enter(parent);
	if (!pointer)
		return NULL;
	if (has_parent(child, parent)) {
		leave(parent);
	} else if (!add_parent(child, parent)) {
		leave(parent);
		Py_DECREF(pointer);
		return PyErr_NoMemory();
	}
	return pointer;
}

/* --- the type -------------------------------------------------------------------------------- */

static void handle_dealloc(PyObject *self)
{
	struct handle *handle = (struct handle *)self;
	PyTypeObject *type = Py_TYPE(self);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	end(handle);
	while (handle->parent_count)
		Py_DECREF(handle->parents[--handle->parent_count]);
	PyMem_Free(handle->parents);
	Py_XDECREF(handle->pointer);
	Py_XDECREF(handle->kept);
	release(self);
	Py_DECREF(type);
}

static PyMethodDef methods[] = {
	{ "__enter__", handle_enter, METH_NOARGS, NULL },
	{ "__exit__", handle_exit, METH_VARARGS, NULL },
	{ "close", handle_close, METH_NOARGS,
	  "Destroy the object now, or when the last call on it ends; a second close is fine." },
	{ "_own", handle_own, METH_O, NULL },
	{ "_publish", handle_publish, METH_O, NULL },
	{ "_keep", handle_keep, METH_O, NULL },
	{ NULL, NULL, 0, NULL },
};

static PyGetSetDef properties[] = {
	{ "closed", handle_closed, NULL, "Whether it was closed, or what it points into.", NULL },
	{ "parents", handle_parents, NULL, "The handles of what it points into.", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot slots[] = {
	{ Py_tp_dealloc, handle_dealloc },
	{ Py_tp_methods, methods },
	{ Py_tp_getset, properties },
	{ 0, NULL },
};

static PyType_Spec spec = {
	.name = "tracecmd._lifetime.Handle",
	.basicsize = sizeof(struct handle),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.slots = slots,
};

PyObject *handle_type_create(PyObject *module)
{
	return PyType_FromModuleAndSpec(module, &spec, NULL);
}
