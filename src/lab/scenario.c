/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scenario files, line by line. The keys are those of scenario_key.c; those of the
 * section link are the rows of link.def.
 */
#include "lab/scenario.h"

#include "base/err.h"
#include "base/text.h"
#include "lab/scenario_key.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	unsigned hops;
	const char *help;
} place_rows[PLACES] = {
#define PLACE(id, hops, help) {hops, help},
#include "lab/place.def"
#undef PLACE
};

static const struct {
	const char *id, *help;
} sections[] = {
#define SECTION(id, help) {#id, help},
#define KEY(...)
#include "lab/scenario.def"
#undef SECTION
#undef KEY
    {"link", "the emulated link, both directions, behind the border router or else the last one"},
};

enum { SECTIONS = sizeof sections / sizeof *sections, LINK_SECTION = SECTIONS - 1 };

/* What does not go together, once all is read. */
static int
scenario_check(const struct scenario *s, struct err *err)
{
	bool is_part = s->client_ranges + s->client_resume + s->client_abort +
	    s->client_unmodified > 0;
	const struct {
		bool is_broken;
		const char *why;
	} rules[] = {
	    {s->files_min > s->files_max, "files: min is above max"},
	    {s->scenario_quick > s->scenario_downloads,
	     "scenario: quick is above downloads"},
	    {s->files_suffix[strspn(s->files_suffix,
				    "abcdefghijklmnopqrstuvwxyz0123456789")] != '\0' ||
		 strlen(s->files_suffix) > 16,
	     "files: suffix takes up to 16 small letters and digits"},
	    {s->network_vpn != VPN_none && s->network_hops < 2,
	     "network: vpn needs the edge router, hops = 2 or more"},
	    {s->network_vpn != VPN_none && (s->network_ipv6 || s->network_clients > 1),
	     "network: vpn is for one client and IPv4"},
	    {s->network_nat && s->network_hops < 2,
	     "network: nat needs the edge router, hops = 2 or more"},
	    {s->network_narrow != 0 && s->network_narrow < 576,
	     "network: narrow is below 576"},
	    {s->server_http == HTTP_2 && (s->server_program == SERVER_apache ||
					  s->server_program == SERVER_s_server),
	     "server: this program has no HTTP 2 here"},
	    {s->server_http == HTTP_2 && s->server_tls == TLS_none,
	     "server: http = 2 needs tls"},
	    {s->server_http == HTTP_3 &&
		 (s->server_program != SERVER_caddy ||
		  s->client_program != CLIENT_chromium || s->server_tls != TLS_13),
	     "server: http = 3 needs caddy, tls = 1.3 and chromium as the client"},
	    {s->server_http != HTTP_1 && s->client_program != CLIENT_curl &&
		 s->client_program != CLIENT_chromium,
	     "client: HTTP 2 is for curl and chromium"},
	    {s->server_program == SERVER_s_server &&
		 (s->server_tls == TLS_none || s->client_program != CLIENT_curl ||
		  s->client_reuse > 1 || s->client_parallel > 1 ||
		  s->network_servers > 1 || is_part),
	     "server: "
	     "s_server needs tls, one address, and curl as the client with reuse = 1, "
	     "parallel = 1 and whole files"},
	    {s->server_gzip && s->server_program != SERVER_nginx,
	     "server: gzip is for nginx"},
	    {s->server_gzip && s->client_program != CLIENT_curl,
	     "client: gzip is for curl"},
	    {(s->client_program == CLIENT_pipeline || s->client_program == CLIENT_apt) &&
		 s->server_tls != TLS_none,
	     "client: this program is for tls = none"},
	    {is_part && (s->client_program != CLIENT_curl || s->client_reuse > 1),
	     "client: ranges, resume, abort and unmodified are for curl with reuse = 1"},
	    {s->client_ranges + s->client_resume + s->client_abort +
		     s->client_unmodified >
		 1,
	     "client: ranges, resume, abort and unmodified are more than 1 together"},
	    {(s->client_program == CLIENT_chromium || s->client_program == CLIENT_apt) &&
		 s->client_reuse > s->files_count,
	     "client: reuse is above the number of files, and this program asks "
	     "for none twice"},
	    {s->client_depth > 1 && s->client_program != CLIENT_curl &&
		 s->client_program != CLIENT_pipeline && s->client_program != CLIENT_apt,
	     "client: depth is for curl, pipeline and apt"},
	    {s->meter_sample > 1 && s->meter_active > 0,
	     "meter: sample and active do not go together"},
	};
	size_t i;

	for (i = 0; i < sizeof rules / sizeof *rules; i++)
		if (rules[i].is_broken)
			return err_set(err, EINVAL, "%s", rules[i].why);
	return link_way_check(&s->link, err);
}

struct reader {
	struct scenario *out;
	int section; /* -1: none yet */
	bool was_said[SCENARIO_KEYS];
};

static int
link_key_read(struct scenario *s, const char *id, const char *value, struct err *err)
{
	unsigned i;

	for (i = 0; i < LINK_KEYS; i++)
		if (strcmp(link_rows[i].name, id) == 0)
			break;
	if (i == LINK_KEYS)
		return err_set(err, EINVAL, "[link] has no key '%s'", id);
	if (s->link_words[i][0] != '\0')
		return err_set(err, EINVAL, "%s is said twice", id);
	if (strlen(value) >= sizeof s->link_words[i])
		return err_set(err, EINVAL, "%s: '%s' is too long", id, value);
	if (link_way_set(&s->link, id, value, err) != 0)
		return -1;
	strcpy(s->link_words[i], value);
	s->has_link = true;
	return 0;
}

static int
pair_read(struct reader *r, const char *id, const char *value, struct err *err)
{
	size_t i;

	if (r->section < 0)
		return err_set(err, EINVAL, "'%s' stands before the first [section]", id);
	if (value[0] == '\0')
		return err_set(err, EINVAL, "%s has no value", id);
	if (r->section == LINK_SECTION)
		return link_key_read(r->out, id, value, err);
	for (i = 0; i < SCENARIO_KEYS; i++)
		if (strcmp(scenario_keys[i].section, sections[r->section].id) == 0 &&
		    strcmp(scenario_keys[i].id, id) == 0)
			break;
	if (i == SCENARIO_KEYS)
		return err_set(err, EINVAL, "[%s] has no key '%s' (weir lab list --keys)",
		    sections[r->section].id, id);
	if (r->was_said[i])
		return err_set(err, EINVAL, "%s is said twice", id);
	r->was_said[i] = true;
	return scenario_key_read(&scenario_keys[i], value, r->out, err);
}

static int
section_read(struct reader *r, char *line, struct err *err)
{
	size_t len = strlen(line);
	int i;

	if (line[len - 1] != ']')
		return err_set(err, EINVAL, "a [section] ends with ]");
	line[len - 1] = '\0';
	for (i = 0; i < SECTIONS; i++)
		if (strcmp(sections[i].id, line + 1) == 0) {
			r->section = i;
			return 0;
		}
	return err_set(err, EINVAL, "there is no section [%s]", line + 1);
}

static char *
trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

/* A line without its end; it is changed. */
static int
line_read(struct reader *r, char *line, struct err *err)
{
	char *equals;

	line[strcspn(line, "#")] = '\0';
	line = trim(line);
	if (*line == '\0')
		return 0;
	if (*line == '[')
		return section_read(r, line, err);
	if ((equals = strchr(line, '=')) == NULL)
		return err_set(err, EINVAL,
		    "'%.60s' is neither [section] nor key = value", line);
	*equals = '\0';
	return pair_read(r, trim(line), trim(equals + 1), err);
}

/*
 * The last part of a path without ".lab"; only what can be a folder's name and a
 * namespace's.
 */
static int
name_set(struct scenario *s, const char *path, struct err *err)
{
	const char *base = strrchr(path, '/');
	size_t len, i;

	base = base != NULL ? base + 1 : path;
	len = strlen(base);
	if (len > 4 && strcmp(base + len - 4, ".lab") == 0)
		len -= 4;
	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)base[i]) &&
		    (i == 0 || strchr("-_.", base[i]) == NULL))
			break;
	if (len == 0 || len >= sizeof s->name || i < len)
		return err_set(err, EINVAL,
		    "%s: a scenario's name has up to %d letters, digits, "
		    "'-', '_' and '.'", path, SCENARIO_NAME_MAX - 1);
	memcpy(s->name, base, len);
	s->name[len] = '\0';
	return 0;
}

static int
defaults_set(struct scenario *s, struct err *err)
{
	size_t i;

	link_way_default(&s->link);
	for (i = 0; i < SCENARIO_KEYS; i++)
		if (scenario_key_read(&scenario_keys[i], scenario_keys[i].fallback, s,
		    err) != 0)
			return -1;
	return 0;
}

int
scenario_parse(struct scenario *out, const char *name, const char *text, size_t bytes,
    struct err *err)
{
	struct scenario s = {0};
	struct reader r = {&s, -1, {0}};
	char line[1024];
	const char *end, *at = text;
	unsigned n;

	if (name_set(&s, name, err) != 0 || defaults_set(&s, err) != 0)
		return -1;
	if (bytes > SCENARIO_BYTES_MAX)
		return err_set(err, E2BIG, "%s: longer than %d bytes; is it a scenario?",
		    name, SCENARIO_BYTES_MAX);
	for (n = 1; at < text + bytes; at = end + 1, n++) {
		size_t len;

		if ((end = memchr(at, '\n', (size_t)(text + bytes - at))) == NULL)
			end = text + bytes;
		len = (size_t)(end - at);
		if (len >= sizeof line || memchr(at, '\0', len) != NULL) {
			err_set(err, EINVAL, "longer than %zu bytes, or no text",
			    sizeof line - 1);
			return err_prefix(err, "%s: line %u: ", name, n);
		}
		memcpy(line, at, len);
		line[len] = '\0';
		if (line_read(&r, line, err) != 0)
			return err_prefix(err, "%s: line %u: ", name, n);
	}
	if (scenario_check(&s, err) != 0)
		return err_prefix(err, "%s: ", name);
	*out = s;
	return 0;
}

void
scenario_print(const struct scenario *scenario, struct text *out)
{
	struct scenario plain = {0};
	struct text said, usual;
	const char *section = "";
	struct err err = {0};
	size_t i;

	if (defaults_set(&plain, &err) != 0)
		return;
	text_init(&said);
	text_init(&usual);
	for (i = 0; i < SCENARIO_KEYS; i++) {
		text_clear(&said);
		text_clear(&usual);
		scenario_key_print(&scenario_keys[i], scenario, &said);
		scenario_key_print(&scenario_keys[i], &plain, &usual);
		if (said.len == 0 || strcmp(said.data, usual.data) == 0)
			continue;
		if (strcmp(section, scenario_keys[i].section) != 0)
			text_printf(out, "[%s]\n", scenario_keys[i].section);
		section = scenario_keys[i].section;
		text_printf(out, "%s = %s\n", scenario_keys[i].id, said.data);
	}
	for (i = 0; i < LINK_KEYS; i++) {
		if (scenario->link_words[i][0] == '\0')
			continue;
		if (strcmp(section, "link") != 0)
			text_str(out, "[link]\n");
		section = "link";
		text_printf(out, "%s = %s\n", link_rows[i].name, scenario->link_words[i]);
	}
	text_done(&said);
	text_done(&usual);
}

void
scenario_help(struct text *out)
{
	size_t i, k;

	for (i = 0; i < SECTIONS; i++) {
		text_printf(out, "%s[%s] %s\n", i > 0 ? "\n" : "", sections[i].id,
		    sections[i].help);
		for (k = 0; k < SCENARIO_KEYS; k++)
			if (strcmp(scenario_keys[k].section, sections[i].id) == 0)
				scenario_key_help(&scenario_keys[k], out);
	}
	for (k = 0; k < LINK_KEYS; k++)
		text_printf(out, "  %-11s %-7s %s (default %s)\n", link_rows[k].name,
		    link_rows[k].argument, link_rows[k].help, link_rows[k].fallback);
	text_str(out, "\nPlaces:\n");
	for (i = 0; i < PLACES; i++)
		text_printf(out, "  %-11s %s\n", place_names[i], place_rows[i].help);
}

unsigned
scenario_places_there(const struct scenario *s)
{
	unsigned there = 0, i;

	for (i = 0; i < PLACES; i++)
		if (s->network_hops >= place_rows[i].hops &&
		    (i != PLACE_subnet || s->network_clients == 1))
			there |= 1u << i;
	return there & s->meter_places;
}
