/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names by spans through every law of TLS records and HTTP/2 frames: connections of
 * several downloads as the meter cuts them, with a greeting, tickets in the first
 * exchange, records that grow, alerts at the end and paths in Huffman's code, learned
 * without labels on a port that says nothing.
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
#include "model/mark.h"
#include "model/sink.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goal.h"
#include "sim.h"

enum {
	CONNECTIONS = 25,
	DOWNLOADS = 8, /* of a connection */
	HEADER = 240,
	REQUEST = 96,
	FEW = 20, /* the same where all headers are in the table, long paths shrink by more */
	PREFIX_BITS = 43, /* of the folder before a path, in Huffman's code */
	TICKETS = 510,
	LOOSE_FROM = 500000,
	PORT = 8401,
};

static struct sim sim;
static uint64_t seed = 20261201;

/* Each test has draws of its own. */
static void
begin(unsigned test)
{
	sim.seed = seed * 100 + test;
}

/* Sizes even in the logarithm, 1 kB to 20 MB. */
static struct catalog *
archive(unsigned files)
{
	struct catalog *c = catalog_new();
	char name[32], path[160];
	unsigned i;

	for (i = 0; i < files; i++) {
		struct catalogue row = {0};
		int n = snprintf(name, sizeof name, "file%u", i);
		int m = snprintf(path, sizeof path, "pool/main/%.*s/%s_1.%u+%u.deb",
				 (int)(10 + sim_below(&sim, 40)),
				 "libabc-defghijklmnopqrstuvwxyzabcd-efghijklmnopqrstuv",
				 name,
				 (unsigned)sim_below(&sim, 100),
				 (unsigned)sim_below(&sim, 1000));

		catalogue_set(&row, name, ((struct str){name, (uint32_t)n}));
		catalogue_set(&row, path, ((struct str){path, (uint32_t)m}));
		catalogue_set(&row, path_len, (uint32_t)m);
		catalogue_set(&row, size, (uint64_t)exp(6.9 + sim_uniform(&sim) * 9.9));
		assert_int_equal(catalog_add(c, &row, NULL), 0);
	}
	catalog_seal(c);
	return c;
}

/* Sizes and paths of fifty files of 1 to 50 MB, and so many others' sizes alone. */
static struct catalog *
decoys(unsigned others)
{
	struct catalog *c = catalog_new();
	char name[32];
	unsigned i;

	for (i = 0; i < 50 + others; i++) {
		struct catalogue row = {0};
		int n = snprintf(name, sizeof name, i < 50 ? "a-file-%u" : "other%u", i);

		catalogue_set(&row, name, ((struct str){name, (uint32_t)n}));
		catalogue_set(&row, size,
			      i < 50 ? 1000000 + sim_below(&sim, 49000000)
				     : (uint64_t)exp(6.9 + sim_uniform(&sim) * 9.9));
		if (i < 50) {
			n = snprintf(name, sizeof name, "%.*s.bin", (int)(3 + i % 20),
				     "quqhxcvbnmasdfghjklpoiuyt");
			catalogue_set(&row, path, ((struct str){name, (uint32_t)n}));
			catalogue_set(&row, path_len, (uint32_t)n);
		}
		assert_int_equal(catalog_add(c, &row, NULL), 0);
	}
	catalog_seal(c);
	return c;
}

struct score {
	struct sink sink;
	const struct catalog *catalog;
	size_t truth[CONNECTIONS * DOWNLOADS]; /* by connection and exchange */
	unsigned all, right, named, sure, sure_wrong, sets, sets_right;
	unsigned others; /* findings of what was no download */
	double doubt;    /* names that should be wrong, by their probabilities */
};

static bool
is_candidate(const struct finding *f, const char *name)
{
	size_t n = strlen(name), i;

	for (i = 0; finding_has(f, candidates) && i + n < f->candidates.len; i++)
		if (memcmp(f->candidates.data + i, name, n) == 0 &&
		    f->candidates.data[i + n] == ' ')
			return true;
	return false;
}

static int
judge(struct sink *sink, struct batch *batch, struct err *err)
{
	struct score *s = (struct score *)sink;
	size_t i;

	for (i = 0; i < batch->rows; i++) {
		struct finding f;
		const char *name;
		bool is_named, is_right;

		batch_row(batch, i, &f);
		if (f.exchange < 1 || f.exchange > DOWNLOADS) {
			s->others++;
			continue;
		}
		name = catalog_text(
		    s->catalog,
		    catalog_files(s->catalog)[s->truth[(f.connection - 1) * DOWNLOADS +
						       f.exchange - 1]]
			.name);
		is_named = finding_has(&f, name);
		is_right = is_named && strlen(name) == f.name.len &&
			   memcmp(name, f.name.data, f.name.len) == 0;
		s->all++;
		s->named += is_named;
		s->right += is_right;
		s->doubt += is_named ? 1 - f.probability : 0;
		s->sure += is_named && f.probability >= 0.99;
		s->sure_wrong += is_named && !is_right && f.probability >= 0.99;
		s->sets += !is_named && f.kind == KIND_whole;
		s->sets_right += !is_named && f.kind == KIND_whole && is_candidate(&f,
		    name);
	}
	return 0;
}

/* A connection as it goes on. */
struct talk {
	struct identify *id;
	const struct tls_law_row *law;
	uint64_t connection, offset, request_offset;
	uint32_t exchange, records; /* of those with data */
	uint64_t loose_from; /* larger files wait for the client's window: see
			      * tls_cost_loose; 0: none does */
	uint32_t update_every; /* octets after which the client updates it; 0: not told */
	uint32_t request;      /* octets beside the path */
};

static void
say(struct talk *t, uint64_t request, uint64_t response, uint16_t flags,
    uint32_t finished)
{
	struct batch *batch = batch_new(&flow_schema, 1);
	struct flow flow = {0};
	uint64_t marks[] = {mark_pack(MARK_REQUEST, finished, t->offset),
			    mark_pack(MARK_REQUEST, request - finished, t->offset)};

	flow_set(&flow, start,
		 1700000000000000 + (int64_t)(t->connection * 100 + t->exchange) *
		 1000000);
	flow_set(&flow, end, flow.start + 500000);
	flow_set(&flow, src, addr_v4(0x0a000001));
	flow_set(&flow, dst, addr_v4(0xc6336401));
	flow_set(&flow, src_port, (uint16_t)(20000 + t->connection));
	flow_set(&flow, dst_port, PORT);
	flow_set(&flow, proto, 6);
	flow_set(&flow, connection, t->connection);
	flow_set(&flow, exchange, t->exchange);
	flow_set(&flow, offset, t->request_offset);
	flow_set(&flow, reverse_offset, t->offset);
	flow_set(&flow, span, request);
	flow_set(&flow, reverse_span, response);
	flow_set(&flow, packets, 3 + response / 3000);
	flow_set(&flow, bytes, request + 52 * flow.packets + 8);
	flow_set(&flow, reverse_packets, 3 + response / 1448);
	flow_set(&flow, reverse_bytes, response + 52 * flow.reverse_packets + 8);
	flow_set(&flow, tcp_flags, flags);
	flow_set(&flow, reverse_tcp_flags, flags);
	/* TLS 1.3: the end of the handshake goes out with the request. */
	if (finished > 0)
		flow_set(&flow, marks, ((struct list){marks, 2}));
	batch_append(batch, &flow);
	assert_int_equal(identify_batch(t->id, batch, NULL), 0);
	batch_free(batch);
	t->exchange++;
	t->offset += response;
	t->request_offset += request;
}

/* What a file costs here, and the records that went for it. */
static uint64_t
framing(struct talk *t, uint64_t size, uint32_t header)
{
	enum tls_law law = (enum tls_law)(t->law - tls_law_rows);
	uint64_t cost = tls_cost_early(law, size, header, t->records), frames = 0;

	if (t->loose_from > 0 && size > t->loose_from) {
		uint64_t full = (size + header + size / t->law->frame *
		    t->law->frame_cost) /
				t->law->record,
			 fewest = (full + 2) * t->law->record_cost +
				  size / t->law->frame * t->law->frame_cost;

		/* Some records fewer than the law has, as many as fit; some frames cut in
		 * two. */
		if (cost > fewest)
			cost -= sim_below(&sim,
			    (uint32_t)((cost - fewest) / t->law->record_cost)) *
				t->law->record_cost;
		cost += sim_below(&sim, 8) * (t->law->frame_cost + t->law->record_cost);
	}
	if (t->law->frame > 0)
		frames = (size + t->law->frame - 1) / t->law->frame * t->law->frame_cost;
	if (t->law->record_cost > 0)
		t->records += (uint32_t)((cost - frames) / t->law->record_cost);
	return cost;
}

static uint64_t
path_octets(const struct tls_law_row *law, const struct catalog *catalog,
	    const struct catalog_file *file)
{
	const char *path = catalog_text(catalog, file->path);

	return law->frame == 0 ? file->path_len
			       : (hpack_path_bits(path, strlen(path)) + PREFIX_BITS + 7) /
			           8;
}

static void
download(struct talk *t, const struct catalog *catalog, const struct catalog_file *file,
	 bool is_first, bool is_last)
{
	uint32_t header = HEADER + size_digits(file->size, false),
		 alert = is_last && t->law->record_cost > 0 ? 2 + t->law->record_cost : 0,
		 finished = is_first && t->law->record_cost == 22 ? 80 : 0;
	uint64_t response = file->size + header + framing(t, file->size, header) + alert,
		 request = t->request + path_octets(t->law, catalog, file) + finished;

	if (is_last && sim_uniform(&sim) < 0.5)
		request += alert;
	/* Of the window's updates, each in a record, one more or less. */
	if (t->update_every > 0)
		request += (is_first ? 16 : 0) +
			   (file->size / t->update_every + sim_below(&sim, 3)) *
			       (13 + t->law->record_cost);
	say(t, request, response + (finished > 0 ? TICKETS : 0), is_last ? 0x1b : 0x1a,
	    finished);
}

static void
run(const struct catalog *catalog, unsigned files, enum tls_law law, uint64_t loose_from,
    uint32_t update_every, struct score *s)
{
	struct identify_config config = {.catalog = catalog};
	struct identify *id = identify_new(&config);
	struct err err = {0};
	unsigned i, k;

	*s = (struct score){.sink.push = judge, .catalog = catalog};
	for (i = 0; i < CONNECTIONS; i++) {
		struct talk t = {.id = id,
				 .law = &tls_law_rows[law],
				 .connection = i + 1,
				 .loose_from = loose_from,
				 .update_every = update_every,
				 .request = update_every > 0 ? FEW : REQUEST};

		if (t.law->record_cost > 0)
			say(&t, 517, 1340 + sim_below(&sim, 3), 0x1a, 0);
		else
			t.exchange = 1; /* the preface */
		for (k = 0; k < DOWNLOADS; k++) {
			size_t pick;

			/* Others are not served. */
			do
				pick = sim_below(&sim, files);
			while (catalog_files(catalog)[pick].path_len == 0);
			s->truth[i * DOWNLOADS + k] = pick;
			download(&t, catalog, &catalog_files(catalog)[pick], k == 0,
				 k + 1 == DOWNLOADS);
		}
	}
	if (identify_finish(id, &s->sink, &err) < 0)
		fail_msg("%s", err.text);
	/* Nothing but downloads makes a finding. */
	assert_int_equal(s->others, 0);
	assert_int_equal(identify_counters(id)[IDENTIFY_small_talk],
			 tls_law_rows[law].record_cost > 0 ? CONNECTIONS : 0);
	assert_int_equal(s->all, CONNECTIONS * DOWNLOADS);
	identify_free(id);
}

/* Of what is said with 0.99 one in 200 may be wrong; of all names as many as their
 * probabilities say, and what chance adds to that. */
static void
assert_honest(const struct score *s)
{
	assert_true(s->sure_wrong <= goal_most(s->sure, 0.005));
	assert_true(s->named - s->right <= s->doubt + 3.1 * sqrt(s->doubt + 1));
}

static void
tell(const char *name, unsigned files, const struct score *s)
{
	print_message("%-18s %5u files: %u of %u right, %u named; sets %u, right %u; 0.99: %u, "
		      "wrong %u\n",
		      name, files, s->right, s->all, s->named, s->sets, s->sets_right,
		      s->sure,
		      s->sure_wrong);
}

/* 50 files: 99.9 % by each law, and of all laws' downloads together. */
static void
test_fifty(void **state)
{
	struct catalog *catalog;
	unsigned right = 0, all = 0;
	struct score s;
	int law;

	begin(1);
	catalog = archive(50);
	for (law = 0; law < TLS_LAWS; law++) {
		run(catalog, 50, (enum tls_law)law, 0, 0, &s);
		tell(tls_law_rows[law].name, 50, &s);
		assert_true(s.right >= goal_least(s.all, 0.999));
		assert_honest(&s);
		right += s.right;
		all += s.all;
	}
	print_message("%u of %u\n", right, all);
	assert_true(right >= goal_least(all, 0.999));
	catalog_free(catalog);
}

/* A server that keeps its law for small files only, because large ones wait: among 50
 * files nearly all are named all the same, among 1,000 as well, for what large ones are
 * short of the law are whole records, and among 60,000, where the large ones, which are
 * few, do not tell the header, nine of ten. */
static void
test_loose(void **state)
{
	static const enum tls_law laws[] = {TLS_nginx_h2_tls13, TLS_nginx_h2_tls12,
					    TLS_nginx_h2_tls13_4k};
	struct catalog *few, *many, *most;
	unsigned right = 0;
	struct score s;
	size_t i;

	begin(2);
	few = archive(50);
	many = archive(1000);
	most = archive(60000);
	for (i = 0; i < sizeof laws / sizeof laws[0]; i++) {
		run(few, 50, laws[i], LOOSE_FROM, 0, &s);
		tell(tls_law_rows[laws[i]].name, 50, &s);
		assert_true(s.right >= goal_least(s.all, 0.98));
		assert_honest(&s);
		run(many, 1000, laws[i], LOOSE_FROM, 0, &s);
		tell(tls_law_rows[laws[i]].name, 1000, &s);
		assert_true(s.right >= goal_least(s.all, 0.98));
		assert_honest(&s);
		run(most, 60000, laws[i], LOOSE_FROM, 0, &s);
		tell(tls_law_rows[laws[i]].name, 60000, &s);
		assert_true(s.sure_wrong <= goal_most(s.sure, 0.005));
		right += s.right;
	}
	print_message("loose total %u\n", right);
	assert_true(right >= goal_least(600, 0.9));
	catalog_free(few);
	catalog_free(many);
	catalog_free(most);
}

/* The same of fifty files among sizes of 60,000 others: the few that keep the law tell
 * it, though they are not those that are alone of their size. */
static void
test_decoys(void **state)
{
	struct catalog *catalog;
	struct score s;

	begin(5);
	catalog = decoys(60000);
	run(catalog, 60050, TLS_nginx_h2_tls13, 8000000, 0, &s);
	tell("among decoys", 60050, &s);
	/* Nine files of ten, each of which comes four times. */
	assert_true(s.right >= goal_least(50, 0.9) * s.all / 50);
	assert_honest(&s);
	catalog_free(catalog);
}

/* Requests of which it is not known how many updates of the window are beside them: their
 * paths' lengths are told all the same, as well as where there are none. With an update
 * for every 32 KiB requests are far longer than those of other servers. */
static void
test_updates(void **state)
{
	static const struct {
		enum tls_law law;
		uint32_t every;
	} rows[] = {{TLS_nginx_h2_tls13, 1000000}, {TLS_nginx_h2_tls12, 1000000},
	    {TLS_nginx_h2_tls13, 32768}};
	struct catalog *few, *many;
	unsigned right = 0;
	struct score s;
	size_t i;

	begin(4);
	few = archive(50);
	many = archive(30000);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		run(few, 50, rows[i].law, LOOSE_FROM, rows[i].every, &s);
		tell(tls_law_rows[rows[i].law].name, 50, &s);
		assert_true(s.right >= goal_least(s.all, 0.98));
		assert_honest(&s);
		run(many, 30000, rows[i].law, LOOSE_FROM, rows[i].every, &s);
		tell(tls_law_rows[rows[i].law].name, 30000, &s);
		assert_honest(&s);
		right += s.right;
	}
	print_message("updates total %u\n", right);
	/* Without what updates leave of a request it is two of three. */
	assert_true(right >= goal_least(600, 0.9));
	catalog_free(few);
	catalog_free(many);
}

/* An archive of 60,000: as many as by plain HTTP/1.1, but for one in fifty, or one in
 * twenty where records grow and how many came before is not known; the others in sets. */
static void
test_archive(void **state)
{
	static const enum tls_law laws[] = {TLS_none, TLS_tls13_16k, TLS_apache_tls12,
					    TLS_go_tls13, TLS_nginx_h2_tls12,
					    TLS_go_h2_tls13};
	struct catalog *catalog;
	unsigned plain = 0;
	struct score s;
	double share;
	size_t i;

	begin(3);
	catalog = archive(60000);
	for (i = 0; i < sizeof laws / sizeof laws[0]; i++) {
		run(catalog, 60000, laws[i], 0, 0, &s);
		tell(tls_law_rows[laws[i]].name, 60000, &s);
		plain = i == 0 ? s.right : plain;
		share = tls_law_rows[laws[i]].is_growing ? 0.95 : 0.98;
		assert_true(s.right >= goal_least(s.all, share * plain / s.all));
		assert_true(s.right + s.sets_right >=
		    goal_least(s.all, fmin(0.99, share + 0.02)));
		assert_honest(&s);
		assert_true(s.sets_right >= goal_least(s.sets, 0.95));
	}
	catalog_free(catalog);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fifty),
	    cmocka_unit_test(test_loose),
	    cmocka_unit_test(test_archive),
	    cmocka_unit_test(test_updates),
	    cmocka_unit_test(test_decoys),
	};
	const char *told = getenv("WEIR_SEED");

	seed = told != NULL ? strtoull(told, NULL, 10) : seed;
	print_message("seed %llu (WEIR_SEED)\n", (unsigned long long)seed);
	return cmocka_run_group_tests_name("identify: encrypted and framed spans", tests,
	    NULL, NULL);
}
