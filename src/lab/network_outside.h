/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_NETWORK_OUTSIDE_H
#define LAB_NETWORK_OUTSIDE_H

#include "lab/network_private.h"

#include "base/text.h"

enum { OUTSIDE_NET_BYTES = 40, OUTSIDE_KEY_BYTES = 80 };

/* Ethernet addresses of the ends: IPv6 need not ask for them, so no meter sees it ask. */
#define OUTSIDE_MAC_HERE  "02:00:00:00:00:02"
#define OUTSIDE_MAC_THERE "02:00:00:00:00:01"

/* A chain of nft's that keeps to itself what a kernel tells of its groups; %s: the
 * device. */
#define OUTSIDE_QUIET \
	"chain quiet { type filter hook output priority filter; oifname \"%s\" " \
	"icmpv6 type { mld-listener-report, mld2-listener-report, nd-router-solicit, " \
	"nd-router-advert } " \
	"drop; }\n"

/* A link out of a network while it is made. */
struct outside {
	const char *name, *to; /* full names; to NULL: the machine's own */
	const char *device;
	char peer[DEVICE_NAME_MAX + 1]; /* in the other namespace */
	char table[DEVICE_NAME_MAX + 8];
	char here[OUTSIDE_NET_BYTES], there[OUTSIDE_NET_BYTES], net[OUTSIDE_NET_BYTES];
	/* addresses, their network; so of IPv6, where the other namespace has routes */
	bool has_6;
	char here6[OUTSIDE_NET_BYTES], there6[OUTSIDE_NET_BYTES], net6[OUTSIDE_NET_BYTES];
	struct text routes6; /* a line each, as ip-route(8) prints them */
};

/* Runs an ip(8) command in a namespace and gives its output. */
int outside_ask(const char *to, const char *const *argv, struct text *out,
		struct err *err);
/* Sets a key there, after writing down what it was. */
int outside_set(struct network *net, const struct outside *o, const char *key,
    const char *value, struct err *err);
/* "net.ipv4.conf.DEVICE.WHAT", with a slash for a dot in the device's name. */
void outside_key(char out[OUTSIDE_KEY_BYTES], const char *version, const char *device,
    const char *what);

/* IPv6: whether it goes out, and with which addresses; before the ends are up, no word of
 * it that no program said; then addresses, routes and forwarding. */
int outside_choose_6(struct outside *o, struct err *err);
int outside_quiet_6(const struct outside *o, struct err *err);
int outside_join_6(struct network *net, const struct outside *o, struct err *err);

#endif
