/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/* The form of the fuzzer's inputs; see fuzz.c. */
#ifndef UID_MEM_FUZZ_H
#define UID_MEM_FUZZ_H

/* In the first byte, besides max_entries: evict. */
#define FUZZ_EVICT	0x80
/* After the first byte: a write ends here. */
#define FUZZ_NEXT_WRITE	0xff
/* The longest input, in bytes. */
#define FUZZ_MAX_INPUT	4096

#endif
