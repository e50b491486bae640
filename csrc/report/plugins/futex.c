/* SPDX-License-Identifier: MIT */
/* The futex system call's operation and the arguments it uses. docs/FORMAT.md 6.5; futex(2). */
#include "report/event_handler.h"

enum { UADDR, OP, VAL, UTIME, UADDR2, VAL3 };

enum futex_argument {
	SHOW_VAL = 1,	/* in hex: a value to compare */
	SHOW_COUNT = 2, /* val in decimal: how many to wake */
	SHOW_UTIME = 4,
	SHOW_VAL2 = 8, /* the place of utime, in decimal */
	SHOW_UADDR2 = 16,
	SHOW_VAL3 = 32,
};

static const struct {
	const char *name;
	unsigned arguments;
} operations[] = {
	{ "FUTEX_WAIT", SHOW_VAL | SHOW_UTIME },
	{ "FUTEX_WAKE", SHOW_COUNT },
	{ "FUTEX_FD", SHOW_COUNT },
	{ "FUTEX_REQUEUE", SHOW_COUNT | SHOW_VAL2 | SHOW_UADDR2 },
	{ "FUTEX_CMP_REQUEUE", SHOW_COUNT | SHOW_VAL2 | SHOW_UADDR2 | SHOW_VAL3 },
	{ "FUTEX_WAKE_OP", SHOW_COUNT | SHOW_VAL2 | SHOW_UADDR2 | SHOW_VAL3 },
	{ "FUTEX_LOCK_PI", SHOW_UTIME },
	{ "FUTEX_UNLOCK_PI", 0 },
	{ "FUTEX_TRYLOCK_PI", 0 },
	{ "FUTEX_WAIT_BITSET", SHOW_VAL | SHOW_UTIME | SHOW_VAL3 },
	{ "FUTEX_WAKE_BITSET", SHOW_COUNT | SHOW_VAL3 },
	{ "FUTEX_WAIT_REQUEUE_PI", SHOW_VAL | SHOW_UTIME | SHOW_UADDR2 | SHOW_VAL3 },
	{ "FUTEX_CMP_REQUEUE_PI", SHOW_COUNT | SHOW_VAL2 | SHOW_UADDR2 | SHOW_VAL3 },
};

#define FUTEX_PRIVATE_FLAG 128
#define FUTEX_CLOCK_REALTIME 256

static void put_hex(struct event_run *run, const char *label, uint64_t value)
{
	struct number_format format = { .letter = 'x', .zero = true, .width = 8 };

	output_bytes(run->out, label, strlen(label));
	output_number(run->out, &format, value);
}

static void put_decimal(struct event_run *run, const char *label, uint64_t value)
{
	output_bytes(run->out, label, strlen(label));
	output_decimal(run->out, value);
}

static void put_arguments(struct event_run *run, unsigned arguments)
{
	if (arguments & SHOW_VAL)
		put_hex(run, " val=0x", run_number(run, VAL));
	if (arguments & SHOW_COUNT)
		put_decimal(run, " val=", run_number(run, VAL));
	if (arguments & SHOW_UTIME)
		put_hex(run, " utime=0x", run_number(run, UTIME));
	if (arguments & SHOW_VAL2)
		put_decimal(run, " val2=", run_number(run, UTIME));
	if (arguments & SHOW_UADDR2)
		put_hex(run, " uaddr2=0x", run_number(run, UADDR2));
	if (arguments & SHOW_VAL3)
		put_hex(run, " val3=0x", run_number(run, VAL3));
}

static bool run_futex(struct event_run *run)
{
	uint64_t op = run_number(run, OP);
	uint64_t command = op & ~(uint64_t)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);

	for (unsigned i = UADDR; i <= VAL3; i++) {
		if (!run->event->found[i]) {
			run_missing(run, i);
			return false;
		}
	}
	if (command >= countof(operations))
		return false;
	output_literal(run->out, "op=");
	output_bytes(run->out, operations[command].name, strlen(operations[command].name));
	if (op & FUTEX_PRIVATE_FLAG)
		output_literal(run->out, "|FUTEX_PRIVATE_FLAG");
	if (op & FUTEX_CLOCK_REALTIME)
		output_literal(run->out, "|FUTEX_CLOCK_REALTIME");
	put_hex(run, " uaddr=0x", run_number(run, UADDR));
	put_arguments(run, operations[command].arguments);
	return true;
}

const struct event_handler futex_handlers[] = {
	{ .system = "syscalls",
	  .name = "sys_enter_futex",
	  .run = run_futex,
	  .fields = { "uaddr", "op", "val", "utime", "uaddr2", "val3" } },
	{ 0 },
};
