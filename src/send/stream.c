/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPFIX over TCP (RFC 7011, 10.4) and SCTP: messages wait in a bounded queue for a
 * connection that is made, and made again with growing pauses, without ever blocking a
 * live meter; a meter of files waits for room instead. A new connection begins with all
 * templates. A message that was sent in part when a connection broke is lost.
 */
#include "send/peer.h"

#include "base/clock.h"
#include "base/err.h"
#include "send/queue.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { QUEUE_MESSAGES = 8192, SEQUENCE_AT = 8 };

static const int64_t SECOND_NS = 1000000000;
static const int64_t PAUSE_FIRST_NS = 250000000, PAUSE_MOST_NS = 30000000000;

/* The connection's part of a peer. */
struct link {
	struct queue *queue;
	bool is_sctp;
	bool is_connecting;
	bool has_gap;     /* the collector may lack templates: begin with all */
	bool is_given_up; /* waited long enough; no more until there is a connection */
	int64_t try_ns;   /* when to connect next */
	int64_t pause_ns;
};

static int64_t
patience_ns(const struct peer *p)
{
	return p->config->patience_us * 1000;
}

static void
give_up(struct peer *p, const struct queue_message *m)
{
	p->counters[SEND_broken]++;
	peer_lose_records(p, m->records);
}

static void
disconnect(struct peer *p, bool is_failure)
{
	struct link *l = p->link;
	struct queue_message lost;

	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->counters[is_failure ? SEND_refused : SEND_disconnects]++;
	if (queue_is_begun(l->queue) && queue_drop(l->queue, &lost))
		give_up(p, &lost);
	l->is_connecting = false;
	l->has_gap = true;
	l->try_ns = clock_ns(CLOCK_MONOTONIC) + l->pause_ns;
	l->pause_ns = l->pause_ns * 2 < PAUSE_MOST_NS ? l->pause_ns * 2 : PAUSE_MOST_NS;
}

static int
take_hello(void *context, const struct wire_train *train, struct err *err)
{
	struct peer *p = context;
	struct link *l = p->link;
	const uint8_t *at = train->octets + train->len;
	struct queue_message lost;
	unsigned i;

	(void)err;
	while (!queue_has_room(l->queue, train->len, train->count) &&
	    queue_drop(l->queue, &lost))
		give_up(p, &lost);
	for (i = train->count; i-- > 0;) {
		at -= train->lens[i];
		queue_put_first(l->queue, at, train->lens[i], 0);
	}
	return 0;
}

/* All templates in front of what waits, numbered as the first message that waits. */
static void
say_hello(struct peer *p)
{
	struct link *l = p->link;
	uint8_t be[4];
	uint32_t sequence = wire_encoder_sequence(p->encoder);
	struct err err = {0};

	if (!l->has_gap)
		return;
	if (!queue_is_empty(l->queue)) {
		queue_peek(l->queue, SEQUENCE_AT, be, sizeof be);
		sequence = (uint32_t)be[0] << 24 | (uint32_t)be[1] << 16 |
		    (uint32_t)be[2] << 8 | be[3];
	}
	l->has_gap = wire_encoder_hello(p->encoder, sequence, take_hello, p, &err) != 0;
}

static void
connected(struct peer *p)
{
	struct link *l = p->link;

	l->is_connecting = l->is_given_up = false;
	l->pause_ns = PAUSE_FIRST_NS;
	p->counters[SEND_connections]++;
	say_hello(p);
}

static void
try_connect(struct peer *p)
{
	struct link *l = p->link;
	unsigned timeout_ms = 30000;
	struct err err = {0};
	int on = 1;

	if (clock_ns(CLOCK_MONOTONIC) < l->try_ns)
		return;
	p->fd = peer_socket(p, SOCK_STREAM | SOCK_NONBLOCK, l->is_sctp ? IPPROTO_SCTP : 0,
	    &err);
	if (p->fd < 0) {
		disconnect(p, true);
		return;
	}
	if (!l->is_sctp) {
		setsockopt(p->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
		    sizeof timeout_ms);
		setsockopt(p->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	}
	if (connect(p->fd, (struct sockaddr *)&p->address, p->address_len) == 0)
		connected(p);
	else if (errno == EINPROGRESS)
		l->is_connecting = true;
	else
		disconnect(p, true);
}

/* What became of a connection that was being made. */
static void
check_connect(struct peer *p)
{
	struct pollfd fd = {p->fd, POLLOUT, 0};
	socklen_t len = sizeof(int);
	int code = 0;

	if (poll(&fd, 1, 0) <= 0)
		return;
	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0 || code != 0)
		disconnect(p, true);
	else
		connected(p);
}

/* Collectors send nothing; what can be read is the end of the connection. */
static bool
is_over(struct peer *p)
{
	char octets[64];
	ssize_t n = recv(p->fd, octets, sizeof octets, MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK &&
	    errno != EINTR);
}

static void
write_queue(struct peer *p)
{
	struct link *l = p->link;
	struct queue_message done;
	struct iovec parts[2];
	struct msghdr msg = {.msg_iov = parts};
	ssize_t n;
	size_t sent;

	while (!queue_is_empty(l->queue)) {
		msg.msg_iovlen = (size_t)queue_parts(l->queue, l->is_sctp, parts);
		n = sendmsg(p->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				disconnect(p, false);
			return;
		}
		sent = (size_t)n;
		while (queue_sent(l->queue, &sent, &done)) {
			p->counters[SEND_datagrams]++;
			p->counters[SEND_octets] += done.len;
		}
	}
}

/* Everything that can be done without waiting. */
static void
work(struct peer *p)
{
	struct link *l = p->link;

	if (p->fd >= 0 && !l->is_connecting && is_over(p))
		disconnect(p, false);
	if (p->fd < 0)
		try_connect(p);
	if (l->is_connecting)
		check_connect(p);
	if (p->fd >= 0 && !l->is_connecting)
		write_queue(p);
}

/* Waits for the connection to take something, at most until end_ns. */
static void
wait_a_moment(struct peer *p, int64_t end_ns)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC), until = end_ns;
	struct pollfd fd = {p->fd, POLLOUT, 0};

	if (p->fd < 0 && p->link->try_ns < until)
		until = p->link->try_ns;
	if (until > now + SECOND_NS)
		until = now + SECOND_NS;
	if (until > now)
		poll(&fd, p->fd >= 0, (int)((until - now) / 1000000) + 1);
}

/* Puts one message into the queue, waiting for room where packets can wait. */
static bool
enqueue(struct peer *p, const uint8_t *octets, uint32_t len, uint32_t records)
{
	struct link *l = p->link;
	int64_t end_ns = clock_ns(CLOCK_MONOTONIC) + patience_ns(p);

	while (!queue_put(l->queue, octets, len, records)) {
		work(p);
		if (queue_put(l->queue, octets, len, records))
			return true;
		if (p->config->is_live || l->is_given_up)
			return false;
		if (clock_ns(CLOCK_MONOTONIC) >= end_ns) {
			l->is_given_up = true;
			return false;
		}
		wait_a_moment(p, end_ns);
	}
	return true;
}

static void
stream_send(struct peer *p, const struct wire_train *train)
{
	const uint8_t *at = train->octets;
	unsigned i;

	for (i = 0; i < train->count; at += train->lens[i++]) {
		if (enqueue(p, at, train->lens[i], train->records[i]))
			continue;
		peer_lose(p, SEND_no_buffer, train, i, 1);
		p->link->has_gap = true; /* there may have been templates in it */
	}
	work(p);
	/* What comes next waits behind a queue that is not full: templates first. */
	if (p->link->has_gap && p->fd >= 0 && !p->link->is_connecting) {
		wire_encoder_refresh(p->encoder);
		p->link->has_gap = false;
	}
}

static int
stream_open(struct peer *p, bool is_sctp, struct err *err)
{
	struct link *l = calloc(1, sizeof *l);
	int fd;

	if ((p->link = l) == NULL ||
	    (l->queue = queue_new(p->config->queue_octets, QUEUE_MESSAGES)) == NULL)
		return err_set(err, ENOMEM, "%s: out of memory", p->name);
	l->is_sctp = is_sctp;
	l->pause_ns = PAUSE_FIRST_NS;
	/* Wrong sources and unknown protocols are said at once, not tried again. */
	fd = peer_socket(p, SOCK_STREAM, is_sctp ? IPPROTO_SCTP : 0, err);
	if (fd < 0 && is_sctp &&
	    (err->code == EPROTONOSUPPORT || err->code == ESOCKTNOSUPPORT)) {
		err_clear(err);
		return err_set(err, EPROTONOSUPPORT,
		    "%s: this kernel has no SCTP; load its "
		    "module (modprobe sctp) or use -P tcp or udp", p->name);
	}
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int
tcp_open(struct peer *p, struct err *err)
{
	return stream_open(p, false, err);
}

static int
sctp_open(struct peer *p, struct err *err)
{
	return stream_open(p, true, err);
}

static void
stream_drain(struct peer *p)
{
	struct link *l = p->link;
	struct queue_message lost;
	int64_t end_ns;

	if (l == NULL || l->queue == NULL || queue_is_empty(l->queue))
		return;
	end_ns = clock_ns(CLOCK_MONOTONIC) + patience_ns(p);
	work(p);
	while (!queue_is_empty(l->queue) && !l->is_given_up &&
	    clock_ns(CLOCK_MONOTONIC) < end_ns) {
		wait_a_moment(p, end_ns);
		work(p);
	}
	while (queue_drop(l->queue, &lost))
		give_up(p, &lost);
}

static void
stream_close(struct peer *p)
{
	if (p->link == NULL)
		return;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	queue_free(p->link->queue);
	free(p->link);
	p->link = NULL;
}

const struct transport transport_tcp = {"tcp", tcp_open, stream_send, work, stream_drain,
    stream_close};
const struct transport transport_sctp = {"sctp", sctp_open, stream_send, work,
    stream_drain, stream_close};
