/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A run of several workers, here on capture files: what comes out is what a single meter
 * makes; commands work between bursts; a full queue and a failing output are counted and
 * told, never silent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/text.h"
#include "model/batch.h"
#include "model/flow.h"
#include "model/sink.h"
#include "run/private.h"

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WORKERS = 3, ENDLESS_MS = 60000 };

/* Sums what it gets; may be made to wait or to fail. */
struct total {
	struct sink sink; /* first */
	uint64_t rows, packets, bytes, ingress, flushes, refreshes;
	sem_t *gate; /* each push waits for it; NULL: none */
	bool fails;
};

static uint64_t
sum(const struct batch *batch, unsigned field)
{
	const struct column *c = &batch->columns[field];
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < batch->rows && c->form != COLUMN_ABSENT; i++)
		total += column_is_null(c, i) ? 0 : column_u64(c, i);
	return total;
}

static int
total_push(struct sink *sink, struct batch *batch, struct err *err)
{
	struct total *t = (struct total *)sink;

	if (t->gate != NULL)
		sem_wait(t->gate);
	if (t->fails)
		return err_set(err, ENOSPC, "the disk is full");
	t->rows += batch->rows;
	t->packets += sum(batch, FLOW_packets) + sum(batch, FLOW_reverse_packets);
	t->bytes += sum(batch, FLOW_bytes) + sum(batch, FLOW_reverse_bytes);
	t->ingress += sum(batch, FLOW_ingress);
	return 0;
}

static int
total_flush(struct sink *sink, struct err *err)
{
	((struct total *)sink)->flushes++;
	return 0;
}

static void
refresh(void *arg)
{
	((struct total *)arg)->refreshes++;
}

struct rig {
	struct run_config config;
	struct run *run;
	struct total total;
	struct err err;
};

static const char *
capture(void)
{
	static char path[512];
	const char *root = getenv("WEIR_ROOT");

	snprintf(path, sizeof path, "%s/demo/sequential-1.pcap",
	    root != NULL ? root : ".");
	return path;
}

static void
rig_start(struct rig *r, unsigned workers)
{
	unsigned i;

	r->total.sink = (struct sink){total_push, total_flush, NULL};
	meter_config_default(&r->config.meter);
	r->config.meter.max_flows = 4096;
	r->config.count = workers;
	r->config.outputs = (struct run_outputs){.sink = &r->total.sink,
	    .refresh = refresh,
	    .arg = &r->total};
	for (i = 0; i < workers; i++) {
		r->config.workers[i].ingress = 7;
		if (source_open(capture(), &r->config.workers[i].source, &r->err) != 0)
			fail_msg("%s", r->err.text);
	}
	assert_int_equal(run_new(&r->config, &r->run, &r->err), 0);
	assert_int_equal(run_start(r->run, &r->err), 0);
}

static int
rig_end(struct rig *r)
{
	unsigned i;
	int status = run_wait(r->run, &r->err);

	run_free(r->run);
	for (i = 0; i < r->config.count; i++)
		source_close(r->config.workers[i].source);
	return status;
}

/* Waits until all workers have read their files. */
static struct run_stats
wait_read(struct rig *r, uint64_t frames)
{
	struct run_stats stats;
	int tries;

	for (tries = 0; tries < ENDLESS_MS / 10; tries++) {
		assert_int_equal(run_stats(r->run, &stats, &r->err), 0);
		if (stats.source.frames == frames)
			return stats;
		poll(NULL, 0, 10);
	}
	fail_msg("%llu frames of %llu", (unsigned long long)stats.source.frames,
	    (unsigned long long)frames);
	return stats;
}

static uint64_t
frames_of_capture(void)
{
	struct packet burst[SOURCE_BURST];
	struct source *s;
	uint64_t frames;

	assert_int_equal(source_open(capture(), &s, NULL), 0);
	while (source_burst(s, burst, NULL) > 0)
		;
	frames = source_stats(s)->frames;
	source_close(s);
	return frames;
}

static void
command(struct rig *r, enum run_command c, const char *argument, const char *like)
{
	struct run_request request = {.command = c, .argument = argument};
	struct text out;

	text_init(&out);
	if (run_command(r->run, &request, &out, &r->err) != 0)
		fail_msg("%s: %s", run_command_rows[c].word, r->err.text);
	if (strstr(out.data, like) == NULL)
		fail_msg("%s: '%s' is not in: %s", run_command_rows[c].word, like,
		    out.data);
	text_done(&out);
}

static void
test_export_all(void **state)
{
	struct rig r = {0};
	uint64_t frames = frames_of_capture();
	struct run_stats stats;
	unsigned i;

	rig_start(&r, WORKERS);
	stats = wait_read(&r, WORKERS * frames);
	assert_int_equal(stats.workers, WORKERS);
	assert_true(stats.is_gathering);
	assert_true(run_is_alive(r.run));
	run_stop(r.run, RUN_EXPORT);
	assert_int_equal(run_wait(r.run, &r.err), 0);
	assert_int_equal(run_stats(r.run, &stats, &r.err), 0);
	assert_int_equal(r.total.packets, stats.meter.counters[METER_packets]);
	assert_int_equal(r.total.bytes, stats.meter.counters[METER_bytes]);
	assert_int_equal(r.total.packets, WORKERS * frames);
	assert_int_equal(r.total.ingress, 7 * r.total.rows);
	assert_int_equal(stats.counters[RUN_COUNT_queue_full], 0);
	assert_true(r.total.flushes > 0);
	for (i = 0; i < WORKERS; i++)
		assert_int_equal(stats.worker_packets[i], frames);
	assert_int_equal(rig_end(&r), 0);
}

/* A packet of now, of a flow of its own: those of the file have long ended. */
static void
one_packet(struct meter *meter, void *arg)
{
	static uint16_t port;
	struct packet p = {.time_ns = time(NULL) * 1000000000ll,
	    .src = addr_v4(0xc0000201),
	    .dst = addr_v4(0xc6336401), .proto = 17, .flags = PACKET_HAS_PORTS,
	    .ip_bytes = 60,
	    .src_port = ++port, .dst_port = 53, .vlan = VLAN_NONE,
	    .inner_vlan = VLAN_NONE};

	assert_int_equal(meter_packets(meter, &p, 1, NULL), 0);
}

static void
see_flow(void *context, const struct meter_live *live)
{
	uint64_t *seen = context;

	assert_true(live->row->packets > 0);
	++*seen;
}

static void
test_commands(void **state)
{
	struct rig r = {0};
	uint64_t frames = frames_of_capture(), seen = 0;
	struct run_request dump = {.command = RUN_dump_flows, .each = see_flow,
	    .context = &seen};
	enum run_command found;
	struct run_stats stats;
	struct text out;
	int i;

	rig_start(&r, WORKERS);
	(void)wait_read(&r, WORKERS * frames);
	text_init(&out);
	for (i = 0; i < WORKERS; i++)
		assert_int_equal(run_visit(r.run, (unsigned)i, one_packet, NULL, &r.err),
		    0);
	for (i = 0; i < RUN_COMMANDS; i++) {
		assert_int_equal(run_command_find(run_command_rows[i].word, &found,
		    &r.err), 0);
		assert_int_equal(found, i);
	}
	assert_int_equal(run_command_find("nonsense", &found, &r.err), -1);
	assert_non_null(strstr(r.err.text, "expire-all"));
	err_clear(&r.err);
	command(&r, RUN_statistics, NULL, "worker 2");
	assert_int_equal(run_command(r.run, &dump, &out, &r.err), 0);
	assert_int_equal(seen, WORKERS);
	command(&r, RUN_timeouts, NULL, "udp                  300 s");
	command(&r, RUN_timeouts, "udp=5m30", "udp                  330 s");
	assert_int_equal(run_command(r.run, &(struct run_request){.command = RUN_timeouts,
	    .argument = "nothing=1"}, &out, &r.err), -1);
	err_clear(&r.err);
	command(&r, RUN_send_template, NULL, "templates");
	assert_int_equal(r.total.refreshes, 1);
	command(&r, RUN_stop_gather, NULL, "off");
	assert_int_equal(run_stats(r.run, &stats, &r.err), 0);
	assert_false(stats.is_gathering);
	command(&r, RUN_start_gather, NULL, "on");
	assert_int_equal(run_command(r.run,
	    &(struct run_request){.command = RUN_debug_more},
	    &out, &r.err), -1); /* this run has no log */
	err_clear(&r.err);
	command(&r, RUN_expire_all, NULL, "3 flows written");
	command(&r, RUN_expire_all, NULL, "0 flows written");
	assert_int_equal(run_stats(r.run, &stats, &r.err), 0);
	assert_int_equal(stats.meter.live_flows, 0);
	assert_int_equal(stats.meter.counters[METER_record_packets],
	    WORKERS * (frames + 1));
	command(&r, RUN_shutdown, NULL, "ending");
	assert_int_equal(poll(&(struct pollfd){run_fd(r.run), POLLIN, 0}, 1, ENDLESS_MS),
	    1);
	assert_int_equal(run_wait(r.run, &r.err), 0);
	command(&r, RUN_statistics, NULL, "3 "); /* also after the end */
	text_done(&out);
	assert_int_equal(rig_end(&r), 0);
	assert_int_equal(r.total.packets, WORKERS * (frames + 1));
}

static void
test_delete_and_exit(void **state)
{
	struct rig r = {0};
	uint64_t frames = frames_of_capture();
	struct run_stats stats;

	rig_start(&r, 1);
	(void)wait_read(&r, frames);
	assert_int_equal(run_visit(r.run, 0, one_packet, NULL, &r.err), 0);
	command(&r, RUN_delete_all, NULL, "1 flows forgotten");
	assert_int_equal(run_stats(r.run, &stats, &r.err), 0);
	assert_int_equal(stats.meter.counters[METER_record_packets] +
	    stats.meter.counters[METER_deleted_packets], frames + 1);
	assert_int_equal(stats.meter.counters[METER_deleted_packets], 1);
	command(&r, RUN_exit, NULL, "at once");
	assert_int_equal(rig_end(&r), 0);
}

static void
test_full_queue(void **state)
{
	struct rig r = {0};
	struct run_stats stats;
	sem_t gate;
	unsigned i;

	/* The output takes a batch and stands still; each record makes a batch. */
	sem_init(&gate, 0, 0);
	r.total.gate = &gate;
	rig_start(&r, 1);
	(void)wait_read(&r, frames_of_capture());
	for (i = 0; i < 2 * QUEUE_BATCHES; i++) {
		assert_int_equal(run_visit(r.run, 0, one_packet, NULL, &r.err), 0);
		command(&r, RUN_expire_all, NULL, "flows written");
	}
	assert_int_equal(run_stats(r.run, &stats, &r.err), 0);
	assert_true(stats.counters[RUN_COUNT_queue_full] > 0);
	for (i = 0; i < 4 * QUEUE_BATCHES; i++)
		sem_post(&gate);
	run_stop(r.run, RUN_EXPORT);
	assert_int_equal(run_wait(r.run, &r.err), 0);
	assert_int_equal(run_stats(r.run, &stats, &r.err), 0);
	assert_int_equal(r.total.packets + stats.counters[RUN_COUNT_lost_packets],
	    stats.meter.counters[METER_record_packets]);
	assert_int_equal(r.total.bytes + stats.counters[RUN_COUNT_lost_bytes],
	    stats.meter.counters[METER_record_bytes]);
	assert_int_equal(r.total.rows + stats.counters[RUN_COUNT_lost_records],
	    stats.meter.counters[METER_records]);
	assert_int_equal(rig_end(&r), 0);
	sem_destroy(&gate);
}

static void
test_failing_output(void **state)
{
	struct rig r = {0};

	r.total.fails = true;
	rig_start(&r, 1);
	/* the first record tells */
	assert_int_equal(poll(&(struct pollfd){run_fd(r.run), POLLIN, 0}, 1, ENDLESS_MS),
	    1);
	run_stop(r.run, RUN_EXPORT);
	assert_int_equal(rig_end(&r), -1);
	assert_string_equal(r.err.text, "the disk is full");
}

static void
test_clock_step(void **state)
{
	static const int64_t S = 1000000000;

	assert_int_equal(clock_step(5 * S, 5 * S), 0);
	assert_int_equal(clock_step(5 * S, 5 * S + S / 2), 0); /* slewed */
	assert_int_equal(clock_step(5 * S, 3605 * S), 3600 * S);
	assert_int_equal(clock_step(3605 * S, 5 * S), -3600 * S);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_export_all),
	    cmocka_unit_test(test_commands),
	    cmocka_unit_test(test_delete_and_exit),
	    cmocka_unit_test(test_full_queue),
	    cmocka_unit_test(test_failing_output),
	    cmocka_unit_test(test_clock_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
