/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "meter/control.h"
#include "meter/meter.h"
#include "meter/statistics.h"
#include "packet/source.h"

struct err;
struct run;
struct sink;
struct text;

/*
 * A live run of the meter: a thread for each source, with a meter of its own, and one
 * thread for the outputs. Batches go from the former to the latter by bounded queues;
 * when these are full, whole batches are dropped and counted. The caller's thread starts
 * it, waits on run_fd beside whatever else it does, and ends it.
 */
enum run_counter {
#define COUNTER(id, help) RUN_COUNT_##id,
#include "run/counter.def"
#undef COUNTER
	RUN_COUNTERS
};
extern const struct counter_row run_counter_rows[RUN_COUNTERS];

enum { RUN_WORKERS_MAX = 64 };

/*
 * Where records go. All functions are called by the output thread only; those that are
 * NULL are not called. The sink is borrowed: open it before, close it after.
 */
struct run_outputs {
	struct sink *sink;
	/* the sink is flushed this often, and as soon as there is nothing more to push
	 * with 0 */
	unsigned flush_ms;
	void (*refresh)(void *arg);                   /* templates are to be sent again */
	void (*print)(void *arg, struct text *out);   /* the outputs' own counters */
	int (*reopen)(void *arg, struct err *err);    /* files were moved away */
	void *arg;
};

/* A worker: its source, which is the caller's, and what its records say of it. */
struct run_worker {
	struct source *source;
	uint32_t ingress; /* interface index in its records; 0: the source's own */
};

struct run_config {
	struct run_worker workers[RUN_WORKERS_MAX];
	unsigned count;
	struct meter_config meter; /* of each worker; max_flows is divided among them */
	struct run_outputs outputs;
	/* Metered packets as they come, those of the sample out of so many seen, and n 0
	 * now and then when none do; NULL: not wanted. Called by the worker's thread; -1
	 * ends the run. */
	int (*packets)(void *arg, unsigned worker, const struct packet *packets, size_t n,
	    size_t seen, struct err *err);
	/* Something to tell the operator; called by any thread. */
	void (*note)(void *arg, const char *text);
	/* The log's level by +1 or -1; returns the new one. Called by any thread. */
	int (*debug)(void *arg, int step);
	void *arg;
};

int run_new(const struct run_config *config, struct run **out, struct err *err);
void run_free(struct run *run); /* after run_wait; may be NULL */

/* Lets frames in and starts the threads. */
int run_start(struct run *run, struct err *err);

/* Readable once the run should end: on an error, by shutdown and exit, or when all
 * sources have ended. */
int run_fd(const struct run *run);

enum run_end { RUN_EXPORT, RUN_DROP };
/* Makes the threads end; with RUN_EXPORT after all flows were written. A command that was
 * given says how, if it was the first. Any thread; may be called again. */
void run_stop(struct run *run, enum run_end how);
/* Waits for the threads; -1 and the first error of a worker or of the outputs. */
int run_wait(struct run *run, struct err *err);

/*
 * Have a function called by a worker's thread between two bursts, or by the output thread
 * between two batches, and wait for its end: for all that has no command below. Keep it
 * short: packets wait. -1 if there was no answer within seconds; it is not called then.
 * Any thread but the run's own; after run_wait the calling one does it.
 */
int run_visit(struct run *run, unsigned worker, void (*visit)(struct meter *meter,
    void *arg), void *arg, struct err *err);
int run_visit_outputs(struct run *run, void (*visit)(void *arg), void *arg,
    struct err *err);
unsigned run_workers(const struct run *run);
/* All threads answer; false after seconds of waiting. For watchdogs. */
bool run_is_alive(struct run *run);

/* Sums over the workers. */
struct run_stats {
	struct source_stats source;
	uint64_t live[LIVE_COUNTERS];
	struct meter_stats meter; /* peak_flows: the sum of the workers' peaks */
	struct meter_statistics records;
	uint64_t counters[RUN_COUNTERS];
	unsigned workers;
	uint64_t worker_packets[RUN_WORKERS_MAX]; /* metered by each */
	bool is_gathering;
};

/* -1 if a worker did not answer within seconds. Any thread, also after run_wait. */
int run_stats(struct run *run, struct run_stats *out, struct err *err);

/* ---- commands ---- */

enum run_command {
#define RUN_COMMAND(id, word, argument, help) RUN_##id,
#include "run/command.def"
#undef RUN_COMMAND
	RUN_COMMANDS
};

struct run_command_row {
	const char *word, *argument, *help;
};
extern const struct run_command_row run_command_rows[RUN_COMMANDS];

struct run_request {
	enum run_command command;
	const char *argument; /* of timeouts; NULL: none */
	meter_walk_fn *each;  /* of dump_flows: called by the workers' threads in turn */
	void *context;
	/* of expire_all and delete_all: how many; NULL: not wanted */
	uint64_t *flows;
};

/* The command of a word; -1 and err, which lists the words, if there is none. */
int run_command_find(const char *word, enum run_command *out, struct err *err);

/*
 * Does what is asked between two bursts of each worker and appends lines for the operator
 * to out. Any thread but the run's own; commands of several callers take turns.
 */
int run_command(struct run *run, const struct run_request *request, struct text *out,
    struct err *err);

/* Has the outputs reopened and waits for it. */
int run_reopen(struct run *run, struct err *err);

/* The tables of a run for people: frames, IP, capture, meter, queue, outputs. */
void run_print(const struct run_stats *stats, struct text *out);
/* The outputs' own part. */
int run_print_outputs(struct run *run, struct text *out, struct err *err);

#endif
