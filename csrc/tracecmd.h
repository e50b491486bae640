/* SPDX-License-Identifier: MIT */
/*
 * The whole interface of the tracecmd core: reading and writing trace.dat files, version 6 and 7.
 *
 * Each floor declares its own part. What lies there between the two marker comments is also what CFFI is
 * given, in this order, so it stays plain C declarations.
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
 *    to be called again, with nothing filled in yet. Between two calls the caller may do what it likes,
 *    report progress or give up.
 */
#ifndef TRACECMD_CORE_H
#define TRACECMD_CORE_H

#include "base/api.h"
#include "file/api.h"
#include "metadata/api.h"
#include "filter/api.h"
#include "records/api.h"
#include "arrow/api.h"
#include "columns/api.h"
#include "print_fmt/api.h"
#include "report/api.h"
#include "analysis/api.h"
#include "analysis/profile/api.h"
#include "perfetto/api.h"
#include "write/api.h"

#endif
