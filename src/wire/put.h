/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_PUT_H
#define WIRE_PUT_H

#include "wire/alias.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct batch;
struct column;

static inline void
put_be16(uint8_t *p, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(p, &v, sizeof v);
}

static inline void
put_be32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof v);
}

static inline void
put_be64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof v);
}

/* Rows picks[0..n-1] of a batch, whose records are at to[0..n-1]. */
struct put_rows {
	const uint32_t *picks;
	uint8_t **to;
	size_t n;
	bool is_run; /* each row is the one after that before it */
};

/* Writes the rows of a column as len octets at `offset` of their records. A null is 0. */
void put_column(const struct column *c, enum conversion conversion, size_t len,
    const struct put_rows *rows, size_t offset, int64_t boot_us);
/* The same for a column that is not there. */
void put_zeros(const struct put_rows *rows, size_t offset, size_t len);

/* biflowDirection knows 0 to 3: our other ways to know the initiator become 1. */
void put_known_direction(const struct put_rows *rows, size_t offset);

/* Whether a row has a reverse direction. */
bool put_has_reverse(const struct batch *batch, size_t row);
/* Whether a record of one direction would tell of no packet: only the other direction's
 * were seen, or none is in the sample. With own elements it tells of those outside the
 * sample, and of payload of which only the acknowledgements were seen. */
bool put_is_empty(const struct batch *batch, size_t row, bool is_turned, bool has_own);

/* After a column of MPLS labels: a row without this label has no octets but 0, and only
 * the last one that a row has is the bottom of the stack. */
void put_label_ends(const struct batch *batch, unsigned field,
    const struct put_rows *rows, size_t offset);

/* The type of ICMP of what answers a message; its own type for a message without an
 * answer.
 * Records of one direction have the type of that direction's packets. */
uint8_t icmp_answer(uint8_t type);
void put_icmp_answer(const struct put_rows *rows, size_t offset);

/* Text and lists with their length in front (RFC 7011, 7). What exceeds `most` octets is
 * cut off and counted; TEXT_MOST and LIST_MOST bound it in any case. */
enum { TEXT_MOST = 1024, LIST_MOST = 56000 };
size_t put_variable_len(const struct column *c, size_t row); /* without the length */
uint8_t *put_variable(const struct column *c, enum conversion conversion, size_t row,
    size_t most, uint8_t *to, uint64_t *cut);

#endif
