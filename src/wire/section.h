/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_SECTION_H
#define WIRE_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct template_field;
struct template;

/*
 * The beginning of a packet in a report of packets (PSAMP, RFC 5476), from the first
 * octet of its IP header or of its frame on.
 */
struct wire_section {
	int64_t time_ns;       /* of observation; of export where that is not told */
	const uint8_t *octets; /* borrowed for the call */
	uint32_t captured;
	uint32_t wire;         /* octets of the packet or frame; not below captured */
	/* LINKTYPE_ number: raw IP (101), Ethernet (1), 802.11 (105) */
	uint32_t linktype;
};

/* Whether records with these fields report packets. */
bool section_is_in(const struct template_field *fields, unsigned count);

/* A record of such a template, its fields at and of the lengths given; false if no packet
 * can be told from it: the section begins later, or what it is of is not known. */
bool section_read(const struct template *t, const uint8_t *const *at, const uint16_t *len,
    int64_t export_us, struct wire_section *out);

/*
 * softflowd sends its template once, when it starts, and takes records of this set for
 * its own without. Its record: a number, a time, the section's octets, the section.
 */
enum { SOFTFLOWD_SET = 3072, SOFTFLOWD_RECORD = 1408 };
const struct template_field *section_softflowd(unsigned *out_count);

#endif
