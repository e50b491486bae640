/* SPDX-License-Identifier: MIT */
/* A single format text, of no file: tracefs events/SYSTEM/NAME/format. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "metadata/metadata.h"

/* The texts are kept behind each other, as all that is read from them points there. */
static int read_format(struct trc_metadata *m, const char *system, size_t system_size, const char *text,
		       size_t size, struct trc_error *err)
{
	char *copy = malloc(system_size + size + 1);
	int rc;

	if (!copy)
		return trc_fail_no_memory(err);
	m->events_text =
		(struct trc_bytes){ .data = (uint8_t *)copy, .size = system_size + size, .owned = copy };
	if (system_size)
		memcpy(copy, system, system_size);
	if (size)
		memcpy(copy + system_size, text, size);
	rc = event_formats_add(&m->formats, (struct text){ copy, system_size },
			       (struct text){ copy + system_size, size }, m->long_size, TRC_NO_OFFSET,
			       &m->problems, err);
	if (rc || (rc = event_formats_finish(&m->formats, 0, err)))
		return rc;
	if (m->formats.count)
		return TRC_OK;
	if (problems_count(&m->problems) && err) {
		problems_get(&m->problems, 0, err);
		return err->code;
	}
	return trc_fail(err, TRC_CORRUPT, TRC_NO_OFFSET, "format: there is no event in it");
}

int trc_metadata_create_of_format(const char *system, size_t system_size, const char *text, size_t size,
				  uint32_t long_size, struct trc_metadata **metadata, struct trc_error *err)
{
	struct trc_metadata *m;
	int rc;

	if (long_size != 4 && long_size != 8)
		return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "format: a long has 4 or 8 bytes, not %u",
				long_size);
	m = calloc(1, sizeof(*m));
	if (!m)
		return trc_fail_no_memory(err);
	m->long_size = long_size;
	trc_fail(&m->page_header_fault, TRC_NOT_FOUND, TRC_NO_OFFSET, "header_page: of no file");
	rc = read_format(m, system, system_size, text, size, err);
	if (rc)
		trc_metadata_destroy(m);
	else
		*metadata = m;
	return rc;
}
