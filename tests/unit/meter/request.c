/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which bursts of an HTTP/2 client in TLS begin an exchange: short requests do, and
 * frames of flow control of the same lengths do not. Lengths are those of RFC 9113 and of
 * TLS records.
 */
#include "rig.h"

enum { ANSWER = 30000 };

/* What a record adds, and the handshake's bursts of the client. */
static const struct version {
	uint32_t overhead, hello, finished;
} tls13 = {22, 517, 80}, gcm = {29, 220, 93}, chacha = {21, 220, 85};

/* A connection with one download on it: two records, of which the handshake's is one. */
static struct rig *
http2_seen(const struct version *tls, uint32_t first, int seen)
{
	struct rig *r = rig_new();

	r->seen = seen;
	r->server_port = 443;
	tcp_open(r);
	tcp_exchange(r, tls->hello, 1340);
	tcp_send(r, 0, ACK | PSH, tls->finished);
	if (tls != &tls13)
		tcp_data(r, 1, 51);
	/* preface, settings, window */
	tcp_send(r, 0, ACK | PSH, 24 + 27 + 13 + tls->overhead);
	tcp_exchange(r, 80 + tls->overhead, first);
	/* acknowledges the server's settings */
	tcp_send(r, 0, ACK | PSH, 9 + tls->overhead);
	tcp_send(r, 1, ACK, 0);
	return r;
}

static struct rig *
http2(const struct version *tls, uint32_t first)
{
	return http2_seen(tls, first, 3);
}

/* Records with n octets of an answer. */
static unsigned
answers(const struct rig *r, uint32_t n)
{
	unsigned count = 0;

	for (size_t i = 0; i < r->n; i++)
		count += flow_or(&r->rows[i], reverse_span, 0) == n;
	return count;
}

static void
done(struct rig *r, size_t large)
{
	size_t n = 0;

	tcp_close(r);
	rig_done(r);
	for (size_t i = 0; i < r->n; i++)
		n += flow_or(&r->rows[i], reverse_span, 0) >= ANSWER;
	assert_int_equal(n, large);
}

/* Compressed header fields of so many octets, in a HEADERS frame in a record. */
static void
test_short_requests(void **state)
{
	static const struct version *const versions[] = {&tls13, &gcm, &chacha};
	static const uint32_t fields[] = {5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19,
	    20};

	for (size_t v = 0; v < 3; v++)
		for (int seen = 1; seen <= 3; seen++) {
			struct rig *r = http2_seen(versions[v], ANSWER, seen);

			for (uint32_t i = 0; i < sizeof fields / sizeof *fields; i++)
				tcp_exchange(r, versions[v]->overhead + 9 + fields[i],
				    ANSWER + 1 + i);
			done(r, 1 + sizeof fields / sizeof *fields);
			for (uint32_t i = 0; i < sizeof fields / sizeof *fields; i++)
				assert_int_equal(answers(r, ANSWER + 1 + i), 1);
			rig_free(r);
		}
}

/* Without an acknowledgement of settings that tells what it is, or with a first burst
 * that is as long as one, no connection has short requests. */
static void
test_other_protocols(void **state)
{
	static const uint32_t greetings[] = {30, 31, 38};

	for (size_t g = 0; g < 3; g++) {
		struct rig *r = rig_new();

		tcp_open(r);
		tcp_exchange(r, greetings[g], ANSWER);
		for (uint32_t n = 33; n < 50; n++)
			tcp_exchange(r, n, ANSWER);
		done(r, 1);
		rig_free(r);
	}
}

/* Window updates of a client with small windows, in the midst of an answer. */
static void
test_window_updates(void **state)
{
	static const struct version *const versions[] = {&tls13, &gcm, &chacha};

	for (size_t v = 0; v < 3; v++)
		for (unsigned frames = 1; frames <= 2; frames++) {
			uint32_t n = versions[v]->overhead + 13 * frames;
			struct rig *r = http2(versions[v], ANSWER);

			tcp_exchange(r, 120, 32768);
			for (int i = 0; i < 40; i++) {
				tcp_send(r, 0, ACK | PSH, versions[v]->overhead + 13);
				tcp_data(r, 1, 20000);
				tcp_send(r, 0, ACK | PSH, n);
				tcp_data(r, 1, 12768);
			}
			done(r, 2);
			assert_int_equal(answers(r, 41 * 32768), 1);
			rig_free(r);
		}
}

/*
 * What is as long as two window updates in a record is a request if the answer before it
 * was too short for them: less than Go's clients wait for or, of a client that is none,
 * half a window; or if the client has shown that its windows are large.
 */
static void
test_as_long_as_updates(void **state)
{
	static const struct {
		uint32_t before, answer;
		bool is_request;
	} cases[] = {{ANSWER, 4000, true}, {ANSWER, 20000, false}, {70000, 20000, true},
	    {ANSWER, 70000, false}, {200000, 70000, true}, {200000, 2000000, false}};
	static const struct version *const versions[] = {&tls13, &gcm, &chacha};

	for (size_t i = 0; i < 3 * sizeof cases / sizeof *cases; i++) {
		const struct version *tls = versions[i % 3];
		struct rig *r = http2(tls, cases[i / 3].before);

		tcp_exchange(r, 90, cases[i / 3].answer);
		tcp_exchange(r, tls->overhead + 26, 40001);
		tcp_close(r);
		rig_done(r);
		assert_int_equal(answers(r, 40001), cases[i / 3].is_request);
		assert_int_equal(answers(r, cases[i / 3].answer + 40001),
		    !cases[i / 3].is_request);
		rig_free(r);
	}
}

/* Once two have come in a row they are window updates, large as the windows may be. */
static void
test_updates_of_large_windows(void **state)
{
	struct rig *r = http2(&tls13, 200000);

	tcp_exchange(r, 90, ANSWER);
	for (int i = 0; i < 30; i++) {
		tcp_send(r, 0, ACK | PSH, 48);
		tcp_data(r, 1, 5000);
	}
	tcp_close(r);
	rig_done(r);
	assert_in_range(r->n, 3, 5);
	rig_free(r);
}

/* A request as long as a PING is one if more than a PING comes back. */
static void
test_as_long_as_ping(void **state)
{
	for (int seen = 1; seen <= 3; seen++) {
		struct rig *r = http2_seen(&tls13, ANSWER, seen);

		tcp_exchange(r, 39, 40001);
		tcp_exchange(r, 39, 40002);
		tcp_exchange(r, 39, 39);    /* a PING */
		tcp_exchange(r, 100, 40003);
		tcp_send(r, 0, ACK | PSH, 39); /* GOAWAY */
		tcp_send(r, 0, ACK | PSH, 24);
		done(r, 4);
		assert_int_equal(answers(r, 40001), 1);
		assert_int_equal(answers(r, 40002 + 39), 1);
		assert_int_equal(answers(r, 40003), 1);
		/* The close, and what says so, belongs to the last. The server alone
		 * shows it as one acknowledgement. */
		for (size_t i = 0; i < r->n; i++)
			if (r->rows[i].reverse_span == 40003)
				assert_int_equal(r->rows[i].span,
				    seen == 2 ? 100 : 100 + 39 + 24);
		rig_free(r);
	}
}

/* One of which the server's header fields come in a record as long as an answered
 * PING. */
static void
test_answer_as_long_as_ping(void **state)
{
	struct rig *r = http2(&tls13, ANSWER);

	tcp_send(r, 0, ACK | PSH, 39);
	tcp_send(r, 1, ACK | PSH, 39);
	tcp_data(r, 1, 50000);
	done(r, 2);
	assert_int_equal(answers(r, 50039), 1);
	rig_free(r);
}

/* After a pause what came before is written already, and the answer tells all the
 * same. */
static void
test_as_long_as_ping_after_a_pause(void **state)
{
	struct meter_config config = rig_config();
	struct rig *r = http2(&tls13, ANSWER);

	assert_int_equal(config.timeout_s[METER_EXPIRE_exchange_quiet], 5);
	r->now_ns += 7000ll * MS;
	tcp_exchange(r, 39, 50000);
	r->now_ns += 7000ll * MS;
	tcp_exchange(r, 39, 39);
	r->now_ns += 7000ll * MS;
	tcp_exchange(r, 39, 60000);
	done(r, 3);
	assert_int_equal(answers(r, 50000), 1);
	assert_int_equal(answers(r, 60000), 1);
	for (size_t i = 0; i < r->n; i++)
		if (flow_or(&r->rows[i], reverse_span, 0) >= 50000)
			assert_int_equal(r->rows[i].end_reason, END_REASON_end);
	rig_free(r);
}

/* Deleted, looked at, written early: what is held is not lost. */
static void
test_held_when_it_ends(void **state)
{
	struct rig *r = http2(&tls13, ANSWER);

	tcp_exchange(r, 100, 45000);
	tcp_send(r, 0, ACK | PSH, 39);
	rig_done(r); /* no FIN; adds packets up */
	assert_int_equal(answers(r, 45000), 1);
	rig_free(r);
	r = http2(&tls13, ANSWER);
	tcp_exchange(r, 100, 45000);
	tcp_send(r, 0, ACK | PSH, 39);
	tcp_send(r, 0, RST | ACK, 0);
	rig_done(r);
	assert_int_equal(answers(r, 45000), 1);
	rig_free(r);
}

/* What a client sends with the end of a handshake and before the first answer is marked,
 * but the connection is not pipelined; where it sends so later it is. */
static void
test_opening(void **state)
{
	static const struct version *const versions[] = {&tls13, &gcm, &chacha};

	for (size_t v = 0; v < 3; v++) {
		struct rig *r = http2(versions[v], ANSWER);

		tcp_exchange(r, 100, 40000);
		tcp_exchange(r, 39 + versions[v]->overhead - 22, 50000);
		done(r, 3);
		for (size_t i = 0; i < r->n; i++) {
			bool is_first = r->rows[i].reverse_span == ANSWER;

			assert_int_equal(flow_has(&r->rows[i], marks), is_first);
			for (size_t k = 0; is_first && k < r->rows[i].marks.count; k++)
				assert_int_equal(mark_kind(r->marks[i][k]), MARK_REQUEST);
		}
		rig_free(r);
		r = http2(versions[v], ANSWER);
		tcp_send(r, 0, ACK | PSH, 100);
		tcp_send(r, 0, ACK | PSH, 120);
		tcp_data(r, 1, 80000);
		tcp_exchange(r, 100, 40000);
		done(r, 3);
		for (size_t i = 0; i < r->n; i++)
			assert_int_equal(flow_has(&r->rows[i], marks),
			    r->rows[i].reverse_span >= ANSWER);
		rig_free(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_requests),
		cmocka_unit_test(test_other_protocols),
		cmocka_unit_test(test_window_updates),
		cmocka_unit_test(test_as_long_as_updates),
		cmocka_unit_test(test_updates_of_large_windows),
		cmocka_unit_test(test_as_long_as_ping),
		cmocka_unit_test(test_answer_as_long_as_ping),
		cmocka_unit_test(test_as_long_as_ping_after_a_pause),
		cmocka_unit_test(test_held_when_it_ends),
		cmocka_unit_test(test_opening),
	};

	return cmocka_run_group_tests_name("meter/request", tests, NULL, NULL);
}
