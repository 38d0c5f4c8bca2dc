/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_IDENTIFY_H
#define IDENTIFY_IDENTIFY_H

#include "base/counter.h"
#include "identify/position.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Names downloads: flow rows in, findings out. Nothing is trained: what is constant of a
 * server and its clients (bytes before the body, bytes of a request beside the path,
 * losses of a path) is learned from the unlabelled rows themselves by vote against the
 * catalogue. Therefore in two passes: identify_batch keeps a small record per row,
 * identify_finish learns, names and writes.
 *
 * A finding's probability: of a name, that it is right; of kind unknown, that no file of
 * the catalogue is (the rest lies with the files listed in candidates, none of which
 * reached the threshold).
 */

struct batch;
struct catalog;
struct err;
struct identify;
struct dns_names;
struct plain_line;
struct sink;

enum identify_counter {
#define COUNTER(id, help) IDENTIFY_##id,
#include "identify/counter.def"
#undef COUNTER
	IDENTIFY_COUNTERS
};
extern const struct counter_row identify_counter_rows[IDENTIFY_COUNTERS];

struct identify_config {
	const struct catalog *catalog; /* sealed, borrowed */
	/* probability needed for a name; 0: 0.5, of plain records 0.7 */
	double threshold;
	uint64_t rows_max;             /* records kept; 0: 20 million */
	uint32_t
	    response_min; /* octets or span below which a row is no download; 0: 64 */
	bool is_fixed;    /* plain records: default path parameters, no EM */
	/* plain records: by the model that is read, nothing is learned */
	bool is_frozen;
	/* Plain records, where the model is frozen or identify_freeze was called: servers
	 * and paths that it does not have are learned from the flows that are named. */
	bool is_adaptive;
	/* its file; read and written by who drives the identifier */
	const char *wire_model;
	/* plain records: where the meter is; any: found out */
	enum position position;
	uint32_t overhead; /* plain records: octets of headers per packet; 0: found out */
	bool no_dedup;    /* keep the same download seen at several points */
	bool is_explained; /* the evidence tells every term of the probability */
	const struct dns_names *names; /* borrowed; NULL: none */
	uint16_t
	    timestamps_off; /* 1: TCP headers of plain records are 20 bytes, not 32 */
};

struct identify *identify_new(const struct identify_config *config);
void identify_free(struct identify *identify);

/* Takes flow rows, ordered by connection and start (rows without a connection: by
 * addresses, ports and start). Copies what it needs. */
int identify_batch(struct identify *identify, const struct batch *flows, struct err *err);

/* Learns from the rows so far, forgets them, and from then on only names. For tests that
 * must not learn from what they judge. */
int identify_freeze(struct identify *identify, struct err *err);

/* Learns (unless frozen), names, pushes batches of finding_schema in order of start. */
int identify_finish(struct identify *identify, struct sink *findings, struct err *err);

/* What is known of servers and paths of plain records: from a file, before the first row,
 * and to one, after identify_finish; see plain_file.h. */
int identify_read_model(struct identify *identify, const char *path, struct err *err);
int identify_write_model(const struct identify *identify, const char *path,
    struct err *err);
void identify_list_model(const struct identify *identify,
			 void (*each)(void *arg, const struct plain_line *line),
			 void *arg);

/* IDENTIFY_COUNTERS values. */
const uint64_t *identify_counters(const struct identify *identify);

#endif
