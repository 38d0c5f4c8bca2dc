/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sink that exports: the encoder's trains of datagrams go to each collector through a
 * connected UDP socket, runs of equal datagrams as one message that the kernel cuts
 * (UDP_SEGMENT). UDP has no answer but "nobody listens here", which the kernel reports with
 * the next datagram; it is counted and sending goes on. A full queue of this machine is
 * waited for a moment, then the datagram is counted as dropped.
 */
#include "send/send.h"

#include "base/err.h"
#include "base/text.h"
#include "model/sink.h"
#include "wire/address.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BURST = 64,
	TRIES = 3,
	GSO_OCTETS = 65000,  /* IPv6 and UDP headers go beside them into 65,535 */
	PAUSE_NS = 500000,
};

struct collector_peer {
	char name[128];
	int fd;
	bool has_gso; /* the kernel cuts a run of equal datagrams itself */
	uint64_t counters[SEND_COUNTERS];
};

struct sender {
	struct sink sink; /* first */
	struct send_config config;
	struct wire_encoder *encoder;
	struct collector_peer peers[SEND_COLLECTORS];
	unsigned peer_count;
	int64_t paced_ns; /* when what was sent may have been sent, by the rate */
};

const struct counter_row send_counter_rows[SEND_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "send/counter.def"
#undef COUNTER
};

/* What one sendmmsg takes: each message a datagram, or a run of equal ones. */
struct burst {
	struct mmsghdr messages[BURST];
	struct iovec parts[BURST];
	struct control {
		_Alignas(struct cmsghdr) char octets[CMSG_SPACE(sizeof(uint16_t))];
	} controls[BURST];
	unsigned datagrams[BURST]; /* of each message */
	unsigned count;
};

static void
burst_add(struct burst *b, const uint8_t *octets, size_t len, unsigned datagrams,
    size_t datagram_len)
{
	unsigned i = b->count++;
	struct msghdr *msg = &b->messages[i].msg_hdr;
	struct cmsghdr *control;
	uint16_t size = (uint16_t)datagram_len;

	b->parts[i] = (struct iovec){(void *)(uintptr_t)octets, len};
	b->datagrams[i] = datagrams;
	*msg = (struct msghdr){.msg_iov = &b->parts[i], .msg_iovlen = 1};
	if (datagrams == 1)
		return;
	msg->msg_control = b->controls[i].octets;
	msg->msg_controllen = sizeof b->controls[i].octets;
	control = CMSG_FIRSTHDR(msg);
	control->cmsg_level = SOL_UDP;
	control->cmsg_type = UDP_SEGMENT;
	control->cmsg_len = CMSG_LEN(sizeof size);
	memcpy(CMSG_DATA(control), &size, sizeof size);
}

/* How many datagrams from the i-th on go as one message: equal ones and a shorter last. */
static unsigned
run_of(const struct wire_train *train, unsigned i, size_t *out_len)
{
	uint32_t size = train->lens[i];
	size_t len = size;
	unsigned n = 1;

	while (i + n < train->count && train->lens[i + n - 1] == size &&
	    train->lens[i + n] <= size && len + train->lens[i + n] <= GSO_OCTETS) {
		len += train->lens[i + n];
		n++;
	}
	*out_len = len;
	return n;
}

static void
count_lost(struct collector_peer *p, int code, unsigned datagrams)
{
	if (code == EAGAIN || code == ENOBUFS)
		p->counters[SEND_no_buffer] += datagrams;
	else
		p->counters[SEND_failed] += datagrams;
}

/* The kernel, or the interface on the way, may know nothing of segmentation. */
static bool
is_gso_refused(int code)
{
	return code == EIO || code == EINVAL || code == EMSGSIZE || code == EOPNOTSUPP ||
	    code == ENOPROTOOPT;
}

/* Sends what the burst holds; false: segmentation was refused at message *out_at. */
static bool
burst_send(struct collector_peer *p, struct burst *b, unsigned *out_at)
{
	struct pollfd fd = {p->fd, POLLOUT, 0};
	unsigned at = 0, tries = 0;
	int n, i;

	while (at < b->count) {
		n = sendmmsg(p->fd, b->messages + at, b->count - at,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		for (i = 0; i < n; i++) {
			p->counters[SEND_datagrams] += b->datagrams[at + (unsigned)i];
			p->counters[SEND_octets] += b->messages[at + (unsigned)i].msg_len;
		}
		if (n > 0) {
			at += (unsigned)n;
			tries = 0;
			continue;
		}
		if (b->datagrams[at] > 1 && is_gso_refused(errno)) {
			*out_at = at;
			return false;
		}
		if (errno == ECONNREFUSED) { /* the answer to an earlier one */
			p->counters[SEND_refused]++;
			if (++tries < TRIES)
				continue;
		} else if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR) {
			if (++tries < TRIES) {
				poll(&fd, 1, 10);
				continue;
			}
			count_lost(p, errno, b->datagrams[at]);
		} else {
			count_lost(p, errno, b->datagrams[at]);
		}
		at++;
		tries = 0;
	}
	return true;
}

/* The answer to the last datagrams would come with the next ones. */
static void
count_refusal(struct collector_peer *p)
{
	socklen_t len = sizeof(int);
	int code = 0;

	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &code, &len) == 0 && code == ECONNREFUSED)
		p->counters[SEND_refused]++;
}

static void
send_to(struct collector_peer *p, const struct wire_train *train)
{
	const uint8_t *at = train->octets;
	unsigned i = 0, n, refused, begin;
	struct burst b = {0};
	size_t len;

	while (i < train->count) {
		b.count = 0;
		for (begin = i; i < train->count && b.count < BURST; i += n) {
			len = train->lens[i];
			n = p->has_gso ? run_of(train, i, &len) : 1;
			burst_add(&b, at, len, n, train->lens[i]);
			at += len;
		}
		if (burst_send(p, &b, &refused))
			continue;
		/* Back to the message that was refused, and on without. */
		p->has_gso = false;
		at = b.parts[refused].iov_base;
		for (i = begin, n = 0; n < refused; n++)
			i += b.datagrams[n];
	}
}

static int64_t
clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Sleeps where more was sent than the rate allows. A pause is a train long, so that its
 * cost is small beside the train's. */
static void
pace(struct sender *s, size_t len)
{
	int64_t now, ahead_ns;
	struct timespec pause;

	if (s->config.rate_octets < 0)
		return;
	now = clock_ns();
	if (s->paced_ns < now)
		s->paced_ns = now;
	s->paced_ns += (int64_t)len * 1000000000 / s->config.rate_octets;
	ahead_ns = s->paced_ns - now;
	if (ahead_ns < PAUSE_NS)
		return;
	pause = (struct timespec){ahead_ns / 1000000000, ahead_ns % 1000000000};
	nanosleep(&pause, NULL);
}

static int
send_train(void *context, const struct wire_train *train, struct err *err)
{
	struct sender *s = context;
	unsigned i;

	(void)err;
	for (i = 0; i < s->peer_count; i++)
		send_to(&s->peers[i], train);
	pace(s, train->len);
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
	struct sender *s = (struct sender *)sink;
	unsigned i;

	(void)err; /* nothing is held back */
	for (i = 0; i < s->peer_count; i++)
		count_refusal(&s->peers[i]);
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
	p->has_gso = true;
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
	s->config.encode.send = send_train;
	s->config.encode.context = s;
	if (s->config.rate_octets == 0)
		s->config.rate_octets = 64 << 20;
	do {
		len = strcspn(at, ",");
		if (add_peer(s, at, len, err) != 0)
			goto fail;
		at += len;
	} while (*at++ == ',');
	if ((s->encoder = wire_encoder_new(&s->config.encode)) == NULL) {
		err_set(err, EINVAL, "send: version %u is not 1, 5, 7, 9 or 10 (IPFIX)",
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
