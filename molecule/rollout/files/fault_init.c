// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The init of an initial RAM disk that makes a good kernel fail its first boot. Which fault it is says the file /fault:
//
//   panic       the kernel panics (sysrq c), long before the root file system is mounted
//   no-root     the driver of the disk lets go of it, so that there is no root file system to mount; as its last process
//               ends, the kernel panics, as it does where it finds no root itself
//   no-network  the driver of the network card lets go of it; the system comes up, and nobody reaches it
//   hang        the system's own init hangs: PID 1 is there and never does anything
//
// Panic, missing disk and missing network card are real. What is made up is that a program caused them, not a driver
// that the kernel lacks.

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static const char root_device[] = "/dev/vda1";

// say FORMAT...: to the kernel's log, and so to the console.
static void say(const char *format, ...)
{
	char text[256];
	va_list arguments;
	FILE *log = fopen("/dev/kmsg", "w");

	if (!log)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fprintf(log, "<1>fault_init: %s\n", text);
	fclose(log);
}

// The kernel panics when init ends.
static void give_up(const char *what)
{
	say("%s: %m", what);
	exit(1);
}

static void write_text(const char *path, const char *text)
{
	int file = open(path, O_WRONLY);

	if (file < 0 || write(file, text, strlen(text)) < 0)
		give_up(path);
	close(file);
}

static void read_text(const char *path, char *text, size_t size)
{
	ssize_t length;
	int file = open(path, O_RDONLY);

	if (file < 0)
		give_up(path);
	length = read(file, text, size - 1);
	if (length < 0)
		give_up(path);
	text[length] = '\0';
	close(file);
}

// unbind DRIVER: it lets go of every device it has.
static void unbind(const char *driver)
{
	char path[128];
	struct dirent *entry;
	DIR *directory;
	int count = 0;

	snprintf(path, sizeof(path), "/sys/bus/virtio/drivers/%s", driver);
	directory = opendir(path);
	if (!directory)
		give_up(path);
	snprintf(path, sizeof(path), "/sys/bus/virtio/drivers/%s/unbind", driver);
	while ((entry = readdir(directory))) {
		if (strncmp(entry->d_name, "virtio", strlen("virtio")))
			continue;
		write_text(path, entry->d_name);
		count++;
	}
	closedir(directory);
	say("%s let go of %d devices", driver, count);
}

static void mount_root(void)
{
	mkdir("/new", 0755);
	if (mount(root_device, "/new", "ext4", MS_RDONLY, NULL))
		give_up("the root file system can't be mounted");
}

static void enter_root(void)
{
	umount2("/proc", MNT_DETACH);
	umount2("/sys", MNT_DETACH);
	if (chdir("/new") || mount("/dev", "dev", NULL, MS_MOVE, NULL) || mount(".", "/", NULL, MS_MOVE, NULL) || chroot("."))
		give_up("the root file system can't be changed to");
}

// In the new root: this program takes the place of systemd, which an init that the command line names would start after
// it has done its own part.
static void replace_init_by(int program)
{
	char source[64], target[PATH_MAX];

	snprintf(source, sizeof(source), "/proc/self/fd/%d", program);
	if (!realpath("/sbin/init", target) || mount("proc", "/proc", "proc", 0, NULL) ||
	    mount(source, target, NULL, MS_BIND, NULL) || umount("/proc"))
		give_up("the system's init can't be replaced");
	say("%s will hang", target);
}

// The system goes on as if there had been no initial RAM disk.
static void run(const char *init)
{
	execl(init, init, NULL);
	give_up(init);
}

int main(int argc, char **argv)
{
	char fault[32], line[4096], *word, *init = "/sbin/init";
	int self = open("/init", O_PATH | O_CLOEXEC);

	// Started in place of the system's init, by its name.
	if (argc > 0 && strcmp(argv[0], "/init")) {
		say("init hangs");
		for (;;)
			pause();
	}
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	if (mount("proc", "/proc", "proc", 0, NULL) || mount("sysfs", "/sys", "sysfs", 0, NULL) ||
	    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL))
		return 1;
	read_text("/fault", fault, sizeof(fault));
	say("%s", fault);
	read_text("/proc/cmdline", line, sizeof(line));
	for (word = strtok(line, " \n"); word; word = strtok(NULL, " \n"))
		if (!strncmp(word, "init=", strlen("init=")))
			init = word + strlen("init=");
	if (!strcmp(fault, "panic")) {
		write_text("/proc/sysrq-trigger", "c");
	} else if (!strcmp(fault, "no-root")) {
		unbind("virtio_blk");
		mount_root();
	} else if (!strcmp(fault, "no-network")) {
		unbind("virtio_net");
		mount_root();
		enter_root();
		run(init);
	} else if (!strcmp(fault, "hang")) {
		mount_root();
		enter_root();
		replace_init_by(self);
		run(init);
	}
	give_up("no such fault");
}
