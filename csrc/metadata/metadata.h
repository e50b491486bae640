/* SPDX-License-Identifier: MIT */
/*
 * The parsed texts of one file. Two owners, because most work needs the formats, a few
 * milliseconds' worth, and only texts of records need 10 MB of symbols.
 */
#ifndef TRC_METADATA_METADATA_H
#define TRC_METADATA_METADATA_H

#include "base/problem.h"
#include "file/api.h"
#include "metadata/api.h"
#include "metadata/btf.h"
#include "metadata/event_format.h"
#include "metadata/former_boot.h"
#include "metadata/kallsyms.h"
#include "metadata/page_header.h"
#include "metadata/printk_formats.h"
#include "metadata/saved_cmdlines.h"

struct trc_metadata {
	const struct trc_file *file; /* must outlive this */
	struct trc_bytes header_text, ftrace_text, events_text, cmdlines_text;
	struct page_header page_header;
	struct trc_error page_header_fault; /* code TRC_OK: page_header is there */
	struct event_formats formats;
	struct saved_cmdlines cmdlines;
	uint32_t long_size; /* of the kernel: commit's; that of the file header if that is unknown */
	bool big_endian;
	struct problems problems;
};

struct trc_symbols {
	const struct trc_file *file;
	struct trc_bytes kallsyms_text, printk_text, btf_bytes, modules_text;
	char *joined; /* the caller's symbols with the file's after them; NULL: the caller gave none */
	struct kallsyms kallsyms;
	struct printk_formats printk_formats;
	struct former_boot boot; /* parts NULL: that of the symbols */
	struct btf btf;		 /* data NULL: the file has none */
	struct problems problems;
};

/* Field number index of event number event, as trc_event_field() counts them; NULL: there is none. */
const struct event_field *metadata_field(const struct trc_metadata *metadata, size_t event, size_t index,
					 const struct event_format **format, struct trc_error *err);

/* The layout of sub-buffers, or the error that says why there is none. */
int metadata_page_header(const struct trc_metadata *metadata, struct page_header *out, struct trc_error *err);

#endif
