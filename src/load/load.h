/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "base/counter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct sink;

/*
 * Flows from TSV or CSV. The first line holds the columns' names, ids of the flow schema
 * in any order, once each; a tab in it makes the file TSV (with \t \n \r \\ for these in
 * a cell), else it is CSV (RFC 4180). start, src, dst, proto and bytes must be there and
 * filled; an empty cell is null. Of columns that are not there:
 *
 *	end       is start + duration where that column is there, else start;
 *	packets   is the least number that holds the bytes, 1500 a packet, at least 1
 *	          (counted).
 *
 * Other derived columns are read over. Times are epoch seconds or ISO 8601. Tables that
 * other programs print have their own names and words (dialect.def).
 *
 * A row whose src_port is a service (below 1024 or a known higher one) and whose
 * dst_port is not was sent by the server: unless it has a biflow_direction it is turned
 * round, all of what is src's or dst's, forward or reverse, and biflow_direction becomes
 * "port". Two rows without reverse counters, with the same addresses, ports and protocol
 * the other way round, from the same exporter and domain and overlapping in time become
 * one biflow; where ports do not tell, src is who began first ("first"). A server's row
 * whose client's row is not there is turned alone: its counters are the reverse ones,
 * and bytes and packets, which are never null, are 0. A row with only one of the reverse
 * counters is not turned. Rows that wait for their other half (LOAD_JOIN_ROWS at most)
 * come after those that do not.
 *
 * A wrong line is left out, counted, and the first few are reported; a wrong heading, a
 * read error or an error of the sink ends the load.
 */
enum load_counter {
#define COUNTER(id, help) LOAD_##id,
#include "load/counter.def"
#undef COUNTER
	LOAD_COUNTERS
};
extern const struct counter_row load_counter_rows[LOAD_COUNTERS];

enum {
	LOAD_LINE_MAX = 1 << 20, /* bytes of one line, quoted line ends and all */
	LOAD_JOIN_ROWS = 65536,
};

struct load_config {
	bool no_turn;         /* rows stay as they are: neither turned nor joined */
	bool no_join;         /* the two directions stay two rows */
	bool ignores_unknown; /* columns with unknown names are read over */
	unsigned reports;     /* wrong lines to report; 0: 10 */
	/* Gets "FILE:LINE: column 'bytes': ..." for each of them; may be NULL. */
	void (*report)(void *arg, const char *text);
	void *report_arg;
};

struct load_stats {
	uint64_t counters[LOAD_COUNTERS];
};

/*
 * Loads a file ("-": standard input) into a sink, which is neither flushed nor closed.
 * stats are added to, on failure too. 0 says that the file was read to its end; the
 * caller looks at LOAD_bad_lines.
 */
int load_file(const char *path, const struct load_config *config, struct sink *sink,
	      struct load_stats *stats, struct err *err);

/* The same for n bytes in memory; name stands in messages. */
int load_memory(const char *name, const void *bytes, size_t n,
		const struct load_config *config, struct sink *sink,
		struct load_stats *stats, struct err *err);

#endif
