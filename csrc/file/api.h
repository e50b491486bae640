/* SPDX-License-Identifier: MIT */
/* Opening a file, and all that it says of itself: options, peers, clocks, buffers, sections. */
#ifndef TRC_FILE_API_H
#define TRC_FILE_API_H

#include "base/api.h"

/* [cdef begin] */

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
	TRC_OPTION_BTF_FILE = 23,
	TRC_OPTION_LAST_BOOT_INFO = 24,
	TRC_OPTION_MODULES_FILE = 25,
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
	TRC_OPEN_READ = 1, /* read it, do not map it */
};
enum trc_budget {
	TRC_BUDGET_MEMORY = 1 << 30,
	TRC_BUDGET_WORK = 1 << 30,
};
struct trc_open_options {
	uint32_t flags; /* enum trc_open_flags */
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
 * shorter, what is touched past its end is a bus error, which ends the process; so its size is asked
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
void trc_close(struct trc_file *file); /* NULL is fine */

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
	uint32_t version;		 /* 6 or 7 */
	uint32_t big_endian;		 /* 0 or 1 */
	uint32_t long_size;		 /* of the recording user space: 4 or 8 */
	uint32_t page_size;		 /* sub-buffer size of the top buffer, bytes */
	const char *compression;	 /* "none", "zlib", "zstd"; ends in NUL */
	const char *compression_version; /* of the writer's library, "" if none; ends in NUL */
};
void trc_header(const struct trc_file *file, struct trc_header *header);

/*
 * Options, in the order of the file (DONE is not listed). trc_option() gives the option at
 * a place of that order, trc_option_find() the occurrence-th (from 0) with an id. Unknown ids
 * are there like any other. TRC_NOT_FOUND: there are not that many.
 */
struct trc_option {
	uint32_t id;	     /* enum trc_id, or any other 16-bit number */
	uint32_t size;	     /* of the payload */
	uint32_t unpacked;   /* 1: its section is compressed */
	uint64_t offset;     /* of the payload in the file; of its section if that was compressed */
	const uint8_t *data; /* the payload, in the file's byte order */
};
size_t trc_option_count(const struct trc_file *file);
size_t trc_option_count_id(const struct trc_file *file, uint32_t id);
int trc_option(const struct trc_file *file, size_t index, struct trc_option *option, struct trc_error *err);
int trc_option_find(const struct trc_file *file, uint32_t id, size_t occurrence, struct trc_option *option,
		    struct trc_error *err);

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
	int64_t date;	/* sum of the DATE options, in ns */
	int64_t offset; /* sum of the OFFSET options, in ns */
};
void trc_ts_offset(const struct trc_file *file, struct trc_ts_offset *out);

/* TSC2NSEC: ns = cycles * mult >> shift. TRC_NOT_FOUND if the file has none. */
struct trc_tsc2nsec {
	uint32_t mult;
	uint32_t shift;
	uint64_t offset; /* recorded, but not part of the conversion */
};
int trc_tsc2nsec(const struct trc_file *file, struct trc_tsc2nsec *out, struct trc_error *err);

/* TIME_SHIFT: how this (guest's) clock relates to its peer's (the host's). */
struct trc_time_sample {
	int64_t time; /* this file's clock, raw units */
	int64_t offset;
	int64_t scaling;
	int64_t fraction;
};
struct trc_time_shift {
	uint64_t peer_trace_id;
	uint32_t flags; /* bit 0: interpolate between samples */
	uint32_t cpu_count;
};
/* TRC_NOT_FOUND if the file has none; samples come sorted by time, times differ. */
int trc_time_shift(const struct trc_file *file, struct trc_time_shift *out, struct trc_error *err);
int trc_time_samples(const struct trc_file *file, uint32_t cpu, const struct trc_time_sample **samples,
		     size_t *count, struct trc_error *err);

/*
 * Guests traced by this host, in file order: tracecmd_get_guest_cpumap(3). cpu_pid has
 * vcpu_count entries: the host thread of each vCPU, 0 if not recorded, -1 if unknown.
 * trc_guest_find(): of several with one trace ID the last, as libtracecmd.
 */
struct trc_guest {
	const char *name; /* ends in NUL */
	size_t name_size; /* without NUL */
	uint64_t trace_id;
	uint32_t vcpu_count;
	const int32_t *cpu_pid;
};
size_t trc_guest_count(const struct trc_file *file);
int trc_guest(const struct trc_file *file, size_t index, struct trc_guest *out, struct trc_error *err);
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
	TRC_HOOK_PRIVATE = 1, /* p: pinned to the CPU it started on */
	TRC_HOOK_GLOBAL = 2,  /* g: not bound to a task */
	TRC_HOOK_STACK = 4,   /* s: recorded with stacks */
};
struct trc_hook_side {
	const char *system; /* size 0 if not given */
	size_t system_size;
	const char *event;
	size_t event_size;
	const char *field;
	size_t field_size;
};
struct trc_hook {
	struct trc_hook_side start, end;
	const char *pid_field; /* of the start event; size 0 if not given */
	size_t pid_field_size;
	uint32_t flags; /* enum trc_hook_flags */
};
int trc_hook(const struct trc_file *file, size_t index, struct trc_hook *out, struct trc_error *err);
/*
 * The same of a text as -H takes it: [SYSTEM:]EVENT,FIELD[,PID]/[SYSTEM:]EVENT,FIELD[,FLAGS]. TRC_CORRUPT: it
 * is none; err->offset: TRC_NO_OFFSET. What comes out points into it.
 */
int trc_hook_parse(const char *text, size_t size, struct trc_hook *out, struct trc_error *err);

/*
 * Address maps of traced processes, an option each; region by region with a position that is 0
 * for the first call. TRC_CORRUPT: the text has not the form that trace-cmd writes.
 */
struct trc_proc_map {
	uint32_t pid;
	uint32_t region_count; /* as the recorder says */
	const char *comm;
	size_t comm_size;
	const char *regions;
	size_t regions_size;
	uint64_t offset; /* of the option's payload */
};
struct trc_proc_map_region {
	uint64_t start, end;
	const char *path;
	size_t path_size;
};
int trc_proc_map(const struct trc_file *file, size_t index, struct trc_proc_map *out, struct trc_error *err);
int trc_proc_map_region(const struct trc_proc_map *map, size_t *position, struct trc_proc_map_region *out,
			struct trc_error *err);

/*
 * Trace buffers. Number 0 is the top buffer, which may be empty; the named instances follow in
 * the order of their BUFFER options.
 */
enum trc_buffer_kind {
	TRC_BUFFER_FLYRECORD = 0, /* ring-buffer pages, per CPU */
	TRC_BUFFER_TEXT = 1,	  /* the text of a latency tracer */
};
struct trc_buffer {
	const char *name; /* "" for the top buffer */
	size_t name_size;
	const char *clock; /* size 0 if not recorded with the buffer */
	size_t clock_size;
	uint32_t kind;	       /* enum trc_buffer_kind */
	uint32_t compressed;   /* 0 or 1 */
	uint32_t page_size;    /* sub-buffer size, bytes */
	uint32_t cpu_count;    /* CPUs with a data area */
	uint64_t offset, size; /* of all its data; only of text is the place exact */
};
struct trc_cpu_area {
	uint32_t cpu;
	uint64_t offset, size; /* as stored, within the file */
};
size_t trc_buffer_count(const struct trc_file *file);
int trc_buffer(const struct trc_file *file, size_t index, struct trc_buffer *out, struct trc_error *err);
int trc_cpu_area(const struct trc_file *file, size_t buffer, size_t index, struct trc_cpu_area *out,
		 struct trc_error *err);
/* The same for CPUs that the file names without data, in its order, with the offset that it gives. */
int trc_cpu_empty(const struct trc_file *file, size_t buffer, size_t index, struct trc_cpu_area *out,
		  struct trc_error *err);

/*
 * Sections: the texts from the kernel, under the ids 16 to 21. In version 6, whose body has no
 * sections, the same parts of it. trace-cmd 3.4 adds BTF_FILE, which is no text, and MODULES_FILE.
 * trc_section_find(): TRC_NOT_FOUND if the file has none.
 * trc_section_load() reads one, unpacked if need be; data stays valid until trc_bytes_free(),
 * and, where owned is NULL, lies in the mapping. TRC_LIMIT: it takes more than 256 MiB of memory.
 */
struct trc_section {
	uint32_t id;	       /* enum trc_id */
	uint32_t compressed;   /* 0 or 1 */
	uint64_t offset, size; /* of the stored payload, after the section's header */
};
struct trc_bytes {
	const uint8_t *data;
	uint64_t size;
	void *owned;
};
int trc_section_find(const struct trc_file *file, uint32_t id, struct trc_section *out,
		     struct trc_error *err);
int trc_section_load(const struct trc_file *file, uint32_t id, struct trc_bytes *out, struct trc_error *err);
void trc_bytes_free(struct trc_bytes *bytes);

/*
 * The whole text of a TRC_BUFFER_TEXT buffer, to be given back with trc_bytes_free().
 * TRC_NOT_FOUND: the buffer holds pages. TRC_LIMIT: it unpacks to more than
 * a quarter of the budget of memory.
 */
int trc_buffer_text(const struct trc_file *file, size_t buffer, struct trc_bytes *out, struct trc_error *err);

/*
 * The texts in a section, one after the other: of HEADER_INFO header_page and header_event, of
 * FTRACE_EVENTS and EVENT_FORMATS the format files with their event system, of the others the
 * one text. *next is 0 for the first call and moved on by each; *system_size is 0 where there
 * is not a system. TRC_NOT_FOUND: no more. TRC_ARGUMENT: it holds no texts. bytes: what
 * trc_section_load() gave for id.
 */
struct trc_text_position {
	uint64_t pos; /* all 0 for the first call */
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
		     struct trc_text_position *position, struct trc_text *out, struct trc_error *err);

/* [cdef end] */

#endif
