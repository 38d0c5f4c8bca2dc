/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir lab: networks on this machine. Each verb is a command of its own; lab.def lists
 * them.
 */
#include "cmd/lab.h"

static const struct command *const verbs[] = {
#define LAB(name) &command_lab_##name,
#include "cmd/lab.def"
#undef LAB
};

const struct command command_lab = {
	.name = "lab",
	.summary = "Builds networks of namespaces and runs real programs in them",
	.operands = "VERB",
	.about = "A lab is a network on this machine: namespaces as hosts and routers, "
	    "joined by virtual Ethernet and by links with the delay, rate, losses and "
	    "reordering of a long way. It needs root and removes what it made, whatever "
	    "ends it; what a lab left that was killed is removed when the next one "
	    "starts, and by weir lab clean.",
	.verbs = verbs,
	.verb_count = sizeof verbs / sizeof *verbs,
};
