/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir ctl: one command to a running meter or collector. What it may say, and what the
 * answers mean, is in the rows of the program that is asked.
 */
#include "serve/call.h"

#include "base/text.h"
#include "cmd/common.h"
#include "cmd/control.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct values {
	const char *path, *format;
	int64_t wait_us;
};

static const struct option_row options[] = {
	{"control", 'c', OPTION_TEXT, offsetof(struct values, path), "SOCKET", NULL, 0, 0,
	    "the control socket of the program to ask; else " CONTROL_PATH " or, if that "
	    "is not there, the only one of that folder, such as that of weir-meter@eth0"},
	{"format", 'o', OPTION_TEXT, offsetof(struct values, format), "FORMAT", "text", 0,
	    0, "text, json, or ndjson for dump-flows"},
	{"timeout", 't', OPTION_TIME, offsetof(struct values, wait_us), "TIME", "90s", 0,
	    0, "give up after so long without a word from the program"},
};

/* The socket of the one program that runs here; found is for globfree. */
static int
find_socket(glob_t *found, const char **out, struct err *err)
{
	struct text names;
	size_t i;

	*out = CONTROL_PATH;
	if (access(CONTROL_PATH, F_OK) == 0 ||
	    glob(CONTROL_FOLDER "/*.ctl", 0, NULL, found) != 0 || found->gl_pathc == 0)
		return 0; /* connecting says what is wrong */
	*out = found->gl_pathv[0];
	if (found->gl_pathc == 1)
		return 0;
	text_init(&names);
	for (i = 0; i < found->gl_pathc; i++) {
		text_char(&names, ' ');
		text_str(&names, found->gl_pathv[i]);
	}
	err_set(err, EINVAL, "several programs can be asked; choose one with -c:%.300s",
	    names.data);
	text_done(&names);
	return -1;
}

static int
run(void *values, const char **operands, int count, struct err *err)
{
	const struct values *v = values;
	struct serve_call call = {.path = v->path, .put = put_out};
	glob_t found = {0};
	char *words;
	int status;

	if (count == 0) {
		err_set(err, EINVAL,
		    "say a command; help lists those of the program, --help the "
		    "usual ones");
		return EXIT_USAGE;
	}
	if (strcmp(v->format, "text") != 0 && strcmp(v->format, "json") != 0 &&
	    strcmp(v->format, "ndjson") != 0) {
		err_set(err, EINVAL, "-o takes text, json or ndjson, not '%s'",
		    v->format);
		return EXIT_USAGE;
	}
	if (v->wait_us < 1000 || v->wait_us > 86400000000) {
		err_set(err, EINVAL, "-t takes a time from 1ms to 1d");
		return EXIT_USAGE;
	}
	if (v->path == NULL && find_socket(&found, &call.path, err) != 0) {
		globfree(&found);
		return EXIT_USAGE;
	}
	words = operands_join(operands, count);
	call.command = words;
	call.is_json = strcmp(v->format, "text") != 0;
	call.timeout_ms = (unsigned)(v->wait_us / 1000);
	status = serve_call(&call, err) == 0 ? EXIT_GOOD : EXIT_TROUBLE;
	free(words);
	globfree(&found);
	if (err->code == EPIPE)
		err_clear(err);
	return status;
}

const struct command command_ctl = {
	.name = "ctl",
	.summary = "Asks and steers a running meter or collector",
	.operands = "COMMAND [ARGUMENT]",
	.about = "Sends a command to the control socket of weir-meter or weir-collect "
	"(their option --control) and prints the answer. It works with softflowd's "
	"socket too, in text.\n\n"
	"The protocol is a line of text each way, so that nc -U, socat and softflowctl "
	"can be used as well: a bare command is answered with text and the connection "
	"ends. \"json COMMAND\" is answered in JSON. After \"weir COMMAND\" or \"weir "
	"json COMMAND\" the connection stays open for more; lines of the answer that "
	"begin with a dot are sent with one dot more, and its last line is \". ok\" or "
	"\". error TEXT\".",
	.examples = "weir ctl statistics\n"
	    "weir ctl -c /run/weir/meter.ctl statistics\n"
	    "weir ctl -c /run/weir/meter.ctl -o json statistics\n"
	    "weir ctl -c /run/weir/meter.ctl timeouts udp=1m\n"
	    "echo statistics | nc -U /run/weir/meter.ctl",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct values),
	.run = run,
};
