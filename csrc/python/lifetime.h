/* SPDX-License-Identifier: MIT */
/*
 * The module tracecmd._lifetime: Python objects that own C objects.
 *
 * What CFFI and Python code cannot promise is promised here: that an object is destroyed once, after
 * all calls on it and all objects that point into it, whatever comes between. What may come between
 * two steps of Python code: a signal's exception, the cycle collector (which runs finalizers of what
 * it found in any order, on the thread that happens to allocate), any other thread, the end of the
 * interpreter. Nothing comes between two steps of these functions that matter, and there is no lock
 * here that could be held meanwhile. Above all the objects have no finalizer, only a deallocator:
 * that runs when nothing, not even garbage, refers to one any more.
 */
#ifndef TRC_LIFETIME_H
#define TRC_LIFETIME_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* handle.c: type Handle, and hold(child, parent). NULL: failed, an exception is set. */
PyObject *handle_type_create(PyObject *module);
PyObject *handle_hold(PyTypeObject *type, PyObject *arguments);

/* capsules.c: capsules of empty Arrow structs; what is in one moves to a struct elsewhere. */
PyObject *capsule_of_schema(PyObject *module, PyObject *none);
PyObject *capsule_of_array(PyObject *module, PyObject *none);
PyObject *capsule_move(PyObject *module, PyObject *arguments);

/* stream.c: a capsule of an ArrowArrayStream that asks a Python object. */
PyObject *capsule_of_stream(PyObject *module, PyObject *source);

#endif
