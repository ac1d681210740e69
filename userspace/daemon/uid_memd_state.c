// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * uid_memd: what has to be known after a crash
 *
 * For this load of the module the limits were restored already, and up to which
 * event all were forwarded. It is kept in a file that goes with the boot, mapped
 * shared: what was stored a moment before a kill -9 is there afterwards. It is
 * locked as well: of two daemons, each would undo what the other knows.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "uid_memd.h"

static struct state unshared;
struct state *state = &unshared;

/* Returns -1 where another daemon has it. */
int state_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	void *memory = MAP_FAILED;

	/* Not flock(): a child that has yet to execute its command would have that, too. */
	if (fd >= 0 && fcntl(fd, F_SETLK, &lock) && (errno == EAGAIN || errno == EACCES)) {
		say(PRIORITY_ERROR, "%s: another " NAME " runs and has locked it", path);
		return -1;
	}
	if (fd >= 0 && !ftruncate(fd, sizeof(*state)))
		memory = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		say(PRIORITY_WARNING, "%s: %s; when started again, it won't know which limits it has restored and "
		    "which events it has forwarded", path, strerror(errno));
	else
		state = memory;
	/* The descriptor stays open: it holds the lock. */
	return 0;
}

/*
 * The boot, and the module's directory in sysfs: its inode has another number
 * after each load.
 */
static void name_load(char *name, size_t size)
{
	char boot[37] = "";
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	struct stat directory = { 0 };

	if (fd >= 0) {
		if (read(fd, boot, sizeof(boot) - 1) < 0)
			boot[0] = '\0';
		close(fd);
	}
	if (stat("/sys/module/uid_mem", &directory))
		directory.st_ino = 0;
	snprintf(name, size, "%s %llu", boot, (unsigned long long)directory.st_ino);
}

bool state_is_of_this_load(void)
{
	char name[sizeof(state->load)];

	name_load(name, sizeof(name));
	return !strncmp(state->load, name, sizeof(name));
}

void state_begin_load(void)
{
	state->log_seq = 0;
	state->hook_seq = 0;
	name_load(state->load, sizeof(state->load));
}

/* The module has been unloaded, whatever the next one looks like. */
void state_forget_load(void)
{
	state->load[0] = '\0';
}
