/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_RUN_PRIVATE_H
#define LAB_RUN_PRIVATE_H

#include "base/text.h"
#include "lab/client.h"
#include "lab/meters.h"
#include "lab/origin.h"
#include "lab/pace.h"
#include "lab/plan.h"
#include "lab/run.h"
#include "lab/topology.h"
#include "lab/truth.h"

enum { RUN_PATH_BYTES = 400 };

/* A scenario as it is run: run.c goes on with it, run_state.c keeps what it leaves. */
struct run {
	const struct scenario *s; /* as it is run: &cut */
	struct scenario cut;
	const struct scenario *asked;
	const struct run_config *config;
	char folder[RUN_PATH_BYTES], places[RUN_PATH_BYTES], logs[RUN_PATH_BYTES],
	    work[RUN_PATH_BYTES], root[RUN_PATH_BYTES], clients_log[RUN_PATH_BYTES + 20];
	struct corpus files;
	struct plan plan;
	struct topology topology;
	struct origin origin;
	struct client_config clients;
	struct meters_config meters_config;
	struct meters_losses losses;
	struct text truth;
	struct truth_counts counts;
	uint32_t blocks_done;
	uint64_t failed;     /* runs of clients */
	uint64_t done;       /* downloads */
	double seconds;      /* of earlier goes */
	int64_t begun_us, date_us, clients_us;
	struct pace pace;
	unsigned rounds;     /* in which it was foreseen to take too long */
	bool is_paced;       /* what is to be foreseen has been */
	bool is_slow;        /* and is too long */
	double foreseen;     /* seconds for what was asked for; 0: it fits */
};

/* What it took until now, earlier goes included. */
double run_seconds(const struct run *r);

/* Makes less of what was foreseen to take so long. */
void run_less(struct run *r, double all_s);
/* What became less, in words: "" if nothing did. */
void run_less_text(const struct run *r, char out[96]);

/* run.tsv. reason may be NULL. */
int run_state_write(struct run *r, const char *state, const char *reason,
    struct err *err);
/* What an earlier go has left: blocks done, counts, the truth of these blocks. */
int run_state_read(struct run *r, bool *is_done, struct err *err);
/* scenario.lab is what was run: -1 if another one was begun under this name. */
int run_scenario_keep(struct run *r, struct err *err);
/* places.tsv: what was recorded where, and how the client of a download looks there. */
int run_places_write(struct run *r, struct err *err);
int run_catalogue_write(struct run *r, struct err *err);
int run_truth_write(struct run *r, struct err *err);

#endif
