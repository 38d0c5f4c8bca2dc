/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * identify/sequence: pipelined runs made from a seed over a made-up catalogue, with the
 * troubles of real ones (files of no catalogue, merged segments, late requests, split
 * requests, lost rows), are decoded; of what is said with 0.99, at most 1 % is wrong.
 */
#include "identify/sequence.h"

#include "base/draw.h"
#include "base/err.h"
#include "model/flow.h"
#include "model/mark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

enum { ITEMS = 20000, RUN_MAX = 64, ROW_MARKS = 256, MSS = 1348, FRESH = UINT32_MAX - 7 };

struct trouble {
	uint64_t seed;
	uint32_t responses, batch; /* requests after the first answer, 8 to 10 */
	double unknown, merged, late, spurious, split, folder;
	uint32_t twin; /* one in so many has the size and path length of its neighbour */
	bool is_ordered; /* asked for in the order of the index */
	bool is_small;   /* mostly little files */
	uint32_t lost_row;
	uint32_t depth;  /* requests outstanding; 0: 10 */
	double apart;    /* headers that a segment of their own holds */
};

struct world {
	struct sequence_item items[ITEMS];
	struct flow rows[RUN_MAX + 8];
	uint64_t marks[RUN_MAX + 8][ROW_MARKS];
	uint32_t row_count;
	/* The truth. */
	uint32_t id[RUN_MAX];
	uint64_t end[RUN_MAX];
	uint32_t request[RUN_MAX];
	uint32_t header[RUN_MAX];
	/* What was said. */
	uint32_t named, right, wrong, sure, sure_wrong, said, blocks;
	uint32_t headers_told; /* taken for an answer */
	double expected; /* sum of the probabilities of names */
	uint64_t at;
	uint32_t last_rivals;
	uint64_t random;
};

static struct world world;

static uint64_t
draw(struct world *w)
{
	return draw_u64(&w->random);
}

static double
chance(struct world *w)
{
	return (double)(draw(w) >> 11) * 0x1p-53;
}

static int
compare_item(const void *a, const void *b)
{
	const struct sequence_item *x = a, *y = b;

	return (x->size > y->size) - (x->size < y->size);
}

static int
compare_order(const void *a, const void *b)
{
	const struct sequence_item *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

static void
make_items(struct world *w, const struct trouble *t)
{
	uint32_t i;

	for (i = 0; i < ITEMS; i++) {
		w->items[i] = (struct sequence_item){
		    .size = (uint64_t)exp(7 + 8.5 * pow(chance(w), t->is_small ? 2 : 1)) /
			    4 * 4,
		    .path_bytes =
			38 + (uint32_t)((chance(w) + chance(w) + chance(w)) * 20),
		};
		if (t->twin > 0 && i % t->twin == 1)
			w->items[i] = w->items[i - 1];
		w->items[i].id = i;
		/* Neighbours stand far from each other in the index. */
		w->items[i].order = t->is_ordered ? 1 + i / 2 + i % 2 * (ITEMS / 2) : 0;
	}
	qsort(w->items, ITEMS, sizeof *w->items, compare_item);
}

static void
mark(struct world *w, enum mark_kind kind, uint64_t value, uint64_t offset)
{
	struct flow *row = &w->rows[w->row_count - 1];

	if (row->marks.count == ROW_MARKS)
		return;
	w->marks[w->row_count - 1][row->marks.count] = mark_pack(kind, value, offset);
	row->marks.items = w->marks[w->row_count - 1];
	flow_set(row, marks, ((struct list){row->marks.items, row->marks.count + 1}));
}

static void
begin_row(struct world *w, uint64_t offset, uint64_t reverse_offset)
{
	struct flow *row = &w->rows[w->row_count++];

	*row = (struct flow){0};
	flow_set(row, start, (int64_t)w->row_count * 1000000);
	flow_set(row, end, (int64_t)w->row_count * 1000000 + 900000);
	flow_set(row, offset, offset);
	flow_set(row, reverse_offset, reverse_offset);
	flow_set(row, span, 0);
	flow_set(row, reverse_span, 0);
}

static void
send_request(struct world *w, const struct trouble *t, uint32_t bytes, uint64_t offset)
{
	struct flow *row = &w->rows[w->row_count - 1];
	uint64_t sent = row->offset + row->span;
	uint32_t part = 0;

	row->reverse_span = offset - row->reverse_offset;
	if (row->reverse_span > 0 && chance(w) < 0.8)
		begin_row(w, sent, offset);
	row = &w->rows[w->row_count - 1];
	if (chance(w) < t->split)
		part = chance(w) < 0.5 ? 1 : 70;
	mark(w, MARK_REQUEST, bytes - part, offset);
	if (part >= 64)
		mark(w, MARK_REQUEST, part, offset);
	row->span += bytes;
}

/* Segments of one response: mostly whole ones, merged ones of no meaning, its end. */
static void
send_response(struct world *w, const struct trouble *t, uint64_t from, uint64_t to,
	      uint32_t header, bool is_merged)
{
	uint64_t at = from, part;

	if (t->apart > 0 && chance(w) < t->apart)
		mark(w, MARK_END, header, at += header);
	while (to - at > 40000) {
		part = MSS * (1 + draw(w) % 24);
		if (chance(w) < t->spurious) {
			part -= 1 + draw(w) % (MSS - 1);
			mark(w, MARK_END, part, at + part);
		}
		at += part;
	}
	part = (to - at) % MSS + MSS * (draw(w) % (1 + (to - at) / MSS));
	if (!is_merged && part % MSS != 0)
		mark(w, MARK_END, part, to);
}

static void
make_run(struct world *w, const struct trouble *t)
{
	uint32_t i, n = t->responses, sent, batch = 0, header;
	uint64_t offset = 0, lag, anchor[RUN_MAX] = {0};
	struct sequence_item asked[RUN_MAX], item;
	bool is_merged;

	for (i = 0; i < n; i++)
		asked[i] = w->items[draw(w) % ITEMS];
	if (t->is_ordered)
		qsort(asked, n, sizeof *asked, compare_order);
	for (i = 0; i < n; i++) {
		item = asked[i];
		if (chance(w) < t->unknown)
			item = (struct sequence_item){.size = 1000 + draw(w) % 3000000,
						      .path_bytes =
							  40 + (uint32_t)(draw(w) % 60),
						      .id = FRESH};
		header =
		    (chance(w) < 0.1 ? 118 : 127) +
		    (uint32_t)snprintf(NULL, 0, "%llu", (unsigned long long)item.size);
		w->id[i] = item.id;
		w->header[i] = header;
		w->request[i] = item.path_bytes + (chance(w) < t->folder ? 97 : 88);
		w->end[i] = offset += item.size + header;
	}
	begin_row(w, 0, 0);
	w->rows[0].span = w->request[0];
	w->rows[0].reverse_span = w->end[0];
	begin_row(w, w->request[0], w->end[0]);
	for (sent = 1; sent < n && sent <= t->batch; sent++)
		batch += w->request[sent];
	w->rows[1].span = batch;
	mark(w, MARK_REQUEST, batch, w->end[0]);
	for (i = 1; i < n; i++) {
		is_merged = chance(w) < t->merged && i + 1 < n;
		/* What follows the answer before: the requests that fill up to ten. */
		while (sent < n && sent < i + (t->depth > 0 ? t->depth : 10) &&
		       anchor[i - 1] <= w->end[i]) {
			send_request(w, t, w->request[sent],
				     anchor[i - 1] > w->end[i - 1] ? anchor[i - 1]
								   : w->end[i - 1]);
			sent++;
		}
		send_response(w, t, w->end[i - 1], w->end[i], w->header[i], is_merged);
		lag = chance(w) < t->late ? (uint64_t)exp(chance(w) * 12) : 0;
		anchor[i] = w->end[i] + lag;
		if (anchor[i] < anchor[i - 1])
			anchor[i] = anchor[i - 1];
		if (i + 1 < n && anchor[i] > w->end[i + 1])
			anchor[i] = w->end[i + 1];
	}
	w->rows[w->row_count - 1].reverse_span =
	    offset - w->rows[w->row_count - 1].reverse_offset;
	if (t->lost_row > 0 && t->lost_row < w->row_count) {
		w->row_count--;
		memmove(&w->rows[t->lost_row], &w->rows[t->lost_row + 1],
			(w->row_count - t->lost_row) * sizeof *w->rows);
	}
}

static int
judge(void *arg, const struct sequence_response *r, struct err *err)
{
	struct world *w = arg;
	uint64_t from = 0;
	uint32_t i;
	bool is_right = false;

	assert_true(r->offset >= w->at && r->span > 0);
	assert_true(r->probability >= 0 && r->probability <= 1);
	assert_true(r->time_start <= r->time_end);
	w->at = r->offset + r->span;
	w->last_rivals = r->rivals;
	w->said++;
	w->blocks += r->verdict == SEQUENCE_BLOCK;
	for (i = 0; i < RUN_MAX && w->end[i] > 0; i++)
		w->headers_told += r->verdict == SEQUENCE_UNKNOWN && i > 0 &&
				   r->offset == w->end[i - 1] && r->span == w->header[i];
	if (r->verdict != SEQUENCE_NAMED)
		return 0;
	/* In a filled block two headers may change places: the middle tells the
	 * response. */
	for (i = 0; i < RUN_MAX && w->end[i] > 0; from = w->end[i], i++)
		is_right |= from <= r->offset + r->span / 2 &&
			    w->end[i] > r->offset + r->span / 2 && w->id[i] == r->id;
	w->named++;
	w->right += is_right;
	w->wrong += !is_right;
	w->expected += r->probability;
	w->sure += r->probability >= 0.99;
	w->sure_wrong += r->probability >= 0.99 && !is_right;
	return 0;
}

static void
clear_score(struct world *w)
{
	memset(w, 0, sizeof *w);
}

static void
make_world(struct world *w, const struct trouble *t)
{
	w->random = t->seed;
	w->row_count = 0;
	w->at = 0;
	memset(w->end, 0, sizeof w->end);
	memset(w->rows, 0, sizeof w->rows);
	make_items(w, t);
	make_run(w, t);
}

static void
decode(struct world *w, const struct trouble *t, struct sequence_stats *stats)
{
	struct sequence_config config;
	struct err err = {0};
	uint32_t *by_path;

	make_world(w, t);
	sequence_config_init(&config);
	config.items = w->items;
	config.count = ITEMS;
	config.by_path = by_path = sequence_by_path(w->items, ITEMS);
	assert_non_null(by_path);
	memset(stats, 0, sizeof *stats);
	if (sequence_decode(&config, w->rows, w->row_count, judge, w, stats, &err) != 0)
		fail_msg("seed %llu: %s", (unsigned long long)t->seed, err.text);
	free(by_path);
}

static void
names_a_clean_run(void **state)
{
	struct sequence_stats stats;
	struct trouble t = {.responses = 40, .batch = 10};
	uint32_t i;

	clear_score(&world);
	for (i = 0; i < 2; i++) {
		t.seed = 100 + i;
		t.batch = 10 - i % 3;
		decode(&world, &t, &stats);
		assert_int_equal(stats.depth, 10);
	}
	print_message("clean: %u of 80 right, %u wrong\n", world.right, world.wrong);
	assert_true(world.right >= 70);
	assert_int_equal(world.wrong, 0);
}

/* A client that keeps fewer requests outstanding shows it by its first batch. */
static void
tells_the_depth_by_the_first_batch(void **state)
{
	struct sequence_stats stats;
	struct trouble t = {.responses = 12, .merged = 0.5};
	uint32_t i;

	clear_score(&world);
	for (i = 0; i < 3; i++) {
		t.seed = 150 + i;
		t.batch = t.depth = 4 + i;
		decode(&world, &t, &stats);
		assert_int_equal(stats.depth, t.depth);
		assert_true(stats.is_depth_told);
	}
	assert_int_equal(world.sure_wrong, 0);
}

/* A header that a segment of its own holds is no answer. */
static void
takes_no_header_for_an_answer(void **state)
{
	struct sequence_stats stats;
	struct trouble t = {
	    .responses = 30, .batch = 10, .merged = 0.5, .apart = 0.5, .late = 0.3};
	uint32_t i;

	clear_score(&world);
	for (i = 0; i < 3; i++) {
		t.seed = 160 + i;
		decode(&world, &t, &stats);
	}
	print_message("headers apart: %u of 90 right, %u wrong\n", world.right,
		      world.wrong);
	assert_int_equal(world.headers_told, 0);
	assert_int_equal(world.sure_wrong, 0);
}

static void
leaves_unknown_files_unnamed(void **state)
{
	struct sequence_stats stats;
	struct trouble t = {.responses = 40, .batch = 10, .unknown = 0.25};
	uint32_t i;

	clear_score(&world);
	for (i = 0; i < 2; i++) {
		t.seed = 200 + i;
		decode(&world, &t, &stats);
	}
	print_message("a quarter unknown: %u of 80 right, %u wrong\n", world.right,
		      world.wrong);
	assert_true(world.right >= 42);
	assert_true(world.wrong <= 1);
}

static void
survives_merged_segments_and_late_requests(void **state)
{
	struct sequence_stats stats;
	struct trouble t = {.responses = 40,
			    .batch = 10,
			    .merged = 0.15,
			    .late = 0.2,
			    .spurious = 0.05,
			    .split = 0.05,
			    .folder = 0.1};
	uint32_t i;

	clear_score(&world);
	for (i = 0; i < 2; i++) {
		t.seed = 300 + i;
		decode(&world, &t, &stats);
	}
	print_message("merged and late: %u of 80 right, %u wrong\n", world.right,
		      world.wrong);
	assert_true(world.right >= 42);
	assert_true(world.wrong <= 3);
}

static void
goes_on_after_a_lost_row(void **state)
{
	struct sequence_stats stats;
	struct trouble t = {.responses = 40, .batch = 10};
	uint32_t i;

	clear_score(&world);
	for (i = 0; i < 2; i++) {
		t.seed = 400 + i;
		t.lost_row = 3 + 8 * i;
		decode(&world, &t, &stats);
	}
	print_message("a row lost: %u of 80 right, %u wrong\n", world.right, world.wrong);
	assert_true(world.right >= 65);
	assert_true(world.wrong <= 1);
}

static void
says_a_set_for_equal_files(void **state)
{
	struct sequence_stats stats;
	struct trouble t = {.seed = 500, .responses = 30, .batch = 10, .twin = 2};

	clear_score(&world);
	decode(&world, &t, &stats);
	assert_int_equal(world.named, 0);
	assert_true(stats.unknown >= 25);
	assert_true(world.last_rivals >= 2);
}

static void
tells_equal_files_apart_by_order(void **state)
{
	struct sequence_stats stats;
	struct trouble t = {.responses = 40, .batch = 10, .twin = 4, .is_ordered = true};
	uint32_t i;

	clear_score(&world);
	for (i = 0; i < 1; i++) {
		t.seed = 550 + i;
		decode(&world, &t, &stats);
	}
	print_message("half of them twins, in order: %u of 40 right, %u wrong\n",
		      world.right, world.wrong);
	assert_true(world.right >= 32);
	assert_true(world.wrong <= 3);
}

static void
is_calibrated(void **state)
{
	struct sequence_stats stats;
	struct trouble t;
	uint32_t i, n = 0;

	clear_score(&world);
	for (i = 0; i < 20; i++) {
		t = (struct trouble){.seed = 1000 + i,
				     .responses = 3 + 2 * i,
				     .batch = 8 + i % 3,
				     .unknown = 0.02 * (i % 5),
				     .merged = 0.03 * (i % 7),
				     .late = 0.05 * (i % 6),
				     .spurious = 0.02 * (i % 4),
				     .split = 0.01 * (i % 3),
				     .folder = 0.05 * (i % 4),
				     .is_small = i % 2,
				     .lost_row = i % 11 == 5 ? i / 4 : 0};
		n += t.responses;
		decode(&world, &t, &stats);
		assert_int_equal(stats.work_exceeded, 0);
	}
	print_message(
	    "of %u: %u named, %u wrong (%.1f expected); at 0.99: %u, %u wrong\n", n,
	    world.named, world.wrong, world.named - world.expected, world.sure,
	    world.sure_wrong);
	assert_true(world.named * 20 > n * 9);
	assert_true(world.sure > 100);
	assert_true(world.sure_wrong * 100 <= world.sure);
	assert_true(world.wrong <= 3 * (world.named - world.expected) + 5);
}

/* Decodes a run without any constants, and finds them. */
static void
learn(const struct trouble *t, struct sequence_stats *stats)
{
	struct sequence_config config;

	make_world(&world, t);
	sequence_config_init(&config);
	config.items = world.items;
	config.count = ITEMS;
	config.known = (struct sequence_modes){0};
	memset(stats, 0, sizeof *stats);
	assert_int_equal(sequence_decode(&config, world.rows, world.row_count, judge,
					 &world, stats, NULL),
			 0);
	assert_int_equal(stats->modes.header[0].bytes, 127);
	assert_int_equal(stats->modes.request[0].bytes, 88);
}

static void
learns_from_nothing(void **state)
{
	struct sequence_stats stats;
	struct trouble t = {.seed = 600, .responses = 50, .batch = 10};

	clear_score(&world);
	learn(&t, &stats);
	assert_int_equal(world.wrong, 0);
	assert_true(world.right >= 35);
}

/* The same where more segments end within files than at borders, and requests come
 * late. */
static void
learns_among_many_ends(void **state)
{
	struct sequence_stats stats;
	struct trouble t = {
	    .responses = 40, .batch = 10, .spurious = 0.4, .late = 0.3, .merged = 0.05};
	uint32_t i;

	clear_score(&world);
	for (i = 0; i < 3; i++) {
		t.seed = 610 + i;
		learn(&t, &stats);
		assert_int_equal(stats.depth, 10);
	}
	print_message("many ends: %u of 120 right, %u wrong\n", world.right, world.wrong);
	assert_true(world.right >= 72);
	assert_int_equal(world.sure_wrong, 0);
}

static void
stays_within_bounds(void **state)
{
	struct sequence_config config;
	struct sequence_stats stats = {0};
	struct trouble t = {.seed = 700, .responses = 60, .batch = 10, .spurious = 0.2};
	struct err err = {0};

	clear_score(&world);
	world.random = t.seed;
	make_items(&world, &t);
	make_run(&world, &t);
	sequence_config_init(&config);
	config.items = world.items;
	config.count = ITEMS;
	config.marks_max = 20;
	assert_int_equal(sequence_decode(&config, world.rows, world.row_count, judge,
					 &world, &stats, &err),
			 0);
	assert_true(stats.marks_dropped > 0);
	assert_int_equal(world.wrong, 0);
	config.marks_max = 20000;
	config.work_max = 1000;
	world.at = 0;
	assert_int_equal(sequence_decode(&config, world.rows, world.row_count, judge,
					 &world, &stats, &err),
			 0);
	assert_true(stats.work_exceeded > 0);
	config.work_max = 100000000;
	config.states_max = 4;
	world.at = 0;
	assert_int_equal(sequence_decode(&config, world.rows, world.row_count, judge,
					 &world, &stats, &err),
			 0);
	assert_true(stats.states_dropped > 0);
	assert_int_equal(world.wrong, 0);
}

/* Marks and offsets of no sense neither crash nor hang, nor do no rows and no items. */
static void
bears_nonsense(void **state)
{
	struct sequence_config config;
	struct sequence_stats stats = {0};
	struct trouble t = {.responses = 20, .batch = 10};
	struct world *w = &world;
	uint32_t i, j, k;

	clear_score(w);
	sequence_config_init(&config);
	config.work_max = 500000;
	assert_int_equal(sequence_decode(&config, NULL, 0, judge, w, &stats, NULL), 0);
	for (i = 0; i < 8; i++) {
		w->random = t.seed = 800 + i;
		w->row_count = 0;
		w->at = 0;
		make_items(w, &t);
		make_run(w, &t);
		config.items = w->items;
		config.count = i % 4 == 0 ? 0 : ITEMS;
		config.known.headers = i % 5 == 0 ? 0 : 2;
		for (j = 0; j < w->row_count; j++) {
			for (k = 0; k < w->rows[j].marks.count; k++)
				if (chance(w) < 0.3)
					w->marks[j][k] =
					    i % 2 == 0 ? draw(w)
						       : w->marks[j][k] ^
							     (uint64_t)1 << draw(w) % 64;
			if (chance(w) < 0.1)
				w->rows[j].span = draw(w) >> draw(w) % 64;
			if (chance(w) < 0.1)
				w->rows[j].reverse_span = draw(w) >> draw(w) % 64;
		}
		assert_int_equal(sequence_decode(&config, w->rows, w->row_count, judge, w,
						 &stats, NULL),
				 0);
	}
	config.items = (struct sequence_item[]){{9, 1, 0, 0}, {8, 1, 1, 0}};
	config.count = 2;
	assert_int_equal(sequence_decode(&config, w->rows, 1, judge, w, NULL, NULL), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_a_clean_run),
	    cmocka_unit_test(tells_the_depth_by_the_first_batch),
	    cmocka_unit_test(takes_no_header_for_an_answer),
	    cmocka_unit_test(leaves_unknown_files_unnamed),
	    cmocka_unit_test(survives_merged_segments_and_late_requests),
	    cmocka_unit_test(goes_on_after_a_lost_row),
	    cmocka_unit_test(says_a_set_for_equal_files),
	    cmocka_unit_test(tells_equal_files_apart_by_order),
	    cmocka_unit_test(is_calibrated),
	    cmocka_unit_test(learns_from_nothing),
	    cmocka_unit_test(learns_among_many_ends),
	    cmocka_unit_test(stays_within_bounds),
	    cmocka_unit_test(bears_nonsense),
	};

	return cmocka_run_group_tests_name("identify/sequence", tests, NULL, NULL);
}
