/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_SCENARIO_KEY_H
#define LAB_SCENARIO_KEY_H

#include "lab/scenario.h"

/* The keys of scenario files as rows, and their values as text: for scenario.c. */
enum scenario_type {
	SCENARIO_number,
	SCENARIO_real,
	SCENARIO_time,
	SCENARIO_flag,
	SCENARIO_word,
	SCENARIO_places,
	SCENARIO_text,
};

struct scenario_key {
	const char *section, *id;
	enum scenario_type type;
	size_t offset; /* in struct scenario */
	const char *fallback;
	double min, max;
	const struct word *words;
	const char *help;
};

enum {
	SCENARIO_KEYS = 0
#define SECTION(...)
#define KEY(...) +1
#include "lab/scenario.def"
#undef SECTION
#undef KEY
};
extern const struct scenario_key scenario_keys[SCENARIO_KEYS];

/* Sets the key's member; the message names the key and what it takes. */
int scenario_key_read(const struct scenario_key *key, const char *text,
    struct scenario *scenario, struct err *err);
void scenario_key_print(const struct scenario_key *key, const struct scenario *scenario,
    struct text *out);
/* A line of help, and one for each word. */
void scenario_key_help(const struct scenario_key *key, struct text *out);

#endif
