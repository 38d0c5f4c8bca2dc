/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Folders of captures are read in order of their first packets; filters and snapshot
 * lengths hold for files of any link type.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/text.h"
#include "packet/folder.h"
#include "packet/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char folder[256];

/* IPv4, UDP, 32 octets from 192.0.2.1:40000 to 198.51.100.LAST:53 */
static void
packet_make(uint8_t out[32], uint8_t last)
{
	static const uint8_t udp[32] = {0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0,
	    2, 1,
	    198, 51, 100, 0, 0x9c, 0x40, 0, 53, 0, 12};

	memcpy(out, udp, sizeof udp);
	out[19] = last;
}

/* A capture of raw IP (101) or Ethernet (1) with n packets from a time on, a second
 * apart. */
static void
capture_make(const char *name, uint32_t linktype, uint32_t from_s, unsigned n)
{
	uint32_t head[6] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, linktype};
	uint8_t frame[46] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
	uint32_t link = linktype == 1 ? 14 : 0;
	char path[512];
	FILE *f;
	unsigned i;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	fwrite(head, sizeof head, 1, f);
	for (i = 0; i < n; i++) {
		uint32_t record[4] = {from_s + i, 0, 32 + link, 32 + link};

		packet_make(frame + link, (uint8_t)(i + 1));
		fwrite(record, sizeof record, 1, f);
		fwrite(frame, 32 + link, 1, f);
	}
	assert_int_equal(fclose(f), 0);
}

static void
file_make(const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
test_order(void **state)
{
	static const char *const wanted[] = {"none.pcap", "z-first.pcap", "a-same.pcap",
	    "b-same.pcap", "ring03.pcap"};
	struct capture_list list = {0};
	struct text notes;
	struct err err = {0};
	char path[512];
	size_t i;

	capture_make("ring03.pcap", 1, 3000, 2);
	capture_make("b-same.pcap", 1, 2000, 1);
	capture_make("a-same.pcap", 101, 2000, 1);
	capture_make("z-first.pcap", 1, 1000, 9);
	capture_make("none.pcap", 1, 0, 0);
	capture_make(".hidden", 1, 0, 1);
	file_make("README", "no capture");
	snprintf(path, sizeof path, "%s/deeper", folder);
	mkdir(path, 0700);
	text_init(&notes);
	assert_int_equal(capture_list_add(&list, folder, &notes, &err), 0);
	assert_int_equal(list.count, 5);
	for (i = 0; i < 5; i++)
		assert_string_equal(strrchr(list.paths[i], '/') + 1, wanted[i]);
	assert_non_null(strstr(notes.data, "README: no capture file"));
	assert_int_equal(capture_list_add(&list, "-", &notes, &err), 0);
	assert_string_equal(list.paths[5], "-");
	capture_list_done(&list);
	assert_int_equal(capture_list_add(&list, path, &notes, &err), -1);
	assert_non_null(strstr(err.text, "deeper: no capture"));
	capture_list_done(&list);
	text_done(&notes);
}

struct seen {
	uint64_t packets, filtered;
	struct packet last;
	struct err err;
	int ended;
};

static struct seen
read_all(const char *name, const char *filter, uint32_t snaplen)
{
	struct packet burst[SOURCE_BURST];
	char path[512];
	struct source_config config = {.path = path, .filter = filter,
	    .snaplen = snaplen};
	struct seen seen = {0};
	struct source *s;
	int n;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_int_equal(source_open_with(&config, &s, &seen.err), 0);
	assert_false(source_is_live(s));
	assert_int_equal(source_fd(s), -1);
	assert_int_equal(source_start(s, &seen.err), 0);
	while ((n = source_burst(s, burst, &seen.err)) > 0) {
		seen.packets += (uint64_t)n;
		seen.last = burst[n - 1];
	}
	seen.ended = n;
	seen.filtered = source_stats(s)->counters[PACKET_COUNT_filtered];
	assert_int_equal(source_stats(s)->counters[PACKET_COUNT_ip], seen.packets);
	assert_int_equal(source_stats(s)->frames, seen.packets + seen.filtered);
	source_close(s);
	return seen;
}

static void
test_filter(void **state)
{
	static const struct {
		const char *file, *filter;
		uint64_t packets, filtered;
	} cases[] = {
	    {"eth.pcap", "", 100, 0},
	    {"eth.pcap", "udp port 53", 100, 0},
	    {"eth.pcap", "tcp", 0, 100},
	    {"eth.pcap", "dst host 198.51.100.7", 1, 99},
	    {"raw.pcap", "dst host 198.51.100.7", 1, 99},
	    {"raw.pcap", "dst net 198.51.100.0/26", 63, 37},
	};
	struct seen seen;
	size_t i;

	capture_make("eth.pcap", 1, 1000, 100);
	capture_make("raw.pcap", 101, 1000, 100);
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		seen = read_all(cases[i].file, cases[i].filter, 0);
		assert_int_equal(seen.ended, 0);
		assert_int_equal(seen.packets, cases[i].packets);
		assert_int_equal(seen.filtered, cases[i].filtered);
	}
	seen = read_all("raw.pcap", "ether host 02:00:00:00:00:01", 0);
	assert_int_equal(seen.ended, -1);
	assert_int_equal(seen.packets, 0);
	assert_non_null(strstr(seen.err.text, "filter 'ether host"));
}

static void
test_snaplen(void **state)
{
	struct seen all = read_all("eth.pcap", NULL, 0), cut = read_all("eth.pcap", NULL,
	    36);

	assert_int_equal(all.packets, 100);
	assert_int_equal(cut.packets, 100);
	assert_true(all.last.flags & PACKET_HAS_PORTS);
	assert_false(cut.last.flags & PACKET_HAS_PORTS); /* 14 and 20 octets, then 2 */
	assert_true(cut.last.flags & PACKET_TRUNCATED);
	assert_int_equal(cut.last.ip_bytes, 32);
}

int
main(void)
{
	const char *at = getenv("WEIR_TMP") != NULL ? getenv("WEIR_TMP") : "/tmp";
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_filter),
	    cmocka_unit_test(test_snaplen),
	};

	snprintf(folder, sizeof folder, "%s/captures", at);
	mkdir(folder, 0700);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
