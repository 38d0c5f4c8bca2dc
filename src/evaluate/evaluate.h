/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef EVALUATE_EVALUATE_H
#define EVALUATE_EVALUATE_H

#include "base/counter.h"
#include "evaluate/statistics.h"

struct err;
struct evaluation;
struct schema;
struct sink;

/*
 * Findings against the truth. Truth is a TSV or CSV whose first line names its columns:
 * client, start and name, and any of client_port, version, size, exchange and others; an
 * empty name says that the download is of no known file. A download and a finding belong
 * together if client and port agree and their starts are within a tolerance. Several of a
 * client and port are aligned in order, so that few are left over and times and sizes
 * differ least; where both know the ordinal on the connection, by that. Names are never
 * looked at for it.
 *
 * Of a finding that names, its probability is that the name is right; of others nothing
 * is held against their probability.
 */
enum evaluate_counter {
#define COUNTER(id, help) EVALUATE_##id,
#include "evaluate/counter.def"
#undef COUNTER
	EVALUATE_COUNTERS
};
extern const struct counter_row evaluate_counter_rows[EVALUATE_COUNTERS];

struct evaluate_config {
	int64_t tolerance_us;  /* of start; 0: 2 s */
	/* a column of the truth or a field of findings; NULL: exporter where findings
	 * have one */
	const char *group;
	/* a time or a share of the downloads, 0 < s < 1; NULL: none */
	const char *split;
};

int evaluate(const char *findings, const char *truth,
    const struct evaluate_config *config, struct evaluation **out, struct err *err);
/* The same from memory; for tests and fuzzing. */
struct evaluate_text {
	const char *name;
	const void *bytes;
	size_t n;
};
int evaluate_text(const struct evaluate_text *findings, const struct evaluate_text *truth,
    const struct evaluate_config *config, struct evaluation **out, struct err *err);
void evaluation_free(struct evaluation *evaluation); /* NULL is fine */

extern const struct schema score_schema, bin_schema, miss_schema;

/* Push batches of these schemas: every part's sums, groups and grades; the bins that are
 * not empty; the misses in order of time. */
int evaluation_scores(const struct evaluation *evaluation, struct sink *sink,
    struct err *err);
int evaluation_bins(const struct evaluation *evaluation, struct sink *sink,
    struct err *err);
int evaluation_misses(const struct evaluation *evaluation, struct sink *sink,
    struct err *err);

const uint64_t *evaluation_counters(const struct evaluation *evaluation);

#endif
