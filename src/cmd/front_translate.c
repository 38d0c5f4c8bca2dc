/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * softflowd's command line as one of weir meter. First its options are read
 * as softflowd reads them, then what they, and softflowd's defaults, mean is written down
 * as words; weir meter does the rest. An option that weir meter does not have is an
 * error, never silence.
 */
#include "cmd/front.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/text.h"
#include "cmd/command.h"
#include "meter/meter.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char letters[] = "6hdDL:T:H:i:r:f:t:n:m:p:c:v:s:P:A:B:baC:lR:MNS:x:I:ge:";
static const char pid_file[] = "/var/run/softflowd.pid";
static const char control[] = "/var/run/softflowd.ctl";

/* softflowd's timeouts, and ours. Its tcp.fin runs from the second FIN on; after the
 * first it has no other than tcp: 0 here. */
static const struct timeout {
	const char *old, *name;
	const char *fallback; /* NULL: weir meter's own is the same */
	bool is_idle;         /* does not run while a file is read */
} timeouts[] = {
	{"tcp", "tcp", NULL, true},
	{NULL, "tcp_fin", "0", false},
	{"tcp.rst", "tcp_rst", "120", true},
	{"tcp.fin", "tcp_closed", "300", true},
	{"udp", "udp", NULL, true},
	{"icmp", "icmp", NULL, true},
	{"general", "general", NULL, true},
	{"maxlife", "maxlife", NULL, false},
	{"expint", "expint", "60", false},
};
enum { TIMEOUTS = sizeof timeouts / sizeof *timeouts };

/* The longest that weir meter has: softflowd ends no flow of a file by time. */
static const char never[] = "5d", longest_life[] = "11d";

/* What the options say, before anything is decided. */
struct given {
	const char *values[128];    /* by letter; "" for those without an argument */
	char *timeouts[TIMEOUTS];
	unsigned version;
	bool is_psamp;
	char boot_time[24];         /* seconds; "" or "0": not wanted */
	struct front_words *out;
	struct front_result *result;
	struct err *err;
};

static void
word(struct front_words *w, char *text)
{
	if (w->count + 1 >= w->cap) {
		w->cap = w->cap == 0 ? 32 : 2 * w->cap;
		w->words = must(realloc(w->words, w->cap * sizeof *w->words));
	}
	w->words[w->count++] = text;
	w->words[w->count] = NULL;
}

static char *
joined(const char *a, const char *b, const char *c, const char *d)
{
	struct text t;

	text_init(&t);
	text_str(&t, a);
	text_str(&t, b);
	text_str(&t, c);
	text_str(&t, d);
	return t.data;
}

/* --OPTION=VALUE, or --OPTION; whether weir meter has it is looked up. */
static int
option(struct given *g, char letter, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < command_meter.option_count; i++) {
		if (strcmp(command_meter.options[i].name, name) == 0)
			break;
	}
	if (i == command_meter.option_count)
		return err_set(g->err, ENOTSUP,
		    "-%c cannot be honoured: weir meter has no --%s", letter, name);
	word(g->out, value == NULL ? joined("--", name, "", "") : joined("--", name, "=",
	    value));
	return 0;
}

static void
note(struct given *g, const char *fmt, const char *value)
{
	text_printf(g->result->notes, fmt, value);
	text_char(g->result->notes, '\n');
}

/* "1h30m", "90", "2W" of any case to ours; NULL if it is none. */
static char *
lower_time(const char *s)
{
	char *copy = joined(s, "", "", "");
	int64_t us;
	char *p;

	for (p = copy; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (strpbrk(copy, "u") == NULL && option_time(copy, &us))
		return copy;
	free(copy);
	return NULL;
}

static int
take_timeout(struct given *g, const char *text)
{
	size_t len = strcspn(text, "="), i;
	char *value;

	if (text[len] != '=' || text[len + 1] == '\0')
		return err_set(g->err, EINVAL, "Invalid -t option \"%s\".", text);
	if ((value = lower_time(text + len + 1)) == NULL)
		return err_set(g->err, EINVAL, "Invalid -t timeout.");
	for (i = 0; i < TIMEOUTS; i++) {
		if (timeouts[i].old != NULL && strlen(timeouts[i].old) == len &&
		    memcmp(timeouts[i].old, text, len) == 0)
			break;
	}
	if (i == TIMEOUTS) {
		free(value);
		return err_set(g->err, EINVAL, "Invalid -t name.");
	}
	free(g->timeouts[i]);
	g->timeouts[i] = value;
	if (strcmp(timeouts[i].name, "general") == 0 && strtol(value, NULL, 10) == 0)
		return err_set(g->err, EINVAL,
		    "\"general\" flow timeout must be greater than zero");
	return 0;
}

static int
take_version(struct given *g, const char *text)
{
	static const unsigned known[] = {1, 5, 9, 10};
	size_t i;

	g->is_psamp = strcmp(text, "psamp") == 0;
	if (g->is_psamp)
		return 0;
	if (strcmp(text, "ntopng") == 0)
		return err_set(g->err, ENOTSUP,
		    "-v ntopng cannot be honoured: ntopng takes IPFIX "
		    "too, use -v 10");
	g->version = (unsigned)atoi(text);
	for (i = 0; i < sizeof known / sizeof *known; i++) {
		if (known[i] == g->version)
			return 0;
	}
	return err_set(g->err, EINVAL, "Invalid NetFlow version");
}

/* Days, hours, minutes or seconds of uptime, at most what 32 bits of milliseconds
 * hold. */
static int
take_boot_time(struct given *g, const char *text)
{
	static const struct {
		char unit;
		long seconds, max;
	} units[] = {{'d', 86400, 49}, {'h', 3600, 1193}, {'m', 60, 71582},
	    {0, 1, 4294944}};
	char *rest;
	long number;
	size_t i = 0;

	errno = 0;
	number = strtol(text, &rest, 10);
	if (rest == text)
		return err_set(g->err, EINVAL,
		    "No digits were found in boot_time_reinit");
	if (errno != 0 || number < 0)
		return err_set(g->err, EINVAL, "Invalid boot_time_reinit");
	while (units[i].unit != 0 && units[i].unit != tolower((unsigned char)*rest))
		i++;
	number = number > units[i].max ? units[i].max : number;
	snprintf(g->boot_time, sizeof g->boot_time, "%ld", number * units[i].seconds);
	return 0;
}

/* Words, of either case. */
static const struct choice {
	char letter;
	const char *words[7];
	const char *unknown;
} choices[] = {
	{'T', {"full", "port", "proto", "ip", "vlan", "ether"},
	"Unknown flow tracking level"},
	{'P', {"udp", "tcp", "sctp"}, "Unknown transport layer protocol"},
	{'A', {"sec", "milli", "micro", "nano"}, "Unknown time format"},
};

/* The choice's own spelling; NULL if there is no such word. */
static const char *
choose(const struct choice *c, const char *value)
{
	size_t i;

	for (i = 0; c->words[i] != NULL && strcasecmp(c->words[i], value) != 0; i++)
		;
	return c->words[i];
}

/* Values that softflowd looks at itself. */
static int
check(struct given *g, int letter, const char *value)
{
	struct meter_config config = {0};

	switch (letter) {
	case 'i':
	case 'r':
		if (g->values['i'] != NULL || g->values['r'] != NULL)
			return err_set(g->err, EINVAL,
			    "Packet source already specified.");
		return 0;
	case 't':
		return take_timeout(g, value);
	case 'v':
		return take_version(g, value);
	case 'L':
		if (atoi(value) < 0 || atoi(value) > 255)
			return err_set(g->err, EINVAL, "Invalid hop limit");
		return 0;
	case 'm':
		if (atoi(value) < 0)
			return err_set(g->err, EINVAL, "Invalid maximum flows");
		return 0;
	case 'x':
		if (atoi(value) < 0 || atoi(value) > 10)
			return err_set(g->err, EINVAL, "Invalid number of MPLS label");
		return 0;
	case 'H':
		if (meter_config_mac(&config, value, NULL) != 0)
			return err_set(g->err, EINVAL, "Invalid MAC address %s", value);
		return 0;
	case 'I':
		return take_boot_time(g, value);
	}
	return 0;
}

static int
read_options(struct given *g, int argc, char **argv, bool *is_usage)
{
	const char *value;
	size_t i;
	int letter;

	*is_usage = true;
	optind = 0; /* begins anew */
	while ((letter = getopt(argc, argv, letters)) != -1) {
		if (letter == '?' || letter == 'f')
			return err_set(g->err, EINVAL, "Invalid commandline option.");
		if (check(g, letter, optarg) != 0)
			return -1;
		value = optarg == NULL ? "" : optarg;
		for (i = 0; i < sizeof choices / sizeof *choices; i++) {
			if (choices[i].letter == letter &&
			    (value = choose(&choices[i], optarg)) == NULL)
				return err_set(g->err, EINVAL, "%s", choices[i].unknown);
		}
		g->values[letter] = value;
		g->result->is_help |= letter == 'h';
	}
	if (!g->result->is_help && g->values['i'] == NULL && g->values['r'] == NULL &&
	    g->values['R'] == NULL)
		return err_set(g->err, EINVAL, "-i, -r or -R option not specified.");
	*is_usage = false;
	return 0;
}

/* A number that weir meter wants to be at least min. */
static int
number(struct given *g, char letter, const char *name, const char *fallback, long min)
{
	const char *value = g->values[(int)letter] != NULL ? g->values[(int)letter]
	    : fallback;
	char text[24];

	if (value == NULL)
		return 0;
	snprintf(text, sizeof text, "%ld", atol(value) < min ? min : atol(value));
	if (atol(value) < min)
		note(g, "a smaller number than %s is not used here", text);
	return option(g, letter, name, text);
}

static int
write_packets(struct given *g)
{
	char address[40]; /* a port, on all addresses */

	if (g->values['i'] != NULL && option(g, 'i', "interface", g->values['i']) != 0)
		return -1;
	if (g->values['r'] != NULL && option(g, 'r', "read", g->values['r']) != 0)
		return -1;
	if (g->values['R'] != NULL) {
		snprintf(address, sizeof address, ":%s", g->values['R']);
		if (option(g, 'R', "receive-psamp", address) != 0)
			return -1;
	}
	if (number(g, 'C', "snaplen", NULL, 64) != 0)
		return -1;
	if (g->values['B'] != NULL && number(g, 'B', "buffer", NULL, 65536) != 0)
		return -1;
	if (g->values['N'] != NULL && option(g, 'N', "no-promisc", NULL) != 0)
		return -1;
	if (g->values['M'] != NULL && g->values['i'] != NULL &&
	    option(g, 'M', "workers", "2") != 0)
		return -1;
	return 0;
}

static int
write_timeouts(struct given *g)
{
	bool is_file = g->values['r'] != NULL;
	const char *value, *most;
	int64_t us, most_us;
	char *text;
	size_t i;
	int status = 0;

	for (i = 0; i < TIMEOUTS && status == 0; i++) {
		value = g->timeouts[i] != NULL ? g->timeouts[i]
		    : is_file && timeouts[i].is_idle ? never : timeouts[i].fallback;
		if (value == NULL)
			continue;
		most = strcmp(timeouts[i].name, "maxlife") == 0 ? longest_life : never;
		if (option_time(value, &us) && option_time(most, &most_us) &&
		    us > most_us && strcmp(timeouts[i].name, "expint") != 0) {
			note(g, "a longer time than %s is not used here", most);
			value = most;
		}
		text = joined(timeouts[i].name, "=", value, "");
		status = option(g, 't', "timeout", text);
		free(text);
	}
	return status;
}

static int
write_flows(struct given *g)
{
	if (option(g, 'T', "key", g->values['T'] != NULL ? g->values['T'] : "full") !=
	    0 || number(g, 'm', "max-flows", "8192", 64) != 0 ||
	    option(g, 'x', "mpls-labels", g->values['x'] != NULL ? g->values['x']
	    : "0") != 0 ||
	    option(g, 0, "no-cut", NULL) != 0)
		return -1;
	if (g->values['H'] != NULL && (g->values['T'] == NULL ||
	    strcmp(g->values['T'], "ether") != 0))
		note(g, "%s has no effect without -T ether", "-H");
	else if (g->values['H'] != NULL && option(g, 'H', "own-mac", g->values['H']) != 0)
		return -1;
	if (g->values['s'] != NULL && atol(g->values['s']) >= 2 &&
	    number(g, 's', "sample", NULL, 2) != 0)
		return -1;
	return write_timeouts(g);
}

static int
write_outputs(struct given *g)
{
	static const struct {
		char letter;
		const char *option;
	} plain[] = {{'P', "transport"}, {'L', "hop-limit"}, {'S', "send-interface"},
	    {'e', "source"}};
	char version[12];
	size_t i;

	if (g->values['n'] == NULL)
		return 0;
	if (g->is_psamp)
		g->version = 10;
	snprintf(version, sizeof version, "%u", g->version);
	if (option(g, 'n', "send", g->values['n']) != 0 ||
	    option(g, 'v', "export", g->is_psamp ? "psamp" : version) != 0)
		return -1;
	for (i = 0; i < sizeof plain / sizeof *plain; i++) {
		if (g->values[(int)plain[i].letter] != NULL && option(g, plain[i].letter,
		    plain[i].option, g->values[(int)plain[i].letter]) != 0)
			return -1;
	}
	if (g->values['l'] != NULL && option(g, 'l', "balance", NULL) != 0)
		return -1;
	if (atol(g->boot_time) > 0 && g->version < 10 &&
	    option(g, 'I', "boot-time", g->boot_time) != 0)
		return -1;
	if (g->is_psamp && (g->values['A'] != NULL || g->values['b'] != NULL)) {
		note(g, "%s has no effect: -v psamp reports packets, not flows",
		    g->values['A'] != NULL ? "-A" : "-b");
		return 0;
	}
	if (g->values['A'] != NULL && g->version < 9)
		note(g, "-A has no effect: NetFlow %s has no absolute times", version);
	else if (g->values['A'] != NULL && option(g, 'A', "times", g->values['A']) != 0)
		return -1;
	if (g->values['b'] != NULL && g->version != 10)
		note(g, "-b has no effect: NetFlow %s has no biflows", version);
	else if (g->values['b'] != NULL)
		return option(g, 'b', "biflow", NULL);
	return 0;
}

/* How it runs: a file in the foreground with its statistics, else as a daemon with a pid
 * file, in both cases with a control socket but for files. */
static int
write_process(struct given *g)
{
	const char *path = g->values['c'] != NULL ? g->values['c'] : control;

	if (g->values['r'] != NULL)
		return option(g, 'r', "summary", "softflowd");
	if (strcmp(path, "none") != 0) {
		if (option(g, 'c', "control", path) != 0)
			return -1;
	} else if (g->values['n'] == NULL) { /* for the statistics at the end, then */
		if (option(g, 0, "summary", "softflowd") != 0)
			return -1;
	}
	if (g->values['D'] != NULL)
		return option(g, 'D', "verbose", NULL);
	if (g->values['d'] != NULL)
		return 0;
	if (option(g, 0, "daemon", NULL) != 0)
		return -1;
	return option(g, 'p', "pid-file", g->values['p'] != NULL ? g->values['p']
	    : pid_file);
}

int
front_softflowd_translate(int argc, char **argv, struct front_words *out,
    struct front_result *result, bool *is_usage, struct err *err)
{
	struct given g = {.version = 5, .out = out, .result = result, .err = err};
	int status = read_options(&g, argc, argv, is_usage), i;

	if (status == 0 && !result->is_help) {
		word(out, joined("meter", "", "", ""));
		if (write_packets(&g) != 0 || write_flows(&g) != 0 ||
		    write_outputs(&g) != 0 || write_process(&g) != 0)
			status = -1;
		if (status == 0 && optind < argc)
			word(out, joined("--", "", "", ""));
		for (i = optind; i < argc && status == 0; i++)
			word(out, joined(argv[i], "", "", ""));
	}
	result->is_gauged = g.values['g'] != NULL;
	for (i = 0; i < TIMEOUTS; i++)
		free(g.timeouts[i]);
	return status;
}
