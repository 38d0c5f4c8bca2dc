/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Least, sum and most of the records written, and their sums by protocol.
 */
#include "meter/statistics.h"

/* n: how many values s holds, and how many the other one stands for. */
static void
spread_add(struct meter_spread *s, uint64_t n, const struct meter_spread *one,
    uint64_t one_n)
{
	if (one_n == 0)
		return;
	if (n == 0 || one->min < s->min)
		s->min = one->min;
	if (n == 0 || one->max > s->max)
		s->max = one->max;
	s->sum += one->sum;
}

static void
spread_count(struct meter_spread *s, uint64_t n, uint64_t value)
{
	spread_add(s, n, &(struct meter_spread){value, value, value}, 1);
}

void
meter_statistics_count(struct meter_statistics *s, uint8_t proto, uint64_t bytes,
    uint64_t packets, int64_t duration_us)
{
	uint64_t us = duration_us < 0 ? 0 : (uint64_t)duration_us;
	struct meter_protocol *p = &s->protocols[proto];

	spread_count(&s->bytes, s->records, bytes);
	spread_count(&s->packets, s->records, packets);
	spread_count(&s->duration_us, s->records, us);
	s->records++;
	p->records++;
	p->bytes += bytes;
	p->packets += packets;
	p->duration_us += us;
	if (us > p->duration_max_us)
		p->duration_max_us = us;
}

void
meter_statistics_add(struct meter_statistics *sum, const struct meter_statistics *one)
{
	int i;

	spread_add(&sum->bytes, sum->records, &one->bytes, one->records);
	spread_add(&sum->packets, sum->records, &one->packets, one->records);
	spread_add(&sum->duration_us, sum->records, &one->duration_us, one->records);
	sum->records += one->records;
	for (i = 0; i < METER_PROTOCOLS; i++) {
		struct meter_protocol *p = &sum->protocols[i];
		const struct meter_protocol *q = &one->protocols[i];

		p->records += q->records;
		p->bytes += q->bytes;
		p->packets += q->packets;
		p->duration_us += q->duration_us;
		if (q->duration_max_us > p->duration_max_us)
			p->duration_max_us = q->duration_max_us;
	}
}
