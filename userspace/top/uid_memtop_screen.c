// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * uid_memtop: the terminal
 *
 * Escape sequences that every terminal since the VT100 knows, and no library.
 * A picture is written at once, over the one of before: nothing flickers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "uid_memtop.h"

#define CURSOR_HOME	"\033[H"
#define CURSOR_HIDE	"\033[?25l"
#define CURSOR_SHOW	"\033[?25h"
#define OTHER_SCREEN	"\033[?1049h"
#define FIRST_SCREEN	"\033[?1049l"
#define NO_WRAP		"\033[?7l"
#define WRAP		"\033[?7h"
#define CLEAR_LINE	"\033[K"
#define CLEAR_REST	"\033[J"
#define PLAIN		"\033[m"
#define REVERSE		"\033[7m"

/* The columns beside the bar, and the least room for that. */
#define COLUMNS_WIDTH	68
#define LEAST_BAR	6

static struct termios terminal_before;
static bool is_open;
static int width, height;

static void read_size(void)
{
	struct winsize size = { 0 };

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	/* Some terminals do not say. */
	width = size.ws_col ? size.ws_col : 80;
	height = size.ws_row ? size.ws_row : 24;
}

/* Returns false where there is no terminal. */
bool screen_open(void)
{
	struct termios terminal;

	if (tcgetattr(STDIN_FILENO, &terminal_before) || !isatty(STDOUT_FILENO))
		return false;
	terminal = terminal_before;
	/* Keys come one by one; those that make signals still do. */
	terminal.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	terminal.c_cc[VMIN] = 1;
	terminal.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
	fputs(OTHER_SCREEN CURSOR_HIDE NO_WRAP, stdout);
	fflush(stdout);
	is_open = true;
	return true;
}

/* The terminal as it was. */
void screen_close(void)
{
	if (!is_open)
		return;
	is_open = false;
	fputs(PLAIN WRAP CURSOR_SHOW FIRST_SCREEN, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
}

static const char *colour(const char *sequence)
{
	static int wanted = -1;

	if (wanted < 0)
		wanted = !getenv("NO_COLOR");
	return wanted ? sequence : "";
}

__attribute__((format(printf, 1, 2)))
static void print_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fputs(CLEAR_LINE "\r\n", stdout);
}

/* 1536M: four digits at most. */
static const char *short_size(uint64_t bytes, char text[16])
{
	static const char units[] = "KMGTP";
	double size = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes == NO_LIMIT)
		return "max";
	while (size >= 9999.5 && units[unit + 1]) {
		size /= 1024;
		unit++;
	}
	snprintf(text, 16, "%.*f%c", size < 99.95 && unit ? 1 : 0, size, units[unit]);
	return text;
}

static const char *bar_colour(const struct row *row)
{
	if (row->stats.usage > row->stats.max)
		return colour("\033[31m");
	if (row->stats.usage > row->high || row_percent(row) >= 90)
		return colour("\033[33m");
	return colour("\033[32m");
}

/* Where @value is in a bar that stands for @max; not in it: @length. */
static int bar_place(uint64_t value, uint64_t max, int length)
{
	if (max == NO_LIMIT || !max || value >= max)
		return length;
	return (int)((double)value / (double)max * length);
}

/* [||||||  :  ] : usage up to the limit at its end, and the high mark. */
static void print_bar(const struct row *row, int length)
{
	int used = bar_place(row->stats.usage, row->stats.max, length);
	int high = bar_place(row->high, row->stats.max, length);

	if (row->stats.max == NO_LIMIT)
		used = 0;
	printf("[%s", bar_colour(row));
	for (int i = 0; i < length; i++) {
		if (i == used)
			fputs(colour(PLAIN), stdout);
		putchar(i == high ? ':' : i < used ? '|' : ' ');
	}
	printf("%s] ", colour(PLAIN));
}

static void print_row(const struct row *row, int bar)
{
	char name[64], usage[16], max[16], peak[16], percent[16] = "-";

	user_name(row->stats.uid, name, sizeof(name));
	if (row_percent(row) >= 0)
		snprintf(percent, sizeof(percent), "%.0f%%", row_percent(row));
	printf("%10llu %-12.12s ", (unsigned long long)row->stats.uid, name);
	if (bar >= LEAST_BAR)
		print_bar(row, bar);
	print_line("%5s %6s %6s %6s %6llu %6llu", percent, short_size(row->stats.usage, usage),
		   short_size(row->stats.max, max), short_size(row->stats.peak, peak),
		   (unsigned long long)row->stats.procs, (unsigned long long)row->stats.kills);
}

static void print_heads(int bar)
{
	printf("%s%10s %-12s ", REVERSE, "UID", "USER");
	if (bar >= LEAST_BAR)
		printf("%-*s ", bar + 2, "USAGE OF LIMIT");
	print_line("%5s %6s %6s %6s %6s %6s%s", "%", "USAGE", "MAX", "PEAK", "PROCS", "KILLS", PLAIN);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Events have the time since boot. */
static void print_event(const char *line)
{
	const char *what = strstr(line, "event=");
	time_t at = (time_t)((clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME) + find_number(line, "ts")) / 1000000000u);
	struct tm local;
	char time[16] = "";

	if (find_number(line, "ts") && localtime_r(&at, &local))
		strftime(time, sizeof(time), "%H:%M:%S", &local);
	print_line("%8s %.*s", time, width > 9 ? width - 9 : 0, what ? what + strlen("event=") : line);
}

static void print_events(const struct events *events, int lines)
{
	unsigned int shown = events->nr < NR_EVENTS ? events->nr : NR_EVENTS;

	print_line("%sEVENTS%s%s", REVERSE, PLAIN, events->fd >= 0 ? "" :
		   events->error == EACCES ? "  only root may see them" : "  none: the module is not loaded");
	if (shown > (unsigned int)lines - 1)
		shown = (unsigned int)lines - 1;
	while (shown-- > 0)
		print_event(events_line(events, shown));
}

static void print_title(const struct view *view, const struct rows *rows)
{
	print_line("uid_memtop: %zu users%s, by %s%s   keys: u usage  p percent  k kills  i uid  r reverse  q quit", rows->nr,
		   geteuid() ? " that you may see" : "", view->key->name, view->reverse ? " (reverse)" : "");
}

static void print_no_rows(const struct view *view)
{
	if (view->error == ENOENT)
		print_line("The module is not loaded: 'modprobe uid_mem'.");
	else if (view->error)
		print_line(STATS_FILE ": %s", strerror(view->error));
	else
		print_line("No user that has a limit has a process%s.", geteuid() ? ", that you may see" : "");
}

/* Below the rows: the third part of the screen, if there are events. */
static int lines_for_events(const struct view *view)
{
	return view->with_events && height >= 10 ? height / 3 : 0;
}

void screen_draw(struct view *view, const struct rows *rows, const struct events *events)
{
	int for_events, for_rows, bar;
	size_t i;

	read_size();
	for_events = lines_for_events(view);
	/* The last line of all stays empty: the cursor is there. */
	for_rows = height - 3 - for_events;
	bar = width - COLUMNS_WIDTH;
	if (view->first + 1 > rows->nr)
		view->first = rows->nr ? rows->nr - 1 : 0;

	fputs(CURSOR_HOME, stdout);
	print_title(view, rows);
	print_heads(bar);
	if (!rows->nr)
		print_no_rows(view);
	for (i = view->first; i < rows->nr && for_rows > 0; i++, for_rows--)
		print_row(&rows->row[i], bar);
	if (!rows->nr)
		for_rows--;
	while (for_rows-- > 0)
		print_line("%s", "");
	if (for_events)
		print_events(events, for_events);
	fputs(CLEAR_REST, stdout);
	fflush(stdout);
}
