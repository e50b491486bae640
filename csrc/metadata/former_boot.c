/* SPDX-License-Identifier: MIT */
#include "metadata/former_boot.h"

#include <stdlib.h>

#include "base/digits.h"
#include "base/error.h"
#include "metadata/scanner.h"

#define KERNEL "[kernel]"

static struct text skip_space(struct text text)
{
	while (text.size && ((unsigned char)*text.start <= ' '))
		text = text_skip(text, 1);
	return text;
}

/* Up to the next blank, tab or other control character. */
static struct text cut_word(struct text *rest)
{
	struct text word = { rest->start, 0 };

	while (word.size < rest->size && (unsigned char)rest->start[word.size] > ' ')
		word.size++;
	*rest = text_skip(*rest, word.size);
	return word;
}

/* "ADDRESS NAME" */
static bool parse_part(struct text line, struct boot_part *out)
{
	struct text rest = skip_space(line);
	size_t used;

	if (!text_hex(rest, &out->address, &used))
		return false;
	rest = skip_space(text_skip(rest, used));
	out->name = cut_word(&rest);
	return out->name.size > 0;
}

/* "NAME SIZE USES USERS STATE ADDRESS", and perhaps more */
static bool parse_module(struct text line, struct boot_part *out)
{
	struct text rest = skip_space(line);
	size_t used;

	out->name = cut_word(&rest);
	for (unsigned i = 0; i < 4; i++) {
		rest = skip_space(rest);
		if (!cut_word(&rest).size)
			return false;
	}
	return text_hex(skip_space(rest), &out->address, &used);
}

static size_t count_lines(struct text text)
{
	size_t count = 0;
	struct text line;

	while (text_line(&text, &line))
		count += line.size > 0;
	return count;
}

/* *list stays NULL where a line cannot be read. */
static int parse_lines(struct text text, bool (*parse)(struct text line, struct boot_part *out),
		       const char *what, uint64_t offset, struct boot_part **list, size_t *count,
		       struct problems *problems, struct trc_error *err)
{
	struct boot_part *parts = calloc(count_lines(text) + 1, sizeof(*parts));
	size_t number = 0, n = 0;
	struct text line;

	if (!parts)
		return trc_fail_no_memory(err);
	while (text_line(&text, &line)) {
		number++;
		if (!line.size)
			continue;
		if (!parse(line, &parts[n])) {
			struct trc_error fault;

			trc_fail(&fault, TRC_CORRUPT, offset, "%s: line %zu cannot be read", what, number);
			problems_add(problems, &fault);
			free(parts);
			return TRC_OK;
		}
		n++;
	}
	*list = parts;
	*count = n;
	return TRC_OK;
}

static int compare_address(const void *a, const void *b)
{
	const struct boot_part *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->name.start > y->name.start) - (x->name.start < y->name.start);
}

static int compare_name(const void *a, const void *b)
{
	const struct boot_part *x = a, *y = b;
	int order = text_compare(x->name, y->name);

	return order ? order : (x->name.start > y->name.start) - (x->name.start < y->name.start);
}

static bool is_kernel(const struct boot_part *part)
{
	size_t size = sizeof(KERNEL) - 1;

	return part->name.size >= size && !memcmp(part->name.start, KERNEL, size);
}

int former_boot_parse(struct former_boot *out, struct text boot, uint64_t boot_offset,
		      struct problems *problems, struct trc_error *err)
{
	static const struct text current = { "# Current", 9 };
	const char *colon = boot.size ? memchr(boot.start, ':', boot.size) : NULL;
	struct boot_part *parts = NULL;
	struct text text;
	size_t count = 0;
	int rc;

	if (!colon)
		return TRC_OK;
	text = text_skip(boot, (size_t)(colon + 1 - boot.start));
	if (text.size >= current.size && !memcmp(text.start, current.start, current.size))
		return TRC_OK;
	rc = parse_lines(text, parse_part, "option LAST_BOOT_INFO", boot_offset, &parts, &count, problems,
			 err);
	if (rc || !parts)
		return rc;
	qsort(parts, count, sizeof(*parts), compare_address);
	free(out->parts);
	out->parts = parts;
	out->count = count;
	return TRC_OK;
}

/* NULL: there is no module of this name. */
static struct boot_part *find_module(const struct former_boot *boot, struct text name)
{
	size_t low = 0, high = boot->module_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = text_compare(name, boot->modules[middle].name);

		if (!order)
			return &boot->modules[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

int former_boot_add_modules(struct former_boot *boot, struct text modules, uint64_t offset,
			    struct problems *problems, struct trc_error *err)
{
	int rc = parse_lines(modules, parse_module, "section MODULES_FILE", offset, &boot->modules,
			     &boot->module_count, problems, err);

	if (rc || !boot->modules)
		return rc;
	qsort(boot->modules, boot->module_count, sizeof(*boot->modules), compare_name);
	for (size_t i = 0; i < boot->count; i++) {
		const struct boot_part *part = &boot->parts[i];
		struct boot_part *module;

		if (is_kernel(part))
			continue;
		if (!boot->first_module)
			boot->first_module = part->address;
		module = find_module(boot, part->name);
		if (module)
			module->address -= part->address;
	}
	return TRC_OK;
}

void former_boot_set_kernel(struct former_boot *boot, uint64_t text)
{
	for (size_t i = 0; i < boot->count; i++) {
		if (!is_kernel(&boot->parts[i]))
			continue;
		if (boot->parts[i].address)
			boot->kernel = text - boot->parts[i].address;
		return;
	}
}

void former_boot_deinit(struct former_boot *boot)
{
	free(boot->parts);
	free(boot->modules);
	*boot = (struct former_boot){ 0 };
}

/* The part that an address is in; the steps are libtraceevent's, which count where parts begin at one place. */
static const struct boot_part *find_part(const struct former_boot *boot, uint64_t address)
{
	size_t low = 0, high = boot->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address < boot->parts[middle].address)
			high = middle;
		else if (middle + 1 < boot->count && boot->parts[middle + 1].address &&
			 address >= boot->parts[middle + 1].address)
			low = middle + 1;
		else
			return &boot->parts[middle];
	}
	return NULL;
}

uint64_t former_boot_shift(const struct former_boot *boot, uint64_t address)
{
	const struct boot_part *part;
	const struct boot_part *module;

	if (!boot->first_module || address < boot->first_module)
		return boot->kernel;
	part = find_part(boot, address);
	module = part ? find_module(boot, part->name) : NULL;
	return module ? module->address : 0;
}
