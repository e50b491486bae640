/* SPDX-License-Identifier: MIT */
#include "metadata/printk_formats.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/digits.h"
#include "base/error.h"
#include "metadata/scanner.h"

#define PRINTK_FORMATS_MAX (1u << 20) /* a kernel has some thousands */

static void remember(struct problems *problems, uint64_t file_offset, const char *what, size_t line)
{
	struct trc_error fault;

	trc_fail(&fault, TRC_CORRUPT, file_offset, "printk_formats: %s in line %zu", what, line);
	problems_add(problems, &fault);
}

/* Quotes and the newline that ends most of them (as the two characters \n) are not part of it. */
static struct text unquoted(struct text text)
{
	if (text.size && *text.start == '"')
		text = text_skip(text, 1);
	if (text.size && text.start[text.size - 1] == '"') {
		text.size--;
		if (text.size >= 2 && !memcmp(text.start + text.size - 2, "\\n", 2))
			text.size -= 2;
	}
	return text;
}

/* "ADDRESS : "TEXT"": cut at the first colon, one blank after it is dropped. */
static bool parse_line(struct text line, struct printk_format *out)
{
	size_t used;

	line = text_skip_blanks(line);
	if (!text_hex(line, &out->address, &used))
		return false;
	line = text_skip_blanks(text_skip(line, used));
	if (!line.size || *line.start != ':')
		return false;
	line = text_skip(line, 1);
	if (line.size && *line.start == ' ')
		line = text_skip(line, 1);
	out->text = unquoted(line);
	return true;
}

/* Of one address the last of the text first, as in libtraceevent. */
static int compare(const void *a, const void *b)
{
	const struct printk_format *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->text.start < y->text.start) - (x->text.start > y->text.start);
}

static int add(struct printk_formats *formats, size_t *room, const struct printk_format *format,
	       struct trc_error *err)
{
	if (formats->count == *room) {
		struct printk_format *larger = array_grow(formats->list, room, 256, sizeof(*larger));

		if (!larger)
			return trc_fail_no_memory(err);
		formats->list = larger;
	}
	formats->list[formats->count++] = *format;
	return TRC_OK;
}

int printk_formats_parse(struct text text, uint64_t file_offset, struct printk_formats *out,
			 struct problems *problems, struct trc_error *err)
{
	struct printk_formats formats = { 0 };
	struct text rest = text, line;
	size_t room = 0, number = 0;
	int rc = TRC_OK;

	while (!rc && text_line(&rest, &line)) {
		struct printk_format format;

		number++;
		if (!text_skip_blanks(line).size)
			continue;
		if (formats.count == PRINTK_FORMATS_MAX) {
			remember(problems, file_offset, "more than any kernel has", number);
			break;
		}
		if (parse_line(line, &format))
			rc = add(&formats, &room, &format, err);
		else
			remember(problems, file_offset, "no \"ADDRESS : TEXT\"", number);
	}
	if (rc) {
		free(formats.list);
		return rc;
	}
	if (formats.count)
		qsort(formats.list, formats.count, sizeof(*formats.list), compare);
	*out = formats;
	return TRC_OK;
}

void printk_formats_deinit(struct printk_formats *formats)
{
	free(formats->list);
	*formats = (struct printk_formats){ 0 };
}

bool printk_formats_find(const struct printk_formats *formats, uint64_t address, struct text *out)
{
	size_t low = 0, high = formats->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct printk_format *format = &formats->list[middle];

		if (format->address == address) {
			*out = format->text;
			return true;
		}
		if (format->address > address)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}
