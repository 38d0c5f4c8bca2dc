/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The path is a chain of nodes: the switch is number 0, routers follow, the last link
 * ends at the server. Addresses are those that RFC 5737 and RFC 3849 keep for
 * documentation: 192.0.2.0/24 is the clients' network, 203.0.113.0/24 gives each link
 * between routers four, 198.51.100.0/24 is the servers'. IPv6 has the same in
 * 2001:db8::/32.
 */
#include "lab/topology.h"

#include "base/err.h"
#include "lab/process.h"
#include "lab/tunnel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const view_names[VIEWS] = {"own", "seen", "tunnel"};

static const char *const node_names[TOPOLOGY_NODES] = {"switch", "edge", "border",
    "transit",
    "router5", "router6", "router7", "router8", "router9", "router10", "router11",
    "router12"};

enum { EDGE = 1, BORDER = 2 };
enum { V6_LEAST = 1280 };

struct builder {
	struct topology *t;
	const struct scenario *s;
	uint64_t seed;
	const char *program;
	unsigned nodes; /* switch and routers */
	unsigned emulated; /* the link behind this node */
	bool has_v6; /* all links carry packets of 1,280 octets, which IPv6 wants */
};

/* The addresses of a device, or none. */
struct addresses {
	char v4[ADDRESS_MAX], v6[ADDRESS_MAX];
};

static bool
is_flat(const struct builder *b)
{
	return b->nodes == 1; /* clients and servers are neighbours */
}

static void
client_addresses(const struct builder *b, unsigned i, struct addresses *out)
{
	if (is_flat(b)) {
		snprintf(out->v4, sizeof out->v4, "198.51.100.%u/24", 101 + i);
		snprintf(out->v6, sizeof out->v6, "2001:db8:5::%u/64", 101 + i);
		return;
	}
	snprintf(out->v4, sizeof out->v4, "192.0.2.%u/24", 101 + i);
	snprintf(out->v6, sizeof out->v6, "2001:db8:1::%u/64", 101 + i);
}

/* The link behind node k, k > 0: end 0 is that node's, end 1 the next one's. */
static void
link_addresses(const struct builder *b, unsigned k, unsigned end, struct addresses *out)
{
	if (k + 1 == b->nodes) {
		snprintf(out->v4, sizeof out->v4, "198.51.100.%u/24", end == 0 ? 254 : 1);
		snprintf(out->v6, sizeof out->v6, "2001:db8:5::%u/64",
		    end == 0 ? 254 : 1);
		return;
	}
	snprintf(out->v4, sizeof out->v4, "203.0.113.%u/30", 4 * k + 1 + end);
	snprintf(out->v6, sizeof out->v6, "2001:db8:3:%u::%u/64", k, 1 + end);
}

/* "via ADDRESS" is written without the length of the prefix. */
static void
bare(char *address)
{
	address[strcspn(address, "/")] = '\0';
}

/* A route, left out where it is of IPv6 and the links have none. */
static int
route(struct builder *b, const char *space, const char *to, struct err *err)
{
	return !b->has_v6 && strchr(to, ':') != NULL ? 0
	    : network_route(b->t->net, space, to, err);
}

static int
clients_build(struct builder *b, struct err *err)
{
	struct network *net = b->t->net;
	char space[16], device[16];
	unsigned i;

	for (i = 0; i < b->s->network_clients; i++) {
		struct addresses a;
		struct network_link link = {
		    {space, "up", a.v4, b->has_v6 ? a.v6 : NULL},
		    {"switch", device, NULL, NULL}, (unsigned)b->s->network_mtu,
		    b->s->network_wire};

		snprintf(space, sizeof space, "client%u", i + 1);
		snprintf(device, sizeof device, "down%u", i + 1);
		client_addresses(b, i, &a);
		if (network_space(net, space, err) != 0 ||
		    network_link(net, &link, err) != 0 ||
		    network_port(net, "switch", "bridge", device, err) != 0)
			return -1;
		b->t->client[i] = network_space_name(net, space);
		if (!is_flat(b) &&
		    (route(b, space, "default via 192.0.2.1", err) != 0 ||
		    route(b, space, "default via 2001:db8:1::1", err) != 0))
			return -1;
		snprintf(b->t->client_address[i], ADDRESS_MAX, "%s",
		    b->s->network_ipv6 ? a.v6 : a.v4);
		bare(b->t->client_address[i]);
	}
	return 0;
}

/* The emulator's options: what the scenario's section link says. */
static int
emulate(struct builder *b, const struct network_link *link, struct err *err)
{
	const char *options[2 * LINK_KEYS + 3];
	char words[LINK_KEYS][24], seed[24], log[300];
	unsigned i, n = 0;

	for (i = 0; i < LINK_KEYS; i++) {
		if (b->s->link_words[i][0] == '\0')
			continue;
		snprintf(words[i], sizeof words[i], "--%s", link_rows[i].name);
		options[n++] = words[i];
		options[n++] = b->s->link_words[i];
	}
	snprintf(seed, sizeof seed, "%llu", (unsigned long long)(b->seed >> 16));
	options[n++] = "--seed";
	options[n++] = seed;
	options[n] = NULL;
	snprintf(log, sizeof log, "%.270s/link.log", b->t->folder);
	return network_emulate(b->t->net, link, options, b->program, log, NULL, err);
}

/* The link behind node k. */
static int
link_build(struct builder *b, unsigned k, struct err *err)
{
	bool is_last = k + 1 == b->nodes, has_narrow = b->s->network_narrow != 0 &&
	    k == b->emulated;
	struct addresses near, far;
	struct network_link link = {
	    {node_names[k], "up", near.v4, b->has_v6 ? near.v6 : NULL},
	    {is_last ? "server" : node_names[k + 1], "down", far.v4,
		b->has_v6 ? far.v6 : NULL},
	    (unsigned)(has_narrow ? b->s->network_narrow : b->s->network_mtu),
	    b->s->network_wire};

	link_addresses(b, k, 1, &far);
	link_addresses(b, k, 0, &near);
	if (k == 0) { /* a switch's port has no address */
		link.a.address = link.a.address6 = NULL;
		if (!is_last) {
			snprintf(far.v4, sizeof far.v4, "192.0.2.1/24");
			snprintf(far.v6, sizeof far.v6, "2001:db8:1::1/64");
		}
	}
	if (network_space(b->t->net, link.b.space, err) != 0)
		return -1;
	if (!is_last && network_forward(b->t->net, link.b.space, err) != 0)
		return -1;
	if (b->s->has_link && k == b->emulated ? emulate(b, &link, err) != 0
	    : network_link(b->t->net, &link, err) != 0)
		return -1;
	return k == 0 ? network_port(b->t->net, "switch", "bridge", "up", err) : 0;
}

/*
 * Routers send by their two sides: what is not the clients' goes on towards the
 * server.
 */
static int
routes_build(struct builder *b, struct err *err)
{
	struct addresses a;
	char to[200];
	unsigned k;

	for (k = 1; k < b->nodes; k++) {
		if (k + 1 < b->nodes) {
			link_addresses(b, k, 1, &a);
			bare(a.v4);
			bare(a.v6);
			snprintf(to, sizeof to, "default via %s", a.v4);
			if (route(b, node_names[k], to, err) != 0)
				return -1;
			snprintf(to, sizeof to, "default via %s", a.v6);
			if (route(b, node_names[k], to, err) != 0)
				return -1;
		}
		if (k == EDGE)
			continue;
		link_addresses(b, k - 1, 0, &a);
		bare(a.v4);
		bare(a.v6);
		snprintf(to, sizeof to, "192.0.2.0/24 via %s", a.v4);
		if (route(b, node_names[k], to, err) != 0)
			return -1;
		snprintf(to, sizeof to, "203.0.113.0/24 via %s", a.v4);
		if (route(b, node_names[k], to, err) != 0)
			return -1;
		snprintf(to, sizeof to, "2001:db8:1::/64 via %s", a.v6);
		if (route(b, node_names[k], to, err) != 0)
			return -1;
		snprintf(to, sizeof to, "2001:db8:3::/48 via %s", a.v6);
		if (route(b, node_names[k], to, err) != 0)
			return -1;
	}
	return 0;
}

/*
 * The server's routes choose its congestion control: namespaces may not set theirs to
 * what the machine does not allow to everyone.
 */
static int
server_routes_build(struct builder *b, struct err *err)
{
	static const char *const far[] = {"route add default via 198.51.100.254",
	    "-6 route add default via 2001:db8:5::254"};
	static const char *const near[] = {
	    "route replace 198.51.100.0/24 dev down src 198.51.100.1",
	    "-6 route replace 2001:db8:5::/64 dev down metric 1"};
	unsigned i;

	for (i = 0; i < (b->has_v6 ? 2 : 1); i++)
		if (network_ip(b->t->net, "server", err, "%s congctl %s",
		    is_flat(b) ? near[i] : far[i],
		    congestion_words[b->s->network_congestion].text) != 0)
			return -1;
	return 0;
}

static int
servers_build(struct builder *b, struct err *err)
{
	char address[ADDRESS_MAX];
	unsigned i;

	b->t->server = network_space_name(b->t->net, "server");
	for (i = 0; i < b->s->network_servers; i++) {
		snprintf(address, sizeof address,
		    b->s->network_ipv6 ? "2001:db8:5::%u/64" :
		    "198.51.100.%u/24", i + 1);
		if (i > 0 && network_address(b->t->net, "server", "down", address,
		    err) != 0)
			return -1;
		bare(address);
		memcpy(b->t->server_address[i], address, sizeof address);
	}
	return server_routes_build(b, err);
}

/* The clients' stacks. */
static int
stacks_set(struct builder *b, struct err *err)
{
	struct topology *t = b->t;
	char space[16], value[40];
	unsigned i;

	t->ports = (uint16_t)(50000 / b->s->network_clients);
	for (i = 0; i < b->s->network_clients; i++) {
		snprintf(space, sizeof space, "client%u", i + 1);
		if (!b->s->network_timestamps &&
		    network_sysctl(t->net, space, "net.ipv4.tcp_timestamps", "0",
		    err) != 0)
			return -1;
		if (b->s->network_ttl != 64) {
			snprintf(value, sizeof value, "%u", (unsigned)b->s->network_ttl);
			if (network_sysctl(t->net, space, "net.ipv4.ip_default_ttl",
			    value, err) != 0 || (b->has_v6 && network_sysctl(t->net,
			    space, "net.ipv6.conf.up.hop_limit", value, err) != 0))
				return -1;
		}
		t->port_first[i] = (uint16_t)(12000 + i * t->ports);
		snprintf(value, sizeof value, "%u %u", t->port_first[i],
		    t->port_first[i] + t->ports - 1u);
		if (b->s->network_nat && network_sysctl(t->net, space,
		    "net.ipv4.ip_local_port_range", value, err) != 0)
			return -1;
	}
	return 0;
}

static void
places_set(struct builder *b)
{
	struct topology *t = b->t;
	bool has_nat = b->s->network_nat || b->s->network_vpn != VPN_none;
	unsigned there = scenario_places_there(b->s), i;

	for (i = 0; i < PLACES; i++) {
		if (!(there & 1u << i))
			continue;
		t->places[i].space = i == PLACE_subnet ? t->client[0]
		    : network_space_name(t->net, node_names[i - 1]);
		t->places[i].device = "up";
		t->places[i].view = i >= PLACE_edge && has_nat ? VIEW_seen :
		    b->s->network_vpn != VPN_none ? VIEW_tunnel : VIEW_own;
	}
}

static int
build(struct builder *b, struct err *err)
{
	struct network *net = b->t->net;
	unsigned k;

	if (network_space(net, "switch", err) != 0 ||
	    network_bridge(net, "switch", "bridge", err) != 0 ||
	    clients_build(b, err) != 0)
		return -1;
	for (k = 0; k < b->nodes; k++)
		if (link_build(b, k, err) != 0)
			return -1;
	if (routes_build(b, err) != 0 || servers_build(b, err) != 0 ||
	    stacks_set(b, err) != 0)
		return -1;
	if ((b->s->network_nat || b->s->network_vpn != VPN_none) &&
	    network_masquerade(net, node_names[EDGE], "up", err) != 0)
		return -1;
	if (b->s->network_vpn != VPN_none && tunnel_build(b->t, b->s->network_vpn,
	    err) != 0)
		return -1;
	places_set(b);
	return 0;
}

int
topology_build(struct topology *t, const struct scenario *s, uint64_t seed,
    const char *folder, const char *program, struct err *err)
{
	struct builder b = {t, s, seed, program, (unsigned)s->network_hops,
	    s->network_hops > BORDER ? BORDER : (unsigned)s->network_hops - 1,
	    s->network_mtu >= V6_LEAST &&
		(s->network_narrow == 0 || s->network_narrow >= V6_LEAST)};

	*t = (struct topology){0};
	if (strlen(folder) >= sizeof t->folder)
		return err_set(err, ENAMETOOLONG, "%s: the path is too long", folder);
	strcpy(t->folder, folder);
	if (network_open(&t->net, err) != 0)
		return -1;
	if (build(&b, err) != 0) {
		topology_done(t);
		return err_prefix(err, "%s: network: ", s->name);
	}
	return 0;
}

void
topology_done(struct topology *t)
{
	size_t i;

	for (i = 0; i < TOPOLOGY_HELPERS; i++) {
		process_free(t->helpers[i]);
		t->helpers[i] = NULL;
	}
	network_close(t->net);
	t->net = NULL;
}
