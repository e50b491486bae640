/* SPDX-License-Identifier: MIT */
/* The names that an event's print format gives to the values of a field. */
#ifndef TRC_ANALYSIS_NAMED_VALUES_H
#define TRC_ANALYSIS_NAMED_VALUES_H

#include "analysis/analysis.h"
#include "print_fmt/api.h"

struct named_values {
	struct trc_value_names *names; /* owned; NULL: there are none */
	size_t list;
	uint64_t mask;
};

/* Of the first list for just this field; none is no fault. */
int named_values_find(struct named_values *named, const struct analysis_file *file,
		      const struct event_format *event, const char *field, struct trc_error *err);
void named_values_deinit(struct named_values *named);

/* false: the value has none. */
bool named_values_name(const struct named_values *named, uint64_t value, struct text *name);

#endif
