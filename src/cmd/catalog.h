/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_CATALOG_H
#define CMD_CATALOG_H

#include "cmd/common.h"

struct catalog;

/* Options of weir catalog; each verb has its own file. */
struct catalog_values {
	const char *output, *format, *fields;
	/* build */
	const char *base, *suite, *units, *encoding;
	struct option_list archs;
	bool wants_sizes, wants_indexes;
	uint64_t depth, parallel, rate, retries;
	int64_t timeout_us;
	/* show, leak */
	struct option_list more;
	const char *sort;
	uint64_t limit;
	bool wants_statistics, wants_summary;
	uint64_t mss;
};

/* The verbs: operands without the verb; an exit status, and err where there is something
 * to say. */
int verb_build(const struct catalog_values *v, const char **operands, int count,
    struct err *err);
int verb_merge(const struct catalog_values *v, const char **operands, int count,
    struct err *err);
int verb_diff(const struct catalog_values *v, const char **operands, int count,
    struct err *err);
int verb_show(const struct catalog_values *v, const char **operands, int count,
    struct err *err);
int verb_leak(const struct catalog_values *v, const char **operands, int count,
    struct err *err);

/* What a verb with CATALOG [FILTER] looks at: the files that pass, by size. */
struct chosen {
	struct catalog *catalog;
	uint32_t *picks;
	size_t n;
};

/* operands: a catalogue, then words of a filter; further catalogues are in v->more. An
 * exit status. */
int chosen_read(struct chosen *chosen, const struct catalog_values *v,
    const char **operands, int count, struct err *err);
void chosen_free(struct chosen *chosen);

/* Says which lines of catalogues were left out, if any; the exit status is then 1. */
void say_left_out(const struct catalog *catalog);
/* Reads and seals catalogues; NULL and err set if one cannot be read. */
struct catalog *catalog_open(const char *const *paths, size_t count, struct err *err);

#endif
