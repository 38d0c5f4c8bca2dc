/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands to a running weir meter: softflowd's, with its words in the answers, and
 * metrics. They run in the control socket's thread, or that of HTTP; src/run has the
 * meters' and the outputs' threads do what is theirs.
 */
#include "cmd/meter_control.h"

#include "base/clock.h"
#include "base/err.h"
#include "cmd/control.h"
#include "cmd/log.h"
#include "cmd/meter.h"
#include "cmd/statistics.h"
#include "model/batch.h"
#include "model/flow.h"
#include "model/sink.h"
#include "report/report.h"
#include "run/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DUMP_PLACES = 512 }; /* of a flow table at a time */

struct meter_control {
	struct control *control;
	struct run *run;
	const struct meter_outputs *outputs;
	int64_t started_us;
};

int64_t
meter_now_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

void
meter_outputs_count(const struct meter_outputs *o, struct statistics *out)
{
	out->is_sending = o->send != NULL;
	out->is_storing = o->store != NULL;
	if (out->is_sending) {
		send_encoder_counters(o->send, out->sent);
		send_counters(o->send, out->send);
	}
	if (out->is_storing)
		memcpy(out->store, store_counters(o->store), sizeof out->store);
}

struct gathering {
	const struct meter_outputs *outputs;
	struct statistics *out;
};

static void
visit_outputs(void *arg)
{
	struct gathering *g = arg;

	meter_outputs_count(g->outputs, g->out);
}

int
meter_control_gather(struct run *run, const struct meter_outputs *outputs,
    int64_t started_us, struct statistics *out, struct err *err)
{
	struct gathering g = {outputs, out};
	struct run_stats *stats = malloc(sizeof *stats);
	int status;

	if (stats == NULL)
		return err_set(err, ENOMEM, "out of memory");
	memset(out, 0, sizeof *out);
	out->started_us = started_us;
	if ((status = run_stats(run, stats, err)) == 0) {
		out->source = stats->source;
		out->meter = stats->meter;
		out->records = stats->records;
		out->is_live = true;
		memcpy(out->live, stats->live, sizeof out->live);
		memcpy(out->run, stats->counters, sizeof out->run);
		out->workers = stats->workers;
		out->is_gathering = stats->is_gathering;
		status = run_visit_outputs(run, visit_outputs, &g, err);
	}
	free(stats);
	return status;
}

/* To be freed; NULL and err if it cannot be told. */
static struct statistics *
gathered(struct meter_control *mc, struct err *err)
{
	struct statistics *s = malloc(sizeof *s);

	if (s == NULL) {
		err_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	if (meter_control_gather(mc->run, mc->outputs, mc->started_us, s, err) != 0) {
		free(s);
		return NULL;
	}
	return s;
}

static enum serve_outcome
run_statistics(void *context, const char *argument, struct serve_reply *reply,
    struct err *err)
{
	struct meter_control *mc = context;
	struct statistics *s = gathered(mc, err);

	(void)argument;
	if (s == NULL)
		return SERVE_FAILED;
	if (reply->is_json) {
		statistics_json(s, &reply->text);
	} else {
		control_since(&reply->text, mc->started_us);
		statistics_text(s, &reply->text);
	}
	free(s);
	return SERVE_DONE;
}

static enum serve_outcome
run_metrics(void *context, const char *argument, struct serve_reply *reply,
    struct err *err)
{
	struct meter_control *mc = context;
	struct statistics *s = gathered(mc, err);

	(void)argument;
	if (s == NULL)
		return SERVE_FAILED;
	control_metrics_head(&reply->text, "meter", mc->started_us);
	statistics_metrics(s, &reply->text);
	control_metrics_tail(&reply->text, mc->control);
	free(s);
	return SERVE_DONE;
}

/* A command of src/run whose own words are not wanted. */
static int
command(struct meter_control *mc, struct run_request request, struct err *err)
{
	struct text own;
	int status;

	text_init(&own);
	status = run_command(mc->run, &request, &own, err);
	text_done(&own);
	return status;
}

static enum serve_outcome
counted(struct meter_control *mc, enum run_command which, struct serve_reply *reply,
    const char *word, const char *key, struct err *err)
{
	uint64_t flows = 0;

	if (command(mc, (struct run_request){.command = which, .flows = &flows},
	    err) != 0)
		return SERVE_FAILED;
	if (reply->is_json)
		text_printf(&reply->text, "{\"%s\":%" PRIu64 "}\n", key, flows);
	else
		text_printf(&reply->text, "weir[%d]: %s %" PRIu64 " flows.\n",
		    (int)getpid(), word, flows);
	return SERVE_DONE;
}

static enum serve_outcome
run_expire_all(void *context, const char *argument, struct serve_reply *reply,
    struct err *err)
{
	struct meter_control *mc = context;

	(void)argument;
	/* As softflowd: whoever takes these flows gets the templates before them. */
	if (mc->outputs->send != NULL &&
	    command(mc, (struct run_request){.command = RUN_send_template}, err) != 0)
		return SERVE_FAILED;
	return counted(mc, RUN_expire_all, reply, "Expired", "expired", err);
}

static enum serve_outcome
run_delete_all(void *context, const char *argument, struct serve_reply *reply,
    struct err *err)
{
	(void)argument;
	return counted(context, RUN_delete_all, reply, "Deleted", "deleted", err);
}

/* Commands that only say that they were done; RUN is enum run_command's, SAYS
 * softflowd's. */
#define PLAIN_COMMANDS(ROW)                                                             \
	ROW(shutdown, "Shutting down gracefully...")                                    \
	ROW(exit, "Exiting now...")                                                     \
	ROW(stop_gather, "Data collection stopped.")                                    \
	ROW(start_gather, "Data collection resumed.")                                   \
	ROW(send_template, "Template will be sent at next flow export")                 \
	ROW(debug_more, "Debug level increased.")                                       \
	ROW(debug_less, "Debug level decreased.")

#define PLAIN_FUNCTION(id, says)                                                        \
	static enum serve_outcome                                                       \
	run_##id(void *context, const char *argument, struct serve_reply *reply,        \
	    struct err *err)                                                            \
	{                                                                               \
		const struct run_request request = {.command = RUN_##id};               \
		if (command(context, request, err) != 0)                                \
			return SERVE_FAILED;                                            \
		control_say(reply, "weir[%d]: " says, (int)getpid());                   \
		return SERVE_DONE;                                                      \
	}
PLAIN_COMMANDS(PLAIN_FUNCTION)

/* ---- timeouts ---- */

struct timeout_list {
	uint32_t seconds[METER_EXPIRES], interval;
};

static void
visit_timeouts(struct meter *meter, void *arg)
{
	struct timeout_list *list = arg;
	int i;

	for (i = 0; i < METER_EXPIRES; i++)
		list->seconds[i] = meter_timeout(meter, (enum meter_expire)i);
	list->interval = meter_expire_interval(meter);
}

static void
timeouts_text(const struct timeout_list *list, struct text *out)
{
	/* softflowd's lines; its post-FIN timeout runs from the second FIN. */
	static const struct {
		const char *name;
		enum meter_expire which;
	} old[] = {
		{"TCP timeout", METER_EXPIRE_tcp},
		{"TCP post-RST timeout", METER_EXPIRE_tcp_rst},
		{"TCP post-FIN timeout", METER_EXPIRE_tcp_closed},
		{"UDP timeout", METER_EXPIRE_udp},
		{"ICMP timeout", METER_EXPIRE_icmp},
		{"General timeout", METER_EXPIRE_general},
		{"Maximum lifetime", METER_EXPIRE_maxlife},
	};
	size_t i;

	text_printf(out, "weir[%d]: Printing timeouts:\n", (int)getpid());
	for (i = 0; i < sizeof old / sizeof *old; i++)
		text_printf(out, "%22s: %" PRIu32 "s\n", old[i].name,
		    list->seconds[old[i].which]);
	text_printf(out, "%22s: %" PRIu32 "s\n", "Expiry interval", list->interval);
	for (i = 0; i <= METER_EXPIRE_maxlife; i++)
		text_printf(out, "  %-16s %7" PRIu32 " s  %s\n", meter_expire_rows[i].id,
		    list->seconds[i], meter_expire_rows[i].help);
}

static void
timeouts_json(const struct timeout_list *list, struct text *out)
{
	int i;

	text_char(out, '{');
	for (i = 0; i <= METER_EXPIRE_maxlife; i++)
		text_printf(out, "\"%s\":%" PRIu32 ",", meter_expire_rows[i].id,
		    list->seconds[i]);
	text_printf(out, "\"expint\":%" PRIu32 "}\n", list->interval);
}

static enum serve_outcome
run_timeouts(void *context, const char *argument, struct serve_reply *reply,
    struct err *err)
{
	struct meter_control *mc = context;
	struct timeout_list list;

	if ((argument != NULL && command(mc, (struct run_request){.command = RUN_timeouts,
	     .argument = argument}, err) != 0) ||
	    run_visit(mc->run, 0, visit_timeouts, &list, err) != 0)
		return SERVE_FAILED;
	if (reply->is_json)
		timeouts_json(&list, &reply->text);
	else
		timeouts_text(&list, &reply->text);
	return SERVE_DONE;
}

/* ---- flows ---- */

struct dump {
	struct serve_reply *reply;
	struct batch *batch; /* of JSON */
	uint32_t cursor;
	bool has_more;
	int64_t now_ns;
};

static void
mac_text(struct text *out, bool is_set, uint64_t mac)
{
	int i;

	for (i = 0; i < 6; i++)
		text_printf(out, "%s%02x", i > 0 ? ":" : "",
		    is_set ? (unsigned)(mac >> (40 - 8 * i) & 0xff) : 0);
}

static void
addr_port(struct text *out, struct addr addr, unsigned port)
{
	char text[ADDR_TEXT];

	addr_print(&addr, text);
	text_printf(out, "[%s]:%u", text, port);
}

/* softflowd's lines; its sides are in the order of their addresses, ours are the
 * initiator and the other. */
static void
flow_text(struct text *out, const struct meter_live *live, int64_t now_ns)
{
	const struct flow *f = live->row;
	char start[32], end[32];
	unsigned vlan = flow_or(f, vlan, 0);

	time_print(f->start, STYLE_MACHINE, start);
	time_print(f->end, STYLE_MACHINE, end);
	text_printf(out, "ACTIVE seq:%" PRIu32 " ", live->number);
	addr_port(out, f->src, flow_or(f, src_port, 0));
	text_str(out, " <> ");
	addr_port(out, f->dst, flow_has(f, icmp_type)
	    ? (uint16_t)(f->icmp_type << 8 | flow_or(f, icmp_code, 0))
	    : flow_or(f, dst_port, 0));
	text_printf(out, " proto:%u octets>:%" PRIu64 " packets>:%" PRIu64 " "
	    "octets<:%" PRIu64
	    " packets<:%" PRIu64 " start:%.23s finish:%.23s tcp>:%02x tcp<:%02x "
	    "flowlabel>:%08x flowlabel<:%08x vlan>:%u vlan<:%u ether:",
	    (unsigned)f->proto,
	    f->bytes, f->packets, flow_or(f, reverse_bytes, 0),
	    flow_or(f, reverse_packets, 0),
	    start, end, (unsigned)flow_or(f, tcp_flags, 0),
	    (unsigned)flow_or(f, reverse_tcp_flags, 0), 0, 0, vlan, vlan);
	mac_text(out, flow_has(f, src_mac), f->src_mac);
	text_str(out, " <> ");
	mac_text(out, flow_has(f, dst_mac), f->dst_mac);
	if (live->due_ns <= now_ns)
		text_printf(out, "\nEXPIRY EVENT for flow %" PRIu32 " now\n\n",
		    live->number);
	else
		text_printf(out, "\nEXPIRY EVENT for flow %" PRIu32 " in %" PRId64 " "
		    "seconds\n\n", live->number, (live->due_ns - now_ns) / 1000000000);
}

static void
see_flow(void *context, const struct meter_live *live)
{
	struct dump *d = context;

	if (d->batch != NULL)
		batch_append(d->batch, live->row);
	else
		flow_text(&d->reply->text, live, d->now_ns);
}

static void
visit_flows(struct meter *meter, void *arg)
{
	struct dump *d = arg;

	d->has_more = meter_walk(meter, &d->cursor, DUMP_PLACES, see_flow, d);
}

/* All stored fields, but the lists of marks: an answer's size has to be bounded. */
static int
dump_json(struct dump *d, struct err *err)
{
	unsigned fields[FLOW_FIELDS], n = 0, i;
	struct report_config config = {.fd = -1, .text = &d->reply->text,
	    .name = "dump-flows",
	    .format = REPORT_NDJSON, .schema = &flow_schema, .fields = fields};
	struct sink *sink;
	int status;

	for (i = 0; i < flow_schema.stored; i++) {
		if (i != FLOW_marks)
			fields[n++] = i;
	}
	config.n = n;
	if (report_open(&config, &sink, err) != 0)
		return -1;
	status = sink_push(sink, d->batch, err);
	return sink_close(sink, err) == 0 ? status : -1;
}

/* The cursor is the worker's number and a place in its table. */
static enum serve_outcome
run_dump_flows(void *context, const char *argument, struct serve_reply *reply,
    struct err *err)
{
	struct meter_control *mc = context;
	unsigned worker = (unsigned)(reply->cursor >> 32);
	struct dump d = {.reply = reply, .cursor = (uint32_t)reply->cursor,
	    .now_ns = meter_now_us() * 1000};
	int status;

	(void)argument;
	if (reply->cursor == 0 && !reply->is_json)
		text_printf(&reply->text, "weir[%d]: Dumping flow data:\n",
		    (int)getpid());
	if (reply->is_json)
		d.batch = batch_new(&flow_schema, DUMP_PLACES);
	status = run_visit(mc->run, worker, visit_flows, &d, err);
	if (status == 0 && d.batch != NULL && d.batch->rows > 0)
		status = dump_json(&d, err);
	batch_free(d.batch);
	if (status != 0)
		return SERVE_FAILED;
	reply->cursor = d.has_more ? (uint64_t)worker << 32 | d.cursor
	    : (uint64_t)(worker + 1) << 32;
	return reply->cursor >> 32 < run_workers(mc->run) ? SERVE_MORE : SERVE_DONE;
}

static const struct serve_command rows[] = {
	{"statistics", NULL, "counters of everything that happened so far", true,
	    run_statistics},
	{"metrics", NULL, "the same for Prometheus", false, run_metrics},
	{"expire-all", NULL, "write all flows now; metering goes on", true,
	    run_expire_all},
	{"delete-all", NULL, "forget all flows without writing them", true,
	    run_delete_all},
	{"dump-flows", NULL, "show the flows in memory", true, run_dump_flows},
	{"timeouts", "[NAME=TIME]", "show the timeouts, or set one", true, run_timeouts},
	{"stop-gather", NULL, "let packets pass without metering them", true,
	    run_stop_gather},
	{"start-gather", NULL, "meter packets again", true, run_start_gather},
	{"send-template", NULL, "send all templates with the next records", true,
	    run_send_template},
	{"debug+", NULL, "say more in the log", true, run_debug_more},
	{"debug-", NULL, "say less in the log", true, run_debug_less},
	{"shutdown", NULL, "write all flows and end", true, run_shutdown},
	{"exit", NULL, "end at once; flows in memory are lost", true, run_exit},
};

int
meter_control_open(const struct control_values *v, struct meter_control **out,
    struct err *err)
{
	struct meter_control *mc;

	*out = NULL;
	if (!control_is_wanted(v) && v->group == NULL)
		return 0;
	if ((mc = calloc(1, sizeof *mc)) == NULL)
		return err_set(err, ENOMEM, "control: out of memory");
	mc->started_us = meter_now_us();
	if (control_open(v, rows, sizeof rows / sizeof *rows, mc, &mc->control,
	    err) != 0) {
		free(mc);
		return -1;
	}
	*out = mc;
	return 0;
}

int
meter_control_start(struct meter_control *mc, struct run *run,
    const struct meter_outputs *outputs, struct err *err)
{
	if (mc == NULL)
		return 0;
	mc->run = run;
	mc->outputs = outputs;
	if (control_start(mc->control, err) != 0)
		return -1;
	if (control_port(mc->control) != 0)
		log_say(LOG_TELL, "meter: metrics by HTTP at port %u",
		    control_port(mc->control));
	return 0;
}

void
meter_control_close(struct meter_control *mc)
{
	if (mc == NULL)
		return;
	control_close(mc->control);
	free(mc);
}
