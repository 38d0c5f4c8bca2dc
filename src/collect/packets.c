/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Datagrams to packets that they report. A refill reads datagrams until they gave a few
 * packets; their octets are copied to one place, because a section may come out of a set
 * that waited for its template, whose memory is the decoder's. All is bounded: what a
 * datagram and the sets that it wakes can hold at most.
 */
#include "collect/packets.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "collect/collect.h"
#include "collect/listen.h"
#include "wire/address.h"
#include "wire/decode.h"
#include "wire/section.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	DATAGRAM = 65536,
	WAITING = 65536,     /* octets of sets that one datagram may wake, at most */
	ENOUGH = 64,         /* packets: then no further datagram is read */
	DATAGRAMS = 256,     /* without a packet: then somebody else's turn */
	BUFFER = 16 << 20,   /* of the socket */
	SPACE = 2 * DATAGRAM + WAITING,
	/* A report has an octet at least. */
	SLOTS = ENOUGH + DATAGRAM + WAITING,
};

struct slot {
	int64_t time_ns;
	uint32_t at, captured, wire;
	uint16_t linktype;
};

struct packets {
	struct listener listeners[LISTENERS_MAX]; /* the first, of UDP */
	struct wire_decoder *decoder;
	uint8_t *datagram, *space;
	struct slot *slots;
	uint32_t used;           /* octets of space */
	uint32_t count, next;    /* slots filled, and given */
	uint64_t counters[COLLECT_COUNTERS];
	pthread_mutex_t lock;    /* of what is printed: held while datagrams are read */
};

static void
take_section(void *context, const struct wire_section *s)
{
	struct packets *p = context;

	if (p->count == SLOTS || s->captured > SPACE - p->used) {
		p->counters[COLLECT_truncated]++; /* cannot be, by the bounds above */
		return;
	}
	memcpy(p->space + p->used, s->octets, s->captured);
	p->slots[p->count++] = (struct slot){s->time_ns, p->used, s->captured, s->wire,
	    (uint16_t)s->linktype};
	p->used += s->captured;
}

int
packets_open(const char *listen, int buffer_bytes, struct packets **out, struct err *err)
{
	struct wire_config config = {.section = take_section, .waiting_bytes = WAITING};
	struct packets *p = calloc(1, sizeof *p);
	unsigned count = 0;

	if (p == NULL)
		return err_set(err, ENOMEM, "packets: out of memory");
	pthread_mutex_init(&p->lock, NULL);
	p->listeners[0].fd = -1;
	config.context = p;
	p->decoder = wire_decoder_new(&config);
	p->datagram = malloc(DATAGRAM);
	p->space = malloc(SPACE);
	p->slots = calloc(SLOTS, sizeof *p->slots);
	if (p->decoder == NULL || p->datagram == NULL || p->space == NULL ||
	    p->slots == NULL) {
		err_set(err, ENOMEM, "packets: out of memory");
		goto fail;
	}
	if (strchr(listen, ',') != NULL) {
		err_set(err, EINVAL,
		    "listen %s: one address to receive reports of packets at", listen);
		goto fail;
	}
	if (listen_open(listen, buffer_bytes == 0 ? BUFFER : buffer_bytes, p->listeners,
	    &count, err) < 0)
		goto fail;
	if (!listener_is_udp(p->listeners)) {
		err_set(err, EINVAL, "listen %s: reports of packets come by udp", listen);
		goto fail;
	}
	*out = p;
	return 0;

fail:
	packets_close(p);
	return -1;
}

void
packets_close(struct packets *p)
{
	if (p == NULL)
		return;
	if (p->listeners[0].fd >= 0)
		close(p->listeners[0].fd);
	wire_decoder_free(p->decoder);
	free(p->datagram);
	free(p->space);
	free(p->slots);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int
packets_fd(const struct packets *p)
{
	return p->listeners[0].fd;
}

uint16_t
packets_port(const struct packets *p)
{
	return p->listeners[0].port;
}

int
packets_buffer(const struct packets *p)
{
	return p->listeners[0].buffer_bytes;
}

/* Reads one datagram; false: there is none. */
static bool
receive(struct packets *p)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint32_t))];
	struct sockaddr_storage peer = {0};
	struct iovec part = {p->datagram, DATAGRAM};
	struct msghdr msg = {.msg_name = &peer, .msg_namelen = sizeof peer,
	    .msg_iov = &part,
	    .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct addr exporter;
	ssize_t n = recvmsg(p->listeners[0].fd, &msg, MSG_DONTWAIT);

	if (n < 0) {
		p->counters[COLLECT_receive_errors] += errno != EAGAIN && errno != EINTR;
		return false;
	}
	p->counters[COLLECT_datagrams]++;
	p->counters[COLLECT_octets] += (uint64_t)n;
	p->counters[COLLECT_kernel_dropped] += listener_dropped(p->listeners, &msg);
	if (msg.msg_flags & MSG_TRUNC) {
		p->counters[COLLECT_truncated]++;
		return true;
	}
	exporter = address_of(&peer);
	/* All that is wrong with it is counted. */
	(void)wire_decode(p->decoder, &exporter, p->datagram, (size_t)n,
	    clock_us(CLOCK_REALTIME), NULL, NULL);
	return true;
}

static void
refill(struct packets *p)
{
	int i;

	pthread_mutex_lock(&p->lock);
	p->used = p->count = p->next = 0;
	for (i = 0; i < DATAGRAMS && p->count < ENOUGH && p->used < DATAGRAM &&
	    receive(p); i++)
		;
	pthread_mutex_unlock(&p->lock);
}

enum packets_event
packets_next(struct packets *p, bool may_refill, struct received *out)
{
	const struct slot *s;

	if (p->next == p->count) {
		if (!may_refill)
			return PACKETS_REFILL;
		refill(p);
		if (p->count == 0)
			return PACKETS_NONE;
	}
	s = &p->slots[p->next++];
	*out = (struct received){s->time_ns, p->space + s->at, s->captured, s->wire,
	    s->linktype};
	return PACKETS_ONE;
}

void
packets_print(struct packets *p, struct text *out)
{
	pthread_mutex_lock(&p->lock);
	counters_print(out, collect_counter_rows, p->counters, COLLECT_COUNTERS);
	counters_print(out, wire_counter_rows, wire_decoder_counters(p->decoder),
	    WIRE_COUNTERS);
	wire_decoder_print(p->decoder, out);
	pthread_mutex_unlock(&p->lock);
}
