/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of scenario files: a row per key says where its value lies, and its type has
 * the functions: one reads a value, one prints it.
 */
#include "lab/scenario_key.h"

#include "base/err.h"
#include "base/option.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define NO_MORE_WORDS {NULL, NULL, NULL}
#define WORD_LESS(id, ...) {__VA_ARGS__},
const struct word less_words[] = {
#include "lab/words.def"
    NO_MORE_WORDS};
#define WORD_VPN(id, ...) {__VA_ARGS__},
const struct word vpn_words[] = {
#include "lab/words.def"
    NO_MORE_WORDS};
#define WORD_CONGESTION(id, ...) {__VA_ARGS__},
const struct word congestion_words[] = {
#include "lab/words.def"
    NO_MORE_WORDS};
#define WORD_SERVER(id, ...) {__VA_ARGS__},
const struct word server_words[] = {
#include "lab/words.def"
    NO_MORE_WORDS};
#define WORD_HTTP(id, ...) {__VA_ARGS__},
const struct word http_words[] = {
#include "lab/words.def"
    NO_MORE_WORDS};
#define WORD_TLS(id, ...) {__VA_ARGS__},
const struct word tls_words[] = {
#include "lab/words.def"
    NO_MORE_WORDS};
#define WORD_CLIENT(id, ...) {__VA_ARGS__},
const struct word client_words[] = {
#include "lab/words.def"
    NO_MORE_WORDS};

const char *const place_names[PLACES + 1] = {
#define PLACE(id, hops, help) #id,
#include "lab/place.def"
#undef PLACE
};

const struct scenario_key scenario_keys[SCENARIO_KEYS] = {
#define SECTION(...)
#define KEY(section, type, id, fallback, min, max, words, help)                          \
	{#section,                                                                       \
	 #id,                                                                            \
	 SCENARIO_##type,                                                                \
	 offsetof(struct scenario, section##_##id),                                      \
	 fallback,                                                                       \
	 min,                                                                            \
	 max,                                                                            \
	 words,                                                                          \
	 help},
#include "lab/scenario.def"
#undef SECTION
#undef KEY
};

static int
range_check(const struct scenario_key *key, double value, struct err *err)
{
	if (value < key->min || (key->max > 0 && value > key->max))
		return err_set(err, EINVAL, "%s takes %g to %g", key->id, key->min,
		    key->max);
	return 0;
}

static int
number_read(const struct scenario_key *key, const char *text, void *value,
    struct err *err)
{
	uint64_t n;

	if (!option_number(text, &n))
		return err_set(err, EINVAL,
		    "%s takes a number, such as 50 or 10M, not '%s'", key->id, text);
	*(scenario_number *)value = n;
	return range_check(key, (double)n, err);
}

static int
real_read(const struct scenario_key *key, const char *text, void *value, struct err *err)
{
	double x;

	if (!parse_f64(text, strlen(text), &x) || x != x)
		return err_set(err, EINVAL, "%s takes a number, such as 0.25, not '%s'",
		    key->id, text);
	*(scenario_real *)value = x;
	return range_check(key, x, err);
}

static int
time_read(const struct scenario_key *key, const char *text, void *value, struct err *err)
{
	int64_t us;

	if (!option_time(text, &us))
		return err_set(err, EINVAL,
		    "%s takes a time, such as 20ms or 3s, not '%s'", key->id, text);
	*(scenario_time *)value = us;
	return range_check(key, (double)us / 1e6, err);
}

static int
flag_read(const struct scenario_key *key, const char *text, void *value, struct err *err)
{
	if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
		return err_set(err, EINVAL, "%s takes yes or no, not '%s'", key->id,
		    text);
	*(scenario_flag *)value = text[0] == 'y';
	return 0;
}

static int
word_read(const struct scenario_key *key, const char *text, void *value, struct err *err)
{
	struct text list;
	unsigned i;
	int status;

	for (i = 0; key->words[i].text != NULL; i++)
		if (strcmp(key->words[i].text, text) == 0) {
			*(scenario_word *)value = i;
			return 0;
		}
	text_init(&list);
	for (i = 0; key->words[i].text != NULL; i++)
		text_printf(&list, "%s%s", i > 0 ? ", " : "", key->words[i].text);
	status = err_set(err, EINVAL, "%s takes one of %s, not '%s'", key->id, list.data,
	    text);
	text_done(&list);
	return status;
}

static int
places_read(const struct scenario_key *key, const char *text, void *value,
    struct err *err)
{
	unsigned places = 0, i;
	size_t len;

	for (text = strcmp(text, "none") == 0 ? "" : text; *text != '\0'; text += len) {
		while (*text == ' ' || *text == '\t')
			text++;
		len = strcspn(text, " \t");
		for (i = 0; i < PLACES; i++)
			if (strlen(place_names[i]) == len &&
			    memcmp(place_names[i], text, len) == 0)
				break;
		if (i == PLACES && len > 0)
			return err_set(err, EINVAL,
			    "%s takes none or places with blanks between: "
			    "subnet, switch, edge, border, transit; not '%.*s'", key->id,
			    (int)len, text);
		if (len > 0)
			places |= 1u << i;
	}
	*(scenario_places *)value = places;
	return 0;
}

static int
text_read(const struct scenario_key *key, const char *text, void *value, struct err *err)
{
	if (strlen(text) >= SCENARIO_TEXT_BYTES)
		return err_set(err, EINVAL, "%s is longer than %d bytes", key->id,
		    SCENARIO_TEXT_BYTES - 1);
	strcpy(value, text);
	return 0;
}

static void
number_print(const struct scenario_key *key, const void *value, struct text *out)
{
	text_u64(out, *(const scenario_number *)value);
}

static void
real_print(const struct scenario_key *key, const void *value, struct text *out)
{
	text_f64(out, *(const scenario_real *)value);
}

static void
time_print(const struct scenario_key *key, const void *value, struct text *out)
{
	text_printf(out, "%gms", (double)*(const scenario_time *)value / 1e3);
}

static void
flag_print(const struct scenario_key *key, const void *value, struct text *out)
{
	text_str(out, *(const scenario_flag *)value ? "yes" : "no");
}

static void
word_print(const struct scenario_key *key, const void *value, struct text *out)
{
	text_str(out, key->words[*(const scenario_word *)value].text);
}

static void
places_print(const struct scenario_key *key, const void *value, struct text *out)
{
	unsigned i, places = *(const scenario_places *)value;
	const char *between = "";

	if (places == 0)
		text_str(out, "none");
	for (i = 0; i < PLACES; i++)
		if (places & 1u << i) {
			text_printf(out, "%s%s", between, place_names[i]);
			between = " ";
		}
}

static void
text_print(const struct scenario_key *key, const void *value, struct text *out)
{
	text_str(out, value);
}

static const struct {
	int (*read)(const struct scenario_key *, const char *, void *, struct err *);
	void (*print)(const struct scenario_key *, const void *, struct text *);
	const char *help;
} types[] = {
	[SCENARIO_number] = {number_read, number_print, "NUMBER"},
	[SCENARIO_real] = {real_read, real_print, "NUMBER"},
	[SCENARIO_time] = {time_read, time_print, "TIME"},
	[SCENARIO_flag] = {flag_read, flag_print, "yes|no"},
	[SCENARIO_word] = {word_read, word_print, "WORD"},
	[SCENARIO_places] = {places_read, places_print, "PLACES"},
	[SCENARIO_text] = {text_read, text_print, "TEXT"},
};

int
scenario_key_read(const struct scenario_key *key, const char *text,
    struct scenario *scenario, struct err *err)
{
	return types[key->type].read(key, text, (char *)scenario + key->offset, err);
}

void
scenario_key_print(const struct scenario_key *key, const struct scenario *scenario,
    struct text *out)
{
	types[key->type].print(key, (const char *)scenario + key->offset, out);
}

void
scenario_key_help(const struct scenario_key *key, struct text *out)
{
	size_t i;

	text_printf(out, "  %-11s %-7s %s", key->id, types[key->type].help, key->help);
	if (key->fallback[0] != '\0')
		text_printf(out, " (default %s)", key->fallback);
	text_char(out, '\n');
	for (i = 0; key->words != NULL && key->words[i].text != NULL; i++)
		text_printf(out, "    %-17s %s\n", key->words[i].text,
		    key->words[i].help);
}
