/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options templates and data of an exporter: how it samples, when it started, what it
 * sent and could not send (RFC 7011, 4), what its interfaces are called, and the types of
 * weir's own elements (RFC 5610), so that any collector can name them.
 */
#include "wire/announce.h"

#include "model/flow.h"
#include "wire/alias.h"
#include "wire/layout.h"
#include "wire/own.h"
#include "wire/put.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_ID = 600, NAME_OCTETS = 16 }; /* v9's interface names have a fixed length */

enum { V9 = 1, IPFIX = 2 };

/* What stands in a field. */
enum value {
	VALUE_NONE, /* ends a list */
	VALUE_DOMAIN, VALUE_PROCESS, VALUE_SAMPLER, VALUE_MODE, VALUE_ALGORITHM,
	VALUE_INTERVAL, VALUE_ONE, VALUE_SPACE, VALUE_PROBABILITY, VALUE_INIT_MS,
	VALUE_MESSAGES, VALUE_RECORDS, VALUE_OCTETS, VALUE_NOT_SENT,
	VALUE_IGNORED_PACKETS, VALUE_IGNORED_OCTETS, VALUE_SEQUENCE, VALUE_INTERFACE,
	VALUE_INTERFACE_NAME, VALUE_PEN, VALUE_ELEMENT, VALUE_OBSERVED, VALUE_SELECTED,
	VALUE_TYPE, VALUE_SEMANTICS, VALUE_UNITS, VALUE_NAME, VALUE_DESCRIPTION,
	VALUE_IGNORED_FIRST, VALUE_IGNORED_LAST, VALUE_NOT_SENT_FIRST,
	VALUE_NOT_SENT_LAST,
	VALUE_ADDRESS, VALUE_TEMPLATE, VALUE_KEYS,
};

struct told {
	uint16_t element, len;
	uint8_t value;
};

enum condition { ALWAYS, IF_PERIODIC, IF_RANDOM, IF_INTERFACES, IF_OWN,
	IF_PSAMP, IF_PSAMP_ALL, IF_IGNORED, IF_V4, IF_V6, IF_LOST_V4, IF_LOST_V6, IF_LOST,
	IF_KEYS };

/* v9's scopes are kinds, not elements: 1 system, 2 interface (RFC 3954, 6.1). */
static const struct announcement {
	uint8_t version, condition, scopes;
	struct told fields[10];
} announcements[] = {
	{V9, ALWAYS, 1, {{1, 4, VALUE_DOMAIN}, {41, 4, VALUE_MESSAGES},
	    {42, 4, VALUE_RECORDS},
	    {40, 4, VALUE_OCTETS}}},
	{V9, IF_PERIODIC, 1, {{1, 4, VALUE_DOMAIN}, {34, 4, VALUE_INTERVAL},
	    {35, 1, VALUE_MODE},
	    {48, 1, VALUE_SAMPLER}, {49, 1, VALUE_MODE}, {50, 4, VALUE_INTERVAL}}},
	{V9, IF_INTERFACES, 1, {{2, 4, VALUE_INTERFACE},
	    {82, NAME_OCTETS, VALUE_INTERFACE_NAME}}},
	/* The address that is behind a relay or a translation of addresses. */
	{V9, IF_V4, 1, {{1, 4, VALUE_DOMAIN}, {130, 4, VALUE_ADDRESS}}},
	{V9, IF_V6, 1, {{1, 4, VALUE_DOMAIN}, {131, 16, VALUE_ADDRESS}}},
	{IPFIX, ALWAYS, 2, {{149, 4, VALUE_DOMAIN}, {144, 4, VALUE_PROCESS},
	    {160, 8, VALUE_INIT_MS}, {41, 8, VALUE_MESSAGES}, {42, 8, VALUE_RECORDS},
	    {40, 8, VALUE_OCTETS}, {166, 8, VALUE_NOT_SENT},
	    {164, 8, VALUE_IGNORED_PACKETS},
	    {165, 8, VALUE_IGNORED_OCTETS}}},
	{IPFIX, IF_PERIODIC, 1, {{302, 8, VALUE_SAMPLER}, {304, 2, VALUE_ALGORITHM},
	    {305, 4, VALUE_ONE}, {306, 4, VALUE_SPACE}, {34, 4, VALUE_INTERVAL}}},
	{IPFIX, IF_RANDOM, 1, {{302, 8, VALUE_SAMPLER}, {304, 2, VALUE_ALGORITHM},
	    {311, 8, VALUE_PROBABILITY}, {34, 4, VALUE_INTERVAL}}},
	{IPFIX, IF_INTERFACES, 1, {{10, 4, VALUE_INTERFACE},
	    {82, ELEMENT_VARIABLE, VALUE_INTERFACE_NAME}}},
	/* RFC 5476, 6.5: which selector, what it does, how much came of it. */
	{IPFIX, IF_PSAMP, 1, {{301, 8, VALUE_SEQUENCE}, {138, 8, VALUE_DOMAIN},
	    {302, 8, VALUE_SAMPLER}}},
	{IPFIX, IF_PSAMP, 1, {{301, 8, VALUE_SEQUENCE}, {318, 8, VALUE_OBSERVED},
	    {319, 8, VALUE_SELECTED}}},
	{IPFIX, IF_PSAMP_ALL, 1, {{302, 8, VALUE_SAMPLER}, {304, 2, VALUE_ALGORITHM},
	    {305, 4, VALUE_ONE}, {306, 4, VALUE_SPACE}}},
	{IPFIX, IF_OWN, 2, {{346, 4, VALUE_PEN}, {303, 2, VALUE_ELEMENT},
	    {339, 1, VALUE_TYPE},
	    {344, 1, VALUE_SEMANTICS}, {345, 2, VALUE_UNITS},
	    {341, ELEMENT_VARIABLE, VALUE_NAME},
	    {340, ELEMENT_VARIABLE, VALUE_DESCRIPTION}}},
	/* RFC 7011, 4.2 and 4.3, once there is a time to tell: of the first and last
	 * packet that was ignored, of the first and last record that was lost on the way
	 * out. */
	{IPFIX, IF_IGNORED, 2, {{149, 4, VALUE_DOMAIN}, {143, 4, VALUE_PROCESS},
	    {164, 8, VALUE_IGNORED_PACKETS}, {165, 8, VALUE_IGNORED_OCTETS},
	    {152, 8, VALUE_IGNORED_FIRST}, {153, 8, VALUE_IGNORED_LAST}}},
	{IPFIX, IF_LOST_V4, 1, {{130, 4, VALUE_ADDRESS}, {166, 8, VALUE_NOT_SENT},
	    {152, 8, VALUE_NOT_SENT_FIRST}, {153, 8, VALUE_NOT_SENT_LAST}}},
	{IPFIX, IF_LOST_V6, 1, {{131, 16, VALUE_ADDRESS}, {166, 8, VALUE_NOT_SENT},
	    {152, 8, VALUE_NOT_SENT_FIRST}, {153, 8, VALUE_NOT_SENT_LAST}}},
	{IPFIX, IF_LOST, 1, {{144, 4, VALUE_PROCESS}, {166, 8, VALUE_NOT_SENT},
	    {152, 8, VALUE_NOT_SENT_FIRST}, {153, 8, VALUE_NOT_SENT_LAST}}},
	{IPFIX, IF_V4, 2, {{149, 4, VALUE_DOMAIN}, {144, 4, VALUE_PROCESS},
	    {130, 4, VALUE_ADDRESS}}},
	{IPFIX, IF_V6, 2, {{149, 4, VALUE_DOMAIN}, {144, 4, VALUE_PROCESS},
	    {131, 16, VALUE_ADDRESS}}},
	/* RFC 7011, 4.4: which fields of each template are keys of the flow. The last
	 * row. */
	{IPFIX, IF_KEYS, 1, {{145, 2, VALUE_TEMPLATE}, {173, 8, VALUE_KEYS}}},
};

_Static_assert(sizeof announcements / sizeof *announcements == ANNOUNCEMENTS,
    "all of them");

unsigned
announce_records(unsigned i, const struct announce_source *source)
{
	const struct wire_encode_config *c = source->config;
	const struct wire_statistics *s = &source->statistics;
	bool is_six = s->address.is_v6;

	if (announcements[i].version != (c->version == 9 ? V9 : IPFIX))
		return 0;
	switch (announcements[i].condition) {
	case IF_PERIODIC:
		/* v9 tells both kinds by the mode. */
		return c->sampling > 1 && (c->version == 9 || !c->is_sampling_random);
	case IF_RANDOM:
		return c->sampling > 1 && c->is_sampling_random;
	case IF_INTERFACES:
		return c->interface_count;
	case IF_OWN:
		return c->is_plain || c->is_psamp ? 0 : own_count();
	case IF_PSAMP:
		return c->is_psamp;
	case IF_PSAMP_ALL:
		return c->is_psamp && c->sampling <= 1;
	case IF_IGNORED:
		return s->ignored_first_us != 0;
	case IF_V4:
		return s->has_address && !is_six;
	case IF_V6:
		return s->has_address && is_six;
	case IF_LOST_V4:
		return s->not_sent_first_us != 0 && s->has_address && !is_six;
	case IF_LOST_V6:
		return s->not_sent_first_us != 0 && s->has_address && is_six;
	case IF_KEYS:
		return c->key_count > 0 && !c->is_psamp ? source->layouts->count : 0;
	case IF_LOST:
		return s->not_sent_first_us != 0 && !s->has_address;
	default:
		return 1;
	}
}

uint16_t
announce_id(unsigned i)
{
	return (uint16_t)(FIRST_ID + i);
}

size_t
announce_template(unsigned i, bool is_ipfix, uint8_t *to)
{
	const struct announcement *a = &announcements[i];
	const struct told *f;
	size_t len = 10;
	unsigned count = 0;

	for (f = a->fields; f->value != VALUE_NONE; f++, count++) {
		put_be16(to + len, f->element);
		put_be16(to + len + 2, f->len);
		len += 4;
	}
	put_be16(to, is_ipfix ? 3 : 1);
	put_be16(to + 4, announce_id(i));
	/* IPFIX counts fields, v9 octets, of scopes and of the others. */
	put_be16(to + 6, (uint16_t)(is_ipfix ? count : a->scopes * 4u));
	put_be16(to + 8, (uint16_t)(is_ipfix ? a->scopes : (count - a->scopes) * 4u));
	while (len % 4 != 0)
		to[len++] = 0;
	put_be16(to + 2, (uint16_t)len);
	return len;
}

static uint64_t
probability_bits(uint32_t interval)
{
	double v = 1.0 / interval;
	uint64_t bits;

	memcpy(&bits, &v, sizeof bits);
	return bits;
}

static uint64_t
number_of(enum value value, unsigned record, const struct announce_source *s)
{
	const struct wire_encode_config *c = s->config;

	switch (value) {
	case VALUE_DOMAIN: return c->domain;
	case VALUE_PROCESS: return c->process;
	case VALUE_SAMPLER: case VALUE_ONE: return 1;
	case VALUE_MODE: return c->is_sampling_random ? 2 : 1;
	case VALUE_ALGORITHM: return c->is_sampling_random ? 4 : 1; /* RFC 5477, 8.2.1 */
	case VALUE_INTERVAL: return c->sampling;
	case VALUE_SPACE: return c->sampling > 1 ? c->sampling - 1 : 0;
	case VALUE_SEQUENCE: return PSAMP_SEQUENCE;
	case VALUE_OBSERVED: return s->observed;
	case VALUE_SELECTED: return s->selected;
	case VALUE_PROBABILITY: return probability_bits(c->sampling);
	case VALUE_INIT_MS: return (uint64_t)(s->boot_us / 1000);
	case VALUE_MESSAGES: return s->counters[SENT_messages];
	case VALUE_RECORDS: return s->counters[SENT_records];
	case VALUE_OCTETS: return s->counters[SENT_octets];
	case VALUE_NOT_SENT: return s->statistics.not_sent;
	case VALUE_IGNORED_PACKETS: return s->statistics.ignored_packets;
	case VALUE_IGNORED_OCTETS: return s->statistics.ignored_octets;
	case VALUE_IGNORED_FIRST: return (uint64_t)(s->statistics.ignored_first_us /
	    1000);
	case VALUE_IGNORED_LAST: return (uint64_t)(s->statistics.ignored_last_us / 1000);
	case VALUE_NOT_SENT_FIRST: return (uint64_t)(s->statistics.not_sent_first_us /
	    1000);
	case VALUE_NOT_SENT_LAST: return (uint64_t)(s->statistics.not_sent_last_us /
	    1000);
	case VALUE_INTERFACE: return c->interfaces[record].index;
	case VALUE_TEMPLATE: return s->layouts->all[record]->id;
	case VALUE_KEYS:
		return layout_keys(s->layouts->all[record], c->key_fields, c->key_count);
	case VALUE_PEN: return c->pen;
	case VALUE_ELEMENT: return own_element(record)->id;
	case VALUE_TYPE: return own_element(record)->type;
	case VALUE_SEMANTICS: return own_element(record)->semantics;
	case VALUE_UNITS: return own_element(record)->units;
	default: return 0;
	}
}

static const char *
text_of(enum value value, unsigned record, const struct announce_source *s)
{
	switch (value) {
	case VALUE_INTERFACE_NAME: return s->config->interfaces[record].name;
	case VALUE_NAME: return own_element(record)->name;
	case VALUE_DESCRIPTION: return own_element(record)->description;
	default: return NULL;
	}
}

static uint8_t *
put_number(uint8_t *to, uint64_t v, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		to[i] = (uint8_t)(v >> 8 * (len - 1 - i));
	return to + len;
}

static uint8_t *
put_address(uint8_t *to, const struct addr *address)
{
	if (!address->is_v6)
		return put_number(to, address->v4, 4);
	memcpy(to, address->v6, 16);
	return to + 16;
}

static uint8_t *
put_text(uint8_t *to, const char *text, size_t fixed)
{
	size_t len = strlen(text), most = fixed == ELEMENT_VARIABLE ? 254 : fixed;

	len = len < most ? len : most;
	if (fixed == ELEMENT_VARIABLE)
		*to++ = (uint8_t)len;
	else
		memset(to + len, 0, fixed - len);
	memcpy(to, text, len);
	return to + (fixed == ELEMENT_VARIABLE ? len : fixed);
}

size_t
announce_record(unsigned i, unsigned record, const struct announce_source *source,
    uint8_t *to)
{
	const struct told *f;
	const char *text;
	uint8_t *at = to;

	for (f = announcements[i].fields; f->value != VALUE_NONE; f++) {
		if ((text = text_of(f->value, record, source)) != NULL)
			at = put_text(at, text, f->len);
		else if (f->value == VALUE_ADDRESS)
			at = put_address(at, &source->statistics.address);
		else
			at = put_number(at, number_of(f->value, record, source), f->len);
	}
	assert(at - to <= ANNOUNCE_OCTETS);
	return (size_t)(at - to);
}
