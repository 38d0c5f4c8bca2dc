/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_INNER_H
#define PACKET_INNER_H

#include "packet/walk.h"

/*
 * What each kind of tunnel carries: the walk is at its header, out the packet that it was
 * found in. PACKET_COUNT_ip: out is the inner packet. Else out may be half written.
 */
#define TUNNEL(id, proto, port, help) walk_fn inner_##id;
#include "packet/tunnel.def"
#undef TUNNEL

#endif
