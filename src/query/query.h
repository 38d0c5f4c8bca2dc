/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef QUERY_QUERY_H
#define QUERY_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct batch;
struct err;
struct sink;

/*
 * Rows of a store that pass a selection: as they lie (query_run), or ordered by
 * conversation and start (query_sorted_*).
 *
 * select clears the bits of alive for the rows that do not pass; bits 0..rows-1 are set
 * when it is called. scan.needed must cover the fields it looks at. NULL: every row
 * passes.
 */
struct query_config {
	const char *dir;
	struct store_scan_config scan;
	int (*select)(void *arg, struct batch *batch, uint64_t *alive, struct err *err);
	void *select_arg;
	uint64_t limit_rows; /* query_run: stop after so many; 0: no limit */
	uint64_t
	    sort_rows; /* query_sorted: at most so many in memory; 0: QUERY_SORT_ROWS */
};

/* A flow with the fields that identify needs takes about 300 bytes: 5 GB at most. */
enum { QUERY_SORT_ROWS = 16 << 20 };

struct query_result {
	uint64_t rows; /* passed the selection */
	uint64_t counters[STORE_COUNTERS];
};

/*
 * Pushes what is selected into sink (neither flushed nor closed). Files that cannot be
 * read do not stop the rest: -1 is returned after all other rows went to the sink. result
 * is filled in any case and may be NULL.
 */
int query_run(const struct query_config *config, struct sink *sink,
	      struct query_result *result, struct err *err);

/*
 * The selected rows, conversation by conversation; those by the time of their first row,
 * the rows of each by start, then exchange. A conversation is a connection id where there
 * is one, and the pair of (address, port) ends with the protocol, whichever way the row
 * points. Batches hold at most BATCH_ROWS rows; a conversation may go on in the next one.
 */
struct query_sorted;

/* Reads everything into memory; more than sort_rows rows is an error that says what to
 * do. The fields of the order are added to those needed. */
int query_sorted_open(const struct query_config *config, struct query_sorted **out,
		      struct err *err);
/* 1 and the next rows, borrowed until the next call; or 0 at the end. */
int query_sorted_next(struct query_sorted *sorted, struct batch **out);
void query_sorted_close(struct query_sorted *sorted); /* may be NULL */
uint64_t query_sorted_rows(const struct query_sorted *sorted);
/* For each row of the last batch its conversation: equal numbers are the same one. */
const uint64_t *query_sorted_conversations(const struct query_sorted *sorted);

#endif
