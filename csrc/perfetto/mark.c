/* SPDX-License-Identifier: MIT */
/*
 * Texts in trace_marker that stand for slices and counters, as Android's atrace writes them. Trace processor
 * takes every typed one for such a mark: one that is none counts as an error, and one that begins with an E
 * ends a slice.
 */
#include "base/digits.h"
#include "perfetto/plan.h"

#define TGID_DIGITS 9
#define NUMBER_DIGITS 18

/* Up to the next bar, which is gone then. */
static struct text cut(struct text *rest)
{
	struct text word = *rest;
	size_t size = 0;

	while (size < word.size && word.start[size] != '|')
		size++;
	word.size = size;
	*rest = text_skip(*rest, size < rest->size ? size + 1 : size);
	return word;
}

static bool is_number(struct text word, size_t most, bool may_be_negative)
{
	if (may_be_negative && word.size && *word.start == '-')
		word = text_skip(word, 1);
	for (size_t i = 0; i < word.size; i++) {
		if (!is_digit(word.start[i]))
			return false;
	}
	return word.size && word.size <= most;
}

/*
 * What must stand behind the letter and the process, a character a word between bars: n a name, # a number,
 * ? that the next may be missing, and * anything at all.
 */
static const char *rules_of(char letter)
{
	switch (letter) {
	case 'B':
		return "*";
	case 'I':
		return "n";
	case 'C':
		return "#?n";
	case 'S':
	case 'F':
		return "n#";
	case 'N':
		return "nn";
	case 'G':
		return "nn#";
	default:
		return NULL;
	}
}

static bool follows(struct text rest, bool has_more, const char *rules)
{
	for (; *rules; rules++) {
		struct text word;

		if (*rules == '*')
			return has_more;
		if (*rules == '?') {
			if (!has_more)
				return true;
			continue;
		}
		if (!has_more)
			return false;
		word = cut(&rest);
		has_more = rest.start != word.start + word.size;
		if (*rules == '#' ? !is_number(word, NUMBER_DIGITS, true) : !word.size)
			return false;
	}
	return !has_more;
}

bool is_mark(struct text text)
{
	struct text rest, letter, tgid;
	bool has_more;

	while (text.size && text.start[text.size - 1] == '\n')
		text.size--;
	if (memchr(text.start, '\n', text.size))
		return false;
	rest = text;
	letter = cut(&rest);
	if (letter.size != 1)
		return false;
	if (*letter.start == 'E')
		return true;
	tgid = cut(&rest);
	if (!is_number(tgid, TGID_DIGITS, false))
		return false;
	has_more = rest.start != tgid.start + tgid.size;
	if (*letter.start == 'C') { /* a counter's name, and then its value */
		struct text name = cut(&rest);

		if (!name.size)
			return false;
		has_more = rest.start != name.start + name.size;
	}
	if (*letter.start == 'H')
		return follows(rest, has_more, "nn#") || follows(rest, has_more, "n#");
	return rules_of(*letter.start) && follows(rest, has_more, rules_of(*letter.start));
}
