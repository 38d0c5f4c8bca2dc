/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef METER_STATE_H
#define METER_STATE_H

#include "meter/fingerprint.h"
#include "meter/meter.h"
#include "meter/slab.h"
#include "meter/statistics.h"
#include "model/flow.h"
#include "packet/packet.h"

#include <assert.h>

/*
 * The meter's memory, shared by the files of this folder. A flow has two sides, 0 and 1: side
 * 0 is the endpoint with the lower address and port (a uniflow's source). Everything that
 * depends on the direction is indexed by the side that sent.
 */
enum key_kind {
	KEY_V6 = 1,       /* addresses are in a struct pair6; also those of IPv4, with MACs */
	KEY_NO_PORTS = 2,
	KEY_MAC = 4,      /* and MAC addresses: a struct pair_mac */
	KEY_V4_PAIR = 8,  /* the pair's addresses are IPv4, in host order */
};
enum flow_state {
	FLOW_INITIATOR = 1,      /* the side that is src of the record */
	FLOW_BY_SYN = 2,         /* how it is known; neither: by the first packet */
	FLOW_BY_PORT = 4,
	FLOW_HAS_STREAM = 8,     /* tcp is a struct stream, else a struct syn */
};

struct key {
	uint32_t addr[2]; /* IPv6: number of struct pair6, and 32 bits of the hash */
	uint16_t port[2];
	uint16_t vlan, inner_vlan;
	uint8_t proto;
	uint8_t kind;
	uint8_t list;  /* not compared: its timeout, enum meter_expire */
	uint8_t state; /* not compared: enum flow_state */
};

/* What every packet touches. Counters are those of the record not yet written. */
struct hot {
	struct key key;
	uint32_t packets[2];
	uint32_t bytes_low[2];
	uint8_t bytes_high[2];
	uint8_t tcp_flags[2]; /* low 8 bits */
	uint8_t ttl_min[2], ttl_max[2];
	uint32_t tcp;         /* struct syn or struct stream */
	int64_t last_ns;
	uint32_t prev, next;  /* in its slot of the wheel */
};
_Static_assert(sizeof(struct hot) == 64, "a flow is one line");

/* What the first packets of a record touch. */
struct cold {
	int64_t start_ns;
	uint32_t fragments;
	uint8_t mac[2][6];
	uint8_t tos[2];
	uint8_t tcp_flags_high[2];
	uint8_t icmp_type, icmp_code;
	uint8_t has_mac, has_icmp;
};
_Static_assert(sizeof(struct cold) == 32, "half a line");

struct pair6 {
	uint8_t addr[2][16];
};

struct pair_mac {
	struct pair6 pair; /* first */
	uint8_t mac[2][6];
};

enum syn_bit { /* of side 0; << 1 is side 1's */
	SYN_SENT = 1 << 0,       /* a SYN was seen */
	SYN_FIN = 1 << 2,
	SYN_BASE_OWN = 1 << 4,   /* base is from the side's own packets */
	SYN_BASE_ACK = 1 << 6,   /* base is from the other side's acknowledgements */
	SYN_TIMESTAMPS = 1 << 8,
	/* of both sides */
	SYN_RST = 1 << 10,
	SYN_MEASURED = 1 << 11,  /* handshake_us is set */
};

/* A TCP connection without payload so far. */
struct syn {
	int64_t syn_ns;           /* of the initiator's last SYN */
	uint32_t base[2];         /* sequence number of the side's stream offset 0 */
	uint32_t fingerprint[2];
	uint32_t handshake_us;
	uint16_t mss[2];
	uint16_t bits;
};

/* One direction's payload. high is how far the stream was seen (or acknowledged). */
struct half {
	uint64_t high, start;    /* stream offsets; start is the record's */
	uint64_t retransmitted;  /* of the record, as are the following */
	int64_t first_ns, last_ns;
	uint32_t segments, max_segment;
	uint32_t gaps;           /* struct gaps */
};

struct stream {
	struct syn syn; /* first, so that either can be read through a struct syn pointer */
	uint32_t ordinal;
	uint32_t parts;     /* exchanges and continuations that ended */
	uint64_t connection;
	struct half half[2];
	uint32_t remainder; /* struct part: the folded exchanges */
	uint32_t marks;     /* struct marks */
	uint8_t coalesced, is_continuation, is_pipelined;
	uint8_t was_answered; /* in a record of this exchange that was written before */
	uint8_t acked_sides; /* bit per side: all its octets were acknowledged */
};

enum { GAPS = 4, MARKS = 512 };

struct gaps {
	struct {
		uint64_t from, to; /* stream offsets not seen; empty if equal */
	} gap[GAPS];
};

struct marks {
	uint32_t count;
	uint32_t lost;
	uint64_t items[MARKS];
};

/* A record about to be written, or the sum of folded ones. */
struct part {
	int64_t start_ns, end_ns;
	uint64_t packets[2], bytes[2];
	uint16_t tcp_flags[2];
	uint8_t tos[2], ttl_min[2], ttl_max[2];
	uint32_t fragments;
	uint32_t ordinal, folded;
	bool is_first, is_continuation, coalesced;
	struct part_half {
		uint64_t offset, span, retransmitted;
		int64_t first_ns, last_ns;
		uint32_t segments, max_segment;
	} half[2];
};

/* What a transport header says of the flow. */
struct ports {
	uint16_t src, dst;
	uint16_t flags; /* PACKET_HAS_ICMP: the ports are the types' number */
	uint8_t proto;
};

struct fragment_slot {
	uint64_t key; /* hash of source, destination, protocol, id; 0 is free */
	int64_t time_ns;
	struct ports ports;
	bool is_waiting; /* for the first fragment */
};
struct held {
	uint64_t key; /* 0: not there any more */
	struct packet packet;
};
enum { FRAGMENT_SLOTS = 1 << 12, FRAGMENT_WAYS = 4, HELD = 256 };
static const int64_t FRAGMENT_ALL = INT64_MIN;

struct labels {
	uint32_t count;
	uint32_t label[METER_LABELS_MAX]; /* 20 bits each, the top first */
};

/* Under sampling, what a flow has besides its line. */
struct sampled {
	uint64_t outside_bytes[2];
	uint32_t outside_packets[2];
	uint32_t first_sequence[2], last_sequence[2];
	uint8_t has_sequence[2];
};

/* The wheel: a slot a second; the slots' heads are the first items of the slab of flows. */
enum { WHEEL = 1024 };
enum { MARKS_MAX = 1 << 14, FINGERPRINTS_MAX = 1 << 15 };

struct meter {
	struct meter_config config;
	struct sink *sink;
	struct batch *batch;
	struct err *err; /* of the call under way */
	int status;      /* -1 once the sink failed */

	struct slab hot;
	struct cold *cold;
	struct slab pair6, syn, stream, gaps, remainder, marks;
	uint64_t *index; /* hash << 32 | flow; 0 is empty */
	uint64_t index_mask;
	uint64_t index_live;

	int64_t timeout_ns[METER_EXPIRES];
	int64_t limit_ns; /* shortest of active and maxlife; INT64_MAX: none */
	enum meter_expire limit_reason;
	int64_t clock_ns;
	int64_t tick;    /* of the wheel: all slots up to it are empty */
	int64_t turn_ns; /* when the wheel is turned next */
	unsigned behind; /* packets in a row far behind the clock */
	uint64_t wheel_used[WHEEL / 64]; /* slots that may have flows */
	const struct meter_key_row *key;
	bool is_plain;   /* the default key and no sampling: packets are taken as they come */
	bool is_slow_burst; /* the burst at work has fragments out of order */
	struct sampled *sampled; /* by flow; NULL without sampling */
	struct slab labels;      /* struct labels */
	uint32_t *labels_of;     /* by flow; not looked at while there are none */
	uint64_t sample_state;
	struct held *held; /* a ring */
	uint32_t held_first, held_count;
	uint64_t service_ports[65536 / 64];
	struct fragment_slot *fragments;
	struct fingerprints *fingerprints;
	uint64_t counters[METER_COUNTERS];
	uint64_t expired[METER_EXPIRES];
	uint64_t peak_flows;
	struct meter_statistics statistics;
	struct flow row;
};

static inline struct hot *
hot_at(const struct meter *m, uint32_t flow)
{
	return slab_at(&m->hot, flow);
}

static inline struct syn *
syn_of(const struct meter *m, const struct hot *hot)
{
	if (hot->tcp == 0)
		return NULL;
	return hot->key.state & FLOW_HAS_STREAM ? slab_at(&m->stream, hot->tcp)
	                                        : slab_at(&m->syn, hot->tcp);
}

static inline struct stream *
stream_of(const struct meter *m, const struct hot *hot)
{
	return hot->key.state & FLOW_HAS_STREAM ? slab_at(&m->stream, hot->tcp) : NULL;
}

enum { LOOKUP_HELD = 2 }; /* as side: the packet is held back */

/* A packet's key, before it is looked up. */
struct lookup {
	struct key key;
	union {
		struct pair6 pair;
		struct pair_mac pair_mac;
	};
	uint32_t hash;
	unsigned side; /* that sent */
};

/* key.c: keys of packets and flows. key_make is for the default row of key.def. */
void key_make(struct meter *m, const struct packet *p, struct lookup *out);
void key_make_by_row(struct meter *m, const struct packet *p, struct lookup *out);
void key_ports(const struct packet *p, struct ports *out);
void key_fill(struct meter *m, const struct packet *p, const struct ports *ports,
    struct lookup *out);
uint32_t key_hash(const struct meter *m, const struct key *key, const struct pair6 *pair);
bool key_matches(const struct meter *m, const struct key *a, const struct lookup *b);

/* fragment.c. Gives a fragment the ports of its first one; false: it is held back. */
bool fragment_ports(struct meter *m, const struct packet *p, struct ports *ports);
/* After first fragment p was metered: meters those that came before it. */
void fragment_release(struct meter *m, const struct packet *p);
/* Takes note of a fragment that is not metered itself. */
void fragment_unsampled(struct meter *m, const struct packet *p);
/* Meters all that is held back since before then, or FRAGMENT_ALL, without ports. */
void fragment_drain(struct meter *m, int64_t before_ns);
void fragment_tick(struct meter *m); /* every second or so */

/* sample.c: at most n packets into out, as the key and the sampling have them. */
size_t sample_packets(struct meter *m, const struct packet *packets, size_t n,
    struct packet *out);
/* After packet p of side d was metered under sampling. */
void sampled_count(struct meter *m, uint32_t flow, const struct packet *p, unsigned d);
bool sampled_is_empty(const struct meter *m, uint32_t flow);
void sampled_row(const struct meter *m, struct flow *row, uint32_t flow, unsigned from);
/* Counts what the flow's record has of it as written, or as deleted. */
void sampled_written(struct meter *m, uint32_t flow);
void sampled_forgotten(struct meter *m, uint32_t flow);

/* meter.c: puts a packet into its flow; the clock stays as it is. */
void packet_add(struct meter *m, const struct packet *p, const struct lookup *l);
/* The configured timeouts in nanoseconds. */
void limits_set(struct meter *m);

/* wheel.c: when flows are due; meter.c turns it. */
void wheel_init(struct meter *m);
/* Where a flow's timeout has to be looked at: when it is due, and at the latest when the
 * wheel has gone round. */
uint32_t wheel_slot(const struct meter *m, const struct hot *hot);
void wheel_put(struct meter *m, uint32_t flow, struct hot *hot);
/* The first flow that the wheel would come to; 0 if there is none. */
uint32_t wheel_first(struct meter *m);

static inline int64_t
tick_of(int64_t ns)
{
	return ns / 1000000000;
}

/* Head of the circular list of a slot. */
static inline uint32_t
wheel_head(int64_t tick)
{
	return 1 + (uint32_t)(tick % WHEEL);
}

static inline void
wheel_remove(struct meter *m, struct hot *hot)
{
	hot_at(m, hot->prev)->next = hot->next;
	hot_at(m, hot->next)->prev = hot->prev;
}

/* stream.c: what a TCP packet of side d means, before it is counted; may cut the record. */
void stream_packet(struct meter *m, uint32_t flow, const struct packet *p, unsigned d);
/* True if the packet begins a new connection on this flow's addresses and ports. */
bool stream_is_new(const struct meter *m, const struct hot *hot, const struct packet *p,
    unsigned d);
void stream_free(struct meter *m, struct hot *hot);
/* The server answered in the record so far. */
bool stream_has_answer(const struct meter *m, const struct hot *hot);
/* Everything that either side sent was acknowledged, and there was an answer. */
bool stream_is_answered(const struct meter *m, const struct hot *hot);
/* Negotiated largest segment, 0 if not known. */
uint32_t syn_mss(const struct syn *syn);

/* record.c: ends the record so far (writes or folds it) and begins the next. */
void record_cut(struct meter *m, uint32_t flow, enum meter_expire why, enum end_reason reason);
/* Writes all that is left of a flow. */
void record_finish(struct meter *m, uint32_t flow, enum meter_expire why);
/* The row that the flow would become now; its lists are borrowed. Nothing is changed. */
void record_peek(const struct meter *m, uint32_t flow, struct flow *row);
/* Counts all that is left of a flow, and was not written, as deleted. */
void record_forget(struct meter *m, uint32_t flow);
uint64_t connection_id(const struct meter *m, uint32_t flow);

#endif
