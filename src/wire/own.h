/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_OWN_H
#define WIRE_OWN_H

#include <stddef.h>
#include <stdint.h>

/* One of weir's own elements as RFC 5610 describes it. */
struct own_element {
	uint16_t id;         /* its reverse has OWN_REVERSE set */
	uint8_t type;        /* informationElementDataType */
	uint8_t semantics;   /* informationElementSemantics */
	uint16_t units;      /* informationElementUnits */
	const char *name;    /* "weir_span", "weir_reverse_span" */
	const char *description;
};

/* From the OWN rows of alias.def, made when first asked for. */
unsigned own_count(void);
const struct own_element *own_element(unsigned i);

/* Whether a description that was received is that of one of ours. */
int own_is(uint16_t id, const char *name, size_t len);

#endif
