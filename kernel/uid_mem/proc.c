// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/* /proc/uid_mem/{limits,stats,features,scan}; events has a file of its own */

#include <linux/capability.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "compat.h"
#include "events.h"
#include "footprint.h"
#include "policy.h"
#include "share.h"
#include "uid_mem.h"
#include "writer.h"

/* The longest write(), in bytes; some 40,000 limits. */
#define MAX_WRITE	(4U << 20)

static struct proc_dir_entry *proc_dir;

/*
 * Both the opener and the writer need the capability, so that a privileged
 * program can't be made to write to a file it was handed.
 */
static bool may_write(struct file *file)
{
	return file_ns_capable(file, &init_user_ns, CAP_SYS_RESOURCE) &&
	       capable(CAP_SYS_RESOURCE);
}

/* An open limits file: the table as it was when the file was opened. */
struct limits_file {
	struct uid_mem_table *table;
	struct mutex lock; /* one system call at a time */
	struct uid_mem_writer writer;
};

static void *limits_start(struct seq_file *seq, loff_t *pos)
{
	struct limits_file *lf = seq->private;

	return lf->table && *pos < lf->table->nr ? &lf->table->entries[*pos] : NULL;
}

static void *limits_next(struct seq_file *seq, void *v, loff_t *pos)
{
	++*pos;
	return limits_start(seq, pos);
}

static void limits_stop(struct seq_file *seq, void *v)
{
}

static int limits_show(struct seq_file *seq, void *v)
{
	const struct uid_mem_entry *entry = v;
	char line[UID_MEM_MAX_LINE];

	seq_write(seq, line, uid_mem_print_limit(line, sizeof(line), &entry->limit));
	return 0;
}

static const struct seq_operations limits_seq_ops = {
	.start = limits_start,
	.next = limits_next,
	.stop = limits_stop,
	.show = limits_show,
};

static int limits_open(struct inode *inode, struct file *file)
{
	struct limits_file *lf;

	lf = __seq_open_private(file, &limits_seq_ops, sizeof(*lf));
	if (!lf)
		return -ENOMEM;
	mutex_init(&lf->lock);
	lf->writer.apply = uid_mem_limits_change;
	if (!(file->f_mode & FMODE_READ))
		return 0;
	lf->table = uid_mem_limits_copy();
	if (lf->table)
		return 0;
	seq_release_private(inode, file);
	return -ENOMEM;
}

static ssize_t limits_write(struct file *file, const char __user *buf,
			    size_t count, loff_t *ppos)
{
	struct limits_file *lf = ((struct seq_file *)file->private_data)->private;
	char *text;
	int err;

	if (!may_write(file))
		return -EPERM;
	if (count > MAX_WRITE)
		return -E2BIG;
	text = kvmalloc(UID_MEM_MAX_LINE + count, GFP_KERNEL);
	if (!text)
		return -ENOMEM;

	mutex_lock(&lf->lock);
	if (copy_from_user(text + lf->writer.pending_len, buf, count))
		err = -EFAULT;
	else
		err = uid_mem_writer_write(&lf->writer, text, count);
	mutex_unlock(&lf->lock);
	kvfree(text);
	return err ? err : count;
}

/* A last line without a newline counts: the file ends, and so does the line. */
static int limits_release(struct inode *inode, struct file *file)
{
	struct limits_file *lf = ((struct seq_file *)file->private_data)->private;
	int err = uid_mem_writer_close(&lf->writer);

	if (err)
		pr_warn("uid_mem: last line of limits, without a newline, refused: error %d\n",
			err);
	uid_mem_table_free(lf->table);
	return seq_release_private(inode, file);
}

static const struct proc_ops limits_ops = {
	.proc_open = limits_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_write = limits_write,
	.proc_release = limits_release,
};

/* A privileged reader sees all UIDs, any other its own. */
static bool sees_all(const struct file *file)
{
	return uid_eq(file->f_cred->euid, GLOBAL_ROOT_UID) ||
	       file_ns_capable(file, &init_user_ns, CAP_SYS_RESOURCE);
}

/*
 * The first user from *pos on that the reader sees, with a reference.  One that
 * sees only itself costs what its own line costs.
 */
static struct uid_mem_user *stats_get(struct seq_file *seq, loff_t *pos)
{
	const struct file *file = seq->file;
	unsigned long uid = from_kuid(&init_user_ns, file->f_cred->uid);
	struct uid_mem_user *user;

	if (*pos >= U32_MAX)
		return NULL;
	if (sees_all(file)) {
		uid = *pos;
		user = uid_mem_user_get_next(&uid);
	} else {
		user = *pos <= uid ? uid_mem_user_get(uid) : NULL;
	}
	if (user)
		*pos = uid;
	return user;
}

static void *stats_start(struct seq_file *seq, loff_t *pos)
{
	return stats_get(seq, pos);
}

static void *stats_next(struct seq_file *seq, void *v, loff_t *pos)
{
	uid_mem_user_put(v);
	++*pos;
	return stats_get(seq, pos);
}

static void stats_stop(struct seq_file *seq, void *v)
{
	if (v)
		uid_mem_user_put(v);
}

/* What counts of what is charged, in pages; of a large UID, a moment ago. */
static long share_of(struct uid_mem_user *user, long charged)
{
	struct uid_mem_footprint f;

	if (user->limit.metric != UID_MEM_METRIC_FOOTPRINT)
		return charged;
	if (time_before(jiffies, user->share_until))
		return user->share;
	if (uid_mem_footprint(user, charged, 0, &f))
		return charged - user->shared;
	/* Where processes come and go, or fork, what was found before is nearer. */
	if (f.guessed || f.changed)
		return max(f.pages, user->share);
	user->share = f.pages;
	user->share_until = jiffies + uid_mem_footprint_pause(&f);
	return f.pages;
}

static int stats_show(struct seq_file *seq, void *v)
{
	struct uid_mem_user *user = v;
	struct uid_mem_usage u;
	unsigned int procs;
	char max[24];

	if (uid_mem_lock_killable(&user->mutex))
		return -EINTR;
	uid_mem_engine_read(user, &u);
	u.live = share_of(user, u.live);
	procs = uid_mem_engine_count(user);
	if (procs || user->max_events || user->high_events) {
		uid_mem_print_size(max, sizeof(max), user->limit.max);
		seq_printf(seq,
			   "%u usage=%llu peak=%llu anon=%llu file=%llu shmem=%llu swap=%llu procs=%u max=%s kills=%lu max_events=%lu high_events=%lu terms=%lu\n",
			   user->uid, uid_mem_bytes(u.live + u.dying),
			   uid_mem_bytes(user->peak),
			   uid_mem_bytes(u.counts[MM_ANONPAGES]),
			   uid_mem_bytes(u.counts[MM_FILEPAGES]),
			   uid_mem_bytes(u.counts[MM_SHMEMPAGES]),
			   uid_mem_bytes(u.counts[MM_SWAPENTS]),
			   procs, max, user->kills, user->max_events,
			   user->high_events, user->terms);
	}
	rt_mutex_unlock(&user->mutex);
	return 0;
}

static const struct seq_operations stats_seq_ops = {
	.start = stats_start,
	.next = stats_next,
	.stop = stats_stop,
	.show = stats_show,
};

static int stats_open(struct inode *inode, struct file *file)
{
	return seq_open(file, &stats_seq_ops);
}

static const struct proc_ops stats_ops = {
	.proc_open = stats_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = seq_release,
};

static void show_names(struct seq_file *seq, const char *key,
		       const char *const *names, int nr)
{
	int i;

	seq_printf(seq, " %s=", key);
	for (i = 0; i < nr; i++)
		seq_printf(seq, "%s%s", i ? "," : "", names[i]);
}

static int features_show(struct seq_file *seq, void *v)
{
	char policies[256];

	uid_mem_policy_print_all(policies, sizeof(policies));
	seq_printf(seq, "abi=1 engine=%s policies=%s", uid_mem_engine_name,
		   policies);
	show_names(seq, "metrics", uid_mem_metric_names,
		   uid_mem_share_is_known() ? UID_MEM_NR_METRICS :
					      UID_MEM_METRIC_FOOTPRINT);
	if (uid_mem_share_is_known())
		seq_puts(seq, " footprint=anon,swap,pgtables");
	show_names(seq, "on_high", uid_mem_on_high_names, UID_MEM_NR_ON_HIGH);
	uid_mem_syscalls_show(seq);
	seq_putc(seq, '\n');
	return 0;
}

/* A policy, or "default": look at all users now, and choose victims by it. */
static ssize_t scan_write(struct file *file, const char __user *buf,
			  size_t count, loff_t *ppos)
{
	char name[64];
	int policy;

	if (!may_write(file))
		return -EPERM;
	if (count >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, buf, count))
		return -EFAULT;
	name[count] = '\0';
	policy = uid_mem_policy_number(name, strcspn(name, "\n"));
	if (policy < 0)
		return policy;
	uid_mem_scan(policy);
	return count;
}

static const struct proc_ops scan_ops = {
	.proc_open = nonseekable_open,
	.proc_write = scan_write,
};

/**
 * uid_mem_proc_init - make /proc/uid_mem
 *
 * Return: 0 or -ENOMEM.
 */
int uid_mem_proc_init(void)
{
	proc_dir = proc_mkdir("uid_mem", NULL);
	if (!proc_dir)
		return -ENOMEM;
	if (uid_mem_events_init(proc_dir))
		goto remove;
	/* Limits last: from then on there is something to undo. */
	if (!proc_create("stats", 0444, proc_dir, &stats_ops) ||
	    !proc_create_single("features", 0444, proc_dir, features_show) ||
	    !proc_create("scan", 0200, proc_dir, &scan_ops) ||
	    !proc_create("limits", 0644, proc_dir, &limits_ops)) {
		uid_mem_proc_exit();
		uid_mem_events_exit();
		return -ENOMEM;
	}
	return 0;
remove:
	proc_remove(proc_dir);
	return -ENOMEM;
}

/** uid_mem_proc_exit - remove /proc/uid_mem; nobody uses it any more */
void uid_mem_proc_exit(void)
{
	uid_mem_events_stop();
	proc_remove(proc_dir);
}
