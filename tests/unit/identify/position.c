/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a meter is: told by name, by the TTLs of records, and what that is worth where
 * there are too few downloads to learn losses from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/catalog.h"
#include "identify/identify.h"
#include "identify/plain_file.h"
#include "model/batch.h"
#include "model/catalogue.h"
#include "model/finding.h"
#include "model/flow.h"
#include "model/sink.h"

#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILES = 20000, FEW = 8, TURNS = 25, HEADER = 247 };

/* The TTLs that a meter sees, the client's and the server's, 0: none; and where it is. */
static const struct {
	uint8_t client, server;
	uint32_t to_client, to_server;
	enum position where;
} ttls[] = {
	{64, 64, 0, 0, POSITION_any},
	{63, 59, 1, 5, POSITION_client},
	{128, 59, 0, 5, POSITION_client},
	{59, 63, 5, 1, POSITION_server},
	{250, 128, 5, 0, POSITION_server},
	{61, 125, 3, 3, POSITION_middle},
	{62, 60, 2, 4, POSITION_middle},
	{30, 255, 2, 0, POSITION_server},
	{0, 63, HOPS_UNKNOWN, 1, POSITION_any},
	{63, 0, 1, HOPS_UNKNOWN, POSITION_any},
	{0, 0, HOPS_UNKNOWN, HOPS_UNKNOWN, POSITION_any},
};

static void
test_names(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < POSITIONS; i++)
		assert_int_equal(position_of_name(position_rows[i].name), i);
	assert_int_equal(position_of_name("serve"), POSITIONS);
	assert_int_equal(position_of_name(""), POSITIONS);
	/* The nearer the client, the less that is sent again passes by. */
	assert_true(position_rows[POSITION_client].lam <
		    position_rows[POSITION_middle].lam);
	assert_true(position_rows[POSITION_middle].lam <
		    position_rows[POSITION_server].lam);
}

static void
test_ttls(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof ttls / sizeof *ttls; i++) {
		assert_int_equal(position_hops(ttls[i].client), ttls[i].to_client);
		assert_int_equal(position_hops(ttls[i].server), ttls[i].to_server);
		assert_int_equal(position_of_hops(ttls[i].to_client, ttls[i].to_server),
		    ttls[i].where);
	}
}

static struct catalog *
files_new(struct sim *sim)
{
	struct catalog *catalog = catalog_new();
	char name[32];
	size_t i;

	for (i = 0; i < FILES; i++) {
		struct catalogue row = {0};
		int n = snprintf(name, sizeof name, "file%zu", i);

		catalogue_set(&row, name, ((struct str){name, (uint32_t)n}));
		catalogue_set(&row, size, 30000000 + sim_below(sim, 1000000));
		assert_int_equal(catalog_add(catalog, &row, NULL), 0);
	}
	catalog_seal(catalog);
	return catalog;
}

struct tally_sink {
	struct sink sink;
	double probability; /* of names, summed */
	unsigned named;
};

static int
count_names(struct sink *sink, struct batch *batch, struct err *err)
{
	struct tally_sink *t = (struct tally_sink *)sink;
	size_t i;

	(void)err;
	for (i = 0; i < batch->rows; i++) {
		struct finding f;

		batch_row(batch, i, &f);
		if (!finding_has(&f, name))
			continue;
		t->named++;
		t->probability += f.probability;
	}
	return 0;
}

struct hops {
	char client[8], server[8];
};

static void
note_hops(void *arg, const struct plain_line *line)
{
	struct hops *h = arg;

	if (strcmp(line->client, "-") == 0)
		return;
	if (strcmp(line->name, "hops_client") == 0)
		snprintf(h->client, sizeof h->client, "%s", line->value);
	if (strcmp(line->name, "hops_server") == 0)
		snprintf(h->server, sizeof h->server, "%s", line->value);
}

/* Names a few downloads, the same for every seed, seen near the client. */
static struct tally_sink
name_few(const struct catalog *catalog, uint64_t seed, enum position told,
    uint8_t client_ttl, uint8_t server_ttl, struct hops *hops)
{
	/* Losses are many, and all of them before the meter. */
	static const struct sim_path path = {.mss = 1448, .overhead = 52,
	    .timestamps = true, .loss = 0.004, .loss_spread = 5, .acks = 0.0001};
	struct mode header = {.bytes = HEADER, .digits = DIGITS_HEX, .inner = HEADER};
	struct sim sim = {seed};
	struct identify_config config = {.catalog = catalog, .position = told};
	struct identify *id = identify_new(&config);
	struct batch *batch = batch_new(&flow_schema, FEW);
	struct tally_sink out = {.sink.push = count_names};
	size_t i;

	for (i = 0; i < FEW; i++) {
		struct flow flow = {0};
		uint64_t size = catalog_files(catalog)[sim_below(&sim, FILES)].size;

		flow_set(&flow, start, 1700000000000000 + (int64_t)i * 1000000);
		flow_set(&flow, end, flow.start + 500000);
		flow_set(&flow, src, addr_v4(0x0a000001));
		flow_set(&flow, dst, addr_v4(0xc6336401));
		flow_set(&flow, src_port, (uint16_t)(20000 + i));
		flow_set(&flow, dst_port, 80);
		flow_set(&flow, proto, 6);
		if (client_ttl != 0)
			flow_set(&flow, ttl_min, client_ttl);
		if (server_ttl != 0)
			flow_set(&flow, reverse_ttl_min, server_ttl);
		sim_row(&sim, &path, mode_sent(&header, size), 1, 130, &flow);
		batch_append(batch, &flow);
	}
	assert_int_equal(identify_batch(id, batch, NULL), 0);
	assert_int_equal(identify_finish(id, &out.sink, NULL), 0);
	if (hops != NULL)
		identify_list_model(id, note_hops, hops);
	batch_free(batch);
	identify_free(id);
	return out;
}

/* With few downloads, knowing that the meter is near the client makes names surer; TTLs
 * that say so are as good as being told; and told wrongly it is less sure than untold. */
static void
test_few_downloads(void **state)
{
	struct sim sim = {FILES};
	struct catalog *files = files_new(&sim);
	double any = 0, told = 0, wrong = 0;
	unsigned named = 0;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= TURNS; seed++) {
		struct hops hops = {"", ""};
		struct tally_sink plain = name_few(files, seed, POSITION_any, 0, 0, NULL),
				  client = name_few(files, seed, POSITION_client, 0, 0, NULL),
				  server = name_few(files, seed, POSITION_server, 0, 0, NULL),
				  ttl = name_few(files, seed, POSITION_any, 63, 59, &hops);

		assert_int_equal(ttl.named, client.named);
		assert_true(ttl.probability == client.probability);
		assert_string_equal(hops.client, "1");
		assert_string_equal(hops.server, "5");
		any += plain.probability;
		told += client.probability;
		wrong += server.probability;
		named += client.named;
	}
	print_message("of %d: named %u; probabilities %.3f, told %.3f, told wrongly %.3f\n",
	    TURNS * FEW, named, any, told, wrong);
	assert_true(told > any);
	assert_true(any > wrong + 0.01);
	assert_true(named >= TURNS * FEW * 8 / 10);
	catalog_free(files);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_ttls),
		cmocka_unit_test(test_few_downloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
