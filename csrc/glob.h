/* SPDX-License-Identifier: MIT */
/* The kernel's wildcards: *, ?, [a-z], [!a-z], and a backslash before what stands for itself. */
#ifndef TRC_GLOB_H
#define TRC_GLOB_H

#include "text.h"

bool glob_fits(struct text pattern, struct text text);

#endif
