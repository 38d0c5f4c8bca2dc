/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands to a running weir collect. The control socket's thread leaves what it wants to know
 * in a mailbox; the collector's thread looks into it after each flush.
 */
#include "cmd/collect_control.h"

#include "base/err.h"
#include "base/mailbox.h"
#include "cmd/control.h"
#include "cmd/log.h"
#include "collect/collect.h"
#include "model/sink.h"
#include "serve/metrics.h"
#include "store/store.h"
#include "wire/decode.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MS = 5000 };

struct collect_control {
	struct sink sink; /* first */
	struct sink *inner;
	struct mailbox box;
	struct control *control;
	const struct collector *collector;
	const struct store *store;
	int64_t started_us;
};

/* What a command wants from the collector's thread. */
struct question {
	struct collect_control *cc;
	struct text *text; /* the counters for people; NULL: not wanted */
	uint64_t collect[COLLECT_COUNTERS], wire[WIRE_COUNTERS], store[STORE_COUNTERS];
};

static int
control_push(struct sink *sink, struct batch *batch, struct err *err)
{
	return sink_push(((struct collect_control *)sink)->inner, batch, err);
}

static int
control_flush(struct sink *sink, struct err *err)
{
	struct collect_control *cc = (struct collect_control *)sink;
	int status = sink_flush(cc->inner, err);

	if (mailbox_is_posted(&cc->box))
		mailbox_serve(&cc->box);
	return status;
}

static void
answer(void *arg)
{
	struct question *q = arg;
	const struct collect_control *cc = q->cc;

	memcpy(q->collect, collector_counters(cc->collector), sizeof q->collect);
	memcpy(q->wire, collector_wire_counters(cc->collector), sizeof q->wire);
	if (cc->store != NULL)
		memcpy(q->store, store_counters(cc->store), sizeof q->store);
	if (q->text != NULL)
		collector_print(cc->collector, q->text);
}

static int
ask(struct collect_control *cc, struct question *q, struct err *err)
{
	q->cc = cc;
	if (mailbox_ask(&cc->box, answer, q, ANSWER_MS) != 0)
		return err_set(err, ETIMEDOUT, "the collector did not answer within %d s",
		    ANSWER_MS / 1000);
	return 0;
}

static enum serve_outcome
run_statistics(void *context, const char *argument, struct serve_reply *reply, struct err *err)
{
	struct collect_control *cc = context;
	struct question q = {.text = reply->is_json ? NULL : &reply->text};

	(void)argument;
	if (!reply->is_json)
		control_since(&reply->text, cc->started_us);
	if (ask(cc, &q, err) != 0)
		return SERVE_FAILED;
	if (!reply->is_json) {
		if (cc->store != NULL) {
			text_str(&reply->text, "store\n");
			counters_print(&reply->text, store_counter_rows, q.store, STORE_COUNTERS);
		}
		return SERVE_DONE;
	}
	text_str(&reply->text, "{\"since\":");
	text_f64(&reply->text, (double)cc->started_us / 1e6);
	control_json_counters(&reply->text, false, "collect", collect_counter_rows, q.collect,
	    COLLECT_COUNTERS);
	control_json_counters(&reply->text, false, "wire", wire_counter_rows, q.wire,
	    WIRE_COUNTERS);
	if (cc->store != NULL)
		control_json_counters(&reply->text, false, "store", store_counter_rows, q.store,
		    STORE_COUNTERS);
	text_str(&reply->text, "}\n");
	return SERVE_DONE;
}

static enum serve_outcome
run_metrics(void *context, const char *argument, struct serve_reply *reply, struct err *err)
{
	struct collect_control *cc = context;
	struct question q = {.text = NULL};

	(void)argument;
	if (ask(cc, &q, err) != 0)
		return SERVE_FAILED;
	control_metrics_head(&reply->text, "collect", cc->started_us);
	metrics_counters(&reply->text, "collect", collect_counter_rows, q.collect,
	    COLLECT_COUNTERS);
	metrics_counters(&reply->text, "wire", wire_counter_rows, q.wire, WIRE_COUNTERS);
	if (cc->store != NULL)
		metrics_counters(&reply->text, "store", store_counter_rows, q.store,
		    STORE_COUNTERS);
	control_metrics_tail(&reply->text, cc->control);
	return SERVE_DONE;
}

/* As SIGTERM, which the collector waits for. */
static enum serve_outcome
run_shutdown(void *context, const char *argument, struct serve_reply *reply, struct err *err)
{
	(void)context;
	(void)argument;
	if (kill(getpid(), SIGTERM) != 0) {
		err_set(err, errno, "%s", strerror(errno));
		return SERVE_FAILED;
	}
	control_say(reply, "weir[%d]: Shutting down gracefully...", (int)getpid());
	return SERVE_DONE;
}

static const struct serve_command rows[] = {
	{"statistics", NULL, "counters of everything that happened so far, and a line per exporter",
	    true, run_statistics},
	{"metrics", NULL, "the counters for Prometheus", false, run_metrics},
	{"shutdown", NULL, "write all that was received, and end", true, run_shutdown},
};

int
collect_control_open(const struct control_values *v, struct sink **sink,
    struct collect_control **out, struct err *err)
{
	struct collect_control *cc;
	struct timespec t;

	*out = NULL;
	if (!control_is_wanted(v) && v->group == NULL)
		return 0;
	if ((cc = calloc(1, sizeof *cc)) == NULL)
		return err_set(err, ENOMEM, "control: out of memory");
	cc->sink = (struct sink){control_push, control_flush, NULL};
	cc->inner = *sink;
	clock_gettime(CLOCK_REALTIME, &t);
	cc->started_us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
	if (mailbox_init(&cc->box) != 0) {
		err_set(err, errno, "control: eventfd: %s", strerror(errno));
		free(cc);
		return -1;
	}
	if (control_open(v, rows, sizeof rows / sizeof *rows, cc, &cc->control, err) != 0) {
		mailbox_done(&cc->box);
		free(cc);
		return -1;
	}
	*sink = &cc->sink;
	*out = cc;
	return 0;
}

int
collect_control_start(struct collect_control *cc, const struct collector *collector,
    const struct store *store, struct err *err)
{
	if (cc == NULL)
		return 0;
	cc->collector = collector;
	cc->store = store;
	if (control_start(cc->control, err) != 0)
		return -1;
	if (control_port(cc->control) != 0)
		log_say(LOG_TELL, "collect: metrics by HTTP at port %u",
		    control_port(cc->control));
	return 0;
}

void
collect_control_close(struct collect_control *cc)
{
	if (cc == NULL)
		return;
	mailbox_close(&cc->box); /* who asks now does it itself: nobody else does anything */
	control_close(cc->control);
	mailbox_done(&cc->box);
	free(cc);
}
