/* SPDX-License-Identifier: BSD-2-Clause */
/* Scenario files: those that weir brings, and what is wrong with others, by file and
 * line. */
#include "base/err.h"
#include "base/text.h"
#include "lab/assets.h"
#include "lab/run.h"
#include "lab/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static void
parse(struct scenario *s, const char *name, const char *text)
{
	struct err err = {0};

	if (scenario_parse(s, name, text, strlen(text), &err) != 0)
		fail_msg("%s", err.text);
}

/* What is printed is read as the same, and says no more than what differs. */
static void
test_shipped(void **state)
{
	const struct asset *a;
	struct scenario s, again;
	struct text first, second;
	unsigned quick = 0, train = 0;

	text_init(&first);
	text_init(&second);
	for (a = asset_lab_scenarios; a->name != NULL; a++) {
		parse(&s, a->name, a->text);
		assert_true(strlen(s.name) + 4 == strlen(a->name));
		assert_true(s.scenario_summary[0] != '\0');
		assert_true(scenario_places_there(&s) != 0);
		quick += s.scenario_quick > 0;
		train += s.scenario_train > 0;
		assert_true(s.scenario_downloads == 300);
		text_clear(&first);
		text_clear(&second);
		scenario_print(&s, &first);
		parse(&again, a->name, first.data);
		scenario_print(&again, &second);
		assert_string_equal(first.data, second.data);
		assert_memory_equal(&s.link, &again.link, sizeof s.link);
	}
	assert_true(a - asset_lab_scenarios >= 20);
	assert_true(quick >= 4 && train == 1);
	text_done(&first);
	text_done(&second);
}

static void
test_values(void **state)
{
	struct scenario s;

	parse(&s, "some/folder/mine.lab",
	    "# a comment\n\n [network] # another\n hops=3\nttl = 128\t\n"
	    "timestamps = no\r\nvpn = openvpn\n[client]\nprogram = curl\npause = 1500ms\n"
	    "ranges = 0.25\n"
	    "[files]\n"
	    "max = 10M\n"
	    "min = 1k\n"
	    "[meter]\n"
	    "places = switch  edge transit\n"
	    "softflowd = none\n"
	    "[link]\n"
	    "loss = 1%\n"
	    "reorder-by = 3ms\n"
	    "[server]\n"
	    "http = 1.1");
	assert_string_equal(s.name, "mine");
	assert_true(s.network_hops == 3 && s.network_ttl == 128 && !s.network_timestamps);
	assert_true(s.network_vpn == VPN_openvpn && s.client_program == CLIENT_curl);
	assert_true(s.client_pause == 1500000 && s.client_ranges == 0.25);
	assert_true(s.files_min == 1000 && s.files_max == 10000000);
	assert_true(s.meter_softflowd == 0);
	/* the path has no transit router */
	assert_true(scenario_places_there(&s) == (1u << PLACE_switch | 1u << PLACE_edge));
	assert_true(s.has_link && s.link.loss == 0.01 && s.link.reorder_by == 3000000);
	parse(&s, "plain", "");
	assert_true(!s.has_link && s.network_hops == 6 && s.files_count == 50);
	assert_true(scenario_places_there(&s) == (1u << PLACES) - 1);
	parse(&s, "many.lab", "[network]\nclients = 4\nnat = yes\n");
	assert_false(scenario_places_there(&s) & 1u << PLACE_subnet);
}

static void
test_wrong(void **state)
{
	static const struct {
		const char *text, *message;
	} wrong[] = {
		{"hops = 1\n", "x.lab: line 1: 'hops' stands before"},
		{"[network]\n\nhop = 1\n", "x.lab: line 3: [network] has no key 'hop'"},
		{"[network]\nhops = 0\n", "x.lab: line 2: hops takes 1 to 12"},
		{"[network]\nhops = many\n", "x.lab: line 2: hops takes a number"},
		{"[network]\nhops =\n", "x.lab: line 2: hops has no value"},
		{"[network]\nhops = 2\nhops = 3\n", "x.lab: line 3: hops is said twice"},
		{"[network\n", "x.lab: line 1: a [section] ends with ]"},
		{"[nowhere]\n", "x.lab: line 1: there is no section [nowhere]"},
		{"[network]\nhops\n", "x.lab: line 2: 'hops' is neither"},
		{"[network]\nipv6 = maybe\n", "x.lab: line 2: ipv6 takes yes or no"},
		{"[network]\ncongestion = vegas\n",
		    "congestion takes one of cubic, bbr, reno"},
		{"[client]\npause = 2 weeks\n", "pause takes a time"},
		{"[client]\npause = 2h\n", "pause takes 0 to 60"},
		{"[client]\nranges = nan\n", "ranges takes a number"},
		{"[meter]\nplaces = attic\n", "places takes none or places"},
		{"[link]\nloss = 2%\nloss = 2%\n", "x.lab: line 3: loss is said twice"},
		{"[link]\nqueue = 9\nqueue = 9\n", "x.lab: line 3: queue is said twice"},
		{"[link]\nloss = lots\n", "x.lab: line 2: "},
		{"[link]\nspeed = 1\n", "x.lab: line 2: [link] has no key 'speed'"},
		{"[files]\nmin = 9M\nmax = 1M\n", "x.lab: line 3: files: min is above max"},
		{"[files]\nsuffix = a/b\n", "x.lab: line 2: files: suffix takes"},
		{"[server]\nhttp = 2\n", "x.lab: line 2: server: http = 2 needs tls"},
		{"[server]\nhttp = 3\ntls = 1.3\n", "http = 3 needs caddy"},
		{"[server]\nprogram = s_server\n", "s_server needs tls"},
		{"[network]\nvpn = wireguard\nhops = 1\n", "vpn needs the edge router"},
		{"[network]\nnat = yes\nhops = 1\n", "nat needs the edge router"},
		{"[client]\nabort = 0.1\n",
		    "ranges, resume, abort and unmodified are for curl"},
		{"[client]\nprogram = apt\nreuse = 60\n",
		    "reuse is above the number of files"},
		{"[client]\ndepth = 4\n", "depth is for"},
		/* a limit itself is good: test_limits */
		{"[network]\nnarrow = 1501\n\n[client]\nparallel = 2\n",
		"x.lab: line 2: network: narrow is above mtu"},
		{"[network]\nnarrow = 1400\nmtu = 1399\n",
		"x.lab: line 3: network: narrow is above mtu"},
		{"[network]\nnarrow = 575\n", "x.lab: line 2: network: narrow is below 576"},
		{"[network]\nmtu = 1279\nipv6 = yes\n",
		"x.lab: line 3: network: ipv6 needs"},
		{"[network]\nipv6 = yes\nnarrow = 1279\n",
		"x.lab: line 3: network: ipv6 needs"},
		{"[scenario]\nquick = 11\ndownloads = 10\n",
		"x.lab: line 3: scenario: quick is above downloads"},
		{"[network]\nvpn = openvpn\nipv6 = yes\n",
		"x.lab: line 3: network: vpn is for one client and IPv4"},
		{"[network]\nvpn = openvpn\nclients = 2\n",
		"x.lab: line 3: network: vpn is for one client and IPv4"},
		{"[server]\nprogram = apache\ntls = 1.3\nhttp = 2\n",
		"x.lab: line 4: server: http = 2 is for nginx and caddy"},
		{"[server]\ntls = 1.3\nhttp = 2\n[client]\nprogram = requests\n",
		"x.lab: line 5: client: HTTP 2 is for curl and chromium"},
		{"[server]\nrecord = 4096\n", "x.lab: line 2: server: record is for"},
		{"[server]\nprogram = caddy\ntls = 1.3\nrecord = 4096\n",
		"x.lab: line 4: server: record is for"},
		{"[server]\nprogram = caddy\ngzip = yes\n[client]\nprogram = curl\n",
		"x.lab: line 3: server: gzip is for nginx"},
		{"[server]\ngzip = yes\n", "x.lab: line 2: client: gzip is for curl"},
		{"[client]\nprogram = apt\n[server]\ntls = 1.2\n",
		"x.lab: line 4: client: this program is for tls = none"},
		{"[client]\nprogram = curl\nreuse = 2\nresume = 0.1\n",
		"x.lab: line 4: client: ranges, resume, abort and unmodified are for"},
		{"[client]\nprogram = curl\nresume = 0.6\nabort = 0.5\n",
		"x.lab: line 4: client: ranges, resume, abort and unmodified are more"},
		{"[meter]\nsample = 2\nactive = 1s\n",
		"x.lab: line 3: meter: sample and active do not go together"},
		{"[link]\nrate = 10M\nqueue = 0\n[client]\nparallel = 2\n",
		"x.lab: line 3: queue: a rate needs one"},
		{"[server]\nhttp = 3\nprogram = caddy\ntls = 1.3\n"
		 "[client]\nprogram = curl\n",
		"http = 3 needs caddy"},
		{"[server]\nhttp = 3\nprogram = caddy\ntls = 1.2\n"
		 "[client]\nprogram = chromium\n",
		"http = 3 needs caddy"},
		{"[server]\nhttp = 3\nprogram = nginx\ntls = 1.3\n"
		 "[client]\nprogram = chromium\n",
		"http = 3 needs caddy"},
		{"[server]\nprogram = s_server\n[client]\nprogram = curl\n",
		"s_server needs tls"},
		{"[server]\nprogram = s_server\ntls = 1.3\n",
		"s_server needs tls"},
		{"[server]\nprogram = s_server\ntls = 1.3\n"
		 "[client]\nprogram = curl\nreuse = 2\n",
		"x.lab: line 6: server: s_server needs tls"},
		{"[server]\nprogram = s_server\ntls = 1.3\n"
		 "[client]\nprogram = curl\nparallel = 2\n",
		"x.lab: line 6: server: s_server needs tls"},
		{"[server]\nprogram = s_server\ntls = 1.3\n"
		 "[client]\nprogram = curl\n[network]\nservers = 2\n",
		"x.lab: line 7: server: s_server needs tls"},
		{"[server]\nprogram = s_server\ntls = 1.3\n"
		 "[client]\nprogram = curl\nabort = 0.1\n",
		"x.lab: line 6: server: s_server needs tls"},
		{"[client]\nprogram = chromium\nreuse = 51\n",
		"reuse is above the number of files"},
		{"[client]\ndepth = 2\n",
		"x.lab: line 2: client: depth is for"},
		{"[meter]\nactive = 1us\nsample = 2\n",
		"x.lab: line 3: meter: sample and active"},
		{"[scenario]\nless = all\n",
		"x.lab: line 2: less takes one of sizes, downloads"},
		{"[scenario]\nless = sizes\nless = sizes\n",
		"x.lab: line 3: less is said twice"},
		{"[link]\nburst = 3\nloss = 0.1%\n\n[link]\nloss-at = 1\n",
		"x.lab: line 6: [link] has no key 'loss-at'"},
	};
	size_t i;

	for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct scenario s;
		struct err err = {0};

		if (scenario_parse(&s, "x.lab", wrong[i].text, strlen(wrong[i].text),
		    &err) == 0)
			fail_msg("read as good: %s", wrong[i].text);
		if (strstr(err.text, wrong[i].message) == NULL)
			fail_msg("'%s' said of: %s", err.text, wrong[i].text);
	}
}

/* At its limit each is good: what is refused lies one further. */
static void
test_limits(void **state)
{
	static const char *const good[] = {
	    "[network]\nnarrow = 1500\n", "[network]\nnarrow = 1400\nmtu = 1400\n",
	    "[network]\nnarrow = 576\n", "[network]\nmtu = 576\n",
	    "[network]\nipv6 = yes\nmtu = 1280\n",
	    "[network]\nipv6 = yes\nnarrow = 1280\n",
	    "[scenario]\nquick = 10\ndownloads = 10\n",
	    "[files]\nmin = 5M\nmax = 5M\n",
	    "[files]\nsuffix = abcdefghijklmn09\n",
	    "[network]\nvpn = openvpn\nhops = 2\n", "[network]\nnat = yes\nhops = 2\n",
	    "[client]\nprogram = curl\nresume = 0.5\nabort = 0.5\n",
	    "[client]\nprogram = apt\nreuse = 50\n", "[meter]\nsample = 2\n",
	    "[meter]\nactive = 1s\n", "[server]\ntls = 1.2\nrecord = 512\n",
	    "[link]\nrate = 10M\nqueue = 1\n",
	    "[network]\nhops = 12\nttl = 255\nclients = 32\nservers = 32\n",
	    "[server]\nprogram = s_server\ntls = 1.3\n[client]\nprogram = curl\n",
	    "[server]\nhttp = 3\nprogram = caddy\ntls = 1.3\n"
	    "[client]\nprogram = chromium\n",
	    "[client]\nprogram = chromium\nreuse = 50\n",
	    "[client]\nprogram = curl\nreuse = 60\n",
	    "[client]\nreuse = 60\n",
	    "[client]\nprogram = curl\ndepth = 2\n",
	    "[client]\nprogram = pipeline\ndepth = 2\nreuse = 2\n",
	    "[client]\ndepth = 1\n",
	};
	struct scenario s;
	size_t i;

	for (i = 0; i < sizeof good / sizeof *good; i++)
		parse(&s, "x.lab", good[i]);
}

/* Only what is not as usual is printed, in the order of the tables, as it is typed. */
static void
test_print(void **state)
{
	struct scenario s;
	struct text out;

	text_init(&out);
	parse(&s, "x", "");
	scenario_print(&s, &out);
	assert_string_equal(out.data, "");
	parse(&s, "x",
	    "[link]\nqueue = 9\nrate = 10M\n[client]\nprogram = wget\nparallel = 3\n"
	    "[scenario]\nsummary = two words\ndownloads = 300\nless = downloads\n"
	    "[meter]\nplaces = edge\nactive = 1500ms\n[files]\nscale = 0.25\n");
	scenario_print(&s, &out);
	assert_string_equal(out.data,
	    "[scenario]\nsummary = two words\nless = downloads\n[files]\nscale = 0.25\n"
	    "[client]\nparallel = 3\n[meter]\nplaces = edge\nactive = 1500ms\n"
	    "[link]\nrate = 10M\nqueue = 9\n");
	text_done(&out);
}

/* A place is there from its own number of hops on. */
static void
test_places(void **state)
{
	static const unsigned hops[PLACES] = {
#define PLACE(id, hops, help) [PLACE_##id] = hops,
#include "lab/place.def"
#undef PLACE
	};
	struct scenario s;
	unsigned n, i;

	parse(&s, "x", "");
	for (n = 1; n <= 12; n++) {
		s.network_hops = n;
		for (i = 0; i < PLACES; i++)
			assert_int_equal(scenario_places_there(&s) >> i & 1, hops[i] <= n);
	}
}

/* Lengths: at the limit each is good, one further it is refused in words that name it. */
static void
test_lengths(void **state)
{
	char name[64], line[1100], value[80];
	struct scenario s;
	struct err err = {0};

	memset(name, 'a', sizeof name);
	strcpy(name + 39, ".lab");
	parse(&s, name, "");
	assert_int_equal(strlen(s.name), 39);
	name[39] = 'a';
	strcpy(name + 40, ".lab");
	assert_int_equal(scenario_parse(&s, name, "", 0, &err), -1);
	assert_non_null(strstr(err.text, "a scenario's name has up to 39 letters"));

	memset(line, ' ', sizeof line);
	memcpy(line, "[network]", 9);
	line[1023] = '\n';
	err_clear(&err);
	assert_int_equal(scenario_parse(&s, "x", line, 1024, &err), 0);
	line[1023] = ' ';
	line[1024] = '\n';
	assert_int_equal(scenario_parse(&s, "x", line, 1025, &err), -1);
	assert_non_null(strstr(err.text, "x: line 1: longer than 1023 bytes"));
	memcpy(line, "[network]\0\n", 11);
	err_clear(&err);
	assert_int_equal(scenario_parse(&s, "x", line, 11, &err), -1);
	assert_non_null(strstr(err.text, "or no text"));
	memcpy(line, "[network]#\1\n", 12);
	assert_int_equal(scenario_parse(&s, "x", line, 12, &err), 0);

	snprintf(value, sizeof value, "[link]\nloss = 0.%029d\n", 1);
	parse(&s, "x", value);
	assert_int_equal(strlen(s.link_words[LINK_loss]), 31);
	snprintf(value, sizeof value, "[link]\nloss = 0.%030d\n", 1);
	err_clear(&err);
	assert_int_equal(scenario_parse(&s, "x", value, strlen(value), &err), -1);
	assert_non_null(strstr(err.text, "x: line 2: loss: "));
	assert_non_null(strstr(err.text, "is too long"));
}

static void
test_names(void **state)
{
	static const char *const bad[] = {"", ".lab", "a b.lab", "-x.lab", "dir/..",
	    "a\nb", "a-name-that-is-much-longer-than-forty-letters-are.lab"};
	static char large[SCENARIO_BYTES_MAX + 1];
	struct scenario s;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err err = {0};

		if (scenario_parse(&s, bad[i], "", 0, &err) == 0)
			fail_msg("a good name: '%s'", bad[i]);
		assert_true(err.text[0] != '\0');
	}
	memset(large, '\n', sizeof large);
	assert_true(scenario_parse(&s, "x", large, sizeof large, NULL) == -1);
	assert_true(scenario_parse(&s, "x", large, sizeof large - 1, NULL) == 0);
	memset(large, 'x', sizeof large);
	assert_true(scenario_parse(&s, "x", large, sizeof large - 1, NULL) == -1);
}

/* Every key and place is in the help. */
static void
test_help(void **state)
{
	static const char *const words[] = {
#define SECTION(id, help) "[" #id "]",
#define KEY(section, type, id, ...) "  " #id,
#include "lab/scenario.def"
#undef SECTION
#undef KEY
#define PLACE(id, ...) "  " #id,
#include "lab/place.def"
#undef PLACE
	};
	struct text help;
	const char *at;
	size_t i;

	text_init(&help);
	scenario_help(&help);
	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (strstr(help.data, words[i]) == NULL)
			fail_msg("no help for %s", words[i]);
	assert_memory_equal(help.data, "[scenario]", 10);
	assert_non_null(strstr(help.data, "\n\n[network]"));
	at = strstr(help.data, "[link]");
	for (i = 0; i < LINK_KEYS; i++) {
		char key[40];

		snprintf(key, sizeof key, "\n  %s ", link_rows[i].name);
		assert_non_null(strstr(at, key));
	}
	/* each key stands under its section, once */
	at = strstr(help.data, "[client]");
	assert_true(strstr(help.data, "\n  ttl ") < at);
	assert_true(strstr(at, "\n  pause ") < strstr(at, "[meter]"));
	assert_null(strstr(strstr(help.data, "\n  pause ") + 1, "\n  pause "));
	text_done(&help);
}

static void
test_quick(void **state)
{
	struct scenario s;

	parse(&s, "x", "[scenario]\ntrain = 1250\nquick = 20\n");
	run_make_quick(&s);
	assert_true(s.scenario_train == 20 && s.scenario_downloads == 20);
	assert_true(s.files_scale < 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped), cmocka_unit_test(test_values),
		cmocka_unit_test(test_wrong), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_print), cmocka_unit_test(test_places),
		cmocka_unit_test(test_lengths), cmocka_unit_test(test_names),
		cmocka_unit_test(test_help), cmocka_unit_test(test_quick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
