/* SPDX-License-Identifier: MIT */
#include "report/wakeups.h"

#include <stdlib.h>

#include "base/number.h"

#define FIRST_ROOM 64
#define LOWEST_PRIO_OF_REAL_TIME 99
#define NS_PER_S UINT64_C(1000000000)

/* --- events ---------------------------------------------------------------------------------- */

static struct event_place place_of(const struct event_format *event, const char *name)
{
	const struct event_field *field = event_own_field(event, (struct text){ name, strlen(name) });

	return field ? (struct event_place){ field->offset, field->size } : (struct event_place){ 0 };
}

static struct wakeup_event find_event(const struct event_formats *formats, const char *name, const char *pid)
{
	const struct event_format *event = event_by_name(formats, TEXT("sched"),
							 (struct text){ name, strlen(name) });

	if (!event)
		return (struct wakeup_event){ 0 };
	return (struct wakeup_event){
		.id = event->id,
		.known = true,
		.pid = place_of(event, pid),
		.success = place_of(event, "success"), /* until Linux 4.3 */
		.prio = place_of(event, "next_prio"),
	};
}

void wakeups_init(struct wakeups *wakeups, const struct event_formats *formats, bool big_endian)
{
	*wakeups = (struct wakeups){
		.type = formats->common.type,
		.big_endian = big_endian,
		.woken = find_event(formats, "sched_wakeup", "pid"),
		.woken_new = find_event(formats, "sched_wakeup_new", "pid"),
		.run = find_event(formats, "sched_switch", "next_pid"),
		.all.shortest = UINT64_MAX,
		.of_real_time.shortest = UINT64_MAX,
	};
	wakeups->possible = wakeups->woken.pid.size && wakeups->run.pid.size && wakeups->run.prio.size &&
			    (!wakeups->woken_new.known || wakeups->woken_new.pid.size);
}

void wakeups_deinit(struct wakeups *wakeups)
{
	free(wakeups->tasks);
	wakeups->tasks = NULL;
}

bool wakeups_copy(struct wakeups *to, const struct wakeups *from)
{
	struct woken_task *tasks = malloc((from->room + 1) * sizeof(*tasks));

	if (!tasks)
		return false;
	if (from->room)
		memcpy(tasks, from->tasks, from->room * sizeof(*tasks));
	free(to->tasks);
	*to = *from;
	to->tasks = tasks;
	return true;
}

/* As libtraceevent reads a number: not signed, of such a size only. */
static bool read_field(const struct wakeups *wakeups, struct event_place place,
		       const struct walk_record *record, uint64_t *value)
{
	if ((place.size != 1 && place.size != 2 && place.size != 4 && place.size != 8) ||
	    !place_fits(place, record->size))
		return false;
	*value = load_uint(record->payload + place.offset, place.size, wakeups->big_endian);
	return true;
}

/* --- tasks ----------------------------------------------------------------------------------- */

/* The task's slot, or the free one where it belongs; there is one. */
static struct woken_task *slot_of(const struct wakeups *wakeups, uint32_t pid)
{
	size_t mask = wakeups->room - 1;
	size_t at = (pid ^ wakeups->seed) * UINT64_C(0x9e3779b97f4a7c15) >> 32 & mask;

	while (wakeups->tasks[at].used && wakeups->tasks[at].pid != pid)
		at = (at + 1) & mask;
	return &wakeups->tasks[at];
}

static bool grow(struct wakeups *wakeups)
{
	struct wakeups larger = *wakeups;

	larger.room = wakeups->room ? 2 * wakeups->room : FIRST_ROOM;
	larger.tasks = calloc(larger.room, sizeof(*larger.tasks));
	if (!larger.tasks)
		return false;
	larger.seed = (uintptr_t)larger.tasks >> 4;
	for (size_t i = 0; i < wakeups->room; i++)
		if (wakeups->tasks[i].used)
			*slot_of(&larger, wakeups->tasks[i].pid) = wakeups->tasks[i];
	free(wakeups->tasks);
	*wakeups = larger;
	return true;
}

/* A task that is woken twice waits since the second time. */
static bool wake(struct wakeups *wakeups, const struct wakeup_event *event, const struct walk_record *record)
{
	uint64_t pid, success;
	struct woken_task *task;

	if (read_field(wakeups, event->success, record, &success) && !success)
		return true;
	if (!read_field(wakeups, event->pid, record, &pid))
		return true;
	if (wakeups->count >= wakeups->room / 2 && !grow(wakeups))
		return false;
	task = slot_of(wakeups, (uint32_t)pid);
	wakeups->count += !task->used;
	*task = (struct woken_task){ record->ts, (uint32_t)pid, true, true };
	return true;
}

/* --- latencies ------------------------------------------------------------------------------- */

static void add(struct wakeup_sums *sums, uint64_t latency, uint64_t end)
{
	if (latency > sums->longest) {
		sums->longest = latency;
		sums->longest_end = end;
	}
	if (latency < sums->shortest) {
		sums->shortest = latency;
		sums->shortest_end = end;
	}
	sums->total += latency;
	sums->count++;
}

static void put_usecs(struct output *out, uint64_t ns)
{
	char *to;

	output_decimal(out, ns / 1000);
	output_char(out, '.');
	to = output_reserve(out, 3);
	if (to)
		out->size = (size_t)(number_padded(to, ns % 1000, 3) - out->data);
	output_literal(out, " usecs");
}

static void run(struct wakeups *wakeups, const struct walk_record *record, struct output *out)
{
	uint64_t prio, pid, latency;
	struct woken_task *task;

	if (!wakeups->room || !read_field(wakeups, wakeups->run.prio, record, &prio) ||
	    !read_field(wakeups, wakeups->run.pid, record, &pid))
		return;
	task = slot_of(wakeups, (uint32_t)pid);
	if (!task->used || !task->waits)
		return;
	task->waits = false;
	latency = record->ts - task->since;
	add(&wakeups->all, latency, record->ts);
	if (prio <= LOWEST_PRIO_OF_REAL_TIME)
		add(&wakeups->of_real_time, latency, record->ts);
	output_literal(out, " Latency: ");
	put_usecs(out, latency);
}

bool wakeups_put(struct wakeups *wakeups, const struct walk_record *record, struct output *out,
		 bool *concerned)
{
	uint32_t id = record_id(wakeups->type, wakeups->big_endian, record->payload, record->size);

	*concerned = true;
	if (!wakeups->possible)
		*concerned = false;
	else if (id == wakeups->woken.id)
		return wake(wakeups, &wakeups->woken, record);
	else if (wakeups->woken_new.known && id == wakeups->woken_new.id)
		return wake(wakeups, &wakeups->woken_new, record);
	else if (id == wakeups->run.id)
		run(wakeups, record, out);
	else
		*concerned = false;
	return true;
}

/* --- the lines at the end ---------------------------------------------------------------------- */

/* The microseconds are rounded, the seconds are those before: so trace-cmd has it. */
static void put_extreme(struct output *out, uint64_t latency, uint64_t end)
{
	char *to;

	put_usecs(out, latency);
	output_literal(out, " at timestamp: ");
	output_decimal(out, end / NS_PER_S);
	output_char(out, '.');
	to = output_reserve(out, 6);
	if (to)
		out->size = (size_t)(number_padded(to, (end + 500) % NS_PER_S / 1000, 6) - out->data);
	output_char(out, '\n');
}

static void put_sums(struct output *out, const struct wakeup_sums *sums)
{
	output_literal(out, "\nAverage wakeup latency: ");
	put_usecs(out, sums->total / sums->count);
	output_literal(out, "\nMaximum Latency: ");
	put_extreme(out, sums->longest, sums->longest_end);
	output_literal(out, "Minimum Latency: ");
	put_extreme(out, sums->shortest, sums->shortest_end);
	output_char(out, '\n');
}

void wakeups_finish(const struct wakeups *wakeups, struct output *out)
{
	if (!wakeups->all.count)
		return;
	put_sums(out, &wakeups->all);
	if (!wakeups->of_real_time.count)
		return;
	output_literal(out, "RT task timings:\n");
	put_sums(out, &wakeups->of_real_time);
}
