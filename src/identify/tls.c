/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The laws of records and frames: the table and its arithmetic.
 */
#include "identify/tls.h"

#include <string.h>

const struct tls_law_row tls_law_rows[TLS_LAWS] = {
	[TLS_none] = {.name = "none", .help = "HTTP/1.1, not encrypted"},
#define LAW(id, record, record_cost, frame, frame_cost, first, later, help)              \
	[TLS_##id] = {#id, help, record, record_cost, frame, frame_cost, first, later},
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

uint64_t
tls_cost(enum tls_law law, uint64_t size, uint64_t header)
{
	const struct tls_law_row *row = &tls_law_rows[law];
	uint64_t frames = pieces(size, row->frame) * row->frame_cost;

	return frames + pieces(size + header + frames, row->record) * row->record_cost;
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
