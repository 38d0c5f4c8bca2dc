/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_MODEL_H
#define IDENTIFY_MODEL_H

#include "identify/classifier.h"
#include "identify/feature.h"

struct err;

/* A class of a model: a file. */
struct model_class {
	char *name, *version; /* "": none */
	uint64_t rows;        /* flows it was learned from */
};

/* A trained classifier with what its numbers mean. */
struct model {
	struct classifier *classifier;
	struct features features;
	struct model_class *classes; /* by name, then version */
	uint32_t class_count;
	uint64_t rows;          /* flows learned from */
	int64_t from_us, to_us; /* start of the first and of the last of them */
	char version[40];       /* kind and check sum: changes when anything does */
};

struct model_config {
	struct classifier_config classifier;
	struct features features;
};

void model_free(struct model *model); /* NULL is fine */

/*
 * A file: "weir-mdl", u32 format version (1), u32 CRC-32 of what follows, u64 its octets;
 * then counts, features by name, classes, and the classifier. Big-endian. Written as a
 * new file that replaces path at once.
 */
int model_write(struct model *model, const char *path, struct err *err);
int model_read(const char *path, struct model **out, struct err *err);
/* The same from memory; label stands for the file in messages. */
int model_read_bytes(const void *bytes, size_t n, const char *label, struct model **out,
    struct err *err);

#endif
