/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The meter's short way against its long one: the same random sessions through two meters, of
 * which one is kept from the short way, give the same records, field for field, and the same
 * counters. WEIR_SEED repeats a run.
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
	*c = (struct connection){.seq = {dice(UINT32_MAX), dice(3) == 0 ? -dice(5000) : dice(1 << 30)},
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
	unsigned side = dice(3) != 0;
	struct packet p;

	switch (dice(40)) {
	case 0: return segment(c, 0, 1 + dice(3000), 0, now_ns); /* a request, or several */
	case 1: return segment(c, 0, 100, 0, now_ns);
	case 2: return segment(c, 0, 20 + dice(60), 0, now_ns);
	case 3: return segment(c, side, 1 + dice(c->mss), dice(6000), now_ns); /* sent again */
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
				fail_msg("round %u, row %zu: %s differs (%lu and %lu)", round, i,
				    flow_schema.fields[f].id, a->records[i].fields[f] - 1,
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

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sessions)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
