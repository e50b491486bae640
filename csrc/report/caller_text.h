/* SPDX-License-Identifier: MIT */
/* Texts that the caller makes, alone or with functions of print fmts that are its own. */
#ifndef TRC_REPORT_CALLER_TEXT_H
#define TRC_REPORT_CALLER_TEXT_H

#include "base/text.h"
#include "report/api.h"

/* The names are copied. */
int report_set_helpers(struct trc_report *report, uint32_t file, const struct text *names, size_t count,
		       struct trc_error *err);

#endif
