/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of alias.def as data. A template compiler walks them once per template, so
 * they need no index.
 */
#include "wire/alias.h"

#include "model/flow.h"

#define ZERO ALIAS_ZERO
#define ELSE ALIAS_ELSE

const struct alias aliases[] = {
#define ALIAS(element, field, conversion, rank, flags) \
	{0, element, FLOW_##field, CONVERT_##conversion, rank, flags},
#define OWN(element, field, conversion) \
	{PEN_OWN, element, FLOW_##field, CONVERT_##conversion, 20, 0},
#define PSEUDO(pen, element, conversion) {pen, element, 0, CONVERT_##conversion, 0, 0},
#include "wire/alias.def"
#undef ALIAS
#undef OWN
#undef PSEUDO
};

const unsigned alias_count = sizeof aliases / sizeof *aliases;
