/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stripped capture gives the same packets as its original, but for addresses, and holds
 * nothing of what it must hide.
 */
#include "packet/strip.h"

#include "base/err.h"
#include "bytes.h"
#include "packet/source.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *
path_of(const char *name, char path[4096])
{
	const char *folder = getenv("WEIR_TMP");

	snprintf(path, 4096, "%s/%s", folder == NULL ? "/tmp" : folder, name);
	return path;
}

static void
assert_documentation(const struct addr *a)
{
	static const uint8_t net[4] = {0x20, 0x01, 0x0d, 0xb8};

	if (a->is_v6)
		assert_memory_equal(a->v6, net, 4);
	else
		assert_true(a->v4 >> 8 == 0xc00002 || a->v4 >> 8 == 0xc63364 ||
		    a->v4 >> 8 == 0xcb0071 || a->v4 >> 17 == 0xc612 >> 1);
}

static void
compare_packet(const struct packet *a, const struct packet *b)
{
	struct packet x = *a, y = *b;

	assert_documentation(&b->src);
	assert_documentation(&b->dst);
	assert_int_equal(x.tcp_options_bytes, y.tcp_options_bytes);
	x.src = y.src;
	x.dst = y.dst;
	x.tcp_options = y.tcp_options;
	x.frame = y.frame;
	x.mpls = y.mpls;
	memcpy(x.src_mac, y.src_mac, 6);
	memcpy(x.dst_mac, y.dst_mac, 6);
	assert_memory_equal(&x, &y, sizeof x);
}

static void
strip_and_compare(const char *in)
{
	struct packet a[SOURCE_BURST], b[SOURCE_BURST];
	const struct source_stats *x, *y;
	struct source *sa, *sb;
	struct strip_stats stats;
	struct err err = {0};
	char out[4096];
	int na, nb, ia = 0, ib = 0;

	path_of("stripped", out);
	if (strip_file(in, out, &stats, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(source_open(in, &sa, &err), 0);
	assert_int_equal(source_open(out, &sb, &err), 0);
	na = source_burst(sa, a, &err);
	nb = source_burst(sb, b, &err);
	while (na > 0 && nb > 0) { /* their bursts end at different packets */
		compare_packet(&a[ia++], &b[ib++]);
		if (ia == na) {
			na = source_burst(sa, a, &err);
			ia = 0;
		}
		if (ib == nb) {
			nb = source_burst(sb, b, &err);
			ib = 0;
		}
	}
	assert_int_equal(na, 0);
	assert_int_equal(nb, 0);
	x = source_stats(sa);
	y = source_stats(sb);
	assert_int_equal(x->frames, y->frames);
	assert_int_equal(x->wire_bytes, y->wire_bytes);
	assert_int_equal(x->frames, stats.frames);
	assert_int_equal(x->counters[PACKET_COUNT_ip], stats.ip_packets);
	assert_int_equal(y->captured_bytes, stats.written_bytes);
	assert_memory_equal(x->counters, y->counters, sizeof x->counters);
	source_close(sa);
	source_close(sb);
	unlink(out);
}

static void
real_captures(void **state)
{
	const char *root = getenv("WEIR_ROOT");
	char folder[2048], path[4096];
	struct dirent *entry;
	DIR *dir;

	snprintf(folder, sizeof folder, "%s/../shared/captures/meter",
	    root == NULL ? "." : root);
	if ((dir = opendir(folder)) == NULL) {
		print_message("skipped: no shared captures\n");
		skip();
	}
	while ((entry = readdir(dir)) != NULL)
		if (strstr(entry->d_name, ".pcap") != NULL) {
			snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
			strip_and_compare(path);
		}
	closedir(dir);
}

static void
put_header(struct bytes *b, uint32_t magic, uint32_t linktype)
{
	put_number(b, magic, 4, 0);
	put_hex(b, "02000400 00000000 00000000 00000400");
	put_number(b, linktype, 4, 0);
}

static void
put_record(struct bytes *b, const struct bytes *frame)
{
	put_hex(b, "e8030000 07000000");
	put_number(b, frame->n, 4, 0);
	put_number(b, frame->n + 100, 4, 0);
	put(b, frame->at, frame->n);
}

static void
write_file(const char *path, const struct bytes *b)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(b->at, 1, b->n, f), b->n);
	assert_int_equal(fclose(f), 0);
}

/* "beef" stands wherever an address or payload does; no trace of it may be left. */
static void
nothing_left(void **state)
{
	static const struct {
		uint32_t linktype;
		const char *frame;
	} rows[] = {
	    {1, "33330000beef 0a00beef0001 86dd 60000000 0048 00 40"
	        "20010000000000000000000000beef01 20010000000000000000000000beef02"
	        "2b00 c9040000beef 3c02 000100000000 2001000000000000000000000000beef"
	        "0600 beefbeefbeef 03e8 0050 00000001 00000002 8010 0100 beef 0000"
	        "1e08 3001beefbeef 0101 01 00 beefbeefbeef"},
	    {1, "ffffffffffff 0a00beef0001 0800 47000080 0001 0000 40 01 0000 0a00beef 0a01beef"
	        "0708 0400beef beef 0501 0000 beefbeef 4500beef"},
	    {1, "ffffffffffff 0a00beef0001 0806 0001 0800 0604 0001 beefbeef"},
	    {1, "ffffffffffff 0a00beef0001 8100 0001 0806 beef"},
	    {1, "ffffffffffff 0a00beef0001 0800 4500 beef"},
	    {1, "ffffffffffff 0a00beef0001 0026 424203 beefbeefbeef"},
	    {1, "ffffffffffff 0a00beef0001 8847 00000100 beefbeef"},
	    {113, "0000 0001 0006 0a00beef0001 beef 0800 45000028 0001 0000 40 11 0000 0a00beef"
	          "0a01beef 03e8 0035 0014 beef beefbeef"},
	    {113, "0000 0304 0008 beefbeefbeefbeef 0806 beef"},
	    {276, "0806 0000 00000002 0001 00 06 0a00beef0001beef beefbeef"},
	    {0, "07000000 beefbeefbeefbeefbeefbeef"},
	    {101, "5500beefbeefbeefbeefbeefbeefbeefbeefbeefbeef"},
	    {147, "beefbeefbeef"},
	};
	static struct bytes b, frame;
	static uint8_t file[4096];
	struct strip_stats stats;
	char in[4096], out[4096];
	struct err err = {0};
	size_t i, n;
	FILE *f;

	path_of("in", in);
	path_of("out", out);
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		b.n = frame.n = 0;
		put_header(&b, 0xa1b2c3d4, rows[i].linktype);
		put_hex(&frame, rows[i].frame);
		put_record(&b, &frame);
		write_file(in, &b);
		if (strip_file(in, out, &stats, &err) != 0)
			fail_msg("%s", err.text);
		assert_non_null(f = fopen(out, "r"));
		n = fread(file, 1, sizeof file, f);
		fclose(f);
		print_message("%u %s: %zu bytes left\n", rows[i].linktype, rows[i].frame,
		    n - 40);
		assert_null(memmem(file, n, "\xbe\xef", 2));
		if (i < 4)
			strip_and_compare(in);
	}
}

/* 1,000 addresses: each keeps an own name, those beyond 762 in the benchmark network. */
static void
many_addresses(void **state)
{
	static struct bytes b, frame;
	struct strip_stats stats;
	char in[4096], out[4096];
	struct err err = {0};
	struct packet packets[SOURCE_BURST];
	static uint8_t taken[1 << 18];
	struct source *s;
	uint32_t i, place;
	int n, j;

	b.n = 0;
	put_header(&b, 0xa1b23c4d, 101);
	for (i = 0; i < 1000; i++) {
		frame.n = 0;
		put_ipv4(&frame, 17, 16);
		put_udp(&frame);
		frame.at[13] = (uint8_t)(i >> 8);
		frame.at[14] = (uint8_t)i;
		put_record(&b, &frame);
	}
	write_file(path_of("in", in), &b);
	assert_int_equal(strip_file(in, path_of("out", out), &stats, &err), 0);
	assert_int_equal(stats.addresses_v4, 1001);
	assert_int_equal(stats.beyond_documentation, 1001 - 762);
	assert_int_equal(source_open(out, &s, &err), 0);
	while ((n = source_burst(s, packets, &err)) > 0)
		for (j = 0; j < n; j++) {
			assert_documentation(&packets[j].src);
			assert_int_equal(packets[j].dst.v4, 0xc0000202);
			assert_int_equal(packets[j].time_ns, 1000000000007);
			place = (packets[j].src.v4 * 2654435761u) >> 14;
			taken[place]++;
		}
	source_close(s);
	for (i = j = 0; i < sizeof taken; i++)
		j += taken[i] > 0;
	assert_true(j > 990);
}

/* On an error there is no output, and none of the temporary file; devices stay
 * devices. */
static void
whole_or_nothing(void **state)
{
	static struct bytes b, frame;
	struct strip_stats stats;
	char in[4096], out[4096];
	struct err err = {0};
	struct stat st;

	put_header(&b, 0xa1b2c3d4, 101);
	put_ipv4(&frame, 17, 16);
	put_udp(&frame);
	put_record(&b, &frame);
	b.n -= 5;
	write_file(path_of("in", in), &b);
	path_of("missing", out);
	assert_int_equal(strip_file(in, out, &stats, &err), -1);
	assert_non_null(strstr(err.text, "offset 24"));
	assert_int_equal(stat(out, &st), -1);
	err_clear(&err);
	assert_int_equal(strip_file(in, "/dev/null", &stats, &err), -1);
	assert_non_null(strstr(err.text, "regular"));
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(real_captures),
	    cmocka_unit_test(nothing_left),
	    cmocka_unit_test(many_addresses),
	    cmocka_unit_test(whole_or_nothing),
	};

	return cmocka_run_group_tests_name("packet strip", tests, NULL, NULL);
}
