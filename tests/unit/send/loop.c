/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * send to collect over the loopback: every flow arrives once, in each version; a
 * collector that is not there is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/text.h"
#include "collect/collect.h"
#include "model/batch.h"
#include "model/flow.h"
#include "model/sink.h"
#include "send/send.h"
#include "wire/decode.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 8192, BATCHES = 4, ARRIVAL_MS = 20000 };

struct total {
	struct sink sink;
	uint64_t rows, bytes;
};

static int
total_push(struct sink *sink, struct batch *batch, struct err *err)
{
	struct total *t = (struct total *)sink;
	size_t i;

	(void)err;
	for (i = 0; i < batch->rows; i++)
		t->bytes += column_u64(&batch->columns[FLOW_bytes], i);
	__atomic_fetch_add(&t->rows, batch->rows, __ATOMIC_RELEASE);
	return 0;
}

static int
total_flush(struct sink *sink, struct err *err)
{
	(void)sink;
	(void)err;
	return 0;
}

struct job {
	struct collector *collector;
	struct sink *sink;
};

static void *
run(void *arg)
{
	struct job *job = arg;
	struct err err = {0};

	return (void *)(intptr_t)collector_run(job->collector, job->sink, &err);
}

/* What was sent may still be on its way; whoever stops must have waited for it. */
static void
await_rows(const struct total *t, uint64_t rows)
{
	struct timespec nap = {.tv_nsec = 1000000};
	unsigned i;

	for (i = 0; i < ARRIVAL_MS && __atomic_load_n(&t->rows, __ATOMIC_ACQUIRE) < rows;
	     i++)
		nanosleep(&nap, NULL);
}

static struct batch *
make_batch(unsigned rows)
{
	struct batch *b = batch_new(&flow_schema, rows);
	struct flow row = {0};
	unsigned i;

	for (i = 0; i < rows; i++) {
		flow_set(&row, start, 1764000000000000ll + i * 1000);
		flow_set(&row, end, 1764000000000000ll + i * 2000);
		flow_set(&row, src, addr_v4(0xc0000200 + i));
		flow_set(&row, dst, addr_v4(0xc6336401));
		flow_set(&row, src_port, (uint16_t)i);
		flow_set(&row, dst_port, 80);
		flow_set(&row, proto, 6);
		flow_set(&row, bytes, 100 + i);
		flow_set(&row, packets, 1 + i % 7);
		batch_append(b, &row);
	}
	return b;
}

static void
check_version(const char *listen, const char *host, const char *transport,
    unsigned version)
{
	struct total total = {{total_push, total_flush, NULL}, 0, 0};
	struct job job;
	struct collector_config in = {.listen = listen,
	    .stop_fd = eventfd(0, EFD_CLOEXEC)};
	struct send_config out = {.transport = transport, .encode = {.version = version}};
	struct collector *collector;
	struct sink *sender;
	struct batch *batch = make_batch(ROWS);
	struct err err = {0};
	struct text text;
	char to[64];
	uint64_t one = 1, want = 0;
	pthread_t thread;
	void *result;
	unsigned i;

	if (collector_open(&in, &collector, &err) != 0)
		fail_msg("%s", err.text);
	assert_true(collector_port(collector) != 0);
	snprintf(to, sizeof to, "%s:%u", host, collector_port(collector));
	out.collectors = to;
	if (send_open(&out, &sender, &err) != 0)
		fail_msg("%s", err.text);
	job = (struct job){collector, &total.sink};
	assert_int_equal(pthread_create(&thread, NULL, run, &job), 0);
	for (i = 0; i < BATCHES; i++)
		assert_int_equal(sink_push(sender, batch, &err), 0);
	for (i = 0; i < ROWS; i++)
		want += (100 + i) * (uint64_t)BATCHES;
	send_drain(sender);
	await_rows(&total, (uint64_t)ROWS * BATCHES);
	assert_int_equal(write(in.stop_fd, &one, sizeof one), sizeof one);
	pthread_join(thread, &result);
	assert_null(result);
	assert_int_equal(collector_counters(collector)[COLLECT_kernel_dropped], 0);
	assert_int_equal(collector_wire_counters(collector)[WIRE_lost], 0);
	assert_int_equal(total.rows, ROWS * BATCHES);
	assert_int_equal(total.bytes, want);
	text_init(&text);
	collector_print(collector, &text);
	assert_non_null(strstr(text.data, "0 lost"));
	text_clear(&text);
	send_print(sender, &text);
	assert_non_null(strstr(text.data, "0 refused"));
	text_done(&text);
	sink_close(sender, NULL);
	collector_close(collector);
	batch_free(batch);
	close(in.stop_fd);
}

static void
test_udp(void **state)
{
	static const unsigned versions[] = {1, 5, 7, 9, 10};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof versions / sizeof *versions; i++)
		check_version("127.0.0.1:0", "127.0.0.1", "udp", versions[i]);
	check_version(":0", "127.0.0.1", "udp", 10);
	check_version("[::1]:0", "[::1]", "udp", 9);
}

static void
test_tcp(void **state)
{
	(void)state;
	check_version("tcp:127.0.0.1:0", "127.0.0.1", "tcp", 10);
	check_version("tcp:[::1]:0", "[::1]", "tcp", 10);
}

/* Where the kernel has SCTP the flows arrive, elsewhere both ends say so. */
static void
test_sctp(void **state)
{
	struct send_config out = {.collectors = "127.0.0.1:4739", .transport = "sctp",
	    .encode = {.version = 10}};
	struct collector_config in = {.listen = "sctp:127.0.0.1:0", .stop_fd = -1};
	int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
	struct collector *collector;
	struct sink *sender;
	struct err err = {0};

	(void)state;
	if (fd >= 0) {
		close(fd);
		check_version("sctp:127.0.0.1:0", "127.0.0.1", "sctp", 10);
		return;
	}
	assert_int_equal(send_open(&out, &sender, &err), -1);
	assert_non_null(strstr(err.text, "this kernel has no SCTP"));
	err_clear(&err);
	assert_int_equal(collector_open(&in, &collector, &err), -1);
	assert_non_null(strstr(err.text, "this kernel has no sctp"));
}

static void
test_nobody_listens(void **state)
{
	struct collector_config in = {.listen = "127.0.0.1:0", .stop_fd = -1};
	struct send_config out = {.encode = {.version = 9}};
	struct collector *collector;
	struct sink *sender;
	struct batch *batch = make_batch(500);
	struct err err = {0};
	uint64_t counters[SEND_COUNTERS];
	char to[64];

	(void)state;
	assert_int_equal(collector_open(&in, &collector, &err), 0);
	snprintf(to, sizeof to, "127.0.0.1:%u", collector_port(collector));
	collector_close(collector);
	out.collectors = to;
	assert_int_equal(send_open(&out, &sender, &err), 0);
	assert_int_equal(sink_push(sender, batch, &err), 0);
	assert_int_equal(sink_flush(sender, &err), 0);
	send_counters(sender, counters);
	assert_true(counters[SEND_refused] > 0);
	sink_close(sender, NULL);
	batch_free(batch);
}

/* The hop limit that a datagram comes with. */
static void
test_hop_limit(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	char octets[2048], to[64];
	struct iovec part = {octets, sizeof octets};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
	    .msg_controllen = sizeof control};
	struct send_config out = {.collectors = to, .hop_limit = 7,
	    .encode = {.version = 5}};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1, hops = 0;
	struct batch *batch = make_batch(3);
	socklen_t len = sizeof at;
	struct err err = {0};
	struct sink *sender;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof on), 0);
	snprintf(to, sizeof to, "127.0.0.1:%u", ntohs(at.sin_port));
	assert_int_equal(send_open(&out, &sender, &err), 0);
	assert_int_equal(sink_push(sender, batch, &err), 0);
	assert_int_equal(recvmsg(fd, &msg, 0), 24 + 3 * 48);
	assert_non_null(CMSG_FIRSTHDR(&msg));
	memcpy(&hops, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof hops);
	assert_int_equal(hops, 7);
	sink_close(sender, NULL);
	batch_free(batch);
	close(fd);
}

static void
test_wrong_addresses(void **state)
{
	static const char *const wrong[] = {"", "localhost", "127.0.0.1:", ":1", "::1:99",
	    "127.0.0.1:99999x", "127.0.0.1:1,"};
	struct send_config out = {.encode = {.version = 9}};
	struct sink *sender;
	struct err err;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		out.collectors = wrong[i];
		err_clear(&err);
		assert_int_equal(send_open(&out, &sender, &err), -1);
		assert_true(err.text[0] != '\0');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_udp),
	    cmocka_unit_test(test_tcp),
	    cmocka_unit_test(test_sctp),
	    cmocka_unit_test(test_nobody_listens),
	    cmocka_unit_test(test_hop_limit),
	    cmocka_unit_test(test_wrong_addresses),
	};

	return cmocka_run_group_tests_name("send and collect", tests, NULL, NULL);
}
