/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thread: recvmmsg into fixed buffers from UDP sockets, messages from connections
 * (connection.h), decode into a batch, push the batch when it is full or a second old.
 * The kernel says in a control message how many datagrams it had to drop (SO_RXQ_OVFL).
 * Waking up for each datagram costs more than all work on it, so after some came the next
 * ones gather for a few milliseconds, which the buffers take at any rate.
 * Nothing is allocated while it runs, but for the state of exporters and connections,
 * which is bounded (wire/decode.h).
 */
#include "collect/collect.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "collect/connection.h"
#include "collect/listen.h"
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
#include <unistd.h>

/* Slots are not whole pages apart: what begins at the same place of a page shares few
 * lines of the processor's caches. */
enum { BURST = 64, SLOT = 65536, SLOT_STRIDE = SLOT + 1536, ROUNDS = 64 };
/* A socket buffer fills no faster than with so many octets a microsecond. */
enum { FASTEST = 4096, NAP_MOST_US = 4000 };

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
	struct sink *sink; /* of the run at work */
	struct listener listeners[LISTENERS_MAX];
	unsigned listener_count;
	struct connections *connections;
	struct pollfd *fds; /* stop, listeners, connections */
	struct wire_decoder *decoder;
	struct err *err;   /* of the call at work, for callbacks */
	struct batch *batch;
	int64_t oldest_us; /* when the batch's first row came */
	int64_t nap_us;    /* for datagrams to gather; 0: none */
	uint64_t counters[COLLECT_COUNTERS];
	struct mmsghdr messages[BURST];
	struct iovec slots[BURST];
	struct sockaddr_storage peers[BURST];
	struct control controls[BURST];
	uint8_t *space; /* BURST * SLOT_STRIDE */
};

static int64_t
now_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

static int
hand_on(struct collector *c, struct err *err)
{
	if (c->batch->rows == 0)
		return 0;
	c->counters[COLLECT_batches]++;
	if (sink_push(c->sink, c->batch, err) != 0)
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
take_message(void *context, const struct addr *exporter, uint32_t session,
    const uint8_t *msg, size_t len)
{
	struct collector *c = context;
	int64_t received_us = now_us();

	if (c->batch->rows == 0)
		c->oldest_us = received_us;
	return wire_decode_session(c->decoder, exporter, session, msg, len, received_us,
	    c->batch, c->err) < 0 ? -1 : 0;
}

static void
end_session(void *context, uint32_t session)
{
	struct collector *c = context;

	wire_session_end(c->decoder, session);
}

static int
open_connections(struct collector *c, struct err *err)
{
	struct connections_config config = {.max = c->config.connections_max,
	    .max_per_host = c->config.connections_per_host, .idle_us = c->config.idle_us,
	    .partial_us = c->config.partial_us, .counters = c->counters,
	    .message = take_message, .end = end_session, .context = c};

	c->connections = connections_new(&config);
	c->fds = calloc(1 + LISTENERS_MAX + config.max, sizeof *c->fds);
	if (c->connections == NULL || c->fds == NULL)
		return err_set(err, ENOMEM, "collector: out of memory");
	return 0;
}

static void
set_defaults(struct collector_config *c)
{
	if (c->buffer_bytes == 0)
		c->buffer_bytes = 16 << 20;
	if (c->hand_on_us == 0)
		c->hand_on_us = 1000000;
	if (c->connections_max == 0)
		c->connections_max = 256;
	if (c->connections_per_host == 0)
		c->connections_per_host = 64;
	if (c->idle_us == 0)
		c->idle_us = 3600 * 1000000ll;
	if (c->partial_us == 0)
		c->partial_us = 60 * 1000000ll;
}

/* How long datagrams may gather: as the smallest buffer takes. */
static int64_t
nap_of(const struct collector *c)
{
	int64_t most = c->listener_count == 0 ? 0 : NAP_MOST_US, us;
	unsigned i;

	for (i = 0; i < c->listener_count; i++) {
		us = c->listeners[i].buffer_bytes / FASTEST;
		if (listener_is_udp(&c->listeners[i]) && us < most)
			most = us;
	}
	return most;
}

static void
nap(const struct collector *c)
{
	struct timespec t = {0, c->nap_us * 1000};

	if (c->nap_us > 0)
		nanosleep(&t, NULL);
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
	set_defaults(&c->config);
	wire.context = c;
	c->decoder = wire_decoder_new(&wire);
	c->space = malloc((size_t)BURST * SLOT_STRIDE);
	if (c->decoder == NULL || c->space == NULL) {
		err_set(err, ENOMEM, "collector: out of memory");
		goto fail;
	}
	c->batch = batch_new(&flow_schema,
	    c->config.batch_rows == 0 ? BATCH_ROWS : c->config.batch_rows);
	for (i = 0; i < BURST; i++) {
		c->slots[i] = (struct iovec){c->space + (size_t)i * SLOT_STRIDE,
		    SLOT};
		c->messages[i].msg_hdr = (struct msghdr){.msg_name = &c->peers[i],
		    .msg_iov = &c->slots[i], .msg_iovlen = 1,
		    .msg_control = c->controls[i].octets};
	}
	if (open_connections(c, err) != 0 || listen_open(c->config.listen,
	    c->config.buffer_bytes, c->listeners, &c->listener_count, err) < 0)
		goto fail;
	c->config.listen = NULL;
	c->nap_us = nap_of(c);
	*out = c;
	return 0;

fail:
	collector_close(c);
	return -1;
}

void
collector_close(struct collector *c)
{
	unsigned i;

	if (c == NULL)
		return;
	for (i = 0; i < c->listener_count; i++) {
		if (c->listeners[i].fd >= 0)
			close(c->listeners[i].fd);
	}
	connections_free(c->connections);
	free(c->fds);
	wire_decoder_free(c->decoder);
	batch_free(c->batch);
	free(c->space);
	free(c);
}

uint16_t
collector_port(const struct collector *c)
{
	return c->listeners[0].port;
}

void
collector_describe(const struct collector *c, struct text *out)
{
	const struct listener *l;

	for (l = c->listeners; l < c->listeners + c->listener_count; l++) {
		text_str(out, l == c->listeners ? "" : ", ");
		if (listener_is_udp(l))
			text_printf(out, "port %u, socket buffer %d bytes", l->port,
			    l->buffer_bytes);
		else
			text_printf(out, "%s port %u", l->transport, l->port);
	}
}

static int
decode_one(struct collector *c, struct listener *l, unsigned i, int64_t received_us,
    struct err *err)
{
	struct mmsghdr *m = &c->messages[i];
	struct addr exporter = address_of(&c->peers[i]);

	c->counters[COLLECT_datagrams]++;
	c->counters[COLLECT_octets] += m->msg_len;
	c->counters[COLLECT_kernel_dropped] += listener_dropped(l, &m->msg_hdr);
	if (m->msg_hdr.msg_flags & MSG_TRUNC) {
		c->counters[COLLECT_truncated]++;
		return 0;
	}
	if (c->batch->rows == 0)
		c->oldest_us = received_us;
	return wire_decode(c->decoder, &exporter, c->slots[i].iov_base, m->msg_len,
	    received_us, c->batch, err) < 0 ? -1 : 0;
}

/* Reads what a UDP socket holds, up to ROUNDS bursts; *out_more: there may be more. */
static int
receive_datagrams(struct collector *c, struct listener *l, bool *out_more,
    struct err *err)
{
	int64_t received_us;
	int round, n, i;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < BURST; i++) {
			c->messages[i].msg_hdr.msg_namelen = sizeof *c->peers;
			c->messages[i].msg_hdr.msg_controllen = sizeof *c->controls;
		}
		n = recvmmsg(l->fd, c->messages, BURST, MSG_DONTWAIT, NULL);
		if (n < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
				c->counters[COLLECT_receive_errors]++;
			return 0;
		}
		received_us = now_us();
		for (i = 0; i < n; i++) {
			if (decode_one(c, l, (unsigned)i, received_us, err) != 0)
				return -1;
		}
		if (n < BURST)
			return 0;
	}
	*out_more = true;
	return 0;
}

/* What there is to read, from every socket; fds: as poll left them, n of connections. */
static int
receive(struct collector *c, const struct pollfd *fds, unsigned n, bool *out_more,
    struct err *err)
{
	struct listener *l;
	unsigned i;

	*out_more = false;
	c->err = err;
	for (i = 0; i < c->listener_count; i++) {
		l = &c->listeners[i];
		if (fds != NULL && fds[1 + i].revents == 0)
			continue;
		if (!listener_is_udp(l))
			connections_accept(c->connections, l, now_us());
		else if (receive_datagrams(c, l, out_more, err) != 0)
			return -1;
	}
	return connections_read(c->connections,
	    fds == NULL ? NULL : fds + 1 + c->listener_count, n, now_us(), out_more);
}

/* Waits for something to read, or until the batch has to be handed on. */
static int
wait_for_input(struct collector *c, unsigned *out_connections, struct err *err)
{
	int64_t wait_us = c->config.hand_on_us;
	unsigned i;

	if (c->batch->rows > 0) {
		wait_us -= now_us() - c->oldest_us;
		/* The clock may be set while we run. */
		wait_us = wait_us < 0 ? 0
		    : wait_us > c->config.hand_on_us ? c->config.hand_on_us : wait_us;
	}
	c->fds[0] = (struct pollfd){c->config.stop_fd, POLLIN, 0};
	for (i = 0; i < c->listener_count; i++)
		c->fds[1 + i] = (struct pollfd){c->listeners[i].fd, POLLIN, 0};
	*out_connections = connections_poll(c->connections, c->fds + 1 + i);
	if (poll(c->fds, 1 + i + *out_connections, (int)(wait_us / 1000) + 1) < 0 &&
	    errno != EINTR)
		return err_set(err, errno, "collector: poll: %s", strerror(errno));
	return 0;
}

/* What every second asks for: batches in time, sinks flushed on quiet links too, so that
 * what they hold back becomes durable and visible. */
static int
keep_time(struct collector *c, int64_t *flushed_us, struct err *err)
{
	int64_t now = now_us();

	if ((now - c->oldest_us >= c->config.hand_on_us || now < c->oldest_us) &&
	    hand_on(c, err) != 0)
		return -1;
	if (now - *flushed_us < c->config.hand_on_us && now >= *flushed_us)
		return 0;
	if (sink_flush(c->sink, err) != 0)
		return -1;
	connections_expire(c->connections, now);
	*flushed_us = now;
	return 0;
}

int
collector_run(struct collector *c, struct sink *sink, struct err *err)
{
	int64_t flushed_us = now_us(), stopped_us;
	uint64_t datagrams;
	bool has_more, is_stopped = false;
	unsigned n;

	c->sink = sink;
	while (!is_stopped) {
		if (wait_for_input(c, &n, err) != 0)
			return -1;
		is_stopped = c->fds[0].revents != 0;
		datagrams = c->counters[COLLECT_datagrams];
		if (receive(c, c->fds, n, &has_more, err) != 0)
			return -1;
		if (keep_time(c, &flushed_us, err) != 0)
			return -1;
		if (c->counters[COLLECT_datagrams] > datagrams && !has_more &&
		    !is_stopped)
			nap(c);
	}
	stopped_us = now_us();
	do {
		if (receive(c, NULL, 0, &has_more, err) != 0)
			return -1;
		/* Senders do not stop: we do. */
	} while (has_more && now_us() - stopped_us < 5 * c->config.hand_on_us);
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

void
collector_exporters(const struct collector *c,
    void (*each)(void *context, const struct wire_exporter *exporter), void *context)
{
	wire_decoder_exporters(c->decoder, each, context);
}
