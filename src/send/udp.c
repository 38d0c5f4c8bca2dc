/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trains of datagrams through a connected UDP socket: a run of equal datagrams is one
 * message that the kernel cuts (UDP_SEGMENT), and many messages are one call. No datagram
 * is longer than the path takes (IP_MTU; the kernel sends with don't fragment), unless
 * that is less than a template needs. UDP has no answer but "nobody listens here", which
 * the kernel reports with the next datagram; it is counted and sending goes on, with the
 * templates again for whoever will listen there. A full
 * queue of this machine is waited for a moment, then the datagram is counted as dropped.
 */
#include "send/peer.h"

#include "base/err.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
	BURST = 64,
	TRIES = 3,
	GSO_OCTETS = 65000, /* IPv6 and UDP headers go beside them into 65,535 */
	LEAST_OCTETS = 1024, /* of a datagram: what templates need */
	/* of a datagram that leaves this machine: room for tunnels */
	USUAL_OCTETS = 1400,
	LOCAL_MTU = 32768,   /* paths of such MTUs end in this machine */
};

/* What one sendmmsg takes: each message a datagram, or a run of equal ones. */
struct burst {
	struct mmsghdr messages[BURST];
	struct iovec parts[BURST];
	struct control {
		_Alignas(struct cmsghdr) char octets[CMSG_SPACE(sizeof(uint16_t))];
	} controls[BURST];
	unsigned firsts[BURST];    /* of the train's datagrams, in each message */
	unsigned datagrams[BURST]; /* of each message */
	unsigned count;
};

static void
burst_add(struct burst *b, const uint8_t *octets, size_t len, unsigned first,
    unsigned datagrams, size_t datagram_len)
{
	unsigned i = b->count++;
	struct msghdr *msg = &b->messages[i].msg_hdr;
	struct cmsghdr *control;
	uint16_t size = (uint16_t)datagram_len;

	b->parts[i] = (struct iovec){(void *)(uintptr_t)octets, len};
	b->firsts[i] = first;
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

/* How many datagrams from the i-th on go as one message: equal ones and a shorter
 * last. */
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

/* The kernel, or the interface on the way, may know nothing of segmentation. */
static bool
is_gso_refused(int code)
{
	return code == EIO || code == EINVAL || code == EMSGSIZE || code == EOPNOTSUPP ||
	    code == ENOPROTOOPT;
}

/* Takes in what the kernel knows of the path now. */
static void
learn_path(struct peer *p)
{
	bool is_six = p->address.ss_family == AF_INET6;
	int mtu = 0, overhead = is_six ? 48 : 28;
	socklen_t len = sizeof mtu;

	p->has_gso = true;
	p->path_bytes = LEAST_OCTETS;
	if (getsockopt(p->fd, is_six ? IPPROTO_IPV6 : IPPROTO_IP,
	    is_six ? IPV6_MTU : IP_MTU, &mtu, &len) == 0 && mtu > overhead)
		p->path_bytes = (size_t)(mtu - overhead);
	if (p->config->mtu == 0 && mtu < LOCAL_MTU && p->path_bytes > USUAL_OCTETS)
		p->path_bytes = USUAL_OCTETS;
	if (p->path_bytes < LEAST_OCTETS) {
		int want = is_six ? IPV6_PMTUDISC_DONT : IP_PMTUDISC_DONT;

		p->path_bytes = LEAST_OCTETS;
		setsockopt(p->fd, is_six ? IPPROTO_IPV6 : IPPROTO_IP,
		    is_six ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &want, sizeof want);
	}
	if (p->encoder != NULL)
		wire_encoder_limit(p->encoder, p->path_bytes);
}

/* Nobody was there: whoever comes will need the templates. */
static void
note_refused(struct peer *p)
{
	p->counters[SEND_refused]++;
	if (p->encoder != NULL)
		wire_encoder_refresh(p->encoder);
}

/* Message `at` was refused for `code`: true if it is worth another try. */
static bool
is_retried(struct peer *p, int code)
{
	struct pollfd fd = {p->fd, POLLOUT, 0};

	if (code == ECONNREFUSED) { /* the answer to an earlier one */
		note_refused(p);
		return true;
	}
	if (code == EAGAIN || code == ENOBUFS || code == EINTR) {
		poll(&fd, 1, 10);
		return true;
	}
	return false;
}

static enum send_counter
loss_of(int code)
{
	return code == EMSGSIZE ? SEND_too_long
	    : code == EAGAIN || code == ENOBUFS ? SEND_no_buffer : SEND_failed;
}

/* Sends what the burst holds; false: segmentation was refused at message *out_at. */
static bool
burst_send(struct peer *p, struct burst *b, const struct wire_train *train,
    unsigned *out_at)
{
	unsigned at = 0, tries = 0;
	int n, i, code;

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
		code = errno;
		if (b->datagrams[at] > 1 && is_gso_refused(code)) {
			*out_at = at;
			return false;
		}
		if (is_retried(p, code) && ++tries < TRIES)
			continue;
		peer_lose(p, loss_of(code), train, b->firsts[at], b->datagrams[at]);
		if (code == EMSGSIZE)
			learn_path(p);
		at++;
		tries = 0;
	}
	return true;
}

static void
udp_flush(struct peer *p)
{
	socklen_t len = sizeof(int);
	int code = 0;

	if (p->fd < 0)
		return;
	/* The answer to the last datagrams would come with the next ones. */
	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &code, &len) == 0 &&
	    code == ECONNREFUSED)
		note_refused(p);
}

static void
udp_send(struct peer *p, const struct wire_train *train)
{
	const uint8_t *at = train->octets;
	unsigned i = 0, n, refused;
	struct burst b;
	size_t len;

	while (i < train->count) {
		b.count = 0;
		for (; i < train->count && b.count < BURST; i += n) {
			len = train->lens[i];
			n = p->has_gso ? run_of(train, i, &len) : 1;
			burst_add(&b, at, len, i, n, train->lens[i]);
			at += len;
		}
		if (burst_send(p, &b, train, &refused))
			continue;
		/* Back to the message that was refused, and on without. */
		p->has_gso = false;
		at = b.parts[refused].iov_base;
		i = b.firsts[refused];
	}
}

static int
udp_open(struct peer *p, struct err *err)
{
	bool is_six = p->address.ss_family == AF_INET6;
	int want = is_six ? IPV6_PMTUDISC_DO : IP_PMTUDISC_DO;

	if ((p->fd = peer_socket(p, SOCK_DGRAM, 0, err)) < 0)
		return -1;
	if (connect(p->fd, (struct sockaddr *)&p->address, p->address_len) != 0)
		return err_set(err, errno, "%s: %s", p->name, strerror(errno));
	setsockopt(p->fd, is_six ? IPPROTO_IPV6 : IPPROTO_IP,
	    is_six ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &want, sizeof want);
	learn_path(p);
	return 0;
}

static void
udp_close(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

const struct transport transport_udp = {"udp", udp_open, udp_send, udp_flush, udp_flush,
    udp_close};
