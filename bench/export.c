/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What exporting costs: meters a capture and times, batch by batch, the encoder alone and
 * then encoding and sending to a sink on loopback, by CPU time of the process.
 *   export CAPTURE [HOST:PORT]
 * Build it with `ninja -C build bench-export`; bench/sink.c is a receiver,
 * bench/mkcorpus.c makes captures. Prints a line per version: nanoseconds per flow and
 * per record.
 */
#include "base/err.h"
#include "meter/meter.h"
#include "model/batch.h"
#include "model/sink.h"
#include "packet/source.h"
#include "send/send.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const struct version {
	const char *name;
	struct wire_encode_config config;
} kinds[] = {
	{"v5", {.version = 5}},
	{"v9", {.version = 9}},
	{"ipfix plain", {.version = 10, .is_plain = true}},
	{"ipfix", {.version = 10}},
	{"ipfix biflow", {.version = 10, .is_biflow = true}},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

struct timed {
	struct sink sink; /* first */
	struct wire_encoder *encoders[KINDS];
	struct sink *senders[KINDS];
	int64_t encode_ns[KINDS], send_ns[KINDS];
	uint64_t flows, octets[KINDS];
};

static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int
nothing(void *context, const struct wire_train *train, struct err *err)
{
	(void)err;
	*(uint64_t *)context += train->len;
	return 0;
}

static int
push(struct sink *sink, struct batch *batch, struct err *err)
{
	struct timed *t = (struct timed *)sink;
	int64_t begun;
	int i;

	t->flows += batch->rows;
	for (i = 0; i < KINDS; i++) {
		begun = cpu_ns();
		if (wire_encode(t->encoders[i], batch, 0, err) != 0)
			return -1;
		t->encode_ns[i] += cpu_ns() - begun;
		if (t->senders[i] == NULL)
			continue;
		begun = cpu_ns();
		if (sink_push(t->senders[i], batch, err) != 0)
			return -1;
		t->send_ns[i] += cpu_ns() - begun;
	}
	return 0;
}

static int
flush(struct sink *sink, struct err *err)
{
	(void)sink;
	(void)err;
	return 0;
}

static int
meter_all(const char *path, struct sink *sink, struct err *err)
{
	struct packet burst[SOURCE_BURST];
	struct meter_config config;
	struct source *source;
	struct meter *meter;
	int n;

	meter_config_default(&config);
	if (source_open(path, &source, err) != 0 ||
	    (meter = meter_new(&config, sink, err)) == NULL)
		return -1;
	while ((n = source_burst(source, burst, err)) > 0) {
		if (meter_packets(meter, burst, (size_t)n, err) != 0)
			return -1;
	}
	if (n < 0 || meter_flush(meter, err) != 0)
		return -1;
	meter_free(meter);
	source_close(source);
	return 0;
}

int
main(int argc, char **argv)
{
	static struct timed t = {.sink = {push, flush, NULL}};
	struct err err = {0};
	uint64_t records;
	int i;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: export CAPTURE [HOST:PORT]\n");
		return 2;
	}
	for (i = 0; i < KINDS; i++) {
		struct wire_encode_config config = kinds[i].config;
		struct send_config send = {.collectors = argv[argc - 1],
		    .encode = config};

		config.send = nothing;
		config.context = &t.octets[i];
		if ((t.encoders[i] = wire_encoder_new(&config)) == NULL)
			abort();
		if (argc == 3 && send_open(&send, &t.senders[i], &err) != 0)
			goto fail;
	}
	if (meter_all(argv[1], &t.sink, &err) != 0)
		goto fail;
	printf("%" PRIu64 " flows; nanoseconds of CPU:\n%-14s %10s %12s %14s %12s\n",
	    t.flows,
	    "", "records", "octets", "encode/record", "with send");
	for (i = 0; i < KINDS; i++) {
		records = wire_encoder_counters(t.encoders[i])[SENT_records];
		printf("%-14s %10" PRIu64 " %12" PRIu64 " %14.1f %12.1f\n", kinds[i].name,
		    records, t.octets[i], (double)t.encode_ns[i] / (double)records,
		    (double)t.send_ns[i] / (double)records);
		wire_encoder_free(t.encoders[i]);
		sink_close(t.senders[i], NULL);
	}
	return 0;

fail:
	fprintf(stderr, "export: %s\n", err.text);
	return 1;
}
