/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The batch that rows are written into, and its columns: those that every row has, and
 * those that come in groups.
 */
#include "meter/writer.h"

#include <stdlib.h>

#include "model/sink.h"

/* Columns that the meter writes in every row. */
static const uint16_t required[] = {FLOW_start, FLOW_end, FLOW_src, FLOW_dst, FLOW_proto,
	FLOW_bytes, FLOW_packets, FLOW_fragments, FLOW_end_reason};

static const struct member optional[] = {
	{FLOW_src_port, PORTS}, {FLOW_dst_port, PORTS},
	{FLOW_icmp_type, ICMP}, {FLOW_icmp_code, ICMP},
	{FLOW_vlan, VLAN}, {FLOW_inner_vlan, INNER_VLAN},
	{FLOW_src_mac, MACS}, {FLOW_dst_mac, MACS},
	{FLOW_biflow_direction, DIRECTION},
	{FLOW_tos, SIDE}, {FLOW_ttl_min, SIDE}, {FLOW_ttl_max, SIDE},
	{FLOW_reverse_bytes, REVERSE_SIDE}, {FLOW_reverse_packets, REVERSE_SIDE},
	{FLOW_reverse_tos, REVERSE_SIDE}, {FLOW_reverse_ttl_min, REVERSE_SIDE},
	{FLOW_reverse_ttl_max, REVERSE_SIDE},
	{FLOW_tcp_flags, FLAGS}, {FLOW_reverse_tcp_flags, REVERSE_FLAGS},
	{FLOW_connection, CONNECTION}, {FLOW_exchange, CONNECTION},
	{FLOW_mid_stream, CONNECTION},
	{FLOW_handshake, HANDSHAKE},
	{FLOW_folded, PAYLOAD}, {FLOW_coalesced, PAYLOAD},
	{FLOW_fingerprint, PRINT}, {FLOW_reverse_fingerprint, REVERSE_PRINT},
	{FLOW_initial_sequence, INITIAL},
	{FLOW_reverse_initial_sequence, REVERSE_INITIAL},
	{FLOW_offset, SPAN}, {FLOW_span, SPAN}, {FLOW_span_kind, SPAN},
	{FLOW_reverse_offset, REVERSE_SPAN}, {FLOW_reverse_span, REVERSE_SPAN},
	{FLOW_reverse_span_kind, REVERSE_SPAN},
	{FLOW_first_payload, FIRST}, {FLOW_reverse_first_payload, REVERSE_FIRST},
	{FLOW_last_payload, LAST}, {FLOW_reverse_last_payload, REVERSE_LAST},
	{FLOW_segments, OWN}, {FLOW_max_segment, OWN},
	{FLOW_reverse_segments, REVERSE_OWN}, {FLOW_reverse_max_segment, REVERSE_OWN},
};
/* Those that only some configurations and networks have. */
static const struct member unsampled_only[] = {
	{FLOW_retransmitted, OWN}, {FLOW_reverse_retransmitted, REVERSE_OWN},
};
static const struct member sampled_only[] = {
	{FLOW_sampling, SAMPLING},
	{FLOW_outside_packets, OUTSIDE}, {FLOW_outside_bytes, OUTSIDE},
	{FLOW_reverse_outside_packets, REVERSE_OUTSIDE},
	{FLOW_reverse_outside_bytes, REVERSE_OUTSIDE},
	{FLOW_first_sequence, SEQUENCE}, {FLOW_last_sequence, SEQUENCE},
	{FLOW_reverse_first_sequence, REVERSE_SEQUENCE},
	{FLOW_reverse_last_sequence, REVERSE_SEQUENCE},
};
static const struct member segments_only[] = {
	{FLOW_segment, SEGMENT}, {FLOW_tunnel_key, TUNNEL_KEY},
};
static const struct member own_mac_only[] = {{FLOW_flow_direction, FLOW_DIRECTION}};

struct writer *
writer_new(size_t rows)
{
	struct writer *w = calloc(1, sizeof *w);

	if (w == NULL)
		return NULL;
	w->words = calloc(rows / 64 + 1, sizeof *w->words);
	if (w->words == NULL) {
		free(w);
		return NULL;
	}
	w->batch = batch_new(&flow_schema, rows);
	return w;
}

void
writer_free(struct writer *w)
{
	if (w == NULL)
		return;
	batch_free(w->batch);
	free(w->words);
	free(w);
}

static void
writer_open_members(struct writer *w, const struct member *members, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		w->values[members[i].field] = batch_open(w->batch,
		    members[i].field)->values;
		w->opened[w->opened_count++] = members[i];
	}
}

#define OPEN(members) writer_open_members(w, members, \
    sizeof (members) / sizeof *(members))

void
writer_open(struct writer *w, const struct meter *m)
{
	w->opened_count = 0;
	for (size_t i = 0; i < sizeof required / sizeof *required; i++)
		w->values[required[i]] = batch_flat(w->batch, required[i])->values;
	OPEN(optional);
	if (m->sampled != NULL)
		OPEN(sampled_only);
	else
		OPEN(unsampled_only);
	if (m->config.mac_count > 0)
		OPEN(own_mac_only);
	if (m->config.has_segments)
		OPEN(segments_only);
	w->serial++;
	w->row = 0;
	w->is_open = true;
}

void
writer_close(struct writer *w)
{
	size_t words = (w->batch->rows + 63) / 64;

	for (size_t i = 0; i < w->opened_count; i++) {
		uint64_t *valid = w->batch->columns[w->opened[i].field].valid;

		for (size_t k = 0; k < words; k++)
			valid[k] = w->words[k][w->opened[i].group];
	}
	batch_settle(w->batch);
	w->is_open = false;
}

void
writer_push(struct meter *m)
{
	struct writer *w = m->writer;

	if (w->is_open)
		writer_close(w);
	if (m->status == 0 && w->batch->rows > 0 && sink_push(m->sink, w->batch,
	    m->err) < 0)
		m->status = -1;
	batch_clear(w->batch);
}
