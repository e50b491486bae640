/* SPDX-License-Identifier: MIT */
/* Slab allocations and TLB flushes. docs/FORMAT.md 6.5. */
#include "report/event_handler.h"

/* --- kmem -------------------------------------------------------------------------------- */

enum { CALL_SITE };

static void put_call_site(const struct cached_symbol *symbol, uint32_t offset, struct output *out)
{
	char *to = output_reserve(out, 1 + CACHED_TEXT_ROOM + 2);

	if (TRC_LIKELY(to && symbol->text_size && offset == symbol->key - symbol->address)) {
		*to = '(';
		to = copy_twice(to + 1, symbol->text, symbol->text_size);
		memcpy(to, ") ", 2);
		out->size = (size_t)(to + 2 - out->data);
		return;
	}
	output_char(out, '(');
	output_text(out, symbol->name);
	output_literal(out, "+0x");
	output_hex(out, offset);
	output_literal(out, ") ");
}

/* The caller's name goes in front of the usual text. */
static bool run_call_site(struct event_run *run)
{
	const struct cached_symbol *symbol = NULL;
	uint64_t address = run_number(run, CALL_SITE);

	if (run->event->found[CALL_SITE])
		symbol = symbol_cache_find(run->print.symbols, address);
	if (symbol)
		put_call_site(symbol, (uint32_t)(address - symbol->address), run->out);
	return false;
}

/* --- tlb --------------------------------------------------------------------------------- */

enum { PAGES, REASON };

static bool run_tlb_flush(struct event_run *run)
{
	static const char *const reasons[] = { "flush on task switch", "remote shootdown", "local shootdown",
					       "local mm shootdown" };
	uint64_t reason = run_number(run, REASON);

	output_literal(run->out, "pages=");
	if (run->event->found[PAGES])
		output_signed(run->out, (int64_t)run_number(run, PAGES));
	else
		run_missing_number(run, PAGES);
	if (!run->event->found[REASON]) {
		run_missing(run, REASON);
		return false;
	}
	output_literal(run->out, " reason=");
	if (reason < countof(reasons))
		output_bytes(run->out, reasons[reason], strlen(reasons[reason]));
	output_literal(run->out, " (");
	output_signed(run->out, (int64_t)reason);
	output_char(run->out, ')');
	return true;
}

#define CALL_SITE_EVENT(event_name) \
	{ .system = "kmem", .name = event_name, .run = run_call_site, .fields = { "call_site" } }

const struct event_handler memory_handlers[] = {
	CALL_SITE_EVENT("kfree"),
	CALL_SITE_EVENT("kmalloc"),
	CALL_SITE_EVENT("kmalloc_node"),
	CALL_SITE_EVENT("kmem_cache_alloc"),
	CALL_SITE_EVENT("kmem_cache_alloc_node"),
	CALL_SITE_EVENT("kmem_cache_free"),
	{ .system = "tlb", .name = "tlb_flush", .run = run_tlb_flush, .fields = { "pages", "reason" } },
	{ 0 },
};
