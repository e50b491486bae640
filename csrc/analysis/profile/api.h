/* SPDX-License-Identifier: MIT */
/* The profile of trace-cmd report --profile. */
#ifndef TRC_ANALYSIS_PROFILE_API_H
#define TRC_ANALYSIS_PROFILE_API_H

#include "analysis/api.h"
#include "file/api.h"

/* [cdef begin] */

/*
 * Where tasks spend their time, as trace-cmd report --profile has it: of each task and event how often, and
 * of pairs of events how long it took, with the stacks that came with them. A profile belongs to one thread
 * at a time; what its sources and options point to must outlive it.
 */
struct trc_profile;
enum trc_profile_flags {
	TRC_PROFILE_GLOBAL = 1,	 /* -G: interrupts belong to CPUs, not to tasks */
	TRC_PROFILE_BY_COMM = 2, /* --by-comm: tasks of one name are one */
};
struct trc_profile_options {
	uint32_t flags;				  /* enum trc_profile_flags */
	const struct trc_symbols *const *symbols; /* of each source; NULL there: addresses stay numbers */
};
int trc_profile_create(const struct trc_analysis_source *sources, size_t count,
		       const struct trc_profile_options *options, struct trc_profile **out,
		       struct trc_error *err);
void trc_profile_destroy(struct trc_profile *profile); /* NULL is fine */

/*
 * A pair of events more, in the file of source number source; what is known of the two before is replaced.
 * To be called before the first record. TRC_NOT_FOUND: the file lacks one of the events. TRC_ARGUMENT: one of
 * them lacks a field.
 */
int trc_profile_add_hook(struct trc_profile *profile, size_t source, const struct trc_hook *hook,
			 struct trc_error *err);

/* Takes the records of a walk through these sources, forwards. TRC_GO_ON: there are more. */
int trc_profile_next(struct trc_profile *profile, struct trc_walk *walk, struct trc_error *err);

/*
 * After the last record: the next lines, about enough bytes of them, valid until the next call; size 0: there
 * are no more. Those of the file that came last among the sources are the first, as in trace-cmd.
 */
int trc_profile_text(struct trc_profile *profile, size_t enough, const char **text, size_t *size,
		     struct trc_error *err);

/* [cdef end] */

#endif
