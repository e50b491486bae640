/* SPDX-License-Identifier: MIT */
#include "analysis/histogram.h"

#include <stdlib.h>

#define RANGE_BITS 6 /* 64 ranges */

/* 0 below 64, then one for each power of two. */
static unsigned power_of(uint64_t value)
{
	unsigned power = 0;

	for (unsigned step = 32; step; step /= 2) {
		if (value >> step >= HISTOGRAM_RANGES) {
			value >>= step;
			power += step;
		}
	}
	return power + (value >= HISTOGRAM_RANGES);
}

bool histogram_add(struct histogram *histogram, struct trc_analysis *analysis, uint64_t value)
{
	unsigned power = power_of(value);
	uint64_t **counts = &histogram->counts[power];
	unsigned shift = power ? power - 1 : 0;

	if (!*counts) {
		if (analysis_spend(analysis, HISTOGRAM_RANGES * sizeof(**counts)))
			*counts = calloc(HISTOGRAM_RANGES, sizeof(**counts));
		if (!*counts)
			return false;
	}
	(*counts)[value >> shift & (HISTOGRAM_RANGES - 1)]++;
	return true;
}

/* The middle of a range; of one number that. */
static uint64_t middle(unsigned power, unsigned range)
{
	unsigned shift = power ? power - 1 : 0;
	uint64_t first = (uint64_t)(range + (power ? HISTOGRAM_RANGES : 0)) << shift;

	return first + ((UINT64_C(1) << shift) >> 1);
}

uint64_t histogram_rank(const struct histogram *histogram, uint64_t rank)
{
	uint64_t seen = 0;

	for (unsigned power = 0; power < HISTOGRAM_POWERS; power++) {
		for (unsigned range = 0; histogram->counts[power] && range < HISTOGRAM_RANGES; range++) {
			seen += histogram->counts[power][range];
			if (seen >= rank)
				return middle(power, range);
		}
	}
	return 0;
}

void histogram_deinit(struct histogram *histogram)
{
	for (unsigned power = 0; power < HISTOGRAM_POWERS; power++)
		free(histogram->counts[power]);
}
