/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets as the configuration sees them, where that is not as they are: without the TCP
 * and ICMP headers that the key leaves no room for, and one in N of them. SYN, FIN and
 * RST segments outside the sample are kept, because they say where a connection begins
 * and ends: they are counted apart, and nobody may multiply that by N.
 */
#include <string.h>

#include "base/draw.h"
#include "base/hash.h"
#include "meter/state.h"

enum { FAR = 1 << 30 };

/* RFC 5475, 5.1 and 5.2: systematic count-based, or uniform probabilistic sampling. */
static bool
sample_takes(struct meter *m)
{
	uint32_t interval = m->config.sample_interval;

	if (m->config.sample_is_random) {
		m->sample_state += DRAW_STEP;
		return (uint64_t)((unsigned __int128)mix64(m->sample_state,
		    m->config.seed) * interval >> 64) == 0;
	}
	if (m->sample_state-- > 0)
		return false;
	m->sample_state = interval - 1;
	return true;
}

size_t
sample_packets(struct meter *m, const struct packet *packets, size_t n,
    struct packet *out)
{
	bool is_bare = !m->key->has_ports || !m->key->has_proto;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct packet *p = &out[kept];

		*p = packets[i];
		if (is_bare)
			p->flags &= (uint16_t)~(PACKET_HAS_TCP | PACKET_HAS_ICMP);
		kept++;
		if (m->sampled == NULL || sample_takes(m))
			continue;
		if (p->flags & PACKET_HAS_TCP &&
		    p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)) {
			p->flags |= PACKET_UNSAMPLED;
			continue;
		}
		if (p->flags & PACKET_FRAGMENT)
			fragment_unsampled(m, p);
		m->counters[METER_unsampled]++;
		m->counters[METER_unsampled_bytes] += p->ip_bytes;
		kept--;
	}
	return kept;
}

void
sampled_count(struct meter *m, uint32_t flow, const struct packet *p, unsigned d)
{
	struct sampled *s = &m->sampled[flow];
	struct stream *stream = stream_of(m, hot_at(m, flow));
	int32_t further;

	if (p->flags & PACKET_UNSAMPLED) {
		s->outside_packets[d]++;
		s->outside_bytes[d] += p->ip_bytes;
		m->counters[METER_outside]++;
		m->counters[METER_outside_bytes] += p->ip_bytes;
	} else if (p->flags & PACKET_HAS_TCP) {
		if (!s->has_sequence[d])
			s->first_sequence[d] = p->tcp_seq;
		s->last_sequence[d] = p->tcp_seq;
		s->has_sequence[d] = 1;
	}
	/* A FIN tells of all octets before it, whether they were in the sample or not. */
	if (stream == NULL || !(p->flags & PACKET_HAS_TCP) || !(p->tcp_flags & TCP_FIN) ||
	    p->tcp_flags & TCP_RST || !(stream->syn.bits & SYN_BASE_OWN << d))
		return;
	further = (int32_t)(p->tcp_seq + p->payload_bytes -
	    (uint32_t)(stream->syn.base[d] + u48_get(&stream->half[d].high)));
	if (further > 0 && further < FAR) {
		u48_set(&stream->half[d].high,
		    u48_get(&stream->half[d].high) + (uint32_t)further);
		u40_set(&stream->half[d].span,
		    u40_get(&stream->half[d].span) + (uint32_t)further);
	}
}

bool
sampled_is_empty(const struct meter *m, uint32_t flow)
{
	const struct sampled *s = &m->sampled[flow];

	return (s->outside_packets[0] | s->outside_packets[1]) == 0;
}

void
sampled_written(struct meter *m, uint32_t flow)
{
	const struct sampled *s = &m->sampled[flow];

	m->counters[METER_record_outside] += s->outside_packets[0] +
	    s->outside_packets[1];
	m->counters[METER_record_outside_bytes] += s->outside_bytes[0] +
	    s->outside_bytes[1];
}

void
sampled_forgotten(struct meter *m, uint32_t flow)
{
	const struct sampled *s = &m->sampled[flow];

	m->counters[METER_deleted_outside] += s->outside_packets[0] +
	    s->outside_packets[1];
	m->counters[METER_deleted_outside_bytes] += s->outside_bytes[0] +
	    s->outside_bytes[1];
}
