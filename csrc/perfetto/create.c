/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "perfetto/perfetto.h"
#include "perfetto/schema.h"

#define BUNDLES_MOST ((size_t)16 << 20) /* bytes of all bundles together, about */
#define BUNDLE_MOST ((size_t)32 << 10)
#define BUNDLE_LEAST ((size_t)2 << 10)

static int create_machine(struct perfetto_machine *machine, const struct trc_perfetto_machine *in,
			  struct trc_error *err)
{
	machine->metadata = in->metadata;
	machine->symbols = in->symbols;
	machine->machine_id = in->machine_id;
	machine->sequence_id = in->sequence_id;
	machine->preferred = in->buffers;
	machine->preferred_count = in->buffers ? in->buffers_count : 0;
	names_init(&machine->names, in->symbols ? &in->symbols->kallsyms : NULL);
	output_init(&machine->descriptors);
	machine->typed_ids = calloc(schema_table.count, sizeof(*machine->typed_ids));
	return machine->typed_ids ? TRC_OK : trc_fail_no_memory(err);
}

/* The buffer of a machine by its number; of_machine is where those of each machine begin. */
static int find_buffer(struct trc_perfetto *perfetto, const struct trc_perfetto_source *in,
		       struct perfetto_buffer *buffer, struct trc_error *err)
{
	size_t size = strlen(in->instance);
	char *copy;

	if (buffer->machine)
		return TRC_OK;
	copy = arena_alloc(&perfetto->arena, size + 1);
	if (!copy)
		return trc_fail_no_memory(err);
	memcpy(copy, in->instance, size + 1);
	buffer->machine = &perfetto->machines[in->machine];
	buffer->number = in->buffer;
	buffer->instance = (struct text){ copy, size };
	return TRC_OK;
}

static int create_bundle(struct perfetto_machine *machine, uint32_t cpu, struct trc_error *err)
{
	if (machine->cpus[cpu])
		return TRC_OK;
	machine->cpus[cpu] = malloc(sizeof(*machine->cpus[cpu]));
	if (!machine->cpus[cpu])
		return trc_fail_no_memory(err);
	bundle_init(machine->cpus[cpu], cpu);
	return TRC_OK;
}

/* How many buffers each machine has, and where its begin among all of them; [machine_count + 1] */
static size_t *count_buffers(const struct trc_perfetto_source *sources, size_t source_count,
			     size_t machine_count)
{
	size_t *first = calloc(machine_count + 1, sizeof(*first));

	for (size_t i = 0; first && i < source_count; i++) {
		size_t *count = &first[sources[i].machine + 1];

		if (sources[i].buffer >= *count)
			*count = (size_t)sources[i].buffer + 1;
	}
	for (size_t i = 0; first && i < machine_count; i++)
		first[i + 1] += first[i];
	return first;
}

static int create_sources(struct trc_perfetto *perfetto, const struct trc_perfetto_source *in,
			  const size_t *first, struct trc_error *err)
{
	perfetto->buffer_count = first[perfetto->machine_count];
	perfetto->buffers = calloc(perfetto->buffer_count + 1, sizeof(*perfetto->buffers));
	perfetto->sources = calloc(perfetto->source_count + 1, sizeof(*perfetto->sources));
	if (!perfetto->buffers || !perfetto->sources)
		return trc_fail_no_memory(err);
	for (size_t i = 0; i < perfetto->machine_count; i++) {
		perfetto->machines[i].buffers = perfetto->buffers + first[i];
		perfetto->machines[i].buffer_count = first[i + 1] - first[i];
	}
	for (size_t i = 0; i < perfetto->source_count; i++) {
		struct perfetto_source *source = &perfetto->sources[i];
		struct perfetto_machine *machine = &perfetto->machines[in[i].machine];
		int rc;

		source->buffer = &perfetto->buffers[first[in[i].machine] + in[i].buffer];
		source->cpu = in[i].cpu;
		rc = find_buffer(perfetto, &in[i], source->buffer, err);
		if (!rc && source->cpu < CPU_COUNT) {
			rc = create_bundle(machine, source->cpu, err);
			source->bundle = machine->cpus[source->cpu];
		}
		if (rc)
			return rc;
	}
	return TRC_OK;
}

static void choose_bundle_size(struct trc_perfetto *perfetto)
{
	size_t share = BUNDLES_MOST / (perfetto->source_count + 1);

	perfetto->bundle_most = share > BUNDLE_MOST  ? BUNDLE_MOST :
				share < BUNDLE_LEAST ? BUNDLE_LEAST :
						       share;
}

static int fill(struct trc_perfetto *perfetto, const struct trc_perfetto_machine *machines,
		const struct trc_perfetto_source *sources, struct trc_error *err)
{
	size_t *first;
	int rc = TRC_OK;

	perfetto->machines = calloc(perfetto->machine_count + 1, sizeof(*perfetto->machines));
	if (!perfetto->machines)
		return trc_fail_no_memory(err);
	for (size_t i = 0; !rc && i < perfetto->machine_count; i++)
		rc = create_machine(&perfetto->machines[i], &machines[i], err);
	if (rc)
		return rc;
	for (size_t i = 0; i < perfetto->source_count; i++) {
		if (sources[i].machine >= perfetto->machine_count)
			return trc_fail(err, TRC_ARGUMENT, TRC_NO_OFFSET, "perfetto: there is no machine %u",
					sources[i].machine);
	}
	first = count_buffers(sources, perfetto->source_count, perfetto->machine_count);
	if (!first)
		return trc_fail_no_memory(err);
	rc = create_sources(perfetto, sources, first, err);
	free(first);
	choose_bundle_size(perfetto);
	return rc;
}

int trc_perfetto_create(const struct trc_perfetto_machine *machines, size_t machine_count,
			const struct trc_perfetto_source *sources, size_t source_count,
			struct trc_perfetto **out, struct trc_error *err)
{
	struct trc_perfetto *perfetto = calloc(1, sizeof(*perfetto));
	int rc;

	if (!perfetto)
		return trc_fail_no_memory(err);
	output_init(&perfetto->out);
	output_init(&perfetto->packet);
	perfetto->machine_count = machine_count;
	perfetto->source_count = source_count;
	rc = fill(perfetto, machines, sources, err);
	if (rc) {
		trc_perfetto_destroy(perfetto);
		return rc;
	}
	*out = perfetto;
	return TRC_OK;
}

static void machine_deinit(struct perfetto_machine *machine)
{
	names_deinit(&machine->names);
	output_deinit(&machine->descriptors);
	free(machine->owners);
	free(machine->typed_ids);
	free(machine->unknown);
	for (size_t i = 0; i < CPU_COUNT; i++) {
		if (machine->cpus[i])
			bundle_deinit(machine->cpus[i]);
		free(machine->cpus[i]);
	}
}

void trc_perfetto_destroy(struct trc_perfetto *perfetto)
{
	if (!perfetto)
		return;
	for (size_t i = 0; perfetto->machines && i < perfetto->machine_count; i++)
		machine_deinit(&perfetto->machines[i]);
	for (size_t i = 0; perfetto->buffers && i < perfetto->buffer_count; i++)
		free(perfetto->buffers[i].plans);
	trc_report_destroy(perfetto->report);
	free(perfetto->machines);
	free(perfetto->buffers);
	free(perfetto->sources);
	output_deinit(&perfetto->out);
	output_deinit(&perfetto->packet);
	arena_deinit(&perfetto->arena);
	free(perfetto);
}
