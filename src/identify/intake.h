/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_INTAKE_H
#define IDENTIFY_INTAKE_H

#include "identify/record.h"

struct batch;
struct flow;

/* The rows of a pipelined connection, for the decoder of such. */
struct run {
	struct flow *rows;
	uint64_t **marks; /* owned copies, by row; NULL: none */
	size_t count;
	int64_t start_us;
};

/* Another point where a record's download was seen; next: number of one more, 0: none. */
struct point {
	struct addr exporter;
	uint32_t next;
};

/* What was read: records of single exchanges, and runs. */
struct intake {
	const struct identify_config *config;
	uint64_t *counters;
	struct record *records;
	size_t count, cap, count_max;
	struct run *runs;
	size_t runs_count, runs_cap, run_rows; /* rows in all runs */
	struct point *points; /* from 1 */
	uint32_t points_count, points_cap;
	struct run open; /* the connection being read */
	uint32_t open_system; /* of its SYN, see record.h */
	bool open_has_marks;
	size_t open_cap;
};

void intake_init(struct intake *intake, const struct identify_config *config,
		 uint64_t *counters);
void intake_done(struct intake *intake);
void intake_clear(struct intake *intake); /* forgets what was read */
void intake_batch(struct intake *intake, const struct batch *flows);
void intake_end(struct intake *intake); /* closes the open connection */

/*
 * dedup.c: drops all but the best of records (or runs) of one download seen at several
 * points, and notes the other points; the rest come out by server, client and start.
 */
void intake_dedup(struct intake *intake);
void intake_sort(struct intake *intake);

/* What the two files share. */
enum { INTAKE_LOOK = 8 }; /* records of a flow looked back at for the like of one */
void *intake_grow(void *old, size_t bytes); /* aborts where there is no memory */
void intake_run_clear(struct run *run);
void intake_run_done(struct run *run);

#endif
