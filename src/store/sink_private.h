/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SINK_PRIVATE_H
#define STORE_SINK_PRIVATE_H

#include "model/sink.h"
#include "store/store_private.h"

struct layout;
struct packer;
struct unpacker;

/* Inside the folder: the writing end, which sink.c and rotate.c share. */

struct store_sink {
	struct sink sink; /* first: this is one */
	struct store *store;
	const struct schema *schema;
	struct layout *layout;
	struct packer *packer;
	struct unpacker *unpacker;
	struct parquet_encoder *encoder;
	struct parquet_group_meta *meta;
	struct text image;
	struct batch *gather;
	struct batch *slice; /* decoded rows while merging */
	int64_t gathered_us; /* when the first row in gather came */
	int64_t clock_us;    /* the latest packet so far */
	int64_t interval_s;
	bool has_interval;
	struct journal_writer *journal;
	char stem[STEM_MAX];
	int64_t unsynced_us; /* when the first record that is not synced was written */
	bool is_unsynced, is_folder_synced;
	struct segment_writer *replace; /* a replacing sink's file */
	char key[160];
	bool is_abandoned;
};

/* Rows of a batch, not more than the gathering one holds, to image and meta. */
int store_sink_encode(struct store_sink *s, const struct batch *batch, struct err *err);

/* rotate.c: the journal becomes a segment; gather is empty. It stays current if this
 * fails. */
int store_sink_rotate(struct store_sink *s, struct err *err);

#endif
