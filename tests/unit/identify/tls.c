/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The laws of records and frames: measured constants, and every law against one that cuts
 * octet by octet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "identify/modes.h"
#include "identify/tls.h"

#include <string.h>

/* The slow twin: pieces are counted one by one. */
static uint64_t
cut(uint64_t octets, uint32_t piece, uint32_t cost)
{
	uint64_t sum = 0, left = octets;

	while (piece > 0 && left > 0) {
		left -= left < piece ? left : piece;
		sum += cost;
	}
	return sum;
}

static void
test_twin(void **state)
{
	static const uint64_t sizes[] = {0, 1, 1400, 4096, 8192, 16383, 16384, 16385, 1000000};
	size_t i;
	int law;

	for (law = 0; law < TLS_LAWS; law++) {
		const struct tls_law_row *row = &tls_law_rows[law];

		for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			uint64_t frames = cut(sizes[i], row->frame, row->frame_cost);

			assert_int_equal(tls_cost((enum tls_law)law, sizes[i], 260),
					 frames + cut(sizes[i] + 260 + frames, row->record,
						      row->record_cost));
		}
		assert_int_equal(tls_law_of(row->name, strlen(row->name)), law);
	}
	assert_int_equal(tls_law_of("tls9", 4), TLS_LAWS);
}

/* TLS 1.2: span = L + 29 ceil(L / 16384) + 1439; TLS 1.3: L + 22 ceil(L / 16384) + 1926. */
static void
test_measured(void **state)
{
	static const struct {
		enum tls_law law;
		uint32_t handshake, per_record;
	} rows[] = {{TLS_tls12_16k, 1439, 29}, {TLS_tls13_16k, 1926, 22}};
	size_t i;

	for (i = 0; i < 2; i++) {
		struct mode mode = {.bytes = 247 + rows[i].handshake,
				    .is_hex = true,
				    .law = rows[i].law,
				    .inner = 247};
		uint64_t l = 4670784 + 247 + 7 + 6;

		assert_int_equal(tls_law_rows[rows[i].law].first, rows[i].handshake);
		assert_int_equal(mode_sent(&mode, 4670784),
				 l + rows[i].per_record * ((l + 16383) / 16384) +
				     rows[i].handshake);
	}
}

static void
test_range(void **state)
{
	uint64_t least, most;

	tls_cost_range(1000000, 250, &least, &most);
	assert_int_equal(least, tls_cost(TLS_tls12_chacha_16k, 1000000, 250));
	assert_int_equal(most, tls_cost(TLS_tls12_1400, 1000000, 250));
	tls_cost_range(UINT64_MAX / 4, 250, &least, &most);
	assert_true(least < most);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_twin),
	    cmocka_unit_test(test_measured),
	    cmocka_unit_test(test_range),
	};

	return cmocka_run_group_tests_name("identify: laws of records", tests, NULL, NULL);
}
