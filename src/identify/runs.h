/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_RUNS_H
#define IDENTIFY_RUNS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The pipelined connections of a store. Each is decoded by itself (sequence.h); where
 * that tells what a server adds to files, the server's other connections that were not
 * told well are decoded again with it.
 */

struct constants;
struct err;
struct files;
struct findings;
struct run;
struct runs;

/* constants: of each run's server, borrowed for the call; run until runs_free. 0, or
 * -1 with err. */
int runs_decode(const struct files *, const uint32_t *order, const struct run *run,
		const struct constants *const *constants, size_t count, struct runs **out,
		struct err *err);
void runs_free(struct runs *);

/* The findings of one run. */
int runs_tell(const struct runs *, size_t run, struct findings *, struct err *err);

#endif
