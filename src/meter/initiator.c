/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who began a flow, as far as its first packet can tell: the side whose port is no
 * service's, else the one that sent it. SYNs, which know better, come later (stream.c).
 */
#include "meter/state.h"

/* Well-known ports above 1023: the side with one is the server. */
static const uint16_t services[] = {1080, 1194, 1433, 1521, 1701, 1723, 1812, 1813, 1883,
    1900,
	2049, 2055, 2375, 2379, 3000, 3074, 3128, 3142, 3260, 3306, 3389, 3478, 4500,
	4739, 4789,
	5000, 5004, 5060, 5061, 5222, 5269, 5349, 5353, 5355, 5432, 5671, 5672, 5900,
	5938, 5985,
	6081, 6343, 6379, 6443, 6667, 6881, 8000, 8008, 8080, 8081, 8086, 8123, 8333,
	8443, 8883,
	8888, 9000, 9042, 9090, 9092, 9100, 9200, 9300, 9418, 9443, 9993, 9995, 9996,
	10050,
	10051, 11211, 11371, 25565, 27017, 51820};

void
initiator_init(struct meter *m)
{
	for (int port = 1; port < 1024; port++)
		m->service_ports[port / 64] |= (uint64_t)1 << port % 64;
	for (size_t i = 0; i < sizeof services / sizeof *services; i++)
		m->service_ports[services[i] / 64] |= (uint64_t)1 << services[i] % 64;
}

static bool
port_is_service(const struct meter *m, uint16_t port)
{
	return m->service_ports[port / 64] >> port % 64 & 1;
}

uint8_t
initiator_guess(const struct meter *m, const struct lookup *l)
{
	bool src, dst;

	if (l->key.kind & KEY_NO_PORTS || m->config.directional)
		return (uint8_t)l->side;
	src = port_is_service(m, l->key.port[l->side]);
	dst = port_is_service(m, l->key.port[l->side ^ 1]);
	if (src == dst)
		return (uint8_t)l->side;
	return (uint8_t)(FLOW_BY_PORT | (src ? l->side ^ 1 : l->side));
}
