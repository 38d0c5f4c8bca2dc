/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef METER_FINGERPRINT_H
#define METER_FINGERPRINT_H

#include "model/type.h"
#include "packet/packet.h"

struct text;

/* The options of a SYN. layout holds one octet per option: its kind, at most 40 of
 * them. */
struct fingerprint_syn {
	uint16_t mss;
	uint8_t scale;
	uint8_t layout_len;
	uint8_t layout[40];
	uint8_t eol_bytes; /* behind the end-of-options octet */
	bool has_timestamps, own_is_zero, peer_is_set;
	bool has_trailing, has_large_scale, is_bad;
};

/* Distinct fingerprints by number from 1, at most max of them; 0 is none. */
struct fingerprints;

struct fingerprints *fingerprints_new(uint32_t max); /* NULL without memory */
void fingerprints_free(struct fingerprints *set);
struct str fingerprints_get(const struct fingerprints *set, uint32_t number);

/* The MSS in it; 0 for 0 and where it has none. */
uint16_t fingerprints_mss(const struct fingerprints *set, uint32_t number);

void fingerprint_parse(const struct packet *p, struct fingerprint_syn *out);
/* p0f's notation, ver:ittl:olen:mss:wsize,scale:olayout:quirks:pclass. peer_mss is that
 * of the SYN that a SYN-ACK answers, or 0. */
void fingerprint_print(struct text *out, const struct packet *p,
    const struct fingerprint_syn *syn, uint16_t peer_mss);
/* The number of p's fingerprint; prints only what was not seen before. Says whether p has
 * timestamps, too. */
uint32_t fingerprint_of(struct fingerprints *set, const struct packet *p,
    uint16_t peer_mss, bool *has_timestamps, uint64_t *distinct, uint64_t *lost);

#endif
