/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef EVALUATE_EVALUATION_H
#define EVALUATE_EVALUATION_H

#include "evaluate/evaluate.h"
#include "evaluate/input.h"
#include "evaluate/statistics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What evaluate.c finds out and rows.c tells. */
enum {
	GROUPS_MAX = 1000,
	GROUP_SLOTS = 4096,
	GRADES = 6, /* of enum grade; one more: no finding */
	GRADE_absent = GRADES,
	PARTS_MAX = 3,
};

struct tally {
	uint64_t downloads, right, wrong, unnamed, absent;
	uint64_t named_right, known;
	struct calibration names;
};

struct evaluation {
	struct items truth, findings;
	uint32_t *pairs;
	uint32_t *group_of;         /* of each download */
	size_t groups[GROUPS_MAX + 1]; /* texts of truth's strings */
	uint32_t group_count;
	uint32_t slots[GROUP_SLOTS];
	int64_t split_us;
	bool has_split;
	struct tally *tallies; /* by part: all, groups, grades */
	uint64_t counters[EVALUATE_COUNTERS];
};

extern const char *const evaluation_parts[PARTS_MAX];

/* A text of items; "" where there is none. */
const char *evaluation_text(const struct items *items, size_t text);
/* Tallies of each part: all, each group, each grade. */
size_t evaluation_tallies(const struct evaluation *e);
/* The finding of download i; NULL: none. */
const struct item *evaluation_finding(const struct evaluation *e, size_t i);
bool evaluation_is_right(const struct evaluation *e, size_t i);
/* Where the split puts it: 1 or 2. */
unsigned evaluation_part(const struct evaluation *e, size_t i);

#endif
