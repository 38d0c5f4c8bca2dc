/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef RUN_PRIVATE_H
#define RUN_PRIVATE_H

#include "base/err.h"
#include "base/mailbox.h"
#include "base/ring.h"
#include "model/sink.h"
#include "run/run.h"

struct batch;

/* Batches of a worker: in its meter, in the two queues, and in the output's hands. */
enum { QUEUE_BATCHES = 32 };
_Static_assert((int)QUEUE_BATCHES <= (int)RING_SLOTS, "all batches fit into a queue");
enum { ANSWER_MS = 5000 };

struct worker {
	struct sink sink; /* first: what its meter pushes to */
	struct run *run;
	struct source *source;
	struct meter *meter;
	uint32_t ingress;
	pthread_t thread;
	bool has_thread;
	struct mailbox box;
	struct ring full, empty;  /* to the output thread and back */
	unsigned batches;         /* made so far */
	uint64_t counters[RUN_COUNTERS];
	struct err err;
	bool is_over;             /* atomic */
	int64_t step_ns;          /* real time less monotonic time */
	int64_t push_ms;
	/* remote: the newest packet's time, and when it came */
	int64_t newest_ns, came_ns;
};

struct run {
	struct run_config config;
	struct worker *workers;
	unsigned count;
	struct mailbox output;    /* of the output thread */
	pthread_t thread;
	bool has_thread;
	int event_fd;
	bool is_gathering, is_stopping, is_dropping; /* atomic */
	bool is_failed;           /* atomic: the outputs failed; records are dropped */
	struct err err;           /* of the outputs */
	pthread_mutex_t commands; /* one at a time */
	int64_t flush_ms;         /* when the sink was flushed last */
	bool is_unflushed;
};

void *worker_main(void *worker);
meter_show_fn worker_show; /* of a worker; not called without config.packets */
void *output_main(void *run);
/* Something happened that the caller of run_fd should see. */
void run_tell(struct run *run);

/*
 * How far the system's clock was set between two readings of real time less monotonic
 * time, in ns; 0 if by less than two seconds, as when it is slewed.
 */
int64_t clock_step(int64_t before_ns, int64_t now_ns);

static inline bool
flag_get(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static inline void
flag_set(bool *flag, bool value)
{
	__atomic_store_n(flag, value, __ATOMIC_RELEASE);
}

#endif
