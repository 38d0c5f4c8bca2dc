/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir-softflowd: softflowd's command line as one of weir meter. First its options are read
 * as softflowd reads them, then what they, and softflowd's defaults, mean is written down as
 * words; weir meter does the rest. An option that weir meter does not have is an error, never
 * silence.
 */
#include "cmd/front.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/text.h"
#include "cmd/command.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

static const char letters[] = "6hdDL:T:H:i:r:f:t:n:m:p:c:v:s:P:A:B:baC:lR:MNS:x:I:ge:";
static const char pid_file[] = "/var/run/softflowd.pid";
static const char control[] = "/var/run/softflowd.ctl";

static const struct front_row rows[] = {
	{'i', "[IDX:]INTERFACE", "interface", "capture on this interface; the number goes into "
	    "the flows"},
	{'r', "FILE", "read", "read a capture file; the statistics are printed at the end"},
	{'n', "HOST:PORT,...", "send", "collectors"},
	{'l', NULL, "balance", "share the flows among the collectors"},
	{'v', "VERSION", "export", "1, 5 (the default), 9, 10 for IPFIX, or psamp"},
	{'P', "TRANSPORT", "transport", "udp, tcp or sctp"},
	{'A', "UNIT", "times", "sec, milli, micro or nano: absolute times in IPFIX"},
	{'b', NULL, "biflow", "biflows; only with -v 10"},
	{'T', "LEVEL", "key", "what makes packets one flow: full, port, proto, ip, vlan or ether"},
	{'H', "MAC", "own-mac", "with -T ether: what this address sends is egress"},
	{'t', "NAME=TIME", "timeout", "tcp, tcp.rst, tcp.fin, udp, icmp, general, maxlife, expint"},
	{'m', "FLOWS", "max-flows", "flows in memory; at least 64 here"},
	{'s', "N", "sample", "meter every N-th packet"},
	{'C', "BYTES", "snaplen", "octets of a frame to look at; at least 64 here"},
	{'B', "BYTES", "buffer", "memory for packets not yet read; at least 64 KiB here"},
	{'N', NULL, "no-promisc", "do not make the interface promiscuous"},
	{'L', "HOPS", "hop-limit", "time to live of what is sent"},
	{'S', "INTERFACE", "send-interface", "send through this interface"},
	{'e', "ADDRESS", "source", "send from this address"},
	{'x', "LABELS", "mpls-labels", "MPLS labels to record; none without this option"},
	{'R', "PORT", "receive-psamp", "receive sampled packets (PSAMP) instead of capturing"},
	{'a', NULL, NULL, "needless: flows of a file always have the packets' time"},
	{'I', "TIME", "boot-time", "begin the uptime clock of versions 1 to 9 anew so often"},
	{'g', NULL, NULL, "say at the end how much processor time it took"},
	{'M', NULL, "workers", "two threads share an interface's packets"},
	{'6', NULL, NULL, "needless: IPv6 is always metered; NetFlow 1 and 5 leave it out"},
	{'d', NULL, NULL, "stay in the foreground"},
	{'D', NULL, "verbose", "stay in the foreground and say more"},
	{'p', "FILE", "pid-file", "where the process id is written; not in the foreground"},
	{'c', "SOCKET", "control", "the control socket; none: without one"},
	{'h', NULL, NULL, "this text"},
};

/* softflowd's timeouts, and ours. Its tcp.fin runs from the second FIN on; after the first
 * it has no other than tcp: 0 here. */
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
static const char never[] = "5d";

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
		return err_set(g->err, ENOTSUP, "-%c cannot be honoured: weir meter has no --%s",
		    letter, name);
	word(g->out, value == NULL ? joined("--", name, "", "") : joined("--", name, "=", value));
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
		return err_set(g->err, EINVAL, "\"general\" flow timeout must be greater than zero");
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
		return err_set(g->err, ENOTSUP, "-v ntopng cannot be honoured: ntopng takes IPFIX "
		    "too, use -v 10");
	g->version = (unsigned)atoi(text);
	for (i = 0; i < sizeof known / sizeof *known; i++) {
		if (known[i] == g->version)
			return 0;
	}
	return err_set(g->err, EINVAL, "Invalid NetFlow version");
}

/* Days, hours, minutes or seconds of uptime, at most what 32 bits of milliseconds hold. */
static int
take_boot_time(struct given *g, const char *text)
{
	static const struct {
		char unit;
		long seconds, max;
	} units[] = {{'d', 86400, 49}, {'h', 3600, 1193}, {'m', 60, 71582}, {0, 1, 4294944}};
	char *rest;
	long number;
	size_t i = 0;

	errno = 0;
	number = strtol(text, &rest, 10);
	if (rest == text)
		return err_set(g->err, EINVAL, "No digits were found in boot_time_reinit");
	if (errno != 0 || number < 0)
		return err_set(g->err, EINVAL, "Invalid boot_time_reinit");
	while (units[i].unit != 0 && units[i].unit != tolower((unsigned char)*rest))
		i++;
	number = number > units[i].max ? units[i].max : number;
	snprintf(g->boot_time, sizeof g->boot_time, "%ld", number * units[i].seconds);
	return 0;
}

/* Values that softflowd looks at itself. */
static int
check(struct given *g, int letter, const char *value)
{
	static const char *const levels[] = {"full", "port", "proto", "ip", "vlan", "ether", NULL};
	static const char *const transports[] = {"udp", "tcp", "sctp", NULL};
	static const char *const units[] = {"sec", "milli", "micro", "nano", NULL};
	const char *const *list = letter == 'T' ? levels : letter == 'P' ? transports
	    : letter == 'A' ? units : NULL;
	const char *what = letter == 'T' ? "Unknown flow tracking level" : letter == 'P'
	    ? "Unknown transport layer protocol" : "Unknown time format";

	switch (letter) {
	case 'i':
	case 'r':
		if (g->values['i'] != NULL || g->values['r'] != NULL)
			return err_set(g->err, EINVAL, "Packet source already specified.");
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
	case 'I':
		return take_boot_time(g, value);
	}
	if (list == NULL)
		return 0;
	for (; *list != NULL; list++) {
		if (strcasecmp(*list, value) == 0)
			return 0;
	}
	return err_set(g->err, EINVAL, "%s", what);
}

static int
read_options(struct given *g, int argc, char **argv, bool *is_usage)
{
	int letter;

	*is_usage = true;
	optind = 0; /* begins anew */
	while ((letter = getopt(argc, argv, letters)) != -1) {
		if (letter == '?' || letter == 'f')
			return err_set(g->err, EINVAL, "Invalid commandline option.");
		if (check(g, letter, optarg) != 0)
			return -1;
		g->values[letter] = optarg == NULL ? "" : optarg;
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
	const char *value = g->values[(int)letter] != NULL ? g->values[(int)letter] : fallback;
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
	if (g->values['i'] != NULL && option(g, 'i', "interface", g->values['i']) != 0)
		return -1;
	if (g->values['r'] != NULL && option(g, 'r', "read", g->values['r']) != 0)
		return -1;
	if (g->values['R'] != NULL && option(g, 'R', "receive-psamp", g->values['R']) != 0)
		return -1;
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
	const char *value;
	char *text;
	size_t i;
	int status = 0;

	for (i = 0; i < TIMEOUTS && status == 0; i++) {
		value = g->timeouts[i] != NULL ? g->timeouts[i]
		    : is_file && timeouts[i].is_idle ? never : timeouts[i].fallback;
		if (value == NULL)
			continue;
		text = joined(timeouts[i].name, "=", value, "");
		status = option(g, 't', "timeout", text);
		free(text);
	}
	return status;
}

static int
write_flows(struct given *g)
{
	if (option(g, 'T', "key", g->values['T'] != NULL ? g->values['T'] : "full") != 0 ||
	    number(g, 'm', "max-flows", "8192", 64) != 0 ||
	    option(g, 'x', "mpls-labels", g->values['x'] != NULL ? g->values['x'] : "0") != 0 ||
	    option(g, 0, "no-cut", NULL) != 0)
		return -1;
	if (g->values['H'] != NULL && option(g, 'H', "own-mac", g->values['H']) != 0)
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

/* How it runs: a file in the foreground with its statistics, else as a daemon with a pid file,
 * in both cases with a control socket but for files. */
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
	return option(g, 'p', "pid-file", g->values['p'] != NULL ? g->values['p'] : pid_file);
}

int
front_softflowd_translate(int argc, char **argv, struct front_words *out,
    struct front_result *result, bool *is_usage, struct err *err)
{
	struct given g = {.version = 5, .out = out, .result = result, .err = err};
	int status = read_options(&g, argc, argv, is_usage), i;

	if (status == 0 && !result->is_help) {
		word(out, joined("meter", "", "", ""));
		if (write_packets(&g) != 0 || write_flows(&g) != 0 || write_outputs(&g) != 0 ||
		    write_process(&g) != 0)
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

static void
usage(FILE *to)
{
	size_t i;

	fprintf(to, "Usage: softflowd [options] [bpf_program]\n"
	    "This is weir " WEIR_VERSION " with the command line of softflowd. Valid options:\n");
	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		fprintf(to, "  -%c %-18s %s\n", rows[i].letter,
		    rows[i].argument != NULL ? rows[i].argument : "", rows[i].help);
	fputs("  --translate OPTIONS  print the command line of weir that they stand for\n", to);
}

static void
print_word(const char *s)
{
	if (*s != '\0' && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-_=+,./:@%[]") == strlen(s)) {
		printf(" %s", s);
		return;
	}
	fputs(" '", stdout);
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*s);
	}
	putchar('\'');
}

static int
print_words(const struct front_words *w)
{
	size_t i;

	fputs("weir", stdout);
	for (i = 0; i < w->count; i++)
		print_word(w->words[i]);
	putchar('\n');
	return fflush(stdout) == 0 ? EXIT_GOOD : EXIT_TROUBLE;
}

static int
run(int argc, char **argv)
{
	struct front_words words = {0};
	struct text notes;
	struct front_result result = {.notes = &notes};
	struct err err = {0};
	bool is_usage, is_shown = argc > 1 && strcmp(argv[1], "--translate") == 0;
	int status = EXIT_TROUBLE;

	text_init(&notes);
	if (is_shown)
		argv[1] = argv[0];
	if (front_softflowd_translate(argc - is_shown, argv + is_shown, &words, &result, &is_usage,
	    &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		if (is_usage)
			usage(stderr);
		goto done;
	}
	if (result.is_help) {
		usage(stderr);
		status = EXIT_GOOD;
		goto done;
	}
	if (notes.len > 0)
		fprintf(stderr, "%s", notes.data);
	status = is_shown ? print_words(&words)
	    : command_run(&command_meter, (int)words.count, words.words);
	if (result.is_gauged && !is_shown)
		fprintf(stderr, "cpu clocks: %ld\n", (long)clock());
done:
	front_words_done(&words);
	text_done(&notes);
	return status;
}

const struct front front_softflowd = {
	.name = "weir-softflowd",
	.old = "softflowd",
	.summary = "weir meter with the command line of softflowd",
	.operands = "[OPTIONS] [FILTER]",
	.about = "Takes the options of softflowd and runs weir-meter(1) with what they mean; "
	    "--translate as the first word prints that command line instead. Defaults are those of "
	    "softflowd: NetFlow 5, 8192 flows, flows by addresses, ports and protocol, its "
	    "timeouts, a daemon with the pid file /var/run/softflowd.pid and the control socket "
	    "/var/run/softflowd.ctl. A link named softflowd to this program does the same.",
	.differences =
	    "Connections are not cut into exchanges (weir meter --no-cut): a connection is a flow, "
	    "as in softflowd. Call weir-meter(1) itself to have downloads as records.\n\n"
	    "Flows of a file (-r) have the packets' times, as softflowd's with -a. Like there no "
	    "flow of a file ends by a timeout, but for five days without a packet, unless -t sets "
	    "one, which softflowd ignores; a new "
	    "connection between the same ports begins a new flow, where softflowd goes on with the "
	    "old one.\n\n"
	    "Flows longer than 2 GiB are not ended, since counters have 64 bits here; NetFlow 5 "
	    "gets several records of them.\n\n"
	    "IPv6 is always metered. NetFlow 1 and 5 have none: such flows are left out of what is "
	    "sent, and counted.\n\n"
	    "-v ntopng, -R and -f are errors. -a and -6 are accepted and needless. -b "
	    "without -v 10 and -A without -v 9 or 10 have no effect, and that is said. Numbers below "
	    "weir's least ones (-m, -C, -B) are raised, and that is said.\n\n"
	    "All errors in options and in the packet source are reported before the program goes "
	    "into the background, with a status of 1.",
	.examples = "weir-softflowd -i eth0 -n 192.0.2.1:2055\n"
	    "weir-softflowd -r capture.pcap -n '[2001:db8::1]:4739' -v 10 -b\n"
	    "weir-softflowd --translate -i eth0 -n 192.0.2.1:2055 -v 9 -t udp=1m",
	.command = "meter",
	.rows = rows,
	.row_count = sizeof rows / sizeof *rows,
	.run = run,
};
