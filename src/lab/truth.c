/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of the server's log become rows. Where curl broke off on purpose its own report
 * tells, for by its log the server may have sent all that then lay in a buffer.
 */
#include "lab/truth.h"

#include "base/err.h"
#include "base/text.h"
#include "lab/client.h"
#include "lab/note.h"
#include "lab/process.h"
#include "lab/origin.h"
#include "lab/topology.h"
#include "model/type.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_STEP_MS = 50 };

static const char *const columns[] = {
#define TRUTH(name, help) #name,
#include "lab/truth.def"
#undef TRUTH
};

enum { COLUMNS = sizeof columns / sizeof *columns };

void
truth_header(struct text *out)
{
	unsigned i;

	for (i = 0; i < COLUMNS; i++)
		text_printf(out, "%s%c", columns[i], i + 1 < COLUMNS ? '\t' : '\n');
}

/* What a line says, with what is known beside it. */
struct seen {
	struct access a;
	int64_t start_us;
	bool is_cut; /* the client broke off on purpose */
};

struct seen_list {
	struct seen *list;
	size_t count, cap;
};

static int
seen_add(struct seen_list *l, const struct seen *seen, struct err *err)
{
	if (l->count == l->cap) {
		size_t cap = l->cap == 0 ? 256 : 2 * l->cap;
		struct seen *list = realloc(l->list, cap * sizeof *list);

		if (list == NULL)
			return err_set(err, ENOMEM, "out of memory");
		l->list = list;
		l->cap = cap;
	}
	l->list[l->count++] = *seen;
	return 0;
}

static enum access_kind
kind_of_log(const struct scenario *s)
{
	static const enum access_kind kinds[] = {[SERVER_nginx] = ACCESS_nginx,
	    [SERVER_caddy] = ACCESS_caddy, [SERVER_apache] = ACCESS_apache,
	    [SERVER_s_server] = ACCESS_curl};

	return kinds[s->server_program];
}

struct log_reader {
	enum access_kind kind;
	struct seen_list *seen;
};

static int
access_line(void *to, const char *line, size_t len, struct err *err)
{
	struct log_reader *r = to;
	struct seen seen = {0};

	if (access_parse(r->kind, line, len, &seen.a, err) != 0)
		return -1;
	seen.start_us = seen.a.end_us - seen.a.duration_us;
	return seen_add(r->seen, &seen, err);
}

/* A line of clients.log: what is no report is a program's own words. */
static int
report_line(void *to, const char *line, size_t len, struct err *err)
{
	struct log_reader *r = to;
	struct seen seen = {0};
	char action[32];
	long long start;
	int at = 0;

	if (sscanf(line, CLIENT_REPORT "\t%31s\t%lld\t%n", action, &start, &at) != 2 ||
	    at == 0)
		return 0;
	if (access_parse(ACCESS_curl, line + at, len - (size_t)at, &seen.a, err) != 0)
		return -1;
	seen.start_us = start;
	seen.a.end_us = start + seen.a.duration_us;
	seen.is_cut = strcmp(action, action_names[ACTION_abort]) == 0 ||
	    strcmp(action, action_names[ACTION_resume]) == 0;
	return seen_add(r->seen, &seen, err);
}

static void
cuts_mark(struct seen_list *seen, const struct seen_list *reports)
{
	size_t i, k;

	for (i = 0; i < seen->count; i++)
		for (k = 0; k < reports->count; k++)
			if (reports->list[k].is_cut && seen->list[i].a.status == 200 &&
			    reports->list[k].a.client_port ==
				seen->list[i].a.client_port &&
			    strcmp(reports->list[k].a.path, seen->list[i].a.path) == 0)
				seen->list[i].is_cut = true;
}

/* ---- rows ---- */

static const char *
kind_of(const struct seen *s, const struct corpus_file *file)
{
	if (s->a.status == 304)
		return "unmodified";
	if (s->a.status == 206)
		return "ranges";
	if (s->is_cut)
		return "partial";
	if (s->a.encoding[0] != '\0')
		return "encoded";
	return s->a.body < file->bytes ? "partial" : "whole";
}

/* The client that the server saw by this port; behind a NAT each has ports of its own. */
static const char *
own_address(const struct truth_config *c, const struct access *a)
{
	unsigned i;

	if (c->scenario->network_vpn != VPN_none)
		return c->topology->client_address[0];
	if (!c->scenario->network_nat)
		return a->client;
	for (i = 0; i < c->scenario->network_clients; i++)
		if (a->client_port >= c->topology->port_first[i] &&
		    a->client_port < c->topology->port_first[i] + c->topology->ports)
			return c->topology->client_address[i];
	return "";
}

static void
number_cell(struct text *out, uint64_t n)
{
	if (n > 0)
		text_u64(out, n);
	text_char(out, '\t');
}

static void
time_cell(struct text *out, int64_t us)
{
	char room[40];

	if (us > 0)
		text_bytes(out, room, time_print(us, STYLE_MACHINE, room));
	text_char(out, '\t');
}

static void
row_write(const struct truth_config *c, const struct seen *s,
    const struct corpus_file *file, uint32_t order, struct text *out)
{
	const struct access *a = &s->a;
	/*
	 * Octets that the log counts are the stream's: not of frames, nor of Apache's
	 * TLS.
	 */
	bool has_spans = c->scenario->server_http == HTTP_1 &&
	    (c->scenario->server_program != SERVER_apache ||
	    c->scenario->server_tls == TLS_none);

	text_printf(out, "%s\t", own_address(c, a));
	number_cell(out, a->client_port);
	time_cell(out, s->start_us);
	time_cell(out, a->end_us);
	text_printf(out, "%s\t%llu\t%u\t%s\t", file->name,
	    (unsigned long long)file->bytes, order,
	    a->server[0] != '\0' ? a->server : c->topology->server_address[0]);
	number_cell(out, a->server_port > 0 ? a->server_port : origin_port(c->scenario));
	text_printf(out, "%s\t%u\t%llu\t", a->protocol, a->status,
	    (unsigned long long)a->body);
	number_cell(out, has_spans ? a->sent : 0);
	number_cell(out, has_spans ? a->request : 0);
	text_printf(out, "%s\t%s\t", kind_of(s, file), a->client);
	number_cell(out, a->client_port);
	text_printf(out, "%s\t%u\n", c->is_train ? "train" : "test", c->block);
}

/* Which of its connection: as the server counts, or by the lines before. */
static uint32_t
order_of(const struct seen_list *seen, size_t i)
{
	uint32_t order = 1;
	size_t k;

	if (seen->list[i].a.order > 0)
		return seen->list[i].a.order;
	for (k = 0; k < i; k++)
		order += seen->list[k].a.client_port == seen->list[i].a.client_port &&
		    strcmp(seen->list[k].a.client, seen->list[i].a.client) == 0;
	return order;
}

static void
rows_write(const struct truth_config *c, const struct seen_list *seen, struct text *out,
    struct truth_counts *counts)
{
	size_t i;

	for (i = 0; i < seen->count; i++) {
		const struct access *a = &seen->list[i].a;
		const struct corpus_file *file = corpus_find(c->files, a->path);

		if (file == NULL) {
			counts->others++;
			continue;
		}
		if (a->status != 200 && a->status != 206 && a->status != 304) {
			counts->refused++;
			continue;
		}
		row_write(c, &seen->list[i], file, order_of(seen, i), out);
		counts->rows++;
		counts->octets += a->body;
	}
}

/* Both logs, as far as they are written. */
static int
logs_read(const struct truth_config *c, struct seen_list *seen, struct seen_list *reports,
    struct err *err)
{
	struct log_reader access = {kind_of_log(c->scenario), seen};
	struct log_reader report = {ACCESS_curl, reports};

	seen->count = reports->count = 0;
	if (note_lines(c->clients_log, c->clients_from, report_line, &report, err) != 0)
		return -1;
	if (c->scenario->server_program != SERVER_s_server)
		return note_lines(c->origin->access, c->access_from, access_line, &access,
		    err);
	access.kind = ACCESS_curl;
	return note_lines(c->clients_log, c->clients_from, report_line, &access, err);
}

static bool
wait_more(const struct truth_config *c)
{
	return c->wait != NULL ? c->wait(c->wait_arg) : stop_sleep(WAIT_STEP_MS);
}

int
truth_read(const struct truth_config *c, struct text *out, struct truth_counts *counts,
    struct err *err)
{
	struct seen_list seen = {0}, reports = {0};
	struct truth_counts found = {0};
	struct text rows;
	int status = 0, i;

	text_init(&rows);
	for (i = 0; status == 0 && i <= TRUTH_WAITS; i++) {
		text_clear(&rows);
		found = (struct truth_counts){0};
		if ((status = logs_read(c, &seen, &reports, err)) != 0)
			break;
		cuts_mark(&seen, &reports);
		rows_write(c, &seen, &rows, &found);
		if (found.rows >= c->expected || i == TRUTH_WAITS || !wait_more(c))
			break;
	}
	if (status == 0) {
		text_bytes(out, rows.data, rows.len);
		counts->rows += found.rows;
		counts->octets += found.octets;
		counts->others += found.others;
		counts->refused += found.refused;
	}
	text_done(&rows);
	free(seen.list);
	free(reports.list);
	return status;
}

struct bodies {
	struct corpus *files;
	enum access_kind kind;
};

static int
body_line(void *to, const char *line, size_t len, struct err *err)
{
	struct bodies *b = to;
	struct access a;
	size_t i;

	if (access_parse(b->kind, line, len, &a, err) != 0)
		return -1;
	for (i = 0; i < b->files->count; i++)
		if (a.status == 200 && a.encoding[0] != '\0' && a.path[0] == '/' &&
		    strcmp(a.path + 1, b->files->list[i].path) == 0)
			b->files->list[i].encoded = a.body;
	return 0;
}

int
truth_bodies(const struct scenario *scenario, const char *access, struct corpus *files,
    struct err *err)
{
	struct bodies b = {files, kind_of_log(scenario)};

	return note_lines(access, 0, body_line, &b, err);
}

int
truth_keep(const char *text, uint32_t block, struct text *out, struct err *err)
{
	struct text header;
	const char *end;
	int status = 0;

	text_init(&header);
	truth_header(&header);
	if (strncmp(text, header.data, header.len) != 0)
		status = err_set(err, EINVAL, "its first line is not that of a truth");
	for (text += header.len; status == 0 && (end = strchr(text, '\n')) != NULL;
	    text = end + 1) {
		const char *tab = memrchr(text, '\t', (size_t)(end - text));
		uint64_t of;

		if (tab == NULL || !parse_u64(tab + 1, (size_t)(end - tab - 1), &of))
			status = err_set(err, EINVAL, "a row without its block");
		else if (of < block)
			text_bytes(out, text, (size_t)(end + 1 - text));
	}
	text_done(&header);
	return status;
}
