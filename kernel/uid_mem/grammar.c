// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * The grammar of /proc/uid_mem/limits
 *
 *	10070 max=100M high=90M on_high=term policy=highest_rss metric=rss grace_ms=0 mode=enforce
 *	10000-19999 max=200M
 *	100000-165535 charge_to=10070
 *	!10070
 *	# a comment
 *
 * A line declares a whole entry: what it does not name takes its default.  The
 * first fault decides: words are looked at from left to right, each for its
 * form (-EINVAL) and then for its range (-ERANGE), then the line as a whole.
 * tests/grammar/cases.txt has every case, and the Python side of the project
 * is tested against the same file.
 */

#include "grammar.h"

const char *const uid_mem_metric_names[UID_MEM_NR_METRICS] = {
	[UID_MEM_METRIC_RSS] = "rss",
	[UID_MEM_METRIC_ANON] = "anon",
	[UID_MEM_METRIC_FOOTPRINT] = "footprint",
};

const char *const uid_mem_on_high_names[UID_MEM_NR_ON_HIGH] = {
	[UID_MEM_ON_HIGH_EVENT] = "event",
	[UID_MEM_ON_HIGH_TERM] = "term",
	[UID_MEM_ON_HIGH_RECLAIM] = "reclaim",
};

static const char *const mode_names[UID_MEM_NR_MODES] = {
	[UID_MEM_MODE_ENFORCE] = "enforce",
	[UID_MEM_MODE_AUDIT] = "audit",
};

/* A part of a line; not NUL-terminated. */
struct word {
	const char *s;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool word_is(struct word w, const char *name)
{
	return strlen(name) == w.len && !memcmp(w.s, name, w.len);
}

/* Take the next word off a line; false when there is none. */
static bool next_word(struct word *line, struct word *w)
{
	while (line->len && is_blank(*line->s)) {
		line->s++;
		line->len--;
	}
	w->s = line->s;
	while (line->len && !is_blank(*line->s)) {
		line->s++;
		line->len--;
	}
	w->len = line->s - w->s;
	return w->len > 0;
}

/* Take the part before @c off a word; false when there is no @c. */
static bool split_at(struct word *w, char c, struct word *before)
{
	const char *at = memchr(w->s, c, w->len);

	if (!at)
		return false;
	before->s = w->s;
	before->len = at - w->s;
	w->len -= before->len + 1;
	w->s = at + 1;
	return true;
}

/*
 * Take the decimal number at the start of a word off it.  One that does not
 * fit is read to its end, so that its form is judged before its range.
 */
static int take_number(struct word *w, u64 *value, bool *fits)
{
	size_t digits = 0;

	*value = 0;
	*fits = true;
	for (; digits < w->len; digits++) {
		unsigned int d = (unsigned char)w->s[digits] - '0';

		if (d > 9)
			break;
		if (*value > (U64_MAX - d) / 10)
			*fits = false;
		else
			*value = *value * 10 + d;
	}
	w->s += digits;
	w->len -= digits;
	return digits ? 0 : -EINVAL;
}

static int parse_number(struct word w, u64 largest, u64 *value)
{
	bool fits;
	int err = take_number(&w, value, &fits);

	if (err)
		return err;
	if (w.len)
		return -EINVAL;
	return fits && *value <= largest ? 0 : -ERANGE;
}

/* Bytes, with an optional K, M, G or T, or "max". */
static int parse_size(struct word w, u64 *bytes)
{
	unsigned int shift = 0;
	bool fits;
	int err;

	if (word_is(w, "max")) {
		*bytes = UID_MEM_MAX;
		return 0;
	}
	err = take_number(&w, bytes, &fits);
	if (err)
		return err;
	if (w.len > 1)
		return -EINVAL;
	if (w.len) {
		switch (*w.s) {
		case 'T': case 't':
			shift += 10;
			fallthrough;
		case 'G': case 'g':
			shift += 10;
			fallthrough;
		case 'M': case 'm':
			shift += 10;
			fallthrough;
		case 'K': case 'k':
			shift += 10;
			break;
		default:
			return -EINVAL;
		}
	}
	if (!fits || *bytes > (U64_MAX >> shift))
		return -ERANGE;
	*bytes <<= shift;
	return *bytes == UID_MEM_MAX ? -ERANGE : 0;
}

static int parse_max(struct word w, struct uid_mem_limit *l)
{
	int err = parse_size(w, &l->max);

	if (!err && l->max < UID_MEM_MIN_LIMIT)
		err = -ERANGE;
	return err;
}

static int parse_high(struct word w, struct uid_mem_limit *l)
{
	int err = parse_size(w, &l->high);

	if (!err && !l->high)
		err = -EINVAL;
	return err;
}

static int parse_policy(struct word w, struct uid_mem_limit *l)
{
	int number = uid_mem_policy_number(w.s, w.len);

	if (number < 0)
		return -EINVAL;
	l->policy = number;
	return 0;
}

static int parse_name(struct word w, const char *const *names, int nr, u8 *value)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (word_is(w, names[i])) {
			*value = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_metric(struct word w, struct uid_mem_limit *l)
{
	return parse_name(w, uid_mem_metric_names, UID_MEM_NR_METRICS, &l->metric);
}

static int parse_on_high(struct word w, struct uid_mem_limit *l)
{
	return parse_name(w, uid_mem_on_high_names, UID_MEM_NR_ON_HIGH, &l->on_high);
}

static int parse_mode(struct word w, struct uid_mem_limit *l)
{
	return parse_name(w, mode_names, UID_MEM_NR_MODES, &l->mode);
}

static int parse_charge_to(struct word w, struct uid_mem_limit *l)
{
	u64 uid;
	int err = parse_number(w, U32_MAX - 1, &uid);

	if (!err && !uid)
		err = -ERANGE;
	if (!err)
		l->charge_to = uid;
	return err;
}

static int parse_grace(struct word w, struct uid_mem_limit *l)
{
	u64 ms;
	int err = parse_number(w, UID_MEM_MAX_GRACE_MS, &ms);

	if (!err)
		l->grace_ms = ms;
	return err;
}

static const struct {
	const char *key;
	int (*parse)(struct word w, struct uid_mem_limit *l);
} keys[] = {
	{ "max", parse_max },
	{ "high", parse_high },
	{ "on_high", parse_on_high },
	{ "policy", parse_policy },
	{ "metric", parse_metric },
	{ "grace_ms", parse_grace },
	{ "mode", parse_mode },
	{ "charge_to", parse_charge_to },
};

/* "A" or "A-B", neither 0 nor (uid_t)-1. */
static int parse_uids(struct word w, struct uid_mem_limit *l)
{
	struct word from;
	bool range = split_at(&w, '-', &from);
	bool from_fits = true, to_fits;
	u64 first = 0, last;

	if (range && (take_number(&from, &first, &from_fits) || from.len))
		return -EINVAL;
	if (take_number(&w, &last, &to_fits) || w.len)
		return -EINVAL;
	if (!range)
		first = last;
	if (!from_fits || !to_fits || !first || !last ||
	    first >= U32_MAX || last >= U32_MAX)
		return -ERANGE;
	if (first > last)
		return -EINVAL;
	l->first = first;
	l->last = last;
	return 0;
}

static int parse_key(struct word w, struct uid_mem_limit *l, unsigned int *seen)
{
	struct word key;
	unsigned int i;

	if (!split_at(&w, '=', &key))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!word_is(key, keys[i].key))
			continue;
		if (*seen & (1U << i))
			return -EINVAL;
		*seen |= 1U << i;
		return keys[i].parse(w, l);
	}
	return -EINVAL;
}

/* A line as a whole, with the keys that were seen. */
static int check_line(struct uid_mem_limit *l, unsigned int seen)
{
	if (l->charge_to) {
		bool alone = !(seen & (seen - 1));
		bool own = l->first <= l->charge_to && l->charge_to <= l->last;

		l->max = UID_MEM_MAX;
		return alone && !own ? 0 : -EINVAL;
	}
	/* max is the first of the keys. */
	if (!(seen & 1))
		return -EINVAL;
	if (l->high == UID_MEM_MAX)
		return l->on_high == UID_MEM_ON_HIGH_EVENT ? 0 : -EINVAL;
	return l->high <= l->max ? 0 : -EINVAL;
}

/**
 * uid_mem_parse_line - read one line
 * @line: the line, without its newline; may hold any bytes
 * @len: its length in bytes
 * @change: set to what it asks for
 *
 * Return: 1 when it asks for a change, 0 for a blank line or a comment,
 * -EINVAL or -ERANGE.
 */
int uid_mem_parse_line(const char *line, size_t len,
		       struct uid_mem_change *change)
{
	struct uid_mem_limit *l = &change->limit;
	struct word rest = { line, len }, w;
	unsigned int seen = 0;
	int err;

	if (len > UID_MEM_MAX_LINE)
		return -EINVAL;
	if (!next_word(&rest, &w) || *w.s == '#')
		return 0;

	*change = (struct uid_mem_change) { .limit = { .high = UID_MEM_MAX } };
	if (*w.s == '!') {
		change->remove = true;
		w.s++;
		w.len--;
	}
	err = parse_uids(w, l);
	while (!err && next_word(&rest, &w))
		err = change->remove ? -EINVAL : parse_key(w, l, &seen);
	if (!err && !change->remove)
		err = check_line(l, seen);
	return err ? err : 1;
}
EXPORT_SYMBOL_FOR_TEST(uid_mem_parse_line);

/**
 * uid_mem_print_uids - print the UIDs of an entry
 * @buf: where to
 * @size: room there, in bytes
 * @l: the entry
 *
 * Return: bytes printed.
 */
int uid_mem_print_uids(char *buf, size_t size, const struct uid_mem_limit *l)
{
	if (l->first == l->last)
		return scnprintf(buf, size, "%u", l->first);
	return scnprintf(buf, size, "%u-%u", l->first, l->last);
}

/**
 * uid_mem_print_size - print a size in bytes, or "max"
 * @buf: where to
 * @size: room there, in bytes
 * @bytes: the size
 *
 * Return: bytes printed.
 */
int uid_mem_print_size(char *buf, size_t size, u64 bytes)
{
	if (bytes == UID_MEM_MAX)
		return scnprintf(buf, size, "max");
	return scnprintf(buf, size, "%llu", (unsigned long long)bytes);
}

/**
 * uid_mem_print_limit - print an entry as a line, with its newline
 * @buf: where to
 * @size: room there, in bytes; UID_MEM_MAX_LINE is enough
 * @l: the entry
 *
 * Return: bytes printed.
 */
int uid_mem_print_limit(char *buf, size_t size, const struct uid_mem_limit *l)
{
	int n = uid_mem_print_uids(buf, size, l);

	if (l->charge_to)
		return n + scnprintf(buf + n, size - n, " charge_to=%u\n",
				     l->charge_to);
	n += scnprintf(buf + n, size - n, " max=");
	n += uid_mem_print_size(buf + n, size - n, l->max);
	n += scnprintf(buf + n, size - n, " high=");
	n += uid_mem_print_size(buf + n, size - n, l->high);
	n += scnprintf(buf + n, size - n,
		       " on_high=%s policy=%s metric=%s grace_ms=%u mode=%s\n",
		       uid_mem_on_high_names[l->on_high],
		       uid_mem_policy_name(l->policy),
		       uid_mem_metric_names[l->metric], l->grace_ms,
		       mode_names[l->mode]);
	return n;
}
EXPORT_SYMBOL_FOR_TEST(uid_mem_print_limit);

/**
 * uid_mem_limits_equal - do two entries say the same?
 * @a: an entry
 * @b: another
 *
 * Not by memcmp(): there is padding between the members.
 */
bool uid_mem_limits_equal(const struct uid_mem_limit *a,
			  const struct uid_mem_limit *b)
{
	return a->first == b->first && a->last == b->last && a->max == b->max &&
	       a->high == b->high && a->on_high == b->on_high &&
	       a->grace_ms == b->grace_ms && a->policy == b->policy &&
	       a->metric == b->metric && a->mode == b->mode &&
	       a->charge_to == b->charge_to;
}
EXPORT_SYMBOL_FOR_TEST(uid_mem_limits_equal);
