/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SYN and SYN-ACK fingerprints in the notation of p0f 3's raw signatures. What the text
 * depends on is gathered into a short key, so a flood of equal SYNs costs a hash and a
 * comparison each. Strangers choose the keys: the number of distinct ones is bounded.
 */
#include "meter/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "model/tcp.h"

enum { OPTION_EOL, OPTION_NOP, OPTION_MSS, OPTION_SCALE, OPTION_SOK, OPTION_SACK,
	OPTION_TIMESTAMPS = 8 };

enum quirk {
#define QUIRKS(QUIRK) \
	QUIRK(df, "df") QUIRK(id_set, "id+") QUIRK(id_zero, "id-") QUIRK(ecn, "ecn") \
	QUIRK(must_be_zero, "0+") QUIRK(flow_label, "flow") QUIRK(seq_zero, "seq-") \
	QUIRK(ack_set, "ack+") QUIRK(ack_zero, "ack-") QUIRK(urgent_set, "uptr+") \
	QUIRK(urgent_flag, "urgf+") QUIRK(push_flag, "pushf+") QUIRK(ts1_zero, "ts1-") \
	QUIRK(ts2_set, "ts2+") QUIRK(trailing, "opt+") QUIRK(large_scale, "exws") \
	QUIRK(bad, "bad")
#define QUIRK(id, name) QUIRK_##id,
	QUIRKS(QUIRK)
#undef QUIRK
	QUIRKS_COUNT
};

static const char *const quirk_names[QUIRKS_COUNT] = {
#define QUIRK(id, name) name,
	QUIRKS(QUIRK)
#undef QUIRK
};

struct fingerprint_key {
	uint32_t quirks;
	uint16_t mss, peer_mss, window;
	uint8_t is_v6, ttl, ip_options_bytes, scale, has_payload, eol_bytes;
	uint8_t has_timestamps;
	uint8_t layout_len;
	uint8_t layout[40];
};

/*
 * A SYN of late, with all that its fingerprint depends on: most are like one but for the
 * values of their timestamps, and need no parsing.
 */
enum { RECENT = 64, OPTIONS_MAX = 40 };
struct recent {
	uint64_t header[2]; /* the number of options' octets among it */
	uint32_t options[OPTIONS_MAX / 4];
	uint32_t counts[OPTIONS_MAX / 4]; /* bits of them that count */
	uint32_t number;    /* 0: nothing is here */
	uint8_t words;      /* of options */
	uint8_t stamps_at;  /* offset of the timestamps' values in options; 0: none */
	bool own_is_zero, peer_is_set;
};

struct fingerprints {
	uint32_t max, count, mask;
	struct recent recent[RECENT];
	uint32_t *slots;
	struct entry {
		struct fingerprint_key key;
		uint32_t at, len;
	} *entries;
	struct text texts;
	uint64_t seed;
};

struct fingerprints *
fingerprints_new(uint32_t max)
{
	struct fingerprints *set = calloc(1, sizeof *set);
	uint32_t slots = 64;

	while (slots < 2 * max)
		slots *= 2;
	if (set == NULL)
		return NULL;
	set->max = max;
	set->mask = slots - 1;
	set->slots = calloc(slots, sizeof *set->slots);
	set->entries = calloc(max, sizeof *set->entries);
	set->seed = random_seed();
	text_init(&set->texts);
	if (set->slots == NULL || set->entries == NULL) {
		fingerprints_free(set);
		return NULL;
	}
	return set;
}

void
fingerprints_free(struct fingerprints *set)
{
	if (set == NULL)
		return;
	free(set->slots);
	free(set->entries);
	text_done(&set->texts);
	free(set);
}

struct str
fingerprints_get(const struct fingerprints *set, uint32_t number)
{
	const struct entry *e = &set->entries[number - 1];

	return (struct str){set->texts.data + e->at, e->len};
}

uint16_t
fingerprints_mss(const struct fingerprints *set, uint32_t number)
{
	return number == 0 ? 0 : set->entries[number - 1].key.mss;
}

void
fingerprint_parse(const struct packet *p, struct fingerprint_syn *out)
{
	const uint8_t *at = p->tcp_options, *end;

	memset(out, 0, sizeof *out);
	if (at == NULL)
		return;
	end = at + (p->tcp_options_bytes < 40 ? p->tcp_options_bytes : 40);
	while (at < end) {
		uint8_t kind = *at, len;

		out->layout[out->layout_len++] = kind;
		if (kind == OPTION_NOP) {
			at++;
			continue;
		}
		if (kind == OPTION_EOL) {
			out->eol_bytes = (uint8_t)(end - at - 1);
			while (++at < end)
				out->has_trailing |= *at != 0;
			return;
		}
		if (end - at < 2 || (len = at[1]) < 2 || len > end - at) {
			out->is_bad = true;
			return;
		}
		if (kind == OPTION_MSS && len == 4) {
			out->mss = (uint16_t)(at[2] << 8 | at[3]);
		} else if (kind == OPTION_SCALE && len == 3) {
			out->scale = at[2];
			out->has_large_scale = at[2] > 14;
		} else if (kind == OPTION_TIMESTAMPS && len == 10) {
			out->has_timestamps = true;
			out->own_is_zero = (at[2] | at[3] | at[4] | at[5]) == 0;
			out->peer_is_set = (at[6] | at[7] | at[8] | at[9]) != 0;
		} else if (kind == OPTION_MSS || kind == OPTION_SCALE ||
		    kind == OPTION_TIMESTAMPS || (kind == OPTION_SOK && len != 2) ||
		    (kind == OPTION_SACK && (len < 10 || len > 34))) {
			out->is_bad = true;
		}
		at += len;
	}
}

static uint32_t
quirks_of(const struct packet *p, const struct fingerprint_syn *syn)
{
	uint32_t q = 0;
#define NOTE(id, condition) q |= (condition) ? 1u << QUIRK_##id : 0
	bool is_v4 = !p->src.is_v6;

	NOTE(df, is_v4 && p->flags & PACKET_DF);
	NOTE(id_set, is_v4 && p->flags & PACKET_DF && p->ip_id != 0);
	NOTE(id_zero, is_v4 && !(p->flags & PACKET_DF) && p->ip_id == 0);
	NOTE(ecn, p->tos & 3 || p->tcp_flags & (TCP_ECE | TCP_CWR));
	NOTE(must_be_zero, p->flags & PACKET_RESERVED_BIT);
	NOTE(flow_label, !is_v4 && p->flow_label != 0);
	NOTE(seq_zero, p->tcp_seq == 0);
	NOTE(ack_set, !(p->tcp_flags & TCP_ACK) && p->tcp_ack != 0);
	NOTE(ack_zero, p->tcp_flags & TCP_ACK && p->tcp_ack == 0);
	NOTE(urgent_set, !(p->tcp_flags & TCP_URG) && p->tcp_urgent != 0);
	NOTE(urgent_flag, p->tcp_flags & TCP_URG);
	NOTE(push_flag, p->tcp_flags & TCP_PSH);
	NOTE(ts1_zero, syn->has_timestamps && syn->own_is_zero);
	NOTE(ts2_set, syn->has_timestamps && syn->peer_is_set &&
	    !(p->tcp_flags & TCP_ACK));
	NOTE(trailing, syn->has_trailing);
	NOTE(large_scale, syn->has_large_scale);
	NOTE(bad, syn->is_bad);
#undef NOTE
	return q;
}

static uint8_t
initial_ttl(uint8_t ttl)
{
	return ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;
}

/* p0f's order of tries: the window as a multiple of the MSS, then of the MTU. */
static void
window_print(struct text *out, const struct fingerprint_key *key)
{
	unsigned mss = key->mss, stamps = key->has_timestamps ? 12 : 0,
	    head = key->is_v6 ? 60 : 40;
	unsigned tries[] = {mss, stamps ? mss - 12 : 0, 1460, stamps ? 1448 : 0,
		key->is_v6 ? 1440 : 0, key->is_v6 && stamps ? 1428 : 0,
		/* MTU: */ mss + 40, mss + head, 1500,
		/* of the SYN answered: */ key->peer_mss,
		key->peer_mss > 12 ? key->peer_mss - 12u : 0};

	if (key->window != 0 && mss >= 100)
		for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
			if (tries[i] != 0 && key->window % tries[i] == 0) {
				text_printf(out, "%s*%u",
				    i >= 6 && i <= 8 ? "mtu" : "mss",
				    key->window / tries[i]);
				return;
			}
	text_u64(out, key->window);
}

static void
layout_print(struct text *out, const struct fingerprint_key *key)
{
	for (unsigned i = 0; i < key->layout_len; i++) {
		if (i > 0)
			text_char(out, ',');
		switch (key->layout[i]) {
		case OPTION_EOL: text_printf(out, "eol+%u", key->eol_bytes); break;
		case OPTION_NOP: text_str(out, "nop"); break;
		case OPTION_MSS: text_str(out, "mss"); break;
		case OPTION_SCALE: text_str(out, "ws"); break;
		case OPTION_SOK: text_str(out, "sok"); break;
		case OPTION_SACK: text_str(out, "sack"); break;
		case OPTION_TIMESTAMPS: text_str(out, "ts"); break;
		default: text_printf(out, "?%u", key->layout[i]);
		}
	}
}

static void
key_make(struct fingerprint_key *key, const struct packet *p,
    const struct fingerprint_syn *syn, uint16_t peer_mss)
{
	memset(key, 0, sizeof *key);
	key->quirks = quirks_of(p, syn);
	key->mss = syn->mss;
	key->peer_mss = p->tcp_flags & TCP_ACK ? peer_mss : 0;
	key->window = p->tcp_window;
	key->is_v6 = (uint8_t)p->src.is_v6;
	key->ttl = initial_ttl(p->ttl);
	key->ip_options_bytes = p->ip_options_bytes;
	key->scale = syn->scale;
	key->has_payload = p->payload_bytes > 0;
	key->eol_bytes = syn->eol_bytes;
	key->has_timestamps = syn->has_timestamps;
	key->layout_len = syn->layout_len;
	memcpy(key->layout, syn->layout, sizeof key->layout);
}

static void
key_print(struct text *out, const struct fingerprint_key *key)
{
	bool is_first = true;

	text_printf(out, "%d:%u:%u:%u:", key->is_v6 ? 6 : 4, key->ttl,
	    key->ip_options_bytes, key->mss);
	window_print(out, key);
	text_printf(out, ",%u:", key->scale);
	layout_print(out, key);
	text_char(out, ':');
	for (unsigned i = 0; i < QUIRKS_COUNT; i++)
		if (key->quirks >> i & 1) {
			text_printf(out, "%s%s", is_first ? "" : ",", quirk_names[i]);
			is_first = false;
		}
	text_str(out, key->has_payload ? ":+" : ":0");
}

void
fingerprint_print(struct text *out, const struct packet *p,
    const struct fingerprint_syn *syn, uint16_t peer_mss)
{
	struct fingerprint_key key;

	key_make(&key, p, syn, peer_mss);
	key_print(out, &key);
}

/* The number of a key that was made; 0 if there are too many. */
static uint32_t
number_of(struct fingerprints *set, const struct fingerprint_key *key, uint64_t *distinct,
    uint64_t *lost)
{
	struct entry *e;
	uint32_t slot = (uint32_t)hash64(key, sizeof *key, set->seed) & set->mask;

	for (; set->slots[slot] != 0; slot = (slot + 1) & set->mask)
		if (memcmp(&set->entries[set->slots[slot] - 1].key, key,
		    sizeof *key) == 0)
			return set->slots[slot];
	if (set->count == set->max) {
		(*lost)++;
		return 0;
	}
	e = &set->entries[set->count++];
	e->key = *key;
	e->at = (uint32_t)set->texts.len;
	key_print(&set->texts, key);
	e->len = (uint32_t)set->texts.len - e->at;
	(*distinct)++;
	return set->slots[slot] = set->count;
}

/* All but the options; false if these are more than there can be, or not in whole
 * words. */
static bool
header_of(const struct packet *p, uint16_t peer_mss, uint64_t out[2])
{
	uint32_t n = p->tcp_options_bytes;

	if (n > OPTIONS_MAX || n % 4 != 0)
		return false;
	out[0] = (uint64_t)p->tcp_window << 48 | (uint64_t)p->tcp_flags << 32 |
	    (uint64_t)(p->flags & (PACKET_DF | PACKET_RESERVED_BIT)) << 16 |
	    (uint64_t)p->ip_options_bytes << 8 | n;
	out[1] = (uint64_t)(p->tcp_flags & TCP_ACK ? peer_mss : 0) << 32 |
	    (uint64_t)initial_ttl(p->ttl) << 8 | (uint64_t)(p->src.is_v6 != 0) |
	    (uint64_t)((p->tos & 3) != 0) << 1 | (uint64_t)(p->ip_id != 0) << 2 |
	    (uint64_t)(p->tcp_seq != 0) << 3 | (uint64_t)(p->tcp_ack != 0) << 4 |
	    (uint64_t)(p->tcp_urgent != 0) << 5 | (uint64_t)(p->flow_label != 0) << 6 |
	    (uint64_t)(p->payload_bytes > 0) << 7;
	return true;
}

/* Where the values of timestamps stand in well-formed options; 0 if there are none. */
static uint8_t
stamps_find(const uint8_t *options, unsigned n)
{
	for (unsigned at = 0; at + 1 < n && options[at] != OPTION_EOL;
	     at += options[at] == OPTION_NOP ? 1 : options[at + 1])
		if (options[at] == OPTION_TIMESTAMPS)
			return (uint8_t)(at + 2);
		else if (options[at] != OPTION_NOP && options[at + 1] < 2)
			break;
	return 0;
}

static uint32_t
word_at(const uint8_t *octets)
{
	uint32_t v;

	memcpy(&v, octets, sizeof v);
	return v;
}

/* Nothing but the timestamps' values differs, and those are 0 in both or in none. */
static bool
is_alike(const struct recent *r, const uint64_t header[2], const uint8_t *options)
{
	uint32_t differ = 0;

	if (((r->header[0] ^ header[0]) | (r->header[1] ^ header[1])) != 0 ||
	    r->number == 0)
		return false;
	for (unsigned i = 0; i < r->words; i++)
		differ |= (word_at(options + 4 * i) ^ r->options[i]) & r->counts[i];
	if (differ != 0 || r->stamps_at == 0)
		return differ == 0;
	return (word_at(options + r->stamps_at) == 0) == r->own_is_zero &&
	    (word_at(options + r->stamps_at + 4) != 0) == r->peer_is_set;
}

static void
recent_keep(struct recent *r, const uint64_t header[2], const uint8_t *options,
    const struct fingerprint_syn *syn, uint32_t number)
{
	unsigned n = header[0] & 0xff;

	r->number = 0;
	if (syn->is_bad)
		return; /* rare, and every octet of it may count */
	r->stamps_at = syn->has_timestamps ? stamps_find(options, n) : 0;
	if (r->stamps_at + 8u > n && syn->has_timestamps)
		return;
	memcpy(r->header, header, sizeof r->header);
	memset(r->counts, 0xff, sizeof r->counts);
	if (r->stamps_at != 0)
		memset((char *)r->counts + r->stamps_at, 0, 8);
	if (n > 0)
		memcpy(r->options, options, n);
	r->words = (uint8_t)(n / 4);
	r->own_is_zero = syn->own_is_zero;
	r->peer_is_set = syn->peer_is_set;
	r->number = number;
}

uint32_t
fingerprint_of(struct fingerprints *set, const struct packet *p, uint16_t peer_mss,
    bool *has_timestamps, uint64_t *distinct, uint64_t *lost)
{
	struct fingerprint_key key;
	struct fingerprint_syn syn;
	struct recent *r = NULL;
	uint64_t header[2];
	uint32_t number;

	if (header_of(p, peer_mss, header)) {
		r = &set->recent[mix64(header[0] ^ set->seed, header[1]) % RECENT];
		if (is_alike(r, header, p->tcp_options)) {
			*has_timestamps = r->stamps_at != 0;
			return r->number;
		}
	}
	fingerprint_parse(p, &syn);
	*has_timestamps = syn.has_timestamps;
	key_make(&key, p, &syn, peer_mss);
	number = number_of(set, &key, distinct, lost);
	if (r != NULL)
		recent_keep(r, header, p->tcp_options, &syn, number);
	return number;
}
