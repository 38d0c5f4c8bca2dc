/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What it costs to look at the headers of a file in the page cache: by read(2) into one
 * buffer, and through a map that moves along the file with its pages entered at once.
 * Looks at two lines of every STEP octets, as a meter does with full-size packets.
 *   cc -O2 -o window bench/window.c && ./window FILE
 * Prints CPU seconds and GB/s of each way, taking turns, and the ratio of the best ones.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

enum { STEP = 1530, READ_BYTES = 1 << 18, WINDOW_BYTES = 2 << 20, ROUNDS = 5 };

static volatile uint64_t sum;

static double
cpu_seconds(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	    (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void
look(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i + 64 < n; i += STEP)
		sum += bytes[i] + bytes[i + 60];
}

static void
by_read(int fd, size_t size)
{
	static uint8_t buffer[READ_BYTES];
	ssize_t got;

	(void)size;
	lseek(fd, 0, SEEK_SET);
	while ((got = read(fd, buffer, sizeof buffer)) > 0)
		look(buffer, (size_t)got);
}

static void
by_window(int fd, size_t size)
{
	for (size_t at = 0; at < size; at += WINDOW_BYTES) {
		size_t n = size - at < WINDOW_BYTES ? size - at : WINDOW_BYTES;
		uint8_t *bytes = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, (off_t)at);

		if (bytes == MAP_FAILED)
			return;
		madvise(bytes, n, MADV_POPULATE_READ);
		look(bytes, n);
		munmap(bytes, n);
	}
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(int fd, size_t size);
	} ways[] = {{"read", by_read}, {"window", by_window}};
	double best[2] = {1e9, 1e9};
	struct stat st;
	int fd;

	if (argc != 2 || (fd = open(argv[1], O_RDONLY)) < 0 || fstat(fd, &st) != 0) {
		fprintf(stderr, "usage: window FILE\n");
		return 2;
	}
	for (int round = 0; round <= ROUNDS; round++)
		for (int i = 0; i < 2; i++) {
			double t = cpu_seconds();

			ways[i].run(fd, (size_t)st.st_size);
			t = cpu_seconds() - t;
			if (round > 0 && t < best[i]) /* the first one warms up */
				best[i] = t;
		}
	for (int i = 0; i < 2; i++)
		printf("%-8s %8.3f CPU s %8.2f GB/s\n", ways[i].name, best[i],
		    (double)st.st_size / best[i] / 1e9);
	printf("window is %.1f times as fast\n", best[0] / best[1]);
	return 0;
}
