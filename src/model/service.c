/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports that tell a server. */
#include "model/service.h"

#include <stddef.h>

enum { WELL_KNOWN_LAST = 1023, CLIENTS_FROM = 32768 };

/* Services above the well-known ports (IANA's registry and custom), rising. */
static const uint16_t services[] = {1080, 1194, 1433, 1521, 1701, 1723, 1812, 1813, 1883,
    1900, 2049, 2055, 2181, 2375, 2379, 3000, 3074, 3128, 3142, 3260, 3306, 3389, 3478,
    4500, 4739, 4789, 5000, 5004, 5060, 5061, 5222, 5223, 5269, 5349, 5353, 5355, 5432,
    5671, 5672, 5900, 5938, 5985, 6081, 6343, 6379, 6443, 6667, 6881, 8000, 8008, 8080,
    8081, 8086, 8123, 8333, 8443, 8883, 8888, 9000, 9042, 9090, 9092, 9100, 9200, 9300,
    9418, 9443, 9993, 9995, 9996, 10050, 10051, 11211, 11371, 25565, 27017, 51820};

bool
service_is_port(uint16_t port)
{
	size_t low = 0, high = sizeof services / sizeof *services, middle;

	if (port <= WELL_KNOWN_LAST)
		return port > 0;
	while (low < high) {
		middle = (low + high) / 2;
		if (services[middle] < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low < sizeof services / sizeof *services && services[low] == port;
}

int
service_side(uint16_t a, uint16_t b)
{
	return (int)service_is_port(b) - (int)service_is_port(a);
}

int
service_side_guess(uint16_t a, uint16_t b)
{
	int side = service_side(a, b);

	return side != 0 ? side : (int)(b < CLIENTS_FROM) - (int)(a < CLIENTS_FROM);
}
