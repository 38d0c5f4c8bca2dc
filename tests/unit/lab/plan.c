/* SPDX-License-Identifier: BSD-2-Clause */
/* Files and downloads: what the seed decides, within the bounds that a scenario gives. */
#include "base/err.h"
#include "base/text.h"
#include "lab/corpus.h"
#include "lab/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void
parse(struct scenario *s, const char *text)
{
	struct err err = {0};

	if (scenario_parse(s, "x", text, strlen(text), &err) != 0)
		fail_msg("%s", err.text);
}

static void
test_corpus(void **state)
{
	static const char *const texts[] = {"",
	    "[files]\neven = no\nmin = 1k\nmax = 1M\n",
	    "[files]\ncount = 300\nscale = 0.5\n", "[client]\nprogram = apt\n"};
	struct corpus one, two, other;
	struct scenario s;
	size_t t, i, k, differ;

	for (t = 0; t < sizeof texts / sizeof *texts; t++) {
		parse(&s, texts[t]);
		assert_true(corpus_draw(&one, &s, 7, NULL) == 0 &&
		    corpus_draw(&two, &s, 7, NULL) == 0 && corpus_draw(&other, &s, 8,
		    NULL) == 0);
		assert_true(one.count == s.files_count);
		for (i = differ = 0; i < one.count; i++) {
			double size = (double)one.list[i].bytes / s.files_scale;
			char path[256];

			assert_memory_equal(&one.list[i], &two.list[i], sizeof *one.list);
			differ += one.list[i].bytes != other.list[i].bytes;
			assert_true(size > (double)s.files_min - 3 &&
			    size < (double)s.files_max + 3);
			snprintf(path, sizeof path, "/%s", one.list[i].path);
			assert_ptr_equal(corpus_find(&one, path), &one.list[i]);
			for (k = 0; k < i; k++)
				assert_string_not_equal(one.list[i].name,
				    one.list[k].name);
		}
		assert_true(differ + 2 >= one.count);
		assert_null(corpus_find(&one, "/favicon.ico"));
		corpus_done(&one);
		corpus_done(&two);
		corpus_done(&other);
	}
}

/* Half of the logarithmic sizes are below the middle magnitude. */
static void
test_magnitudes(void **state)
{
	struct corpus c;
	struct scenario s;
	size_t i, small = 0;

	parse(&s, "[files]\neven = no\nmin = 1k\nmax = 1M\ncount = 1000\n");
	assert_true(corpus_draw(&c, &s, 1, NULL) == 0);
	for (i = 0; i < c.count; i++)
		small += c.list[i].bytes < 31623;
	assert_true(small > 420 && small < 580);
	corpus_done(&c);
}

/* The files of the disk have their sizes; text is text of many words, and nothing
 * else. */
static void
test_files(void **state)
{
	static const char *const texts[] = {"[files]\ncount = 5\nmax = 2M\n",
	    "[files]\ncount = 5\nmin = 1\nmax = 50k\ntext = yes\n",
	    "[files]\ncount = 5\nmax = 2M\n[client]\nprogram = apt\nreuse = 5\n"};
	const char *folder = getenv("WEIR_TMP");
	char path[4096], bytes[4096];
	struct err err = {0};
	struct corpus c;
	struct scenario s;
	size_t t, i, k, n;

	if (folder == NULL)
		folder = "/tmp";
	for (t = 0; t < sizeof texts / sizeof *texts; t++) {
		parse(&s, texts[t]);
		assert_true(corpus_draw(&c, &s, 7, NULL) == 0);
		if (corpus_make(&c, &s, 7, folder, &err) != 0)
			fail_msg("%s", err.text);
		for (i = 0; i < c.count; i++) {
			struct stat st;
			FILE *file;

			snprintf(path, sizeof path, "%s/%s", folder, c.list[i].path);
			assert_true(stat(path, &st) == 0);
			assert_true((uint64_t)st.st_size == c.list[i].bytes);
			file = fopen(path, "r");
			assert_non_null(file);
			n = fread(bytes, 1, sizeof bytes, file);
			fclose(file);
			for (k = 0; k < n; k++)
				assert_true(s.files_text ? (bytes[k] >= 'a' &&
				    bytes[k] <= 'z') || bytes[k] == ' ' ||
				    bytes[k] == '\n' : bytes[k] == '\0');
		}
		corpus_done(&c);
	}
	/* it is there: a folder in its way */
	parse(&s, texts[0]);
	assert_true(corpus_draw(&c, &s, 7, NULL) == 0);
	assert_true(corpus_make(&c, &s, 7, "/nonexistent", &err) == -1);
	assert_non_null(strstr(err.text, "/nonexistent"));
	corpus_done(&c);
}

static void
test_catalogue(void **state)
{
	struct corpus_file files[] = {{"a.bin", "a.bin", 10, 0},
	    {"b.bin", "d/b.bin", 20, 7}};
	struct corpus c = {files, 2};
	struct text t;

	text_init(&t);
	corpus_catalogue(&c, &t);
	assert_string_equal(t.data, "name\tsize\tpath\tencoding\na.bin\t10\ta.bin\t\n"
	    "b.bin\t20\td/b.bin\t\nb.bin\t7\td/b.bin\tgzip\n");
	text_done(&t);
}

/* Blocks cover all runs, runs all downloads, in order. */
static void
plan_check(const struct plan *p, const struct scenario *s)
{
	uint64_t train = 0, test = 0;
	uint32_t run = 0, file = 0, i, k;

	for (i = 0; i < p->block_count; i++) {
		const struct plan_block *b = &p->blocks[i];
		uint32_t downloads = 0;

		assert_int_equal(b->first, run);
		assert_true(b->downloads <= s->scenario_block);
		assert_true(!b->is_train || test == 0);
		for (k = 0; k < b->count; k++, run++) {
			const struct plan_run *r = &p->runs[run];

			assert_int_equal(r->first, file);
			assert_true(r->count >= 1 && r->count <= s->client_reuse);
			assert_true(r->client < s->network_clients &&
			    r->server < s->network_servers);
			file += r->count;
			downloads += r->count;
		}
		assert_int_equal(downloads, b->downloads);
		*(b->is_train ? &train : &test) += downloads;
	}
	assert_int_equal(run, p->run_count);
	assert_int_equal(file, p->file_count);
	assert_int_equal(train, s->scenario_train);
	assert_int_equal(test, s->scenario_downloads);
}

static void
test_plan(void **state)
{
	static const char *const texts[] = {"", "[scenario]\ntrain = 1250\nblock = 250\n",
	    "[client]\n"
	    "program = requests\n"
	    "reuse = 7\n"
	    "[network]\n"
	    "clients = 3\n"
	    "servers = 5\n",
	    "[scenario]\ndownloads = 1\n", "[client]\nprogram = chromium\nreuse = 50\n"};
	struct plan p, again, other;
	struct corpus c;
	struct scenario s;
	size_t t;

	for (t = 0; t < sizeof texts / sizeof *texts; t++) {
		parse(&s, texts[t]);
		assert_true(corpus_draw(&c, &s, 1, NULL) == 0);
		assert_true(plan_draw(&p, &s, &c, 1, NULL) == 0 &&
		    plan_draw(&again, &s, &c, 1, NULL) == 0 &&
		    plan_draw(&other, &s, &c, 2, NULL) == 0);
		plan_check(&p, &s);
		assert_memory_equal(p.files, again.files, p.file_count * sizeof *p.files);
		assert_true(p.file_count == 1 ||
		    memcmp(p.files, other.files, p.file_count * sizeof *p.files) != 0);
		plan_done(&p);
		plan_done(&again);
		plan_done(&other);
		corpus_done(&c);
	}
}

/* A page asks for no file twice. */
static void
test_distinct(void **state)
{
	struct plan p;
	struct corpus c;
	struct scenario s;
	uint32_t i, j, k;

	parse(&s, "[client]\nprogram = chromium\nreuse = 20\n");
	assert_true(corpus_draw(&c, &s, 1, NULL) == 0 && plan_draw(&p, &s, &c, 1,
	    NULL) == 0);
	for (i = 0; i < p.run_count; i++)
		for (j = 0; j < p.runs[i].count; j++)
			for (k = 0; k < j; k++)
				assert_true(p.files[p.runs[i].first + j] !=
				    p.files[p.runs[i].first + k]);
	plan_done(&p);
	corpus_done(&c);
}

static void
test_actions(void **state)
{
	unsigned count[ACTIONS] = {0};
	struct plan p;
	struct corpus c;
	struct scenario s;
	uint32_t i;

	parse(&s, "[scenario]\ndownloads = 10000\n[client]\nprogram = curl\nranges = 0.2\n"
	    "resume = 0.1\nabort = 0.3\nunmodified = 0.05\n");
	assert_true(corpus_draw(&c, &s, 1, NULL) == 0 && plan_draw(&p, &s, &c, 1,
	    NULL) == 0);
	for (i = 0; i < p.run_count; i++) {
		const struct plan_run *r = &p.runs[i];
		uint64_t bytes = c.list[p.files[r->first]].bytes;

		count[r->action]++;
		assert_true(r->cut > 0 && r->cut < bytes && r->end >= r->cut &&
		    r->end < bytes);
	}
	assert_true(count[ACTION_range] > 1800 && count[ACTION_range] < 2200);
	assert_true(count[ACTION_resume] > 850 && count[ACTION_resume] < 1150);
	assert_true(count[ACTION_abort] > 2750 && count[ACTION_abort] < 3250);
	assert_true(count[ACTION_unmodified] > 390 && count[ACTION_unmodified] < 610);
	plan_done(&p);
	corpus_done(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus), cmocka_unit_test(test_magnitudes),
		cmocka_unit_test(test_files), cmocka_unit_test(test_catalogue),
		cmocka_unit_test(test_plan), cmocka_unit_test(test_distinct),
		cmocka_unit_test(test_actions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
