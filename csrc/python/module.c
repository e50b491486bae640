/* SPDX-License-Identifier: MIT */
/* The module tracecmd._lifetime; see lifetime.h, and tracecmd/_lifetime.pyi for Python's side. */
#include "python/lifetime.h"

struct state {
	PyObject *handle_type; /* owned */
};

static PyObject *hold(PyObject *module, PyObject *arguments)
{
	const struct state *state = PyModule_GetState(module);

	return handle_hold((PyTypeObject *)state->handle_type, arguments);
}

static int execute(PyObject *module)
{
	struct state *state = PyModule_GetState(module);

	state->handle_type = handle_type_create(module);
	return state->handle_type ? PyModule_AddType(module, (PyTypeObject *)state->handle_type) : -1;
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
	const struct state *state = PyModule_GetState(module);

	Py_VISIT(state->handle_type);
	return 0;
}

static int clear(PyObject *module)
{
	struct state *state = PyModule_GetState(module);

	Py_CLEAR(state->handle_type);
	return 0;
}

static PyMethodDef functions[] = {
	{ "hold", hold, METH_VARARGS, NULL },
	{ "schema", capsule_of_schema, METH_NOARGS, NULL },
	{ "array", capsule_of_array, METH_NOARGS, NULL },
	{ "move", capsule_move, METH_VARARGS, NULL },
	{ "stream", capsule_of_stream, METH_O, NULL },
	{ NULL, NULL, 0, NULL },
};

static PyModuleDef_Slot slots[] = {
	{ Py_mod_exec, execute },
#ifdef Py_GIL_DISABLED
	{ Py_mod_gil, Py_MOD_GIL_NOT_USED },
#endif
	{ 0, NULL },
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "tracecmd._lifetime",
	.m_size = sizeof(struct state),
	.m_methods = functions,
	.m_slots = slots,
	.m_traverse = traverse,
	.m_clear = clear,
};

PyMODINIT_FUNC PyInit__lifetime(void)
{
	return PyModuleDef_Init(&definition);
}
