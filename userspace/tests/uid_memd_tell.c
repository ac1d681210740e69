// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/* Tests what uid_memd --tell writes, and to whom. */
#include "../daemon/uid_memd_tell.c"

#include <stdlib.h>

static int failed;

static void is(const char *name, bool holds)
{
	printf("%s %s\n", holds ? "ok  " : "FAIL", name);
	failed |= !holds;
}

static void test_texts(void)
{
	char text[512];

	is("a kill", tell_text("seq=1 event=kill uid=1000 pid=7 comm=\"a b\" usage=104857600 max=104857600", text, sizeof(text)));
	is("says who was killed, and of what limit",
	   !strcmp(text, "\r\n\auid_mem: your process 7 (a b) was killed: your processes used 100 MiB of memory; the limit is 100 MiB.\r\n"));
	is("a process that was asked to end", tell_text("event=term uid=1 pid=7 comm=\"x\" usage=1 max=max", text, sizeof(text)));
	is("says so", strstr(text, "asked to end") && strstr(text, "no limit"));
	is("the high mark", tell_text("event=high uid=1 usage=12884901888 high=1 max=21474836480", text, sizeof(text)));
	is("says how much", strstr(text, "use 12.0 GiB of memory; the limit is 20.0 GiB"));
	is("another event", !tell_text("event=set uid=1 max=1", text, sizeof(text)));
	is("a name with control characters", tell_text("event=kill uid=1 pid=7 comm=\"\033[2J\" usage=1 max=1", text, sizeof(text)));
	is("has none of them", strstr(text, "(?[2J)") != NULL);
}

static void test_terminals(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	const char *path = master < 0 || grantpt(master) || unlockpt(master) ? NULL : ptsname(master);
	char got[64] = "";
	int slave;

	if (!path) {
		printf("ok   terminals # SKIP not applicable: there are no pseudo terminals\n");
		return;
	}
	slave = open(path, O_RDWR | O_NOCTTY);
	chmod(path, 0620);
	is("another user's terminal", !tell_terminal(path, getuid() + 1, "hello"));
	is("gets nothing", read(master, got, sizeof(got)) < 0);
	chmod(path, 0600);
	is("one with mesg n neither", !tell_terminal(path, getuid(), "hello") && read(master, got, sizeof(got)) < 0);
	chmod(path, 0620);
	is("the user's own", tell_terminal(path, getuid(), "hello"));
	is("gets the text", read(master, got, sizeof(got)) == 5 && !strncmp(got, "hello", 5));
	is("what is no terminal", !tell_terminal("/dev/null", 0, "hello"));
	is("or not there", !tell_terminal("/nonexistent", getuid(), "hello"));
	close(slave);
	close(master);
}

static void test_pause(void)
{
	is("the first time", !told_just_now(1000, true));
	is("not again at once", told_just_now(1000, true));
	is("another event", !told_just_now(1000, false));
	is("another user", !told_just_now(1001, true));
}

int main(void)
{
	test_texts();
	test_terminals();
	test_pause();
	return failed;
}
