/* SPDX-License-Identifier: MIT */
#ifndef TRC_ANALYSIS_SPANS_H
#define TRC_ANALYSIS_SPANS_H

#include "analysis/named_values.h"
#include "analysis/value.h"

#define NO_SPAN UINT32_MAX

enum span_role { SPAN_BEGIN = 1, SPAN_END };
enum span_column { SPAN_START, SPAN_STOP, SPAN_DURATION, SPAN_SELF, SPAN_CPU, SPAN_PID, SPAN_FIRST_FIELD };

/* Of a key, or of a field that is shown. */
struct span_part {
	uint32_t kind; /* enum trc_span_part_kind */
	size_t column; /* of a field */
	char *begin, *end;
	struct column_type type;
	bool found;
	size_t key; /* whose names they are */
};

/* A file's fields, [key_count] and [field_count]. */
struct span_places {
	struct event_place pid;
	struct value_place key_begin[TRC_SPAN_KEYS], key_end[TRC_SPAN_KEYS];
	struct value_place fields[TRC_SPAN_FIELDS];
	struct named_values names[TRC_SPAN_KEYS];
	const struct trc_span_names *given; /* or NULL */
};

/* The two lists that an open span is in go by number. */
struct open_span {
	uint64_t start;
	uint64_t inside;  /* ns of spans that ended in it */
	uint64_t covered; /* until here they are counted */
	uint32_t source;
	int32_t pid;
	uint32_t key;	       /* in keys; of a free one the next free one */
	uint32_t key_below;    /* of the same key */
	uint32_t below, above; /* of the same scope */
	uint32_t scope;	       /* in scopes */
};

struct spans {
	struct trc_analysis base;
	struct span_part keys[TRC_SPAN_KEYS], fields[TRC_SPAN_FIELDS];
	size_t key_count, field_count;
	bool by_cpu, by_pid; /* the key has them */
	size_t lost_column, buffer_column;
	struct span_places *places; /* [file_count] */

	struct text_table texts;
	struct key_map key_map, scope_map;
	uint32_t *key_top;   /* [key_room] the last that is open of a key */
	uint32_t *scope_top; /* [scope_room] of a scope */
	size_t key_room, scope_room;
	struct open_span *open; /* [open_room] */
	struct value *values;	/* [open_room][field_count] */
	size_t open_count, open_room;
	uint32_t free;	      /* one that is not open, or NO_SPAN */
	uint64_t *group_lost; /* [group_count] as a source's lost, of all its CPUs */
	bool *group_has_lost;
};

extern const struct analysis_machine spans_machine;

#endif
