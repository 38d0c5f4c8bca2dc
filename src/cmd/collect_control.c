/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands to a running weir collect. The control socket's thread leaves what it wants to
 * know in a mailbox; the collector's thread looks into it after each flush.
 */
#include "cmd/collect_control.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mailbox.h"
#include "cmd/control.h"
#include "cmd/log.h"
#include "collect/collect.h"
#include "model/addr.h"
#include "model/sink.h"
#include "serve/metrics.h"
#include "store/store.h"
#include "wire/decode.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* An exporter's figures, of which the metrics show the rows of exporter_rows. */
struct exporter {
	struct addr address, said; /* where it sends from, and what it says */
	bool has_said;
	uint32_t domain, sampling;
	uint16_t version;
	unsigned templates;
	int64_t last_us;
	uint64_t messages, records, lost, waiting, no_template, bad_record;
};

static const struct {
	const char *id;
	size_t offset;
	const char *help;
} exporter_rows[] = {
	{"messages", offsetof(struct exporter, messages), "datagrams decoded"},
	{"records", offsetof(struct exporter, records), "flow records decoded"},
	{"lost", offsetof(struct exporter, lost),
	    "records or packets missing by sequence number"},
	{"waiting", offsetof(struct exporter, waiting),
	    "data sets kept until their template arrived"},
	{"no_template", offsetof(struct exporter, no_template),
	    "data sets dropped for want of a template"},
	{"bad_record", offsetof(struct exporter, bad_record),
	    "records that do not fit their set"},
};
enum { EXPORTER_ROWS = sizeof exporter_rows / sizeof *exporter_rows };
enum { EXPORTERS_SHOWN = 500 }; /* so that an answer stays bounded */

struct exporters {
	unsigned count, shown;
	struct exporter list[EXPORTERS_SHOWN];
};

/* What a command wants from the collector's thread. */
struct question {
	struct collect_control *cc;
	struct text *text; /* the counters for people; NULL: not wanted */
	struct exporters *exporters; /* NULL: not wanted */
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
see_exporter(void *context, const struct wire_exporter *e)
{
	struct exporters *all = context;
	struct exporter *to = &all->list[all->shown];

	all->count++;
	if (all->shown == EXPORTERS_SHOWN)
		return;
	all->shown++;
	*to = (struct exporter){.address = e->address,
	    .domain = e->domain,
	    .version = e->version, .templates = e->templates, .sampling = e->sampling,
	    .last_us = e->last_us, .messages = e->counters[WIRE_messages],
	    .records = e->counters[WIRE_records], .lost = e->counters[WIRE_lost],
	    .waiting = e->counters[WIRE_waiting],
	    .no_template = e->counters[WIRE_no_template],
	    .bad_record = e->counters[WIRE_bad_record],
	    .has_said = e->said != NULL};
	if (e->said != NULL)
		to->said = *e->said;
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
	if (q->exporters != NULL)
		collector_exporters(cc->collector, see_exporter, q->exporters);
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

static uint64_t
exporter_value(const struct exporter *e, size_t row)
{
	return *(const uint64_t *)((const char *)e + exporter_rows[row].offset);
}

static void
json_exporters(const struct exporters *all, struct text *out)
{
	char address[ADDR_TEXT];
	const struct exporter *e;
	size_t i;

	text_str(out, ",\"exporters\":[");
	for (e = all->list; e < all->list + all->shown; e++) {
		addr_print(&e->address, address);
		text_printf(out, "%s{\"exporter\":\"%s\",\"domain\":%u,\"version\":%u,"
		    "\"templates\":%u,\"sampling\":%u,\"last\":",
		    e > all->list ? "," : "",
		    address, (unsigned)e->domain, (unsigned)e->version, e->templates,
		    (unsigned)e->sampling);
		text_f64(out, (double)e->last_us / 1e6);
		if (e->has_said) {
			addr_print(&e->said, address);
			text_printf(out, ",\"says\":\"%s\"", address);
		}
		for (i = 0; i < EXPORTER_ROWS; i++) {
			text_printf(out, ",\"%s\":", exporter_rows[i].id);
			text_u64(out, exporter_value(e, i));
		}
		text_char(out, '}');
	}
	text_char(out, ']');
}

static void
exporter_sample(struct text *out, const char *name, const struct exporter *e,
    double number)
{
	char address[ADDR_TEXT], domain[16], version[16];
	const struct metric_label labels[] = {{"exporter", address}, {"domain", domain},
	    {"version", version}};

	addr_print(&e->address, address);
	snprintf(domain, sizeof domain, "%u", (unsigned)e->domain);
	snprintf(version, sizeof version, "%u", (unsigned)e->version);
	metrics_sample_labels(out, name, labels, 3, number);
}

static void
metrics_exporters(const struct exporters *all, struct text *out)
{
	static const char last[] = "weir_exporter_last_seconds";
	char name[64];
	size_t i, k;

	metrics_gauge(out, "weir_exporters",
	    "exporters, and domains of theirs, that are known", all->count);
	for (i = 0; i < EXPORTER_ROWS && all->shown > 0; i++) {
		snprintf(name, sizeof name, "weir_exporter_%s_total",
		    exporter_rows[i].id);
		metrics_family(out, name, METRIC_COUNTER, exporter_rows[i].help);
		for (k = 0; k < all->shown; k++)
			exporter_sample(out, name, &all->list[k],
			    (double)exporter_value(&all->list[k], i));
	}
	if (all->shown == 0)
		return;
	metrics_family(out, last, METRIC_GAUGE,
	    "when a datagram came last, in seconds since 1970");
	for (k = 0; k < all->shown; k++)
		exporter_sample(out, last, &all->list[k],
		    (double)all->list[k].last_us / 1e6);
}

static enum serve_outcome
run_statistics(void *context, const char *argument, struct serve_reply *reply,
    struct err *err)
{
	struct collect_control *cc = context;
	static struct exporters exporters; /* large; commands take turns */
	struct question q = {.text = reply->is_json ? NULL : &reply->text,
	    .exporters = reply->is_json ? &exporters : NULL};

	(void)argument;
	exporters.count = exporters.shown = 0;
	if (!reply->is_json)
		control_since(&reply->text, cc->started_us);
	if (ask(cc, &q, err) != 0)
		return SERVE_FAILED;
	if (!reply->is_json) {
		if (cc->store != NULL) {
			text_str(&reply->text, "store\n");
			counters_print(&reply->text, store_counter_rows, q.store,
			    STORE_COUNTERS);
		}
		return SERVE_DONE;
	}
	text_str(&reply->text, "{\"since\":");
	text_f64(&reply->text, (double)cc->started_us / 1e6);
	control_json_counters(&reply->text, false, "collect", collect_counter_rows,
	    q.collect, COLLECT_COUNTERS);
	control_json_counters(&reply->text, false, "wire", wire_counter_rows, q.wire,
	    WIRE_COUNTERS);
	if (cc->store != NULL)
		control_json_counters(&reply->text, false, "store", store_counter_rows,
		    q.store, STORE_COUNTERS);
	json_exporters(&exporters, &reply->text);
	text_str(&reply->text, "}\n");
	return SERVE_DONE;
}

static enum serve_outcome
run_metrics(void *context, const char *argument, struct serve_reply *reply,
    struct err *err)
{
	struct collect_control *cc = context;
	static struct exporters exporters;
	struct question q = {.exporters = &exporters};

	(void)argument;
	exporters.count = exporters.shown = 0;
	if (ask(cc, &q, err) != 0)
		return SERVE_FAILED;
	control_metrics_head(&reply->text, "collect", cc->started_us);
	metrics_counters(&reply->text, "collect", collect_counter_rows, q.collect,
	    COLLECT_COUNTERS);
	metrics_counters(&reply->text, "wire", wire_counter_rows, q.wire, WIRE_COUNTERS);
	if (cc->store != NULL)
		metrics_counters(&reply->text, "store", store_counter_rows, q.store,
		    STORE_COUNTERS);
	metrics_exporters(&exporters, &reply->text);
	control_metrics_tail(&reply->text, cc->control);
	return SERVE_DONE;
}

/* As SIGTERM, which the collector waits for. */
static enum serve_outcome
run_shutdown(void *context, const char *argument, struct serve_reply *reply,
    struct err *err)
{
	(void)context;
	(void)argument;
	/* To the main thread, which waits for it; kill(2) is not in the sandbox's
	 * table. */
	if (tgkill(getpid(), getpid(), SIGTERM) != 0) {
		err_set(err, errno, "%s", strerror(errno));
		return SERVE_FAILED;
	}
	control_say(reply, "weir[%d]: Shutting down gracefully...", (int)getpid());
	return SERVE_DONE;
}

static const struct serve_command rows[] = {
	{"statistics", NULL,
	    "counters of everything that happened so far, and a line per exporter",
	    true, run_statistics},
	{"metrics", NULL, "the counters for Prometheus", false, run_metrics},
	{"shutdown", NULL, "write all that was received, and end", true, run_shutdown},
};

int
collect_control_open(const struct control_values *v, struct sink **sink,
    struct collect_control **out, struct err *err)
{
	struct collect_control *cc;

	*out = NULL;
	if (!control_is_wanted(v) && v->group == NULL)
		return 0;
	if ((cc = calloc(1, sizeof *cc)) == NULL)
		return err_set(err, ENOMEM, "control: out of memory");
	cc->sink = (struct sink){control_push, control_flush, NULL};
	cc->inner = *sink;
	cc->started_us = clock_us(CLOCK_REALTIME);
	if (mailbox_init(&cc->box) != 0) {
		err_set(err, errno, "control: eventfd: %s", strerror(errno));
		free(cc);
		return -1;
	}
	if (control_open(v, rows, sizeof rows / sizeof *rows, cc, &cc->control,
	    err) != 0) {
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
	/* who asks now does it itself: nobody else does anything */
	mailbox_close(&cc->box);
	control_close(cc->control);
	mailbox_done(&cc->box);
	free(cc);
}
