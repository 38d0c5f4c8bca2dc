/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef METER_STATE_H
#define METER_STATE_H

#include "meter/fingerprint.h"
#include "meter/flow.h"
#include "meter/index.h"
#include "meter/meter.h"
#include "meter/slab.h"
#include "meter/statistics.h"
#include "model/flow.h"
#include "model/tcp.h"
#include "packet/packet.h"

#include <assert.h>

/* The meter, shared by the files of this folder; flow.h has what it keeps of a flow. */

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

/* The wheel: a slot a second; the slots' heads are the first items of the slab of
 * flows. */
enum { WHEEL = 1024 };
enum { MARKS_MAX = 1 << 14, FINGERPRINTS_MAX = 1 << 15 };

struct meter {
	struct meter_config config;
	struct sink *sink;
	struct writer *writer; /* of rows into a batch */
	struct writer *peek;   /* of one row, to look at */
	struct err *err; /* of the call under way */
	int status;      /* -1 once the sink failed */

	struct slab hot;
	struct slab pair6, small, wide, stream, exchange, gaps, remainder, marks;
	uint16_t *macs;  /* by flow: of its first packet */
	struct mac_pairs *mac_pairs;
	struct flow_index index;

	int64_t timeout_us[METER_EXPIRES];
	uint8_t timeout_reason[METER_EXPIRES]; /* why a flow ends then */
	int64_t limit_us; /* shortest of active and maxlife */
	enum meter_expire limit_reason;
	int64_t clock_us;
	int64_t tick;    /* of the wheel: all slots up to it are empty */
	int64_t turn_us; /* when the wheel is turned next */
	int64_t victim_idle_us; /* how long flows had been idle that had to make room */
	unsigned behind; /* packets in a row far behind the clock */
	unsigned hasty;  /* times in a row when it was soon set back again */
	uint64_t since_reset; /* packets since the clock was set back */
	uint64_t wheel_used[WHEEL / 64]; /* slots that may have flows */
	const struct meter_key_row *key;
	/* the default key and no sampling: packets are taken as they come */
	bool is_plain;
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
};

static const int64_t DAY_US = 86400ll * 1000000;
static const int64_t METER_TIME_MAX_NS = (int64_t)1 << 62; /* in 2116 */
/* what hot_last_us and half_us tell */
enum { IDLE_MAX_S = 5 * 86400, LIMIT_MAX_S = 11 * 86400 };

/* An item whose size the compiler knows: a multiplication less where packets pass. */
#define ITEM(slab, type, number) ((type *)(void *)(slab).base + (number))

static inline struct hot *
hot_at(const struct meter *m, uint32_t flow)
{
	return ITEM(m->hot, struct hot, flow);
}

/* The newest packet is never ahead of the clock, nor idle for more than IDLE_MAX_S. */
static inline int64_t
hot_last_us(const struct meter *m, const struct hot *hot)
{
	int64_t low = (int64_t)((uint64_t)hot->last_high << 32 | hot->last_low);

	return m->clock_us - (int64_t)((uint64_t)(m->clock_us - low) << 25 >> 25);
}

static inline void
hot_set_last(struct hot *hot, int64_t now_us)
{
	uint8_t high = (uint64_t)now_us >> 32 & 0x7f;

	hot->last_low = (uint32_t)now_us;
	if (hot->last_high != high) /* rarely */
		hot->last_high = high & 0x7f;
}

/* What the IP header of a packet of side d says, before it is counted. */
static inline void
hot_note_header(struct hot *hot, const struct packet *p, unsigned d)
{
	if (hot->ttl_max[d] == 0 && hot->packets[d] == 0)
		hot->tos[d] = p->tos;
	if (p->ttl < hot->ttl_min[d])
		hot->ttl_min[d] = p->ttl;
	if (p->ttl > hot->ttl_max[d])
		hot->ttl_max[d] = p->ttl;
}

/* A time of a half, not long before the record's start and at most LIMIT_MAX_S after
 * it. */
static inline int64_t
half_us(const struct u40 *time, int64_t start_us)
{
	uint64_t low = u40_get(time);
	int64_t from = start_us - DAY_US / 2;

	return low == 0 ? 0 : from + (int64_t)((low - (uint64_t)from) << 24 >> 24);
}

/* The low bits of a time that is not "none". */
static inline uint64_t
low_us(int64_t us)
{
	return (uint64_t)us << 24 == 0 ? 1 : (uint64_t)us;
}

/* The wheel is coarse and lazy; a flow's own packets find out exactly. */
static inline bool
flow_is_over(const struct meter *m, const struct hot *hot)
{
	enum meter_expire list = hot->list;

	if (list == METER_EXPIRE_exchange_quiet)
		list = METER_EXPIRE_tcp;
	return m->clock_us - hot_last_us(m, hot) > m->timeout_us[list];
}

/* Another time round would lose what it counts of side d. */
static inline bool
carry_is_full(const struct carry *carry, unsigned d)
{
	return carry->packets[d] == UINT16_MAX || carry->bytes[d] == UINT8_MAX;
}

static inline bool
hot_is_empty(const struct hot *hot, const struct carry *carry)
{
	return (hot->packets[0] | hot->packets[1]) == 0 &&
	    (carry == NULL || (carry->packets[0] | carry->packets[1]) == 0);
}

static inline struct syn *
syn_of(const struct meter *m, const struct hot *hot)
{
	if (!hot->is_tcp)
		return NULL;
	return hot->state & FLOW_WIDE ? &ITEM(m->stream, struct stream, hot->more)->syn
	                              : &ITEM(m->small, struct small, hot->more)->syn;
}

static inline struct small *
small_of(const struct meter *m, const struct hot *hot)
{
	return hot->is_tcp && !(hot->state & FLOW_WIDE)
	    ? ITEM(m->small, struct small, hot->more) : NULL;
}

static inline struct stream *
stream_of(const struct meter *m, const struct hot *hot)
{
	return hot->is_tcp && hot->state & FLOW_WIDE
	    ? ITEM(m->stream, struct stream, hot->more) : NULL;
}

/* NULL: nothing went over, and it has no fragments. */
static inline struct wide *
wide_of(const struct meter *m, const struct hot *hot)
{
	uint32_t number = hot->more;

	if (!(hot->state & FLOW_WIDE))
		return NULL;
	if (hot->is_tcp)
		number = ITEM(m->stream, struct stream, number)->wide;
	return number == 0 ? NULL : ITEM(m->wide, struct wide, number);
}

static inline struct carry *
carry_of(const struct meter *m, const struct hot *hot)
{
	struct wide *wide = wide_of(m, hot);

	return wide == NULL ? NULL : &wide->carry;
}

/* NULL before the first cut. */
static inline struct exchange *
exchange_of(const struct meter *m, const struct stream *s)
{
	return s == NULL || s->exchange == 0 ? NULL
	    : ITEM(m->exchange, struct exchange, s->exchange);
}

enum { USUAL_IP_MAX = 1500 }; /* octets of a packet on Ethernet */

/* A segment that no sender put on the wire (GRO, TSO): above the negotiated MSS or, where
 * no SYN told it (0), above what Ethernet takes. */
static inline bool
is_coalesced(uint32_t mss, const struct packet *p)
{
	return mss != 0 ? p->payload_bytes > mss : p->ip_bytes > USUAL_IP_MAX;
}

enum { LOOKUP_HELD = 2 }; /* as side: the packet is held back */

/* A packet's key, before it is looked up. */
struct lookup {
	struct key key;
	union {
		struct pair6 pair;
		struct pair_more more;
	};
	uint32_t hash;
	unsigned side; /* that sent */
	uint32_t hint; /* a flow that it may be; 0: none is known */
	int64_t now_us; /* the packet's time */
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
/* Counts what the flow's record has of it as written, or as deleted. */
void sampled_written(struct meter *m, uint32_t flow);
void sampled_forgotten(struct meter *m, uint32_t flow);

/* usual.c: the same as packet_add for most packets under the default key without
 * sampling; false, nothing changed, for all others. */
bool packet_usual(struct meter *m, const struct packet *p, const struct lookup *l);
/* meter.c: puts a packet into its flow; the clock stays as it is. */
void packet_add(struct meter *m, const struct packet *p, const struct lookup *l);
/* The configured timeouts in microseconds; -1 if one is too long. */
int limits_set(struct meter *m, struct err *err);

/* meter.c: writes the flow (METER_EXPIRES: does not) and frees all it has but its place
 * in the index; flow_end that, too. */
void flow_free(struct meter *m, uint32_t flow, enum meter_expire why);
void flow_end(struct meter *m, uint32_t flow, enum meter_expire why);
/* The flow has nothing that is not written. */
bool record_is_empty(const struct meter *m, uint32_t flow, const struct hot *hot);

/* memory.c: no flow is there any more; nothing is written. */
void flows_clear(struct meter *m);

/* initiator.c */
void initiator_init(struct meter *m);
uint8_t initiator_guess(const struct meter *m, const struct lookup *l);

/* expire.c: lets the clock run to a packet's time; flows end that are over. */
void clock_set(struct meter *m, int64_t now_us);
static inline void
clock_run(struct meter *m, int64_t now_us)
{
	if (m->clock_us >= 0 && now_us >= m->clock_us && now_us < m->turn_us) {
		m->since_reset++;
		m->behind = 0;
		m->clock_us = now_us;
	} else {
		clock_set(m, now_us);
	}
}

/* Makes room for a flow by ending one. */
void expire_oldest(struct meter *m);

/* wheel.c: when flows are due; expire.c turns it. */
void wheel_init(struct meter *m);
/* Where a flow's timeout has to be looked at: when it is due, and at the latest when the
 * wheel has gone round. */
uint32_t wheel_slot(const struct meter *m, const struct hot *hot);
void wheel_put(struct meter *m, uint32_t flow, struct hot *hot);
/* The first flow that the wheel would come to; 0 if there is none. */
uint32_t wheel_first(struct meter *m);

/* Live flows end sooner than within a second of their time. */
enum { TICK_US = 1000000, TICK_LIVE_US = 250000 };

static inline int64_t
tick_of(const struct meter *m, int64_t us)
{
	return m->config.is_live ? us / TICK_LIVE_US : us / TICK_US;
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

/* stream.c: what a TCP packet of side d means before it is counted; may cut the
 * record. */
void stream_packet(struct meter *m, uint32_t flow, const struct packet *p, int64_t now_us,
    unsigned d);
/* True if the packet begins a new connection on this flow's addresses and ports. */
bool stream_is_new(const struct meter *m, const struct hot *hot, const struct packet *p,
    unsigned d);

/* exchange.c: the server answered in the record so far. */
bool stream_has_answer(const struct meter *m, const struct hot *hot);
/* Everything that either side sent was acknowledged, and there was an answer. */
bool stream_is_answered(const struct meter *m, const struct hot *hot);

/* more.c: gives all that is behind the flow's `more` back. */
void more_free(struct meter *m, struct hot *hot);
/* The flow's struct wide, which may be new. */
struct wide *wide_take(struct meter *m, struct hot *hot);
/* The stream's struct exchange, which may be new. */
struct exchange *exchange_take(struct meter *m, uint32_t flow, struct stream *s);
bool small_has_payload(const struct small *small);

/* request.c: whether n new octets of the client's are a request and no frames of flow
 * control; is_whole: they acknowledge all of an answer, of which more octets become known
 * with them. */
enum burst { BURST_SMALL, BURST_REQUEST, BURST_PERHAPS /* the answer will tell */ };
enum burst burst_of(const struct meter *m, struct stream *s, unsigned client, uint64_t n,
    bool is_whole, uint32_t more);
/* Whether the exchange that n octets of the client's begin, after so many in the record
 * before, ends a handshake of TLS, so that several bursts before its answer are not
 * pipelined. */
bool burst_opens(const struct exchange *x, uint64_t before, uint64_t n);
/* Whether n octets of the server's answer a request that BURST_PERHAPS was; else they may
 * be what answers a frame of flow control. */
bool burst_is_answered(const struct exchange *x, uint64_t n);
/* Whether a burst that begins an exchange, before octets long after the client's stream
 * so far, holds several requests. */
bool burst_is_several_requests(const struct meter *m, const struct stream *s,
    uint64_t fresh, uint64_t before);

/* record.c: ends the record so far (writes or folds it) and begins the next. */
void record_cut(struct meter *m, uint32_t flow, enum meter_expire why,
    enum end_reason reason);
/* Before a burst that is perhaps a request: holds the record so far. If it was one,
 * released, what is held ended with it; joined, it goes on. False if it cannot be
 * held. */
bool record_hold(struct meter *m, uint32_t flow);
void record_release(struct meter *m, uint32_t flow);
void record_join(struct meter *m, uint32_t flow);
/* Writes all that is left of a flow. */
void record_finish(struct meter *m, uint32_t flow, enum meter_expire why);
/* The row that the flow would become now; its text and lists are borrowed until the next
 * call. Nothing of the flow is changed. */
void record_peek(const struct meter *m, uint32_t flow, struct flow *row);
/* Another exchange begins on the connection. */
void exchange_count(struct meter *m, struct exchange *x);
/* Counts all that is left of a flow, and was not written, as deleted. */
void record_forget(struct meter *m, uint32_t flow);
/* Whether the record has packets of side d, in the sample or outside. */
bool side_is_seen(const struct meter *m, uint32_t flow, const struct part *part,
    unsigned d);
/* Counts a fragment of the record. */
void record_fragment(struct meter *m, uint32_t flow);
uint64_t connection_id(const struct meter *m, uint32_t flow);

/* writer.c and write.c: a part as a row of the batch. */
struct writer *writer_new(size_t rows); /* NULL without memory */
void writer_free(struct writer *w); /* may be NULL */
void part_write(struct meter *m, uint32_t flow, const struct part *part,
    enum meter_expire why, enum end_reason reason);
/* Pushes the rows so far to the sink. */
void writer_push(struct meter *m);
/* A part as a row to look at, by m->peek. */
void part_peek(const struct meter *m, uint32_t flow, const struct part *part,
    struct flow *row);

/* mac.c: pairs of MAC addresses by number from 1; 0 is none. */
struct mac_pairs *mac_pairs_new(uint64_t seed); /* NULL without memory */
void mac_pairs_free(struct mac_pairs *pairs);   /* may be NULL */
/* Of the addresses of side 0 and 1, or 0 where there are too many. */
uint16_t mac_pair_of(struct mac_pairs *pairs, const uint8_t side0[6],
    const uint8_t side1[6]);
uint64_t mac_pair_get(const struct mac_pairs *pairs, uint16_t number, unsigned side);

#endif
