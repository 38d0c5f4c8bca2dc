/* SPDX-License-Identifier: BSD-2-Clause */
/* weir lab list: the scenarios, and what a file of one's own may say. */
#include "base/text.h"
#include "cmd/lab.h"
#include "cmd/lab_scenario.h"

#include <errno.h>
#include <stdio.h>

struct values {
	bool keys;
};

static const struct option_row options[] = {
	{"keys", 'k', OPTION_FLAG, offsetof(struct values, keys), NULL, NULL, 0, 0,
	    "the keys of scenario files instead"},
};

static int
run(void *values, const char **operands, int count, struct err *err)
{
	const struct values *v = values;
	struct scenario s;
	struct text out;
	unsigned i;

	if (count > 1) {
		err_set(err, EINVAL, "takes one scenario");
		return EXIT_USAGE;
	}
	text_init(&out);
	if (v->keys)
		scenario_help(&out);
	else if (count == 1 && scenario_open(operands[0], &s, err) == 0)
		scenario_print(&s, &out);
	for (i = 0; !v->keys && count == 0 && shipped_scenario(i, &s, err); i++)
		text_printf(&out, "%-18s %s\n", s.name, s.scenario_summary);
	fputs(out.data, stdout);
	text_done(&out);
	return err->code == 0 ? EXIT_GOOD : EXIT_TROUBLE;
}

const struct command command_lab_list = {
	.name = "lab list",
	.summary = "Lists the lab's scenarios",
	.operands = "[SCENARIO]",
	.about = "Prints a line for each scenario that weir lab run knows, in the order "
	    "in which it runs them. With the name of one, or with a file of one's own, "
	    "it prints what the scenario says, without what is the default.",
	.examples = "weir lab list\n"
	    "weir lab list six-hops >mine.lab\n"
	    "weir lab list --keys",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct values),
	.run = run,
};
