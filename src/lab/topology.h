/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_TOPOLOGY_H
#define LAB_TOPOLOGY_H

#include "lab/network.h"
#include "lab/scenario.h"

/*
 * The network of a scenario, made of namespaces:
 *
 * 	client1, client2, ... -- switch -- edge -- border == transit -- router5 -- ... --
 * 	server
 *
 * == is the emulated link; on paths that have no border router it is the last one. With
 * one hop the server is at the switch.
 */
enum { TOPOLOGY_NODES = 12, TOPOLOGY_CLIENTS = 32, TOPOLOGY_SERVERS = 32,
	TOPOLOGY_HELPERS = 2, ADDRESS_MAX = 48 };

/* What the client of a download looks like at a place. */
enum view {
	VIEW_own,    /* as itself */
	VIEW_seen,   /* as the server sees it, behind the NAT */
	VIEW_tunnel, /* not at all: packets of the tunnel pass */
	VIEWS
};
extern const char *const view_names[VIEWS];

struct topology {
	struct network *net;
	const char *client[TOPOLOGY_CLIENTS]; /* full names of namespaces */
	const char *server;
	/* as the client itself has it */
	char client_address[TOPOLOGY_CLIENTS][ADDRESS_MAX];
	char server_address[TOPOLOGY_SERVERS][ADDRESS_MAX];
	/*
	 * Where clients differ behind a NAT, each has ports of its own: from here on
	 * so many.
	 */
	uint16_t port_first[TOPOLOGY_CLIENTS], ports;
	struct {
		const char *space; /* NULL: the path has not this place */
		const char *device;
		enum view view;
	} places[PLACES];
	char folder[256];
	struct process *helpers[TOPOLOGY_HELPERS]; /* of a tunnel */
	const char *tunnel; /* what makes it; NULL: there is none */
};

/*
 * Builds it. Logs of the programs that it needs go into folder, as do keys of tunnels.
 * program is this one, for the link emulator; seed is the emulator's.
 */
int topology_build(struct topology *t, const struct scenario *scenario, uint64_t seed,
    const char *folder, const char *program, struct err *err);
/* Ends what runs in it and removes it. */
void topology_done(struct topology *t);

#endif
