/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_RUN_H
#define LAB_RUN_H

#include "lab/scenario.h"

struct err;

/*
 * Runs a scenario: builds its network, starts server and meters, lets clients download,
 * and leaves the data set of docs/lab.md in FOLDER/NAME. What was broken off goes on at
 * the block where it stopped; what is done is left alone.
 */
struct run_config {
	const char *folder;  /* made if it is missing; absolute */
	const char *program; /* weir, as a file */
	uint64_t seed;       /* the same gives the same files, downloads and losses */
	/* Seconds that a scenario is to take at most: what its first downloads foresee to
	 * take longer becomes less (pace.h). 0: no limit. */
	double limit_s;
	/* Called as downloads end; may be NULL. */
	void (*progress)(const char *scenario, uint64_t done, uint64_t all);
};

enum run_result {
	RUN_DONE,
	RUN_WAS_DONE,
	RUN_SKIPPED, /* something is not installed; the err says what */
	RUN_STOPPED, /* asked to stop */
	RUN_FAILED,  /* the err says why */
};

struct run_numbers {
	uint64_t downloads, octets, failed, dropped; /* of all blocks */
	double seconds;
	char less[96]; /* what became less and why; "": nothing */
};

enum run_result run_scenario(const struct scenario *scenario,
    const struct run_config *config, struct run_numbers *numbers, struct err *err);

/* A quick run: few downloads of small files. Of a scenario with quick > 0. */
void run_make_quick(struct scenario *scenario);

#endif
