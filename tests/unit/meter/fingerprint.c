/* SPDX-License-Identifier: BSD-2-Clause */
/* SYN fingerprints in p0f's notation, and the bound on distinct ones. */
#include "rig.h"

#include "base/text.h"
#include "meter/fingerprint.h"

static const struct {
	const char *expected;
	uint8_t options[40];
	uint8_t options_bytes;
	uint8_t ttl, tos;
	uint16_t flags, tcp_flags, window, id;
	uint32_t seq, ack, payload;
	uint16_t peer_mss;
} cases[] = {
	/* Linux, a SYN that has come over three routers */
	{"4:64:0:1460:mss*44,7:mss,sok,ts,nop,ws:df,id+:0",
	    {2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7}, 20, 61, 0,
	    PACKET_DF, SYN, 64240, 77, 1, 0, 0, 0},
	/* Windows */
	{"4:128:0:1460:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0",
	    {2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2}, 12, 117, 0, PACKET_DF, SYN, 8192, 5,
	    9, 0, 0, 0},
	/* macOS: end of options, 1 octet of padding */
	{"4:64:0:1460:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0",
	    {2, 4, 5, 0xb4, 1, 3, 3, 6, 1, 1, 8, 10, 1, 1, 1, 1, 0, 0, 0, 0, 4, 2, 0, 0},
	    24, 64, 0,
	    PACKET_DF, SYN, 65535, 0, 9, 0, 0, 0},
	/* a scanner */
	{"4:64:0:1460:1024,0:mss:id-:0", {2, 4, 5, 0xb4}, 4, 40, 0, 0, SYN, 1024, 0, 9, 0,
	    0, 0},
	/* oddities: ECN, no sequence, an acknowledgement, urgent, pushed, payload */
	{"4:255:0:0:512,0:?30:df,ecn,0+,seq-,ack+,urgf+,pushf+:+", {30, 2}, 2, 200, 0,
	    PACKET_DF | PACKET_RESERVED_BIT, SYN | 32 | 8 | 64 | 128, 512, 0, 0, 3, 4, 0},
	{"4:32:0:1460:mtu*2,15:mss,ws,ts,eol+3:id-,ts1-,ts2+,opt+,exws:0",
	    {2, 4, 5, 0xb4, 3, 3, 15, 8, 10, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 9, 0}, 21, 30,
	    0, 0, SYN, 3000, 0, 1, 0, 0, 0},
	{"4:64:0:0:100,0:mss:df,bad:0", {2, 40}, 2, 64, 0, PACKET_DF, SYN, 100, 0, 1, 0,
	    0, 0},
	/* a SYN-ACK whose window is a multiple of the other's MSS */
	{"4:64:0:1300:mss*10,0:mss:df,ack-:0", {2, 4, 5, 0x14}, 4, 64, 0, PACKET_DF,
	    SYN | ACK, 13600, 0, 1, 0, 0, 1360},
};

static struct packet
case_packet(size_t i)
{
	return (struct packet){.flags = cases[i].flags | PACKET_HAS_TCP,
	    .ttl = cases[i].ttl,
		.tos = cases[i].tos, .tcp_flags = cases[i].tcp_flags,
		.tcp_window = cases[i].window, .ip_id = cases[i].id,
		.tcp_seq = cases[i].seq,
		.tcp_ack = cases[i].ack, .payload_bytes = cases[i].payload,
		.tcp_options = cases[i].options,
		.tcp_options_bytes = cases[i].options_bytes};
}

static void
test_notation(void **state)
{
	struct fingerprints *set = fingerprints_new(100);
	uint64_t distinct = 0, lost = 0;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct packet p = case_packet(i);
		struct fingerprint_syn syn;
		struct text out;
		struct str kept;
		uint32_t number;
		bool has_timestamps;

		text_init(&out);
		fingerprint_parse(&p, &syn);
		fingerprint_print(&out, &p, &syn, cases[i].peer_mss);
		assert_string_equal(out.data, cases[i].expected);
		number = fingerprint_of(set, &p, cases[i].peer_mss, &has_timestamps,
		    &distinct, &lost);
		assert_int_equal(number, i + 1);
		assert_int_equal(has_timestamps, syn.has_timestamps);
		p.ttl--; /* nothing that the text depends on */
		p.tcp_seq += p.tcp_seq != 0;
		assert_int_equal(fingerprint_of(set, &p, cases[i].peer_mss,
		    &has_timestamps, &distinct, &lost), number);
		assert_int_equal(has_timestamps, syn.has_timestamps);
		kept = fingerprints_get(set, number);
		assert_int_equal(kept.len, out.len);
		assert_memory_equal(kept.data, out.data, out.len);
		text_done(&out);
	}
	assert_int_equal(distinct, sizeof cases / sizeof *cases);
	fingerprints_free(set);
}

static void
test_ipv6(void **state)
{
	static const uint8_t options[] = {2, 4, 5, 0xa0};
	struct packet p = {.src.is_v6 = 1, .ttl = 64, .flow_label = 3, .tcp_seq = 1,
	    .tcp_flags = SYN,
		.tcp_window = 28800, .tcp_options = options, .tcp_options_bytes = 4};
	struct fingerprint_syn syn;
	struct text out;

	text_init(&out);
	fingerprint_parse(&p, &syn);
	fingerprint_print(&out, &p, &syn, 0);
	assert_string_equal(out.data, "6:64:0:1440:mss*20,0:mss:flow:0");
	text_done(&out);
}

static void
test_bound(void **state)
{
	struct fingerprints *set = fingerprints_new(100);
	uint64_t distinct = 0, lost = 0;
	struct packet p = case_packet(0);
	bool has_timestamps;

	for (unsigned i = 0; i < 1000; i++) {
		p.tcp_window = (uint16_t)i;
		(void)fingerprint_of(set, &p, 0, &has_timestamps, &distinct, &lost);
	}
	assert_int_equal(distinct, 100);
	assert_int_equal(lost, 900);
	fingerprints_free(set);
}

/* SYNs that differ in an octet or two from one of the cases, often from the one before:
 * the text by number is that of the SYN itself, whatever was remembered. */
static void
test_likeness(void **state)
{
	struct fingerprints *set = fingerprints_new(1 << 15);
	uint64_t distinct = 0, lost = 0, random = 1;
	uint8_t options[44];

	for (unsigned i = 0; i < 200000; i++) {
		struct packet p;
		struct fingerprint_syn syn;
		struct text out;
		struct str kept;
		uint16_t peer;
		uint32_t number;
		bool has_timestamps;

		random = random * 6364136223846793005u + 1442695040888963407u;
		p = case_packet((random >> 60) % (sizeof cases / sizeof *cases));
		if (p.tcp_options_bytes > 0)
			memcpy(options, p.tcp_options, p.tcp_options_bytes);
		p.tcp_options = options;
		if (random >> 33 & 1 && p.tcp_options_bytes > 0)
			options[(random >> 40) % p.tcp_options_bytes] =
			    (uint8_t)(random >> 48) & 15;
		switch (random >> 56 & 15) {
		case 0: p.tos ^= 2; break;
		case 1: p.tcp_ack ^= 1; break;
		case 2: p.tcp_seq = 0; break;
		case 3: p.ip_id ^= 1; break;
		case 4: p.tcp_flags ^= 16; break;
		case 5: p.payload_bytes ^= 1; break;
		case 6: p.flags ^= PACKET_DF; break;
		case 7: p.tcp_urgent ^= 1; break;
		case 8: p.src.is_v6 ^= 1; break;
		case 9: p.tcp_options_bytes -= p.tcp_options_bytes > 0; break;
		default: break;
		}
		peer = random >> 36 & 1 ? 1460 : 0;
		text_init(&out);
		fingerprint_parse(&p, &syn);
		fingerprint_print(&out, &p, &syn, peer);
		number = fingerprint_of(set, &p, peer, &has_timestamps, &distinct, &lost);
		assert_int_equal(has_timestamps, syn.has_timestamps);
		if (number != 0) {
			kept = fingerprints_get(set, number);
			assert_int_equal(kept.len, out.len);
			assert_memory_equal(kept.data, out.data, out.len);
		}
		text_done(&out);
	}
	fingerprints_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notation),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_likeness),
	};

	return cmocka_run_group_tests_name("meter/fingerprint", tests, NULL, NULL);
}
