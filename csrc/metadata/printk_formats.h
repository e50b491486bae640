/* SPDX-License-Identifier: MIT */
/* Texts in the kernel's memory by address. trace-cmd.dat.v7(5), TRACE_PRINTK INFORMATION. */
#ifndef TRC_METADATA_PRINTK_FORMATS_H
#define TRC_METADATA_PRINTK_FORMATS_H

#include "base/problem.h"
#include "base/text.h"

struct printk_format {
	uint64_t address;
	struct text text; /* without its quotes and last \n; other escapes are as the file has them */
};

struct printk_formats {
	struct printk_format *list; /* [count], sorted by address */
	size_t count;
};

/* text must outlive *out. Lines that cannot be read are entered into problems. */
int printk_formats_parse(struct text text, uint64_t file_offset, struct printk_formats *out,
			 struct problems *problems, struct trc_error *err);
void printk_formats_deinit(struct printk_formats *formats);

/* Exactly at address. false: none. */
bool printk_formats_find(const struct printk_formats *formats, uint64_t address, struct text *out);

#endif
