/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP connections to records: spans, exchanges, folding, marks. Each test is one rule. */
#include "rig.h"

#define HAS(row, id, value)                                      \
	do {                                                     \
		assert_true(flow_has((row), id));                \
		assert_int_equal((row)->id, (value));            \
	} while (0)

static void
test_one_download(void **state)
{
	struct rig *r = rig_new();

	tcp_open(r);
	tcp_exchange(r, 120, 100000);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 1);
	HAS(&r->rows[0], src_port, 40000);
	HAS(&r->rows[0], span, 120);
	HAS(&r->rows[0], reverse_span, 100000);
	HAS(&r->rows[0], span_kind, SPAN_exact);
	HAS(&r->rows[0], reverse_span_kind, SPAN_exact);
	HAS(&r->rows[0], biflow_direction, DIRECTION_syn);
	HAS(&r->rows[0], end_reason, END_REASON_end);
	HAS(&r->rows[0], exchange, 0);
	HAS(&r->rows[0], folded, 0);
	HAS(&r->rows[0], offset, 0);
	HAS(&r->rows[0], mid_stream, 0);
	HAS(&r->rows[0], handshake, 2000);
	HAS(&r->rows[0], coalesced, 0);
	HAS(&r->rows[0], reverse_max_segment, 1460);
	HAS(&r->rows[0], reverse_segments, 69);
	HAS(&r->rows[0], reverse_retransmitted, 0);
	HAS(&r->rows[0], initial_sequence, 1000);
	HAS(&r->rows[0], reverse_initial_sequence, 5000);
	assert_false(flow_has(&r->rows[0], marks));
	assert_true(flow_has(&r->rows[0], fingerprint));
	rig_free(r);
}

static void
test_keep_alive(void **state)
{
	struct rig *r = rig_new();
	uint64_t offset = 0, request = 0;

	tcp_open(r);
	for (uint32_t i = 0; i < 3; i++)
		tcp_exchange(r, 100 + i, 50000 + i);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 3);
	for (uint32_t i = 0; i < 3; i++) {
		const struct flow *f = &r->rows[i];

		HAS(f, exchange, i);
		HAS(f, span, 100 + i);
		HAS(f, reverse_span, 50000 + i);
		HAS(f, offset, request);
		HAS(f, reverse_offset, offset);
		HAS(f, end_reason, END_REASON_end);
		HAS(f, connection, r->rows[0].connection);
		assert_int_equal(flow_has(f, handshake), i == 0);
		assert_int_equal(flow_has(f, marks), 0);
		/* The request, 35 segments, their ACKs; the first has the handshake
		 * too. */
		HAS(f, reverse_packets, i == 1 ? 35 : 36);
		HAS(f, packets, i == 0 ? 38 : i == 1 ? 36 : 38);
		request += f->span;
		offset += f->reverse_span;
		if (i > 0)
			assert_true(f->start > r->rows[i - 1].end);
	}
	rig_free(r);
}

static void
test_not_cut(void **state)
{
	struct meter_config config = rig_config();
	struct rig *r;

	config.cut_exchanges = false;
	r = rig_with(&config);
	tcp_open(r);
	for (int i = 0; i < 3; i++)
		tcp_exchange(r, 100, 50000);
	r->now_ns += 20000ll * MS;
	tcp_exchange(r, 100, 50000);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 1);
	HAS(&r->rows[0], span, 400);
	HAS(&r->rows[0], reverse_span, 200000);
	rig_free(r);
}

/* Window updates, pings, keystrokes: bursts under 50 octets. */
static void
test_small_bursts(void **state)
{
	struct rig *r = rig_new();

	tcp_open(r);
	tcp_exchange(r, 200, 5000);
	for (int i = 0; i < 500; i++) {
		tcp_send(r, 0, ACK | PSH, 36);
		tcp_data(r, 1, 3000);
	}
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 1);
	HAS(&r->rows[0], reverse_span, 5000 + 500 * 3000);
	rig_free(r);
}

/* Window updates that waited for each other, in one segment or in one acknowledgement,
 * cut nothing either; what is no multiple of theirs, or of more than four, does. */
static void
test_several_bursts(void **state)
{
	static const struct {
		uint32_t small, burst;
		size_t records;
	} cases[] = {{36, 72, 1}, {36, 108, 1}, {36, 144, 1}, {36, 73, 2}, {36, 100, 2},
		{36, 180, 2}, {36, 59, 2}, /* HTTP/2 in TLS 1.2: two frames in a record */
		{42, 55, 1}, {42, 56, 2}, {42, 84, 1}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int seen = 1; seen <= 3; seen++) {
			struct rig *r = rig_new();
			uint64_t span = 0, response = 0;

			r->seen = seen;
			tcp_open(r);
			tcp_exchange(r, 200, 5000);
			for (int k = 0; k < 3; k++)
				tcp_exchange(r, cases[i].small, 30000);
			tcp_exchange(r, cases[i].burst, 30000);
			tcp_close(r);
			rig_done(r);
			assert_int_equal(r->n, cases[i].records);
			for (size_t k = 0; k < r->n; k++) {
				span += r->rows[k].span;
				response += r->rows[k].reverse_span;
			}
			assert_int_equal(span, 200 + 3 * cases[i].small + cases[i].burst);
			assert_int_equal(response, 5000 + 4 * 30000);
			rig_free(r);
		}
}

/* Requests alone, however alike, are no small bursts. */
static void
test_like_requests(void **state)
{
	struct rig *r = rig_new();

	tcp_open(r);
	for (int i = 0; i < 4; i++)
		tcp_exchange(r, 72 << i, 30000);
	for (int i = 0; i < 4; i++)
		tcp_exchange(r, 72, 30000);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 8);
	rig_free(r);
}

static void
test_small_talk(void **state)
{
	struct rig *r = rig_new();
	uint64_t folded = 0, span = 0, response = 0, first = 0;

	tcp_open(r);
	for (int i = 0; i < 100000; i++)
		tcp_exchange(r, 90, 1100);
	tcp_close(r);
	rig_done(r);
	assert_in_range(r->n, 2, 1100);
	for (size_t i = 0; i < r->n; i++) {
		folded += r->rows[i].folded;
		span += r->rows[i].span;
		response += r->rows[i].reverse_span;
		first += r->rows[i].exchange == 0;
		HAS(&r->rows[i], connection, r->rows[0].connection);
	}
	assert_int_equal(r->n, 65);
	assert_int_equal(folded, 100000 - 64);
	assert_int_equal(span, 9000000);
	assert_int_equal(response, 110000000);
	assert_int_equal(first, 1);
	rig_free(r);
}

static void
test_size_rules(void **state)
{
	struct rig *r = rig_new();
	unsigned own = 0;

	tcp_open(r);
	for (int i = 0; i < 2000; i++)
		tcp_exchange(r, 90, i % 2 ? 8192 : 8191);
	tcp_exchange(r, 90, 256 << 10);
	tcp_exchange(r, 90, (256 << 10) - 1);
	tcp_close(r);
	rig_done(r);
	for (size_t i = 0; i < r->n; i++)
		own += r->rows[i].folded == 0;
	/* 64 of 1 KiB, half of the next 960, one of 256 KiB. */
	assert_int_equal(own, 64 + 480 + 1);
	assert_int_equal(r->n, own + 1);
	rig_free(r);
}

/* A first exchange that is folded takes ordinal 0 and the handshake along. */
static void
test_folded_first(void **state)
{
	struct rig *r = rig_new();
	unsigned zero = 0;

	tcp_open(r);
	tcp_exchange(r, 100, 300);
	tcp_exchange(r, 100, 30000);
	tcp_exchange(r, 100, 300);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 2);
	for (size_t i = 0; i < 2; i++)
		if (r->rows[i].exchange == 0) {
			zero++;
			HAS(&r->rows[i], folded, 2);
			HAS(&r->rows[i], reverse_span, 600);
			assert_true(flow_has(&r->rows[i], handshake));
		} else {
			HAS(&r->rows[i], exchange, 1);
			HAS(&r->rows[i], reverse_span, 30000);
		}
	assert_int_equal(zero, 1);
	rig_free(r);
}

static void
test_upload(void **state)
{
	struct rig *r = rig_new();

	r->server_port = 22;
	tcp_open(r);
	tcp_send(r, 1, ACK | PSH, 40); /* banners */
	tcp_send(r, 0, ACK | PSH, 40);
	tcp_data(r, 1, 1000);
	for (int i = 0; i < 300; i++) {
		tcp_data(r, 0, 32768);
		tcp_data(r, 1, 36); /* window adjust */
	}
	tcp_close(r);
	rig_done(r);
	/* Each 32 KiB after a small answer is an exchange of small talk; none is lost. */
	assert_in_range(r->n, 1, 3);
	rig_free(r);
}

/* Second and third request go out before the first answer is complete. */
static void
test_pipelined(void **state)
{
	struct rig *r = rig_new();
	const uint64_t *marks;
	const struct flow *f;

	tcp_open(r);
	tcp_send(r, 0, ACK | PSH, 150);
	tcp_send(r, 1, ACK, 1460);
	tcp_raw(r, 0, r->seq[0], r->seq[1] - 1460, ACK | PSH, 300);
	r->seq[0] += 300;
	tcp_data(r, 1, 2000);
	tcp_data(r, 1, 1000);
	tcp_send(r, 0, ACK | PSH, 80); /* all is acknowledged: a new record */
	tcp_data(r, 1, 3000);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 2);
	f = &r->rows[0];
	marks = r->marks[0];
	HAS(f, span, 450);
	HAS(f, reverse_span, 4460);
	assert_int_equal(f->marks.count, 4);
	assert_int_equal(marks[0], mark_pack(MARK_REQUEST, 150, 0));
	assert_int_equal(marks[1], mark_pack(MARK_REQUEST, 300, 1460));
	assert_int_equal(marks[2], mark_pack(MARK_END, 540, 3460));
	assert_int_equal(marks[3], mark_pack(MARK_END, 1000, 4460));
	f = &r->rows[1];
	marks = r->marks[1];
	HAS(f, exchange, 1);
	assert_int_equal(f->marks.count, 2);
	assert_int_equal(marks[0], mark_pack(MARK_REQUEST, 80, 4460));
	assert_int_equal(marks[1], mark_pack(MARK_END, 80, 7460));
	rig_free(r);
}

/* Each request acknowledges the whole answer before, but one holds several. */
static void
test_pipelined_at_once(void **state)
{
	struct rig *r = rig_new();

	tcp_open(r);
	tcp_send(r, 0, ACK | PSH, 2000); /* the first tells nothing */
	tcp_data(r, 1, 3000);
	tcp_send(r, 0, ACK | PSH, 1460); /* may be one request */
	tcp_data(r, 1, 3000);
	tcp_send(r, 0, ACK | PSH, 1461);
	tcp_data(r, 1, 3000);
	tcp_send(r, 0, ACK | PSH, 150);
	tcp_data(r, 1, 3000);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 4);
	assert_false(flow_has(&r->rows[0], marks));
	assert_false(flow_has(&r->rows[1], marks));
	assert_int_equal(r->rows[2].marks.count, 2);
	assert_int_equal(r->marks[2][0], mark_pack(MARK_REQUEST, 1461, 6000));
	assert_int_equal(r->marks[2][1], mark_pack(MARK_END, 80, 9000));
	assert_int_equal(r->rows[3].marks.count, 2);
	assert_int_equal(r->marks[3][0], mark_pack(MARK_REQUEST, 150, 9000));
	rig_free(r);
}

/*
 * The second burst is twice the first or more: it holds several requests, in one segment,
 * if they are as terse as those of clients that pipeline. Apt's are of some 150 octets,
 * and ten of them fit into a segment; a browser's first is of 400 to 600, the next has
 * cookies.
 */
static void
test_pipelined_in_one_segment(void **state)
{
	static const struct {
		uint32_t first, second;
		bool is_pipelined;
	} cases[] = {{150, 1350, true}, {150, 450, true}, {150, 300, true},
	    {140, 279, true},
	    {150, 284, false}, {160, 200, false}, {420, 1300, false}, {310, 1200, false},
	    {517, 1400, false}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rig *r = rig_new();

		tcp_open(r);
		tcp_exchange(r, cases[i].first, 3000);
		tcp_exchange(r, cases[i].second, 3000);
		tcp_exchange(r, cases[i].second, 3000);
		tcp_close(r);
		rig_done(r);
		assert_int_equal(r->n, 3);
		assert_false(flow_has(&r->rows[0], marks));
		assert_int_equal(flow_has(&r->rows[1], marks), cases[i].is_pipelined);
		assert_int_equal(flow_has(&r->rows[2], marks), cases[i].is_pipelined);
		if (cases[i].is_pipelined)
			assert_int_equal(r->marks[1][0],
			    mark_pack(MARK_REQUEST, cases[i].second, 3000));
		rig_free(r);
	}
}

/* Only pushed segments end a write, and lengths that come again and again end none. */
static void
test_marks_of_ends(void **state)
{
	static const struct {
		uint32_t bytes;
		unsigned flags;
		bool is_marked;
	} cases[] = {
	    {500, ACK | PSH, true},   {501, ACK, false},        {1460, ACK | PSH, false},
	    {376, ACK | PSH, true},   {376, ACK | PSH, true},   {376, ACK | PSH, true},
	    {376, ACK | PSH, true},   {376, ACK | PSH, false},  {700, ACK | PSH, true},
	    {376, ACK | PSH, false},  {500, ACK | PSH, true},
	};
	struct rig *r = rig_new();
	struct meter_stats stats;
	uint64_t offset = 1000;
	uint32_t n = 2;

	tcp_open(r);
	tcp_send(r, 0, ACK | PSH, 150);
	tcp_send(r, 1, ACK, 1000);
	tcp_raw(r, 0, r->seq[0], r->seq[1] - 1000, ACK | PSH, 300);
	r->seq[0] += 300;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		tcp_send(r, 1, cases[i].flags, cases[i].bytes);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		offset += cases[i].bytes;
		if (!cases[i].is_marked)
			continue;
		assert_in_range(n, 0, r->rows[0].marks.count - 1);
		assert_int_equal(r->marks[0][n++], mark_pack(MARK_END, cases[i].bytes,
		    offset));
	}
	assert_int_equal(r->rows[0].marks.count, n);
	meter_stats(r->meter, &stats);
	assert_int_equal(stats.counters[METER_marks_usual], 2);
	rig_free(r);
}

static void
test_marks_bound(void **state)
{
	struct rig *r = rig_new();
	uint64_t last;

	tcp_open(r);
	for (int i = 0; i < 2000; i++)
		tcp_raw(r, 0, r->seq[0] + (uint32_t)i * 100, r->seq[1], ACK | PSH, 100);
	r->seq[0] += 200000;
	tcp_data(r, 1, 100);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->rows[0].marks.count, 512);
	last = r->marks[0][511];
	assert_int_equal(mark_kind(last), MARK_LOST);
	assert_int_equal(mark_value(last) + 511, 2001);
	rig_free(r);
}

static void
test_quiet(void **state)
{
	struct rig *r = rig_new();

	tcp_open(r);
	tcp_exchange(r, 100, 50000);
	r->now_ns += 6000ll * MS;
	tcp_data(r, 1, 20000); /* the server goes on */
	r->now_ns += 20000ll * MS;
	tcp_close(r); /* belongs to the last */
	rig_done(r);
	assert_int_equal(r->n, 2);
	HAS(&r->rows[0], reverse_span, 50000);
	HAS(&r->rows[0], end_reason, END_REASON_end);
	HAS(&r->rows[1], reverse_span, 20000);
	HAS(&r->rows[1], reverse_offset, 50000);
	HAS(&r->rows[1], exchange, 0);
	HAS(&r->rows[1], end_reason, END_REASON_active);
	assert_true(flow_has(&r->rows[1], reverse_tcp_flags));
	HAS(&r->rows[1], reverse_tcp_flags, FIN | ACK | PSH);
	rig_free(r);
}

static void
test_quiet_live(void **state)
{
	struct meter_config config = rig_config();
	struct rig *r;

	config.write_quiet = true;
	r = rig_with(&config);
	tcp_open(r);
	tcp_exchange(r, 100, 50000);
	rig_send(r);
	assert_int_equal(meter_time(r->meter, r->now_ns + 6000ll * MS, &r->err), 0);
	assert_int_equal(meter_push(r->meter, &r->err), 0);
	assert_int_equal(r->n, 1);
	HAS(&r->rows[0], reverse_span, 50000);
	r->now_ns += 20000ll * MS;
	tcp_exchange(r, 100, 40000);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 2);
	HAS(&r->rows[1], reverse_span, 40000);
	HAS(&r->rows[1], exchange, 1);
	HAS(&r->rows[1], end_reason, END_REASON_end);
	rig_free(r);
}

/* The active timeout splits a download; the next request is an exchange all the same. */
static void
test_active(void **state)
{
	struct meter_config config = rig_config();
	struct rig *r;
	uint64_t span = 0;

	config.timeout_s[METER_EXPIRE_active] = 1;
	r = rig_with(&config);
	tcp_open(r);
	tcp_exchange(r, 100, 1460 * 700);
	r->now_ns += 2000ll * MS;
	tcp_exchange(r, 200, 1460);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 3);
	for (size_t i = 0; i < r->n; i++) {
		HAS(&r->rows[i], reverse_offset, span);
		span += r->rows[i].reverse_span;
		HAS(&r->rows[i], exchange, i == 2);
		HAS(&r->rows[i], end_reason, i == 2 ? END_REASON_end : END_REASON_active);
	}
	HAS(&r->rows[2], span, 200);
	HAS(&r->rows[2], reverse_span, 1460);
	rig_free(r);
}

/* A slow server: the answer comes long after the request was acknowledged. */
static void
test_slow_answer(void **state)
{
	struct rig *r = rig_new();

	tcp_open(r);
	tcp_send(r, 0, ACK | PSH, 100);
	tcp_send(r, 1, ACK, 0);
	r->now_ns += 30000ll * MS;
	tcp_data(r, 1, 50000);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 1);
	HAS(&r->rows[0], span, 100);
	HAS(&r->rows[0], reverse_span, 50000);
	rig_free(r);
}

static void
test_wrap(void **state)
{
	for (int seen = 1; seen <= 3; seen++) {
		struct rig *r = rig_new();

		r->seen = seen;
		r->seq[1] = 0xffff0000u;
		r->seq[0] = 0xfffffff0u;
		tcp_open(r);
		tcp_exchange(r, 300, 300000);
		tcp_exchange(r, 300, 400000);
		tcp_close(r);
		rig_done(r);
		assert_int_equal(r->n, 2);
		HAS(&r->rows[0], span, 300);
		HAS(&r->rows[0], reverse_span, 300000);
		HAS(&r->rows[1], reverse_span, 400000);
		HAS(&r->rows[1], reverse_offset, 300000);
		rig_free(r);
	}
}

static void
test_long(void **state)
{
	struct rig *r = rig_new();
	uint64_t n = 0;

	r->mss = 60000;
	tcp_open(r);
	tcp_send(r, 0, ACK | PSH, 100);
	for (; n < 10000000000ull; n += 60000)
		tcp_send(r, 1, ACK, 60000);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 1);
	HAS(&r->rows[0], reverse_span, n);
	HAS(&r->rows[0], coalesced, 1);
	rig_free(r);
}

static void
test_order_and_loss(void **state)
{
	struct rig *r = rig_new();
	uint32_t s, c;

	tcp_open(r);
	tcp_send(r, 0, ACK | PSH, 100);
	s = r->seq[1];
	c = r->seq[0];
	tcp_raw(r, 1, s, c, ACK, 1000);
	tcp_raw(r, 1, s + 2000, c, ACK, 1000); /* overtakes */
	tcp_raw(r, 1, s + 1000, c, ACK, 1000); /* fills */
	tcp_raw(r, 1, s, c, ACK, 1000);        /* again */
	tcp_raw(r, 1, s + 4000, c, ACK, 1000);
	tcp_raw(r, 1, s + 2500, c, ACK, 1000); /* half again, half new */
	tcp_raw(r, 1, s + 3500, c, ACK, 500);
	tcp_raw(r, 0, c - 1, s + 5000, ACK, 1); /* keep-alive */
	r->seq[1] += 5000;
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 1);
	HAS(&r->rows[0], reverse_span, 5000);
	HAS(&r->rows[0], reverse_retransmitted, 1500);
	HAS(&r->rows[0], reverse_segments, 7);
	HAS(&r->rows[0], span, 100);
	HAS(&r->rows[0], retransmitted, 0);
	HAS(&r->rows[0], segments, 1);
	rig_free(r);
}

/* What came again belongs to the record in which it did, also while a gap stays open. */
static void
test_sent_again_by_record(void **state)
{
	static const uint64_t again[] = {1500, 0, 300};
	struct rig *r = rig_new();

	tcp_open(r);
	for (int i = 0; i < 3; i++) {
		tcp_send(r, 0, ACK | PSH, 100);
		tcp_send(r, 1, ACK, 1400);
		r->seq[1] += i == 0 ? 200 : 0; /* never seen */
		tcp_send(r, 1, ACK | PSH, 1400);
		if (again[i] > 0)
			tcp_raw(r, 1, r->seq[1] - (uint32_t)again[i] - 100, r->seq[0], ACK,
			    (uint32_t)again[i] - (i == 0 ? 100 : 0));
		tcp_send(r, 0, ACK, 0);
	}
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 3);
	HAS(&r->rows[0], reverse_retransmitted, 1200); /* and 200 into the gap */
	HAS(&r->rows[1], reverse_retransmitted, 0);
	HAS(&r->rows[2], reverse_retransmitted, 300);
	HAS(&r->rows[0], reverse_span, 3000);
	HAS(&r->rows[1], reverse_span, 2800);
	rig_free(r);
}

/* A segment longer than any, which only a wrong header tells. */
static void
test_longest_segment(void **state)
{
	struct rig *r = rig_new();

	tcp_open(r);
	tcp_send(r, 0, ACK | PSH, 100);
	tcp_send(r, 1, ACK | PSH, 20000000);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 1);
	HAS(&r->rows[0], reverse_span, 20000000);
	HAS(&r->rows[0], reverse_max_segment, (1 << 24) - 1); /* or more */
	rig_free(r);
}

/* Four gaps are remembered; a segment within one makes two of it, and what is forgotten
 * then is counted. */
static void
test_gap_forgotten(void **state)
{
	static const uint32_t sent[][2] = {{0, 1000}, {2000, 1000}, {4000, 1000},
	    {6000, 1000}, {8000, 1000}, {7400, 200}, {7600, 400}, {7000, 400},
	    {5000, 1000}, {3000, 1000}, {1000, 1000}};
	struct rig *r = rig_new();
	struct meter_stats stats;
	uint32_t s, c;

	tcp_open(r);
	tcp_send(r, 0, ACK | PSH, 100);
	s = r->seq[1];
	c = r->seq[0];
	for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
		tcp_raw(r, 1, s + sent[i][0], c, ACK, sent[i][1]);
		rig_send(r);
		meter_stats(r->meter, &stats);
		assert_int_equal(stats.counters[METER_gaps_lost], i >= 5);
	}
	r->seq[1] += 9000;
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 1);
	HAS(&r->rows[0], reverse_span, 9000);
	HAS(&r->rows[0], reverse_retransmitted, 1000); /* the earliest gap */
	rig_free(r);
}

/* What only one direction shows of three downloads equals what both show. */
static void
test_one_direction(void **state)
{
	for (int seen = 1; seen <= 2; seen++) {
		struct rig *r = rig_new();

		r->seen = seen;
		tcp_open(r);
		for (uint32_t i = 0; i < 3; i++)
			tcp_exchange(r, 100 + i, 50000 + i);
		tcp_close(r);
		rig_done(r);
		assert_int_equal(r->n, 3);
		for (uint32_t i = 0; i < 3; i++) {
			const struct flow *f = &r->rows[i];

			assert_int_equal(f->src_port, 40000);
			HAS(f, exchange, i);
			HAS(f, span, 100 + i);
			HAS(f, reverse_span, 50000 + i);
			HAS(f, span_kind, seen == 1 ? SPAN_exact : SPAN_by_ack);
			HAS(f, reverse_span_kind, seen == 2 ? SPAN_exact : SPAN_by_ack);
			assert_int_equal(flow_has(f, reverse_packets), seen == 2);
		}
		rig_free(r);
	}
}

static void
test_mid_stream(void **state)
{
	struct rig *r = rig_new();

	tcp_data(r, 1, 100000);
	tcp_exchange(r, 100, 40000);
	tcp_close(r);
	rig_done(r);
	assert_int_equal(r->n, 2);
	HAS(&r->rows[0], mid_stream, 1);
	HAS(&r->rows[0], biflow_direction, DIRECTION_port);
	HAS(&r->rows[0], src_port, 40000);
	HAS(&r->rows[0], reverse_span, 100000);
	HAS(&r->rows[0], reverse_span_kind, SPAN_at_least);
	HAS(&r->rows[1], reverse_span, 40000);
	HAS(&r->rows[1], reverse_span_kind, SPAN_exact);
	rig_free(r);
}

static void
test_rst_and_reuse(void **state)
{
	struct rig *r = rig_new();

	tcp_open(r);
	tcp_exchange(r, 100, 20000);
	tcp_send(r, 0, RST | ACK, 0);
	r->seq[0] += 70000;
	r->seq[1] += 90000;
	tcp_open(r); /* same addresses and ports, at once */
	tcp_exchange(r, 100, 30000);
	tcp_close(r);
	r->seq[0] += 70000;
	tcp_open(r);
	tcp_exchange(r, 100, 40000);
	rig_done(r);
	assert_int_equal(r->n, 3);
	HAS(&r->rows[0], reverse_span, 20000);
	HAS(&r->rows[0], end_reason, END_REASON_end);
	HAS(&r->rows[1], reverse_span, 30000);
	HAS(&r->rows[2], reverse_span, 40000);
	HAS(&r->rows[2], end_reason, END_REASON_forced);
	assert_true(r->rows[0].connection != r->rows[1].connection);
	for (int i = 0; i < 3; i++)
		HAS(&r->rows[i], exchange, 0);
	rig_free(r);
}

static void
test_no_payload(void **state)
{
	struct rig *r = rig_new();

	tcp_send(r, 0, SYN, 0);
	tcp_send(r, 1, RST | ACK, 0);
	rig_done(r);
	assert_int_equal(r->n, 1);
	HAS(&r->rows[0], exchange, 0);
	assert_true(r->rows[0].connection != 0);
	assert_false(flow_has(&r->rows[0], span));
	HAS(&r->rows[0], end_reason, END_REASON_end);
	rig_free(r);
}

/* A SYN-ACK seen first turns the flow round. */
static void
test_syn_ack_first(void **state)
{
	struct rig *r = rig_new();

	r->server_port = 40001; /* no help from the port table */
	r->seen = 2;
	tcp_send(r, 0, SYN, 0);
	tcp_send(r, 1, SYN | ACK, 0);
	rig_done(r);
	assert_int_equal(r->n, 1);
	HAS(&r->rows[0], src_port, 40000);
	HAS(&r->rows[0], biflow_direction, DIRECTION_syn);
	HAS(&r->rows[0], packets, 0);
	HAS(&r->rows[0], reverse_packets, 1);
	rig_free(r);
}

/* A SYN cut off within its header has flags and a number, but is no mark of a system. */
static void
test_cut_syn(void **state)
{
	struct rig *r = rig_new();
	struct packet p = rig_ip(r, r->client, r->server, 6, 44);

	p.src_port = r->client_port;
	p.dst_port = r->server_port;
	p.flags = PACKET_HAS_PORTS | PACKET_HAS_TCP | PACKET_DF | PACKET_TRUNCATED;
	p.tcp_flags = SYN;
	p.tcp_seq = 7;
	p.tcp_options = rig_syn_options;
	rig_packet(r, &p);
	rig_done(r);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->rows[0].tcp_flags, SYN);
	assert_int_equal(r->rows[0].initial_sequence, 7);
	assert_false(flow_has(&r->rows[0], fingerprint));
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_syn),
		cmocka_unit_test(test_one_download),
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_not_cut),
		cmocka_unit_test(test_small_bursts),
		cmocka_unit_test(test_several_bursts),
		cmocka_unit_test(test_like_requests),
		cmocka_unit_test(test_small_talk),
		cmocka_unit_test(test_size_rules),
		cmocka_unit_test(test_folded_first),
		cmocka_unit_test(test_upload),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_pipelined_at_once),
		cmocka_unit_test(test_pipelined_in_one_segment),
		cmocka_unit_test(test_marks_of_ends),
		cmocka_unit_test(test_marks_bound),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_quiet_live),
		cmocka_unit_test(test_active),
		cmocka_unit_test(test_slow_answer),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_sent_again_by_record),
		cmocka_unit_test(test_longest_segment),
		cmocka_unit_test(test_order_and_loss),
		cmocka_unit_test(test_gap_forgotten),
		cmocka_unit_test(test_one_direction),
		cmocka_unit_test(test_mid_stream),
		cmocka_unit_test(test_rst_and_reuse),
		cmocka_unit_test(test_no_payload),
		cmocka_unit_test(test_syn_ack_first),
	};

	return cmocka_run_group_tests_name("meter/exchange", tests, NULL, NULL);
}
