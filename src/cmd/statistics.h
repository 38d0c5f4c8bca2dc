/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_STATISTICS_H
#define CMD_STATISTICS_H

#include "meter/meter.h"
#include "meter/statistics.h"
#include "packet/source.h"
#include "run/run.h"
#include "send/send.h"
#include "store/store.h"

struct text;

/* All that a run of the meter has counted, in one piece, whoever wants to see it. */
struct statistics {
	int64_t started_us;
	struct source_stats source;
	struct meter_stats meter;
	struct meter_statistics records;
	bool is_live;        /* what follows, up to is_sending, is set */
	uint64_t live[LIVE_COUNTERS], run[RUN_COUNTERS];
	unsigned workers;
	bool is_gathering;
	bool is_sending, is_storing;
	uint64_t sent[SENT_COUNTERS], send[SEND_COUNTERS], store[STORE_COUNTERS];
};

/*
 * As softflowd's statistics: the same lines in the same order, so that what reads those
 * reads these. What only this meter has comes in lines of its own after them.
 */
void statistics_text(const struct statistics *s, struct text *out);
/* One object on one line. */
void statistics_json(const struct statistics *s, struct text *out);
/* Families for Prometheus. */
void statistics_metrics(const struct statistics *s, struct text *out);

#endif
