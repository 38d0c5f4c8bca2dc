/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which way to capture, and what to do when the interface goes: an interface that is down
 * is waited for, one that vanished is captured again as soon as one of its name is there.
 */
#include "packet/live_private.h"

#include "base/err.h"
#include "base/text.h"
#include "packet/bpf.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHECK_MS = 200, BACKOFF_MS = 200, BACKOFF_MAX_MS = 5000, SNAPLEN_MAX = 262144 };

const struct counter_row live_counter_rows[LIVE_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "packet/live.def"
#undef COUNTER
};

/* Hardware types whose frames the ring gives as the decoder knows them. */
static const struct {
	unsigned short hardware;
	uint32_t linktype;
} ring_rows[] = {
    {ARPHRD_ETHER, 1},
    {ARPHRD_LOOPBACK, 1},
    {ARPHRD_NONE, 101}, /* tun, WireGuard */
    {ARPHRD_RAWIP, 101},
    {ARPHRD_TUNNEL, 101},
    {ARPHRD_TUNNEL6, 101},
    {ARPHRD_SIT, 101},
};

static bool
ask(const struct live *l, unsigned long what, struct ifreq *out)
{
	memset(out, 0, sizeof *out);
	strncpy(out->ifr_name, l->config.interface, sizeof out->ifr_name - 1);
	return ioctl(l->control, what, out) == 0;
}

/* Finds out which kind the device needs. */
static int
choose_kind(struct live *l, struct err *err)
{
	struct ifreq r;
	unsigned short hardware;
	size_t i;

	l->kind = &live_pcap_kind;
	if (strlen(l->config.interface) >= sizeof r.ifr_name || !ask(l, SIOCGIFINDEX, &r))
		return 0;
	l->index = r.ifr_ifindex;
	if (!ask(l, SIOCGIFHWADDR, &r))
		return err_set(err, errno, "%s: %s", l->config.interface,
		    strerror(errno));
	hardware = r.ifr_hwaddr.sa_family;
	l->is_loopback = hardware == ARPHRD_LOOPBACK;
	for (i = 0; i < sizeof ring_rows / sizeof *ring_rows; i++) {
		if (ring_rows[i].hardware == hardware) {
			l->kind = &live_ring_kind;
			l->linktype = ring_rows[i].linktype;
		}
	}
	if (ask(l, SIOCGIFFLAGS, &r))
		l->is_down = !(r.ifr_flags & IFF_UP);
	return 0;
}

int
live_open(const struct source_config *config, struct live **out, struct err *err)
{
	struct live *l = calloc(1, sizeof *l);

	if (l == NULL)
		return err_set(err, ENOMEM, "%s: out of memory", config->interface);
	l->config = *config;
	l->fd = l->control = -1;
	l->backoff_ms = BACKOFF_MS;
	if (l->config.snaplen == 0)
		l->config.snaplen = SOURCE_LIVE_SNAPLEN;
	if (l->config.snaplen > SNAPLEN_MAX)
		l->config.snaplen = SNAPLEN_MAX;
	if (l->config.buffer_bytes == 0)
		l->config.buffer_bytes = SOURCE_LIVE_BUFFER;
	l->kind = &live_pcap_kind;
	if ((l->control = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0) {
		err_set(err, errno, "%s: no socket: %s", config->interface,
		    strerror(errno));
		goto fail;
	}
	if (choose_kind(l, err) != 0)
		goto fail;
	if (l->kind == &live_pcap_kind && config->workers > 1) {
		err_set(err, EINVAL,
		    "%s: only Ethernet and IP interfaces can be shared by "
		    "workers; use one", config->interface);
		goto fail;
	}
	if (l->kind == &live_ring_kind && config->filter != NULL &&
	    config->filter[0] != '\0' && packet_filter_compile_live(config->filter,
	    config->interface, l->config.snaplen, &l->filter, err) != 0)
		goto fail;
	if (l->kind->open(l, err) != 0)
		goto fail;
	*out = l;
	return 0;

fail:
	live_close(l);
	return -1;
}

int
live_start(struct live *l, struct err *err)
{
	l->is_started = true;
	return l->kind->start(l, err);
}

void
live_close(struct live *l)
{
	if (l == NULL)
		return;
	l->kind->close(l);
	packet_filter_free(l->filter);
	if (l->control >= 0)
		close(l->control);
	free(l);
}

enum capture_event
live_next(struct live *l, bool may_advance, struct record *out, struct err *err)
{
	return l->kind->next(l, may_advance, out, err);
}

int
live_fd(const struct live *l)
{
	return l->is_gone || l->is_broken ? -1 : l->fd;
}

static void
reopen(struct live *l, int64_t now_ms, struct text *note)
{
	struct err err = {0};

	if (now_ms < l->retry_ms)
		return;
	if (l->kind->reopen(l, &err) != 0) {
		if (l->backoff_ms == BACKOFF_MS)
			text_printf(note, "%s; trying again", err.text);
		l->counters[LIVE_reopen_failed]++;
		l->retry_ms = now_ms + l->backoff_ms;
		if ((l->backoff_ms *= 2) > BACKOFF_MAX_MS)
			l->backoff_ms = BACKOFF_MAX_MS;
		return;
	}
	l->counters[LIVE_reopened]++;
	l->is_gone = l->is_broken = false;
	l->backoff_ms = BACKOFF_MS;
	text_printf(note, "%s is back and captured again", l->config.interface);
}

static void
check_interface(struct live *l, int64_t now_ms, struct text *note)
{
	struct err err = {0};
	struct ifreq index, flags;
	bool is_down;

	if (!ask(l, SIOCGIFINDEX, &index) || !ask(l, SIOCGIFFLAGS, &flags)) {
		if (!l->is_gone) {
			l->counters[LIVE_vanished]++;
			text_printf(note, "%s vanished; waiting for it",
			    l->config.interface);
		}
		l->is_gone = true;
		return;
	}
	is_down = !(flags.ifr_flags & IFF_UP);
	if (l->is_gone || index.ifr_ifindex != l->index) {
		l->counters[LIVE_vanished] += !l->is_gone; /* and came back unseen */
		l->is_gone = true;
		l->index = index.ifr_ifindex;
		l->is_down = is_down;
		reopen(l, now_ms, note);
		return;
	}
	if (is_down == l->is_down)
		return;
	l->is_down = is_down;
	l->counters[is_down ? LIVE_went_down : LIVE_came_up]++;
	text_printf(note, "%s %s", l->config.interface,
	    is_down ? "is down; waiting for it"
	    : "is up again");
	if (!is_down && l->kind->start(l, &err) != 0) {
		text_printf(note, "; %s", err.text);
		l->is_gone = true; /* opened anew with the next check */
	}
}

void
live_check(struct live *l, int64_t now_ms, struct text *note)
{
	socklen_t len = sizeof(int);
	int code;

	/* An error makes poll return at once until it was asked for. */
	if (l->fd >= 0 && l->kind->has_interface)
		(void)getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &code, &len);
	if (now_ms < l->check_ms)
		return;
	l->check_ms = now_ms + CHECK_MS;
	if (l->kind->has_interface)
		check_interface(l, now_ms, note);
	else if (l->is_broken)
		reopen(l, now_ms, note);
}

uint32_t
live_interface(const struct live *l)
{
	return l->index > 0 ? (uint32_t)l->index : 0;
}

bool
live_needs_rights(const struct live *l)
{
	return l->kind != &live_ring_kind || l->config.workers > 1;
}

const uint64_t *
live_counters(struct live *l)
{
	l->kind->stats(l);
	return l->counters;
}
