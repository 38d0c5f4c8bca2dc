/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thread, one UDP socket: recvmmsg into fixed buffers, decode into a batch, push the
 * batch when it is full or a second old. The kernel says in a control message how many
 * datagrams it had to drop (SO_RXQ_OVFL). Nothing is allocated while it runs, but for the
 * state of exporters, which is bounded (wire/decode.h).
 */
#include "collect/collect.h"

#include "base/err.h"
#include "base/text.h"
#include "model/batch.h"
#include "model/flow.h"
#include "model/sink.h"
#include "wire/address.h"
#include "wire/decode.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BURST = 64, SLOT = 65536, ROUNDS = 64 };

const struct counter_row collect_counter_rows[COLLECT_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "collect/counter.def"
#undef COUNTER
};

struct control {
	_Alignas(struct cmsghdr) char octets[CMSG_SPACE(sizeof(uint32_t))];
};

struct collector {
	struct collector_config config;
	int fd;
	uint16_t port;
	int buffer_bytes;
	struct wire_decoder *decoder;
	struct batch *batch;
	int64_t oldest_us; /* when the batch's first row came */
	uint32_t kernel_dropped;
	uint64_t counters[COLLECT_COUNTERS];
	struct mmsghdr messages[BURST];
	struct iovec slots[BURST];
	struct sockaddr_storage peers[BURST];
	struct control controls[BURST];
	uint8_t *space; /* BURST * SLOT */
};

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int
hand_on(struct collector *c, struct err *err)
{
	if (c->batch->rows == 0)
		return 0;
	c->counters[COLLECT_batches]++;
	if (sink_push(c->config.sink, c->batch, err) != 0)
		return -1;
	batch_clear(c->batch);
	return 0;
}

static int
batch_full(void *context, struct batch *batch, struct err *err)
{
	struct collector *c = context;

	assert(batch == c->batch);
	return hand_on(c, err);
}

static int
open_socket(struct collector *c, struct err *err)
{
	struct sockaddr_storage address;
	socklen_t len, int_len = sizeof c->buffer_bytes;
	int on = 1, bytes = c->config.buffer_bytes;

	if (address_resolve(c->config.listen, true, &address, &len, err) != 0)
		return -1;
	c->fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return err_set(err, errno, "listen %s: socket: %s", c->config.listen,
		    strerror(errno));
	/* With CAP_NET_ADMIN beyond net.core.rmem_max, else as far as that. */
	if (setsockopt(c->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	setsockopt(c->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
	if (bind(c->fd, (struct sockaddr *)&address, len) != 0)
		return err_set(err, errno, "listen %s: %s", c->config.listen, strerror(errno));
	len = sizeof address;
	if (getsockname(c->fd, (struct sockaddr *)&address, &len) != 0 ||
	    getsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &c->buffer_bytes, &int_len) != 0)
		return err_set(err, errno, "listen %s: %s", c->config.listen, strerror(errno));
	c->port = address_port(&address);
	return 0;
}

int
collector_open(const struct collector_config *config, struct collector **out,
    struct err *err)
{
	struct wire_config wire = {.pen = config->pen, .full = batch_full};
	struct collector *c = calloc(1, sizeof *c);
	unsigned i;

	if (c == NULL)
		return err_set(err, ENOMEM, "collector: out of memory");
	c->config = *config;
	c->fd = -1;
	if (c->config.buffer_bytes == 0)
		c->config.buffer_bytes = 16 << 20;
	if (c->config.hand_on_us == 0)
		c->config.hand_on_us = 1000000;
	wire.context = c;
	c->decoder = wire_decoder_new(&wire);
	c->space = malloc((size_t)BURST * SLOT);
	if (c->decoder == NULL || c->space == NULL) {
		err_set(err, ENOMEM, "collector: out of memory");
		goto fail;
	}
	c->batch = batch_new(&flow_schema,
	    c->config.batch_rows == 0 ? BATCH_ROWS : c->config.batch_rows);
	for (i = 0; i < BURST; i++) {
		c->slots[i] = (struct iovec){c->space + (size_t)i * SLOT, SLOT};
		c->messages[i].msg_hdr = (struct msghdr){.msg_name = &c->peers[i],
		    .msg_iov = &c->slots[i], .msg_iovlen = 1,
		    .msg_control = c->controls[i].octets};
	}
	if (open_socket(c, err) != 0)
		goto fail;
	c->config.listen = NULL;
	*out = c;
	return 0;

fail:
	collector_close(c);
	return -1;
}

void
collector_close(struct collector *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		close(c->fd);
	wire_decoder_free(c->decoder);
	batch_free(c->batch);
	free(c->space);
	free(c);
}

uint16_t
collector_port(const struct collector *c)
{
	return c->port;
}

int
collector_buffer(const struct collector *c)
{
	return c->buffer_bytes;
}

/* The kernel's count runs on from the socket's start, modulo 2^32. */
static void
count_dropped(struct collector *c, struct msghdr *msg)
{
	struct cmsghdr *control;
	uint32_t dropped;

	for (control = CMSG_FIRSTHDR(msg); control != NULL;
	     control = CMSG_NXTHDR(msg, control)) {
		if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&dropped, CMSG_DATA(control), sizeof dropped);
		c->counters[COLLECT_kernel_dropped] += (uint32_t)(dropped - c->kernel_dropped);
		c->kernel_dropped = dropped;
	}
}

static int
decode_one(struct collector *c, unsigned i, int64_t received_us, struct err *err)
{
	struct mmsghdr *m = &c->messages[i];
	struct addr exporter = address_of(&c->peers[i]);

	c->counters[COLLECT_datagrams]++;
	c->counters[COLLECT_octets] += m->msg_len;
	count_dropped(c, &m->msg_hdr);
	if (m->msg_hdr.msg_flags & MSG_TRUNC) {
		c->counters[COLLECT_truncated]++;
		return 0;
	}
	if (c->batch->rows == 0)
		c->oldest_us = received_us;
	return wire_decode(c->decoder, &exporter, c->slots[i].iov_base, m->msg_len,
	    received_us, c->batch, err) < 0 ? -1 : 0;
}

/* Reads what the socket holds, up to ROUNDS bursts; *out_more: there may be more. */
static int
receive(struct collector *c, bool *out_more, struct err *err)
{
	int64_t received_us;
	int round, n, i;

	*out_more = false;
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < BURST; i++) {
			c->messages[i].msg_hdr.msg_namelen = sizeof *c->peers;
			c->messages[i].msg_hdr.msg_controllen = sizeof *c->controls;
		}
		n = recvmmsg(c->fd, c->messages, BURST, MSG_DONTWAIT, NULL);
		if (n < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
				c->counters[COLLECT_receive_errors]++;
			return 0;
		}
		received_us = now_us();
		for (i = 0; i < n; i++) {
			if (decode_one(c, (unsigned)i, received_us, err) != 0)
				return -1;
		}
		if (n < BURST)
			return 0;
	}
	*out_more = true;
	return 0;
}

int
collector_run(struct collector *c, struct err *err)
{
	struct pollfd fds[2] = {{c->fd, POLLIN, 0}, {c->config.stop_fd, POLLIN, 0}};
	int64_t wait_us, now, flushed_us = now_us();
	bool has_more, is_stopped = false;

	while (!is_stopped) {
		wait_us = c->config.hand_on_us;
		if (c->batch->rows > 0) {
			wait_us -= now_us() - c->oldest_us;
			/* The clock may be set while we run. */
			wait_us = wait_us < 0 ? 0
			    : wait_us > c->config.hand_on_us ? c->config.hand_on_us : wait_us;
		}
		if (poll(fds, 2, (int)(wait_us / 1000) + 1) < 0 && errno != EINTR)
			return err_set(err, errno, "collector: poll: %s", strerror(errno));
		is_stopped = fds[1].revents != 0;
		if (receive(c, &has_more, err) != 0)
			return -1;
		while (is_stopped && has_more) {
			if (receive(c, &has_more, err) != 0)
				return -1;
			if (now_us() - c->oldest_us > 5 * c->config.hand_on_us)
				break; /* senders do not stop: we do */
		}
		now = now_us();
		if ((now - c->oldest_us >= c->config.hand_on_us || now < c->oldest_us) &&
		    hand_on(c, err) != 0)
			return -1;
		/* On quiet links too: what the sink holds back becomes durable and visible. */
		if (now - flushed_us >= c->config.hand_on_us || now < flushed_us) {
			if (sink_flush(c->config.sink, err) != 0)
				return -1;
			flushed_us = now;
		}
	}
	return hand_on(c, err);
}

void
collector_print(const struct collector *c, struct text *out)
{
	counters_print(out, collect_counter_rows, c->counters, COLLECT_COUNTERS);
	counters_print(out, wire_counter_rows, wire_decoder_counters(c->decoder),
	    WIRE_COUNTERS);
	wire_decoder_print(c->decoder, out);
}

const uint64_t *
collector_counters(const struct collector *c)
{
	return c->counters;
}

const uint64_t *
collector_wire_counters(const struct collector *c)
{
	return wire_decoder_counters(c->decoder);
}
