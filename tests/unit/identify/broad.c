/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Naming by spans of what no constant explains: the fast ways, which count files and look
 * at few, against their slow twins, which look at each. And finding files by size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/catalog.h"
#include "identify/path_range.h"
#include "identify/span.h"
#include "identify/span_weigh.h"
#include "model/catalogue.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 400, ROUNDS = 12 };

static uint64_t seed;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % below);
}

/* Files of 1 kB to about 8 MB, so that windows hold hundreds; paths of 20 to 20 + spread
 * octets, of three sources. */
static struct catalog *
make_catalog(uint32_t count, uint32_t spread)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
	    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
	    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
	static const char *sources[] = {"main", "security", "updates"};
	struct catalog *catalog = catalog_new();
	uint32_t i;

	for (i = 0; i < count; i++) {
		struct catalogue row = {0};
		const char *source = sources[draw(3)];
		char name[16], path[256];
		int n = snprintf(name, sizeof name, "f%06u", i), m;

		m = snprintf(path, sizeof path, "%.*s/%s", 12 + (int)draw(spread),
			     letters, name);
		catalogue_set(&row, name, ((struct str){name, (uint32_t)n}));
		catalogue_set(&row, path, ((struct str){path, (uint32_t)m}));
		catalogue_set(&row, source,
			      ((struct str){source, (uint32_t)strlen(source)}));
		catalogue_set(&row, size,
			      (uint64_t)(1000 * exp(draw(1000000) / 1e6 * 9)));
		assert_int_equal(catalog_add(catalog, &row, NULL), 0);
	}
	catalog_seal(catalog);
	return catalog;
}

static void
draw_modes(struct modes *modes, uint32_t least, uint32_t apart)
{
	uint32_t i;

	modes->count = 1 + draw(3);
	modes->other = 0.02 + draw(100) / 500.0;
	for (i = 0; i < modes->count; i++)
		modes->mode[i] = (struct mode){
		    .bytes = least + i * (1 + draw(apart)) + draw(8),
		    .digits = (uint8_t)draw(2),
		    .weight = (1 - modes->other) / modes->count};
}

static void
draw_constants(struct constants *c)
{
	uint32_t i, k;

	memset(c, 0, sizeof *c);
	draw_modes(&c->header, 200, 80);
	/* Near one another, so that what is near one constant is near others as well. */
	draw_modes(&c->request, 20 + draw(100), 20);
	for (i = 1; i < c->request.count; i++)
		c->request.mode[i].bytes += c->request.mode[i - 1].bytes;
	for (i = 0; i < SOURCES_MAX; i++)
		for (k = 0; k < c->request.count; k++)
			c->by_source[i][k] =
			    c->request.mode[k].weight * (0.5 + draw(100) / 100.0);
	c->unknown = 0.1;
}

/* A file whose header is no constant, or nearly one. */
static struct record
draw_record(const struct files *files, const struct constants *c)
{
	uint32_t file = draw((uint32_t)files->count);

	return (struct record){
	    .has_span = true,
	    .has_request = true,
	    .span = files->file[file].size + 100 + draw(1800),
	    .request_span = draw(12) == 0
				? draw(2500)
				: files->file[file].path_len +
				      c->request.mode[draw(c->request.count)].bytes +
				      (draw(3) == 0 ? draw(40) : 0),
	    .sampling = 1};
}

/* What each file weighs; the sum of all. */
static double
weigh_slowly(const struct files *files, const struct constants *c,
	     const struct record *r, double *weight)
{
	double scale = (1 - c->unknown) / (double)files->count, sum = 0, p;
	size_t at;
	uint32_t i;

	for (at = 0; at < files->count; at++) {
		uint64_t size = files->file[at].size, beside = r->span - size;
		int64_t rest = (int64_t)r->request_span - files->file[at].path_len;
		uint32_t header;
		double request = SPAN_NO_REQUEST;

		weight[at] = 0;
		if (size >= r->span)
			continue;
		header = (uint32_t)(beside - decimal_digits(size));
		p = beside >= MODE_BYTES_MIN + 1 && beside <= MODE_BYTES_MAX + 36
			? c->header.other * span_rest_density(&c->header, header)
			: 0;
		for (i = 0; i < c->header.count; i++)
			if (mode_sent(&c->header.mode[i], size) == r->span)
				p += c->header.mode[i].weight;
		if (rest >= SPAN_REST_MIN && rest <= MODE_BYTES_MAX)
			request = c->request.other *
				  span_rest_density(&c->request, (uint32_t)rest);
		for (i = 0; i < c->request.count; i++)
			if (c->request.mode[i].bytes == rest)
				request += c->by_source[files->source[at]][i];
		weight[at] = scale * p * request;
		sum += weight[at];
	}
	return sum;
}

static int
falling(const void *pa, const void *pb)
{
	const double *a = pa, *b = pb;

	return (*a < *b) - (*a > *b);
}

/* Where no constant explains a record so well that the others are but summed up. */
static bool
is_looked_at(const struct files *files, const struct record *r)
{
	size_t from, to;

	span_window(files, false, r->span, &from, &to);
	return to - from <= 1000;
}

static void
agree(const struct files *files, const struct constants *c, const struct record *r,
      double *weight)
{
	double sum = weigh_slowly(files, c, r, weight), all;
	struct verdict v;
	uint32_t i;

	span_name(files, c, r, &v);
	all = v.evidence;
	/* Where a constant fits far better the rest is a sum of usual ones. */
	if (v.count == 0 || v.candidate[0].header_mode != 0)
		return;
	assert_true(fabs(all * (1 - v.unknown) - sum) <= 1e-9 * all);
	for (i = 0; i < v.count; i++)
		assert_true(fabs(all * v.candidate[i].probability -
				 weight[v.candidate[i].file]) <= 1e-9 * all);
	qsort(weight, files->count, sizeof *weight, falling);
	for (i = 0; i < v.count; i++)
		assert_true(fabs(all * v.candidate[i].probability - weight[i]) <=
			    1e-9 * weight[i] + 1e-15 * all);
	if (files->count > CANDIDATES_MAX && weight[CANDIDATES_MAX - 1] > 0)
		assert_int_equal(v.count, CANDIDATES_MAX);
}

static void
test_twin(void **state)
{
	uint32_t round, i, judged = 0;

	for (round = 0; round < ROUNDS; round++) {
		seed = round + 1;
		/* More than span_part.c looks at. */
		struct catalog *catalog = make_catalog(20500 + draw(9000), 1 + draw(110));
		struct constants c;
		struct span_table table;
		struct files files;
		double *weight;

		files_init(&files, catalog);
		weight = calloc(files.count, sizeof *weight);
		draw_constants(&c);
		assert_true(span_table_make(&c, &table));
		c.table = round % 2 == 0 ? &table : NULL;
		for (i = 0; i < RECORDS / 4; i++) {
			struct record r = draw_record(&files, &c);

			if (!is_looked_at(&files, &r))
				continue;
			judged++;
			agree(&files, &c, &r, weight);
		}
		free(weight);
		files_done(&files);
		catalog_free(catalog);
	}
	assert_true(judged > RECORDS);
}

/* The table's sums say what its list says. */
static void
test_table(void **state)
{
	struct span_table t;
	struct constants c;
	uint32_t round, r, i;
	double sum;

	for (seed = 7, round = 0; round < 100; round++) {
		draw_constants(&c);
		assert_true(span_table_make(&c, &t));
		for (r = SPAN_REST_MIN; r <= MODE_BYTES_MAX; r++) {
			for (sum = t.flat, i = 0; i < t.near_count; i++)
				sum += r >= t.near[i].from && r <= t.near[i].to
					   ? t.near[i].more
					   : 0;
			if (t.rest[r] == SPAN_CONSTANT)
				assert_true(fabs(sum - t.summed[t.mode[r] - 1]) < 1e-15);
			else
				assert_true(fabs(sum - t.rest[r]) < 1e-15);
			assert_true(t.rest[r] == SPAN_CONSTANT || t.rest[r] <= t.most);
			assert_true(t.rest[r] <= t.flat * (1 + 1e-14) ||
				    (r >= t.around.from && r <= t.around.to));
		}
	}
}

static void
test_range(void **state)
{
	uint16_t octets[3 * PATH_RANGE_FILES];
	uint32_t round, i, count;

	for (seed = 3, round = 0; round < 2000; round++) {
		int64_t least = (int64_t)draw(300) - 100, most = least + draw(120) - 10;
		struct path_range range = path_range_of(least, most);
		size_t n = draw(2 * PATH_RANGE_FILES);

		if (round % 10 == 0)
			most = least + 70000, range = path_range_of(least, most);
		for (i = 0; i < 3 * PATH_RANGE_FILES; i++)
			octets[i] = draw(8) == 0 ? UINT16_MAX - (uint16_t)draw(3)
						 : (uint16_t)draw(320);
		for (i = 0, count = 0; i < n; i++)
			count += octets[i] >= least && octets[i] <= most;
		assert_int_equal(path_range_count(range, octets, n), count);
		for (i = 0; i < PATH_RANGE_FILES; i++)
			assert_int_equal(path_range_bits(range, octets) >> i & 1,
					 octets[i] >= least && octets[i] <= most);
	}
}

static void
test_find(void **state)
{
	struct catalog *catalog = make_catalog(5000, 60);
	struct files files;
	uint64_t size;
	size_t at;

	seed = 5;
	files_init(&files, catalog);
	for (size = 0, at = 0; size < 30000; size++) {
		while (at < files.count && files.file[at].size < size)
			at++;
		assert_int_equal(files_lower(&files, size), at);
		assert_int_equal(files_first(&files, size),
				 at < files.count && files.file[at].size == size
				     ? at
				     : files.count);
	}
	for (at = 0; at < files.count; at++) {
		const struct files_slot *slot = files_find(&files, files.file[at].size);

		assert_non_null(slot);
		assert_int_equal(slot->path_octets, files.file[slot->file - 1].path_len);
		assert_int_equal(slot->source, files.source[slot->file - 1]);
		assert_int_equal(slot->is_shared,
				 slot->file < files.count &&
				     files.file[slot->file].size == slot->size);
	}
	files_done(&files);
	catalog_free(catalog);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_twin),
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_range),
	    cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
