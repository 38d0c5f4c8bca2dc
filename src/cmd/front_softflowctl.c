/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir-softflowctl: softflowctl's command line and plain protocol. It talks to softflowd
 * as well as to weir meter.
 */
#include "cmd/front.h"

#include "base/err.h"
#include "cmd/command.h"
#include "serve/call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct front_row rows[] = {
	{'c', "SOCKET", "control", "the control socket; /var/run/softflowd.ctl without"},
	{'h', NULL, NULL, "this text"},
};

static void
usage(void)
{
	fputs("Usage: softflowctl [-h] [-c ctlsock] command\n", stderr);
}

static int
run(int argc, char **argv)
{
	struct serve_call call = {.path = "/var/run/softflowd.ctl", .is_plain = true,
	    .put = put_out};
	struct err err = {0};
	int letter;

	optind = 0;
	while ((letter = getopt(argc, argv, "hc:")) != -1) {
		switch (letter) {
		case 'h':
			usage();
			return EXIT_GOOD;
		case 'c':
			call.path = optarg;
			break;
		default:
			fputs("Invalid commandline option.\n", stderr);
			usage();
			return EXIT_TROUBLE;
		}
	}
	if (optind != argc - 1) {
		usage();
		return EXIT_TROUBLE;
	}
	call.command = argv[optind];
	if (serve_call(&call, &err) == 0)
		return EXIT_GOOD;
	fprintf(stderr, "%s\n", err.text);
	return EXIT_TROUBLE;
}

const struct front front_softflowctl = {
	.name = "weir-softflowctl",
	.old = "softflowctl",
	.summary = "weir ctl with the command line of softflowctl",
	.operands = "[-h] [-c SOCKET] COMMAND",
	.about = "Sends a command to weir-softflowd(1), to weir-meter(1) with "
	    "--control, or to softflowd itself, and prints the answer. The commands: "
	    "help, shutdown, exit, expire-all, delete-all, statistics, debug+, debug-, "
	    "stop-gather, start-gather, dump-flows, timeouts, send-template. help shows "
	    "all that the program asked knows. A link named softflowctl to this program "
	    "does the same.",
	.differences = "The exit status is 0 once an answer came, whatever it says, as "
	    "in softflowctl; weir-ctl(1) tells good answers from bad ones.",
	.examples = "weir-softflowctl statistics\n"
	    "weir-softflowctl -c /run/weir/meter.ctl 'timeouts udp=1m'",
	.command = "ctl",
	.rows = rows,
	.row_count = sizeof rows / sizeof *rows,
	.run = run,
};
