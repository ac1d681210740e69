/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/*
 * As much of KUnit as uid_mem_test.c uses, for user space: a program that runs
 * all cases and says how they ended, in TAP.  `PROGRAM SUITE` runs one suite.
 */
#ifndef UID_MEM_KUNIT_TEST_H
#define UID_MEM_KUNIT_TEST_H

#include "user_space.h"

struct kunit {
	const char *name;
	bool failed;
};

struct kunit_case {
	const char *name;
	void (*run_case)(struct kunit *test);
};

struct kunit_suite {
	const char *name;
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

#define KUNIT_CASE(function) { .name = #function, .run_case = function }

#define kunit_fail(test, ...)						\
	do {								\
		(test)->failed = true;					\
		printf("# %s:%d: ", __FILE__, __LINE__);		\
		printf(__VA_ARGS__);					\
		printf("\n");						\
	} while (0)

#define kunit_compare(test, left, op, right)				\
	do {								\
		__typeof__(left) left_ = (left);			\
		__typeof__(right) right_ = (right);			\
									\
		(void)(&left_ == &right_);				\
		if (!(left_ op right_))					\
			kunit_fail(test, "%s is %lld, expected: %s %lld", \
				   #left, (long long)left_, #op,	\
				   (long long)right_);			\
	} while (0)

#define KUNIT_EXPECT_EQ(test, left, right) kunit_compare(test, left, ==, right)
#define KUNIT_EXPECT_LT(test, left, right) kunit_compare(test, left, <, right)
#define KUNIT_EXPECT_GT(test, left, right) kunit_compare(test, left, >, right)
#define KUNIT_EXPECT_TRUE(test, x) KUNIT_EXPECT_EQ(test, (bool)(x), (bool)true)
#define KUNIT_EXPECT_FALSE(test, x) KUNIT_EXPECT_EQ(test, (bool)(x), (bool)false)

#define KUNIT_EXPECT_EQ_MSG(test, left, right, ...)			\
	do {								\
		bool before_ = (test)->failed;				\
									\
		(test)->failed = false;					\
		KUNIT_EXPECT_EQ(test, left, right);			\
		if ((test)->failed)					\
			kunit_fail(test, __VA_ARGS__);			\
		(test)->failed |= before_;				\
	} while (0)

#define KUNIT_EXPECT_STREQ(test, left, right)				\
	do {								\
		const char *left_ = (left), *right_ = (right);		\
									\
		if (strcmp(left_, right_))				\
			kunit_fail(test, "%s is\n%s\nexpected:\n%s",	\
				   #left, left_, right_);		\
	} while (0)

/* What follows makes no sense: no other case is run, either. */
#define kunit_stop(test)						\
	do {								\
		if ((test)->failed) {					\
			printf("Bail out! %s\n", (test)->name);		\
			exit(1);					\
		}							\
	} while (0)

#define KUNIT_ASSERT_EQ(test, left, right)				\
	do { KUNIT_EXPECT_EQ(test, left, right); kunit_stop(test); } while (0)
#define KUNIT_ASSERT_GT(test, left, right)				\
	do { KUNIT_EXPECT_GT(test, left, right); kunit_stop(test); } while (0)

#define MODULE_DESCRIPTION(text)
#define MODULE_LICENSE(text)

static inline bool kunit_run_case(struct kunit_suite *suite,
				  struct kunit_case *c, unsigned int number)
{
	struct kunit test = { .name = c->name };

	if (suite->init && suite->init(&test))
		kunit_fail(&test, "no memory");
	else
		c->run_case(&test);
	if (suite->exit)
		suite->exit(&test);
	printf("%s %u - %s.%s\n", test.failed ? "not ok" : "ok", number,
	       suite->name, c->name);
	return !test.failed;
}

static inline int kunit_run(struct kunit_suite **suites, int argc, char **argv)
{
	unsigned int run = 0, passed = 0;
	struct kunit_case *c;

	if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
		fprintf(stderr, "usage: %s [SUITE]\n", argv[0]);
		return 2;
	}
	for (; *suites; suites++) {
		if (argc == 2 && strcmp(argv[1], (*suites)->name))
			continue;
		for (c = (*suites)->test_cases; c->run_case; c++)
			passed += kunit_run_case(*suites, c, ++run);
	}
	printf("1..%u\n", run);
	return !run || passed != run;
}

#define kunit_test_suites(...)						\
int main(int argc, char **argv)						\
{									\
	struct kunit_suite *suites[] = { __VA_ARGS__, NULL };		\
									\
	return kunit_run(suites, argc, argv);				\
}									\
struct kunit

#endif
