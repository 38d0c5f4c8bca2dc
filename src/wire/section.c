/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports of packets to sections of packets: what is looked at is in a table of elements,
 * of RFC 5477 and RFC 7133; the rest of a record is passed over.
 */
#include "wire/section.h"

#include "base/cursor.h"
#include "wire/template.h"

#include <string.h>

enum { LINK_ETHERNET = 1, LINK_RAW = 101, LINK_WIRELESS = 105 };
static const uint32_t UNIX_IN_NTP = 2208988800u; /* seconds from 1900 to 1970 */

/* In the order in which they are believed. */
enum told {
	TOLD_NS, TOLD_US, TOLD_MS, TOLD_S, /* of observation */
	TOLD_IP, TOLD_FRAME,               /* the section */
	TOLD_FRAME_TYPE, TOLD_FRAME_BYTES, TOLD_IP_BYTES, TOLD_IP4_BYTES,
	TOLD_OFFSET, TOLD_EXPORTED, TOLD
};

static const struct {
	uint16_t element;
	uint16_t len; /* 0: 1 to 8 octets, ELEMENT_VARIABLE: any */
} rows[TOLD] = {
    [TOLD_NS] = {325, 8}, [TOLD_US] = {324, 8}, [TOLD_MS] = {323, 0}, [TOLD_S] = {322, 0},
    [TOLD_IP] = {313, ELEMENT_VARIABLE}, [TOLD_FRAME] = {315, ELEMENT_VARIABLE},
    [TOLD_FRAME_TYPE] = {408, 0}, [TOLD_FRAME_BYTES] = {312, 0},
    [TOLD_IP_BYTES] = {224, 0}, [TOLD_IP4_BYTES] = {190, 0},
    [TOLD_OFFSET] = {409, 0}, [TOLD_EXPORTED] = {410, 0},
};

static const struct template_field softflowd_fields[] = {
    {0, 301, 8}, {0, 324, 8}, {0, 410, 2}, {0, 315, SOFTFLOWD_RECORD - 18}};

const struct template_field *
section_softflowd(unsigned *out_count)
{
	*out_count = sizeof softflowd_fields / sizeof *softflowd_fields;
	return softflowd_fields;
}

bool
section_is_in(const struct template_field *fields, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (fields[i].pen == PEN_IANA &&
		    (fields[i].element == rows[TOLD_IP].element ||
		    fields[i].element == rows[TOLD_FRAME].element))
			return true;
	return false;
}

/*
 * RFC 7011, 6.1.9 and 6.1.10: seconds since 1900, which begin anew in 2036, and a
 * fraction. Whoever cut microseconds off when writing, by the eleven bits that do not
 * count or less, is not cut off again; softflowd adds one before it cuts.
 */
static int64_t
ntp_ns(const uint8_t *p, uint64_t per_second, bool is_softflowd)
{
	uint64_t fraction = load_be32(p + 4) * per_second;

	if (per_second < 1000000000 && !is_softflowd)
		fraction += (uint64_t)1 << 31;
	return (int64_t)(uint32_t)(load_be32(p) - UNIX_IN_NTP) * 1000000000 +
	    (int64_t)((fraction >> 32) * (1000000000 / per_second));
}

static int64_t
time_of(const uint8_t *const *told, const uint64_t *value, bool is_softflowd,
    int64_t export_us)
{
	static const uint64_t FAR_S = UINT32_MAX;

	if (told[TOLD_NS] != NULL)
		return ntp_ns(told[TOLD_NS], 1000000000, false);
	if (told[TOLD_US] != NULL)
		return ntp_ns(told[TOLD_US], 1000000, is_softflowd);
	if (told[TOLD_MS] != NULL && value[TOLD_MS] <= FAR_S * 1000)
		return (int64_t)value[TOLD_MS] * 1000000;
	if (told[TOLD_S] != NULL && value[TOLD_S] <= FAR_S)
		return (int64_t)value[TOLD_S] * 1000000000;
	return export_us * 1000;
}

static bool
linktype_of(const uint8_t *const *told, const uint64_t *value, uint32_t *out)
{
	*out = LINK_ETHERNET;
	if (told[TOLD_FRAME] == NULL)
		*out = LINK_RAW;
	else if (told[TOLD_FRAME_TYPE] != NULL && value[TOLD_FRAME_TYPE] == 2)
		*out = LINK_WIRELESS;
	else if (told[TOLD_FRAME_TYPE] != NULL && value[TOLD_FRAME_TYPE] != 1)
		return false;
	return true;
}

static bool
is_softflowd(const struct template *t)
{
	return t->id == SOFTFLOWD_SET && t->field_count * sizeof *t->fields ==
	    sizeof softflowd_fields &&
	    memcmp(t->fields, softflowd_fields, sizeof softflowd_fields) == 0;
}

bool
section_read(const struct template *t, const uint8_t *const *at, const uint16_t *len,
    int64_t export_us, struct wire_section *out)
{
	const uint8_t *told[TOLD] = {NULL};
	uint64_t value[TOLD] = {0}, wire = 0;
	enum told section = TOLD_IP;
	uint32_t octets[TOLD] = {0};

	for (unsigned i = 0; i < t->field_count; i++)
		for (int k = 0; k < TOLD; k++) {
			if (t->fields[i].element != rows[k].element ||
			    t->fields[i].pen != PEN_IANA || told[k] != NULL)
				continue;
			if (rows[k].len != ELEMENT_VARIABLE &&
			    (rows[k].len != 0 ? len[i] != rows[k].len : len[i] < 1 ||
			    len[i] > 8))
				continue;
			told[k] = at[i];
			octets[k] = len[i];
			if (rows[k].len != ELEMENT_VARIABLE)
				value[k] = load_be(at[i], len[i]);
		}
	if (told[TOLD_FRAME] != NULL)
		section = TOLD_FRAME;
	if (told[section] == NULL || value[TOLD_OFFSET] != 0 ||
	    !linktype_of(told, value, &out->linktype))
		return false;
	out->octets = told[section];
	out->captured = octets[section];
	if (told[TOLD_EXPORTED] != NULL && value[TOLD_EXPORTED] < out->captured)
		out->captured = (uint32_t)value[TOLD_EXPORTED];
	wire = section == TOLD_FRAME ? value[TOLD_FRAME_BYTES]
	    : value[TOLD_IP_BYTES] != 0 ? value[TOLD_IP_BYTES] : value[TOLD_IP4_BYTES];
	if (told[TOLD_EXPORTED] != NULL && wire == 0)
		/* of a section that was longer than its field */
		wire = value[TOLD_EXPORTED];
	out->wire = wire < out->captured ? out->captured
	    : wire > INT32_MAX ? INT32_MAX : (uint32_t)wire;
	out->time_ns = time_of(told, value, is_softflowd(t), export_us);
	return true;
}
