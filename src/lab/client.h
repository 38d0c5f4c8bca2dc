/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_CLIENT_H
#define LAB_CLIENT_H

#include "lab/plan.h"

struct err;
struct process;
struct origin;
struct text;
struct topology;

/* The real clients of a scenario: a process for each run of the plan. */
struct client_config {
	const struct scenario *scenario;
	const struct topology *topology;
	const struct origin *origin;
	const struct corpus *files;
	const struct plan *plan;
	const char *folder; /* for what clients keep, and their log, clients.log */
};

/*
 * In clients.log curl writes a line of each download: this word, the run's action, when
 * it was started in microseconds since 1970, and columns of access.def, with tabs
 * between.
 */
#define CLIENT_REPORT "@download"
extern const char *const action_names[];

/*
 * What comes before the first download, and is not metered: apt gets its indexes; where
 * the server compresses, each file is fetched once, so that its log says how long it
 * becomes.
 */
int client_prepare(const struct client_config *config, struct err *err);
/* Starts a run; slot is which of the runs at once it is, from 0. */
int client_start(const struct client_config *config, const struct plan_run *run,
    unsigned slot, struct process **out, struct err *err);
/* After a run ended: what it said, in a file of its own so far because curl writes it
 * octet by octet, goes to clients.log. */
int client_ended(const struct client_config *config, unsigned slot, struct err *err);
/* How long a run may take. */
int64_t client_limit_ms(const struct client_config *config, const struct plan_run *run);

#endif
