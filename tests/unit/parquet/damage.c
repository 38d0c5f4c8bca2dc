/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged files: every cut and every flipped bit of a small file gives an error or a
 * right answer, never a crash (sanitizers watch). Page checksums hide the decoders from
 * random damage, so a second round rewrites the checksum of the page that was changed.
 * Damaged metadata from a journal is refused or harmless, too.
 */
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

#include "base/cursor.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/text.h"
#include "parquet/parquet.h"

enum { ROWS = 300 };

static const struct parquet_column_spec specs[] = {
    {"port", PARQUET_INT32, PARQUET_UINT_16, .is_optional = true},
    {"time", PARQUET_INT64, PARQUET_TIMESTAMP_MICROS},
    {"address", PARQUET_FLBA, PARQUET_PLAIN, 16, .is_optional = true},
    {"text", PARQUET_BYTE_ARRAY, PARQUET_STRING, .is_optional = true},
    {"marks", PARQUET_INT64, PARQUET_UINT_64, .is_optional = true, .is_list = true},
    {"truth", PARQUET_BOOLEAN, PARQUET_PLAIN, .is_optional = true},
    {"absent", PARQUET_DOUBLE, PARQUET_PLAIN, .is_optional = true},
};
enum { COLUMNS = sizeof specs / sizeof *specs };

static uint16_t port[ROWS];
static uint64_t times[ROWS], marks[ROWS * 2], present[ROWS / 64 + 1];
static uint8_t address[ROWS][16], truth[ROWS];
static uint32_t codes[ROWS], list_offsets[ROWS + 1];
static const uint32_t text_offsets[] = {0, 3, 3, 8};
static struct text file, meta_bytes;

static void
fill(struct parquet_values *v)
{
	for (uint32_t i = 0; i < ROWS; i++) {
		port[i] = (uint16_t)(i * i % 50);
		times[i] = 1700000000000000u + i * 1000 + i * i % 7;
		address[i][15] = (uint8_t)(i % 11);
		truth[i] = i % 3 == 0;
		codes[i] = i % 3;
		list_offsets[i + 1] = list_offsets[i] + (i % 5 == 0 ? 2 : 0);
		marks[i] = i * 77;
		if (i % 5 == 0 || i % 7 == 0)
			present[i / 64] |= (uint64_t)1 << i % 64;
	}
	v[0] = (struct parquet_values){PARQUET_FLAT, 2, .present = present, .data = port};
	v[1] = (struct parquet_values){PARQUET_FLAT, 8, .data = times};
	v[2] = (struct parquet_values){PARQUET_FLAT, 16, .present = present,
				       .data = address};
	v[3] = (struct parquet_values){PARQUET_DICT,
				       0,
				       3,
				       present,
				       .codes = codes,
				       .offsets = text_offsets,
				       .bytes = (const uint8_t *)"foobarxy"};
	v[4] = (struct parquet_values){PARQUET_LIST, 8, .present = present, .data = marks,
				       .offsets = list_offsets};
	v[5] = (struct parquet_values){PARQUET_FLAT, 1, .data = truth};
	v[6] = (struct parquet_values){PARQUET_ABSENT};
}

static int
setup(void **unused)
{
	struct parquet_values values[COLUMNS];
	struct parquet_group_meta *meta = parquet_group_meta_new();
	struct parquet_encoder *e;
	struct parquet_file *f;
	struct text image;
	int fd = memfd_create("parquet", 0);

	fill(values);
	text_init(&image);
	text_init(&file);
	text_init(&meta_bytes);
	if (parquet_encoder_new(&e, specs, COLUMNS, PARQUET_CODEC_LZ4, NULL) < 0 ||
	    parquet_file_begin(&f, fd, "memory", specs, COLUMNS, NULL) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		text_clear(&image);
		if (parquet_encode_group(e, values, ROWS, &image, meta, NULL) < 0 ||
		    parquet_file_add_group(f, image.data, image.len, meta, NULL) < 0)
			return -1;
	}
	if (parquet_file_finish(f, NULL, 0, NULL) < 0)
		return -1;
	parquet_group_meta_put(meta, &meta_bytes);
	text_room(&file, parquet_file_bytes(f));
	file.len = (size_t)pread(fd, file.data, parquet_file_bytes(f), 0);
	parquet_file_free(f);
	parquet_encoder_free(e);
	parquet_group_meta_free(meta);
	text_done(&image);
	close(fd);
	return 0;
}

static int
teardown(void **unused)
{
	text_done(&file);
	text_done(&meta_bytes);
	return 0;
}

/* Reads all there is. Returns how many columns could be read, -1 if not opened; a failure
 * must have a message that names the file. */
static int
read_all(const void *bytes, size_t n, struct parquet_buffer *b)
{
	struct parquet_reader *r;
	struct parquet_stats stats;
	struct err err = {0};
	int good = 0;

	if (parquet_reader_open_memory(&r, bytes, n, "FILE", &err) < 0) {
		assert_non_null(strstr(err.text, "FILE: "));
		return -1;
	}
	for (size_t g = 0; g < parquet_reader_groups(r); g++) {
		for (size_t c = 0; c < parquet_reader_columns(r); c++) {
			err_clear(&err);
			parquet_reader_stats(r, g, c, &stats);
			if (parquet_read_column(r, g, c, b, &err) == 0)
				good++;
			else
				assert_non_null(strstr(err.text, "FILE: offset "));
		}
	}
	parquet_reader_close(r);
	return good;
}

static void
test_whole(void **unused)
{
	struct parquet_buffer b = {0};

	assert_int_equal(read_all(file.data, file.len, &b), 2 * COLUMNS);
	parquet_buffer_done(&b);
}

static void
test_cut(void **unused)
{
	struct parquet_buffer b = {0};

	for (size_t n = 0; n < file.len; n++) {
		char *copy = malloc(n + 1); /* exact size: a byte too far is seen */

		memcpy(copy, file.data, n);
		copy = realloc(copy, n > 0 ? n : 1);
		assert_int_equal(read_all(copy, n, &b), -1);
		free(copy);
	}
	parquet_buffer_done(&b);
}

static void
test_flip(void **unused)
{
	struct parquet_buffer b = {0};
	char *copy = malloc(file.len);

	memcpy(copy, file.data, file.len);
	for (size_t i = 0; i < file.len; i++) {
		for (int bit = 0; bit < 8; bit += 1 + (int)(i % 3)) {
			copy[i] ^= (char)(1 << bit);
			read_all(copy, file.len, &b);
			copy[i] = file.data[i];
		}
	}
	free(copy);
	parquet_buffer_done(&b);
}

/* A flipped bit of a page's body is found by its checksum. */
static void
test_checksum(void **unused)
{
	struct parquet_buffer b = {0};
	uint32_t footer = load_le32((uint8_t *)file.data + file.len - 8);
	size_t data_end = file.len - 8 - footer, found = 0;
	char *copy = malloc(file.len);

	memcpy(copy, file.data, file.len);
	for (size_t i = 4; i < data_end; i += 3) {
		copy[i] ^= 0x10;
		found += read_all(copy, file.len, &b) < 2 * COLUMNS;
		copy[i] = file.data[i];
	}
	/* Not all: a header field may change without a meaning (an unused encoding). */
	assert_true(found * 100 > (data_end - 4) / 3 * 90);
	free(copy);
	parquet_buffer_done(&b);
}

/* Bodies are changed and their checksums made to fit, so that the decoders see the
 * damage: a page's crc is found in its header as the zigzag varint of the body's sum. */
static void
test_decoders(void **unused)
{
	struct parquet_buffer b = {0};
	uint32_t footer = load_le32((uint8_t *)file.data + file.len - 8);
	size_t data_end = file.len - 8 - footer, pages = 0;
	uint8_t *copy = malloc(file.len);

	memcpy(copy, file.data, file.len);
	for (size_t i = 4; i < data_end; i++) {
		struct cursor c = cursor_over(file.data + i, data_end - i);
		uint64_t numbers[4] = {0};
		size_t crc_at = 0, crc_bytes = 0, body = 0, n;

		/* A header begins with four i32 fields of ids 1 to 4: type, sizes, crc.
		 */
		for (int field = 0; field < 4 && cursor_u8(&c) == 0x15; field++) {
			const uint8_t *from = c.at;

			for (unsigned shift = 0; shift < 35; shift += 7) {
				uint8_t byte = cursor_u8(&c);

				numbers[field] |= (uint64_t)(byte & 0x7f) << shift;
				if (byte < 0x80)
					break;
			}
			crc_at = (size_t)(from - (uint8_t *)file.data);
			crc_bytes = (size_t)(c.at - from);
		}
		n = (size_t)(numbers[2] >> 1);
		for (size_t at = crc_at + crc_bytes; crc_bytes == 5 && at < crc_at + 30;
		     at++) {
			uint32_t sum;

			if (n == 0 || at + n > data_end)
				break;
			sum = crc32_of(0, file.data + at, n);
			if ((sum << 1 ^ (0 - (sum >> 31))) == (uint32_t)numbers[3])
				body = at;
		}
		if (body == 0)
			continue;
		pages++;
		for (size_t k = 0; k < n * 8; k += 1 + n / 64) {
			uint32_t sum, zigzag;

			copy[body + k / 8] ^= (uint8_t)(1 << k % 8);
			sum = crc32_of(0, copy + body, n);
			zigzag = sum << 1 ^ (0 - (sum >> 31));
			for (size_t x = 0; x < 5; x++)
				copy[crc_at + x] = (uint8_t)((zigzag >> 7 * x & 0x7f) |
							     (x < 4 ? 0x80 : 0));
			read_all(copy, file.len, &b);
			memcpy(copy, file.data, file.len);
		}
	}
	assert_true(pages >= 8);
	free(copy);
	parquet_buffer_done(&b);
}

static void
test_journal_meta(void **unused)
{
	struct parquet_group_meta *meta = parquet_group_meta_new();
	char *copy = malloc(meta_bytes.len);
	struct err err = {0};

	memcpy(copy, meta_bytes.data, meta_bytes.len);
	assert_int_equal(
	    parquet_group_meta_get(copy, meta_bytes.len, specs, COLUMNS, meta, &err), 0);
	for (size_t n = 0; n < meta_bytes.len; n++) {
		err_clear(&err);
		assert_int_equal(
		    parquet_group_meta_get(copy, n, specs, COLUMNS, meta, &err), -1);
		assert_true(err.text[0] != '\0');
	}
	for (size_t i = 0; i < meta_bytes.len * 8; i++) {
		copy[i / 8] ^= (char)(1 << i % 8);
		if (parquet_group_meta_get(copy, meta_bytes.len, specs, COLUMNS, meta,
					   NULL) == 0)
			assert_int_equal(parquet_group_meta_rows(meta), ROWS);
		copy[i / 8] = meta_bytes.data[i / 8];
	}
	free(copy);
	parquet_group_meta_free(meta);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whole),    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_flip),     cmocka_unit_test(test_checksum),
	    cmocka_unit_test(test_decoders), cmocka_unit_test(test_journal_meta),
	};

	return cmocka_run_group_tests_name("parquet: damage", tests, setup, teardown);
}
