/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who began a flow, as far as its first packet can tell: the side whose port is no
 * service's, else the one that sent it. SYNs, which know better, come later (stream.c).
 */
#include "meter/state.h"
#include "model/service.h"

void
initiator_init(struct meter *m)
{
	for (uint32_t port = 1; port <= UINT16_MAX; port++)
		if (service_is_port((uint16_t)port))
			m->service_ports[port / 64] |= (uint64_t)1 << port % 64;
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
