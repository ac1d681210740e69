// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The first process of the virtual device with the profile "android": mounts
 * what there is to mount, and runs the services of the files
 * /system/etc/init/NAME.rc and /vendor/etc/init/NAME.rc.
 *
 * These are in Android's init language, of which it knows one section,
 *
 *   service NAME PATH [ARGUMENT]...
 *
 * and in it: class, user, group, oneshot, disabled, setenv, oom_score_adjust,
 * capabilities (with user root), restart_period; seclabel means nothing on this
 * kernel. Words are divided by blanks, # begins a comment, and there is no
 * quoting. What it does not know is named in the kernel log, and the service
 * it is in is not run: half of what a file says is not done.
 *
 * The classes core, main and late_start are started in this order, one behind
 * the other without a wait. A service that ends, however it does, is started
 * again when restart_period seconds (5) have passed since its last start, unless
 * it is oneshot or was stopped. What it has left behind of its process group
 * ends with it.
 *
 * "start NAME" and "stop NAME", lines written to /dev/init/control, do what they
 * say; /dev/init/svc/NAME is running, restarting or stopped, as the property
 * init.svc.NAME of Android. SIGTERM reboots, SIGUSR2 switches off, SIGUSR1 halts:
 * what toybox's reboot, poweroff and halt send.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONTROL		"/dev/init/control"
#define STATES		"/dev/init/svc"
#define DATA_DISK	"/dev/vdb"
#define MAX_WORDS	32
#define MAX_SERVICES	64
#define RESTART_PERIOD	5
/* How long services have to end before a reboot. */
#define PATIENCE_MS	3000

/* linux/ext4.h is not for user space. */
#define EXT4_IOC_RESIZE_FS	_IOW('f', 16, uint64_t)

struct service {
	char *name;
	char *words[MAX_WORDS + 1];
	char *class;
	char *environment[MAX_WORDS + 1];
	int nr_environment;
	uid_t uid;
	gid_t gid;
	gid_t groups[MAX_WORDS];
	int nr_groups;
	uint64_t capabilities;
	bool limits_capabilities;
	char *oom_score_adjust;
	int restart_period;
	bool oneshot, disabled, broken;
	bool wanted;
	pid_t pid;
	int64_t started_ms;
};

static struct service services[MAX_SERVICES];
static int nr_services;

/* In the order of their numbers. */
static const char *const capability_names[] = {
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
	"LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
	"SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
	"SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
	"MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
	"CHECKPOINT_RESTORE",
};
#define NR_CAPABILITIES	((int)(sizeof(capability_names) / sizeof(*capability_names)))

static const struct {
	const char *name;
	unsigned int id;
} users[] = {
	{ "root", 0 }, { "system", 1000 }, { "log", 1007 }, { "shell", 2000 }, { "inet", 3003 },
	{ "readproc", 3009 }, { "nobody", 9999 },
};

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One write() is one line of the kernel log. */
static void note(const char *format, ...)
{
	static int log = -1;
	char line[512];
	va_list arguments;
	int length;

	if (log < 0)
		log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	length = snprintf(line, sizeof(line), "<5>init: ");
	va_start(arguments, format);
	length += vsnprintf(line + length, sizeof(line) - length, format, arguments);
	va_end(arguments);
	if (length > (int)sizeof(line) - 1)
		length = sizeof(line) - 1;
	if (write(log, line, length) < 0)
		return;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void write_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (file < 0 || write(file, text, strlen(text)) < 0)
		note("%s cannot be written: %s", path, strerror(errno));
	close(file);
}

/* ---- file systems -------------------------------------------------------- */

static void make_directory(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	if ((mkdir(path, mode) && errno != EEXIST) || chown(path, uid, gid) || chmod(path, mode))
		note("%s cannot be made: %s", path, strerror(errno));
}

static void mount_at(const char *what, const char *where, const char *type, unsigned long flags, const char *options)
{
	if (mount(what, where, type, flags, options) && errno != EBUSY)
		note("%s cannot be mounted: %s", where, strerror(errno));
}

/* The disk may be larger than the file system was made. */
static void grow_data(void)
{
	int disk = open(DATA_DISK, O_RDONLY | O_CLOEXEC), data = open("/data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t bytes, blocks;
	int block_size;

	if (ioctl(disk, BLKGETSIZE64, &bytes) == 0 && ioctl(data, FIGETBSZ, &block_size) == 0) {
		blocks = bytes / block_size;
		if (ioctl(data, EXT4_IOC_RESIZE_FS, &blocks))
			note("/data does not grow: %s", strerror(errno));
	}
	close(disk);
	close(data);
}

/*
 * /vendor can be written to and lasts, as after "adb remount"; the rest of the
 * system cannot.
 */
static void mount_all(void)
{
	mount_at("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, NULL);
	make_directory("/dev/pts", 0755, 0, 0);
	mount_at("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "mode=0600,ptmxmode=0666");
	make_directory("/dev/init", 0755, 0, 0);
	make_directory(STATES, 0755, 0, 0);
	mount_at(DATA_DISK, "/data", "ext4", MS_NOSUID | MS_NODEV | MS_NOATIME, "errors=panic");
	grow_data();
	make_directory("/data", 0771, 1000, 1000);
	make_directory("/data/local", 0751, 0, 0);
	make_directory("/data/local/tmp", 0771, 2000, 2000);
	make_directory("/data/overlay", 0700, 0, 0);
	make_directory("/data/overlay/vendor", 0755, 0, 0);
	make_directory("/data/overlay/vendor/etc", 0755, 0, 0);
	make_directory("/data/overlay/vendor/etc/init", 0755, 0, 0);
	mount_at("/data/overlay/vendor", "/vendor", NULL, MS_BIND, NULL);
}

/* ---- the init language --------------------------------------------------- */

static bool parse_id(const char *word, unsigned int *id)
{
	char *end;

	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++) {
		if (!strcmp(users[i].name, word)) {
			*id = users[i].id;
			return true;
		}
	}
	errno = 0;
	*id = strtoul(word, &end, 10);
	return !errno && end != word && !*end;
}

static bool parse_group(struct service *service, char **words, int count)
{
	if (count < 2 || !parse_id(words[1], &service->gid))
		return false;
	for (int i = 2; i < count; i++) {
		if (!parse_id(words[i], &service->groups[service->nr_groups++]))
			return false;
	}
	return true;
}

static bool parse_capabilities(struct service *service, char **words, int count)
{
	service->limits_capabilities = true;
	for (int i = 1; i < count; i++) {
		int number = 0;

		while (number < NR_CAPABILITIES && strcmp(capability_names[number], words[i]))
			number++;
		if (number == NR_CAPABILITIES)
			return false;
		service->capabilities |= 1ULL << number;
	}
	return true;
}

static bool parse_setenv(struct service *service, char **words, int count)
{
	return count == 3 && service->nr_environment < MAX_WORDS &&
	       asprintf(&service->environment[service->nr_environment++], "%s=%s", words[1], words[2]) > 0;
}

static bool parse_period(struct service *service, const char *word)
{
	char *end;

	service->restart_period = strtol(word, &end, 10);
	return end != word && !*end && service->restart_period >= 0;
}

static bool parse_option(struct service *service, char **words, int count)
{
	const char *option = words[0];

	if (!strcmp(option, "oneshot") && count == 1)
		return service->oneshot = true;
	if (!strcmp(option, "disabled") && count == 1)
		return service->disabled = true;
	if (!strcmp(option, "seclabel") && count == 2)
		return true;
	if (!strcmp(option, "class") && count == 2)
		return (service->class = strdup(words[1]));
	if (!strcmp(option, "user") && count == 2)
		return parse_id(words[1], &service->uid);
	if (!strcmp(option, "group"))
		return parse_group(service, words, count);
	if (!strcmp(option, "setenv"))
		return parse_setenv(service, words, count);
	if (!strcmp(option, "capabilities"))
		return parse_capabilities(service, words, count);
	if (!strcmp(option, "oom_score_adjust") && count == 2)
		return (service->oom_score_adjust = strdup(words[1]));
	if (!strcmp(option, "restart_period") && count == 2)
		return parse_period(service, words[1]);
	return false;
}

static struct service *find_service(const char *name)
{
	for (int i = 0; i < nr_services; i++) {
		if (!strcmp(services[i].name, name))
			return &services[i];
	}
	return NULL;
}

static struct service *parse_service(char **words, int count)
{
	struct service *service = &services[nr_services];

	if (count < 3 || nr_services == MAX_SERVICES || find_service(words[1]) || strchr(words[1], '/'))
		return NULL;
	nr_services++;
	service->name = strdup(words[1]);
	service->class = "default";
	service->restart_period = RESTART_PERIOD;
	for (int i = 2; i < count; i++)
		service->words[i - 2] = strdup(words[i]);
	return service;
}

static int split(char *line, char **words)
{
	int count = 0;

	line[strcspn(line, "#\n")] = '\0';
	for (char *word = strtok(line, " \t\r"); word && count < MAX_WORDS; word = strtok(NULL, " \t\r"))
		words[count++] = word;
	return count;
}

static void read_rc(const char *path)
{
	struct service *service = NULL;
	char line[4096], *words[MAX_WORDS + 1];
	FILE *file = fopen(path, "re");

	if (!file)
		note("%s cannot be read: %s", path, strerror(errno));
	for (int number = 1; file && fgets(line, sizeof(line), file); number++) {
		int count = split(line, words);

		if (!count)
			continue;
		if (!strcmp(words[0], "service")) {
			service = parse_service(words, count);
			if (!service)
				note("%s, line %d: not a service, or one of a name that there is", path, number);
		} else if (!service) {
			note("%s, line %d: '%s' is not known here", path, number, words[0]);
		} else if (!parse_option(service, words, count)) {
			note("%s, line %d: '%s' is not understood; %s is not run", path, number, words[0], service->name);
			service->broken = true;
		}
	}
	if (file)
		fclose(file);
}

static int is_rc(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 3 && !strcmp(entry->d_name + length - 3, ".rc");
}

static void read_directory(const char *directory)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, is_rc, alphasort);
	char *path;

	for (int i = 0; i < count; i++) {
		if (asprintf(&path, "%s/%s", directory, entries[i]->d_name) > 0) {
			read_rc(path);
			free(path);
		}
	}
}

/* ---- services ------------------------------------------------------------ */

static void tell_state(const struct service *service)
{
	char *path;

	if (asprintf(&path, STATES "/%s", service->name) < 0)
		return;
	write_file(path, service->pid ? "running\n" : service->wanted ? "restarting\n" : "stopped\n");
	free(path);
}

/* Root's capabilities at exec are those of the bounding set. */
static int keep_capabilities(const struct service *service)
{
	for (int number = 0; number < NR_CAPABILITIES; number++) {
		if (!(service->capabilities >> number & 1) && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) && errno != EINVAL)
			return -1;
	}
	return 0;
}

static void __attribute__((noreturn)) become_service(struct service *service)
{
	static char *const common[] = {
		"PATH=/system/bin", "ANDROID_ROOT=/system", "ANDROID_DATA=/data", "TMPDIR=/data/local/tmp", "LC_ALL=C",
	};
	int nr_common = sizeof(common) / sizeof(*common);
	char *environment[MAX_WORDS + 8] = { NULL };
	sigset_t none;

	memcpy(environment, common, sizeof(common));
	memcpy(environment + nr_common, service->environment, sizeof(*environment) * service->nr_environment);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (service->oom_score_adjust)
		write_file("/proc/self/oom_score_adj", service->oom_score_adjust);
	if ((service->limits_capabilities && keep_capabilities(service)) ||
	    setgroups(service->nr_groups, service->groups) || setgid(service->gid) || setuid(service->uid)) {
		note("%s: its rights cannot be set: %s", service->name, strerror(errno));
		_exit(126);
	}
	execve(service->words[0], service->words, environment);
	note("%s: %s cannot be run: %s", service->name, service->words[0], strerror(errno));
	_exit(127);
}

static void start_service(struct service *service)
{
	if (service->pid || service->broken)
		return;
	service->wanted = true;
	service->started_ms = now_ms();
	service->pid = fork();
	if (service->pid == 0)
		become_service(service);
	if (service->pid < 0) {
		note("%s cannot be started: %s", service->name, strerror(errno));
		service->pid = 0;
	} else {
		note("%s started, pid %d", service->name, service->pid);
	}
	tell_state(service);
}

static void stop_service(struct service *service)
{
	service->wanted = false;
	if (service->pid)
		kill(-service->pid, SIGTERM);
	tell_state(service);
}

static void service_ended(struct service *service, int status)
{
	if (WIFSIGNALED(status))
		note("%s ended by signal %d", service->name, WTERMSIG(status));
	else
		note("%s ended with status %d", service->name, WEXITSTATUS(status));
	/* Of a oneshot service, what it left in the background stays, as on Android. */
	if (!service->oneshot)
		kill(-service->pid, SIGKILL);
	service->pid = 0;
	if (service->oneshot)
		service->wanted = false;
	tell_state(service);
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < nr_services; i++) {
			if (services[i].pid == pid)
				service_ended(&services[i], status);
		}
	}
}

static void start_class(const char *class)
{
	for (int i = 0; i < nr_services; i++) {
		if (!strcmp(services[i].class, class) && !services[i].disabled)
			start_service(&services[i]);
	}
}

/* Starts what is due, and returns the milliseconds until something else is; -1 for never. */
static int start_due(void)
{
	int64_t next = -1;

	for (int i = 0; i < nr_services; i++) {
		struct service *service = &services[i];
		int64_t due = service->started_ms + service->restart_period * 1000LL - now_ms();

		if (!service->wanted || service->pid || service->broken)
			continue;
		if (due <= 0)
			start_service(service);
		else if (next < 0 || due < next)
			next = due;
	}
	return next;
}

/* ---- commands ------------------------------------------------------------ */

static void obey(char *line)
{
	char *words[MAX_WORDS + 1];
	struct service *service;

	if (split(line, words) != 2)
		return;
	service = find_service(words[1]);
	if (!service)
		note("there is no service '%s' to %s", words[1], words[0]);
	else if (!strcmp(words[0], "start"))
		start_service(service);
	else if (!strcmp(words[0], "stop"))
		stop_service(service);
}

static void read_control(int control)
{
	char text[4096], *rest = text, *line;
	ssize_t length = read(control, text, sizeof(text) - 1);

	if (length <= 0)
		return;
	text[length] = '\0';
	while ((line = strsep(&rest, "\n")))
		obey(line);
}

static void __attribute__((noreturn)) shut_down(int how)
{
	int64_t until = now_ms() + PATIENCE_MS;

	note("shutting down");
	kill(-1, SIGTERM);
	while ((waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD) && now_ms() < until)
		usleep(20000);
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	umount2("/vendor", MNT_DETACH);
	if (umount2("/data", 0))
		mount(NULL, "/data", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	sync();
	reboot(how);
	_exit(1);
}

static int open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void read_signals(int signals)
{
	struct signalfd_siginfo signal;

	while (read(signals, &signal, sizeof(signal)) == sizeof(signal)) {
		switch (signal.ssi_signo) {
		case SIGTERM:
			shut_down(RB_AUTOBOOT);
		case SIGUSR1:
			shut_down(RB_HALT_SYSTEM);
		case SIGUSR2:
			shut_down(RB_POWER_OFF);
		}
	}
	reap();
}

int main(void)
{
	struct pollfd events[2] = { { .events = POLLIN }, { .events = POLLIN } };

	umask(0022);
	mount_all();
	if (mkfifo(CONTROL, 0600) && errno != EEXIST)
		note(CONTROL " cannot be made: %s", strerror(errno));
	events[0].fd = open_signals();
	/* Open for writing as well, so that it never is at its end. */
	events[1].fd = open(CONTROL, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	read_directory("/system/etc/init");
	read_directory("/vendor/etc/init");
	start_class("core");
	start_class("main");
	start_class("late_start");
	for (;;) {
		poll(events, 2, start_due());
		if (events[0].revents)
			read_signals(events[0].fd);
		if (events[1].revents)
			read_control(events[1].fd);
	}
}
