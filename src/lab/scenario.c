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
    {"link", "the emulated link, both directions, behind the border router or else the "
    "last one"},
};

enum { SECTIONS = sizeof sections / sizeof *sections, LINK_SECTION = SECTIONS - 1 };

/* The octets that IPv6 wants of a link (RFC 8200, 5); the default of record. */
enum { IPV6_LEAST = 1280, RECORD_USUAL = 16384 };

struct reader {
	struct scenario *out;
	int section; /* -1: none yet */
	unsigned line, said[SCENARIO_KEYS], link_said; /* lines, from 1; 0: not said */
};

/* What does not go together, once all is read; keys: "section.key", blanks between, that
 * it is about. */
struct rule {
	bool is_broken;
	const char *keys, *why;
};

/* The last line that says one of a rule's keys: where to look. */
static unsigned
line_of(const struct reader *r, const char *keys)
{
	const char *at;
	char key[64];
	unsigned last = 0;
	size_t i;

	for (i = 0; i < SCENARIO_KEYS; i++) {
		int n = snprintf(key, sizeof key, "%s.%s", scenario_keys[i].section,
		    scenario_keys[i].id);

		for (at = strstr(keys, key); at != NULL; at = strstr(at + 1, key))
			if ((at[n] == '\0' || at[n] == ' ') && r->said[i] > last)
				last = r->said[i];
	}
	return last;
}

static int
scenario_check(const struct reader *r, struct err *err)
{
	const struct scenario *s = r->out;
	bool is_part = s->client_ranges + s->client_resume + s->client_abort +
	    s->client_unmodified > 0;
	const struct rule rules[] = {
	    {s->files_min > s->files_max, "files.min files.max",
	     "files: min is above max"},
	    {s->scenario_quick > s->scenario_downloads,
	     "scenario.quick scenario.downloads",
	     "scenario: quick is above downloads"},
	    {s->files_suffix[strspn(s->files_suffix,
				    "abcdefghijklmnopqrstuvwxyz0123456789")] != '\0' ||
		 strlen(s->files_suffix) > 16,
	     "files.suffix", "files: suffix takes up to 16 small letters and digits"},
	    {s->network_vpn != VPN_none && s->network_hops < 2,
	     "network.vpn network.hops",
	     "network: vpn needs the edge router, hops = 2 or more"},
	    {s->network_vpn != VPN_none && (s->network_ipv6 || s->network_clients > 1),
	     "network.vpn network.ipv6 network.clients",
	     "network: vpn is for one client and IPv4"},
	    {s->network_nat && s->network_hops < 2, "network.nat network.hops",
	     "network: nat needs the edge router, hops = 2 or more"},
	    {s->network_narrow != 0 && s->network_narrow < 576, "network.narrow",
	     "network: narrow is below 576"},
	    {s->network_narrow > s->network_mtu, "network.narrow network.mtu",
	     "network: narrow is above mtu, the other links' longest packet"},
	    {s->network_ipv6 &&
		 (s->network_mtu < IPV6_LEAST ||
		  (s->network_narrow != 0 && s->network_narrow < IPV6_LEAST)),
	     "network.ipv6 network.mtu network.narrow",
	     "network: ipv6 needs mtu and narrow of 1280 or more"},
	    {s->server_http == HTTP_2 && (s->server_program == SERVER_apache ||
					  s->server_program == SERVER_s_server),
	     "server.http server.program",
	     "server: http = 2 is for nginx and caddy"},
	    {s->server_http == HTTP_2 && s->server_tls == TLS_none,
	     "server.http server.tls", "server: http = 2 needs tls"},
	    {s->server_http == HTTP_3 &&
		 (s->server_program != SERVER_caddy ||
		  s->client_program != CLIENT_chromium || s->server_tls != TLS_13),
	     "server.http server.program server.tls client.program",
	     "server: http = 3 needs caddy, tls = 1.3 and chromium as the client"},
	    {s->server_http != HTTP_1 && s->client_program != CLIENT_curl &&
		 s->client_program != CLIENT_chromium,
	     "server.http client.program", "client: HTTP 2 is for curl and chromium"},
	    {s->server_program == SERVER_s_server &&
		 (s->server_tls == TLS_none || s->client_program != CLIENT_curl ||
		  s->client_reuse > 1 || s->client_parallel > 1 ||
		  s->network_servers > 1 || is_part),
	     "server.program server.tls client.program client.reuse client.parallel "
	     "network.servers client.ranges client.resume client.abort client.unmodified",
	     "server: "
	     "s_server needs tls, one address, and curl as the client with reuse = 1, "
	     "parallel = 1 and whole files"},
	    {s->server_record != RECORD_USUAL &&
		 (s->server_tls == TLS_none || (s->server_program != SERVER_nginx &&
						s->server_program != SERVER_s_server)),
	     "server.record server.tls server.program",
	     "server: record is for nginx and s_server with tls"},
	    {s->server_gzip && s->server_program != SERVER_nginx,
	     "server.gzip server.program", "server: gzip is for nginx"},
	    {s->server_gzip && s->client_program != CLIENT_curl,
	     "server.gzip client.program", "client: gzip is for curl"},
	    {(s->client_program == CLIENT_pipeline || s->client_program == CLIENT_apt) &&
		 s->server_tls != TLS_none,
	     "client.program server.tls", "client: this program is for tls = none"},
	    {is_part && (s->client_program != CLIENT_curl || s->client_reuse > 1),
	     "client.program client.reuse client.ranges client.resume client.abort "
	     "client.unmodified",
	     "client: ranges, resume, abort and unmodified are for curl with reuse = 1"},
	    {s->client_ranges + s->client_resume + s->client_abort +
		     s->client_unmodified >
		 1,
	     "client.ranges client.resume client.abort client.unmodified",
	     "client: ranges, resume, abort and unmodified are more than 1 together"},
	    {(s->client_program == CLIENT_chromium || s->client_program == CLIENT_apt) &&
		 s->client_reuse > s->files_count,
	     "client.program client.reuse files.count",
	     "client: reuse is above the number of files, and this program asks "
	     "for none twice"},
	    {s->client_depth > 1 && s->client_program != CLIENT_curl &&
		 s->client_program != CLIENT_pipeline && s->client_program != CLIENT_apt,
	     "client.depth client.program",
	     "client: depth is for curl, pipeline and apt"},
	    {s->meter_sample > 1 && s->meter_active > 0, "meter.sample meter.active",
	     "meter: sample and active do not go together"},
	};
	unsigned line = r->link_said;
	size_t i;
	int status = 0;

	for (i = 0; i < sizeof rules / sizeof *rules && status == 0; i++)
		if (rules[i].is_broken) {
			line = line_of(r, rules[i].keys);
			status = err_set(err, EINVAL, "%s", rules[i].why);
		}
	if (status == 0)
		status = link_way_check(&s->link, err);
	return status == 0 || line == 0 ? status : err_prefix(err, "line %u: ", line);
}

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
	if (r->section == LINK_SECTION) {
		r->link_said = r->line;
		return link_key_read(r->out, id, value, err);
	}
	for (i = 0; i < SCENARIO_KEYS; i++)
		if (strcmp(scenario_keys[i].section, sections[r->section].id) == 0 &&
		    strcmp(scenario_keys[i].id, id) == 0)
			break;
	if (i == SCENARIO_KEYS)
		return err_set(err, EINVAL, "[%s] has no key '%s' (weir lab list --keys)",
		    sections[r->section].id, id);
	if (r->said[i] != 0)
		return err_set(err, EINVAL, "%s is said twice", id);
	r->said[i] = r->line;
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
	struct reader r = {.out = &s, .section = -1};
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
		r.line = n;
		if (line_read(&r, line, err) != 0)
			return err_prefix(err, "%s: line %u: ", name, n);
	}
	if (scenario_check(&r, err) != 0)
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
