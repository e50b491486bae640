/* SPDX-License-Identifier: MIT */
/* mac80211's drv_bss_info_changed: a list of fields over several lines. docs/FORMAT.md 6.5. */
#include "report/event_handler.h"

enum {
	WIPHY,
	VIF,
	VIF_TYPE,
	ASSOC,
	AID,
	CTS,
	SHORT_PREAMBLE,
	SHORT_SLOT,
	DTIM_PERIOD,
	BEACON_INTERVAL,
	ASSOC_CAPABILITY,
	TIMESTAMP,
	BASIC_RATES,
	ENABLE_BEACON,
	HT_OPERATION_MODE,
};

#define INDENT 65 /* the text's column in the line of trace-cmd's day */

static void put(struct event_run *run, const char *text)
{
	output_bytes(run->out, text, strlen(text));
}

static void put_number(struct event_run *run, const char *label, unsigned field, bool hex)
{
	uint64_t value = run_number(run, field);

	if (!run->event->found[field])
		return;
	put(run, label);
	if (hex && value)
		put(run, "0x");
	if (hex)
		output_hex(run->out, (uint32_t)value);
	else
		output_signed(run->out, (int32_t)value);
}

static void put_name(struct event_run *run, unsigned field)
{
	if (!run->event->found[field]) {
		put(run, "NOTFOUND:");
		put(run, run->event->handler->fields[field]);
		return;
	}
	output_text(run->out, run_text(run, field));
}

static void new_line(struct event_run *run)
{
	output_char(run->out, '\n');
	output_fill(run->out, ' ', INDENT);
}

static bool run_bss_info_changed(struct event_run *run)
{
	put_name(run, WIPHY);
	put(run, " vif:");
	put_name(run, VIF);
	put_number(run, "(", VIF_TYPE, false);
	put(run, ")");
	new_line(run);
	put_number(run, "assoc:", ASSOC, false);
	put_number(run, " aid:", AID, false);
	put_number(run, " cts:", CTS, false);
	put_number(run, " shortpre:", SHORT_PREAMBLE, false);
	put_number(run, " shortslot:", SHORT_SLOT, false);
	put_number(run, " dtimper:", DTIM_PERIOD, false);
	put(run, " ");
	new_line(run);
	put_number(run, "bcnint:", BEACON_INTERVAL, false);
	put_number(run, " assoc_cap:", ASSOC_CAPABILITY, true);
	put_number(run, " basic_rates:", BASIC_RATES, true);
	put_number(run, " enable_beacon:", ENABLE_BEACON, false);
	new_line(run);
	put_number(run, "ht_operation_mode:", HT_OPERATION_MODE, false);
	return true;
}

const struct event_handler wireless_handlers[] = {
	{ .system = "mac80211",
	  .name = "drv_bss_info_changed",
	  .run = run_bss_info_changed,
	  .fields = { "wiphy_name", "vif_name", "vif_type", "assoc", "aid", "cts", "shortpre", "shortslot",
		      "dtimper", "bcnint", "assoc_cap", "timestamp", "basic_rates", "enable_beacon",
		      "ht_operation_mode" } },
	{ 0 },
};
