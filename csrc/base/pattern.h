/* SPDX-License-Identifier: MIT */
/* Patterns for names of events, as trace-cmd has them in its filters and in report -r and -n. */
#ifndef TRC_BASE_PATTERN_H
#define TRC_BASE_PATTERN_H

#include <regex.h>

#include "base/api.h"
#include "base/text.h"

/* "^PATTERN$" of regcomp(3), upper and lower case alike. what: names the caller in an error. */
int pattern_compile(struct text pattern, const char *what, regex_t *out, struct trc_error *err);

/* false also if memory ran out. */
bool pattern_fits(const regex_t *regex, struct text text);

#endif
