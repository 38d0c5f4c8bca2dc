/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_FEATURE_H
#define IDENTIFY_FEATURE_H

#include "identify/samples.h"

struct record;
struct text;

enum feature {
#define FEATURE(id, known, value, help) FEATURE_##id,
#include "identify/feature.def"
#undef FEATURE
	FEATURES
};

extern const char *const feature_names[FEATURES];

/* A choice of features, in order. */
struct features {
	enum feature list[SAMPLES_FEATURES_MAX];
	uint32_t count;
};

enum feature_verdict {
	FEATURE_KNOWN,
	FEATURE_UNKNOWN,  /* the record lacks one */
	FEATURE_OVERFLOW, /* a number above 2^53: a double would round it */
};

/* "bytes,packets" to features; each once. */
int features_parse(struct features *out, const char *text, struct err *err);
/* A record's features to x[0 .. count - 1]. */
enum feature_verdict features_of(const struct features *features, const struct record *r,
    double *x);
void features_help(struct text *out); /* a line each */

#endif
