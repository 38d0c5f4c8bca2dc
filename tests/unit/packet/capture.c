/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture files made by hand in every format and byte order, good and bad, and real ones
 * against a walk that knows Ethernet, VLAN and IP only.
 */
#include "packet/source.h"

#include "base/err.h"
#include "bytes.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct seen {
	int opened, ended; /* as source_open and the last burst returned */
	uint64_t packets, octets;
	int64_t first_ns, last_ns;
	struct source_stats stats;
	struct err err;
};

static void
read_all(const char *path, struct seen *seen)
{
	struct packet packets[SOURCE_BURST];
	struct source *s = NULL;
	uint64_t frames = 0, wire = 0;
	int i, n;

	*seen = (struct seen){0};
	if ((seen->opened = source_open(path, &s, &seen->err)) != 0)
		return;
	while ((n = source_burst(s, packets, &seen->err)) > 0)
		for (i = 0; i < n; i++) {
			if (seen->packets++ == 0)
				seen->first_ns = packets[i].time_ns;
			seen->last_ns = packets[i].time_ns;
			seen->octets += packets[i].ip_bytes;
		}
	seen->ended = n;
	seen->stats = *source_stats(s);
	for (i = 0; i < PACKET_COUNTERS; i++) {
		frames += seen->stats.counters[i];
		wire += seen->stats.counter_bytes[i];
	}
	assert_int_equal(frames, seen->stats.frames);
	assert_int_equal(wire, seen->stats.wire_bytes);
	assert_int_equal(seen->packets, seen->stats.counters[PACKET_COUNT_ip]);
	source_close(s);
}

static const char *
store(const struct bytes *b)
{
	static char path[4096];
	const char *folder = getenv("WEIR_TMP");
	FILE *f;

	snprintf(path, sizeof path, "%s/capture", folder == NULL ? "/tmp" : folder);
	assert_non_null(f = fopen(path, "w"));
	assert_int_equal(fwrite(b->at, 1, b->n, f), b->n);
	assert_int_equal(fclose(f), 0);
	return path;
}

static void
put_frame(struct bytes *b)
{
	put_ipv4(b, 6, 28);
	put_tcp(b);
}

enum { FRAME = 48 };

static void
put_pcap_header(struct bytes *b, uint32_t magic, int is_big)
{
	put_number(b, magic, 4, is_big);
	put_number(b, 2, 2, is_big);
	put_number(b, 4, 2, is_big);
	put_zeros(b, 8);
	put_number(b, 65535, 4, is_big);
	put_number(b, 101, 4, is_big);
}

static void
put_pcap_record(struct bytes *b, uint32_t fraction, uint32_t captured, int is_big)
{
	put_number(b, 1000, 4, is_big);
	put_number(b, fraction, 4, is_big);
	put_number(b, captured, 4, is_big);
	put_number(b, FRAME, 4, is_big);
	if (captured == FRAME)
		put_frame(b);
}

static void
pcap_formats(void **state)
{
	static struct bytes b;
	struct seen seen;
	int is_big, is_nano;

	for (is_big = 0; is_big < 2; is_big++)
		for (is_nano = 0; is_nano < 2; is_nano++) {
			b.n = 0;
			put_pcap_header(&b, is_nano ? 0xa1b23c4d : 0xa1b2c3d4, is_big);
			put_pcap_record(&b, 5, FRAME, is_big);
			put_pcap_record(&b, 6, 0, is_big); /* a record without bytes */
			put_pcap_record(&b, 7, FRAME, is_big);
			read_all(store(&b), &seen);
			assert_int_equal(seen.ended, 0);
			assert_int_equal(seen.packets, 2);
			assert_int_equal(seen.octets, 2 * FRAME);
			assert_int_equal(seen.stats.frames, 3);
			assert_int_equal(seen.stats.wire_bytes, 3 * FRAME);
			assert_int_equal(seen.last_ns,
			    1000000000000 + (is_nano ? 7 : 7000));
		}
}

/* Kin of pcap: another magic, longer record heads, lengths the other way round, AIX. */
static void
pcap_kin(void **state)
{
	static const struct {
		uint32_t magic;
		int major, minor, head, is_turned;
		uint32_t linktype, fraction;
	} rows[] = {
	    {0xa1b2cd34, 2, 4, 24, 0, 101, 7000},
	    {0xa1b2c3d4, 2, 3, 16, 0, 101, 7000},
	    {0xa1b2c3d4, 2, 3, 16, 1, 101, 7000},
	    {0xa1b2c3d4, 2, 1, 16, 1, 101, 7000},
	    {0xa1b2c3d4, 543, 0, 16, 1, 101, 7000},
	    {0xa1b2c3d4, 2, 2, 16, 0, 24, 7},
	};
	static struct bytes b;
	struct seen seen;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (int is_big = 0; is_big < 2; is_big++) {
			uint32_t cut = 4, extra = rows[i].linktype == 24 ? 4 : 0;

			b.n = 0;
			put_number(&b, rows[i].magic, 4, is_big);
			put_number(&b, (uint64_t)rows[i].major, 2, is_big);
			put_number(&b, (uint64_t)rows[i].minor, 2, is_big);
			put_zeros(&b, 12);
			put_number(&b, rows[i].linktype, 4, is_big);
			for (int k = 0; k < 2; k++) {
				uint32_t wire = FRAME + extra + cut,
				    captured = FRAME + extra;

				put_number(&b, 1000, 4, is_big);
				put_number(&b, 7, 4, is_big);
				put_number(&b, rows[i].is_turned ? wire : captured, 4,
				    is_big);
				put_number(&b, rows[i].is_turned ? captured : wire, 4,
				    is_big);
				put_zeros(&b, (uint32_t)rows[i].head - 16);
				if (extra != 0)
					put_hex(&b, "00000002");
				put_frame(&b);
			}
			read_all(store(&b), &seen);
			assert_int_equal(seen.ended, 0);
			assert_int_equal(seen.packets, 2);
			assert_int_equal(seen.octets, 2 * FRAME);
			assert_int_equal(seen.stats.wire_bytes,
			    2 * (FRAME + extra + cut));
			assert_int_equal(seen.last_ns, 1000000000000 + rows[i].fraction);
		}
	/* A wire length below the captured one stays an error where lengths have an
	 * order. */
	b.n = 0;
	put_pcap_header(&b, 0xa1b2c3d4, 0);
	put_number(&b, 1000, 4, 0);
	put_number(&b, 7, 4, 0);
	put_number(&b, FRAME, 4, 0);
	put_number(&b, FRAME - 1, 4, 0);
	put_frame(&b);
	read_all(store(&b), &seen);
	assert_int_equal(seen.stats.counters[PACKET_COUNT_bad_length], 1);
}

static void
put_block(struct bytes *b, uint32_t type, const struct bytes *body, int is_big)
{
	put_number(b, type, 4, is_big);
	put_number(b, body->n + 12, 4, is_big);
	put(b, body->at, body->n);
	put_number(b, body->n + 12, 4, is_big);
}

static void
put_section(struct bytes *b, int is_big)
{
	static struct bytes body;

	body.n = 0;
	put_number(&body, 0x1a2b3c4d, 4, is_big);
	put_number(&body, 1, 2, is_big);
	put_number(&body, 0, 2, is_big);
	put_number(&body, UINT64_MAX, 8, is_big);
	put_block(b, 0x0a0d0d0a, &body, is_big);
}

static void
put_interface(struct bytes *b, uint32_t linktype, int resolution, int64_t offset,
    int is_big)
{
	static struct bytes body;

	body.n = 0;
	put_number(&body, linktype, 2, is_big);
	put_number(&body, 0, 2, is_big);
	put_number(&body, 0, 4, is_big);
	put_number(&body, 9, 2, is_big);
	put_number(&body, 1, 2, is_big);
	put_number(&body, (uint64_t)resolution, 1, is_big);
	put_zeros(&body, 3);
	put_number(&body, 14, 2, is_big);
	put_number(&body, 8, 2, is_big);
	put_number(&body, (uint64_t)offset, 8, is_big);
	put_number(&body, 0, 4, is_big);
	put_block(b, 1, &body, is_big);
}

static void
put_enhanced(struct bytes *b, uint32_t type, uint32_t interface, uint64_t time,
    int is_big)
{
	static struct bytes body;

	body.n = 0;
	put_number(&body, interface, type == 2 ? 2 : 4, is_big);
	if (type == 2)
		put_number(&body, 0, 2, is_big);
	put_number(&body, time >> 32, 4, is_big);
	put_number(&body, time & 0xffffffff, 4, is_big);
	put_number(&body, FRAME, 4, is_big);
	put_number(&body, FRAME, 4, is_big);
	put_frame(&body);
	put_block(b, type, &body, is_big);
}

static void
pcapng_blocks(void **state)
{
	static struct bytes b, body;
	struct seen seen;
	int is_big;

	for (is_big = 0; is_big < 2; is_big++) {
		b.n = 0;
		put_section(&b, is_big);
		put_interface(&b, 147, 6, 0, is_big);
		put_interface(&b, 101, 9, 100, is_big);
		body.n = 0;
		put_zeros(&body, 70000);
		put_block(&b, 0xbad, &body, is_big); /* unknown: stepped over */
		put_enhanced(&b, 6, 1, 5000000001, is_big);
		put_enhanced(&b, 6, 0, 1, is_big); /* of an unknown link type */
		/* Another section, of the other byte order, has interfaces of its own. */
		put_section(&b, !is_big);
		put_interface(&b, 228, 0x80 | 10, 0, !is_big);
		put_enhanced(&b, 2, 0, 1024 * 7 + 512, !is_big);
		body.n = 0;
		put_number(&body, FRAME, 4, !is_big);
		put_frame(&body);
		put_block(&b, 3, &body, !is_big);
		read_all(store(&b), &seen);
		assert_string_equal(seen.err.text, "");
		assert_int_equal(seen.packets, 3);
		assert_int_equal(seen.stats.frames, 4);
		assert_int_equal(seen.stats.skipped_blocks, 1);
		assert_int_equal(seen.stats.counters[PACKET_COUNT_unknown_link], 1);
		assert_int_equal(seen.first_ns, 105000000001);
		assert_int_equal(seen.last_ns, 7500000000);
	}
}

/* Every cut gives the whole packets before it, then an error naming file and offset. */
static void
cut_off(void **state)
{
	static struct bytes b, part;
	uint32_t starts[8], n, i;
	const char *path;
	struct seen seen;
	int is_ng;

	for (is_ng = 0; is_ng < 2; is_ng++) {
		b.n = 0;
		if (is_ng) {
			put_section(&b, 0);
			put_interface(&b, 101, 6, 0, 0);
		} else {
			put_pcap_header(&b, 0xa1b2c3d4, 0);
		}
		for (i = 0; i < 3; i++) {
			starts[i] = b.n;
			if (is_ng)
				put_enhanced(&b, 6, 0, i, 0);
			else
				put_pcap_record(&b, i, FRAME, 0);
		}
		starts[3] = b.n;
		for (n = starts[0]; n <= b.n; n++) {
			part.n = 0;
			put(&part, b.at, n);
			path = store(&part);
			read_all(path, &seen);
			for (i = 0; starts[i + 1] <= n && i < 3; i++)
				;
			assert_int_equal(seen.packets, i);
			assert_int_equal(seen.ended, n == starts[i] ? 0 : -1);
			if (n == starts[i])
				continue;
			assert_non_null(strstr(seen.err.text, path));
			assert_non_null(strstr(seen.err.text, "offset"));
			assert_non_null(strstr(seen.err.text, "cut off"));
		}
	}
}

static void
bad_files(void **state)
{
	static const struct {
		const char *hex, *message;
	} rows[] = {
	    {"", "empty"},
	    {"d4c3", "short"},
	    {"d4c3b2a1 0200", "cut off"},
	    {"7f454c46 02010100", "no capture"},
	    {"1f8b0800 00000000", "zcat"},
	    {"fd377a58 5a000004", "xzcat"},
	    {"425a6839 31415926", "bzcat"},
	    {"04224d18 64407000", "lz4cat"},
	    {"736e6f6f 70000000", "editcap"},
	    {"0a0d0d0a 1c000000 00000000 01000000", "byte-order"},
	};
	static struct bytes b;
	struct seen seen;
	const char *path;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		b.n = 0;
		put_hex(&b, rows[i].hex);
		path = store(&b);
		read_all(path, &seen);
		print_message("%s\n", seen.err.text);
		assert_true(seen.opened == -1 || seen.ended == -1);
		assert_non_null(strstr(seen.err.text, rows[i].message));
		assert_non_null(strstr(seen.err.text, path));
	}
	read_all("/", &seen);
	assert_non_null(strstr(seen.err.text, "folder"));
	read_all("/nowhere/at/all", &seen);
	assert_int_equal(seen.opened, -1);

	b.n = 0;
	put_pcap_header(&b, 0xa1b2c3d4, 0);
	put_pcap_record(&b, 0, FRAME, 0);
	put_pcap_record(&b, 0, 0x7fffffff, 0);
	read_all(store(&b), &seen);
	assert_int_equal(seen.packets, 1);
	assert_int_equal(seen.ended, -1);
	assert_non_null(strstr(seen.err.text, "offset 88"));
	b.n = 0;
	put_section(&b, 0);
	put_enhanced(&b, 6, 3, 0, 0);
	read_all(store(&b), &seen);
	assert_int_equal(seen.ended, -1);
	assert_non_null(strstr(seen.err.text, "interface"));
}

static void
from_a_pipe(void **state)
{
	static struct bytes b;
	struct seen seen;
	int ends[2], saved, i;

	b.n = 0;
	put_pcap_header(&b, 0xa1b2c3d4, 0);
	for (i = 0; i < 500; i++)
		put_pcap_record(&b, 0, FRAME, 0);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], b.at, b.n), b.n);
	close(ends[1]);
	saved = dup(STDIN_FILENO);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	read_all("-", &seen);
	if (saved >= 0) {
		dup2(saved, STDIN_FILENO);
		close(saved);
	}
	assert_int_equal(seen.ended, 0);
	assert_int_equal(seen.packets, 500);
}

/* A file larger than the buffer, with records across its end. */
static void
large_file(void **state)
{
	const char *folder = getenv("WEIR_TMP");
	static struct bytes b;
	struct seen seen;
	char path[4096];
	FILE *f;
	int i;

	snprintf(path, sizeof path, "%s/large", folder == NULL ? "/tmp" : folder);
	assert_non_null(f = fopen(path, "w"));
	b.n = 0;
	put_pcap_header(&b, 0xa1b2c3d4, 1);
	fwrite(b.at, 1, b.n, f);
	b.n = 0;
	for (i = 0; i < 1000; i++)
		put_pcap_record(&b, (uint32_t)i, FRAME, 1);
	for (i = 0; i < 60; i++)
		fwrite(b.at, 1, b.n, f);
	assert_int_equal(fclose(f), 0);
	read_all(path, &seen);
	assert_int_equal(seen.packets, 60000);
	assert_int_equal(seen.octets, 60000 * FRAME);
	assert_int_equal(seen.ended, 0);
	unlink(path);
}

/* A file that loses its end while it is read: an error in time, no signal, and nothing
 * that the file does not have is taken for a packet. */
static void
file_shrinks(void **state)
{
	enum { RECORDS = 120000, KEPT = 40000 };
	const char *folder = getenv("WEIR_TMP");
	struct packet packets[SOURCE_BURST];
	static struct bytes b;
	struct source *s = NULL;
	struct err err = {0};
	char path[4096];
	uint64_t seen = 0;
	FILE *f;
	int i, n;

	snprintf(path, sizeof path, "%s/shrinks", folder == NULL ? "/tmp" : folder);
	assert_non_null(f = fopen(path, "w"));
	b.n = 0;
	put_pcap_header(&b, 0xa1b2c3d4, 0);
	fwrite(b.at, 1, b.n, f);
	b.n = 0;
	for (i = 0; i < 1000; i++)
		put_pcap_record(&b, (uint32_t)i, FRAME, 0);
	for (i = 0; i < RECORDS / 1000; i++)
		fwrite(b.at, 1, b.n, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(source_open(path, &s, &err), 0);
	assert_true((n = source_burst(s, packets, &err)) > 0);
	seen += (uint64_t)n;
	assert_int_equal(truncate(path, 24 + KEPT * (16 + FRAME)), 0);
	while ((n = source_burst(s, packets, &err)) > 0) {
		for (i = 0; i < n; i++)
			assert_int_equal(packets[i].ip_bytes, FRAME);
		seen += (uint64_t)n;
	}
	print_message("%lu of %d packets before: %s\n", (unsigned long)seen, RECORDS,
	    err.text);
	assert_true(seen <= RECORDS);
	assert_true(seen > 0);
	/* What was in memory before it shrank may be read; past that is an error. */
	assert_true(n < 0 || seen <= KEPT);
	if (n < 0)
		assert_non_null(strstr(err.text, path));
	source_close(s);
	unlink(path);
}

static uint32_t
number(const uint8_t *p, int n, int is_big)
{
	uint32_t v = 0;
	int i;

	for (i = 0; i < n; i++)
		v |= (uint32_t)p[i] << 8 * (is_big ? n - 1 - i : i);
	return v;
}

static void
compare_with_walk(const char *path)
{
	uint64_t frames = 0, wire = 0, packets = 0, octets = 0;
	static uint8_t file[1 << 20];
	struct seen seen;
	uint32_t captured, type, at;
	uint8_t *p, *end;
	size_t n;
	FILE *f;
	int is_big;

	assert_non_null(f = fopen(path, "r"));
	n = fread(file, 1, sizeof file, f);
	fclose(f);
	is_big = file[0] == 0xa1;
	if (number(file + 20, 4, is_big) != 1)
		return;
	end = file + n;
	for (p = file + 24; p < end; p += captured) {
		captured = number(p + 8, 4, is_big);
		frames++;
		wire += number(p + 12, 4, is_big);
		p += 16;
		at = 14;
		while ((type = number(p + at - 2, 2, 1)) == 0x8100 || type == 0x88a8)
			at += 4;
		if (type == 0x0800)
			octets += number(p + at + 2, 2, 1);
		if (type == 0x86dd)
			octets += number(p + at + 4, 2, 1) + 40;
		packets += type == 0x0800 || type == 0x86dd;
	}
	read_all(path, &seen);
	print_message("%s: %lu packets of %lu octets\n", path,
	    (unsigned long)seen.packets, (unsigned long)seen.octets);
	assert_int_equal(seen.ended, 0);
	assert_int_equal(seen.stats.frames, frames);
	assert_int_equal(seen.stats.wire_bytes, wire);
	assert_int_equal(seen.packets, packets);
	assert_int_equal(seen.octets, octets);
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
			compare_with_walk(path);
		}
	closedir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pcap_formats),
	    cmocka_unit_test(pcap_kin),
	    cmocka_unit_test(pcapng_blocks),
	    cmocka_unit_test(cut_off),
	    cmocka_unit_test(bad_files),
	    cmocka_unit_test(from_a_pipe),
	    cmocka_unit_test(large_file),
	    cmocka_unit_test(file_shrinks),
	    cmocka_unit_test(real_captures),
	};

	return cmocka_run_group_tests_name("packet capture", tests, NULL, NULL);
}
