/* SPDX-License-Identifier: MIT */
/* What print formats tell of fields: names of values, and which of them are addresses of symbols. */
#ifndef TRC_PRINT_FMT_API_H
#define TRC_PRINT_FMT_API_H

#include "metadata/api.h"

/* [cdef begin] */

/*
 * Names of values: the lists of the __print_symbolic() and __print_flags() in an event's print fmt, in
 * its order. Texts live as long as both this and the metadata. Entries whose value
 * only the kernel's compiler knew, and those without a name, are left out. TRC_NOT_FOUND: there are not that many.
 */
struct trc_value_names;
enum trc_value_list_flags {
	TRC_VALUE_LIST_BITS = 1, /* of __print_flags() */
};
struct trc_value_list {
	const char *field; /* whose values they are; size 0: of what is worked out otherwise */
	size_t field_size;
	uint64_t mask;	       /* which bits of it */
	const char *condition; /* "(REC->condition == value) ? list": a field; size 0: none such */
	size_t condition_size;
	uint64_t condition_value;
	uint32_t flags; /* enum trc_value_list_flags */
	size_t count;
};
int trc_value_names_create(const struct trc_metadata *metadata, size_t event, struct trc_value_names **out,
			   struct trc_error *err);
void trc_value_names_destroy(struct trc_value_names *names); /* NULL is fine */
int trc_value_list(const struct trc_value_names *names, size_t list, struct trc_value_list *out,
		   struct trc_error *err);
/* name is as the print fmt has it, with its escapes. */
int trc_value_name(const struct trc_value_names *names, size_t list, size_t index, uint64_t *value,
		   const char **name, size_t *size, struct trc_error *err);

/*
 * Which fields of an event reports show as symbols of the kernel: %pS and its like, __get_stacktrace(), and
 * those of the tracers' own events, also where the kernel was too old to say so. Not the addresses of
 * ftrace:user_stack, which are of another memory. shown: [count], 1 for each of the fields as
 * trc_event_field() counts them that is one, and of a type that TRC_COLUMN_SYMBOL takes, else 0. TRC_NOT_FOUND:
 * there is no such event.
 */
int trc_event_symbol_fields(const struct trc_metadata *metadata, size_t event, uint8_t *shown, size_t count,
			    struct trc_error *err);

/* [cdef end] */

#endif
