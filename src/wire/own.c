/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weir's own elements as others may learn them: names and descriptions are those of the
 * fields, types follow from how they are sent.
 */
#include "wire/own.h"

#include "model/flow.h"
#include "wire/alias.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { OWN_MAX = 160, NAME_MAX_OCTETS = 64 };

/* Numbers of IANA's registries of informationElement data types, semantics and units. */
enum { KIND_OCTETS = 0, KIND_U8 = 1, KIND_U16, KIND_U32, KIND_U64, KIND_STRING = 13,
	KIND_MICROSECONDS = 16 };
enum { SEMANTICS_DEFAULT, SEMANTICS_QUANTITY, SEMANTICS_DELTA = 3, SEMANTICS_IDENTIFIER };
enum { UNITS_NONE = 0, UNITS_OCTETS = 2, UNITS_PACKETS = 3 };

static const struct {
	uint16_t field, units;
	uint8_t semantics;
} meanings[] = {
	{FLOW_span, UNITS_OCTETS, SEMANTICS_DELTA},
	{FLOW_retransmitted, UNITS_OCTETS, SEMANTICS_DELTA},
	{FLOW_segments, UNITS_PACKETS, SEMANTICS_DELTA},
	{FLOW_max_segment, UNITS_OCTETS, SEMANTICS_QUANTITY},
	{FLOW_offset, UNITS_OCTETS, SEMANTICS_QUANTITY},
	{FLOW_connection, UNITS_NONE, SEMANTICS_IDENTIFIER},
	{FLOW_fragments, UNITS_PACKETS, SEMANTICS_DELTA},
	{FLOW_outside_packets, UNITS_PACKETS, SEMANTICS_DELTA},
	{FLOW_outside_bytes, UNITS_OCTETS, SEMANTICS_DELTA},
};

static struct own_element elements[OWN_MAX];
static char names[OWN_MAX][NAME_MAX_OCTETS];
static unsigned count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint8_t
type_of(const struct alias *a)
{
	switch (a->conversion) {
	case CONVERT_NTP:
		return KIND_MICROSECONDS;
	case CONVERT_TEXT:
		return KIND_STRING;
	case CONVERT_LIST:
	case CONVERT_NULLS:
		return KIND_OCTETS;
	}
	switch (types[flow_schema.fields[a->field].type].storage) {
	case STORAGE_U8:
		return KIND_U8;
	case STORAGE_U16:
		return KIND_U16;
	case STORAGE_U32:
		return KIND_U32;
	default:
		return KIND_U64;
	}
}

static void
add(const struct alias *a, unsigned field, uint16_t reverse)
{
	struct own_element *e = &elements[count];
	unsigned i;

	if (count == OWN_MAX)
		return;
	*e = (struct own_element){.id = a->element | reverse, .type = type_of(a),
	    .name = names[count], .description = flow_schema.fields[field].help};
	for (i = 0; i < sizeof meanings / sizeof *meanings; i++) {
		if (meanings[i].field != a->field)
			continue;
		e->units = meanings[i].units;
		e->semantics = meanings[i].semantics;
	}
	snprintf(names[count++], NAME_MAX_OCTETS, "weir_%s",
	    flow_schema.fields[field].id);
}

static void
make(void)
{
	const struct alias *a;
	unsigned pair;

	for (a = aliases; a < aliases + alias_count; a++) {
		if (a->pen != PEN_OWN || a->conversion == CONVERT_NULLS)
			continue;
		add(a, a->field, 0);
		pair = flow_schema.fields[a->field].pair;
		if (pair != a->field && flow_schema.fields[pair].is_reverse)
			add(a, pair, OWN_REVERSE);
	}
	if (count < OWN_MAX)
		elements[count++] = (struct own_element){.id = 1, .type = KIND_OCTETS,
		    .name = "weir_nulls",
		    .description = "Bit i is set where the template's field i is null"};
}

unsigned
own_count(void)
{
	pthread_once(&once, make);
	return count;
}

const struct own_element *
own_element(unsigned i)
{
	pthread_once(&once, make);
	return &elements[i];
}

int
own_is(uint16_t id, const char *name, size_t len)
{
	unsigned i, n = own_count();

	for (i = 0; i < n; i++) {
		if (elements[i].id == id)
			return strlen(elements[i].name) == len &&
			    memcmp(elements[i].name, name, len) == 0;
	}
	return 0;
}
