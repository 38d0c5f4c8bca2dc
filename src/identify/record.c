/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a flow row to the record that the identifier keeps. The client is the initiator
 * where the row knows it, else the side whose port is no service's, or the higher one. A
 * row that contradicts itself never makes a finding: it is counted.
 */
#include "identify/record.h"

#include "base/hash.h"
#include "identify/tls.h"
#include "model/flow.h"
#include "model/service.h"
#include "model/tcp.h"

enum {
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	RESPONSE_MIN = 64,
	PACKET_MAX = 65535 + 40 + 22,
	JUMBO_MAX = 9216 + 60,
	SEGMENT_MAX = 1 << 20, /* no offloading merges more */
};

static const uint64_t STREAM_MAX = (uint64_t)1 << 60;
static const int64_t TIME_LAST = 253402300799999999; /* of the year 9999 */

struct side {
	bool seen, has_span;
	uint64_t bytes, packets, span, offset, again;
	uint32_t segments, segment;
	uint8_t span_kind;
	uint16_t flags;
	uint8_t ttl;
	bool has_sequences; /* of the first and the last sampled packet */
	uint32_t first, last;
};

static struct side
forward_side(const struct flow *f)
{
	return (struct side){
	    .seen = flow_has(f, bytes) && flow_has(f, packets),
	    .bytes = flow_or(f, bytes, 0),
	    .packets = flow_or(f, packets, 0),
	    .has_span =
		flow_has(f, span) && flow_or(f, span_kind, SPAN_exact) != SPAN_none,
	    .span = flow_or(f, span, 0),
	    .span_kind = flow_or(f, span_kind, SPAN_exact),
	    .offset = flow_or(f, offset, 0),
	    .again = flow_or(f, retransmitted, 0),
	    .segments = flow_or(f, segments, 0),
	    .segment = flow_or(f, max_segment, 0),
	    .flags = flow_or(f, tcp_flags, 0),
	    .ttl = flow_or(f, ttl_min, 0),
	    .has_sequences = flow_has(f, first_sequence) && flow_has(f, last_sequence),
	    .first = flow_or(f, first_sequence, 0),
	    .last = flow_or(f, last_sequence, 0),
	};
}

static struct side
reverse_side(const struct flow *f)
{
	return (struct side){
	    .seen = flow_has(f, reverse_bytes) && flow_has(f, reverse_packets),
	    .bytes = flow_or(f, reverse_bytes, 0),
	    .packets = flow_or(f, reverse_packets, 0),
	    .has_span = flow_has(f, reverse_span) &&
			flow_or(f, reverse_span_kind, SPAN_exact) != SPAN_none,
	    .span = flow_or(f, reverse_span, 0),
	    .span_kind = flow_or(f, reverse_span_kind, SPAN_exact),
	    .offset = flow_or(f, reverse_offset, 0),
	    .again = flow_or(f, reverse_retransmitted, 0),
	    .segments = flow_or(f, reverse_segments, 0),
	    .segment = flow_or(f, reverse_max_segment, 0),
	    .flags = flow_or(f, reverse_tcp_flags, 0),
	    .ttl = flow_or(f, reverse_ttl_min, 0),
	    .has_sequences = flow_has(f, reverse_first_sequence) &&
		flow_has(f, reverse_last_sequence),
	    .first = flow_or(f, reverse_first_sequence, 0),
	    .last = flow_or(f, reverse_last_sequence, 0),
	};
}

static bool
src_is_client(const struct flow *f)
{
	int side;

	switch (flow_or(f, biflow_direction, DIRECTION_arbitrary)) {
	case DIRECTION_initiator:
	case DIRECTION_syn:
	case DIRECTION_port:
		return true;
	case DIRECTION_reverse:
		return false;
	default:
		if (!flow_has(f, src_port) || !flow_has(f, dst_port))
			return true;
		if ((side = service_side(f->src_port, f->dst_port)) != 0)
			return side > 0;
		if (flow_has(f, reverse_bytes))
			return true;
		side = service_side_guess(f->src_port, f->dst_port);
		return side != 0 ? side > 0 : f->src_port >= f->dst_port;
	}
}

/*
 * An exporter of samples that has sequence numbers but no spans: what lies between the
 * first and the last packet was sent, and what the last one carries comes on top. The SYN
 * has a number too. Streams above 4 GiB begin anew; the counts tell how often.
 */
static void
span_of_sequences(struct side *s, uint32_t sampling)
{
	uint64_t span = (uint32_t)(s->last - s->first), about = s->bytes * sampling;
	const uint64_t turn = (uint64_t)1 << 32;

	if (s->has_span || !s->has_sequences || sampling < 2)
		return;
	if (s->first != s->last && s->flags & TCP_SYN && span > 0)
		span--;
	if (about > span + turn / 2)
		span += (about - span + turn / 2) / turn * turn;
	if (span == 0 || span > about + about / 2 + turn / 1024)
		return;
	s->has_span = true;
	s->span = span;
	s->span_kind = SPAN_at_least;
}

/* The counter to raise for a side that contradicts itself; -1 if it does not. */
static int
contradiction(const struct side *s, bool is_v6, bool is_sampled)
{
	uint64_t least = is_v6 ? 40 : 20;

	if (s->has_span && (s->span > STREAM_MAX || s->offset > STREAM_MAX))
		return IDENTIFY_no_stream;
	if (!s->seen)
		return -1;
	if (s->packets == 0 && s->bytes > 0)
		return IDENTIFY_no_packets;
	if (s->packets > s->bytes / least)
		return IDENTIFY_few_octets;
	if (s->bytes / PACKET_MAX > s->packets)
		return IDENTIFY_many_octets;
	if (is_sampled)
		return -1; /* of the octets of a span few were counted */
	if (s->has_span && s->span_kind == SPAN_exact && s->span > s->bytes)
		return IDENTIFY_span_above;
	if (s->has_span && s->span_kind != SPAN_by_ack &&
	    (s->again > s->bytes || s->segments > s->packets ||
	     s->segment > SEGMENT_MAX || (s->segment > s->bytes && s->segment > 0)))
		return IDENTIFY_segments_above;
	return -1;
}

/* QUIC, by port alone. */
static bool
is_quic(const struct flow *f)
{
	return f->proto == PROTO_UDP &&
	       tls_is_port(src_is_client(f) ? flow_or(f, dst_port, 0) : flow_or(f,
	       src_port, 0));
}

static int
why_not(const struct flow *f, const struct side *up, const struct side *down,
	const struct identify_config *config)
{
	uint32_t least = config->response_min ? config->response_min : RESPONSE_MIN;
	bool is_sampled = flow_or(f, sampling, 1) > 1;
	int why;

	if (f->proto != PROTO_TCP && !is_quic(f))
		return IDENTIFY_not_tcp;
	if (f->end < f->start || f->start < 0)
		return IDENTIFY_backwards;
	if (f->end > TIME_LAST)
		return IDENTIFY_no_time;
	if ((why = contradiction(up, f->src.is_v6, is_sampled)) >= 0 ||
	    (why = contradiction(down, f->src.is_v6, is_sampled)) >= 0)
		return why;
	if (flow_or(f, folded, 0) > 0)
		return IDENTIFY_folded;
	if (down->has_span ? down->span < least : down->bytes < least)
		return IDENTIFY_no_answer;
	if (down->has_span)
		return -1;
	if (flow_or(f, coalesced, 0) || down->bytes / JUMBO_MAX > down->packets)
		return IDENTIFY_merged;
	return -1;
}

uint32_t
record_system(const struct flow *f)
{
	const struct str *look = &f->fingerprint;

	if (!src_is_client(f))
		look = flow_has(f, reverse_fingerprint) ? &f->reverse_fingerprint : NULL;
	else if (!flow_has(f, fingerprint))
		look = NULL;
	return look == NULL || look->len == 0
		   ? 0
		   : (uint32_t)hash64(look->data, look->len, 0) | 1;
}

/*
 * Whether a span is exact though few segments were looked at. Meters keep SYN and FIN
 * outside the sample, and both carry sequence numbers: what lies between them is all that
 * was sent.
 */
static bool
is_bounded(const struct record *r, uint16_t flags)
{
	return r->sampling > 1 && r->offset == 0 && !r->is_headless &&
	       (flags & (TCP_SYN | TCP_FIN | TCP_RST)) == (TCP_SYN | TCP_FIN);
}

void
record_bound(struct record *r)
{
	if (r->is_at_least && is_bounded(r, r->server_flags))
		r->is_at_least = false;
	if (!r->has_request && r->request_span > 0 && r->request_offset == 0 &&
	    is_bounded(r, r->client_flags))
		r->has_request = true;
}

bool
record_of(const struct flow *f, const struct identify_config *config, uint64_t counters[],
	  struct record *out)
{
	bool forward = src_is_client(f);
	struct side up = forward ? forward_side(f) : reverse_side(f);
	struct side down = forward ? reverse_side(f) : forward_side(f);
	int why;

	span_of_sequences(&down, flow_or(f, sampling, 1));
	if ((why = why_not(f, &up, &down, config)) >= 0) {
		counters[why]++;
		return false;
	}
	*out = (struct record){
	    .start_us = f->start,
	    .end_us = f->end,
	    .client = forward ? f->src : f->dst,
	    .server = forward ? f->dst : f->src,
	    .bytes = down.bytes,
	    .packets = down.packets,
	    .request_bytes = up.bytes,
	    .request_packets = up.packets,
	    .has_span = down.has_span,
	    .span = down.span,
	    .has_request = up.has_span && up.span_kind != SPAN_at_least && up.span > 0,
	    .request_span = up.has_span ? up.span : 0,
	    .is_at_least = down.has_span && down.span_kind == SPAN_at_least,
	    .is_by_ack = down.has_span && down.span_kind == SPAN_by_ack,
	    .offset = down.offset,
	    .request_offset = up.offset,
	    .segment = down.segment,
	    .system = record_system(f),
	    .is_headless = flow_or(f, mid_stream, 0) && flow_or(f, exchange, 0) == 0,
	    .client_flags = up.flags,
	    .server_flags = down.flags,
	    .client_ttl = up.ttl,
	    .server_ttl = down.ttl,
	    .has_connection = flow_has(f, connection),
	    .connection = f->connection,
	    .exchange = flow_or(f, exchange, 0),
	    .has_exporter = flow_has(f, exporter),
	    .exporter = flow_or(f, exporter, f->src),
	    .sampling = flow_or(f, sampling, 1) > 1 ? flow_or(f, sampling, 1) : 1,
	    .is_coalesced = flow_or(f, coalesced, 0),
	    .is_quic = f->proto == PROTO_UDP,
	    .has_ports = flow_has(f, src_port) && flow_has(f, dst_port),
	    .client_port = forward ? flow_or(f, src_port, 0) : flow_or(f, dst_port, 0),
	    .server_port = forward ? flow_or(f, dst_port, 0) : flow_or(f, src_port, 0),
	    .is_cut = flow_or(f, end_reason, 0) == END_REASON_active,
	};
	counters[IDENTIFY_sampled] += out->sampling > 1 && !out->has_span;
	out->has_handshake = out->exchange == 0 && !flow_or(f, mid_stream, 0) &&
			     out->offset == 0 &&
			     (down.flags == 0 || (down.flags & TCP_SYN));
	record_bound(out);
	return true;
}
