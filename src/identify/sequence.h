/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SEQUENCE_H
#define IDENTIFY_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Names the responses of a pipelined connection from metadata only: the records of the
 * connection with their spans and marks (model/mark.h). The client's requests are
 * countable and their lengths tell the lengths of the paths; the server's unusual segment
 * ends and the requests' places in the response stream tell where responses end.
 * Everything is weighed by a sum-product over a lattice; see sequence.c.
 */

struct err;
struct flow;
struct needs;

/* A catalogue file that the connection may carry. Sorted by size, then as you like. */
struct sequence_item {
	uint64_t size; /* of the body, bytes */
	uint32_t
	    path_bytes; /* of the path as it stands in the request: percent-encoded */
	uint32_t id;    /* the caller's; equal ids are the same file */
	uint32_t order; /* of its place in the archive's index, from 1; 0: not known */
};

enum {
	SEQUENCE_MODES = 8,  /* constants learned or given, per kind */
	SEQUENCE_RIVALS = 8, /* candidates reported per response */
	SEQUENCE_NO_ITEM = UINT32_MAX,
};

/* A constant and its weight (the weights of a kind need not sum to anything). */
struct sequence_mode {
	uint32_t bytes;
	double weight;
	bool is_hex; /* of a header: less the hexadecimal digits of the size as well */
};

/* What was learned of a server and its client; hand it to the next connection. */
struct sequence_modes {
	/* Response header less the decimal digits of the size. */
	struct sequence_mode header[SEQUENCE_MODES];
	/* Request less the path. */
	struct sequence_mode request[SEQUENCE_MODES];
	uint32_t headers, requests;
};

struct sequence_config {
	const struct sequence_item *items; /* borrowed for the call */
	size_t count;
	/* Of the same items, by sequence_by_path, borrowed; NULL: ends that no mark shows
	 * are not looked for. */
	const uint32_t *by_path;
	/* What the files need, by their ids, borrowed; NULL: not known. */
	const struct needs *needs;
	struct sequence_modes known; /* starting points; the connection's own votes add */
	uint32_t depth; /* requests outstanding at most; 0: found by vote, 10 */
	double name_at; /* probability needed for a name */
	/* Natural log of the odds that a run keeps to the order of the index, where its
	 * own files tell too little of that. */
	double order_odds;
	/* Responses of other runs of the server, and those that no file explained. */
	double seen, unknown_seen;
	/* Bounds: what exceeds them is counted in the statistics and left unnamed. */
	uint32_t marks_max;  /* marks used per connection */
	uint32_t states_max; /* lattice states per request */
	uint64_t work_max;   /* lattice edges tried of a run, */
	uint64_t pages_work_max; /* and with the borders that pages tell of */
};

struct sequence_rival {
	uint32_t id;
	double probability;
};

enum sequence_verdict {
	SEQUENCE_NAMED,   /* a response, and the file in it */
	SEQUENCE_UNKNOWN, /* a response, known by its borders, that no file explains alone
			   */
	SEQUENCE_BLOCK,   /* a stretch of some responses whose borders are not known */
};

/* What speaks for a border; bits. */
enum sequence_border {
	SEQUENCE_BY_END = 1,     /* an unusual segment ended there */
	SEQUENCE_BY_REQUEST = 2, /* the client sent a request then */
	SEQUENCE_BY_FILL = 4,    /* the files of the block come out so */
	SEQUENCE_BY_PAGE = 8,    /* a segment behind it ended with a page of the file */
};

struct sequence_response {
	enum sequence_verdict verdict;
	uint32_t ordinal;       /* of the (first) response on the connection, from 0 */
	uint32_t responses;     /* 1; for a block the likely number, 0 if nothing tells */
	uint64_t offset;        /* in the server's payload stream */
	uint64_t span;          /* header and body, bytes */
	uint32_t header;        /* assumed for the likeliest file, 0 where none fits */
	uint32_t request_bytes; /* of its request, 0 where only a sum is known */
	uint32_t request_rest;  /* request less the path, 0 where unknown */
	uint32_t id;            /* of the likeliest file, or SEQUENCE_NO_ITEM */
	double probability;     /* of the name; of a response and a block: that no name is
				   right */
	int64_t time_start, time_end; /* microseconds UTC, estimated within the record */
	uint32_t row;                 /* index of the record that holds its first byte */
	uint32_t rivals; /* entries of rival: the files that fit, likeliest first */
	uint32_t fits;   /* files that fit at all */
	/* Why it is believed to begin and end where it does, by sequence_border. In a
	 * filled block the borders are the likeliest ones: two headers may have changed
	 * places. */
	uint32_t border_from, border_to;
	struct sequence_rival rival[SEQUENCE_RIVALS];
};

/* In order of offset; stretches never overlap. Return 0, or -1 with err set to stop. */
typedef int sequence_emit(void *arg, const struct sequence_response *, struct err *);

struct sequence_stats {
	uint64_t rows, marks, requests, ends; /* read */
	uint64_t rows_skipped;  /* of another place in the stream than their order says */
	uint64_t marks_lost;    /* by the meter */
	uint64_t marks_dropped; /* beyond marks_max */
	uint64_t usual_ends;    /* segment ends left out: their remainder is frequent */
	uint64_t pages;         /* places where pages say that a response may begin */
	uint64_t states_dropped, edges;
	uint64_t work_exceeded; /* 1: decoding stopped early, the rest is a block */
	uint64_t named, unknown, blocks;
	uint32_t depth; /* used; 0: request times were not used */
	bool is_depth_told; /* by the run itself: it is no mere default */
	struct sequence_modes modes;
};

/* The items' numbers by length of their paths, then size; NULL without memory. Freed by
 * the caller. */
uint32_t *sequence_by_path(const struct sequence_item *items, size_t count);

/* Everything but items, count, by_path and needs. */
void sequence_config_init(struct sequence_config *);

/*
 * rows: the records of ONE connection in order of their place in it, with span,
 * reverse_span, offset, reverse_offset, start, end and (where it pipelined) marks; src is
 * the client. stats may be NULL and is added to, modes and depth are replaced. Memory is
 * bounded by the config's bounds. Returns 0, or -1 with err set.
 */
int sequence_decode(const struct sequence_config *, const struct flow *rows, size_t count,
		    sequence_emit *emit, void *arg, struct sequence_stats *stats,
		    struct err *);

#endif
