/* SPDX-License-Identifier: MIT */
#include "metadata/metadata.h"

#include <stdlib.h>

#include "base/error.h"
#include "file/api.h"
#include "file/file.h"
#include "metadata/api.h"

/* One section of texts while it is read. */
struct source {
	const struct trc_file *file;
	struct problems *problems;
	struct trc_error first; /* the fault met first, code TRC_OK: none */
};

/* A fault of a whole section. Returns it only if it has to end everything. */
static int bear(struct source *source, const struct trc_error *fault, struct trc_error *err)
{
	if (!problem_is_recoverable(fault->code)) {
		if (err)
			*err = *fault;
		return fault->code;
	}
	if (source->first.code == TRC_OK)
		source->first = *fault;
	problems_add(source->problems, fault);
	return TRC_OK;
}

/* *there: the section is in the file and could be loaded. */
static int load(struct source *source, uint32_t id, struct trc_bytes *bytes, bool *there,
		struct trc_error *err)
{
	struct trc_error fault;
	int rc = trc_section_load(source->file, id, bytes, &fault);

	*there = !rc;
	return rc && rc != TRC_NOT_FOUND ? bear(source, &fault, err) : TRC_OK;
}

/* Where a text lies in the file; if it was compressed, where its section does. */
static uint64_t place(const struct source *source, uint32_t id, const struct trc_bytes *bytes,
		      const char *text)
{
	struct trc_section section;

	if (trc_section_find(source->file, id, &section, NULL))
		return TRC_NO_OFFSET;
	return section.offset + (section.compressed ? 0 : (uint64_t)((const uint8_t *)text - bytes->data));
}

/* The first or only text of a section; empty without one. */
static int load_text(struct source *source, uint32_t id, struct trc_bytes *bytes, struct text *text,
		     uint64_t *offset, struct trc_error *err)
{
	struct trc_text_position position = { 0 };
	struct trc_error fault;
	struct trc_text found;
	bool there;
	int rc = load(source, id, bytes, &there, err);

	*text = TEXT("");
	*offset = TRC_NO_OFFSET;
	if (rc || !there)
		return rc;
	rc = trc_section_text(source->file, id, bytes, &position, &found, &fault);
	if (rc)
		return rc == TRC_NOT_FOUND ? TRC_OK : bear(source, &fault, err);
	*text = (struct text){ found.text, found.size };
	*offset = place(source, id, bytes, found.text);
	return TRC_OK;
}

/* --- page layout, events, processes --------------------------------------------------------- */

static int read_page_header(struct trc_metadata *m, struct source *source, struct trc_error *err)
{
	struct trc_error *fault = &m->page_header_fault;
	struct trc_text_position position = { 0 };
	struct trc_text text;
	int rc = trc_section_load(m->file, TRC_OPTION_HEADER_INFO, &m->header_text, fault);

	if (rc == TRC_NOT_FOUND) {
		trc_fail(fault, rc, TRC_NO_OFFSET,
			 "header_page: the file has none, so that no record can be read");
		return TRC_OK;
	}
	if (!rc)
		rc = trc_section_text(m->file, TRC_OPTION_HEADER_INFO, &m->header_text, &position, &text,
				      fault);
	if (!rc)
		rc = page_header_parse((struct text){ text.text, text.size },
				       place(source, TRC_OPTION_HEADER_INFO, &m->header_text, text.text),
				       &m->page_header, fault);
	return rc ? bear(source, fault, err) : TRC_OK;
}

/* What comes before the first fault in the section's own structure is kept. */
static int read_formats(struct trc_metadata *m, struct source *source, uint32_t id, struct trc_bytes *bytes,
			struct trc_error *err)
{
	struct trc_text_position position = { 0 };
	struct trc_error fault;
	struct trc_text text;
	bool there;
	int rc = load(source, id, bytes, &there, err);

	if (rc || !there)
		return rc;
	while (!(rc = trc_section_text(m->file, id, bytes, &position, &text, &fault))) {
		rc = event_formats_add(&m->formats, (struct text){ text.system, text.system_size },
				       (struct text){ text.text, text.size }, m->long_size,
				       place(source, id, bytes, text.text), source->problems, err);
		if (rc)
			return rc;
	}
	return rc == TRC_NOT_FOUND ? TRC_OK : bear(source, &fault, err);
}

static int read_cmdlines(struct trc_metadata *m, struct source *source, struct trc_error *err)
{
	struct text text;
	uint64_t offset;
	int rc = load_text(source, TRC_OPTION_CMDLINES, &m->cmdlines_text, &text, &offset, err);

	if (rc)
		return rc;
	return saved_cmdlines_parse(text, offset, &m->cmdlines, source->problems, err);
}

/*
 * Both sections of formats. libtracecmd reads those of version 7 from the last to the first, which
 * decides between two events of one id.
 */
static int read_events(struct trc_metadata *m, struct source *source, struct trc_error *err)
{
	size_t ftrace;
	int rc = read_formats(m, source, TRC_OPTION_FTRACE_EVENTS, &m->ftrace_text, err);

	ftrace = m->formats.count;
	if (rc || (rc = read_formats(m, source, TRC_OPTION_EVENT_FORMATS, &m->events_text, err)))
		return rc;
	return event_formats_finish(&m->formats, m->file->image.header.version < 7 ? 0 : ftrace, err);
}

static int read_metadata(struct trc_metadata *m, struct trc_error *err)
{
	struct source source = { .file = m->file, .problems = &m->problems };
	int rc;

	if ((rc = read_page_header(m, &source, err)))
		return rc;
	if (m->page_header_fault.code == TRC_OK)
		m->long_size = m->page_header.commit_size;
	if ((rc = read_events(m, &source, err)) || (rc = read_cmdlines(m, &source, err)))
		return rc;
	if (source.first.code != TRC_OK && m->page_header_fault.code != TRC_OK && !m->formats.count &&
	    !m->cmdlines.count) {
		if (err)
			*err = source.first;
		return source.first.code;
	}
	return TRC_OK;
}

int trc_metadata_create(const struct trc_file *file, struct trc_metadata **metadata, struct trc_error *err)
{
	struct trc_metadata *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return trc_fail_no_memory(err);
	m->file = file;
	m->big_endian = file->image.header.big_endian;
	m->long_size = file->image.header.long_size;
	rc = read_metadata(m, err);
	if (rc)
		trc_metadata_destroy(m);
	else
		*metadata = m;
	return rc;
}

void trc_metadata_destroy(struct trc_metadata *m)
{
	if (!m)
		return;
	problems_deinit(&m->problems);
	saved_cmdlines_deinit(&m->cmdlines);
	event_formats_deinit(&m->formats);
	trc_bytes_free(&m->cmdlines_text);
	trc_bytes_free(&m->events_text);
	trc_bytes_free(&m->ftrace_text);
	trc_bytes_free(&m->header_text);
	free(m);
}

int metadata_page_header(const struct trc_metadata *m, struct page_header *out, struct trc_error *err)
{
	if (m->page_header_fault.code != TRC_OK) {
		if (err)
			*err = m->page_header_fault;
		return m->page_header_fault.code;
	}
	*out = m->page_header;
	return TRC_OK;
}

/* --- symbols ---------------------------------------------------------------------------- */

/* One text of both. Of one address the file's own symbols are found first, as they come later. */
static int join_texts(struct trc_symbols *s, struct text more, struct text *text, struct trc_error *err)
{
	if (!more.size)
		return TRC_OK;
	s->joined = malloc(more.size + text->size);
	if (!s->joined)
		return trc_fail_no_memory(err);
	memcpy(s->joined, more.start, more.size);
	memcpy(s->joined + more.size, text->start, text->size);
	*text = (struct text){ s->joined, more.size + text->size };
	return TRC_OK;
}

/* Without symbols texts have numbers: that is a problem, and no reason to read nothing. */
static int read_kallsyms(struct trc_symbols *s, struct source *source, struct text more,
			 struct trc_error *err)
{
	struct trc_error fault;
	struct text text;
	uint64_t offset;
	int rc;

	if ((rc = load_text(source, TRC_OPTION_KALLSYMS, &s->kallsyms_text, &text, &offset, err)) ||
	    (rc = join_texts(s, more, &text, err)))
		return rc;
	rc = kallsyms_parse(text, more.size, offset, &s->kallsyms, source->problems, &fault);
	return rc ? bear(source, &fault, err) : TRC_OK;
}

/* Of several instances the last that was filled by another boot. */
static int read_boot(struct trc_symbols *s, struct source *source, struct trc_error *err)
{
	struct trc_option option;
	struct text modules;
	uint64_t address, offset;
	int rc;

	for (size_t i = 0; !trc_option_find(s->file, TRC_OPTION_LAST_BOOT_INFO, i, &option, NULL); i++) {
		struct text text;

		option_text(&option, &text.start, &text.size);
		rc = former_boot_parse(&s->boot, text, option.offset, source->problems, err);
		if (rc)
			return rc;
	}
	if (!s->boot.parts)
		return TRC_OK;
	if ((rc = load_text(source, TRC_OPTION_MODULES_FILE, &s->modules_text, &modules, &offset, err)))
		return rc;
	if (s->modules_text.data)
		rc = former_boot_add_modules(&s->boot, modules, offset, source->problems, err);
	if (kallsyms_kernel_start(&s->kallsyms, &address))
		former_boot_set_kernel(&s->boot, address);
	s->kallsyms.boot = &s->boot;
	return rc;
}

/* Without types arguments have no names. */
static int read_btf(struct trc_symbols *s, struct source *source, struct trc_error *err)
{
	struct trc_section section;
	struct trc_error fault;
	bool there;
	int rc = load(source, TRC_OPTION_BTF_FILE, &s->btf_bytes, &there, err);

	if (rc || !there || trc_section_find(s->file, TRC_OPTION_BTF_FILE, &section, NULL))
		return rc;
	rc = btf_parse(s->btf_bytes.data, s->btf_bytes.size, section.offset, section.compressed, &s->btf,
		       &fault);
	return rc ? bear(source, &fault, err) : TRC_OK;
}

static int read_symbols(struct trc_symbols *s, struct text more, struct trc_error *err)
{
	struct source source = { .file = s->file, .problems = &s->problems };
	struct text text;
	uint64_t offset;
	int rc;

	if ((rc = read_kallsyms(s, &source, more, err)) || (rc = read_boot(s, &source, err)) ||
	    (rc = read_btf(s, &source, err)) ||
	    (rc = load_text(&source, TRC_OPTION_PRINTK, &s->printk_text, &text, &offset, err)))
		return rc;
	return printk_formats_parse(text, offset, &s->printk_formats, source.problems, err);
}

int trc_symbols_create(const struct trc_file *file, struct trc_symbols **symbols, struct trc_error *err)
{
	return trc_symbols_create_with(file, "", 0, symbols, err);
}

int trc_symbols_create_with(const struct trc_file *file, const char *kallsyms, size_t size,
			    struct trc_symbols **symbols, struct trc_error *err)
{
	struct trc_symbols *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return trc_fail_no_memory(err);
	s->file = file;
	rc = read_symbols(s, (struct text){ kallsyms, size }, err);
	if (rc)
		trc_symbols_destroy(s);
	else
		*symbols = s;
	return rc;
}

void trc_symbols_destroy(struct trc_symbols *s)
{
	if (!s)
		return;
	problems_deinit(&s->problems);
	printk_formats_deinit(&s->printk_formats);
	kallsyms_deinit(&s->kallsyms);
	former_boot_deinit(&s->boot);
	btf_deinit(&s->btf);
	trc_bytes_free(&s->btf_bytes);
	trc_bytes_free(&s->modules_text);
	trc_bytes_free(&s->printk_text);
	trc_bytes_free(&s->kallsyms_text);
	free(s->joined);
	free(s);
}

/* --- public questions --------------------------------------------------------------------- */

size_t trc_metadata_problem_count(const struct trc_metadata *metadata)
{
	return problems_count(&metadata->problems);
}

int trc_metadata_problem(const struct trc_metadata *metadata, size_t index, struct trc_error *problem)
{
	return problems_get(&metadata->problems, index, problem);
}

int trc_page_layout(const struct trc_metadata *metadata, struct trc_page_layout *out, struct trc_error *err)
{
	struct page_header header = { 0 };
	int rc = metadata_page_header(metadata, &header, err);

	if (rc)
		return rc;
	*out = (struct trc_page_layout){
		.timestamp_offset = header.timestamp_offset,
		.commit_offset = header.commit_offset,
		.commit_size = header.commit_size,
		.data_offset = header.data_offset,
		.page_size = header.page_size,
	};
	return TRC_OK;
}

size_t trc_event_count(const struct trc_metadata *metadata)
{
	return metadata->formats.count;
}

static const struct event_format *event_at(const struct trc_metadata *metadata, size_t event,
					   struct trc_error *err)
{
	if (event < metadata->formats.count)
		return &metadata->formats.list[event];
	trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "events: there are %zu, not %zu", metadata->formats.count,
		 event + 1);
	return NULL;
}

int trc_event(const struct trc_metadata *metadata, size_t event, struct trc_event_info *out,
	      struct trc_error *err)
{
	const struct event_format *format = event_at(metadata, event, err);

	if (!format)
		return TRC_NOT_FOUND;
	*out = (struct trc_event_info){
		.system = format->system.start,
		.system_size = format->system.size,
		.name = format->name.start,
		.name_size = format->name.size,
		.print_fmt = format->print_fmt.start,
		.print_fmt_size = format->print_fmt.size,
		.id = format->id,
		.state = format->state,
		.common_count = format->common_count,
		.field_count = format->field_count,
		.reported_common_count = format->reported_common_count,
		.reported_field_count = format->reported_field_count,
	};
	return TRC_OK;
}

int trc_event_find(const struct trc_metadata *metadata, const char *system, size_t system_size,
		   const char *name, size_t name_size, size_t *event, struct trc_error *err)
{
	struct text any = TEXT("");
	const struct event_format *format =
		event_by_name(&metadata->formats, system_size ? (struct text){ system, system_size } : any,
			      name_size ? (struct text){ name, name_size } : any);

	if (!format)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "events: none is called %.*s%s%.*s",
				(int)(system_size < 64 ? system_size : 64), system_size ? system : "",
				system_size ? ":" : "", (int)(name_size < 128 ? name_size : 128),
				name_size ? name : "");
	*event = format->index;
	return TRC_OK;
}

int trc_event_find_id(const struct trc_metadata *metadata, uint32_t id, size_t *event, struct trc_error *err)
{
	const struct event_format *format = event_by_any_id(&metadata->formats, id);

	if (!format)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "events: none has the id %u", id);
	*event = format->index;
	return TRC_OK;
}

const struct event_field *metadata_field(const struct trc_metadata *metadata, size_t event, size_t index,
					 const struct event_format **format, struct trc_error *err)
{
	const struct event_format *of = event_at(metadata, event, err);

	if (!of)
		return NULL;
	*format = of;
	if (index < of->common_count)
		return &of->common[index];
	if (index - of->common_count < of->field_count)
		return &of->fields[index - of->common_count];
	trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "fields: there are %u, not %zu",
		 of->common_count + of->field_count, index + 1);
	return NULL;
}

int trc_event_field(const struct trc_metadata *metadata, size_t event, size_t index,
		    struct trc_field_info *out, struct trc_error *err)
{
	const struct event_format *format;
	const struct event_field *field = metadata_field(metadata, event, index, &format, err);

	if (!field)
		return TRC_NOT_FOUND;
	*out = (struct trc_field_info){
		.name = field->name.start,
		.name_size = field->name.size,
		.type = field->type.start,
		.type_size = field->type.size,
		.offset = field->offset,
		.size = field->size,
		.array_length = field->array_length,
		.element_size = field->element_size,
		.flags = field->flags,
	};
	return TRC_OK;
}

void trc_comm(const struct trc_metadata *metadata, int32_t pid, const char **comm, size_t *size)
{
	struct text text = saved_cmdlines_comm(&metadata->cmdlines, pid);

	*comm = text.start;
	*size = text.size;
}

size_t trc_comm_count(const struct trc_metadata *metadata)
{
	return metadata->cmdlines.count;
}

int trc_comm_at(const struct trc_metadata *metadata, size_t index, int32_t *pid, const char **comm,
		size_t *size, struct trc_error *err)
{
	if (index >= metadata->cmdlines.count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "saved_cmdlines: there are %zu, not %zu",
				metadata->cmdlines.count, index + 1);
	*pid = metadata->cmdlines.list[index].pid;
	*comm = metadata->cmdlines.list[index].comm.start;
	*size = metadata->cmdlines.list[index].comm.size;
	return TRC_OK;
}

size_t trc_symbols_problem_count(const struct trc_symbols *symbols)
{
	return problems_count(&symbols->problems);
}

int trc_symbols_problem(const struct trc_symbols *symbols, size_t index, struct trc_error *problem)
{
	return problems_get(&symbols->problems, index, problem);
}

static struct trc_symbol publish(const struct symbol *symbol)
{
	return (struct trc_symbol){
		.name = symbol->name.start,
		.name_size = symbol->name.size,
		.module = symbol->module.start,
		.module_size = symbol->module.size,
		.address = symbol->address,
	};
}

size_t trc_symbol_count(const struct trc_symbols *symbols)
{
	return symbols->kallsyms.count;
}

int trc_symbol(const struct trc_symbols *symbols, size_t index, struct trc_symbol *out, struct trc_error *err)
{
	struct symbol symbol;

	if (index >= symbols->kallsyms.count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "kallsyms: there are %zu, not %zu",
				symbols->kallsyms.count, index + 1);
	kallsyms_describe(&symbols->kallsyms, index, &symbol);
	*out = publish(&symbol);
	return TRC_OK;
}

int trc_symbol_find(const struct trc_symbols *symbols, uint64_t address, struct trc_symbol *out,
		    struct trc_error *err)
{
	struct symbol symbol;

	if (!kallsyms_find(&symbols->kallsyms, address, &symbol))
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "kallsyms: no symbol at 0x%llx",
				(unsigned long long)address);
	*out = publish(&symbol);
	if (symbols->kallsyms.boot) /* where it lay when the record was made */
		out->address -= former_boot_shift(symbols->kallsyms.boot, address);
	return TRC_OK;
}

int trc_symbol_find_name(const struct trc_symbols *symbols, const char *name, size_t name_size,
			 struct trc_symbol *out, struct trc_error *err)
{
	struct symbol symbol;

	if (!name_size || !kallsyms_find_name(&symbols->kallsyms, (struct text){ name, name_size }, &symbol))
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "kallsyms: no symbol %.*s",
				(int)(name_size < 128 ? name_size : 128), name_size ? name : "");
	*out = publish(&symbol);
	return TRC_OK;
}

size_t trc_printk_format_count(const struct trc_symbols *symbols)
{
	return symbols->printk_formats.count;
}

int trc_printk_format(const struct trc_symbols *symbols, size_t index, uint64_t *address, const char **text,
		      size_t *size, struct trc_error *err)
{
	const struct printk_format *format;

	if (index >= symbols->printk_formats.count)
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "printk_formats: there are %zu, not %zu",
				symbols->printk_formats.count, index + 1);
	format = &symbols->printk_formats.list[index];
	*address = format->address;
	*text = format->text.start;
	*size = format->text.size;
	return TRC_OK;
}

int trc_printk_format_find(const struct trc_symbols *symbols, uint64_t address, const char **text,
			   size_t *size, struct trc_error *err)
{
	struct text found;

	if (!printk_formats_find(&symbols->printk_formats, address, &found))
		return trc_fail(err, TRC_NOT_FOUND, TRC_NO_OFFSET, "printk_formats: none at 0x%llx",
				(unsigned long long)address);
	*text = found.start;
	*size = found.size;
	return TRC_OK;
}
