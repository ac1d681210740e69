/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of uid_memd; what each is for is said at the head of its file. */
#ifndef UID_MEMD_H
#define UID_MEMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define NAME	"uid_memd"

/* As a time in ms. */
#define NEVER	INT64_MAX

enum {
	EXIT_FINE = 0,
	EXIT_FAILED = 1,	/* what the system refused */
	EXIT_MISUSE = 2,	/* what was asked for makes no sense */
	EXIT_SOME_REFUSED = 3,	/* --restore-only: lines of the file were refused */
};

struct options {
	const char *limits;		/* NULL: restore nothing */
	const char *state;
	const char *pidfile;		/* these are NULL where not wanted */
	const char *textfile;
	const char *on_kill;
	const char *on_high;
	const char *policy;
	uint64_t interval_ns;		/* 0: no scans */
	uint64_t textfile_interval_ns;
	bool foreground;
	bool no_wait;
	bool skip_kernel_log;
	bool tell;
	bool restore_only;
};

/* uid_memd.c: the options */
extern struct options options;

/* uid_memd_log.c */
enum {
	PRIORITY_ERROR = 3,
	PRIORITY_WARNING = 4,
	PRIORITY_NOTICE = 5,
	PRIORITY_INFO = 6,
};

void log_open_syslog(void);
void log_leave_stderr(void);
bool log_line(int priority, const char *line, size_t length);
int log_room_fd(void);
__attribute__((format(printf, 2, 3)))
void say(int priority, const char *format, ...);

/* uid_memd_state.c */
struct state {
	char load[64];		/* which load of the module the rest is about */
	uint64_t log_seq;	/* of the next event for the log */
	uint64_t hook_seq;	/* of the next event for the command */
	uint64_t lost;		/* events nobody has forwarded */
	uint64_t reclaimed;	/* bytes that were paged out */
	uint64_t unkillable;	/* events of this type that were forwarded */
	uint64_t restore_failed;	/* the last restore, as a whole */
	uint64_t restore_refused;	/* lines, at the last restore */
};

extern struct state *state;

int state_open(const char *path);
bool state_is_of_this_load(void);
void state_begin_load(void);
void state_forget_load(void);

/* uid_memd_restore.c */
enum restore_how {
	RESTORE_ALL,		/* what the file says replaces what is there */
	RESTORE_MISSING,	/* what is there stays */
};

int restore_limits(const char *path, enum restore_how how);

/* uid_memd_events.c */
struct reader {
	int fd;			/* -1: closed */
	uint64_t *next_seq;
	bool resumed;		/* next_seq is known from before */
	size_t start, end;	/* of what is in the buffer */
	char buffer[4096];
};

/* What a reader does with an event; false: not now, give it to me again. */
typedef bool take_event(const char *line, size_t length, uint64_t lost);

int reader_open(struct reader *reader, uint64_t *next_seq, bool resumed);
void reader_close(struct reader *reader);
bool reader_has_line(const struct reader *reader);
bool reader_run(struct reader *reader, take_event *take);

/* uid_memd_forward.c */
bool kernel_has_logged(const char *line);
bool log_event(int priority, const char *line, size_t length);

/* uid_memd_hook.c */
bool hook_has_room(void);
void hook_run(const char *option, const char *command, const char *event);
void hook_ended(pid_t pid, int status);

/* uid_memd_tell.c */
void tell_user(const char *line);

/* uid_memd_pageout.c */
enum pageout_result {
	PAGEOUT_NOT_NEEDED,	/* usage is not above high */
	PAGEOUT_BELOW,		/* usage is below it now */
	PAGEOUT_COUNTED,	/* it would be, if swap did not count */
	PAGEOUT_NOTHING_MORE,	/* and usage is above high */
	PAGEOUT_LATE,		/* what was paged out comes back */
	PAGEOUT_REFUSED,	/* by the system: see its error */
};

struct pageout_order {
	uint32_t uid;
	uint64_t high;
	bool counts_swap;
};

/* Shared between the child that pages out and the daemon. */
struct pageout_progress {
	_Atomic uint64_t steps;		/* grows while it gets on */
	_Atomic uint64_t reclaimed;	/* bytes */
	_Atomic int pid;		/* of the process it works on */
	_Atomic int error;
	_Atomic bool no_swap;
};

enum pageout_result pageout_run(const struct pageout_order *what, struct pageout_progress *how);

/* uid_memd_reclaim.c */
void reclaim_want(uint32_t uid);
int64_t reclaim_due(void);
void reclaim_run(int64_t now);
bool reclaim_ended(pid_t pid, int status);
void reclaim_stop(void);

/* uid_memd_health.c */
void health_print(FILE *out);

/* uid_memd_textfile.c */
void metric_head(FILE *out, const char *name, const char *type, const char *help);
void textfile_write(const char *path);
void textfile_remove(const char *path);

/* uid_memd_process.c */
void process_daemonize(void);
void process_is_ready(void);
void process_write_pid(void);
void process_protect(void);
void process_unprotect(void);
void process_drop_reclaim(void);
void process_end(void);

#endif
