/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_METER_RIG_H
#define TESTS_METER_RIG_H

/* Packets made by hand, a meter, and the rows that come out. Included by its tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "meter/meter.h"
#include "meter/statistics.h"
#include "model/batch.h"
#include "model/flow.h"
#include "model/mark.h"
#include "model/sink.h"
#include "packet/packet.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { MS = 1000000, SEC = 1000 };

struct rig {
	struct sink sink; /* first */
	struct meter *meter;
	struct flow *rows;
	uint64_t (*marks)[600];
	size_t n, cap;
	int64_t now_ns;
	uint64_t packets, bytes;
	struct err err;
	/* One TCP connection's state for the builder. */
	uint32_t client, server;
	uint16_t client_port, server_port;
	uint32_t seq[2];
	uint16_t mss;
	int seen; /* bit 0: client's packets reach the meter, bit 1: the server's */
	struct packet burst[32];
	unsigned pending, burst_max;
};

static inline int
rig_push(struct sink *sink, struct batch *batch, struct err *err)
{
	struct rig *r = (struct rig *)sink;

	for (size_t i = 0; i < batch->rows; i++) {
		if (r->n == r->cap) {
			r->cap = r->cap ? 2 * r->cap : 64;
			r->rows = realloc(r->rows, r->cap * sizeof *r->rows);
			r->marks = realloc(r->marks, r->cap * sizeof *r->marks);
		}
		batch_row(batch, i, &r->rows[r->n]);
		if (flow_has(&r->rows[r->n], marks))
			memcpy(r->marks[r->n], r->rows[r->n].marks.items,
			    r->rows[r->n].marks.count * sizeof(uint64_t));
		r->n++;
	}
	return 0;
}

static inline int
rig_ignore(struct sink *sink, struct err *err)
{
	return 0;
}

static inline struct rig *
rig_with(const struct meter_config *config)
{
	struct rig *r = calloc(1, sizeof *r);

	r->sink = (struct sink){rig_push, rig_ignore, rig_ignore};
	r->meter = meter_new(config, &r->sink, &r->err);
	assert_non_null(r->meter);
	r->now_ns = 1700000000ll * 1000 * MS;
	r->client = 0x0a000002;
	r->server = 0xc0000201;
	r->client_port = 40000;
	r->server_port = 80;
	r->seq[0] = 1000;
	r->seq[1] = 5000;
	r->mss = 1460;
	r->seen = 3;
	r->burst_max = 32;
	return r;
}

static inline struct meter_config
rig_config(void)
{
	struct meter_config config;

	meter_config_default(&config);
	config.max_flows = 20000;
	config.seed = 12345;
	return config;
}

static inline struct rig *
rig_new(void)
{
	struct meter_config config = rig_config();

	return rig_with(&config);
}

static inline void
rig_send(struct rig *r)
{
	assert_int_equal(meter_packets(r->meter, r->burst, r->pending, &r->err), 0);
	r->pending = 0;
}

static inline void
rig_packet(struct rig *r, const struct packet *p)
{
	r->packets++;
	r->bytes += p->ip_bytes;
	r->burst[r->pending++] = *p;
	if (r->pending >= r->burst_max)
		rig_send(r);
}

/* The meter's statistics against those of the rows that came out. */
static inline void
rig_statistics(const struct rig *r)
{
	const struct meter_statistics *s = meter_statistics(r->meter);
	static struct meter_statistics twin;

	memset(&twin, 0, sizeof twin);
	for (size_t i = 0; i < r->n; i++) {
		const struct flow *row = &r->rows[i];
		struct meter_protocol *p = &twin.protocols[row->proto];
		uint64_t values[3] = {row->bytes + flow_or(row, reverse_bytes, 0),
			row->packets + flow_or(row, reverse_packets, 0),
			(uint64_t)(row->end - row->start)};
		struct meter_spread *spreads[3] = {&twin.bytes, &twin.packets,
		    &twin.duration_us};

		for (int k = 0; k < 3; k++) {
			spreads[k]->sum += values[k];
			if (i == 0 || values[k] < spreads[k]->min)
				spreads[k]->min = values[k];
			if (i == 0 || values[k] > spreads[k]->max)
				spreads[k]->max = values[k];
		}
		twin.records++;
		p->records++;
		p->bytes += values[0];
		p->packets += values[1];
		p->duration_us += values[2];
		if (values[2] > p->duration_max_us)
			p->duration_max_us = values[2];
	}
	assert_memory_equal(&twin, s, sizeof twin);
}

/* Flushes; then what came out must add up to what went in. */
static inline void
rig_done(struct rig *r)
{
	uint64_t packets = 0, bytes = 0;
	struct meter_stats stats;

	rig_send(r);
	assert_int_equal(meter_flush(r->meter, &r->err), 0);
	for (size_t i = 0; i < r->n; i++) {
		packets += r->rows[i].packets + flow_or(&r->rows[i], reverse_packets, 0);
		bytes += r->rows[i].bytes + flow_or(&r->rows[i], reverse_bytes, 0);
	}
	meter_stats(r->meter, &stats);
	assert_int_equal(packets, r->packets);
	assert_int_equal(bytes, r->bytes);
	assert_int_equal(stats.counters[METER_packets], r->packets);
	assert_int_equal(stats.counters[METER_record_packets], r->packets);
	assert_int_equal(stats.counters[METER_bytes], r->bytes);
	assert_int_equal(stats.counters[METER_record_bytes], r->bytes);
	assert_int_equal(stats.counters[METER_records], r->n);
	assert_int_equal(stats.live_flows, 0);
	rig_statistics(r);
}

static inline void
rig_free(struct rig *r)
{
	meter_free(r->meter);
	free(r->rows);
	free(r->marks);
	free(r);
}

static inline struct packet
rig_ip(struct rig *r, uint32_t src, uint32_t dst, uint8_t proto, uint32_t bytes)
{
	return (struct packet){.time_ns = r->now_ns, .src = addr_v4(src),
	    .dst = addr_v4(dst),
		.proto = proto, .ip_bytes = bytes, .ttl = 64, .vlan = VLAN_NONE,
		.inner_vlan = VLAN_NONE};
}

static inline struct packet
rig_udp(struct rig *r, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport,
    uint32_t n)
{
	struct packet p = rig_ip(r, src, dst, 17, n + 28);

	p.src_port = sport;
	p.dst_port = dport;
	p.flags = PACKET_HAS_PORTS;
	p.payload_bytes = n;
	return p;
}

static const uint8_t rig_syn_options[] = {2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2};

/* A segment from side (0 client, 1 server) at an explicit sequence number and ack. */
static inline void
tcp_raw(struct rig *r, int side, uint32_t seq, uint32_t ack, unsigned flags, uint32_t n)
{
	struct packet p = rig_ip(r, side ? r->server : r->client,
	    side ? r->client : r->server, 6, 40 + n);

	p.src_port = side ? r->server_port : r->client_port;
	p.dst_port = side ? r->client_port : r->server_port;
	p.flags = PACKET_HAS_PORTS | PACKET_HAS_TCP | PACKET_DF;
	p.tcp_seq = seq;
	p.tcp_ack = ack;
	p.tcp_flags = (uint16_t)flags;
	p.tcp_window = 64240;
	p.payload_bytes = n;
	if (flags & SYN) {
		p.tcp_options = rig_syn_options;
		p.tcp_options_bytes = sizeof rig_syn_options;
		p.ip_bytes += 12;
	}
	r->now_ns += MS;
	if (r->seen >> side & 1)
		rig_packet(r, &p);
}

/* In order, acknowledging everything. */
static inline void
tcp_send(struct rig *r, int side, unsigned flags, uint32_t n)
{
	tcp_raw(r, side, r->seq[side], flags == SYN ? 0 : r->seq[side ^ 1], flags, n);
	r->seq[side] += n + ((flags & (SYN | FIN)) != 0);
}

static inline void
tcp_open(struct rig *r)
{
	tcp_send(r, 0, SYN, 0);
	tcp_send(r, 1, SYN | ACK, 0);
	tcp_send(r, 0, ACK, 0);
}

static inline void
tcp_close(struct rig *r)
{
	tcp_send(r, 0, FIN | ACK, 0);
	tcp_send(r, 1, FIN | ACK, 0);
	tcp_send(r, 0, ACK, 0);
}

/* n octets from side, in segments, each acknowledged. */
static inline void
tcp_data(struct rig *r, int side, uint32_t n)
{
	while (n > 0) {
		uint32_t now = n < r->mss ? n : r->mss;

		tcp_send(r, side, ACK | (now == n ? PSH : 0), now);
		tcp_send(r, side ^ 1, ACK, 0);
		n -= now;
	}
}

static inline void
tcp_exchange(struct rig *r, uint32_t request, uint32_t response)
{
	tcp_send(r, 0, ACK | PSH, request);
	tcp_data(r, 1, response);
}

#endif
