/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many plain records are named a second and core: files of log-normal sizes (median
 * 5 MB), downloads of them over one path with one retransmission in 250 segments, and the
 * client's acknowledgements.   plain FILES [RECORDS]
 * Prints: files, seconds to learn, records a CPU second, per cent named.
 */
#include "base/err.h"
#include "base/hash.h"
#include "catalog/catalog.h"
#include "identify/plain.h"
#include "model/catalogue.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MSS = 1448, C = 52, HEADER = 247, REQUEST = 130 };

static uint64_t state = 20261129;

static double
uniform(void)
{
	state = mix64(state, 1);
	return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct catalog *
make_files(size_t n)
{
	struct catalog *catalog = catalog_new();
	struct catalogue row;
	char name[32];
	size_t i;

	for (i = 0; i < n; i++) {
		double normal = sqrt(-2 * log(uniform())) *
		    cos(6.283185307179586 * uniform());
		int len = snprintf(name, sizeof name, "file%zu", i);

		row = (struct catalogue){0};
		catalogue_set(&row, name, ((struct str){name, (uint32_t)len}));
		catalogue_set(&row, size, 1000 + (uint64_t)(5e6 * exp(1.2 * normal)));
		if (catalog_add(catalog, &row, NULL) != 0)
			exit(1);
	}
	catalog_seal(catalog);
	return catalog;
}

static void
make_record(const struct files *files, size_t i, struct record *r)
{
	size_t pick = (size_t)(uniform() * (double)files->count);
	struct mode header = {.bytes = HEADER, .digits = DIGITS_HEX, .inner = HEADER};
	uint64_t sent = mode_sent(&header, files->file[pick].size),
		 segments = (sent + MSS - 1) / MSS, k, acks;
	double left = uniform(), mean = (double)segments / 250;

	/* A geometric number of that mean: burstier than independent losses. */
	k = mean > 0 ? (uint64_t)(log(left) / log(mean / (1 + mean))) : 0;
	acks = 4 + segments / 2 + 4 * k;
	*r = (struct record){.start_us = (int64_t)i,
			     .client = addr_v4(0x0a000001),
			     .server = addr_v4(0xc6336401),
			     .server_port = 80,
			     .client_port = (uint16_t)i,
			     .packets = 3 + segments + k,
			     .bytes = sent + k * MSS + C * (3 + segments + k) + 8,
			     .request_packets = acks,
			     .request_bytes = REQUEST + C * acks + 8 + 12 * 4 * k,
			     .sampling = 1,
			     .has_handshake = true};
}

int
main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 60000,
	       records = argc > 2 ? strtoull(argv[2], NULL, 10) : 200000, i, named = 0,
	       right = 0;
	struct catalog *catalog = make_files(n);
	struct plain_config config = {0};
	struct record *record = calloc(records, sizeof *record);
	struct files files;
	struct plain *plain;
	struct verdict v;
	double started, learned, done;

	files_init(&files, catalog);
	plain = plain_new(&files, &config);
	for (i = 0; i < records; i++)
		make_record(&files, i, &record[i]);
	started = seconds();
	plain_learn(plain, record, records < 2000 ? records : 2000);
	learned = seconds();
	for (i = 0; i < records; i++) {
		plain_name(plain, &record[i], &v);
		named += v.count > 0 && v.candidate[0].probability >= 0.7;
		right += v.count > 0;
	}
	done = seconds();
	printf("%zu %.2f %.0f %.1f\n", n,
	       learned - started, (double)records / (done - learned),
	       100.0 * (double)named / (double)records);
	plain_free(plain);
	files_done(&files);
	catalog_free(catalog);
	free(record);
	return right == 0;
}
