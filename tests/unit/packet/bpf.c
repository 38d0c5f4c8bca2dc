/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters of several link types over frames made by hand, and texts that are none. */
#include "packet/bpf.h"

#include "base/err.h"
#include "bytes.h"

#include <linux/filter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ETHERNET "0a0000000002 0a0000000001 "
/* UDP 10.0.0.1:53 to 10.0.0.2:4660 */
#define UDP "45000020 00000000 40110000 0a000001 0a000002 0035 1234 000c0000 00000000"

static const struct filter_case {
	const char *text;
	uint32_t linktype;
	const char *frame;
	bool passes;
} cases[] = {
    {"", 1, ETHERNET "0806 0001", true},
    {"ip", 1, ETHERNET "0800" UDP, true},
    {"ip", 1, ETHERNET "0806 0001", false},
    {"udp port 53 and host 10.0.0.1", 1, ETHERNET "0800" UDP, true},
    {"udp port 54", 1, ETHERNET "0800" UDP, false},
    {"udp port 53", 1, ETHERNET "8100 0005 0800" UDP, false},
    {"vlan 5 and udp port 53", 1, ETHERNET "8100 0005 0800" UDP, true},
    {"vlan 6", 1, ETHERNET "8100 0005 0800" UDP, false},
    {"src net 10.0.0.0/30", 101, UDP, true},
    {"dst port 4660", 101, UDP, true},
    {"tcp", 101, UDP, false},
    {"greater 33", 101, UDP, false},
    {"udp", 113, "0000 0001 0006 0a00000000010000 0800" UDP, true},
    {"udp[8:4] = 0", 1, ETHERNET "0800" UDP, true},
};

static void
test_match(void **state)
{
	struct packet_filter *filter;
	struct err err = {0};
	struct bytes b;
	uint16_t count;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct filter_case *c = &cases[i];

		b = (struct bytes){0};
		put_hex(&b, c->frame);
		assert_int_equal(packet_filter_compile(c->text, c->linktype, 0, &filter,
		    &err), 0);
		if (packet_filter_match(filter, b.at, (uint32_t)b.n,
		    (uint32_t)b.n) != c->passes)
			fail_msg("case %zu: %s", i, c->text);
		assert_non_null(packet_filter_program(filter, &count));
		assert_true(count > 0);
		packet_filter_free(filter);
	}
}

/* A frame that the capture cut off before what the filter looks at does not pass. */
static void
test_short(void **state)
{
	struct packet_filter *filter;
	struct err err = {0};
	struct bytes b = {0};

	put_hex(&b, ETHERNET "0800" UDP);
	assert_int_equal(packet_filter_compile("udp port 53", 1, 0, &filter, &err), 0);
	assert_true(packet_filter_match(filter, b.at, 38, (uint32_t)b.n));
	assert_false(packet_filter_match(filter, b.at, 34, (uint32_t)b.n));
	assert_false(packet_filter_match(filter, b.at, 0, (uint32_t)b.n));
	packet_filter_free(filter);
	packet_filter_free(NULL);
}

static void
test_errors(void **state)
{
	static const struct {
		const char *text;
		uint32_t linktype;
		const char *says;
	} bad[] = {
	    {"port htp/", 1, "filter 'port htp/': "},
	    {"tcp and", 1, "pcap-filter(7)"},
	    {"ether host 00:00:00:00:00:01", 101, "filter 'ether host"},
	};
	struct packet_filter *filter = NULL;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err err = {0};

		assert_int_equal(packet_filter_compile(bad[i].text, bad[i].linktype, 0,
		    &filter, &err), -1);
		assert_non_null(strstr(err.text, bad[i].says));
		assert_null(filter);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_match),
	    cmocka_unit_test(test_short),
	    cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
