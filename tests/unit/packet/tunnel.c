/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tunnels: every row of tunnel.def, in IPv4 and in IPv6, opened and left closed, nested,
 * cut off at every length, fragmented, with lengths that cannot be, and changed at
 * random.
 */
#include "packet/tunnel.h"

#include "base/err.h"
#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define ETHERNET "0b0000000002 0b0000000001 "
/* From a station to its access point, plain and with quality of service; SNAP. */
#define WLAN "0000 0c0000000009 0b0000000001 0b0000000002 0000 aaaa03 000000 "
#define WLAN_QOS "0000 0c0000000009 0b0000000001 0b0000000002 0000 0000 aaaa03 000000 "

static const struct tunnel_case {
	const char *kind;
	uint8_t proto;
	uint16_t port;      /* of UDP */
	const char *header; /* before an IP packet of this version */
	int version;
	uint16_t vlan;
} cases[] = {
    {"ipip", 4, 0, "", 4, VLAN_NONE},
    {"ipv6", 41, 0, "", 6, VLAN_NONE},
    {"gre", 47, 0, "0000 0800", 4, VLAN_NONE},
    {"gre", 47, 0, "b000 86dd abcd0000 00000001 00000002", 6, VLAN_NONE},
    {"gre", 47, 0, "2000 6558 00000001 " ETHERNET "0800", 4, VLAN_NONE},
    {"gre", 47, 0, "2000 6558 00000001 " ETHERNET "8100 0007 86dd", 6, 7},
    {"gre", 47, 0, "0000 8847 00010140", 4, VLAN_NONE},
    {"gre", 47, 0, "3081 880b 00200001 00000001 00000002 ff03 0021", 4, VLAN_NONE},
    {"gre", 47, 0, "0000 88be " ETHERNET "0800", 4, VLAN_NONE},
    {"gre", 47, 0, "1000 88be 00000001 1000000000000000 " ETHERNET "0800", 4, VLAN_NONE},
    {"gre", 47, 0, "1000 22eb 00000001 200000000000000000000000 " ETHERNET "0800", 4,
    VLAN_NONE},
    {"gre", 47, 0, "1000 22eb 00000001 200000000000000000000001 0000000000000000 " ETHERNET
        "0800", 4, VLAN_NONE},
    {"gre", 47, 0, "0000 883e", 4, VLAN_NONE},
    {"gre", 47, 0, "2001 6400 003c 0500 " ETHERNET "0800", 4, VLAN_NONE},
    {"gre", 47, 0, "4000 0800 00000000 00000000", 4, VLAN_NONE},
    {"gre", 47, 0, "f000 86dd 00000000 00000007 00000001 08000408 0a000001 0a000002 00000000", 6,
        VLAN_NONE},
    {"gre", 47, 0, "0000 883e 00010000", 4, VLAN_NONE},
    {"gre", 47, 0, "0000 8200 8801 " WLAN_QOS "0800", 4, VLAN_NONE},
    {"gre", 47, 0, "2000 8909 00000028 0800 0101 0001 0007", 4, VLAN_NONE},
    {"gre", 17, 4754, "2000 86dd 00000001", 6, VLAN_NONE},
    {"ah", 51, 0, "0404 0000 00000001 00000002 000000000000000000000000", 4, VLAN_NONE},
    {"ah", 51, 0, "2904 0000 00000001 00000002 000000000000000000000000", 6, VLAN_NONE},
    {"ah", 51, 0, "2f02 0000 00000001 00000002 00000000 0000 0800", 4, VLAN_NONE},
    {"lisp", 17, 4341, "c0123456 00000001", 4, VLAN_NONE},
    {"lisp", 17, 4341, "c0123456 00000001", 6, VLAN_NONE},
    {"capwap", 17, 5247, "00100200 00000000 " ETHERNET "8100 0007 0800", 4, 7},
    {"capwap", 17, 5247, "00100300 00000000 0801 " WLAN "0800", 4, VLAN_NONE},
    {"capwap", 17, 5247,
    "00200320 00000000 040c000000 000000 1108 0000 0c0000000009 0b0000000001 "
        "0b0000000002 7630 aaaa03 000000 86dd", 6, VLAN_NONE},
    {"etherip", 97, 0, "3000 " ETHERNET "0800", 4, VLAN_NONE},
    {"mpls", 137, 0, "00010140", 6, VLAN_NONE},
    {"mpls", 17, 6635, "00010040 00020140", 4, VLAN_NONE},
    {"l2tp", 17, 1701, "0002 0001 0002 ff03 0021", 4, VLAN_NONE},
    {"l2tp", 17, 1701, "4a02 0040 0001 0002 0003 0004 0002 0000 0057", 6, VLAN_NONE},
    {"l2tp", 17, 1701, "0003 0000 00000007 " ETHERNET "0800", 4, VLAN_NONE},
    {"l2tp", 115, 0, "00000007 " ETHERNET "0800", 4, VLAN_NONE},
    {"l2tp", 115, 0, "00000007 40000001 " ETHERNET "8100 0007 86dd", 6, 7},
    {"l2tp", 115, 0, "00000007 0123456789abcdef 00000000 " ETHERNET "0800", 4, VLAN_NONE},
    {"pim", 103, 0, "2100 0000 00000000", 4, VLAN_NONE},
    {"pim", 103, 0, "2100 0000 80000000", 6, VLAN_NONE},
    {"ayiya", 17, 5072, "4152 1129 00000000 20010db8000000000000000000000002 "
        "0000000000000000000000000000000000000000", 6, VLAN_NONE},
    {"ayiya", 17, 5072, "0000 0104 00000000 07", 4, VLAN_NONE},
    {"gue", 17, 6080, "0004 0000", 4, VLAN_NONE},
    {"gue", 17, 6080, "0229 0000 0000000100000002", 6, VLAN_NONE},
    {"gue", 17, 6080, "002f 0000 0000 0800", 4, VLAN_NONE},
    {"gue", 17, 6080, "", 4, VLAN_NONE},
    {"gue", 17, 6080, "", 6, VLAN_NONE},
    {"gtp", 17, 2152, "30ff 0020 00000001", 4, VLAN_NONE},
    {"gtp", 17, 2152, "34ff 0020 00000001 0000 00 85 01 1009 00", 6, VLAN_NONE},
    {"gtp", 17, 2152, "32ff 0020 00000001 0001 00 00", 4, VLAN_NONE},
    {"teredo", 17, 3544, "", 6, VLAN_NONE},
    {"teredo", 17, 3544, "0000 1234 01020304", 6, VLAN_NONE},
    {"teredo", 17, 3544, "0001 0000 0000000000000000 00 0000 1234 01020304", 6,
    VLAN_NONE},
    {"vxlan", 17, 4789, "08000000 00000100 " ETHERNET "0800", 4, VLAN_NONE},
    {"vxlan", 17, 8472, "08000000 00000100 " ETHERNET "8100 0003 86dd", 6, 3},
    {"vxlan_gpe", 17, 4790, "0c000001 00000100", 4, VLAN_NONE},
    {"vxlan_gpe", 17, 4790, "0c000003 00000100 " ETHERNET "86dd", 6, VLAN_NONE},
    {"geneve", 17, 6081, "0100 6558 00000100 00000000 " ETHERNET "0800", 4, VLAN_NONE},
    {"geneve", 17, 6081, "0000 86dd 00000100", 6, VLAN_NONE},
};
enum { CASES = sizeof cases / sizeof *cases };

/* An inner packet of this version: TCP with 3 octets of data. */
static void
put_inner(struct bytes *b, int version)
{
	if (version == 4)
		put_hex(b, "4500 0033 1234 4000 20 06 0000 c0000201 c0000202");
	else
		put_ipv6(b, 6, 28 + 3);
	put_tcp(b);
	put_hex(b, "616263");
}

/* That much more in front of what b has: the tunnel's header and an outer IP one. */
static void
put_outer(struct bytes *out, const struct tunnel_case *one, int version,
    const struct bytes *in)
{
	static struct bytes header;
	uint32_t n;

	header.n = 0;
	put_hex(&header, one->header);
	n = header.n + in->n + (one->proto == 17 ? 8 : 0);
	out->n = 0;
	if (version == 4)
		put_ipv4(out, one->proto, n);
	else
		put_ipv6(out, one->proto, n);
	if (one->proto == 17) {
		put_hex(out, "03e8");
		put_be16(out, one->port);
		put_be16(out, n);
		put_hex(out, "0000");
	}
	put(out, header.at, header.n);
	put(out, in->at, in->n);
}

static enum tunnel_counter
open_all(const struct bytes *b, uint32_t captured, const char *kinds, struct packet *p)
{
	struct err err = {0};
	uint32_t bits;

	assert_int_equal(tunnel_kinds(kinds, &bits, &err), 0);
	assert_int_equal(packet_decode(101, b->at, captured, b->n, 7, p),
	    PACKET_COUNT_ip);
	return tunnel_open(b->at, captured, b->n, bits, p);
}

static void
every_tunnel(void **state)
{
	static struct bytes b, inner;
	struct packet p, outer;
	uint32_t whole;

	for (size_t i = 0; i < CASES; i++)
		for (int version = 4; version <= 6; version += 2) {
			const struct tunnel_case *one = &cases[i];

			if (one->proto == 51 && version == 6)
				/* an extension there: the next header is the protocol */
				continue;
			print_message("%s in IPv%d: %s\n", one->kind, version,
			    one->header);
			inner.n = 0;
			put_inner(&inner, one->version);
			put_outer(&b, one, version, &inner);
			whole = b.n;
			assert_int_equal(open_all(&b, b.n, "outer", &outer),
			    TUNNEL_COUNT_none);
			assert_int_equal(outer.ip_bytes, whole);
			assert_int_equal(outer.proto, one->proto);
			assert_int_equal(open_all(&b, b.n,
			    strcmp(one->kind, "gre") == 0 ? "vxlan"
			        : "gre,etherip", &p) == TUNNEL_COUNT_none,
			    strcmp(one->kind, "etherip") != 0);
			for (int all = 0; all < 2; all++) {
				assert_int_equal(open_all(&b, b.n,
				    all ? "inner" : one->kind, &p), TUNNEL_COUNT_opened);
				/* outermost, always */
				assert_int_equal(p.ip_bytes, whole);
				assert_int_equal(p.src.is_v6, one->version == 6);
				assert_int_equal(p.proto, 6);
				assert_int_equal(p.src_port, 1000);
				assert_int_equal(p.tcp_seq, 0x01020304);
				assert_int_equal(p.payload_bytes, 3);
				assert_int_equal(p.tcp_options[0], 2);
				assert_int_equal(p.vlan, one->vlan);
				assert_int_equal(p.ttl, one->version == 6 ? 0x3f : 0x20);
				assert_int_equal(p.time_ns, 7);
				assert_true(p.flags & PACKET_INNER);
				assert_int_equal(p.headers_end, whole - 3);
				if (strstr(one->header, ETHERNET) != NULL ||
				    strstr(one->header, WLAN) != NULL)
					assert_memory_equal(p.src_mac, "\13\0\0\0\0\1",
					    6);
			}
			/* Cut off anywhere it is one or the other, and the octets
			 * stay. */
			for (uint32_t n = version == 4 ? 20 : 40; n <= whole; n++) {
				enum tunnel_counter is = open_all(&b, n, "inner", &p);

				assert_int_equal(p.ip_bytes, whole);
				if (one->port != 0 && n < (version == 4 ? 24 : 44))
					/* no ports */
					assert_int_equal(is, TUNNEL_COUNT_none);
				else
					assert_int_equal(is, n < whole - inner.n +
					    (one->version == 6 ? 40 : 20)
					    ? TUNNEL_COUNT_unread
					                                  : TUNNEL_COUNT_opened);
				assert_int_equal(p.proto,
				    is == TUNNEL_COUNT_opened ? 6 : one->proto);
			}
		}
}

static void
nested(void **state)
{
	static struct bytes b[2], plain;
	const struct tunnel_case *in4 = &cases[0], *in6 = &cases[1], *vxlan = NULL;
	struct packet p;
	unsigned at = 0;

	for (size_t i = 0; i < CASES; i++)
		if (strcmp(cases[i].kind, "vxlan") == 0 && cases[i].version == 4)
			vxlan = &cases[i];
	plain.n = 0;
	put_inner(&plain, 4);
	put_outer(&b[0], vxlan, 4, &plain); /* VXLAN in IPIP in 4in6 in ... */
	put_outer(&b[1], in4, 4, &b[0]);
	put_outer(&b[0], in4, 6, &b[1]);
	put_outer(&b[1], in6, 4, &b[0]);
	assert_int_equal(open_all(&b[1], b[1].n, "inner", &p), TUNNEL_COUNT_opened);
	assert_int_equal(p.src.v4, 0xc0000201);
	assert_int_equal(p.payload_bytes, 3);
	assert_int_equal(p.ip_bytes, b[1].n);
	/* Only the kinds wanted, from the outside in. */
	assert_int_equal(open_all(&b[1], b[1].n, "ipv6", &p), TUNNEL_COUNT_opened);
	assert_int_equal(p.proto, 4);
	assert_true(p.src.is_v6);
	assert_int_equal(open_all(&b[1], b[1].n, "ipip,ipv6", &p), TUNNEL_COUNT_opened);
	assert_int_equal(p.dst_port, vxlan->port);
	/* There is an end to it. */
	put_outer(&b[0], in4, 4, &plain);
	for (int depth = 2; depth < 20; depth++) {
		put_outer(&b[at ^ 1], in4, 4, &b[at]);
		at ^= 1;
		assert_int_equal(open_all(&b[at], b[at].n, "inner", &p),
		    depth <= TUNNEL_DEPTH ? TUNNEL_COUNT_opened : TUNNEL_COUNT_too_deep);
		assert_int_equal(p.ip_bytes, b[at].n);
		assert_int_equal(p.proto, depth <= TUNNEL_DEPTH ? 6 : 4);
	}
}

static void
no_inner(void **state)
{
	static const struct {
		uint8_t proto;
		uint16_t port;
		const char *rest;
	} rows[] = {
	    {4, 0, ""},
	    /* longer than outside */
	    {4, 0, "4500 0015 0000 0000 40 06 0000 0a000001 0a000002"},
	    {4, 0, "6500 0014 0000 0000 40 06 0000 0a000001 0a000002"},
	    {41, 0, "4500 0014 0000 0000 40 06 0000 0a000001 0a000002"},
	    {47, 0, "00"},
	    {47, 0, "0002 0800"},
	    {47, 0, "4000 0800 00000000"},
	    {47, 0, "0000 0806 0001"},
	    {47, 0, "0000 0003 424203"},
	    {47, 0, "0000 22eb 0000"},
	    {47, 0, "0000 6558 " ETHERNET "0806"},
	    {47, 0, "0000 8909 00"},
	    {47, 0, "0000 8200 8001 0000"},
	    {51, 0, "0604 0000 00000001 00000002 000000000000000000000000"},
	    {51, 0, "0404 0000 00000001 00000002"},
	    {51, 0, "04"},
	    {17, 4341, "c0123456 000000"},
	    {17, 4754, "0000"},
	    {17, 5247, "01000000 16fefd00"},          /* DTLS */
	    {17, 5247, "00100308 00000000 0000"},     /* a keep-alive */
	    {17, 5247, "00100380 00010008 4500 0014"}, /* a later piece */
	    {17, 5247, "00080300 00000000 0801"},
	    {17, 5247, "00100300 00000000 0108 0000 0c0000000009 0b0000000001 0b0000000002 7631 "
	        "aaaa03 000000 0800"},
	    {17, 5247, "00f80300 00000000 0801"},
	    {17, 5247, "00100700 00000000 0801 " WLAN "0800"}, /* EPCglobal */
	    {17, 4789, "00000000 00000100 " ETHERNET "0800"},
	    {17, 4789, "0800"},
	    {17, 4790, "0c000009 00000100"},
	    {17, 6081, "4000 6558 00000100"},
	    {17, 6081, "3f00 6558 00000100"},
	    {17, 2152, "3001 0000 00000000"},
	    {17, 2152, "34ff 0020 00000001 0000 00 85 00"},
	    {17, 1701, "c802 0014 0001 0000 0000 0000"},
	    {17, 1701, "0003 0000 00000000 " ETHERNET "0800"},
	    {115, 0, "00000000 " ETHERNET "0800"}, /* a control message */
	    {115, 0, "00000007 " ETHERNET "0806"},
	    {103, 0, "2000 0000 00000000"},
	    {103, 0, "2100 0000 40000000"}, /* a Register that asks */
	    {103, 0, "2100 0000"},
	    {17, 5072, "0000 0004 00000000 07"},
	    {17, 5072, "f0f0 0104 00000000"},
	    {17, 6080, "2004 0000"}, /* a control message */
	    {17, 6080, "0006 0000"},
	    {17, 6080, "1f04 0000"},
	    {17, 3544, "0001 ffff 00"},
	    {17, 53, "4500"},
	};
	static struct bytes b, in;
	struct packet p;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tunnel_case one = {"", rows[i].proto, rows[i].port, rows[i].rest,
		    4, 0};

		print_message("%u %u %s\n", rows[i].proto, rows[i].port, rows[i].rest);
		put_outer(&b, &one, 4, &in);
		assert_int_equal(open_all(&b, b.n, "inner", &p),
		    rows[i].port == 53 ? TUNNEL_COUNT_none : TUNNEL_COUNT_unread);
		assert_int_equal(p.proto, rows[i].proto);
		assert_int_equal(p.src.v4, 0x0a000001);
		assert_int_equal(p.dst_port, rows[i].port);
		assert_int_equal(p.ip_bytes, b.n);
	}
}

/* A first fragment shows what is inside, and how long that is; later ones show
 * nothing. */
static void
fragments(void **state)
{
	static struct bytes b;
	struct packet p;

	b.n = 0;
	put_hex(&b, "4500 0030 0007 2000 40 04 0000 0a000001 0a000002");
	put_hex(&b, "4500 0400 0001 0000 40 11 0000 c0000201 c0000202 03e8 0035 03ec 0000");
	assert_int_equal(open_all(&b, b.n, "inner", &p), TUNNEL_COUNT_opened);
	assert_int_equal(p.src.v4, 0xc0000201);
	assert_int_equal(p.dst_port, 53);
	assert_int_equal(p.payload_bytes, 1024 - 28);
	assert_int_equal(p.ip_bytes, 48);
	assert_int_equal(p.flags & PACKET_FRAGMENT, 0);
	b.at[7] = 1;
	assert_int_equal(open_all(&b, b.n, "inner", &p), TUNNEL_COUNT_none);
	assert_int_equal(p.src.v4, 0x0a000001);
	/* An inner fragment is one. */
	b.at[6] = b.at[7] = 0;
	b.at[3] = 0xff;
	b.at[26] = 0x20;
	b.at[22] = 0;
	b.at[23] = 28;
	assert_int_equal(open_all(&b, b.n, "inner", &p), TUNNEL_COUNT_opened);
	assert_true(p.flags & PACKET_FRAGMENT);
	assert_int_equal(p.fragment_id, 1);
}

static void
kinds(void **state)
{
	struct err err = {0};
	uint32_t bits = 7;

	assert_int_equal(tunnel_kinds("outer", &bits, &err), 0);
	assert_int_equal(bits, 0);
	assert_int_equal(tunnel_kinds("gre,vxlan", &bits, &err), 0);
	assert_true(bits != 0 && bits != UINT32_MAX);
	assert_int_equal(tunnel_kinds("gre,wireguard", &bits, &err), -1);
	assert_non_null(strstr(err.text, "'wireguard'"));
}

static void
changed_at_random(void **state)
{
	static struct bytes b, inner, more;
	uint64_t seed = (uint64_t)time(NULL);
	struct packet p;
	uint8_t *exact;

	srandom((unsigned)seed);
	print_message("seed %lu\n", (unsigned long)seed);
	for (int round = 0; round < 100000; round++) {
		uint32_t n, ip_bytes;

		inner.n = 0;
		put_inner(&inner, 4 + random() % 2 * 2);
		put_outer(&more, &cases[random() % CASES], 4, &inner);
		put_outer(&b, &cases[random() % CASES], 4 + (int)(random() % 2) * 2,
		    random() % 2 ? &more : &inner);
		for (long i = random() % 6; i > 0; i--)
			b.at[(uint32_t)random() % b.n] = (uint8_t)(random() >> 4);
		n = random() % 2 ? b.n : (uint32_t)random() % (b.n + 1);
		exact = malloc(n + 1);
		memcpy(exact + 1, b.at, n);
		if (packet_decode(101, exact + 1, n, b.n, 0, &p) == PACKET_COUNT_ip) {
			ip_bytes = p.ip_bytes;
			assert_true(tunnel_open(exact + 1, n, b.n, UINT32_MAX, &p) <
			    TUNNEL_COUNTERS);
			assert_int_equal(p.ip_bytes, ip_bytes);
			assert_true(p.ip_at + 20 <= p.transport_at);
			assert_true(p.transport_at <= p.headers_end &&
			    p.headers_end <= n);
			for (uint32_t i = 0; i < p.tcp_options_bytes; i++)
				assert_in_range(&p.tcp_options[i], exact + 1, exact + n);
		}
		free(exact);
	}
}

/* Which network the inner packet is of: the innermost that says so. */
static void
segments(void **state)
{
	static const struct segment_case {
		struct tunnel_case tunnel;
		enum packet_segment kind;
		uint32_t segment;
	} list[] = {
	    {{"", 17, 4789, "08000000 00000100 " ETHERNET "0800", 4, 0}, SEGMENT_VXLAN,
	    1},
	    {{"", 17, 4789, "08000000 ffffff00 " ETHERNET "0800", 4, 0}, SEGMENT_VXLAN,
	    0xffffff},
	    {{"", 17, 4790, "0c000001 00000200", 4, 0}, SEGMENT_VXLAN, 2},
	    {{"", 17, 4790, "04000001 00000200", 4, 0}, SEGMENT_NONE, 0},
	    {{"", 17, 6081, "0000 0800 00000300", 4, 0}, SEGMENT_KEY, 3},
	    {{"", 47, 0, "2000 0800 0000002a", 4, 0}, SEGMENT_KEY, 42},
	    {{"", 47, 0, "b000 0800 abcd0000 0000002a 00000002", 4, 0}, SEGMENT_KEY, 42},
	    {{"", 47, 0, "0000 0800", 4, 0}, SEGMENT_NONE, 0},
	    {{"", 47, 0, "1000 0800 0000002a", 4, 0}, SEGMENT_NONE, 0},
	    {{"", 47, 0, "2000 6558 0010002a " ETHERNET "0800", 4, 0}, SEGMENT_NVGRE,
	    0x1000},
	    {{"", 47, 0, "2000 6558 0000012a " ETHERNET "0800", 4, 0}, SEGMENT_KEY,
	    0x12a},
	    {{"", 47, 0, "2000 0800 0010002a", 4, 0}, SEGMENT_KEY, 0x10002a},
	    {{"", 47, 0, "3081 880b 00200001 00000001 00000002 ff03 0021", 4, 0},
	    SEGMENT_NONE, 0},
	    {{"", 17, 2152, "30ff 0020 00000001", 4, 0}, SEGMENT_NONE, 0},
	};
	static struct bytes in, out, twice;
	struct packet p;

	for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
		in.n = 0;
		put_inner(&in, 4);
		put_outer(&out, &list[i].tunnel, 4, &in);
		assert_int_equal(open_all(&out, out.n, "outer", &p), TUNNEL_COUNT_none);
		assert_int_equal(packet_segment(&p), SEGMENT_NONE);
		assert_int_equal(p.segment, 0);
		assert_int_equal(open_all(&out, out.n, "inner", &p), TUNNEL_COUNT_opened);
		assert_int_equal(packet_segment(&p), list[i].kind);
		assert_int_equal(p.segment, list[i].segment);
		/* in another one, of VNI 9: what the inner says counts, if it says
		 * something */
		put_outer(&twice, &(struct tunnel_case){"", 17, 4790, "0c000001 00000900",
		    4, 0}, 4, &out);
		assert_int_equal(open_all(&twice, twice.n, "inner", &p),
		    TUNNEL_COUNT_opened);
		assert_int_equal(packet_segment(&p),
		    list[i].kind != 0 ? list[i].kind : SEGMENT_VXLAN);
		assert_int_equal(p.segment, list[i].kind != 0 ? list[i].segment : 9);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_tunnel),
	    cmocka_unit_test(segments),
	    cmocka_unit_test(nested),
	    cmocka_unit_test(no_inner),
	    cmocka_unit_test(fragments),
	    cmocka_unit_test(kinds),
	    cmocka_unit_test(changed_at_random),
	};

	return cmocka_run_group_tests_name("packet tunnel", tests, NULL, NULL);
}
