// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * KUnit tests of what is pure: grammar, writer, table, policies
 *
 * Built as uid_mem_test.ko for a kernel with CONFIG_KUNIT, to be loaded after
 * uid_mem.ko; and for user space, with sanitizers, by tests/Makefile.
 */

#include <kunit/test.h>
#include <linux/module.h>

#include "policy.h"
#include "table.h"
#include "writer.h"

#define REST	" on_high=event policy=default metric=rss grace_ms=0 mode=enforce\n"
#define U64(x)	((u64)(x))

/* The table that is written to; KUnit runs one test after the other. */
static struct {
	struct uid_mem_writer writer;
	struct uid_mem_rules rules;
	struct uid_mem_table *table;
	struct uid_mem_table *evicted;	/* by the last write */
	u64 seq;
	char text[UID_MEM_MAX_LINE * 20];
} t;

static int apply(const struct uid_mem_change *changes, unsigned int nr)
{
	struct uid_mem_table *new;
	int err;

	uid_mem_table_free(t.evicted);
	new = uid_mem_table_apply(t.table, changes, nr, t.seq, &t.rules,
				  &t.evicted, &err);
	t.seq += nr;
	if (!new)
		return err;
	uid_mem_table_free(t.table);
	t.table = new;
	return 0;
}

static int table_init(struct kunit *test)
{
	memset(&t, 0, sizeof(t));
	t.writer.apply = apply;
	t.table = kvzalloc(sizeof(*t.table), GFP_KERNEL);
	return t.table ? 0 : -ENOMEM;
}

static void table_exit(struct kunit *test)
{
	uid_mem_table_free(t.table);
	uid_mem_table_free(t.evicted);
}

static int write_bytes(const char *bytes, size_t len)
{
	memcpy(t.text + t.writer.pending_len, bytes, len);
	return uid_mem_writer_write(&t.writer, t.text, len);
}

static int write(const char *text)
{
	return write_bytes(text, strlen(text));
}

static const char *print(const struct uid_mem_table *table)
{
	unsigned int i;
	int n = 0;

	t.text[0] = '\0';
	for (i = 0; table && i < table->nr; i++)
		n += uid_mem_print_limit(t.text + n, sizeof(t.text) - n,
					 &table->entries[i].limit);
	return t.text;
}

#define EXPECT_WRITE(test, text, err) \
	KUNIT_EXPECT_EQ(test, write(text), err)
#define EXPECT_TABLE(test, text) \
	KUNIT_EXPECT_STREQ(test, print(t.table), text)

/* The first UID of the entry that counts for @uid; 0 for none. */
static u32 found(u32 uid)
{
	const struct uid_mem_entry *e = uid_mem_table_find(t.table, uid);

	return e ? e->limit.first : 0;
}

/* Grammar */

struct line {
	const char *line;
	int result;
};

static const struct line lines[] = {
	{ "10070 max=1M", 1 },
	{ "\t 10070 \t max=1M \t", 1 },
	{ "10000-19999 max=max high=1", 1 },
	{ "1-4294967294 max=1T", 1 },
	{ "!10070", 1 },
	{ "!10000-19999 ", 1 },
	{ "", 0 },
	{ " \t ", 0 },
	{ "# 10070 max=1M", 0 },
	{ "  #", 0 },
	{ "10070", -EINVAL },
	{ "10070 high=1M", -EINVAL },
	{ "10070 max", -EINVAL },
	{ "10070 max=", -EINVAL },
	{ "10070 max=M", -EINVAL },
	{ "10070 max=1MB", -EINVAL },
	{ "10070 max=1.5M", -EINVAL },
	{ "10070 max=-1", -EINVAL },
	{ "10070 max=+1M", -EINVAL },
	{ "10070 max=0x100000", -EINVAL },
	{ "10070 max=1M max=1M", -EINVAL },
	{ "10070 max=1M\r", -EINVAL },
	{ "10070 max=1M # comment", -EINVAL },
	{ "10070 max=1M size=1M", -EINVAL },
	{ "10070 max=1M high=0", -EINVAL },
	{ "10070 max=1M high=1048577", -EINVAL },
	{ "10070 max=1M on_high=event", 1 },
	{ "10070 on_high=term max=1M high=1M", 1 },
	{ "10070 max=max high=1M on_high=reclaim", 1 },
	{ "10070 max=1M on_high=term", -EINVAL },
	{ "10070 max=1M high=max on_high=reclaim", -EINVAL },
	{ "10070 max=1M high=1M on_high=kill", -EINVAL },
	{ "10070 max=1M high=1M on_high=", -EINVAL },
	{ "10070 max=1M policy=best", -EINVAL },
	{ "10070 max=1M metric=swap", -EINVAL },
	{ "10070 max=1M mode=kill", -EINVAL },
	{ "10070 max=1M grace_ms=1s", -EINVAL },
	{ "!10070 max=1M", -EINVAL },
	{ "100000-165535 charge_to=2001", 1 },
	{ "5 charge_to=4294967294", 1 },
	{ "5 charge_to=", -EINVAL },
	{ "5 charge_to=1-2", -EINVAL },
	{ "5 charge_to=max", -EINVAL },
	{ "5 charge_to=0", -ERANGE },
	{ "5 charge_to=4294967295", -ERANGE },
	{ "5 charge_to=2001 charge_to=2001", -EINVAL },
	{ "5 charge_to=2001 max=1M", -EINVAL },
	{ "5 mode=audit charge_to=2001", -EINVAL },
	{ "5 charge_to=2001 on_high=event", -EINVAL },
	{ "!5 charge_to=2001", -EINVAL },
	{ "5 charge_to=5", -EINVAL },
	{ "5-9 charge_to=9", -EINVAL },
	{ "! 10070", -EINVAL },
	{ "root max=1M", -EINVAL },
	{ "10- max=1M", -EINVAL },
	{ "-10 max=1M", -EINVAL },
	{ "1-2-3 max=1M", -EINVAL },
	{ "20-10 max=1M", -EINVAL },
	{ "0 max=1M", -ERANGE },
	{ "0-5 max=1M", -ERANGE },
	{ "!0", -ERANGE },
	{ "4294967295 max=1M", -ERANGE },
	{ "4294967296 max=1M", -ERANGE },
	{ "18446744073709551617 max=1M", -ERANGE },
	{ "10070 max=0", -ERANGE },
	{ "10070 max=1048575", -ERANGE },
	{ "10070 max=18446744073709551615", -ERANGE },
	{ "10070 max=18446744073709551616", -ERANGE },
	{ "10070 max=16777217T", -ERANGE },
	{ "10070 max=1M grace_ms=3600001", -ERANGE },
	{ "10070 max=1M grace_ms=4294967296", -ERANGE },
	/* The first fault decides. */
	{ "0 max=banana", -ERANGE },
	{ "x max=0", -EINVAL },
	{ "10070 max=0 max=1", -ERANGE },
};

static void grammar_judges_lines(struct kunit *test)
{
	struct uid_mem_change change;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		const char *line = lines[i].line;

		KUNIT_EXPECT_EQ_MSG(test,
				    uid_mem_parse_line(line, strlen(line), &change),
				    lines[i].result, "%s", line);
	}
}

static void grammar_reads_all_keys(struct kunit *test)
{
	static const char line[] =
		"7-9 mode=audit grace_ms=5 metric=anon policy=worst on_high=term high=3G max=5G";
	struct uid_mem_change c;

	KUNIT_ASSERT_EQ(test, uid_mem_parse_line(line, strlen(line), &c), 1);
	KUNIT_EXPECT_FALSE(test, c.remove);
	KUNIT_EXPECT_EQ(test, c.limit.first, 7U);
	KUNIT_EXPECT_EQ(test, c.limit.last, 9U);
	KUNIT_EXPECT_EQ(test, c.limit.max, U64(5) << 30);
	KUNIT_EXPECT_EQ(test, c.limit.high, U64(3) << 30);
	KUNIT_EXPECT_EQ(test, (int)c.limit.on_high, (int)UID_MEM_ON_HIGH_TERM);
	KUNIT_EXPECT_EQ(test, c.limit.grace_ms, 5U);
	KUNIT_EXPECT_EQ(test, (int)c.limit.mode, (int)UID_MEM_MODE_AUDIT);
	KUNIT_EXPECT_EQ(test, (int)c.limit.metric, (int)UID_MEM_METRIC_ANON);
	KUNIT_EXPECT_STREQ(test, uid_mem_policy_name(c.limit.policy), "worst");
}

static void grammar_reads_removal(struct kunit *test)
{
	struct uid_mem_change c;

	KUNIT_ASSERT_EQ(test, uid_mem_parse_line("!7-9", 4, &c), 1);
	KUNIT_EXPECT_TRUE(test, c.remove);
	KUNIT_EXPECT_EQ(test, c.limit.first, 7U);
	KUNIT_EXPECT_EQ(test, c.limit.last, 9U);
}

static void grammar_reads_sizes(struct kunit *test)
{
	static const struct {
		const char *line;
		u64 max;
	} sizes[] = {
		{ "1 max=1048576", U64(1) << 20 },
		{ "1 max=2048k", U64(1) << 21 },
		{ "1 max=3M", U64(3) << 20 },
		{ "1 max=2147483647", U64(2147483647) },
		{ "1 max=2147483648", U64(1) << 31 },
		{ "1 max=2G", U64(1) << 31 },
		{ "1 max=4G", U64(1) << 32 },
		{ "1 max=5g", U64(5) << 30 },
		{ "1 max=7t", U64(7) << 40 },
		{ "1 max=16777215T", U64(16777215) << 40 },
		{ "1 max=18446744073709551614", U64_MAX - 1 },
		{ "1 max=max", UID_MEM_MAX },
		{ "1 max=0002097152", U64(1) << 21 },
	};
	struct uid_mem_change c;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		const char *line = sizes[i].line;

		KUNIT_EXPECT_EQ_MSG(test,
				    uid_mem_parse_line(line, strlen(line), &c),
				    1, "%s", line);
		KUNIT_EXPECT_EQ_MSG(test, c.limit.max, sizes[i].max, "%s", line);
	}
}

static void grammar_bounds_lines(struct kunit *test)
{
	struct uid_mem_change change;
	char line[UID_MEM_MAX_LINE + 1];

	memset(line, ' ', sizeof(line));
	memcpy(line, "1 max=1M", 8);
	KUNIT_EXPECT_EQ(test,
			uid_mem_parse_line(line, UID_MEM_MAX_LINE, &change), 1);
	KUNIT_EXPECT_EQ(test,
			uid_mem_parse_line(line, UID_MEM_MAX_LINE + 1, &change),
			-EINVAL);
	line[0] = '#';
	KUNIT_EXPECT_EQ(test,
			uid_mem_parse_line(line, UID_MEM_MAX_LINE + 1, &change),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, uid_mem_parse_line("1 max=1M\0", 9, &change),
			-EINVAL);
}

static void grammar_prints_what_it_reads(struct kunit *test)
{
	static const char *const text =
		"1 max=1048576 high=max on_high=event policy=default metric=rss grace_ms=0 mode=enforce\n"
		"2-4294967294 max=18446744073709551614 high=1 on_high=reclaim policy=worst metric=anon grace_ms=3600000 mode=audit\n"
		"3-5 max=max high=max on_high=event policy=highest_rss metric=rss grace_ms=1 mode=enforce\n"
		"6-9 charge_to=1\n";

	EXPECT_WRITE(test, text, 0);
	EXPECT_TABLE(test, text);
	EXPECT_WRITE(test, text, 0);
	EXPECT_TABLE(test, text);
}

static void limits_differ_by_their_members_only(struct kunit *test)
{
	static const char *const others[] = {
		"8 max=64M", "7-9 max=64M", "7 max=65M", "7 max=64M high=1M",
		"7 max=64M grace_ms=1", "7 max=64M policy=worst",
		"7 max=64M metric=anon", "7 max=64M mode=audit",
	};
	struct uid_mem_change a, b;
	unsigned int i;

	memset(&a, 0, sizeof(a));
	memset(&b, 0xff, sizeof(b));
	KUNIT_ASSERT_EQ(test, uid_mem_parse_line("7 max=64M", 9, &a), 1);
	KUNIT_ASSERT_EQ(test, uid_mem_parse_line("7 max=64M", 9, &b), 1);
	KUNIT_EXPECT_TRUE(test, uid_mem_limits_equal(&a.limit, &b.limit));
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		KUNIT_ASSERT_EQ(test, uid_mem_parse_line(others[i], strlen(others[i]), &b), 1);
		KUNIT_EXPECT_FALSE(test, uid_mem_limits_equal(&a.limit, &b.limit));
	}
	KUNIT_ASSERT_EQ(test, uid_mem_parse_line("7 max=64M high=1M", 17, &a), 1);
	KUNIT_ASSERT_EQ(test, uid_mem_parse_line("7 max=64M high=1M on_high=term", 30, &b), 1);
	KUNIT_EXPECT_FALSE(test, uid_mem_limits_equal(&a.limit, &b.limit));
	KUNIT_ASSERT_EQ(test, uid_mem_parse_line("7 max=max", 9, &a), 1);
	KUNIT_ASSERT_EQ(test, uid_mem_parse_line("7 charge_to=8", 13, &b), 1);
	KUNIT_EXPECT_FALSE(test, uid_mem_limits_equal(&a.limit, &b.limit));
}

/* Writer */

static void writer_joins_split_lines(struct kunit *test)
{
	static const char text[] = "5 max=1M\n\n# six\n6 max=2M\n";
	size_t len = strlen(text), at;

	for (at = 0; at <= len; at++) {
		KUNIT_EXPECT_EQ(test, write_bytes(text, at), 0);
		KUNIT_EXPECT_EQ(test, write_bytes(text + at, len - at), 0);
		EXPECT_TABLE(test, "5 max=1048576 high=max" REST
				   "6 max=2097152 high=max" REST);
		EXPECT_WRITE(test, "!5\n!6\n", 0);
	}
}

static void writer_waits_for_the_end_of_a_line(struct kunit *test)
{
	EXPECT_WRITE(test, "5 max=1M\n6 max=2M", 0);
	EXPECT_TABLE(test, "5 max=1048576 high=max" REST);
	EXPECT_WRITE(test, "", 0);
	EXPECT_WRITE(test, "\n", 0);
	EXPECT_TABLE(test, "5 max=1048576 high=max" REST
			   "6 max=2097152 high=max" REST);
}

static void writer_takes_a_last_line(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, uid_mem_writer_close(&t.writer), 0);
	EXPECT_WRITE(test, "5 max=1M", 0);
	EXPECT_TABLE(test, "");
	KUNIT_EXPECT_EQ(test, uid_mem_writer_close(&t.writer), 0);
	EXPECT_TABLE(test, "5 max=1048576 high=max" REST);
	EXPECT_WRITE(test, "5 max=", 0);
	KUNIT_EXPECT_EQ(test, uid_mem_writer_close(&t.writer), -EINVAL);
	EXPECT_TABLE(test, "5 max=1048576 high=max" REST);
}

static void writer_takes_all_or_nothing(struct kunit *test)
{
	EXPECT_WRITE(test, "5 max=1M\n", 0);
	EXPECT_WRITE(test, "6 max=1M\n!5\n7 max=banana\n", -EINVAL);
	EXPECT_WRITE(test, "6 max=1M\n!7\n", -ENOENT);
	EXPECT_WRITE(test, "10-20 max=1M\n15-25 max=1M\n", -EINVAL);
	EXPECT_WRITE(test, "5 max=2M\n0 max=1M\n", -ERANGE);
	EXPECT_TABLE(test, "5 max=1048576 high=max" REST);
}

/* What was to be continued is refused with the rest of its write. */
static void writer_keeps_nothing_after_an_error(struct kunit *test)
{
	EXPECT_WRITE(test, "0 max=1M\n5 max=1M", -ERANGE);
	EXPECT_WRITE(test, "6 max=1M\n", 0);
	EXPECT_TABLE(test, "6 max=1048576 high=max" REST);
}

static void writer_bounds_what_it_keeps(struct kunit *test)
{
	char part[UID_MEM_MAX_LINE];

	memset(part, ' ', sizeof(part));
	KUNIT_EXPECT_EQ(test, write_bytes(part, sizeof(part)), 0);
	KUNIT_EXPECT_EQ(test, write_bytes(part, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, write_bytes(part, sizeof(part)), 0);
	EXPECT_WRITE(test, "\n5 max=1M\n", 0);
	EXPECT_TABLE(test, "5 max=1048576 high=max" REST);
}

/* Table */

static void table_finds_the_narrowest(struct kunit *test)
{
	static const struct {
		u32 uid;
		u32 first;	/* of the entry that counts */
	} wanted[] = {
		{ 1, 0 }, { 99, 0 }, { 100, 100 }, { 199, 100 }, { 200, 200 },
		{ 209, 200 }, { 210, 210 }, { 211, 200 }, { 219, 200 },
		{ 220, 220 }, { 229, 220 }, { 230, 200 }, { 299, 200 },
		{ 300, 300 }, { 399, 300 }, { 400, 100 }, { 999, 100 },
		{ 1000, 1000 }, { 1001, 0 }, { U32_MAX, 0 },
	};
	unsigned int i;

	EXPECT_WRITE(test, "100-999 max=1M\n200-299 max=1M\n210 max=1M\n"
			   "220-229 max=1M\n300-399 max=1M\n1000 max=1M\n", 0);
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		KUNIT_EXPECT_EQ_MSG(test, found(wanted[i].uid), wanted[i].first,
				    "uid %u", wanted[i].uid);
}

static void table_finds_in_ranges_with_common_ends(struct kunit *test)
{
	EXPECT_WRITE(test, "1-9 max=1M\n1-5 max=2M\n1 max=3M\n5 max=4M\n9 max=5M\n", 0);
	KUNIT_EXPECT_EQ(test, uid_mem_table_find(t.table, 1)->limit.max, U64(3) << 20);
	KUNIT_EXPECT_EQ(test, uid_mem_table_find(t.table, 2)->limit.max, U64(2) << 20);
	KUNIT_EXPECT_EQ(test, uid_mem_table_find(t.table, 5)->limit.max, U64(4) << 20);
	KUNIT_EXPECT_EQ(test, uid_mem_table_find(t.table, 6)->limit.max, U64(1) << 20);
	KUNIT_EXPECT_EQ(test, uid_mem_table_find(t.table, 9)->limit.max, U64(5) << 20);
}

static u32 payer(u32 uid)
{
	uid_mem_table_limit(t.table, &uid);
	return uid;
}

/* The limit of the budget that @uid uses, in MiB; 0 for none. */
static u64 budget(u32 uid)
{
	const struct uid_mem_entry *e = uid_mem_table_limit(t.table, &uid);

	return e ? e->limit.max >> 20 : 0;
}

static void table_finds_who_pays(struct kunit *test)
{
	static const struct {
		u32 uid;
		u32 payer;
		u64 budget;
	} wanted[] = {
		{ 5, 5, 1 }, { 6, 6, 2 }, { 100, 5, 1 }, { 149, 5, 1 },
		{ 150, 150, 3 }, { 154, 154, 3 }, { 155, 6, 2 }, { 159, 159, 3 },
		{ 160, 5, 1 }, { 199, 5, 1 }, { 200, 200, 2 }, { 999, 999, 2 },
		{ 1000, 1000, 0 }, { 2000, 3000, 0 }, { 3000, 3000, 0 },
	};
	unsigned int i;

	EXPECT_WRITE(test, "100-199 charge_to=5\n150-159 max=3M\n155 charge_to=6\n"
			   "5 max=1M\n1-999 max=2M\n2000 charge_to=3000\n", 0);
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		KUNIT_EXPECT_EQ_MSG(test, payer(wanted[i].uid), wanted[i].payer,
				    "uid %u", wanted[i].uid);
		KUNIT_EXPECT_EQ_MSG(test, budget(wanted[i].uid),
				    wanted[i].budget, "uid %u", wanted[i].uid);
	}
	EXPECT_WRITE(test, "!100-199\n", 0);
	KUNIT_EXPECT_EQ(test, payer(100), 100U);
	KUNIT_EXPECT_EQ(test, payer(155), 6U);
}

static void table_refuses_chains(struct kunit *test)
{
	EXPECT_WRITE(test, "5 charge_to=6\n6 charge_to=7\n", -EINVAL);
	EXPECT_WRITE(test, "5 charge_to=6\n6 charge_to=5\n", -EINVAL);
	EXPECT_WRITE(test, "5 charge_to=60\n60 max=1M\n50-99 charge_to=7\n", 0);
	EXPECT_WRITE(test, "!60\n", -EINVAL);
	EXPECT_WRITE(test, "7 charge_to=8\n", -EINVAL);
	EXPECT_WRITE(test, "1-9 charge_to=10\n", -EINVAL);
	EXPECT_TABLE(test, "5 charge_to=60\n50-99 charge_to=7\n"
			   "60 max=1048576 high=max" REST);
	/* What the whole write leaves is what counts. */
	EXPECT_WRITE(test, "!60\n!5\n", 0);
	EXPECT_TABLE(test, "50-99 charge_to=7\n");
}

static void table_gets_exactly(struct kunit *test)
{
	EXPECT_WRITE(test, "100-199 max=1M\n150 max=1M\n", 0);
	KUNIT_EXPECT_TRUE(test, !!uid_mem_table_get(t.table, 100, 199));
	KUNIT_EXPECT_TRUE(test, !!uid_mem_table_get(t.table, 150, 150));
	KUNIT_EXPECT_FALSE(test, !!uid_mem_table_get(t.table, 100, 198));
	KUNIT_EXPECT_FALSE(test, !!uid_mem_table_get(t.table, 151, 151));
	KUNIT_EXPECT_FALSE(test, !!uid_mem_table_get(t.table, 1, 1));
}

static void table_is_sorted(struct kunit *test)
{
	EXPECT_WRITE(test, "30 max=1M\n10-19 max=1M\n", 0);
	EXPECT_WRITE(test, "10 max=1M\n10-29 max=1M\n9 max=1M\n", 0);
	EXPECT_TABLE(test, "9 max=1048576 high=max" REST
			   "10-29 max=1048576 high=max" REST
			   "10-19 max=1048576 high=max" REST
			   "10 max=1048576 high=max" REST
			   "30 max=1048576 high=max" REST);
}

static void table_refuses_overlap(struct kunit *test)
{
	EXPECT_WRITE(test, "10-20 max=1M\n", 0);
	EXPECT_WRITE(test, "15-25 max=1M\n", -EINVAL);
	EXPECT_WRITE(test, "5-10 max=1M\n", -EINVAL);
	EXPECT_WRITE(test, "20-21 max=1M\n", -EINVAL);
	EXPECT_WRITE(test, "5-25 max=1M\n11-20 max=1M\n10-12 max=1M\n", -EINVAL);
	EXPECT_TABLE(test, "10-20 max=1048576 high=max" REST);
	/* Side by side, around and within are fine; so is what takes its place. */
	EXPECT_WRITE(test, "21-30 max=1M\n1-9 max=1M\n1-99 max=1M\n11-12 max=1M\n", 0);
	EXPECT_WRITE(test, "!10-20\n!21-30\n15-25 max=1M\n", 0);
}

static void table_replaces_and_removes(struct kunit *test)
{
	EXPECT_WRITE(test, "5 max=1M high=1M mode=audit\n5 max=2M\n", 0);
	EXPECT_WRITE(test, "5 max=3M\n", 0);
	EXPECT_TABLE(test, "5 max=3145728 high=max" REST);
	EXPECT_WRITE(test, "!5\n5 max=4M\n!5\n", 0);
	EXPECT_TABLE(test, "");
	EXPECT_WRITE(test, "!5\n", -ENOENT);
	EXPECT_WRITE(test, "1-9 max=1M\n5 max=1M\n", 0);
	EXPECT_WRITE(test, "!1-8\n", -ENOENT);
	EXPECT_WRITE(test, "!1-9\n", 0);
	EXPECT_TABLE(test, "5 max=1048576 high=max" REST);
}

static void table_evicts_the_least_recently_set(struct kunit *test)
{
	t.rules = (struct uid_mem_rules) { .max_entries = 3, .evict = true };
	EXPECT_WRITE(test, "3 max=1M\n1 max=1M\n2 max=1M\n", 0);
	KUNIT_EXPECT_STREQ(test, print(t.evicted), "");
	/* An update makes it the most recently set, and takes no second slot. */
	EXPECT_WRITE(test, "3 max=2M\n", 0);
	KUNIT_EXPECT_STREQ(test, print(t.evicted), "");
	EXPECT_WRITE(test, "4 max=1M\n", 0);
	KUNIT_EXPECT_STREQ(test, print(t.evicted), "1 max=1048576 high=max" REST);
	EXPECT_WRITE(test, "5 max=1M\n6 max=1M\n", 0);
	KUNIT_EXPECT_STREQ(test, print(t.evicted),
			   "2 max=1048576 high=max" REST
			   "3 max=2097152 high=max" REST);
	EXPECT_TABLE(test, "4 max=1048576 high=max" REST
			   "5 max=1048576 high=max" REST
			   "6 max=1048576 high=max" REST);
}

static void table_refuses_where_it_must_not_evict(struct kunit *test)
{
	t.rules = (struct uid_mem_rules) { .max_entries = 2 };
	EXPECT_WRITE(test, "1 max=1M\n2 max=1M\n", 0);
	EXPECT_WRITE(test, "3 max=1M\n", -ENOSPC);
	EXPECT_WRITE(test, "2 max=2M\n3 max=1M\n", -ENOSPC);
	EXPECT_TABLE(test, "1 max=1048576 high=max" REST
			   "2 max=1048576 high=max" REST);
	EXPECT_WRITE(test, "2 max=2M\n3 max=1M\n!1\n", 0);
	EXPECT_TABLE(test, "2 max=2097152 high=max" REST
			   "3 max=1048576 high=max" REST);
}

static void table_holds_many(struct kunit *test)
{
	char line[32];
	u32 uid;

	for (uid = 2000; uid > 1000; uid -= 2) {
		scnprintf(line, sizeof(line), "%u max=1M\n", uid);
		EXPECT_WRITE(test, line, 0);
	}
	KUNIT_EXPECT_EQ(test, t.table->nr, 500U);
	for (uid = 1000; uid <= 2001; uid++)
		KUNIT_EXPECT_EQ(test, found(uid),
				uid > 1000 && uid % 2 == 0 ? uid : 0U);
}

/* Policies */

/* 4 GiB of RAM in pages of 4 KiB. */
#define RAM	1048576UL

static const char *const policies[] = {
	"highest_rss", "longest_run_time", "worst", "youngest",
};

static u64 badness(struct kunit *test, const char *name,
		   struct uid_mem_candidate c)
{
	int number = uid_mem_policy_number(name, strlen(name));

	KUNIT_ASSERT_GT(test, number, 0);
	uid_mem_policy_rate(uid_mem_policy_get(number), &c);
	return c.badness;
}

#define BADNESS(test, name, ...) \
	badness(test, name, (struct uid_mem_candidate) { .ram = RAM, __VA_ARGS__ })

static void policies_have_numbers(struct kunit *test)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(test, uid_mem_policy_number("default", 7),
			UID_MEM_POLICY_DEFAULT);
	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		KUNIT_EXPECT_EQ(test,
				uid_mem_policy_number(policies[i], strlen(policies[i])),
				(int)i + 1);
		KUNIT_EXPECT_STREQ(test, uid_mem_policy_name(i + 1), policies[i]);
	}
	KUNIT_EXPECT_EQ(test, uid_mem_policy_number("wors", 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, uid_mem_policy_number("worst2", 6), -EINVAL);
	KUNIT_EXPECT_EQ(test, uid_mem_policy_number("", 0), -EINVAL);
}

/* A process that reaches a policy can be killed: no limit fails for a badness of 0. */
static void policies_spare_nobody(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		KUNIT_EXPECT_GT(test, BADNESS(test, policies[i]), U64(0));
		KUNIT_EXPECT_GT(test,
				BADNESS(test, policies[i], .oom_score_adj = -999,
					.is_admin = true),
				U64(0));
	}
}

static void highest_rss_goes_by_rss(struct kunit *test)
{
	u64 small = BADNESS(test, "highest_rss", .rss = 100, .swap = 9000,
			    .runtime_ns = 9000, .oom_score_adj = 1000);
	u64 large = BADNESS(test, "highest_rss", .rss = 101);

	KUNIT_EXPECT_LT(test, small, large);
	/* Where an int of bytes overflows, and one of pages. */
	KUNIT_EXPECT_LT(test, large, BADNESS(test, "highest_rss", .rss = 1UL << 19));
	KUNIT_EXPECT_LT(test, BADNESS(test, "highest_rss", .rss = 1UL << 30),
			BADNESS(test, "highest_rss", .rss = 1UL << 31));
}

static void longest_run_time_goes_by_run_time(struct kunit *test)
{
	u64 less = BADNESS(test, "longest_run_time", .runtime_ns = 100,
			   .rss = 9000, .start_ns = 1);
	u64 more = BADNESS(test, "longest_run_time", .runtime_ns = 101);

	KUNIT_EXPECT_LT(test, less, more);
	/* Where 32 bits of ns (4 s) and of ms (50 days) overflow. */
	KUNIT_EXPECT_LT(test, BADNESS(test, "longest_run_time",
				      .runtime_ns = U32_MAX),
			BADNESS(test, "longest_run_time",
				.runtime_ns = U64(U32_MAX) + 1));
	KUNIT_EXPECT_LT(test, BADNESS(test, "longest_run_time",
				      .runtime_ns = U32_MAX * U64(1000000)),
			BADNESS(test, "longest_run_time",
				.runtime_ns = (U64(U32_MAX) + 1) * 1000000));
}

static void worst_counts_thousandths_of_ram(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, BADNESS(test, "worst", .rss = RAM / 2), U64(500));
	KUNIT_EXPECT_EQ(test, BADNESS(test, "worst", .swap = RAM / 4), U64(250));
	KUNIT_EXPECT_EQ(test, BADNESS(test, "worst", .page_tables = RAM / 8),
			U64(125));
	KUNIT_EXPECT_EQ(test, BADNESS(test, "worst", .rss = RAM / 2,
				      .swap = RAM, .page_tables = RAM / 8),
			U64(1625));
	/* 16 TiB of 16 TiB: the product needs 64 bits. */
	KUNIT_EXPECT_EQ(test, badness(test, "worst", (struct uid_mem_candidate) {
					.rss = U32_MAX, .ram = U32_MAX }),
			U64(1000));
}

static void worst_favours_admins_and_adjusts(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, BADNESS(test, "worst", .rss = RAM / 8,
				      .is_admin = true), U64(95));
	KUNIT_EXPECT_EQ(test, BADNESS(test, "worst", .rss = RAM / 8,
				      .oom_score_adj = 200), U64(325));
	KUNIT_EXPECT_EQ(test, BADNESS(test, "worst", .rss = RAM / 8,
				      .oom_score_adj = -60), U64(65));
	KUNIT_EXPECT_EQ(test, BADNESS(test, "worst", .rss = RAM / 8,
				      .oom_score_adj = -124), U64(1));
	KUNIT_EXPECT_EQ(test, BADNESS(test, "worst", .rss = RAM / 8,
				      .oom_score_adj = -999), U64(1));
	KUNIT_EXPECT_EQ(test, BADNESS(test, "worst", .rss = RAM / 8,
				      .is_admin = true, .oom_score_adj = -60),
			U64(35));
}

static void youngest_goes_by_start(struct kunit *test)
{
	u64 older = BADNESS(test, "youngest", .start_ns = 100, .rss = 9000);
	u64 younger = BADNESS(test, "youngest", .start_ns = 101);

	KUNIT_EXPECT_LT(test, older, younger);
}

static void equals_are_told_apart(struct kunit *test)
{
	struct uid_mem_candidate a = { .badness = 5, .rss = 10, .start_ns = 100 };
	struct uid_mem_candidate b = a;

	KUNIT_EXPECT_FALSE(test, uid_mem_candidate_is_worse(&a, &b));
	b.start_ns = 99;
	KUNIT_EXPECT_TRUE(test, uid_mem_candidate_is_worse(&a, &b));
	KUNIT_EXPECT_FALSE(test, uid_mem_candidate_is_worse(&b, &a));
	b.rss = 11;
	KUNIT_EXPECT_FALSE(test, uid_mem_candidate_is_worse(&a, &b));
	KUNIT_EXPECT_TRUE(test, uid_mem_candidate_is_worse(&b, &a));
	a.badness = 6;
	KUNIT_EXPECT_TRUE(test, uid_mem_candidate_is_worse(&a, &b));
	KUNIT_EXPECT_FALSE(test, uid_mem_candidate_is_worse(&b, &a));
}

static struct kunit_case grammar_cases[] = {
	KUNIT_CASE(grammar_judges_lines),
	KUNIT_CASE(grammar_reads_all_keys),
	KUNIT_CASE(grammar_reads_removal),
	KUNIT_CASE(grammar_reads_sizes),
	KUNIT_CASE(grammar_bounds_lines),
	KUNIT_CASE(grammar_prints_what_it_reads),
	KUNIT_CASE(limits_differ_by_their_members_only),
	{}
};

static struct kunit_suite grammar_suite = {
	.name = "uid_mem_grammar",
	.init = table_init,
	.exit = table_exit,
	.test_cases = grammar_cases,
};

static struct kunit_case writer_cases[] = {
	KUNIT_CASE(writer_joins_split_lines),
	KUNIT_CASE(writer_waits_for_the_end_of_a_line),
	KUNIT_CASE(writer_takes_a_last_line),
	KUNIT_CASE(writer_takes_all_or_nothing),
	KUNIT_CASE(writer_keeps_nothing_after_an_error),
	KUNIT_CASE(writer_bounds_what_it_keeps),
	{}
};

static struct kunit_suite writer_suite = {
	.name = "uid_mem_writer",
	.init = table_init,
	.exit = table_exit,
	.test_cases = writer_cases,
};

static struct kunit_case table_cases[] = {
	KUNIT_CASE(table_finds_the_narrowest),
	KUNIT_CASE(table_finds_in_ranges_with_common_ends),
	KUNIT_CASE(table_finds_who_pays),
	KUNIT_CASE(table_refuses_chains),
	KUNIT_CASE(table_gets_exactly),
	KUNIT_CASE(table_is_sorted),
	KUNIT_CASE(table_refuses_overlap),
	KUNIT_CASE(table_replaces_and_removes),
	KUNIT_CASE(table_evicts_the_least_recently_set),
	KUNIT_CASE(table_refuses_where_it_must_not_evict),
	KUNIT_CASE(table_holds_many),
	{}
};

static struct kunit_suite table_suite = {
	.name = "uid_mem_table",
	.init = table_init,
	.exit = table_exit,
	.test_cases = table_cases,
};

static struct kunit_case policy_cases[] = {
	KUNIT_CASE(policies_have_numbers),
	KUNIT_CASE(policies_spare_nobody),
	KUNIT_CASE(highest_rss_goes_by_rss),
	KUNIT_CASE(longest_run_time_goes_by_run_time),
	KUNIT_CASE(worst_counts_thousandths_of_ram),
	KUNIT_CASE(worst_favours_admins_and_adjusts),
	KUNIT_CASE(youngest_goes_by_start),
	KUNIT_CASE(equals_are_told_apart),
	{}
};

static struct kunit_suite policy_suite = {
	.name = "uid_mem_policy",
	.test_cases = policy_cases,
};

kunit_test_suites(&grammar_suite, &writer_suite, &table_suite, &policy_suite);

MODULE_DESCRIPTION("KUnit tests of uid_mem");
MODULE_LICENSE("GPL");
