// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Feeds libFuzzer's inputs to what /proc/uid_mem/limits does with a write, and
 * holds every write to these properties:
 *
 * - The error is that of the first faulty line, or else what a simple model of
 *   the table, which goes through the changes one by one, says.
 * - A refused write leaves the table as it was; a write with a faulty line does
 *   not get as far as the table.
 * - An accepted write gives the table of the model, sorted, with the parents
 *   that a search needs, and the old table is not written to.
 * - The entry that counts for a UID is the narrowest around it, and a UID that
 *   others are charged to pays for itself.
 * - What is printed is read back as the same table.
 *
 * An input is a byte, max_entries in its low bits and evict in FUZZ_EVICT, and
 * writes, each ended by FUZZ_NEXT_WRITE or the end of the input, where the file
 * is closed.
 */

#include "../table.h"
#include "../writer.h"
#include "fuzz.h"

#define CHECK(condition)						\
	do {								\
		if (!(condition)) {					\
			fprintf(stderr, "%s:%d: not so: %s\n",		\
				__FILE__, __LINE__, #condition);	\
			abort();					\
		}							\
	} while (0)

/* The limits, in the order in which they were set. */
static struct model {
	struct uid_mem_limit limits[FUZZ_MAX_INPUT];
	unsigned int nr;
} model, next;

static struct uid_mem_rules rules;
static struct uid_mem_table *table;
static bool applied;	/* the last write got as far as the table */

static bool same_uids(const struct uid_mem_limit *a, const struct uid_mem_limit *b)
{
	return a->first == b->first && a->last == b->last;
}

static bool same_limit(const struct uid_mem_limit *a, const struct uid_mem_limit *b)
{
	return same_uids(a, b) && a->max == b->max && a->high == b->high &&
	       a->grace_ms == b->grace_ms && a->policy == b->policy &&
	       a->metric == b->metric && a->mode == b->mode &&
	       a->charge_to == b->charge_to;
}

static bool contains(const struct uid_mem_limit *outer, const struct uid_mem_limit *inner)
{
	return outer->first <= inner->first && inner->last <= outer->last;
}

static bool overlap(const struct uid_mem_limit *a, const struct uid_mem_limit *b)
{
	return a->first <= b->last && b->first <= a->last;
}

static bool model_remove(struct model *m, const struct uid_mem_limit *uids)
{
	for (unsigned int i = 0; i < m->nr; i++) {
		if (!same_uids(&m->limits[i], uids))
			continue;
		m->nr--;
		memmove(&m->limits[i], &m->limits[i + 1],
			(m->nr - i) * sizeof(m->limits[0]));
		return true;
	}
	return false;
}

/* The narrowest entry around a UID, looked for in another way than the table does. */
static const struct uid_mem_limit *model_find(const struct model *m, u32 uid)
{
	const struct uid_mem_limit *narrowest = NULL;

	for (unsigned int i = 0; i < m->nr; i++) {
		const struct uid_mem_limit *l = &m->limits[i];

		if (l->first <= uid && uid <= l->last &&
		    (!narrowest || contains(narrowest, l)))
			narrowest = l;
	}
	return narrowest;
}

static int model_apply(struct model *m, const struct uid_mem_change *changes,
		       unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		bool there = model_remove(m, &changes[i].limit);

		if (!changes[i].remove)
			m->limits[m->nr++] = changes[i].limit;
		else if (!there)
			return -ENOENT;
	}
	if (rules.max_entries && m->nr > rules.max_entries) {
		unsigned int excess = m->nr - rules.max_entries;

		if (!rules.evict)
			return -ENOSPC;
		m->nr -= excess;
		memmove(m->limits, m->limits + excess, m->nr * sizeof(m->limits[0]));
	}
	for (unsigned int i = 0; i < m->nr; i++)
		for (unsigned int j = 0; j < i; j++)
			if (overlap(&m->limits[i], &m->limits[j]) &&
			    !contains(&m->limits[i], &m->limits[j]) &&
			    !contains(&m->limits[j], &m->limits[i]))
				return -EINVAL;
	for (unsigned int i = 0; i < m->nr; i++) {
		const struct uid_mem_limit *of_payer =
			model_find(m, m->limits[i].charge_to);

		if (of_payer && of_payer->charge_to)
			return -EINVAL;
	}
	return 0;
}

static void check_limit(const struct uid_mem_limit *l)
{
	CHECK(l->first >= 1 && l->first <= l->last && l->last < U32_MAX);
	CHECK(l->max >= UID_MEM_MIN_LIMIT);
	CHECK(l->high >= 1 && (l->high <= l->max || l->high == UID_MEM_MAX));
	CHECK(l->grace_ms <= UID_MEM_MAX_GRACE_MS);
	CHECK(l->metric < UID_MEM_NR_METRICS && l->mode < UID_MEM_NR_MODES);
	CHECK(l->charge_to < U32_MAX &&
	      (l->charge_to < l->first || l->charge_to > l->last));
}

static void check_find(u32 uid)
{
	const struct uid_mem_entry *e = uid_mem_table_find(table, uid);
	const struct uid_mem_limit *narrowest = model_find(&model, uid);
	u32 payer = uid;

	CHECK(!e == !narrowest);
	CHECK(!e || same_limit(&e->limit, narrowest));
	e = uid_mem_table_limit(table, &payer);
	if (narrowest && narrowest->charge_to) {
		CHECK(payer == narrowest->charge_to);
		narrowest = model_find(&model, payer);
	} else {
		CHECK(payer == uid);
	}
	CHECK(!e == !narrowest);
	CHECK(!e || (same_limit(&e->limit, narrowest) && !e->limit.charge_to));
}

static void check_table(void)
{
	CHECK(table->nr == model.nr);
	for (unsigned int i = 0; i < table->nr; i++) {
		const struct uid_mem_limit *l = &table->entries[i].limit;
		const struct uid_mem_limit *before = &table->entries[i ? i - 1 : 0].limit;

		CHECK(!i || before->first < l->first ||
		      (before->first == l->first && before->last > l->last));
		CHECK(table->entries[i].parent < (int)i);
	}
	for (unsigned int i = 0; i < model.nr; i++) {
		const struct uid_mem_limit *l = &model.limits[i];
		const struct uid_mem_entry *e =
			uid_mem_table_get(table, l->first, l->last);

		check_limit(l);
		CHECK(e && same_limit(&e->limit, l));
		check_find(l->first - 1);
		check_find(l->first);
		check_find(l->last);
		check_find(l->last + 1);
	}
	check_find(U32_MAX);
}

static void check_reads_back(void)
{
	static const struct uid_mem_rules any;
	static const struct uid_mem_table empty;
	struct uid_mem_change *changes = calloc(table->nr + 1, sizeof(*changes));
	struct uid_mem_table *again, *evicted;
	char line[UID_MEM_MAX_LINE];
	int err;

	for (unsigned int i = 0; i < table->nr; i++) {
		int n = uid_mem_print_limit(line, sizeof(line),
					    &table->entries[i].limit);

		CHECK(n < (int)sizeof(line) - 1 && line[n - 1] == '\n');
		CHECK(uid_mem_parse_line(line, n - 1, &changes[i]) == 1);
	}
	again = uid_mem_table_apply(&empty, changes, table->nr, 0, &any, &evicted,
				    &err);
	CHECK(again && !evicted && again->nr == table->nr);
	for (unsigned int i = 0; i < table->nr; i++) {
		CHECK(same_limit(&again->entries[i].limit, &table->entries[i].limit));
		CHECK(again->entries[i].parent == table->entries[i].parent);
	}
	uid_mem_table_free(again);
	free(changes);
}

static int apply(const struct uid_mem_change *changes, unsigned int nr)
{
	static u64 seq;
	size_t size = sizeof(*table) + table->nr * sizeof(table->entries[0]);
	struct uid_mem_table *old = malloc(size), *new, *evicted;
	int err, wanted;

	applied = true;
	memcpy(old, table, size);
	next = model;
	wanted = model_apply(&next, changes, nr);
	new = uid_mem_table_apply(table, changes, nr, seq, &rules, &evicted, &err);
	seq += nr;
	CHECK(err == wanted && !new == !!err);
	CHECK(!memcmp(old, table, size));
	free(old);
	if (err) {
		CHECK(!evicted);
		return err;
	}
	CHECK(!evicted || evicted->nr);
	uid_mem_table_free(evicted);
	uid_mem_table_free(table);
	table = new;
	model = next;
	check_table();
	check_reads_back();
	return 0;
}

/* The first fault of whole lines; *nr is how many of them ask for a change. */
static int first_fault(const char *text, size_t len, unsigned int *nr)
{
	*nr = 0;
	while (len) {
		size_t n = (const char *)memchr(text, '\n', len) - text;
		struct uid_mem_change change;
		int ret = uid_mem_parse_line(text, n, &change);

		if (ret < 0)
			return ret;
		*nr += ret;
		text += n + 1;
		len -= n + 1;
	}
	return 0;
}

/* One write: @text is what was pending and what is written now. */
static void check_write(struct uid_mem_writer *w, const char *text, size_t len,
			int err)
{
	size_t whole = len;
	unsigned int nr = 0;
	int fault;

	while (whole && text[whole - 1] != '\n')
		whole--;
	fault = len - whole > UID_MEM_MAX_LINE ? -EINVAL :
						 first_fault(text, whole, &nr);
	CHECK(!fault || (err == fault && !applied));
	CHECK(fault || !nr || applied);
	if (err) {
		CHECK(!w->pending_len);
	} else {
		CHECK(w->pending_len == len - whole);
		CHECK(!memcmp(w->pending, text + whole, len - whole));
	}
}

static void do_write(struct uid_mem_writer *w, const u8 *data, size_t len)
{
	size_t all = w->pending_len + len;
	char *text = malloc(all + 1), *copy = malloc(all + 1);
	const struct uid_mem_table *before = table;
	int err;

	memcpy(copy, w->pending, w->pending_len);
	memcpy(copy + w->pending_len, data, len);
	memcpy(text + w->pending_len, data, len);
	applied = false;
	err = uid_mem_writer_write(w, text, len);
	CHECK(!err || table == before);
	check_write(w, copy, all, err);
	free(text);
	free(copy);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct uid_mem_writer writer = { .apply = apply };
	const u8 *end = data + size;

	if (!size || size > FUZZ_MAX_INPUT)
		return 0;
	rules.max_entries = *data & ~FUZZ_EVICT;
	rules.evict = *data & FUZZ_EVICT;
	model.nr = 0;
	table = kvzalloc(sizeof(*table), GFP_KERNEL);

	for (data++; data < end; data++) {
		const u8 *next_write = memchr(data, FUZZ_NEXT_WRITE, end - data);

		if (!next_write)
			next_write = end;
		do_write(&writer, data, next_write - data);
		data = next_write;
	}
	applied = false;
	uid_mem_writer_close(&writer);
	CHECK(!writer.pending_len);
	uid_mem_table_free(table);
	return 0;
}
