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

#include <stdlib.h>
#include <string.h>

/* The slow twin: what a server sends is cut write by write, record by record. Go's
 * records grow with their number on the connection. */
struct cutting {
	const struct tls_law_row *law;
	uint32_t records; /* so far on the connection */
	uint64_t cost;
};

static void
cut_write(struct cutting *c, uint64_t octets)
{
	uint64_t room;

	while (octets > 0 && c->law->record > 0) {
		room = c->law->record;
		if (c->law->is_growing &&
		    (1208 - c->law->record_cost) * (c->records + 1) < room)
			room = (1208 - c->law->record_cost) * (c->records + 1);
		octets -= octets < room ? octets : room;
		c->records++;
		c->cost += c->law->record_cost;
	}
}

static uint64_t
cut(const struct tls_law_row *law, uint64_t size, uint64_t header, uint32_t records)
{
	struct cutting c = {.law = law, .records = records};
	uint64_t left = size, block, frame, sent, done;
	bool is_first = true;

	header = law->is_apart ? 0 : header;
	do {
		block = law->block > 0 && left > law->block ? law->block : left;
		sent = block + (is_first ? header : 0);
		for (done = 0; law->frame > 0 && done < block; done += frame) {
			frame = block - done < law->frame ? block - done : law->frame;
			c.cost += law->frame_cost;
			sent += law->frame_cost;
		}
		if (is_first && law->head > 0) {
			struct cutting head = c;

			/* The first record may be larger than the others. */
			if (!law->is_growing && sent > 0) {
				c.cost += law->record_cost;
				sent -= sent < law->head ? sent : law->head;
			} else if (sent > law->head) {
				cut_write(&c, law->head);
				sent -= law->head;
			}
			assert_true(c.cost >= head.cost);
		}
		cut_write(&c, sent);
		left -= block;
		is_first = false;
	} while (left > 0);
	return c.cost;
}

static const uint64_t sizes[] = {1,	 1186,	1400,  3836,   4096,  8000,  8192,
      16383,
				 16384,	 16385, 32768, 32769, 65536, 131000, 131001,
				 1000000};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void
test_twin(void **state)
{
	size_t i;
	int law;

	for (law = 0; law < TLS_LAWS; law++) {
		const struct tls_law_row *row = &tls_law_rows[law];

		for (i = 0; i < SIZES; i++)
			assert_int_equal(tls_cost((enum tls_law)law, sizes[i], 260),
					 cut(row, sizes[i], 260, 1000));
		assert_int_equal(tls_law_of(row->name, strlen(row->name)), law);
	}
	assert_int_equal(tls_law_of("tls9", 4), TLS_LAWS);
}

/* Records that grow, after any number of others. */
static void
test_early(void **state)
{
	uint32_t records;
	size_t i;
	int law;

	for (law = 0; law < TLS_LAWS; law++)
		for (i = 0; i < SIZES; i++)
			for (records = 0; records <= TLS_GROWN + 1; records++)
				assert_int_equal(tls_cost_early((enum tls_law)law,
				    sizes[i], 260, records),
						 cut(&tls_law_rows[law], sizes[i], 260,
						     records));
}

/* What is sent for a size tells the size again, and nothing else does. */
static void
test_solve(void **state)
{
	uint64_t size, sent, found[MODE_SOLUTIONS];
	uint32_t records;
	size_t i, k, n;
	int law, hex, off;

	for (law = 0; law < TLS_LAWS; law++)
		for (i = 0; i < SIZES; i++)
			for (off = -300; off <= 300; off += 50) {
				struct mode mode = {.bytes = 250,
						    .law = (enum tls_law)law,
						    .inner = 250};

				if ((int64_t)sizes[i] + off < 1)
					continue;
				size = sizes[i] + (uint64_t)(int64_t)off;
				for (hex = 0; hex < DIGITS_KINDS; hex++) {
					mode.digits = (uint8_t)hex;
					records = (uint32_t)(i * 7 +
					    (size_t)hex) % (TLS_GROWN + 1);
					sent = size + mode.bytes + size_digits(size,
					    (unsigned)hex) + tls_cost_early(mode.law,
					    size, 250 + size_digits(size, (unsigned)hex),
							      records);
					n = mode_solve(&mode, sent, records, found);
					for (k = 0; k < n && found[k] != size; k++)
						;
					assert_true(k < n);
					assert_true(n == 1 || hex >= DIGITS_CODED);
					if (records == TLS_GROWN)
						assert_int_equal(sent,
						    mode_sent(&mode, size));
				}
			}
	assert_int_equal(mode_solve(&(struct mode){.bytes = 250}, 100, TLS_GROWN, found),
	    0);
}

/* TLS 1.2: span = L + 29 ceil(L / 16384) + 1439; TLS 1.3: L + 22 ceil(L / 16384) +
 * 1926. */
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
				    .digits = DIGITS_HEX,
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

/* Blocks that wait for room, so that the records of some are filled by the next, and
 * frames that end with the window: what that costs lies between the bounds. */
static void
test_loose(void **state)
{
	uint64_t least, most, size, left, block, waiting, cost;
	unsigned seed = 7, round;
	int law;

	for (law = TLS_none + 1; law < TLS_LAWS; law++)
		for (round = 0; round < 200; round++) {
			const struct tls_law_row *row = &tls_law_rows[law];
			uint64_t cuts = 0;

			size = 1 + (uint64_t)rand_r(&seed) % 3000000;
			cost = row->frame > 0
				   ? (size + row->frame - 1) / row->frame *
				       row->frame_cost
				   : 0;
			waiting = row->is_apart ? 0 : 260;
			for (left = size; left > 0; left -= block) {
				block = row->block > 0 && row->block < left ? row->block
				    : left;
				waiting += block;
				if (row->frame > 0)
					waiting += (block + row->frame - 1) / row->frame *
						   row->frame_cost;
				/* A window ends: a frame more, by itself. */
				if (row->frame > 0 && cuts < TLS_CUT_FRAMES &&
				    rand_r(&seed) % 9 == 0) {
					cuts++;
					cost += row->frame_cost + row->record_cost;
				}
				if (row->record == 0)
					waiting = 0;
				for (; row->record > 0 && waiting >= row->record;
				     waiting -= row->record)
					cost += row->record_cost;
				if (waiting > 0 && (left == block || rand_r(&seed) % 2)) {
					cost += row->record_cost;
					waiting = 0;
				}
			}
			tls_cost_loose((enum tls_law)law, size, 260, &least, &most);
			assert_true(least <= most);
			assert_in_range(tls_cost((enum tls_law)law, size, 260), least,
			    most);
			/* A first record of another length, or records that grow, are not
			 * cut here. */
			if (row->head == 0 && !row->is_growing)
				assert_in_range(cost, least, most);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_twin),
	    cmocka_unit_test(test_early),
	    cmocka_unit_test(test_solve),
	    cmocka_unit_test(test_measured),
	    cmocka_unit_test(test_range),
	    cmocka_unit_test(test_loose),
	};

	return cmocka_run_group_tests_name("identify: laws of records", tests, NULL,
	    NULL);
}
