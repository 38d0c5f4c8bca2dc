/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames put together by hand for every link type, wrapper and protocol; then the same
 * frames cut off and changed at random, from buffers that end where the frame ends, so
 * that the address sanitizer sees any byte read beyond it.
 */
#include "packet/packet.h"

#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define ETHERNET "0a0000000002 0a0000000001 "
/* From a station to its access point; and with quality of service, from there. */
#define WLAN_TO_AP "08 01 0000 0c0000000009 0a0000000001 0a0000000002 0000 "
#define WLAN_QOS "88 02 0000 0a0000000002 0c0000000009 0a0000000001 0000 0000 "
#define Z4 "00000000"
#define Z8 Z4 Z4
#define ZEROS(n) ZEROS_##n
#define ZEROS_40 Z8 Z8 Z8 Z8 Z8
#define ZEROS_44 ZEROS_40 Z4
#define ZEROS_60 ZEROS_40 Z8 Z8 Z4
#define ZEROS_136 ZEROS_60 ZEROS_60 Z8 Z8

static enum packet_counter
decode(uint32_t linktype, const struct bytes *b, struct packet *out)
{
	return packet_decode(linktype, b->at, b->n, b->n, 7, out);
}

static const struct link_case {
	uint32_t linktype;
	const char *header; /* before an IP packet of this version */
	int version;
	uint16_t vlan, inner_vlan;
} link_cases[] = {
    {1, ETHERNET "0800", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "86dd", 6, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "8100 6064 0800", 4, 100, VLAN_NONE},
    {1, ETHERNET "8100 0000 86dd", 6, 0, VLAN_NONE},
    {1, ETHERNET "88a8 0064 8100 0fff 0800", 4, 100, 4095},
    {1, ETHERNET "9100 0001 9200 0002 8100 0003 0800", 4, 1, 2},
    {1, ETHERNET "003b aaaa03 000000 0800", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "004f aaaa03 0000f8 86dd", 6, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "0036 060603", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "8100 0005 003b aaaa03 000000 0800", 4, 5, VLAN_NONE},
    {1, ETHERNET "8864 1100 0001 0100 0021", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "8864 1100 0001 0100 0057", 6, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "8864 1100 0001 0100 21", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "8100 0007 8864 1100 0001 0100 0021", 4, 7, VLAN_NONE},
    {1, ETHERNET "8847 00010140", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "8847 00010040 0000d140 10000021", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "8847 0000d140 10000057", 6, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "8847 00010140 00000000 " ETHERNET "0800", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "8847 00010140 00000007 " ETHERNET "8100 0005 86dd", 6, 5, VLAN_NONE},
    {1, ETHERNET "8847 00010140 " ETHERNET "88a8 0005 8100 0006 0800", 4, 5, 6},
    {1, ETHERNET "8847 00010140 " ETHERNET "8864 1100 0001 0100 0057", 6, VLAN_NONE,
    VLAN_NONE},
    {1, ETHERNET "8870 aaaa03 000000 0800", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "8870 aaaa03 000000 86dd", 6, VLAN_NONE, VLAN_NONE},
    {1, "01000c0000 00 0a0000000001 0060 aaaa03 00000c 000a 0000 0000 " ETHERNET "0800",
    4, 5,
        VLAN_NONE},
    {1, "03000c0000 07 0a0000000001 0060 aaaa03 00000c 000b 0000 0000 " ETHERNET "8100 0009 "
        "86dd", 6, 5, 9},
    {1, ETHERNET "8847 00010040 00020040 00030140", 6, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "8848 00010140", 6, VLAN_NONE, VLAN_NONE},
    {0, "02000000", 4, VLAN_NONE, VLAN_NONE},
    {0, "00000002", 4, VLAN_NONE, VLAN_NONE},
    {0, "1e000000", 6, VLAN_NONE, VLAN_NONE},
    {0, "0000001c", 6, VLAN_NONE, VLAN_NONE},
    {9, "ff03 003d c0000001 0021", 4, VLAN_NONE, VLAN_NONE},
    {9, "3d 80000001 57", 6, VLAN_NONE, VLAN_NONE},
    {108, "00000002", 4, VLAN_NONE, VLAN_NONE},
    {108, "00000018", 6, VLAN_NONE, VLAN_NONE},
    {113, "0000 0001 0006 0a00000000010000 0800", 4, VLAN_NONE, VLAN_NONE},
    {113, "0004 0304 0006 0000000000000000 86dd", 6, VLAN_NONE, VLAN_NONE},
    {113, "0000 0001 0006 0a00000000010000 8100 0009 0800", 4, 9, VLAN_NONE},
    {113, "0000 0001 0006 0a00000000010000 0004 aaaa03 000000 0800", 4, VLAN_NONE,
        VLAN_NONE},
    {276, "0800 0000 00000002 0001 00 06 0a00000000010000", 4, VLAN_NONE, VLAN_NONE},
    {276, "86dd 0000 00000002 0001 00 06 0a00000000010000", 6, VLAN_NONE, VLAN_NONE},
    {276, "88a8 0000 00000002 0001 00 06 0a00000000010000 0003 0800", 4, 3, VLAN_NONE},
    {101, "", 4, VLAN_NONE, VLAN_NONE},
    {101, "", 6, VLAN_NONE, VLAN_NONE},
    {12, "", 4, VLAN_NONE, VLAN_NONE},
    {14, "", 6, VLAN_NONE, VLAN_NONE},
    {228, "", 4, VLAN_NONE, VLAN_NONE},
    {229, "", 6, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "9300 0001 0800", 4, 1, VLAN_NONE},
    {1, ETHERNET "88e7 00000001 " ETHERNET "8100 0002 0800", 4, 2, VLAN_NONE},
    {1, ETHERNET "88e5 00 00 00000001 0800", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "88e5 20 00 00000001 0000000000000001 86dd", 6, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "894f 0f02 01 01 00000100", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "894f 0f02 01 03 00000100 " ETHERNET "86dd", 6, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "22f3 0040 0001 0002 00000000 " ETHERNET "0800", 4, VLAN_NONE,
    VLAN_NONE},
    {1, ETHERNET "8926 00000000 0800", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "8909 0101 0001 0002 0800", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "892f 0000 0001 0800", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "8903 0020 " ETHERNET "0800", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "8903 0020 " ETHERNET "8100 0004 86dd", 6, 4, VLAN_NONE},
    {1, ETHERNET "893f 1000 00d3 0000 0800", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "f1c1 0000 0007 86dd", 6, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "d28b 0001 0010 0000000100000002 0800", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "d28b 0001 0121 000000010002 8100 0064 86dd", 6, 100, VLAN_NONE},
    {1, ETHERNET "0038 fefe03 cc", 4, VLAN_NONE, VLAN_NONE},
    {1, ETHERNET "880b 0057", 6, VLAN_NONE, VLAN_NONE},
    {6, "10 40 0a0000000002 0a0000000001 aaaa03 000000 0800", 4, VLAN_NONE, VLAN_NONE},
    {6, "10 40 0a0000000002 8a0000000001 0630 0011 0022 aaaa03 000000 86dd", 6, VLAN_NONE,
        VLAN_NONE},
    {7, "01 02 d4 00 0007", 4, VLAN_NONE, VLAN_NONE},
    {7, "01 02 d4 ff ffff d4 01 0007", 4, VLAN_NONE, VLAN_NONE},
    {7, "01 02 f0", 4, VLAN_NONE, VLAN_NONE},
    {8, "00 450000000000000000000000000000", 4, VLAN_NONE, VLAN_NONE},
    {9, "ff03 0021", 4, VLAN_NONE, VLAN_NONE},
    {9, "0057", 6, VLAN_NONE, VLAN_NONE},
    {9, "0f00 0800", 4, VLAN_NONE, VLAN_NONE},
    {9, "8f00 86dd", 6, VLAN_NONE, VLAN_NONE},
    {9, "ff03 0031 00 01 " ETHERNET "8100 0003 0800", 4, 3, VLAN_NONE},
    {10, "50 0a0000000002 0a0000000001 aaaa03 000000 0800", 4, VLAN_NONE, VLAN_NONE},
    {12, "00000018", 6, VLAN_NONE, VLAN_NONE},
    {50, "ff03 0057", 6, VLAN_NONE, VLAN_NONE},
    {50, "0f00 0800", 4, VLAN_NONE, VLAN_NONE},
    {51, "1100 0001 0100 0021", 4, VLAN_NONE, VLAN_NONE},
    {100, "aaaa03 000000 0800", 4, VLAN_NONE, VLAN_NONE},
    {100, "aaaa03 0080c2 0007 0000 " ETHERNET "86dd", 6, VLAN_NONE, VLAN_NONE},
    {102, "00 4500000000000000000000000000000000000000000000", 4, VLAN_NONE, VLAN_NONE},
    {104, "0f00 86dd", 6, VLAN_NONE, VLAN_NONE},
    {104, "8f00 8847 00010140", 4, VLAN_NONE, VLAN_NONE},
    {105, WLAN_TO_AP "aaaa03 000000 0800", 4, VLAN_NONE, VLAN_NONE},
    {105, "88 02 0000 0a0000000002 0c0000000009 0a0000000001 0000 0000 aaaa03 000000 86dd", 6,
        VLAN_NONE, VLAN_NONE},
    {105, "88 02 0000 0a0000000002 0c0000000009 0a0000000001 0000 8000 " ETHERNET
        "0060 aaaa03 000000 0800", 4, VLAN_NONE, VLAN_NONE},
    {105, "08 03 0000 0c0000000008 0c0000000009 0a0000000002 0000 0a0000000001 "
        "aaaa03 000000 0800", 4, VLAN_NONE, VLAN_NONE},
    {106, "aaaa03 000000 0800", 4, VLAN_NONE, VLAN_NONE},
    {106, "", 4, VLAN_NONE, VLAN_NONE},
    {112, "0f00 0800", 4, VLAN_NONE, VLAN_NONE},
    {107, "1841 03 cc", 4, VLAN_NONE, VLAN_NONE},
    {107, "1841 03 8e", 6, VLAN_NONE, VLAN_NONE},
    {107, "1841 03 00 80 000000 0800", 4, VLAN_NONE, VLAN_NONE},
    {107, "18400041 03 00 80 0080c2 0007 " ETHERNET "0800", 4, VLAN_NONE, VLAN_NONE},
    {107, "1841 86dd", 6, VLAN_NONE, VLAN_NONE},
    {109, "02000000 00000001 00000000", 4, VLAN_NONE, VLAN_NONE},
    {109, "00000018 00000001 00000000", 6, VLAN_NONE, VLAN_NONE},
    {117, "3d 02 00 00" ZEROS(60), 4, VLAN_NONE, VLAN_NONE},
    {117, "30 18 00 00" ZEROS(44), 6, VLAN_NONE, VLAN_NONE},
    {119, "44000000 90000000" ZEROS(136) WLAN_TO_AP "aaaa03 000000 0800", 4, VLAN_NONE,
        VLAN_NONE},
    {119, "80211001 00000010 0000000000000000" WLAN_TO_AP "aaaa03 000000 0800", 4,
    VLAN_NONE,
        VLAN_NONE},
    {122, "0000 0a0000000002 0000 0a0000000001 aaaa03 000000 0800", 4, VLAN_NONE,
    VLAN_NONE},
    {123, "82 00 0021 aaaa03 000000 86dd", 6, VLAN_NONE, VLAN_NONE},
    {123, "01 00 0021 0001 " ETHERNET "0800", 4, VLAN_NONE, VLAN_NONE},
    {127, "0000 0800 00000000" WLAN_TO_AP "aaaa03 000000 0800", 4, VLAN_NONE, VLAN_NONE},
    {127, "0000 1a00 03000080 00000000 00000000 0000000000000000 20 00" WLAN_QOS
        "0000 aaaa03 000000 0800", 4, VLAN_NONE, VLAN_NONE},
    {129, "01 02 0000 d4 01 0007", 4, VLAN_NONE, VLAN_NONE},
    {129, "01 02 0000 c4 00 0007", 6, VLAN_NONE, VLAN_NONE},
    {138, "0000000000000002 0000000000000001 0800", 4, VLAN_NONE, VLAN_NONE},
    {143, "00 00 0040 0000 " ETHERNET "0800", 4, VLAN_NONE, VLAN_NONE},
    {143, "01 03 0040 0000 112233 " ETHERNET "86dd", 6, VLAN_NONE, VLAN_NONE},
    {163, "80211001 00000010 0000000000000000" WLAN_TO_AP "aaaa03 000000 86dd", 6,
    VLAN_NONE,
        VLAN_NONE},
    {166, "01 03 0021", 4, VLAN_NONE, VLAN_NONE},
    {175, "0000000000000000 02 00 0050 0000 0040 0000 " ETHERNET "0800", 4, VLAN_NONE,
        VLAN_NONE},
    {176, "0000000000000000 01 00 0050 0000 0040 ff03 0021", 4, VLAN_NONE, VLAN_NONE},
    {197, "0000000000000000 82 00 0050 0000 0040 0300000000000000 0000 " ETHERNET "86dd",
    6,
        VLAN_NONE, VLAN_NONE},
    {197, "0000000000000000 04 00 0050 0000 0040 00000000 aaaa03 000000 0800", 4,
    VLAN_NONE,
        VLAN_NONE},
    {197, "0000000000000000 16 00 0050 0000 0040", 4, VLAN_NONE, VLAN_NONE},
    {197, "0000000000000000 17 00 0050 0000 0040", 6, VLAN_NONE, VLAN_NONE},
    {178, "4d4743 01 " ETHERNET "0800", 4, VLAN_NONE, VLAN_NONE},
    {178, "4d4743 81 0004 01020304 " ETHERNET "0800", 4, VLAN_NONE, VLAN_NONE},
    {178, "4d4743 03 00000000", 6, VLAN_NONE, VLAN_NONE},
    {179, "4d4743 00 ff03 0021", 4, VLAN_NONE, VLAN_NONE},
    {180, "4d4743 00 1841 03 cc", 4, VLAN_NONE, VLAN_NONE},
    {181, "4d4743 00 0f00 0800", 4, VLAN_NONE, VLAN_NONE},
    {192, "0000 0800 69000000" WLAN_TO_AP "aaaa03 000000 0800", 4, VLAN_NONE, VLAN_NONE},
    {192, "0000 0c00 01000000 00000000 " ETHERNET "8100 0004 86dd", 6, 4, VLAN_NONE},
    {204, "01 ff03 0021", 4, VLAN_NONE, VLAN_NONE},
    {205, "01 0f00 0800", 4, VLAN_NONE, VLAN_NONE},
    {206, "00 1841 03 cc", 4, VLAN_NONE, VLAN_NONE},
    {219, "00010140", 6, VLAN_NONE, VLAN_NONE},
    {226, "01 02 0001 0000004f 00000001 00000002 00000001 00000002", 4, VLAN_NONE,
    VLAN_NONE},
    {226, "01 1a 0001 0000004f 00000001 00000002 00000001 00000002", 6, VLAN_NONE,
    VLAN_NONE},
    {239, "02 00 0001 0500 0a00 61000000 ff00 0900", 4, VLAN_NONE, VLAN_NONE},
    {240, "00000000 " ETHERNET "0800", 4, VLAN_NONE, VLAN_NONE},
    {241, "00000000 55555555555555d5 " ETHERNET "0800", 4, VLAN_NONE, VLAN_NONE},
    {242, ZEROS(40) "86dd 0000", 6, VLAN_NONE, VLAN_NONE},
    {258, "10000000 01000000 65000000 00000000", 4, VLAN_NONE, VLAN_NONE},
    {259, "5555d555 00000001 " ETHERNET "0800", 4, VLAN_NONE, VLAN_NONE},
    {274, "5555555555555519 " ETHERNET "0800", 4, VLAN_NONE, VLAN_NONE},
    {281, "0a0000000002 0a0000000001 60000001 8100 0006 0800", 4, 6, VLAN_NONE},
    {282, "60000001 " ETHERNET "0800", 4, VLAN_NONE, VLAN_NONE},
    {284, "0a0000000002 0a0000000001 c0000001 86dd", 6, VLAN_NONE, VLAN_NONE},
    {285, "0a0000000002 0a0000000001 dada0000 c0000001 0800", 4, VLAN_NONE, VLAN_NONE},
};
enum { LINK_CASES = sizeof link_cases / sizeof *link_cases };

static void
link_frame(const struct link_case *one, struct bytes *b)
{
	b->n = 0;
	put_hex(b, one->header);
	if (one->version == 4)
		put_ipv4(b, 6, 28 + 3);
	else
		put_ipv6(b, 6, 28 + 3);
	put_tcp(b);
	put_hex(b, "616263");
}

static void
every_link(void **state)
{
	static bool has_case[512];
	static struct bytes b;
	struct packet p;
	size_t i;

	for (i = 0; i < LINK_CASES; i++) {
		link_frame(&link_cases[i], &b);
		print_message("link %u %s\n", link_cases[i].linktype,
		    link_cases[i].header);
		assert_non_null(packet_link_name(link_cases[i].linktype));
		assert_int_equal(decode(link_cases[i].linktype, &b, &p), PACKET_COUNT_ip);
		assert_int_equal(p.vlan, link_cases[i].vlan);
		assert_int_equal(p.inner_vlan, link_cases[i].inner_vlan);
		assert_int_equal(p.src.is_v6, link_cases[i].version == 6);
		assert_int_equal(p.ip_bytes, (link_cases[i].version == 6 ? 40 : 20) + 31);
		assert_int_equal(p.payload_bytes, 3);
		assert_int_equal(p.headers_end, b.n - 3);
		assert_int_equal(p.proto, 6);
		assert_int_equal(p.src_port, 1000);
		assert_int_equal(p.dst_port, 80);
		assert_int_equal(p.tcp_flags, 2);
		assert_int_equal(p.tcp_options_bytes, 8);
		assert_int_equal(p.tcp_options[0], 2);
		assert_int_equal(p.time_ns, 7);
		if (p.flags & PACKET_HAS_MAC) {
			assert_memory_equal(p.src_mac, "\12\0\0\0\0\1", 6);
			assert_memory_equal(p.dst_mac, "\12\0\0\0\0\2", 6);
		}
		assert_true(p.flags & PACKET_HAS_MAC || link_cases[i].linktype != 1);
		has_case[link_cases[i].linktype] = true;
	}
	for (i = 0; i < 512; i++)
		assert_int_equal(has_case[i], packet_link_name((uint32_t)i) != NULL);
}

/* A pseudowire's frame whose address begins as IP does, or is one with no IP in it. */
static void
behind_labels(void **state)
{
	static const struct {
		const char *dst, *type;
		uint8_t cut; /* octets that the frame lacks of its IP packet */
		enum packet_counter verdict;
		uint32_t ip_bytes;
	} rows[] = {
	    {"45cc99990002", "0800", 0, PACKET_COUNT_ip, 51},
	    {"60000000ff02", "0800", 0, PACKET_COUNT_ip, 51},
	    {"10cc00000002", "0800", 0, PACKET_COUNT_ip, 51},
	    {"00cc00000002", "0800", 0, PACKET_COUNT_ip, 51},
	    {"f4cc00000002", "0800", 0, PACKET_COUNT_ip, 51},
	    {"f4cc00000002", "0800", 1, PACKET_COUNT_not_ip, 0},
	    {"00cc00000002", "0800", 1, PACKET_COUNT_not_ip, 0},
	    {"f4cc00000002", "0806", 0, PACKET_COUNT_not_ip, 0},
	    {"00cc00000002", "0806", 0, PACKET_COUNT_not_ip, 0},
	    {"00cc00000002", "8100 0001 0806", 0, PACKET_COUNT_not_ip, 0},
	};
	static struct bytes b;
	struct packet p;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		b.n = 0;
		put_hex(&b, ETHERNET "8847 00010140 ");
		put_hex(&b, rows[i].dst);
		put_hex(&b, "0a0000000001");
		put_hex(&b, rows[i].type);
		put_ipv4(&b, 6, 28 + 3);
		put_tcp(&b);
		put_hex(&b, "616263");
		b.n -= rows[i].cut;
		print_message("%s %s\n", rows[i].dst, rows[i].type);
		assert_int_equal(decode(1, &b, &p), rows[i].verdict);
		if (rows[i].verdict != PACKET_COUNT_ip)
			continue;
		assert_int_equal(p.ip_bytes, rows[i].ip_bytes);
		assert_int_equal(p.src_port, 1000);
		assert_int_equal(p.mpls_count, 1);
		assert_true(p.flags & PACKET_BRIDGED);
		assert_memory_equal(p.src_mac, "\12\0\0\0\0\1", 6);
	}
}

static void
no_ip(void **state)
{
	static const struct {
		uint32_t linktype;
		const char *frame;
		enum packet_counter verdict;
	} rows[] = {
	    {1, "", PACKET_COUNT_short_link},
	    {1, ETHERNET "08", PACKET_COUNT_short_link},
	    {1, ETHERNET "8100 00", PACKET_COUNT_short_link},
	    {1, ETHERNET "8847 00010040", PACKET_COUNT_short_link},
	    {1, ETHERNET "8847 00010140 00000000 0800", PACKET_COUNT_not_ip},
	    {1, ETHERNET "8864 1109 0001 0000", PACKET_COUNT_not_ip},
	    {1, ETHERNET "8864 1100 0001 0010 c021", PACKET_COUNT_not_ip},
	    {1, ETHERNET "0806 0001", PACKET_COUNT_not_ip},
	    {1, ETHERNET "0026 424203 0000", PACKET_COUNT_not_ip},
	    {1, ETHERNET "0000", PACKET_COUNT_not_ip},
	    {1, ETHERNET "05dd 0000", PACKET_COUNT_not_ip},
	    {1, ETHERNET "0800", PACKET_COUNT_short_ip},
	    {1, ETHERNET "0800 45000028", PACKET_COUNT_short_ip},
	    {1, ETHERNET "0800 6500002800000000400600000a0000010a000002",
	        PACKET_COUNT_bad_ip},
	    {1, ETHERNET "0800 4400002800000000400600000a0000010a000002",
	        PACKET_COUNT_bad_ip},
	    {1, ETHERNET "0800 4500001300000000400600000a0000010a000002",
	        PACKET_COUNT_bad_ip},
	    {1, ETHERNET "0800 4600002800000000400600000a0000010a000002",
	        PACKET_COUNT_short_ip},
	    {0, "00000007 00", PACKET_COUNT_not_ip},
	    {0, "000000", PACKET_COUNT_short_link},
	    {113, "0000 0001 0006 0a00000000010000 0001 00", PACKET_COUNT_not_ip},
	    {113, "0000 0001 0006", PACKET_COUNT_short_link},
	    {276, "0800 0000", PACKET_COUNT_short_link},
	    {101, "55", PACKET_COUNT_short_ip},
	    {147, "00", PACKET_COUNT_unknown_link},
	    {283, "00", PACKET_COUNT_unknown_link}, /* IEEE 802.15.4 with a TAP header */
	    {1, ETHERNET "88e5 0c 00 00000001 0800", PACKET_COUNT_encrypted},
	    {1, ETHERNET "88e5 20 00 00000001 00000000", PACKET_COUNT_short_link},
	    {1, ETHERNET "88e7 0000", PACKET_COUNT_short_link},
	    {1, ETHERNET "8903 00", PACKET_COUNT_short_link},
	    {1, ETHERNET "893f 1000 00d3 0000 08", PACKET_COUNT_short_link},
	    {1, ETHERNET "d28b 0001 0010 0000000100000002 08", PACKET_COUNT_short_link},
	    {1, ETHERNET "d28b 0002 0010 0000000100000002 0800", PACKET_COUNT_not_ip},
	    {1, ETHERNET "d28b 0001 0030 0000000100000002 0800", PACKET_COUNT_not_ip},
	    {1, ETHERNET "894f 0f02 01 09 00000100", PACKET_COUNT_not_ip},
	    {1, ETHERNET "22f3 07c0 0001 0002", PACKET_COUNT_short_link},
	    {9, "ff03 0053 00", PACKET_COUNT_encrypted},
	    {9, "ff03 c021 00", PACKET_COUNT_not_ip},
	    {1, ETHERNET "8847 0000d140 10000022 45", PACKET_COUNT_not_ip},
    {1, ETHERNET "8847 0000d140 1000", PACKET_COUNT_short_link},
    {1, ETHERNET "8870 424203 00", PACKET_COUNT_not_ip},
    {1, ETHERNET "8870 aaaa03 00", PACKET_COUNT_not_ip},
    {1, "01000c0000 00 0a0000000001 0060 aaaa03 00000c 000a 0000 0000 0a",
    PACKET_COUNT_short_link},
    {1, "01000c0000 00 0a0000000001 0060 aaaa03", PACKET_COUNT_short_link},
    {1, "01000c0000 10 0a0000000001 0060 aaaa03 00000c 000a 0000 0000 " ETHERNET "0800",
        PACKET_COUNT_not_ip},
    {9, "ff03 003d 40000002 0021 45", PACKET_COUNT_not_ip},
    {9, "ff03 003d 8000", PACKET_COUNT_short_link},
    {9, "ff03 00", PACKET_COUNT_short_link},
	    {7, "01 02 d5 00 0007 00", PACKET_COUNT_not_ip},
	    {7, "01 02 d4 02 0007 45", PACKET_COUNT_not_ip},
	    {7, "01 02 d4 00 00", PACKET_COUNT_short_link},
	    {129, "01 02 0000", PACKET_COUNT_short_link},
	    {105, "80 00 0000", PACKET_COUNT_not_ip},
	    {105, "48 01 0000", PACKET_COUNT_not_ip},
	    {105, "08 41 0000 0c0000000009 0a0000000001 0a0000000002 0000",
	    PACKET_COUNT_encrypted},
	    {105, "08 01 0000 0c0000000009 0a0000000001 0a0000000002 0100",
	    PACKET_COUNT_not_ip},
	    {105, "08 01 0000 0c0000000009", PACKET_COUNT_short_link},
	    {107, "00000000", PACKET_COUNT_short_link},
	    {107, "1841 03 82 00", PACKET_COUNT_not_ip},
	    {117, "00 02 0000", PACKET_COUNT_short_link},
	    {127, "0000 0400 00000000", PACKET_COUNT_short_link},
	    {127, "0000 ffff ffffffff", PACKET_COUNT_short_link},
	    {143, "c0 00 0000 0000", PACKET_COUNT_not_ip},
	    {178, "4d4744 00 00", PACKET_COUNT_not_ip},
	    {192, "0000 0800 c0000000 00", PACKET_COUNT_unknown_link},
	    {192, "0000 0800 93000000 00", PACKET_COUNT_unknown_link},
	    {192, "0000 0800 01000000 00", PACKET_COUNT_short_link},
	    {197, "0000000000000000 83 00 0050 0000 0040", PACKET_COUNT_short_link},
	    {239, "02 00 0001 0500 0a00 61000000", PACKET_COUNT_not_ip},
	    {239, "02 00 0001 0300 0900 61000000", PACKET_COUNT_not_ip},
	    {258, "10000000 02000000 65000000 00000000 45", PACKET_COUNT_not_ip},
	    {258, "ffffffff 01000000 65000000 00000000 45", PACKET_COUNT_short_link},
	};
	static struct bytes b;
	struct packet p;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		b.n = 0;
		put_hex(&b, rows[i].frame);
		print_message("%u %s\n", rows[i].linktype, rows[i].frame);
		assert_int_equal(decode(rows[i].linktype, &b, &p), rows[i].verdict);
		assert_true(p.ip_at <= b.n);
	}
	assert_int_equal(packet_decode(1, b.at, 60, 59, 0, &p), PACKET_COUNT_bad_length);
	assert_null(packet_link_name(147));
}

static void
every_transport(void **state)
{
	static const struct {
		uint8_t proto;
		const char *header;
		int has_ports;
		uint32_t payload;
		int tcp_flags;    /* 0: there are none */
		int is_truncated;
	} rows[] = {
	    {17, "03e8 0035 000b 0000 616263", 1, 3},
	    {136, "03e8 0035 000b 0000 616263", 1, 3},
	    {132, "03e8 0035 00000001 00000000 616263", 1, 3},
	    {33, "03e8 0035 04 00 0000 01 00 0000 00000000 616263", 1, 3},
	    {33, "03e8 0035 03 00 0000 00 000000 616263", 1, 3},
	    {47, "0000 0800 616263", 0, 7},
	    {50, "00000001 00000002", 0, 8},
	    {2, "1600 0000 e0000001", 0, 8},
	    {89, "0201", 0, 2},
	    {255, "", 0, 0},
	    {6, "03e8 0050 00000001 00000002 5010 0100 0000 0000 616263", 1, 3, 0x10},
	    {6, "03e8 0050 00000001 00000002 4010 0100 0000 0000 616263", 1, 3},
	    /* A header that the datagram is too short for: what is there, as others
	     * report it. */
	    {6, "03e8 0050 00000001 00000002 f012 0100 0000 0000 616263", 1, 0, 0x12, 1},
	    {6, "03e8 0050 00000001 00000002 5002 0100 0000 00", 1, 0, 2, 1},
	    {6, "03e8 0050 00000001 00000002 5002", 1, 0, 2, 1},
	    {6, "03e8 0050 00000001 00000002 50", 1, 0, 0, 1},
	    {6, "03e8 0050 00", 1, 0, 0, 1},
	};
	static struct bytes b, header;
	struct packet p;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		header.n = b.n = 0;
		put_hex(&header, rows[i].header);
		put_ipv4(&b, rows[i].proto, header.n);
		put(&b, header.at, header.n);
		print_message("proto %u\n", rows[i].proto);
		assert_int_equal(decode(101, &b, &p), PACKET_COUNT_ip);
		assert_int_equal(p.proto, rows[i].proto);
		assert_int_equal(p.src_port, rows[i].has_ports ? 1000 : 0);
		assert_int_equal(!!(p.flags & PACKET_HAS_PORTS), rows[i].has_ports);
		assert_int_equal(!!(p.flags & PACKET_HAS_TCP), rows[i].tcp_flags != 0);
		assert_int_equal(p.tcp_flags, rows[i].tcp_flags);
		assert_int_equal(!!(p.flags & PACKET_TRUNCATED), rows[i].is_truncated);
		assert_int_equal(p.payload_bytes, rows[i].payload);
		assert_int_equal(p.flags & PACKET_DF, PACKET_DF);
		assert_int_equal(p.ip_id, 0x1234);
		assert_int_equal(p.ttl, 0x40);
	}
	b.n = 0;
	put_ipv4(&b, 1, 8 + 2);
	put_hex(&b, "0301 0000 00000000 6162");
	assert_int_equal(decode(101, &b, &p), PACKET_COUNT_ip);
	assert_int_equal(p.flags, PACKET_HAS_ICMP | PACKET_DF);
	assert_int_equal(p.dst_port, 0x0301);
	assert_int_equal(p.icmp_type, 3);
	assert_int_equal(p.icmp_code, 1);
	assert_int_equal(p.payload_bytes, 2);
}

static void
lengths(void **state)
{
	static struct bytes b;
	struct packet p;
	uint32_t n;

	/* Ethernet padding is neither octets nor a header. */
	b.n = 0;
	put_hex(&b, ETHERNET "0800");
	put_ipv4(&b, 6, 2);
	put_hex(&b, "03e8");
	put_zeros(&b, 24);
	assert_int_equal(decode(1, &b, &p), PACKET_COUNT_ip);
	assert_int_equal(p.ip_bytes, 22);
	assert_int_equal(p.flags, PACKET_TRUNCATED | PACKET_DF | PACKET_HAS_MAC);
	assert_int_equal(p.headers_end, 36);

	/* A cut capture counts what IP says. */
	b.n = 0;
	put_ipv4(&b, 6, 28 + 1000);
	put_tcp(&b);
	for (n = 20; n <= b.n; n++) {
		assert_int_equal(packet_decode(101, b.at, n, 1048, 0, &p),
		    PACKET_COUNT_ip);
		assert_int_equal(p.ip_bytes, 1048);
		assert_int_equal(!!(p.flags & PACKET_HAS_PORTS), n >= 24);
		assert_int_equal(!!(p.flags & PACKET_HAS_TCP), n >= 34);
		assert_int_equal(p.tcp_flags, n >= 34 ? 2 : 0);
		assert_int_equal(!!(p.flags & PACKET_TRUNCATED), n < 48);
		assert_int_equal(p.payload_bytes, n >= 33 ? 1000 : 1008);
		assert_int_equal(p.headers_end, n);
		if (n >= 40)
			assert_int_equal(p.tcp_options_bytes, n - 40);
	}

	/* More than the frame has: still what IP says. */
	assert_int_equal(packet_decode(101, b.at, b.n, b.n, 0, &p), PACKET_COUNT_ip);
	assert_int_equal(p.ip_bytes, 1048);

	/* Segmentation offload leaves the length 0. */
	b.at[2] = b.at[3] = 0;
	assert_int_equal(packet_decode(101, b.at, b.n, 100000, 0, &p), PACKET_COUNT_ip);
	assert_int_equal(p.ip_bytes, 100000);
	assert_int_equal(p.payload_bytes, 100000 - 48);
	assert_true(p.flags & PACKET_NO_LENGTH);
	b.n = 0;
	put_hex(&b, ETHERNET "86dd");
	put_ipv6(&b, 6, 0);
	put_tcp(&b);
	assert_int_equal(packet_decode(1, b.at, b.n, 80014, 0, &p), PACKET_COUNT_ip);
	assert_int_equal(p.ip_bytes, 80000);
	assert_int_equal(p.payload_bytes, 80000 - 68);
	/* ... but an empty packet in a padded frame is one, whatever it says comes
	 * next. */
	for (n = 0; n < 256; n++) {
		b.n = 0;
		put_hex(&b, ETHERNET "86dd");
		put_ipv6(&b, (uint8_t)n, 0);
		put_zeros(&b, 6);
		assert_int_equal(decode(1, &b, &p), PACKET_COUNT_ip);
		assert_int_equal(p.ip_bytes, 40);
		assert_int_equal(p.payload_bytes, 0);
		assert_false(p.flags & PACKET_NO_LENGTH);
		/* Nothing offloads ICMP, a protocol scan's numbers or no header at
		 * all. */
		assert_int_equal(packet_decode(1, b.at, b.n, 80014, 0, &p),
		    PACKET_COUNT_ip);
		assert_int_equal(p.ip_bytes, n == 6 || n == 17 || n == 0 || n == 43 ||
		    n == 44 || n == 51 || n == 60 || n == 135 || n == 139 ||
		    n == 140 ? 80000 : 40);
	}

	/* A capture that ends within IPv4's options still has addresses and a length. */
	b.n = 0;
	put_ipv4(&b, 6, 8 + 28 + 1000);
	b.at[0] = 0x47;
	for (n = 20; n < 28; n++) {
		assert_int_equal(packet_decode(101, b.at, n, 1056, 0, &p),
		    PACKET_COUNT_ip);
		assert_int_equal(p.ip_bytes, 1056);
		assert_int_equal(p.payload_bytes, 1008);
		assert_int_equal(p.proto, 6);
		assert_int_equal(p.flags & (PACKET_TRUNCATED | PACKET_HAS_PORTS),
		    PACKET_TRUNCATED);
		assert_int_equal(p.headers_end, n);
	}
}

static void
ipv4_fragments_and_options(void **state)
{
	static struct bytes b;
	struct packet p;

	b.n = 0;
	put_hex(&b, "46b8 0028 00ff a000 40 11 0000 0a000001 0a000002 94040000");
	put_udp(&b);
	assert_int_equal(decode(228, &b, &p), PACKET_COUNT_ip);
	assert_int_equal(p.ip_options_bytes, 4);
	assert_int_equal(p.tos, 0xb8);
	assert_int_equal(p.flags,
	    PACKET_FRAGMENT | PACKET_HAS_PORTS | PACKET_RESERVED_BIT);
	assert_int_equal(p.fragment_id, 255);
	assert_int_equal(p.payload_bytes, 8);
	assert_int_equal(p.src.v4, 0x0a000001);
	b.at[7] = 1;
	assert_int_equal(decode(228, &b, &p), PACKET_COUNT_ip);
	assert_int_equal(p.flags,
	    PACKET_FRAGMENT | PACKET_LATER_FRAGMENT | PACKET_RESERVED_BIT);
	assert_int_equal(p.payload_bytes, 16);
	assert_int_equal(p.headers_end, 24);
	assert_int_equal(p.dst_port, 0);
}

static void
ipv6_extensions(void **state)
{
	static struct bytes b;
	struct packet p;
	uint32_t n, whole;

	b.n = 0;
	put_ipv6(&b, 0, 8 + 24 + 16 + 8 + 8 + 12 + 16);
	put_hex(&b, "2b00 050200000000"); /* hop-by-hop */
	put_hex(&b, "3c02 000100000000 20010db8000000000000000000000009"); /* routing */
	put_hex(&b, "8701 0000000000000000000000000000"); /* destination */
	put_hex(&b, "2c00 000000000000"); /* mobility */
	put_hex(&b, "3300 0001 deadbeef"); /* fragment, first */
	put_hex(&b, "1101 0000 00000001 00000002"); /* AH */
	put_udp(&b);
	assert_int_equal(decode(229, &b, &p), PACKET_COUNT_ip);
	assert_int_equal(p.proto, 17);
	assert_int_equal(p.dst_port, 53);
	assert_int_equal(p.payload_bytes, 8);
	assert_int_equal(p.fragment_id, 0xdeadbeef);
	assert_int_equal(p.flags, PACKET_FRAGMENT | PACKET_HAS_PORTS);
	assert_int_equal(p.flow_label, 0x12345);
	assert_int_equal(p.tos, 2);
	assert_int_equal(p.transport_at, 40 + 76);
	whole = b.n;
	for (n = 40; n < whole; n++) {
		assert_int_equal(packet_decode(229, b.at, n, whole, 0, &p),
		    PACKET_COUNT_ip);
		assert_int_equal(p.ip_bytes, whole);
		assert_int_equal(!!(p.flags & PACKET_TRUNCATED), n < whole - 8);
	}
	b.at[40 + 56 + 3] = 9; /* a later fragment */
	assert_int_equal(decode(229, &b, &p), PACKET_COUNT_ip);
	assert_int_equal(p.flags, PACKET_FRAGMENT | PACKET_LATER_FRAGMENT);
	assert_int_equal(p.proto, 51);
	assert_int_equal(p.payload_bytes, 28);
	b.at[40 + 56 + 3] = 0; /* RFC 6946: an atomic fragment */
	assert_int_equal(decode(229, &b, &p), PACKET_COUNT_ip);
	assert_int_equal(p.flags, PACKET_HAS_PORTS);
	b.at[6] = 50;
	assert_int_equal(decode(229, &b, &p), PACKET_COUNT_ip);
	assert_int_equal(p.proto, 50);
	assert_int_equal(p.flags, 0);
}

/* Long stacks of wrappers cost neither stack nor time. */
static void
deep_stacks(void **state)
{
	static struct bytes b;
	struct packet p;

	b.n = 0;
	put_hex(&b, ETHERNET "8100");
	while (b.n < 100000)
		put_hex(&b, "0001 8100");
	assert_int_equal(decode(1, &b, &p), PACKET_COUNT_short_link);
	b.n = 0;
	put_hex(&b, ETHERNET "05dc");
	while (b.n < 100000)
		put_hex(&b, "aaaa03 000000 8100 0001 05dc");
	assert_true(decode(1, &b, &p) != PACKET_COUNT_ip);
	b.n = 0;
	put_ipv6(&b, 0, 65000);
	while (b.n < 65040)
		put_hex(&b, "0000 050200000000");
	assert_int_equal(decode(101, &b, &p), PACKET_COUNT_ip);
	assert_true(p.flags & PACKET_TRUNCATED);
}

static void
changed_at_random(void **state)
{
	uint64_t seed = (uint64_t)time(NULL), round;
	static struct bytes b;
	const struct link_case *one;
	enum packet_counter verdict;
	struct packet p;
	uint32_t n, wire, i;
	uint8_t *exact;

	srandom((unsigned)seed);
	print_message("seed %lu\n", (unsigned long)seed);
	for (round = 0; round < 200000; round++) {
		one = &link_cases[(size_t)random() % LINK_CASES];
		link_frame(one, &b);
		for (i = (uint32_t)random() % 6; i > 0; i--)
			b.at[(uint32_t)random() % b.n] = (uint8_t)(random() >> 4);
		n = (uint32_t)random() % (b.n + 1);
		if (random() % 2)
			n = b.n;
		wire = n + (uint32_t)random() % 3 * 40;
		exact = malloc(n + 1);
		memcpy(exact + 1, b.at, n);
		verdict = packet_decode(one->linktype, exact + 1, n, wire, 0, &p);
		assert_true(verdict < PACKET_COUNTERS);
		assert_true(p.ip_at <= n);
		if (verdict == PACKET_COUNT_ip) {
			assert_true(p.ip_at + 20 <= p.transport_at);
			assert_true(p.transport_at <= p.headers_end &&
			    p.headers_end <= n);
			assert_true(p.payload_bytes <= p.ip_bytes);
			for (i = 0; i < p.tcp_options_bytes; i++)
				assert_ptr_equal(&p.tcp_options[i],
				    &exact[1 + p.headers_end - p.tcp_options_bytes + i]);
		}
		free(exact);
	}
}

/*
 * Ethernet frames of IPv4 with TCP or UDP are mostly decoded in one piece. Behind a
 * preamble (link type 259) they never are, and must be found the same: as they are, with
 * any octet of their headers changed, and cut off anywhere.
 */
static void
both_ways(const struct bytes *b, uint32_t captured, uint32_t wire)
{
	enum { PREAMBLE = 8 };
	uint8_t *frame = malloc(captured + 1),
	    *behind = calloc(1, captured + PREAMBLE + 1);
	enum packet_counter verdict;
	struct packet p, q;

	memcpy(frame, b->at, captured);
	memcpy(behind + PREAMBLE, b->at, captured);
	memset(&p, 0xff, sizeof p); /* nothing is left as it was */
	verdict = packet_decode(1, frame, captured, wire, 7, &p);
	assert_int_equal(packet_decode(259, behind, captured + PREAMBLE, wire + PREAMBLE,
	    7, &q), verdict);
	if (captured >= 14)
		assert_int_equal(q.ip_at, p.ip_at + PREAMBLE);
	if (verdict == PACKET_COUNT_ip) {
		assert_int_equal(q.transport_at, p.transport_at + PREAMBLE);
		assert_int_equal(q.headers_end, p.headers_end + PREAMBLE);
		assert_int_equal(p.tcp_options == NULL, q.tcp_options == NULL);
		if (p.tcp_options != NULL)
			assert_int_equal(p.tcp_options - frame,
			    q.tcp_options - behind - PREAMBLE);
		assert_int_equal(p.mpls == NULL, q.mpls == NULL);
		if (p.mpls != NULL)
			assert_int_equal(p.mpls - frame, q.mpls - behind - PREAMBLE);
		q.ip_at = p.ip_at;
		q.transport_at = p.transport_at;
		q.headers_end = p.headers_end;
		q.tcp_options = p.tcp_options;
		q.mpls = p.mpls;
		q.frame = p.frame;
		assert_memory_equal(&p, &q, sizeof p);
	}
	free(frame);
	free(behind);
}

static void
in_one_piece(void **state)
{
	static struct bytes b;
	uint64_t seed = (uint64_t)time(NULL);
	uint32_t i, round;

	srandom((unsigned)seed);
	print_message("seed %lu\n", (unsigned long)seed);
	for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
		b.n = 0;
		put_hex(&b, ETHERNET "0800");
		put_ipv4(&b, is_tcp ? 6 : 17, is_tcp ? 28 + 9 : 16);
		(is_tcp ? put_tcp : put_udp)(&b);
		put_zeros(&b, 30); /* payload, padding */
		for (i = 0; i <= b.n; i++)
			both_ways(&b, i, b.n);
		for (i = 0; i < 62; i++) {
			uint8_t was = b.at[i];

			for (int v = 0; v < 256; v++) {
				b.at[i] = (uint8_t)v;
				both_ways(&b, b.n, b.n);
				both_ways(&b, 54 + (uint32_t)(v % 9), b.n);
			}
			b.at[i] = was;
		}
		for (round = 0; round < 100000; round++) {
			uint32_t at[3], n = b.n - (uint32_t)random() % 40;
			uint8_t was[3];

			for (i = 0; i < 3; i++) {
				at[i] = 12 + (uint32_t)random() % 42;
				was[i] = b.at[at[i]];
				b.at[at[i]] = (uint8_t)(random() % 3 ? 1u << random() % 8
				                                      : random() >> 4);
			}
			both_ways(&b, n, n + (uint32_t)random() % 2 * 40);
			for (i = 3; i-- > 0;)
				b.at[at[i]] = was[i];
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_link),
	    cmocka_unit_test(behind_labels),
	    cmocka_unit_test(no_ip),
	    cmocka_unit_test(every_transport),
	    cmocka_unit_test(lengths),
	    cmocka_unit_test(ipv4_fragments_and_options),
	    cmocka_unit_test(ipv6_extensions),
	    cmocka_unit_test(deep_stacks),
	    cmocka_unit_test(changed_at_random),
	    cmocka_unit_test(in_one_piece),
	};

	return cmocka_run_group_tests_name("packet decode", tests, NULL, NULL);
}
