// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * uid_memd: metrics that say whether the limits work
 *
 * Limits that were not restored, users that stay above their limit because no
 * process of theirs may be killed, and a kernel that waits for a reboot.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "uid_mem_proc.h"
#include "uid_memd.h"

/* Written by the role kernel_install: a "name=value" in each line. */
#define KERNEL_STATE	"/var/lib/uid_mem/kernel_install/state"
#define BOOT_ID		"/proc/sys/kernel/random/boot_id"

static void print_value(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	metric_head(out, name, type, help);
	fprintf(out, "%s %" PRIu64 "\n", name, value);
}

/* The value of @name, or NULL where it is empty or not there; it ends with its line. */
static const char *state_value(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = text; line && *line; line = next_line(line))
		if (!strncmp(line, name, length) && line[length] == '=')
			return line_length(line) > length + 1 ? line + length + 1 : NULL;
	return NULL;
}

/* Is the trial of a kernel left to the next boot, whoever makes it? */
static bool trial_is_staged(const char *text)
{
	const char *staged = state_value(text, "trial_staged"), *armed_in = state_value(text, "trial_boot_id");
	struct file_text boot_id;
	bool same;

	if (!staged || strncmp(staged, "yes", 3) || !armed_in || read_file_text(BOOT_ID, &boot_id))
		return false;
	same = line_length(armed_in) == line_length(boot_id.text) &&
	       !strncmp(armed_in, boot_id.text, line_length(armed_in));
	free_file_text(&boot_id);
	return same;
}

static void print_waiting_kernel(FILE *out)
{
	struct file_text text;
	const char *release = NULL, *how = "staged";

	if (read_file_text(KERNEL_STATE, &text))
		return;
	if (trial_is_staged(text.text)) {
		release = state_value(text.text, "trial_release");
	} else {
		release = state_value(text.text, "waiting_release");
		how = "installed";
	}
	if (release && !memchr(release, '"', line_length(release))) {
		metric_head(out, "uid_mem_kernel_waiting", "gauge",
			    "A kernel that is not running yet: the next boot tries it (staged), or nothing does (installed); always 1.");
		fprintf(out, "uid_mem_kernel_waiting{release=\"%.*s\",how=\"%s\"} 1\n", (int)line_length(release), release, how);
	}
	free_file_text(&text);
}

void health_print(FILE *out)
{
	print_value(out, "uid_mem_unkillable_total", "counter",
		    "Times that a UID was above its limit and nothing of it could be killed.", state->unkillable);
	print_value(out, "uid_mem_restore_failed", "gauge",
		    "Whether the last restore of the limits failed as a whole.", state->restore_failed);
	print_value(out, "uid_mem_restore_refused_lines", "gauge",
		    "Lines of the limits file that the kernel refused at the last restore.", state->restore_refused);
	print_waiting_kernel(out);
}
