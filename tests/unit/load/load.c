/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading: cells and defaults, the two formats' corners, turning and joining, and that
 * each wrong line or heading is named with its line.
 */
#include "load/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/text.h"
#include "model/batch.h"
#include "model/flow.h"
#include "model/sink.h"
#include "report/report.h"

enum { KEPT_MAX = 70000 };

/* Keeps what is pushed. */
struct keeper {
	struct sink sink;
	struct batch *rows;
};

static int
keep(struct sink *sink, struct batch *batch, struct err *err)
{
	struct batch *rows = ((struct keeper *)sink)->rows;
	uint32_t picks[BATCH_ROWS];
	uint32_t i;

	for (i = 0; i < batch->rows; i++)
		picks[i] = i;
	batch_append_rows(rows, batch, picks, batch->rows);
	return 0;
}

static struct keeper keeper = {.sink.push = keep};
static struct load_stats stats;
static struct text reports;
static struct err err;

static void
report(void *arg, const char *text)
{
	text_str(&reports, text);
	text_char(&reports, '\n');
}

static int
load_text(struct load_config config, const char *text, size_t n)
{
	config.report = report;
	if (keeper.rows == NULL)
		keeper.rows = batch_new(&flow_schema, KEPT_MAX);
	if (reports.data == NULL)
		text_init(&reports);
	batch_clear(keeper.rows);
	text_clear(&reports);
	memset(&stats, 0, sizeof stats);
	err_clear(&err);
	return load_memory("in", text, n, &config, &keeper.sink, &stats, &err);
}

/* Loads text that has no error in it; returns row i. */
static struct flow
loaded(struct load_config config, const char *text, size_t rows, size_t i)
{
	struct flow f;

	if (load_text(config, text, strlen(text)) != 0)
		fail_msg("%s", err.text);
	if (reports.len > 0)
		fail_msg("%s", reports.data);
	assert_int_equal(keeper.rows->rows, rows);
	batch_row(keeper.rows, i, &f);
	return f;
}

static const struct load_config plain;

static void
test_cells_and_defaults(void **state)
{
	struct flow f;

	f = loaded(plain,
		   "src\tdst\tproto\tbytes\tstart\n"
		   "192.0.2.1\t2001:db8::1\ttcp\t3001\t1795428000.25\n",
		   1, 0);
	assert_int_equal(f.start, 1795428000250000);
	assert_int_equal(f.end, f.start);
	assert_int_equal(f.packets, 3);
	assert_int_equal(stats.counters[LOAD_packets_estimated], 1);
	assert_true(f.dst.is_v6 && !f.src.is_v6);
	assert_int_equal(f.proto, 6);
	assert_false(flow_has(&f, reverse_bytes) || flow_has(&f, src_port));
	f = loaded(
	    plain,
	    "start,duration,src,dst,proto,bytes,packets,extra,src_port\r\n\r\n"
	    "2026-11-23T10:00:00Z,1.5,192.0.2.1,192.0.2.2,17,0,7,\"a,\"\"b\n\",\r\n",
	    1, 0);
	assert_int_equal(f.start, 1795428000000000);
	assert_int_equal(f.end, f.start + 1500000);
	assert_int_equal(f.packets, 7);
	assert_int_equal(f.extra.len, 5);
	assert_memory_equal(f.extra.data, "a,\"b\n", 5);
	f = loaded(
	    plain,
	    "\xef\xbb\xbfstart\tend\tsrc\tdst\tproto\tbytes\tpackets\textra\tmarks\n"
	    "1\t2\t192.0.2.1\t192.0.2.2\ticmp\t1\t1\ta\\tb\\\\n\\q\t1 2",
	    1, 0);
	assert_memory_equal(f.extra.data, "a\tb\\n\\q", f.extra.len);
	assert_int_equal(f.marks.count, 2);
}

#define HEAD "start,end,src,dst,src_port,dst_port,proto,bytes,packets"
#define CLIENT "10,20,192.0.2.1,198.51.100.1,40000,443,tcp,500,5"
#define SERVER "11,21,198.51.100.1,192.0.2.1,443,40000,tcp,90000,60"

static void
check_joined(const struct flow *f)
{
	assert_int_equal(f->src.v4, 0xc0000201);
	assert_int_equal(f->src_port, 40000);
	assert_int_equal(f->dst_port, 443);
	assert_int_equal(f->bytes, 500);
	assert_int_equal(f->reverse_bytes, 90000);
	assert_int_equal(f->reverse_packets, 60);
	assert_int_equal(f->start, 10000000);
	assert_int_equal(f->end, 21000000);
	assert_int_equal(f->biflow_direction, DIRECTION_port);
}

static void
test_join(void **state)
{
	struct flow f;

	f = loaded(plain, HEAD "\n" CLIENT "\n" SERVER "\n", 1, 0);
	check_joined(&f);
	f = loaded(plain, HEAD "\n" SERVER "\n" CLIENT "\n", 1, 0);
	check_joined(&f);
	/* No overlap, another observation point, or not wanted: two rows. */
	loaded(plain,
	       HEAD "\n" CLIENT "\n30,31,198.51.100.1,192.0.2.1,443,40000,tcp,9,1\n", 2,
	       0);
	loaded(plain, HEAD ",domain\n" CLIENT ",1\n" SERVER ",2\n", 2, 0);
	loaded((struct load_config){.no_join = true}, HEAD "\n" CLIENT "\n" SERVER "\n",
	       2, 0);
	/* Ports say nothing: who began first. */
	f = loaded(plain,
		   HEAD "\n11,20,192.0.2.9,192.0.2.8,40000,50000,tcp,1,1\n"
			"10,20,192.0.2.8,192.0.2.9,50000,40000,tcp,2,1\n",
		   1, 0);
	assert_int_equal(f.src.v4, 0xc0000208);
	assert_int_equal(f.bytes, 2);
	assert_int_equal(f.biflow_direction, DIRECTION_first);
	/* Both at once, as times of whole seconds have it: the lower port is the server's;
	 * one below all that systems give to clients is even if that one came first. */
	f = loaded(plain,
		   HEAD "\n10,20,192.0.2.9,192.0.2.8,8090,20003,tcp,1,1\n"
			"10,20,192.0.2.8,192.0.2.9,20003,8090,tcp,2,1\n",
		   1, 0);
	assert_int_equal(f.src_port, 20003);
	assert_int_equal(f.biflow_direction, DIRECTION_first);
	f = loaded(plain,
		   HEAD "\n9,20,192.0.2.9,192.0.2.8,8090,40003,tcp,1,1\n"
			"10,20,192.0.2.8,192.0.2.9,40003,8090,tcp,2,1\n",
		   1, 0);
	assert_int_equal(f.src_port, 40003);
	assert_int_equal(f.biflow_direction, DIRECTION_port);
	/* Of two that overlap, the one with the same start and end. */
	f = loaded(plain,
		   HEAD "\n10,20,192.0.2.1,198.51.100.1,40000,443,tcp,1,1\n"
			"10,21,192.0.2.1,198.51.100.1,40000,443,tcp,2,1\n"
			"10,20,198.51.100.1,192.0.2.1,443,40000,tcp,3,1\n",
		   2, 0);
	assert_int_equal(f.bytes, 1);
	assert_int_equal(f.reverse_bytes, 3);
}

static void
test_turn(void **state)
{
	struct flow f;

	f = loaded(plain, HEAD ",src_as,tos\n" SERVER ",7,8\n", 1, 0);
	assert_int_equal(f.src_port, 40000);
	assert_int_equal(f.reverse_bytes, 90000);
	assert_int_equal(f.bytes, 0);
	assert_int_equal(f.packets, 0);
	assert_int_equal(f.dst_as, 7);
	assert_false(flow_has(&f, src_as) || flow_has(&f, tos));
	assert_int_equal(f.reverse_tos, 8);
	assert_int_equal(f.biflow_direction, DIRECTION_port);
	assert_int_equal(stats.counters[LOAD_turned], 1);
	f = loaded(plain, HEAD ",reverse_bytes,reverse_packets\n" SERVER ",500,5\n", 1,
		   0);
	assert_int_equal(f.bytes, 500);
	assert_int_equal(f.reverse_bytes, 90000);
	f = loaded(plain, HEAD "\n1,2,192.0.2.9,192.0.2.8,8090,40003,tcp,5,1\n", 1, 0);
	assert_int_equal(f.dst_port, 8090);
	assert_int_equal(f.reverse_bytes, 5);
	/* Who has both directions in a row and no service's port says which is src. */
	f = loaded(plain, HEAD ",reverse_bytes,reverse_packets\n"
			  "1,2,192.0.2.9,192.0.2.8,20003,40003,tcp,5,1,700,2\n", 1, 0);
	assert_int_equal(f.src_port, 20003);
	/* Left alone: half a reverse side, a known direction, a wish. */
	f = loaded(plain, HEAD ",reverse_bytes\n" SERVER ",500\n", 1, 0);
	assert_int_equal(f.src_port, 443);
	f = loaded(plain, HEAD ",biflow_direction\n" SERVER ",initiator\n", 1, 0);
	assert_int_equal(f.src_port, 443);
	f = loaded((struct load_config){.no_turn = true}, HEAD "\n" SERVER "\n", 1, 0);
	assert_int_equal(f.src_port, 443);
	f = loaded(plain, HEAD "\n" CLIENT "\n", 1, 0);
	assert_false(flow_has(&f, biflow_direction) || flow_has(&f, reverse_bytes));
}

/* Wrong lines among good ones; the message names line and column. */
static const struct {
	const char *line;
	const char *words;
} bad[] = {
    {"10,20,192.0.2.1,198.51.100.1,40000,443,tcp,many,5", "in:3: column 'bytes': 'many'"},
    {"10,20,192.0.2,198.51.100.1,40000,443,tcp,1,5",
     "column 'src': '192.0.2' is not an IPv4"},
    {"10,20,,198.51.100.1,40000,443,tcp,1,5", "column 'src': empty"},
    {"10,20,192.0.2.1,198.51.100.1,65536,443,tcp,1,5", "column 'src_port': '65536'"},
    {"10,20,192.0.2.1", "3 cells, but the heading has 9"},
    {CLIENT ",x", "10 cells"},
    {"20,10,192.0.2.1,192.0.2.2,1,1,tcp,1,1", "end is before"},
    {"\"10\"x,20,192.0.2.1,192.0.2.2,1,1,tcp,1,1", "closing quote"},
    {"\"10,20,192.0.2.1,192.0.2.2,1,1,tcp,1,1", "not closed"},
    {"x,y,z,\x1b,w,v,u,t,s", "column 'start': 'x'"},
};

static void
test_bad_lines(void **state)
{
	struct text t;
	size_t i;

	text_init(&t);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		text_clear(&t);
		text_printf(&t, "%s\n%s\n%s\n%s\n", HEAD, CLIENT, bad[i].line, SERVER);
		assert_int_equal(
		    load_text((struct load_config){.no_join = true}, t.data, t.len), 0);
		if (strstr(reports.data, bad[i].words) == NULL)
			fail_msg("%s: %s", bad[i].line, reports.data);
		assert_non_null(strstr(reports.data, "in:3: "));
		assert_int_equal(keeper.rows->rows, 2);
		assert_int_equal(stats.counters[LOAD_bad_lines], 1);
		assert_int_equal(stats.counters[LOAD_lines], 3);
	}
	text_done(&t);
}

static void
test_odd_bytes(void **state)
{
	static const char nul[] = HEAD "\n" CLIENT "\n10,\0,x\n" SERVER "\n";
	struct text t;

	assert_int_equal(load_text(plain, nul, sizeof nul - 1), 0);
	assert_non_null(strstr(reports.data, "in:3: holds a NUL byte"));
	assert_int_equal(keeper.rows->rows, 1);
	text_init(&t);
	text_str(&t, HEAD "\n");
	memset(text_room(&t, 3 << 20), 'x', 3 << 20);
	t.len += 3 << 20;
	text_str(&t, "\n" CLIENT "\n");
	assert_int_equal(load_text(plain, t.data, t.len), 0);
	assert_non_null(strstr(reports.data, "in:2: longer than 1 MiB"));
	assert_int_equal(keeper.rows->rows, 1);
	text_done(&t);
}

static void
test_few_reports(void **state)
{
	struct text t;
	unsigned i;

	text_init(&t);
	text_str(&t, HEAD "\n");
	for (i = 0; i < 2000; i++)
		text_str(&t, i % 2 ? "x\n" : "y,20,192.0.2.1,192.0.2.2,1,1,tcp,1,1\n");
	assert_int_equal(load_text(plain, t.data, t.len), 0);
	assert_int_equal(stats.counters[LOAD_bad_lines], 2000);
	assert_non_null(strstr(reports.data, "not shown"));
	for (i = 0; reports.len > 0; reports.len--)
		i += reports.data[reports.len - 1] == '\n';
	assert_int_equal(i, 10);
	text_done(&t);
}

static const struct {
	const char *text;
	const char *words;
} headings[] = {
    {"", "empty"},
    {"\n\n", "empty"},
    {"start,src,dst,proto\n", "lacks bytes"},
    {"src\tdst\n", "lacks start, proto, bytes"},
    {HEAD ",byts\n", "did you mean 'bytes'"},
    {"\n" HEAD ",src\n", "in:2: two columns are named src"},
    {"\"start,src\n", "not closed"},
};

static void
test_headings(void **state)
{
	size_t i;

	for (i = 0; i < sizeof headings / sizeof headings[0]; i++) {
		assert_int_equal(
		    load_text(plain, headings[i].text, strlen(headings[i].text)), -1);
		if (strstr(err.text, headings[i].words) == NULL)
			fail_msg("%s: %s", headings[i].text, err.text);
	}
	loaded((struct load_config){.ignores_unknown = true},
	       HEAD ",colour\n" CLIENT ",red\n", 1, 0);
	loaded(plain, HEAD ",bytes_scaled\n" CLIENT ",7\n", 1, 0);
}

/* More rows than wait at once, through a file: all come out. */
static void
test_many_rows(void **state)
{
	const char *folder = getenv("WEIR_TMP");
	char path[512];
	const unsigned rows = LOAD_JOIN_ROWS + 3000;
	FILE *file;
	unsigned i;

	snprintf(path, sizeof path, "%s/weir-load-XXXXXX",
		 folder != NULL ? folder : "/tmp");
	file = fdopen(mkstemp(path), "w");
	assert_non_null(file);
	fputs(HEAD "\n", file);
	for (i = 0; i < rows; i++)
		fprintf(file, "10,20,192.0.2.1,198.51.100.%u,%u,443,tcp,500,5\n",
			i / 65000, i % 65000 + 1);
	fclose(file);
	batch_clear(keeper.rows);
	memset(&stats, 0, sizeof stats);
	assert_int_equal(load_file(path, &plain, &keeper.sink, &stats, &err), 0);
	assert_int_equal(keeper.rows->rows, rows);
	assert_int_equal(stats.counters[LOAD_rows], rows);
	unlink(path);
	assert_int_equal(load_file("/nonexistent", &plain, &keeper.sink, &stats, &err),
			 -1);
	assert_non_null(strstr(err.text, "/nonexistent"));
	err_clear(&err);
	assert_int_equal(load_file("/", &plain, &keeper.sink, &stats, &err), -1);
	err_clear(&err);
}

/* Row i with a value in every field that its type can read back. */
static void
full_flow(struct batch *b, uint32_t i)
{
	static const uint64_t marks[] = {1, UINT64_MAX};
	struct flow f;
	unsigned field;

	memset(&f, 0, sizeof f);
	for (field = 0; field < flow_schema.stored; field++) {
		char *member = (char *)&f + flow_schema.fields[field].offset;
		struct str text = {"a\t\"b\", \\c\n", 10};
		struct list list = {marks, 2};

		switch (types[flow_schema.fields[field].type].storage) {
		case STORAGE_TEXT:
			memcpy(member, &text, sizeof text);
			break;
		case STORAGE_LIST:
			memcpy(member, &list, sizeof list);
			break;
		case STORAGE_ADDR:
			memcpy(member, &(struct addr){.v4 = field + i}, 20);
			break;
		default:
			*member = 1;
		}
		if (i % 2 == 0 || flow_schema.fields[field].is_required || field % 3 == 0)
			row_mark(f.present, field);
	}
	f.end = f.start + i;
	flow_set(&f, biflow_direction, DIRECTION_syn);
	batch_append(b, &f);
}

/* What report prints in full, load reads back as the same rows. */
static void
round_trip(enum report_format format)
{
	struct batch *b = batch_new(&flow_schema, 64);
	struct report_config config = {.format = format, .schema = &flow_schema};
	unsigned fields[SCHEMA_FIELDS_MAX];
	struct sink *sink;
	FILE *file = tmpfile();
	struct flow before, after;
	char *text = calloc(1, 1 << 20);
	uint32_t i;

	assert_non_null(file);
	config.fd = fileno(file);
	config.fields = fields;
	report_fields(&flow_schema, "all", fields, &config.n, &err);
	assert_int_equal(report_open(&config, &sink, &err), 0);
	for (i = 0; i < 64; i++)
		full_flow(b, i);
	assert_int_equal(sink_push(sink, b, &err), 0);
	assert_int_equal(sink_close(sink, &err), 0);
	assert_true(pread(fileno(file), text, (1 << 20) - 1, 0) > 0);
	loaded(plain, text, 64, 0);
	for (i = 0; i < 64; i++) {
		memset(&before, 0, sizeof before);
		memset(&after, 0, sizeof after);
		batch_row(b, i, &before);
		batch_row(keeper.rows, i, &after);
		assert_memory_equal(before.present, after.present, sizeof before.present);
		assert_memory_equal(before.extra.data, after.extra.data, after.extra.len);
		assert_int_equal(before.extra.len, after.extra.len);
		assert_int_equal(before.marks.count, after.marks.count);
		before.extra = after.extra;
		before.fingerprint = after.fingerprint;
		before.reverse_fingerprint = after.reverse_fingerprint;
		before.marks = after.marks;
		assert_memory_equal(&before, &after, sizeof before);
	}
	free(text);
	fclose(file);
	batch_free(b);
}

static void
test_round_trip(void **state)
{
	round_trip(REPORT_TSV);
	round_trip(REPORT_CSV);
}

/*
 * Tables of other programs: nfdump 1.7.1's, cut; the heading that flow-export -f 2 and
 * flowd-reader -c print; SiLK's, with its padding; Zeek's and Amazon's by their manuals.
 */
static void
test_nfdump(void **state)
{
	static const char table[] =
	    "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,nh,ra,eng\n"
	    "2016-04-07 18:23:32,2016-04-07 18:23:32,0.018,198.51.100.8,192.0.2.30,80,44332,"
	    "TCP,...AP...,0,0,6,12692,0,0,0,3,0.0.0.0,203.0.113.1,17/1\n"
	    "2016-04-07 18:23:33,2016-04-07 18:23:33,0.000,192.0.2.1,192.0.2.2,0,2048,"
	    "ICMP,........,0,0,1,84,1,84,0,0,0.0.0.0,0.0.0.0,17/1\n"
	    "2016-04-07 18:23:33,2016-04-07 18:23:33,0.000,2001:db8::1,ff02::1,0,134.0,"
	    "ICMP6,........,0,0,1,64,0,0,0,0,0.0.0.0,0.0.0.0,17/1\n"
	    "Summary\n"
	    "flows,bytes,packets,avg_bps,avg_pps,avg_bpp\n"
	    "3,12924,9,199,0,137\n";
	struct load_config config = {.no_turn = true};
	struct flow f;

	f = loaded(config, table, 3, 0);
	assert_int_equal(f.start, 1460053412000000);
	assert_int_equal(f.end, f.start + 18000);
	assert_int_equal(f.src.v4, 0xc6336408);
	assert_int_equal(f.dst_port, 44332);
	assert_int_equal(f.proto, 6);
	assert_int_equal(f.tcp_flags, 0x18);
	assert_int_equal(f.bytes, 12692);
	assert_int_equal(f.packets, 6);
	assert_false(flow_has(&f, reverse_bytes) || flow_has(&f, reverse_packets));
	assert_false(flow_has(&f, ingress) || flow_has(&f, next_hop));
	assert_int_equal(f.egress, 3);
	assert_int_equal(f.exporter.v4, 0xcb007101);
	f = loaded(config, table, 3, 1);
	assert_false(flow_has(&f, src_port) || flow_has(&f, dst_port));
	assert_false(flow_has(&f, tcp_flags) || flow_has(&f, exporter));
	assert_int_equal(f.icmp_type, 8);
	assert_int_equal(f.icmp_code, 0);
	assert_int_equal(f.reverse_packets, 1);
	f = loaded(config, table, 3, 2);
	assert_int_equal(f.proto, 58);
	assert_int_equal(f.icmp_type, 134);
	f = loaded(config,
		   "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,"
		   "bps,bpp,flows\n"
		   "2026-04-07 18:23:32.405,1.500,UDP,192.0.2.1,5353,192.0.2.2,53,2,140,0,0,1\n",
		   1, 0);
	assert_int_equal(f.start % 1000000, 405000);
	assert_int_equal(f.end, f.start + 1500000);
	assert_int_equal(f.dst_port, 53);
	assert_int_equal(f.bytes, 140);
}

#define EXPORTED \
	"#:unix_secs,unix_nsecs,sysuptime,exaddr,dpkts,doctets,first,last,engine_type,"  \
	"engine_id,srcaddr,dstaddr,nexthop,input,output,srcport,dstport,prot,tos,"       \
	"tcp_flags,src_mask,dst_mask,src_as,dst_as\n"

static void
test_flow_export(void **state)
{
	static const char no_uptime[] =
	    EXPORTED "1157476947,0,x,203.0.113.9,7,1028,1,2,0,1,192.0.2.7,198.51.100.2,"
		     "0.0.0.0,3,4,1029,80,6,0,27,24,16,0,0\n";
	struct load_config config = {.no_turn = true};
	struct flow f;

	f = loaded(config,
		   EXPORTED "1157476947,457000,1029495428,203.0.113.9,7,1028,1029406775,"
			    "1029407306,0,1,192.0.2.7,198.51.100.2,0.0.0.0,3,4,1029,80,6,0,"
			    "27,24,16,0,64500\n",
		   1, 0);
	/* 88.653 and 88.122 s before the packet's time */
	assert_int_equal(f.start, 1157476947000457 - 88653000);
	assert_int_equal(f.end, 1157476947000457 - 88122000);
	assert_int_equal(f.tcp_flags, 27);
	assert_int_equal(f.dst_as, 64500);
	assert_false(flow_has(&f, src_as) || flow_has(&f, next_hop));
	/* The uptime went round between the flow's begin and the export. */
	f = loaded(config,
		   EXPORTED "1157476947,0,1000,203.0.113.9,7,1028,4294966296,4294967295,0,1,"
			    "192.0.2.7,198.51.100.2,0.0.0.0,3,4,1029,80,6,0,27,24,16,0,0\n",
		   1, 0);
	assert_int_equal(f.start, 1157476947000000 - 2000000);
	assert_int_equal(f.end, 1157476947000000 - 1001000);
	assert_int_equal(load_text(config, no_uptime, sizeof no_uptime - 1), 0);
	assert_int_equal(stats.counters[LOAD_bad_lines], 1);
	assert_non_null(strstr(reports.data, "in:2: column 'start': 'not known' is not"));
}

static void
test_other_dialects(void **state)
{
	struct load_config config = {.no_turn = true};
	static const char zeek[] =
	    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
	    "#path\tconn\n"
	    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\t"
	    "duration\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\n"
	    "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\t"
	    "count\tcount\tcount\n"
	    "1460053412.018312\tCx\t192.0.2.1\t40000\t198.51.100.1\t80\ttcp\thttp\t0.25\t6\t"
	    "500\t60\t90000\n"
	    "1460053413.000000\tCy\t192.0.2.1\t8\t198.51.100.1\t0\ticmp\t-\t-\t1\t84\t0\t"
	    "0\n#close\t2016-04-07-19-00-00\n";
	struct flow f;

	f = loaded(config,
		   "            sIP|      dIP|sPort|dPort|pro|   packets|  bytes|   flags|"
		   "                  sTime| duration|                  eTime|sen|\n"
		   "      192.0.2.1|192.0.2.2|40000|   80|  6|        10|   1200|FS PA   |"
		   "2016/04/07T18:23:31.405|    0.100|2016/04/07T18:23:31.505| S0|\n",
		   1, 0);
	assert_int_equal(f.start, 1460053411405000);
	assert_int_equal(f.end, f.start + 100000);
	assert_int_equal(f.tcp_flags, 0x1b);
	assert_int_equal(f.packets, 10);
	f = loaded(config, zeek, 2, 0);
	assert_int_equal(f.start, 1460053412018312);
	assert_int_equal(f.end, f.start + 250000);
	assert_int_equal(f.reverse_bytes, 90000);
	assert_int_equal(f.packets, 6);
	f = loaded(config, zeek, 2, 1);
	assert_int_equal(f.end, f.start);
	assert_int_equal(f.icmp_type, 8);
	assert_false(flow_has(&f, reverse_packets) || flow_has(&f, src_port));
	f = loaded(config,
		   "version account-id interface-id srcaddr dstaddr srcport dstport protocol "
		   "packets bytes start end action log-status\n"
		   "2 123 eni-1 192.0.2.1 198.51.100.1 40000 443 6 20 4249 1460053412 "
		   "1460053470 ACCEPT OK\n"
		   "2 123 eni-1 - - - - - - - 1460053412 1460053470 - NODATA\n",
		   1, 0);
	assert_int_equal(f.end - f.start, 58000000);
	assert_int_equal(f.dst_port, 443);
	assert_int_equal(stats.counters[LOAD_no_flows], 1);
}

static int
done(void **state)
{
	batch_free(keeper.rows);
	text_done(&reports);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cells_and_defaults),
	    cmocka_unit_test(test_join),
	    cmocka_unit_test(test_turn),
	    cmocka_unit_test(test_bad_lines),
	    cmocka_unit_test(test_odd_bytes),
	    cmocka_unit_test(test_few_reports),
	    cmocka_unit_test(test_headings),
	    cmocka_unit_test(test_many_rows),
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_nfdump),
	    cmocka_unit_test(test_flow_export),
	    cmocka_unit_test(test_other_dialects),
	};

	return cmocka_run_group_tests_name("load", tests, NULL, done);
}
