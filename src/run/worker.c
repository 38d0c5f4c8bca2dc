/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker: bursts of its source into its meter until it is told to stop. When there is
 * nothing to read, the system's clock moves the meter's on, less a margin for packets
 * that the kernel still holds, so that flows end in time on a quiet link. Where packets
 * have times of another clock, that one goes on from the newest of them. Commands are
 * done between bursts.
 */
#include "run/private.h"

#include "base/clock.h"
#include "base/text.h"
#include "model/batch.h"
#include "model/flow.h"

#include <poll.h>
#include <string.h>

enum { IDLE_MS = 100, PUSH_MS = 200, DRAIN_MS = 1000, LAST_WAIT_MS = 150 };
/* How old packets may be when they come: the kernel hands them over within 100 ms. */
static const int64_t MARGIN_NS = 200000000;
/* And reports of them, which their exporter held back for a second. */
static const int64_t MARGIN_REMOTE_NS = 2000000000;
static const int64_t STEP_MIN_NS = 2000000000;

int64_t
clock_step(int64_t before_ns, int64_t now_ns)
{
	int64_t step = now_ns - before_ns;

	return step > -STEP_MIN_NS && step < STEP_MIN_NS ? 0 : step;
}

/* ---- the queue, as the meter's sink ---- */

static void
count_lost(struct worker *w, const struct batch *batch)
{
	static const struct {
		unsigned field;
		enum run_counter counter;
	} sums[] = {{FLOW_packets, RUN_COUNT_lost_packets},
	    {FLOW_reverse_packets, RUN_COUNT_lost_packets},
	    {FLOW_bytes, RUN_COUNT_lost_bytes},
	    {FLOW_reverse_bytes, RUN_COUNT_lost_bytes}};
	size_t i, row;

	w->counters[RUN_COUNT_queue_full]++;
	w->counters[RUN_COUNT_lost_records] += batch->rows;
	for (i = 0; i < sizeof sums / sizeof *sums; i++) {
		const struct column *c = &batch->columns[sums[i].field];

		for (row = 0; row < batch->rows && c->form != COLUMN_ABSENT; row++)
			w->counters[sums[i].counter] += column_is_null(c, row) ? 0
			    : column_u64(c, row);
	}
}

/* A free batch; NULL if the outputs have all. At the end there is time to wait for
 * one. */
static struct batch *
batch_get(struct worker *w, const struct batch *like)
{
	struct pollfd wake = {w->box.wake_fd, POLLIN, 0};
	struct batch *b;

	while ((b = ring_take(&w->empty)) == NULL) {
		if (w->batches < QUEUE_BATCHES) {
			w->batches++;
			return batch_new(like->schema, like->cap);
		}
		if (!flag_get(&w->run->is_stopping) || flag_get(&w->run->is_failed))
			return NULL;
		(void)poll(&wake, 1, IDLE_MS);
		mailbox_serve(&w->box);
	}
	return b;
}

static int
queue_push(struct sink *sink, struct batch *batch, struct err *err)
{
	struct worker *w = (struct worker *)sink;
	struct batch *b = batch_get(w, batch);
	uint32_t ingress;

	if (b == NULL) {
		count_lost(w, batch);
		return 0;
	}
	ingress = w->ingress != 0 ? w->ingress : source_interface(w->source);
	if (ingress != 0)
		batch_constant(batch, FLOW_ingress, &ingress);
	batch_swap(batch, b);
	(void)ring_put(&w->full, b); /* has room for all batches that there are */
	w->counters[RUN_COUNT_batches]++;
	mailbox_wake(&w->run->output);
	return 0;
}

static int
queue_flush(struct sink *sink, struct err *err)
{
	return 0;
}

/* ---- the loop ---- */

static void
tell(struct worker *w, struct text *note)
{
	const struct run_config *c = &w->run->config;

	if (note->len > 0 && c->note != NULL)
		c->note(c->arg, note->data);
	text_clear(note);
}

/* The system's clock was set: old and new times cannot be compared. */
static int
watch_clock(struct worker *w, int64_t real_ns, struct text *note)
{
	int64_t now = real_ns - clock_ns(CLOCK_MONOTONIC);
	int64_t step = clock_step(w->step_ns, now);

	w->step_ns = now;
	if (step == 0)
		return 0;
	w->counters[RUN_COUNT_clock_steps]++;
	text_printf(note, "the system's clock was set by %.1f s; all flows are written",
	    (double)step / 1e9);
	tell(w, note);
	return meter_restart(w->meter, &w->err);
}

/* Earlier than any packet that is still to come, as far as can be told. */
static int64_t
packets_clock(const struct worker *w, int64_t real_ns)
{
	if (!source_is_remote(w->source))
		return real_ns - MARGIN_NS;
	return w->newest_ns + clock_ns(CLOCK_MONOTONIC) - w->came_ns - MARGIN_REMOTE_NS;
}

/* What is due now and then; with nothing to read, is_idle, the clock is moved on too. */
static int
keep_time(struct worker *w, bool is_idle, struct text *note)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC), real;

	if (!is_idle && now - w->push_ms < PUSH_MS)
		return 0;
	real = clock_ns(CLOCK_REALTIME);
	if (watch_clock(w, real, note) != 0)
		return -1;
	if (is_idle && (!source_is_remote(w->source) || w->newest_ns != 0) &&
	    meter_time(w->meter, packets_clock(w, real), &w->err) != 0)
		return -1;
	source_check(w->source, now, note);
	tell(w, note);
	if (now - w->push_ms < PUSH_MS)
		return 0;
	w->push_ms = now;
	return meter_push(w->meter, &w->err);
}

int
worker_show(void *arg, const struct packet *packets, size_t n, size_t seen,
    struct err *err)
{
	struct worker *w = arg;
	const struct run_config *c = &w->run->config;

	return c->packets(c->arg, (unsigned)(w - w->run->workers), packets, n, seen, err);
}

/* A burst, if there is one; the number of packets, or -1. */
static int
take_burst(struct worker *w)
{
	struct packet burst[SOURCE_BURST];
	const struct run_config *c = &w->run->config;
	int n = source_burst(w->source, burst, &w->err);

	if (n == 0 && c->packets != NULL && worker_show(w, NULL, 0, 0, &w->err) != 0)
		return -1;
	if (n <= 0)
		return n;
	if (source_is_remote(w->source)) {
		w->newest_ns = burst[n - 1].time_ns;
		w->came_ns = clock_ns(CLOCK_MONOTONIC);
	}
	if (!flag_get(&w->run->is_gathering))
		w->counters[RUN_COUNT_not_gathered] += (uint64_t)n;
	else if (meter_packets(w->meter, burst, (size_t)n, &w->err) != 0)
		return -1;
	return n;
}

static void
wait_for_work(struct worker *w, int ms)
{
	struct pollfd fds[2] = {{w->box.wake_fd, POLLIN, 0},
	    {source_fd(w->source), POLLIN, 0}};

	(void)poll(fds, 2, ms);
}

/* What the kernel still has, but not for ever. */
static int
drain(struct worker *w)
{
	int64_t until = clock_ms(CLOCK_MONOTONIC) + DRAIN_MS;
	int n;

	wait_for_work(w, LAST_WAIT_MS);
	do {
		while ((n = take_burst(w)) > 0 && clock_ms(CLOCK_MONOTONIC) < until)
			;
	} while (n == 0 && clock_ms(CLOCK_MONOTONIC) < until &&
	    source_fd(w->source) >= 0 &&
	    poll(&(struct pollfd){source_fd(w->source), POLLIN, 0}, 1, LAST_WAIT_MS) > 0);
	return n < 0 ? -1 : 0;
}

static int
work(struct worker *w)
{
	struct run *run = w->run;
	struct text note;
	int n = 0, status = 0;

	text_init(&note);
	w->step_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	while (status == 0 && !flag_get(&run->is_stopping)) {
		if ((n = take_burst(w)) < 0 || keep_time(w, n == 0, &note) != 0)
			status = -1;
		if (mailbox_is_posted(&w->box) || n == 0)
			mailbox_serve(&w->box);
		if (n == 0 && status == 0)
			wait_for_work(w, IDLE_MS);
	}
	text_done(&note);
	if (flag_get(&run->is_dropping))
		return status;
	if (status == 0)
		status = drain(w);
	/* After an error of the source its packets are still written. */
	return meter_flush(w->meter, &w->err) != 0 ? -1 : status;
}

void *
worker_main(void *arg)
{
	struct worker *w = arg;

	pthread_setname_np(pthread_self(), "weir-meter");
	w->sink = (struct sink){queue_push, queue_flush, NULL};
	(void)work(w);
	mailbox_close(&w->box);
	flag_set(&w->is_over, true);
	mailbox_wake(&w->run->output);
	run_tell(w->run);
	return NULL;
}
