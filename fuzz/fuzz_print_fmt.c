/* SPDX-License-Identifier: MIT */
/*
 * Print fmts and records, any bytes at all: compiled, run, shown raw, given to the event's handler.
 *
 * A libFuzzer target: README.md. With -DFUZZ_MAIN it has a main of its own for any compiler:
 * fuzz_print_fmt MUTATIONS SEED FILE... takes each event format of these trace.dat files so many
 * times, mutated, with random records.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/event_handler.h"
#include "fuzz.h"
#include "print_fmt/tree.h"

#define OUTPUT_MAX ((size_t)8 << 20)

static const char symbols_text[] =
	"0000000000001000 T alpha\n0000000000002000 T beta\nffffffff81000000 T gamma\n";
static const char printk_text[] = "0x1234 : \"%d %s %ps %pI4 %*d %lld\\n\"\n0x0 : \"%s%s\"\n";

/* What all inputs share. */
struct tables {
	struct kallsyms kallsyms;
	struct printk_formats printk_formats;
	struct saved_cmdlines saved;
};

static void parse_tables(struct tables *tables)
{
	struct problems problems = { 0 };

	memset(tables, 0, sizeof(*tables));
	CHECK(!kallsyms_parse(TEXT(symbols_text), 0, 0, &tables->kallsyms, &problems, NULL));
	CHECK(!printk_formats_parse(TEXT(printk_text), 0, &tables->printk_formats, &problems, NULL));
}

static void free_tables(struct tables *tables)
{
	kallsyms_deinit(&tables->kallsyms);
	printk_formats_deinit(&tables->printk_formats);
}

static struct place place_of_field(const struct event_field *field)
{
	return (struct place){ field->offset, field->size, field->element_size, (uint16_t)field->flags,
			       false };
}

static void run_handler(const struct event_format *event, const struct print_fmt_env *env,
			struct event_text *text, struct print_record print, struct tables *tables,
			struct output *out)
{
	struct walk_record record = { .payload = print.data, .size = print.size, .ts = 1 };
	struct function_stacks stacks = { 0 };
	struct comm_table comms;
	struct event_run run = {
		.env = env, .event = text, .record = &record, .print = print, .pid = { 4, 4 },
		.cpu = 1, .next = &record, .next_cpu = 1, .next_event = text, .comms = &comms, .stacks = &stacks, .out = out,
	};

	text->handler = event_handler_find(event, 0);
	if (!text->handler)
		return;
	for (unsigned i = 0; i < HANDLER_FIELDS && text->handler->fields[i]; i++) {
		const char *name = text->handler->fields[i];
		const struct event_field *field =
			event_field_by_name(event, (struct text){ name, strlen(name) });

		text->found[i] = field != NULL;
		if (field)
			text->fields[i] = place_of_field(field);
	}
	comm_table_init(&comms, &tables->saved);
	sched_prepare(text);
	text->handler->run(&run);
	comm_table_deinit(&comms);
	function_stacks_deinit(&stacks);
}

/* The fast way and the slow way write the same. */
static void run_both_ways(struct print_fmt *program, const struct print_record *record,
			  struct output *out)
{
	uint32_t fast_size = program->fast_size;
	struct output slow;

	print_fmt_run(program, record, out);
	output_init(&slow);
	output_limit(&slow, OUTPUT_MAX);
	program->fast_size = UINT32_MAX;
	print_fmt_run(program, record, &slow);
	program->fast_size = fast_size;
	CHECK(out->cut || slow.cut || (out->size == slow.size && (!slow.size || !memcmp(out->data, slow.data, slow.size))));
	output_deinit(&slow);
}

static void run_event(const struct event_format *event, unsigned mode, struct print_record record,
		      struct tables *tables)
{
	struct print_fmt_env env = {
		.kallsyms = &tables->kallsyms, .printk_formats = &tables->printk_formats,
		.long_size = mode & 1 ? 4 : 8, .big_endian = mode & 2, .plugins = mode & 4,
		.kernel_text = mode & 8,
	};
	struct event_text text = { 0 };
	struct value_list *lists;
	struct arena arena = { 0 };
	struct output out;

	output_init(&out);
	output_limit(&out, OUTPUT_MAX);
	record.symbols = symbol_cache_create(env.kallsyms);
	record.binary = calloc(event->field_count + (size_t)1, 1);
	CHECK(record.symbols && record.binary);
	CHECK(!print_fmt_value_lists(event, env.long_size, &arena, &lists, NULL));
	arena_deinit(&arena);
	CHECK(!print_fmt_compile(event, &env, &text.program, NULL));
	run_both_ways(text.program, &record, &out);
	print_fmt_run_raw(text.program, &record, &out);
	run_handler(event, &env, &text, record, tables, &out);
	CHECK(out.size <= OUTPUT_MAX && !out.no_memory);
	print_fmt_destroy(text.program);
	symbol_cache_destroy(record.symbols);
	free(record.binary);
	output_deinit(&out);
}

/* A byte of mode, a byte that says how long the record is, the record, the format's text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event_formats formats = { 0 };
	struct problems problems = { 0 };
	struct tables tables;
	struct text system, text;
	uint8_t *payload;
	size_t length;
	char *copy;

	if (size < 2)
		return 0;
	length = data[1] < size - 2 ? data[1] : size - 2;
	text.size = size - 2 - length;
	payload = malloc(length + !length);	/* of exact size: a byte too far is found */
	copy = malloc(text.size + !text.size);
	CHECK(payload && copy);
	memcpy(payload, data + 2, length);
	memcpy(copy, data + 2 + length, text.size);
	text.start = copy;
	system = data[0] & 16 ? TEXT("ftrace") : data[0] & 32 ? TEXT("kvm") : TEXT("sched");
	parse_tables(&tables);
	CHECK(!event_formats_add(&formats, system, text, data[0] & 1 ? 4 : 8, 0, &problems, NULL));
	CHECK(!event_formats_finish(&formats, 0, NULL));
	for (size_t i = 0; i < formats.count; i++)
		run_event(&formats.list[i], data[0],
			  (struct print_record){ .data = payload, .size = (uint32_t)length }, &tables);
	event_formats_deinit(&formats);
	problems_deinit(&problems);
	free_tables(&tables);
	free(payload);
	free(copy);
	return 0;
}

#ifdef FUZZ_MAIN

#define RECORD_MAX 255

static uint64_t state;

static uint32_t draw(void)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(state >> 33);
}

/* Pieces of the language, put where they do most harm. */
static void mutate(uint8_t *text, size_t size)
{
	static const char *const pieces[] = {
		"REC->", "(", ")", "((((", "?", ":", "[9]", "{ 1, \"x\" }", "%s", "%*d", "%pI6c", "%pISpc",
		"%.*s", "%999999d", "__get_str(", "__print_hex(", "__print_array(", "__get_dynamic_array(",
		"/ 0", "% 0", "<< 99", "-", "!", "~", "\"", "'", "0xffffffffffffffff", "sizeof(", ",", "%*ph",
		"4294967295", "size:8;", "offset:65535;", "__data_loc ", "__rel_loc ",
	};

	for (unsigned n = draw() % 6; n-- > 0 && size;) {
		size_t at = draw() % size;
		const char *piece = pieces[draw() % (sizeof(pieces) / sizeof(pieces[0]))];
		size_t length = strlen(piece);

		if (draw() % 3 == 0)
			text[at] = (uint8_t)draw();
		else
			memcpy(text + at, piece, length < size - at ? length : size - at);
	}
}

static void try_text(struct trc_text text, unsigned mutations)
{
	uint8_t *input = malloc(2 + RECORD_MAX + text.size);

	CHECK(input);
	for (unsigned i = 0; i < mutations; i++) {
		size_t length = draw() % RECORD_MAX;

		input[0] = (uint8_t)draw();
		input[1] = (uint8_t)length;
		for (size_t j = 0; j < length; j++)
			input[2 + j] = draw() % 3 ? (uint8_t)draw() : 0;
		memcpy(input + 2 + length, text.text, text.size);
		mutate(input + 2 + length, text.size);
		LLVMFuzzerTestOneInput(input, 2 + length + text.size);
	}
	free(input);
}

static void try_section(const struct trc_file *file, uint32_t id, unsigned mutations)
{
	struct trc_text_position position = { 0 };
	struct trc_bytes bytes;
	struct trc_text text;

	if (trc_section_load(file, id, &bytes, NULL))
		return;
	while (!trc_section_text(file, id, &bytes, &position, &text, NULL))
		try_text(text, mutations);
	trc_bytes_free(&bytes);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	state = strtoull(argv[2], NULL, 0);
	for (int i = 3; i < argc; i++) {
		struct trc_file *file;

		if (trc_open(argv[i], NULL, &file, NULL))
			continue;
		try_section(file, TRC_OPTION_FTRACE_EVENTS, (unsigned)atoi(argv[1]) * 20);
		try_section(file, TRC_OPTION_EVENT_FORMATS, (unsigned)atoi(argv[1]));
		trc_close(file);
	}
	return 0;
}

#endif
