/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lengths in HPACK's Huffman code, held to the coded strings that RFC 7541 prints in
 * appendix C. Strings with blanks are left out: those of a path are percent-encoded
 * before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "identify/hpack.h"

#include <string.h>

static void
test_vectors(void **state)
{
	static const struct {
		const char *text;
		uint32_t octets;
	} rows[] = {
	    {"www.example.com", 12}, /* C.4.1: f1e3 c2e5 f23a 6ba0 ab90 f4ff */
	    {"no-cache", 6},	    /* C.4.2: a8eb 1064 9cbf */
	    {"custom-key", 8},	    /* C.4.3: 25a8 49e9 5ba9 7d7f */
	    {"custom-value", 9},    /* C.4.3: 25a8 49e9 5bb8 e8b4 bf */
	    {"302", 2},		    /* C.6.1: 6402 */
	    {"private", 5},	    /* C.6.1: aec3 771a 4b */
	    /* C.6.1: 9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3 */
	    {"https://www.example.com", 17},
	    {"307", 3},		    /* C.6.2: 640e ff */
	    {"gzip", 3},	    /* C.6.3: 9bd9 ab */
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal((hpack_path_bits(rows[i].text, strlen(rows[i].text)) +
		    7) / 8, rows[i].octets);
}

/* What does not print is as long as what it is written as. */
static void
test_encoded(void **state)
{
	static const char *const pairs[][2] = {
	    {"a b", "a%20b"}, {"\x7f", "%7F"}, {"\xc3\xa4", "%C3%A4"}, {"\n", "%0A"}};
	size_t i;

	for (i = 0; i < sizeof pairs / sizeof *pairs; i++)
		assert_int_equal(hpack_path_bits(pairs[i][0], strlen(pairs[i][0])),
				 hpack_path_bits(pairs[i][1], strlen(pairs[i][1])));
	assert_int_equal(hpack_path_bits("", 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_encoded),
	};

	return cmocka_run_group_tests_name("identify: lengths in Huffman's code", tests,
	    NULL, NULL);
}
