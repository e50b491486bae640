/* SPDX-License-Identifier: MIT */
#include "report/blktrace.h"

#include <stdio.h>

#include "base/error.h"

/* struct blk_io_trace of the kernel, as trace-cmd takes it to begin: eight bytes late. */
static const char format_text[] = "name: blktrace\n"
				  "ID: %u\n"
				  "format:\n"
				  "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\n"
				  "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\n"
				  "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\n"
				  "\tfield:int common_pid;\toffset:4;\tsize:4;\n"
				  "\n"
				  "\tfield:u64 sector;\toffset:16;\tsize:8;\n"
				  "\tfield:int bytes;\toffset:24;\tsize:4;\n"
				  "\tfield:int action;\toffset:28;\tsize:4;\n"
				  "\tfield:int pid;\toffset:32;\tsize:4;\n"
				  "\tfield:int device;\toffset:36;\tsize:4;\n"
				  "\tfield:int cpu;\toffset:40;\tsize:4;\n"
				  "\tfield:short error;\toffset:44;\tsize:2;\n"
				  "\tfield:short pdu_len;\toffset:46;\tsize:2;\n"
				  "\tfield:void data;\toffset:48;\tsize:0;\n"
				  "\n"
				  "print fmt: \"%%d\", REC->pid\n";

int blktrace_format(const struct event_formats *formats, uint32_t type, unsigned long_size,
		    struct arena *arena, struct event_formats *out, struct trc_error *err)
{
	const struct event_format *before = event_by_name(formats, TEXT("ftrace"), TEXT("user_stack"));
	size_t room = sizeof(format_text) + 10;
	struct problems problems = { 0 };
	char *text;
	int size, rc;

	if (!before || before->id + 1 != type)
		return TRC_OK;
	text = arena_alloc(arena, room);
	if (!text)
		return trc_fail_no_memory(err);
	size = snprintf(text, room, format_text, type);
	rc = event_formats_add(out, TEXT("ftrace"), (struct text){ text, (size_t)size }, long_size, 0,
			       &problems, err);
	problems_deinit(&problems);
	return rc ? rc : event_formats_finish(out, 0, err);
}
