/* SPDX-License-Identifier: MIT */
/* The events that Perfetto's schema has: messages of FtraceEvent, and their fields. */
#ifndef TRC_PERFETTO_SCHEMA_H
#define TRC_PERFETTO_SCHEMA_H

#include "base/text.h"

/* As trc_perfetto_event() gives them. */
struct schema_table {
	const char *const *events; /* sorted by name */
	size_t count;
};
extern const struct schema_table schema_table;

#define SCHEMA_NONE UINT32_MAX

struct schema_field {
	struct text name;
	uint32_t number;
	char type; /* of "iIuUs" */
	bool repeated;
};

/* The place of an event in the table; SCHEMA_NONE: the schema does not have it. */
uint32_t schema_find(struct text name);
/* Its number in FtraceEvent, and its fields, to be cut off one by one. */
uint32_t schema_number(uint32_t event, struct text *fields);
/* The next field; false: there are no more. */
bool schema_next_field(struct text *fields, struct schema_field *field);

#endif
