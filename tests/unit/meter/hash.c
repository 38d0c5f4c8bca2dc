/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hash of keys under attack. Keys that a stranger would choose (counting addresses
 * and ports, few bits that change, keys that fall into one place under a seed he guessed)
 * must spread like random ones under every other seed: what falls into the fullest of
 * many places is held against the Poisson distribution.
 */
#include "rig.h"

#include "meter/state.h"

enum { KEYS = 1 << 16, PLACES = 1 << 12 }; /* 16 in each, on average */
/* P(Poisson(16) >= 50) is 3e-11, times places, sets and seeds: 1e-5 */
enum { FULLEST = 50 };

typedef void fill_fn(uint32_t i, struct packet *p);

static void
fill_ports(uint32_t i, struct packet *p)
{
	p->src_port = (uint16_t)i;
}

static void
fill_addresses(uint32_t i, struct packet *p)
{
	p->src.v4 = 0x0a000000 + i;
}

static void
fill_networks(uint32_t i, struct packet *p)
{
	p->src.v4 = i << 16;
}

static void
fill_both(uint32_t i, struct packet *p)
{
	p->src.v4 = 0x0a000000 + i % 256;
	p->dst_port = (uint16_t)(i / 256 << 8);
}

/* The port and the address change together, so that sums and differences stay the
 * same. */
static void
fill_diagonal(uint32_t i, struct packet *p)
{
	p->src.v4 = i;
	p->src_port = (uint16_t)~i;
}

static void
fill_vlans(uint32_t i, struct packet *p)
{
	p->vlan = i & 0xfff;
	p->inner_vlan = (uint16_t)(i >> 12);
}

static void
fill_v6_low(uint32_t i, struct packet *p)
{
	uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, [14] = (uint8_t)(i >> 8),
	    [15] = (uint8_t)i};

	p->src = p->dst = addr_v6(v6);
}

static void
fill_v6_high(uint32_t i, struct packet *p)
{
	uint8_t v6[16] = {(uint8_t)(i >> 8), (uint8_t)i, [15] = 1}, to[16] = {[15] = 2};

	p->src = addr_v6(v6);
	p->dst = addr_v6(to);
}

static uint32_t
hash_of(struct meter *m, const struct packet *p)
{
	struct lookup l;

	key_make(m, p, &l);
	return l.hash;
}

static struct packet
packet_from(struct rig *r, fill_fn *fill, uint32_t i)
{
	struct packet p = rig_udp(r, 0x0a000001, 1000, 0x0a000002, 53, 10);

	fill(i, &p);
	return p;
}

/* By low bits, which choose the bucket, and by high ones, which a slot remembers. */
static uint32_t
fullest(struct meter *m, const struct packet *packets, uint32_t n, unsigned shift)
{
	static uint32_t load[PLACES];
	uint32_t most = 0;

	memset(load, 0, sizeof load);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t *place = &load[hash_of(m, &packets[i]) >> shift & (PLACES - 1)];

		if (++*place > most)
			most = *place;
	}
	return most;
}

static void
test_patterns(void **state)
{
	static fill_fn *const fills[] = {fill_ports, fill_addresses, fill_networks,
	    fill_both,
		fill_diagonal, fill_vlans, fill_v6_low, fill_v6_high};
	static struct packet packets[KEYS];

	for (size_t f = 0; f < sizeof fills / sizeof *fills; f++)
		for (uint64_t seed = 0; seed < 6; seed++) {
			struct meter_config config = rig_config();
			struct rig *r;

			config.seed = seed * 0x9e3779b97f4a7c15u; /* 0 is one, too */
			r = rig_with(&config);
			for (uint32_t i = 0; i < KEYS; i++)
				packets[i] = packet_from(r, fills[f], i);
			for (unsigned shift = 0; shift <= 20; shift += 10)
				assert_in_range(fullest(r->meter, packets, KEYS, shift),
				    17, FULLEST);
			rig_free(r);
		}
}

/* Whoever guesses a seed can fill one place; under the meter's own seed he fills none. */
static void
test_guessed(void **state)
{
	static struct packet chosen[KEYS];
	struct meter_config config = rig_config();
	struct rig *guess, *real;
	uint32_t n = 0;

	config.seed = 1;
	guess = rig_with(&config);
	for (uint32_t i = 0; n < KEYS / 16; i++) {
		struct packet p = packet_from(guess, fill_ports, i);

		p.src.v4 = i * 2654435761u;
		if ((hash_of(guess->meter, &p) & (PLACES - 1)) == 7)
			chosen[n++] = p;
	}
	assert_int_equal(fullest(guess->meter, chosen, n, 0), n); /* the attack is one */
	for (uint64_t seed = 2; seed < 10; seed++) {
		config.seed = seed << (seed * 6 % 60);
		real = rig_with(&config);
		/* Poisson(1) */
		assert_in_range(fullest(real->meter, chosen, n, 0), 2, 12);
		rig_free(real);
	}
	rig_free(guess);
}

/* The default seed is a secret of its own each time. */
static void
test_seed(void **state)
{
	struct meter_config a, b;

	meter_config_default(&a);
	meter_config_default(&b);
	assert_true(a.seed != b.seed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_guessed),
		cmocka_unit_test(test_seed),
	};

	return cmocka_run_group_tests_name("meter/hash", tests, NULL, NULL);
}
