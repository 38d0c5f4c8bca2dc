/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_CLASSIFY_H
#define IDENTIFY_CLASSIFY_H

#include "identify/identify.h"

struct model;

/*
 * Names downloads by a trained model: flow rows in, findings of grade learned out. A
 * finding has the likeliest file where its probability reaches the threshold, else none,
 * and then the probability that one of its candidates is right. The model knows the files
 * it was taught and no others: a download of any other file gets the name of one of them.
 */
struct classify;

/* The model is borrowed; threshold 0: 0.5. Findings go to sink in the order of the
 * rows. */
struct classify *classify_new(const struct model *model, double threshold,
    struct sink *sink);
void classify_free(struct classify *classify);
int classify_batch(struct classify *classify, const struct batch *flows, struct err *err);
/* Pushes what is left. */
int classify_finish(struct classify *classify, struct err *err);
/* IDENTIFY_COUNTERS */
const uint64_t *classify_counters(const struct classify *classify);

#endif
