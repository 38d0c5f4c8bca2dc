/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_ALIAS_H
#define WIRE_ALIAS_H

#include "wire/element.h"

#include <stdint.h>

/* How the octets of an element become a field's value, and back. */
enum conversion {
	CONVERT_UINT,    /* unsigned, 1 to 8 octets, big-endian */
	CONVERT_HIGH8,   /* the upper octet of 16 bits: ICMP type */
	CONVERT_LOW8,    /* the lower octet: ICMP code */
	CONVERT_ADDR4,
	CONVERT_ADDR6,
	CONVERT_MAC,
	/* the upper 20 bits of an MPLS label stack entry's first 3 octets */
	CONVERT_LABEL,
	CONVERT_SECONDS, /* since 1970 */
	CONVERT_MILLI,   /* milliseconds since 1970 */
	CONVERT_NTP,     /* seconds since 1900 and a 32-bit fraction (RFC 7011, 6.1.9) */
	CONVERT_UPTIME,  /* milliseconds since the exporter started */
	CONVERT_DELTA,   /* microseconds before the export time */
	CONVERT_TEXT,
	CONVERT_LIST,    /* 8 octets per item */
	CONVERT_FIELDS,  /* those below fill no field */
	CONVERT_NULLS = CONVERT_FIELDS, /* bit i: the template's field i is null */
	CONVERT_SAMPLER, /* id of the sampler; its rate comes in options data */
	CONVERT_DURATION_MILLI,
	CONVERT_DURATION_MICRO,
	CONVERT_SHORT, /* to write only: 2 octets, 0 where the number is larger */
	CONVERSIONS
};

enum alias_flag { ALIAS_ZERO = 1, ALIAS_ELSE = 2 };

/* The PEN of OWN rows stands for the configured one. */
static const uint32_t PEN_OWN = UINT32_MAX;
enum { OWN_REVERSE = 0x4000 };

struct alias {
	uint32_t pen;
	uint16_t element;
	uint16_t field; /* of flow_schema; none for CONVERT_FIELDS and above */
	uint8_t conversion;
	uint8_t rank;
	uint8_t flags;
};

extern const struct alias aliases[];
extern const unsigned alias_count;

#endif
