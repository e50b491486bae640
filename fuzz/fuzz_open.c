/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing the core: the input is a whole trace.dat file, and all that csrc/tracecmd.h offers is
 * asked of it. README.md says how to build and run it.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exact_mapping.h"
#include "tracecmd.h"

#define STREAMS_MAX 64
#define WALK_RECORDS 64
#define WALK_PAYLOAD 65536
#define WALK_BATCHES 2000	/* a bound only for what is looked at; no file here has as many */

/* --- the file's options and sections ---------------------------------------------------------- */

static void use_header(const struct trc_file *file)
{
	struct trc_error err;
	struct trc_header header;
	struct trc_ts_offset ts_offset;
	struct trc_tsc2nsec tsc;
	const char *text;
	size_t size;

	ok(trc_check(file, &err), &err);
	for (size_t i = 0; i < trc_problem_count(file); i++) {
		require(!trc_problem(file, i, &err), "there are as many problems as said");
		check_error(&err);
	}
	trc_header(file, &header);
	touch(header.compression, strlen(header.compression));
	touch(header.compression_version, strlen(header.compression_version));
	trc_clock_name(file, &text, &size);
	touch(text, size);
	trc_ts_offset(file, &ts_offset);
	ok(trc_tsc2nsec(file, &tsc, &err), &err);
	touched = (uint8_t)(trc_trace_id(file) ^ trc_cpu_count(file));
}

static void use_options(const struct trc_file *file)
{
	struct trc_error err;
	struct trc_option option;
	const char *text;
	size_t size;

	for (size_t i = 0; i < trc_option_count(file); i++) {
		require(!trc_option(file, i, &option, &err), "there are as many options as said");
		touch(option.data, option.size);
	}
	for (uint32_t id = 0; id < 32; id++) {
		size_t count = trc_option_count_id(file, id);

		for (size_t i = 0; i < count; i++)
			require(!trc_option_find(file, id, i, &option, &err) && option.id == id,
				"there are as many options of an id as said");
		require(trc_option_find(file, id, count, &option, &err) == TRC_NOT_FOUND,
			"there are no more options of an id than said");
		trc_option_text(file, id, &text, &size);
		touch(text, size);
	}
}

static void use_hook_side(const struct trc_hook_side *side)
{
	touch(side->system, side->system_size);
	touch(side->event, side->event_size);
	touch(side->field, side->field_size);
}

static void use_text_options(const struct trc_file *file)
{
	struct trc_cpu_stat_position position = { 0 };
	struct trc_cpu_stat stat;
	struct trc_error err;
	struct trc_hook hook;
	struct trc_proc_map map;
	struct trc_proc_map_region region;

	while (ok(trc_cpu_stat(file, &position, &stat, &err), &err)) {
		touch(stat.buffer, stat.buffer_size);
		touch(stat.text, stat.size);
	}
	for (size_t i = 0; i <= trc_option_count_id(file, TRC_OPTION_HOOK); i++) {
		if (!ok(trc_hook(file, i, &hook, &err), &err))
			continue;
		use_hook_side(&hook.start);
		use_hook_side(&hook.end);
		touch(hook.pid_field, hook.pid_field_size);
	}
	for (size_t i = 0; i <= trc_option_count_id(file, TRC_OPTION_PROCMAPS); i++) {
		size_t at = 0;

		if (!ok(trc_proc_map(file, i, &map, &err), &err))
			continue;
		touch(map.comm, map.comm_size);
		while (ok(trc_proc_map_region(&map, &at, &region, &err), &err))
			touch(region.path, region.path_size);
	}
}

static void use_peers(const struct trc_file *file)
{
	const struct trc_time_sample *samples;
	struct trc_time_shift shift = { 0 };
	struct trc_guest guest, found;
	struct trc_error err;
	size_t count;

	for (size_t i = 0; i < trc_guest_count(file); i++) {
		require(!trc_guest(file, i, &guest, &err), "there are as many guests as said");
		touch(guest.name, guest.name_size + 1);
		touch(guest.cpu_pid, guest.vcpu_count * sizeof(*guest.cpu_pid));
		require(!trc_guest_find(file, guest.trace_id, &found, &err), "a guest is found");
	}
	if (!ok(trc_time_shift(file, &shift, &err), &err))
		return;
	for (uint32_t cpu = 0; cpu < shift.cpu_count && cpu < 256; cpu++) {
		require(!trc_time_samples(file, cpu, &samples, &count, &err), "each CPU has its samples");
		for (size_t i = 1; i < count; i++)
			require(samples[i - 1].time < samples[i].time, "samples come sorted");
	}
}

static void use_sections(const struct trc_file *file)
{
	for (uint32_t id = 14; id < 27; id++) {
		struct trc_text_position position = { 0 };
		struct trc_section section;
		struct trc_bytes bytes;
		struct trc_error err;
		struct trc_text text;

		if (!ok(trc_section_find(file, id, &section, &err), &err) ||
		    !ok(trc_section_load(file, id, &bytes, &err), &err))
			continue;
		touch(bytes.data, bytes.size);
		while (ok(trc_section_text(file, id, &bytes, &position, &text, &err), &err)) {
			touch(text.system, text.system_size);
			touch(text.text, text.size);
		}
		trc_bytes_free(&bytes);
	}
}

static void use_buffers(const struct trc_file *file)
{
	struct trc_header header;
	struct trc_buffer buffer;
	struct trc_cpu_area area;
	struct trc_error err;

	trc_header(file, &header);
	require(trc_buffer_count(file) > 0, "there is a top buffer");
	for (size_t i = 0; i < trc_buffer_count(file); i++) {
		require(!trc_buffer(file, i, &buffer, &err), "there are as many buffers as said");
		touch(buffer.name, buffer.name_size);
		touch(buffer.clock, buffer.clock_size);
		for (size_t n = 0; n < buffer.cpu_count; n++) {
			require(!trc_cpu_area(file, i, n, &area, &err), "there are as many CPUs as said");
			require(area.offset <= header.file_size &&
				area.size <= header.file_size - area.offset, "areas lie in the file");
		}
	}
}

/* --- the texts from the kernel ------------------------------------------------------------------ */

static void use_value_names(const struct trc_metadata *metadata, size_t event)
{
	struct trc_value_names *names;
	struct trc_value_list list;
	struct trc_error err;
	const char *name;
	uint64_t value;
	size_t size;

	if (!ok(trc_value_names_create(metadata, event, &names, &err), &err))
		return;
	for (size_t i = 0; !trc_value_list(names, i, &list, NULL); i++) {
		touch(list.field, list.field_size);
		touch(list.condition, list.condition_size);
		for (size_t n = 0; n < list.count; n++) {
			require(!trc_value_name(names, i, n, &value, &name, &size, &err),
				"there are as many names as said");
			touch(name, size);
		}
		require(trc_value_name(names, i, list.count, &value, &name, &size, NULL) == TRC_NOT_FOUND,
			"there are no more names than said");
	}
	trc_value_names_destroy(names);
}

static void use_events(const struct trc_metadata *metadata)
{
	struct trc_page_layout layout;
	struct trc_event_info event;
	struct trc_field_info field;
	struct trc_error err;
	size_t found;

	ok(trc_page_layout(metadata, &layout, &err), &err);
	for (size_t i = 0; i < trc_event_count(metadata); i++) {
		require(!trc_event(metadata, i, &event, &err), "there are as many events as said");
		touch(event.system, event.system_size);
		touch(event.name, event.name_size);
		touch(event.print_fmt, event.print_fmt_size);
		require(!trc_event_find(metadata, event.system, event.system_size, event.name,
					event.name_size, &found, &err), "an event is found by name");
		require(!trc_event_find_id(metadata, event.id, &found, &err), "an event is found by id");
		for (size_t n = 0; n < event.common_count + (size_t)event.field_count; n++) {
			require(!trc_event_field(metadata, i, n, &field, &err),
				"there are as many fields as said");
			touch(field.name, field.name_size);
			touch(field.type, field.type_size);
		}
		use_value_names(metadata, i);
	}
}

static void use_comms(const struct trc_metadata *metadata)
{
	struct trc_error err;
	const char *comm;
	size_t size;
	int32_t pid;

	for (size_t i = 0; i < trc_comm_count(metadata); i++) {
		require(!trc_comm_at(metadata, i, &pid, &comm, &size, &err), "there are as many names as said");
		touch(comm, size);
		trc_comm(metadata, pid, &comm, &size);
		touch(comm, size);
	}
}

static void use_symbols(const struct trc_file *file)
{
	struct trc_symbols *symbols;
	struct trc_symbol symbol, found;
	struct trc_error err;
	uint64_t address;
	const char *text;
	size_t size;

	if (!ok(trc_symbols_create(file, &symbols, &err), &err))
		return;
	for (size_t i = 0; i < trc_symbol_count(symbols) && i < 1000; i++) {
		require(!trc_symbol(symbols, i, &symbol, &err), "there are as many symbols as said");
		touch(symbol.name, symbol.name_size);
		touch(symbol.module, symbol.module_size);
		ok(trc_symbol_find(symbols, symbol.address + 1, &found, &err), &err);
		require(!trc_symbol_find_name(symbols, symbol.name, symbol.name_size, &found, &err),
			"a symbol is found by name");
	}
	for (size_t i = 0; i < trc_printk_format_count(symbols); i++) {
		require(!trc_printk_format(symbols, i, &address, &text, &size, &err),
			"there are as many printk formats as said");
		touch(text, size);
		require(!trc_printk_format_find(symbols, address, &text, &size, &err),
			"a printk format is found");
	}
	for (size_t i = 0; i < trc_symbols_problem_count(symbols); i++)
		require(!trc_symbols_problem(symbols, i, &err), "there are as many problems as said");
	trc_symbols_destroy(symbols);
}

/* --- the records ---------------------------------------------------------------------------------- */

static void use_counts(const struct trc_data *data)
{
	uint64_t *counts = calloc(TRC_COUNT_IDS, sizeof(*counts));
	struct trc_stream stream;
	struct trc_count result;
	struct trc_error err;

	if (!counts)
		return;
	for (size_t i = 0; i < trc_data_problem_count(data); i++)
		require(!trc_data_problem(data, i, &err), "there are as many problems as said");
	for (size_t i = 0; i < trc_stream_count(data) && i < STREAMS_MAX; i++) {
		require(!trc_stream(data, i, &stream, &err), "there are as many streams as said");
		ok(trc_count(data, i, 0, stream.page_count, counts, &result, &err), &err);
		if (stream.page_count)
			ok(trc_stream_release(data, i, 0, stream.page_count, &err), &err);
	}
	free(counts);
}

/* All records of the sources to the last, in batches that are far too small. */
static void use_batches(struct trc_walk *walk, size_t source_count)
{
	static uint8_t payload[WALK_PAYLOAD];
	uint64_t ts[WALK_RECORDS], payload_end[WALK_RECORDS], done, total;
	uint32_t source[WALK_RECORDS], id[WALK_RECORDS], size[WALK_RECORDS];
	int32_t pid[WALK_RECORDS];
	int64_t missed[WALK_RECORDS];
	struct trc_batch batch = {
		.room = WALK_RECORDS, .payload_room = sizeof(payload), .ts = ts, .source = source,
		.id = id, .pid = pid, .missed_events = missed, .size = size, .payload_end = payload_end,
		.payload = payload,
	};
	struct trc_error err;

	for (int n = 0; n < WALK_BATCHES; n++) {
		int rc = trc_walk_next(walk, &batch, &err);

		require(rc != TRC_GO_ON || !batch.count, "what is to be gone on with gave nothing");
		if (rc == TRC_GO_ON)
			continue;
		if (!ok(rc, &err) || !batch.count)
			break;
		require(batch.count <= WALK_RECORDS && batch.payload_size <= sizeof(payload),
			"a batch keeps to its room");
		require(payload_end[batch.count - 1] == batch.payload_size, "payloads end where they say");
		for (size_t i = 0; i < batch.count; i++)
			require(source[i] < source_count, "a record has one of the sources");
		touch(payload, batch.payload_size);
		touch(ts, batch.count * sizeof(*ts));
	}
	for (size_t i = 0; i < trc_walk_problem_count(walk); i++)
		require(!trc_walk_problem(walk, i, &err), "there are as many problems as said");
	trc_walk_progress(walk, &done, &total);
}

static void use_walk(const struct trc_data *data, const struct trc_walk_options *options,
		     const uint8_t *event_ids)
{
	static const int32_t pids[] = { -1, 0, 17 };
	struct trc_walk_source sources[STREAMS_MAX] = { { 0 } };
	size_t count = trc_stream_count(data) < STREAMS_MAX ? trc_stream_count(data) : STREAMS_MAX;
	struct trc_walk *walk;
	struct trc_error err;

	for (size_t i = 0; i < count; i++) {
		sources[i] = (struct trc_walk_source){ .data = data, .stream = i, .event_ids = event_ids };
		if (event_ids) {
			sources[i].pids = pids;
			sources[i].pid_count = sizeof(pids) / sizeof(*pids);
		}
	}
	if (!ok(trc_walk_create(sources, count, options, &walk, &err), &err))
		return;
	use_batches(walk, count);
	trc_walk_destroy(walk);
}

static void use_walks(const struct trc_data *data)
{
	static uint8_t some_ids[TRC_EVENT_ID_BYTES];
	const struct trc_walk_options all[] = {
		{ .flags = 0, .until_last = 1 },
		{ .flags = TRC_WALK_BACKWARDS, .until_last = 1 },
		{ .flags = TRC_WALK_BY_CPU, .until_last = 1 },
		{ .flags = TRC_WALK_BY_CPU | TRC_WALK_BACKWARDS | TRC_WALK_KEEP_MAPPED, .until_last = 1 },
		{ .start = 5000, .end = 1 << 30 },
		{ .flags = TRC_WALK_BACKWARDS, .start = 1 << 30, .end = UINT64_C(1) << 35 },
	};

	memset(some_ids, 0x5a, sizeof(some_ids));
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		use_walk(data, &all[i], NULL);
		use_walk(data, &all[i], some_ids);
	}
}

static void use_records(const struct trc_file *file, const struct trc_metadata *metadata)
{
	struct trc_clock_options clocks[] = { { 0 }, { .flags = TRC_CLOCK_RAW },
					      { .ts2secs_hz = 3, .offset = INT64_MIN } };

	for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		struct trc_data *data;
		struct trc_error err;

		if (!ok(trc_data_create(file, metadata, &clocks[i], &data, &err), &err))
			return;
		if (!i)
			use_counts(data);
		use_walks(data);
		trc_data_destroy(data);
	}
}

static void use_file(const struct trc_file *file)
{
	struct trc_metadata *metadata;
	struct trc_error err;

	use_header(file);
	use_options(file);
	use_text_options(file);
	use_peers(file);
	use_sections(file);
	use_buffers(file);
	use_symbols(file);
	if (!ok(trc_metadata_create(file, &metadata, &err), &err))
		return;
	use_events(metadata);
	use_comms(metadata);
	for (size_t i = 0; i < trc_metadata_problem_count(metadata); i++)
		require(!trc_metadata_problem(metadata, i, &err), "there are as many problems as said");
	use_records(file, metadata);
	trc_metadata_destroy(metadata);
}

static int use_fd(int fd, uint32_t flags)
{
	const struct trc_open_options options = { .flags = flags };
	struct trc_file *file;
	struct trc_error err;
	int rc = trc_open_fd(fd, &options, &file, &err);

	if (ok(rc, &err)) {
		use_file(file);
		trc_close(file);
	}
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	require(use_fd(fd, 0) == use_fd(fd, TRC_OPEN_READ), "mapped and read, a file opens alike");
	close(fd);
	return 0;
}

#include "main.h"
