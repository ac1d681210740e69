/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/* The few kernel helpers that the pure parts use, for user space. */
#ifndef UID_MEM_USER_SPACE_H
#define UID_MEM_USER_SPACE_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef int64_t s64;
typedef uint64_t u64;
typedef int gfp_t;

struct rcu_head {
	void *unused;
};

#define U64_MAX UINT64_MAX
#define U32_MAX UINT32_MAX
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define GFP_KERNEL 0
#define __GFP_NOWARN 0
#define READ_ONCE(x) (x)
#define WRITE_ONCE(x, value) ((x) = (value))
#define EXPORT_SYMBOL_FOR_TEST(symbol)
#define fallthrough __attribute__((__fallthrough__))

static inline u64 div64_u64(u64 dividend, u64 divisor)
{
	return dividend / divisor;
}

static inline void cond_resched(void)
{
}

static inline void *kvmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	(void)gfp;
	return calloc(n ? n : 1, size);
}

static inline void *kvzalloc(size_t size, gfp_t gfp)
{
	(void)gfp;
	return calloc(1, size);
}

static inline void kvfree(const void *p)
{
	free((void *)p);
}

/* As the kernel's, it does not keep equals in order: glibc's would. */
static inline void sort(void *base, size_t n, size_t size,
			int (*cmp)(const void *, const void *), void *swap)
{
	char *first = base, *last = first + (n ? n - 1 : 0) * size;

	for (; first < last; first += size, last -= size) {
		for (size_t i = 0; i < size; i++) {
			char byte = first[i];

			first[i] = last[i];
			last[i] = byte;
		}
	}
	(void)swap;
	if (n)
		qsort(base, n, size, cmp);
}

/* Like snprintf, but returns what was stored. */
static inline int __attribute__((format(printf, 3, 4)))
scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, size, fmt, args);
	va_end(args);
	if (n >= (int)size)
		n = size ? (int)size - 1 : 0;
	return n;
}

#endif
