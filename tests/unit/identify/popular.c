/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that are downloaded again and again, and what that is worth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/catalog.h"
#include "identify/popular.h"
#include "model/catalogue.h"

#include <math.h>
#include <stdio.h>

enum { FILES = 600 };

struct world {
	struct catalog *catalog;
	struct files files;
	struct popular *popular;
};

static void
begin(struct world *w)
{
	char name[32];
	size_t i;

	w->catalog = catalog_new();
	for (i = 0; i < FILES; i++) {
		struct catalogue row = {0};
		int n = snprintf(name, sizeof name, "file%zu", i);

		catalogue_set(&row, name, ((struct str){name, (uint32_t)n}));
		catalogue_set(&row, size, 1000000 + i);
		assert_int_equal(catalog_add(w->catalog, &row, NULL), 0);
	}
	catalog_seal(w->catalog);
	files_init(&w->files, w->catalog);
	w->popular = popular_new(&w->files);
}

static void
end(struct world *w)
{
	popular_free(w->popular);
	files_done(&w->files);
	catalog_free(w->catalog);
}

/* A download of one file or another or of none. */
static struct verdict
download(uint32_t file, double p, uint32_t other, double q)
{
	return (struct verdict){
	    .count = 2,
	    .candidate = {{.file = file, .probability = p},
			  {.file = other, .probability = q}},
	    .whole = p + q,
	    .unknown = 1 - p - q};
}

static void
note(struct world *w, uint32_t file, unsigned times)
{
	struct verdict v = download(file, 0.97, file + 1, 0.01);

	while (times-- > 0)
		popular_add(w->popular, &v);
}

/* Ten files five times each: they are likelier than the others, and all files together
 * are as likely as before. */
static void
test_again(void **state)
{
	struct world w;
	double sum = 0;
	uint32_t i;

	(void)state;
	begin(&w);
	for (i = 0; i < 10; i++)
		note(&w, 20 * i, 5);
	for (i = 0; i < FILES; i++)
		sum += popular_factor(w.popular, i, false);
	assert_true(fabs(sum / FILES - 1) < 1e-9);
	/* 60 times, but for the two of 52 that may have been new. */
	assert_true(fabs(popular_factor(w.popular, 20, false) - 60 * 50.0 / 52) < 0.01);
	assert_true(popular_factor(w.popular, 21, false) < 0.1);
	end(&w);
}

/* The shares of all downloads, of files that are sure and of others: they come to 1, and
 * one in five of what is repeated is as often as it is, however large the catalogue. */
static void
test_share(void **state)
{
	struct world w;
	double sum = 0;
	uint32_t i;

	(void)state;
	begin(&w);
	assert_true(fabs(popular_share(w.popular, 3) - 1.0 / FILES) < 1e-12);
	note(&w, 100, 10);
	note(&w, 200, 40);
	for (i = 0; i < FILES; i++)
		sum += popular_share(w.popular, i);
	assert_true(fabs(sum - 1) < 1e-9);
	assert_int_equal(popular_count(w.popular, 200), 40);
	assert_true(fabs(popular_share(w.popular, 100) -
			 (10.0 / 50 * 50 / 52 + 2.0 / 52 / FILES)) < 1e-9);
	assert_true(fabs(popular_other(w.popular) - 2.0 / 52 / FILES) < 1e-9);
	end(&w);
}

/* Where no file comes twice nothing is told, not even of one that comes again. */
static void
test_never_again(void **state)
{
	struct world w;
	uint32_t i;

	(void)state;
	begin(&w);
	for (i = 0; i < 100; i++)
		note(&w, 3 * i, 1);
	for (i = 0; i < FILES; i++)
		assert_true(popular_factor(w.popular, i, false) == 1);
	end(&w);
}

/* What is not sure says nothing, but that there are such downloads: what the sure ones
 * say holds for fewer then. */
static void
test_unsure(void **state)
{
	struct verdict v = download(7, 0.9, 8, 0.05);
	struct world w;
	double all;
	uint32_t i;

	(void)state;
	begin(&w);
	for (i = 0; i < 10; i++)
		note(&w, 20 * i, 5);
	all = popular_factor(w.popular, 20, false);
	for (i = 0; i < 50; i++)
		popular_add(w.popular, &v);
	assert_true(popular_factor(w.popular, 7, false) < 1);
	assert_true(fabs(popular_factor(w.popular, 20, false) - (1 + (all - 1) / 2)) <
		    0.01);
	assert_true(popular_factor(w.popular, 7, false) > 0.5);
	end(&w);
}

/* A download does not speak for itself. */
static void
test_own(void **state)
{
	struct verdict v = download(300, 0.97, 301, 0.01);
	struct world w;
	uint32_t i;

	(void)state;
	begin(&w);
	for (i = 0; i < 10; i++)
		note(&w, 20 * i, 5);
	note(&w, 300, 1);
	assert_true(popular_factor(w.popular, 300, false) > 1);
	assert_true(popular_factor(w.popular, 300, true) < 1);
	popular_apply(w.popular, true, &v);
	assert_true(v.candidate[0].probability < 0.97);
	end(&w);
}

/* Of two files the popular one, and one file that is popular rather than none; with its
 * probability all others' add to 1. */
static void
test_apply(void **state)
{
	struct verdict v = download(21, 0.5, 20, 0.2);
	struct world w;
	uint32_t i;

	(void)state;
	begin(&w);
	for (i = 0; i < 10; i++)
		note(&w, 20 * i, 5);
	popular_apply(w.popular, false, &v);
	assert_int_equal(v.candidate[0].file, 20);
	assert_true(v.candidate[0].probability > 0.9);
	assert_true(v.unknown < 0.05);
	/* The surest of its downloads was that sure. */
	assert_true(v.candidate[0].probability < 0.97 + 1e-6);
	assert_true(fabs(v.candidate[0].probability + v.candidate[1].probability +
			 v.unknown - 1) < 1e-9);
	assert_true(fabs(v.whole + v.unknown - 1) < 1e-9);
	end(&w);
}

/* Of a download that any of many files explains the probabilities stay such: those
 * listed, those that are not and that of no file come to 1. */
static void
test_many_files(void **state)
{
	struct verdict v = {.count = CANDIDATES_MAX, .whole = 0.9, .unknown = 0.1};
	struct world w;
	double listed = 0;
	uint32_t i;

	(void)state;
	begin(&w);
	for (i = 0; i < 10; i++)
		note(&w, 20 * i, 5);
	for (i = 0; i < CANDIDATES_MAX; i++)
		v.candidate[i] = (struct candidate){.file = 19 + i, .probability = 0.03};
	popular_apply(w.popular, false, &v);
	for (i = 0; i < v.count; i++)
		listed += v.candidate[i].probability;
	assert_true(listed < v.whole);
	assert_true(fabs(v.whole + v.partial + v.unknown - 1) < 1e-9);
	end(&w);
}

/* Where nearly every download is of a file that was not seen before, such a file is
 * likelier than those that were: what nobody downloaded has no surest download, and
 * nothing holds it. */
static void
test_unseen(void **state)
{
	struct verdict first = download(598, 0.6, 20, 0.3), second = download(20, 0.5, 598, 0.4);
	struct world w;
	uint32_t i;

	(void)state;
	begin(&w);
	for (i = 0; i < 280; i++)
		note(&w, 2 * i, 1);
	note(&w, 590, 5);
	assert_true(popular_factor(w.popular, 598, false) > 1);
	popular_apply(w.popular, false, &first);
	assert_int_equal(first.candidate[0].file, 598);
	assert_true(first.candidate[0].probability > 0.8);
	popular_apply(w.popular, false, &second);
	assert_int_equal(second.candidate[0].file, 598);
	assert_true(second.candidate[0].probability > 0.8);
	assert_true(fabs(second.whole + second.partial + second.unknown - 1) < 1e-9);
	end(&w);
}

/* For who weighs files one by one: all files together stay as likely, whatever files of a
 * size are beside, and a download does not speak for itself. */
static void
test_one_by_one(void **state)
{
	struct world w;
	const uint32_t *file;
	double sum = 0;
	size_t count, i;

	(void)state;
	begin(&w);
	for (i = 0; i < 10; i++)
		note(&w, (uint32_t)(20 * i), 5);
	note(&w, 300, 1);
	popular_end(w.popular);
	assert_true(popular_tells(w.popular));
	file = popular_files(w.popular, &count);
	assert_int_equal(count, 11);
	for (i = 0; i < 10; i++)
		assert_int_equal(file[i], 20 * i);
	for (i = 0; i < FILES; i++)
		sum += popular_count(w.popular, (uint32_t)i) > 0
			   ? popular_seen(w.popular, (uint32_t)i, false, 1)
			   : popular_unseen(w.popular, 1);
	assert_true(fabs(sum / FILES - 1) < 1e-9);
	assert_true(popular_seen(w.popular, 20, false, 1) > 40);
	assert_true(popular_seen(w.popular, 300, true, 1) < 1);
	/* Where no file of that size is likely, popular ones still are. */
	assert_true(popular_seen(w.popular, 20, false, 0.01) > 40);
	assert_true(popular_unseen(w.popular, 0.01) < 0.01);
	end(&w);
}

/* Records that are likelier of a file that is not listed are told by what they have
 * beside. */
static void
test_doubt(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_true(popular_doubted(w.popular, 20, 5000) == 0);
	popular_doubt(w.popular, 20, 8, 3000);
	assert_true(popular_doubted(w.popular, 20, 2999) == 0);
	assert_true(popular_doubted(w.popular, 20, 3000) == 8);
	assert_true(popular_doubted(w.popular, 21, 3000) == 0);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_again), cmocka_unit_test(test_share),  cmocka_unit_test(test_never_again),
	    cmocka_unit_test(test_unsure), cmocka_unit_test(test_own),
	    cmocka_unit_test(test_apply),  cmocka_unit_test(test_many_files),
	    cmocka_unit_test(test_unseen),
	    cmocka_unit_test(test_one_by_one), cmocka_unit_test(test_doubt),
	};

	return cmocka_run_group_tests_name("identify: popular files", tests, NULL, NULL);
}
