/* SPDX-License-Identifier: MIT */
#include "report/comm_table.h"

#include <stdlib.h>

#include "base/number.h"

#define COMM_WIDTH 16
#define PID_WIDTH 5
#define LONGEST_COMM 1024 /* a name longer than any kernel's is cut */
#define FIRST_ROOM 64

void comm_table_init(struct comm_table *table, const struct saved_cmdlines *saved)
{
	*table = (struct comm_table){ .saved = saved };
}

void comm_table_deinit(struct comm_table *table)
{
	free(table->slots);
	arena_deinit(&table->arena);
}

static size_t slot_of(const struct comm_table *table, int32_t pid)
{
	return ((uint32_t)pid * UINT32_C(0x9e3779b1) >> 8) & (table->room - 1);
}

/* The pid's slot, or the free one where it belongs. */
static struct comm_slot *probe(const struct comm_table *table, int32_t pid)
{
	size_t i = slot_of(table, pid);

	while (table->slots[i].size && table->slots[i].pid != pid)
		i = (i + 1) & (table->room - 1);
	return &table->slots[i];
}

static bool grow(struct comm_table *table)
{
	struct comm_table larger = *table;

	larger.room = table->room ? table->room * 2 : FIRST_ROOM;
	larger.slots = calloc(larger.room, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < table->room; i++)
		if (table->slots[i].size)
			*probe(&larger, table->slots[i].pid) = table->slots[i];
	free(table->slots);
	*table = larger;
	return true;
}

static bool fill(struct comm_table *table, struct comm_slot *slot, int32_t pid, struct text comm, bool known)
{
	size_t size = comm.size < LONGEST_COMM ? comm.size : LONGEST_COMM;
	size_t blanks = size < COMM_WIDTH ? COMM_WIDTH - size : 0;
	char *start = arena_alloc(&table->arena, blanks + size + 1 + NUMBER_ROOM + PID_WIDTH + COPY_SLACK),
	     *end;
	char *number;

	if (!start)
		return false;
	memset(start, ' ', blanks);
	memcpy(start + blanks, comm.start, size);
	end = start + blanks + size;
	*end++ = '-';
	number = end;
	if (pid < 0)
		*end++ = '-';
	end = number_decimal(end, pid < 0 ? UINT64_C(0) - (uint64_t)(int64_t)pid : (uint64_t)pid);
	while (end < number + PID_WIDTH)
		*end++ = ' ';
	table->version++;
	*slot = (struct comm_slot){ .pid = pid,
				    .start = start,
				    .size = (uint16_t)(end - start),
				    .comm = (uint16_t)blanks,
				    .comm_size = (uint16_t)size,
				    .known = known };
	return true;
}

/* The pid's slot or the free one for it, with room to fill it. NULL: out of memory. */
static struct comm_slot *slot_for(struct comm_table *table, int32_t pid)
{
	if (table->count >= table->room / 2 && !grow(table))
		return NULL;
	return probe(table, pid);
}

const struct comm_slot *comm_table_find(struct comm_table *table, int32_t pid)
{
	struct comm_slot *slot = table->room ? probe(table, pid) : NULL;
	bool known;

	if (TRC_LIKELY(slot && slot->size))
		return slot;
	slot = slot_for(table, pid);
	known = saved_cmdlines_has(table->saved, pid);
	if (!slot || !fill(table, slot, pid, saved_cmdlines_comm(table->saved, pid), known))
		return NULL;
	slot->missed = !known;
	table->count++;
	return slot;
}

bool comm_table_add(struct comm_table *table, int32_t pid, struct text comm)
{
	struct comm_slot *slot = slot_for(table, pid);
	bool fresh, missed;

	if (!slot || (slot->size && slot->known))
		return slot != NULL;
	fresh = !slot->size;
	missed = slot->missed;
	if (fresh && saved_cmdlines_has(table->saved, pid))
		return true;
	if (!fill(table, slot, pid, comm, true))
		return false;
	slot->missed = missed;
	table->count += fresh;
	return true;
}

static struct text comm_of(const struct comm_slot *slot)
{
	return (struct text){ slot->start + slot->comm, slot->comm_size };
}

bool comm_table_differs(const struct comm_table *a, const struct comm_table *b)
{
	for (size_t i = 0; i < b->room && a->room; i++) {
		const struct comm_slot *theirs = &b->slots[i], *ours;

		if (!theirs->size)
			continue;
		ours = probe(a, theirs->pid);
		if (ours->size && ours->known &&
		    (theirs->missed || (theirs->known && !text_equal(comm_of(ours), comm_of(theirs)))))
			return true;
	}
	return false;
}

bool comm_table_join(struct comm_table *to, const struct comm_table *from)
{
	for (size_t i = 0; i < from->room; i++) {
		const struct comm_slot *slot = &from->slots[i];

		if (slot->size && slot->known && !comm_table_add(to, slot->pid, comm_of(slot)))
			return false;
	}
	return true;
}

bool comm_table_copy(struct comm_table *to, const struct comm_table *from)
{
	comm_table_init(to, from->saved);
	if (comm_table_join(to, from))
		return true;
	comm_table_deinit(to);
	return false;
}
