/* SPDX-License-Identifier: MIT */
/*
 * iterate FILE ROUNDS count|merge THREADS mapped|fresh|read: the C core goes through all records of the
 * top buffer.
 *   count	trc_count(), slice by slice; two threads take the slices from one counter
 *   merge	trc_walk: time stamp, CPU, event id and pid of every record appended to four arrays;
 *		two threads take one half of the time each, and fill arrays of their own
 *   mapped	the file is open and the arrays are there: both were gone through once before the
 *		first round
 *   fresh	it is opened anew for each round, and pages that were read are given back
 *   read	the same without a mapping: TRC_OPEN_READ
 * Opening is not part of the time, but making the trace data ready is. The check is that of
 * peer/iterate.c.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "tracecmd.h"

#include "../measure.h"

#define SLICE_PAGES 4096
#define BATCH 16384
#define THREADS_MAX 64

struct recording {
	struct trc_file *file;
	struct trc_metadata *metadata;
	struct trc_data *data;
	size_t streams;		/* of the top buffer: they come first */
};

/* One thread's part of the work, and its results. */
struct job {
	const struct recording *recording;
	bool keep;		/* pages stay mapped */
	pthread_t thread;
	/* count */
	atomic_size_t *next_slice;
	uint64_t *counts;
	size_t records;
	/* merge */
	uint64_t start, end;
	bool until_last;
	uint64_t *ts;
	uint32_t *cpu, *id;
	int32_t *pid;
	size_t room;
};

/* --- opening --------------------------------------------------------------------------------- */

static void open_recording(const char *path, bool read, struct recording *recording)
{
	const struct trc_open_options options = { .flags = read ? TRC_OPEN_READ : 0 };
	struct trc_error err;

	if (trc_open(path, &options, &recording->file, &err) ||
	    trc_metadata_create(recording->file, &recording->metadata, &err))
		fail(path, err.message);
}

static void make_ready(struct recording *recording)
{
	struct trc_stream stream;
	struct trc_error err;

	if (trc_data_create(recording->file, recording->metadata, NULL, &recording->data, &err))
		fail("trc_data_create", err.message);
	recording->streams = 0;
	while (!trc_stream(recording->data, recording->streams, &stream, &err) && !stream.buffer)
		recording->streams++;
}

static void close_recording(struct recording *recording)
{
	trc_data_destroy(recording->data);
	trc_metadata_destroy(recording->metadata);
	trc_close(recording->file);
	recording->data = NULL;
}

/* --- count ----------------------------------------------------------------------------------- */

/* False: there are fewer slices. */
static bool find_slice(const struct recording *recording, size_t slice, size_t *stream,
		       uint64_t *first, uint64_t *count)
{
	for (*stream = 0; *stream < recording->streams; ++*stream) {
		struct trc_stream info;
		uint64_t slices;

		trc_stream(recording->data, *stream, &info, NULL);
		slices = (info.page_count + SLICE_PAGES - 1) / SLICE_PAGES;
		if (slice < slices) {
			*first = (uint64_t)slice * SLICE_PAGES;
			*count = info.page_count - *first;
			if (*count > SLICE_PAGES)
				*count = SLICE_PAGES;
			return true;
		}
		slice -= (size_t)slices;
	}
	return false;
}

static void *count(void *argument)
{
	struct job *job = argument;
	const struct recording *recording = job->recording;
	uint64_t first, pages;
	size_t stream;

	free(job->counts);
	job->counts = calloc(TRC_COUNT_IDS, sizeof(*job->counts));
	if (!job->counts)
		fail("calloc", "no memory");
	while (find_slice(recording, atomic_fetch_add(job->next_slice, 1), &stream, &first, &pages)) {
		struct trc_count result;
		struct trc_error err;

		if (trc_count(recording->data, stream, first, pages, job->counts, &result, &err))
			fail("trc_count", err.message);
		if (!job->keep && trc_stream_release(recording->data, stream, first, pages, &err))
			fail("trc_stream_release", err.message);
		job->records += (size_t)result.records;
	}
	return NULL;
}

/* --- merge ----------------------------------------------------------------------------------- */

/*
 * Room for all records that there can be, eight bytes each, of which only what is written becomes
 * memory: in huge pages, as tables have theirs, and never moved.
 */
static void *reserve(size_t room, size_t width)
{
	void *array = mmap(NULL, room * width, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (array == MAP_FAILED)
		fail("mmap", "no memory");
	madvise(array, room * width, MADV_HUGEPAGE);
	return array;
}

static void make_room(struct job *job)
{
	const struct recording *recording = job->recording;

	if (job->room)
		return;
	job->room = BATCH;
	for (size_t i = 0; i < recording->streams; i++) {
		struct trc_stream stream;

		trc_stream(recording->data, i, &stream, NULL);
		job->room += stream.page_count * (stream.page_size / 8);
	}
	job->ts = reserve(job->room, sizeof(*job->ts));
	job->cpu = reserve(job->room, sizeof(*job->cpu));
	job->id = reserve(job->room, sizeof(*job->id));
	job->pid = reserve(job->room, sizeof(*job->pid));
}

static void free_room(struct job *job)
{
	if (!job->room)
		return;
	munmap(job->ts, job->room * sizeof(*job->ts));
	munmap(job->cpu, job->room * sizeof(*job->cpu));
	munmap(job->id, job->room * sizeof(*job->id));
	munmap(job->pid, job->room * sizeof(*job->pid));
}

static struct trc_walk *make_walk(const struct job *job, uint32_t *cpus)
{
	const struct recording *recording = job->recording;
	struct trc_walk_source *sources = calloc(recording->streams, sizeof(*sources));
	struct trc_walk_options options = {
		.flags = job->keep ? TRC_WALK_KEEP_MAPPED : 0,
		.until_last = job->until_last,
		.start = job->start,
		.end = job->end,
	};
	struct trc_walk *walk;
	struct trc_error err;

	if (!sources)
		fail("calloc", "no memory");
	for (size_t i = 0; i < recording->streams; i++) {
		struct trc_stream stream;

		trc_stream(recording->data, i, &stream, NULL);
		sources[i] = (struct trc_walk_source){ .data = recording->data, .stream = i };
		cpus[i] = stream.cpu;
	}
	if (trc_walk_create(sources, recording->streams, &options, &walk, &err))
		fail("trc_walk_create", err.message);
	free(sources);
	return walk;
}

static void *merge(void *argument)
{
	struct job *job = argument;
	uint32_t *cpus = calloc(job->recording->streams, sizeof(*cpus));
	struct trc_walk *walk = make_walk(job, cpus);
	struct trc_batch batch;

	make_room(job);
	do {
		struct trc_error err;
		int rc;

		batch = (struct trc_batch){
			.room = BATCH,
			.ts = job->ts + job->records,
			.source = job->cpu + job->records,
			.id = job->id + job->records,
			.pid = job->pid + job->records,
		};
		while ((rc = trc_walk_next(walk, &batch, &err)) == TRC_GO_ON)
			continue;
		if (rc)
			fail("trc_walk_next", err.message);
		for (size_t i = 0; i < batch.count; i++)
			batch.source[i] = cpus[batch.source[i]];
		job->records += batch.count;
	} while (batch.count);
	trc_walk_destroy(walk);
	free(cpus);
	return NULL;
}

/* Two threads: the longest stream's middle page says where the time is cut in two. */
static void cut_time(const struct recording *recording, struct job *jobs, size_t threads)
{
	struct trc_stream longest = { 0 };
	struct trc_error err;
	size_t index = 0;

	for (size_t i = 0; i < recording->streams; i++) {
		struct trc_stream stream;

		trc_stream(recording->data, i, &stream, NULL);
		if (stream.page_count > longest.page_count) {
			longest = stream;
			index = i;
		}
	}
	for (size_t i = 1; i < threads; i++) {
		if (trc_stream_page_ts(recording->data, index, longest.page_count * i / threads,
				       &jobs[i].start, &err))
			fail("trc_stream_page_ts", err.message);
		jobs[i - 1].end = jobs[i].start;
	}
	jobs[threads - 1].until_last = true;
}

/* --- rounds ---------------------------------------------------------------------------------- */

static void run(const struct recording *recording, bool merging, bool keep, struct job *jobs,
		size_t threads)
{
	atomic_size_t next_slice = 0;

	for (size_t i = 0; i < threads; i++) {
		jobs[i].recording = recording;
		jobs[i].keep = keep;
		jobs[i].next_slice = &next_slice;
		jobs[i].records = 0;
	}
	if (merging)
		cut_time(recording, jobs, threads);
	for (size_t i = 1; i < threads; i++)
		if (pthread_create(&jobs[i].thread, NULL, merging ? merge : count, &jobs[i]))
			fail("pthread_create", "failed");
	(merging ? merge : count)(&jobs[0]);
	for (size_t i = 1; i < threads; i++)
		pthread_join(jobs[i].thread, NULL);
}

static void free_jobs(struct job *jobs, size_t threads)
{
	for (size_t i = 0; i < threads; i++) {
		free(jobs[i].counts);
		free_room(&jobs[i]);
		jobs[i] = (struct job){ 0 };
	}
}

static void print_check(const struct job *jobs, size_t threads)
{
	uint64_t sum = DIGEST_START;
	size_t records = 0;

	for (size_t id = 0; jobs->counts && id < TRC_COUNT_IDS - 1; id++) {
		uint64_t n = 0;

		for (size_t i = 0; i < threads; i++)
			n += jobs[i].counts[id];
		sum = digest(sum, n);
	}
	for (size_t i = 0; i < threads; i++) {
		const struct job *job = &jobs[i];

		for (size_t r = 0; job->ts && r < job->records; r++) {
			sum = digest(sum, job->ts[r]);
			sum = digest(sum, job->cpu[r]);
			sum = digest(sum, job->id[r]);
			sum = digest(sum, (uint32_t)job->pid[r]);
		}
		records += job->records;
	}
	printf("check %zu records, %" PRIx64 "\n", records, sum);
}

int main(int argc, char **argv)
{
	if (argc != 6 || (strcmp(argv[3], "count") && strcmp(argv[3], "merge")) ||
	    (strcmp(argv[5], "mapped") && strcmp(argv[5], "fresh") && strcmp(argv[5], "read")))
		fail(argv[0], "FILE ROUNDS count|merge THREADS mapped|fresh|read");
	long rounds = strtol(argv[2], NULL, 10);
	size_t threads = strtoul(argv[4], NULL, 10);
	bool merging = !strcmp(argv[3], "merge"), mapped = !strcmp(argv[5], "mapped");
	struct job jobs[THREADS_MAX] = { 0 };
	struct recording recording;

	if (!threads || threads > THREADS_MAX)
		fail(argv[4], "between 1 and 64 threads");
	print_memory_before();
	for (long i = mapped ? -1 : 0; i < rounds; i++) {
		bool opens = !mapped || i < 0;

		if (opens)
			open_recording(argv[1], !strcmp(argv[5], "read"), &recording);
		uint64_t start = now_ns(), cpu_start = cpu_now_ns();

		if (opens)
			make_ready(&recording);
		run(&recording, merging, mapped, jobs, threads);
		if (i >= 0) {
			print_round(start, now_ns());
			print_cpu(cpu_start, cpu_now_ns());
		}
		if (i == rounds - 1) {
			print_memory_after();
			print_check(jobs, threads);
		}
		if (!mapped || i == rounds - 1) {
			free_jobs(jobs, threads);
			close_recording(&recording);
		}
	}
	return 0;
}
