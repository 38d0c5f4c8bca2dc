/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The counters of a run as softflowd shows them, as JSON and for Prometheus.
 */
#include "cmd/statistics.h"

#include "base/text.h"
#include "cmd/control.h"
#include "serve/metrics.h"

#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>

/* Frames that softflowd calls too short; what is neither these nor IP is not IP to it. */
static const enum packet_counter short_frames[] = {PACKET_COUNT_short_link,
    PACKET_COUNT_short_ip,
    PACKET_COUNT_bad_ip, PACKET_COUNT_bad_length};

/* softflowd's names of reasons, in its order, and the rows of expire.def that they
 * are. */
static const struct reason {
	const char *name;
	enum meter_expire rows[3];
	unsigned count;
} reasons[] = {
	{"tcp", {METER_EXPIRE_tcp, METER_EXPIRE_exchange_quiet}, 2},
	{"tcp.rst", {METER_EXPIRE_tcp_rst}, 1},
	{"tcp.fin", {METER_EXPIRE_tcp_fin, METER_EXPIRE_tcp_closed, METER_EXPIRE_reuse},
	    3},
	{"udp", {METER_EXPIRE_udp}, 1},
	{"icmp", {METER_EXPIRE_icmp}, 1},
	{"general", {METER_EXPIRE_general}, 1},
	{"maxlife", {METER_EXPIRE_maxlife, METER_EXPIRE_active}, 2},
	{"over 2 GiB", {METER_EXPIRE_overflow}, 1},
	{"maxflows", {METER_EXPIRE_resources}, 1},
	{"flushed", {METER_EXPIRE_flush}, 1},
};
enum { REASONS = sizeof reasons / sizeof *reasons };

static uint64_t
reason_sum(const struct statistics *s, const struct reason *r)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < r->count; i++)
		sum += s->meter.expired[r->rows[i]];
	return sum;
}

static uint64_t
too_short(const struct statistics *s)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < sizeof short_frames / sizeof *short_frames; i++)
		sum += s->source.counters[short_frames[i]];
	return sum;
}

static uint64_t
not_ip(const struct statistics *s)
{
	return s->source.counters[PACKET_COUNT_not_ip] +
	    s->source.counters[PACKET_COUNT_unknown_link];
}

static uint64_t
send_failures(const struct statistics *s)
{
	return s->send[SEND_no_buffer] + s->send[SEND_failed] + s->send[SEND_too_long] +
	    s->send[SEND_broken];
}

/* A message to several collectors is one packet here, as softflowd counts them. */
static uint64_t
packets_sent(const struct statistics *s)
{
	uint64_t made = s->sent[SENT_messages], sent = s->send[SEND_datagrams];

	return sent < made ? sent : made;
}

static void
text_packets(const struct statistics *s, struct text *out)
{
	const uint64_t *m = s->meter.counters;

	text_printf(out, "Number of active flows: %" PRIu64 "\n", s->meter.live_flows);
	text_printf(out, "Packets processed: %" PRIu64 "\n", m[METER_packets]);
	if (m[METER_unsampled] + m[METER_outside] > 0)
		text_printf(out, "Packets non-sampled: %" PRIu64 "\n",
		    m[METER_unsampled] + m[METER_outside]);
	text_printf(out, "Fragments: %" PRIu64 "\n", m[METER_fragments]);
	text_printf(out, "Ignored packets: %" PRIu64 " (%" PRIu64 " non-IP, %" PRIu64
	    " too short)\n", not_ip(s) + too_short(s), not_ip(s), too_short(s));
	text_printf(out, "Flows expired: %" PRIu64 " (%" PRIu64 " forced)\n",
	    m[METER_records], s->meter.expired[METER_EXPIRE_resources]);
	text_printf(out, "Flows exported: %" PRIu64 " (%" PRIu64 " records) in %" PRIu64
	    " packets (%" PRIu64 " failures)\n", s->sent[SENT_flows],
	    s->sent[SENT_records], packets_sent(s), send_failures(s));
	if (!s->is_live)
		return;
	text_printf(out, "Packets received by libpcap: %" PRIu64 "\n"
	    "Packets dropped by libpcap: %" PRIu64 "\n"
	    "Packets dropped by interface: %" PRIu64 "\n", s->live[LIVE_received],
	    s->live[LIVE_dropped], s->live[LIVE_dropped_before]);
}

static void
text_spreads(const struct meter_statistics *r, struct text *out)
{
	text_str(out, "Expired flow statistics:  minimum       average       maximum\n");
	text_printf(out, "  Flow bytes:        %12" PRIu64 "  %12.0f  %12" PRIu64 "\n",
	    r->bytes.min, meter_mean(r->bytes.sum, r->records), r->bytes.max);
	text_printf(out, "  Flow packets:      %12" PRIu64 "  %12.0f  %12" PRIu64 "\n",
	    r->packets.min, meter_mean(r->packets.sum, r->records), r->packets.max);
	text_printf(out, "  Duration:          %12.2fs %12.2fs %12.2fs\n",
	    (double)r->duration_us.min / 1e6,
	    meter_mean(r->duration_us.sum, r->records) / 1e6,
	    (double)r->duration_us.max / 1e6);
}

/* Two lines of three, then one each, by the names' width of the old program. */
static void
text_reasons(const struct statistics *s, struct text *out)
{
	static const char *const before[REASONS] = {"       ", "   ", "   ", "       ",
	    "      ",
	    "   ", "   ", "", "  ", "   "};
	uint64_t in_rows = 0;
	size_t i;

	text_str(out, "Expired flow reasons:\n");
	for (i = 0; i < REASONS; i++) {
		text_printf(out, "%s%s = %9" PRIu64 "%s", before[i], reasons[i].name,
		    reason_sum(s, &reasons[i]), i < 6 && i % 3 < 2 ? "" : "\n");
		in_rows += reason_sum(s, &reasons[i]);
	}
	/* Exchanges that ended on connections which go on: softflowd does not cut. */
	if (s->meter.counters[METER_records] > in_rows)
		text_printf(out, "  exchange = %9" PRIu64 "\n",
		    s->meter.counters[METER_records] - in_rows);
}

static void
text_protocols(const struct meter_statistics *r, struct text *out)
{
	const struct meter_protocol *p;
	struct protoent entry, *found;
	char name[32], space[1024];
	int i;

	text_str(out,
	    "Per-protocol statistics:     Octets      Packets   Avg Life    Max Life\n");
	for (i = 0; i < METER_PROTOCOLS; i++) {
		p = &r->protocols[i];
		if (p->packets == 0)
			continue;
		if (getprotobynumber_r(i, &entry, space, sizeof space, &found) != 0)
			found = NULL;
		snprintf(name, sizeof name, "%s (%d)",
		    found != NULL ? found->p_name : "Unknown", i);
		text_printf(out, "  %17s: %14" PRIu64 " %12" PRIu64 "   %8.2fs %10.2fs\n",
		    name, p->bytes, p->packets,
		    meter_mean(p->duration_us, p->records) / 1e6,
		    (double)p->duration_max_us / 1e6);
	}
}

void
statistics_text(const struct statistics *s, struct text *out)
{
	text_packets(s, out);
	text_char(out, '\n');
	if (s->records.records > 0) {
		text_spreads(&s->records, out);
		text_char(out, '\n');
		text_reasons(s, out);
		text_char(out, '\n');
		text_protocols(&s->records, out);
		text_char(out, '\n');
	}
	if (s->is_live) {
		text_str(out, "capture\n");
		counters_print(out, live_counter_rows, s->live, LIVE_COUNTERS);
		text_printf(out, "queue\n  %-28s %14u  threads that meter\n", "workers",
		    s->workers);
		counters_print(out, run_counter_rows, s->run, RUN_COUNTERS);
		if (!s->is_gathering)
			text_str(out, "  gathering is stopped\n");
	}
	text_str(out, "frames\n");
	counters_print(out, packet_counter_rows, s->source.counters, PACKET_COUNTERS);
	text_str(out, "meter\n");
	counters_print(out, meter_counter_rows, s->meter.counters, METER_COUNTERS);
	text_printf(out, "  %-28s %14" PRIu64 "  flows in memory at once, at most\n",
	    "peak_flows", s->meter.peak_flows);
	if (s->is_sending) {
		text_str(out, "send\n");
		counters_print(out, sent_counter_rows, s->sent, SENT_COUNTERS);
		counters_print(out, send_counter_rows, s->send, SEND_COUNTERS);
	}
	if (s->is_storing) {
		text_str(out, "store\n");
		counters_print(out, store_counter_rows, s->store, STORE_COUNTERS);
	}
}

static void
json_spread(struct text *out, const char *name, const struct meter_spread *spread,
    uint64_t n, double unit)
{
	text_printf(out, ",\"%s\":{\"min\":", name);
	text_f64(out, n == 0 ? 0 : (double)spread->min / unit);
	text_str(out, ",\"mean\":");
	text_f64(out, meter_mean(spread->sum, n) / unit);
	text_str(out, ",\"max\":");
	text_f64(out, n == 0 ? 0 : (double)spread->max / unit);
	text_char(out, '}');
}

static void
json_protocols(const struct meter_statistics *r, struct text *out)
{
	const struct meter_protocol *p;
	bool is_first = true;
	int i;

	text_str(out, ",\"protocols\":[");
	for (i = 0; i < METER_PROTOCOLS; i++) {
		p = &r->protocols[i];
		if (p->records == 0)
			continue;
		text_printf(out,
		    "%s{\"proto\":%d,\"records\":%" PRIu64 ",\"bytes\":%" PRIu64
		    ",\"packets\":%" PRIu64 ",\"duration_mean_s\":", is_first ? "" : ",",
		    i, p->records, p->bytes, p->packets);
		text_f64(out, meter_mean(p->duration_us, p->records) / 1e6);
		text_str(out, ",\"duration_max_s\":");
		text_f64(out, (double)p->duration_max_us / 1e6);
		text_char(out, '}');
		is_first = false;
	}
	text_char(out, ']');
}

void
statistics_json(const struct statistics *s, struct text *out)
{
	const struct meter_statistics *r = &s->records;
	int i;

	text_str(out, "{\"since\":");
	text_f64(out, (double)s->started_us / 1e6);
	text_printf(out, ",\"active_flows\":%" PRIu64 ",\"peak_flows\":%" PRIu64
	    ",\"memory_bytes\":%" PRIu64, s->meter.live_flows, s->meter.peak_flows,
	    s->meter.memory_bytes);
	json_spread(out, "flow_bytes", &r->bytes, r->records, 1);
	json_spread(out, "flow_packets", &r->packets, r->records, 1);
	json_spread(out, "flow_duration_s", &r->duration_us, r->records, 1e6);
	text_str(out, ",\"expired\":{");
	for (i = 0; i < METER_EXPIRES; i++)
		text_printf(out, "%s\"%s\":%" PRIu64, i > 0 ? "," : "",
		    meter_expire_rows[i].id, s->meter.expired[i]);
	text_char(out, '}');
	json_protocols(r, out);
	if (s->is_live) {
		text_printf(out, ",\"workers\":%u,\"is_gathering\":%s", s->workers,
		    s->is_gathering ? "true" : "false");
		control_json_counters(out, false, "capture", live_counter_rows, s->live,
		    LIVE_COUNTERS);
		control_json_counters(out, false, "queue", run_counter_rows, s->run,
		    RUN_COUNTERS);
	}
	control_json_counters(out, false, "frames", packet_counter_rows,
	    s->source.counters, PACKET_COUNTERS);
	control_json_counters(out, false, "meter", meter_counter_rows, s->meter.counters,
	    METER_COUNTERS);
	if (s->is_sending) {
		control_json_counters(out, false, "encode", sent_counter_rows, s->sent,
		    SENT_COUNTERS);
		control_json_counters(out, false, "send", send_counter_rows, s->send,
		    SEND_COUNTERS);
	}
	if (s->is_storing)
		control_json_counters(out, false, "store", store_counter_rows, s->store,
		    STORE_COUNTERS);
	text_str(out, "}\n");
}

/* A family whose samples are the protocols. */
static void
protocol_family(const struct meter_statistics *r, struct text *out, const char *name,
    const char *help, size_t offset)
{
	char number[4];
	int i;

	metrics_family(out, name, METRIC_COUNTER, help);
	for (i = 0; i < METER_PROTOCOLS; i++) {
		if (r->protocols[i].records == 0)
			continue;
		snprintf(number, sizeof number, "%d", i & 255);
		metrics_sample_u64(out, name, "proto", number,
		    *(const uint64_t *)((const char *)&r->protocols[i] + offset));
	}
}

void
statistics_metrics(const struct statistics *s, struct text *out)
{
	static const char expired[] = "weir_meter_expired_total";
	int i;

	metrics_gauge(out, "weir_meter_active_flows", "flows in memory now",
	    s->meter.live_flows);
	metrics_gauge(out, "weir_meter_peak_flows", "flows in memory at once, at most",
	    s->meter.peak_flows);
	metrics_gauge(out, "weir_meter_memory_bytes", "memory in use by flow tables",
	    s->meter.memory_bytes);
	metrics_family(out, expired, METRIC_COUNTER, "records by why they ended");
	for (i = 0; i < METER_EXPIRES; i++)
		metrics_sample_u64(out, expired, "reason", meter_expire_rows[i].id,
		    s->meter.expired[i]);
	protocol_family(&s->records, out, "weir_meter_protocol_records_total",
	    "records by IP protocol", offsetof(struct meter_protocol, records));
	protocol_family(&s->records, out, "weir_meter_protocol_bytes_total",
	    "octets in records by IP protocol", offsetof(struct meter_protocol, bytes));
	protocol_family(&s->records, out, "weir_meter_protocol_packets_total",
	    "packets in records by IP protocol",
	    offsetof(struct meter_protocol, packets));
	if (s->is_live) {
		metrics_gauge(out, "weir_meter_workers", "threads that meter",
		    s->workers);
		metrics_gauge(out, "weir_meter_gathering", "1 while packets are metered",
		    s->is_gathering);
		metrics_counters(out, "capture", live_counter_rows, s->live,
		    LIVE_COUNTERS);
		metrics_counters(out, "queue", run_counter_rows, s->run, RUN_COUNTERS);
	}
	metrics_counters(out, "frames", packet_counter_rows, s->source.counters,
	    PACKET_COUNTERS);
	metrics_counters(out, "meter", meter_counter_rows, s->meter.counters,
	    METER_COUNTERS);
	if (s->is_sending) {
		metrics_counters(out, "encode", sent_counter_rows, s->sent,
		    SENT_COUNTERS);
		metrics_counters(out, "send", send_counter_rows, s->send, SEND_COUNTERS);
	}
	if (s->is_storing)
		metrics_counters(out, "store", store_counter_rows, s->store,
		    STORE_COUNTERS);
}
