/* SPDX-License-Identifier: MIT */
/* Texts that are put together only when they are read: what trace_printk() wrote. */
#include <stdlib.h>

#include "perfetto/perfetto.h"

static int create_report(struct trc_perfetto *perfetto)
{
	struct trc_report_file *files = calloc(perfetto->machine_count, sizeof(*files));
	struct trc_report_source *sources = calloc(perfetto->source_count, sizeof(*sources));
	int rc = TRC_NO_MEMORY;

	for (size_t i = 0; files && i < perfetto->machine_count; i++)
		files[i] = (struct trc_report_file){
			.file = perfetto->machines[i].metadata->file,
			.metadata = perfetto->machines[i].metadata,
			.symbols = perfetto->machines[i].symbols,
			.label = "",
		};
	for (size_t i = 0; sources && i < perfetto->source_count; i++)
		sources[i] = (struct trc_report_source){
			.file = (uint32_t)(perfetto->sources[i].buffer->machine - perfetto->machines),
			.buffer = perfetto->sources[i].buffer->number,
			.cpu = perfetto->sources[i].cpu,
		};
	if (files && sources)
		rc = trc_report_create(TRC_REPORT_EVENT_TEXT, files, perfetto->machine_count, sources,
				       perfetto->source_count, &perfetto->report, NULL);
	free(files);
	free(sources);
	return rc;
}

bool perfetto_text(struct trc_perfetto *perfetto, const struct walk_record *record, struct text *text)
{
	const struct trc_report_record in = {
		.payload = record->payload,
		.size = record->size,
		.source = record->source,
		.ts = record->ts,
	};
	int rc = perfetto->report ? TRC_OK : create_report(perfetto);

	*text = TEXT("");
	if (!rc)
		rc = trc_report_record(perfetto->report, &in, &text->start, &text->size, NULL);
	while (!rc && text->size && (text->start[text->size - 1] == '\n'))
		text->size--;
	if (rc)
		*text = TEXT("");
	return rc != TRC_NO_MEMORY;
}
