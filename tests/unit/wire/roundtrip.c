/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes through encoder and decoder comes back. The IPFIX cases loop over the field
 * table: every field with an element, with random values and random nulls.
 */
#include "rig.h"

#include "wire/alias.h"

enum { ROWS = 3000 };

static const int64_t EPOCH_US = 1764000000000000ll;

static bool
has_element(unsigned field)
{
	unsigned i, pair = flow_schema.fields[field].pair;

	for (i = 0; i < alias_count; i++) {
		if (aliases[i].conversion < CONVERT_FIELDS &&
		    (aliases[i].field == field || (flow_schema.fields[field].is_reverse &&
		    aliases[i].field == pair)))
			return true;
	}
	return false;
}

static void
random_member(unsigned field, uint64_t *seed, struct flow *row)
{
	static const char texts[3][32] = {"4:64:0:1460:65535,8:mss::0", "", "6:255"};
	static uint64_t items[40];
	const struct field *f = &flow_schema.fields[field];
	char *member = (char *)row + f->offset;
	uint64_t v = draw_u64(seed);
	struct addr a;
	unsigned i;

	switch (types[f->type].storage) {
	case STORAGE_U8:
		*(uint8_t *)member = (uint8_t)v;
		break;
	case STORAGE_U16:
		*(uint16_t *)member = (uint16_t)v;
		break;
	case STORAGE_U32:
		*(uint32_t *)member = field == FLOW_mpls_label ||
		    (field >= FLOW_mpls_label2 && field <= FLOW_mpls_label10)
		    ? v & 0xfffff : (uint32_t)v;
		break;
	case STORAGE_U64:
		*(uint64_t *)member = f->type == TYPE_mac ? v & 0xffffffffffff : v;
		break;
	case STORAGE_I64:
		*(int64_t *)member = f->type == TYPE_time
		    ? EPOCH_US + (int64_t)(v % 1000000000)
		    : (int64_t)(v % 1000000000);
		break;
	case STORAGE_ADDR:
		a = addr_v4((uint32_t)v);
		memcpy(member, &a, sizeof a);
		break;
	case STORAGE_TEXT:
		*(struct str *)member = (struct str){texts[v % 3],
		    (uint32_t)strlen(texts[v % 3])};
		break;
	case STORAGE_LIST:
		for (i = 0; i < 40; i++)
			items[i] = 7 * i;
		*(struct list *)member = (struct list){items, (uint32_t)(v % 40)};
		break;
	default:
		fail_msg("%s: a storage that this test does not know", f->id);
	}
	row_mark(row->present, field);
}

/* Row i is found again by its octets. */
static struct batch *
random_batch(uint64_t seed, bool is_v4)
{
	struct batch *b = batch_new(&flow_schema, ROWS);
	struct flow row;
	uint8_t six[16] = {0x20, 1, 0xd, 0xb8};
	unsigned i, field;

	for (i = 0; i < ROWS; i++) {
		memset(&row, 0, sizeof row);
		for (field = 0; field < flow_schema.stored; field++) {
			if (has_element(field) &&
			    (flow_schema.fields[field].is_required || i < 100 ||
			    draw_u64(&seed) % 8 < i / 100 % 9))
				random_member(field, &seed, &row);
		}
		if (!is_v4 && i % 3 == 0) {
			six[15] = (uint8_t)i;
			row.src = addr_v6(six);
			six[14] = (uint8_t)i;
			row.dst = addr_v6(six);
		}
		if (!is_v4 && i % 5 == 0 && flow_has(&row, nat_src))
			row.nat_src = addr_v6(six);
		/* One element holds both. */
		if (!flow_has(&row, icmp_type) || !flow_has(&row, icmp_code)) {
			row.present[FLOW_icmp_type /
			    64] &= ~(1ull << FLOW_icmp_type % 64);
			row.present[FLOW_icmp_code /
			    64] &= ~(1ull << FLOW_icmp_code % 64);
		}
		row.bytes = i;
		row.end = row.start + 1000000;
		batch_append(b, &row);
	}
	return b;
}

static void
compare_field(unsigned field, const struct flow *a, const struct flow *b)
{
	const struct field *f = &flow_schema.fields[field];
	const char *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;
	const struct str *s = (const struct str *)x, *t = (const struct str *)y;
	const struct list *l = (const struct list *)x, *m = (const struct list *)y;
	size_t size;

	if (row_has(a->present, field) != row_has(b->present, field))
		fail_msg("%s, row %u: null %d became %d", f->id, (unsigned)a->bytes,
		    !row_has(a->present, field), !row_has(b->present, field));
	if (!row_has(a->present, field))
		return;
	switch (types[f->type].storage) {
	case STORAGE_TEXT:
		assert_int_equal(s->len, t->len);
		assert_memory_equal(s->data, t->data, s->len);
		return;
	case STORAGE_LIST:
		assert_int_equal(l->count, m->count);
		if (l->count > 0)
			assert_memory_equal(l->items, m->items, l->count * 8);
		return;
	case STORAGE_ADDR:
		size = sizeof(struct addr);
		break;
	default:
		size = storage_size(types[f->type].storage);
	}
	if (memcmp(x, y, size) != 0)
		fail_msg("%s, row %u: another value", f->id, (unsigned)a->bytes);
}

static void
test_ipfix_biflow_keeps_every_field(void **state)
{
	struct sent sent = {0};
	struct wire_encode_config config = {.version = 10, .is_biflow = true,
	    .send = sent_take, .context = &sent};
	struct wire_encoder *e = wire_encoder_new(&config);
	struct batch *in = random_batch(1, false), *out;
	uint64_t counters[WIRE_COUNTERS];
	struct flow a, b;
	bool seen[ROWS] = {0};
	unsigned i, field;

	(void)state;
	assert_int_equal(wire_encode(e, in, 0, NULL), 0);
	out = decode_all(&sent, counters);
	assert_int_equal(out->rows, ROWS);
	assert_int_equal(counters[WIRE_lost], 0);
	assert_int_equal(counters[WIRE_unknown_elements], 0);
	for (i = 0; i < ROWS; i++) {
		memset(&b, 0, sizeof b);
		batch_row(out, i, &b);
		assert_true(b.bytes < ROWS && !seen[b.bytes]);
		seen[b.bytes] = true;
		memset(&a, 0, sizeof a);
		batch_row(in, b.bytes, &a);
		for (field = 0; field < flow_schema.stored; field++) {
			if (has_element(field))
				compare_field(field, &a, &b);
		}
	}
	batch_free(in);
	batch_free(out);
	wire_encoder_free(e);
	sent_done(&sent);
}

/* All but what the receiver sets itself. */
static void
test_every_field_has_an_element(void **state)
{
	unsigned field;

	(void)state;
	for (field = 0; field < flow_schema.stored; field++) {
		if (field == FLOW_exporter || field == FLOW_domain ||
		    field == FLOW_received)
			continue;
#ifdef WEIR_DUMMY_FIELD
		if (field == FLOW_dummy || field == FLOW_reverse_dummy)
			continue;
#endif
		if (!has_element(field))
			fail_msg("%s has no element in alias.def",
			    flow_schema.fields[field].id);
	}
}

/* Biflows as pairs of records: times, counters and keys of both. */
static void
check_uniflows(unsigned version, bool is_plain, int64_t grain_us)
{
	struct sent sent = {0};
	struct wire_encode_config config = {.version = version, .is_plain = is_plain,
	    .send = sent_take, .context = &sent};
	struct wire_encoder *e = wire_encoder_new(&config);
	struct batch *in = batch_new(&flow_schema, ROWS), *out;
	uint64_t counters[WIRE_COUNTERS];
	struct flow row, got;
	unsigned i;
	size_t j;
	bool is_reverse;

	for (i = 0; i < ROWS; i++) {
		memset(&row, 0, sizeof row);
		flow_set(&row, start, EPOCH_US + i * 1234567ll);
		flow_set(&row, end, EPOCH_US + i * 2234567ll + 1);
		flow_set(&row, src, addr_v4(0xc0000200 + i));
		flow_set(&row, dst, addr_v4(0xc6336400));
		flow_set(&row, proto, i % 10 == 0 ? 1 : i % 2 ? 6 : 17);
		if (i % 10 == 0) {
			flow_set(&row, icmp_type, 8);
			flow_set(&row, icmp_code, 3);
		} else {
			flow_set(&row, src_port, (uint16_t)(1024 + i));
			flow_set(&row, dst_port, 443);
		}
		if (row.proto == 6)
			flow_set(&row, tcp_flags, 0x1b);
		flow_set(&row, tos, 8);
		flow_set(&row, bytes, 1000000u + i);
		flow_set(&row, packets, 100 + i);
		if (i % 4 != 0) {
			flow_set(&row, reverse_bytes, 5000000u + i);
			flow_set(&row, reverse_packets, 5000 + i);
			flow_set(&row, reverse_tos, 4);
			if (row.proto == 6)
				flow_set(&row, reverse_tcp_flags, 0x13);
		}
		batch_append(in, &row);
	}
	assert_int_equal(wire_encode(e, in, 0, NULL), 0);
	out = decode_all(&sent, counters);
	assert_int_equal(out->rows, ROWS + ROWS * 3 / 4);
	assert_int_equal(counters[WIRE_lost], 0);
	/* NetFlow 5 has no biflows: there each record is a flow */
	assert_int_equal(wire_encoder_counters(e)[SENT_flows], version == 5
	    ? ROWS + ROWS * 3 / 4 : ROWS);
	for (j = 0; j < out->rows; j++) {
		batch_row(out, j, &got);
		is_reverse = got.packets >= 5000;
		i = (unsigned)(got.packets - (is_reverse ? 5000 : 100));
		assert_true(i < ROWS);
		batch_row(in, i, &row);
		assert_int_equal(got.bytes, is_reverse ? row.reverse_bytes : row.bytes);
		assert_int_equal(got.src.v4, is_reverse ? row.dst.v4 : row.src.v4);
		assert_int_equal(got.proto, row.proto);
		assert_int_equal(got.start, row.start / grain_us * grain_us);
		assert_int_equal(got.end, row.end / grain_us * grain_us);
		assert_false(flow_has(&got, reverse_bytes));
		assert_int_equal(got.tos, is_reverse ? 4 : 8);
		assert_int_equal(flow_has(&got, tcp_flags), row.proto == 6);
		if (row.proto == 6)
			assert_int_equal(got.tcp_flags, is_reverse ? 0x13 : 0x1b);
		if (row.proto == 1) {
			assert_false(flow_has(&got, src_port) || flow_has(&got,
			    dst_port));
			/* packets of the other direction are what answers these */
			assert_int_equal(got.icmp_type, is_reverse ? 0 : 8);
			assert_int_equal(got.icmp_code, 3);
		} else {
			assert_int_equal(is_reverse ? got.dst_port : got.src_port,
			    row.src_port);
			assert_false(flow_has(&got, icmp_type));
		}
	}
	batch_free(in);
	batch_free(out);
	wire_encoder_free(e);
	sent_done(&sent);
}

static void
test_uniflows(void **state)
{
	(void)state;
	check_uniflows(5, false, 1000);
	check_uniflows(9, false, 1000);
	check_uniflows(10, true, 1000);
	check_uniflows(10, false, 1);
}

static struct wire_encoder *
encoder_for(struct wire_encode_config *config, struct sent *sent)
{
	config->send = sent_take;
	config->context = sent;
	return wire_encoder_new(config);
}

/* A TCP connection, nothing counted yet. */
static void
connection_set(struct flow *row)
{
	flow_set(row, start, EPOCH_US);
	flow_set(row, end, EPOCH_US);
	flow_set(row, src, addr_v4(1));
	flow_set(row, dst, addr_v4(2));
	flow_set(row, proto, 6);
}

/* Of a flow whose answers alone were seen, or under sampling a SYN alone, there is no record of
 * a direction without packets; but in a biflow, which has both, and where our own elements tell
 * of the SYN. */
static void
test_no_record_without_packets(void **state)
{
	static const struct wire_encode_config configs[] = {{.version = 1}, {.version = 5},
	    {.version = 9}, {.version = 10}, {.version = 10, .is_plain = true},
	    {.version = 10, .is_biflow = true}};
	uint64_t packets;
	bool has_own;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof configs / sizeof *configs; i++) {
		struct wire_encode_config config = configs[i];
		struct sent sent = {0};
		struct batch *in = batch_new(&flow_schema, 4), *out;
		struct wire_encoder *e;
		struct flow row = {0};

		e = encoder_for(&config, &sent);
		connection_set(&row);
		flow_set(&row, bytes, 0);
		flow_set(&row, packets, 0);
		flow_set(&row, reverse_bytes, 400);
		flow_set(&row, reverse_packets, 3);
		batch_append(in, &row);
		flow_set(&row, packets, 1); /* octets not known: still a packet */
		batch_append(in, &row);
		flow_set(&row, packets, 0);
		flow_set(&row, reverse_packets, 0);
		flow_set(&row, reverse_bytes, 0);
		flow_set(&row, sampling, 100);
		flow_set(&row, outside_packets, 1);
		batch_append(in, &row);
		has_own = config.version == 10 && !config.is_plain;
		assert_int_equal(wire_encode(e, in, 0, NULL), 0);
		out = decode_all(&sent, NULL);
		assert_int_equal(out->rows, config.is_biflow ? 3 : 3 + has_own);
		assert_int_equal(wire_encoder_counters(e)[SENT_flows],
		    config.version < 9 ? 3 : 2 + has_own);
		for (j = packets = 0; j < out->rows; j++)
			packets += column_u64(&out->columns[FLOW_packets], j);
		assert_int_equal(packets, config.is_biflow ? 1 : 7);
		batch_free(in);
		batch_free(out);
		wire_encoder_free(e);
		sent_done(&sent);
	}
}

/* Where one direction alone passed the meter, the payload of the other is known by what was
 * acknowledged: a record of no packet tells it, but only to who knows our own elements. */
static void
test_acknowledged_direction(void **state)
{
	static const struct {
		struct wire_encode_config config;
		size_t rows;
	} cases[] = {{{.version = 9}, 1}, {{.version = 10, .is_plain = true}, 1},
	    {{.version = 10}, 2}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wire_encode_config config = cases[i].config;
		struct sent sent = {0};
		struct batch *in = batch_new(&flow_schema, 1), *out;
		struct wire_encoder *e;
		struct flow row = {0};

		e = encoder_for(&config, &sent);
		connection_set(&row);
		flow_set(&row, bytes, 300);
		flow_set(&row, packets, 5);
		flow_set(&row, reverse_bytes, 0);
		flow_set(&row, reverse_packets, 0);
		flow_set(&row, reverse_span, 5000);
		flow_set(&row, reverse_span_kind, SPAN_by_ack);
		batch_append(in, &row);
		assert_int_equal(wire_encode(e, in, 0, NULL), 0);
		out = decode_all(&sent, NULL);
		assert_int_equal(out->rows, cases[i].rows);
		if (out->rows == 2) {
			batch_row(out, 1, &row);
			assert_int_equal(row.packets, 0);
			assert_int_equal(row.span, 5000);
			assert_int_equal(row.span_kind, SPAN_by_ack);
			assert_true(row.src.v4 == addr_v4(2).v4);
		}
		batch_free(in);
		batch_free(out);
		wire_encoder_free(e);
		sent_done(&sent);
	}
}

static void
test_v5_splits_and_leaves_out(void **state)
{
	struct sent sent = {0};
	struct wire_encode_config config = {.version = 5, .send = sent_take,
	    .context = &sent};
	struct wire_encoder *e = wire_encoder_new(&config);
	struct batch *in = batch_new(&flow_schema, 4), *out;
	const uint8_t six[16] = {0x20, 1, 0xd, 0xb8};
	struct flow row = {0};
	uint64_t sum = 0;
	size_t i;

	(void)state;
	flow_set(&row, start, EPOCH_US);
	flow_set(&row, end, EPOCH_US);
	flow_set(&row, src, addr_v4(1));
	flow_set(&row, dst, addr_v4(2));
	flow_set(&row, proto, 6);
	flow_set(&row, bytes, 10000000007u);
	flow_set(&row, packets, 7);
	flow_set(&row, sampling, 100);
	batch_append(in, &row);
	row.src = row.dst = addr_v6(six);
	batch_append(in, &row);
	assert_int_equal(wire_encode(e, in, 0, NULL), 0);
	out = decode_all(&sent, NULL);
	assert_int_equal(out->rows, 3);
	for (i = 0; i < 3; i++)
		sum += column_u64(&out->columns[FLOW_bytes], i);
	assert_int_equal(sum, 10000000007u);
	assert_int_equal(column_u64(&out->columns[FLOW_sampling], 0), 100);
	assert_int_equal(wire_encoder_counters(e)[SENT_ipv6_left_out], 1);
	assert_int_equal(wire_encoder_counters(e)[SENT_split], 2);
	batch_free(in);
	batch_free(out);
	wire_encoder_free(e);
	sent_done(&sent);
}

static void
test_datagrams_keep_their_size(void **state)
{
	struct sent sent = {0};
	struct wire_encode_config config = {.version = 10, .is_biflow = true,
	    .datagram_bytes = 1200, .send = sent_take, .context = &sent};
	struct wire_encoder *e = wire_encoder_new(&config);
	struct batch *in = random_batch(3, false);
	unsigned i;

	(void)state;
	assert_int_equal(wire_encode(e, in, 0, NULL), 0);
	for (i = 0; i < sent.count; i++)
		assert_true(sent.ends[i] - sent_start(&sent, i) <= 1200);
	batch_free(in);
	wire_encoder_free(e);
	sent_done(&sent);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_field_has_an_element),
	    cmocka_unit_test(test_ipfix_biflow_keeps_every_field),
	    cmocka_unit_test(test_uniflows),
	    cmocka_unit_test(test_no_record_without_packets),
	    cmocka_unit_test(test_acknowledged_direction),
	    cmocka_unit_test(test_v5_splits_and_leaves_out),
	    cmocka_unit_test(test_datagrams_keep_their_size),
	};

	return cmocka_run_group_tests_name("wire: round trips", tests, NULL, NULL);
}
