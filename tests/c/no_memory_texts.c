/* SPDX-License-Identifier: MIT */
/* Jobs of no_memory: texts of events that a report leaves out, filters, and what print formats tell. */
#include <stdlib.h>
#include <string.h>

#include "no_memory.h"

/* The text of a record that a report left out, with the function of its print fmt, if it has one. */
static int add_left_text(struct trc_report *report, const struct trc_left_out *left, const uint8_t *payload,
			 struct sum *sum)
{
	const struct trc_report_record record = { payload + left->payload_end - left->size, left->size,
						  left->source, 0, left->ts };
	static const struct trc_function_value value = { .text = "a", .size = 1 };
	struct trc_function_call call;
	const char *text;
	size_t size;
	int rc = trc_report_left_text(report, &record, NULL, 0, &call, &text, &size, NULL);

	if (rc == TRC_GO_ON)
		rc = trc_report_left_text(report, &record, &value, 1, &call, &text, &size, NULL);
	if (!rc)
		add(sum, text, size);
	return rc;
}

static int add_left_out(struct trc_report *report, const struct opened *o, struct sum *sum)
{
	const struct trc_walk_options options = { .until_last = 1 };
	const struct trc_left_out *left;
	const uint8_t *payload;
	struct trc_walk *walk;
	const char *text;
	size_t size;
	int rc = trc_walk_create(o->walked, o->source_count, &options, &walk, NULL);

	if (rc)
		return rc;
	rc = trc_report_next(report, walk, ENOUGH, &text, &size, NULL);
	if (!rc) {
		size_t count = trc_report_left_out(report, &left, &payload);

		add(sum, text, size);
		for (size_t i = 0; !rc && i < count; i++)
			rc = add_left_text(report, &left[i], payload, sum);
	}
	trc_walk_destroy(walk);
	return rc;
}

/* Texts that are the caller's, of a copy. */
int job_left_out(const struct opened *o, uint32_t flags, struct sum *sum)
{
	const struct trc_report_file file = { o->file, o->metadata, o->symbols, "file", 4 };
	static const char *const names[] = { "some_function", "jiffies_to_msecs" };
	struct trc_report *report = NULL, *copy = NULL;
	int rc = trc_report_create(flags, &file, 1, o->sources, o->source_count, &report, NULL);

	for (size_t event = 0; !rc && event < trc_event_count(o->metadata); event += 2)
		rc = trc_report_leave_out(report, 0, event, NULL);
	if (!rc)
		rc = trc_report_set_functions(report, 0, names, 2, NULL);
	if (!rc)
		rc = trc_report_copy(report, &copy, NULL);
	if (!rc)
		rc = add_left_out(copy, o, sum);
	trc_report_destroy(copy);
	trc_report_destroy(report);
	return rc;
}

int job_filter(const struct opened *o, uint32_t flags, struct sum *sum)
{
	static const char text[] =
		"ftrace,sched/.*:(common_pid>3&&!comm=~\"a.*\")||nosuch==\"x\"||ip==\"do_one\"";
	struct trc_filter *filter;
	struct trc_bytes shown;
	uint32_t id;
	int rc = trc_filter_create(o->metadata, o->symbols, text, sizeof(text) - 1, NULL, 0, &filter, NULL);

	(void)flags;
	if (rc)
		return rc;
	for (size_t i = 0; !(rc = trc_filter_text(filter, i, &id, &shown, NULL)); i++) {
		add(sum, shown.data, shown.size);
		trc_bytes_free(&shown);
	}
	for (size_t i = 0; trc_filter_comparison(filter, i, &id, NULL) != TRC_NOT_FOUND; i++)
		;
	trc_filter_destroy(filter);
	return rc == TRC_NOT_FOUND ? TRC_OK : rc;
}

/* Filters of filters, one of them in two places, and what they let through. */
int job_joined_filters(const struct opened *o, uint32_t flags, struct sum *sum)
{
	static const char *const texts[] = { "common_pid > 3", "common_type != 0" };
	static const struct trc_filter_step steps[] = {
		{ TRC_FILTER_ALL, 0, 2 },
		{ TRC_FILTER_ANY, 2, 2 },
		{ TRC_FILTER_NONE, 4, 3 },
	};
	static const uint32_t parts[] = { 0, 1, 2, 0, 2, 3, 1 };
	static const uint8_t payload[64];
	struct trc_filter *filters[3] = { 0 };
	int rc = TRC_OK;

	(void)flags;
	for (size_t i = 0; !rc && i < 2; i++)
		rc = trc_filter_create(o->metadata, NULL, texts[i], strlen(texts[i]), NULL, 0, &filters[i],
				       NULL);
	if (!rc) {
		const struct trc_filter *joined[] = { filters[0], filters[1] };
		const struct trc_filter_join join = { joined, steps, parts, 2, 3, 7 };

		rc = trc_filter_create_joined(&join, &filters[2], NULL);
	}
	for (uint32_t id = 0; !rc && id < 10; id++) {
		int passes = trc_filter_passes(filters[2], id, payload, sizeof(payload), 0);

		add(sum, &passes, sizeof(passes));
	}
	for (size_t i = 3; i-- > 0;)
		trc_filter_destroy(filters[i]);
	return rc;
}

static int add_names(const struct trc_value_names *names, struct sum *sum)
{
	struct trc_value_list list;

	for (size_t i = 0; !trc_value_list(names, i, &list, NULL); i++) {
		add(sum, list.field, list.field_size);
		for (size_t n = 0; n < list.count; n++) {
			const char *name;
			uint64_t value;
			size_t size;
			int rc = trc_value_name(names, i, n, &value, &name, &size, NULL);

			if (rc)
				return rc;
			add(sum, &value, sizeof(value));
			add(sum, name, size);
		}
	}
	return TRC_OK;
}

int job_value_names(const struct opened *o, uint32_t flags, struct sum *sum)
{
	(void)flags;
	for (size_t event = 0; event < trc_event_count(o->metadata); event++) {
		struct trc_value_names *names;
		int rc = trc_value_names_create(o->metadata, event, &names, NULL);

		if (rc)
			return rc;
		rc = add_names(names, sum);
		trc_value_names_destroy(names);
		if (rc)
			return rc;
		add(sum, &event, sizeof(event));
	}
	return TRC_OK;
}

/* The reasons of exits, of all events: those of kvm_exit have some. */
int job_exit_reasons(const struct opened *o, uint32_t flags, struct sum *sum)
{
	char text[64];

	(void)flags;
	for (size_t event = 0; event < trc_event_count(o->metadata); event++) {
		struct trc_exit_reasons *reasons = NULL;
		int rc = trc_exit_reasons_create(o->metadata, event, &reasons, NULL);
		size_t size;

		if (rc)
			return rc;
		size = trc_exit_reasons_text(reasons, event, 1, text, sizeof(text));
		add(sum, &size, sizeof(size));
		if (size <= sizeof(text))
			add(sum, text, size);
		trc_exit_reasons_destroy(reasons);
	}
	return TRC_OK;
}

int job_symbol_fields(const struct opened *o, uint32_t flags, struct sum *sum)
{
	(void)flags;
	for (size_t event = 0; event < trc_event_count(o->metadata); event++) {
		uint8_t shown[FIELDS_MAX];
		int rc = trc_event_symbol_fields(o->metadata, event, shown, FIELDS_MAX, NULL);

		if (rc)
			return rc;
		add(sum, shown, sizeof(shown));
	}
	return TRC_OK;
}

/* One event's format alone, without a file. */
int job_format(const struct opened *o, uint32_t flags, struct sum *sum)
{
	static const char text[] = "name: one\nID: 7\nformat:\n"
				   "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
				   "\tfield:u32 four[4];\toffset:8;\tsize:16;\tsigned:0;\n"
				   "\tfield:struct a b{;\toffset:24;\tsize:8;\tsigned:0;\n"
				   "\tfield:__data_loc char[] text;\toffset:32;\tsize:4;\tsigned:0;\n\n"
				   "print fmt: \"%s\", __get_str(text)\n";
	struct trc_metadata *metadata;
	struct trc_event_info info;
	int rc = trc_metadata_create_of_format("test", 4, text, sizeof(text) - 1, 8, &metadata, NULL);

	(void)o;
	(void)flags;
	if (rc)
		return rc;
	rc = trc_event(metadata, 0, &info, NULL);
	for (size_t i = 0; !rc && i < info.common_count + info.field_count; i++) {
		struct trc_field_info field;

		rc = trc_event_field(metadata, 0, i, &field, NULL);
		if (!rc) {
			add(sum, field.type, field.type_size);
			add(sum, &field.offset, sizeof(field.offset));
		}
	}
	trc_metadata_destroy(metadata);
	return rc;
}
