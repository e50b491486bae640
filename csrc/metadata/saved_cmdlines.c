/* SPDX-License-Identifier: MIT */
#include "metadata/saved_cmdlines.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/digits.h"
#include "base/error.h"
#include "metadata/scanner.h"

#define CMDLINES_MAX (1u << 22) /* the kernel's limit of process ids */

static void remember(struct problems *problems, uint64_t file_offset, const char *what, size_t line)
{
	struct trc_error fault;

	trc_fail(&fault, TRC_CORRUPT, file_offset, "saved_cmdlines: %s in line %zu", what, line);
	problems_add(problems, &fault);
}

/* Decimal, even with a leading 0; "12x" is not a process id. */
static bool parse_pid(struct text *line, int32_t *out)
{
	bool negative = line->size && *line->start == '-';
	uint64_t pid;
	size_t used;

	if (negative)
		*line = text_skip(*line, 1);
	if (!digits_read(*line, 10, &pid, &used) || !used || pid > INT32_MAX)
		return false;
	*line = text_skip(*line, used);
	*out = negative ? -(int32_t)pid : (int32_t)pid;
	return line->size && (*line->start == ' ' || *line->start == '\t');
}

/*
 * "PID COMM". The name may hold blanks, also as its last characters, and be empty: a process can
 * call itself so.
 */
static bool parse_line(struct text line, struct saved_cmdline *out)
{
	line = text_skip_blanks(line);
	if (!parse_pid(&line, &out->pid))
		return false;
	out->comm = text_skip_blanks(line);
	return true;
}

/* Of one pid the last of the text first, as in libtraceevent. */
static int compare(const void *a, const void *b)
{
	const struct saved_cmdline *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->comm.start < y->comm.start) - (x->comm.start > y->comm.start);
}

static const struct saved_cmdline *find(const struct saved_cmdlines *cmdlines, int32_t pid)
{
	size_t low = 0, high = cmdlines->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct saved_cmdline *cmdline = &cmdlines->list[middle];

		if (cmdline->pid == pid)
			return cmdline;
		if (cmdline->pid > pid)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/*
 * Leaves one line of each process. libtraceevent keeps all and takes that which its bisection comes
 * across: the same is looked for here, before the others go.
 */
static int keep_found(struct saved_cmdlines *cmdlines, struct trc_error *err)
{
	struct saved_cmdline *kept;
	size_t count = 0;

	if (!cmdlines->count)
		return TRC_OK;
	qsort(cmdlines->list, cmdlines->count, sizeof(*cmdlines->list), compare);
	kept = malloc(cmdlines->count * sizeof(*kept));
	if (!kept)
		return trc_fail_no_memory(err);
	for (size_t i = 0; i < cmdlines->count; i++) {
		if (!i || cmdlines->list[i].pid != cmdlines->list[i - 1].pid)
			kept[count++] = *find(cmdlines, cmdlines->list[i].pid);
	}
	free(cmdlines->list);
	cmdlines->list = kept;
	cmdlines->count = count;
	return TRC_OK;
}

static int add(struct saved_cmdlines *cmdlines, size_t *room, const struct saved_cmdline *cmdline,
	       struct trc_error *err)
{
	if (cmdlines->count == *room) {
		struct saved_cmdline *larger = array_grow(cmdlines->list, room, 256, sizeof(*larger));

		if (!larger)
			return trc_fail_no_memory(err);
		cmdlines->list = larger;
	}
	cmdlines->list[cmdlines->count++] = *cmdline;
	return TRC_OK;
}

int saved_cmdlines_parse(struct text text, uint64_t file_offset, struct saved_cmdlines *out,
			 struct problems *problems, struct trc_error *err)
{
	struct saved_cmdlines cmdlines = { 0 };
	struct text rest = text, line;
	size_t room = 0, number = 0;
	int rc = TRC_OK;

	while (!rc && text_line(&rest, &line)) {
		struct saved_cmdline cmdline;

		number++;
		if (!text_skip_blanks(line).size)
			continue;
		if (cmdlines.count == CMDLINES_MAX) {
			remember(problems, file_offset, "more than any kernel has", number);
			break;
		}
		if (parse_line(line, &cmdline))
			rc = add(&cmdlines, &room, &cmdline, err);
		else
			remember(problems, file_offset, "no \"PID COMM\"", number);
	}
	if (!rc)
		rc = keep_found(&cmdlines, err);
	if (rc) {
		free(cmdlines.list);
		return rc;
	}
	*out = cmdlines;
	return TRC_OK;
}

void saved_cmdlines_deinit(struct saved_cmdlines *cmdlines)
{
	free(cmdlines->list);
	*cmdlines = (struct saved_cmdlines){ 0 };
}

struct text saved_cmdlines_comm(const struct saved_cmdlines *cmdlines, int32_t pid)
{
	const struct saved_cmdline *cmdline;

	if (!pid)
		return TEXT("<idle>");
	cmdline = find(cmdlines, pid);
	return cmdline ? cmdline->comm : TEXT("<...>");
}

bool saved_cmdlines_has(const struct saved_cmdlines *cmdlines, int32_t pid)
{
	return !pid || find(cmdlines, pid);
}
