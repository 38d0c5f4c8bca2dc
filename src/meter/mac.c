/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pairs of MAC addresses. A network has few of them and a meter millions of flows, so a
 * flow keeps the number of its pair. Open addressing over numbers; strangers choose the
 * keys, so the hash has the meter's seed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "meter/state.h"

enum { PAIRS = UINT16_MAX, SLOTS = 1 << 17 };

struct mac_pairs {
	uint64_t seed;
	uint32_t count;
	/* The last pair that was found, as it came: most flows have the one router's. */
	uint8_t last[2][6];
	uint16_t last_number;
	uint16_t slots[SLOTS];          /* number; 0 is free */
	uint64_t macs[PAIRS + 1][2];    /* of side 0 and 1 */
};

struct mac_pairs *
mac_pairs_new(uint64_t seed)
{
	struct mac_pairs *pairs = calloc(1, sizeof *pairs);

	if (pairs != NULL)
		pairs->seed = seed;
	return pairs;
}

void
mac_pairs_free(struct mac_pairs *pairs)
{
	free(pairs);
}

static uint64_t
mac_number(const uint8_t mac[6])
{
	uint64_t v = 0;

	for (int i = 0; i < 6; i++)
		v = v << 8 | mac[i];
	return v;
}

static uint16_t
mac_pair_find(struct mac_pairs *pairs, const uint8_t side0[6], const uint8_t side1[6])
{
	uint64_t a = mac_number(side0), b = mac_number(side1);
	uint32_t at = (uint32_t)mix64(mix64(a, pairs->seed), b) % SLOTS;
	uint16_t number;

	for (; (number = pairs->slots[at]) != 0; at = (at + 1) % SLOTS)
		if (pairs->macs[number][0] == a && pairs->macs[number][1] == b)
			return number;
	if (pairs->count == PAIRS)
		return 0;
	number = (uint16_t)++pairs->count;
	pairs->macs[number][0] = a;
	pairs->macs[number][1] = b;
	return pairs->slots[at] = number;
}

static inline bool
mac_equals(const uint8_t a[6], const uint8_t b[6])
{
	uint32_t a4, b4;
	uint16_t a2, b2;

	memcpy(&a4, a, 4);
	memcpy(&b4, b, 4);
	memcpy(&a2, a + 4, 2);
	memcpy(&b2, b + 4, 2);
	return ((a4 ^ b4) | (uint32_t)(a2 ^ b2)) == 0;
}

uint16_t
mac_pair_of(struct mac_pairs *pairs, const uint8_t side0[6], const uint8_t side1[6])
{
	if (pairs->last_number == 0 || !mac_equals(pairs->last[0], side0) ||
	    !mac_equals(pairs->last[1], side1)) {
		memcpy(pairs->last[0], side0, 6);
		memcpy(pairs->last[1], side1, 6);
		pairs->last_number = mac_pair_find(pairs, side0, side1);
	}
	return pairs->last_number;
}

uint64_t
mac_pair_get(const struct mac_pairs *pairs, uint16_t number, unsigned side)
{
	return pairs->macs[number][side];
}
