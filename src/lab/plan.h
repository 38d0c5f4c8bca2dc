/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_PLAN_H
#define LAB_PLAN_H

#include "lab/corpus.h"

/*
 * What a scenario downloads, in order, before anything is done: the seed decides. A run
 * is one run of the client's program, with its downloads; a block is the runs after which
 * meters are read out, either all for training or all for testing.
 */
enum action {
	ACTION_whole, ACTION_range, ACTION_resume, ACTION_abort, ACTION_unmodified,
	ACTIONS
};

struct plan_run {
	uint32_t first, count; /* of files[] */
	uint32_t client, server; /* which of the clients and addresses, from 0 */
	enum action action;
	/* range: of its first octet; resume, abort: octets got before the end */
	uint64_t cut;
	uint64_t end; /* range: its last octet */
};

struct plan_block {
	uint32_t first, count; /* of runs[] */
	uint32_t downloads;
	bool is_train;
};

struct plan {
	uint32_t *files; /* a download each: which file */
	struct plan_run *runs;
	struct plan_block *blocks;
	uint32_t file_count, run_count, block_count;
};

int plan_draw(struct plan *plan, const struct scenario *scenario,
    const struct corpus *files, uint64_t seed, struct err *err);
void plan_done(struct plan *plan);

#endif
