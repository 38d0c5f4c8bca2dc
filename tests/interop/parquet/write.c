/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes a Parquet file with every type and awkward value for other programs to read, and
 * prints on standard output what they must find: JSON with each column's rows, nulls,
 * sum, least and greatest value, computed here value by value.
 *
 *	interop-parquet-write FILE none|lz4|zstd
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "parquet/parquet.h"

enum {
	GROUPS = 3,
	ROWS_MAX = 40000,
};
static const uint32_t group_rows[GROUPS] = {ROWS_MAX, PARQUET_PAGE_ROWS, 5};

enum kind { U64, I64, REAL, TEXT, BINARY };

static const struct parquet_column_spec specs[] = {
    {"src_ipv4", PARQUET_INT32, PARQUET_UINT_32, .is_optional = true},
    {"src_ipv6", PARQUET_FLBA, PARQUET_PLAIN, 16, .is_optional = true},
    {"proto", PARQUET_INT32, PARQUET_UINT_8},
    {"src_port", PARQUET_INT32, PARQUET_UINT_16, .is_optional = true},
    {"bytes", PARQUET_INT64, PARQUET_UINT_64},
    {"packets", PARQUET_INT64, PARQUET_UINT_64, .is_optional = true},
    {"start", PARQUET_INT64, PARQUET_TIMESTAMP_MICROS},
    {"i8", PARQUET_INT32, PARQUET_INT_8, .is_optional = true},
    {"i16", PARQUET_INT32, PARQUET_INT_16},
    {"i32", PARQUET_INT32, PARQUET_PLAIN, .is_optional = true},
    {"i64", PARQUET_INT64, PARQUET_INT_64},
    {"u32_sorted", PARQUET_INT32, PARQUET_UINT_32},
    {"u32_random", PARQUET_INT32, PARQUET_UINT_32},
    {"u64_gap", PARQUET_INT64, PARQUET_UINT_64, .is_optional = true},
    {"real", PARQUET_DOUBLE, PARQUET_PLAIN, .is_optional = true},
    {"truth", PARQUET_BOOLEAN, PARQUET_PLAIN, .is_optional = true},
    {"absent", PARQUET_INT32, PARQUET_UINT_32, .is_optional = true},
    {"absent_text", PARQUET_BYTE_ARRAY, PARQUET_STRING, .is_optional = true},
    {"constant", PARQUET_INT64, PARQUET_UINT_64, .is_optional = true},
    {"coded", PARQUET_BYTE_ARRAY, PARQUET_STRING, .is_optional = true},
    {"text", PARQUET_BYTE_ARRAY, PARQUET_STRING},
    {"marks", PARQUET_INT64, PARQUET_UINT_64, .is_optional = true, .is_list = true},
};
enum { COLUMNS = sizeof specs / sizeof *specs };

static bool
is_null(size_t column, uint64_t row)
{
	const char *name = specs[column].name;

	if (strncmp(name, "absent", 6) == 0)
		return true;
	if (strcmp(name, "src_ipv4") == 0)
		return row % 3 == 1;
	if (strcmp(name, "src_ipv6") == 0)
		return row % 3 != 1;
	if (strcmp(name, "u64_gap") == 0) /* a page without any value */
		return row >= PARQUET_PAGE_ROWS && row < 2 * PARQUET_PAGE_ROWS;
	return specs[column].is_optional && row * 2654435761u >> 7 & 1 && row % 1000 > 20;
}

static uint64_t
mixed(uint64_t row)
{
	row *= 0x9e3779b97f4a7c15u;
	return (row ^ row >> 29) * 0xbf58476d1ce4e5b9u;
}

static uint64_t
number(size_t column, uint64_t row)
{
	static const uint64_t awkward[] = {0,
					   0x80000000u,
					   0xffffffffu,
					   0x7fffffffu,
					   0x8000000000000000u,
					   UINT64_MAX,
					   0x7fffffffffffffffu,
					   0x100000000u};
	const char *name = specs[column].name;
	double real = ((double)row - 1000) / 4;
	uint64_t v;

	if (strcmp(name, "src_ipv4") == 0)
		return row % 6 == 0 ? 0x80000000u : (uint32_t)mixed(row / 50);
	if (strcmp(name, "proto") == 0)
		return row % 40 == 0 ? 255 : row % 3 == 0 ? 17 : 6;
	if (strcmp(name, "start") == 0)
		return 1700000000000000u + row * 1234 - mixed(row) % 1000;
	if (strcmp(name, "u32_sorted") == 0)
		return 0x7fffff00u + row / 2;
	if (strcmp(name, "u64_gap") == 0)
		return row * 1000003 + mixed(row) % 64;
	if (strcmp(name, "constant") == 0)
		return 0x8000000000000000u;
	if (strcmp(name, "truth") == 0)
		return mixed(row) >> 40 & 1;
	if (strcmp(name, "real") == 0) {
		memcpy(&v, &real, 8);
		return v;
	}
	v = row % 1000 < 8 ? awkward[row % 1000] : mixed(row) % 100003 * 65539;
	switch (specs[column].logical) {
	case PARQUET_UINT_16:
		return (uint16_t)v;
	case PARQUET_UINT_32:
		return (uint32_t)mixed(row);
	case PARQUET_INT_8:
		return (uint64_t)(int8_t)(v >> 8 ^ v);
	case PARQUET_INT_16:
		return (uint64_t)(int16_t)v;
	case PARQUET_PLAIN:
		return (uint64_t)(int32_t)v;
	default:
		return v;
	}
}

static void
address(uint64_t row, uint8_t out[16])
{
	uint64_t v = mixed(row / 9);

	memcpy(out, "\x20\x01\x0d\xb8\0\0\0\0", 8);
	memcpy(out + 8, &v, 8);
}

static int
word(size_t column, uint64_t row, char *out, size_t n)
{
	if (strcmp(specs[column].name, "coded") == 0)
		return snprintf(out, n, "S%dé", (int)(row % 7));
	return snprintf(out, n, "%" PRIu64 "-%" PRIx64, row, mixed(row));
}

/* ---- what readers must find ---- */

struct expected {
	uint64_t count, nulls;
	__int128 sum;
	double real_sum, real_min, real_max;
	uint64_t min, max;
	char text_min[64], text_max[64];
};

static struct expected expected[COLUMNS];

static enum kind
kind_of(size_t column)
{
	const struct parquet_column_spec *s = &specs[column];

	if (s->type == PARQUET_DOUBLE)
		return REAL;
	if (s->type == PARQUET_BYTE_ARRAY)
		return TEXT;
	if (s->type == PARQUET_FLBA)
		return BINARY;
	return s->logical == PARQUET_INT_8 || s->logical == PARQUET_INT_16 ||
		       s->logical == PARQUET_INT_64 || strcmp(s->name, "i32") == 0
		   ? I64
		   : U64;
}

static void
expect_number(struct expected *x, enum kind kind, uint64_t v)
{
	double real;

	memcpy(&real, &v, 8);
	if (kind == REAL) {
		x->real_sum += real;
		x->real_min = x->count == 0 || real < x->real_min ? real : x->real_min;
		x->real_max = x->count == 0 || real > x->real_max ? real : x->real_max;
	} else if (kind == I64) {
		x->sum += (int64_t)v;
		if (x->count == 0 || (int64_t)v < (int64_t)x->min)
			x->min = v;
		if (x->count == 0 || (int64_t)v > (int64_t)x->max)
			x->max = v;
	} else {
		x->sum += v;
		x->min = x->count == 0 || v < x->min ? v : x->min;
		x->max = x->count == 0 || v > x->max ? v : x->max;
	}
	x->count++;
}

static void
expect_text(struct expected *x, const char *s)
{
	if (x->count == 0 || strcmp(s, x->text_min) < 0)
		snprintf(x->text_min, sizeof x->text_min, "%s", s);
	if (x->count == 0 || strcmp(s, x->text_max) > 0)
		snprintf(x->text_max, sizeof x->text_max, "%s", s);
	x->count++;
}

static void
put_128(struct text *out, __int128 v)
{
	char digits[48];
	size_t n = sizeof digits;
	bool is_negative = v < 0;

	digits[--n] = '\0';
	do {
		int digit = (int)(v % 10);

		digits[--n] = (char)('0' + (digit < 0 ? -digit : digit));
		v /= 10;
	} while (v != 0);
	if (is_negative)
		digits[--n] = '-';
	text_str(out, digits + n);
}

static void
print_expected(uint64_t rows)
{
	static const char *const kinds[] = {"u64", "i64", "real", "text", "binary"};
	struct text out;

	text_init(&out);
	text_printf(&out, "{\"rows\":%" PRIu64 ",\"columns\":[", rows);
	for (size_t c = 0; c < COLUMNS; c++) {
		const struct expected *x = &expected[c];
		enum kind kind = kind_of(c);

		text_printf(
		    &out,
		    "%s\n{\"name\":\"%s\",\"kind\":\"%s\",\"list\":%s,\"count\":%" PRIu64
		    ",\"nulls\":%" PRIu64,
		    c == 0 ? "" : ",", specs[c].name, kinds[kind],
		    specs[c].is_list ? "true" : "false", x->count, x->nulls);
		if (x->count > 0 && kind == REAL) {
			text_printf(
			    &out,
			    ",\"sum\":\"%.17g\",\"min\":\"%.17g\",\"max\":\"%.17g\"",
			    x->real_sum, x->real_min, x->real_max);
		} else if (x->count > 0 && (kind == TEXT || kind == BINARY)) {
			text_printf(&out, ",\"min\":\"%s\",\"max\":\"%s\"", x->text_min,
				    x->text_max);
		} else if (x->count > 0) {
			text_str(&out, ",\"sum\":\"");
			put_128(&out, x->sum);
			text_str(&out, "\",\"min\":\"");
			put_128(&out, kind == I64 ? (__int128)(int64_t)x->min : x->min);
			text_str(&out, "\",\"max\":\"");
			put_128(&out, kind == I64 ? (__int128)(int64_t)x->max : x->max);
			text_char(&out, '"');
		}
		text_char(&out, '}');
	}
	text_str(&out, "\n]}\n");
	fputs(out.data, stdout);
	text_done(&out);
}

/* ---- the columns of one row group ---- */

struct memory {
	uint64_t present[ROWS_MAX / 64 + 1];
	uint8_t data[ROWS_MAX * 16];
	uint8_t bytes[ROWS_MAX * 32];
	uint32_t codes[ROWS_MAX];
	uint32_t offsets[ROWS_MAX + 1];
};

static struct memory memory[COLUMNS];

static void
fill_list(size_t c, uint64_t first, uint32_t rows, struct parquet_values *v)
{
	struct memory *m = &memory[c];
	uint64_t *elements = (uint64_t *)m->bytes;

	for (uint32_t i = 0; i < rows; i++) {
		uint64_t row = first + i, n = is_null(c, row) ? 0 : row % 4;

		m->offsets[i + 1] = m->offsets[i] + (uint32_t)n;
		for (uint64_t k = 0; k < n; k++) {
			uint64_t e =
			    row % 100 == 3 ? 0x8000000000000000u : mixed(row + k) >> 1;

			elements[m->offsets[i] + k] = e;
			expect_number(&expected[c], U64, e);
		}
	}
	*v = (struct parquet_values){PARQUET_LIST, 8, .present = m->present,
				     .data = elements, .offsets = m->offsets};
}

static void
fill_strings(size_t c, uint64_t first, uint32_t rows, struct parquet_values *v)
{
	struct memory *m = &memory[c];
	bool is_coded = strcmp(specs[c].name, "coded") == 0;
	uint32_t n = is_coded ? 7 : rows;
	char s[64];

	for (uint32_t i = 0; i < n; i++) {
		int len = word(c, is_coded ? i : first + i, s, sizeof s);

		memcpy(m->bytes + m->offsets[i], s, (size_t)len);
		m->offsets[i + 1] = m->offsets[i] + (uint32_t)len;
	}
	for (uint32_t i = 0; i < rows; i++) {
		m->codes[i] = (uint32_t)((first + i) % 7);
		word(c, first + i, s, sizeof s);
		if (!is_null(c, first + i))
			expect_text(&expected[c], s);
	}
	*v = (struct parquet_values){is_coded ? PARQUET_DICT : PARQUET_FLAT,
				     .dict_size = is_coded ? 7 : 0,
				     .present = m->present,
				     .codes = m->codes,
				     .offsets = m->offsets,
				     .bytes = m->bytes};
}

static void
fill_addresses(size_t c, uint64_t first, uint32_t rows, struct parquet_values *v)
{
	struct memory *m = &memory[c];
	char hex[33];

	for (uint32_t i = 0; i < rows; i++) {
		uint8_t *at = m->data + i * 16ul;

		address(first + i, at);
		for (size_t k = 0; k < 16; k++)
			snprintf(hex + 2 * k, 3, "%02x", at[k]);
		if (!is_null(c, first + i))
			expect_text(&expected[c], hex);
	}
	*v = (struct parquet_values){PARQUET_FLAT, 16, .present = m->present,
				     .data = m->data};
}

static uint32_t
width_of(const struct parquet_column_spec *s)
{
	switch (s->logical) {
	case PARQUET_UINT_8:
	case PARQUET_INT_8:
		return 1;
	case PARQUET_UINT_16:
	case PARQUET_INT_16:
		return 2;
	default:
		return s->type == PARQUET_BOOLEAN ? 1 : s->type == PARQUET_INT32 ? 4 : 8;
	}
}

static void
fill(size_t c, uint64_t first, uint32_t rows, struct parquet_values *v)
{
	struct memory *m = &memory[c];
	uint32_t width = width_of(&specs[c]);

	memset(m, 0, sizeof *m);
	for (uint32_t i = 0; i < rows; i++) {
		bool null = is_null(c, first + i);

		m->present[i / 64] |= (uint64_t)!null << i % 64;
		expected[c].nulls += null;
	}
	if (specs[c].is_list) {
		fill_list(c, first, rows, v);
	} else if (specs[c].type == PARQUET_BYTE_ARRAY) {
		fill_strings(c, first, rows, v);
	} else if (specs[c].type == PARQUET_FLBA) {
		fill_addresses(c, first, rows, v);
	} else {
		for (uint32_t i = 0; i < rows; i++) {
			uint64_t value = number(c, first + i);

			memcpy(m->data + i * width, &value, width);
			if (!is_null(c, first + i))
				expect_number(&expected[c], kind_of(c), value);
		}
		*v = (struct parquet_values){
		    strcmp(specs[c].name, "constant") == 0 ? PARQUET_CONSTANT
							   : PARQUET_FLAT,
		    width, .present = m->present, .data = m->data};
	}
	if (!specs[c].is_optional)
		v->present = NULL;
	if (strncmp(specs[c].name, "absent", 6) == 0)
		v->form = PARQUET_ABSENT;
}

static int
write_file(const char *path, enum parquet_codec codec, struct err *err)
{
	static struct parquet_values values[COLUMNS];
	struct parquet_key_value pair = {"weir.test", "interop"};
	struct parquet_group_meta *meta = parquet_group_meta_new();
	struct parquet_encoder *encoder;
	struct parquet_file *file;
	struct text image;
	uint64_t rows = 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	text_init(&image);
	if (fd < 0)
		return err_set(err, 1, "%s: cannot be written", path);
	if (parquet_encoder_new(&encoder, specs, COLUMNS, codec, err) < 0 ||
	    parquet_file_begin(&file, fd, path, specs, COLUMNS, err) < 0)
		return -1;
	for (size_t g = 0; g < GROUPS; g++) {
		for (size_t c = 0; c < COLUMNS; c++)
			fill(c, rows, group_rows[g], &values[c]);
		text_clear(&image);
		if (parquet_encode_group(encoder, values, group_rows[g], &image, meta,
					 err) < 0 ||
		    parquet_file_add_group(file, image.data, image.len, meta, err) < 0)
			return -1;
		rows += group_rows[g];
	}
	if (parquet_file_finish(file, &pair, 1, err) < 0)
		return -1;
	print_expected(rows);
	parquet_file_free(file);
	parquet_encoder_free(encoder);
	parquet_group_meta_free(meta);
	text_done(&image);
	return close(fd);
}

int
main(int argc, char **argv)
{
	enum parquet_codec codec = PARQUET_CODEC_NONE;
	struct err err = {0};

	if (argc != 3) {
		fprintf(stderr, "usage: interop-parquet-write FILE none|lz4|zstd\n");
		return 2;
	}
	if (strcmp(argv[2], "lz4") == 0)
		codec = PARQUET_CODEC_LZ4;
	if (strcmp(argv[2], "zstd") == 0)
		codec = PARQUET_CODEC_ZSTD;
	if (write_file(argv[1], codec, &err) < 0) {
		fprintf(stderr, "interop-parquet-write: %s\n", err.text);
		return 1;
	}
	return 0;
}
