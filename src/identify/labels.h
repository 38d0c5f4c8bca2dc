/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_LABELS_H
#define IDENTIFY_LABELS_H

#include "identify/record.h"

struct err;
struct unpack;

/* What a label may say of its flow; the columns of a labels file. */
enum label_column {
#define LABEL(id) LABEL_##id,
#include "identify/label.def"
#undef LABEL
	LABEL_COLUMNS
};

/* Which file a flow was. What it has not fits any flow. */
struct label {
	char *name, *version;
	uint64_t size;
	struct addr client, server;
	int64_t start_us, end_us;
	uint16_t client_port, server_port;
	bool has[LABEL_COLUMNS], is_matched;
};

enum { LABELS_MAX = 10000000 };

/*
 * Labels from three sources: a TSV, a server's log, or the bare order of downloads. They
 * may be mixed but for an order, which stands alone.
 */
struct labels {
	struct label *items;
	size_t count, cap;
	size_t timeless; /* sorted: the first so many have neither start nor end */
	bool is_sorted, is_order;
	uint64_t other; /* lines of a log that are no whole download */
};

void labels_done(struct labels *labels);

/* A TSV whose first line names its columns, those of label.def, name among them. */
int labels_read(struct labels *labels, const char *path, struct err *err);

/* Of a record those that fit; of several the nearest by time. */
enum label_verdict {
	LABEL_NONE,
	LABEL_FOUND,
	LABEL_TIED,    /* labels of different files are equally near */
	LABEL_SEVERAL, /* a record of a whole connection that holds several downloads */
};

enum label_verdict labels_find(struct labels *labels, const struct record *record,
    int64_t tolerance_us, struct label **out);

/* By name, then version. */
int label_same_file(const struct label *a, const struct label *b);
const char *label_version(const struct label *label); /* "" where there is none */

/*
 * A server's log. format is nginx's own notation ("log_format"): variables with $ and
 * what stands between them; $remote_addr, one of $request, $request_uri and $uri, and one
 * of $msec, $time_iso8601 and $time_local must be among them, $remote_port,
 * $request_time, $status, $body_bytes_sent, $server_addr and $server_port are used too,
 * others read over. The label's name is the last part of the path, %xx decoded. Lines
 * whose status is not 200 are counted in other. A line that has not the format's look is
 * an error that names it.
 */
int labels_read_log(struct labels *labels, const char *path, const char *format,
    struct err *err);

/* Names, one a line, in the order of the downloads' start. */
int labels_read_order(struct labels *labels, const char *path, struct err *err);

/* The same from lines that are open; for the above, tests and fuzzing. */
int labels_read_lines(struct labels *labels, struct unpack *in, struct err *err);
int labels_read_log_lines(struct labels *labels, struct unpack *in, const char *format,
    struct err *err);

/* For readers: a new label at the end; NULL and err where there are too many. */
struct label *labels_add(struct labels *labels, const struct unpack *in, struct err *err);
/* Copies the cell into label's column; false if it is no such value. */
bool label_set(struct label *label, enum label_column column, const char *cell, size_t n);
/* "FILE: line 3: why 'words'". Returns -1. */
int labels_wrong(const struct unpack *in, struct err *err, const char *why,
    const char *words, size_t n);

#endif
