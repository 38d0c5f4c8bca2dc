/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way out of a network: a veth pair to a namespace that stays, whose packets that
 * namespace forwards and gives its own addresses. Everything done there is written down
 * first.
 *
 * Forwarding is turned on for the pair's device and for those that routes leave by, not
 * for all: the machine does not become a router between its other interfaces.
 */
#include "lab/network_outside.h"

#include "base/err.h"
#include "base/text.h"
#include "lab/program.h"
#include "lab/route.h"
#include "lab/space.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { TRIES = 64 };

static const char *
or_dash(const char *to)
{
	return to == NULL ? "-" : to;
}

int
outside_ask(const char *to, const char *const *argv, struct text *out, struct err *err)
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
	const char *argv[] = {"ip", "-4", "-o", "route", "show", "to", "root",
	    "100.64.0.0/10",
	    "table", "all", NULL};
	uint32_t place = (uint32_t)getpid(), i, at;
	struct text used;
	int status;

	text_init(&used);
	if ((status = outside_ask(o->to, argv, &used, err)) == 0) {
		for (i = 0; i < TRIES; i++) {
			at = 100U << 24 | 64U << 16 | ((place + i * 4099) & 0xfffff) << 2;
			snprintf(o->net, sizeof o->net, "%u.%u.%u.%u/30", at >> 24,
			    at >> 16 & 255, at >> 8 & 255, at & 255);
			if (strstr(used.data, o->net) == NULL)
				break;
		}
		snprintf(o->there, sizeof o->there, "%u.%u.%u.%u", at >> 24,
		    at >> 16 & 255, at >> 8 & 255, (at & 255) + 1);
		snprintf(o->here, sizeof o->here, "%u.%u.%u.%u/30", at >> 24,
		    at >> 16 & 255, at >> 8 & 255, (at & 255) + 2);
	}
	text_done(&used);
	return status;
}

/* A veth pair is a wire of its own, so the addresses of its ends need not be others' too.
 */
static int
join(struct network *net, const struct outside *o, struct err *err)
{
	if (leftover_note(net->left, err, "device %s %s", or_dash(o->to), o->peer) != 0 ||
	    network_run_ip(o->to, err, "link add name %s address " OUTSIDE_MAC_THERE
	    " type veth peer name %s address " OUTSIDE_MAC_HERE " netns %s", o->peer,
	    o->device,
	    o->name) != 0)
		return -1;
	/* Segments are those of a wire, so that a meter sees them so. */
	if (space_offload(o->to, o->peer, false, err) != 0 ||
	    space_offload(o->name, o->device, false, err) != 0 ||
	    outside_quiet_6(o, err) != 0)
		return -1;
	if (network_run_ip(o->to, err, "address add %s/30 dev %s", o->there,
	    o->peer) != 0 || network_run_ip(o->to, err, "link set dev %s up",
	    o->peer) != 0 || network_run_ip(o->name, err, "address add %s dev %s",
	    o->here, o->device) != 0 || network_run_ip(o->name, err, "link set dev %s up",
	    o->device) != 0)
		return -1;
	return network_run_ip(o->name, err, "route add default via %s", o->there);
}

static int
set_locked(struct network *net, const struct outside *o, const char *key,
	   const char *value, struct err *err)
{
	char before[32], first[32];

	if (space_sysctl_get(o->to, key, before, sizeof before, err) != 0)
		return -1;
	if (leftover_before(o->to, key, first, sizeof first))
		memcpy(before, first, sizeof before);
	else if (strcmp(before, value) == 0)
		return 0;
	if (leftover_note(net->left, err, "sysctl %s %s %s", or_dash(o->to), key,
	    before) != 0)
		return -1;
	return space_sysctl(o->to, key, value, err);
}

int
outside_set(struct network *net, const struct outside *o, const char *key,
	    const char *value, struct err *err)
{
	int lock = leftover_lock(), status = set_locked(net, o, key, value, err);

	leftover_unlock(lock);
	return status;
}

void
outside_key(char out[OUTSIDE_KEY_BYTES], const char *version, const char *device,
    const char *what)
{
	char *c;

	snprintf(out, OUTSIDE_KEY_BYTES, "net.%s.conf.", version);
	c = out + strlen(out);
	snprintf(c, OUTSIDE_KEY_BYTES - (size_t)(c - out), "%s", device);
	for (; *c != '\0'; c++)
		*c = *c == '.' ? '/' : *c;
	snprintf(c, OUTSIDE_KEY_BYTES - (size_t)(c - out), ".%s", what);
}

/* Of each device that a route there leaves by; none is no fault. */
static int
forward_routes(struct network *net, const struct outside *o, struct err *err)
{
	const char *argv[] = {"ip", "-4", "-o", "route", "show", NULL};
	char key[OUTSIDE_KEY_BYTES], dev[DEVICE_NAME_MAX + 1], *line, *rest;
	struct text routes;
	int status;

	text_init(&routes);
	status = outside_ask(o->to, argv, &routes, err);
	for (line = strtok_r(routes.data, "\n", &rest); line != NULL && status == 0;
	    line = strtok_r(NULL, "\n", &rest)) {
		if (!route_device_of(line, dev))
			continue;
		outside_key(key, "ipv4", dev, "forwarding");
		status = outside_set(net, o, key, "1", err);
	}
	text_done(&routes);
	return status;
}

static int
translate(struct network *net, const struct outside *o, struct err *err)
{
	char rules[2 * NETWORK_LINE_BYTES], six[96] = "", key[OUTSIDE_KEY_BYTES];

	outside_key(key, "ipv4", o->peer, "forwarding");
	if (space_sysctl(o->to, key, "1", err) != 0 || forward_routes(net, o, err) != 0 ||
	    leftover_note(net->left, err, "table %s %s", or_dash(o->to), o->table) != 0)
		return -1;
	if (o->has_6)
		snprintf(six, sizeof six, "ip6 saddr %s oifname != \"%s\" masquerade; ",
		    o->net6, o->peer);
	snprintf(rules, sizeof rules, "table inet %s {\n"
	    "chain out { type nat hook postrouting priority srcnat; "
	    "ip saddr %s oifname != \"%s\" masquerade; %s}\n" OUTSIDE_QUIET "}\n",
	    o->table,
	    o->net, o->peer, six, o->peer);
	if (network_run_nft(o->to, rules, err) != 0)
		return err_prefix(err, "no NAT to the outside: ");
	return 0;
}

int
network_outside(struct network *net, const char *space, const char *device,
		const char *to, struct err *err)
{
	struct outside o = {.to = to, .device = device};
	int status = -1;

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
	text_init(&o.routes6);
	if (choose_net(&o, err) == 0 && outside_choose_6(&o, err) == 0 &&
	    join(net, &o, err) == 0 && translate(net, &o, err) == 0)
		status = outside_join_6(net, &o, err);
	net->has_outside_6 = status == 0 && o.has_6;
	text_done(&o.routes6);
	return status;
}

bool
network_outside_6(const struct network *net)
{
	return net->has_outside_6;
}

/* ---- names ---- */

/* On the machine's own loopback, or of a link of it. */
static bool
is_near(const char *server)
{
	return strncmp(server, "127.", 4) == 0 || strcmp(server, "::1") == 0 ||
	    strncasecmp(server, "fe80:", 5) == 0;
}

/* The lines of a file but for name servers that are not reached, of which there are
 * *left_out; how many others there are. */
static unsigned
read_resolvers(const char *path, bool has_6, struct text *out, unsigned *left_out)
{
	FILE *file = fopen(path, "re");
	char line[512], server[128];
	unsigned n = 0;

	*left_out = 0;
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, " nameserver %127s", server) == 1) {
			if (is_near(server) || (!has_6 && strchr(server, ':') != NULL)) {
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
network_resolvers(const char *path, const char *upstream, bool has_6, struct text *out,
    struct err *err)
{
	unsigned left_out;

	text_clear(out);
	if (read_resolvers(path, has_6, out, &left_out) > 0) {
		if (left_out == 0)
			text_clear(out);
		return 0;
	}
	text_clear(out);
	if (read_resolvers(upstream, has_6, out, &left_out) > 0)
		return 0;
	text_clear(out);
	return err_set(err, ENOENT,
	    "no name server is reached: %s names none but the machine's "
	    "own loopback%s", path, has_6 ? "" : ", or by IPv6");
}
