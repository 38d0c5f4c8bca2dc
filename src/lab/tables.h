/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_TABLES_H
#define LAB_TABLES_H

#include "lab/method.h"
#include "lab/rows.h"

struct err;
struct sink;

/* The lab's tables while they grow: a case is a method at a place of a scenario. */
struct lab_tables;

struct lab_case {
	const char *scenario, *place;
	const struct lab_method *method;
	uint64_t names;  /* files to choose from */
	bool has_decoys; /* files were added to its catalogue: only scores are made */
	bool has_article;
	double article; /* percent */
};

struct lab_tables *lab_tables_new(void);
void lab_tables_free(struct lab_tables *tables); /* NULL is fine */

/* again: segments sent again of each download, below 0: not known; NULL: of none. Copies.
 */
void lab_tables_add(struct lab_tables *tables, const struct lab_case *of,
		    const struct lab_downloads *downloads, const struct lab_records *told,
		    const struct lab_verdict *verdicts, const int64_t *again);
/* The case has no figure, and why. */
void lab_tables_note(struct lab_tables *tables, const struct lab_case *of,
		     const char *note);
/* A scenario. Copies texts. */
void lab_tables_run(struct lab_tables *tables, const struct lab_run *run);

const struct lab_score *lab_tables_scores(const struct lab_tables *tables, size_t *count);
const struct lab_run *lab_tables_runs(const struct lab_tables *tables, size_t *count);

/* The tables, in the order in which they are told. */
enum lab_table {
	LAB_TABLE_RUN,
	LAB_TABLE_SCORE,
	LAB_TABLE_AGAIN,
	LAB_TABLE_BIN,
	LAB_TABLE_MISS,
	LAB_TABLES
};
extern const struct schema *const lab_table_schemas[LAB_TABLES];

struct lab_push {
	enum lab_table table;
	uint64_t most;                  /* rows; 0: all */
	bool (*wants)(const void *row); /* NULL: every row */
};
/* Pushes the rows as batches; *left (may be NULL): wanted ones beyond the most. */
int lab_tables_push(const struct lab_tables *tables, const struct lab_push *what,
		    struct sink *sink, uint64_t *left, struct err *err);

#endif
