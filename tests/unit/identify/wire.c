/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wire model's fast paths against their obvious twins: naming by the index of
 * residues against a scan of all files, tables of p(k) against one value at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/catalog.h"
#include "identify/wire.h"
#include "model/catalogue.h"

#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

static struct sim sim;

static struct catalog *
archive(size_t n, double low, double high)
{
	struct catalog *c = catalog_new();
	char name[32];
	size_t i;

	for (i = 0; i < n; i++) {
		struct catalogue row = {0};
		int len = snprintf(name, sizeof name, "f%zu", i);

		catalogue_set(&row, name, ((struct str){name, (uint32_t)len}));
		catalogue_set(&row, size,
			      (uint64_t)(low * pow(high / low, sim_uniform(&sim))));
		assert_int_equal(catalog_add(c, &row, NULL), 0);
	}
	catalog_seal(c);
	return c;
}

static void
make_record(const struct files *files, const struct mode *mode, struct record *r)
{
	uint64_t sent =
		     mode_sent(mode, files->file[sim_below(&sim, files->count)].size),
		 segments = (sent + 1447) / 1448,
		 k = sim_poisson(&sim, 0.004 * (double)segments * sim_gamma(&sim, 0.5)),
		 e = sim_uniform(&sim) < 0.1 ? 8 * sim_below(&sim, 180) : 0;

	*r = (struct record){.packets = 3 + segments + k + (e > 0), .has_handshake = true,
			     .sampling = 1};
	r->bytes = sent + 1448 * k + e + 52 * r->packets + 8;
}

/* One candidate's probability in a verdict. */
static double
p_of(const struct verdict *v, uint32_t file)
{
	uint32_t i;

	for (i = 0; i < v->count; i++)
		if (v->candidate[i].file == file)
			return v->candidate[i].probability;
	return 0;
}

static void
test_twins(void **state)
{
	static const struct {
		size_t files;
		double low, high, apart;
	} cases[] = {{0, 1, 2, 1e-9},
		     {1, 1e6, 2e6, 1e-9},
		     {50, 1e6, 5e7, 1e-9},
		     {150, 1e4, 5e7, 1e-9},
		     {5000, 1e5, 5e7, 0.02},
		     {60000, 1e4, 5e7, 0.02}};
	struct wire_server server;
	struct wire_path path;
	size_t i, k;

	wire_server_default(&server);
	wire_path_default(&path);
	server.header = (struct modes){
	    .count = 2,
	    .mode = {{.bytes = 247, .digits = DIGITS_HEX, .weight = 0.8, .inner = 247},
		     {.bytes = 260, .weight = 0.2, .inner = 260}}};
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct catalog *c = archive(cases[i].files, cases[i].low, cases[i].high);
		struct wire_tables *tables = wire_tables_new(&path);
		struct sents *sents[2];
		struct residues *residues[2];
		struct files files;
		struct wire_model m = {.server = &server, .path = &path, .tables = tables,
				       .sents = sents, .residues = residues, .mss = 1448,
				       .overhead = 52};
		unsigned differ = 0;

		files_init(&files, c);
		m.files = &files;
		for (k = 0; k < 2; k++) {
			sents[k] = sents_new(&files, &server.header.mode[k]);
			residues[k] = residues_new(sents[k], 1448);
		}
		for (k = 0; files.count > 0 && k < 100; k++) {
			struct verdict fast, slow;
			struct record r;

			make_record(&files, &server.header.mode[k % 2], &r);
			wire_name(&m, &r, &fast);
			wire_name_slowly(&m, &r, &slow);
			assert_true(slow.count > 0);
			/* What the twin is sure of the fast way says as well. */
			if (slow.candidate[0].probability >= 0.99) {
				assert_int_equal(fast.candidate[0].file,
						 slow.candidate[0].file);
				assert_true(fast.candidate[0].probability >= 0.95);
			}
			differ += fabs(fast.unknown - slow.unknown) > cases[i].apart ||
				  fabs(p_of(&fast, slow.candidate[0].file) -
				       slow.candidate[0].probability) > cases[i].apart;
		}
		print_message("%zu files: %u of 100 differ by more than %g\n",
		    files.count, differ, cases[i].apart);
		/* One in ten has a segment below the MSS sent again: of crowded sizes
		 * only the nearest files are weighed for that. */
		assert_true(differ <= (cases[i].apart > 1e-6 ? 10 : 0));
		for (k = 0; k < 2; k++) {
			residues_free(residues[k]);
			sents_free(sents[k]);
		}
		wire_tables_free(tables);
		files_done(&files);
		catalog_free(c);
	}
}

/* Tables hold what wire_p_of_k says, and are distributions; step: of the k that are
 * looked at. */
static void
check_tables(const struct wire_path *path, size_t step)
{
	unsigned class;

	for (class = 0; class <= WIRE_N_CLASSES; class ++) {
		struct wire_tables *tables = wire_tables_new(path);
		size_t k;
		double sum = 0, p;
		const struct wire_losses *table = wire_table(tables, class, 5000);

		for (k = 0; k < 30000; k++) {
			p = wire_losses_p(table, k);
			sum += p;
			if (k >= table->count || k % step != 0)
				continue;
			assert_true(fabs(wire_p_of_k(path, class, 5000, k) - p) <=
				    1e-5 * p + 1e-12);
			assert_true(p <= wire_losses_p(table, table->peak));
		}
		/* Classes of many options reach beyond what a table holds. */
		assert_true(sum < 1.05 && (sum > 0.9 || class > 12));
		wire_tables_free(tables);
	}
}

static void
test_tables(void **state)
{
	struct wire_path path;
	unsigned class;

	wire_path_default(&path);
	check_tables(&path, 1);
	/* Fitted: one segment in 20 options, and by segments. */
	path.n_shape = 2;
	path.lam = 0.01;
	path.r = 5;
	path.flows = 1000;
	for (class = 0; class < WIRE_N_CLASSES; class ++) {
		path.by_n[class] = 0.05 * exp2(class);
		path.n_share[class] = 1.0 / WIRE_N_CLASSES;
	}
	check_tables(&path, 97);
}

/* Where n says little of k, and segments much, the likely k is what segments say. */
static void
test_by_both(void **state)
{
	struct wire_path path;
	struct wire_tables *tables;
	const struct wire_losses *table;
	double by_n, sum = 0;
	unsigned class;
	size_t k;

	wire_path_default(&path);
	path.n_shape = 1;
	path.lam = 0.01;
	path.r = 50;
	path.tail = 0.01;
	path.flows = 1000;
	for (class = 0; class < WIRE_N_CLASSES; class ++)
		path.by_n[class] = 100;
	tables = wire_tables_new(&path);
	by_n = wire_losses_p(wire_table(tables, 8, 20000), 200);
	wire_tables_free(tables);
	for (class = 0; class < WIRE_N_CLASSES; class ++)
		path.n_share[class] = 1.0 / WIRE_N_CLASSES;
	tables = wire_tables_new(&path);
	table = wire_table(tables, 8, 20000);
	for (k = 100; k <= 300; k++)
		sum += wire_losses_p(table, k);
	assert_true(wire_losses_p(table, 200) > 3 * by_n);
	assert_true(sum > 0.8);
	wire_tables_free(tables);
}

/* p(e) sums to one, whatever was seen. */
static void
test_remainders(void **state)
{
	static const uint32_t sizes[] = {1448, 1460, 1368, 1331, 536};
	struct wire_path path;
	size_t i;

	wire_path_default(&path);
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		uint32_t mss = sizes[i], e, tail = 777 % mss;
		int64_t x;

		for (x = -1; x < 40; x += 5) {
			struct wire_sight sight = {.x = x, .n_class = 3};
			double sum = 0;

			for (e = 0; e < mss; e++)
				sum += wire_p_of_e(&path, mss, &sight, 2, e, tail);
			assert_true(fabs(sum - 1) < 0.02);
		}
	}
}

/* Senders that cut at every page's end, 4096 octets as 1448, 1448 and 1200, send up to
 * one segment in three short: of such records the largest segment is still told, as of
 * whole ones. */
static void
test_largest_segment(void **state)
{
	static const uint32_t sizes[] = {1448, 1460, 1440, 1368};
	struct record record[200];
	const struct record *at[200];
	size_t i, k;

	for (i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
		uint32_t mss = sizes[i / 2], c = mss == 1460 ? 40 : 52,
		    n = i % 2 ? 200 : 5;

		/* Five records cut like that may be of Ethernet as well. */
		if (mss == 1440 && n < 200)
			continue;
		for (k = 0; k < n; k++) {
			uint64_t sent = 1000000 + sim_below(&sim, 49000000), paged;

			paged = mss == 1368 ? 0
					    : (uint64_t)(sim_uniform(&sim) *
					        (double)sent) / 4096;
			record[k] = (struct record){.has_handshake = true, .sampling = 1};
			record[k].packets =
			    3 + 3 * paged + (sent - 4096 * paged + mss - 1) / mss;
			record[k].bytes =
			    sent + c * record[k].packets + (c == 40 ? 12 : 8);
			at[k] = &record[k];
		}
		if (wire_mss_of(at, n, c) != mss)
			fail_msg("%u records of segments of %u: told %u", n, mss,
				 wire_mss_of(at, n, c));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_twins),
	    cmocka_unit_test(test_tables),
	    cmocka_unit_test(test_by_both),
	    cmocka_unit_test(test_remainders),
	    cmocka_unit_test(test_largest_segment),
	};

	sim.seed = 20261129;
	print_message("seed %llu\n", (unsigned long long)sim.seed);
	return cmocka_run_group_tests_name("identify: wire model", tests, NULL, NULL);
}
