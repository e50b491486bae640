/* SPDX-License-Identifier: MIT */
/*
 * Trace data that no table of the file names, because the recorder was stopped (a full disk, a
 * size limit, a crash) while it copied the CPUs' data, or the end of the file was lost.
 *
 * Version 7 then has a "buffer flyrecord" section without a BUFFER option, version 6 rows of
 * (0, 0) for CPUs whose pages stand after those of the last finished one. Either way the CPUs
 * follow each other by number, each from a page boundary on; uncompressed, only a time stamp that
 * steps back tells where the next one begins.
 */
#ifndef TRC_RECORDS_SALVAGE_H
#define TRC_RECORDS_SALVAGE_H

#include "base/problem.h"
#include "file/api.h"
#include "records/area.h"
#include "records/subbuffer.h"

/* Given each area that was found, of the top buffer. Not TRC_OK ends the search. */
typedef int (*salvage_found)(void *context, const struct trc_cpu_area *area, struct trc_error *err);

/*
 * What is found is a problem of the file each time: its CPU number is an inference. Nothing is searched
 * for in the areas that are known.
 */
int salvage_areas(const struct trc_file *file, const struct subbuffer_layout *layout,
		  const struct areas *known, struct problems *problems, salvage_found found, void *context,
		  struct trc_error *err);

#endif
