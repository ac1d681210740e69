// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Tests what uid_memd logs beside the kernel: no event is in neither log, and
 * where the kernel leaves out nothing each is in one. The kernel's limit on its
 * lines is that of ___ratelimit() with DEFAULT_RATELIMIT_*.
 */
#include "../daemon/uid_memd_forward.c"

#include <stdlib.h>

#define S	NS_PER_S

static char logged[1024];
static int failed;

bool log_line(int priority, const char *line, size_t length)
{
	(void)priority;
	snprintf(logged, sizeof(logged), "%.*s", (int)length, line);
	return true;
}

static void is(const char *name, bool holds)
{
	printf("%s %s\n", holds ? "ok  " : "FAIL", name);
	failed |= !holds;
}

static void forget(void)
{
	memset(uids, 0, sizeof(uids));
	unknown_until = 0;
	began = false;
}

struct kernel {
	uint64_t begin;
	int printed;
};

static bool kernel_logs(struct kernel *kernel, uint64_t ts)
{
	if (!kernel->begin || ts > kernel->begin + 5 * S) {
		kernel->begin = ts;
		kernel->printed = 0;
	}
	return kernel->printed++ < 10;
}

static bool daemon_logs(uint64_t seq, uint64_t ts, unsigned int uid)
{
	char line[128];

	snprintf(line, sizeof(line), "seq=%llu ts=%llu event=kill uid=%u pid=1", (unsigned long long)seq,
		 (unsigned long long)ts, uid);
	return !kernel_has_logged(line);
}

static void test_slow(void)
{
	struct kernel kernel = { 0 };
	int twice = 0, never = 0;

	forget();
	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t ts = S + i * S;
		bool theirs = kernel_logs(&kernel, ts), ours = daemon_logs(i, ts, 1000);

		twice += theirs && ours;
		never += !theirs && !ours;
	}
	is("a kill a second is in one log", !twice && !never);
}

static void test_bursts(void)
{
	static struct kernel kernels[100];
	uint64_t ts = S;
	int ours = 0, never = 0;

	forget();
	srand(1);
	for (uint64_t i = 0; i < 200000; i++) {
		/* More UIDs than are kept in mind, some of them busy. */
		unsigned int uid = (unsigned int)(rand() % (i / 1000 % 2 ? 100 : 3));
		bool daemons;

		ts += (uint64_t)rand() % (i / 5000 % 2 ? S : S / 50);
		daemons = daemon_logs(i, ts, uid + 1000);
		ours += daemons;
		never += !kernel_logs(&kernels[uid], ts) && !daemons;
	}
	is("no kill is in neither log", never == 0);
	is("in bursts there is something to add", ours > 0 && ours < 200000);
}

static void test_start(void)
{
	forget();
	is("after a start it is not known what the kernel has logged", daemon_logs(7, 9 * S, 1000));
	is("for some seconds", !daemon_logs(8, 20 * S, 1000));
	forget();
	is("but where it has seen the first event", !daemon_logs(0, 9 * S, 1000));
}

static void test_others(void)
{
	forget();
	is("other events are not the kernel's", !kernel_has_logged("seq=0 ts=9 event=unkillable uid=1000"));
	is("nor is a line without one", !kernel_has_logged("count=9"));
}

static void test_time(void)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME);
	time_t then;
	struct tm parts;
	char line[128], want[64];

	snprintf(line, sizeof(line), "seq=1 ts=%llu event=kill", (unsigned long long)now);
	log_event(6, line, strlen(line));
	is("an event of now is logged as it is", !strcmp(logged, line));
	log_event(6, "count=1", 7);
	is("so is a line without a time", !strcmp(logged, "count=1"));
	if (now < 3 * LATE_NS)
		return;		/* the machine has just booted */
	snprintf(line, sizeof(line), "seq=1 ts=%llu event=kill", (unsigned long long)(now - 2 * LATE_NS));
	log_event(6, line, strlen(line));
	/* The second may change in between. */
	then = (time_t)((clock_ns(CLOCK_REALTIME) - 2 * LATE_NS) / S);
	gmtime_r(&then, &parts);
	strftime(want, sizeof(want), " time=%Y-%m-%dT%H:%M:", &parts);
	is("one that has waited has its own time", strstr(logged, want) || parts.tm_sec < 2);
	is("at the end", !strncmp(logged, line, strlen(line)) && logged[strlen(logged) - 1] == 'Z');
}

int main(void)
{
	test_slow();
	test_bursts();
	test_start();
	test_others();
	test_time();
	return failed;
}
