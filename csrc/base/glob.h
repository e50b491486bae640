/* SPDX-License-Identifier: MIT */
/* The kernel's wildcards: *, ?, [a-z], [!a-z], and a backslash before what stands for itself. */
#ifndef TRC_BASE_GLOB_H
#define TRC_BASE_GLOB_H

#include "base/text.h"

bool glob_fits(struct text pattern, struct text text);

#endif
