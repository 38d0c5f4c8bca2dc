/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of servers' logs and of nfdump, and the rows that become of them. */
#include "base/err.h"
#include "base/text.h"
#include "lab/access.h"
#include "lab/client.h"
#include "lab/netflow.h"
#include "lab/note.h"
#include "lab/origin.h"
#include "lab/topology.h"
#include "lab/truth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
test_columns(void **state)
{
	static const struct {
		enum access_kind kind;
		const char *line;
		int64_t end_us, duration_us;
		uint64_t sent;
		const char *path;
	} lines[] = {
		{ACCESS_nginx, "192.0.2.101\t40000\t1796008186.250\t1.500\t200\t1258\t1000\t-\t150\t"
		    "198.51.100.1\t80\tHTTP/1.1\t-\t3\t/000-a.bin", 1796008186250000,
		        1500000, 1258,
		    "/000-a.bin"},
		{ACCESS_apache, "192.0.2.101\t40000\t1796008186.250001\t1500000\t200\t1258\t1000\t-\t"
		    "150\t198.51.100.1\t80\tHTTP/1.1\t-\t3\t/000-a.bin", 1796008186250001,
		        1500000,
		    1258, "/000-a.bin"},
		{ACCESS_curl, "192.0.2.101\t40000\t-\t1.500000\t200\t-\t1000\t258\t150\t198.51.100.1\t"
		    "443\tHTTP/1\t-\t-\thttps://198.51.100.1/000-a.bin", 0, 1500000, 1258,
		    "/000-a.bin"},
		{ACCESS_curl, "192.0.2.101\t40000\t-\t1.5\t200\t-\t1000\t258\t150\t2001:db8::1\t443\t"
		    "HTTP/1\t-\t-\thttps://[2001:db8::1]/x/y.bin", 0, 1500000, 1258,
		        "/x/y.bin"},
		{ACCESS_caddy, "{\"level\":\"info\",\"ts\":1796008186.25,\"request\":{\"remote_ip\":"
		    "\"192.0.2.101\",\"remote_port\":\"40000\",\"proto\":\"HTTP/3.0\",\"uri\":\"/000-a.bin\"},\"bytes_read\":0,\"duration\":1.5,\"size\":1000,\"status\":200}",
		    1796008186250000, 1500000, 0, "/000-a.bin"},
	};
	size_t i;

	for (i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct access a;
		struct err err = {0};

		if (access_parse(lines[i].kind, lines[i].line, strlen(lines[i].line), &a,
		    &err) != 0)
			fail_msg("%s: %s", lines[i].line, err.text);
		assert_string_equal(a.client, "192.0.2.101");
		assert_int_equal(a.client_port, 40000);
		assert_int_equal(a.end_us, lines[i].end_us);
		assert_int_equal(a.duration_us, lines[i].duration_us);
		assert_int_equal(a.status, 200);
		assert_int_equal(a.sent, lines[i].sent);
		assert_int_equal(a.body, 1000);
		assert_int_equal(a.request, lines[i].kind == ACCESS_caddy ? 0 : 150);
		assert_string_equal(a.path, lines[i].path);
		assert_string_equal(a.encoding, "");
	}
}

static void
test_bad_lines(void **state)
{
	static const struct {
		enum access_kind kind;
		const char *line;
	} lines[] = {
		{ACCESS_nginx, ""},
		{ACCESS_nginx, "192.0.2.101\t40000"},
		{ACCESS_nginx, "1\t7\t1\t1\t200\t1\t1\t1\t1\t1\t1\t1\t1\t1"},
		{ACCESS_nginx, "1\t70000\t1\t1\t200\t1\t1\t1\t1\t1\t1\t1\t1\t1\t/"},
		{ACCESS_nginx, "1\t7\tnow\t1\t200\t1\t1\t1\t1\t1\t1\t1\t1\t1\t/"},
		{ACCESS_nginx, "1\t7\t1e300\t1\t200\t1\t1\t1\t1\t1\t1\t1\t1\t1\t/"},
		{ACCESS_nginx, "1\t7\t1\tnan\t200\t1\t1\t1\t1\t1\t1\t1\t1\t1\t/"},
		{ACCESS_nginx, "1\t7\t1\t1\t2000\t1\t1\t1\t1\t1\t1\t1\t1\t1\t/"},
		{ACCESS_nginx, "1\t7\t1\t1\t200\t-1\t1\t1\t1\t1\t1\t1\t1\t1\t/"},
		{ACCESS_caddy, "no json"},
		{ACCESS_caddy, "[]"},
		{ACCESS_caddy, "{\"ts\":1,\"duration\":1,\"size\":-1,\"status\":200}"},
		{ACCESS_caddy, "{\"ts\":\"x\",\"duration\":1,\"size\":1,\"status\":200}"},
	};
	size_t i;

	for (i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct access a;
		struct err err = {0};

		if (access_parse(lines[i].kind, lines[i].line, strlen(lines[i].line), &a,
		    &err) == 0)
			fail_msg("read as good: %s", lines[i].line);
	}
}

static void
test_netflow(void **state)
{
	static const struct {
		const char *line, *row;
	} lines[] = {
		{"2026-11-30 03:10:21.222;2026-11-30 03:10:21.301;  198.51.100.1;192.0.2.101;    80; "
		    "40000;6    ;     724;  1069890",
		    "2026-11-30 03:10:21.222\t2026-11-30 "
		    "03:10:21.301\t198.51.100.1\t192.0.2.101\t80\t40000\t6\t724\t1069890\t"},
		/* type and code of ICMP are no port */
		{"2026-11-30 03:10:21.222;2026-11-30 03:10:21.301;fe80::1;ff02::16;0;0.0;58;1;96",
		    "2026-11-30 03:10:21.222\t2026-11-30 "
		    "03:10:21.301\tfe80::1\tff02::16\t0\t\t58\t1\t96\t"},
		{"", NULL},
		{"a;b;c", NULL},
		{"a;b;c;d;1;2;3;4;5;6", NULL},
		{"a;b;c;d;1;2;3;;5", NULL},
		{"a;b;c;d;1;2;3;4\t;5", NULL},
	};
	struct text out;
	size_t i, tabs;

	text_init(&out);
	for (i = 0; i < sizeof lines / sizeof *lines; i++) {
		text_clear(&out);
		assert_int_equal(netflow_row(lines[i].line, strlen(lines[i].line), 1,
		    &out), lines[i].row == NULL ? -1 : 0);
		if (lines[i].row == NULL) {
			assert_int_equal(out.len, 0);
			continue;
		}
		assert_true(strncmp(out.data, lines[i].row, strlen(lines[i].row)) == 0);
		assert_string_equal(out.data + strlen(lines[i].row), "\n");
	}
	text_clear(&out);
	assert_int_equal(netflow_row(lines[0].line, strlen(lines[0].line), 100, &out), 0);
	assert_non_null(strstr(out.data, "\t100\n"));
	/* as many columns in the rows as in their heading and in what nfdump is asked
	 * for */
	for (tabs = i = 0; i < out.len; i++)
		tabs += out.data[i] == '\t';
	text_clear(&out);
	netflow_header(&out);
	for (i = 0; i < out.len; i++)
		tabs -= out.data[i] == '\t';
	assert_int_equal(tabs, 0);
	text_done(&out);
}

/* ---- a block ---- */

struct desk {
	char folder[512], access[600], clients[600];
	struct corpus_file files[2];
	struct corpus corpus;
	struct scenario scenario;
	struct topology topology;
	struct origin origin;
	struct truth_config config;
};

static void
put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
desk_make(struct desk *d, const char *scenario)
{
	const char *tmp = getenv("WEIR_TMP");
	struct err err = {0};

	memset(d, 0, sizeof *d);
	snprintf(d->folder, sizeof d->folder, "%s", tmp != NULL ? tmp : "/tmp");
	snprintf(d->clients, sizeof d->clients, "%s/clients.log", d->folder);
	snprintf(d->origin.access, sizeof d->origin.access, "%.200s/access.log",
	    d->folder);
	d->files[0] = (struct corpus_file){"000-a.bin", "000-a.bin", 1000, 0};
	d->files[1] = (struct corpus_file){"001-b.bin", "001-b.bin", 500, 0};
	d->corpus = (struct corpus){d->files, 2};
	if (scenario_parse(&d->scenario, "x", scenario, strlen(scenario), &err) != 0)
		fail_msg("%s", err.text);
	strcpy(d->topology.client_address[0], "192.0.2.101");
	strcpy(d->topology.client_address[1], "192.0.2.102");
	strcpy(d->topology.server_address[0], "198.51.100.1");
	d->topology.port_first[0] = 12000;
	d->topology.port_first[1] = 37000;
	d->topology.ports = 25000;
	d->config = (struct truth_config){&d->scenario, &d->topology, &d->origin,
	    &d->corpus,
	    d->clients, 0, 0, 4, false, 0};
	put(d->clients, "");
	put(d->origin.access, "");
}

/* The cell of a column in row i. */
static void
cell(const struct text *rows, unsigned i, const char *column, char *out, size_t size)
{
	struct text header;
	const char *line = rows->data, *name, *end;

	text_init(&header);
	truth_header(&header);
	/* one line, whose last column is the one that truth_keep reads */
	assert_int_equal(strcspn(header.data, "\n"), header.len - 1);
	assert_string_equal(strrchr(header.data, '\t'), "\tblock\n");
	for (; i > 0; i--)
		line = strchr(line, '\n') + 1;
	for (name = header.data; strncmp(name, column, strlen(column)) != 0 ||
	    strchr("\t\n", name[strlen(column)]) == NULL; name = strpbrk(name,
	    "\t\n") + 1)
		line = strpbrk(line, "\t\n") + 1;
	end = strpbrk(line, "\t\n");
	snprintf(out, size, "%.*s", (int)(end - line), line);
	text_done(&header);
}

static void
expect(const struct text *rows, unsigned i, const char *column, const char *wanted)
{
	char got[200];

	cell(rows, i, column, got, sizeof got);
	if (strcmp(got, wanted) != 0)
		fail_msg("row %u, %s: '%s' and not '%s'", i, column, got, wanted);
}

/* Reads what so many downloads left. */
static void
read_truth(struct desk *d, unsigned expected, struct text *rows, struct truth_counts *counts)
{
	struct err err = {0};

	d->config.expected = expected;
	if (truth_read(&d->config, rows, counts, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(counts->rows, expected);
}

#define TAIL "198.51.100.1\t80\tHTTP/1.1\t"

static void
test_block(void **state)
{
	static const char log[] =
	    "192.0.2.101\t40000\t1796008186.250\t1.500\t200\t1258\t1000\t-\t150\t" TAIL "-\t1\t/000-a.bin\n"
	    "192.0.2.101\t40000\t1796008187.250\t0.250\t206\t358\t100\t-\t170\t" TAIL "-\t2\t/001-b.bin\n"
	    "192.0.2.101\t40001\t1796008188.250\t0.000\t304\t180\t0\t-\t190\t" TAIL "-\t1\t/001-b.bin\n"
	    "192.0.2.101\t40002\t1796008188.250\t0.000\t200\t460\t200\t-\t150\t" TAIL "-\t1\t/001-b.bin\n"
	    "192.0.2.101\t40003\t1796008188.250\t0.000\t200\t460\t200\t-\t150\t" TAIL "gzip\t1\t/001-b.bin\n"
	    "192.0.2.101\t40004\t1796008188.250\t0.000\t404\t460\t200\t-\t150\t" TAIL "-\t1\t/001-b.bin\n"
	    "192.0.2.101\t40004\t1796008188.250\t0.000\t200\t460\t200\t-\t150\t" TAIL "-\t1\t/page.html\n"
	    "192.0.2.101\t40005\t1796008188.250\t0.000\t200\t760\t500\t-\t150\t" TAIL "-\t1\t/001-b.bin\n"
	    "192.0.2.101\t40006\t1796008188.250\t0.0"; /* being written */
	static const char reports[] = "curl: (23) Failure writing output to destination\n"
	    CLIENT_REPORT "\tabort\t1796008188000000\t192.0.2.101\t40005\t-\t0.1\t200\t-\t100\t260\t150\t"
	    "198.51.100.1\t80\tHTTP/1.1\t-\t-\thttp://198.51.100.1/001-b.bin\n"
	    CLIENT_REPORT "\twhole\t1796008188000000\t192.0.2.101\t40000\t-\t0.1\t200\t-\t1000\t258\t150\t"
	    "198.51.100.1\t80\tHTTP/1.1\t-\t-\thttp://198.51.100.1/000-a.bin\n";
	static const char *const kinds[] = {"whole", "ranges", "unmodified", "partial",
	    "encoded",
	    "partial"};
	struct truth_counts counts = {0};
	struct err err = {0};
	struct text rows;
	struct desk d;
	unsigned i;

	desk_make(&d, "");
	put(d.origin.access, log);
	put(d.clients, reports);
	text_init(&rows);
	read_truth(&d, 6, &rows, &counts);
	assert_int_equal(counts.others, 1);
	assert_int_equal(counts.refused, 1);
	assert_int_equal(counts.octets, 1000 + 100 + 0 + 200 + 200 + 500);
	for (i = 0; i < 6; i++)
		expect(&rows, i, "kind", kinds[i]);
	expect(&rows, 0, "client", "192.0.2.101");
	expect(&rows, 0, "start", "2026-11-30T03:09:44.750000Z");
	expect(&rows, 0, "end", "2026-11-30T03:09:46.250000Z");
	expect(&rows, 0, "name", "000-a.bin");
	expect(&rows, 0, "size", "1000");
	expect(&rows, 0, "span_response", "1258");
	expect(&rows, 0, "span_request", "150");
	expect(&rows, 1, "order", "2");
	expect(&rows, 0, "role", "test");
	expect(&rows, 0, "block", "4");
	/* what one block has read the next one does not */
	d.config.access_from = (long)(strrchr(log, '\n') + 1 - log);
	d.config.expected = 0;
	assert_int_equal(truth_read(&d.config, &rows, &counts, &err), 0);
	assert_int_equal(counts.rows, 6);
	text_done(&rows);
}

/* Of a server that does not count, the lines of a client and port before tell the
 * order. */
static void
test_order(void **state)
{
	static const char *const ends[] = {"192.0.2.101\t40000", "192.0.2.101\t40001",
	    "192.0.2.101\t40000", "192.0.2.102\t40000", "192.0.2.101\t40000"};
	static const char *const orders[] = {"1", "1", "2", "1", "3"};
	struct truth_counts counts = {0};
	struct text log, rows;
	struct desk d;
	unsigned i;

	desk_make(&d, "");
	text_init(&log);
	text_init(&rows);
	for (i = 0; i < 5; i++)
		text_printf(&log, "%s\t1796008186.250\t1.500\t200\t1258\t1000\t-\t150\t" TAIL
		    "-\t-\t/000-a.bin\n", ends[i]);
	put(d.origin.access, log.data);
	read_truth(&d, 5, &rows, &counts);
	for (i = 0; i < 5; i++)
		expect(&rows, i, "order", orders[i]);
	text_done(&log);
	text_done(&rows);
}

/* A download that was resumed: its first part is no whole file, whatever the server's log
 * counted; others of that port, or of that file, are. */
static void
test_resumed(void **state)
{
	static const char log[] =
	    "192.0.2.101\t40000\t1796008186.250\t1.5\t200\t760\t500\t-\t150\t" TAIL "-\t1\t/001-b.bin\n"
	    "192.0.2.101\t40001\t1796008187.250\t0.2\t206\t660\t400\t-\t170\t" TAIL "-\t1\t/001-b.bin\n"
	    "192.0.2.101\t40000\t1796008188.250\t1.5\t200\t1258\t1000\t-\t150\t" TAIL "-\t2\t/000-a.bin\n"
	    "192.0.2.101\t40002\t1796008188.250\t1.5\t200\t760\t500\t-\t150\t" TAIL "-\t1\t/001-b.bin\n";
	static const char reports[] =
	    CLIENT_REPORT "\tresume\t1796008186000000\t192.0.2.101\t40000\t-\t0.1\t200\t-\t100\t260\t150\t"
	    "198.51.100.1\t80\tHTTP/1.1\t-\t-\thttp://198.51.100.1/001-b.bin\n"
	    CLIENT_REPORT "\tresume\t1796008187000000\t192.0.2.101\t40001\t-\t0.1\t206\t-\t400\t260\t170\t"
	    "198.51.100.1\t80\tHTTP/1.1\t-\t-\thttp://198.51.100.1/001-b.bin\n";
	static const char *const kinds[] = {"partial", "ranges", "whole", "whole"};
	struct truth_counts counts = {0};
	struct text rows;
	struct desk d;
	unsigned i;

	desk_make(&d, "");
	put(d.origin.access, log);
	put(d.clients, reports);
	text_init(&rows);
	read_truth(&d, 4, &rows, &counts);
	for (i = 0; i < 4; i++)
		expect(&rows, i, "kind", kinds[i]);
	text_done(&rows);
}

/* Which of its addresses served, by the log; where that does not say it, the only one, at
 * the port of its protocol. */
static void
test_server(void **state)
{
	struct truth_counts counts = {0};
	struct err err = {0};
	struct text rows;
	struct desk d;

	desk_make(&d, "[network]\nservers = 2\n[server]\ntls = 1.3\n");
	strcpy(d.topology.server_address[1], "198.51.100.2");
	put(d.origin.access,
	    "192.0.2.101\t1\t1796008186.250\t1.5\t200\t1258\t1000\t-\t150\t"
	    "198.51.100.2\t8443\tHTTP/1.1\t-\t1\t/000-a.bin\n"
	    "192.0.2.101\t2\t1796008186.250\t1.5\t200\t1258\t1000\t-\t150\t"
	    "-\t-\tHTTP/1.1\t-\t1\t/000-a.bin\n");
	d.config.expected = 2;
	d.config.is_train = true;
	text_init(&rows);
	if (truth_read(&d.config, &rows, &counts, &err) != 0)
		fail_msg("%s", err.text);
	expect(&rows, 0, "server", "198.51.100.2");
	expect(&rows, 0, "server_port", "8443");
	expect(&rows, 0, "client_port", "1");
	expect(&rows, 0, "role", "train");
	expect(&rows, 1, "server", "198.51.100.1");
	expect(&rows, 1, "server_port", "443");
	text_done(&rows);
}

/* s_server writes no log: curl's reports are the truth, in its clock. */
static void
test_reports(void **state)
{
	struct truth_counts counts = {0};
	struct text rows;
	struct desk d;

	desk_make(&d,
	    "[server]\nprogram = s_server\ntls = 1.3\n[client]\nprogram = curl\n");
	put(d.origin.access, "what is no line of a log\n");
	put(d.clients, "curl: a word of its own\n" CLIENT_REPORT
	    "\twhole\t1796008184750000\t192.0.2.101\t40000\t-\t1.5\t200\t-\t1000\t258\t150\t"
	    "198.51.100.1\t443\tHTTP/1\t-\t-\thttps://198.51.100.1/000-a.bin\n"
	    "and one more\n");
	text_init(&rows);
	read_truth(&d, 1, &rows, &counts);
	expect(&rows, 0, "start", "2026-11-30T03:09:44.750000Z");
	expect(&rows, 0, "end", "2026-11-30T03:09:46.250000Z");
	expect(&rows, 0, "client_port", "40000");
	expect(&rows, 0, "server_port", "443");
	expect(&rows, 0, "order", "1");
	expect(&rows, 0, "kind", "whole");
	expect(&rows, 0, "span_response", "1258");
	expect(&rows, 0, "span_request", "150");
	text_done(&rows);
}

/* Waits for a line, which somebody writes into the log in the nth of them. */
struct late {
	const char *log, *line;
	int waits, nth;
};

static bool
late_wait(void *arg)
{
	struct late *late = arg;
	FILE *file;

	if (++late->waits == late->nth) {
		file = fopen(late->log, "a");
		assert_non_null(file);
		fputs(late->line, file);
		fclose(file);
	}
	return late->waits < 1000;
}

/* What is expected is waited for, and no longer than until it is there; and not for ever. */
static void
test_late(void **state)
{
	static const char line[] =
	    "192.0.2.101\t40000\t1796008186.250\t1.5\t200\t1258\t1000\t-\t150\t" TAIL
	    "-\t1\t/000-a.bin\n";
	static const struct {
		int nth, waits;
		uint64_t rows;
	} cases[] = {{1, 1, 2}, {7, 7, 2}, {TRUTH_WAITS, TRUTH_WAITS, 2},
	    {TRUTH_WAITS + 1, TRUTH_WAITS, 1}};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct truth_counts counts = {0};
		struct err err = {0};
		struct text rows;
		struct desk d;
		struct late late = {.line = line, .nth = cases[i].nth};

		desk_make(&d, "");
		late.log = d.origin.access;
		put(d.origin.access, line);
		d.config.expected = 2;
		d.config.wait = late_wait;
		d.config.wait_arg = &late;
		text_init(&rows);
		if (truth_read(&d.config, &rows, &counts, &err) != 0)
			fail_msg("%s", err.text);
		assert_int_equal(late.waits, cases[i].waits);
		assert_int_equal(counts.rows, cases[i].rows);
		assert_int_equal(counts.octets, 1000 * cases[i].rows);
		text_done(&rows);
	}
}

/* What bodies have that the server compresses, from its log. */
static void
test_bodies(void **state)
{
	struct err err = {0};
	struct desk d;

	desk_make(&d, "[server]\ngzip = yes\n[client]\nprogram = curl\n");
	d.files[0].encoded = d.files[1].encoded = 7;
	put(d.origin.access,
	    "192.0.2.101\t1\t1796008186.250\t1.5\t200\t400\t311\t-\t150\t" TAIL "gzip\t1\t/000-a.bin\n"
	    /* none of these says it: not encoded, not the file, no file */
	    "192.0.2.101\t2\t1796008186.250\t1.5\t200\t400\t312\t-\t150\t" TAIL "-\t1\t/001-b.bin\n"
	    "192.0.2.101\t2\t1796008186.250\t1.5\t404\t400\t313\t-\t150\t" TAIL "gzip\t1\t/001-b.bin\n"
	    "192.0.2.101\t2\t1796008186.250\t1.5\t200\t400\t314\t-\t150\t" TAIL "gzip\t1\t/x/001-b.bin\n"
	    "192.0.2.101\t2\t1796008186.250\t1.5\t200\t400\t315\t-\t150\t" TAIL "gzip\t1\tx001-b.bin\n");
	if (truth_bodies(&d.scenario, d.origin.access, &d.corpus, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(d.files[0].encoded, 311);
	assert_int_equal(d.files[1].encoded, 7);
	put(d.origin.access, "no line of a log\n");
	assert_int_equal(truth_bodies(&d.scenario, d.origin.access, &d.corpus, &err), -1);
	assert_non_null(strstr(err.text, "access.log"));
}

static void
test_bad_log(void **state)
{
	struct truth_counts counts = {0};
	struct err err = {0};
	struct text rows;
	struct desk d;

	desk_make(&d, "");
	put(d.origin.access, "a line of another format\n");
	text_init(&rows);
	assert_int_equal(truth_read(&d.config, &rows, &counts, &err), -1);
	assert_non_null(strstr(err.text, "access.log"));
	assert_int_equal(rows.len, 0);
	text_done(&rows);
}

/* Behind a NAT the ports tell the clients apart. */
static void
test_nat(void **state)
{
	struct truth_counts counts = {0};
	struct err err = {0};
	struct text rows;
	struct desk d;

	desk_make(&d, "[network]\nnat = yes\nclients = 2\n");
	put(d.origin.access,
	    "203.0.113.5\t12000\t1796008186.250\t1.5\t200\t1258\t1000\t-\t150\t" TAIL "-\t1\t/000-a.bin\n"
	    "203.0.113.5\t36999\t1796008186.250\t1.5\t200\t1258\t1000\t-\t150\t" TAIL "-\t1\t/000-a.bin\n"
	    "203.0.113.5\t37000\t1796008186.250\t1.5\t200\t1258\t1000\t-\t150\t" TAIL "-\t1\t/000-a.bin\n");
	d.config.expected = 3;
	text_init(&rows);
	assert_int_equal(truth_read(&d.config, &rows, &counts, &err), 0);
	expect(&rows, 0, "client", "192.0.2.101");
	expect(&rows, 1, "client", "192.0.2.101");
	expect(&rows, 2, "client", "192.0.2.102");
	expect(&rows, 2, "client_seen", "203.0.113.5");
	expect(&rows, 2, "client_seen_port", "37000");
	text_done(&rows);
}

/* Frames of HTTP 2 and Apache's TLS are in its octets: they are no spans. */
static void
test_spans(void **state)
{
	static const char *const without[] =
	    {"[server]\nhttp = 2\ntls = 1.3\n[client]\nprogram = curl\n",
	    "[server]\nprogram = apache\ntls = 1.3\n"};
	struct truth_counts counts = {0};
	struct err err = {0};
	struct text rows;
	struct desk d;
	size_t i;

	for (i = 0; i < 2; i++) {
		desk_make(&d, without[i]);
		put(d.origin.access,
		    "192.0.2.101\t12000\t1796008186.250\t15\t200\t1258\t1000\t-\t150\t"
		    TAIL "-\t1\t/000-a.bin\n");
		d.config.expected = 1;
		text_init(&rows);
		assert_int_equal(truth_read(&d.config, &rows, &counts, &err), 0);
		expect(&rows, 0, "span_response", "");
		expect(&rows, 0, "span_request", "");
		expect(&rows, 0, "sent", "1000");
		text_done(&rows);
	}
}

static void
test_keep(void **state)
{
	struct text text, out;
	struct err err = {0};
	size_t header;

	text_init(&text);
	text_init(&out);
	truth_header(&text);
	header = text.len;
	text_str(&text, "a\tb\t0\nc\td\t1\ne\tf\t2\n");
	assert_int_equal(truth_keep(text.data, 2, &out, &err), 0);
	assert_string_equal(out.data, "a\tb\t0\nc\td\t1\n");
	text_str(&text, "g\th\tx\n");
	assert_int_equal(truth_keep(text.data, 2, &out, &err), -1);
	text.data[header - 2] = '?';
	assert_int_equal(truth_keep(text.data, 2, &out, &err), -1);
	text_done(&text);
	text_done(&out);
}

static void
test_notes(void **state)
{
	const char *folder = getenv("WEIR_TMP") != NULL ? getenv("WEIR_TMP") : "/tmp";
	struct text t, back;
	struct err err = {0};
	char value[8];

	text_init(&t);
	text_init(&back);
	text_str(&t, "state\tdone\nseed\t185\nstated\tx\nlong\t0123456789\n");
	assert_int_equal(note_write(folder, "note.tsv", &t, &err), 0);
	assert_int_equal(note_read(folder, "note.tsv", &back, &err), 0);
	assert_string_equal(t.data, back.data);
	note_value(&back, "state", value, sizeof value);
	assert_string_equal(value, "done");
	assert_int_equal(note_number(&back, "seed"), 185);
	assert_int_equal(note_number(&back, "see"), 0);
	assert_int_equal(note_number(&back, "state"), 0);
	note_value(&back, "long", value, sizeof value);
	assert_string_equal(value, "0123456");
	text_clear(&back);
	assert_int_equal(note_read(folder, "none.tsv", &back, &err), 0);
	assert_int_equal(back.len, 0);
	assert_int_equal(note_write("/nonexistent", "note.tsv", &t, &err), -1);
	assert_non_null(strstr(err.text, "/nonexistent/note.tsv"));
	text_done(&t);
	text_done(&back);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns), cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_netflow), cmocka_unit_test(test_block),
		cmocka_unit_test(test_order), cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_server), cmocka_unit_test(test_reports),
		cmocka_unit_test(test_late), cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_bad_log), cmocka_unit_test(test_nat),
		cmocka_unit_test(test_spans), cmocka_unit_test(test_keep),
		cmocka_unit_test(test_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
