/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_MARK_H
#define MODEL_MARK_H

#include <stdint.h>

/*
 * Marks of a pipelined connection, one uint64_t each: kind << 62 | value << 40 | offset.
 * offset is absolute in the server's payload stream of the connection, 0 being its first
 * payload octet.
 *
 * request: the client sent a segment with new data; value is its new octets, offset the
 * highest server offset seen by then. end: a server segment with new data and the push
 * flag ended at offset, value octets long, neither a multiple of the MSS nor of 4096;
 * lengths that had come four times on the connection are left out. lost: the bound on
 * marks was reached; value marks were dropped.
 */
enum mark_kind { MARK_REQUEST = 0, MARK_END = 1, MARK_LOST = 3 };

static const uint64_t MARK_OFFSET_MAX = ((uint64_t)1 << 40) - 1;
static const uint64_t MARK_VALUE_MAX = ((uint64_t)1 << 22) - 1;

static inline uint64_t
mark_pack(enum mark_kind kind, uint64_t value, uint64_t offset)
{
	if (value > MARK_VALUE_MAX)
		value = MARK_VALUE_MAX;
	if (offset > MARK_OFFSET_MAX)
		offset = MARK_OFFSET_MAX;
	return (uint64_t)kind << 62 | value << 40 | offset;
}

static inline enum mark_kind
mark_kind(uint64_t mark)
{
	return (enum mark_kind)(mark >> 62);
}

static inline uint64_t
mark_value(uint64_t mark)
{
	return mark >> 40 & MARK_VALUE_MAX;
}

static inline uint64_t
mark_offset(uint64_t mark)
{
	return mark & MARK_OFFSET_MAX;
}

#endif
