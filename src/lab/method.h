/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_METHOD_H
#define LAB_METHOD_H

#include "lab/judge.h"

/* The methods of method.def. */
enum lab_source { LAB_PLAIN, LAB_SPANS };
enum lab_runner { LAB_SKLEARN, LAB_CLASSIFIER, LAB_FROZEN, LAB_FITTED };

enum lab_method_id {
#define METHOD(id, ...) LAB_METHOD_##id,
#include "lab/method.def"
#undef METHOD
	LAB_METHODS
};

struct lab_method {
	const char *name, *heading, *help;
	enum lab_source source;
	enum lab_runner runner;
	const char *told; /* kind and features of classifiers */
	enum lab_join join;
};

extern const struct lab_method lab_methods[LAB_METHODS];

/* True of methods that choose from a catalogue: they know files that were never
 * downloaded. */
static inline bool
lab_method_has_catalogue(const struct lab_method *method)
{
	return method->runner == LAB_FROZEN || method->runner == LAB_FITTED;
}

#endif
