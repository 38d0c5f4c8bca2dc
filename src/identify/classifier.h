/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_CLASSIFIER_H
#define IDENTIFY_CLASSIFIER_H

#include "identify/samples.h"

struct cursor;
struct err;
struct text;

/* The kinds of classifier.def behind one face. */
enum classifier_kind {
#define CLASSIFIER(id, help) CLASSIFIER_##id,
#include "identify/classifier.def"
#undef CLASSIFIER
	CLASSIFIERS
};

struct classifier_config {
	enum classifier_kind kind;
	bool is_float32;     /* trees: round values to float32, as scikit-learn does */
	uint32_t trees;      /* of a forest; 0: 100 */
	uint32_t neighbours; /* 0: 5 */
	uint32_t depth_max;  /* of trees; 0: no limit */
	uint32_t leaf_min;   /* samples in a tree's leaf; 0: 1 */
	uint64_t seed;       /* of a forest's draws */
};

struct classifier;

int classifier_fit(const struct samples *samples, const struct classifier_config *config,
    struct classifier **out, struct err *err);
void classifier_free(struct classifier *classifier); /* NULL is fine */

/* Of each of rows x class_count; a row's add up to 1. */
void classifier_probabilities(const struct classifier *classifier, const double *x,
    size_t rows, double *out);
/* The most probable class of each row; of equally probable ones the lowest. */
void classifier_predict(const struct classifier *classifier, const double *x, size_t rows,
    uint32_t *out);
enum classifier_kind classifier_kind(const struct classifier *classifier);

void classifier_write(const struct classifier *classifier, struct text *out);
int classifier_read(struct cursor *in, uint32_t features, uint32_t class_count,
    struct classifier **out, struct err *err);

/* A kind of classifier: what its row in classifier.def stands for. fit has checked
 * samples; predict NULL: by probabilities. */
struct classifier_row {
	int (*fit)(const struct samples *, const struct classifier_config *, void **,
	    struct err *);
	void (*free)(void *);
	void (*probabilities)(const void *, const double *, size_t, double *);
	void (*predict)(const void *, const double *, size_t, uint32_t *);
	void (*write)(const void *, struct text *);
	void *(*read)(struct cursor *, uint32_t, uint32_t, struct err *);
};
#define CLASSIFIER(id, help) extern const struct classifier_row classifier_##id;
#include "identify/classifier.def"
#undef CLASSIFIER

extern const char *const classifier_names[CLASSIFIERS];
/* "tree, forest or knn" to the kind. */
int classifier_parse(const char *name, enum classifier_kind *out, struct err *err);
void classifier_help(struct text *out); /* a line each */

#endif
