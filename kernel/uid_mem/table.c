// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * The table of limits
 *
 * Tables never change: the changes of one write() are merged with the table
 * there is into a new one, which replaces it as a whole or is thrown away.
 * For n entries and m changes that costs O(n + m log m).
 *
 * Ranges nest or are disjoint, so that the entry that counts for a UID, the
 * narrowest around it, is found by a binary search and a walk along the
 * parents of what that finds.
 *
 * An entry that charges its UIDs to another one is found in the same way.  That
 * UID itself must not be charged to a third one, so that one more search finds
 * the limit.
 */

#include "table.h"

/* A change and when it was asked for. */
struct item {
	struct uid_mem_change change;
	u64 seq;
};

static int compare_uids(const struct uid_mem_limit *a,
			const struct uid_mem_limit *b)
{
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->last != b->last)
		return a->last > b->last ? -1 : 1;
	return 0;
}

static int compare_items(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;
	int by_uids = compare_uids(&a->change.limit, &b->change.limit);

	if (by_uids)
		return by_uids;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static int compare_seqs(const void *pa, const void *pb)
{
	u64 a = *(const u64 *)pa, b = *(const u64 *)pb;

	return a < b ? -1 : a > b;
}

static void append(struct uid_mem_table *t, const struct uid_mem_limit *limit,
		   u64 seq)
{
	t->entries[t->nr].limit = *limit;
	t->entries[t->nr].seq = seq;
	t->nr++;
}

/*
 * Append what the items for the same UIDs, from *i on, leave of each other
 * and of the entry there was.  Advances *i.
 */
static int merge_one(struct uid_mem_table *t, const struct uid_mem_entry *old,
		     const struct item *items, unsigned int nr, unsigned int *i)
{
	const struct uid_mem_limit *uids = &items[*i].change.limit;
	const struct uid_mem_limit *limit = old ? &old->limit : NULL;
	u64 seq = old ? old->seq : 0;

	for (; *i < nr; (*i)++) {
		const struct item *item = &items[*i];

		if (compare_uids(&item->change.limit, uids))
			break;
		if (item->change.remove && !limit)
			return -ENOENT;
		limit = item->change.remove ? NULL : &item->change.limit;
		seq = item->seq;
	}
	if (limit)
		append(t, limit, seq);
	return 0;
}

static int merge(struct uid_mem_table *t, const struct uid_mem_table *old,
		 const struct item *items, unsigned int nr)
{
	unsigned int o = 0, i = 0;
	int err = 0;

	while (!err && i < nr) {
		int order = o == old->nr ? 1 :
			compare_uids(&old->entries[o].limit,
				     &items[i].change.limit);

		if (order < 0) {
			append(t, &old->entries[o].limit, old->entries[o].seq);
			o++;
		} else if (order > 0) {
			err = merge_one(t, NULL, items, nr, &i);
		} else {
			err = merge_one(t, &old->entries[o], items, nr, &i);
			o++;
		}
	}
	for (; !err && o < old->nr; o++)
		append(t, &old->entries[o].limit, old->entries[o].seq);
	return err;
}

/* Move the entries that were set longest ago to *evicted until @max are left. */
static int evict(struct uid_mem_table *t, unsigned int max,
		 struct uid_mem_table **evicted)
{
	unsigned int i, kept = 0, excess = t->nr - max;
	u64 *seqs = kvmalloc_array(t->nr, sizeof(*seqs), GFP_KERNEL);
	struct uid_mem_table *out;
	u64 oldest;

	out = kvzalloc(sizeof(*out) + excess * sizeof(out->entries[0]),
		       GFP_KERNEL);
	if (!seqs || !out) {
		kvfree(seqs);
		kvfree(out);
		return -ENOMEM;
	}
	for (i = 0; i < t->nr; i++)
		seqs[i] = t->entries[i].seq;
	sort(seqs, t->nr, sizeof(*seqs), compare_seqs, NULL);
	oldest = seqs[excess];
	kvfree(seqs);

	for (i = 0; i < t->nr; i++) {
		if (t->entries[i].seq >= oldest)
			t->entries[kept++] = t->entries[i];
		else
			out->entries[out->nr++] = t->entries[i];
	}
	t->nr = kept;
	*evicted = out;
	return 0;
}

/* Ranges that overlap must nest. */
static int set_parents(struct uid_mem_table *t)
{
	unsigned int i;
	int p = -1;

	for (i = 0; i < t->nr; i++) {
		struct uid_mem_entry *e = &t->entries[i];

		while (p >= 0 && t->entries[p].limit.last < e->limit.first)
			p = t->entries[p].parent;
		if (p >= 0 && t->entries[p].limit.last < e->limit.last)
			return -EINVAL;
		e->parent = p;
		p = i;
	}
	return 0;
}

/* A UID that others are charged to pays for itself. */
static int check_charges(const struct uid_mem_table *t)
{
	unsigned int i;

	for (i = 0; i < t->nr; i++) {
		u32 payer = t->entries[i].limit.charge_to;
		const struct uid_mem_entry *e;

		e = payer ? uid_mem_table_find(t, payer) : NULL;
		if (e && e->limit.charge_to)
			return -EINVAL;
	}
	return 0;
}

/**
 * uid_mem_table_apply - make the table that follows from some changes
 * @old: the table there is
 * @changes: the changes, in order
 * @nr: how many
 * @seq: what the entries that the first change sets get as their seq; those
 *	 of the next get one more, and so on
 * @rules: what the new table may hold
 * @evicted: set to the entries that were dropped because the table is full, as
 *	     a table to be freed as such; NULL where there are none
 * @err: set where there is no new table: -ENOENT for a removal of what is not
 *	 there, -ENOSPC, -EINVAL for ranges that overlap or UIDs that are charged
 *	 to one that is charged to another, -ENOMEM
 *
 * Return: the new table, or NULL.
 */
struct uid_mem_table *
uid_mem_table_apply(const struct uid_mem_table *old,
		    const struct uid_mem_change *changes, unsigned int nr,
		    u64 seq, const struct uid_mem_rules *rules,
		    struct uid_mem_table **evicted, int *err)
{
	size_t room = (size_t)old->nr + nr;
	struct uid_mem_table *t;
	struct item *items;
	unsigned int i;

	*evicted = NULL;
	*err = -ENOMEM;
	items = kvmalloc_array(nr, sizeof(*items), GFP_KERNEL);
	t = kvzalloc(sizeof(*t) + room * sizeof(t->entries[0]), GFP_KERNEL);
	if (!items || !t)
		goto out;

	for (i = 0; i < nr; i++)
		items[i] = (struct item) { .change = changes[i], .seq = seq + i };
	sort(items, nr, sizeof(*items), compare_items, NULL);
	*err = merge(t, old, items, nr);
	if (!*err && rules->max_entries && t->nr > rules->max_entries)
		*err = rules->evict ? evict(t, rules->max_entries, evicted) :
				      -ENOSPC;
	if (!*err)
		*err = set_parents(t);
	if (!*err)
		*err = check_charges(t);
out:
	kvfree(items);
	if (*err) {
		kvfree(*evicted);
		*evicted = NULL;
		kvfree(t);
		t = NULL;
	}
	return t;
}
EXPORT_SYMBOL_FOR_TEST(uid_mem_table_apply);

/* The last entry that does not begin after these UIDs; -1 for none. */
static int find_last(const struct uid_mem_table *t, u32 first, u32 last)
{
	const struct uid_mem_limit key = { .first = first, .last = last };
	unsigned int low = 0, high = t->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (compare_uids(&t->entries[mid].limit, &key) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return (int)low - 1;
}

/**
 * uid_mem_table_find - the entry that counts for a UID
 * @t: the table
 * @uid: the UID
 *
 * Return: the narrowest entry around @uid, or NULL.
 */
const struct uid_mem_entry *
uid_mem_table_find(const struct uid_mem_table *t, u32 uid)
{
	int i = find_last(t, uid, uid);

	while (i >= 0 && t->entries[i].limit.last < uid)
		i = t->entries[i].parent;
	return i >= 0 ? &t->entries[i] : NULL;
}
EXPORT_SYMBOL_FOR_TEST(uid_mem_table_find);

/**
 * uid_mem_table_limit - the limit of the budget that a UID uses
 * @t: the table
 * @uid: the UID; set to the one it is charged to, where it is
 *
 * Return: the entry of that limit, or NULL.
 */
const struct uid_mem_entry *
uid_mem_table_limit(const struct uid_mem_table *t, u32 *uid)
{
	const struct uid_mem_entry *e = uid_mem_table_find(t, *uid);

	if (!e || !e->limit.charge_to)
		return e;
	*uid = e->limit.charge_to;
	return uid_mem_table_find(t, *uid);
}
EXPORT_SYMBOL_FOR_TEST(uid_mem_table_limit);

/**
 * uid_mem_table_get - the entry of exactly these UIDs
 * @t: the table
 * @first: its first UID
 * @last: its last UID
 *
 * Return: the entry, or NULL.
 */
const struct uid_mem_entry *
uid_mem_table_get(const struct uid_mem_table *t, u32 first, u32 last)
{
	const struct uid_mem_limit key = { .first = first, .last = last };
	int i = find_last(t, first, last);

	if (i < 0 || compare_uids(&t->entries[i].limit, &key))
		return NULL;
	return &t->entries[i];
}
EXPORT_SYMBOL_FOR_TEST(uid_mem_table_get);

/**
 * uid_mem_table_free - free a table
 * @t: the table; may be NULL
 */
void uid_mem_table_free(const struct uid_mem_table *t)
{
	kvfree(t);
}
EXPORT_SYMBOL_FOR_TEST(uid_mem_table_free);
