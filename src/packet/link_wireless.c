/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link types of IEEE 802.11: its data frames, as they are or behind what the recording
 * machine says of the radio.
 */
#include "packet/link_private.h"

/* The destination of an 802.11 frame and its source, by the bits To DS and From DS. */
static void
wireless_macs(struct packet *out, const uint8_t *p, unsigned way)
{
	enum { A1 = 4, A2 = 10, A3 = 16, A4 = 24 };
	static const uint8_t to[4] = {A1, A3, A1, A3}, from[4] = {A2, A2, A3, A4};

	put_macs(out, p + to[way], p + from[way]);
}

/*
 * Data frames of IEEE 802.11 (9.2.4). is_padded: the header is padded to 4; is_turned:
 * frame and sequence control have their octets the other way round. Of the frames in an
 * aggregate the first is decoded: a record is a packet here.
 */
static enum packet_counter
decode_data_frame(struct walk *w, struct packet *out, bool is_padded, bool is_turned)
{
	const uint8_t *p = walk_at(w, 0);
	uint8_t kind, bits;
	unsigned way;
	uint32_t header = 24;
	bool is_aggregate = false;

	if (!walk_has(w, 2))
		return PACKET_COUNT_short_link;
	kind = p[is_turned];
	bits = p[!is_turned];
	way = bits & 3;
	if ((kind & 0x0f) != 0x08 || kind & 0x40)
		return PACKET_COUNT_not_ip; /* management, control, or without data */
	if (way == 3)
		header += 6;
	if (kind & 0x80) /* quality of service, and then perhaps high throughput */
		header += bits & 0x80 ? 6 : 2;
	if (!walk_has(w, header))
		return PACKET_COUNT_short_link;
	if (bits & 0x40)
		return PACKET_COUNT_encrypted;
	if (p[22 + is_turned] & 15)
		return PACKET_COUNT_not_ip; /* a later fragment of a frame */
	if (kind & 0x80)
		is_aggregate = p[way == 3 ? 30 : 24] & 0x80;
	wireless_macs(out, p, way);
	if (!walk_skip(w, is_padded ? (header + 3) & ~3u : header))
		return PACKET_COUNT_short_link;

	if (is_aggregate) {
		p = walk_at(w, 0);
		if (!walk_skip(w, 14))
			return PACKET_COUNT_short_link;
		put_macs(out, p, p + 6);
		walk_limit(w, load_be16(p + 12));
	}
	return decode_llc(w, out);
}

static enum packet_counter
decode_recorded(struct walk *w, struct packet *out, bool is_padded)
{
	out->ip_at = w->at;
	return decode_data_frame(w, out, is_padded, false);
}

enum packet_counter
link_wireless(struct walk *w, struct packet *out)
{
	return decode_recorded(w, out, false);
}

enum packet_counter
decode_wireless(struct walk *w, struct packet *out)
{
	const uint8_t *p = walk_at(w, 0);

	return decode_data_frame(w, out, false,
	    walk_has(w, 2) && (p[0] & 0x0f) != 0x08 && (p[1] & 0x0f) == 0x08);
}

/* radiotap.org: the second field, behind a time of 8 octets if that is there, has
 * flags. */
enum packet_counter
link_radiotap(struct walk *w, struct packet *out)
{
	uint32_t present, at = 4;
	bool is_padded = false;

	if (!walk_has(w, 8))
		return PACKET_COUNT_short_link;
	present = load_le32(w->frame + 4);
	do
		at += 4;
	while (walk_has(w, at) && w->frame[at - 1] & 0x80);
	if (present & 1)
		at = ((at + 7) & ~7u) + 8;
	if (present & 2 && walk_has(w, at + 1) && at < le16(w->frame + 2))
		is_padded = w->frame[at] & 0x20;
	if (le16(w->frame + 2) < 8 || !walk_skip(w, le16(w->frame + 2)))
		return PACKET_COUNT_short_link;
	return decode_recorded(w, out, is_padded);
}

/* AVS has its length in the second word; Prism, under the same number, is 144 octets. */
enum packet_counter
link_prism(struct walk *w, struct packet *out)
{
	uint32_t n = 144;

	if (!walk_has(w, 8))
		return PACKET_COUNT_short_link;
	if ((load_be32(w->frame) & 0xfffff000) == 0x80211000)
		n = load_be32(w->frame + 4);
	return n >= 8 && walk_skip(w, n) ? decode_recorded(w, out, false)
	                                 : PACKET_COUNT_short_link;
}
