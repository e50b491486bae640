/* SPDX-License-Identifier: MIT */
#include "base/glob.h"

/* One of the characters in "[...]" at the start of *pattern, which is moved after it. */
static bool glob_class(struct text *pattern, char c)
{
	struct text rest = text_skip(*pattern, 1);
	bool negated = rest.size && *rest.start == '!', found = false;
	size_t n = negated;

	for (bool first = true; n < rest.size && (first || rest.start[n] != ']'); first = false) {
		char low = rest.start[n], high = low;

		if (n + 2 < rest.size && rest.start[n + 1] == '-' && rest.start[n + 2] != ']') {
			high = rest.start[n + 2];
			n += 2;
		}
		found |= (uint8_t)c >= (uint8_t)low && (uint8_t)c <= (uint8_t)high;
		n++;
	}
	if (n >= rest.size) { /* no class: a '[' by itself */
		*pattern = rest;
		return c == '[';
	}
	*pattern = text_skip(rest, n + 1);
	return found != negated;
}

/* One character of text against the start of *pattern, which is moved on. */
static bool glob_one(struct text *pattern, char c)
{
	char p = *pattern->start;

	if (p == '[')
		return glob_class(pattern, c);
	if (p == '\\' && pattern->size > 1) {
		*pattern = text_skip(*pattern, 1);
		p = *pattern->start;
		*pattern = text_skip(*pattern, 1);
		return p == c;
	}
	*pattern = text_skip(*pattern, 1);
	return p == '?' || p == c;
}

/* Going back to the last '*' alone is enough. */
bool glob_fits(struct text pattern, struct text text)
{
	struct text after_star = { NULL, 0 }, again = text;

	while (text.size) {
		if (pattern.size && *pattern.start == '*') {
			after_star = pattern = text_skip(pattern, 1);
			again = text;
			continue;
		}
		if (pattern.size && glob_one(&pattern, *text.start)) {
			text = text_skip(text, 1);
			continue;
		}
		if (!after_star.start)
			return false;
		pattern = after_star;
		text = again = text_skip(again, 1);
	}
	while (pattern.size && *pattern.start == '*')
		pattern = text_skip(pattern, 1);
	return !pattern.size;
}
