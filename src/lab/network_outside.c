/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way out of a network: a veth pair to a namespace that stays, whose packets that namespace
 * forwards and gives its own addresses. Everything done there is written down first.
 *
 * Forwarding is turned on for the pair's device and for those that routes leave by, not for
 * all: the machine does not become a router between its other interfaces.
 */
#include "lab/network_private.h"

#include "base/err.h"
#include "base/text.h"
#include "lab/program.h"
#include "lab/space.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 64, NET_BYTES = 24, ROUTES = 64 };

struct outside {
	const char *name, *to;           /* full names; to NULL: the machine's own */
	const char *device;
	char peer[DEVICE_NAME_MAX + 1];  /* in the other namespace */
	char table[DEVICE_NAME_MAX + 8];
	char here[NET_BYTES], there[NET_BYTES], net[NET_BYTES]; /* addresses, their network */
};

static const char *
or_dash(const char *to)
{
	return to == NULL ? "-" : to;
}

/* Runs an ip(8) command there and gives its output. */
static int
ask_ip(const char *to, const char *const *argv, struct text *out, struct err *err)
{
	int back, status;

	if (space_enter(to, &back, err) != 0)
		return -1;
	status = program_run(argv, NULL, out, err);
	space_leave(back);
	return status;
}

/* A network of four addresses that no route there has in it, by the process's id. */
static int
choose_net(struct outside *o, struct err *err)
{
	const char *argv[] = {"ip", "-4", "-o", "route", "show", "to", "root", "100.64.0.0/10",
	    "table", "all", NULL};
	uint32_t place = (uint32_t)getpid(), i, at;
	struct text used;
	int status;

	text_init(&used);
	if ((status = ask_ip(o->to, argv, &used, err)) == 0) {
		for (i = 0; i < TRIES; i++) {
			at = 100U << 24 | 64U << 16 | ((place + i * 4099) & 0xfffff) << 2;
			snprintf(o->net, sizeof o->net, "%u.%u.%u.%u/30", at >> 24, at >> 16 & 255,
			    at >> 8 & 255, at & 255);
			if (strstr(used.data, o->net) == NULL)
				break;
		}
		snprintf(o->there, sizeof o->there, "%u.%u.%u.%u", at >> 24, at >> 16 & 255,
		    at >> 8 & 255, (at & 255) + 1);
		snprintf(o->here, sizeof o->here, "%u.%u.%u.%u/30", at >> 24, at >> 16 & 255,
		    at >> 8 & 255, (at & 255) + 2);
	}
	text_done(&used);
	return status;
}

static int
join(struct network *net, const struct outside *o, struct err *err)
{
	char key[64];
	int i;

	if (leftover_note(net->left, err, "device %s %s", or_dash(o->to), o->peer) != 0 ||
	    network_run_ip(o->to, err, "link add name %s type veth peer name %s netns %s",
	    o->peer, o->device, o->name) != 0)
		return -1;
	/* Only IPv4 goes out; a meter is not to see what IPv6 tries on its own. */
	for (i = 0; i < 2; i++) {
		snprintf(key, sizeof key, "net.ipv6.conf.%s.disable_ipv6",
		    i == 0 ? o->peer : o->device);
		(void)space_sysctl(i == 0 ? o->to : o->name, key, "1", NULL);
	}
	/* Segments are those of a wire, so that a meter sees them so. */
	if (space_offload(o->to, o->peer, false, err) != 0 ||
	    space_offload(o->name, o->device, false, err) != 0)
		return -1;
	if (network_run_ip(o->to, err, "address add %s/30 dev %s", o->there, o->peer) != 0 ||
	    network_run_ip(o->to, err, "link set dev %s up", o->peer) != 0 ||
	    network_run_ip(o->name, err, "address add %s dev %s", o->here, o->device) != 0 ||
	    network_run_ip(o->name, err, "link set dev %s up", o->device) != 0)
		return -1;
	return network_run_ip(o->name, err, "route add default via %s", o->there);
}

static int
turn_on_locked(struct network *net, const struct outside *o, const char *key, struct err *err)
{
	char before[32], first[32];

	if (space_sysctl_get(o->to, key, before, sizeof before, err) != 0)
		return -1;
	if (leftover_before(o->to, key, first, sizeof first))
		memcpy(before, first, sizeof before);
	else if (strcmp(before, "1") == 0)
		return 0;
	if (leftover_note(net->left, err, "sysctl %s %s %s", or_dash(o->to), key, before) != 0)
		return -1;
	return space_sysctl(o->to, key, "1", err);
}

/* Turns a setting there on, after writing down what it was. */
static int
turn_on(struct network *net, const struct outside *o, const char *key, struct err *err)
{
	int lock = leftover_lock(), status = turn_on_locked(net, o, key, err);

	leftover_unlock(lock);
	return status;
}

/* Of each device that a route there leaves by; none is no fault. */
static int
forward_routes(struct network *net, const struct outside *o, struct err *err)
{
	const char *argv[] = {"ip", "-4", "-o", "route", "show", NULL};
	char key[64], *line, *rest, *dev;
	struct text routes;
	int status;

	text_init(&routes);
	status = ask_ip(o->to, argv, &routes, err);
	for (line = strtok_r(routes.data, "\n", &rest); line != NULL && status == 0;
	    line = strtok_r(NULL, "\n", &rest)) {
		if ((dev = strstr(line, " dev ")) == NULL)
			continue;
		dev += strlen(" dev ");
		dev[strcspn(dev, " ")] = '\0';
		/* a dot in a device's name is a slash in a key */
		snprintf(key, sizeof key, "net.ipv4.conf.%s.forwarding", dev);
		for (dev = key + strlen("net.ipv4.conf."); *dev != '\0' &&
		    strcmp(dev, ".forwarding") != 0; dev++)
			*dev = *dev == '.' ? '/' : *dev;
		status = turn_on(net, o, key, err);
	}
	text_done(&routes);
	return status;
}

static int
translate(struct network *net, const struct outside *o, struct err *err)
{
	char rules[NETWORK_LINE_BYTES], key[64];

	snprintf(key, sizeof key, "net.ipv4.conf.%s.forwarding", o->peer);
	if (space_sysctl(o->to, key, "1", err) != 0 || forward_routes(net, o, err) != 0 ||
	    leftover_note(net->left, err, "table %s %s", or_dash(o->to), o->table) != 0)
		return -1;
	snprintf(rules, sizeof rules, "table inet %s {\n"
	    "chain out { type nat hook postrouting priority srcnat; "
	    "ip saddr %s oifname != \"%s\" masquerade; }\n}\n", o->table, o->net, o->peer);
	if (network_run_nft(o->to, rules, err) != 0)
		return err_prefix(err, "no NAT to the outside: ");
	return 0;
}

int
network_outside(struct network *net, const char *space, const char *device, const char *to,
    struct err *err)
{
	struct outside o = {.to = to, .device = device};

	if (network_find(net, space, &o.name, err) != 0)
		return -1;
	if (o.name == NULL || !network_is_word(device, DEVICE_NAME_MAX))
		return err_set(err, EINVAL, "'%s' is no name of a device", device);
	if (to != NULL && !network_is_word(to, SPACE_NAME_MAX))
		return err_set(err, EINVAL, "'%s' is no name of a namespace", to);
	if (program_need("nft", err) != 0)
		return -1;
	snprintf(o.peer, sizeof o.peer, "weir%ld", (long)getpid());
	snprintf(o.table, sizeof o.table, "weir-%ld", (long)getpid());
	if (choose_net(&o, err) != 0 || join(net, &o, err) != 0)
		return -1;
	return translate(net, &o, err);
}

/* ---- names ---- */

/* The lines of a file but for name servers that are not reached, of which there are *left_out;
 * how many others there are. */
static unsigned
read_resolvers(const char *path, struct text *out, unsigned *left_out)
{
	FILE *file = fopen(path, "re");
	char line[512], server[128];
	unsigned n = 0;

	*left_out = 0;
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, " nameserver %127s", server) == 1) {
			if (strncmp(server, "127.", 4) == 0 || strchr(server, ':') != NULL) {
				++*left_out;
				continue;
			}
			n++;
		}
		text_str(out, line);
	}
	if (file != NULL)
		fclose(file);
	return n;
}

int
network_resolvers(const char *path, const char *upstream, struct text *out, struct err *err)
{
	unsigned left_out;

	text_clear(out);
	if (read_resolvers(path, out, &left_out) > 0) {
		if (left_out == 0)
			text_clear(out);
		return 0;
	}
	text_clear(out);
	if (read_resolvers(upstream, out, &left_out) > 0)
		return 0;
	text_clear(out);
	return err_set(err, ENOENT, "no name server is reached: %s names none but the machine's "
	    "own loopback, or by IPv6", path);
}
