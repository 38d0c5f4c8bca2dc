/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all encoders share: the clock, and the train of finished datagrams, which lie one
 * behind the other so that the sender can hand many to the kernel at once.
 */
#include "wire/encoder.h"

#include "model/batch.h"

#include <assert.h>
#include <stdlib.h>

static const int64_t HOUR_US = 3600 * 1000000ll;
/* 2^32 ms are 49.7 days. */
static const int64_t UPTIME_US = 45 * 24 * 3600 * 1000000ll;

int
encoder_base_init(struct encoder_base *b, const struct wire_encode_config *config)
{
	b->config = *config;
	if (b->config.pen == 0)
		b->config.pen = PEN_EXAMPLE;
	if (b->config.datagram_bytes == 0)
		b->config.datagram_bytes = 1400;
	if (b->config.datagram_bytes < DATAGRAM_LEAST)
		b->config.datagram_bytes = DATAGRAM_LEAST;
	if (b->config.datagram_bytes > 65000)
		b->config.datagram_bytes = 65000;
	if (b->config.longest_bytes == 0 || b->config.longest_bytes > DATAGRAM_MAX)
		b->config.longest_bytes = DATAGRAM_MAX;
	if (b->config.refresh_messages == 0)
		b->config.refresh_messages = 1000;
	if (b->config.refresh_us == 0)
		b->config.refresh_us = 60 * 1000000ll;
	if (b->config.announce_us == 0)
		b->config.announce_us = 60 * 1000000ll;
	if (b->config.uptime_us == 0 || b->config.uptime_us > UPTIME_US)
		b->config.uptime_us = UPTIME_US;
	if (b->config.version != 10)
		b->config.is_biflow = false;
	b->uses_uptime = b->config.version < 9 ||
	    (b->config.version == 9 && b->config.times == WIRE_TIMES_DEFAULT);
	b->space = b->msg = malloc(TRAIN_OCTETS + DATAGRAM_MAX);
	return b->space == NULL ? -1 : 0;
}

void
encoder_base_done(struct encoder_base *b)
{
	free(b->space);
}

/* A column of times, which has no nulls; *mask is 0 where one value stands for all
 * rows. */
static const int64_t *
times_of(const struct batch *batch, enum flow_field field, size_t *mask)
{
	const struct column *c = &batch->columns[field];

	*mask = c->form == COLUMN_CONSTANT ? 0 : SIZE_MAX;
	return c->values;
}

/* The earliest start and the latest end of rows first..end-1. */
static void
bounds_of(const struct batch *batch, size_t first, size_t end, int64_t *earliest,
    int64_t *latest)
{
	size_t i, start_mask, end_mask;
	const int64_t *starts = times_of(batch, FLOW_start, &start_mask);
	const int64_t *ends = times_of(batch, FLOW_end, &end_mask);
	int64_t low = INT64_MAX, high = 0;

	for (i = first; i < end; i++)
		low = starts[i & start_mask] < low ? starts[i & start_mask] : low;
	for (i = first; i < end; i++)
		high = ends[i & end_mask] > high ? ends[i & end_mask] : high;
	*earliest = low;
	*latest = high;
}

/* The same of rows of the batch at work: once for both of its directions. */
static struct encoder_bounds
bounds_known(struct encoder_base *b, const struct batch *batch, size_t first, size_t end)
{
	struct encoder_bounds *k = &b->bounds;

	if (k->first != first || k->end != end || first == end) {
		*k = (struct encoder_bounds){.first = first, .end = end};
		bounds_of(batch, first, end, &k->earliest, &k->latest);
	}
	return *k;
}

/* The end of the rows from first on whose times the uptime clock can tell together. */
static size_t
rows_within(const struct batch *batch, size_t first, size_t rows)
{
	size_t end;
	int64_t earliest = INT64_MAX, latest = 0, low, high;

	for (end = first; end < rows; end++) {
		bounds_of(batch, end, end + 1, &low, &high);
		earliest = low < earliest ? low : earliest;
		latest = high > latest ? high : latest;
		if (end > first && latest - earliest > UPTIME_US)
			break;
	}
	return end;
}

size_t
encoder_base_clock(struct encoder_base *b, const struct batch *batch, size_t first,
    size_t rows, int64_t now_us)
{
	bool is_uptime = b->uses_uptime;
	int64_t earliest, latest;
	size_t i = rows, row, start_mask;
	const int64_t *starts = times_of(batch, FLOW_start, &start_mask);
	struct encoder_bounds bounds = bounds_known(b, batch, first, rows);

	earliest = bounds.earliest;
	latest = bounds.latest;
	if (is_uptime && rows > first && latest - earliest > UPTIME_US) {
		i = rows_within(batch, first, rows);
		bounds_of(batch, first, i, &earliest, &latest);
	}
	if (now_us == 0) {
		now_us = latest > b->now_us ? latest : b->now_us;
		/* An old capture after a new one: the clock goes back. */
		if (is_uptime && now_us - earliest > UPTIME_US)
			b->refreshed_us = now_us = latest;
	}
	b->now_us = now_us;
	if (b->refreshed_us == 0)
		b->refreshed_us = now_us;
	if (b->boot_us == 0 || earliest < b->boot_us ||
	    now_us - b->boot_us > b->config.uptime_us) {
		b->boot_us = (earliest - HOUR_US) / 1000 * 1000;
		if (b->boot_us < 1000)
			b->boot_us = 1000;
	}
	for (row = first; is_uptime && now_us - earliest > UPTIME_US && row < i; row++)
		b->counters[SENT_times_cut] +=
		    now_us - starts[row & start_mask] > UPTIME_US;
	return i;
}

void
encoder_base_finish(struct encoder_base *b, uint32_t flows)
{
	assert(b->train.count < TRAIN_DATAGRAMS);
	b->records[b->train.count] = flows;
	b->lens[b->train.count++] = (uint32_t)b->len;
	b->train.len += b->len;
	b->msg += b->len;
	b->len = 0;
	b->messages_since++;
	b->counters[SENT_messages]++;
	b->counters[SENT_octets] += b->lens[b->train.count - 1];
}

bool
encoder_base_is_full(const struct encoder_base *b)
{
	return b->train.count == TRAIN_DATAGRAMS ||
	    b->train.len + b->config.datagram_bytes > TRAIN_OCTETS;
}

int
encoder_base_flush(struct encoder_base *b, struct err *err)
{
	struct wire_train train = b->train;

	if (train.count == 0)
		return 0;
	train.octets = b->space;
	train.lens = b->lens;
	train.records = b->records;
	b->train = (struct wire_train){0};
	b->msg = b->space;
	return b->config.send(b->config.context, &train, err);
}
