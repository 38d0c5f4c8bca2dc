/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_ROUTE_H
#define LAB_ROUTE_H

#include "lab/network.h"

struct err;

/*
 * The device by which this machine's packets to a host leave, which is where a meter sees
 * a download from it. host as it stands in a URL: a name or an address, that of IPv6 in
 * brackets, perhaps with a port. -1 with EHOSTUNREACH: it has no address, or no route
 * leads to it; EINVAL: its addresses are reached by different devices.
 */
int route_device(const char *host, char device[DEVICE_NAME_MAX + 1], struct err *err);

/* "dev NAME" in a line of ip-route(8); false if there is none. */
bool route_device_of(const char *line, char device[DEVICE_NAME_MAX + 1]);

#endif
