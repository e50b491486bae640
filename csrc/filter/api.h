/* SPDX-License-Identifier: MIT */
/* trace-cmd's filter language. */
#ifndef TRC_FILTER_API_H
#define TRC_FILTER_API_H

#include "metadata/api.h"

/* [cdef begin] */

struct trc_filter;

/*
 * Filters: trace-cmd-report(1), -F, compiled against the event formats of a file.
 *
 *	[EVENTS ':'] EXPRESSION
 *
 * EVENTS as there: SYSTEM/EVENT, SYSTEM or EVENT, separated by commas, each a regular expression.
 * Records of other events do not pass. Without EVENTS the expression is for every event.
 * Operators, numbers (unsigned 64-bit) and strings are those of libtraceevent, and so is what they
 * mean: && and || have one rank and bind to the left (a strict filter wants parentheses); =~ and !~ take a regular expression that need
 * not match the whole text and knows no upper and lower case; a comparison with a field that the
 * event does not have is false; COMM and CPU are the command's name and the CPU. Beyond it: ~ with
 * the kernel's wildcards (*, ?, [...]), -N, a field as the right side, EVENT.FIELD for the field of one
 * event, and, where the event has no field of that name, common_comm and cpu for COMM and CPU.
 *
 * TRC_ARGUMENT: the text is not a filter; err->message says where. TRC_NOT_FOUND: no event of the
 * file fits EVENTS.
 */
enum trc_filter_flags {
	TRC_FILTER_STRICT = 1, /* && and || side by side, and digits in quotes ("0x12"), are faults */
};
int trc_filter_create(const struct trc_metadata *metadata, const struct trc_symbols *symbols,
		      const char *text, size_t size, const uint8_t *event_ids, uint32_t flags,
		      struct trc_filter **out, struct trc_error *err);
void trc_filter_destroy(struct trc_filter *filter); /* NULL is fine */
/* Names in the filter, number index (from 0). own_field: of some of its events, and not a common one. */
int trc_filter_name(const struct trc_filter *filter, size_t index, const char **name, size_t *size,
		    int *own_field, struct trc_error *err);
/* Those of them that none of its events knows. */
int trc_filter_unknown(const struct trc_filter *filter, size_t index, const char **name, size_t *size,
		       struct trc_error *err);
/*
 * Whether comparison number index, from 0, is possible in one of its events, *fits 1, or in none, 0: a name on the right is a
 * field there, too; a text is compared with a string in quotes, a number with a number, an address
 * with the name of a function as well; one character in single quotes is compared with a text or a
 * number of one byte. In other events it is false. TRC_ARGUMENT: in none, although an event has the
 * field on the left or the right one is unknown; err->message says what is expected. TRC_NOT_FOUND:
 * there are no more comparisons, or no events.
 */
int trc_filter_comparison(const struct trc_filter *filter, size_t index, uint32_t *fits,
			  struct trc_error *err);
/*
 * What the filter is for its event number index, from 0, in the order of trace-cmd report -T, which
 * shows this: numbers in decimal, parts that no record can change left out, "TRUE" or "FALSE" if
 * nothing else remains. An event named twice comes twice. The text is given back with
 * trc_bytes_free(). TRC_NOT_FOUND: there are no more.
 */
int trc_filter_text(const struct trc_filter *filter, size_t index, uint32_t *id, struct trc_bytes *text,
		    struct trc_error *err);
/* 1: it compares an address with a name, and was made without symbols: nothing equals then. */
int trc_filter_wants_symbols(const struct trc_filter *filter);

/*
 * A filter made of others of the same file, which must outlive it, in steps, of which the last is what it
 * does. A step lets records through that all, any or none of its parts let through; of no parts, all
 * records or none. Also those whose event the file does not know, which no filter of a text lets through.
 * Parts are numbers: of a filter, or behind these of a step before. Each is run once for a record, in
 * however many places it is a part. It has no names, comparisons or texts of its own. TRC_ARGUMENT: a part
 * that is not there; a filter that is joined itself; more than 32768 filters and steps.
 */
enum trc_filter_how {
	TRC_FILTER_ALL,
	TRC_FILTER_ANY,
	TRC_FILTER_NONE,
};
struct trc_filter_step {
	uint32_t how;	       /* enum trc_filter_how */
	uint32_t first, count; /* in parts */
};
struct trc_filter_join {
	const struct trc_filter *const *filters;
	const struct trc_filter_step *steps;
	const uint32_t *parts;
	size_t filter_count, step_count, part_count;
};
int trc_filter_create_joined(const struct trc_filter_join *join, struct trc_filter **out,
			     struct trc_error *err);

/* 1: it lets a record through, else 0; id is its common_type. */
int trc_filter_passes(const struct trc_filter *filter, uint32_t id, const uint8_t *payload, uint32_t size,
		      uint32_t cpu);

/* [cdef end] */

#endif
