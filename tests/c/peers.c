/* SPDX-License-Identifier: MIT */
/*
 * Who took part in a traced session: peers HOST [GUEST...]
 *
 * The trace ID of each file; of each guest what the host knows of it, by each of the results
 * alone, too; and the reverse: whether a guest's file knows the host, or itself, as its guest.
 * Uses what the manual page tracecmd_get_traceid(3) describes and nothing else, so that it can be
 * built with libtracecmd and with the core of this project; both must print the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <trace-cmd.h>

/* Exit codes: 0, 1 a file cannot be opened, 2 wrong arguments, 3 the results contradict each other. */

static int contradiction(const char *what)
{
	printf("contradiction: %s\n", what);
	return 3;
}

/* Each result can be asked for alone; what is not wanted is NULL. */
static int check_single_results(struct tracecmd_input *host, unsigned long long id,
				const char *name, int vcpu_count, const int *cpu_pid)
{
	const char *name_again = NULL;
	const int *cpu_pid_again = NULL;
	int vcpu_count_again = -1;

	if (tracecmd_get_guest_cpumap(host, id, NULL, NULL, NULL) ||
	    tracecmd_get_guest_cpumap(host, id, &name_again, NULL, NULL) ||
	    tracecmd_get_guest_cpumap(host, id, NULL, &vcpu_count_again, NULL) ||
	    tracecmd_get_guest_cpumap(host, id, NULL, NULL, &cpu_pid_again))
		return contradiction("a guest was found only once");
	if (name_again != name || vcpu_count_again != vcpu_count || cpu_pid_again != cpu_pid)
		return contradiction("the same question had two answers");
	return 0;
}

/* What handle knows of the peer with this trace ID. */
static int print_map(struct tracecmd_input *handle, unsigned long long id)
{
	static const int untouched_pids;
	const char *name = "untouched";
	const int *cpu_pid = &untouched_pids;
	int vcpu_count = -7;
	int rc = tracecmd_get_guest_cpumap(handle, id, &name, &vcpu_count, &cpu_pid);

	if (rc) {
		printf(" not a guest of it (%d; %s, %d)\n", rc, name, vcpu_count);
		return cpu_pid == &untouched_pids ? 0 : contradiction("cpu_pid was touched");
	}
	printf(" guest \"%s\", %d vCPUs:", name, vcpu_count);
	for (int vcpu = 0; vcpu < vcpu_count; vcpu++)
		printf(" %d->%d", vcpu, cpu_pid[vcpu]);
	printf("\n");
	return check_single_results(handle, id, name, vcpu_count, cpu_pid);
}

static int print_guest(struct tracecmd_input *host, const char *path)
{
	struct tracecmd_input *guest = tracecmd_open_head(path, TRACECMD_FL_LOAD_NO_PLUGINS);
	unsigned long long id;
	int rc;

	if (!guest) {
		printf("%s: cannot be opened\n", path);
		return 1;
	}
	id = tracecmd_get_traceid(guest);
	printf("%s: trace ID 0x%llx\n  to the host:", path, id);
	rc = print_map(host, id);
	printf("  to itself:");
	if (!rc)
		rc = print_map(guest, id);
	printf("  the host to it:");
	if (!rc)
		rc = print_map(guest, tracecmd_get_traceid(host));
	tracecmd_close(guest);
	return rc;
}

int main(int argc, char **argv)
{
	struct tracecmd_input *host;
	int worst = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: peers HOST [GUEST...]\n");
		return 2;
	}
	host = tracecmd_open(argv[1], TRACECMD_FL_LOAD_NO_PLUGINS);
	if (!host) {
		printf("%s: cannot be opened\n", argv[1]);
		return 1;
	}
	printf("%s: trace ID 0x%llx\n  to itself:", argv[1], tracecmd_get_traceid(host));
	worst = print_map(host, tracecmd_get_traceid(host));
	printf("  trace ID 0:");
	if (!worst)
		worst = print_map(host, 0);
	for (int i = 2; i < argc; i++) {
		int rc = print_guest(host, argv[i]);

		if (rc > worst)
			worst = rc;
	}
	tracecmd_close(host);
	return worst;
}
