/* SPDX-License-Identifier: MIT */
#include "base/pattern.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

int pattern_compile(struct text pattern, const char *what, regex_t *out, struct trc_error *err)
{
	char *whole = malloc(pattern.size + 3);
	int rc = TRC_OK;

	if (!whole)
		return trc_fail_no_memory(err);
	snprintf(whole, pattern.size + 3, "^%.*s$", (int)pattern.size, pattern.start);
	if (memchr(pattern.start, 0, pattern.size) || regcomp(out, whole, REG_ICASE | REG_NOSUB))
		rc = trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "%s: '%.*s' is not a regular expression",
			      what, pattern.size > 60 ? 60 : (int)pattern.size, pattern.start);
	free(whole);
	return rc;
}

bool pattern_fits(const regex_t *regex, struct text text)
{
	char buffer[256], *copy = buffer;
	bool found;

	if (text.size >= sizeof(buffer)) {
		copy = malloc(text.size + 1);
		if (!copy)
			return false;
	}
	memcpy(copy, text.start, text.size);
	copy[text.size] = '\0';
	found = !regexec(regex, copy, 0, NULL, 0);
	if (copy != buffer)
		free(copy);
	return found;
}
