/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_PACE_H
#define LAB_PACE_H

#include "lab/plan.h"

#include <stdbool.h>

/*
 * How long a scenario will take, foreseen by its first downloads, and what becomes less
 * where that is longer than its limit. Times come from outside.
 */

/* What a run of a client's program is to bring: octets of bodies, and downloads. */
struct pace_load {
	double octets;
	double downloads;
};

enum { PACE_SEEN_MAX = 256 };

struct pace {
	double limit_s, parallel;
	struct pace_load all;  /* of the plan */
	struct pace_load ended; /* of the runs that have ended */
	/* each of these runs: its load, and how long it took */
	struct pace_load loads[PACE_SEEN_MAX];
	double seconds[PACE_SEEN_MAX];
	unsigned count;
};

/* What of the downloads' time hangs on their sizes: a + b * octets for each of them. */
struct pace_law {
	double a_s, b_s;
};

struct pace_load pace_load_of(const struct plan *plan, const struct corpus *files,
    const struct plan_run *run);
void pace_begin(struct pace *pace, double limit_s, unsigned parallel,
    const struct plan *plan, const struct corpus *files);
/* A run has ended that took so long. Beyond PACE_SEEN_MAX they are passed over. */
void pace_ended(struct pace *pace, const struct pace_load *load, double took_s);

/*
 * Once enough has been seen, elapsed_s after the first run began: true, and how long all
 * of it will take. Enough are five runs, twice as many as run at once, and a twentieth of
 * the limit; or what there is after a quarter of it. under_way: of the runs that have
 * begun and not ended.
 */
bool pace_foresee(const struct pace *pace, double elapsed_s,
    const struct pace_load *under_way, double *all_s);
struct pace_law pace_law(const struct pace *pace);

/* What was made less; 1: nothing. */
struct pace_cut {
	double sizes, downloads;
};

/*
 * So that what was foreseen to take all_s takes wanted_s: sizes, if the scenario says so,
 * down to a twentieth, then downloads; else downloads alone. Factors have two digits.
 */
struct pace_cut pace_cut(const struct pace *pace, bool is_sizes, double all_s,
    double wanted_s);

#endif
