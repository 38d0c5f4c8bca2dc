/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several downloads in one record of HTTP/2: a request that is as long as two window
 * updates begins no exchange, so that its answer stands behind the one before. Which
 * files they are is told as a set, and files that the catalogue does not have are not
 * named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "catalog/catalog.h"
#include "identify/hpack.h"
#include "identify/identify.h"
#include "identify/modes.h"
#include "model/batch.h"
#include "model/catalogue.h"
#include "model/finding.h"
#include "model/flow.h"
#include "model/sink.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

enum {
	SERVED = 50,
	CONNECTIONS = 40,
	DOWNLOADS = 8, /* of a connection */
	TOGETHER = DOWNLOADS,
	HEADER = 133,
	REQUEST = 38, /* octets beside the path */
	UPDATES = 48, /* two window updates in one record of TLS 1.3 */
	UPDATE = 35,
	UPDATE_EVERY = 700000,
	PORT = 443,
	RECORD_COST = 22,
};

static struct sim sim;
static const enum tls_law law = TLS_nginx_h2_tls13;

struct file {
	char name[48];
	uint64_t size;
	uint32_t path; /* coded octets */
	bool is_known; /* to the catalogue */
};

/* What is served, and of each record which files it holds. */
struct world {
	struct sink sink;
	struct file file[SERVED];
	struct catalog *catalog;
	unsigned held[CONNECTIONS + 1][DOWNLOADS + 1][TOGETHER];
	unsigned count[CONNECTIONS + 1][DOWNLOADS + 1];
	unsigned left[CONNECTIONS + 1][DOWNLOADS + 1];
	/* downloads, of files that the catalogue has, and those in records of several */
	unsigned downloads, known, joined;
	unsigned right, wrong, sure, sure_wrong, joined_right;
	/* names of sets, and of these wrong; said with 0.99, and wrong */
	unsigned sets, sets_wrong, sets_sure, sets_sure_wrong;
};

/* One path in six is such that its request is just as long as two updates. */
static void
make_file(struct world *w, unsigned i, unsigned unknown)
{
	struct file *f = &w->file[i];
	unsigned n = i % 6 == 5 ? 1 : 8 + (unsigned)sim_below(&sim, 18);

	do {
		snprintf(f->name, sizeof f->name, "%02u-%.*s.bin", i, (int)n,
			 "aceiostaceiostaceiostaceiost");
		f->path = (hpack_path_bits(f->name, strlen(f->name)) + 6 + 7) / 8;
	} while (i % 6 == 5 && REQUEST + f->path < UPDATES && n++ < 20);
	assert_true((i % 6 == 5) == (REQUEST + f->path == UPDATES));
	f->size = 1000000 + sim_below(&sim, 49000000);
	f->is_known = i >= unknown;
}

static void
make_catalog(struct world *w, unsigned unknown, unsigned decoys)
{
	char name[48];
	unsigned i;

	w->catalog = catalog_new();
	for (i = 0; i < SERVED + decoys; i++) {
		struct catalogue row = {0};
		uint32_t n;

		if (i < SERVED)
			make_file(w, i, unknown);
		if (i < unknown)
			continue;
		n = (uint32_t)(i < SERVED
				   ? snprintf(name, sizeof name, "%s", w->file[i].name)
				   : snprintf(name, sizeof name, "decoy%u", i));
		catalogue_set(&row, name, ((struct str){name, n}));
		if (i < SERVED) {
			catalogue_set(&row, path, ((struct str){name, n}));
			catalogue_set(&row, path_len, n);
		}
		catalogue_set(&row, size,
			      i < SERVED ? w->file[i].size
					 : (uint64_t)exp(6.9 + sim_uniform(&sim) * 10.8));
		assert_int_equal(catalog_add(w->catalog, &row, NULL), 0);
	}
	catalog_seal(w->catalog);
}

/* Octets sent for a file: half of the responses are short of their law, by whole
 * records. */
static uint64_t
sent_for(const struct file *f)
{
	struct mode mode = {.bytes = HEADER, .law = law, .inner = HEADER};
	uint64_t least, most, sent = mode_sent(&mode, f->size);
	uint32_t digits = decimal_digits(f->size);

	if (sim_uniform(&sim) < 0.5)
		return sent;
	tls_cost_loose(law, f->size, HEADER + digits, &least, &most);
	most = tls_cost(law, f->size, HEADER + digits);
	return sent - RECORD_COST * sim_below(&sim, (most - least) / RECORD_COST / 2 + 1);
}

static uint64_t
request_for(const struct file *f)
{
	return REQUEST + f->path +
	       UPDATE * (f->size / UPDATE_EVERY + sim_below(&sim, 3));
}

/* One record with its octets. */
struct part {
	uint64_t request, response, request_offset, offset;
	uint32_t connection, exchange;
};

static void
say(struct identify *id, const struct part *p)
{
	struct batch *batch = batch_new(&flow_schema, 1);
	struct flow flow = {0};

	flow_set(&flow, start,
		 1700000000000000 + (int64_t)(p->connection * 100 + p->exchange) *
		 1000000);
	flow_set(&flow, end, flow.start + 500000);
	flow_set(&flow, src, addr_v4(0x0a000001));
	flow_set(&flow, dst, addr_v4(0xc6336401));
	flow_set(&flow, src_port, (uint16_t)(20000 + p->connection));
	flow_set(&flow, dst_port, PORT);
	flow_set(&flow, proto, 6);
	flow_set(&flow, connection, p->connection);
	flow_set(&flow, exchange, p->exchange);
	flow_set(&flow, offset, p->request_offset);
	flow_set(&flow, reverse_offset, p->offset);
	flow_set(&flow, span, p->request);
	flow_set(&flow, reverse_span, p->response);
	flow_set(&flow, packets, 3 + p->response / 3000);
	flow_set(&flow, bytes, p->request + 52 * flow.packets + 8);
	flow_set(&flow, reverse_packets, 3 + p->response / 1448);
	flow_set(&flow, reverse_bytes, p->response + 52 * flow.reverse_packets + 8);
	flow_set(&flow, tcp_flags, 0x1a);
	flow_set(&flow, reverse_tcp_flags, 0x1a);
	batch_append(batch, &flow);
	assert_int_equal(identify_batch(id, batch, NULL), 0);
	batch_free(batch);
}

static void
hold(struct world *w, const struct part *p, unsigned pick)
{
	unsigned n = w->count[p->connection][p->exchange]++;

	w->held[p->connection][p->exchange][n] = pick;
	w->left[p->connection][p->exchange]++;
	w->downloads++;
	w->known += w->file[pick].is_known;
	if (n > 0)
		w->joined += 1 + (n == 1);
}

static void
connect_once(struct world *w, struct identify *id, uint32_t connection)
{
	struct part p = {.connection = connection, .request = 517,
			 .response = 1340 + sim_below(&sim, 3)};
	unsigned k;

	for (k = 0; k < DOWNLOADS; k++) {
		unsigned pick = (unsigned)sim_below(&sim, SERVED);
		const struct file *f = &w->file[pick];

		if (p.exchange > 2 && w->count[connection][p.exchange] < TOGETHER &&
		    REQUEST + f->path == UPDATES) {
			/* Taken for updates: no exchange of its own. */
			p.request += request_for(f);
			p.response += sent_for(f);
		} else {
			say(id, &p);
			p.exchange++;
			p.request_offset += p.request;
			p.offset += p.response;
			p.request = request_for(f) + (k == 0 ? 160 : 0);
			p.response = sent_for(f) + (k == 0 ? 510 : 0);
		}
		hold(w, &p, pick);
	}
	say(id, &p);
}

static int
judge(struct sink *sink, struct batch *batch, struct err *err)
{
	static const char said[] = "downloads in this record";
	struct world *w = (struct world *)sink;
	size_t i;

	for (i = 0; i < batch->rows; i++) {
		struct finding f;
		unsigned *held, *left, k;
		bool is_set, is_sure;

		batch_row(batch, i, &f);
		if (!finding_has(&f, name))
			continue;
		held = w->held[f.connection][f.exchange];
		left = &w->left[f.connection][f.exchange];
		for (k = 0; k < *left; k++) {
			const char *name = w->file[held[k]].name;

			if (strlen(name) == f.name.len &&
			    memcmp(name, f.name.data, f.name.len) == 0)
				break;
		}
		is_set = memmem(f.evidence.data, f.evidence.len, said, strlen(said));
		is_sure = f.probability >= 0.99;
		w->sure += is_sure;
		w->sets += is_set;
		w->sets_sure += is_set && is_sure;
		if (k == *left) {
			w->wrong++;
			w->sure_wrong += is_sure;
			w->sets_wrong += is_set;
			w->sets_sure_wrong += is_set && is_sure;
			continue;
		}
		held[k] = held[--*left];
		w->right++;
		w->joined_right += w->count[f.connection][f.exchange] > 1;
	}
	return 0;
}

/* So many of the files that are served the catalogue does not have. */
static void
run(struct world *w, unsigned unknown, unsigned decoys, unsigned test)
{
	struct identify_config config = {0};
	struct identify *id;
	struct err err = {0};
	uint32_t i;

	sim.seed = 20261130 * 100ull + test;
	memset(w, 0, sizeof *w);
	w->sink.push = judge;
	make_catalog(w, unknown, decoys);
	config.catalog = w->catalog;
	id = identify_new(&config);
	for (i = 1; i <= CONNECTIONS; i++)
		connect_once(w, id, i);
	if (identify_finish(id, &w->sink, &err) < 0)
		fail_msg("%s", err.text);
	print_message("%u files, %u decoys, %u unknown: %u downloads, %u of files that "
		      "are known, %u in records of several; %u right, %u of several, %u "
		      "wrong; 0.99: %u, wrong %u; sets %u, wrong %u; 0.99: %u, wrong "
		      "%u\n",
		      SERVED, decoys, unknown, w->downloads, w->known, w->joined,
		      w->right, w->joined_right, w->wrong, w->sure, w->sure_wrong,
		      w->sets, w->sets_wrong, w->sets_sure, w->sets_sure_wrong);
	identify_free(id);
	catalog_free(w->catalog);
	/* The case is there. */
	assert_true(w->joined >= w->downloads / 20);
}

/* Two and more in a record are all named among fifty files, in nearly all records. */
static void
test_fifty(void **state)
{
	struct world w;

	run(&w, 0, 0, 1);
	assert_true(w.right >= 0.98 * w.downloads);
	assert_true(w.joined_right >= 0.93 * w.joined);
	assert_true(w.wrong <= 0.01 * w.downloads);
	assert_true(w.sure_wrong <= 0.005 * w.sure);
}

/* Among 950 sizes of other files as well, and among 20,000 most of them: there only files
 * are tried that are alone elsewhere, or that would complete several records. */
static void
test_decoys(void **state)
{
	struct world w;

	run(&w, 0, 950, 2);
	assert_true(w.joined_right >= 0.9 * w.joined);
	assert_true(w.wrong <= 0.01 * w.downloads);
	assert_true(w.sure_wrong <= 0.005 * w.sure);
	run(&w, 0, 20000, 3);
	assert_true(w.joined_right >= 0.6 * w.joined);
	assert_true(w.wrong <= 0.01 * w.downloads);
	assert_true(w.sure_wrong <= 0.005 * w.sure);
}

/* One file in five the catalogue does not have: few sets are told of records with such,
 * hardly any with 0.99. */
static void
test_unknown(void **state)
{
	unsigned known = 0, sets = 0, wrong = 0, sure = 0, sure_wrong = 0, right = 0, i;
	struct world w;

	for (i = 0; i < 6; i++) {
		run(&w, 10, 0, 4 + i);
		known += w.known;
		right += w.right;
		sets += w.sets;
		wrong += w.sets_wrong;
		sure += w.sets_sure;
		sure_wrong += w.sets_sure_wrong;
	}
	print_message("sets %u, wrong %u; 0.99: %u, wrong %u\n", sets, wrong, sure,
		      sure_wrong);
	assert_true(right >= 0.9 * known);
	assert_true(sets >= 100);
	assert_true(wrong <= 0.1 * sets);
	assert_true(sure_wrong <= 0.005 * sure);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fifty),
	    cmocka_unit_test(test_decoys),
	    cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
