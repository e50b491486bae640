/* SPDX-License-Identifier: MIT */
/*
 * The whole interface of the tracecmd core: reading trace.dat files, version 6 and 7.
 *
 * The part between the two marker comments is also what CFFI is given, so it stays
 * plain C declarations.
 *
 * Rules that hold everywhere:
 *  - A fallible function returns an enum trc_code, TRC_OK (0) for success, and fills the
 *    caller's struct trc_error, which may be NULL. Outputs are written on success only.
 *  - A struct trc_file never changes once it is open: any number of threads may call any
 *    function on one at the same time, except trc_close(), which must be the last call.
 *  - Pointers handed out by a function with a trc_file argument belong to that file and live
 *    until trc_close(). Texts are given with their size; most, but not all, lie in the mapping
 *    and none should be taken to end in NUL unless it says so.
 *  - Nothing prints, exits, or keeps global state. Offsets are absolute file offsets.
 *  - What goes through records comes back after some megabytes, found or not: TRC_GO_ON says that it is
 *    to be called again, with nothing filled in yet. Between two calls the caller may do what he likes,
 *    tell of progress or give up.
 */
#ifndef TRACECMD_CORE_H
#define TRACECMD_CORE_H

#include <stddef.h>
#include <stdint.h>

/* [cdef begin] */

/* What to do about a failure. */
enum trc_code {
	TRC_OK = 0,
	TRC_NOT_TRACE,		/* not a trace.dat file at all */
	TRC_TRUNCATED,		/* bytes that should be there are behind the end of the file */
	TRC_CORRUPT,		/* bytes contradict the format or each other */
	TRC_UNSUPPORTED,	/* well formed perhaps, but not something this reader knows */
	TRC_LIMIT,		/* larger than this reader is willing to handle */
	TRC_SYSTEM,		/* a system call failed: see sys_errno */
	TRC_NO_MEMORY,
	TRC_ARGUMENT,		/* the caller's fault */
	TRC_NOT_FOUND,		/* no such option, guest, ... in this file */
	TRC_GO_ON,		/* no failure: nothing so far, call again to go on. err is left alone */
};

struct trc_error {
	int32_t code;		/* enum trc_code */
	int32_t sys_errno;	/* of TRC_SYSTEM, else 0 */
	uint64_t offset;	/* file offset of the bytes at fault, or TRC_NO_OFFSET */
	uint32_t source;	/* where several files are read: whose fault it is, or TRC_NO_SOURCE */
	char message[256];	/* "STRUCTURE: what is wrong", without path and offset */
};

/* Option ids (trace-cmd.dat.v7(5), OPTIONS) and, from 16 on and for 0, 3 and 15, section ids. */
enum trc_id {
	TRC_OPTION_DONE = 0,
	TRC_OPTION_DATE = 1,
	TRC_OPTION_CPUSTAT = 2,
	TRC_OPTION_BUFFER = 3,
	TRC_OPTION_TRACECLOCK = 4,
	TRC_OPTION_UNAME = 5,
	TRC_OPTION_HOOK = 6,
	TRC_OPTION_OFFSET = 7,
	TRC_OPTION_CPUCOUNT = 8,
	TRC_OPTION_VERSION = 9,
	TRC_OPTION_PROCMAPS = 10,
	TRC_OPTION_TRACEID = 11,
	TRC_OPTION_TIME_SHIFT = 12,
	TRC_OPTION_GUEST = 13,
	TRC_OPTION_TSC2NSEC = 14,
	TRC_OPTION_STRINGS = 15,
	TRC_OPTION_HEADER_INFO = 16,
	TRC_OPTION_FTRACE_EVENTS = 17,
	TRC_OPTION_EVENT_FORMATS = 18,
	TRC_OPTION_KALLSYMS = 19,
	TRC_OPTION_PRINTK = 20,
	TRC_OPTION_CMDLINES = 21,
	TRC_OPTION_BUFFER_TEXT = 22,
};

/* One file, open. */
struct trc_file;

/*
 * How to open a file. The budget is what reading may take beyond what the file's size accounts for, as a
 * small file can be made to unpack to much, or to be gone through again and again. Each operation
 * (opening, trc_metadata_create(), trc_symbols_create(), trc_data_create(), a walk ...) has all of it. One
 * that needs more fails with TRC_LIMIT; the message says how much it needs and what the budget is.
 */
enum trc_open_flags {
	TRC_OPEN_READ = 1,	/* read it, do not map it */
};
enum trc_budget {
	TRC_BUDGET_MEMORY = 1 << 30,
	TRC_BUDGET_WORK = 1 << 30,
};
struct trc_open_options {
	uint32_t flags;		/* enum trc_open_flags */
	/*
	 * Bytes that an operation keeps at once: the pages and chunks that a walk has open, tables of
	 * chunks. A single block may unpack to a quarter of it, or is a problem. 0: TRC_BUDGET_MEMORY.
	 */
	uint64_t memory;
	/*
	 * Bytes unpacked to find something out (sizes of chunks that do not say it, the page of a time),
	 * beyond 16 times those they are packed in. 0: TRC_BUDGET_WORK.
	 */
	uint64_t work;
};

/*
 * Maps the file, unless TRC_OPEN_READ, and reads its start, its options and the places of everything else;
 * neither texts from the kernel nor trace data are touched. path is in the file system's
 * encoding; of fd a duplicate is kept. options NULL: all 0.
 * TRC_SYSTEM: cannot be opened, mapped or read. TRC_NOT_TRACE, TRC_TRUNCATED, TRC_CORRUPT,
 * TRC_UNSUPPORTED, TRC_LIMIT: the file's start or option chain is unusable. Faults that leave
 * the rest readable do not fail the open: see trc_problem().
 */

/*
 * A mapping is the fastest way to read, but shows what is in the file at that instant. If it becomes
 * shorter, what is touched behind its end is a bus error, which ends the process; so its size is asked
 * for before each window of about a megabyte, which leaves an instant, and makes TRC_TRUNCATED of all
 * else. Bytes that are written over meanwhile may be seen before or after.
 *
 * With TRC_OPEN_READ all that is looked at was read once into memory before, which nobody else writes
 * to: a file that becomes shorter is TRC_TRUNCATED, one that cannot be read TRC_SYSTEM, always.
 */
int trc_open(const char *path, const struct trc_open_options *options, struct trc_file **file,
	     struct trc_error *err);
int trc_open_fd(int fd, const struct trc_open_options *options, struct trc_file **file,
		struct trc_error *err);
void trc_close(struct trc_file *file);	/* NULL is fine */

/*
 * TRC_TRUNCATED if the file has become shorter than it was when opened: reading on in the
 * mapping would then be a bus error. To be asked before going through much of it.
 */
int trc_check(const struct trc_file *file, struct trc_error *err);

/* What was passed over while opening: number of faults, and fault number index (from 0). */
size_t trc_problem_count(const struct trc_file *file);
int trc_problem(const struct trc_file *file, size_t index, struct trc_error *problem);

/* The initial header: trace-cmd.dat.v7(5), INITIAL FORMAT. */
struct trc_header {
	uint64_t file_size;
	uint32_t version;			/* 6 or 7 */
	uint32_t big_endian;			/* 0 or 1 */
	uint32_t long_size;			/* of the recording user space: 4 or 8 */
	uint32_t page_size;			/* sub-buffer size of the top buffer, bytes */
	const char *compression;		/* "none", "zlib", "zstd"; ends in NUL */
	const char *compression_version;	/* of the writer's library, "" if none; ends in NUL */
};
void trc_header(const struct trc_file *file, struct trc_header *header);

/*
 * Options, in the order of the file (DONE is not listed). trc_option() gives the option at
 * a place of that order, trc_option_find() the occurrence-th (from 0) with an id. Unknown ids
 * are there like any other. TRC_NOT_FOUND: there are not that many.
 */
struct trc_option {
	uint32_t id;		/* enum trc_id, or any other 16-bit number */
	uint32_t size;		/* of the payload */
	uint32_t unpacked;	/* 1: its section is compressed */
	uint64_t offset;	/* of the payload in the file; of its section if that was compressed */
	const uint8_t *data;	/* the payload, in the file's byte order */
};
size_t trc_option_count(const struct trc_file *file);
size_t trc_option_count_id(const struct trc_file *file, uint32_t id);
int trc_option(const struct trc_file *file, size_t index, struct trc_option *option,
	       struct trc_error *err);
int trc_option_find(const struct trc_file *file, uint32_t id, size_t occurrence,
		    struct trc_option *option, struct trc_error *err);

/* The last text option with this id (UNAME, VERSION, TRACECLOCK); size 0 if there is none. */
void trc_option_text(const struct trc_file *file, uint32_t id, const char **text, size_t *size);

/* The file's trace ID, 0 if it has none: tracecmd_get_traceid(3). */
uint64_t trc_trace_id(const struct trc_file *file);

/* Number of CPUs of the recording machine: what `trace-cmd report` prints as cpus=N. */
uint32_t trc_cpu_count(const struct trc_file *file);

/* The clock the time stamps are of, e.g. "local" or "tsc2nsec"; size 0 if not recorded. */
void trc_clock_name(const struct trc_file *file, const char **name, size_t *size);

/* Nanoseconds to add to every time stamp: the sum of DATE (in us there) and OFFSET options. */
struct trc_ts_offset {
	int64_t date;		/* sum of the DATE options, in ns */
	int64_t offset;		/* sum of the OFFSET options, in ns */
};
void trc_ts_offset(const struct trc_file *file, struct trc_ts_offset *out);

/* TSC2NSEC: ns = cycles * mult >> shift. TRC_NOT_FOUND if the file has none. */
struct trc_tsc2nsec {
	uint32_t mult;
	uint32_t shift;
	uint64_t offset;	/* recorded, but not part of the conversion */
};
int trc_tsc2nsec(const struct trc_file *file, struct trc_tsc2nsec *out, struct trc_error *err);

/* TIME_SHIFT: how this (guest's) clock relates to its peer's (the host's). */
struct trc_time_sample {
	int64_t time;		/* this file's clock, raw units */
	int64_t offset;
	int64_t scaling;
	int64_t fraction;
};
struct trc_time_shift {
	uint64_t peer_trace_id;
	uint32_t flags;		/* bit 0: interpolate between samples */
	uint32_t cpu_count;
};
/* TRC_NOT_FOUND if the file has none; samples come sorted by time, times differ. */
int trc_time_shift(const struct trc_file *file, struct trc_time_shift *out, struct trc_error *err);
int trc_time_samples(const struct trc_file *file, uint32_t cpu,
		     const struct trc_time_sample **samples, size_t *count,
		     struct trc_error *err);

/*
 * Guests traced by this host, in file order: tracecmd_get_guest_cpumap(3). cpu_pid has
 * vcpu_count entries: the host thread of each vCPU, 0 if not recorded, -1 if unknown.
 * trc_guest_find(): of several with one trace ID the last, as libtracecmd.
 */
struct trc_guest {
	const char *name;	/* ends in NUL */
	size_t name_size;	/* without NUL */
	uint64_t trace_id;
	uint32_t vcpu_count;
	const int32_t *cpu_pid;
};
size_t trc_guest_count(const struct trc_file *file);
int trc_guest(const struct trc_file *file, size_t index, struct trc_guest *out,
	      struct trc_error *err);
int trc_guest_find(const struct trc_file *file, uint64_t trace_id, struct trc_guest *out,
		   struct trc_error *err);

/*
 * What the ring buffers counted, one text per CPU ("CPU: 0\nentries: 13\n..."), with the name of
 * the instance ("" for the top buffer). position: all 0 for the first call, moved on by each.
 * TRC_NOT_FOUND: no more.
 */
struct trc_cpu_stat_position {
	size_t occurrence;
	const char *buffer;
	size_t buffer_size;
};
struct trc_cpu_stat {
	const char *buffer;
	size_t buffer_size;
	const char *text;
	size_t size;
};
int trc_cpu_stat(const struct trc_file *file, struct trc_cpu_stat_position *position,
		 struct trc_cpu_stat *out, struct trc_error *err);

/* A pair of events that trace-cmd report joins: the option -H of trace-cmd-record(1). */
enum trc_hook_flags {
	TRC_HOOK_PRIVATE = 1,	/* p: pinned to the CPU it started on */
	TRC_HOOK_GLOBAL = 2,	/* g: not bound to a task */
	TRC_HOOK_STACK = 4,	/* s: recorded with stacks */
};
struct trc_hook_side {
	const char *system;	/* size 0 if not given */
	size_t system_size;
	const char *event;
	size_t event_size;
	const char *field;
	size_t field_size;
};
struct trc_hook {
	struct trc_hook_side start, end;
	const char *pid_field;	/* of the start event; size 0 if not given */
	size_t pid_field_size;
	uint32_t flags;		/* enum trc_hook_flags */
};
int trc_hook(const struct trc_file *file, size_t index, struct trc_hook *out,
	     struct trc_error *err);

/*
 * Address maps of traced processes, an option each; region by region with a position that is 0
 * for the first call. TRC_CORRUPT: the text has not the form that trace-cmd writes.
 */
struct trc_proc_map {
	uint32_t pid;
	uint32_t region_count;		/* as the recorder says */
	const char *comm;
	size_t comm_size;
	const char *regions;
	size_t regions_size;
	uint64_t offset;		/* of the option's payload */
};
struct trc_proc_map_region {
	uint64_t start, end;
	const char *path;
	size_t path_size;
};
int trc_proc_map(const struct trc_file *file, size_t index, struct trc_proc_map *out,
		 struct trc_error *err);
int trc_proc_map_region(const struct trc_proc_map *map, size_t *position,
			struct trc_proc_map_region *out, struct trc_error *err);

/*
 * Trace buffers. Number 0 is the top buffer, which may be empty; the named instances follow in
 * the order of their BUFFER options.
 */
enum trc_buffer_kind {
	TRC_BUFFER_FLYRECORD = 0,	/* ring-buffer pages, per CPU */
	TRC_BUFFER_TEXT = 1,		/* the text of a latency tracer */
};
struct trc_buffer {
	const char *name;		/* "" for the top buffer */
	size_t name_size;
	const char *clock;		/* size 0 if not recorded with the buffer */
	size_t clock_size;
	uint32_t kind;			/* enum trc_buffer_kind */
	uint32_t compressed;		/* 0 or 1 */
	uint32_t page_size;		/* sub-buffer size, bytes */
	uint32_t cpu_count;		/* CPUs with a data area */
	uint64_t offset, size;		/* of all its data; only of text is the place exact */
};
struct trc_cpu_area {
	uint32_t cpu;
	uint64_t offset, size;		/* as stored, within the file */
};
size_t trc_buffer_count(const struct trc_file *file);
int trc_buffer(const struct trc_file *file, size_t index, struct trc_buffer *out,
	       struct trc_error *err);
int trc_cpu_area(const struct trc_file *file, size_t buffer, size_t index,
		 struct trc_cpu_area *out, struct trc_error *err);
/* The same for CPUs that the file names without data, in its order, with the offset that it gives. */
int trc_cpu_empty(const struct trc_file *file, size_t buffer, size_t index,
		  struct trc_cpu_area *out, struct trc_error *err);

/*
 * Sections: the texts from the kernel, under the ids 16 to 21. In version 6, whose body has no
 * sections, the same parts of it. trc_section_find(): TRC_NOT_FOUND if the file has none.
 * trc_section_load() reads one, unpacked if need be; data stays valid until trc_bytes_free(),
 * and, where owned is NULL, lies in the mapping. TRC_LIMIT: it takes more than 256 MiB of memory.
 */
struct trc_section {
	uint32_t id;		/* enum trc_id */
	uint32_t compressed;	/* 0 or 1 */
	uint64_t offset, size;	/* of the stored payload, behind the section's header */
};
struct trc_bytes {
	const uint8_t *data;
	uint64_t size;
	void *owned;
};
int trc_section_find(const struct trc_file *file, uint32_t id, struct trc_section *out,
		     struct trc_error *err);
int trc_section_load(const struct trc_file *file, uint32_t id, struct trc_bytes *out,
		     struct trc_error *err);
void trc_bytes_free(struct trc_bytes *bytes);

/*
 * The whole text of a TRC_BUFFER_TEXT buffer, to be given back with trc_bytes_free().
 * TRC_NOT_FOUND: the buffer holds pages. TRC_LIMIT: it unpacks to more than
 * a quarter of the budget of memory.
 */
int trc_buffer_text(const struct trc_file *file, size_t buffer, struct trc_bytes *out,
		    struct trc_error *err);

/*
 * The texts in a section, one after the other: of HEADER_INFO header_page and header_event, of
 * FTRACE_EVENTS and EVENT_FORMATS the format files with their event system, of the others the
 * one text. *next is 0 for the first call and moved on by each; *system_size is 0 where there
 * is no system. TRC_NOT_FOUND: no more. bytes: what trc_section_load() gave for id.
 */
struct trc_text_position {
	uint64_t pos;			/* all 0 for the first call */
	uint64_t system_pos;
	uint32_t systems_left;
	uint32_t texts_left;
	uint32_t started;
};
struct trc_text {
	const char *system;
	size_t system_size;
	const char *text;
	size_t size;
};
int trc_section_text(const struct trc_file *file, uint32_t id, const struct trc_bytes *bytes,
		     struct trc_text_position *position, struct trc_text *out,
		     struct trc_error *err);

/*
 * The parsed texts of a file. Like a struct trc_file they never change once created, so that any
 * number of threads may use one at the same time; the file must stay open until they are
 * destroyed. Texts handed out live until then.
 */
struct trc_metadata;	/* page layout, event formats, names of processes */
struct trc_symbols;	/* symbols of the kernel and its texts, 10 MB of them, only needed for texts */

/*
 * Faults in single formats or lines do not fail: see trc_metadata_problem(). An error only if
 * the sections are there but nothing in any of them can be read; and TRC_NO_MEMORY, TRC_SYSTEM.
 * A file without these sections gives empty tables.
 */
int trc_metadata_create(const struct trc_file *file, struct trc_metadata **metadata,
			struct trc_error *err);
void trc_metadata_destroy(struct trc_metadata *metadata);	/* NULL is fine */
size_t trc_metadata_problem_count(const struct trc_metadata *metadata);
int trc_metadata_problem(const struct trc_metadata *metadata, size_t index,
			 struct trc_error *problem);

/*
 * Where things lie in a sub-buffer of the top buffer. Without it no record can be read:
 * TRC_NOT_FOUND: the file has no HEADER_INFO. TRC_UNSUPPORTED: of Linux 2.6.30 or before.
 * TRC_CORRUPT, TRC_TRUNCATED: it cannot be read.
 */
struct trc_page_layout {
	uint32_t timestamp_offset;
	uint32_t commit_offset;
	uint32_t commit_size;	/* 4 or 8: also the size of a long in records */
	uint32_t data_offset;
	uint32_t page_size;
};
int trc_page_layout(const struct trc_metadata *metadata, struct trc_page_layout *out,
		    struct trc_error *err);

/*
 * Events, in the order of the file, those of the system "ftrace" first. An event is named by its
 * index in that order. trc_event_find(): system_size 0 stands for any system; of several the one
 * with the lowest id. trc_event_find_id(): of several the one libtraceevent takes.
 * TRC_NOT_FOUND: there is none.
 */
enum trc_event_state {
	TRC_EVENT_FIELDS_FAILED = 1,	/* a field could not be read: it is opaque, or missing if nothing is known of it */
	TRC_EVENT_NO_PRINT_FMT = 2,
	TRC_EVENT_FTRACE = 4,		/* of the system "ftrace": a record of a tracer, no trace event */
};
struct trc_event_info {
	const char *system;
	size_t system_size;
	const char *name;
	size_t name_size;
	const char *print_fmt;		/* all that stands behind "print fmt:" */
	size_t print_fmt_size;
	uint32_t id;
	uint32_t state;			/* enum trc_event_state, or'ed */
	uint32_t common_count;		/* number of common fields */
	uint32_t field_count;		/* number of its own fields */
	/* Of these those that libtraceevent reads, too, up to the first that it cannot, and that reports know. */
	uint32_t reported_common_count, reported_field_count;
};
size_t trc_event_count(const struct trc_metadata *metadata);
int trc_event(const struct trc_metadata *metadata, size_t event, struct trc_event_info *out,
	      struct trc_error *err);
int trc_event_find(const struct trc_metadata *metadata, const char *system, size_t system_size,
		   const char *name, size_t name_size, size_t *event, struct trc_error *err);
int trc_event_find_id(const struct trc_metadata *metadata, uint32_t id, size_t *event,
		      struct trc_error *err);

/* Fields of an event: its common ones (0 to common_count - 1), then its own, as the text has them. */
/* The bits of a field's flags, as those of libtraceevent. */
enum trc_field_flag {
	TRC_FIELD_ARRAY = 1,
	TRC_FIELD_POINTER = 2,
	TRC_FIELD_SIGNED = 4,
	TRC_FIELD_STRING = 8,		/* an array of characters */
	TRC_FIELD_DYNAMIC = 16,		/* __data_loc or __rel_loc: where in the record it is */
	TRC_FIELD_LONG = 32,
	TRC_FIELD_RELATIVE = 256,	/* __rel_loc: counted from the field's end */
	TRC_FIELD_OPAQUE = 65536,	/* ours: the declaration cannot be read; its bytes are all that is known */
};
struct trc_field_info {
	const char *name;
	size_t name_size;
	const char *type;	/* as libtraceevent spells it: "unsigned int", "char[16]"; all of an opaque declaration */
	size_t type_size;
	uint32_t offset;	/* from the start of the record's payload */
	uint32_t size;		/* 0: up to the end of the record */
	uint32_t array_length;	/* 0: no array, or one of unknown length */
	uint32_t element_size;	/* of no array: size; 0: unknown */
	uint32_t flags;		/* enum trc_field_flag, or'ed */
};
int trc_event_field(const struct trc_metadata *metadata, size_t event, size_t index,
		    struct trc_field_info *out, struct trc_error *err);

/*
 * Names of values: the lists of the __print_symbolic() and __print_flags() in an event's print fmt, in
 * its order. Texts live as long as both this and the metadata. Entries whose value
 * only the kernel's compiler knew, and those without a name, are left out. TRC_NOT_FOUND: there are not that many.
 */
struct trc_value_names;
enum trc_value_list_flags {
	TRC_VALUE_LIST_BITS = 1,	/* of __print_flags() */
};
struct trc_value_list {
	const char *field;		/* whose values they are; size 0: of what is worked out otherwise */
	size_t field_size;
	uint64_t mask;			/* which bits of it */
	const char *condition;		/* "(REC->condition == value) ? list": a field; size 0: none such */
	size_t condition_size;
	uint64_t condition_value;
	uint32_t flags;			/* enum trc_value_list_flags */
	size_t count;
};
int trc_value_names_create(const struct trc_metadata *metadata, size_t event,
			   struct trc_value_names **out, struct trc_error *err);
void trc_value_names_destroy(struct trc_value_names *names);	/* NULL is fine */
int trc_value_list(const struct trc_value_names *names, size_t list, struct trc_value_list *out,
		   struct trc_error *err);
/* name is as the print fmt has it, with its escapes. */
int trc_value_name(const struct trc_value_names *names, size_t list, size_t index, uint64_t *value,
		   const char **name, size_t *size, struct trc_error *err);

/*
 * Names of processes, sorted by pid. trc_comm() gives "<idle>" for pid 0 and "<...>" for one that
 * is not listed.
 */
void trc_comm(const struct trc_metadata *metadata, int32_t pid, const char **comm, size_t *size);
size_t trc_comm_count(const struct trc_metadata *metadata);
int trc_comm_at(const struct trc_metadata *metadata, size_t index, int32_t *pid,
		const char **comm, size_t *size, struct trc_error *err);

/*
 * Symbols of the kernel, and the texts in its memory that trace_printk() and tracepoint strings
 * name by address. Faults of these texts do not fail: see trc_symbols_problem(). trc_symbol_find()
 * gives the symbol an address belongs to, the last at or below it (the very last symbol only at its
 * exact address); trc_symbol_find_name() goes through all of them. TRC_NOT_FOUND: there is none.
 */
struct trc_symbol {
	const char *name;
	size_t name_size;
	const char *module;	/* size 0: of the kernel itself */
	size_t module_size;
	uint64_t address;
};
int trc_symbols_create(const struct trc_file *file, struct trc_symbols **symbols,
		       struct trc_error *err);
/*
 * The same with the symbols of a text like /proc/kallsyms added (trace-cmd report --kallsyms), which
 * is copied. It is read up to its first line that is none.
 */
int trc_symbols_create_with(const struct trc_file *file, const char *kallsyms, size_t size,
			    struct trc_symbols **symbols, struct trc_error *err);
void trc_symbols_destroy(struct trc_symbols *symbols);	/* NULL is fine */
size_t trc_symbols_problem_count(const struct trc_symbols *symbols);
int trc_symbols_problem(const struct trc_symbols *symbols, size_t index,
			struct trc_error *problem);
size_t trc_symbol_count(const struct trc_symbols *symbols);
int trc_symbol(const struct trc_symbols *symbols, size_t index, struct trc_symbol *out,
	       struct trc_error *err);
int trc_symbol_find(const struct trc_symbols *symbols, uint64_t address, struct trc_symbol *out,
		    struct trc_error *err);
int trc_symbol_find_name(const struct trc_symbols *symbols, const char *name, size_t name_size,
			 struct trc_symbol *out, struct trc_error *err);
size_t trc_printk_format_count(const struct trc_symbols *symbols);
int trc_printk_format(const struct trc_symbols *symbols, size_t index, uint64_t *address,
		      const char **text, size_t *size, struct trc_error *err);
int trc_printk_format_find(const struct trc_symbols *symbols, uint64_t address,
			   const char **text, size_t *size, struct trc_error *err);

/*
 * Records. A struct trc_data is the trace data of a file made ready: where each CPU's sub-buffers
 * are and how its time stamps become nanoseconds. Like the file it never changes, and any number
 * of threads may read through it; file and metadata must outlive it.
 *
 * Its streams are the CPUs with data of all buffers, in the order of the merge: by buffer (the top
 * one first), then by CPU.
 */
struct trc_data;

/* How time stamps are made; all 0 is what trace-cmd report does without options. */
enum trc_clock_flags {
	TRC_CLOCK_RAW = 1,		/* as in the ring buffer, unchanged */
	TRC_CLOCK_NO_SYNC = 2,		/* without TIME_SHIFT */
	TRC_CLOCK_NO_DATE = 4,		/* without DATE */
};
struct trc_clock_options {
	uint32_t flags;
	uint64_t ts2secs_hz;		/* not 0: ticks a second, instead of TSC2NSEC */
	int64_t offset;			/* ns, added to every time stamp */
};

/* clock may be NULL. Fails if the layout of a sub-buffer is not known; see trc_data_problem(). */
int trc_data_create(const struct trc_file *file, const struct trc_metadata *metadata,
		    const struct trc_clock_options *clock, struct trc_data **out,
		    struct trc_error *err);
void trc_data_destroy(struct trc_data *data);	/* NULL is fine */

/* What is missing or damaged in the data areas, as far as their outline tells. */
size_t trc_data_problem_count(const struct trc_data *data);
int trc_data_problem(const struct trc_data *data, size_t index, struct trc_error *problem);

struct trc_stream {
	uint32_t buffer;		/* trc_buffer() */
	uint32_t cpu;
	uint64_t page_count;
	uint32_t page_size;		/* bytes */
	uint32_t salvaged;		/* 1: no table of the file told of it */
};
size_t trc_stream_count(const struct trc_data *data);
int trc_stream(const struct trc_data *data, size_t index, struct trc_stream *out,
	       struct trc_error *err);

/*
 * Time of a page's start in ns: no record in it is earlier (damaged or empty pages: of the next).
 * TRC_NOT_FOUND: there is none, or, where many pages are empty, none near.
 */
int trc_stream_page_ts(const struct trc_data *data, size_t stream, uint64_t page, uint64_t *ts,
		       struct trc_error *err);

/* Does a later raw time stamp of this stream always give a later time? Not 0: it does. */
int trc_stream_is_monotone(const struct trc_data *data, size_t stream);

/*
 * Counting: how many records of each event id pages [first, first + count) of a stream hold.
 * counts has TRC_COUNT_IDS entries and is added to; the last one is for records too short to have
 * an id. Damaged pages are passed over, and told of in the result. How long that takes is for the caller to
 * choose: TRC_GO_ON is not used here.
 */
enum trc_count_limits {
	TRC_COUNT_IDS = 65537,
};
struct trc_count {
	uint64_t records;
	uint64_t missed_events;		/* sum of the numbers that are known */
	uint64_t missed_unknown;	/* losses of unknown number */
	uint64_t first_ts, last_ts;	/* ns; of the first and the last record, if there are any */
	uint64_t damaged_pages;
	struct trc_error damage;	/* the first of them, if there is one */
};
int trc_count(const struct trc_data *data, size_t stream, uint64_t first, uint64_t count,
	      uint64_t *counts, struct trc_count *result, struct trc_error *err);

/* Gives the memory of pages that are mapped and were read back to the system; they come in again when needed. */
int trc_stream_release(const struct trc_data *data, size_t stream, uint64_t first, uint64_t count,
		       struct trc_error *err);

/*
 * Walking: records of some streams, of one file or of several, in time order (as libtracecmd merges
 * them: at each step the stream whose next record is earliest goes first, of equal ones the one that
 * comes first among the sources), in batches.
 */
struct trc_walk;
enum trc_walk_flags {
	TRC_WALK_BACKWARDS = 1,		/* last record first */
	TRC_WALK_BY_CPU = 2,		/* source after source, no merge */
	TRC_WALK_KEEP_MAPPED = 4,	/* leave the pages of the file mapped that were read */
};
enum trc_walk_limits {
	TRC_EVENT_ID_BYTES = 8192,	/* a bit for each id that a record can have */
};
struct trc_filter;
struct trc_walk_source {
	const struct trc_data *data;
	size_t stream;			/* trc_stream() */
	const uint8_t *event_ids;	/* TRC_EVENT_ID_BYTES, bit id set: wanted; NULL: all */
	const int32_t *pids;		/* rising; NULL: all */
	size_t pid_count;
	/* Of the source's file. A record is wanted if one of them lets it through, or there is none... */
	const struct trc_filter *const *filters;
	size_t filter_count;
	/* ...and it is let through by none of these. */
	const struct trc_filter *const *filters_out;
	size_t filter_out_count;
	/*
	 * Not 0: the event of kernel stacks. After a record that filters let through, the first stack on
	 * its CPU that they do not is wanted with it, unless filters_out let it through: as trace-cmd
	 * report has it. Forwards only.
	 */
	uint32_t stack_id;
};
struct trc_walk_options {
	uint32_t flags;
	uint32_t until_last;		/* not 0: to the very end, whatever end says */
	uint64_t start, end;		/* ns: start <= ts < end */
};

/* What the sources point to must outlive the walk. */
int trc_walk_create(const struct trc_walk_source *sources, size_t count,
		    const struct trc_walk_options *options, struct trc_walk **out,
		    struct trc_error *err);
void trc_walk_destroy(struct trc_walk *walk);	/* NULL is fine */

/*
 * The caller's arrays, room records long; of the last five those that are NULL are not wanted. Payloads are copied
 * one after the other into payload; payload_end[i] is where that of record i ends.
 */
struct trc_batch {
	size_t room, payload_room;
	uint64_t *ts;			/* ns */
	uint32_t *source;		/* place among the walk's sources */
	uint32_t *id;			/* event id: common_type; UINT32_MAX: too short to have one */
	int32_t *pid;			/* common_pid */
	int64_t *missed_events;		/* lost before this record; -1: an unknown number */
	uint32_t *size;			/* of the payload */
	uint64_t *payload_end;
	uint8_t *payload;
	const uint8_t **address;	/* or NULL; where payloads lie themselves, until the next call */
	size_t count, payload_size;	/* results */
};

/*
 * The next records, at most room, and fewer where it takes long to find them; count 0: there are no more.
 * TRC_GO_ON: none so far. A walk belongs to one thread at a time. TRC_ARGUMENT: payload_room is too small for a single record; payload_size says what it needs.
 */
int trc_walk_next(struct trc_walk *walk, struct trc_batch *batch, struct trc_error *err);

/*
 * At the end of a walk forwards: events that a source lost behind its last record that was wanted
 * (-1: an unknown number). Whoever reads on from there in another walk has to add them.
 */
int64_t trc_walk_missed(const struct trc_walk *walk, size_t source);

/*
 * Damaged pages passed over so far, and how far the walk has come: in pages, of about total. Problems
 * come file by file, each file's in the order they were found; problem->source says which source of the
 * walk it is of, and so does the source of an error that ends a call.
 */
size_t trc_walk_problem_count(const struct trc_walk *walk);
int trc_walk_problem(const struct trc_walk *walk, size_t index, struct trc_error *problem);
void trc_walk_progress(const struct trc_walk *walk, uint64_t *done, uint64_t *total);

/*
 * Filters: trace-cmd-report(1), -F, compiled against the event formats of a file.
 *
 *	[EVENTS ':'] EXPRESSION
 *
 * EVENTS as there: SYSTEM/EVENT, SYSTEM or EVENT, separated by commas, each a regular expression.
 * Records of other events do not pass. Without EVENTS the expression is for every event.
 * Operators, numbers (unsigned 64-bit) and strings are those of libtraceevent, and so is what they
 * mean: && and || have one rank and bind to the left (a strict filter wants parentheses); =~ and !~ take a regular expression that need
 * not match the whole text and knows no upper and lower case; a comparison with a field that the
 * event does not have is false; COMM and CPU are the command's name and the CPU. Beyond it: ~ with
 * the kernel's wildcards (*, ?, [...]), -N, a field as the right side, EVENT.FIELD for the field of one
 * event, and, where the event has no field of that name, common_comm and cpu for COMM and CPU.
 *
 * TRC_ARGUMENT: the text is not a filter; err->message says where. TRC_NOT_FOUND: no event of the
 * file fits EVENTS.
 */
enum trc_filter_flags {
	TRC_FILTER_STRICT = 1,		/* && and || side by side, and digits in quotes ("0x12"), are faults */
};
int trc_filter_create(const struct trc_metadata *metadata, const struct trc_symbols *symbols,
		      const char *text, size_t size, const uint8_t *event_ids, uint32_t flags,
		      struct trc_filter **out, struct trc_error *err);
void trc_filter_destroy(struct trc_filter *filter);	/* NULL is fine */
/* Names in the filter, number index (from 0). own_field: of some of its events, and not a common one. */
int trc_filter_name(const struct trc_filter *filter, size_t index, const char **name, size_t *size,
		    int *own_field, struct trc_error *err);
/* Those of them that none of its events knows. */
int trc_filter_unknown(const struct trc_filter *filter, size_t index, const char **name,
		       size_t *size, struct trc_error *err);
/*
 * Whether comparison number index, from 0, is possible in one of its events, *fits 1, or in none, 0: a name on the right is a
 * field there, too; a text is compared with a string in quotes, a number with a number, an address
 * with the name of a function as well; one character in single quotes is compared with a text or a
 * number of one byte. In other events it is false. TRC_ARGUMENT: in none, although an event has the
 * field on the left or the right one is unknown; err->message says what is expected. TRC_NOT_FOUND:
 * there are no more comparisons, or no events.
 */
int trc_filter_comparison(const struct trc_filter *filter, size_t index, uint32_t *fits,
			  struct trc_error *err);
/*
 * What the filter is for its event number index, from 0, in the order of trace-cmd report -T, which
 * shows this: numbers in decimal, parts that no record can change left out, "TRUE" or "FALSE" if
 * nothing else remains. An event named twice comes twice. The text is given back with
 * trc_bytes_free(). TRC_NOT_FOUND: there are no more.
 */
int trc_filter_text(const struct trc_filter *filter, size_t index, uint32_t *id,
		    struct trc_bytes *text, struct trc_error *err);
/* 1: it compares an address with a name, and was made without symbols: nothing equals then. */
int trc_filter_wants_symbols(const struct trc_filter *filter);

/* The Arrow C data interface and stream interface: arrow.apache.org, "The Arrow C data interface". */
struct ArrowSchema {
	const char *format;
	const char *name;
	const char *metadata;
	int64_t flags;
	int64_t n_children;
	struct ArrowSchema **children;
	struct ArrowSchema *dictionary;
	void (*release)(struct ArrowSchema *schema);
	void *private_data;
};
struct ArrowArray {
	int64_t length;
	int64_t null_count;
	int64_t offset;
	int64_t n_buffers;
	int64_t n_children;
	const void **buffers;
	struct ArrowArray **children;
	struct ArrowArray *dictionary;
	void (*release)(struct ArrowArray *array);
	void *private_data;
};
struct ArrowArrayStream {
	int (*get_schema)(struct ArrowArrayStream *stream, struct ArrowSchema *out);
	int (*get_next)(struct ArrowArrayStream *stream, struct ArrowArray *out);
	const char *(*get_last_error)(struct ArrowArrayStream *stream);
	void (*release)(struct ArrowArrayStream *stream);
	void *private_data;
};

/*
 * Records as columns: the wanted fields of the wanted events, straight from the pages.
 *
 * Integers keep their width and sign; pointers are uint64; texts end at their first NUL, fixed ones
 * (comm and its like) are dictionaries. Arrays of numbers are lists, of fixed length where the field
 * is; cpumasks and bitmasks are lists of the numbers of the bits set; stacks are lists of uint64, a
 * kernel's without the -1 that may end it, a user's with all 8 as recorded, zeros behind the last one.
 * Bytes that are none of these (u8 arrays, structs, opaque fields) are binary. A value that does not lie within its
 * record is null, and so is that of a field which an event does not have. Each column's metadata holds
 * the field's C type ("c_type"), "offset", "size", "signed", and what trc_column.symbols says as "symbols".
 */
struct trc_columns;
enum trc_column_kind {
	TRC_COLUMN_FIELD = 0,		/* a field by name, common ones included */
	TRC_COLUMN_TS = 1,		/* timestamp[ns] */
	TRC_COLUMN_CPU = 2,		/* uint32 */
	TRC_COLUMN_PID = 3,		/* int32, common_pid */
	TRC_COLUMN_COMM = 4,		/* dictionary: the saved name of the process */
	TRC_COLUMN_FLAGS = 5,		/* uint8, common_flags */
	TRC_COLUMN_PREEMPT_COUNT = 6,	/* uint8, common_preempt_count */
	TRC_COLUMN_EVENT = 7,		/* dictionary: the event's name */
	TRC_COLUMN_BUFFER = 8,		/* dictionary: the buffer's name */
	TRC_COLUMN_PEER = 9,		/* dictionary: the source's peer */
	TRC_COLUMN_SYSTEM = 10,		/* dictionary: the event's system */
	TRC_COLUMN_MISSED_EVENTS = 11,	/* int64: lost before this record; -1: an unknown number */
};
enum trc_columns_flags {
	TRC_COLUMNS_UINT64_TS = 1,	/* time stamps as plain numbers */
	TRC_COLUMNS_BINARY = 2,		/* texts as they are: binary, not utf8 with U+FFFD for what is none */
	TRC_COLUMNS_NO_DICTIONARY = 4,	/* all texts plain */
};
struct trc_column {
	const char *name;		/* of the column; ends in NUL */
	const char *field;		/* of kind FIELD: its name; ends in NUL */
	uint32_t kind;			/* enum trc_column_kind */
	const char *symbols;		/* names of its values, for its metadata; ends in NUL; NULL: none */
	const char *event;		/* of kind FIELD: that of this event alone, "SYSTEM:NAME", null in others;
					   ends in NUL; NULL: of all events that have it */
};
struct trc_columns_source {
	struct trc_walk_source walk;	/* event_ids: which events' fields there are */
	const char *peer;		/* for TRC_COLUMN_PEER; ends in NUL; NULL: none */
	const struct trc_filter *filter;	/* of the source's file; NULL: all records */
	uint32_t no_records;		/* not 0: there is no stream; what fields the events have counts */
};
struct trc_columns_options {
	struct trc_walk_options walk;
	uint32_t flags;			/* enum trc_columns_flags */
	size_t column_count;
	const struct trc_column *columns;
};

/*
 * sources' streams, event_ids, pids and filters must outlive the columns; the rest is copied.
 * TRC_NOT_FOUND: a field that none of the events has. TRC_ARGUMENT: events have fields of one name
 * whose types cannot be one column.
 */
int trc_columns_create(const struct trc_columns_source *sources, size_t count,
		       const struct trc_columns_options *options, struct trc_columns **out,
		       struct trc_error *err);
void trc_columns_destroy(struct trc_columns *columns);	/* NULL is fine */

/*
 * Begins anew with another window of time, or in another direction, in the memory of batches that were
 * released meanwhile. After a failure the columns are as they were.
 */
int trc_columns_restart(struct trc_columns *columns, const struct trc_walk_options *options,
			struct trc_error *err);

/*
 * The schema of the batches: a struct with the columns as children. Released by the caller. Its texts
 * are UTF-8, with U+FFFD for what is none in the file.
 */
int trc_columns_schema(const struct trc_columns *columns, struct ArrowSchema *out,
		       struct trc_error *err);

/* A copy of a schema that is the core's own and was not moved yet. Released by the caller. */
int trc_schema_copy(const struct ArrowSchema *schema, struct ArrowSchema *out, struct trc_error *err);

/*
 * The next batch, of at most max_rows rows; fewer where texts and lists would take much memory.
 * length 0: there are no more. TRC_GO_ON: the batch is not done yet, and *out not filled. Released by
 * the caller. Columns belong to one thread at a time;
 * different ones of the same file may be used at the same time.
 */
int trc_columns_next(struct trc_columns *columns, size_t max_rows, struct ArrowArray *out,
		     struct trc_error *err);

/* As trc_walk_problem_count() and its like; only sources with records have a number. */
size_t trc_columns_problem_count(const struct trc_columns *columns);
int trc_columns_problem(const struct trc_columns *columns, size_t index, struct trc_error *problem);
void trc_columns_progress(const struct trc_columns *columns, uint64_t *done, uint64_t *total);

/*
 * After the last batch of columns with MISSED_EVENTS, read forwards: the number of a source's first
 * row, counted over all batches (UINT64_MAX: it has none), and what it lost behind its last one, as
 * trc_walk_missed(). Whoever reads on in other columns has to add that to the next row of the source.
 */
void trc_columns_losses(const struct trc_columns *columns, size_t source, uint64_t *first_row,
			int64_t *missed);

/*
 * Several tables of one file out of one walk: a record goes to the table of its event. Times, order
 * and pids are the sources'; their event_ids and filters are not looked at. A set belongs to one
 * thread at a time.
 */
struct trc_column_set;
struct trc_column_table {
	const uint8_t *event_ids;	/* TRC_EVENT_ID_BYTES: whose records; an event is of one table */
	size_t column_count;
	const struct trc_column *columns;	/* of any kind but MISSED_EVENTS */
	const struct trc_filter *filter;	/* NULL: all records */
};

/* The options' columns are not looked at. As trc_columns_create(); TRC_ARGUMENT: several files. */
int trc_column_set_create(const struct trc_columns_source *sources, size_t count,
			  const struct trc_columns_options *options,
			  const struct trc_column_table *tables, size_t table_count,
			  struct trc_column_set **out, struct trc_error *err);
void trc_column_set_destroy(struct trc_column_set *set);	/* NULL is fine */

/*
 * The next batch that is done, and the number of its table: of max_rows rows, or fewer at the end,
 * and where the batches of all tables together take much memory. release NULL: there are no more.
 * TRC_GO_ON: none is done yet.
 */
int trc_column_set_next(struct trc_column_set *set, size_t max_rows, size_t *table,
			struct ArrowArray *out, struct trc_error *err);

/* As trc_walk_problem_count() and its like. */
size_t trc_column_set_problem_count(const struct trc_column_set *set);
int trc_column_set_problem(const struct trc_column_set *set, size_t index,
			   struct trc_error *problem);
void trc_column_set_progress(const struct trc_column_set *set, uint64_t *done, uint64_t *total);

/*
 * One field's values in some records, as its column would have them: for events one by one. A reader
 * stands for itself; metadata may be destroyed before it, and any number of threads may use it.
 */
struct trc_field_reader;
/* event, index: as for trc_event_field(). */
int trc_field_reader_create(const struct trc_metadata *metadata, size_t event, size_t index,
			    struct trc_field_reader **out, struct trc_error *err);
/* Of a field that all records have at one place: TRC_COLUMN_FLAGS, TRC_COLUMN_PREEMPT_COUNT. */
int trc_common_reader_create(const struct trc_metadata *metadata, uint32_t kind,
			     struct trc_field_reader **out, struct trc_error *err);
void trc_field_reader_destroy(struct trc_field_reader *reader);	/* NULL is fine */

/*
 * An array of its own, released by the caller, of the type that the schema tells; but texts are the
 * bytes as recorded, UTF-8 or not. trc_field_reader_values(): rows first to first + count of a batch, of
 * which payload, payload_end, size and id are looked at; those of other events than id are null, unless
 * the reader is of all. trc_field_reader_value(): one record, an array of one.
 */
int trc_field_reader_schema(const struct trc_field_reader *reader, struct ArrowSchema *out,
			    struct trc_error *err);
int trc_field_reader_values(const struct trc_field_reader *reader, const struct trc_batch *batch,
			    size_t first, size_t count, uint32_t id, int big_endian,
			    struct ArrowArray *out, struct trc_error *err);
int trc_field_reader_value(const struct trc_field_reader *reader, const uint8_t *payload, uint32_t size,
			   int big_endian, struct ArrowArray *out, struct trc_error *err);

/*
 * Texts: whole lines as trace-cmd report prints them. A report belongs to one thread at a time;
 * files, metadata and symbols must outlive it, and may be shared with other reports.
 */
struct trc_report;
enum trc_report_flags {
	TRC_REPORT_RAW = 1,			/* -R: fields, not texts */
	TRC_REPORT_NANOSECONDS = 2,		/* -t */
	TRC_REPORT_LATENCY_FORMAT = 4,		/* -l */
	TRC_REPORT_NO_PLUGINS = 8,		/* -N */
	TRC_REPORT_NO_SYSTEM_PLUGINS = 16,	/* -L */
	TRC_REPORT_KERNEL_TEXT = 32,		/* evaluate print fmts as C does */
	TRC_REPORT_TS_DIFF = 64,		/* --ts-diff */
	TRC_REPORT_SECONDS = 128,		/* time stamps are nanoseconds, whatever clock is recorded */
	TRC_REPORT_EVENT_TEXT = 256,		/* only what stands behind the event's name */
	TRC_REPORT_TICKS = 512,			/* --raw-ts: time stamps are ticks, whatever clock is recorded */
	/* -O: options of libtraceevent's plugins that are not as usual */
	TRC_REPORT_FUNCTION_PARENT = 1024,	/* ftrace:parent */
	TRC_REPORT_FUNCTION_OFFSET = 2048,	/* ftrace:offset */
	TRC_REPORT_FUNCTION_FLAT = 4096,	/* ftrace:indent=0 */
	TRC_REPORT_FGRAPH_TAILPRINT = 8192,	/* fgraph:tailprint */
	TRC_REPORT_FGRAPH_DEPTH = 16384,	/* fgraph:depth */
	TRC_REPORT_FGRAPH_RETVAL_SKIP = 32768,	/* fgraph:retval-skip */
	TRC_REPORT_FGRAPH_RETVAL_DEC = 65536,	/* fgraph:retval-dec */
	TRC_REPORT_FGRAPH_RETVAL_HEX = 131072,	/* fgraph:retval-hex */
};
struct trc_report_file {
	const struct trc_file *file;
	const struct trc_metadata *metadata;
	const struct trc_symbols *symbols;	/* NULL: addresses stay numbers */
	const char *label;			/* shown in front of lines if there are several files */
	size_t label_size;
};
struct trc_report_source {	/* what a source of the walk is; the report copies them */
	uint32_t file;			/* index among the files */
	uint32_t buffer;		/* trc_buffer() */
	uint32_t cpu;
};
/* err->source: the file. */
int trc_report_create(uint32_t flags, const struct trc_report_file *files, size_t file_count,
		      const struct trc_report_source *sources, size_t source_count,
		      struct trc_report **out, struct trc_error *err);
void trc_report_destroy(struct trc_report *report);	/* NULL is fine */

/*
 * Writes some events otherwise: -r, their fields; -n, by their print fmt whatever plugins know of
 * them. A regular expression that fits all of the event's name or of its system, upper and lower
 * case alike. To be called before the first record. TRC_ARGUMENT: it is no regular expression.
 */
enum trc_report_how {
	TRC_REPORT_EVENTS_RAW = 1,	/* -r */
	TRC_REPORT_EVENTS_PLAIN = 2,	/* -n */
};
int trc_report_set_events(struct trc_report *report, uint32_t how, const char *pattern, size_t size,
			  struct trc_error *err);

/* Texts are UTF-8 only where the trace is, and are valid until the report is used again. */

/* The lines above the first event: cpus=N, and the texts of latency tracers. err->source: the file. */
int trc_report_begin(struct trc_report *report, const char **text, size_t *size,
		     struct trc_error *err);

/*
 * Lines of the walk's next records, about enough bytes of them; size 0: there are no more. TRC_GO_ON: not
 * enough yet, and more to come. The walk's sources are those the report was made for.
 */
int trc_report_next(struct trc_report *report, struct trc_walk *walk, size_t enough,
		    const char **text, size_t *size, struct trc_error *err);

/* One record, of source number source. Its line, events lost before it and the newline included. */
struct trc_report_record {
	const uint8_t *payload;
	size_t size;
	uint32_t source;
	int64_t missed_events;
	uint64_t ts;			/* ns */
};
int trc_report_record(struct trc_report *report, const struct trc_report_record *record,
		      const char **text, size_t *size, struct trc_error *err);

/*
 * Whether a report cannot understand the print fmt of event number event (trc_event()) and would
 * show its fields instead; flags say which plugins there are.
 */
int trc_event_check_print_fmt(const struct trc_metadata *metadata, size_t event, uint32_t flags,
			      int *failed, struct trc_error *err);

/*
 * Several threads. Few lines depend on lines before them, so copies of one report may write
 * stretches of a trace side by side. In order, trc_report_join() then tells of each stretch whether
 * the lines before it, those of report, would have changed it; if not, report learns from it.
 */
enum trc_report_joined {
	TRC_REPORT_JOINED = 0,
	TRC_REPORT_AGAIN = 1,	/* the stretch is to be written again, by a copy of report */
	TRC_REPORT_IN_ONE = 2,	/* and the rest of the trace with it, in one walk: functions are nested,
				   differences shown */
};
int trc_report_copy(const struct trc_report *report, struct trc_report **out,
		    struct trc_error *err);
/* Puts a copy into the state that report, of which it is one, has now: for the next stretch. */
int trc_report_restart(struct trc_report *copy, const struct trc_report *report,
		       struct trc_error *err);
int trc_report_join(struct trc_report *report, const struct trc_report *later, uint32_t *again,
		    struct trc_error *err);

/* [cdef end] */

/* trc_error.offset when the failure is not about bytes at one place. */
#define TRC_NO_OFFSET UINT64_MAX
/* trc_error.source when the failure is not about one of several files. */
#define TRC_NO_SOURCE UINT32_MAX

#endif
