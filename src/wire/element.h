/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_ELEMENT_H
#define WIRE_ELEMENT_H

#include <stdint.h>

enum { ELEMENT_VARIABLE = 65535 }; /* length in a template: RFC 7011, 7 */

static const uint32_t PEN_IANA = 0;
static const uint32_t PEN_REVERSE = 29305; /* RFC 5103: reverse of an IANA element */
static const uint32_t PEN_EXAMPLE = 32473; /* RFC 5612: for documentation; our default */

/* An element of the IANA registry. */
struct element {
	uint16_t id;
	const char *name;
	const char *type; /* RFC 7011, 6.1: "unsigned64", "ipv4Address", ... */
};

/* NULL where the registry has no such number. */
const struct element *element_find(uint16_t id);

#endif
