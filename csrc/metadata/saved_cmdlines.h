/* SPDX-License-Identifier: MIT */
/* Names of processes. trace-cmd.dat.v7(5), PROCESS INFORMATION. */
#ifndef TRC_METADATA_SAVED_CMDLINES_H
#define TRC_METADATA_SAVED_CMDLINES_H

#include "base/problem.h"
#include "base/text.h"

struct saved_cmdline {
	int32_t pid;
	struct text comm;
};

struct saved_cmdlines {
	struct saved_cmdline *list; /* [count], sorted by pid, each pid once */
	size_t count;
};

/* text must outlive *out. Lines that cannot be read are entered into problems. */
int saved_cmdlines_parse(struct text text, uint64_t file_offset, struct saved_cmdlines *out,
			 struct problems *problems, struct trc_error *err);
void saved_cmdlines_deinit(struct saved_cmdlines *cmdlines);

/* "<idle>" of pid 0, "<...>" of one that is not listed. */
struct text saved_cmdlines_comm(const struct saved_cmdlines *cmdlines, int32_t pid);
/* Is pid listed? 0 is, always. */
bool saved_cmdlines_has(const struct saved_cmdlines *cmdlines, int32_t pid);

#endif
