/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of servers and paths: the table of parameters (plain_row.c) says how each is
 * written, read, bounded and explained.
 */
#include "identify/plain_file.h"

#include "base/err.h"
#include "base/text.h"
#include "catalog/unpack.h"
#include "identify/plain.h"
#include "identify/plain_row.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CELLS = 5 };

static const uint64_t BYTES_MAX = (uint64_t)4 << 30;
static const char first_line[] = "weir-wire-model\t1",
		  second_line[] = "server\tport\tclient\tparameter\tvalue";

static void
put_modes(struct text *out, const struct modes *modes)
{
	uint32_t i;

	for (i = 0; i < modes->count; i++)
		text_printf(out, "%s%u:%d:%s:%u:%.6g", i > 0 ? "," : "",
			    modes->mode[i].bytes, modes->mode[i].digits,
			    tls_law_rows[modes->mode[i].law].name, modes->mode[i].inner,
			    modes->mode[i].weight);
}

static void
put_value(struct text *out, const struct plain_row *row, const void *from)
{
	const char *at = (const char *)from + row->offset;
	uint32_t i;

	for (i = 0; i < row->count; i++) {
		text_str(out, i > 0 ? "," : "");
		switch (row->kind) {
		case PLAIN_KIND_u32:
			text_printf(out, "%u", ((const uint32_t *)at)[i]);
			break;
		case PLAIN_KIND_f64:
			text_printf(out, "%.9g", ((const double *)at)[i]);
			break;
		case PLAIN_KIND_bool:
			text_printf(out, "%d", ((const bool *)at)[i]);
			break;
		case PLAIN_KIND_modes:
			put_modes(out, (const struct modes *)at);
			break;
		}
	}
}

struct listing {
	void (*each)(void *arg, const struct plain_line *line);
	void *arg;
	struct text value;
	char server[ADDR_TEXT + 1], port[8], client[ADDR_TEXT + 1];
};

static void
list_rows(struct listing *l, const struct plain_row *rows, size_t n, const void *from)
{
	size_t i;

	for (i = 0; i < n; i++) {
		text_clear(&l->value);
		put_value(&l->value, &rows[i], from);
		l->each(l->arg, &(struct plain_line){l->server, l->port, l->client,
		    rows[i].name, l->value.len > 0 ? l->value.data : "",
						     rows[i].help});
	}
}

static void
list_server(struct listing *l, const struct plain_server *s)
{
	snprintf(l->client, sizeof l->client, "-");
	list_rows(l, plain_server_rows, plain_server_row_count, &s->wire);
	list_rows(l, plain_path_rows, plain_path_row_count, &s->path);
	if (s->quic.flows > 0)
		list_rows(l, plain_quic_rows, plain_quic_row_count, &s->quic);
}

void
plain_list(const struct plain *p, void (*each)(void *arg, const struct plain_line *line),
	   void *arg)
{
	struct listing l = {.each = each, .arg = arg, .server = "-", .port = "-",
			    .client = "-"};
	char version[16];
	size_t i, k;

	text_init(&l.value);
	snprintf(version, sizeof version, "%u", plain_version(p));
	each(arg, &(struct plain_line){"-", "-", "-", "version", version,
				       "times that this was fitted"});
	list_server(&l, plain_server_at(p, -1));
	for (i = 0; i < plain_servers(p); i++) {
		const struct plain_server *s = plain_server_at(p, (ptrdiff_t)i);

		l.server[addr_print(&s->addr, l.server)] = '\0';
		snprintf(l.port, sizeof l.port, "%u", s->port);
		list_server(&l, s);
		for (k = 0; k < plain_paths(p, i); k++) {
			const struct plain_path *path = plain_path_at(p, i, k);

			l.client[addr_print(&path->client, l.client)] = '\0';
			list_rows(&l, plain_path_rows, plain_path_row_count, &path->wire);
		}
	}
	text_done(&l.value);
}

static void
write_line(void *arg, const struct plain_line *line)
{
	fprintf(arg, "%s\t%s\t%s\t%s\t%s\n", line->server, line->port, line->client,
		line->name, line->value);
}

int
plain_write(const struct plain *p, const char *path, struct err *err)
{
	bool is_stdout = strcmp(path, "-") == 0;
	char *temporary = NULL;
	FILE *file = stdout;

	if (!is_stdout) {
		if (asprintf(&temporary, "%s.%ld", path, (long)getpid()) < 0)
			return err_set(err, ENOMEM, "%s: out of memory", path);
		if ((file = fopen(temporary, "wxe")) == NULL) {
			err_set(err, errno, "%s: %s", temporary, strerror(errno));
			goto fail;
		}
	}
	fprintf(file, "%s\n%s\n", first_line, second_line);
	plain_list(p, write_line, file);
	if (fflush(file) != 0 || ferror(file) ||
	    (!is_stdout && fsync(fileno(file)) != 0)) {
		err_set(err, errno, "%s: %s", path, strerror(errno));
		goto fail;
	}
	if (is_stdout)
		return 0;
	if (fclose(file) != 0 || rename(temporary, path) != 0) {
		file = NULL;
		err_set(err, errno, "%s: %s", path, strerror(errno));
		goto fail;
	}
	free(temporary);
	return 0;

fail:
	if (!is_stdout && file != NULL) {
		fclose(file);
	}
	if (temporary != NULL)
		unlink(temporary);
	free(temporary);
	return -1;
}

/* Reading: lines of one server or path follow one another. */
struct reading {
	struct plain *plain;
	const char *label;
	uint64_t line;
	bool is_open, has_client;
	struct plain_server server; /* addr all zero, port 0: of all */
	struct plain_path path;
};

static int
wrong(const struct reading *r, struct err *err, const char *why, const char *cell,
    size_t n)
{
	return err_set(err, EINVAL, "%s: line %llu: %s '%.*s'", r->label,
		       (unsigned long long)r->line, why, (int)(n < 60 ? n : 60), cell);
}

/* Cuts the part before c, or all, off s. */
static size_t
part(const char **s, const char *end, char c)
{
	const char *at = *s, *stop = memchr(at, c, (size_t)(end - at));

	*s = stop == NULL ? end : stop + 1;
	return (size_t)((stop == NULL ? end : stop) - at);
}

static bool
read_mode(const char *s, size_t n, struct mode *out)
{
	const char *end = s + n, *cell;
	uint64_t bytes, digits, inner;
	double weight;
	size_t len;

	cell = s;
	if (!parse_u64(cell, part(&s, end, ':'), &bytes) || bytes > UINT16_MAX)
		return false;
	cell = s;
	if (!parse_u64(cell, part(&s, end, ':'), &digits) || digits >= DIGITS_KINDS)
		return false;
	cell = s;
	len = part(&s, end, ':');
	out->law = tls_law_of(cell, len);
	cell = s;
	if (out->law == TLS_LAWS || !parse_u64(cell, part(&s, end, ':'), &inner) ||
	    inner > UINT16_MAX)
		return false;
	cell = s;
	if (!parse_f64(cell, part(&s, end, ':'), &weight) ||
	    !(weight >= 0 && weight <= 1) || s != end)
		return false;
	out->bytes = (uint32_t)bytes;
	out->digits = (uint8_t)digits;
	out->inner = (uint32_t)inner;
	out->weight = weight;
	return true;
}

static int
read_modes(const struct reading *r, const char *s, size_t n, struct modes *out,
	   struct err *err)
{
	const char *end = s + n, *cell;
	size_t len;

	out->count = 0;
	out->other = 0;
	while (s < end) {
		cell = s;
		len = part(&s, end, ',');
		if (out->count == MODES_MAX)
			return wrong(r, err, "too many header constants, from", cell,
			    len);
		if (!read_mode(cell, len, &out->mode[out->count]))
			return wrong(r, err,
			    "no header constant (bytes:0 to 3:law:bytes:share):", cell,
			    len);
		out->count++;
	}
	return 0;
}

static int
read_value(const struct reading *r, const struct plain_row *row, const char *s, size_t n,
    void *to, struct err *err)
{
	const char *end = s + n, *cell;
	char *at = (char *)to + row->offset;
	double v;
	uint32_t i;
	size_t len;

	if (row->kind == PLAIN_KIND_modes)
		return read_modes(r, s, n, (struct modes *)at, err);
	for (i = 0; i < row->count; i++) {
		cell = s;
		len = part(&s, end, ',');
		if (!parse_f64(cell, len, &v) || !isfinite(v) || v < row->min ||
		    v > row->max)
			return err_set(err, EINVAL,
				       "%s: line %llu: %s takes %u number%s from %g to "
				       "%g, not '%.*s'",
				       r->label, (unsigned long long)r->line, row->name,
				       row->count, row->count == 1 ? "" : "s", row->min,
				       row->max, (int)(len < 60 ? len : 60), cell);
		if (row->kind == PLAIN_KIND_u32)
			((uint32_t *)at)[i] = (uint32_t)v;
		else if (row->kind == PLAIN_KIND_bool)
			((bool *)at)[i] = v != 0;
		else
			((double *)at)[i] = v;
	}
	return s == end ? 0 : wrong(r, err, "more numbers than the parameter has, from",
	    s, (size_t)(end - s));
}

static void
close_block(struct reading *r)
{
	if (!r->is_open)
		return;
	r->server.wire.flows = r->server.path.flows;
	plain_set(r->plain, &r->server, r->has_client ? &r->path : NULL);
	r->is_open = false;
}

/* Whose lines follow. */
static int
open_block(struct reading *r, const char *const cell[], const size_t len[],
    struct err *err)
{
	bool is_all = len[0] == 1 && cell[0][0] == '-', has_client = cell[2][0] != '-';
	struct addr server = {0}, client = {0};
	uint64_t port = 0;

	if (!is_all && !addr_parse(cell[0], len[0], &server))
		return wrong(r, err, "no address of a server:", cell[0], len[0]);
	if (is_all ? len[1] != 1 || cell[1][0] != '-'
		   : !parse_u64(cell[1], len[1], &port) || port > UINT16_MAX)
		return wrong(r, err, "no port of a server:", cell[1], len[1]);
	if (has_client && (is_all || !addr_parse(cell[2], len[2], &client)))
		return wrong(r, err, "no address of a client:", cell[2], len[2]);
	if (r->is_open && r->has_client == has_client && r->server.port == port &&
	    addr_compare(&r->server.addr, &server) == 0 &&
	    (!has_client || addr_compare(&r->path.client, &client) == 0))
		return 0;
	close_block(r);
	if (!has_client) {
		r->server = (struct plain_server){.addr = server, .port = (uint16_t)port};
		wire_server_default(&r->server.wire);
		wire_path_default(&r->server.path);
	} else if (r->server.port != port || addr_compare(&r->server.addr,
	    &server) != 0) {
		return wrong(r, err, "a client before its server:", cell[2], len[2]);
	}
	r->path = (struct plain_path){.client = client};
	wire_path_default(&r->path.wire);
	r->has_client = has_client;
	r->is_open = true;
	return 0;
}

static const struct plain_row *
find_row(const struct plain_row *rows, size_t n, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
			return &rows[i];
	return NULL;
}

static int
read_parameter(struct reading *r, const char *line, size_t n, struct err *err)
{
	const char *end = line + n, *cell[CELLS], *at = line;
	const struct plain_row *row;
	uint64_t version;
	size_t len[CELLS], i;

	for (i = 0; i < CELLS; i++) {
		cell[i] = at;
		len[i] = part(&at, end, '\t');
		if ((i < 4 && len[i] == 0) || (i < CELLS - 1 && cell[i] + len[i] == end))
			return wrong(r, err,
			    "not server, port, client, parameter and value:", line, n);
	}
	if (at != end)
		return wrong(r, err, "more cells than five, from", at,
		    (size_t)(end - at));
	if (len[3] == 7 && memcmp(cell[3], "version", 7) == 0) {
		if (!parse_u64(cell[4], len[4], &version) || version > UINT32_MAX)
			return wrong(r, err, "no version:", cell[4], len[4]);
		plain_set_version(r->plain, (uint32_t)version);
		return 0;
	}
	if (open_block(r, cell, len, err) < 0)
		return -1;
	if ((row = find_row(plain_path_rows, plain_path_row_count, cell[3], len[3])) !=
	    NULL)
		return read_value(r, row, cell[4], len[4],
				  r->has_client ? &r->path.wire : &r->server.path, err);
	if (!r->has_client && (row = find_row(plain_server_rows, plain_server_row_count,
	    cell[3], len[3])) != NULL)
		return read_value(r, row, cell[4], len[4], &r->server.wire, err);
	if (!r->has_client && (row = find_row(plain_quic_rows, plain_quic_row_count,
	    cell[3], len[3])) != NULL)
		return read_value(r, row, cell[4], len[4], &r->server.quic, err);
	return wrong(r, err, "no such parameter of a path or server:", cell[3], len[3]);
}

static int
read_line(struct reading *r, const char *line, size_t n, struct err *err)
{
	r->line++;
	if (r->line == 1)
		return n == strlen(first_line) && memcmp(line, first_line, n) == 0
			   ? 0
			   : wrong(r, err,
				   "not a wire model of this version (weir model fit "
				   "makes one), its first line is",
				   line, n);
	if (r->line == 2)
		return n == strlen(second_line) && memcmp(line, second_line, n) == 0
			   ? 0
			   : wrong(r, err, "not the names of the columns:", line, n);
	return n == 0 || line[0] == '#' ? 0 : read_parameter(r, line, n, err);
}

int
plain_read_bytes(struct plain *p, const char *bytes, size_t n, const char *label,
		 struct err *err)
{
	struct reading r = {.plain = p, .label = label};
	const char *end = bytes + n, *line;
	size_t len;

	while (bytes < end) {
		line = bytes;
		len = part(&bytes, end, '\n');
		if (read_line(&r, line, len, err) < 0)
			return -1;
	}
	if (r.line < 2)
		return err_set(err, EINVAL, "%s: empty: not a wire model", label);
	close_block(&r);
	return 0;
}

int
plain_read(struct plain *p, const char *path, struct err *err)
{
	struct reading r = {.plain = p, .label = path};
	struct unpack *in;
	const char *line;
	size_t len;
	int more;

	if (unpack_open(path, BYTES_MAX, &in, err) < 0)
		return -1;
	while ((more = unpack_line(in, &line, &len, err)) > 0)
		if ((more = read_line(&r, line, len, err)) < 0)
			break;
	if (more == 0 && r.line < 2)
		more = err_set(err, EINVAL, "%s: empty: not a wire model", path);
	if (more == 0)
		close_block(&r);
	unpack_close(in);
	return more;
}
