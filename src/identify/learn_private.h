/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_LEARN_PRIVATE_H
#define IDENTIFY_LEARN_PRIVATE_H

#include "identify/labels.h"
#include "identify/learn.h"

struct learn {
	struct learn_config config;
	struct identify_config intake;
	struct labels labels;
	struct record *records;
	size_t records_count, records_cap;
	uint64_t counters[LEARN_COUNTERS], refused[IDENTIFY_COUNTERS];
};

/* Calls each for every record that a label names; counts the others. */
typedef void learn_match_fn(void *arg, const struct record *record,
    const struct label *label);
int learn_match(struct learn *learn, learn_match_fn *each, void *arg, struct err *err);

#endif
