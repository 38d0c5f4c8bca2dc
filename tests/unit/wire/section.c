/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports of packets (PSAMP) put together by hand: what comes out of each kind of
 * section, of times in each unit, and of what softflowd sends; and what is counted where
 * nothing can.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "model/addr.h"
#include "wire/decode.h"
#include "wire/section.h"

enum { MOST = 40, EXPORTED = 1700000000, IN_NTP = 2208988800u };

struct got {
	struct wire_section section;
	uint8_t octets[2000];
};

struct taken {
	struct got got[MOST];
	unsigned n;
	struct wire_decoder *decoder;
	uint32_t sequence;
};

struct message {
	uint8_t at[4000];
	size_t n, set;
};

static void
take(void *context, const struct wire_section *s)
{
	struct taken *t = context;
	struct got *g = &t->got[t->n++];

	assert_true(t->n <= MOST);
	g->section = *s;
	memcpy(g->octets, s->octets, s->captured);
	g->section.octets = g->octets;
}

/* v in n octets, the most significant first. */
static void
put(struct message *m, uint64_t v, unsigned n)
{
	for (; n > sizeof v; n--)
		m->at[m->n++] = 0;
	while (n-- > 0)
		m->at[m->n++] = (uint8_t)(v >> 8 * n);
}

static void
set_end(struct message *m)
{
	m->at[m->set + 2] = (uint8_t)((m->n - m->set) >> 8);
	m->at[m->set + 3] = (uint8_t)(m->n - m->set);
}

static void
set_begin(struct message *m, unsigned id)
{
	m->set = m->n;
	put(m, id, 2);
	put(m, 0, 2);
}

static void
begin(struct message *m)
{
	m->n = 0;
	put(m, 10, 2);
	put(m, 0, 2);
	put(m, EXPORTED, 4);
	put(m, 0, 8);
}

static void
template_set(struct message *m, unsigned id, const uint16_t (*fields)[2], unsigned n)
{
	set_begin(m, 2);
	put(m, id, 2);
	put(m, n, 2);
	for (unsigned i = 0; i < n; i++) {
		put(m, fields[i][0], 2);
		put(m, fields[i][1], 2);
	}
	set_end(m);
}

static void
start(struct taken *t)
{
	struct wire_config config = {.section = take, .context = t};

	memset(t, 0, sizeof *t);
	t->decoder = wire_decoder_new(&config);
	assert_non_null(t->decoder);
}

static int
send(struct taken *t, struct message *m)
{
	const struct addr exporter = {.v4 = 1};
	struct err err = {0};

	m->at[2] = (uint8_t)(m->n >> 8);
	m->at[3] = (uint8_t)m->n;
	return wire_decode(t->decoder, &exporter, m->at, m->n, 1, NULL, &err);
}

static uint64_t
counter(const struct taken *t, enum wire_counter id)
{
	return wire_decoder_counters(t->decoder)[id];
}

/* One record: the values of its fields, the last one a section of `section` octets whose
 * length, where it varies, the record tells. */
static const struct row {
	uint16_t fields[6][2];
	uint64_t values[6];
	uint32_t section; /* octets in the record */
	bool is_taken;
	uint32_t linktype, captured, wire;
	int64_t time_ns;
} rows[] = {
    /* by sections: of the IP header */
    {{{313, 65535}}, {0}, 40, true, 101, 40, 40, EXPORTED * 1000000000ll},
    {{{313, 40}}, {0}, 40, true, 101, 40, 40, EXPORTED * 1000000000ll},
    {{{224, 8}, {313, 65535}}, {1500}, 40, true, 101, 40, 1500, EXPORTED * 1000000000ll},
    {{{190, 2}, {313, 65535}}, {600}, 40, true, 101, 40, 600, EXPORTED * 1000000000ll},
    {{{224, 2}, {313, 65535}}, {20}, 40, true, 101, 40, 40, EXPORTED * 1000000000ll},
    {{{224, 8}, {313, 65535}}, {UINT64_MAX}, 40, true, 101, 40, INT32_MAX,
        EXPORTED * 1000000000ll},
    /* of the frame */
    {{{315, 65535}}, {0}, 60, true, 1, 60, 60, EXPORTED * 1000000000ll},
    {{{408, 2}, {315, 65535}}, {1}, 60, true, 1, 60, 60, EXPORTED * 1000000000ll},
    {{{408, 2}, {315, 65535}}, {2}, 60, true, 105, 60, 60, EXPORTED * 1000000000ll},
    {{{408, 2}, {315, 65535}}, {3}, 60, false, 0, 0, 0, 0},
    {{{312, 2}, {315, 65535}}, {1514}, 60, true, 1, 60, 1514, EXPORTED * 1000000000ll},
    {{{312, 2}, {315, 65535}}, {1514}, 0, true, 1, 0, 1514, EXPORTED * 1000000000ll},
    {{{315, 65535}}, {0}, 700, true, 1, 700, 700, EXPORTED * 1000000000ll},
    /* of less than its field holds, or from later on */
    {{{410, 2}, {315, 100}}, {60}, 100, true, 1, 60, 60, EXPORTED * 1000000000ll},
    {{{410, 2}, {315, 100}}, {0}, 100, true, 1, 0, 0, EXPORTED * 1000000000ll},
    {{{410, 2}, {315, 100}}, {1400}, 100, true, 1, 100, 1400, EXPORTED * 1000000000ll},
    {{{409, 2}, {315, 100}}, {0}, 100, true, 1, 100, 100, EXPORTED * 1000000000ll},
    {{{409, 2}, {315, 100}}, {14}, 100, false, 0, 0, 0, 0},
    /* times */
    {{{322, 4}, {313, 65535}}, {1000000000}, 20, true, 101, 20, 20, 1000000000000000000},
    {{{323, 8}, {313, 65535}}, {1000000000123}, 20, true, 101, 20, 20,
    1000000000123000000},
    {{{323, 8}, {313, 65535}}, {UINT64_MAX}, 20, true, 101, 20, 20,
    EXPORTED * 1000000000ll},
    {{{324, 8}, {313, 65535}}, {(1000000000ull + IN_NTP) << 32 | 0x80000000}, 20, true,
    101,
        20, 20, 1000000000500000000},
    /* 999,999 us cut off to 2^-32 s */
    {{{324, 8}, {313, 65535}}, {(1000000000ull + IN_NTP) << 32 | 0xffffef38}, 20, true,
    101,
        20, 20, 1000000000999999000},
    {{{325, 8}, {313, 65535}}, {(1000000000ull + IN_NTP) << 32 | 0x80000000}, 20, true,
    101,
        20, 20, 1000000000500000000},
    /* after 2036 seconds since 1900 have begun anew: 2^32 - IN_NTP + 5 is five seconds
     * on */
    {{{325, 8}, {313, 65535}}, {5ull << 32}, 20, true, 101, 20, 20,
        (0x100000000ll - IN_NTP + 5) * 1000000000},
    {{{322, 4}, {325, 8}, {313, 65535}}, {7, (1000000000ull + IN_NTP) << 32}, 20, true,
    101,
        20, 20, 1000000000000000000},
    /* of a length that none has */
    {{{325, 4}, {313, 65535}}, {5}, 20, true, 101, 20, 20, EXPORTED * 1000000000ll},
    /* what means nothing here is passed over */
    {{{301, 8}, {10, 4}, {8, 4}, {313, 65535}}, {1, 2, 3}, 20, true, 101, 20, 20,
        EXPORTED * 1000000000ll},
};

static void
record(struct message *m, const struct row *row)
{
	unsigned i;

	for (i = 0; row->fields[i][0] != 313 && row->fields[i][0] != 315; i++)
		put(m, row->values[i], row->fields[i][1]);
	if (row->fields[i][1] == 65535 && row->section < 255) {
		put(m, row->section, 1);
	} else if (row->fields[i][1] == 65535) {
		put(m, 255, 1);
		put(m, row->section, 2);
	}
	for (i = 0; i < row->section; i++)
		put(m, i * 7, 1);
}

static void
test_rows(void **state)
{
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		const struct row *row = &rows[k];
		static struct taken t;
		struct message m;
		unsigned n = 0;

		while (row->fields[n][0] != 0)
			n++;
		start(&t);
		begin(&m);
		template_set(&m, 300, row->fields, n);
		set_begin(&m, 300);
		record(&m, row);
		record(&m, row);
		set_end(&m);
		print_message("row %zu\n", k);
		assert_int_equal(send(&t, &m), WIRE_OK);
		assert_int_equal(t.n, row->is_taken ? 2 : 0);
		assert_int_equal(counter(&t, WIRE_sections), t.n);
		assert_int_equal(counter(&t, WIRE_bad_sections), 2 - t.n);
		assert_int_equal(counter(&t, WIRE_lost), 0);
		for (unsigned i = 0; i < t.n; i++) {
			const struct wire_section *s = &t.got[i].section;

			assert_int_equal(s->linktype, row->linktype);
			assert_int_equal(s->captured, row->captured);
			assert_int_equal(s->wire, row->wire);
			assert_int_equal(s->time_ns, row->time_ns);
			for (uint32_t o = 0; o < s->captured; o++)
				assert_int_equal(s->octets[o], (uint8_t)(o * 7));
		}
		wire_decoder_free(t.decoder);
	}
}

/* softflowd's own records, before and without any template. */
static void
test_softflowd(void **state)
{
	static struct taken t;
	struct message m;

	start(&t);
	for (unsigned i = 0; i < 3; i++) {
		begin(&m);
		m.at[11] = (uint8_t)(i + 1);
		set_begin(&m, 3072);
		put(&m, i + 1, 8);
		/* 467,595 us and one, cut off */
		put(&m, (1000000000ull + IN_NTP) << 32 | 2008309527, 8);
		put(&m, 60 + i, 2);
		for (unsigned k = 0; k < 1390; k++)
			put(&m, k < 60 + i ? k : 0, 1);
		set_end(&m);
		assert_int_equal(m.n, 1428);
		assert_int_equal(send(&t, &m), WIRE_OK);
		assert_int_equal(t.n, i + 1);
		assert_int_equal(t.got[i].section.captured, 60 + i);
		assert_int_equal(t.got[i].section.wire, 60 + i);
		assert_int_equal(t.got[i].section.linktype, 1);
		assert_int_equal(t.got[i].section.time_ns, 1000000000467595000);
	}
	assert_int_equal(counter(&t, WIRE_lost), 0);
	/* a set of this number that is of another length is not softflowd's */
	begin(&m);
	set_begin(&m, 3072);
	put(&m, 0, 8);
	set_end(&m);
	assert_int_equal(send(&t, &m), WIRE_OK);
	assert_int_equal(t.n, 3);
	assert_int_equal(counter(&t, WIRE_waiting), 1);
	wire_decoder_free(t.decoder);
}

/* Records before their template wait for it; flows among reports are counted, not
 * kept. */
static void
test_waiting_and_flows(void **state)
{
	static const uint16_t flow[][2] = {{8, 4}, {12, 4}, {2, 4}};
	static const uint16_t fields[][2] = {{313, 65535}};
	static const struct row row = {{{313, 65535}}, {0}, 40, true, 0, 0, 0, 0};
	static struct taken t;
	struct message m;

	start(&t);
	begin(&m);
	set_begin(&m, 300);
	record(&m, &row);
	set_end(&m);
	assert_int_equal(send(&t, &m), WIRE_OK);
	assert_int_equal(t.n, 0);
	begin(&m);
	template_set(&m, 300, fields, 1);
	template_set(&m, 301, flow, 3);
	set_begin(&m, 301);
	put(&m, 1, 12);
	put(&m, 2, 12);
	set_end(&m);
	assert_int_equal(send(&t, &m), WIRE_OK);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.got[0].section.captured, 40);
	assert_int_equal(counter(&t, WIRE_other_records), 2);
	assert_int_equal(counter(&t, WIRE_records), 0);
	wire_decoder_free(t.decoder);
}

/* A section that says it is longer than its set, and one cut off in its length. */
static void
test_damaged(void **state)
{
	static const uint16_t fields[][2] = {{313, 65535}};
	static struct taken t;
	struct message m;

	for (unsigned i = 0; i < 3; i++) {
		start(&t);
		begin(&m);
		template_set(&m, 300, fields, 1);
		set_begin(&m, 300);
		put(&m, i == 0 ? 50 : 255, 1);
		if (i == 1)
			put(&m, 0xffff, 2);
		else if (i == 2)
			put(&m, 0, 1);
		set_end(&m);
		assert_int_equal(send(&t, &m), WIRE_VERDICT_DAMAGED);
		assert_int_equal(t.n, 0);
		assert_int_equal(counter(&t, WIRE_bad_record), 1);
		wire_decoder_free(t.decoder);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_softflowd),
	    cmocka_unit_test(test_waiting_and_flows),
	    cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
