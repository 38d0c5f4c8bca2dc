/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_TUNNEL_H
#define LAB_TUNNEL_H

#include "lab/scenario.h"

struct err;
struct topology;

/*
 * A VPN from client1 to the edge router, in a network that is otherwise built: the
 * client's way to the servers goes through it, and the client's address becomes the
 * tunnel's. The programs that make it end with the network.
 */
int tunnel_build(struct topology *t, enum vpn vpn, struct err *err);

#endif
