/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections stand in a table; the place of one is its session. Memory for octets is
 * taken when a connection is accepted.
 */
#include "collect/connection.h"

#include "collect/collect.h"
#include "collect/framing.h"
#include "collect/listen.h"
#include "wire/address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READS = 4 }; /* of one connection, before the next one has its turn */

struct connection {
	int fd;
	struct addr exporter;
	int64_t heard_us;   /* the last octet */
	int64_t message_us; /* the last whole message, or the start */
	struct framing framing;
	uint8_t octets[FRAMING_SPACE];
};

struct connections {
	struct connections_config config;
	unsigned count;
	struct connection *all[]; /* config.max */
};

/* A message on its way to the decoder. */
struct passing {
	struct connections *cs;
	unsigned place;
};

struct connections *
connections_new(const struct connections_config *config)
{
	struct connections *cs = calloc(1, sizeof *cs + config->max * sizeof *cs->all);

	if (cs != NULL)
		cs->config = *config;
	return cs;
}

void
connections_free(struct connections *cs)
{
	unsigned i;

	if (cs == NULL)
		return;
	for (i = 0; i < cs->config.max; i++) {
		if (cs->all[i] == NULL)
			continue;
		close(cs->all[i]->fd);
		free(cs->all[i]);
	}
	free(cs);
}

static void
count(struct connections *cs, enum collect_counter id)
{
	cs->config.counters[id]++;
}

static void
end(struct connections *cs, unsigned place)
{
	struct connection *c = cs->all[place];

	if (c->framing.len > 0)
		count(cs, COLLECT_cut_messages);
	close(c->fd);
	free(c);
	cs->all[place] = NULL;
	cs->count--;
	cs->config.end(cs->config.context, place + 1);
}

/* A free place for a connection of this host; -1: there are too many. */
static int
find_place(const struct connections *cs, const struct addr *exporter)
{
	unsigned i, same = 0;
	int place = -1;

	for (i = 0; i < cs->config.max; i++) {
		if (cs->all[i] == NULL)
			place = place < 0 ? (int)i : place;
		else
			same += memcmp(&cs->all[i]->exporter, exporter,
			    sizeof *exporter) == 0;
	}
	return same >= cs->config.max_per_host ? -1 : place;
}

void
connections_accept(struct connections *cs, const struct listener *l, int64_t now_us)
{
	struct sockaddr_storage address;
	struct connection *c;
	struct addr exporter;
	socklen_t len;
	int fd, place;

	for (;;) {
		len = sizeof address;
		fd = accept4(l->fd, (struct sockaddr *)&address, &len,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR &&
			    errno != ECONNABORTED)
				count(cs, COLLECT_receive_errors);
			return;
		}
		exporter = address_of(&address);
		place = find_place(cs, &exporter);
		if (place < 0 || (c = malloc(sizeof *c)) == NULL) {
			count(cs, COLLECT_turned_away);
			close(fd);
			continue;
		}
		c->fd = fd;
		c->exporter = exporter;
		c->heard_us = c->message_us = now_us;
		c->framing = (struct framing){c->octets, 0};
		cs->all[place] = c;
		cs->count++;
		count(cs, COLLECT_connections);
	}
}

static int
pass_on(void *context, const uint8_t *msg, size_t len)
{
	struct passing *p = context;
	struct connections *cs = p->cs;

	count(cs, COLLECT_messages);
	return cs->config.message(cs->config.context, &cs->all[p->place]->exporter,
	    p->place + 1, msg, len);
}

/* -1: message said so. *out_more: there may be more to read. */
static int
read_one(struct connections *cs, unsigned place, int64_t now_us, bool *out_more)
{
	struct connection *c = cs->all[place];
	struct passing p = {cs, place};
	uint64_t before;
	uint8_t *to;
	size_t room;
	ssize_t n;
	int i;

	for (i = 0; i < READS; i++) {
		to = framing_room(&c->framing, &room);
		n = recv(c->fd, to, room, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
			return 0;
		if (n <= 0) {
			count(cs, n == 0 ? COLLECT_closed : COLLECT_broken);
			end(cs, place);
			return 0;
		}
		cs->config.counters[COLLECT_octets] += (uint64_t)n;
		c->framing.len += (size_t)n;
		c->heard_us = now_us;
		before = cs->config.counters[COLLECT_messages];
		switch (framing_take(&c->framing, pass_on, &p)) {
		case FRAMING_FAILED:
			return -1;
		case FRAMING_BAD:
			count(cs, COLLECT_bad_streams);
			end(cs, place);
			return 0;
		case FRAMING_OK:
			break;
		}
		if (cs->config.counters[COLLECT_messages] != before ||
		    c->framing.len == 0)
			c->message_us = now_us;
	}
	*out_more = true;
	return 0;
}

unsigned
connections_poll(const struct connections *cs, struct pollfd *fds)
{
	unsigned i, n = 0;

	for (i = 0; i < cs->config.max && n < cs->count; i++) {
		if (cs->all[i] != NULL)
			fds[n++] = (struct pollfd){cs->all[i]->fd, POLLIN, 0};
	}
	return n;
}

int
connections_read(struct connections *cs, const struct pollfd *fds, unsigned n,
    int64_t now_us, bool *out_more)
{
	unsigned i, at = 0;

	for (i = 0; i < cs->config.max; i++) {
		if (cs->all[i] == NULL)
			continue;
		if (fds != NULL && (at >= n || fds[at].fd != cs->all[i]->fd))
			continue; /* accepted after poll */
		if (fds != NULL && fds[at++].revents == 0)
			continue;
		if (read_one(cs, i, now_us, out_more) != 0)
			return -1;
	}
	return 0;
}

void
connections_expire(struct connections *cs, int64_t now_us)
{
	const struct connection *c;
	unsigned i;

	for (i = 0; i < cs->config.max; i++) {
		if ((c = cs->all[i]) == NULL)
			continue;
		if (c->framing.len > 0 && now_us - c->message_us > cs->config.partial_us)
			count(cs, COLLECT_stalled);
		else if (now_us - c->heard_us > cs->config.idle_us)
			count(cs, COLLECT_idle);
		else
			continue;
		end(cs, i);
	}
}
