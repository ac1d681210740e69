// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * stall_mm UID BYTES DIRECTORY - a process whose address space is locked
 *
 * A child of UID takes BYTES of memory. The file system of DIRECTORY is frozen, so
 * that a thread of the child that writes to a mapped file there waits with the
 * address space locked for reading, and another that changes this mapping waits
 * for the lock. Whoever else wants it has to wait behind that one. Prints
 * "stalled PID"; SIGTERM thaws the file system and ends the child.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	4096

static char *shared;	/* the mapped file */
static int ready;	/* where the child says that it is */

__attribute__((noreturn))
static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void wait_for_byte(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		exit(1);
}

static void *write_page(void *unused)
{
	(void)unused;
	*(volatile char *)shared = 1;
	return NULL;
}

/* Once the other one waits. From then on no new page of this program can be taken. */
static void *change_mapping(void *unused)
{
	(void)unused;
	mprotect(shared, PAGE, PROT_READ | PROT_WRITE);
	sleep(1);
	if (write(ready, "", 1) != 1)
		fail("write");
	mprotect(shared, PAGE, PROT_READ);
	return NULL;
}

/* Its stack takes the lock, too: before the lock is taken for good. */
static void start_thread(void *(*function)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, NULL))
		fail("pthread_create");
}

__attribute__((noreturn))
static void be_child(uid_t uid, size_t bytes, const char *file, int frozen)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, PAGE))
		fail(file);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED || shared == MAP_FAILED)
		fail("mmap");
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		fail("setresuid");
	for (size_t at = 0; at < bytes; at += PAGE)
		memory[at] = 1;
	if (write(ready, "", 1) != 1)
		fail("write");
	wait_for_byte(frozen);
	start_thread(change_mapping);
	start_thread(write_page);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	int frozen[2], told[2], directory, signal_number;
	char file[256];
	sigset_t term;
	pid_t pid;

	if (argc != 4) {
		fprintf(stderr, "usage: stall_mm UID BYTES DIRECTORY\n");
		return 2;
	}
	directory = open(argv[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0 || pipe(frozen) || pipe(told))
		fail(argv[3]);
	ready = told[1];
	snprintf(file, sizeof(file), "%s/stall", argv[3]);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	pid = fork();
	if (pid == 0)
		be_child((uid_t)atoi(argv[1]), strtoul(argv[2], NULL, 10), file, frozen[0]);
	close(told[1]);
	wait_for_byte(told[0]);
	if (ioctl(directory, FIFREEZE, 0))
		fail("FIFREEZE");
	if (write(frozen[1], "", 1) != 1)
		fail("write");
	wait_for_byte(told[0]);
	printf("stalled %d\n", (int)pid);
	fflush(stdout);
	sigwait(&term, &signal_number);
	if (ioctl(directory, FITHAW, 0))
		fail("FITHAW");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}
