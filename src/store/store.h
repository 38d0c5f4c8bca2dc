/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counter.h"

struct batch;
struct err;
struct schema;
struct sink;
struct text;

/*
 * A store is a folder:
 *
 *	date=2026-11-23/flows-20261123T1005Z-<id>.parquet	segments, never changed
 *	journal/<writer>/flows-20261123T1005Z-<id>.journal	what is not yet a segment
 *	findings/findings-<catalogue>-<model>.parquet
 *	views.sql, views.py	addresses and names as text, for DuckDB and pandas
 *
 * Rows pushed are gathered, encoded once as a row group and appended to the journal:
 * they are acknowledged then. A journal becomes the segment of the same name. Readers
 * take both and never see a row twice.
 */

enum store_counter {
#define COUNTER(id, help) STORE_##id,
#include "store/counter.def"
#undef COUNTER
	STORE_COUNTERS
};
extern const struct counter_row store_counter_rows[STORE_COUNTERS];

enum store_clock {
	STORE_CLOCK_RECEIPT, /* the system's clock: collectors, live capture */
	STORE_CLOCK_PACKET,  /* the latest `end` so far: files */
};

enum store_sync {
	STORE_SYNC_SECOND,   /* the journal at most 1 s after it was written to */
	STORE_SYNC_ALWAYS,   /* every record of the journal */
	STORE_SYNC_SEGMENTS, /* not the journal: for files, which can be read again */
	STORE_SYNC_NEVER,    /* nothing */
};

/* Rows of a row group, at most; a batch of more than half of them is a group. */
enum { STORE_GROUP_ROWS = 65536 };

struct store_config {
	const char *writer; /* folder of the journal, [A-Za-z0-9._-]; NULL: "weir". If
			     * another process holds it, "weir.2", "weir.3", ... */
	enum store_clock clock;
	enum store_sync sync;
	uint32_t rotation_s;       /* a new segment every so often; 0: 300 */
	uint32_t gather_rows;      /* rows of a row group, from 64; 0: STORE_GROUP_ROWS */
	int64_t (*now)(void *arg); /* microseconds UTC; NULL: the system's clock */
	void *now_arg;
};

struct store;

/*
 * Opens for writing; makes the folder if need be and turns what dead writers left in the
 * journals into segments. Damage found there is set aside as journal/<writer>/damaged-*,
 * counted and described in store_notes; it is no error. config may be NULL.
 */
int store_open(const char *dir, const struct store_config *config, struct store **out,
	       struct err *err);
/* Sinks first. May be NULL. */
void store_close(struct store *store);
const uint64_t *store_counters(const struct store *store); /* STORE_COUNTERS of them */
/* Lines for people about what opening found; "" if all was well. */
const char *store_notes(const struct store *store);

/*
 * A sink for rows of a schema. push may hold rows back for a second or until a group is
 * full; flush writes and syncs them (and ends a segment whose time has passed); close
 * makes the segment. After an error nothing acknowledged is lost and the same call may be
 * tried again; close after an error leaves the journal for the next store_open. The store
 * must outlive the sink; a store and its sinks belong to one thread.
 */
int store_sink(struct store *store, const struct schema *schema, struct sink **out,
	       struct err *err);
/* To be called about once a second when nothing is pushed: keeps the promises about time.
 */
int store_sink_tick(struct sink *sink, struct err *err);

/*
 * A sink whose rows replace STORE/<schema>s/<schema>s-<key>.parquet on close, for
 * findings: key names catalogue and model. If a push failed or store_sink_abandon was
 * called, close leaves the old file.
 */
int store_replace_sink(struct store *store, const struct schema *schema, const char *key,
		       struct sink **out, struct err *err);
void store_sink_abandon(struct sink *sink);

struct store_scan_config {
	const struct schema *schema;
	const uint64_t *needed; /* bit per field, as in a row's present; NULL: all stored
				 * ones. Derived fields asked for are computed. */
	int64_t from,
	    to; /* rows that overlap [from, to), microseconds UTC; both 0: all */
	bool is_replaced; /* read what store_replace_sink wrote */
	bool keep_going; /* unreadable files are counted and noted, no error at the end */
};

struct store_scan;

/* Reading needs no more than read permission and works while others write. */
int store_scan_open(const char *dir, const struct store_scan_config *config,
		    struct store_scan **out, struct err *err);
/*
 * Fills batch (of the schema, with room for at least 64 rows) with the next rows, any
 * number above 0. Returns 1, or 0 at the end, or -1. A file that cannot be read does not
 * stop the others: its error (file, offset, what to do) is returned once all else has
 * been.
 */
int store_scan_next(struct store_scan *scan, struct batch *batch, struct err *err);
void store_scan_close(struct store_scan *scan);
const uint64_t *store_scan_counters(const struct store_scan *scan);
/* A line per file that could not be read. */
const char *store_scan_notes(const struct store_scan *scan);

#endif
