/* SPDX-License-Identifier: MIT */
/* How long tasks wait between being woken and being run: trace-cmd report -w. */
#ifndef TRC_REPORT_WAKEUPS_H
#define TRC_REPORT_WAKEUPS_H

#include "base/output.h"
#include "metadata/event_format.h"
#include "records/record.h"

/* What an event says; places of fields that it lacks have size 0. */
struct wakeup_event {
	uint32_t id;
	bool known;
	struct event_place pid, success, prio;
};

struct wakeup_sums {
	uint64_t count, total;
	uint64_t longest, longest_end; /* ns: how long, and when that was over */
	uint64_t shortest, shortest_end;
};

struct woken_task {
	uint64_t since;
	uint32_t pid;
	bool used, waits;
};

struct wakeups {
	struct event_place type;
	bool big_endian;
	bool possible; /* the file has the events and the fields */
	struct wakeup_event woken, woken_new, run;
	struct woken_task *tasks; /* [room], a power of two */
	size_t room, count;
	uint64_t seed; /* so that no file can know which tasks meet */
	struct wakeup_sums all, of_real_time;
};

void wakeups_init(struct wakeups *wakeups, const struct event_formats *formats, bool big_endian);
void wakeups_deinit(struct wakeups *wakeups);
/* false: out of memory, and to is as it was. */
bool wakeups_copy(struct wakeups *to, const struct wakeups *from);

/*
 * A record: the latency, where it ends one, is put behind the text of its line. *concerned: it is of one of
 * the events. false: out of memory.
 */
bool wakeups_put(struct wakeups *wakeups, const struct walk_record *record, struct output *out,
		 bool *concerned);

/* The lines behind the last event: nothing where there was no latency. */
void wakeups_finish(const struct wakeups *wakeups, struct output *out);

#endif
