/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The meter's memory: slabs and arrays for as many flows as there may be, which take
 * pages only as they fill.
 */
#include "meter/meter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "meter/state.h"
#include "model/batch.h"

enum { FLOWS_MAX = 1 << 30 };

/* The meter's slabs: items for each flow, and besides; whether in pages of 2 MiB. */
static const struct slab_row {
	size_t at; /* in struct meter */
	size_t item_bytes;
	uint32_t per_flow, besides;
	bool is_huge;
} slab_rows[] = {
	{offsetof(struct meter, hot), sizeof(struct hot), 1, WHEEL, true},
	{offsetof(struct meter, pair6), sizeof(struct pair6), 1, 0, true},
	{offsetof(struct meter, small), sizeof(struct small), 1, 0, true},
	{offsetof(struct meter, wide), sizeof(struct wide), 1, 0, false},
	{offsetof(struct meter, stream), sizeof(struct stream), 1, 0, true},
	{offsetof(struct meter, exchange), sizeof(struct exchange), 1, 0, false},
	{offsetof(struct meter, gaps), sizeof(struct gaps), 2, 0, false},
	{offsetof(struct meter, remainder), sizeof(struct part), 1, 0, false},
	{offsetof(struct meter, labels), sizeof(struct labels), 1, 0, false},
	{offsetof(struct meter, marks), sizeof(struct marks), 0, MARKS_MAX, false},
};
enum { SLABS = sizeof slab_rows / sizeof *slab_rows };

static struct slab *
slab_of(const struct meter *m, const struct slab_row *row)
{
	return (struct slab *)((char *)m + row->at);
}

static int
slabs_init(struct meter *m, uint32_t flows, struct err *err)
{
	for (const struct slab_row *row = slab_rows; row < slab_rows + SLABS; row++) {
		size_t item_bytes = row->at == offsetof(struct meter, pair6) &&
		    (m->key->has_mac || m->config.has_segments) ? sizeof(struct pair_more)
		    : row->item_bytes;

		if (slab_init(slab_of(m, row), item_bytes,
		    row->per_flow * flows + row->besides, row->is_huge, err) < 0)
			return -1;
	}
	return 0;
}

/* An array with an item for each number of a flow. */
static void *
by_flow_map(const struct meter *m, size_t item_bytes, struct err *err)
{
	return region_map((m->config.max_flows + WHEEL + 1ul) * item_bytes, false, err);
}

static void
by_flow_unmap(const struct meter *m, void *items, size_t item_bytes)
{
	if (items != NULL)
		region_unmap(items, (m->config.max_flows + WHEEL + 1ul) * item_bytes);
}

struct meter *
meter_new(const struct meter_config *config, struct sink *sink, struct err *err)
{
	struct meter *m = calloc(1, sizeof *m);
	uint32_t n = config->max_flows;

	if (m == NULL) {
		err_set(err, ENOMEM, "meter: out of memory");
		return NULL;
	}
	m->config = *config;
	m->key = &meter_key_rows[config->key];
	if (config->sample_interval > 1)
		m->config.cut_exchanges = false;
	if (!m->config.cut_exchanges) /* a connection is a record, however quiet it is */
		m->config.write_quiet = false;
	m->is_plain = config->key == METER_KEY_DEFAULT && config->sample_interval <= 1;
	m->sink = sink;
	m->clock_us = -1;
	if (n == 0 || n > FLOWS_MAX) {
		err_set(err, EINVAL, "meter: %u flows: use a number from 1 to %u", n,
		    FLOWS_MAX);
		goto fail;
	}
	if (limits_set(m, err) < 0 || flow_index_init(&m->index, n + WHEEL, err) < 0)
		goto fail;
	if (slabs_init(m, n, err) < 0)
		goto fail;
	if ((m->macs = by_flow_map(m, sizeof *m->macs, err)) == NULL ||
	    (m->labels_of = by_flow_map(m, sizeof *m->labels_of, err)) == NULL)
		goto fail;
	if (config->sample_interval > 1 &&
	    (m->sampled = by_flow_map(m, sizeof *m->sampled, err)) == NULL)
		goto fail;
	wheel_init(m);
	initiator_init(m);
	m->held = calloc(HELD, sizeof *m->held);
	m->fragments = calloc(FRAGMENT_SLOTS, sizeof *m->fragments);
	m->fingerprints = fingerprints_new(FINGERPRINTS_MAX);
	m->mac_pairs = mac_pairs_new(config->seed);
	m->writer = writer_new(BATCH_ROWS);
	m->peek = writer_new(1);
	if (m->fragments == NULL || m->held == NULL || m->fingerprints == NULL ||
	    m->mac_pairs == NULL || m->writer == NULL || m->peek == NULL) {
		err_set(err, ENOMEM, "meter: out of memory");
		goto fail;
	}
	return m;

fail:
	meter_free(m);
	return NULL;
}

void
meter_free(struct meter *m)
{
	if (m == NULL)
		return;
	by_flow_unmap(m, m->macs, sizeof *m->macs);
	by_flow_unmap(m, m->labels_of, sizeof *m->labels_of);
	by_flow_unmap(m, m->sampled, sizeof *m->sampled);
	if (m->index.buckets != NULL)
		flow_index_done(&m->index);
	for (size_t i = 0; i < SLABS; i++)
		slab_done(slab_of(m, &slab_rows[i]));
	free(m->fragments);
	free(m->held);
	fingerprints_free(m->fingerprints);
	mac_pairs_free(m->mac_pairs);
	writer_free(m->writer);
	writer_free(m->peek);
	free(m);
}

void
flows_clear(struct meter *m)
{
	if (m->labels.live > 0)
		memset(m->labels_of, 0, ((size_t)m->hot.used + 1) * sizeof *m->labels_of);
	for (size_t i = 0; i < SLABS; i++)
		slab_clear(slab_of(m, &slab_rows[i]));
	flow_index_clear(&m->index);
	wheel_init(m);
}

void
meter_stats(const struct meter *m, struct meter_stats *out)
{
	const struct slab *slab;

	memset(out, 0, sizeof *out);
	memcpy(out->counters, m->counters, sizeof out->counters);
	memcpy(out->expired, m->expired, sizeof out->expired);
	out->live_flows = m->index.live;
	out->peak_flows = m->peak_flows;
	for (size_t i = 0; i < SLABS; i++) {
		slab = slab_of(m, &slab_rows[i]);
		out->memory_bytes += (uint64_t)slab->used * slab->item_bytes;
	}
	out->memory_bytes += m->hot.used * sizeof *m->macs;
	out->memory_bytes += flow_index_bytes(&m->index);
}

const struct meter_statistics *
meter_statistics(const struct meter *m)
{
	return &m->statistics;
}
