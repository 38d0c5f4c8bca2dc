/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_POSITION_H
#define IDENTIFY_POSITION_H

#include <stdint.h>

/*
 * Where a meter is between client and server. It decides how much of what is sent again
 * is seen, and so what is expected of a path's losses before they are learned.
 */
enum position {
#define POSITION(id, lam, tail, help) POSITION_##id,
#include "identify/position.def"
#undef POSITION
	POSITIONS
};

struct position_row {
	const char *name;
	double lam, tail; /* of struct wire_path */
	const char *help;
};
extern const struct position_row position_rows[POSITIONS];

enum { HOPS_UNKNOWN = 255 };

/* POSITIONS if there is none of that name. */
enum position position_of_name(const char *name);

/*
 * Routers that a packet has passed when it shows this TTL, from what systems begin with:
 * 32, 64, 128 or 255. HOPS_UNKNOWN for 0.
 */
uint32_t position_hops(uint8_t ttl);

/* By the routers to either side, HOPS_UNKNOWN where not known: any if one is not. */
enum position position_of_hops(uint32_t to_client, uint32_t to_server);

#endif
