/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A UDP sink on loopback for exporters: takes datagrams 64 at a time and throws them
 * away. Writes its port as the first line of FILE; on SIGTERM prints datagrams and
 * octets.
 *   sink FILE
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BURST = 64, LARGEST = 65536 };

static volatile sig_atomic_t is_over;

static void
end(int signal)
{
	(void)signal;
	is_over = 1;
}

int
main(int argc, char **argv)
{
	static char buffer[BURST][LARGEST];
	struct sockaddr_in at = {.sin_family = AF_INET};
	struct sigaction action = {.sa_handler = end};
	unsigned long long datagrams = 0, octets = 0;
	struct mmsghdr message[BURST] = {0};
	struct iovec part[BURST];
	socklen_t size = sizeof at;
	int fd, room = 32 << 20;
	FILE *out;

	if (argc != 2)
		return 2;
	sigaction(SIGTERM, &action, NULL);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	if (fd < 0 || bind(fd, (void *)&at, sizeof at) != 0 ||
	    getsockname(fd, (void *)&at, &size) != 0 ||
	    (out = fopen(argv[1], "w")) == NULL) {
		perror("sink");
		return 1;
	}
	fprintf(out, "%d\n", ntohs(at.sin_port));
	fclose(out);
	for (int i = 0; i < BURST; i++) {
		part[i] = (struct iovec){buffer[i], LARGEST};
		message[i].msg_hdr.msg_iov = &part[i];
		message[i].msg_hdr.msg_iovlen = 1;
	}
	while (!is_over) {
		int n = recvmmsg(fd, message, BURST, MSG_WAITFORONE, NULL);

		if (n < 0 && errno != EINTR) {
			perror("sink");
			return 1;
		}
		for (int i = 0; i < n; i++)
			octets += message[i].msg_len;
		datagrams += n > 0 ? (unsigned)n : 0;
	}
	printf("%llu %llu\n", datagrams, octets);
	return 0;
}
