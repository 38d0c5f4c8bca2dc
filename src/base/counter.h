/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_COUNTER_H
#define BASE_COUNTER_H

#include <stddef.h>
#include <stdint.h>

struct text;

/*
 * Named counters. A module lists its events in counter.def as COUNTER(id, "help") rows
 * and makes an enum, an array of uint64_t and this describing table from the same rows,
 * so the statistics text, metrics and manual cannot forget one:
 *
 * 	enum packet_counter {
 * 	#define COUNTER(id, help) PACKET_##id,
 * 	#include "packet/counter.def"
 * 	#undef COUNTER
 * 		PACKET_COUNTERS
 * 	};
 * 	extern const struct counter_row packet_counter_rows[PACKET_COUNTERS];
 */
struct counter_row {
	const char *id;
	const char *help;
};

/* Aligned "  id  value  help" lines for people; zero counters are left out. */
void counters_print(struct text *out, const struct counter_row *rows,
    const uint64_t *values, size_t n);

#endif
