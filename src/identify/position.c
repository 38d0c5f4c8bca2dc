/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a meter is, by name and by the TTLs that it saw. */
#include "identify/position.h"

#include <stddef.h>
#include <string.h>

const struct position_row position_rows[POSITIONS] = {
#define POSITION(id, lam, tail, help) {#id, lam, tail, help},
#include "identify/position.def"
#undef POSITION
};

enum position
position_of_name(const char *name)
{
	int i;

	for (i = 0; i < POSITIONS && strcmp(position_rows[i].name, name) != 0; i++)
		;
	return (enum position)i;
}

uint32_t
position_hops(uint8_t ttl)
{
	static const uint8_t first[] = {32, 64, 128, 255};
	size_t i;

	if (ttl == 0)
		return HOPS_UNKNOWN;
	for (i = 0; ttl > first[i]; i++)
		;
	return (uint32_t)first[i] - ttl;
}

enum position
position_of_hops(uint32_t to_client, uint32_t to_server)
{
	uint32_t all = to_client + to_server;

	if (to_client == HOPS_UNKNOWN || to_server == HOPS_UNKNOWN || all == 0)
		return POSITION_any;
	/* A quarter of the way to either end still counts as that end. */
	return 4 * to_client <= all   ? POSITION_client
	       : 4 * to_server <= all ? POSITION_server
				      : POSITION_middle;
}
