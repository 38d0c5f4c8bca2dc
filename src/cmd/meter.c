/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir meter: packets of capture files to flows, and flows to a store, to collectors or to
 * text. At the end a summary that adds up to the files: every frame is in a flow or in a
 * named counter.
 */
#include "meter/meter.h"

#include "cmd/common.h"
#include "model/flow.h"
#include "model/sink.h"
#include "packet/source.h"
#include "report/report.h"
#include "send/send.h"
#include "store/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct values {
	struct option_list files, timeouts, macs;
	const char *key, *store, *format, *output, *fields, *version, *collectors;
	uint64_t max_flows, request_min, sample, sample_random, labels;
	int64_t rotate_us;
	bool no_cut, is_directional, is_biflow;
};

static const struct option_row options[] = {
	{"read", 'r', OPTION_LIST, offsetof(struct values, files), "FILE", NULL, 0, 0,
	    "capture file, pcap or pcapng; - is standard input; may be given often"},
	OPTION_STORE_ROW(struct values),
	{"send", 'n', OPTION_TEXT, offsetof(struct values, collectors), "HOST:PORT", NULL, 0, 0,
	    "send the flows to this collector by UDP, or to several with commas between"},
	{"export", 'v', OPTION_TEXT, offsetof(struct values, version), "VERSION", "ipfix", 0, 0,
	    "what is sent: 5, 9 or ipfix (10)"},
	{"biflow", 'b', OPTION_FLAG, offsetof(struct values, is_biflow), NULL, NULL, 0, 0,
	    "with ipfix: both directions in one record (RFC 5103)"},
	{"format", 'o', OPTION_TEXT, offsetof(struct values, format), "FORMAT", NULL, 0, 0,
	    "print the flows: table, tsv, csv or ndjson"},
	OPTION_OUTPUT_ROW(struct values),
	{"fields", 'f', OPTION_TEXT, offsetof(struct values, fields), "LIST", NULL, 0, 0,
	    "columns to print"},
	{"timeout", 't', OPTION_LIST, offsetof(struct values, timeouts), "NAME=TIME", NULL, 0, 0,
	    "a timeout, such as udp=5m; the names are below"},
	{"key", 'T', OPTION_TEXT, offsetof(struct values, key), "NAME", "vlan", 0, 0,
	    "what makes packets one flow: full, port, proto, noproto, ip, vlan or ether"},
	{"own-mac", 'H', OPTION_LIST, offsetof(struct values, macs), "MAC", NULL, 0, 0,
	    "with --key ether: what this address sends is egress, what it gets ingress; may be "
	    "given often"},
	{"sample", 's', OPTION_NUMBER, offsetof(struct values, sample), "N", "1", 1, UINT32_MAX,
	    "meter every N-th packet only"},
	{"sample-random", 0, OPTION_NUMBER, offsetof(struct values, sample_random), "N", "1", 1,
	    UINT32_MAX, "meter each packet with a chance of one in N"},
	{"mpls-labels", 'x', OPTION_NUMBER, offsetof(struct values, labels), "N", "10", 0,
	    METER_LABELS_MAX, "MPLS labels to record of a flow's first packet"},
	{"max-flows", 'm', OPTION_NUMBER, offsetof(struct values, max_flows), "FLOWS", "4M", 64,
	    UINT32_MAX, "flows in memory; beyond, the oldest are written"},
	{"no-cut", 0, OPTION_FLAG, offsetof(struct values, no_cut), NULL, NULL, 0, 0,
	    "do not cut TCP connections into exchanges"},
	{"request-min", 0, OPTION_NUMBER, offsetof(struct values, request_min), "BYTES", "64", 1,
	    UINT32_MAX, "smallest burst of a client that begins an exchange"},
	{"uniflow", 0, OPTION_FLAG, offsetof(struct values, is_directional), NULL, NULL, 0, 0,
	    "a flow for each direction"},
	{"rotate", 0, OPTION_TIME, offsetof(struct values, rotate_us), "TIME", "5m", 0, 0,
	    "a new segment of the store every so often, by the packets' time"},
};

/* The settings of the meter itself. */
static int
parse_meter(const struct values *v, struct meter_config *config, struct err *err)
{
	size_t i;

	meter_config_default(config);
	config->max_flows = (uint32_t)v->max_flows;
	config->request_min = (uint32_t)v->request_min;
	config->cut_exchanges = !v->no_cut && !v->is_directional;
	config->directional = v->is_directional;
	config->labels = (uint32_t)v->labels;
	config->sample_interval = (uint32_t)(v->sample_random > 1 ? v->sample_random : v->sample);
	config->sample_is_random = v->sample_random > 1;
	if (v->sample > 1 && v->sample_random > 1)
		return err_set(err, EINVAL, "--sample and --sample-random exclude each other");
	for (i = 0; i < v->timeouts.count; i++)
		if (meter_config_timeout(config, v->timeouts.items[i], err) != 0)
			return -1;
	for (i = 0; i < v->macs.count; i++)
		if (meter_config_mac(config, v->macs.items[i], err) != 0)
			return -1;
	if (meter_config_key(config, v->key, err) != 0)
		return -1;
	return meter_config_check(config, err);
}

static int
parse_version(const struct values *v, struct wire_encode_config *out, struct err *err)
{
	static const struct {
		const char *name;
		unsigned version;
	} versions[] = {{"5", 5}, {"9", 9}, {"10", 10}, {"ipfix", 10}};
	size_t i;

	for (i = 0; i < sizeof versions / sizeof *versions; i++) {
		if (strcmp(versions[i].name, v->version) == 0)
			out->version = versions[i].version;
	}
	if (out->version == 0)
		return err_set(err, EINVAL, "-v takes 5, 9 or ipfix, not '%s'", v->version);
	if (v->is_biflow && out->version != 10)
		return err_set(err, EINVAL, "-b needs -v ipfix: NetFlow %u has no biflows",
		    out->version);
	return 0;
}

/* Everything that a run of the meter holds. */
struct run {
	const struct values *v;
	struct store *store;
	struct sink *send, *sink;
	struct meter *meter;
	struct source_stats sum;
};

static int
open_sinks(struct run *r, struct err *err)
{
	struct store_config config = {.clock = STORE_CLOCK_PACKET, .sync = STORE_SYNC_SEGMENTS,
	    .rotation_s = (uint32_t)(r->v->rotate_us / 1000000)};
	struct send_config send = {.collectors = r->v->collectors,
	    .encode.is_biflow = r->v->is_biflow};
	struct sink *sinks[3];
	struct err close_err = {0};
	size_t n = 0;

	if (r->v->store != NULL) {
		if (store_open(r->v->store, &config, &r->store, err) != 0)
			return -1;
		if (store_notes(r->store)[0] != '\0')
			complain("%s", store_notes(r->store));
		if (store_sink(r->store, &flow_schema, &sinks[n], err) != 0)
			return -1;
		n++;
	}
	if (r->v->collectors != NULL) {
		if (parse_version(r->v, &send.encode, err) != 0 ||
		    send_open(&send, &sinks[n], err) != 0)
			goto fail;
		r->send = sinks[n++];
	}
	if (r->v->format != NULL) {
		if (output_open(&flow_schema, r->v->format, r->v->output, r->v->fields, &sinks[n],
		    err) != 0)
			goto fail;
		n++;
	}
	if (tee_open(sinks, n, &r->sink, err) == 0)
		return 0;
fail:
	while (n > 0)
		sink_close(sinks[--n], &close_err);
	r->send = NULL;
	return -1;
}

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
}

/* A file's packets into the meter. What was read before an error stays metered. */
static int
meter_file(struct run *r, const char *path, struct err *err)
{
	struct packet burst[SOURCE_BURST];
	struct source *source;
	uint64_t at, size;
	int n;

	if (source_open(path, &source, err) != 0)
		return -1;
	while ((n = source_burst(source, burst, err)) > 0) {
		if (meter_packets(r->meter, burst, (size_t)n, err) != 0) {
			n = -1;
			break;
		}
		if (source_stats(source)->frames % 65536 < SOURCE_BURST) {
			source_progress(source, &at, &size);
			progress_show("metering", at, size);
		}
	}
	add_stats(&r->sum, source_stats(source));
	source_close(source);
	return n < 0 ? -1 : 0;
}

static void
put_row(struct text *t, const char *id, uint64_t packets, uint64_t bytes, const char *help)
{
	text_printf(t, "  %-16s %12" PRIu64 " %16" PRIu64 "  %s\n", id, packets, bytes, help);
}

static void
summary(const struct run *r, FILE *to)
{
	const struct source_stats *s = &r->sum;
	struct meter_stats m;
	struct text t;
	int i;

	meter_stats(r->meter, &m);
	text_init(&t);
	text_printf(&t, "%-18s %12s %16s\n", "frames", "packets", "bytes on wire");
	for (i = 0; i < PACKET_COUNTERS; i++) {
		if (s->counters[i] != 0)
			put_row(&t, packet_counter_rows[i].id, s->counters[i], s->counter_bytes[i],
			    packet_counter_rows[i].help);
	}
	put_row(&t, "sum", s->frames, s->wire_bytes, "all frames of the input");
	text_printf(&t, "%-18s %12s %16s\n", "IP", "packets", "octets");
	put_row(&t, "metered", m.counters[METER_packets], m.counters[METER_bytes],
	    "by total lengths of the outermost IP headers");
	put_row(&t, "in flow records", m.counters[METER_record_packets],
	    m.counters[METER_record_bytes], "must be equal to those metered");
	if (r->v->sample > 1 || r->v->sample_random > 1) {
		put_row(&t, "unsampled", m.counters[METER_unsampled],
		    m.counters[METER_unsampled_bytes], "outside the sample: in no flow");
		put_row(&t, "outside", m.counters[METER_outside], m.counters[METER_outside_bytes],
		    "SYN, FIN, RST outside the sample");
		put_row(&t, "in flow records", m.counters[METER_record_outside],
		    m.counters[METER_record_outside_bytes], "must be equal to those outside");
	}
	text_str(&t, "meter\n");
	counters_print(&t, meter_counter_rows, m.counters, METER_COUNTERS);
	text_printf(&t, "  %-28s %14" PRIu64 "  flows in memory at once\n", "peak_flows",
	    m.peak_flows);
	if (r->send != NULL) {
		text_str(&t, "send\n");
		send_drain(r->send);
		send_print(r->send, &t);
	}
	if (r->store != NULL) {
		text_str(&t, "store\n");
		counters_print(&t, store_counter_rows, store_counters(r->store), STORE_COUNTERS);
	}
	progress_show("", 0, 0);
	fputs(t.data, to);
	text_done(&t);
}

static int
run(void *values, const char **operands, int count, struct err *err)
{
	struct values *v = values;
	struct meter_config config;
	struct run r = {.v = v};
	struct wire_encode_config encode = {0};
	struct err flush_err = {0};
	struct sink *owned;
	int status = EXIT_USAGE;
	size_t i;

	if (count > 0) {
		err_set(err, EINVAL, "'%s' is left over; files are given with -r", operands[0]);
		return EXIT_USAGE;
	}
	if (v->files.count == 0)
		return need_option(NULL, "-r FILE", err), EXIT_USAGE;
	if (v->store == NULL && v->collectors == NULL && v->format == NULL) {
		err_set(err, EINVAL, "say where flows go: --store DIR, -n HOST:PORT or -o FORMAT");
		return EXIT_USAGE;
	}
	if (parse_version(v, &encode, err) != 0)
		return EXIT_USAGE;
	if (parse_meter(v, &config, err) != 0)
		return EXIT_USAGE;
	status = EXIT_TROUBLE;
	if (open_sinks(&r, err) != 0 || (r.meter = meter_new(&config, r.sink, err)) == NULL)
		goto done;
	for (i = 0; i < v->files.count && err->code == 0; i++)
		meter_file(&r, v->files.items[i], err);
	/* After an error in a file its packets are still written; after one of a sink not. */
	if (meter_flush(r.meter, &flush_err) == 0 && err->code == 0)
		status = EXIT_GOOD;
done:
	owned = r.sink;
	if (err->code == 0)
		*err = flush_err;
	if (owned != NULL && sink_flush(owned, err) != 0)
		status = EXIT_TROUBLE;
	if (r.meter != NULL)
		summary(&r, v->format != NULL ? stderr : stdout);
	if (sink_close(owned, err) != 0)
		status = EXIT_TROUBLE;
	store_close(r.store);
	meter_free(r.meter);
	if (err->code == EPIPE)
		err_clear(err);
	return status;
}

static void
more_help(struct text *out)
{
	meter_config_help(out);
	text_str(out, "\nFields of a flow:\n");
	schema_help(out, &flow_schema);
}

const struct command command_meter = {
	.name = "meter",
	.summary = "Makes flows of captured packets",
	.operands = "-r FILE",
	.about = "Reads captures (Ethernet, VLAN and QinQ, Linux cooked, raw IP, loopback, PPPoE, "
	    "MPLS; IPv4 and IPv6) and makes biflows: src is the initiator by SYN, by the "
	    "server's port, or by who came first, as biflow_direction says. Octets are those of "
	    "the IP header's total length. A summary follows in which all frames of the input "
	    "are accounted for.\n\n"
	    "A TCP connection is cut into exchanges of a request and its response, so that a "
	    "download is a record. An exchange ends when the client sends at least 64 bytes of "
	    "new data after the server has answered and that segment acknowledges all of the "
	    "answer. A response of 1 KiB or a request of 64 KiB makes a record for the first 64 "
	    "exchanges, one of 8 KiB up to the 1,024th, one of 256 KiB after that; the rest is "
	    "folded into a remainder record. The span of a direction is its payload by sequence "
	    "numbers, retransmissions counted once; if only the other direction was seen, its "
	    "acknowledgements tell (by_ack).\n\n"
	    "marks describe pipelined connections, for weir-identify: each is kind << 62 | value "
	    "<< 40 | offset, kind 0 a request of value octets sent when offset octets of the "
	    "server's stream had come, kind 1 an unusually short segment of value octets that "
	    "ended at offset, kind 3 value marks that were dropped.\n\n"
	    "Payload is neither kept nor sent.",
	.examples = "weir meter -r capture.pcap --store flows\n"
	    "weir meter -r capture.pcap -n 127.0.0.1:2055 -v 9\n"
	    "tcpdump -w - | weir meter -r - -o ndjson",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct values),
	.run = run,
	.more_help = more_help,
};
