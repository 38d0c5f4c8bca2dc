/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The index of flows and the table of MAC addresses, each beside a list that is searched
 * from end to end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/hash.h"
#include "meter/state.h"

enum { FLOWS = 40000 };

struct twin {
	uint32_t hash[FLOWS + 1];
	uint8_t is_there[FLOWS + 1];
};

static bool
finds(const struct flow_index *index, uint32_t hash, uint32_t flow)
{
	struct index_search search = {0};
	uint32_t found;

	while ((found = flow_index_next(index, hash, &search)) != 0)
		if (found == flow)
			return true;
	return false;
}

static void
put(struct flow_index *index, struct twin *t, uint32_t flow, uint32_t hash)
{
	struct err err = {0};

	if (flow_index_is_full(index)) {
		assert_int_equal(flow_index_grow(index, &err), 0);
		for (uint32_t i = 1; i <= FLOWS; i++)
			if (t->is_there[i])
				flow_index_put(index, t->hash[i], i);
	}
	flow_index_put(index, hash, flow);
	t->hash[flow] = hash;
	t->is_there[flow] = 1;
}

/* Flows come and go; many share few hashes, so that buckets overflow and wrap round. */
static void
comes_and_goes(void **state)
{
	static const uint32_t masks[] = {UINT32_MAX, 0xff0000ff, 0x3f, 0};
	static struct twin t;
	struct flow_index index;
	struct err err = {0};

	for (size_t k = 0; k < sizeof masks / sizeof *masks; k++) {
		uint64_t seed = 99 + k;
		uint32_t flows = masks[k] == UINT32_MAX ? FLOWS : masks[k] == 0 ? 300
		    : 3000;
		uint64_t live = 0;

		memset(&t, 0, sizeof t);
		assert_int_equal(flow_index_init(&index, FLOWS, &err), 0);
		for (int step = 0; step < 200000; step++) {
			uint32_t flow, hash;

			seed = mix64(seed, (uint64_t)step);
			flow = 1 + (uint32_t)(seed % flows);
			hash = (uint32_t)(seed >> 32) & masks[k];
			if (t.is_there[flow]) {
				assert_true(finds(&index, t.hash[flow], flow));
				flow_index_remove(&index, t.hash[flow], flow);
				t.is_there[flow] = 0;
				assert_false(finds(&index, t.hash[flow], flow));
				live--;
			} else {
				put(&index, &t, flow, hash);
				live++;
			}
			assert_int_equal(index.live, live);
		}
		for (uint32_t i = 1; i <= FLOWS; i++)
			assert_int_equal(t.is_there[i] ? finds(&index, t.hash[i], i) : 0,
			    t.is_there[i]);
		for (uint32_t i = 1; i <= FLOWS; i++)
			if (t.is_there[i])
				flow_index_remove(&index, t.hash[i], i);
		/* Nothing is left, and no bucket believes that something went past it. */
		for (uint32_t i = 0; i <= index.mask; i++) {
			assert_int_equal(index.buckets[i].passed, 0);
			for (int j = 0; j < INDEX_SLOTS; j++)
				assert_int_equal(index.buckets[i].slots[j], 0);
		}
		flow_index_done(&index);
	}
}

/* The hint is of the flow's own bucket or none; a flow there is the one. */
static void
hints(void **state)
{
	struct flow_index index;
	struct err err = {0};

	assert_int_equal(flow_index_init(&index, FLOWS, &err), 0);
	assert_int_equal(flow_index_first(&index, 77), 0);
	flow_index_put(&index, 77, 5);
	assert_int_equal(flow_index_first(&index, 77), 5);
	assert_int_equal(flow_index_first(&index, 78), 0);
	flow_index_remove(&index, 77, 5);
	assert_int_equal(flow_index_first(&index, 77), 0);
	flow_index_done(&index);
}

static void
mac_of(uint32_t i, uint8_t out[6])
{
	for (int k = 0; k < 6; k++)
		out[k] = k < 2 ? 2 : (uint8_t)(i >> 8 * (k - 2));
}

/* Every pair has a number of its own until all numbers are taken. */
static void
mac_pairs(void **state)
{
	struct mac_pairs *pairs = mac_pairs_new(7);
	uint8_t a[6], b[6];
	uint16_t number;

	assert_non_null(pairs);
	for (uint32_t i = 0; i < UINT16_MAX; i++) {
		mac_of(i, a);
		mac_of(i / 3, b);
		number = mac_pair_of(pairs, a, b);
		assert_int_equal(number, i + 1);
		assert_int_equal(mac_pair_of(pairs, a, b), number);
		assert_int_equal(mac_pair_get(pairs, number, 0) & 0xff, i >> 24);
		assert_int_equal(mac_pair_get(pairs, number, 0) >> 24 & 0xff, i & 0xff);
		assert_int_equal(mac_pair_get(pairs, number, 1) >> 24 & 0xff,
		    i / 3 & 0xff);
	}
	mac_of(1 << 20, a);
	assert_int_equal(mac_pair_of(pairs, a, b), 0);
	mac_of(17, a);
	mac_of(5, b);
	assert_int_equal(mac_pair_of(pairs, a, b), 18);
	mac_pairs_free(pairs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(comes_and_goes),
	    cmocka_unit_test(hints),
	    cmocka_unit_test(mac_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
