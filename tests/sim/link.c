/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A link between two TUN devices, for simulations: every packet is held for a delay, leaves
 * at a rate and is lost with a probability; both directions alike. The devices are made
 * here and may be moved into network namespaces afterwards.
 *
 *	link A B DELAY_US RATE_MBIT LOSS SEED
 *
 * Prints "ready" once both devices are there; ends by a signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { PACKET_MAX = 2048, QUEUE = 1024 };

struct packet {
	int64_t due_ns;
	size_t bytes;
	unsigned char data[PACKET_MAX];
};

struct way {
	int in, out;
	int64_t free_ns; /* when the wire is free again */
	uint32_t first, count;
	struct packet queue[QUEUE];
};

static struct way ways[2];
static uint64_t seed;

static double
draw(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (double)(seed >> 11) * 0x1p-53;
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000 + t.tv_nsec;
}

static int
tun_open(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0) {
		fprintf(stderr, "link: %s: %s\n", name, strerror(errno));
		exit(1);
	}
	return fd;
}

static void
take_in(struct way *way, int64_t delay_ns, double ns_per_byte, double loss)
{
	struct packet *p;
	unsigned char spill[PACKET_MAX];
	int64_t now = now_ns();
	ssize_t n;

	for (;;) {
		p = &way->queue[(way->first + way->count) % QUEUE];
		n = read(way->in, way->count < QUEUE ? p->data : spill, PACKET_MAX);
		if (n <= 0)
			return;
		if (way->count == QUEUE || draw() < loss)
			continue;
		if (way->free_ns < now)
			way->free_ns = now;
		way->free_ns += (int64_t)(ns_per_byte * (double)n);
		p->bytes = (size_t)n;
		p->due_ns = way->free_ns + delay_ns;
		way->count++;
	}
}

/* Nanoseconds until the next packet is due; -1 if none waits. */
static int64_t
let_out(struct way *way)
{
	struct packet *p;
	int64_t now = now_ns();

	for (; way->count > 0; way->count--) {
		p = &way->queue[way->first];
		if (p->due_ns > now)
			return p->due_ns - now;
		if (write(way->out, p->data, p->bytes) < 0 && errno == EAGAIN)
			return 100000;
		way->first = (way->first + 1) % QUEUE;
	}
	return -1;
}

int
main(int argc, char **argv)
{
	struct pollfd polled[2];
	int64_t wait, other;
	double loss, ns_per_byte;
	int64_t delay_ns;
	int i;

	if (argc != 7) {
		fputs("usage: link A B DELAY_US RATE_MBIT LOSS SEED\n", stderr);
		return 2;
	}
	ways[0].in = ways[1].out = tun_open(argv[1]);
	ways[1].in = ways[0].out = tun_open(argv[2]);
	delay_ns = atoll(argv[3]) * 1000;
	ns_per_byte = 8000.0 / atof(argv[4]);
	loss = atof(argv[5]);
	seed = strtoull(argv[6], NULL, 10) + 1;
	puts("ready");
	fflush(stdout);
	for (i = 0; i < 2; i++)
		polled[i] = (struct pollfd){.fd = ways[i].in, .events = POLLIN};
	for (;;) {
		wait = let_out(&ways[0]);
		other = let_out(&ways[1]);
		if (wait < 0 || (other >= 0 && other < wait))
			wait = other;
		struct timespec t = {wait / 1000000000, wait % 1000000000};

		if (ppoll(polled, 2, wait < 0 ? NULL : &t, NULL) < 0 && errno != EINTR)
			return 1;
		for (i = 0; i < 2; i++)
			take_in(&ways[i], delay_ns, ns_per_byte, loss);
	}
}
