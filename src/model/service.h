/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_SERVICE_H
#define MODEL_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether services usually listen at this port: 1 to 1023, and others of a list. */
bool service_is_port(uint16_t port);

/* Where the server of a conversation is, as far as its ports tell: -1 at a, 1 at b, 0 not
 * known. */
int service_side(uint16_t a, uint16_t b);

/* The same where nothing else is known of it: then a port below those that systems give to
 * clients, from 32768 on (Linux, and within that IANA's and Windows'), is a server's. */
int service_side_guess(uint16_t a, uint16_t b);

#endif
