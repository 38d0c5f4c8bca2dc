/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef METER_FLOW_H
#define METER_FLOW_H

#include "meter/meter.h"
#include "model/tcp.h"
#include "packet/packet.h"

#include <assert.h>

/*
 * What the meter keeps of a flow. A flow has two sides, 0 and 1: side 0 is the endpoint
 * with the lower address and port (a uniflow's source). Everything that depends on the
 * direction is indexed by the side that sent.
 *
 * Most flows are small, so what every flow has is one line of 64 octets, and what only
 * large ones need is behind `more`: a TCP connection has a struct small until one side
 * sends a second segment, then a struct stream; any other flow has nothing until one of
 * its counters is full, then a struct wide. Times in here are microseconds; those of 39
 * or 40 bits are the low bits of a time, told from a full one that is at most days away.
 */
enum key_kind {
	/* addresses are in a struct pair6; also those of IPv4, with MACs */
	KEY_V6 = 1,
	KEY_NO_PORTS = 2,
	KEY_MAC = 4,      /* and MAC addresses: a struct pair_more */
	KEY_V4_PAIR = 8,  /* the pair's addresses are IPv4, in host order */
	KEY_ICMP = 16,    /* ports are the number that the types share */
	/* enum packet_segment, of the segment in a struct pair_more */
	KEY_SEGMENT = 3 << 5,
};
enum flow_state {
	FLOW_INITIATOR = 1, /* the side that is src of the record */
	FLOW_BY_SYN = 2,    /* how it is known; neither: by the first packet */
	FLOW_BY_PORT = 4,
	FLOW_WIDE = 8,      /* more is a struct stream (TCP) or a struct wide */
};

struct key {
	uint32_t addr[2]; /* IPv6: number of struct pair6, and 32 bits of the hash */
	uint16_t port[2];
	uint16_t vlan, inner_vlan;
	uint8_t proto;
	uint8_t kind;
} __attribute__((packed, aligned(2)));

/* What every packet touches. Counters are those of the record not yet written. */
struct hot {
	struct key key;
	/* of the newest packet's time; hot_last_us tells the whole */
	uint8_t last_high : 7;
	uint8_t is_tcp : 1;    /* more is a struct small or a struct stream */
	uint8_t list : 4;      /* its timeout, enum meter_expire */
	uint8_t state : 4;     /* enum flow_state */
	uint32_t last_low;
	uint8_t tcp_flags[2];  /* low 8 bits */
	uint8_t tos[2];        /* of the first packet */
	uint8_t ttl_min[2], ttl_max[2];
	/* by state; of ICMP without FLOW_WIDE its type << 8 | code */
	uint32_t more;
	uint32_t prev, next;   /* in its slot of the wheel; next is 0 in no flow */
	uint16_t packets[2];   /* low bits: the rest is in struct carry */
	uint32_t bytes[2];
	int64_t start_us;
} __attribute__((packed, aligned(64)));
_Static_assert(sizeof(struct hot) == 64, "a flow is one line");
_Static_assert(METER_EXPIRES <= 16, "list has 4 bits");

struct pair6 {
	uint8_t addr[2][16];
};

struct pair_more {
	struct pair6 pair; /* first */
	uint8_t mac[2][6];
	uint32_t segment;
};
_Static_assert(sizeof(struct pair_more) == 48, "compared and hashed as octets");

/* What went over from a flow's counters. */
struct carry {
	uint16_t packets[2];
	uint8_t bytes[2];
};

/* Of flows whose counters were full, or with fragments. */
struct wide {
	struct carry carry;
	uint16_t icmp; /* type << 8 | code; of flows other than TCP */
	uint32_t fragments;
};

enum syn_bit { /* of side 0; << 1 is side 1's */
	SYN_SENT = 1 << 0,       /* a SYN was seen */
	SYN_FIN = 1 << 2,
	SYN_BASE_OWN = 1 << 4,   /* base is from the side's own packets */
	SYN_BASE_ACK = 1 << 6,   /* base is from the other side's acknowledgements */
	SYN_TIMESTAMPS = 1 << 8,
	SYN_UNACKED = 1 << 10,   /* not all of its octets were acknowledged */
	/* of both sides */
	SYN_RST = 1 << 12,
	SYN_MEASURED = 1 << 13,  /* timing_us is the handshake's time */
	/* whether the client's last burst began an exchange is open */
	SYN_PERHAPS = 1 << 14,
};

/* What a TCP connection has from its first packet on. */
struct syn {
	uint32_t base[2];        /* sequence number of the side's stream offset 0 */
	uint32_t timing_us;      /* low bits of the time of the initiator's last SYN */
	uint16_t fingerprint[2]; /* its number tells the MSS, too */
	uint16_t bits;
	/* bits 8 to 11 of the TCP flags of the record, of side 1 the high ones */
	uint8_t flags_high;
	uint8_t coalesced : 1;   /* the record has segments that were put together */
	uint8_t is_pipelined : 1;
};

/* A connection on which each side sent at most one segment. */
struct small {
	struct syn syn; /* first in both, so that either can be read through it */
	uint16_t payload[2];
	uint32_t payload_us[2]; /* low bits */
};
_Static_assert(sizeof(struct small) == 32, "half a line");

/* Numbers of 24, 40 and 48 bits, in whole octets: a compiler takes bit fields of a packed
 * struct apart. */
struct u24 {
	uint16_t low;
	uint8_t high;
} __attribute__((packed));
struct u40 {
	uint32_t low;
	uint8_t high;
} __attribute__((packed));
struct u48 {
	uint32_t low;
	uint16_t high;
} __attribute__((packed));

enum { U24_MAX = (1 << 24) - 1 };

static inline uint32_t
u24_get(const struct u24 *v)
{
	return (uint32_t)v->high << 16 | v->low;
}

/* As much as it holds. */
static inline void
u24_set(struct u24 *v, uint32_t n)
{
	n = n < U24_MAX ? n : U24_MAX;
	v->low = (uint16_t)n;
	v->high = (uint8_t)(n >> 16);
}

static inline uint64_t
u40_get(const struct u40 *v)
{
	return (uint64_t)v->high << 32 | v->low;
}

static inline void
u40_set(struct u40 *v, uint64_t n)
{
	v->low = (uint32_t)n;
	v->high = (uint8_t)(n >> 32);
}

static inline uint64_t
u48_get(const struct u48 *v)
{
	return (uint64_t)v->high << 32 | v->low;
}

static inline void
u48_set(struct u48 *v, uint64_t n)
{
	v->low = (uint32_t)n;
	v->high = (uint16_t)(n >> 32);
}

/* One direction's payload. high is how far the stream was seen (or acknowledged). */
struct half {
	struct u48 high;            /* stream offset */
	struct u40 span;            /* of the record: it starts at high - span */
	/* of the record, as are the following; 0: none; half_us tells the whole */
	struct u40 first_us, last_us;
	uint32_t segments;
	struct u24 max_segment;     /* or U24_MAX */
	uint32_t gaps;              /* struct gaps */
} __attribute__((packed));

struct stream {
	struct syn syn;
	struct half half[2];
	uint32_t wide;     /* struct wide, where it is needed */
	uint32_t exchange; /* struct exchange, from the first cut on */
	uint16_t mss;      /* negotiated largest segment, 0 if not known */
	/* of the client, too small for a request: see request.c */
	uint8_t burst, last_burst;
} __attribute__((packed, aligned(4)));
_Static_assert(sizeof(struct stream) == 96, "a line and a half");

static inline unsigned
syn_flags_high(const struct syn *syn, unsigned d)
{
	return syn->flags_high >> 4 * d & 15;
}

static inline void
syn_note_flags(struct syn *syn, unsigned d, uint16_t tcp_flags)
{
	syn->flags_high |= (uint8_t)((tcp_flags >> 8 & 15) << 4 * d);
}

/*
 * Whether a segment of the server's may end an answer: it is odd, and pushed, as is all
 * that ends a write into an empty queue (RFC 9293, MUST-61). Odd segments without a push
 * are what offloading leaves of a burst that is no multiple of the MSS.
 */
static inline bool
is_odd_end(const struct stream *s, const struct half *h, const struct packet *p)
{
	uint32_t n = p->payload_bytes, longest = u24_get(&h->max_segment),
	    most = n > longest ? n : longest;

	return (p->tcp_flags & TCP_PSH) != 0 && n % 4096 != 0 &&
	       n % (s->mss != 0 ? s->mss : most) != 0;
}

/* Of connections that were cut, or that are pipelined. */
struct exchange {
	uint64_t connection;
	uint32_t ordinal;
	uint32_t remainder; /* struct part: the folded exchanges */
	/* struct part: the record before a burst that is perhaps a request */
	uint32_t held;
	uint16_t parts;     /* exchanges and continuations that ended, or PARTS_MAX */
	uint16_t marks;     /* struct marks */
	/* where the server's stream was when the client sent last: low bits, in units of
	 * HEARD_UNIT */
	uint16_t heard_at;
	/* octets of a record besides its frames of HTTP/2; 0: not known */
	uint8_t tls_overhead;
	uint8_t is_continuation : 1;
	/* in a record of this exchange that was written before */
	uint8_t was_answered : 1;
	uint8_t is_wide : 1;      /* the client's windows of HTTP/2 are large */
	uint8_t is_eager : 1;     /* and it updates them before half is used */
	/* TLS's handshake ends, and what is sent with it is one */
	uint8_t is_opening : 1;
} __attribute__((packed, aligned(4)));
_Static_assert(sizeof(struct exchange) == 28, "as small as it can be");
enum { PARTS_MAX = UINT16_MAX, HEARD_UNIT = 4096 };

enum { GAPS = 4, MARKS = 512, HABITS = 16, HABIT = 4 };

/* Of a direction of which something is missing or came twice. */
struct gaps {
	uint64_t retransmitted; /* octets, of the record */
	struct {
		uint64_t from, to; /* stream offsets not seen; empty if equal */
	} gap[GAPS];
};

struct marks {
	uint32_t count;
	uint32_t lost;
	/* Lengths of the last segments that ended oddly, of the whole connection: one
	 * that came HABIT times is the server's habit and not marked any more. */
	struct {
		uint32_t bytes, times;
	} habit[HABITS];
	uint64_t items[MARKS];
};

/* A record about to be written, or the sum of folded ones. */
struct part {
	int64_t start_us, end_us;
	uint64_t packets[2], bytes[2];
	uint16_t tcp_flags[2];
	uint8_t tos[2], ttl_min[2], ttl_max[2];
	uint32_t fragments;
	uint32_t ordinal, folded;
	bool is_first, is_continuation, coalesced;
	struct part_half {
		uint64_t offset, span, retransmitted;
		int64_t first_us, last_us; /* 0: none */
		uint32_t segments, max_segment;
	} half[2];
};

#endif
