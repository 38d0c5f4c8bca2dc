/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a flood of new flows costs the flows that are there: a meter with a full table,
 * 4,096 connections whose packets go on, and bursts of packets of which each is a new
 * flow between their bursts. Time is counted in the connections' bursts alone, so that
 * what it shows is what the flood does to caches, chains and expiry. The flood's keys are
 * random, or chosen to fall into a 256th of the index under a seed that the attacker
 * guessed; then also with that seed, to show that the choice is a good one.
 *
 *   cc -std=gnu17 -O2 -D_GNU_SOURCE -Isrc bench/flood.c src/base/{err,hash,text,counter,option}.c \
 *       src/model/*.c src/meter/*.c src/packet/{decode,link}.c -lxxhash -ldeflate -lm \
 *       -o build/flood
 *   build/flood [FLOWS]        flows of the table, 16384 at first
 */
#include "base/err.h"
#include "base/hash.h"
#include "meter/meter.h"
#include "meter/state.h"
#include "model/sink.h"
#include "packet/packet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BURST = 32, OLD = 4096, ROUNDS = 10000, RUNS = 5 };

static int
ignore_batch(struct sink *sink, struct batch *batch, struct err *err)
{
	return 0;
}

static int
ignore(struct sink *sink, struct err *err)
{
	return 0;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct packet
packet_of(uint32_t src, uint16_t port, int64_t time_ns)
{
	return (struct packet){.time_ns = time_ns, .src = addr_v4(src),
	    .dst = addr_v4(0xc0000201),
		.proto = 17, .ip_bytes = 100, .payload_bytes = 72, .ttl = 64,
		.vlan = VLAN_NONE,
		.inner_vlan = VLAN_NONE, .src_port = port, .dst_port = 53,
		.flags = PACKET_HAS_PORTS};
}

/* Addresses and ports that share 8 bits of the hash under a seed. */
static void
choose(uint64_t seed, struct packet *out, size_t n)
{
	struct meter_config config;
	struct sink sink = {ignore_batch, ignore, ignore};
	struct err err = {0};
	struct meter *m;
	struct lookup l;
	uint64_t i = 0;
	size_t kept = 0;

	meter_config_default(&config);
	config.seed = seed;
	config.max_flows = 64;
	if ((m = meter_new(&config, &sink, &err)) == NULL)
		exit(1);
	while (kept < n) {
		i++;
		out[kept] = packet_of((uint32_t)mix64(i, 1), (uint16_t)mix64(i, 2), 0);
		key_make(m, &out[kept], &l);
		kept += (l.hash & 255) == 7;
	}
	meter_free(m);
}

struct result {
	double old_ns, flood_ns;
	uint64_t memory_bytes, flows, forced;
};

/* flood: packets to take new flows from, NULL without; n of them, over and over. */
static struct result
measure(uint64_t seed, uint32_t max_flows, const struct packet *flood, size_t n)
{
	struct sink sink = {ignore_batch, ignore, ignore};
	struct meter_config config;
	struct meter_stats stats;
	struct packet burst[BURST];
	struct result result = {0};
	struct err err = {0};
	struct meter *m;
	int64_t time_ns = 1700000000000000000;
	uint64_t next = 0, old = 0;
	double t;

	meter_config_default(&config);
	config.seed = seed;
	config.max_flows = max_flows;
	if ((m = meter_new(&config, &sink, &err)) == NULL)
		exit(1);
	for (int round = -(int)(2 * max_flows / BURST); round < ROUNDS; round++) {
		for (int i = 0; i < BURST; i++, time_ns += 1000)
			burst[i] = packet_of(0x0a000000 + (uint32_t)(old++ % OLD), 1000,
			    time_ns);
		t = now();
		meter_packets(m, burst, BURST, &err);
		if (round >= 0)
			result.old_ns += now() - t;
		if (flood == NULL)
			continue;
		for (int i = 0; i < BURST; i++, time_ns += 1000) {
			burst[i] = flood[next++ % n];
			burst[i].time_ns = time_ns;
		}
		t = now();
		meter_packets(m, burst, BURST, &err);
		if (round >= 0)
			result.flood_ns += now() - t;
	}
	meter_stats(m, &stats);
	result.old_ns *= 1e9 / ROUNDS / BURST;
	result.flood_ns *= 1e9 / ROUNDS / BURST;
	result.memory_bytes = stats.memory_bytes;
	result.flows = stats.live_flows;
	result.forced = stats.expired[METER_EXPIRE_resources];
	meter_free(m);
	return result;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	uint32_t max_flows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 16384;
	size_t n = 4 * (size_t)max_flows;
	struct packet *random = malloc(n * sizeof *random),
	    *chosen = malloc(n * sizeof *chosen);
	const struct {
		const char *name;
		uint64_t seed;
		const struct packet *flood;
	} rows[] = {{"no flood", 1, NULL}, {"new flows, random keys", 1, random},
		{"keys chosen for another seed", 1, chosen},
		{"keys chosen for this very seed", 99, chosen}};
	double base = 0;

	if (random == NULL || chosen == NULL)
		return 1;
	for (size_t i = 0; i < n; i++)
		random[i] = packet_of((uint32_t)mix64(i, 3), (uint16_t)mix64(i, 4), 0);
	choose(99, chosen, n);
	printf("%-32s %10s %8s %10s %10s %8s %9s\n", "a table of flows", "old ns/pkt",
	    "ratio",
	    "new ns/pkt", "flows", "MiB", "forced");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct result r[RUNS];
		double old[RUNS], fresh[RUNS];
		int runs = i < 3 ? RUNS : 1; /* the last one takes its time */

		for (int k = 0; k < runs; k++) {
			r[k] = measure(rows[i].seed, max_flows, rows[i].flood, n);
			old[k] = r[k].old_ns;
			fresh[k] = r[k].flood_ns;
		}
		qsort(old, (size_t)runs, sizeof *old, by_value);
		qsort(fresh, (size_t)runs, sizeof *fresh, by_value);
		if (i == 0)
			base = old[runs / 2];
		printf("%-32s %10.1f %8.2f %10.1f %10lu %8.1f %9lu\n", rows[i].name,
		    old[runs / 2], old[runs / 2] / base, fresh[runs / 2],
		    (unsigned long)r[0].flows, (double)r[0].memory_bytes / 1048576,
		    (unsigned long)r[0].forced);
	}
	free(random);
	free(chosen);
	return 0;
}
