/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread that drives the outputs: batches of all workers, in turn, into one sink;
 * flushes when it is time. If the sink fails, what comes after is dropped and counted,
 * and the run is asked to end.
 */
#include "run/private.h"

#include "base/clock.h"
#include "model/batch.h"

#include <poll.h>

enum { POLL_MS = 250 };

static void
fail(struct run *run)
{
	flag_set(&run->is_failed, true);
	run_tell(run);
}

static void
push(struct run *run, struct batch *batch)
{
	if (flag_get(&run->is_failed) || flag_get(&run->is_dropping))
		return;
	if (sink_push(run->config.outputs.sink, batch, &run->err) != 0)
		fail(run);
	run->is_unflushed = true;
}

/* A batch of each worker in turn, until there are none. */
static void
take_all(struct run *run)
{
	struct batch *batch;
	bool had_some = true;
	unsigned i;

	while (had_some) {
		had_some = false;
		for (i = 0; i < run->count; i++) {
			struct worker *w = &run->workers[i];

			if ((batch = ring_take(&w->full)) == NULL)
				continue;
			had_some = true;
			push(run, batch);
			batch_clear(batch);
			(void)ring_put(&w->empty, batch);
			if (flag_get(&run->is_stopping))
				mailbox_wake(&w->box); /* it may wait for a batch */
		}
		if (mailbox_is_posted(&run->output))
			mailbox_serve(&run->output);
	}
}

static void
flush(struct run *run)
{
	const struct run_outputs *out = &run->config.outputs;
	int64_t now = clock_ms(CLOCK_MONOTONIC);
	bool is_due = out->flush_ms == 0 ? run->is_unflushed
	    : now - run->flush_ms >= out->flush_ms;

	if (!is_due || flag_get(&run->is_failed))
		return;
	if (sink_flush(out->sink, &run->err) != 0)
		fail(run);
	run->flush_ms = now;
	run->is_unflushed = false;
}

void *
output_main(void *arg)
{
	struct run *run = arg;
	struct pollfd wake = {run->output.wake_fd, POLLIN, 0};
	bool is_over = false;
	unsigned i;

	pthread_setname_np(pthread_self(), "weir-output");
	while (!is_over) {
		(void)poll(&wake, 1, POLL_MS);
		mailbox_serve(&run->output);
		is_over = true; /* asked before taking: nothing comes after */
		for (i = 0; i < run->count; i++)
			is_over &= flag_get(&run->workers[i].is_over);
		take_all(run);
		flush(run);
	}
	mailbox_close(&run->output);
	return NULL;
}
