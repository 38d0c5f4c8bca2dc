/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv6 on the way out. The link has a network of 2001:db8::/32, which is for
 * documentation and nowhere in use, and no unique local one: programs prefer IPv4 to
 * those, and would choose otherwise than on the machine itself. The routes are those of
 * the other namespace.
 *
 * Where the kernel can (6.17, force_forwarding), only packets of the pair's device and of
 * those that routes leave by are forwarded. Elsewhere the setting is one for all devices,
 * and turning it on makes the kernel forget what it learned from routers' advertisements,
 * but for devices that accept them all the same (accept_ra 2).
 */
#include "lab/network_outside.h"

#include "base/err.h"
#include "lab/route.h"
#include "lab/space.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 64 };

static const char version[] = "ipv6";

/* The destination of a route that packets may take; false: none of them. */
static bool
route_read(const char *line, char to[OUTSIDE_NET_BYTES], char device[DEVICE_NAME_MAX + 1])
{
	size_t n = strcspn(line, " ");

	/* "unreachable", "blackhole" and so on stand before the destination */
	if (n >= OUTSIDE_NET_BYTES || (strncmp(line, "default ", 8) != 0 &&
	    strspn(line, "0123456789abcdef:./") != n) || strncmp(line, "fe80:", 5) == 0 ||
	    strncmp(line, "ff00:", 5) == 0)
		return false;
	memcpy(to, line, n);
	to[n] = '\0';
	return route_device_of(line, device);
}

/* Calls each for the routes; *n: how many. */
static int
each_route(const struct outside *o,
	   int (*each)(const char *to, const char *device, void *arg, struct err *err),
	   void *arg, unsigned *n, struct err *err)
{
	char to[OUTSIDE_NET_BYTES], device[DEVICE_NAME_MAX + 1], line[512];
	const char *at = o->routes6.data;
	size_t len;

	*n = 0;
	for (; *at != '\0'; at += len + (at[len] == '\n')) {
		len = strcspn(at, "\n");
		snprintf(line, sizeof line, "%.*s", (int)len, at);
		if (!route_read(line, to, device))
			continue;
		++*n;
		if (each != NULL && each(to, device, arg, err) != 0)
			return -1;
	}
	return 0;
}

int
outside_choose_6(struct outside *o, struct err *err)
{
	const char *show[] = {"ip", "-6", "-o", "route", "show", NULL};
	const char *used[] = {"ip", "-6", "-o", "route", "show", "to", "root",
	    "2001:db8:6464::/48", "table", "all", NULL};
	unsigned n = 0, i, place = (unsigned)getpid();
	struct err none = {0};
	struct text taken;

	/* A kernel without IPv6 has no routes of it, and ip(8) may say so. */
	if (access("/proc/sys/net/ipv6", F_OK) != 0 ||
	    outside_ask(o->to, show, &o->routes6, &none) != 0)
		return 0;
	(void)each_route(o, NULL, NULL, &n, err);
	if (n == 0)
		return 0;
	text_init(&taken);
	if (outside_ask(o->to, used, &taken, err) != 0) {
		text_done(&taken);
		return -1;
	}
	for (i = 0; i < TRIES; i++) {
		snprintf(o->net6, sizeof o->net6, "2001:db8:6464:%x::/64",
		    ((place + i * 4099) & 0xfffe) + 1);
		if (strstr(taken.data, o->net6) == NULL)
			break;
	}
	text_done(&taken);
	snprintf(o->there6, sizeof o->there6, "%.*s1", (int)strcspn(o->net6, "/"),
	    o->net6);
	snprintf(o->here6, sizeof o->here6, "%.*s2", (int)strcspn(o->net6, "/"), o->net6);
	o->has_6 = true;
	return 0;
}

int
outside_quiet_6(const struct outside *o, struct err *err)
{
	/* No address but those that are given, or none at all. */
	const char *what = o->has_6 ? "addr_gen_mode" : "disable_ipv6";
	char key[OUTSIDE_KEY_BYTES], rules[NETWORK_LINE_BYTES];

	outside_key(key, version, o->peer, what);
	(void)space_sysctl(o->to, key, "1", NULL);
	outside_key(key, version, o->device, what);
	(void)space_sysctl(o->name, key, "1", NULL);
	if (!o->has_6)
		return 0;
	snprintf(rules, sizeof rules, "table inet %s {\n" OUTSIDE_QUIET "}\n", o->table,
	    o->device);
	return network_run_nft(o->name, rules, err);
}

/* ---- routes and forwarding ---- */

struct way {
	struct network *net;
	const struct outside *o;
};

static int
route_mirror(const char *to, const char *device, void *arg, struct err *err)
{
	const struct way *w = arg;

	return network_run_ip(w->o->name, err, "-6 route replace %s via %s", to,
	    w->o->there6);
}

static int
forward_one(const char *to, const char *device, void *arg, struct err *err)
{
	const struct way *w = arg;
	char key[OUTSIDE_KEY_BYTES];

	outside_key(key, version, device, "force_forwarding");
	return outside_set(w->net, w->o, key, "1", err);
}

/* Lets a device go on with what routers advertise. */
static int
keep_advertised(const char *to, const char *device, void *arg, struct err *err)
{
	const struct way *w = arg;
	char key[OUTSIDE_KEY_BYTES], value[32];

	outside_key(key, version, device, "accept_ra");
	if (space_sysctl_get(w->o->to, key, value, sizeof value, err) != 0)
		return -1;
	return strcmp(value, "0") == 0 ? 0 : outside_set(w->net, w->o, key, "2", err);
}

static int
forward_6(struct way *w, struct err *err)
{
	char key[OUTSIDE_KEY_BYTES], value[32];
	unsigned n;

	outside_key(key, version, w->o->peer, "force_forwarding");
	if (space_sysctl_get(w->o->to, key, value, sizeof value, NULL) == 0)
		return space_sysctl(w->o->to, key, "1", err) != 0 ? -1
		    : each_route(w->o, forward_one, w, &n, err);
	if (each_route(w->o, keep_advertised, w, &n, err) != 0)
		return -1;
	return outside_set(w->net, w->o, "net.ipv6.conf.all.forwarding", "1", err);
}

int
outside_join_6(struct network *net, const struct outside *o, struct err *err)
{
	struct way way = {net, o};
	unsigned n;

	if (!o->has_6)
		return 0;
	if (network_run_ip(o->to, err, "-6 address add %s/64 dev %s nodad", o->there6,
	    o->peer) != 0 ||
	    network_run_ip(o->name, err, "-6 address add %s/64 dev %s nodad", o->here6,
	    o->device) != 0 ||
	    network_run_ip(o->to, err, "-6 neigh replace %s lladdr " OUTSIDE_MAC_HERE
	    " dev %s nud permanent", o->here6, o->peer) != 0 ||
	    network_run_ip(o->name, err, "-6 neigh replace %s lladdr " OUTSIDE_MAC_THERE
	    " dev %s nud permanent", o->there6, o->device) != 0)
		return -1;
	return each_route(o, route_mirror, &way, &n, err) != 0 ? -1
							       : forward_6(&way, err);
}
