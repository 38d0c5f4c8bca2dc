/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the settings of a meter and packets for it: the first 16 octets choose
 * key, sampling, bounds and timeouts, the rest are packets of 16 octets each, which say
 * addresses and ports out of a few, flags, lengths, sequence numbers and how time goes on
 * or back. Every packet must be in a flow, outside the sample or unsampled, and its
 * octets too.
 */
#include "base/err.h"
#include "base/hash.h"
#include "meter/meter.h"
#include "model/batch.h"
#include "model/flow.h"
#include "model/sink.h"
#include "packet/packet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD = 16, PACKET = 16, BURST = 32 };

struct sums {
	struct sink sink; /* first */
	uint64_t packets, bytes, outside, outside_bytes;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
push(struct sink *sink, struct batch *batch, struct err *err)
{
	struct sums *sums = (struct sums *)sink;
	struct flow f;

	(void)err;
	for (size_t i = 0; i < batch->rows; i++) {
		batch_row(batch, i, &f);
		assert(f.end >= f.start);
		sums->packets += f.packets + flow_or(&f, reverse_packets, 0);
		sums->bytes += f.bytes + flow_or(&f, reverse_bytes, 0);
		sums->outside += flow_or(&f, outside_packets, 0) +
		    flow_or(&f, reverse_outside_packets, 0);
		sums->outside_bytes += flow_or(&f, outside_bytes, 0) +
		    flow_or(&f, reverse_outside_bytes, 0);
	}
	return 0;
}

static int
ignore(struct sink *sink, struct err *err)
{
	(void)sink;
	(void)err;
	return 0;
}

static void
config_of(const uint8_t *d, struct meter_config *config)
{
	meter_config_default(config);
	config->seed = d[0];
	config->key = (enum meter_key)(d[1] % METER_KEYS);
	config->max_flows = 1 + d[2];
	config->sample_interval = d[3] < 128 ? 0 : d[3] % 16;
	config->sample_is_random = d[4] & 1;
	config->directional = d[4] & 2;
	config->cut_exchanges = !(d[4] & 2) && d[4] & 4;
	config->write_quiet = d[4] & 8;
	config->request_min = d[5];
	config->labels = d[6] % (METER_LABELS_MAX + 1);
	config->expire_interval_s = d[7];
	for (int i = 0; i < METER_EXPIRES; i++)
		if (d[8 + i % 8] & 0x80)
			config->timeout_s[i] = d[8 + i % 8] & 0x7f;
}

static struct addr
addr_of(uint8_t n)
{
	uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, [15] = n & 7};

	return n & 8 ? addr_v6(v6) : addr_v4(n & 7);
}

static void
packet_of(const uint8_t *d, int64_t *now_ns, struct packet *p)
{
	static const uint8_t protos[] = {6, 6, 6, 17, 1, 58, 47, 132};
	static const int64_t steps[] = {0, 1000, 1000000, 10000000, 1000000000,
		100000000000, -5000000000, -100000000000};

	*now_ns += steps[d[0] & 7] * (d[0] >> 3);
	memset(p, 0, sizeof *p);
	p->time_ns = *now_ns;
	p->src = addr_of(d[1] & 15);
	p->dst = addr_of((uint8_t)((d[1] & 8) | (d[1] >> 4 & 7)));
	p->proto = protos[d[2] & 7];
	p->vlan = d[2] & 8 ? d[2] >> 4 : VLAN_NONE;
	p->inner_vlan = VLAN_NONE;
	p->flags = (uint16_t)(d[3] &
	    (PACKET_FRAGMENT | PACKET_LATER_FRAGMENT | PACKET_DF | PACKET_HAS_MAC));
	p->src_mac[5] = d[3] & 3;
	p->fragment_id = d[3] >> 7;
	p->ttl = d[4];
	p->tos = d[5];
	p->ip_bytes = 40 + (d[6] | (uint32_t)(d[7] & 7) << 8);
	p->mpls_count = d[7] >> 6;
	p->mpls = d; /* any octets are labels */
	if (p->flags & PACKET_LATER_FRAGMENT) {
		p->flags |= PACKET_FRAGMENT;
		return;
	}
	if (p->proto == 1 || p->proto == 58) {
		p->flags |= PACKET_HAS_ICMP;
		p->icmp_type = d[8];
		p->icmp_code = d[9] & 3;
		return;
	}
	if (p->proto == 47)
		return;
	p->flags |= PACKET_HAS_PORTS;
	p->src_port = d[8] & 15;
	p->dst_port = d[8] >> 4;
	p->payload_bytes = p->ip_bytes - 40;
	if (p->proto != 6 || d[9] & 0x80)
		return;
	p->flags |= PACKET_HAS_TCP;
	p->tcp_flags = d[9] & 0x3f;
	p->tcp_seq = (uint32_t)d[10] << (d[11] & 31);
	p->tcp_ack = (uint32_t)d[12] << (d[13] & 31);
	p->tcp_window = d[14];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sums sums = {.sink = {push, ignore, ignore}};
	struct packet burst[BURST];
	struct meter_config config;
	struct meter_stats stats;
	struct meter *meter;
	struct err err = {0};
	uint64_t packets = 0, bytes = 0;
	int64_t now_ns = 1700000000000000000;
	size_t at, n = 0;

	if (size < HEAD || size > 1 << 16)
		return 0;
	config_of(data, &config);
	if ((meter = meter_new(&config, &sums.sink, &err)) == NULL)
		abort();
	for (at = HEAD; at + PACKET <= size; at += PACKET) {
		packet_of(data + at, &now_ns, &burst[n++]);
		packets++;
		bytes += burst[n - 1].ip_bytes;
		if (n == BURST || data[at + 15] & 0x80) {
			assert(meter_packets(meter, burst, n, &err) == 0);
			n = 0;
		}
		if (data[at + 15] & 0x40)
			assert(meter_time(meter, now_ns + data[at + 15] * 1000000000ll,
			    &err) == 0);
	}
	assert(meter_packets(meter, burst, n, &err) == 0);
	assert(meter_flush(meter, &err) == 0);
	meter_stats(meter, &stats);
	assert(stats.live_flows == 0);
	assert(stats.counters[METER_packets] == sums.packets);
	assert(stats.counters[METER_bytes] == sums.bytes);
	assert(stats.counters[METER_outside] == sums.outside);
	assert(stats.counters[METER_outside_bytes] == sums.outside_bytes);
	assert(packets == sums.packets + sums.outside + stats.counters[METER_unsampled]);
	assert(bytes == sums.bytes + sums.outside_bytes +
	    stats.counters[METER_unsampled_bytes]);
	meter_free(meter);
	return 0;
}
