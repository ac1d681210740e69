// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * uid_memd - limits at boot, events in the log, scans and metrics
 *
 * The limits are the kernel's: it enforces them whether this runs or not. So
 * this may crash and be killed; started again it goes on where it was.
 *
 * One process, one loop (serve()). It sleeps until there is an event, a signal,
 * or the time of a scan or of the metrics has come.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "uid_mem_proc.h"
#include "uid_memd.h"

#define DEFAULT_LIMITS		"/etc/uid_mem/limits"
#define ANDROID_LIMITS		"/data/local/uid_mem/limits"
#define STATE_DIRECTORY		"/run/uid_memd"
#define DEFAULT_STATE		STATE_DIRECTORY "/state"
/* /run is not on every Android; this goes with the boot as well. */
#define ANDROID_STATE		"/dev/uid_memd.state"

#define NS_PER_MS		1000000u
#define LEAST_INTERVAL_NS	NS_PER_MS
#define LEAST_TEXTFILE_NS	(100u * NS_PER_MS)
#define DEFAULT_TEXTFILE_NS	(15000ull * NS_PER_MS)

/* How long to wait for the module before looking again: more and more. */
#define FIRST_RETRY_MS		100
#define LAST_RETRY_MS		1000
/* However many are killed, the metrics are written this often for it. */
#define KILL_TEXTFILE_MS	1000

struct options options = {
	.policy = "default",
	.textfile_interval_ns = DEFAULT_TEXTFILE_NS,
};

static struct reader log_reader = { .fd = -1 }, hook_reader = { .fd = -1 }, reclaim_reader = { .fd = -1 };
static uint64_t reclaim_seq;		/* not kept: what is to be done shows in usage */
static int scan_fd = -1;
static int scan_timer = -1;
static bool stopping;
static bool log_again;			/* an event is known to be for the log, which had no room */
static uint64_t hooks_since;		/* CLOCK_BOOTTIME; kills before it are not for the command */
static int retry_ms = FIRST_RETRY_MS;
/* CLOCK_MONOTONIC in ms, or NEVER. */
static int64_t retry_at = NEVER;
static int64_t textfile_at = NEVER;
static int64_t textfile_written;

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / NS_PER_MS;
}

static uint64_t boottime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool module_is_loaded(void)
{
	return access(FEATURES_FILE, F_OK) == 0;
}

/* ---- events ---- */

static int event_priority(const struct field *event)
{
	static const struct {
		const char *event;
		int priority;
	} priorities[] = {
		{ "kill", PRIORITY_WARNING },
		{ "would_kill", PRIORITY_WARNING },
		{ "term", PRIORITY_WARNING },
		{ "would_term", PRIORITY_WARNING },
		{ "unkillable", PRIORITY_ERROR },
		{ "lost", PRIORITY_WARNING },
	};

	for (size_t i = 0; i < sizeof(priorities) / sizeof(priorities[0]); i++)
		if (value_is(event, priorities[i].event))
			return priorities[i].priority;
	return PRIORITY_INFO;
}

static void want_textfile_after_kill(void)
{
	int64_t soon = textfile_written + KILL_TEXTFILE_MS;

	if (options.textfile && soon < textfile_at)
		textfile_at = soon;
}

/* The same event comes again where the log had no room for it. */
static bool is_skipped(const char *line)
{
	if (!options.skip_kernel_log || log_again)
		return false;
	if (kernel_has_logged(line))
		return true;
	log_again = true;
	return false;
}

static bool take_for_log(const char *line, size_t length, uint64_t lost)
{
	struct field event = { 0 };

	find_field(line, "event", &event);
	if (!is_skipped(line) && !log_event(event_priority(&event), line, length))
		return false;
	log_again = false;
	state->lost += lost;
	if (value_is(&event, "unkillable"))
		state->unkillable++;
	if (value_is(&event, "kill"))
		want_textfile_after_kill();
	return true;
}

static bool wants_hook_reader(void)
{
	return options.on_kill || options.on_high || options.tell;
}

static bool take_for_hook(const char *line, size_t length, uint64_t lost)
{
	struct field event;
	bool kill, high;

	(void)length;
	if (lost)
		say(PRIORITY_WARNING, "--on-kill: %llu events were lost; kills may be among them", (unsigned long long)lost);
	if (!find_field(line, "event", &event) || find_number(line, "ts") < hooks_since)
		return true;
	kill = options.on_kill && value_is(&event, "kill");
	high = options.on_high && value_is(&event, "high");
	if ((kill || high) && !hook_has_room())
		return false;
	if (options.tell)
		tell_user(line);
	if (kill)
		hook_run("--on-kill", options.on_kill, line);
	if (high)
		hook_run("--on-high", options.on_high, line);
	return true;
}

static bool take_for_reclaim(const char *line, size_t length, uint64_t lost)
{
	struct field event;

	(void)length;
	(void)lost;
	if (find_field(line, "event", &event) && value_is(&event, "high"))
		reclaim_want((uint32_t)find_number(line, "uid"));
	return true;
}

/* ---- scans ---- */

static void set_scan_timer(uint64_t interval_ns)
{
	const struct timespec interval = {
		.tv_sec = (time_t)(interval_ns / 1000000000u),
		.tv_nsec = (long)(interval_ns % 1000000000u),
	};

	timerfd_settime(scan_timer, 0, &(struct itimerspec){ interval, interval }, NULL);
}

static void scan(void)
{
	static int told;
	uint64_t expirations;

	/* Those that were missed, where the system was too slow, are missed. */
	if (read(scan_timer, &expirations, sizeof(expirations)) < 0)
		return;
	if (write(scan_fd, options.policy, strlen(options.policy)) >= 0) {
		told = 0;
	} else if (errno != told) {
		told = errno;
		say(PRIORITY_ERROR, SCAN_FILE ": %s", strerror(errno));
	}
}

/* Is @name in the list of policies that the module has? */
static bool has_policy(const char *policies, size_t length, const char *name)
{
	const char *end = policies + length;
	size_t name_length = strlen(name);

	while (policies < end) {
		size_t one = strcspn(policies, ", \n");

		if (one == name_length && !memcmp(policies, name, one))
			return true;
		policies += one + 1;
	}
	return false;
}

static bool check_policy(void)
{
	struct file_text features;
	struct field policies;
	bool known = true;

	if (!options.interval_ns || !strcmp(options.policy, "default") || read_file_text(FEATURES_FILE, &features))
		return true;
	if (find_field(features.text, "policies", &policies) &&
	    !has_policy(policies.value, policies.value_length, options.policy)) {
		known = false;
		say(PRIORITY_ERROR, "--policy: there is no policy '%s'; the module has default,%.*s", options.policy,
		    (int)policies.value_length, policies.value);
	}
	free_file_text(&features);
	return known;
}

/* ---- the module comes and goes ---- */

static bool open_files(bool resumed)
{
	if (reader_open(&log_reader, &state->log_seq, resumed)) {
		if (errno != ENOENT)	/* else it is gone again */
			say(PRIORITY_ERROR, EVENTS_FILE ": %s%s", strerror(errno),
			    errno == EACCES ? "; run it as root" : "");
		return false;
	}
	if (wants_hook_reader() && reader_open(&hook_reader, &state->hook_seq, resumed))
		return false;
	reclaim_seq = 0;
	if (reader_open(&reclaim_reader, &reclaim_seq, false))
		return false;
	if (!options.interval_ns)
		return true;
	scan_fd = open(SCAN_FILE, O_WRONLY | O_CLOEXEC);
	if (scan_fd < 0 && errno != ENOENT)
		say(PRIORITY_ERROR, SCAN_FILE ": %s", strerror(errno));
	if (scan_fd >= 0)
		set_scan_timer(options.interval_ns);
	return scan_fd >= 0;
}

static void close_files(void)
{
	reader_close(&log_reader);
	reader_close(&hook_reader);
	reader_close(&reclaim_reader);
	if (scan_fd >= 0) {
		close(scan_fd);
		scan_fd = -1;
		set_scan_timer(0);
	}
}

/*
 * Begin with the module: limits first. What was restored before for the same
 * load of it is not restored again: it may have been changed since. That it was
 * is noted afterwards: twice is better than never.
 */
static bool attach(void)
{
	bool resumed = state_is_of_this_load();

	if (!module_is_loaded())
		return false;
	if (!resumed) {
		if (options.limits && restore_limits(options.limits, RESTORE_MISSING) < 0 && !module_is_loaded())
			return false;
		state_begin_load();
	}
	if (open_files(resumed))
		return true;
	close_files();
	return false;
}

static void wait_for_module(void)
{
	say(PRIORITY_NOTICE, "the module is not loaded; waiting for it");
	retry_ms = FIRST_RETRY_MS;
	retry_at = now_ms() + retry_ms;
}

static void detach(void)
{
	close_files();
	state_forget_load();
	wait_for_module();
	if (options.textfile)
		textfile_at = 0;
}

static void retry(void)
{
	if (attach()) {
		say(PRIORITY_NOTICE, "the module is loaded");
		retry_at = NEVER;
		if (options.textfile)
			textfile_at = 0;
		return;
	}
	retry_ms = retry_ms * 2 < LAST_RETRY_MS ? retry_ms * 2 : LAST_RETRY_MS;
	retry_at = now_ms() + retry_ms;
}

/* ---- the loop ---- */

static void restore_again(void)
{
	if (!options.limits)
		say(PRIORITY_NOTICE, "SIGHUP: --no-restore, nothing to do");
	else if (module_is_loaded())
		restore_limits(options.limits, RESTORE_ALL);
}

static void reap_children(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!reclaim_ended(pid, status))
			hook_ended(pid, status);
}

static void take_signal(int fd)
{
	struct signalfd_siginfo signal;

	if (read(fd, &signal, sizeof(signal)) != (ssize_t)sizeof(signal))
		return;
	switch (signal.ssi_signo) {
	case SIGCHLD:
		reap_children();
		break;
	case SIGHUP:
		restore_again();
		break;
	default:
		stopping = true;
	}
}

static void write_textfile(void)
{
	textfile_write(options.textfile);
	textfile_written = now_ms();
	textfile_at = textfile_written + (int64_t)(options.textfile_interval_ns / NS_PER_MS);
}

/* A kill that waited for a free place among the running commands, which there is now. */
static bool hook_goes_on(void)
{
	return reader_has_line(&hook_reader) && hook_has_room();
}

/* Until the next thing to do at a time, in ms; -1 for none. */
static int time_to_wait(void)
{
	int64_t next = retry_at < textfile_at ? retry_at : textfile_at, left;

	if (reclaim_due() < next)
		next = reclaim_due();
	left = next - now_ms();
	if (hook_goes_on())
		return 0;
	if (next == NEVER)
		return -1;
	if (left <= 0)
		return 0;
	return left > 3600000 ? 3600000 : (int)left;
}

static void run_readers(bool log, bool hook, bool reclaim)
{
	bool loaded = true;

	if (log)
		loaded &= reader_run(&log_reader, take_for_log);
	if (hook)
		loaded &= reader_run(&hook_reader, take_for_hook);
	if (reclaim)
		loaded &= reader_run(&reclaim_reader, take_for_reclaim);
	if (!loaded)
		detach();
}

static void serve(int signals)
{
	enum { SIGNALS, SCANS, LOG, HOOK, RECLAIM, NR };
	struct pollfd fds[NR] = {
		[SIGNALS] = { .fd = signals, .events = POLLIN },
		[SCANS] = { .fd = scan_timer, .events = POLLIN },
		[HOOK] = { .events = POLLIN },
		[RECLAIM] = { .events = POLLIN },
	};

	while (!stopping) {
		bool log_is_full = reader_has_line(&log_reader);

		fds[LOG].fd = log_is_full ? log_room_fd() : log_reader.fd;
		fds[LOG].events = log_is_full ? POLLOUT : POLLIN;
		fds[HOOK].fd = hook_has_room() ? hook_reader.fd : -1;
		fds[RECLAIM].fd = reclaim_reader.fd;
		if (poll(fds, NR, time_to_wait()) < 0)
			continue;
		if (fds[SIGNALS].revents)
			take_signal(signals);
		if (fds[SCANS].revents)
			scan();
		run_readers(fds[LOG].revents, fds[HOOK].revents || hook_goes_on(), fds[RECLAIM].revents);
		if (now_ms() >= reclaim_due())
			reclaim_run(now_ms());
		if (now_ms() >= retry_at)
			retry();
		if (now_ms() >= textfile_at)
			write_textfile();
	}
}

/* ---- options ---- */

static void print_help(void)
{
	printf("usage: uid_memd [OPTION]...\n"
	       "\n"
	       "Restores memory limits from their file, and writes what happens to them to the\n"
	       "system's log. Becomes a daemon. The kernel enforces limits without it. Needs root.\n"
	       "\n"
	       "  --limits FILE    the limits, in the grammar of " LIMITS_FILE "\n"
	       "                   (default: " DEFAULT_LIMITS ", or " ANDROID_LIMITS "\n"
	       "                   where that exists)\n"
	       "  --no-restore     leave the limits alone\n"
	       "  --restore-only   restore all limits of the file now, and exit\n"
	       "  --interval SECONDS   have the kernel scan all limited users so often, from 0.001 on\n"
	       "  --policy NAME    by which the scans choose whom to kill; one of " FEATURES_FILE "\n"
	       "                   (default: default, what each limit says)\n"
	       "  --textfile FILE  write metrics for node_exporter's textfile collector; FILE ends in .prom\n"
	       "  --textfile-interval SECONDS   how often, besides after a kill; from 0.1 on (default: 15)\n"
	       "  --on-kill COMMAND    run it with sh after each kill; the event is in its environment:\n"
	       "                   UID_MEM_UID, UID_MEM_PID, UID_MEM_COMM, UID_MEM_USAGE, UID_MEM_MAX, ...\n"
	       "  --on-high COMMAND    the same each time that a user is above their high mark\n"
	       "  --tell           write to the terminals of a user when they are above their high mark, and\n"
	       "                   when a process of theirs is killed\n"
	       "  --skip-kernel-log    leave out of the log the kills that the kernel has logged itself\n"
	       "  --no-wait        fail where the module is not loaded, instead of waiting for it\n"
	       "  --foreground     stay in the foreground, with messages on stderr\n"
	       "  --pidfile FILE   write the daemon's pid there; a second one does not start\n"
	       "  --state FILE     what is known after a crash, in a file system that goes with the\n"
	       "                   boot (default: " DEFAULT_STATE ")\n"
	       "  --help           this text\n"
	       "\n"
	       "Signals: SIGHUP restores all limits of the file, SIGTERM ends it. Exit status: 0 ended\n"
	       "by a signal, or restored; 1 the system refused something; 2 wrong arguments;\n"
	       "3 --restore-only: lines were refused, all others are in force.\n");
}

__attribute__((format(printf, 1, 2), noreturn))
static void misuse(const char *format, ...)
{
	va_list args;

	fprintf(stderr, NAME ": ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry '" NAME " --help'.\n");
	exit(EXIT_MISUSE);
}

/* A daemon is in another directory. */
static const char *absolute_path(const char *path)
{
	char *directory, *absolute;

	if (!*path)
		misuse("a file name is empty");
	if (*path == '/')
		return path;
	directory = getcwd(NULL, 0);
	if (!directory || asprintf(&absolute, "%s/%s", directory, path) < 0) {
		fprintf(stderr, NAME ": %s: %s\n", path, strerror(errno));
		exit(EXIT_FAILED);
	}
	free(directory);
	return absolute;
}

static bool is_policy_name(const char *name)
{
	return *name && strlen(name) < 64 && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

static uint64_t seconds_option(const char *name, const char *text, uint64_t least_ns)
{
	uint64_t ns;

	if (!parse_seconds(text, least_ns, &ns))
		misuse("%s '%s' is not a number of seconds from %g on", name, text, (double)least_ns / 1e9);
	return ns;
}

static const char *textfile_option(const char *path)
{
	size_t length = strlen(path);

	if (length < 6 || strcmp(path + length - 5, ".prom"))
		misuse("--textfile '%s' does not end in .prom, and node_exporter reads nothing else", path);
	return absolute_path(path);
}

static void set_defaults(bool no_restore, bool policy)
{
	if (policy && !options.interval_ns)
		misuse("--policy is for the scans of --interval");
	if (no_restore && (options.restore_only || options.limits))
		misuse("--no-restore goes with neither --limits nor --restore-only");
	if (!options.limits && !no_restore)
		options.limits = access(ANDROID_LIMITS, F_OK) ? DEFAULT_LIMITS : ANDROID_LIMITS;
	if (!options.state)
		options.state = access("/run", F_OK) ? ANDROID_STATE : DEFAULT_STATE;
}

static void parse_arguments(int argc, char **argv)
{
	enum { LIMITS = 1, NO_RESTORE, RESTORE_ONLY, INTERVAL, POLICY, TEXTFILE, TEXTFILE_INTERVAL, ON_KILL, ON_HIGH, TELL,
	       SKIP_KERNEL_LOG, NO_WAIT, FOREGROUND, PIDFILE, STATE, HELP };
	static const struct option names[] = {
		{ "limits", required_argument, NULL, LIMITS },
		{ "no-restore", no_argument, NULL, NO_RESTORE },
		{ "restore-only", no_argument, NULL, RESTORE_ONLY },
		{ "interval", required_argument, NULL, INTERVAL },
		{ "policy", required_argument, NULL, POLICY },
		{ "textfile", required_argument, NULL, TEXTFILE },
		{ "textfile-interval", required_argument, NULL, TEXTFILE_INTERVAL },
		{ "on-kill", required_argument, NULL, ON_KILL },
		{ "on-high", required_argument, NULL, ON_HIGH },
		{ "tell", no_argument, NULL, TELL },
		{ "skip-kernel-log", no_argument, NULL, SKIP_KERNEL_LOG },
		{ "no-wait", no_argument, NULL, NO_WAIT },
		{ "foreground", no_argument, NULL, FOREGROUND },
		{ "pidfile", required_argument, NULL, PIDFILE },
		{ "state", required_argument, NULL, STATE },
		{ "help", no_argument, NULL, HELP },
		{ 0 },
	};
	bool no_restore = false, policy = false;
	int option;

	while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
		switch (option) {
		case LIMITS:
			options.limits = absolute_path(optarg);
			break;
		case NO_RESTORE:
			no_restore = true;
			break;
		case RESTORE_ONLY:
			options.restore_only = true;
			break;
		case INTERVAL:
			options.interval_ns = seconds_option("--interval", optarg, LEAST_INTERVAL_NS);
			break;
		case POLICY:
			if (!is_policy_name(optarg))
				misuse("--policy '%s' is not the name of a policy", optarg);
			options.policy = optarg;
			policy = true;
			break;
		case TEXTFILE:
			options.textfile = textfile_option(optarg);
			break;
		case TEXTFILE_INTERVAL:
			options.textfile_interval_ns = seconds_option("--textfile-interval", optarg, LEAST_TEXTFILE_NS);
			break;
		case ON_KILL:
			options.on_kill = optarg;
			break;
		case ON_HIGH:
			options.on_high = optarg;
			break;
		case TELL:
			options.tell = true;
			break;
		case SKIP_KERNEL_LOG:
			options.skip_kernel_log = true;
			break;
		case NO_WAIT:
			options.no_wait = true;
			break;
		case FOREGROUND:
			options.foreground = true;
			break;
		case PIDFILE:
			options.pidfile = absolute_path(optarg);
			break;
		case STATE:
			options.state = absolute_path(optarg);
			break;
		case HELP:
		case 'h':
			print_help();
			exit(EXIT_FINE);
		default:	/* getopt_long has printed what is wrong */
			fprintf(stderr, "Try '" NAME " --help'.\n");
			exit(EXIT_MISUSE);
		}
	}
	if (optind < argc)
		misuse("unexpected argument '%s'", argv[optind]);
	set_defaults(no_restore, policy);
}

/* ---- from start to end ---- */

static int refuse_without_module(void)
{
	say(PRIORITY_ERROR, FEATURES_FILE ": %s; load the module with 'modprobe uid_mem'", strerror(ENOENT));
	return EXIT_FAILED;
}

static int restore_and_exit(void)
{
	int refused;

	if (!module_is_loaded())
		return refuse_without_module();
	refused = restore_limits(options.limits, RESTORE_ALL);
	if (refused < 0)
		return EXIT_FAILED;
	return refused ? EXIT_SOME_REFUSED : EXIT_FINE;
}

/* Signals come by a descriptor, so that none comes at a bad time. */
static int open_signals(void)
{
	sigset_t signals;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Returns false where there is no way to go on. */
static bool start(void)
{
	hooks_since = state_is_of_this_load() ? 0 : boottime_ns();
	if (!check_policy())
		return false;
	if (attach())
		return true;
	if (module_is_loaded())
		return false;
	if (options.no_wait) {
		refuse_without_module();
		return false;
	}
	wait_for_module();
	return true;
}

int main(int argc, char **argv)
{
	int signals;

	parse_arguments(argc, argv);
	if (options.restore_only)
		return restore_and_exit();

	if (!options.foreground) {
		log_open_syslog();
		process_daemonize();
	}
	signals = open_signals();
	scan_timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (signals < 0 || scan_timer < 0) {
		say(PRIORITY_ERROR, "signalfd or timerfd: %s", strerror(errno));
		return EXIT_FAILED;
	}
	if (!strcmp(options.state, DEFAULT_STATE))
		mkdir(STATE_DIRECTORY, 0700);	/* where that fails, so does what comes now */
	if (state_open(options.state))
		return EXIT_FAILED;
	process_protect();
	if (!start())
		return EXIT_FAILED;
	if (options.pidfile)
		process_write_pid();
	if (options.textfile)
		write_textfile();
	process_is_ready();
	serve(signals);

	reclaim_stop();
	say(PRIORITY_INFO, "ends");
	if (options.textfile)
		textfile_remove(options.textfile);
	process_end();
	return EXIT_FINE;
}
