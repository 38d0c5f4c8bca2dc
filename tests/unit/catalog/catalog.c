/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Catalogues: reading TSV and Debian indexes in every packing, errors with their lines,
 * doubles, the order by size, writing and reading back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "catalog/build.h"
#include "catalog/catalog.h"
#include "model/catalogue.h"

#include <libdeflate.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

static const char index_text[] =
    "Package: hello\nVersion: 2.10-3\nArchitecture: amd64\n"
    "Description: folded\n more of it\n .\n"
    "Filename: pool/main/h/hello/hello_2.10-3_amd64.deb\nSize: 53036\n\n\n"
    "package: libfoo:i386\nSize:   700  \nDepends:\n a,\n b\n\n"
    "Package: hello\nVersion: 2.10-3\nArchitecture: amd64\n"
    "Filename: pool/main/h/hello/hello_2.10-3_amd64.deb\nSize: 53036";

static void
check_index(struct catalog *c)
{
	struct catalogue row;

	assert_int_equal(catalog_count(c), 3);
	assert_int_equal(catalog_seal(c), 1);
	assert_int_equal(catalog_count(c), 2);
	catalog_row(c, 0, &row);
	assert_int_equal(row.size, 700);
	assert_memory_equal(row.name.data, "libfoo", 7);
	assert_memory_equal(row.arch.data, "i386", 5);
	assert_false(catalogue_has(&row, version));
	catalog_row(c, 1, &row);
	assert_memory_equal(row.path.data, "pool/main/h/hello/hello_2.10-3_amd64.deb",
			    41);
	assert_int_equal(catalog_files(c)[1].path_len, 40);
	assert_int_equal(catalog_lower(c, 701), 1);
	assert_int_equal(catalog_lower(c, 53037), 2);
}

static const struct build_config config;

static int
add_debian(struct build *build, const void *bytes, size_t n, const char *label,
	   struct err *err)
{
	return build_bytes(build, builder_find("debian"), bytes, n, label, err);
}

static void
check_packed(const void *bytes, size_t n)
{
	struct build *b = build_new(&config);
	struct err err = {0};
	size_t cut;

	if (add_debian(b, bytes, n, "packed", &err) < 0)
		fail_msg("%s", err.text);
	check_index(build_catalog(b));
	build_free(b);
	for (cut = 5; cut < n; cut += 7) {
		b = build_new(&config);
		err_clear(&err);
		if (add_debian(b, bytes, cut, "packed", &err) < 0)
			assert_non_null(strstr(err.text, "packed: "));
		build_free(b);
	}
}

static void
test_packings(void **state)
{
	uint8_t out[4096];
	size_t n = sizeof index_text - 1, used = 0;
	struct libdeflate_compressor *gz = libdeflate_alloc_compressor(6);

	check_packed(index_text, n);
	check_packed(out, libdeflate_gzip_compress(gz, index_text, n, out, sizeof out));
	libdeflate_free_compressor(gz);
	check_packed(out, LZ4F_compressFrame(out, sizeof out, index_text, n, NULL));
	check_packed(out, ZSTD_compress(out, sizeof out, index_text, n, 3));
	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL,
						 (const uint8_t *)index_text, n, out,
						 &used, sizeof out),
			 LZMA_OK);
	check_packed(out, used);
}

static void
expect(bool is_debian, const char *text, const char *message)
{
	struct catalog *c = catalog_new();
	struct build *b = build_new(&config);
	struct err err = {0};
	int ret = is_debian ? add_debian(b, text, strlen(text), "FILE", &err)
			    : catalog_read_bytes(c, text, strlen(text), "FILE", &err);

	if (message == NULL && ret < 0)
		fail_msg("%s", err.text);
	if (message != NULL && (ret == 0 || strstr(err.text, message) == NULL))
		fail_msg("expected '%s', got '%s'", message, err.text);
	catalog_free(c);
	build_free(b);
}

static void
test_errors(void **state)
{
	expect(true, "Package: x\nSize: -5\n\n",
	       "FILE: line 3: \"x\": no file could be taken: files left out: a size "
	       "that");
	expect(true, "Package: x\nSize: 1e5\n", "FILE: line 2: \"x\"");
	expect(true, "Package: x\nSize: 9223372036854775808\n",
	    "a size that is no number");
	expect(true, "Package: x\n\n", "a size that is no number");
	expect(true, "Package: y\nSize: 5\n\nPackage: x\nSize: -5\n\n", NULL);
	expect(true, "Size: 5\n\n", "without Package");
	expect(true, " folded\n", "continuation line");
	expect(true, "Package: x\nSize: 5\n\nnonsense\n",
	       "FILE: line 4 (paragraph 2): no 'Field");
	expect(true, "Package: x\nPackage: x\n", "twice");
	expect(true, "", "empty");
	expect(false, "", "empty");
	expect(false, "name\tsize\n", NULL);
	expect(false, "name\n", "name and size");
	expect(false, "name\tsize\tcolour\n", "'colour'");
	expect(false, "name\tname\tsize\n", "twice");
	expect(false, "name\tsize\n\n# x\nb\t-1\n", "FILE: line 4: size must be");
	expect(false, "name\tsize\n\t1\n", "line 2: name and size must not be empty");
	expect(false, "name\tsize\na\n", "line 2: name and size must not be empty");
	expect(false, "name\tsize\na\t1\t2\n", "line 2: more cells");
	expect(false, "name\tsize\tdate\na\t1\tsoon\n", "line 2: date must be");
	expect(false, "name\tsize\na\t99999999999999999999\n", "line 2: size must be");
	expect(false, "date\tsize\tname\r\n2026-01-02\t1\ta\r\n", NULL);
}

/* A wrong line is left out and told; it does not take the others with it. */
static void
test_wrong_lines(void **state)
{
	static const char text[] = "\xef\xbb\xbfname\tsize\na\t1\nb\t-1\nc\t2\td\ne\t3\n";
	struct catalog *c = catalog_new();
	const char *why;
	int i;

	assert_int_equal(catalog_left_out(c, &why), 0);
	assert_string_equal(why, "");
	assert_int_equal(catalog_read_bytes(c, text, sizeof text - 1, "F", NULL), 0);
	assert_int_equal(catalog_left_out(c, &why), 2);
	assert_string_equal(why,
	    "F: line 3: size must be a whole number of bytes, not '-1'\n"
	    "F: line 4: more cells than the first line has columns, from 'd'\n");
	assert_int_equal(catalog_count(c), 2);
	for (i = 0; i < 2 * CATALOG_BAD_TOLD; i++)
		catalog_leave_out(c, "x");
	assert_int_equal(catalog_left_out(c, NULL), 2 + 2 * CATALOG_BAD_TOLD);
	catalog_left_out(c, &why);
	for (i = 0; *why != '\0'; why++)
		i += *why == '\n';
	assert_int_equal(i, CATALOG_BAD_TOLD);
	catalog_free(c);
}

static void
test_commas(void **state)
{
	static const char text[] = "size,name,path\r\n# x\n7,\"a, \"\"b\"\"\",p\\n/q\r\n"
	    "\n8,c\nx,d,\n";
	struct catalog *c = catalog_new();
	const char *why;

	assert_int_equal(catalog_read_bytes(c, text, sizeof text - 1, "F", NULL), 0);
	assert_int_equal(catalog_left_out(c, &why), 1);
	assert_string_equal(why,
	    "F: line 6: size must be a whole number of bytes, not 'x'\n");
	assert_int_equal(catalog_count(c), 2);
	assert_string_equal(catalog_text(c, catalog_files(c)[0].name), "a, \"b\"");
	assert_string_equal(catalog_text(c, catalog_files(c)[0].path), "p\\n/q");
	assert_int_equal(catalog_files(c)[1].size, 8);
	catalog_free(c);
}

static void
test_round_trip(void **state)
{
	static const char text[] =
	    "size\tname\tversion\tdate\tpath\tencoding\n"
	    "5\tb\\tt\\\\n\t1:2~3+4\t2026-11-23T10:05:00Z\tpool/a+b~c%3a.deb\tgzip\n"
	    "5\ta\t\t\t\t\n0\tz\t\t\t\t\n";
	char path[4096];
	const char *tmp = getenv("WEIR_TMP");
	struct catalog *a = catalog_new(), *b = catalog_new();
	struct catalogue row;
	struct err err = {0};
	size_t i;

	snprintf(path, sizeof path, "%s/catalogue-%ld.tsv", tmp != NULL ? tmp : "/tmp",
		 (long)getpid());
	assert_int_equal(catalog_read_bytes(a, text, sizeof text - 1, "text", &err), 0);
	catalog_seal(a);
	assert_int_equal(catalog_write(a, path, &err), 0);
	if (catalog_read(b, path, &err) < 0)
		fail_msg("%s", err.text);
	unlink(path);
	assert_int_equal(catalog_seal(b), 0);
	assert_int_equal(catalog_count(b), 3);
	assert_string_equal(catalog_version(a), catalog_version(b));
	for (i = 0; i < 3; i++) {
		catalog_row(b, i, &row);
		if (row.name.len == 5) /* b, tab, t, backslash, n */
			assert_memory_equal(row.name.data, "b\tt\\n", 6);
	}
	assert_int_equal(catalog_write(a, "/nonexistent/x", &err), -1);
	err_clear(&err);
	assert_int_equal(
	    catalog_read(b = (catalog_free(b), catalog_new()), "/nonexistent", &err), -1);
	assert_non_null(strstr(err.text, "/nonexistent: cannot open"));
	catalog_free(a);
	catalog_free(b);
}

static void
test_encoded_path(void **state)
{
	assert_int_equal(encoded_path_length("a_1.0-1_all.deb", 15), 15);
	assert_int_equal(encoded_path_length("a+b~c", 5), 9);
	assert_int_equal(encoded_path_length("%3a \xc3\xa4", 6), 14);
}

static void
test_suite(void **state)
{
	static const struct {
		const char *label, *suite, *source;
	} cases[] = {
	    {"lists/mirror.example_debian-security_dists_bookworm-security_main_"
	     "binary-amd64_Packages.lz4",
	     "bookworm-security",
	     "debian-security_dists_bookworm-security_main_binary-amd64_Packages"},
	    {"archive.ubuntu.com_ubuntu_dists_jammy-updates_universe_binary-amd64_Packages",
	     "jammy-updates", "ubuntu_dists_jammy-updates_universe_binary-amd64_Packages"},
	    {"https://mirror.example/ubuntu/dists/noble/main/binary-arm64/Packages.xz",
	     "noble", "dists/noble/main/binary-arm64/Packages"},
	    {"dists/sid/main/binary-all/Packages", "sid",
	     "dists/sid/main/binary-all/Packages"},
	    {"some/Packages.gz", "", "Packages"},
	};
	struct catalogue row;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct build *b = build_new(&config);

		assert_int_equal(
		    add_debian(b, "Package: a\nSize: 1\n", 19, cases[i].label, NULL), 0);
		catalog_row(build_catalog(b), 0, &row);
		assert_string_equal(catalogue_has(&row, suite) ? row.suite.data : "",
				    cases[i].suite);
		assert_string_equal(row.source.data, cases[i].source);
		build_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_packings),   cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_wrong_lines),
	    cmocka_unit_test(test_commas),
	    cmocka_unit_test(test_round_trip), cmocka_unit_test(test_encoded_path),
	    cmocka_unit_test(test_suite),
	};

	return cmocka_run_group_tests_name("catalog: lists of files", tests, NULL, NULL);
}
