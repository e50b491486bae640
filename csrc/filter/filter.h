/* SPDX-License-Identifier: MIT */
/* trace-cmd's filter language: libtraceevent's, as trace-cmd-report(1) -F takes it. */
#ifndef TRC_FILTER_FILTER_H
#define TRC_FILTER_FILTER_H

#include "filter/api.h"
#include "metadata/metadata.h"

#define FILTER_ROWS 256 /* at most so many records are looked at together */

/* Records of one event. */
struct filter_rows {
	size_t count;
	const uint8_t *const *payload;
	const uint32_t *size;
	const uint32_t *cpu;
};

/* Puts 1 into pass for each record that passes, else 0. */
void filter_run(const struct trc_filter *filter, uint32_t id, const struct filter_rows *rows, uint8_t *pass);

#endif
