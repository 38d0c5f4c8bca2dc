/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The laws of records and frames: the table and its arithmetic. A file is a first block
 * with the header before it, whole blocks that all cost the same, and a last one; only
 * where records grow are they counted one by one, and these are few.
 */
#include "identify/tls.h"

#include <string.h>

enum { GO_SEGMENT = 1208 }; /* Go's guess at what a segment holds, record and all */

const struct tls_law_row tls_law_rows[TLS_LAWS] = {
	[TLS_none] = {.name = "none", .help = "HTTP/1.1, not encrypted"},
#define LAW(id, record, record_cost, frame, frame_cost, block, head, is_apart, \
	    is_growing, first, help) \
	[TLS_##id] = {#id, help, record, record_cost, frame, frame_cost, block, \
		      head, is_apart, is_growing, first},
#include "identify/tls.def"
#undef LAW
};

enum tls_law
tls_law_of(const char *name, size_t n)
{
	int i;

	for (i = 0; i < TLS_LAWS; i++)
		if (strlen(tls_law_rows[i].name) == n &&
		    memcmp(tls_law_rows[i].name, name, n) == 0)
			return (enum tls_law)i;
	return TLS_LAWS;
}

static uint64_t
pieces(uint64_t octets, uint32_t piece)
{
	return piece == 0 ? 0 : octets / piece + (octets % piece != 0);
}

/* A block of the file, after so many octets of header; frames, then records. */
static uint64_t
block_cost(const struct tls_law_row *row, uint64_t octets, uint64_t header, uint32_t head)
{
	uint64_t frames = pieces(octets, row->frame) * row->frame_cost,
		 sent = octets + header + frames;

	if (head > 0 && sent > head)
		return frames + row->record_cost * (1 + pieces(sent - head, row->record));
	/* The first record of those is larger than the others. */
	if (head > 0)
		return frames + row->record_cost * (sent > 0);
	return frames + row->record_cost * pieces(sent, row->record);
}

uint64_t
tls_cost(enum tls_law law, uint64_t size, uint64_t header)
{
	const struct tls_law_row *row = &tls_law_rows[law];
	uint64_t first, rest, whole, cost;

	if (row->is_apart)
		header = 0;
	if (row->block == 0 || size <= row->block)
		return block_cost(row, size, header, row->head);
	first = row->block;
	rest = size - first;
	whole = rest / row->block;
	cost = block_cost(row, first, header, row->head);
	cost += whole * block_cost(row, row->block, 0, 0);
	return cost + block_cost(row, rest - whole * row->block, 0, 0);
}

/* Records that a piece of so many octets is cut into while records grow. */
static uint32_t
growing_records(const struct tls_law_row *row, uint64_t octets, uint32_t *before)
{
	uint64_t step = GO_SEGMENT - row->record_cost, room;
	uint32_t n = 0;

	while (octets > 0 && *before < TLS_GROWN) {
		room = step * (*before + 1);
		room = room < row->record ? room : row->record;
		octets -= octets < room ? octets : room;
		(*before)++;
		n++;
	}
	return n + (uint32_t)pieces(octets, row->record);
}

uint64_t
tls_cost_early(enum tls_law law, uint64_t size, uint64_t header, uint32_t records)
{
	const struct tls_law_row *row = &tls_law_rows[law];
	uint64_t cost = 0, left = size, block, frames, sent;
	bool is_first = true;

	if (!row->is_growing)
		return tls_cost(law, size, header);
	if (row->is_apart)
		header = 0;
	while (left > 0 && records < TLS_GROWN) {
		block = left < row->block ? left : row->block;
		frames = pieces(block, row->frame) * row->frame_cost;
		sent = block + frames + (is_first ? header : 0);
		cost += frames;
		if (is_first && row->head > 0 && sent > row->head) {
			cost += row->record_cost *
				growing_records(row, row->head, &records);
			sent -= row->head;
		}
		cost += row->record_cost * growing_records(row, sent, &records);
		left -= block;
		is_first = false;
	}
	if (left == 0)
		return cost;
	if (is_first)
		return tls_cost(law, size, header);
	/* What is left is whole blocks and a last one. */
	return cost + left / row->block * block_cost(row, row->block, 0, 0) +
	       block_cost(row, left % row->block, 0, 0);
}

void
tls_cost_loose(enum tls_law law, uint64_t size, uint64_t header, uint64_t *least,
	       uint64_t *most)
{
	const struct tls_law_row *row = &tls_law_rows[law];
	uint64_t frames = pieces(size, row->frame) * row->frame_cost,
		 records = pieces(size + header + frames, row->record);

	*least = frames + records * row->record_cost;
	*most = tls_cost(law, size, header);
	*least = *least < *most ? *least : *most;
	if (row->frame > 0)
		*most += TLS_CUT_FRAMES * (row->frame_cost + row->record_cost);
}

void
tls_cost_range(uint64_t size, uint64_t header, uint64_t *least, uint64_t *most)
{
	uint64_t cost;
	int i;

	*least = UINT64_MAX;
	*most = 0;
	for (i = 0; i < TLS_LAWS; i++) {
		if (tls_law_rows[i].record == 0)
			continue;
		cost = tls_cost((enum tls_law)i, size, header);
		if (cost < *least)
			*least = cost;
		if (cost > *most)
			*most = cost;
	}
}
