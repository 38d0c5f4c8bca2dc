/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_TRUTH_H
#define LAB_TRUTH_H

#include "lab/access.h"
#include "lab/plan.h"

struct err;
struct origin;
struct text;
struct topology;

/*
 * The downloads as they were, from the log of the server that served them. docs/lab.md
 * has the columns, truth.def names them.
 */
struct truth_config {
	const struct scenario *scenario;
	const struct topology *topology;
	const struct origin *origin;
	const struct corpus *files;
	const char *clients_log;
	/* of a block: where its lines begin */
	long access_from, clients_from;
	uint32_t block;
	bool is_train;
	uint32_t expected; /* rows */
	/* How it waits for lines that are not there yet, TRUTH_WAITS times at most;
	 * false: no longer. NULL: stop_sleep, 50 ms each time. */
	bool (*wait)(void *arg);
	void *wait_arg;
};

enum { TRUTH_WAITS = 100 };

struct truth_counts {
	uint64_t rows;
	uint64_t octets;  /* of bodies */
	uint64_t others;  /* requests for what is no file of the catalogue, pages say */
	uint64_t refused; /* and answers that are neither files nor "not modified" */
};

/* The line of column names. */
void truth_header(struct text *out);
/*
 * Rows of a block. Waits a few seconds for lines that the server has not written yet;
 * fewer rows than expected are no error.
 */
int truth_read(const struct truth_config *config, struct text *out,
    struct truth_counts *counts, struct err *err);
/*
 * From the server's log of one download of each file: what its body was, where it was
 * encoded.
 */
int truth_bodies(const struct scenario *scenario, const char *access,
    struct corpus *files, struct err *err);
/* Reads a text of rows that truth_read wrote, and drops those of blocks from this one on;
 * -1: that is no such text. */
int truth_keep(const char *text, uint32_t block, struct text *out, struct err *err);

#endif
