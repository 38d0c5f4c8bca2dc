/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures in pcapng (draft-ietf-opsawg-pcapng): sections, interfaces and packets. Blocks
 * that hold no packets are stepped over without being buffered whole.
 */
#include "packet/capture_private.h"

#include "base/err.h"

enum { BLOCK_INTERFACE = 1, BLOCK_PACKET = 2, BLOCK_SIMPLE = 3, BLOCK_ENHANCED = 6 };
enum { BLOCK_HEAD_MAX = 64 };
enum { OPTION_END = 0, OPTION_TSRESOL = 9, OPTION_TSOFFSET = 14 };

static const char CUT_IN_BLOCK[] = "the file is cut off within a block";

/* Units since 1970 to nanoseconds; what no int64_t holds becomes its largest value. */
static int64_t
to_ns(uint64_t units, const struct interface *interface)
{
	__int128 ns;

	if (interface->per_second == 1000000)
		ns = (__int128)units * 1000;
	else if (interface->per_second == 1000000000)
		ns = units;
	else
		ns = (__int128)units * 1000000000 / interface->per_second;
	ns += (__int128)interface->offset_s * 1000000000;
	return ns > INT64_MAX ? INT64_MAX : ns < INT64_MIN ? INT64_MIN : (int64_t)ns;
}

static void
read_interface_options(const struct capture *c, struct interface *interface,
    struct cursor body)
{
	const uint8_t *head, *value;
	uint16_t code, len;
	unsigned power;

	while ((head = cursor_take(&body, 4)) != NULL) {
		code = get16(c, head);
		len = get16(c, head + 2);
		value = cursor_take(&body, ((size_t)len + 3) & ~(size_t)3);
		if (code == OPTION_END || value == NULL)
			break;
		if (code == OPTION_TSRESOL && len >= 1) {
			power = value[0] & 0x7f;
			interface->per_second = 1;
			if (value[0] & 0x80)
				interface->per_second <<= power < 63 ? power : 63;
			else
				for (power = power < 19 ? power : 19; power > 0; power--)
					interface->per_second *= 10;
		}
		if (code == OPTION_TSOFFSET && len >= 8)
			interface->offset_s = (int64_t)(c->is_swapped ? load_be64(value)
			    : load_le64(value));
	}
}

/* The packet of a block that lies whole in the buffer; body: between the two lengths. */
static enum capture_event
read_packet_block(struct capture *c, uint32_t kind, const uint8_t *body, uint32_t len,
    struct record *out, struct err *err)
{
	uint32_t fixed = kind == BLOCK_SIMPLE ? 4 : 20, index = 0;
	const struct interface *interface;
	uint64_t units = 0;

	if (len < fixed)
		return capture_broken(c, "a packet block is too short", err);
	if (kind != BLOCK_SIMPLE) {
		index = kind == BLOCK_ENHANCED ? get32(c, body) : get16(c, body);
		units = (uint64_t)get32(c, body + 4) << 32 | get32(c, body + 8);
		out->captured = get32(c, body + 12);
		out->wire = get32(c, body + 16);
	}
	if (index >= c->interface_count)
		return capture_broken(c,
		    "a packet of an interface that was not described", err);
	interface = &c->interfaces[index];
	if (kind == BLOCK_SIMPLE) {
		out->wire = get32(c, body);
		out->captured = out->wire;
		if (interface->snaplen != 0 && interface->snaplen < out->captured)
			out->captured = interface->snaplen;
	}
	if (out->captured > len - fixed)
		return capture_broken(c, "a packet is longer than its block", err);
	out->frame = body + fixed;
	out->linktype = interface->linktype;
	/* A simple packet has no time: it gets that of the packet before. */
	if (kind != BLOCK_SIMPLE)
		c->last_ns = to_ns(units, interface);
	out->time_ns = c->last_ns;
	return CAPTURE_RECORD;
}

/* Reads the head of a section: its byte order holds for all that follows. */
static enum capture_event
read_section(struct capture *c, struct err *err)
{
	const uint8_t *h = c->buffer + c->at;

	if (load_le32(h + 8) == 0x1a2b3c4d)
		c->is_swapped = false;
	else if (load_be32(h + 8) == 0x1a2b3c4d)
		c->is_swapped = true;
	else
		return capture_broken(c, "a section without byte-order magic", err);
	c->interface_count = 0;
	return CAPTURE_RECORD;
}

static enum capture_event
read_interface(struct capture *c, const uint8_t *h, uint32_t len, struct err *err)
{
	struct interface interface = {.per_second = 1000000};

	if (len < 20)
		return capture_broken(c, "an interface block is too short", err);
	interface.linktype = get16(c, h + 8);
	interface.snaplen = get32(c, h + 12);
	read_interface_options(c, &interface, cursor_over(h + 16, len - 20));
	return capture_add_interface(c, interface, err) != 0 ? CAPTURE_ERROR
	                                                     : CAPTURE_RECORD;
}

/* Steps over a block that is of no use here. */
static enum capture_event
pass_block(struct capture *c, uint32_t len, struct err *err)
{
	uint64_t at = capture_offset(c);
	int status = capture_skip(c, len, err);

	return status > 0 ? CAPTURE_RECORD
	    : status < 0  ? CAPTURE_ERROR
	                  : capture_broken_at(c, at, CUT_IN_BLOCK, err);
}

/* The block's kind and length; a section's byte order holds for all that follows. */
static enum capture_event
read_head(struct capture *c, uint32_t *kind, uint32_t *len, struct err *err)
{
	int status = capture_need(c, 12, err);
	enum capture_event event;
	const uint8_t *h;

	if (status < 0)
		return CAPTURE_ERROR;
	if (status == 0)
		return c->at == c->end ? CAPTURE_END
		    : capture_broken(c, "the file is cut off within a block header", err);
	h = c->buffer + c->at;
	if (load_le32(h) == BLOCK_SECTION &&
	    (event = read_section(c, err)) != CAPTURE_RECORD)
		return event;
	*kind = get32(c, h);
	*len = get32(c, h + 4);
	if (*len < 12 || *len % 4 != 0)
		return capture_broken(c, "a block of an impossible length", err);
	return CAPTURE_RECORD;
}

static enum capture_event
next_block(struct capture *c, bool may_refill, struct record *out, bool *has_packet,
    struct err *err)
{
	const uint8_t *h;
	uint32_t kind, len;
	enum capture_event event;
	int status;

	*has_packet = false;
	if (!may_refill && c->end - c->at < 12)
		return CAPTURE_REFILL;
	if ((event = read_head(c, &kind, &len, err)) != CAPTURE_RECORD)
		return event;
	if (kind != BLOCK_INTERFACE && kind != BLOCK_PACKET && kind != BLOCK_SIMPLE &&
	    kind != BLOCK_ENHANCED) {
		if (!may_refill && c->end - c->at < len)
			return CAPTURE_REFILL;
		c->skipped_blocks += kind != BLOCK_SECTION;
		return pass_block(c, len, err);
	}
	if (len > RECORD_MAX + BLOCK_HEAD_MAX)
		return capture_broken(c,
		    "a block claims more than 512 KiB, the file is corrupt from here on",
		    err);
	if (!may_refill && c->end - c->at < len)
		return CAPTURE_REFILL;
	if ((status = capture_need(c, len, err)) < 0)
		return CAPTURE_ERROR;
	if (status == 0)
		return capture_broken(c, CUT_IN_BLOCK, err);
	h = c->buffer + c->at;
	if (get32(c, h + len - 4) != len)
		return capture_broken(c, "a block's two lengths differ", err);
	*has_packet = kind != BLOCK_INTERFACE;
	event = *has_packet ? read_packet_block(c, kind, h + 8, len - 12, out, err)
	                    : read_interface(c, h, len, err);
	c->at += len;
	return event;
}

enum capture_event
capture_next_ng(struct capture *c, bool may_refill, struct record *out, struct err *err)
{
	enum capture_event event;
	bool has_packet;

	do
		event = next_block(c, may_refill, out, &has_packet, err);
	while (event == CAPTURE_RECORD && !has_packet);
	return event;
}
