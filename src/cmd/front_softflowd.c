/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir-softflowd: softflowd's options, its usage and manual. What they mean to weir meter
 * is found out in front_translate.c.
 */
#include "cmd/front.h"

#include "base/err.h"
#include "base/text.h"
#include "cmd/command.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct front_row rows[] = {
	{'i', "[IDX:]INTERFACE", "interface",
	    "capture on this interface; the number, or else the "
	    "interface's own, goes into the flows"},
	{'r', "FILE", "read",
	    "read a capture file; the statistics are printed at the end"},
	{'n', "HOST:PORT,...", "send", "collectors"},
	{'l', NULL, "balance", "share the flows among the collectors"},
	{'v', "VERSION", "export", "1, 5 (the default), 9, 10 for IPFIX, or psamp"},
	{'P', "TRANSPORT", "transport", "udp, tcp or sctp"},
	{'A', "UNIT", "times", "sec, milli, micro or nano: absolute times in IPFIX"},
	{'b', NULL, "biflow", "biflows; only with -v 10"},
	{'T', "LEVEL", "key",
	    "what makes packets one flow: full, port, proto, ip, vlan or ether"},
	{'H', "MAC", "own-mac",
	    "with -T ether: what this address sends is egress; without, the interface's"},
	{'t', "NAME=TIME", "timeout",
	    "tcp, tcp.rst, tcp.fin, udp, icmp, general, maxlife, expint"},
	{'m', "FLOWS", "max-flows", "flows in memory; at least 64 here"},
	{'s', "N", "sample", "meter every N-th packet"},
	{'C', "BYTES", "snaplen", "octets of a frame to look at; at least 64 here"},
	{'B', "BYTES", "buffer", "memory for packets not yet read; at least 64 KiB here"},
	{'N', NULL, "no-promisc", "do not make the interface promiscuous"},
	{'L', "HOPS", "hop-limit", "time to live of what is sent"},
	{'S', "INTERFACE", "send-interface", "send through this interface"},
	{'e', "ADDRESS", "source", "send from this address"},
	{'x', "LABELS", "mpls-labels", "MPLS labels to record; none without this option"},
	{'R', "PORT", "receive-psamp",
	    "receive sampled packets (PSAMP) instead of capturing"},
	{'a', NULL, NULL, "needless: flows of a file always have the packets' time"},
	{'I', "TIME", "boot-time",
	    "begin the uptime clock of versions 1 to 9 anew so often"},
	{'g', NULL, NULL, "say at the end how much processor time it took"},
	{'M', NULL, "workers", "two threads share an interface's packets"},
	{'6', NULL, NULL,
	    "needless: IPv6 is always metered; NetFlow 1 and 5 leave it out"},
	{'d', NULL, NULL, "stay in the foreground"},
	{'D', NULL, "verbose", "stay in the foreground and say more"},
	{'p', "FILE", "pid-file",
	    "where the process id is written; not in the foreground"},
	{'c', "SOCKET", "control", "the control socket; none: without one"},
	{'h', NULL, NULL, "this text"},
};

static void
usage(FILE *to)
{
	size_t i;

	fprintf(to, "Usage: softflowd [options] [bpf_program]\n"
	    "This is weir " WEIR_VERSION " with the command line of softflowd. Valid "
	    "options:\n");
	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		fprintf(to, "  -%c %-18s %s\n", rows[i].letter,
		    rows[i].argument != NULL ? rows[i].argument : "", rows[i].help);
	fputs("  --translate OPTIONS  print the command line of weir that they stand "
	    "for\n", to);
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
	if (front_softflowd_translate(argc - is_shown, argv + is_shown, &words, &result,
	    &is_usage, &err) != 0) {
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
	if (status == EXIT_USAGE) /* softflowd has no other than 1 */
		status = EXIT_TROUBLE;
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
	.about = "Takes the options of softflowd and runs weir-meter(1) with what they "
	    "mean; --translate as the first word prints that command line instead. "
	    "Defaults are those of softflowd: NetFlow 5, 8192 flows, flows by "
	    "addresses, ports and protocol, its timeouts, a daemon with the pid file "
	    "/var/run/softflowd.pid and the control socket /var/run/softflowd.ctl. A "
	    "link named softflowd to this program does the same.",
	.differences =
	    "Connections are not cut into exchanges (weir meter --no-cut): a connection "
	    "is a flow, as in softflowd. Call weir-meter(1) itself to have downloads as "
	    "records.\n\n"
	    "Flows of a file (-r) have the packets' times, as softflowd's with -a. Like "
	    "there no flow of a file ends by a timeout, but for five days without a "
	    "packet, unless -t sets one, which softflowd ignores; a new connection "
	    "between the same ports begins a new flow, where softflowd goes on with the "
	    "old one.\n\n"
	    "Flows longer than 2 GiB are not ended, since counters have 64 bits here; "
	    "NetFlow 5 gets several records of them.\n\n"
	    "IPv6 is always metered. NetFlow 1 and 5 have none: such flows are left out "
	    "of what is sent, and counted.\n\n"
	    "-v ntopng and -f are errors. -a and -6 are accepted and needless. -b "
	    "without -v 10 and -A without -v 9 or 10 have no effect, and that is said. "
	    "Numbers below weir's least ones (-m, -C, -B) are raised, and that is "
	    "said.\n\n"
	    "All errors in options and in the packet source are reported before the "
	    "program goes into the background, with a status of 1.",
	.examples = "weir-softflowd -i eth0 -n 192.0.2.1:2055\n"
	    "weir-softflowd -r capture.pcap -n '[2001:db8::1]:4739' -v 10 -b\n"
	    "weir-softflowd --translate -i eth0 -n 192.0.2.1:2055 -v 9 -t udp=1m",
	.command = "meter",
	.rows = rows,
	.row_count = sizeof rows / sizeof *rows,
	.run = run,
};
