/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_NETWORK_H
#define LAB_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct network;
struct process;
struct text;

/*
 * A network of this machine's own: namespaces, joined by veth pairs, bridges and emulated
 * links. A namespace "client" of the network of process 42 is weir-42-client for
 * ip-netns(8).
 *
 * All that is made is written down first, in a file of this process's id in
 * NETWORK_FOLDER that stays locked while the process lives. network_close removes
 * everything. What a program that died has left is found by its file, unlocked, and
 * removed by network_open or network_clean. Any number of programs may do so at once.
 */
#define NETWORK_FOLDER "/run/weir-lab"

enum {
	NETWORK_SPACES = 64,  /* namespaces at most */
	SPACE_NAME_MAX = 40,  /* octets of a namespace's full name */
	DEVICE_NAME_MAX = 15, /* octets of a device's name (IFNAMSIZ) */
};

/* 0 if networks can be made here; else why not and what to do: root, ip(8), the kernel.
 */
int network_possible(struct err *err);

/* Removes leftovers of others, then begins an empty network. One at a time in a process.
 */
int network_open(struct network **out, struct err *err);
/* Ends what runs in it and removes it. May be NULL. */
void network_close(struct network *net);
/* Removes what programs that died have left; lines on what that was. */
int network_clean(struct text *told, struct err *err);

/* ---- namespaces ---- */

/* Makes one, with lo up and IPv6 addresses usable at once (no duplicate detection). */
int network_space(struct network *net, const char *space, struct err *err);
/* Its full name, for struct process_config and ip-netns(8); NULL if there is none. */
const char *network_space_name(const struct network *net, const char *space);
/* Lets packets pass through it, IPv4 and IPv6. */
int network_forward(struct network *net, const char *space, struct err *err);
/* Sources of what leaves by the device become its address (nft, both versions). */
int network_masquerade(struct network *net, const char *space, const char *device,
    struct err *err);
/* "net.ipv4.tcp_timestamps", "0"; names as sysctl(8) has them. Those of a namespace
 * only. */
int network_sysctl(struct network *net, const char *space, const char *key,
		   const char *value, struct err *err);

/* ---- links ---- */

struct network_end {
	const char *space, *device;
	const char *address;  /* "192.0.2.1/24"; NULL: none. More by network_address */
	const char *address6; /* "2001:db8::1/64" */
};

struct network_link {
	struct network_end a, b; /* the devices are made here, and are up afterwards */
	unsigned mtu;            /* 0: 1500 */
	/* Segments are those of a wire: no TSO, GSO, GRO and checksum offload at either
	 * end. */
	bool is_wire;
};

/* A veth pair. */
int network_link(struct network *net, const struct network_link *link, struct err *err);
/*
 * The link emulator between two namespaces, running as a process of its own: is_wire
 * always. options are those of weir lab link: "--delay", "20ms", ..., NULL at the end.
 * Its log gets its statistics when it ends. program: this one, as a file
 * ("/proc/self/exe"). The process is the network's and ends with it; *out may be NULL.
 */
int network_emulate(struct network *net, const struct network_link *link,
		    const char *const *options, const char *program, const char *log,
		    struct process **out, struct err *err);
/* A bridge device in a namespace, and devices that become its ports. Learns at once. */
int network_bridge(struct network *net, const char *space, const char *bridge,
		   struct err *err);
int network_port(struct network *net, const char *space, const char *bridge,
		 const char *device, struct err *err);

int network_address(struct network *net, const char *space, const char *device,
    const char *address, struct err *err);
/* As ip-route(8) has it: "default via 192.0.2.1", "198.51.100.0/24 via 192.0.2.1 advmss
 * 1220", "2001:db8:1::/64 via 2001:db8::1". */
int network_route(struct network *net, const char *space, const char *route,
		  struct err *err);
/* Segmentation and merging of segments on a device, on or off. */
int network_offload(struct network *net, const char *space, const char *device,
		    bool is_on, struct err *err);
/* All else: words of an ip(8) command, "link set eth0 mtu 1280", run in the namespace. */
int network_ip(struct network *net, const char *space, struct err *err, const char *fmt,
	       ...) __attribute__((format(printf, 4, 5)));

/*
 * A link out of the network: to the machine's own namespace (to NULL), or to another that
 * is there already, by its full name, and with NAT wherever its routes go. The namespace
 * gets an address of 100.64.0.0/10 that no route uses, and a default route; where the
 * other one has routes of IPv6, it gets an address and routes of that, too. What is
 * changed in the other namespace, forwarding and a table of nft, goes back when the
 * network ends.
 */
int network_outside(struct network *net, const char *space, const char *device,
		    const char *to, struct err *err);
/* Whether IPv6 takes that link. */
bool network_outside_6(const struct network *net);
/*
 * A resolv.conf(5) for a namespace with a link to the outside, which does not reach
 * servers on the machine's own loopback, and those with IPv6 addresses only if has_6. out
 * is empty if file serves as it is; else a text of what file, or upstream where that has
 * none, says of the others. -1: no server is reached.
 */
int network_resolvers(const char *file, const char *upstream, bool has_6,
		      struct text *out, struct err *err);

#endif
