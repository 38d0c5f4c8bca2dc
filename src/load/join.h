/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOAD_JOIN_H
#define LOAD_JOIN_H

#include "model/flow.h"

struct batch;

/* Rows that wait for the row of the other direction. */
struct join;

struct join *join_new(size_t rows); /* at most so many; aborts without memory */
void join_free(struct join *join);

/*
 * Takes the waiting row of the other direction that overlaps in time, the one with the
 * same start and end first. False if none waits. out's texts stay until join_clear.
 */
bool join_take(struct join *join, const struct flow *flow, struct flow *out);
bool join_is_full(const struct join *join);
void join_add(struct join *join, const struct flow *flow); /* copies; must not be full */

/* Walks over the rows that nobody took: false after the last. *at starts as 0. */
bool join_rest(const struct join *join, size_t *at, struct flow *out);
void join_clear(struct join *join);

#endif
