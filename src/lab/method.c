/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of method.def. */
#include "lab/method.h"

const struct lab_method lab_methods[LAB_METHODS] = {
#define METHOD(id, name_, heading_, source_, runner_, told_, join_, help_)               \
	[LAB_METHOD_##id] = {.name = name_,                                              \
			     .heading = heading_,                                        \
			     .help = help_,                                              \
			     .source = LAB_##source_,                                    \
			     .runner = LAB_##runner_,                                    \
			     .told = told_,                                              \
			     .join = LAB_##join_},
#include "lab/method.def"
#undef METHOD
};
