/* SPDX-License-Identifier: MIT */
/*
 * The parsers of the kernel's texts, on any bytes at all.
 *
 * A libFuzzer target: README.md. With -DFUZZ_MAIN it has a main of its own for any compiler:
 * fuzz_event_format MUTATIONS SEED FILE... cuts each file's text at every byte, then mutates it;
 * with MUTATIONS 0 it takes each file once, as it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metadata/api.h"
#include "metadata/event_format.h"
#include "fuzz.h"
#include "metadata/kallsyms.h"
#include "metadata/page_header.h"
#include "metadata/printk_formats.h"
#include "metadata/saved_cmdlines.h"

/* Reads every character, so that one outside of any memory is found. */
static unsigned sum(struct text text)
{
	unsigned total = 0;

	CHECK(text.start);
	for (size_t i = 0; i < text.size; i++)
		total = total * 31 + (unsigned char)text.start[i];
	return total;
}

static bool inside(struct text part, struct text whole)
{
	return part.start >= whole.start && part.size <= whole.size &&
	       (size_t)(part.start - whole.start) <= whole.size - part.size;
}

static unsigned check_field(const struct event_format *format, const struct event_field *field,
			    struct text text)
{
	CHECK(inside(field->name, text) && field->name.size && field->type.size);
	CHECK(field->offset <= INT32_MAX && field->size <= INT32_MAX);
	CHECK((field->flags & TRC_FIELD_ARRAY) || !field->array_length);
	CHECK(event_field_by_name(format, field->name));
	return sum(field->name) + sum(field->type);
}

static unsigned check_format(const struct event_formats *formats, const struct event_format *format,
			     struct text text)
{
	unsigned total = sum(format->name) + sum(format->print_fmt);

	CHECK(inside(format->name, text) && format->name.size);
	CHECK(!format->print_fmt.size || inside(format->print_fmt, text));
	CHECK(event_by_any_id(formats, format->id)->id == format->id);
	CHECK(format->id >= EVENT_ID_DENSE || event_by_id(formats, format->id)->id == format->id);
	CHECK(event_by_name(formats, format->system, format->name));
	for (uint32_t i = 0; i < format->common_count; i++)
		total += check_field(format, &format->common[i], text);
	for (uint32_t i = 0; i < format->field_count; i++)
		total += check_field(format, &format->fields[i], text);
	return total;
}

/* The same text twice: the second time its common fields are known already, and nothing changes. */
static unsigned run_formats(struct text text, struct text system)
{
	struct event_formats formats = { 0 };
	struct problems problems = { 0 };
	unsigned total = 0;

	CHECK(!event_formats_add(&formats, system, text, 8, 0, &problems, NULL));
	CHECK(!event_formats_add(&formats, system, text, 8, 0, &problems, NULL));
	CHECK(!event_formats_finish(&formats, 1, NULL));
	for (size_t i = 0; i < formats.count; i++)
		total += check_format(&formats, &formats.list[i], text);
	if (formats.count == 2) {
		CHECK(formats.list[0].common_count == formats.list[1].common_count);
		CHECK(formats.list[0].field_count == formats.list[1].field_count);
		CHECK(formats.list[0].state == formats.list[1].state);
	} else {
		CHECK(!formats.count && problems.count == 2);
	}
	CHECK(formats.common.type.size && formats.common.end);
	event_formats_deinit(&formats);
	problems_deinit(&problems);
	return total;
}

static unsigned run_kallsyms(struct text text)
{
	struct problems problems = { 0 };
	struct kallsyms kallsyms;
	struct symbol symbol;
	unsigned total = 0;

	CHECK(!kallsyms_parse(text, text.size / 2, 0, &kallsyms, &problems, NULL));
	for (size_t i = 0; i < kallsyms.count; i++) {
		uint64_t address = kallsyms.list[i].address;

		CHECK(!i || kallsyms.list[i - 1].address <= address);
		kallsyms_describe(&kallsyms, i, &symbol);
		CHECK(inside(symbol.name, text));
		total += sum(symbol.name) + sum(symbol.module);
		CHECK(kallsyms_find(&kallsyms, address, &symbol) && symbol.address == address);
		CHECK(!kallsyms_find(&kallsyms, address - 1, &symbol) || symbol.address <= address - 1);
		if (i < 50)
			CHECK(kallsyms_find_name(&kallsyms, symbol.name, &symbol));
	}
	kallsyms_deinit(&kallsyms);
	problems_deinit(&problems);
	return total;
}

static unsigned run_tables(struct text text)
{
	struct problems problems = { 0 };
	struct printk_formats printk;
	struct saved_cmdlines cmdlines;
	struct text found;
	unsigned total = 0;

	CHECK(!printk_formats_parse(text, 0, &printk, &problems, NULL));
	for (size_t i = 0; i < printk.count; i++) {
		total += sum(printk.list[i].text);
		CHECK(printk_formats_find(&printk, printk.list[i].address, &found));
	}
	CHECK(!saved_cmdlines_parse(text, 0, &cmdlines, &problems, NULL));
	for (size_t i = 0; i < cmdlines.count; i++) {
		CHECK(!i || cmdlines.list[i - 1].pid < cmdlines.list[i].pid);
		CHECK(saved_cmdlines_has(&cmdlines, cmdlines.list[i].pid));
		total += sum(saved_cmdlines_comm(&cmdlines, cmdlines.list[i].pid));
	}
	CHECK(sum(saved_cmdlines_comm(&cmdlines, 0)) == sum(TEXT("<idle>")));
	saved_cmdlines_deinit(&cmdlines);
	printk_formats_deinit(&printk);
	problems_deinit(&problems);
	return total;
}

static unsigned run_page_header(struct text text)
{
	struct page_header header;
	struct trc_error err;
	int rc = page_header_parse(text, 0, &header, &err);

	if (rc) {
		CHECK(rc == err.code && (rc == TRC_CORRUPT || rc == TRC_UNSUPPORTED));
		return 0;
	}
	CHECK(header.commit_size == 4 || header.commit_size == 8);
	CHECK(header.timestamp_offset + 8 <= header.commit_offset);
	CHECK(header.commit_offset + header.commit_size <= header.data_offset);
	CHECK(header.data_offset < header.page_size);
	return header.page_size;
}

static volatile unsigned keep;	/* so that no reading is optimised away */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A block of exactly this size, so that a byte too many is seen. */
	char *copy = malloc(size ? size : 1);
	struct text text = { copy, size };

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	keep += run_formats(text, TEXT("sched"));
	keep += run_formats(text, TEXT("ftrace"));
	keep += run_kallsyms(text);
	keep += run_tables(text);
	keep += run_page_header(text);
	free(copy);
	return 0;
}

#ifdef FUZZ_MAIN

static uint64_t state;

/* xorshift64: the same numbers on every machine. */
static uint32_t number(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

static const char *const pieces[] = {
	"field:", "field special:", "[", "]", "[]", "(", ")", ";", ":", "\n", "\n\n", "\t", "\"", "'",
	"\\", "*", ".", "__data_loc ", "__rel_loc ", "__attribute__((", "))", "offset:", "size:",
	"signed:", "name: ", "ID: ", "format:\n", "print fmt: ", "0x", "4294967295",
	"18446744073709551616", "-1", "08", "long ", "char", "common_type", "common_pid", "0xffff : \"",
	"ffffffffffffffff T x\t[m]", "1 T a\n", "12 a b\n", "\\n\"",
};

static size_t mutate(uint8_t *bytes, size_t size, size_t room)
{
	for (uint32_t steps = 1 + number(4); steps; steps--) {
		size_t at = size ? number((uint32_t)size) : 0, n;
		const char *piece = pieces[number(sizeof(pieces) / sizeof(pieces[0]))];

		switch (number(5)) {
		case 0:
			if (size)
				bytes[at] ^= (uint8_t)(1u << number(8));
			break;
		case 1:
			if (size)
				bytes[at] = (uint8_t)number(256);
			break;
		case 2:	/* cut a piece out */
			n = size - at ? 1 + number((uint32_t)(size - at < 40 ? size - at : 40)) : 0;
			memmove(bytes + at, bytes + at + n, size - at - n);
			size -= n;
			break;
		case 3:	/* put a piece in */
			n = strlen(piece);
			if (size + n > room)
				break;
			memmove(bytes + at + n, bytes + at, size - at);
			memcpy(bytes + at, piece, n);
			size += n;
			break;
		default: /* double a piece */
			n = size - at < 60 ? size - at : 60;
			if (size + n > room)
				break;
			memmove(bytes + at + n, bytes + at, size - at);
			size += n;
			break;
		}
	}
	return size;
}

static int run_file(const char *path, unsigned mutations)
{
	static uint8_t text[1 << 16], changed[1 << 17];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file)
		return 1;
	size = fread(text, 1, sizeof(text), file);
	fclose(file);
	LLVMFuzzerTestOneInput(text, size);
	for (size_t cut = 0; mutations && cut < size; cut++)
		LLVMFuzzerTestOneInput(text, cut);
	for (unsigned i = 0; i < mutations; i++) {
		memcpy(changed, text, size);
		LLVMFuzzerTestOneInput(changed, mutate(changed, size, sizeof(changed)));
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	state = strtoull(argv[2], NULL, 0) * 2654435761u + 88172645463325252u;
	for (int i = 3; i < argc; i++) {
		if (run_file(argv[i], (unsigned)strtoul(argv[1], NULL, 0)))
			return 1;
	}
	return 0;
}

#endif
