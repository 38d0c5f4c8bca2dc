/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends NetFlow v5 or v9 to a collector on this machine, the same flows every time, at a
 * steady rate.   nfgen 5|9 PORT FLOWS FLOWS_PER_SECOND
 *
 * 30 records a datagram (v5) or 26 (v9, 18 fields); 65,536 sources, a million
 * destinations; most flows are small, one in sixteen is large; the v9 template goes out
 * alone, first and every 1,000 datagrams. Prints the records sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BURST = 16, LARGEST = 1500, UPTIME_MS = 100000000, TEMPLATE = 256 };

struct flow {
	uint32_t src, dst, packets, octets, first_ms, last_ms;
	uint16_t sport, dport;
	uint8_t proto, flags;
};

/* Element and size of the v9 template, in the order in which put_v9 writes them. */
static const uint16_t fields[][2] = {
	{8, 4},  {12, 4}, {15, 4}, {10, 4}, {14, 4}, {2, 4},  {1, 4},  {22, 4}, {21, 4},
	{7, 2},  {11, 2}, {6, 1},  {4, 1},  {5, 1},  {16, 4}, {17, 4}, {9, 1},  {13, 1},
};
enum { N_FIELDS = sizeof fields / sizeof fields[0] };

static uint64_t state = 0x2545f4914f6cdd1d;

static uint64_t
draw(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1d;
}

static uint8_t *
put(uint8_t *p, uint64_t value, int size)
{
	for (int i = 0; i < size; i++)
		p[i] = (uint8_t)(value >> 8 * (size - 1 - i));
	return p + size;
}

static struct flow
draw_flow(uint32_t now_ms)
{
	static const uint16_t ports[8] = {443, 443, 443, 80, 22, 8080, 53, 123};
	uint64_t a = draw(), b = draw();
	struct flow f;

	f.src = 0x0a000000 | (a & 0xffff);
	f.dst = 0xc6000000 | (a >> 16 & 0xfffff);
	f.sport = (uint16_t)(1024 + (a >> 40) % 60000);
	f.dport = ports[a >> 36 & 7];
	f.proto = f.dport == 53 || f.dport == 123 ? 17 : 6;
	f.flags = f.proto == 6 ? 0x1b : 0;
	f.packets = 1 + (uint32_t)((b & 15) == 0 ? b >> 8 & 0xfff : b >> 8 & 0xf);
	f.octets = f.packets * (64 + (uint32_t)((b >> 24) % 1400));
	f.last_ms = now_ms;
	f.first_ms = now_ms - (uint32_t)((b >> 44) % 60000);
	return f;
}

static uint8_t *
put_v5(uint8_t *p, const struct flow *f)
{
	p = put(p, f->src, 4);
	p = put(p, f->dst, 4);
	p = put(p, 0, 4);
	p = put(p, 1, 2);
	p = put(p, 2, 2);
	p = put(p, f->packets, 4);
	p = put(p, f->octets, 4);
	p = put(p, f->first_ms, 4);
	p = put(p, f->last_ms, 4);
	p = put(p, f->sport, 2);
	p = put(p, f->dport, 2);
	*p++ = 0;
	*p++ = f->flags;
	*p++ = f->proto;
	*p++ = 0;
	p = put(p, 0, 4);
	*p++ = 16;
	*p++ = 12;
	return put(p, 0, 2);
}

static uint8_t *
put_v9(uint8_t *p, const struct flow *f)
{
	p = put(p, f->src, 4);
	p = put(p, f->dst, 4);
	p = put(p, 0, 4);
	p = put(p, 1, 4);
	p = put(p, 2, 4);
	p = put(p, f->packets, 4);
	p = put(p, f->octets, 4);
	p = put(p, f->first_ms, 4);
	p = put(p, f->last_ms, 4);
	p = put(p, f->sport, 2);
	p = put(p, f->dport, 2);
	*p++ = f->flags;
	*p++ = f->proto;
	*p++ = 0;
	p = put(p, 0, 4);
	p = put(p, 0, 4);
	*p++ = 16;
	*p++ = 12;
	return p;
}

static uint8_t *
put_head(uint8_t *p, int version, uint32_t records, uint32_t sequence)
{
	p = put(p, (uint64_t)version, 2);
	p = put(p, records, 2);
	p = put(p, UPTIME_MS, 4);
	p = put(p, (uint64_t)time(NULL), 4);
	if (version == 5) {
		p = put(p, 0, 4);
		p = put(p, sequence, 4);
		return put(p, 0, 4);
	}
	p = put(p, sequence, 4);
	return put(p, 1, 4);
}

static uint8_t *
put_template(uint8_t *p)
{
	p = put(p, 0, 2);
	p = put(p, 8 + 4 * N_FIELDS, 2);
	p = put(p, TEMPLATE, 2);
	p = put(p, N_FIELDS, 2);
	for (int i = 0; i < N_FIELDS; i++) {
		p = put(p, fields[i][0], 2);
		p = put(p, fields[i][1], 2);
	}
	return p;
}

static uint8_t *
put_records(uint8_t *p, int version, uint32_t records)
{
	uint8_t *set = p;

	if (version == 9)
		p = put(put(p, TEMPLATE, 2), 0, 2);
	for (uint32_t i = 0; i < records; i++) {
		struct flow f = draw_flow(UPTIME_MS);

		p = version == 5 ? put_v5(p, &f) : put_v9(p, &f);
	}
	if (version == 9) {
		while ((p - set) % 4 != 0)
			*p++ = 0;
		put(set + 2, (uint64_t)(p - set), 2);
	}
	return p;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
wait_until(double due)
{
	double left = due - now();
	struct timespec t = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};

	if (left > 0.0001)
		nanosleep(&t, NULL);
}

static int
send_all(int fd, struct mmsghdr *message, int n)
{
	for (int done = 0; done < n;) {
		int sent = sendmmsg(fd, message + done, (unsigned)(n - done), 0);

		if (sent < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EINTR) {
			perror("nfgen: send");
			return -1;
		}
		done += sent > 0 ? sent : 0;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static uint8_t buffer[BURST][LARGEST];
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct mmsghdr message[BURST] = {0};
	struct iovec part[BURST];
	uint64_t flows, sent = 0, datagrams = 0;
	uint32_t sequence = 0, most;
	double rate, begun = now();
	int version, fd;

	if (argc != 5)
		return 2;
	version = atoi(argv[1]);
	most = version == 5 ? 30 : 26;
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	flows = strtoull(argv[3], NULL, 10);
	rate = atof(argv[4]);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || connect(fd, (void *)&to, sizeof to) != 0) {
		perror("nfgen");
		return 1;
	}
	while (sent < flows) {
		int n = 0;

		for (; n < BURST && sent < flows; n++, datagrams++) {
			uint8_t *p = buffer[n];
			uint32_t records = flows - sent < most ? (uint32_t)(flows - sent)
			    : most;

			if (version == 9 && datagrams % 1000 == 0) {
				p = put_template(put_head(p, version, 1, sequence++));
			} else {
				p = put_head(p, version, records, sequence);
				p = put_records(p, version, records);
				sequence += version == 5 ? records : 1;
				sent += records;
			}
			part[n] = (struct iovec){buffer[n], (size_t)(p - buffer[n])};
			message[n].msg_hdr.msg_iov = &part[n];
			message[n].msg_hdr.msg_iovlen = 1;
		}
		if (send_all(fd, message, n) != 0)
			return 1;
		wait_until(begun + (double)sent / rate);
	}
	printf("%llu\n", (unsigned long long)sent);
	return 0;
}
