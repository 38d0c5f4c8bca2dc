/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_RUN_H
#define WIRE_RUN_H

#include "wire/template.h"

#include "model/addr.h"

struct batch;

enum { SAMPLERS = 16 };

/* Sampling rates told in options data; id -1: of the exporter as a whole. */
struct samplers {
	unsigned count;
	int64_t ids[SAMPLERS];
	uint32_t rates[SAMPLERS];
};

/* What the records of a set have in common. */
struct run {
	struct addr exporter;
	uint32_t domain;
	int64_t received_us;
	int64_t export_us;
	/* A time of t milliseconds of uptime is base_us + (t - base_ms) ms, modulo
	 * 2^32. */
	int64_t base_us;
	uint32_t base_ms;
	uint32_t sampling; /* 0: not known, or by sampler */
	const struct samplers *samplers;
	uint64_t *times_swapped; /* a counter */
	/* Scratch, one per row of the run. */
	int64_t durations_us[RUN_ROWS];
	int64_t sampler_ids[RUN_ROWS];
	/* The heads of records of variable length, one behind the other. */
	uint8_t heads[RECORD_MAX];
};

/*
 * Appends n <= RUN_ROWS records, which lie one behind the other at src, to the batch,
 * which must have room. Whole records: the caller has walked them.
 */
void run_records(struct run *run, const struct template *t, const uint8_t *src, size_t n,
    struct batch *out);

#endif
