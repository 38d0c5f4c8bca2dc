/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an exporter says beside its flows, and the versions' limits: options data,
 * absolute times, the uptime clock over months, counters beyond 32 bits, templates for a
 * new connection, packets no longer than the path takes, reports of packets.
 */
#include "rig.h"

#include "base/cursor.h"
#include "wire/alias.h"
#include "wire/announce.h"
#include "wire/own.h"

static const int64_t EPOCH_US = 1764000000000000ll, DAY_US = 86400 * 1000000ll;

static struct flow
plain_row(unsigned i)
{
	struct flow row = {0};

	flow_set(&row, start, EPOCH_US + i * 1234567ll);
	flow_set(&row, end, EPOCH_US + i * 1234567ll + 7654321);
	flow_set(&row, src, addr_v4(0x0a000000 + i));
	flow_set(&row, dst, addr_v4(0xc0000201));
	flow_set(&row, src_port, (uint16_t)(1000 + i));
	flow_set(&row, dst_port, 443);
	flow_set(&row, proto, 6);
	flow_set(&row, bytes, 1000 + i);
	flow_set(&row, packets, 10);
	return row;
}

static struct wire_encoder *
encoder(struct wire_encode_config *config, struct sent *sent)
{
	struct wire_encoder *e;

	config->send = sent_take;
	config->context = sent;
	e = wire_encoder_new(config);
	assert_non_null(e);
	return e;
}

static void
encode_row(struct wire_encoder *e, const struct flow *row, int64_t now_us)
{
	struct batch *b = batch_new(&flow_schema, 1);
	struct err err = {0};

	batch_append(b, row);
	assert_int_equal(wire_encode(e, b, now_us, &err), 0);
	batch_free(b);
}

/* A collector that knows only the example's enterprise number learns the exporter's. */
static void
test_types_tell_the_pen(void **state)
{
	struct sent sent = {0};
	struct wire_encode_config config = {.version = 10, .is_biflow = true,
	    .pen = 99999};
	struct wire_encoder *e = encoder(&config, &sent);
	uint64_t counters[WIRE_COUNTERS];
	struct flow row = plain_row(1), got;
	struct batch *out;

	(void)state;
	flow_set(&row, span, 123456789);
	flow_set(&row, reverse_span, 987654321);
	flow_set(&row, fingerprint, ((struct str){"4:64:0", 6}));
	encode_row(e, &row, 0);
	out = decode_all(&sent, counters);
	assert_int_equal(out->rows, 1);
	batch_row(out, 0, &got);
	assert_true(flow_has(&got, span) && flow_has(&got, fingerprint));
	assert_int_equal(got.span, 123456789);
	assert_int_equal(got.reverse_span, 987654321);
	assert_int_equal(counters[WIRE_types], own_count());
	assert_int_equal(wire_encoder_counters(e)[SENT_options], own_count() + 1);
	batch_free(out);
	wire_encoder_free(e);
	sent_done(&sent);
}

/* Each name stands for one element, and a stranger's name for none. */
static void
test_own_elements(void **state)
{
	unsigned i, j;

	(void)state;
	assert_in_range(own_count(), 30, 150);
	for (i = 0; i < own_count(); i++) {
		const struct own_element *x = own_element(i);

		assert_true(own_is(x->id, x->name, strlen(x->name)));
		assert_false(own_is(x->id, "span", 4));
		for (j = 0; j < i; j++) {
			assert_int_not_equal(own_element(j)->id, x->id);
			assert_string_not_equal(own_element(j)->name, x->name);
		}
	}
}

static const struct wire_statistics *told;

static void
tell(void *context, struct wire_statistics *out)
{
	(void)context;
	*out = *told;
}

/* The record of options data with this template, or NULL. */
static const uint8_t *
options_of(const struct sent *sent, unsigned id)
{
	unsigned i;
	size_t set;

	for (i = 0; i < sent->count; i++) {
		const uint8_t *p = sent->octets + sent_start(sent, i);

		size_t len = sent->ends[i] - sent_start(sent, i);

		for (set = load_be16(p) == 9 ? 20 : 16; set < len;
		    set += load_be16(p + set + 2))
			if (load_be16(p + set) == id)
				return p + set + 4;
	}
	return NULL;
}

/* RFC 7011, 4.2 and 4.3: what was ignored and lost, with the times of the first and the
 * last. */
static void
test_reliability_is_told(void **state)
{
	enum { IGNORED = 613, LOST_V4, LOST_V6, LOST, ADDRESS_V4, ADDRESS_V6 };
	static const uint8_t six[16] = {0x20, 1, 0x0d, 0xb8, [15] = 7};
	static const struct wire_statistics rows[] = {
	    {0},
	    {.ignored_packets = 5, .ignored_octets = 300,
	    .ignored_first_us = EPOCH_US + 1000,
	        .ignored_last_us = EPOCH_US + 9000},
	    {.not_sent = 7, .not_sent_first_us = EPOCH_US,
	    .not_sent_last_us = EPOCH_US + 2000},
	    {.not_sent = 7, .not_sent_first_us = EPOCH_US,
	    .not_sent_last_us = EPOCH_US + 2000,
	        .address = {.v4 = 0xc0000207}, .has_address = true},
	    {.not_sent = 7, .not_sent_first_us = EPOCH_US,
	    .not_sent_last_us = EPOCH_US + 2000,
	        .has_address = true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct wire_encode_config config = {.version = 10, .is_plain = true,
		    .domain = 3,
		    .process = 4, .statistics = tell};
		struct wire_statistics now = rows[i];
		struct sent sent = {0};
		struct wire_encoder *e = encoder(&config, &sent);
		struct flow row = plain_row(1);
		uint64_t counters[WIRE_COUNTERS];
		const uint8_t *p;
		unsigned lost = i == 3 ? LOST_V4 : i == 4 ? LOST_V6 : LOST,
		    len = i == 4 ? 16 : 4;

		if (i == 4)
			now.address = addr_v6(six);
		told = &now;
		encode_row(e, &row, 0);
		assert_int_equal(options_of(&sent, IGNORED) != NULL, i == 1);
		for (unsigned id = LOST_V4; id <= LOST; id++)
			assert_int_equal(options_of(&sent, id) != NULL,
			    i >= 2 && id == lost);
		assert_int_equal(options_of(&sent, ADDRESS_V4) != NULL, i == 3);
		assert_int_equal(options_of(&sent, ADDRESS_V6) != NULL, i == 4);
		if ((p = options_of(&sent, IGNORED)) != NULL) {
			assert_int_equal(load_be32(p), 3);
			assert_int_equal(load_be32(p + 4), 4);
			assert_int_equal(load_be64(p + 8), 5);
			assert_int_equal(load_be64(p + 16), 300);
			assert_int_equal(load_be64(p + 24), EPOCH_US / 1000 + 1);
			assert_int_equal(load_be64(p + 32), EPOCH_US / 1000 + 9);
		}
		if ((p = options_of(&sent, lost)) != NULL) {
			if (len == 16)
				assert_memory_equal(p, six, 16);
			else
				assert_int_equal(load_be32(p), i == 3 ? 0xc0000207 : 4);
			assert_int_equal(load_be64(p + len), 7);
			assert_int_equal(load_be64(p + len + 8), EPOCH_US / 1000);
			assert_int_equal(load_be64(p + len + 16), EPOCH_US / 1000 + 2);
		}
		if ((p = options_of(&sent, ADDRESS_V4)) != NULL)
			assert_int_equal(load_be32(p + 8), 0xc0000207);
		batch_free(decode_all(&sent, counters));
		assert_int_equal(counters[WIRE_bad_template] + counters[WIRE_bad_record],
		    0);
		wire_encoder_free(e);
		sent_done(&sent);
	}
}

static void
see_address(void *context, const struct wire_exporter *exporter)
{
	*(struct addr *)context = exporter->said == NULL ? addr_v4(0) : *exporter->said;
}

/* What is behind a relay tells its address, by v9 in a record of the system's scope (RFC
 * 3954, 6.1), and a collector believes that of nothing but elements 130 and 131. */
static void
test_address_is_told(void **state)
{
	static const uint8_t six[16] = {0x20, 1, 0x0d, 0xb8, [15] = 7};
	static const uint8_t v9_four[] = {0, 1, 0, 20, 0, 0, 0, 4, 0, 4, 0, 1, 0, 4, 0, 130,
	    0, 4, 0, 0};
	static const uint8_t v9_six[] = {0, 1, 0, 20, 0, 0, 0, 4, 0, 4, 0, 1, 0, 4, 0, 131,
	    0, 16, 0, 0};

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct wire_encode_config config = {.version = i % 2 == 0 ? 9 : 10,
		    .is_plain = true, .domain = 3, .process = 4, .statistics = tell};
		struct wire_statistics now = {.has_address = i < 4,
		    .address = i < 2 ? addr_v4(0xc0000207) : addr_v6(six)};
		struct wire_config decoder_config = {0};
		struct wire_decoder *d = wire_decoder_new(&decoder_config);
		struct sent sent = {0};
		struct wire_encoder *e = encoder(&config, &sent);
		struct batch *out = batch_new(&flow_schema, 8);
		struct addr from = addr_v4(0x7f000001), got;
		struct flow row = plain_row(1);
		struct err err = {0};
		uint8_t wanted[sizeof v9_four];
		unsigned found = 0;

		told = &now;
		encode_row(e, &row, 0);
		for (unsigned k = 0; k < sent.count; k++) {
			assert_int_equal(wire_decode(d, &from, sent.octets +
			    sent_start(&sent, k), sent.ends[k] - sent_start(&sent, k),
			    1000, out, &err), WIRE_OK);
		}
		wire_decoder_exporters(d, see_address, &got);
		if (i < 4)
			assert_memory_equal(&got, &now.address, sizeof got);
		else
			assert_int_equal(got.v4, 0);
		memcpy(wanted, i < 2 ? v9_four : v9_six, sizeof wanted);
		for (size_t at = 0; i % 2 == 0 && at + sizeof wanted <= sent.len; at++) {
			const uint8_t *p = sent.octets + at;

			memcpy(wanted + 4, p + 4, 2);
			if (memcmp(p, wanted, sizeof wanted) != 0)
				continue;
			found++;
			assert_non_null(p = options_of(&sent, load_be16(p + 4)));
			assert_int_equal(load_be32(p), 3);
			if (i < 2)
				assert_int_equal(load_be32(p + 4), 0xc0000207);
			else
				assert_memory_equal(p + 4, six, sizeof six);
		}
		assert_int_equal(found, i < 4 && i % 2 == 0);
		assert_int_equal(out->rows, 1);
		batch_free(out);
		wire_decoder_free(d);
		wire_encoder_free(e);
		sent_done(&sent);
	}
}

static void
test_sampling_is_told(void **state)
{
	static const struct wire_encode_config configs[] = {{.version = 9,
	    .sampling = 100},
	    {.version = 9, .sampling = 100, .is_sampling_random = true},
	    {.version = 10, .sampling = 100},
	    {.version = 10, .sampling = 100, .is_sampling_random = true,
	    .is_plain = true}};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof configs / sizeof *configs; i++) {
		struct wire_encode_config config = configs[i];
		struct sent sent = {0};
		struct wire_encoder *e = encoder(&config, &sent);
		struct flow row = plain_row(i), got;
		struct batch *out;

		encode_row(e, &row, 0);
		out = decode_all(&sent, NULL);
		assert_int_equal(out->rows, 1);
		batch_row(out, 0, &got);
		assert_true(flow_has(&got, sampling));
		assert_int_equal(got.sampling, 100);
		batch_free(out);
		wire_encoder_free(e);
		sent_done(&sent);
	}
}

enum { PAYLOAD, NO_PAYLOAD, UDP_FLOW, KINDS };

/* A biflow as a meter that samples makes it. */
static struct flow
sampled_row(unsigned kind)
{
	struct flow row = plain_row(kind);
	bool is_tcp = kind != UDP_FLOW;

	flow_set(&row, reverse_bytes, 5000 + kind);
	flow_set(&row, reverse_packets, 11);
	flow_set(&row, sampling, 100);
	flow_set(&row, outside_packets, 1);
	flow_set(&row, reverse_outside_packets, 2);
	flow_set(&row, outside_bytes, 60);
	flow_set(&row, reverse_outside_bytes, 120);
	flow_set(&row, fragments, 0);
	row.proto = is_tcp ? 6 : 17;
	if (!is_tcp)
		return row;
	flow_set(&row, first_sequence, 7);
	flow_set(&row, reverse_first_sequence, 8);
	flow_set(&row, last_sequence, 9);
	flow_set(&row, reverse_last_sequence, 10);
	flow_set(&row, initial_sequence, 5);
	flow_set(&row, reverse_initial_sequence, 6);
	flow_set(&row, connection, 1234567);
	flow_set(&row, mid_stream, 0);
	if (kind != PAYLOAD)
		return row;
	flow_set(&row, span, 500);
	flow_set(&row, reverse_span, 600);
	flow_set(&row, span_kind, SPAN_exact);
	flow_set(&row, reverse_span_kind, SPAN_at_least);
	return row;
}

/* The template of the last data record: whether it has the element, of weir's own where
 * the number is above OWN. */
enum { OWN = 1 << 16, OWN_BACK = 1 << 14 };

static bool
last_template_has(const struct sent *sent, unsigned wanted)
{
	bool has[512] = {false};
	unsigned last = 0;

	for (unsigned i = 0; i < sent->count; i++) {
		const uint8_t *p = sent->octets + sent_start(sent, i);
		struct cursor c = cursor_over(p + 16, load_be16(p + 2) - 16u);

		while (cursor_left(&c) >= 4) {
			uint16_t set = cursor_be16(&c), len = cursor_be16(&c), n;
			const uint8_t *at = cursor_take(&c, len - 4u);
			struct cursor r = cursor_over(at, len - 4u);

			if (set >= 256 && set < 512)
				last = set;
			if (set != 2)
				continue;
			set = cursor_be16(&r);
			assert_in_range(set, 256, 511);
			for (n = cursor_be16(&r); n > 0; n--) {
				unsigned element = cursor_be16(&r);

				cursor_be16(&r);
				if (element & 0x8000)
					element = (element & 0x7fff) |
					    (cursor_be32(&r) == PEN_EXAMPLE ? OWN
					    : OWN << 1);
				has[set] |= element == wanted;
			}
		}
	}
	assert_int_not_equal(last, 0);
	return has[last];
}

/* What a meter cannot have, or a kind of flow, has no place in its records: segments of
 * overlays, sequence numbers of UDP, spans where there is no payload, and, under sampling,
 * the handshake's time and what was sent again; once that is there it comes through. */
static void
test_templates_have_what_records_have(void **state)
{
	static const struct {
		unsigned element;
		bool is_in[KINDS];
	} cases[] = {
		{351, {false, false, false}}, {OWN + 34, {false, false, false}},
		{OWN + 13, {false, false, false}}, {OWN + 4, {false, false, false}},
		{OWN + OWN_BACK + 4, {false, false, false}},
		{OWN + 32, {true, true, false}}, {OWN + 33, {true, true, false}},
		{OWN + OWN_BACK + 32, {true, true, false}},
		{OWN + 15, {true, true, false}}, {OWN + OWN_BACK + 15, {true, true, false}},
		{OWN + 2, {true, false, false}}, {OWN + 17, {true, false, false}},
		{OWN + OWN_BACK + 2, {true, false, false}},
		{34, {true, true, true}}, {OWN + 30, {true, true, true}},
		{OWN + OWN_BACK + 31, {true, true, true}}, {OWN + 19, {true, true, true}},
	};
	struct wire_encode_config config = {.version = 10, .is_biflow = true};
	struct sent sent = {0};
	struct wire_encoder *e = encoder(&config, &sent);
	struct flow row, got;
	struct batch *out;

	(void)state;
	for (unsigned kind = 0; kind < KINDS; kind++) {
		row = sampled_row(kind);
		encode_row(e, &row, 0);
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
			if (last_template_has(&sent, cases[i].element) !=
			    cases[i].is_in[kind])
				fail_msg("kind %u: element %u", kind, cases[i].element);
	}
	row = sampled_row(PAYLOAD);
	flow_set(&row, handshake, 4321);
	flow_set(&row, reverse_retransmitted, 99);
	flow_set(&row, segment, 77);
	encode_row(e, &row, 0);
	assert_true(last_template_has(&sent, OWN + 13));
	assert_true(last_template_has(&sent, OWN + OWN_BACK + 4));
	assert_true(last_template_has(&sent, 351));
	row = sampled_row(PAYLOAD);
	encode_row(e, &row, 0); /* as before, in a template that has them or not */
	out = decode_all(&sent, NULL);
	assert_int_equal(out->rows, KINDS + 2);
	for (unsigned i = 0; i < KINDS + 2; i++) {
		unsigned kind = i < KINDS ? i : PAYLOAD;

		batch_row(out, i, &got);
		assert_int_equal(flow_has(&got, first_sequence), kind != UDP_FLOW);
		assert_int_equal(flow_has(&got, initial_sequence), kind != UDP_FLOW);
		assert_int_equal(flow_has(&got, span), kind == PAYLOAD);
		assert_int_equal(flow_has(&got, reverse_span_kind), kind == PAYLOAD);
		assert_false(flow_has(&got, retransmitted));
		assert_int_equal(flow_has(&got, handshake), i == KINDS);
		assert_int_equal(flow_has(&got, reverse_retransmitted), i == KINDS);
		assert_int_equal(flow_has(&got, segment), i == KINDS);
		assert_true(flow_has(&got, fragments));
		assert_int_equal(got.reverse_outside_bytes, 120);
		if (i == KINDS) {
			assert_int_equal(got.handshake, 4321);
			assert_int_equal(got.reverse_retransmitted, 99);
			assert_int_equal(got.segment, 77);
		}
		if (kind != UDP_FLOW) {
			assert_int_equal(got.reverse_last_sequence, 10);
			assert_int_equal(got.reverse_initial_sequence, 6);
		}
		if (kind == PAYLOAD) {
			assert_int_equal(got.span, 500);
			assert_int_equal(got.reverse_span, 600);
		}
	}
	batch_free(out);
	wire_encoder_free(e);
	sent_done(&sent);
}

static void
test_absolute_times(void **state)
{
	static const struct {
		enum wire_times times;
		int64_t unit_us;
	} cases[] = {{WIRE_TIMES_SECONDS, 1000000}, {WIRE_TIMES_MILLI, 1000},
	    {WIRE_TIMES_MICRO, 1}, {WIRE_TIMES_NANO, 1}, {WIRE_TIMES_DEFAULT, 1000}};
	unsigned i, version, n;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (version = 9; version <= 10; version++) {
			struct wire_encode_config config = {.version = version,
			    .times = cases[i].times, .is_plain = true};
			struct sent sent = {0};
			struct wire_encoder *e = encoder(&config, &sent);
			struct flow row, got;
			struct batch *out;

			for (n = 0; n < 50; n++) {
				row = plain_row(n);
				encode_row(e, &row, 0);
			}
			out = decode_all(&sent, NULL);
			assert_int_equal(out->rows, 50);
			for (n = 0; n < 50; n++) {
				row = plain_row(n);
				batch_row(out, n, &got);
				assert_int_equal(got.start,
				    row.start / cases[i].unit_us * cases[i].unit_us);
				assert_int_equal(got.end,
				    row.end / cases[i].unit_us * cases[i].unit_us);
			}
			batch_free(out);
			wire_encoder_free(e);
			sent_done(&sent);
		}
	}
}

/* A live exporter for 150 days: three times what 32 bits of milliseconds hold. */
static void
test_uptime_over_months(void **state)
{
	static const struct {
		unsigned version;
		int64_t uptime_us;
	} cases[] = {{1, 0}, {5, 0}, {7, 0}, {9, 0}, {5, 3600 * 1000000ll},
	    {9, 10 * 86400 * 1000000ll}};
	unsigned i, day;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wire_encode_config config = {.version = cases[i].version,
		    .uptime_us = cases[i].uptime_us};
		struct sent sent = {0};
		struct wire_encoder *e = encoder(&config, &sent);
		struct flow row, got;
		struct batch *out;

		for (day = 0; day < 150; day++) {
			row = plain_row(day);
			row.end = EPOCH_US + day * DAY_US + 999000;
			/* every tenth one has lasted a week */
			row.start = row.end - (day % 10 == 0 ? 7 * DAY_US : 5000000);
			encode_row(e, &row, row.end + 60000000);
		}
		assert_int_equal(wire_encoder_counters(e)[SENT_times_cut], 0);
		out = decode_all(&sent, NULL);
		assert_int_equal(out->rows, 150);
		for (day = 0; day < 150; day++) {
			batch_row(out, day, &got);
			assert_int_equal(got.end, EPOCH_US + day * DAY_US + 999000);
			assert_int_equal(got.end - got.start,
			    day % 10 == 0 ? 7 * DAY_US : 5000000);
		}
		batch_free(out);
		wire_encoder_free(e);
		sent_done(&sent);
	}
}

/* Counters of 32 bits never wrap: the flow becomes several records. */
static void
test_large_counters_are_shared(void **state)
{
	static const unsigned versions[] = {1, 5, 7, 9, 10};
	static const uint64_t octets[] = {UINT32_MAX, 1ull << 32, 40000000000001ull};
	unsigned i, j;
	size_t row_index;

	(void)state;
	for (i = 0; i < sizeof versions / sizeof *versions; i++) {
		for (j = 0; j < sizeof octets / sizeof *octets; j++) {
			struct wire_encode_config config = {.version = versions[i]};
			struct sent sent = {0};
			struct wire_encoder *e = encoder(&config, &sent);
			struct flow row = plain_row(i), got;
			uint64_t sum = 0, packets = 0;
			struct batch *out;

			row.bytes = octets[j];
			row.packets = octets[j] / 1000;
			encode_row(e, &row, 0);
			out = decode_all(&sent, NULL);
			for (row_index = 0; row_index < out->rows; row_index++) {
				batch_row(out, row_index, &got);
				sum += got.bytes;
				packets += got.packets;
			}
			assert_int_equal(sum, row.bytes);
			assert_int_equal(packets, row.packets);
			assert_int_equal(out->rows,
			    versions[i] >= 9 ? 1 : (octets[j] + UINT32_MAX - 1) /
			    UINT32_MAX);
			batch_free(out);
			wire_encoder_free(e);
			sent_done(&sent);
		}
	}
}

/* Who comes late understands all that follows a hello. */
static void
test_hello(void **state)
{
	struct sent before = {0}, after = {0};
	struct wire_encode_config config = {.version = 10, .refresh_messages = UINT32_MAX,
	    .refresh_us = INT64_MAX};
	struct wire_encoder *e = encoder(&config, &before);
	uint64_t counters[WIRE_COUNTERS];
	struct flow row = plain_row(1);
	struct err err = {0};
	struct batch *out;
	uint8_t six[16] = {0x20, 1};
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		row = plain_row(i);
		if (i % 2 != 0)
			row.src = row.dst = addr_v6(six);
		if (i / 2 != 0)
			flow_set(&row, vlan, 7);
		encode_row(e, &row, 0);
	}
	assert_int_equal(wire_encoder_hello(e, wire_encoder_sequence(e), sent_take,
	    &after, &err), 0);
	before.count = 0;
	before.len = 0;
	for (i = 0; i < 4; i++) {
		row = plain_row(i);
		if (i % 2 != 0)
			row.src = row.dst = addr_v6(six);
		encode_row(e, &row, 0);
	}
	for (i = 0; i < before.count; i++) {
		uint32_t len = (uint32_t)(before.ends[i] - sent_start(&before, i)),
		    none = 0;
		struct wire_train train = {before.octets + sent_start(&before, i), &len,
		    &none,
		    1, len};

		sent_take(&after, &train, NULL);
	}
	out = decode_all(&after, counters);
	assert_int_equal(out->rows, 4);
	assert_int_equal(counters[WIRE_lost] + counters[WIRE_waiting], 0);
	assert_true(counters[WIRE_options_records] > 0);
	batch_free(out);
	wire_encoder_free(e);
	sent_done(&before);
	sent_done(&after);
}

/* A record with more marks than a packet of the path holds loses some, and says so. */
static void
test_no_longer_than_the_path(void **state)
{
	static uint64_t items[3000];
	static const size_t limits[] = {1024, 1452, 8972};
	unsigned i, j;

	(void)state;
	for (i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct wire_encode_config config = {.version = 10, .is_biflow = true};
		struct sent sent = {0};
		struct wire_encoder *e = encoder(&config, &sent);
		struct flow row = plain_row(i), got;
		struct batch *out;

		wire_encoder_limit(e, limits[i]);
		for (j = 0; j < 3000; j++)
			items[j] = j;
		flow_set(&row, marks, ((struct list){items, 3000}));
		flow_set(&row, fingerprint, ((struct str){"4:64:0:1460", 11}));
		encode_row(e, &row, 0);
		for (j = 0; j < sent.count; j++)
			assert_in_range(sent.ends[j] - sent_start(&sent, j), 16,
			    limits[i]);
		assert_int_equal(wire_encoder_counters(e)[SENT_texts_cut], 1);
		out = decode_all(&sent, NULL);
		assert_int_equal(out->rows, 1);
		batch_row(out, 0, &got);
		assert_int_equal(got.fingerprint.len, 11);
		assert_in_range(got.marks.count, limits[i] / 8 / 2, limits[i] / 8);
		for (j = 0; j + 1 < got.marks.count; j++)
			assert_int_equal(got.marks.items[j], j);
		batch_free(out);
		wire_encoder_free(e);
		sent_done(&sent);
	}
}

enum { PACKETS = 1000, SECTION = 54 };

/* Walks the reports of all messages: calls nothing, checks each against its packet. */
static unsigned
check_reports(const struct sent *sent, unsigned *out_first)
{
	unsigned i, n = 0, k, last = 0;
	struct cursor c;
	size_t set, len;
	uint8_t want[SECTION];
	const uint8_t *p;

	for (i = 0; i < sent->count; i++) {
		p = sent->octets + sent_start(sent, i);
		for (set = 16; set < load_be16(p + 2); set += len) {
			len = load_be16(p + set + 2);
			if (load_be16(p + set) != 700)
				continue;
			c = cursor_over(p + set + 4, len - 4);
			assert_int_equal(cursor_be64(&c), PSAMP_SEQUENCE);
			(void)cursor_be64(&c);
			assert_int_equal(cursor_be32(&c), 3);
			k = (unsigned)cursor_be64(&c) - 40;
			assert_int_equal(cursor_u8(&c), SECTION);
			memset(want, (int)(k & 255), SECTION);
			assert_memory_equal(cursor_take(&c, SECTION), want, SECTION);
			assert_int_equal(cursor_left(&c), 0);
			if (n++ == 0)
				*out_first = k;
			else
				assert_int_equal(k - last, 1);
			last = k;
		}
	}
	return n;
}

static void
send_reports(const struct wire_encode_config *given, struct sent *sent)
{
	static uint8_t sections[PACKETS][SECTION];
	static struct wire_packet packets[PACKETS];
	struct wire_encode_config config = *given;
	struct wire_encoder *e = encoder(&config, sent);
	struct err err = {0};
	unsigned i;

	for (i = 0; i < PACKETS; i++) {
		memset(sections[i], (int)(i & 255), SECTION);
		packets[i] = (struct wire_packet){EPOCH_US * 1000 + i * 1000, sections[i],
		    SECTION,
		    3, 40 + i};
	}
	for (i = 0; i < PACKETS; i += 25)
		assert_int_equal(wire_encode_packets(e,
		    &(struct wire_reports){packets + i, 25, 25ul * given->sampling, 0},
		    &err), 0);
	assert_int_equal(wire_encoder_flush(e, &err), 0);
	assert_int_equal(wire_encoder_counters(e)[SENT_packets_seen],
	    PACKETS * given->sampling);
	assert_int_equal(wire_encoder_counters(e)[SENT_packets], PACKETS);
	wire_encoder_free(e);
}

static void
test_reports_of_packets(void **state)
{
	static const unsigned intervals[] = {1, 7, 1000};
	uint64_t counters[WIRE_COUNTERS];
	unsigned i, first = 99, n;

	(void)state;
	for (i = 0; i < sizeof intervals / sizeof *intervals; i++) {
		struct wire_encode_config config = {.version = 10, .is_psamp = true,
		    .sampling = intervals[i]};
		struct sent sent = {0};
		send_reports(&config, &sent);
		n = check_reports(&sent, &first);
		assert_int_equal(n, PACKETS);
		assert_int_equal(first, 0);
		batch_free(decode_all(&sent, counters));
		assert_int_equal(counters[WIRE_other_records], n);
		assert_int_equal(counters[WIRE_lost], 0);
		sent_done(&sent);
	}
}

/* Held back for fullness or a second, whichever comes first. */
static void
test_reports_are_not_held_long(void **state)
{
	struct wire_encode_config config = {.version = 10, .is_psamp = true};
	struct sent sent = {0};
	struct wire_encoder *e = encoder(&config, &sent);
	uint8_t section[SECTION] = {0};
	struct wire_packet packet = {EPOCH_US * 1000, section, SECTION, 0, 40};
	struct err err = {0};
	unsigned announced;
	struct wire_reports r = {&packet, 1, 1, EPOCH_US};

	(void)state;
	assert_int_equal(wire_encode_packets(e, &r, &err), 0);
	announced = sent.count;
	r = (struct wire_reports){.now_us = EPOCH_US + 500000};
	assert_int_equal(wire_encode_packets(e, &r, &err), 0);
	assert_int_equal(sent.count, announced);
	r.now_us = EPOCH_US + 1000000;
	assert_int_equal(wire_encode_packets(e, &r, &err), 0);
	assert_true(sent.count > announced);
	wire_encoder_free(e);
	sent_done(&sent);
}

/*
 * RFC 7011, 4.4: of every template it is told which fields are keys, a bit for each from
 * the lowest, behind the template. Parsed by hand.
 */
static void
test_flow_keys(void **state)
{
	static const uint16_t fields[] = {FLOW_src, FLOW_dst, FLOW_src_port,
	    FLOW_dst_port, FLOW_proto};
	static const uint16_t keys[] = {8, 12, 27, 28, 7, 11, 4}; /* elements */

	for (unsigned biflow = 0; biflow < 3; biflow++) {
		struct wire_encode_config config = {.version = 10,
		    .is_biflow = biflow & 1,
			.is_plain = biflow == 2, .key_fields = fields, .key_count = 5};
		uint64_t wanted[1024] = {0}, counters[WIRE_COUNTERS];
		unsigned templates = 0, announced = 0;
		struct sent sent = {0};
		struct wire_encoder *e = encoder(&config, &sent);
		struct flow row = plain_row(1);
		struct batch *out;

		encode_row(e, &row, 0);
		row.src = row.dst = addr_v6((const uint8_t[16]){0xfd});
		flow_set(&row, vlan, 7);
		flow_set(&row, reverse_bytes, 7);
		flow_set(&row, reverse_packets, 1);
		encode_row(e, &row, 0);
		out = decode_all(&sent, counters);
		batch_free(out);
		for (unsigned i = 0; i < sent.count; i++) {
			struct cursor c = cursor_over(sent.octets + sent_start(&sent, i),
			    sent.ends[i] - sent_start(&sent, i));

			cursor_take(&c, 16);
			while (cursor_left(&c) >= 4) {
				uint16_t set = cursor_be16(&c), len = cursor_be16(&c), id,
				    n;
				const uint8_t *p = cursor_take(&c, len - 4u);
				struct cursor r = cursor_over(p, len - 4u);

				id = cursor_be16(&r);
				if (set == 2) {
					templates++;
					assert_in_range(id, 256, 511);
					n = cursor_be16(&r);
					for (unsigned k = 0; k < n; k++) {
						uint16_t element = cursor_be16(&r);

						cursor_be16(&r);
						if (element & 0x8000) {
							cursor_be32(&r);
							continue;
						}
						for (size_t f = 0; f < sizeof keys /
						    sizeof *keys; f++)
							if (element == keys[f])
								wanted[id] |= (uint64_t)1 << k;
					}
				} else if (set == 600 + ANNOUNCE_KEYS) {
					assert_true(id < 512 && wanted[id] != 0);
					assert_int_equal(cursor_be64(&r), wanted[id]);
					assert_int_equal(__builtin_popcountll(wanted[id]),
					    5);
					announced |= 1u << (id - 256);
				}
			}
		}
		assert_in_range(templates, 2, 4);
		assert_int_equal(announced, (1u << templates) - 1);
		assert_int_equal(counters[WIRE_no_template], 0);
		wire_encoder_free(e);
		sent_done(&sent);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_types_tell_the_pen),
	    cmocka_unit_test(test_own_elements),
	    cmocka_unit_test(test_flow_keys),
	    cmocka_unit_test(test_reliability_is_told),
	    cmocka_unit_test(test_address_is_told),
	    cmocka_unit_test(test_sampling_is_told),
	    cmocka_unit_test(test_templates_have_what_records_have),
	    cmocka_unit_test(test_absolute_times),
	    cmocka_unit_test(test_uptime_over_months),
	    cmocka_unit_test(test_large_counters_are_shared),
	    cmocka_unit_test(test_hello),
	    cmocka_unit_test(test_no_longer_than_the_path),
	    cmocka_unit_test(test_reports_of_packets),
	    cmocka_unit_test(test_reports_are_not_held_long),
	};

	return cmocka_run_group_tests_name("exporter", tests, NULL, NULL);
}
