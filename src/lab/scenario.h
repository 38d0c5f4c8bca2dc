/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_SCENARIO_H
#define LAB_SCENARIO_H

#include "lab/link.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct text;

/*
 * A scenario of the lab: a small text of sections "[network]" and lines "key = value", in
 * which '#' begins a comment. scenario.def and link.def have the keys; what a text does
 * not say is the default.
 */
enum { SCENARIO_TEXT_BYTES = 200, SCENARIO_BYTES_MAX = 64 * 1024,
    SCENARIO_NAME_MAX = 40 };

enum place {
#define PLACE(id, hops, help) PLACE_##id,
#include "lab/place.def"
#undef PLACE
	PLACES
};
extern const char *const place_names[PLACES + 1];

/* A word of a table, and what must be installed for it. Tables end with a NULL text. */
struct word {
	const char *text, *programs, *help;
};
#define WORD_LESS(id, ...) LESS_##id,
enum less {
#include "lab/words.def"
};
#define WORD_VPN(id, ...) VPN_##id,
enum vpn {
#include "lab/words.def"
};
#define WORD_CONGESTION(id, ...) CONGESTION_##id,
enum congestion {
#include "lab/words.def"
};
#define WORD_SERVER(id, ...) SERVER_##id,
enum server_program {
#include "lab/words.def"
};
#define WORD_HTTP(id, ...) HTTP_##id,
enum http_version {
#include "lab/words.def"
};
#define WORD_TLS(id, ...) TLS_##id,
enum tls_version {
#include "lab/words.def"
};
#define WORD_CLIENT(id, ...) CLIENT_##id,
enum client_program {
#include "lab/words.def"
};
extern const struct word less_words[], vpn_words[], congestion_words[], server_words[],
    http_words[], tls_words[], client_words[];

typedef uint64_t scenario_number;
typedef double scenario_real;
typedef int64_t scenario_time; /* microseconds */
typedef bool scenario_flag;
typedef unsigned scenario_word;   /* index in the table of words */
typedef unsigned scenario_places; /* bit 1 << enum place */
typedef char scenario_text[SCENARIO_TEXT_BYTES];

/* scenario->server_program, scenario->network_hops and so on. */
struct scenario {
	char name[SCENARIO_NAME_MAX];
#define SECTION(...)
#define KEY(section, type, id, ...) scenario_##type section##_##id;
#include "lab/scenario.def"
#undef SECTION
#undef KEY
	struct link_way link;               /* both directions of the emulated link */
	char link_words[LINK_KEYS][32];     /* as written; "": not said */
	bool has_link;                      /* anything was said of it */
};

/*
 * Reads a text. name stands in messages, with the line, as in "one-hop.lab: line 3: ...";
 * the scenario gets it without folder and ".lab".
 */
int scenario_parse(struct scenario *out, const char *name, const char *text, size_t bytes,
    struct err *err);
/* A text that scenario_parse reads to the same scenario: only what is not the default. */
void scenario_print(const struct scenario *scenario, struct text *out);
/* Sections and keys, with defaults, ranges and words, for people. */
void scenario_help(struct text *out);
/* The places that its path has and it asks for, as bits. */
unsigned scenario_places_there(const struct scenario *scenario);

#endif
