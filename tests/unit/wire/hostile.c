/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Datagrams that nobody should send: cut at every octet, random octets, changed octets,
 * templates that make no record, endless templates, data before templates.
 */
#include "rig.h"

static const struct addr exporter = {.v4 = 0x0a000001};

static struct sent
good_datagrams(unsigned version)
{
	struct sent sent = {0};
	struct wire_encode_config config = {.version = version, .is_biflow = true,
	    .send = sent_take, .context = &sent};
	struct wire_encoder *e = wire_encoder_new(&config);
	struct batch *in = batch_new(&flow_schema, 64);
	struct flow row = {0};
	uint64_t marks[3] = {1, 2, 3};
	unsigned i;

	for (i = 0; i < 40; i++) {
		flow_set(&row, start, 1764000000000000ll);
		flow_set(&row, end, 1764000001000000ll);
		flow_set(&row, src, addr_v4(i));
		flow_set(&row, dst, addr_v4(i + 1));
		flow_set(&row, proto, 6);
		flow_set(&row, bytes, i);
		flow_set(&row, packets, 1);
		if (i % 2) {
			flow_set(&row, reverse_bytes, i);
			flow_set(&row, reverse_packets, i);
			flow_set(&row, fingerprint, ((struct str){"4:64:0", 6}));
			flow_set(&row, marks, ((struct list){marks, 3}));
		}
		batch_append(in, &row);
	}
	assert_int_equal(wire_encode(e, in, 0, NULL), 0);
	batch_free(in);
	wire_encoder_free(e);
	return sent;
}

/* The datagram stands at the very end of its memory, for the sanitizer. */
static int
decode_copy(struct wire_decoder *d, const uint8_t *msg, size_t len, struct batch *out)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);
	int verdict;

	memcpy(copy, msg, len);
	batch_clear(out);
	verdict = wire_decode(d, &exporter, copy, len, 1, out, NULL);
	free(copy);
	return verdict;
}

static void
test_cut_everywhere(void **state)
{
	static const unsigned versions[] = {5, 9, 10};
	struct wire_config config = {0};
	struct batch *out = batch_new(&flow_schema, 8192);
	struct wire_decoder *d;
	struct sent sent;
	size_t len, whole;
	unsigned v;

	(void)state;
	for (v = 0; v < 3; v++) {
		sent = good_datagrams(versions[v]);
		whole = sent.ends[0];
		d = wire_decoder_new(&config);
		assert_int_equal(decode_copy(d, sent.octets, whole, out), WIRE_OK);
		for (len = 0; len < whole; len++)
			assert_true(decode_copy(d, sent.octets, len, out) >= 0);
		wire_decoder_free(d);
		for (len = 0; len < whole; len++) {
			d = wire_decoder_new(&config); /* without the templates */
			assert_true(decode_copy(d, sent.octets, len, out) >= 0);
			wire_decoder_free(d);
		}
		sent_done(&sent);
	}
	batch_free(out);
}

static void
test_changed_octets(void **state)
{
	static const unsigned versions[] = {5, 9, 10};
	struct wire_config config = {.templates_bytes = 1 << 20};
	struct batch *out = batch_new(&flow_schema, 8192);
	uint64_t seed = 42;
	struct wire_decoder *d;
	struct sent sent;
	uint8_t msg[2048];
	unsigned v, round, i;
	size_t len;

	(void)state;
	for (v = 0; v < 3; v++) {
		sent = good_datagrams(versions[v]);
		d = wire_decoder_new(&config);
		for (round = 0; round < 5000; round++) {
			len = sent.ends[0];
			assert_true(len <= sizeof msg);
			memcpy(msg, sent.octets, len);
			for (i = 0; i <= round % 5; i++)
				msg[2 + draw_u64(&seed) % (len - 2)] =
				    (uint8_t)draw_u64(&seed);
			assert_true(decode_copy(d, msg, len, out) >= 0);
		}
		for (round = 0; round < 5000; round++) {
			len = draw_u64(&seed) % 600;
			for (i = 0; i < len; i++)
				msg[i] = (uint8_t)draw_u64(&seed);
			msg[0] = 0;
			msg[1] = (uint8_t)versions[v];
			assert_true(decode_copy(d, msg, len, out) >= 0);
		}
		wire_decoder_free(d);
		sent_done(&sent);
	}
	batch_free(out);
}

/* An IPFIX message from 16-bit words; its length is filled in. */
static int
decode_words(struct wire_decoder *d, const uint16_t *words, size_t n, struct batch *out)
{
	uint8_t msg[1024] = {0, 10};
	size_t i;

	for (i = 0; i < n; i++) {
		msg[16 + 2 * i] = (uint8_t)(words[i] >> 8);
		msg[17 + 2 * i] = (uint8_t)words[i];
	}
	msg[2] = (uint8_t)((16 + 2 * n) >> 8);
	msg[3] = (uint8_t)(16 + 2 * n);
	return decode_copy(d, msg, 16 + 2 * n, out);
}

static const uint16_t template_words[] = {2, 20, 300, 3, 8, 4, 12, 4, 1, 4};
static const uint16_t data_words[] = {300, 16, 0, 1, 0, 2, 0, 77};

static void
test_data_before_template(void **state)
{
	struct wire_config config = {.waiting_bytes = 2048};
	struct wire_decoder *d = wire_decoder_new(&config);
	struct batch *out = batch_new(&flow_schema, 8192);
	const uint64_t *counters = wire_decoder_counters(d);
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++) {
		assert_int_equal(decode_words(d, data_words, 8, out), WIRE_OK);
		assert_int_equal(out->rows, 0);
	}
	/* Some fit, the rest is counted. */
	assert_true(counters[WIRE_waiting] > 10);
	assert_int_equal(counters[WIRE_waiting] + counters[WIRE_no_template], 100);
	assert_int_equal(decode_words(d, template_words, 10, out), WIRE_OK);
	assert_int_equal(out->rows, counters[WIRE_waiting]);
	assert_int_equal(column_u64(&out->columns[FLOW_bytes], 3), 77);
	assert_int_equal(decode_words(d, data_words, 8, out), WIRE_OK);
	assert_int_equal(out->rows, 1);
	wire_decoder_free(d);
	batch_free(out);
}

static void
test_withdrawn_and_redefined(void **state)
{
	static const uint16_t withdraw_one[] = {2, 8, 300, 0};
	static const uint16_t withdraw_all[] = {2, 8, 2, 0};
	static const uint16_t other[] = {2, 20, 300, 3, 8, 4, 12, 4, 2, 4};
	struct wire_config config = {0};
	struct wire_decoder *d = wire_decoder_new(&config);
	struct batch *out = batch_new(&flow_schema, 8192);

	(void)state;
	decode_words(d, template_words, 10, out);
	decode_words(d, withdraw_one, 4, out);
	decode_words(d, data_words, 8, out);
	assert_int_equal(out->rows, 0);
	decode_words(d, other, 10, out); /* the waiting set comes with it */
	assert_int_equal(out->rows, 1);
	assert_int_equal(column_u64(&out->columns[FLOW_packets], 0), 77);
	decode_words(d, template_words, 10, out);
	decode_words(d, data_words, 8, out);
	assert_int_equal(column_u64(&out->columns[FLOW_bytes], 0), 77);
	decode_words(d, withdraw_all, 4, out);
	assert_int_equal(wire_decoder_counters(d)[WIRE_templates_withdrawn], 2);
	wire_decoder_free(d);
	batch_free(out);
}

static void
test_bad_templates(void **state)
{
	static const uint16_t empty_fields[] = {2, 16, 300, 2, 8, 0, 12, 0};
	static const uint16_t too_long[] = {2, 16, 300, 2, 8, 60000, 12, 60000};
	static const uint16_t too_many[] = {2, 12, 300, 60000, 8, 4};
	static const uint16_t low_id[] = {2, 12, 200, 1, 8, 4};
	struct wire_config config = {0};
	struct wire_decoder *d = wire_decoder_new(&config);
	struct batch *out = batch_new(&flow_schema, 64);

	(void)state;
	assert_int_equal(decode_words(d, empty_fields, 8, out), WIRE_VERDICT_DAMAGED);
	assert_int_equal(decode_words(d, too_long, 8, out), WIRE_VERDICT_DAMAGED);
	assert_int_equal(decode_words(d, too_many, 6, out), WIRE_VERDICT_DAMAGED);
	assert_int_equal(decode_words(d, low_id, 6, out), WIRE_VERDICT_DAMAGED);
	assert_int_equal(wire_decoder_counters(d)[WIRE_bad_template], 4);
	wire_decoder_free(d);
	batch_free(out);
}

static void
test_limits(void **state)
{
	struct wire_config config = {.streams_max = 3, .templates_max = 2};
	struct wire_decoder *d = wire_decoder_new(&config);
	struct batch *out = batch_new(&flow_schema, 64);
	uint16_t words[10];
	uint8_t msg[16] = {0, 10, 0, 16};
	unsigned i;

	(void)state;
	memcpy(words, template_words, sizeof words);
	for (i = 0; i < 5; i++) {
		words[2] = (uint16_t)(300 + i);
		decode_words(d, words, 10, out);
	}
	assert_int_equal(wire_decoder_counters(d)[WIRE_templates_full], 3);
	for (i = 0; i < 5; i++) {
		msg[15] = (uint8_t)i;
		assert_int_equal(decode_copy(d, msg, 16, out),
		    i < 3 ? WIRE_OK : WIRE_VERDICT_FULL);
	}
	assert_int_equal(wire_decoder_counters(d)[WIRE_streams_full], 2);
	wire_decoder_free(d);
	batch_free(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cut_everywhere),
	    cmocka_unit_test(test_changed_octets),
	    cmocka_unit_test(test_data_before_template),
	    cmocka_unit_test(test_withdrawn_and_redefined),
	    cmocka_unit_test(test_bad_templates),
	    cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("wire: hostile input", tests, NULL, NULL);
}
