/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_ANNOUNCE_H
#define WIRE_ANNOUNCE_H

#include "wire/encode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an exporter tells of itself in options data: announce.c has the table. */
enum { ANNOUNCEMENTS = 20, ANNOUNCE_KEYS = ANNOUNCEMENTS - 1, ANNOUNCE_OCTETS = 512 };

struct layouts;

/* What the values come from. */
struct announce_source {
	const struct wire_encode_config *config;
	uint64_t counters[SENT_COUNTERS];
	struct wire_statistics statistics;
	int64_t boot_us;
	const struct layouts *layouts; /* templates so far */
	uint64_t observed, selected; /* packets, of reports */
};

/* Records of announcement i; 0: it has nothing to say in this version. */
unsigned announce_records(unsigned i, const struct announce_source *source);
/* Writes a set with its options template; at most ANNOUNCE_OCTETS. */
size_t announce_template(unsigned i, bool is_ipfix, uint8_t *to);
uint16_t announce_id(unsigned i);
/* Writes one record of its data; at most ANNOUNCE_OCTETS. */
size_t announce_record(unsigned i, unsigned record, const struct announce_source *source,
    uint8_t *to);

#endif
