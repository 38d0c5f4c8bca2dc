/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbered datagrams, to find out what a link does to them: one side sends, the other
 * tells what arrived. For tests and measurements in network namespaces of one machine,
 * whose clock both read.
 *
 * 	numbered send ADDRESS PORT COUNT PER-SECOND OCTETS
 * 	numbered receive ADDRESS PORT IDLE-MS [FILE]
 *
 * Sends COUNT UDP datagrams of OCTETS payload (24 at least), evenly at a rate, or with 0
 * as fast as it goes; prints "sent COUNT seconds S". The receiver prints "ready", and
 * once nothing came for IDLE-MS after the first datagram:
 *
 * 	received N distinct N copies N overtaken N seconds S took S
 * 	gaps N longest N lost N          runs of numbers that never came, between first
 * 	                                 and last
 * 	delay_us min X p50 X p99 X max X mean X
 *
 * took: from the first one's sending to the last one's coming. overtaken: came after a
 * greater number, copies aside. FILE gets "NUMBER DELAY-US" lines.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BURST = 32, OCTETS_MAX = 65000, NUMBERS_MAX = 50000000, RECEIVE_OCTETS = 2048 };

struct head {
	uint64_t magic, number;
	int64_t sent_ns;
};
static const uint64_t magic = 0x776569722d6c696e;

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int
fail(const char *what)
{
	fprintf(stderr, "numbered: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
open_socket(const char *address, const char *port,
    int (*use)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)atoi(port))};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = to.sin_port};
	int is6 = strchr(address, ':') != NULL, bytes = 64 << 20;
	int fd = socket(is6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);

	if (inet_pton(is6 ? AF_INET6 : AF_INET, address,
	    is6 ? (void *)&to6.sin6_addr : &to.sin_addr) != 1) {
		errno = EINVAL;
		fail(address);
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
		fail("buffers");
	if (use(fd, is6 ? (void *)&to6 : (void *)&to, is6 ? sizeof to6 : sizeof to) != 0)
		fail(address);
	return fd;
}

static void
send_all(int fd, uint64_t count, double per_second, size_t octets)
{
	static unsigned char data[BURST][OCTETS_MAX];
	struct mmsghdr messages[BURST] = {0};
	struct iovec parts[BURST];
	int64_t start = now_ns(), due;
	uint64_t sent = 0;
	unsigned n, i;
	int done;

	for (i = 0; i < BURST; i++) {
		parts[i] = (struct iovec){data[i], octets};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i],
		    .msg_iovlen = 1};
	}
	while (sent < count) {
		n = BURST;
		if (per_second > 0) { /* those that are due by now */
			due = (int64_t)((double)(now_ns() - start) * per_second / 1e9) +
			    1;
			if ((uint64_t)due <= sent) {
				struct timespec wait = {0,
				    (long)((double)(sent + 1 - (uint64_t)due) * 1e9 /
				    per_second)};

				if (wait.tv_nsec > 999999999)
					wait.tv_nsec = 999999999;
				nanosleep(&wait, NULL);
				continue;
			}
			n = (uint64_t)due - sent < BURST
			    ? (unsigned)((uint64_t)due - sent) : BURST;
		}
		if (count - sent < n)
			n = (unsigned)(count - sent);
		for (i = 0; i < n; i++)
			memcpy(data[i], &(struct head){magic, sent + i, now_ns()},
			    sizeof(struct head));
		for (i = 0; i < n; i += (unsigned)done) {
			done = sendmmsg(fd, messages + i, n - i, 0);
			if (done < 0 && errno != EAGAIN && errno != ENOBUFS &&
			    errno != ECONNREFUSED)
				fail("send");
			done = done < 0 ? 0 : done;
		}
		sent += n;
	}
	printf("sent %llu seconds %.3f\n", (unsigned long long)sent,
	    (double)(now_ns() - start) / 1e9);
}

struct result {
	unsigned char *seen; /* by number */
	float *delays;
	uint64_t received, distinct, copies, overtaken, greatest, first;
	int64_t first_ns, last_ns, sent_ns;
	double sum_us;
	FILE *file;
};

static void
take(struct result *r, const struct head *h, int64_t now)
{
	double us = (double)(now - h->sent_ns) / 1000;

	if (h->magic != magic || h->number >= NUMBERS_MAX)
		return;
	if (r->received++ == 0) {
		r->first_ns = now;
		r->first = h->number;
		r->sent_ns = h->sent_ns;
	}
	r->sent_ns = h->sent_ns < r->sent_ns ? h->sent_ns : r->sent_ns;
	r->last_ns = now;
	if (r->seen[h->number]) {
		r->copies++;
		return;
	}
	r->seen[h->number] = 1;
	r->first = h->number < r->first ? h->number : r->first;
	r->overtaken += r->distinct > 0 && h->number < r->greatest;
	r->greatest = h->number > r->greatest ? h->number : r->greatest;
	r->delays[r->distinct++] = (float)us;
	r->sum_us += us;
	if (r->file != NULL)
		fprintf(r->file, "%llu %.1f\n", (unsigned long long)h->number, us);
}

static int
compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void
print(struct result *r)
{
	uint64_t i, gaps = 0, longest = 0, lost = 0, run = 0;

	for (i = r->first; i <= r->greatest; i++) {
		if (r->seen[i]) {
			run = 0;
			continue;
		}
		gaps += run == 0;
		lost++;
		longest = ++run > longest ? run : longest;
	}
	printf("received %llu distinct %llu copies %llu overtaken %llu "
	    "seconds %.3f took %.3f\n",
	    (unsigned long long)r->received, (unsigned long long)r->distinct,
	    (unsigned long long)r->copies, (unsigned long long)r->overtaken,
	    (double)(r->last_ns - r->first_ns) / 1e9,
	    (double)(r->last_ns - r->sent_ns) / 1e9);
	printf("gaps %llu longest %llu lost %llu\n", (unsigned long long)gaps,
	    (unsigned long long)longest, (unsigned long long)lost);
	if (r->distinct == 0)
		return;
	qsort(r->delays, r->distinct, sizeof *r->delays, compare);
	printf("delay_us min %.1f p50 %.1f p99 %.1f max %.1f mean %.1f\n", r->delays[0],
	    r->delays[r->distinct / 2], r->delays[r->distinct * 99 / 100],
	    r->delays[r->distinct - 1], r->sum_us / (double)r->distinct);
}

static void
receive_all(int fd, int idle_ms, struct result *r)
{
	static unsigned char data[BURST][RECEIVE_OCTETS];
	struct mmsghdr messages[BURST] = {0};
	struct iovec parts[BURST];
	struct pollfd polled = {fd, POLLIN, 0};
	struct head h;
	int64_t now;
	int n, i;

	for (i = 0; i < BURST; i++) {
		parts[i] = (struct iovec){data[i], RECEIVE_OCTETS};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i],
		    .msg_iovlen = 1};
	}
	while (poll(&polled, 1, r->received == 0 ? 30000 : idle_ms) > 0) {
		n = recvmmsg(fd, messages, BURST, MSG_DONTWAIT, NULL);
		now = now_ns();
		for (i = 0; i < n; i++) {
			memcpy(&h, data[i], sizeof h);
			if (messages[i].msg_len >= sizeof h)
				take(r, &h, now);
		}
	}
}

int
main(int argc, char **argv)
{
	struct result r = {0};

	if (argc == 7 && strcmp(argv[1], "send") == 0 && atoi(argv[6]) >= 24 &&
	    atoi(argv[6]) <= OCTETS_MAX) {
		send_all(open_socket(argv[2], argv[3], connect),
		    strtoull(argv[4], NULL, 10), atof(argv[5]), (size_t)atoi(argv[6]));
		return 0;
	}
	if ((argc != 5 && argc != 6) || strcmp(argv[1], "receive") != 0) {
		fputs("usage: numbered send ADDRESS PORT COUNT PER-SECOND OCTETS\n"
		      "       numbered receive ADDRESS PORT IDLE-MS [FILE]\n", stderr);
		return 2;
	}
	r.seen = calloc(NUMBERS_MAX, 1);
	r.delays = malloc(NUMBERS_MAX * sizeof *r.delays);
	if (argc == 6 && (r.file = fopen(argv[5], "w")) == NULL)
		fail(argv[5]);
	if (r.seen == NULL || r.delays == NULL)
		fail("memory");
	int fd = open_socket(argv[2], argv[3], bind);
	puts("ready");
	fflush(stdout);
	receive_all(fd, atoi(argv[4]), &r);
	print(&r);
	return r.file != NULL && fclose(r.file) != 0;
}
