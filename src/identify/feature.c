/* SPDX-License-Identifier: BSD-2-Clause */
/* Features: numbers of a record that a classifier learns from. */
#include "identify/feature.h"

#include "base/err.h"
#include "base/text.h"
#include "identify/record.h"

#include <errno.h>
#include <string.h>

const char *const feature_names[FEATURES] = {
#define FEATURE(id, known, value, help) #id,
#include "identify/feature.def"
#undef FEATURE
};

static const char *const helps[FEATURES] = {
#define FEATURE(id, known, value, help) help,
#include "identify/feature.def"
#undef FEATURE
};

static bool
value_of(enum feature feature, const struct record *r, double *out)
{
	switch (feature) {
#define FEATURE(id, known, value, help)  \
	case FEATURE_##id:               \
		if (!(known))            \
			return false;    \
		*out = (double)(value);  \
		return true;
#include "identify/feature.def"
#undef FEATURE
	default:
		return false;
	}
}

enum feature_verdict
features_of(const struct features *features, const struct record *r, double *x)
{
	uint32_t i;

	for (i = 0; i < features->count; i++) {
		if (!value_of(features->list[i], r, &x[i]))
			return FEATURE_UNKNOWN;
		if (x[i] > 9007199254740992.0)
			return FEATURE_OVERFLOW;
	}
	return FEATURE_KNOWN;
}

static int
add_feature(struct features *out, const char *name, size_t n, struct err *err)
{
	unsigned f, i;

	for (f = 0; f < FEATURES; f++)
		if (strlen(feature_names[f]) == n && memcmp(feature_names[f], name,
		    n) == 0)
			break;
	if (f == FEATURES)
		return err_set(err, EINVAL, "no feature '%.*s': --help lists them",
		    (int)(n < 80 ? n : 80), name);
	for (i = 0; i < out->count; i++)
		if (out->list[i] == f)
			return err_set(err, EINVAL, "feature %s twice", feature_names[f]);
	out->list[out->count++] = f;
	return 0;
}

int
features_parse(struct features *out, const char *text, struct err *err)
{
	const char *end;

	*out = (struct features){0};
	for (;; text = end + 1) {
		end = text + strcspn(text, ",");
		if (add_feature(out, text, (size_t)(end - text), err) != 0)
			return -1;
		if (*end == '\0')
			return 0;
	}
}

void
features_help(struct text *out)
{
	unsigned f;

	for (f = 0; f < FEATURES; f++)
		text_printf(out, "  %-16s %s\n", feature_names[f], helps[f]);
}
