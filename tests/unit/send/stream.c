/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections that break: a collector that is away, comes, goes and comes again. What
 * arrives decodes by itself, and what does not is counted. Collectors that share the
 * load.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "collect/framing.h"
#include "model/batch.h"
#include "model/flow.h"
#include "model/sink.h"
#include "send/send.h"
#include "wire/decode.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct batch *
make_batch(unsigned rows, bool is_v6)
{
	struct batch *b = batch_new(&flow_schema, rows);
	struct flow row = {0};
	uint8_t six[16] = {0x20, 1, 0xd, 0xb8};
	unsigned i;

	for (i = 0; i < rows; i++) {
		flow_set(&row, start, 1764000000000000ll + i * 1000);
		flow_set(&row, end, 1764000000000000ll + i * 2000);
		flow_set(&row, src, is_v6 ? addr_v6(six) : addr_v4(0xc0000200 + i));
		flow_set(&row, dst, is_v6 ? addr_v6(six) : addr_v4(0xc6336401));
		flow_set(&row, proto, 6);
		flow_set(&row, bytes, 100 + i);
		flow_set(&row, packets, 1);
		batch_append(b, &row);
	}
	return b;
}

static int
listen_at(uint16_t *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(*port)};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

struct received {
	struct wire_decoder *decoder;
	struct batch *batch;
};

static int
decode(void *context, const uint8_t *msg, size_t len)
{
	struct addr from = addr_v4(0x7f000001);
	struct received *r = context;
	struct err err = {0};

	assert_int_equal(wire_decode_session(r->decoder, &from, 1, msg, len, 1000,
	    r->batch, &err), WIRE_OK);
	return 0;
}

/* Rows that a connection brings until nothing more comes, and its decoder's counters. */
static size_t
rows_of(int fd, uint64_t *out_counters)
{
	static uint8_t octets[FRAMING_SPACE];
	struct wire_config config = {0};
	struct received r = {wire_decoder_new(&config), batch_new(&flow_schema, 65536)};
	struct framing framing = {octets, 0};
	struct pollfd ready = {fd, POLLIN, 0};
	size_t room, rows;
	uint8_t *to;
	ssize_t n;

	for (;;) {
		to = framing_room(&framing, &room);
		if (poll(&ready, 1, 200) <= 0 || (n = recv(fd, to, room, 0)) <= 0)
			break;
		framing.len += (size_t)n;
		assert_int_equal(framing_take(&framing, decode, &r), FRAMING_OK);
	}
	assert_int_equal(framing.len, 0);
	memcpy(out_counters, wire_decoder_counters(r.decoder), WIRE_COUNTERS * 8);
	rows = r.batch->rows;
	wire_decoder_free(r.decoder);
	batch_free(r.batch);
	return rows;
}

static int
accept_within(int listener, int ms)
{
	struct pollfd ready = {listener, POLLIN, 0};

	return poll(&ready, 1, ms) > 0 ? accept(listener, NULL, NULL) : -1;
}

/* Flushes until the sender has connected once more. */
static int
await_connection(struct sink *sender, int listener)
{
	struct err err = {0};
	int i, fd = -1;

	for (i = 0; i < 500 && fd < 0; i++) {
		sink_flush(sender, &err);
		fd = accept_within(listener, 10);
	}
	assert_true(fd >= 0);
	return fd;
}

static void
test_reconnects(void **state)
{
	struct send_config config = {.transport = "tcp", .is_live = true,
	    .patience_us = 1000000, .encode = {.version = 10}};
	struct batch *four = make_batch(100, false), *six = make_batch(100, true);
	uint64_t counters[SEND_COUNTERS], decoded[WIRE_COUNTERS];
	struct err err = {0};
	struct sink *sender;
	uint16_t port = 0;
	char to[64];
	int listener = listen_at(&port), fd;

	(void)state;
	close(listener);
	snprintf(to, sizeof to, "127.0.0.1:%u", port);
	config.collectors = to;
	assert_int_equal(send_open(&config, &sender, &err), 0);

	/* Away: refused, and the flows wait. */
	assert_int_equal(sink_push(sender, four, &err), 0);
	sink_flush(sender, &err);
	send_counters(sender, counters);
	assert_true(counters[SEND_refused] > 0);
	assert_int_equal(counters[SEND_datagrams], 0);

	listener = listen_at(&port);
	fd = await_connection(sender, listener);
	sink_flush(sender, &err);
	assert_int_equal(rows_of(fd, decoded), 100);
	assert_int_equal(decoded[WIRE_waiting], 0);

	/* Gone: what is pushed next is told as lost or waits for the next connection,
	 * which begins with the templates. */
	close(fd);
	sink_flush(sender, &err);
	assert_int_equal(sink_push(sender, six, &err), 0);
	assert_int_equal(sink_push(sender, four, &err), 0);
	fd = await_connection(sender, listener);
	sink_flush(sender, &err);
	assert_int_equal(rows_of(fd, decoded), 200);
	assert_int_equal(decoded[WIRE_waiting] + decoded[WIRE_lost], 0);
	send_counters(sender, counters);
	assert_int_equal(counters[SEND_connections], 2);
	assert_int_equal(counters[SEND_disconnects], 1);
	assert_int_equal(counters[SEND_records_lost], 0);
	close(fd);
	close(listener);
	sink_close(sender, &err);
	batch_free(four);
	batch_free(six);
}

/* A collector that never comes: the queue is bounded, and all records are told as
 * lost. */
static void
test_never_there(void **state)
{
	struct send_config config = {.transport = "tcp", .patience_us = 50000,
	    .queue_octets = 100000, .encode = {.version = 10, .is_plain = true}};
	struct batch *batch = make_batch(8192, false);
	uint64_t counters[SEND_COUNTERS];
	struct err err = {0};
	struct sink *sender;
	uint16_t port = 0;
	char to[64];

	(void)state;
	close(listen_at(&port));
	snprintf(to, sizeof to, "127.0.0.1:%u", port);
	config.collectors = to;
	assert_int_equal(send_open(&config, &sender, &err), 0);
	assert_int_equal(sink_push(sender, batch, &err), 0);
	assert_int_equal(sink_push(sender, batch, &err), 0);
	send_counters(sender, counters);
	assert_true(counters[SEND_no_buffer] > 0);
	assert_true(counters[SEND_records_lost] < 2 * 8192);
	send_drain(sender);
	send_counters(sender, counters);
	assert_true(counters[SEND_broken] > 0);
	assert_int_equal(counters[SEND_records_lost], 2 * 8192);
	sink_close(sender, &err);
	batch_free(batch);
}

/* A slow collector with a full queue: files wait, nothing is lost. */
static void
test_waits_for_slow(void **state)
{
	struct send_config config = {.transport = "tcp", .queue_octets = 100000,
	    .encode = {.version = 10, .is_plain = true}};
	struct batch *batch = make_batch(8192, false);
	uint64_t counters[SEND_COUNTERS], decoded[WIRE_COUNTERS];
	struct err err = {0};
	struct sink *sender;
	uint16_t port = 0;
	char to[64];
	int listener = listen_at(&port), fd, pid, status;

	(void)state;
	snprintf(to, sizeof to, "127.0.0.1:%u", port);
	config.collectors = to;
	if ((pid = fork()) == 0) {
		fd = accept(listener, NULL, NULL);
		usleep(100000);
		_exit(rows_of(fd, decoded) == 3 * 8192 && decoded[WIRE_lost] == 0 ? 0
		    : 1);
	}
	assert_int_equal(send_open(&config, &sender, &err), 0);
	assert_int_equal(sink_push(sender, batch, &err), 0);
	assert_int_equal(sink_push(sender, batch, &err), 0);
	assert_int_equal(sink_push(sender, batch, &err), 0);
	send_drain(sender);
	send_counters(sender, counters);
	assert_int_equal(counters[SEND_records_lost], 0);
	sink_close(sender, &err);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	close(listener);
	batch_free(batch);
}

static void
test_balance(void **state)
{
	struct send_config config = {.transport = "tcp", .is_balanced = true,
	    .encode = {.version = 10}};
	struct batch *batch = make_batch(1000, false);
	uint64_t decoded[WIRE_COUNTERS];
	struct err err = {0};
	struct sink *sender;
	uint16_t ports[3] = {0};
	int listeners[3], fds[3], i;
	size_t rows, sum = 0;
	char to[128];

	(void)state;
	for (i = 0; i < 3; i++)
		listeners[i] = listen_at(&ports[i]);
	snprintf(to, sizeof to, "127.0.0.1:%u,127.0.0.1:%u,127.0.0.1:%u", ports[0],
	    ports[1], ports[2]);
	config.collectors = to;
	assert_int_equal(send_open(&config, &sender, &err), 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(sink_push(sender, batch, &err), 0);
	send_drain(sender);
	for (i = 0; i < 3; i++) {
		fds[i] = accept_within(listeners[i], 1000);
		rows = rows_of(fds[i], decoded);
		assert_in_range(rows, 4000 / 3 - 340, 4000 / 3 + 340);
		assert_int_equal(decoded[WIRE_lost] + decoded[WIRE_waiting], 0);
		sum += rows;
		close(fds[i]);
		close(listeners[i]);
	}
	assert_int_equal(sum, 4000);
	sink_close(sender, &err);
	batch_free(batch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reconnects),
	    cmocka_unit_test(test_never_there),
	    cmocka_unit_test(test_waits_for_slow),
	    cmocka_unit_test(test_balance),
	};

	return cmocka_run_group_tests_name("connections to collectors", tests, NULL,
	    NULL);
}
