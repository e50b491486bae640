/* SPDX-License-Identifier: MIT */
/*
 * How often numbers came, close enough for percentiles: below 128 each by itself, above 64 ranges for each
 * power of two, so that the middle of a range is within 1/128 of all in it.
 */
#ifndef TRC_ANALYSIS_HISTOGRAM_H
#define TRC_ANALYSIS_HISTOGRAM_H

#include "analysis/analysis.h"

#define HISTOGRAM_RANGES 64
#define HISTOGRAM_POWERS 59

struct histogram {
	uint64_t *counts[HISTOGRAM_POWERS]; /* [HISTOGRAM_RANGES]; NULL: none */
};

/* false: there is no memory. */
bool histogram_add(struct histogram *histogram, struct trc_analysis *analysis, uint64_t value);
/* The number that rank of them, from 1 on, are not above. */
uint64_t histogram_rank(const struct histogram *histogram, uint64_t rank);
void histogram_deinit(struct histogram *histogram);

#endif
