/* SPDX-License-Identifier: BSD-2-Clause */
/* weir lab clean: removes what labs that were killed have left. */
#include "base/text.h"
#include "cmd/lab.h"
#include "lab/network.h"

#include <errno.h>
#include <stdio.h>

static int
run(void *values, const char **operands, int count, struct err *err)
{
	struct text told;
	int status;

	if (count > 0) {
		err_set(err, EINVAL, "takes no operands");
		return EXIT_USAGE;
	}
	text_init(&told);
	status = network_clean(&told, err);
	fputs(told.len > 0 ? told.data : status == 0 ? "nothing was left\n" : "", stdout);
	text_done(&told);
	return status == 0 ? EXIT_GOOD : EXIT_TROUBLE;
}

const struct command command_lab_clean = {
	.name = "lab clean",
	.summary = "Removes what labs that were killed have left",
	.operands = "",
	.about = "A lab removes its namespaces and interfaces when it ends, also when it "
	    "is interrupted. One that was killed cannot. What it left is known by a file "
	    "in "
	    NETWORK_FOLDER " whose process is gone; this command ends the programs that "
	    "still run in such namespaces, removes them and tells what they were. A new "
	    "lab does the same when it starts. Labs that run are left alone. Needs root "
	    "where something is left.",
	.examples = "weir lab clean",
	.run = run,
};
