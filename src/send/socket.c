/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets towards collectors: where they are bound, which interface they take and how far
 * their packets go.
 */
#include "send/peer.h"

#include "base/clock.h"
#include "base/err.h"
#include "wire/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

void
peer_lose(struct peer *p, enum send_counter why, const struct wire_train *train,
    unsigned from, unsigned n)
{
	uint64_t records = 0;
	unsigned i;

	p->counters[why] += n;
	for (i = from; i < from + n; i++)
		records += train->records[i];
	peer_lose_records(p, records);
}

void
peer_lose_records(struct peer *p, uint64_t records)
{
	if (records == 0)
		return;
	p->counters[SEND_records_lost] += records;
	p->lost_last_us = clock_us(CLOCK_REALTIME);
	if (p->lost_first_us == 0)
		p->lost_first_us = p->lost_last_us;
}

static bool
is_multicast(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;

	return address->ss_family == AF_INET6 ? IN6_IS_ADDR_MULTICAST(&six->sin6_addr)
	    : IN_MULTICAST(ntohl(four->sin_addr.s_addr));
}

/* Multicast stays on the link unless a limit is given (RFC 1112, 6.1). */
static int
set_hop_limit(struct peer *p, int fd)
{
	bool is_six = p->address.ss_family == AF_INET6,
	    is_many = is_multicast(&p->address);
	int hops = (int)p->config->hop_limit;

	if (hops == 0)
		return 0;
	if (is_six)
		return setsockopt(fd, IPPROTO_IPV6,
		    is_many ? IPV6_MULTICAST_HOPS : IPV6_UNICAST_HOPS, &hops,
		    sizeof hops);
	return setsockopt(fd, IPPROTO_IP, is_many ? IP_MULTICAST_TTL : IP_TTL, &hops,
	    sizeof hops);
}

static int
bind_source(struct peer *p, int fd, struct err *err)
{
	const char *source = p->config->source;
	struct sockaddr_storage address;
	socklen_t len;

	if (source == NULL || source[0] == '\0')
		return 0;
	if (address_resolve_host(source, &address, &len, err) != 0)
		return -1;
	if (address.ss_family != p->address.ss_family)
		return err_set(err, EINVAL,
		    "%s: the source address %s is of another family", p->name, source);
	if (bind(fd, (struct sockaddr *)&address, len) != 0)
		return err_set(err, errno, "%s: source address %s: %s", p->name, source,
		    strerror(errno));
	return 0;
}

int
peer_socket(struct peer *p, int type, int protocol, struct err *err)
{
	const char *name = p->config->interface;
	int fd, bytes = 4 << 20;

	fd = socket(p->address.ss_family, type | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return err_set(err, errno, "%s: socket: %s", p->name, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	if (name != NULL && name[0] != '\0' && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE,
	    name, (socklen_t)strlen(name)) != 0) {
		err_set(err, errno, "%s: interface %s: %s", p->name, name,
		    strerror(errno));
		goto fail;
	}
	if (set_hop_limit(p, fd) != 0) {
		err_set(err, errno, "%s: hop limit %u: %s", p->name, p->config->hop_limit,
		    strerror(errno));
		goto fail;
	}
	if (bind_source(p, fd, err) != 0)
		goto fail;
	return fd;

fail:
	close(fd);
	return -1;
}
