/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is written is read back: every type, width and form, with and without nulls, of
 * sizes around the page border, values of different shapes (constant, few, sorted,
 * random, extreme), each codec. Values are made from a seed that a failure prints.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/draw.h"
#include "base/err.h"
#include "base/text.h"
#include "parquet/parquet.h"

static const struct parquet_column_spec specs[] = {
    {"u8", PARQUET_INT32, PARQUET_UINT_8},
    {"u16", PARQUET_INT32, PARQUET_UINT_16, .is_optional = true},
    {"u32", PARQUET_INT32, PARQUET_UINT_32, .is_optional = true},
    {"u64", PARQUET_INT64, PARQUET_UINT_64, .is_optional = true},
    {"i8", PARQUET_INT32, PARQUET_INT_8, .is_optional = true},
    {"i16", PARQUET_INT32, PARQUET_INT_16},
    {"i32", PARQUET_INT32, PARQUET_PLAIN, .is_optional = true},
    {"i64", PARQUET_INT64, PARQUET_INT_64},
    {"time", PARQUET_INT64, PARQUET_TIMESTAMP_MICROS},
    {"real", PARQUET_DOUBLE, PARQUET_PLAIN, .is_optional = true},
    {"truth", PARQUET_BOOLEAN, PARQUET_PLAIN, .is_optional = true},
    {"address", PARQUET_FLBA, PARQUET_PLAIN, 16, .is_optional = true},
    {"mac", PARQUET_FLBA, PARQUET_PLAIN, 6},
    {"text", PARQUET_BYTE_ARRAY, PARQUET_STRING, .is_optional = true},
    {"coded", PARQUET_BYTE_ARRAY, PARQUET_STRING, .is_optional = true},
    {"raw", PARQUET_BYTE_ARRAY, PARQUET_PLAIN},
    {"marks", PARQUET_INT64, PARQUET_UINT_64, .is_optional = true, .is_list = true},
};
enum {
	COLUMNS = sizeof specs / sizeof *specs,
	ROWS = PARQUET_PAGE_ROWS * 2 + 77,
};

static const uint32_t widths[COLUMNS] = {1, 2, 4, 8, 1, 2, 4, 8, 8, 8, 1, 16, 6};

/* Values of one column, with the memory they lie in. */
struct made {
	struct parquet_values values;
	uint64_t present[ROWS / 64 + 1];
	uint8_t data[ROWS * 16];
	uint32_t codes[ROWS];
	uint32_t offsets[ROWS + 1];
	uint8_t bytes[ROWS * 12];
	uint64_t elements[ROWS * 4];
};

static struct made made[COLUMNS];
static uint64_t state;
static uint64_t run; /* the seed under way */

static uint64_t
dice(void)
{
	return draw_u64(&state);
}

static const uint64_t extremes[] = {0,
				    1,
				    255,
				    256,
				    65535,
				    0x7fffffff,
				    0x80000000u,
				    0xffffffffu,
				    0x100000000u,
				    0x7fffffffffffffffu,
				    0x8000000000000000u,
				    UINT64_MAX,
				    UINT64_MAX - 1,
				    127,
				    128};

static uint64_t
shaped(unsigned shape, size_t i)
{
	static uint64_t walk;

	switch (shape) {
	case 0:
		return 0x8000000000000000u | 0x80000000u | 7;
	case 1:
		return dice() % 5 * 1000003;
	case 2:
		return walk = i == 0 ? 1700000000000000u : walk + dice() % 1000;
	case 3:
		return extremes[dice() % (sizeof extremes / sizeof *extremes)];
	case 4:
		return i / 50;
	default:
		return dice();
	}
}

static void
make_strings(struct made *m, size_t rows, unsigned shape, bool is_coded)
{
	size_t n = is_coded ? 1 + dice() % 40 : rows;

	m->offsets[0] = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t v = shaped(shape, i);
		int len = snprintf((char *)m->bytes + m->offsets[i], 12, "%.*s%llu",
				   (int)(v % 3), "abc", (unsigned long long)v % 10000000);

		m->offsets[i + 1] = m->offsets[i] + (v % 7 == 0 ? 0 : (uint32_t)len);
	}
	m->values.offsets = m->offsets;
	m->values.bytes = m->bytes;
	m->values.form = is_coded ? PARQUET_DICT : PARQUET_FLAT;
	m->values.codes = m->codes;
	m->values.dict_size = is_coded ? (uint32_t)n : 0;
	for (size_t i = 0; i < rows; i++)
		m->codes[i] = (uint32_t)(dice() % n);
}

static void
make_list(struct made *m, size_t rows, unsigned shape)
{
	m->offsets[0] = 0;
	for (size_t i = 0; i < rows; i++) {
		bool is_null =
		    m->values.present != NULL && !(m->present[i / 64] >> i % 64 & 1);

		m->offsets[i + 1] =
		    m->offsets[i] + (is_null ? 0 : (uint32_t)(dice() % 4));
		for (size_t k = m->offsets[i]; k < m->offsets[i + 1]; k++)
			m->elements[k] = shaped(shape, k);
	}
	m->values.form = PARQUET_LIST;
	m->values.offsets = m->offsets;
	m->values.data = m->elements;
	m->values.width = 8;
}

static void
make(size_t column, size_t rows)
{
	struct made *m = &made[column];
	const struct parquet_column_spec *spec = &specs[column];
	unsigned shape = (unsigned)(dice() % 6), holes = (unsigned)(dice() % 5);
	uint32_t width = widths[column];

	memset(m, 0, sizeof *m);
	m->values = (struct parquet_values){
	    .form = PARQUET_FLAT, .width = width, .data = m->data};
	if (spec->is_optional && holes > 0) {
		for (size_t w = 0; w <= rows / 64; w++)
			m->present[w] = holes == 1   ? dice()
					: holes == 2 ? 0 - (dice() & 1)
					: holes == 3 ? 0 - (uint64_t)(w > 300)
						     : UINT64_MAX;
		m->values.present = m->present;
	}
	if (spec->is_list) {
		make_list(m, rows, shape);
		return;
	}
	if (spec->type == PARQUET_BYTE_ARRAY) {
		make_strings(m, rows, shape, strcmp(spec->name, "coded") == 0);
		return;
	}
	for (size_t i = 0; i < rows; i++) {
		uint64_t v = shaped(shape, i);
		double real = (double)(int64_t)v / 3;

		if (spec->type == PARQUET_BOOLEAN)
			v &= 1;
		else if (spec->type == PARQUET_DOUBLE)
			memcpy(&v, &real, 8);
		memcpy(m->data + i * width, &v, width < 8 ? width : 8);
	}
	if (dice() % 8 == 0 || (shape == 0 && dice() % 2))
		m->values.form = PARQUET_CONSTANT;
	else if (dice() % 8 == 0) {
		m->values.form = PARQUET_DICT;
		m->values.codes = m->codes;
		m->values.dict_size = 1 + (uint32_t)(dice() % rows);
		for (size_t i = 0; i < rows; i++)
			m->codes[i] = (uint32_t)(dice() % m->values.dict_size);
	}
	if (spec->is_optional && dice() % 16 == 0)
		m->values.form = PARQUET_ABSENT;
}

struct slice {
	const uint8_t *at; /* NULL: null */
	size_t n;
};

/* The value of a row, whatever the form. */
static struct slice
value_at(const struct parquet_values *v, size_t i)
{
	static const uint8_t empty[1];
	struct slice s;

	if (v->form == PARQUET_ABSENT ||
	    (v->present != NULL && (v->present[i / 64] >> i % 64 & 1) == 0))
		return (struct slice){NULL, 0};
	if (v->form == PARQUET_LIST)
		s = (struct slice){(const uint8_t *)v->data + v->offsets[i] * 8ul,
				   (v->offsets[i + 1] - v->offsets[i]) * 8ul};
	else {
		i = v->form == PARQUET_CONSTANT ? 0
		    : v->form == PARQUET_DICT   ? v->codes[i]
						: i;
		if (v->width > 0)
			s = (struct slice){(const uint8_t *)v->data + i * v->width,
					   v->width};
		else
			s = (struct slice){v->bytes + v->offsets[i],
					   v->offsets[i + 1] - v->offsets[i]};
	}
	if (s.n == 0)
		s.at = empty;
	return s;
}

static void
check_column(struct parquet_reader *r, size_t column, size_t rows,
	     struct parquet_buffer *got)
{
	struct err err = {0};
	uint64_t nulls = 0;
	struct parquet_stats stats;

	if (parquet_read_column(r, 0, column, got, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(got->rows, rows);
	for (size_t i = 0; i < rows; i++) {
		struct slice a = value_at(&made[column].values, i);
		struct slice b = value_at(&got->values, i);

		nulls += a.at == NULL;
		if ((a.at == NULL) != (b.at == NULL) || a.n != b.n ||
		    (a.n > 0 && memcmp(a.at, b.at, a.n) != 0))
			fail_msg(
			    "seed %llu: column %s row %zu differs (%zu and %zu bytes; "
			    "forms %d %d)",
			    (unsigned long long)run, specs[column].name, i, a.n, b.n,
			    made[column].values.form, got->values.form);
	}
	parquet_reader_stats(r, 0, column, &stats);
	assert_true(stats.has_null_count);
	if (!specs[column].is_list)
		assert_int_equal(stats.null_count, nulls);
}

/* Writes the made columns through all steps and returns the file. */
static void
write_file(struct parquet_encoder *e, uint32_t rows, struct text *out)
{
	struct parquet_group_meta *meta = parquet_group_meta_new();
	struct parquet_group_meta *again = parquet_group_meta_new();
	struct parquet_key_value pairs[] = {{"version", "7"}, {"empty", NULL}};
	struct parquet_values values[COLUMNS];
	struct parquet_file *f;
	struct text image, bytes;
	struct err err = {0};
	int fd = memfd_create("parquet", 0);

	text_init(&image);
	text_init(&bytes);
	text_str(&image, "journal"); /* images may follow something */
	for (size_t i = 0; i < COLUMNS; i++)
		values[i] = made[i].values;
	if (parquet_encode_group(e, values, rows, &image, meta, &err) < 0)
		fail_msg("%s", err.text);
	parquet_group_meta_put(meta, &bytes);
	if (parquet_group_meta_get(bytes.data, bytes.len, specs, COLUMNS, again, &err) <
	    0)
		fail_msg("%s", err.text);
	assert_int_equal(parquet_group_meta_rows(again), rows);
	assert_int_equal(parquet_group_meta_image_bytes(again), image.len - 7);
	if (parquet_file_begin(&f, fd, "memory", specs, COLUMNS, &err) < 0 ||
	    parquet_file_add_group(f, image.data + 7, image.len - 7, again, &err) < 0 ||
	    parquet_file_finish(f, pairs, 2, &err) < 0)
		fail_msg("%s", err.text);
	text_clear(out);
	text_room(out, parquet_file_bytes(f));
	assert_int_equal(pread(fd, out->data, parquet_file_bytes(f), 0),
			 parquet_file_bytes(f));
	out->len = parquet_file_bytes(f);
	parquet_file_free(f);
	parquet_group_meta_free(meta);
	parquet_group_meta_free(again);
	text_done(&image);
	text_done(&bytes);
	close(fd);
}

static void
round_trip(enum parquet_codec codec, uint32_t rows, uint64_t seed)
{
	struct parquet_encoder *e;
	struct parquet_reader *r;
	struct parquet_buffer got = {0};
	struct err err = {0};
	struct text file;

	state = run = seed;
	text_init(&file);
	if (parquet_encoder_new(&e, specs, COLUMNS, codec, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < COLUMNS; i++)
		make(i, rows);
	write_file(e, rows, &file);
	if (parquet_reader_open_memory(&r, file.data, file.len, "memory", &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(parquet_reader_columns(r), COLUMNS);
	assert_int_equal(parquet_reader_rows(r), rows);
	assert_string_equal(parquet_reader_value(r, "version"), "7");
	for (size_t i = 0; i < COLUMNS; i++) {
		const struct parquet_column_spec *s = parquet_reader_column(r, i);

		assert_string_equal(s->name, specs[i].name);
		assert_int_equal(s->type, specs[i].type);
		assert_int_equal(s->logical, specs[i].logical);
		assert_int_equal(s->is_optional, specs[i].is_optional);
		assert_int_equal(s->is_list, specs[i].is_list);
		assert_false(s->is_unreadable);
		assert_int_equal(parquet_reader_find(r, specs[i].name), i);
		check_column(r, i, rows, &got);
	}
	parquet_buffer_done(&got);
	parquet_reader_close(r);
	parquet_encoder_free(e);
	text_done(&file);
}

static void
test_sizes(void **unused)
{
	static const uint32_t sizes[] = {1,
					 2,
					 7,
					 8,
					 9,
					 63,
					 64,
					 65,
					 127,
					 128,
					 129,
					 130,
					 1000,
					 5000,
					 PARQUET_PAGE_ROWS - 1,
					 PARQUET_PAGE_ROWS,
					 PARQUET_PAGE_ROWS + 1,
					 PARQUET_PAGE_ROWS * 2 + 77};
	static const enum parquet_codec codecs[] = {PARQUET_CODEC_NONE, PARQUET_CODEC_LZ4,
						    PARQUET_CODEC_ZSTD};
	uint64_t seed = 1;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (size_t k = 0; k < (sizes[i] < 2000 ? 6 : 3); k++)
			round_trip(codecs[k % 3], sizes[i], seed++);
}

static void
test_random(void **unused)
{
	const char *given = getenv("WEIR_SEED");
	uint64_t seed = given == NULL ? 1000 : strtoull(given, NULL, 10);

	for (size_t i = 0; i < 30; i++) {
		state = seed + i;
		round_trip(PARQUET_CODEC_LZ4, 1 + (uint32_t)(dice() % 3000), seed + i);
	}
}

static void
test_refusals(void **unused)
{
	struct parquet_column_spec one = {"x", PARQUET_INT32, PARQUET_UINT_32};
	struct parquet_column_spec bad = {"x", PARQUET_INT32, PARQUET_UINT_64};
	struct parquet_values absent = {0};
	struct parquet_group_meta *meta = parquet_group_meta_new();
	struct parquet_encoder *e;
	struct text image;
	struct err err = {0};

	text_init(&image);
	assert_int_equal(parquet_encoder_new(&e, &bad, 1, PARQUET_CODEC_NONE, &err), -1);
	assert_non_null(strstr(err.text, "needs the type INT64"));
	err_clear(&err);
	assert_int_equal(parquet_encoder_new(&e, &one, 1, PARQUET_CODEC_NONE, &err), 0);
	assert_int_equal(parquet_encode_group(e, &absent, 5, &image, meta, &err), -1);
	assert_non_null(strstr(err.text, "null in a required column"));
	assert_int_equal(image.len, 0);
	err_clear(&err);
	assert_int_equal(parquet_encode_group(e, &absent, 0, &image, meta, &err), -1);
	parquet_group_meta_free(meta);
	parquet_encoder_free(e);
	text_done(&image);
}

static void
test_full_disk(void **unused)
{
	struct parquet_column_spec one = {"x", PARQUET_INT32, PARQUET_UINT_32};
	struct parquet_file *file;
	struct err err = {0};
	int fd = open("/dev/full", O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(parquet_file_begin(&file, fd, "/dev/full", &one, 1, &err), -1);
	assert_non_null(strstr(err.text, "/dev/full: write at offset 0: No space left"));
	close(fd);
}

/* Statistics of unsigned columns are in unsigned order. */
static void
test_statistics(void **unused)
{
	struct parquet_column_spec columns[] = {{"a", PARQUET_INT32, PARQUET_UINT_32},
						{"b", PARQUET_INT64, PARQUET_UINT_64},
						{"c", PARQUET_INT32, PARQUET_INT_32}};
	uint32_t a[] = {0x80000000u, 1, 0xffffffffu};
	uint64_t b[] = {0x8000000000000000u, UINT64_MAX, 3};
	int32_t c[] = {INT32_MIN, 5, INT32_MAX};
	struct parquet_values values[] = {{PARQUET_FLAT, 4, .data = a},
					  {PARQUET_FLAT, 8, .data = b},
					  {PARQUET_FLAT, 4, .data = c}};
	struct parquet_group_meta *meta = parquet_group_meta_new();
	const struct parquet_stats *s;
	struct parquet_encoder *e;
	struct text image;

	text_init(&image);
	assert_int_equal(parquet_encoder_new(&e, columns, 3, PARQUET_CODEC_NONE, NULL),
			 0);
	assert_int_equal(parquet_encode_group(e, values, 3, &image, meta, NULL), 0);
	s = parquet_group_meta_stats(meta, 0);
	assert_true(s->has_min_max && s->min_number == 1 && s->max_number == 0xffffffffu);
	s = parquet_group_meta_stats(meta, 1);
	assert_true(s->min_number == 3 && s->max_number == UINT64_MAX);
	s = parquet_group_meta_stats(meta, 2);
	assert_true((int64_t)s->min_number == INT32_MIN && s->max_number == INT32_MAX);
	parquet_group_meta_free(meta);
	parquet_encoder_free(e);
	text_done(&image);
}

/* Whichever row has them, of however many. */
static void
test_statistics_see_every_row(void **unused)
{
	struct parquet_column_spec column = {"a", PARQUET_INT64, PARQUET_INT_64};
	struct parquet_encoder *e;

	assert_int_equal(parquet_encoder_new(&e, &column, 1, PARQUET_CODEC_NONE, NULL),
			 0);
	for (uint32_t n = 1; n < 12; n++) {
		for (uint32_t at = 0; at < n * n; at++) {
			uint32_t least = at % n, most = at / n;
			struct parquet_group_meta *meta = parquet_group_meta_new();
			int64_t a[12] = {0};
			struct parquet_values values = {PARQUET_FLAT, 8, .data = a};
			const struct parquet_stats *s;
			struct text image;

			a[least] = -7;
			a[most] = least == most ? a[least] : 9;
			text_init(&image);
			assert_int_equal(parquet_encode_group(e, &values, n, &image, meta,
							      NULL), 0);
			s = parquet_group_meta_stats(meta, 0);
			assert_true(s->has_min_max);
			assert_int_equal((int64_t)s->min_number, -7);
			assert_int_equal((int64_t)s->max_number,
					 least != most ? 9 : n == 1 ? -7 : 0);
			parquet_group_meta_free(meta);
			text_done(&image);
		}
	}
	parquet_encoder_free(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sizes),      cmocka_unit_test(test_random),
	    cmocka_unit_test(test_refusals),   cmocka_unit_test(test_full_disk),
	    cmocka_unit_test(test_statistics),
	    cmocka_unit_test(test_statistics_see_every_row),
	};

	return cmocka_run_group_tests_name("parquet: round trips", tests, NULL, NULL);
}
