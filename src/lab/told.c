/* SPDX-License-Identifier: BSD-2-Clause */
/* Records and findings of a place from the tables that weir's commands print. */
#include "lab/told.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/search.h"
#include "evaluate/pieces.h"
#include "lab/sheet.h"

#include <errno.h>
#include <string.h>

enum { RECORDS_MAX = 20000000 };

enum finding_column {
	FINDING_start,
	FINDING_end,
	FINDING_client,
	FINDING_client_port,
	FINDING_bytes,
	FINDING_name,
	FINDING_probability,
	FINDING_version,
	FINDING_candidates,
	FINDING_evidence,
	FINDING_pieces,
	FINDING_kind,
};

static const char *const finding_columns[] = {
    "start",       "end",     "client",     "client_port", "bytes", "name",
    "probability", "version", "candidates", "evidence",    "pieces",
    "kind",        NULL};

enum row_column {
	ROW_start,
	ROW_end,
	ROW_src,
	ROW_dst,
	ROW_src_port,
	ROW_dst_port,
	ROW_bytes,
	ROW_packets,
	ROW_reverse_bytes,
	ROW_reverse_packets,
	ROW_retransmitted,
	ROW_reverse_retransmitted,
	ROW_max_segment,
	ROW_reverse_max_segment,
	ROW_span,
	ROW_reverse_span,
};

static const char *const row_columns[] = {"start",
					  "end",
					  "src",
					  "dst",
					  "src_port",
					  "dst_port",
					  "bytes",
					  "packets",
					  "reverse_bytes",
					  "reverse_packets",
					  "retransmitted",
					  "reverse_retransmitted",
					  "max_segment",
					  "reverse_max_segment",
					  "span",
					  "reverse_span",
					  NULL};

const char lab_rows_fields[] =
    "start,end,src,dst,src_port,dst_port,bytes,packets,reverse_bytes,"
    "reverse_packets,retransmitted,reverse_retransmitted,max_segment,reverse_max_segment,"
    "span,reverse_span";

static int
compare_end(const struct addr *a, uint16_t a_port, const struct addr *b, uint16_t b_port)
{
	int by = addr_compare(a, b);

	return by != 0 ? by : (a_port > b_port) - (a_port < b_port);
}

static int
compare(const void *pa, const void *pb)
{
	const struct lab_record *a = pa, *b = pb;
	int by = compare_end(&a->client, a->port, &b->client, b->port);

	if (by != 0)
		return by;
	if (a->start_us != b->start_us)
		return a->start_us < b->start_us ? -1 : 1;
	if (a->end_us != b->end_us)
		return a->end_us < b->end_us ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? -1 : 1;
	return a->start < b->start ? -1 : a->start > b->start; /* as in the file */
}

static int
begin(struct lab_records *t)
{
	*t = (struct lab_records){0};
	text_init(&t->strings);
	text_char(&t->strings, '\0');
	return 0;
}

static struct lab_record *
room(struct lab_records *t, const struct sheet *s, struct err *err)
{
	if (t->count == RECORDS_MAX) {
		err_set(err, E2BIG, "%s: more than %d records", s->reader.name,
			RECORDS_MAX);
		return NULL;
	}
	if (t->count == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 256;
		t->list = must(realloc(t->list, t->cap * sizeof *t->list));
	}
	t->list[t->count] = (struct lab_record){0};
	return &t->list[t->count];
}

/* Ends a reading whose last step was `more`. */
static int
finish(struct lab_records *t, struct sheet *s, int more)
{
	sheet_close(s);
	if (more != 0) {
		lab_records_done(t);
		return -1;
	}
	if (t->count > 0)
		qsort(t->list, t->count, sizeof *t->list, compare);
	return 0;
}

static int
read_finding(const struct sheet *s, struct lab_records *t, struct lab_record *out,
	     struct err *err)
{
	uint64_t port = 0;
	struct str kind;

	if (sheet_time(s, FINDING_start, &out->start_us, err) != 0 ||
	    sheet_time(s, FINDING_end, &out->end_us, err) != 0 ||
	    sheet_addr(s, FINDING_client, &out->client, err) != 0 ||
	    sheet_u64(s, FINDING_client_port, UINT16_MAX, &port, err) != 0 ||
	    sheet_u64(s, FINDING_bytes, UINT64_MAX, &out->bytes, err) != 0 ||
	    sheet_f64(s, FINDING_probability, &out->probability, err) != 0)
		return -1;
	out->port = (uint16_t)port;
	out->name = sheet_keep(s, FINDING_name, &t->strings);
	out->version = sheet_keep(s, FINDING_version, &t->strings);
	out->candidates = sheet_keep(s, FINDING_candidates, &t->strings);
	out->evidence = sheet_keep(s, FINDING_evidence, &t->strings);
	out->start = sheet_keep(s, FINDING_start, &t->strings);
	kind = sheet_cell(s, FINDING_kind);
	out->is_set = out->name == 0 && kind.len > 0 && !str_is(kind, "unknown");
	return 0;
}

/* What is said of a download in pieces is said of each: a record for every one behind the
 * first, of which the finding does not say how long it is. */
static int
add_pieces(struct lab_records *t, const struct sheet *s, struct err *err)
{
	struct lab_record one = t->list[t->count - 1], *to;
	struct str cell = sheet_cell(s, FINDING_pieces);
	struct piece_start piece;
	bool is_wrong;

	one.bytes = 0;
	while (pieces_next(&cell, &piece, &is_wrong)) {
		if ((to = room(t, s, err)) == NULL)
			return -1;
		one.start_us = piece.start_us;
		one.end_us = piece.start_us > one.end_us ? piece.start_us : one.end_us;
		one.port = piece.port;
		*to = one;
		t->count++;
	}
	return is_wrong ? sheet_fault(s, FINDING_pieces, "ports and times", err) : 0;
}

int
lab_findings_read(struct lab_records *t, const char *path, struct err *err)
{
	struct lab_record *one;
	struct sheet s;
	int more;

	if (sheet_open(&s, path, finding_columns, FINDING_probability + 1, err) != 0)
		return -1;
	begin(t);
	while ((more = sheet_next(&s, err)) > 0) {
		if ((one = room(t, &s, err)) == NULL ||
		    read_finding(&s, t, one, err) != 0) {
			more = -1;
			break;
		}
		t->count++;
		if (add_pieces(t, &s, err) != 0) {
			more = -1;
			break;
		}
	}
	return finish(t, &s, more);
}

/* ---- flow rows ---- */

struct end {
	struct addr addr;
	uint16_t port;
};

static int
end_compare(const void *pa, const void *pb)
{
	const struct end *a = pa, *b = pb;

	return compare_end(&a->addr, a->port, &b->addr, b->port);
}

/* The ends of the clients, before and behind the NAT, sorted. */
static struct end *
client_ends(const struct lab_downloads *d, size_t *count)
{
	struct end *ends = must(calloc(2 * d->count + 1, sizeof *ends));
	size_t n = 0, i;

	for (i = 0; i < d->count; i++) {
		const struct lab_download *one = &d->list[i];

		ends[n++] = (struct end){one->client, one->port};
		if (one->has_seen || one->has_seen_addr)
			ends[n++] = (struct end){
			    one->has_seen_addr ? one->seen : one->client, one->seen_port};
	}
	qsort(ends, n, sizeof *ends, end_compare);
	*count = n;
	return ends;
}

/* 1: kept in out, 0: no row of a download, -1. */
static int
read_row(const struct sheet *s, const struct end *ends, size_t n, struct lab_record *out,
	 struct err *err)
{
	struct end src = {0}, dst = {0};
	uint64_t src_port = 0, dst_port = 0, segment = 0;
	enum row_column bytes, again, span, request;

	if (sheet_addr(s, ROW_src, &src.addr, err) != 0 ||
	    sheet_addr(s, ROW_dst, &dst.addr, err) != 0 ||
	    sheet_u64(s, ROW_src_port, UINT16_MAX, &src_port, err) != 0 ||
	    sheet_u64(s, ROW_dst_port, UINT16_MAX, &dst_port, err) != 0)
		return -1;
	src.port = (uint16_t)src_port;
	dst.port = (uint16_t)dst_port;
	if (bsearch(&src, ends, n, sizeof *ends, end_compare) != NULL) {
		out->client = src.addr, out->port = src.port;
		out->server = dst.addr, out->server_port = dst.port;
		bytes = ROW_reverse_bytes, again = ROW_reverse_retransmitted;
		span = ROW_reverse_span, request = ROW_span;
	} else if (bsearch(&dst, ends, n, sizeof *ends, end_compare) != NULL) {
		out->client = dst.addr, out->port = dst.port;
		out->server = src.addr, out->server_port = src.port;
		bytes = ROW_bytes, again = ROW_retransmitted;
		span = ROW_span, request = ROW_reverse_span;
	} else {
		return 0;
	}
	if (sheet_u64(s, bytes, UINT64_MAX, &out->bytes, err) != 0 ||
	    sheet_u64(s, bytes + 1, UINT64_MAX, &out->packets, err) != 0 ||
	    sheet_u64(s, again, UINT64_MAX, &out->again, err) != 0 ||
	    sheet_u64(
		s, again == ROW_retransmitted ? ROW_max_segment : ROW_reverse_max_segment,
		UINT32_MAX, &segment, err) != 0 ||
	    sheet_u64(s, span, UINT64_MAX, &out->span, err) != 0 ||
	    sheet_u64(s, request, UINT64_MAX, &out->request, err) != 0 ||
	    sheet_time(s, ROW_start, &out->start_us, err) != 0 ||
	    sheet_time(s, ROW_end, &out->end_us, err) != 0)
		return -1;
	out->has_again = sheet_cell(s, again).len > 0;
	out->has_span = sheet_cell(s, span).len > 0;
	out->segment = (uint32_t)segment;
	return out->packets > 0;
}

int
lab_rows_read(struct lab_records *t, const char *path,
	      const struct lab_downloads *downloads, struct err *err)
{
	struct lab_record *one;
	struct end *ends;
	struct sheet s;
	size_t n;
	int more, kept;

	if (sheet_open(&s, path, row_columns, ROW_reverse_packets + 1, err) != 0)
		return -1;
	begin(t);
	ends = client_ends(downloads, &n);
	while ((more = sheet_next(&s, err)) > 0) {
		if ((one = room(t, &s, err)) == NULL ||
		    (kept = read_row(&s, ends, n, one, err)) < 0) {
			more = -1;
			break;
		}
		if (kept == 0)
			continue;
		one->start = sheet_keep(&s, ROW_start, &t->strings);
		one->end = sheet_keep(&s, ROW_end, &t->strings);
		t->count++;
	}
	free(ends);
	return finish(t, &s, more);
}

void
lab_records_done(struct lab_records *t)
{
	free(t->list);
	text_done(&t->strings);
	*t = (struct lab_records){0};
}

struct client_end {
	const struct addr *client;
	uint16_t port;
};

static bool
record_is_below(const void *table, size_t i, const void *key)
{
	const struct lab_record *r = (const struct lab_record *)table + i;
	const struct client_end *end = key;

	return compare_end(&r->client, r->port, end->client, end->port) < 0;
}

size_t
lab_records_find(const struct lab_records *t, const struct addr *client, uint16_t port)
{
	const struct client_end end = {client, port};

	return search_lower(t->list, 0, t->count, &end, record_is_below);
}

bool
lab_record_is_of(const struct lab_record *r, const struct addr *client, uint16_t port)
{
	return r->port == port && addr_compare(&r->client, client) == 0;
}
