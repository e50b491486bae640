/* SPDX-License-Identifier: MIT */
/* Records whose lines lack the text that the caller makes of them. */
#ifndef TRC_REPORT_LEFT_OUT_H
#define TRC_REPORT_LEFT_OUT_H

#include "base/internal.h"
#include "report/api.h"

#define NOT_LEFT_OUT SIZE_MAX

struct left_records {
	struct trc_left_out *list; /* [count] */
	size_t count, room;
	uint8_t *payload; /* all of theirs */
	size_t payload_size, payload_room;
};

/* The payload is copied; record.payload_end need not be set. false: out of memory. */
bool left_records_add(struct left_records *left, struct trc_left_out record, const uint8_t *payload);
void left_records_clear(struct left_records *left);
void left_records_deinit(struct left_records *left);

#endif
