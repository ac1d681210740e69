// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Runs tests/grammar/cases.txt, whose head describes its form, against the
 * parser and the table of the module; and makes the seeds of the fuzzer of it,
 * a file with the writes of each case.
 */

#include "../table.h"
#include "../writer.h"
#include "fuzz.h"

static const struct uid_mem_table empty_table;

/* The write under way, the table, and what the case wants. */
static struct {
	char name[256];
	int line;
	bool failed;
	const struct uid_mem_table *table;
	struct uid_mem_rules rules;
	char write[65536], want[65536];
	size_t write_len;
	bool checking;
	const char *seeds;	/* directory to put seeds in, or NULL */
	FILE *seed;		/* that of the case */
	unsigned int passed, failures;
} t;

static void fail(const char *what, const char *got)
{
	if (!t.failed)
		fprintf(stderr, "FAIL %s (before line %d): %s\n%s", t.name, t.line,
			what, got);
	t.failed = true;
}

/* Undo \t \r \\ and \xHH; returns the length. */
static size_t unescape(const char *s, char *out)
{
	char *start = out;

	for (; *s; s++) {
		if (*s != '\\') {
			*out++ = *s;
			continue;
		}
		switch (*++s) {
		case 't':
			*out++ = '\t';
			break;
		case 'r':
			*out++ = '\r';
			break;
		case '\\':
			*out++ = '\\';
			break;
		case 'x': {
			char hex[3] = { s[1], s[2], 0 };

			*out++ = (char)strtoul(hex, NULL, 16);
			s += 2;
			break;
		}
		default:
			fprintf(stderr, "line %d: unknown escape\n", t.line);
			exit(2);
		}
	}
	return out - start;
}

static void replace_table(const struct uid_mem_table *table)
{
	if (t.table != &empty_table)
		uid_mem_table_free(t.table);
	t.table = table;
}

static int apply(const struct uid_mem_change *changes, unsigned int nr)
{
	static u64 seq;
	struct uid_mem_table *table, *evicted;
	int err;

	table = uid_mem_table_apply(t.table, changes, nr, seq, &t.rules,
				    &evicted, &err);
	seq += nr;
	if (table)
		replace_table(table);
	uid_mem_table_free(evicted);
	return err;
}

static int number_of(const char *name)
{
	static const struct { const char *name; int err; } names[] = {
		{ "ok", 0 }, { "EINVAL", -EINVAL }, { "ERANGE", -ERANGE },
		{ "ENOENT", -ENOENT }, { "ENOSPC", -ENOSPC },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i].name))
			return names[i].err;
	fprintf(stderr, "line %d: unknown result '%s'\n", t.line, name);
	exit(2);
}

static void check_table(void)
{
	static char got[65536];
	size_t n = 0;

	if (!t.checking)
		return;
	for (unsigned int i = 0; i < t.table->nr; i++)
		n += uid_mem_print_limit(got + n, sizeof(got) - n,
					 &t.table->entries[i].limit);
	got[n] = 0;
	if (strcmp(got, t.want))
		fail("another table was expected; got:", got);
	t.want[0] = 0;
	t.checking = false;
}

/* Add the write to the seed of the case, in the form described in fuzz.c. */
static void add_to_seed(void)
{
	char path[4096];

	if (!t.seeds)
		return;
	if (t.seed) {
		putc(FUZZ_NEXT_WRITE, t.seed);
	} else {
		snprintf(path, sizeof(path), "%s/%d", t.seeds, t.line);
		t.seed = fopen(path, "w");
		if (!t.seed) {
			perror(path);
			exit(2);
		}
		putc(t.rules.max_entries | (t.rules.evict ? FUZZ_EVICT : 0), t.seed);
	}
	fwrite(t.write, 1, t.write_len, t.seed);
}

static void end_case(void)
{
	if (t.seed)
		fclose(t.seed);
	t.seed = NULL;
	check_table();
	if (!t.name[0])
		return;
	if (t.failed)
		t.failures++;
	else
		t.passed++;
	t.failed = false;
	t.rules = (struct uid_mem_rules) { };
	replace_table(&empty_table);
}

static void do_expect(const char *result)
{
	struct uid_mem_writer writer = { .apply = apply };
	char got[64];
	int err;

	add_to_seed();
	err = uid_mem_writer_write(&writer, t.write, t.write_len);

	snprintf(got, sizeof(got), "%d\n", err);
	if (err != number_of(result))
		fail("another result was expected; got:", got);
	t.write_len = 0;
	t.checking = true;
}

static void do_rules(const char *rules)
{
	unsigned int evict;

	if (sscanf(rules, "max_entries=%u evict=%u", &t.rules.max_entries,
		   &evict) != 2) {
		fprintf(stderr, "line %d: what are the rules '%s'?\n", t.line, rules);
		exit(2);
	}
	t.rules.evict = evict;
}

static void do_line(char *line)
{
	if (!strncmp(line, "case ", 5)) {
		end_case();
		snprintf(t.name, sizeof(t.name), "%.*s",
			 (int)sizeof(t.name) - 1, line + 5);
	} else if (!strcmp(line, "write") || !strncmp(line, "write ", 6)) {
		check_table();
		t.write_len += unescape(line[5] ? line + 6 : "",
					t.write + t.write_len);
		t.write[t.write_len++] = '\n';
	} else if (!strncmp(line, "expect ", 7)) {
		do_expect(line + 7);
	} else if (!strncmp(line, "rules ", 6)) {
		check_table();
		do_rules(line + 6);
	} else if (!strncmp(line, "limits ", 7)) {
		strcat(t.want, line + 7);
		strcat(t.want, "\n");
	} else if (line[0] && line[0] != '#') {
		fprintf(stderr, "line %d: what is '%s'?\n", t.line, line);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	char line[4096];
	FILE *f;

	if (argc < 2 || argc > 3 || argv[1][0] == '-') {
		fprintf(stderr, "usage: %s CASES [SEEDS-DIRECTORY]\n", argv[0]);
		return 2;
	}
	t.seeds = argv[2];
	f = fopen(argv[1], "r");
	if (!f) {
		perror(argv[1]);
		return 2;
	}
	t.table = &empty_table;
	while (fgets(line, sizeof(line), f)) {
		t.line++;
		line[strcspn(line, "\n")] = 0;
		do_line(line);
	}
	end_case();
	fclose(f);
	printf("grammar cases: %u passed, %u failed\n", t.passed, t.failures);
	return t.failures || !t.passed;
}
