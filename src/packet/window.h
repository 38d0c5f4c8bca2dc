/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_WINDOW_H
#define PACKET_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * A part of a file in memory without a copy. A file that shrinks under a map would end
 * the process with SIGBUS; here the rest of the window becomes zeros and is_cut is set,
 * which has to be looked at after bytes were used and before they are believed. That
 * works for the window that a thread moved or claimed last.
 */
struct window {
	int fd;
	uint64_t from;   /* offset in the file, a whole page */
	uint8_t *bytes;  /* NULL: none mapped */
	size_t len;
	volatile bool is_cut;
};

/* Maps len bytes of the file from offset on, rounded down to a page; what was mapped
 * before is gone. -1 where the file cannot be mapped: read it then. */
int window_move(struct window *window, uint64_t offset, size_t len);
/* The calling thread reads the window from now on. */
void window_claim(struct window *window);
void window_done(struct window *window);

#endif
