/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an operator asks, done by the thread whose state it is about.
 */
#include "run/private.h"

#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

const struct run_command_row run_command_rows[RUN_COMMANDS] = {
#define RUN_COMMAND(id, word, argument, help) {word, argument, help},
#include "run/command.def"
#undef RUN_COMMAND
};

int
run_command_find(const char *word, enum run_command *out, struct err *err)
{
	struct text words;
	int i;

	for (i = 0; i < RUN_COMMANDS; i++) {
		if (strcmp(run_command_rows[i].word, word) == 0) {
			*out = (enum run_command)i;
			return 0;
		}
	}
	text_init(&words);
	for (i = 0; i < RUN_COMMANDS; i++)
		text_printf(&words, " %s", run_command_rows[i].word);
	err_set(err, EINVAL, "there is no command '%s'; there are:%s", word, words.data);
	text_done(&words);
	return -1;
}

enum { PLACES = 4096 }; /* of a flow table at a time: bursts are metered in between */

/* A request as it goes from thread to thread. */
struct visit {
	struct worker *worker;
	struct run *run;
	const struct run_request *request;
	void (*call)(struct meter *meter, void *arg);
	void *arg;
	uint32_t cursor;
	bool has_more;  /* the same worker is to be visited again */
	uint64_t flows; /* that were concerned */
	struct run_stats *stats;
	struct text *out;
	struct err *err;
	int status;
};

/* ---- in the workers' threads ---- */

static void
add(uint64_t *to, const uint64_t *from, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		to[i] += from[i];
}

static void
add_stats(void *arg)
{
	struct visit *v = arg;
	const struct source_stats *s = source_stats(v->worker->source);
	struct run_stats *sum = v->stats;
	struct meter_stats m;

	meter_stats(v->worker->meter, &m);
	sum->source.frames += s->frames;
	sum->source.captured_bytes += s->captured_bytes;
	sum->source.wire_bytes += s->wire_bytes;
	sum->source.skipped_blocks += s->skipped_blocks;
	add(sum->source.counters, s->counters, PACKET_COUNTERS);
	add(sum->source.counter_bytes, s->counter_bytes, PACKET_COUNTERS);
	if (s->counters[PACKET_COUNT_unknown_link] > 0)
		sum->source.unknown_linktype = s->unknown_linktype;
	add(sum->source.tunnels, s->tunnels, TUNNEL_COUNTERS);
	add(sum->live, source_live_counters(v->worker->source), LIVE_COUNTERS);
	add(sum->meter.counters, m.counters, METER_COUNTERS);
	add(sum->meter.expired, m.expired, METER_EXPIRES);
	sum->meter.live_flows += m.live_flows;
	sum->meter.peak_flows += m.peak_flows;
	sum->meter.memory_bytes += m.memory_bytes;
	sum->worker_packets[v->worker - v->run->workers] = m.counters[METER_packets];
	add(sum->counters, v->worker->counters, RUN_COUNTERS);
	meter_statistics_add(&sum->records, meter_statistics(v->worker->meter));
}

static void
call_meter(void *arg)
{
	struct visit *v = arg;

	v->call(v->worker->meter, v->arg);
}

static void
expire_all(void *arg)
{
	struct visit *v = arg;
	struct meter_stats stats;

	meter_stats(v->worker->meter, &stats);
	v->flows += stats.live_flows;
	v->status = meter_flush(v->worker->meter, &v->worker->err);
}

static void
delete_all(void *arg)
{
	struct visit *v = arg;

	v->flows += meter_forget(v->worker->meter);
}

static void
set_timeout(void *arg)
{
	struct visit *v = arg;

	v->status = meter_set_timeout(v->worker->meter, v->request->argument, v->err);
}

static void
reschedule(void *arg)
{
	struct visit *v = arg;

	v->has_more = meter_reschedule(v->worker->meter, &v->cursor, PLACES);
}

static void
dump_flows(void *arg)
{
	struct visit *v = arg;

	v->has_more = meter_walk(v->worker->meter, &v->cursor, PLACES, v->request->each,
	    v->request->context);
}

/* ---- in the output thread ---- */

static void
output_refresh(void *arg)
{
	struct visit *v = arg;

	v->run->config.outputs.refresh(v->run->config.outputs.arg);
}

static void
output_print(void *arg)
{
	struct visit *v = arg;

	v->run->config.outputs.print(v->run->config.outputs.arg, v->out);
}

static void
output_reopen(void *arg)
{
	struct visit *v = arg;

	v->status = v->run->config.outputs.reopen(v->run->config.outputs.arg, v->err);
}

/* ---- in the asking one ---- */

static int
ask(struct mailbox *box, void (*call)(void *), struct visit *v)
{
	if (mailbox_ask(box, call, v, ANSWER_MS) != 0)
		return err_set(v->err, ETIMEDOUT, "the meter did not answer within %d s",
		    ANSWER_MS / 1000);
	return v->status;
}

static int
ask_workers(struct run *run, void (*call)(void *), struct visit *v)
{
	unsigned i;

	for (i = 0; i < run->count; i++) {
		v->worker = &run->workers[i];
		v->cursor = 0;
		do {
			v->has_more = false;
			if (ask(&v->worker->box, call, v) != 0)
				return -1;
		} while (v->has_more);
	}
	return 0;
}

unsigned
run_workers(const struct run *run)
{
	return run->count;
}

int
run_visit(struct run *run, unsigned worker, void (*visit)(struct meter *meter, void *arg),
    void *arg, struct err *err)
{
	struct visit v = {.run = run, .worker = &run->workers[worker], .call = visit,
	    .arg = arg,
	    .err = err};

	return ask(&v.worker->box, call_meter, &v);
}

int
run_visit_outputs(struct run *run, void (*visit)(void *arg), void *arg, struct err *err)
{
	if (mailbox_ask(&run->output, visit, arg, ANSWER_MS) != 0)
		return err_set(err, ETIMEDOUT, "the outputs did not answer within %d s",
		    ANSWER_MS / 1000);
	return 0;
}

int
run_stats(struct run *run, struct run_stats *out, struct err *err)
{
	struct visit v = {.run = run, .stats = out, .err = err};

	memset(out, 0, sizeof *out);
	out->workers = run->count;
	out->is_gathering = flag_get(&run->is_gathering);
	return ask_workers(run, add_stats, &v);
}

int
run_print_outputs(struct run *run, struct text *out, struct err *err)
{
	struct visit v = {.run = run, .out = out, .err = err};

	return run->config.outputs.print == NULL ? 0 : ask(&run->output, output_print,
	    &v);
}

int
run_reopen(struct run *run, struct err *err)
{
	struct visit v = {.run = run, .err = err};

	return run->config.outputs.reopen == NULL ? 0 : ask(&run->output, output_reopen,
	    &v);
}

static void
nothing(void *arg)
{
}

bool
run_is_alive(struct run *run)
{
	struct visit v = {.run = run};

	return ask_workers(run, nothing, &v) == 0 &&
	    run_visit_outputs(run, nothing, NULL, NULL) == 0;
}

static void
print_row(struct text *out, const char *id, uint64_t packets, uint64_t bytes,
    const char *help)
{
	text_printf(out, "  %-16s %12" PRIu64 " %16" PRIu64 "  %s\n", id, packets, bytes,
	    help);
}

void
run_print(const struct run_stats *stats, struct text *out)
{
	const struct source_stats *s = &stats->source;
	const struct meter_stats *m = &stats->meter;
	int i;

	text_printf(out, "%-18s %12s %16s\n", "frames", "packets", "bytes on wire");
	for (i = 0; i < PACKET_COUNTERS; i++) {
		if (s->counters[i] != 0)
			print_row(out, packet_counter_rows[i].id, s->counters[i],
			    s->counter_bytes[i], packet_counter_rows[i].help);
	}
	print_row(out, "sum", s->frames, s->wire_bytes, "all frames that were read");
	if (s->counters[PACKET_COUNT_unknown_link] > 0)
		text_printf(out,
		    "  link type %u is not known: its frames are in no flow; see "
		    "www.tcpdump.org/linktypes.html for what it is\n",
		    s->unknown_linktype);
	text_str(out, "capture\n");
	counters_print(out, live_counter_rows, stats->live, LIVE_COUNTERS);
	text_printf(out, "%-18s %12s %16s\n", "IP", "packets", "octets");
	print_row(out, "metered", m->counters[METER_packets], m->counters[METER_bytes],
	    "by total lengths of the outermost IP headers");
	print_row(out, "in flow records", m->counters[METER_record_packets],
	    m->counters[METER_record_bytes], "written so far");
	for (i = 0; i < TUNNEL_COUNTERS && s->tunnels[i] == 0; i++)
		;
	if (i < TUNNEL_COUNTERS) {
		text_str(out, "tunnels\n");
		counters_print(out, tunnel_counter_rows, s->tunnels, TUNNEL_COUNTERS);
	}
	text_str(out, "meter\n");
	counters_print(out, meter_counter_rows, m->counters, METER_COUNTERS);
	text_printf(out, "  %-28s %14" PRIu64 "  flows in memory now\n", "live_flows",
	    m->live_flows);
	text_printf(out, "  %-28s %14" PRIu64 "  flows in memory at once, at most\n",
	    "peak_flows", m->peak_flows);
	text_str(out, "records by why they ended\n");
	for (i = 0; i < METER_EXPIRES; i++) {
		if (m->expired[i] != 0)
			text_printf(out, "  %-28s %14" PRIu64 "  %s\n",
			    meter_expire_rows[i].id, m->expired[i],
			    meter_expire_rows[i].help);
	}
	text_printf(out, "queue\n  %-28s %14u  threads that meter\n", "workers",
	    stats->workers);
	for (i = 0; i < (int)stats->workers && stats->workers > 1; i++)
		text_printf(out, "  worker %-21d %14" PRIu64 "  packets that it "
		    "metered\n", i, stats->worker_packets[i]);
	if (!stats->is_gathering)
		text_str(out, "  gathering is stopped\n");
	counters_print(out, run_counter_rows, stats->counters, RUN_COUNTERS);
}

static int
print_statistics(struct run *run, struct text *out, struct err *err)
{
	struct run_stats stats;

	if (run_stats(run, &stats, err) != 0)
		return -1;
	run_print(&stats, out);
	return run_print_outputs(run, out, err);
}

static int
do_timeouts(struct run *run, struct visit *v)
{
	/* Only commands change them, and these take turns. */
	const struct meter *meter = run->workers[0].meter;
	int i;

	if (v->request->argument != NULL && (ask_workers(run, set_timeout, v) != 0 ||
	    ask_workers(run, reschedule, v) != 0))
		return -1;
	for (i = 0; i <= METER_EXPIRE_maxlife; i++)
		text_printf(v->out, "%-16s %7u s  %s\n", meter_expire_rows[i].id,
		    meter_timeout(meter, (enum meter_expire)i),
		    meter_expire_rows[i].help);
	text_printf(v->out,
	    "%-16s %7u s  how often ended flows are looked for; 0: every second\n",
	    "expint", meter_expire_interval(meter));
	return 0;
}

static int
do_command(struct run *run, struct visit *v)
{
	const struct run_config *c = &run->config;
	const struct run_request *request = v->request;

	switch (request->command) {
	case RUN_statistics:
		return print_statistics(run, v->out, v->err);
	case RUN_expire_all:
	case RUN_delete_all:
		if (ask_workers(run, request->command == RUN_expire_all ? expire_all
		    : delete_all, v) != 0)
			return -1;
		if (request->flows != NULL)
			*request->flows = v->flows;
		text_printf(v->out, "%" PRIu64 " flows %s\n", v->flows,
		    request->command == RUN_expire_all ? "written" : "forgotten");
		return 0;
	case RUN_timeouts:
		return do_timeouts(run, v);
	case RUN_dump_flows:
		if (request->each == NULL)
			return err_set(v->err, EINVAL, "nowhere to put the flows");
		return ask_workers(run, dump_flows, v);
	case RUN_start_gather:
	case RUN_stop_gather:
		flag_set(&run->is_gathering, request->command == RUN_start_gather);
		text_printf(v->out, "gathering is %s\n",
		    request->command == RUN_start_gather
		    ? "on" : "off");
		return 0;
	case RUN_send_template:
		if (c->outputs.refresh == NULL)
			return err_set(v->err, EINVAL,
			    "nothing is sent, so there are no templates");
		if (ask(&run->output, output_refresh, v) != 0)
			return -1;
		text_str(v->out, "templates are sent with the next records\n");
		return 0;
	case RUN_debug_more:
	case RUN_debug_less:
		if (c->debug == NULL)
			return err_set(v->err, EINVAL, "there is no log");
		text_printf(v->out, "debug level %d\n", c->debug(c->arg,
		    request->command == RUN_debug_more ? 1 : -1));
		return 0;
	case RUN_shutdown:
	case RUN_exit:
		run_stop(run, request->command == RUN_exit ? RUN_DROP : RUN_EXPORT);
		run_tell(run);
		text_str(v->out, request->command == RUN_exit ? "ending at once\n"
		    : "writing all flows, then ending\n");
		return 0;
	case RUN_COMMANDS:
		break;
	}
	return err_set(v->err, EINVAL, "there is no such command");
}

int
run_command(struct run *run, const struct run_request *request, struct text *out,
    struct err *err)
{
	struct visit v = {.run = run, .request = request, .out = out, .err = err};
	int status;

	pthread_mutex_lock(&run->commands);
	status = do_command(run, &v);
	pthread_mutex_unlock(&run->commands);
	return status;
}
