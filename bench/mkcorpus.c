/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes the benchmark's captures: classic pcap, Ethernet, the same bytes on every
 * machine.
 *
 *   mkcorpus short OUT CONNECTIONS       two packets of 60 bytes each, 100,000
 *                                        connections apart, so that nearly all are
 *                                        alive at once
 *   mkcorpus heavy OUT PACKETS           full-size segments in 8 TCP connections
 *   mkcorpus mixed OUT PACKETS FILE...   real captures merged, then copied with shifted
 *                                        addresses until there are that many packets
 *
 * Checksums of addresses and headers are right where the packet is made here; copies keep
 * theirs, which no meter looks at.
 */
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ETHERNET = 1, LAG = 100000, HEAVY = 8, FRAME = 1514, COPIES = 1 << 16,
    LONGEST_US = 900000000 };

static const uint64_t epoch_us = 1760000000ull * 1000000;
static const uint8_t ether[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};

struct frame {
	uint64_t us;
	size_t at; /* in bytes */
	uint32_t captured, length;
};

static struct frame *frames;
static size_t n_frames;
static uint8_t *bytes;
static size_t n_bytes;
static FILE *out;
static uint64_t written;

static void
die(const char *what)
{
	fprintf(stderr, "mkcorpus: %s: %s\n", what, errno ? strerror(errno) : "bad");
	exit(1);
}

static uint64_t
mix(uint64_t x)
{
	x *= 0x9e3779b97f4a7c15;
	x ^= x >> 31;
	x *= 0xd6e8feb86659fd93;
	return x ^ x >> 32;
}

static void
put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static void
put32(uint8_t *p, uint32_t value)
{
	put16(p, value >> 16);
	put16(p + 2, value);
}

static uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static void
write_frame(uint64_t us, const uint8_t *frame, uint32_t captured, uint32_t length)
{
	uint32_t head[4] = {htole32((uint32_t)(us / 1000000)),
	    htole32((uint32_t)(us % 1000000)),
	                    htole32(captured), htole32(length)};

	if (fwrite(head, sizeof head, 1, out) != 1 || fwrite(frame, captured, 1,
	    out) != 1)
		die("write");
	written++;
}

struct packet {
	uint32_t src, dst, seq, ack;
	uint16_t sport, dport, id, length; /* IP total length */
	uint8_t proto, flags, options;     /* options: TCP option bytes, 0 or 4 (MSS) */
};

static void
make_frame(uint8_t *f, const struct packet *p)
{
	uint8_t *ip = f + 14, *l4 = f + 34;
	uint32_t sum = 0;

	memcpy(f, ether, sizeof ether);
	memset(ip, 0, 46);
	ip[0] = 0x45;
	put16(ip + 2, p->length);
	put16(ip + 4, p->id);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = p->proto;
	put32(ip + 12, p->src);
	put32(ip + 16, p->dst);
	for (int i = 0; i < 20; i += 2)
		sum += get16(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~(sum + (sum >> 16)));
	put16(l4, p->sport);
	put16(l4 + 2, p->dport);
	if (p->proto == 17) {
		put16(l4 + 4, p->length - 20u);
		return;
	}
	put32(l4 + 4, p->seq);
	put32(l4 + 8, p->ack);
	l4[12] = (uint8_t)((20 + p->options) / 4 << 4);
	l4[13] = p->flags;
	put16(l4 + 14, 0xfaf0);
	if (p->options)
		put32(l4 + 20, 0x020405b4);
}

/* Packet 0 or 1 of connection i: a SYN and its answer, or a datagram each way. */
static void
write_short(uint64_t us, uint64_t i, int answer)
{
	static const uint16_t ports[8] = {443, 443, 80, 22, 25, 8080, 53, 123};
	uint64_t h = mix(i + 1);
	uint16_t server = ports[h & 7], client = (uint16_t)(1024 + (h >> 8) % 60000);
	uint32_t inside = 0x0a000000 | (uint32_t)(i & 0xffffff);
	uint32_t outside = 0xc6120000 | (uint32_t)(h >> 40 & 0x1ffff);
	int udp = server == 53 || server == 123;
	struct packet p = {inside, outside, (uint32_t)h, 0, client, server, (uint16_t)i};
	uint8_t f[60];

	p.proto = udp ? 17 : 6;
	p.length = udp ? 46 : 44;
	p.options = 4;
	p.flags = 0x02;
	if (answer) {
		p.src = outside, p.dst = inside;
		p.sport = server, p.dport = client;
		p.seq = (uint32_t)(h >> 16), p.ack = (uint32_t)h + 1;
		p.flags = 0x12;
	}
	make_frame(f, &p);
	write_frame(us, f, sizeof f, sizeof f);
}

static void
make_short(uint64_t connections)
{
	for (uint64_t i = 0; i < connections + LAG; i++) {
		if (i < connections)
			write_short(epoch_us + i * 10, i, 0);
		if (i >= LAG)
			write_short(epoch_us + i * 10, i - LAG, 1);
	}
}

static void
make_heavy(uint64_t packets)
{
	uint32_t seq[HEAVY] = {0};
	uint8_t f[FRAME];

	for (size_t i = 0; i < FRAME; i++)
		f[i] = (uint8_t)mix(i);
	for (uint64_t i = 0; i < packets; i++) {
		uint32_t j = mix(i) >> 20 & (HEAVY - 1);
		struct packet p = {0xc6120001 + j, 0x0a000001 + j, seq[j], 1, 443,
		                   (uint16_t)(40000 + j), (uint16_t)i, 1500, 6, 0x10, 0};

		make_frame(f, &p);
		write_frame(epoch_us + i * 12, f, FRAME, FRAME);
		seq[j] += 1460;
	}
}

static uint32_t
load32(const uint8_t *p, int swap)
{
	uint32_t value;

	memcpy(&value, p, sizeof value);
	return swap ? __builtin_bswap32(value) : value;
}

/* Appends the frames of a classic Ethernet capture; false if it is none. */
static int
read_capture(const char *path, uint64_t start_us)
{
	FILE *file = fopen(path, "rb");
	uint8_t head[24];
	uint64_t first = 0;
	uint32_t magic;
	int swap, nano;

	if (file == NULL)
		die(path);
	if (fread(head, sizeof head, 1, file) != 1)
		goto no;
	memcpy(&magic, head, sizeof magic);
	swap = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
	magic = load32(head, swap);
	nano = magic == 0xa1b23c4d;
	if ((magic != 0xa1b2c3d4 && !nano) || load32(head + 20, swap) != ETHERNET)
		goto no;
	while (fread(head, 16, 1, file) == 1) {
		uint32_t captured = load32(head + 8, swap);
		uint32_t fraction = load32(head + 4, swap);
		uint64_t us = load32(head, swap) * 1000000ull + (nano ? fraction / 1000
		    : fraction);
		struct frame *f;

		if (captured > 262144)
			break;
		if ((n_frames & (n_frames + 1)) == 0 || n_frames == 0)
			frames = realloc(frames, (2 * n_frames + 2) * sizeof *frames);
		bytes = realloc(bytes, n_bytes + captured);
		if (frames == NULL || bytes == NULL)
			die("memory");
		if (fread(bytes + n_bytes, 1, captured, file) != captured)
			break;
		if (first == 0)
			first = us;
		f = &frames[n_frames++];
		f->us = start_us + (us > first ? us - first : 0);
		if (f->us > start_us + LONGEST_US)
			f->us = start_us + LONGEST_US;
		f->at = n_bytes;
		f->captured = captured;
		f->length = load32(head + 12, swap);
		n_bytes += captured;
	}
	fclose(file);
	return 1;
no:
	fclose(file);
	return 0;
}

static int
by_time(const void *left, const void *right)
{
	const struct frame *a = left, *b = right;

	if (a->us != b->us)
		return a->us < b->us ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

/* Gives copy r addresses of its own: bits 6 to 21 of unicast IPv4, bytes 4 and 5 of
 * IPv6. */
static void
shift_addresses(uint8_t *f, uint32_t captured, uint32_t r)
{
	uint32_t at = 14, type;

	if (captured < 14)
		return;
	type = get16(f + 12);
	while ((type == 0x8100 || type == 0x88a8) && at + 4 <= captured) {
		type = get16(f + at + 2);
		at += 4;
	}
	if (type == 0x0800 && at + 20 <= captured) {
		for (uint8_t *a = f + at + 12; a <= f + at + 16; a += 4)
			if (a[0] != 0 && a[0] < 224) {
				a[1] ^= (uint8_t)(r >> 10 & 0x3f);
				a[2] ^= (uint8_t)(r >> 2);
				a[3] ^= (uint8_t)(r << 6);
			}
	} else if (type == 0x86dd && at + 40 <= captured) {
		for (uint8_t *a = f + at + 8; a <= f + at + 24; a += 16)
			if (a[0] != 0xff)
				put16(a + 4, get16(a + 4) ^ r);
	}
}

static void
make_mixed(uint64_t packets, int n, char **paths)
{
	static uint8_t copy[262144];
	uint64_t copies;

	for (int i = 0; i < n; i++)
		if (!read_capture(paths[i], epoch_us + (uint64_t)i * 200000))
			fprintf(stderr, "mkcorpus: %s is no Ethernet pcap; left out\n",
			    paths[i]);
	if (n_frames == 0) {
		errno = 0;
		die("mixed: no packets");
	}
	qsort(frames, n_frames, sizeof *frames, by_time);
	copies = (packets + n_frames - 1) / n_frames;
	if (copies > COPIES)
		copies = COPIES;
	for (size_t i = 0; i < n_frames; i++)
		for (uint32_t r = 0; r < copies; r++) {
			const struct frame *f = &frames[i];

			memcpy(copy, bytes + f->at, f->captured);
			shift_addresses(copy, f->captured, r);
			write_frame(f->us, copy, f->captured, f->length);
		}
}

int
main(int argc, char **argv)
{
	static char buffer[1 << 20];
	uint32_t head[6] = {htole32(0xa1b2c3d4), htole32(0x00040002), 0, 0,
	    htole32(262144),
	                    htole32(ETHERNET)};
	uint64_t n;

	if (argc < 4 || (strcmp(argv[1], "mixed") == 0 && argc < 5)) {
		fprintf(stderr,
		    "usage: mkcorpus short|heavy|mixed OUT COUNT [FILE...]\n");
		return 2;
	}
	if ((out = fopen(argv[2], "wb")) == NULL)
		die(argv[2]);
	setvbuf(out, buffer, _IOFBF, sizeof buffer);
	if (fwrite(head, sizeof head, 1, out) != 1)
		die(argv[2]);
	n = strtoull(argv[3], NULL, 10);
	if (strcmp(argv[1], "short") == 0)
		make_short(n);
	else if (strcmp(argv[1], "heavy") == 0)
		make_heavy(n);
	else
		make_mixed(n, argc - 4, argv + 4);
	if (fclose(out) != 0)
		die(argv[2]);
	printf("%llu\n", (unsigned long long)written);
	return 0;
}
