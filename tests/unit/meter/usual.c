/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The meter's short way against its long one: the same random sessions through two
 * meters, of which one is kept from the short way, give the same records, field for
 * field, and the same counters. WEIR_SEED repeats a run. And each reason for which the
 * short way leaves a packet to the long one, alone: a packet that is usual but for this
 * is refused, and nothing changed.
 */
#include "rig.h"

#include "base/hash.h"
#include "meter/state.h"

enum { CONNECTIONS = 7, STEPS = 6000, ROUNDS = 24 };

/* What a meter wrote: a hash per row and field, 0 for null. */
struct record {
	uint64_t fields[FLOW_FIELDS];
};

struct taker {
	struct sink sink; /* first */
	struct meter *meter;
	struct record *records;
	size_t n, cap;
};

static uint64_t
value_hash(const struct column *c, size_t row)
{
	struct addr addr;
	struct str text;
	struct list list;

	if (column_is_null(c, row))
		return 0;
	switch (types[c->type].storage) {
	case STORAGE_TEXT:
		text = column_text(c, row);
		return hash64(text.data, text.len, 1) | 1;
	case STORAGE_LIST:
		list = column_list(c, row);
		return hash64(list.items, list.count * sizeof *list.items, 2) | 1;
	case STORAGE_ADDR:
		addr = column_addr(c, row);
		return hash64(&addr, sizeof addr, 3) | 1;
	default:
		return column_u64(c, row) + 1;
	}
}

static int
taker_push(struct sink *sink, struct batch *batch, struct err *err)
{
	struct taker *t = (struct taker *)sink;

	for (size_t i = 0; i < batch->rows; i++) {
		if (t->n == t->cap) {
			t->cap = t->cap ? 2 * t->cap : 64;
			t->records = realloc(t->records, t->cap * sizeof *t->records);
			assert_non_null(t->records);
		}
		for (unsigned f = 0; f < flow_schema.stored; f++)
			t->records[t->n].fields[f] = value_hash(&batch->columns[f], i);
		t->n++;
	}
	return 0;
}

static int
taker_ignore(struct sink *sink, struct err *err)
{
	return 0;
}

static void
taker_init(struct taker *t, const struct meter_config *config, bool is_short)
{
	struct err err = {0};

	*t = (struct taker){.sink = {taker_push, taker_ignore, taker_ignore}};
	t->meter = meter_new(config, &t->sink, &err);
	assert_non_null(t->meter);
	assert_true(t->meter->is_plain);
	t->meter->is_plain = is_short;
}

static unsigned seed;

static uint32_t
dice(uint32_t sides)
{
	return (uint32_t)rand_r(&seed) % sides;
}

struct connection {
	uint32_t seq[2];   /* next of each side */
	uint32_t lost[2];  /* octets before it that were not sent yet */
	uint16_t port, mss;
	bool is_udp, is_v6, is_deaf; /* deaf: the client's packets are not seen */
};

static struct packet
bare(const struct connection *c, unsigned side, int64_t now_ns)
{
	struct packet p = {.time_ns = now_ns, .proto = c->is_udp ? 17 : 6, .ttl = 60,
		.flags = PACKET_HAS_PORTS, .vlan = VLAN_NONE, .inner_vlan = VLAN_NONE};
	uint8_t v6[2][16] = {{0x20, 1, 1}, {0x20, 1, 2}};
	struct addr ends[2] = {addr_v4(0x0a000001), addr_v4(0xc0000201)};

	if (c->is_v6)
		for (int i = 0; i < 2; i++)
			ends[i] = addr_v6(v6[i]);
	p.src = ends[side];
	p.dst = ends[side ^ 1];
	p.src_port = side == 0 ? c->port : 80;
	p.dst_port = side == 0 ? 80 : c->port;
	p.ttl = (uint8_t)(60 + dice(40) / 39);
	p.tos = (uint8_t)(dice(3) * 4);
	return p;
}

/* A segment of n octets, sent from where the side is, or from before that. */
static struct packet
segment(struct connection *c, unsigned side, uint32_t n, uint32_t before, int64_t now_ns)
{
	struct packet p = bare(c, side, now_ns);

	p.ip_bytes = 52 + n;
	p.payload_bytes = n;
	if (c->is_udp)
		return p;
	p.flags |= PACKET_HAS_TCP;
	p.tcp_seq = c->seq[side] - before;
	p.tcp_ack = c->seq[side ^ 1] - (dice(4) == 0 ? c->lost[side ^ 1] : 0);
	p.tcp_flags = ACK | (dice(3) == 0 ? PSH : 0) | (dice(50) == 0 ? 0x140 : 0);
	if (before < n)
		c->seq[side] += n - before;
	return p;
}

static void
connection_begin(struct connection *c, unsigned number)
{
	*c = (struct connection){.seq = {dice(UINT32_MAX),
	    dice(3) == 0 ? -dice(5000) : dice(1 << 30)},
		.port = (uint16_t)(40000 + number), .mss = (uint16_t)(1000 + dice(461)),
		.is_udp = dice(5) == 0, .is_v6 = dice(5) == 0, .is_deaf = dice(6) == 0};
}

static const uint8_t syn_options[] = {2, 4, 5, 0xb4, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0};

static struct packet
syn(struct connection *c, unsigned side, int64_t now_ns)
{
	struct packet p = segment(c, side, 0, 0, now_ns);

	p.tcp_seq = c->seq[side] - 1;
	p.tcp_flags = side == 0 ? SYN : SYN | ACK;
	p.tcp_options = syn_options;
	p.tcp_options_bytes = dice(2) ? sizeof syn_options : 4;
	return p;
}

/* What may happen next on a connection. */
static struct packet
step(struct connection *c, unsigned number, int64_t now_ns)
{
	/* acknowledged settings, PING, a short request, one and two window updates, a
	 * Finished */
	static const uint32_t http2[] = {31, 39, 42, 35, 48, 80};
	unsigned side = dice(3) != 0;
	struct packet p;

	switch (dice(40)) {
	/* a request, or several */
	case 0: return segment(c, 0, 1 + dice(3000), 0, now_ns);
	case 1: return segment(c, 0, 100, 0, now_ns);
	case 2: return segment(c, 0, dice(2) ? 20 + dice(60) : http2[dice(6)], 0, now_ns);
	/* sent again */
	case 3: return segment(c, side, 1 + dice(c->mss), dice(6000), now_ns);
	case 4: /* one is missing */
		c->lost[side] = 1 + dice(c->mss);
		c->seq[side] += c->lost[side];
		return segment(c, side, c->mss, 0, now_ns);
	case 5: /* and comes late */
		p = segment(c, side, c->lost[side], c->lost[side] + c->mss, now_ns);
		c->lost[side] = 0;
		return p;
	case 6: return segment(c, side, 1, 1, now_ns); /* keep-alive */
	case 7: return segment(c, 1, 1 + dice(c->mss), 0, now_ns);
	case 8: return segment(c, 1, c->mss * (1 + dice(40)), 0, now_ns); /* merged */
	case 9:
		if (c->is_udp || dice(8) != 0)
			return segment(c, 0, 0, 0, now_ns);
		p = segment(c, side, 0, 0, now_ns);
		p.tcp_flags |= dice(2) ? FIN : RST;
		return p;
	case 10:
		if (dice(4) == 0 && !c->is_udp)
			return syn(c, side, now_ns);
		if (dice(8) == 0)
			connection_begin(c, number);
		return c->is_udp ? segment(c, 0, 30, 0, now_ns) : syn(c, 0, now_ns);
	case 11: /* a counter goes round */
		p = segment(c, side, 0, 0, now_ns);
		p.ip_bytes = dice(2) ? UINT32_MAX - dice(100000) : 1u << 31;
		return p;
	case 12: /* any acknowledgement */
		p = segment(c, side, dice(2) * c->mss, 0, now_ns);
		p.tcp_ack += dice(5) == 0 ? dice(UINT32_MAX) : dice(100);
		return p;
	case 13:
		p = segment(c, side, 500, 0, now_ns);
		p.flags |= dice(2) ? PACKET_FRAGMENT : 0;
		p.fragment_id = number;
		return p;
	case 14: case 15: case 16: case 17: case 18: case 19: case 20: case 21:
		return segment(c, 0, 0, 0, now_ns);
	default: return segment(c, 1, c->mss, 0, now_ns);
	}
}

static int64_t
pause_of(void)
{
	switch (dice(600)) {
	case 0: return 6000ll * MS;
	case 1: return 70000ll * MS;
	case 2: return 4000000ll * MS;
	case 3: return -(int64_t)dice(3000) * MS;
	default: return (int64_t)dice(5) * MS + dice(1000);
	}
}

static void
compare(const struct taker *a, const struct taker *b, unsigned round)
{
	struct meter_stats x, y;

	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		for (unsigned f = 0; f < flow_schema.stored; f++)
			if (a->records[i].fields[f] != b->records[i].fields[f])
				fail_msg("round %u, row %zu: %s differs (%lu and %lu)",
				    round, i, flow_schema.fields[f].id,
				    a->records[i].fields[f] - 1,
				    b->records[i].fields[f] - 1);
	meter_stats(a->meter, &x);
	meter_stats(b->meter, &y);
	assert_memory_equal(x.counters, y.counters, sizeof x.counters);
	assert_memory_equal(x.expired, y.expired, sizeof x.expired);
	assert_int_equal(x.peak_flows, y.peak_flows);
	assert_memory_equal(meter_statistics(a->meter), meter_statistics(b->meter),
	    sizeof(struct meter_statistics));
}

static void
feed(struct taker *a, struct taker *b, const struct packet *burst, size_t n)
{
	struct err err = {0};

	assert_int_equal(meter_packets(a->meter, burst, n, &err), 0);
	assert_int_equal(meter_packets(b->meter, burst, n, &err), 0);
}

static void
round_of(unsigned round)
{
	struct connection connections[CONNECTIONS];
	struct meter_config config = rig_config();
	struct taker taker[2];
	struct packet burst[32];
	struct err err = {0};
	size_t n = 0;
	int64_t now_ns = 1700000000ll * 1000 * MS;

	config.max_flows = round % 5 == 4 ? 3 : 1000;
	config.write_quiet = config.is_live = round % 2;
	config.cut_exchanges = round % 3 != 2;
	config.directional = round % 8 == 7;
	config.timeout_s[METER_EXPIRE_active] = round % 4 == 2 ? 5 : 0;
	config.timeout_s[METER_EXPIRE_exchange_quiet] = 1 + dice(5);
	taker_init(&taker[0], &config, true);
	taker_init(&taker[1], &config, false);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		connection_begin(&connections[i], i);
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned number = dice(CONNECTIONS);
		struct connection *c = &connections[number];
		struct packet p = step(c, number, now_ns);

		now_ns += pause_of();
		if (c->is_deaf && p.dst_port == 80)
			continue;
		burst[n++] = p;
		if (n == 32 || dice(20) == 0) {
			feed(&taker[0], &taker[1], burst, n);
			n = 0;
		}
	}
	feed(&taker[0], &taker[1], burst, n);
	for (int i = 0; i < 2; i++)
		assert_int_equal(meter_flush(taker[i].meter, &err), 0);
	assert_true(taker[0].n > CONNECTIONS);
	compare(&taker[0], &taker[1], round);
	for (int i = 0; i < 2; i++) {
		meter_free(taker[i].meter);
		free(taker[i].records);
	}
}

static void
test_sessions(void **state)
{
	const char *text = getenv("WEIR_SEED");

	seed = text != NULL ? (unsigned)atoi(text) : 1;
	print_message("WEIR_SEED=%u\n", seed);
	for (unsigned round = 0; round < ROUNDS; round++)
		round_of(round);
}

/* A packet about to meet the short way: by base the server's next segment, or another. */
struct scene {
	struct rig *r;
	struct meter *m;
	struct packet p;
	struct lookup l;
	struct hot *hot;
	struct stream *s; /* of TCP */
	unsigned d, o;    /* the side that sends, the other */
};

enum base { SEGMENT, ACKNOWLEDGEMENT, DATAGRAM, LIVE_SEGMENT, LIVE_ACKNOWLEDGEMENT };

static void
scene_look(struct scene *c)
{
	key_make(c->m, &c->p, &c->l);
	c->l.hint = flow_index_first(&c->m->index, c->l.hash);
	c->hot = hot_at(c->m, c->l.hint);
	c->d = c->l.side;
	c->o = c->d ^ 1;
}

static void
scene_begin(struct scene *c, enum base base)
{
	struct meter_config config = rig_config();
	struct rig *r;
	int side = base == ACKNOWLEDGEMENT || base == LIVE_ACKNOWLEDGEMENT ? 0 : 1;

	config.write_quiet = config.is_live = base == LIVE_SEGMENT ||
	    base == LIVE_ACKNOWLEDGEMENT;
	*c = (struct scene){.r = r = rig_with(&config)};
	c->m = r->meter;
	if (base == DATAGRAM) {
		c->p = rig_udp(r, r->server, 53, r->client, 4000, 100);
		for (int i = 0; i < 3; i++)
			rig_packet(r, &c->p);
	} else {
		tcp_open(r);
		tcp_send(r, 0, ACK | PSH, 100);
		for (int i = 0; i < 3; i++)
			tcp_send(r, 1, ACK, r->mss);
		c->p = rig_ip(r, side ? r->server : r->client,
		    side ? r->client : r->server, 6, 40 + (side ? r->mss : 0));
		c->p.src_port = side ? r->server_port : r->client_port;
		c->p.dst_port = side ? r->client_port : r->server_port;
		c->p.flags = PACKET_HAS_PORTS | PACKET_HAS_TCP | PACKET_DF;
		c->p.payload_bytes = side ? r->mss : 0;
		c->p.tcp_seq = r->seq[side];
		c->p.tcp_ack = r->seq[side ^ 1];
		c->p.tcp_flags = ACK;
	}
	rig_send(r);
	scene_look(c);
	clock_run(c->m, c->l.now_us);
	if (base != DATAGRAM) {
		assert_non_null(c->s = stream_of(c->m, c->hot));
		assert_int_equal(c->s->mss, r->mss);
	}
}

/* The short way's answer; where it is no, nothing was changed. */
static bool
scene_ask(struct scene *c)
{
	struct hot hot = *c->hot;
	struct stream s = {.mss = 0};
	struct packet p = c->p;
	uint64_t counters[METER_COUNTERS];
	bool is_usual;

	if (c->s != NULL)
		s = *c->s;
	memcpy(counters, c->m->counters, sizeof counters);
	is_usual = packet_usual(c->m, &c->p, &c->l);
	assert_memory_equal(&p, &c->p, sizeof p);
	if (is_usual) {
		assert_int_equal(c->m->counters[METER_packets],
		    counters[METER_packets] + 1);
		assert_int_equal(c->hot->packets[c->d], hot.packets[c->d] + 1);
		return true;
	}
	assert_memory_equal(&hot, c->hot, sizeof hot);
	if (c->s != NULL)
		assert_memory_equal(&s, c->s, sizeof s);
	assert_memory_equal(counters, c->m->counters, sizeof counters);
	return false;
}

static void
pipelined(struct scene *c)
{
	c->s->syn.is_pipelined = 1;
}

/* What went over from the flow's counters, if only zeros. */
static struct carry *
carry(struct scene *c)
{
	return &wide_take(c->m, c->hot)->carry;
}

/* The time since the flow's last packet. */
static void
idle(struct scene *c, int64_t us)
{
	c->l.now_us = c->m->clock_us = hot_last_us(c->m, c->hot) + us;
}

/* All that is known of the other side is what this one acknowledges. */
static void
unsee(struct scene *c)
{
	c->s->syn.bits &= ~(SYN_BASE_OWN << c->o) & 65535;
	c->s->syn.bits |= SYN_BASE_ACK << c->o;
}

/* What the packet or its flow has that is not usual (or is, still). */
#define CASES                                                                           \
	NO(SEGMENT, "no flow known", c->l.hint = 0)                                     \
	NO(DATAGRAM, "no flow known", c->l.hint = 0)                                    \
	NO(SEGMENT, "the flow ended", c->hot->next = 0)                                 \
	NO(SEGMENT, "another source", c->l.key.addr[0] ^= 1u << 31)                     \
	NO(SEGMENT, "another destination", c->l.key.addr[1] ^= 1)                       \
	NO(SEGMENT, "another source port", c->l.key.port[0] ^= 1)                       \
	NO(SEGMENT, "another destination port", c->l.key.port[1] ^= 1 << 15)            \
	NO(SEGMENT, "another VLAN", c->l.key.vlan = 5)                                  \
	NO(SEGMENT, "another inner VLAN", c->l.key.inner_vlan = 5)                      \
	NO(DATAGRAM, "another protocol", c->l.key.proto = 136)                          \
	NO(SEGMENT, "no ports", c->l.key.kind = KEY_NO_PORTS)                           \
	NO(SEGMENT, "IPv6", c->l.key.kind = c->hot->key.kind = KEY_V6)                  \
	NO(SEGMENT, "behind the clock", c->m->clock_us++)                               \
	NO(ACKNOWLEDGEMENT, "behind the clock", c->m->clock_us++)                       \
	NO(ACKNOWLEDGEMENT, "the record begins", memset(c->hot->packets, 0, 4))         \
	NO(DATAGRAM, "the record begins", memset(c->hot->packets, 0, 4))                \
	OK(SEGMENT, "the first packet of a side", c->hot->packets[c->d] = 0)            \
	OK(SEGMENT, "the first after the other side's", c->hot->packets[c->o] = 0)      \
	NO(SEGMENT, "packets full", c->hot->packets[c->d] = UINT16_MAX)                 \
	NO(DATAGRAM, "packets full", c->hot->packets[c->d] = UINT16_MAX)                \
	OK(DATAGRAM, "packets nearly full", c->hot->packets[c->d] = UINT16_MAX - 1)     \
	OK(DATAGRAM, "the other side's packets full",                                   \
	    c->hot->packets[c->o] = UINT16_MAX)                                         \
	NO(DATAGRAM, "octets go round",                                                 \
	    c->hot->bytes[c->d] = UINT32_MAX - c->p.ip_bytes + 1)                       \
	OK(DATAGRAM, "octets full", c->hot->bytes[c->d] = UINT32_MAX - c->p.ip_bytes)   \
	NO(SEGMENT, "a fragment", c->p.flags |= PACKET_FRAGMENT)                        \
	NO(DATAGRAM, "a fragment", c->p.flags |= PACKET_FRAGMENT)                       \
	NO(SEGMENT, "longest record", c->hot->start_us = c->l.now_us - c->m->limit_us)  \
	NO(DATAGRAM, "longest record", c->hot->start_us = c->l.now_us - c->m->limit_us) \
	OK(DATAGRAM, "a long record",                                                   \
	    c->hot->start_us = c->l.now_us - c->m->limit_us + 1)                        \
	NO(ACKNOWLEDGEMENT, "over", idle(c, 3600000001))                                \
	OK(ACKNOWLEDGEMENT, "long idle", idle(c, 3600000000))                           \
	NO(DATAGRAM, "over", idle(c, 300000001))                                        \
	OK(DATAGRAM, "long idle", idle(c, 300000000))                                   \
	NO(DATAGRAM, "has large counters", c->hot->state |= FLOW_WIDE)                  \
	NO(ACKNOWLEDGEMENT, "TCP in a flow without", c->hot->is_tcp = 0)                \
	NO(ACKNOWLEDGEMENT, "TCP in a small flow", c->hot->state &= 15 & ~FLOW_WIDE)    \
	NO(SEGMENT, "FIN", c->p.tcp_flags |= FIN)                                       \
	NO(ACKNOWLEDGEMENT, "FIN", c->p.tcp_flags |= FIN)                               \
	NO(ACKNOWLEDGEMENT, "SYN", c->p.tcp_flags |= SYN)                               \
	NO(ACKNOWLEDGEMENT, "RST", c->p.tcp_flags |= RST)                               \
	NO(ACKNOWLEDGEMENT, "no ACK", c->p.tcp_flags = 0)                               \
	NO(SEGMENT, "no ACK", c->p.tcp_flags = PSH)                                     \
	OK(SEGMENT, "all other flags", c->p.tcp_flags = 0xff8)                          \
	NO(SEGMENT, "the sender's base unknown",                                        \
	    c->s->syn.bits &= ~(SYN_BASE_OWN << c->d))                                  \
	NO(SEGMENT, "the other's base unknown",                                         \
	    c->s->syn.bits &= ~(SYN_BASE_OWN << c->o))                                  \
	OK(SEGMENT, "the other unseen", unsee(c))                                       \
	NO(SEGMENT, "the unseen one sent", unsee(c); c->p.tcp_ack++)                    \
	NO(SEGMENT, "an old packet, the other unseen", unsee(c); c->p.tcp_ack--)        \
	NO(ACKNOWLEDGEMENT, "handshake not measured",                                   \
	    c->s->syn.bits &= ~SYN_MEASURED & 65535)                                    \
	NO(SEGMENT, "what may be an answer", c->s->syn.bits |= SYN_PERHAPS)             \
	NO(ACKNOWLEDGEMENT, "before what may be one", c->s->syn.bits |= SYN_PERHAPS)    \
	OK(SEGMENT, "in mid-stream",                                                    \
	    c->s->syn.bits &= ~(SYN_MEASURED | SYN_SENT * 3) & 65535)                   \
	OK(SEGMENT, "one SYN seen",                                                     \
	    c->s->syn.bits &= ~(SYN_MEASURED | SYN_SENT) & 65535)                       \
	NO(SEGMENT, "the sender's span long", c->s->half[c->d].span.high = 0x80)        \
	NO(SEGMENT, "the other's span long", c->s->half[c->o].span.high = 0x80)         \
	OK(SEGMENT, "the spans large",                                                  \
	    c->s->half[0].span.high = c->s->half[1].span.high = 127)                    \
	NO(SEGMENT, "octets' carry full", carry(c)->bytes[c->d] = UINT8_MAX)            \
	NO(SEGMENT, "packets' carry full", carry(c)->packets[c->d] = UINT16_MAX)        \
	OK(SEGMENT, "carries nearly full", carry(c)->bytes[c->d] = UINT8_MAX - 1;       \
	    carry(c)->packets[c->d] = UINT16_MAX - 1)                                   \
	OK(SEGMENT, "the other's carry full", carry(c)->packets[c->o] = UINT16_MAX)     \
	NO(LIVE_SEGMENT, "its timeout changes", c->hot->list = METER_EXPIRE_tcp)        \
	NO(LIVE_ACKNOWLEDGEMENT, "its timeout changes",                                 \
	    c->hot->list = METER_EXPIRE_tcp)                                            \
	NO(LIVE_SEGMENT, "its first payload changes it",                                \
	    c->hot->list = METER_EXPIRE_tcp;                                            \
	    u40_set(&c->s->half[c->d].span, 0))                                         \
	OK(LIVE_ACKNOWLEDGEMENT, "not answered yet", c->hot->list = METER_EXPIRE_tcp;   \
	    u40_set(&c->s->half[c->o].span, 0))                                         \
	OK(SEGMENT, "of a file", c->hot->list = METER_EXPIRE_tcp)                       \
	NO(SEGMENT, "one is missing", c->p.tcp_seq++)                                   \
	NO(SEGMENT, "sent again", c->p.tcp_seq -= c->r->mss)                            \
	OK(ACKNOWLEDGEMENT, "out of order without payload", c->p.tcp_seq -= 7)          \
	NO(SEGMENT, "the first segment", c->s->half[c->d].segments = 0)                 \
	NO(SEGMENT, "after a pause", idle(c, 5000001))                                  \
	OK(SEGMENT, "before it is one", idle(c, 5000000))                               \
	NO(SEGMENT, "where a pipelined answer ends", pipelined(c);                      \
	    c->p.tcp_flags |= PSH; c->p.payload_bytes--)                                \
	NO(SEGMENT, "where it ends, without an MSS",                                    \
	    pipelined(c); c->s->mss = 0;                                                \
	    c->p.tcp_flags |= PSH; c->p.payload_bytes--)                                \
	OK(SEGMENT, "pipelined, not pushed",                                            \
	    pipelined(c); c->p.payload_bytes--)                                         \
	OK(SEGMENT, "pipelined, full", pipelined(c); c->p.tcp_flags |= PSH)             \
	OK(SEGMENT, "pipelined, several",                                               \
	    pipelined(c); c->p.tcp_flags |= PSH;                                        \
	    c->p.payload_bytes *= 3)                                                    \
	OK(SEGMENT, "pipelined, pages", pipelined(c); c->p.tcp_flags |= PSH;            \
	    c->p.payload_bytes = 8192)                                                  \
	OK(SEGMENT, "pipelined, larger than any",                                       \
	    pipelined(c); c->s->mss = 0;                                                \
	    c->p.tcp_flags |= PSH; c->p.payload_bytes += 9)                             \
	OK(SEGMENT, "not pipelined, odd", c->p.tcp_flags |= PSH; c->p.payload_bytes--)  \
	NO(ACKNOWLEDGEMENT, "the client's payload", c->p.payload_bytes = 7;             \
	    c->s->half[c->d].segments = 1)                                              \
	OK(ACKNOWLEDGEMENT, "usual", (void)c)                                           \
	OK(SEGMENT, "usual", (void)c)                                                   \
	OK(LIVE_SEGMENT, "usual", (void)c)                                              \
	OK(LIVE_ACKNOWLEDGEMENT, "usual", (void)c)                                      \
	OK(DATAGRAM, "usual", (void)c)

#define NO(base, text, change) CASE(base, text, change, false)
#define OK(base, text, change) CASE(base, text, change, true)

static void
test_refusals(void **state)
{
	struct scene scene, *c = &scene;
	bool is_usual;

#define CASE(base, text, change, is_wanted)                                             \
	scene_begin(c, base);                                                           \
	change;                                                                         \
	is_usual = scene_ask(c);                                                        \
	if (is_usual != is_wanted)                                                      \
		fail_msg("%s, %s: %s", #base, text, is_usual ? "taken" : "refused");    \
	rig_free(c->r);
	CASES
#undef CASE
}

/* The type of service is the first packet's, also where all had TTL 0, or after the
 * counter went round. */
static void
test_tos(void **state)
{
	static const struct {
		uint8_t ttl_max;
		uint16_t packets;
		uint8_t tos; /* wanted */
	} rows[] = {{0, 0, 9}, {64, 0, 5}, {0, 7, 5}, {64, 7, 5}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene c;

		scene_begin(&c, SEGMENT);
		c.hot->ttl_max[c.d] = rows[i].ttl_max;
		c.hot->packets[c.d] = rows[i].packets;
		c.hot->tos[c.d] = 5;
		c.p.tos = 9;
		assert_true(scene_ask(&c));
		assert_int_equal(c.hot->tos[c.d], rows[i].tos);
		rig_free(c.r);
	}
}

static void
test_coalesced(void **state)
{
	static const struct {
		uint32_t mss, payload, ip;
		bool is_wanted;
	} rows[] = {{1460, 1460, 1520, false}, {1460, 1461, 1501, true},
	    {1460, 1448, 9000, false},
		{0, 1448, 1500, false}, {0, 1449, 1501, true}, {0, 9000, 1500, false}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct packet p = {.payload_bytes = rows[i].payload,
		    .ip_bytes = rows[i].ip};

		assert_int_equal(is_coalesced(rows[i].mss, &p), rows[i].is_wanted);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sessions),
	    cmocka_unit_test(test_refusals), cmocka_unit_test(test_tos),
	    cmocka_unit_test(test_coalesced)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
