/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sockets that a collector listens at.
 */
#include "collect/listen.h"

#include "base/err.h"
#include "wire/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static const struct transport {
	const char *name;
	int type, protocol;
} transports[] = {
	{"udp", SOCK_DGRAM, 0},
	{"tcp", SOCK_STREAM, 0},
	{"sctp", SOCK_STREAM, IPPROTO_SCTP},
};

/* The transport in front of an address, udp where there is none; *text moves behind
 * it. */
static const struct transport *
take_transport(const char **text)
{
	size_t i, len;

	for (i = 0; i < sizeof transports / sizeof *transports; i++) {
		len = strlen(transports[i].name);
		if (strncmp(*text, transports[i].name, len) == 0 && (*text)[len] == ':' &&
		    strchr(*text + len + 1, ':') != NULL) {
			*text += len + 1;
			return &transports[i];
		}
	}
	return &transports[0];
}

static void
set_options(struct listener *l, int bytes)
{
	int on = 1;

	if (!listener_is_udp(l)) {
		setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		return;
	}
	/* With CAP_NET_ADMIN beyond net.core.rmem_max, else as far as that. */
	if (setsockopt(l->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
		setsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	setsockopt(l->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
}

static int
open_one(const char *text, int buffer_bytes, struct listener *l, struct err *err)
{
	const char *address_text = text;
	const struct transport *t = take_transport(&address_text);
	struct sockaddr_storage address;
	socklen_t len, int_len = sizeof l->buffer_bytes;

	*l = (struct listener){.transport = t->name, .fd = -1};
	if (address_resolve(address_text, true, &address, &len, err) != 0)
		return -1;
	l->fd = socket(address.ss_family, t->type | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    t->protocol);
	if (l->fd < 0 && (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT))
		return err_set(err, errno,
		    "listen %s: this kernel has no %s; load its module "
		    "or listen by tcp or udp", text, t->name);
	if (l->fd < 0)
		return err_set(err, errno, "listen %s: socket: %s", text,
		    strerror(errno));
	set_options(l, buffer_bytes);
	if (bind(l->fd, (struct sockaddr *)&address, len) != 0 ||
	    (!listener_is_udp(l) && listen(l->fd, BACKLOG) != 0))
		return err_set(err, errno, "listen %s: %s", text, strerror(errno));
	len = sizeof address;
	if (getsockname(l->fd, (struct sockaddr *)&address, &len) != 0 ||
	    getsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &l->buffer_bytes, &int_len) != 0)
		return err_set(err, errno, "listen %s: %s", text, strerror(errno));
	l->port = address_port(&address);
	return 0;
}

int
listen_open(const char *text, int buffer_bytes, struct listener out[LISTENERS_MAX],
    unsigned *count, struct err *err)
{
	char one[300];
	size_t len;

	*count = 0;
	do {
		len = strcspn(text, ",");
		if (*count == LISTENERS_MAX)
			return err_set(err, E2BIG, "listen: more than %d addresses",
			    LISTENERS_MAX);
		if (len >= sizeof one)
			return err_set(err, EINVAL, "listen %.64s...: too long", text);
		memcpy(one, text, len);
		one[len] = '\0';
		if (open_one(one, buffer_bytes, &out[(*count)++], err) != 0)
			return -1;
		text += len;
	} while (*text++ == ',');
	return (int)*count;
}

/* The kernel's count runs on from the socket's start, modulo 2^32. */
uint32_t
listener_dropped(struct listener *l, struct msghdr *msg)
{
	struct cmsghdr *control;
	uint32_t before = l->kernel_dropped;

	for (control = CMSG_FIRSTHDR(msg); control != NULL;
	     control = CMSG_NXTHDR(msg, control)) {
		if (control->cmsg_level == SOL_SOCKET &&
		    control->cmsg_type == SO_RXQ_OVFL)
			memcpy(&l->kernel_dropped, CMSG_DATA(control),
			    sizeof l->kernel_dropped);
	}
	return l->kernel_dropped - before;
}
