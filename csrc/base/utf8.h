/* SPDX-License-Identifier: MIT */
/* Texts of a recording that should be UTF-8, and need not be. */
#ifndef TRC_BASE_UTF8_H
#define TRC_BASE_UTF8_H

#include "base/internal.h"

#define UTF8_GROWTH 3 /* U+FFFD takes three bytes and replaces at least one */

/* How many bytes from the start are ASCII. */
size_t ascii_length(const uint8_t *text, size_t size);

/*
 * Copies text to a place of UTF8_GROWTH * size bytes; every sequence that is not UTF-8 becomes one
 * U+FFFD, cut where Unicode recommends (and Python does). Number of bytes written.
 */
size_t utf8_copy(uint8_t *to, const uint8_t *text, size_t size);

#endif
