/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir meter on capture files: one thread from the file to the outputs, and at the end a
 * summary that adds up to the files: every frame is in a flow or in a named counter.
 */
#include "cmd/meter.h"

#include "base/err.h"
#include "base/sandbox.h"
#include "base/text.h"
#include "cmd/common.h"
#include "cmd/meter_control.h"
#include "cmd/statistics.h"
#include "model/sink.h"
#include "packet/folder.h"
#include "packet/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Everything that a run over files holds. */
struct files_run {
	const struct meter_values *v;
	struct meter_outputs outputs;
	struct meter *meter;
	struct source_stats sum;
	enum meter_summary summary;
	int64_t started_us;
	int64_t last_us; /* of the newest packets */
};

static void
add_stats(struct source_stats *sum, const struct source_stats *one)
{
	int i;

	sum->frames += one->frames;
	sum->wire_bytes += one->wire_bytes;
	sum->captured_bytes += one->captured_bytes;
	sum->skipped_blocks += one->skipped_blocks;
	for (i = 0; i < PACKET_COUNTERS; i++) {
		sum->counters[i] += one->counters[i];
		sum->counter_bytes[i] += one->counter_bytes[i];
	}
	if (one->counters[PACKET_COUNT_unknown_link] > 0)
		sum->unknown_linktype = one->unknown_linktype;
	for (i = 0; i < TUNNEL_COUNTERS; i++)
		sum->tunnels[i] += one->tunnels[i];
}

/* Frames that are no IP packets, for what is told to collectors. */
static void
note_ignored(struct files_run *r, const struct source_stats *now)
{
	uint64_t packets = r->sum.frames + now->frames, octets = r->sum.wire_bytes +
	    now->wire_bytes;

	if (r->outputs.send != NULL)
		send_note_ignored(r->outputs.send,
		    packets - r->sum.counters[PACKET_COUNT_ip] -
		    now->counters[PACKET_COUNT_ip],
		    octets - r->sum.counter_bytes[PACKET_COUNT_ip] -
		    now->counter_bytes[PACKET_COUNT_ip], r->last_us);
}

/* Packets of the meter's sample to where they are reported. */
static int
report_packets(void *arg, const struct packet *packets, size_t n, size_t seen,
    struct err *err)
{
	struct files_run *r = arg;
	struct export_reports reports = {.packets = packets, .n = n, .seen = seen};

	return export_packets(r->outputs.reports[0], &reports, err);
}

/* A file's packets into the meter. What was read before an error stays metered. */
static int
meter_file(struct files_run *r, const char *path, struct err *err)
{
	struct source_config config = {.path = path, .filter = r->v->filter,
	    .tunnels = r->v->tunnels,
	    .snaplen = (uint32_t)r->v->snaplen};
	struct packet burst[SOURCE_BURST];
	struct source *source;
	uint64_t at, size;
	int n;

	if (source_open_with(&config, &source, err) != 0)
		return -1;
	while ((n = source_burst(source, burst, err)) > 0) {
		if (meter_packets(r->meter, burst, (size_t)n, err) != 0) {
			n = -1;
			break;
		}
		r->last_us = burst[n - 1].time_ns / 1000;
		if (source_stats(source)->frames % 65536 < SOURCE_BURST) {
			note_ignored(r, source_stats(source));
			source_progress(source, &at, &size);
			progress_show("metering", at, size);
		}
	}
	note_ignored(r, source_stats(source));
	add_stats(&r->sum, source_stats(source));
	source_close(source);
	return n < 0 ? -1 : 0;
}

static void
put_row(struct text *t, const char *id, uint64_t packets, uint64_t bytes,
    const char *help)
{
	text_printf(t, "  %-16s %12" PRIu64 " %16" PRIu64 "  %s\n", id, packets, bytes,
	    help);
}

/* The counters as a running meter's statistics show them. */
static void
summary_statistics(const struct files_run *r, bool is_json, struct text *out)
{
	static struct statistics s; /* large */

	s.started_us = r->started_us;
	s.source = r->sum;
	meter_stats(r->meter, &s.meter);
	s.records = *meter_statistics(r->meter);
	meter_outputs_count(&r->outputs, &s);
	if (is_json)
		statistics_json(&s, out);
	else
		statistics_text(&s, out);
}

static void
summary(const struct files_run *r, FILE *to)
{
	const struct source_stats *s = &r->sum;
	struct meter_stats m;
	struct text t;
	int i;

	meter_stats(r->meter, &m);
	text_init(&t);
	if (r->summary != SUMMARY_FRAMES) {
		summary_statistics(r, r->summary == SUMMARY_JSON, &t);
		goto put;
	}
	text_printf(&t, "%-18s %12s %16s\n", "frames", "packets", "bytes on wire");
	for (i = 0; i < PACKET_COUNTERS; i++) {
		if (s->counters[i] != 0)
			put_row(&t, packet_counter_rows[i].id, s->counters[i],
			    s->counter_bytes[i], packet_counter_rows[i].help);
	}
	put_row(&t, "sum", s->frames, s->wire_bytes, "all frames of the input");
	if (s->counters[PACKET_COUNT_unknown_link] > 0)
		text_printf(&t,
		    "  link type %u is not known: its frames are in no flow; see "
		    "www.tcpdump.org/linktypes.html for what it is\n",
		    s->unknown_linktype);
	text_printf(&t, "%-18s %12s %16s\n", "IP", "packets", "octets");
	put_row(&t, "metered", m.counters[METER_packets], m.counters[METER_bytes],
	    "by total lengths of the outermost IP headers");
	put_row(&t, "in flow records", m.counters[METER_record_packets],
	    m.counters[METER_record_bytes], "must be equal to those metered");
	if (r->v->sample > 1 || r->v->sample_random > 1) {
		put_row(&t, "unsampled", m.counters[METER_unsampled],
		    m.counters[METER_unsampled_bytes], "outside the sample: in no flow");
		put_row(&t, "outside", m.counters[METER_outside],
		    m.counters[METER_outside_bytes],
		    "SYN, FIN, RST outside the sample");
		put_row(&t, "in flow records", m.counters[METER_record_outside],
		    m.counters[METER_record_outside_bytes],
		    "must be equal to those outside");
	}
	if (r->v->tunnels != 0) {
		text_str(&t, "tunnels\n");
		counters_print(&t, tunnel_counter_rows, s->tunnels, TUNNEL_COUNTERS);
	}
	text_str(&t, "meter\n");
	counters_print(&t, meter_counter_rows, m.counters, METER_COUNTERS);
	text_printf(&t, "  %-28s %14" PRIu64 "  flows in memory at once\n", "peak_flows",
	    m.peak_flows);
	meter_outputs_print(&r->outputs, &t);
put:
	progress_show("", 0, 0);
	fputs(t.data, to);
	text_done(&t);
}

/* The captures of all -r, in order. */
static int
list_files(const struct meter_values *v, struct capture_list *list, struct err *err)
{
	struct text notes;
	int status = 0;
	size_t i;

	text_init(&notes);
	for (i = 0; i < v->files.count && status == 0; i++)
		status = capture_list_add(list, v->files.items[i], &notes, err);
	if (notes.len > 0)
		complain("%.*s", (int)notes.len - 1, notes.data);
	text_done(&notes);
	return status;
}

/* Captures are others' bytes: what reads them can do little else. */
static int
give_up_rights(const struct meter_values *v, struct err *err)
{
	struct sandbox sandbox = {.keeps_all_capabilities = true};
	size_t i;

	for (i = 0; i < v->files.count; i++)
		sandbox.readable[i] = v->files.items[i];
	return meter_sandbox(v, &sandbox, err);
}

static int
make_meter(struct files_run *r, struct err *err)
{
	struct meter_config config;

	if (meter_config_make(r->v, &config, err) != 0)
		return -1;
	if (r->outputs.report_count > 0) {
		config.show = report_packets;
		config.show_arg = r;
	}
	r->meter = meter_new(&config, r->outputs.sink, err);
	return r->meter == NULL ? -1 : 0;
}

int
meter_files(const struct meter_values *v, struct err *err)
{
	struct files_run r = {.v = v};
	struct capture_list list = {0};
	struct err flush_err = {0};
	int status = EXIT_TROUBLE;
	size_t i;

	r.started_us = meter_now_us();
	if (meter_summary_parse(v->summary, &r.summary, err) != 0 ||
	    list_files(v, &list, err) != 0 ||
	    meter_outputs_open(v, false, &r.outputs, err) != 0 ||
	    give_up_rights(v, err) != 0 || make_meter(&r, err) != 0)
		goto done;
	for (i = 0; i < list.count && err->code == 0; i++)
		meter_file(&r, list.paths[i], err);
	/* After an error in a file its packets are still written; after one of a sink
	 * not. */
	if (meter_flush(r.meter, &flush_err) == 0 && err->code == 0)
		status = EXIT_GOOD;
done:
	if (err->code == 0)
		*err = flush_err;
	if (r.outputs.sink != NULL && sink_flush(r.outputs.sink, err) != 0)
		status = EXIT_TROUBLE;
	meter_outputs_drain(&r.outputs);
	if (meter_outputs_check_lost(&r.outputs, err->code == 0 ? err : &flush_err) != 0)
		status = EXIT_TROUBLE;
	if (r.meter != NULL)
		summary(&r, v->format != NULL ? stderr : stdout);
	if (meter_outputs_close(&r.outputs, err) != 0)
		status = EXIT_TROUBLE;
	meter_free(r.meter);
	capture_list_done(&list);
	if (err->code == EPIPE)
		err_clear(err);
	return status;
}
