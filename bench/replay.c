/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends the frames of an Ethernet capture to an interface, for tests and measurements in
 * network namespaces.
 *
 * 	replay INTERFACE FILE [PACKETS-PER-SECOND [ROUNDS]]
 *
 * FILE is a classic pcap of this machine's byte order; frames that were cut off are
 * filled up with zeros to their length on the wire. Without a rate, as fast as it goes.
 * Prints "FRAMES OCTETS SECONDS". A full queue is waited for: what is counted was sent.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BURST = 64, FRAME_MAX = 65536, FILE_HEADER = 24, RECORD_HEADER = 16 };

struct file {
	const uint8_t *data;
	size_t bytes, at;
};

struct totals {
	uint64_t frames, octets;
};

static void
die(const char *what)
{
	fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct file
file_map(const char *path)
{
	struct file f = {.at = FILE_HEADER};
	uint32_t magic, linktype;
	struct stat st;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &st) != 0)
		die(path);
	f.bytes = (size_t)st.st_size;
	f.data = mmap(NULL, f.bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (f.data == MAP_FAILED)
		die(path);
	close(fd);
	errno = EINVAL;
	if (f.bytes < FILE_HEADER)
		die(path);
	memcpy(&magic, f.data, 4);
	memcpy(&linktype, f.data + 20, 4);
	if ((magic != 0xa1b2c3d4 && magic != 0xa1b23c4d) || linktype != 1)
		die("needs a classic pcap of Ethernet and this byte order");
	return f;
}

/* The next frame; NULL at the end. space takes those that must be filled up. */
static const uint8_t *
file_next(struct file *f, uint8_t *space, size_t *len)
{
	uint32_t captured, wire;
	const uint8_t *frame;

	if (f->bytes - f->at < RECORD_HEADER)
		return NULL;
	memcpy(&captured, f->data + f->at + 8, 4);
	memcpy(&wire, f->data + f->at + 12, 4);
	frame = f->data + f->at + RECORD_HEADER;
	if (captured > f->bytes - f->at - RECORD_HEADER || wire > FRAME_MAX ||
	    captured > wire)
		return NULL;
	f->at += RECORD_HEADER + captured;
	*len = wire;
	if (captured == wire)
		return frame;
	memcpy(space, frame, captured);
	memset(space + captured, 0, wire - captured);
	return space;
}

static int
socket_open(const char *interface)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
	    .sll_ifindex = (int)if_nametoindex(interface)};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1, bytes = 8 << 20;

	if (fd < 0 || to.sll_ifindex == 0 ||
	    bind(fd, (struct sockaddr *)&to, sizeof to) != 0)
		die(interface);
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
	return fd;
}

static void
send_all(int fd, struct mmsghdr *msgs, unsigned n, struct totals *t)
{
	struct pollfd ready = {fd, POLLOUT, 0};
	unsigned done = 0, i;
	int sent;

	while (done < n) {
		sent = sendmmsg(fd, msgs + done, n - done, 0);
		if (sent < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
			die("send");
		if (sent <= 0)
			poll(&ready, 1, 1);
		for (i = 0; i < (sent > 0 ? (unsigned)sent : 0); i++)
			t->octets += msgs[done + i].msg_len;
		done += sent > 0 ? (unsigned)sent : 0;
	}
	t->frames += n;
}

static void
pace(double start, uint64_t frames, double rate)
{
	double left = start + (double)frames / rate - now();
	struct timespec pause;

	if (left <= 0)
		return;
	pause = (struct timespec){(time_t)left,
	    (long)((left - (double)(time_t)left) * 1e9)};
	nanosleep(&pause, NULL);
}

int
main(int argc, char **argv)
{
	static uint8_t space[BURST][FRAME_MAX];
	struct mmsghdr msgs[BURST] = {0};
	struct iovec parts[BURST];
	struct totals t = {0, 0};
	double rate = argc > 3 ? atof(argv[3]) : 0, start;
	unsigned long rounds = argc > 4 ? strtoul(argv[4], NULL, 10) : 1;
	unsigned n = 0, burst = rate > 0 && rate < 6400 ? 1 : BURST;
	struct file f;
	int fd;

	if (argc < 3) {
		fprintf(stderr,
		    "usage: replay INTERFACE FILE [PACKETS-PER-SECOND [ROUNDS]]\n");
		return 2;
	}
	f = file_map(argv[2]);
	fd = socket_open(argv[1]);
	start = now();
	for (; rounds > 0; rounds--, f.at = FILE_HEADER) {
		while ((parts[n].iov_base = (void *)(uintptr_t)file_next(&f, space[n],
		    &parts[n].iov_len)) != NULL) {
			msgs[n].msg_hdr.msg_iov = &parts[n];
			msgs[n].msg_hdr.msg_iovlen = 1;
			if (++n < burst)
				continue;
			send_all(fd, msgs, n, &t);
			n = 0;
			if (rate > 0)
				pace(start, t.frames, rate);
		}
	}
	send_all(fd, msgs, n, &t);
	printf("%llu %llu %.3f\n", (unsigned long long)t.frames,
	    (unsigned long long)t.octets, now() - start);
	return 0;
}
