/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sink that exports: the encoder's datagrams go to each collector through a connected UDP
 * socket. UDP has no answer but "nobody listens here", which the kernel reports with the
 * next datagram; it is counted and sending goes on. A full queue of this machine is waited
 * for a moment, then the datagram is counted as dropped.
 */
#include "send/send.h"

#include "base/err.h"
#include "base/text.h"
#include "model/sink.h"
#include "wire/address.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct collector_peer {
	char name[128];
	int fd;
	uint64_t counters[SEND_COUNTERS];
};

struct sender {
	struct sink sink; /* first */
	struct send_config config;
	struct wire_encoder *encoder;
	struct collector_peer peers[SEND_COLLECTORS];
	unsigned peer_count;
	int64_t burst_left;
};

const struct counter_row send_counter_rows[SEND_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "send/counter.def"
#undef COUNTER
};

static void
send_one(struct collector_peer *p, const uint8_t *msg, size_t len)
{
	struct pollfd fd = {p->fd, POLLOUT, 0};
	unsigned tries;

	for (tries = 0; tries < 3; tries++) {
		if (send(p->fd, msg, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len) {
			p->counters[SEND_datagrams]++;
			p->counters[SEND_octets] += len;
			return;
		}
		if (errno == ECONNREFUSED) /* the answer to an earlier one */
			p->counters[SEND_refused]++;
		else if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
			poll(&fd, 1, 10);
		else
			break;
	}
	if (errno == EAGAIN || errno == ENOBUFS)
		p->counters[SEND_no_buffer]++;
	else if (errno != ECONNREFUSED)
		p->counters[SEND_failed]++;
}

static int
send_datagram(void *context, const uint8_t *msg, size_t len, struct err *err)
{
	const struct timespec pause = {0, 1000000};
	struct sender *s = context;
	unsigned i;

	(void)err;
	for (i = 0; i < s->peer_count; i++)
		send_one(&s->peers[i], msg, len);
	if (s->config.burst_bytes < 0 || (s->burst_left -= (int64_t)len) > 0)
		return 0;
	nanosleep(&pause, NULL);
	s->burst_left = s->config.burst_bytes;
	return 0;
}

static int
sender_push(struct sink *sink, struct batch *batch, struct err *err)
{
	struct sender *s = (struct sender *)sink;
	struct timespec t = {0};

	if (s->config.is_live)
		clock_gettime(CLOCK_REALTIME, &t);
	return wire_encode(s->encoder, batch,
	    (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000, err);
}

static int
sender_flush(struct sink *sink, struct err *err)
{
	(void)sink; /* nothing is held back */
	(void)err;
	return 0;
}

static int
sender_close(struct sink *sink, struct err *err)
{
	struct sender *s = (struct sender *)sink;
	unsigned i;

	(void)err;
	for (i = 0; i < s->peer_count; i++) {
		if (s->peers[i].fd >= 0)
			close(s->peers[i].fd);
	}
	wire_encoder_free(s->encoder);
	free(s);
	return 0;
}

static int
add_peer(struct sender *s, const char *name, size_t len, struct err *err)
{
	struct collector_peer *p = &s->peers[s->peer_count];
	struct sockaddr_storage address;
	socklen_t address_len;
	int bytes = 4 << 20;

	if (s->peer_count == SEND_COLLECTORS)
		return err_set(err, E2BIG, "more than %d collectors", SEND_COLLECTORS);
	if (len >= sizeof p->name)
		return err_set(err, EINVAL, "%.*s: too long for HOST:PORT", 64, name);
	memcpy(p->name, name, len);
	p->name[len] = '\0';
	if (address_resolve(p->name, false, &address, &address_len, err) != 0)
		return -1;
	p->fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		return err_set(err, errno, "%s: socket: %s", p->name, strerror(errno));
	s->peer_count++;
	setsockopt(p->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	if (connect(p->fd, (struct sockaddr *)&address, address_len) != 0)
		return err_set(err, errno, "%s: %s", p->name, strerror(errno));
	return 0;
}

int
send_open(const struct send_config *config, struct sink **out, struct err *err)
{
	struct sender *s = calloc(1, sizeof *s);
	const char *at = config->collectors;
	size_t len;

	if (s == NULL)
		return err_set(err, ENOMEM, "send: out of memory");
	s->sink = (struct sink){sender_push, sender_flush, sender_close};
	s->config = *config;
	s->config.collectors = NULL;
	s->config.encode.send = send_datagram;
	s->config.encode.context = s;
	if (s->config.burst_bytes == 0)
		s->config.burst_bytes = 64 << 10;
	s->burst_left = s->config.burst_bytes;
	do {
		len = strcspn(at, ",");
		if (add_peer(s, at, len, err) != 0)
			goto fail;
		at += len;
	} while (*at++ == ',');
	if ((s->encoder = wire_encoder_new(&s->config.encode)) == NULL) {
		err_set(err, EINVAL, "send: version %u is not 5, 9 or 10 (IPFIX)",
		    config->encode.version);
		goto fail;
	}
	*out = &s->sink;
	return 0;

fail:
	sender_close(&s->sink, NULL);
	return -1;
}

void
send_print(const struct sink *sink, struct text *out)
{
	const struct sender *s = (const struct sender *)sink;
	const struct collector_peer *p;

	counters_print(out, sent_counter_rows, wire_encoder_counters(s->encoder),
	    SENT_COUNTERS);
	for (p = s->peers; p < s->peers + s->peer_count; p++)
		text_printf(out, "  to %s: %" PRIu64 " datagrams, %" PRIu64 " octets, %" PRIu64
		    " refused, %" PRIu64 " dropped, %" PRIu64 " failed\n", p->name,
		    p->counters[SEND_datagrams], p->counters[SEND_octets],
		    p->counters[SEND_refused], p->counters[SEND_no_buffer],
		    p->counters[SEND_failed]);
}

const uint64_t *
send_encoder_counters(const struct sink *sink)
{
	return wire_encoder_counters(((const struct sender *)sink)->encoder);
}

void
send_counters(const struct sink *sink, uint64_t out[SEND_COUNTERS])
{
	const struct sender *s = (const struct sender *)sink;
	unsigned i, j;

	memset(out, 0, SEND_COUNTERS * sizeof *out);
	for (i = 0; i < s->peer_count; i++) {
		for (j = 0; j < SEND_COUNTERS; j++)
			out[j] += s->peers[i].counters[j];
	}
}
