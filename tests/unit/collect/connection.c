/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections of strangers at the collector: bounded in number, closed when they send
 * anything but messages, or half of one, or nothing. Everything is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collect/collect.h"
#include "collect/connection.h"
#include "collect/listen.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX = 6, PER_HOST = 4 };

static const int64_t SECOND_US = 1000000;

/* An empty message; its octets 12 to 15 are the domain. */
static const uint8_t message[16] = {0, 10, 0, 16, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 7};

struct rig {
	struct listener listeners[LISTENERS_MAX];
	struct connections *connections;
	uint64_t counters[COLLECT_COUNTERS];
	unsigned messages, ends;
	size_t octets;
	uint32_t session;
	int fails;
};

static int
take(void *context, const struct addr *exporter, uint32_t session, const uint8_t *msg,
    size_t len)
{
	struct rig *r = context;

	assert_false(exporter->is_v6);
	assert_in_range(session, 1, MAX);
	assert_int_equal(msg[1], 10);
	r->messages++;
	r->octets += len;
	r->session = session;
	return r->fails;
}

static void
ended(void *context, uint32_t session)
{
	struct rig *r = context;

	assert_in_range(session, 1, MAX);
	r->ends++;
}

static void
rig_start(struct rig *r)
{
	struct connections_config config = {.max = MAX, .max_per_host = PER_HOST,
	    .idle_us = 100 * SECOND_US, .partial_us = 10 * SECOND_US,
	    .counters = r->counters, .message = take, .end = ended, .context = r};
	struct err err = {0};
	unsigned n;

	memset(r, 0, sizeof *r);
	config.counters = r->counters;
	assert_int_equal(listen_open("tcp:127.0.0.1:0", 0, r->listeners, &n, &err), 1);
	r->connections = connections_new(&config);
	assert_non_null(r->connections);
}

static void
rig_end(struct rig *r)
{
	connections_free(r->connections);
	close(r->listeners[0].fd);
}

/* A connection from this address of the loopback. */
static int
connect_from(struct rig *r, const char *source)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(r->listeners[0].port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, from = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, source, &from.sin_addr);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static void
serve(struct rig *r, int64_t now_us)
{
	bool has_more;

	do {
		has_more = false;
		connections_accept(r->connections, &r->listeners[0], now_us);
		assert_int_equal(connections_read(r->connections, NULL, 0, now_us,
		    &has_more), 0);
	} while (has_more);
	connections_expire(r->connections, now_us);
}

static void
test_messages_in_pieces(void **state)
{
	static uint8_t long_one[65535] = {0, 10, 0xff, 0xff};
	struct rig r;
	size_t i;
	int fd;

	(void)state;
	rig_start(&r);
	fd = connect_from(&r, "127.0.0.1");
	for (i = 0; i < sizeof message; i++) {
		assert_int_equal(send(fd, message + i, 1, 0), 1);
		serve(&r, 1);
		assert_int_equal(r.messages, i == sizeof message - 1);
	}
	assert_int_equal(send(fd, long_one, sizeof long_one, 0), sizeof long_one);
	assert_int_equal(send(fd, message, sizeof message, 0), sizeof message);
	serve(&r, 2);
	assert_int_equal(r.messages, 3);
	assert_int_equal(r.octets, 65535 + 32);
	assert_int_equal(r.counters[COLLECT_octets], r.octets);
	send(fd, message, 9, 0);
	close(fd);
	serve(&r, 3);
	assert_int_equal(r.counters[COLLECT_closed], 1);
	assert_int_equal(r.counters[COLLECT_cut_messages], 1);
	assert_int_equal(r.ends, 1);
	rig_end(&r);
}

static void
test_limits(void **state)
{
	struct rig r;
	int fds[10], i;

	(void)state;
	rig_start(&r);
	for (i = 0; i < 5; i++)
		fds[i] = connect_from(&r, "127.0.0.1");
	for (; i < 10; i++)
		fds[i] = connect_from(&r, "127.0.0.2");
	serve(&r, 1);
	assert_int_equal(r.counters[COLLECT_connections], MAX);
	assert_int_equal(r.counters[COLLECT_turned_away], 4);
	/* A place that is free again is taken again. */
	close(fds[0]);
	serve(&r, 1);
	close(fds[9]);
	fds[0] = connect_from(&r, "127.0.0.1");
	send(fds[0], message, sizeof message, 0);
	serve(&r, 1);
	assert_int_equal(r.counters[COLLECT_connections], MAX + 1);
	assert_int_equal(r.messages, 1);
	assert_int_equal(r.session, 1);
	for (i = 0; i < 9; i++)
		close(fds[i]);
	rig_end(&r);
}

static void
test_bad_streams(void **state)
{
	static const uint8_t wrong[][4] = {{0, 9, 0, 16}, {0, 10, 0, 15},
	    {'G', 'E', 'T', ' '},
	    {0, 10, 0, 0}};
	struct rig r;
	unsigned i;
	char octet;
	int fd;

	(void)state;
	rig_start(&r);
	for (i = 0; i < 4; i++) {
		fd = connect_from(&r, "127.0.0.1");
		send(fd, message, sizeof message, 0);
		send(fd, wrong[i], 4, 0);
		serve(&r, 1);
		assert_int_equal(r.counters[COLLECT_bad_streams], i + 1);
		assert_int_equal(r.messages, i + 1);
		assert_true(recv(fd, &octet, 1, 0) <= 0);
		close(fd);
	}
	assert_int_equal(r.ends, 4);
	rig_end(&r);
}

static void
test_time_is_over(void **state)
{
	struct rig r;
	int silent, half, busy;

	(void)state;
	rig_start(&r);
	silent = connect_from(&r, "127.0.0.1");
	half = connect_from(&r, "127.0.0.1");
	busy = connect_from(&r, "127.0.0.1");
	send(half, message, 10, 0);
	serve(&r, SECOND_US);
	send(half, message + 10, 1, 0); /* an octet now and then is not enough */
	serve(&r, 10 * SECOND_US);
	assert_int_equal(r.counters[COLLECT_stalled], 0);
	send(half, message + 11, 1, 0);
	serve(&r, 12 * SECOND_US);
	assert_int_equal(r.counters[COLLECT_stalled], 1);
	send(busy, message, sizeof message, 0);
	serve(&r, 60 * SECOND_US);
	serve(&r, 102 * SECOND_US);
	assert_int_equal(r.counters[COLLECT_idle], 1);
	assert_int_equal(r.ends, 2);
	serve(&r, 161 * SECOND_US);
	assert_int_equal(r.counters[COLLECT_idle], 2);
	close(silent);
	close(half);
	close(busy);
	rig_end(&r);
}

static void
test_failure_stops(void **state)
{
	struct rig r;
	bool has_more = false;
	int fd;

	(void)state;
	rig_start(&r);
	fd = connect_from(&r, "127.0.0.1");
	send(fd, message, sizeof message, 0);
	connections_accept(r.connections, &r.listeners[0], 1);
	r.fails = -1;
	assert_int_equal(connections_read(r.connections, NULL, 0, 1, &has_more), -1);
	close(fd);
	rig_end(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_messages_in_pieces),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_bad_streams),
	    cmocka_unit_test(test_time_is_over),
	    cmocka_unit_test(test_failure_stops),
	};

	return cmocka_run_group_tests_name("connections of exporters", tests, NULL, NULL);
}
