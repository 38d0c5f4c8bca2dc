/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sink that exports: trains of messages from an encoder go to each collector by its
 * transport. Where collectors share the load, each has an encoder of its own, for
 * sequence numbers and templates are between one exporter and one collector.
 */
#include "send/send.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "model/batch.h"
#include "model/sink.h"
#include "send/peer.h"
#include "wire/address.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * A datagram of more than 7,800 octets takes a buffer of 16 KiB in Linux's kernel, and
 * half as many then fit a collector's socket (25 or 12 of the default size).
 */
enum { STREAM_OCTETS = 8192, LOCAL_BYTES = 7800 };
/* Pauses are at least so long: one has its cost, and what is sent in between is a burst.
 * On this machine two trains are one, 124 KB, which a collector's socket holds. */
enum { PAUSE_NS = 500000, PAUSE_LOCAL_NS = 1500000 };

struct sender {
	struct sink sink; /* first */
	struct send_config config;
	const struct transport *transport;
	struct peer peers[SEND_COLLECTORS];
	struct wire_encoder *encoders[SEND_COLLECTORS]; /* one, or one for each peer */
	unsigned peer_count, encoder_count;
	struct wire_statistics ignored;
	unsigned turn;    /* the peer that is next, where they share the load */
	int64_t paced_ns; /* when what was sent may have been sent, by the rate */
	int64_t pause_ns;
};

const struct counter_row send_counter_rows[SEND_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "send/counter.def"
#undef COUNTER
};

static const struct transport *const transports[] = {&transport_udp, &transport_tcp,
    &transport_sctp};

/* Sleeps where more was sent than the rate allows. */
static void
pace(struct sender *s, size_t len)
{
	int64_t now, ahead_ns;
	struct timespec pause;

	if (s->config.rate_octets < 0)
		return;
	now = clock_ns(CLOCK_MONOTONIC);
	if (s->paced_ns < now)
		s->paced_ns = now;
	s->paced_ns += (int64_t)len * 1000000000 / s->config.rate_octets;
	ahead_ns = s->paced_ns - now;
	if (ahead_ns < s->pause_ns)
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
	if (s->config.is_balanced)
		s->transport->send(&s->peers[s->turn], train);
	for (i = 0; i < s->peer_count && !s->config.is_balanced; i++)
		s->transport->send(&s->peers[i], train);
	pace(s, train->len);
	return 0;
}

/* The address that a peer is sent to from, once it is connected. */
static bool
peer_local(const struct peer *p, struct addr *out)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof address;

	if (p->fd < 0 || getsockname(p->fd, (struct sockaddr *)&address, &len) != 0)
		return false;
	*out = address_of(&address);
	return out->is_v6 ? memcmp(out->v6, in6addr_any.s6_addr, 16) != 0 : out->v4 != 0;
}

static void
statistics(void *context, struct wire_statistics *out)
{
	const struct sender *s = context;
	unsigned i;

	*out = s->ignored;
	for (i = 0; i < s->peer_count; i++) {
		const struct peer *p = &s->peers[i];

		out->not_sent += p->counters[SEND_records_lost];
		if (p->lost_first_us != 0 && (out->not_sent_first_us == 0 ||
		        p->lost_first_us < out->not_sent_first_us))
			out->not_sent_first_us = p->lost_first_us;
		if (p->lost_last_us > out->not_sent_last_us)
			out->not_sent_last_us = p->lost_last_us;
		if (!out->has_address)
			out->has_address = peer_local(p, &out->address);
	}
}

void
send_note_ignored(struct sink *sink, uint64_t packets, uint64_t octets, int64_t now_us)
{
	struct sender *s = (struct sender *)sink;

	if (packets > s->ignored.ignored_packets) {
		s->ignored.ignored_last_us = now_us;
		if (s->ignored.ignored_first_us == 0)
			s->ignored.ignored_first_us = now_us;
	}
	s->ignored.ignored_packets = packets;
	s->ignored.ignored_octets = octets;
}

static int
sender_push(struct sink *sink, struct batch *batch, struct err *err)
{
	struct sender *s = (struct sender *)sink;
	size_t from, end, part = batch->rows / s->encoder_count + 1;
	int64_t now_us = s->config.is_live ? clock_us(CLOCK_REALTIME) : 0;

	for (from = 0; from < batch->rows; from = end) {
		end = from + part < batch->rows ? from + part : batch->rows;
		if (wire_encode_rows(s->encoders[s->turn], batch, from, end, now_us,
		    err) != 0)
			return -1;
		s->turn = (s->turn + 1) % s->encoder_count;
	}
	return 0;
}

static int
sender_flush(struct sink *sink, struct err *err)
{
	struct sender *s = (struct sender *)sink;
	unsigned i;

	for (i = 0; i < s->encoder_count; i++) {
		s->turn = i;
		if (wire_encoder_flush(s->encoders[i], err) != 0)
			return -1;
	}
	for (i = 0; i < s->peer_count; i++)
		s->transport->flush(&s->peers[i]);
	return 0;
}

int
send_packets(struct sink *sink, const struct wire_reports *reports, struct err *err)
{
	struct sender *s = (struct sender *)sink;
	unsigned i;

	s->turn = (s->turn + 1) % s->encoder_count;
	if (wire_encode_packets(s->encoders[s->turn], reports, err) != 0)
		return -1;
	for (i = 0; i < s->peer_count && reports->count == 0; i++)
		s->transport->flush(&s->peers[i]);
	return 0;
}

void
send_drain(struct sink *sink)
{
	struct sender *s = (struct sender *)sink;
	struct err err = {0};
	unsigned i;

	(void)sender_flush(sink, &err); /* only transports could fail, and they count */
	for (i = 0; i < s->peer_count; i++)
		s->transport->drain(&s->peers[i]);
}

static int
sender_close(struct sink *sink, struct err *err)
{
	struct sender *s = (struct sender *)sink;
	unsigned i;

	(void)err;
	for (i = 0; i < s->peer_count; i++) {
		s->transport->drain(&s->peers[i]);
		s->transport->close(&s->peers[i]);
	}
	for (i = 0; i < s->encoder_count; i++)
		wire_encoder_free(s->encoders[i]);
	free(s);
	return 0;
}

static int
add_peer(struct sender *s, const char *name, size_t len, struct err *err)
{
	struct peer *p = &s->peers[s->peer_count];

	if (s->peer_count == SEND_COLLECTORS)
		return err_set(err, E2BIG, "more than %d collectors", SEND_COLLECTORS);
	if (len >= sizeof p->name)
		return err_set(err, EINVAL, "%.*s: too long for HOST:PORT", 64, name);
	memcpy(p->name, name, len);
	p->name[len] = '\0';
	p->config = &s->config;
	p->fd = -1;
	if (address_resolve(p->name, false, &p->address, &p->address_len, err) != 0)
		return -1;
	s->peer_count++;
	if (s->transport->open(p, err) != 0)
		return -1;
	/* Of short datagrams fewer octets fit a collector's socket. */
	if (s->config.mtu != 0 || p->path_bytes < LOCAL_BYTES - 48)
		s->pause_ns = PAUSE_NS;
	return 0;
}

static int
add_encoder(struct sender *s, struct err *err)
{
	struct wire_encoder *e = wire_encoder_new(&s->config.encode);
	size_t overhead;
	unsigned i;

	if (e == NULL)
		return err_set(err, EINVAL,
		    "send: version %u is not 1, 5, 7, 9 or 10 (IPFIX)",
		    s->config.encode.version);
	for (i = 0; i < s->peer_count; i++) {
		if (s->config.is_balanced && i != s->encoder_count)
			continue;
		s->peers[i].encoder = e;
		if (s->peers[i].path_bytes == 0)
			continue;
		overhead = s->peers[i].address.ss_family == AF_INET6 ? 48 : 28;
		if (s->config.mtu > overhead)
			wire_encoder_limit(e, s->config.mtu - overhead);
		wire_encoder_limit(e, s->peers[i].path_bytes);
	}
	s->encoders[s->encoder_count++] = e;
	return 0;
}

static int
find_transport(struct sender *s, struct err *err)
{
	const char *name = s->config.transport == NULL ? "udp" : s->config.transport;
	size_t i;

	for (i = 0; i < sizeof transports / sizeof *transports; i++) {
		if (strcmp(transports[i]->name, name) == 0)
			s->transport = transports[i];
	}
	if (s->transport == NULL)
		return err_set(err, EINVAL, "'%s' is no transport: udp, tcp or sctp",
		    name);
	if (s->transport != &transport_udp && s->config.encode.version != 10)
		return err_set(err, EINVAL,
		    "NetFlow v%u goes by udp only; %s needs IPFIX "
		    "(version 10)", s->config.encode.version, name);
	return 0;
}

/* Defaults that depend on the transport. */
static void
settle(struct sender *s)
{
	struct send_config *c = &s->config;
	bool is_stream = s->transport != &transport_udp;

	c->encode.send = send_train;
	c->encode.context = s;
	c->encode.statistics = statistics;
	if (c->rate_octets == 0)
		c->rate_octets = is_stream || c->is_live ? -1 : 64 << 20;
	if (c->queue_octets == 0)
		c->queue_octets = 4 << 20;
	if (c->patience_us == 0)
		c->patience_us = 10000000;
	if (is_stream) {
		/* RFC 7011, 8.1: a template is sent once, on a connection. */
		c->encode.refresh_messages = UINT32_MAX;
		c->encode.refresh_us = INT64_MAX;
		c->encode.datagram_bytes = STREAM_OCTETS;
	} else {
		c->encode.datagram_bytes = (c->mtu > 48 ? c->mtu : LOCAL_BYTES) - 28;
	}
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
	if (find_transport(s, err) != 0)
		goto fail;
	settle(s);
	s->pause_ns = PAUSE_LOCAL_NS;
	do {
		len = strcspn(at, ",");
		if (add_peer(s, at, len, err) != 0)
			goto fail;
		at += len;
	} while (*at++ == ',');
	do {
		if (add_encoder(s, err) != 0)
			goto fail;
	} while (s->config.is_balanced && s->encoder_count < s->peer_count);
	*out = &s->sink;
	return 0;

fail:
	sender_close(&s->sink, NULL);
	return -1;
}

static uint64_t
lost(const struct peer *p)
{
	return p->counters[SEND_failed] + p->counters[SEND_too_long] +
	    p->counters[SEND_broken];
}

void
send_refresh(struct sink *sink)
{
	struct sender *s = (struct sender *)sink;
	unsigned i;

	for (i = 0; i < s->encoder_count; i++)
		wire_encoder_refresh(s->encoders[i]);
}

void
send_print(const struct sink *sink, struct text *out)
{
	const struct sender *s = (const struct sender *)sink;
	uint64_t counters[SENT_COUNTERS];
	const struct peer *p;

	send_encoder_counters(sink, counters);
	counters_print(out, sent_counter_rows, counters, SENT_COUNTERS);
	for (p = s->peers; p < s->peers + s->peer_count; p++) {
		text_printf(out, "  to %s: %" PRIu64 " datagrams, %" PRIu64 " octets, "
		    "%" PRIu64
		    " refused, %" PRIu64 " dropped, %" PRIu64 " failed", p->name,
		    p->counters[SEND_datagrams], p->counters[SEND_octets],
		    p->counters[SEND_refused], p->counters[SEND_no_buffer], lost(p));
		if (s->transport != &transport_udp)
			text_printf(out, ", %" PRIu64 " connections, %" PRIu64 " broken",
			    p->counters[SEND_connections], p->counters[SEND_disconnects]);
		if (p->counters[SEND_records_lost] > 0)
			text_printf(out, ", %" PRIu64 " records lost",
			    p->counters[SEND_records_lost]);
		text_char(out, '\n');
	}
}

/* Whether nobody listened there of late: answers say so, or there is no connection. */
static bool
is_refusing(const struct peer *p, bool is_udp)
{
	const uint64_t *c = p->counters;

	if (!is_udp)
		return c[SEND_connections] == c[SEND_disconnects] &&
		    c[SEND_refused] + c[SEND_disconnects] > 0;
	return c[SEND_refused] > p->told_refused ||
	    (p->is_told_refusing && c[SEND_datagrams] == p->told_datagrams);
}

void
send_news(struct sink *sink, struct text *out)
{
	struct sender *s = (struct sender *)sink;
	struct peer *p;
	bool is_now;

	for (p = s->peers; p < s->peers + s->peer_count; p++) {
		is_now = is_refusing(p, s->transport == &transport_udp);
		if (is_now && !p->is_told_refusing)
			text_printf(out, "%s: nobody takes flows there by %s\n", p->name,
			    s->transport->name);
		else if (!is_now && p->is_told_refusing)
			text_printf(out, "%s takes flows again, %" PRIu64
			    " records were lost so far\n", p->name,
			    p->counters[SEND_records_lost]);
		p->is_told_refusing = is_now;
		p->told_refused = p->counters[SEND_refused];
		p->told_datagrams = p->counters[SEND_datagrams];
	}
}

void
send_encoder_counters(const struct sink *sink, uint64_t out[SENT_COUNTERS])
{
	const struct sender *s = (const struct sender *)sink;
	unsigned i, j;

	memset(out, 0, SENT_COUNTERS * sizeof *out);
	for (i = 0; i < s->encoder_count; i++) {
		for (j = 0; j < SENT_COUNTERS; j++)
			out[j] += wire_encoder_counters(s->encoders[i])[j];
	}
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
