/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef METER_STATISTICS_H
#define METER_STATISTICS_H

#include <stdint.h>

/*
 * What the records written were like: how small, usual and big, and how much of each
 * protocol. Kept record by record, never packet by packet. Both directions of a biflow
 * count together; 0 records: min and max mean nothing.
 */
struct meter_spread {
	uint64_t min, max, sum;
};

struct meter_protocol {
	uint64_t records, bytes, packets;
	uint64_t duration_us, duration_max_us;
};

enum { METER_PROTOCOLS = 256 };

struct meter_statistics {
	uint64_t records;
	struct meter_spread bytes, packets, duration_us;
	struct meter_protocol protocols[METER_PROTOCOLS]; /* by their IP number */
};

void meter_statistics_count(struct meter_statistics *s, uint8_t proto, uint64_t bytes,
    uint64_t packets, int64_t duration_us);
/* Adds those of another meter to a sum. */
void meter_statistics_add(struct meter_statistics *sum,
    const struct meter_statistics *one);

/* sum / n; 0 without any. */
static inline double
meter_mean(uint64_t sum, uint64_t n)
{
	return n == 0 ? 0 : (double)sum / (double)n;
}

#endif
