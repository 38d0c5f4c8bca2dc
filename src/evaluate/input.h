/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef EVALUATE_INPUT_H
#define EVALUATE_INPUT_H

#include "base/text.h"
#include "evaluate/evaluate.h"
#include "model/addr.h"

/* A download of the truth, or a finding. Texts are offsets into their table's strings; 0
 * is none. */
struct item {
	int64_t start_us, end_us; /* end_us: of a finding; as start_us where not told */
	struct addr client;
	double probability;
	/* the file's size; of a finding: octets or span of its response */
	uint64_t octets;
	size_t name, version, group, candidates, evidence;
	uint32_t exchange;
	uint16_t port;
	uint8_t grade;
	bool has_port, has_exchange, has_octets;
	bool is_of_set; /* a finding: of several of one record, in no order */
};

enum { ITEMS_MAX = 20000000 };

struct items {
	struct item *list;
	size_t count, cap;
	struct text strings;
	bool is_truth, has_group, has_port, has_candidates; /* the columns are there */
};

/*
 * Reads a table (TSV or CSV, its first line names the columns). Needed: client and start,
 * and for findings probability, for the truth name. group: the name of the column that
 * becomes item.group, or NULL. Columns of other names are read over. An error names file,
 * line and column.
 */
int items_read(struct items *items, const struct evaluate_text *in, bool is_truth,
    const char *group, struct err *err);
void items_init(struct items *items);
void items_done(struct items *items);

static inline const char *
items_text(const struct items *items, size_t text)
{
	return items->strings.data + text;
}

#endif
