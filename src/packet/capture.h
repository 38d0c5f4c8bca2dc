/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_CAPTURE_H
#define PACKET_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

struct capture;
struct err;

/* One record of a capture file; frame is borrowed until the next refill. */
struct record {
	const uint8_t *frame;
	uint32_t captured;
	uint32_t wire; /* captured may exceed it in a corrupt file */
	uint32_t linktype;
	int64_t time_ns;
};

enum capture_event {
	CAPTURE_ERROR = -1,
	CAPTURE_END = 0,
	CAPTURE_RECORD = 1,
	CAPTURE_REFILL = 2, /* may_refill was false and the buffer is used up */
};

/* A pcap or pcapng file, "-" being standard input. See source_open for what is read. */
int capture_open(const char *path, struct capture **out, struct err *err);
void capture_close(struct capture *capture);

/*
 * The next record. Refilling the buffer invalidates all frames given before: with
 * may_refill false it is not done. An error names file and offset; it comes after all
 * whole records.
 */
enum capture_event capture_next(struct capture *capture, bool may_refill,
    struct record *out, struct err *err);

/* To be called by a thread before it reads records: a file may shrink under it, which the
 * kernel tells the thread that notices. */
void capture_claim(struct capture *capture);
/* The file shrank while it was read: a record given before this was true may be zeros. */
bool capture_is_cut(const struct capture *capture);
/* Says so as an error. */
int capture_cut_error(const struct capture *capture, struct err *err);

/* Link type of the first interface, and whether times are finer than microseconds; known
 * after capture_open for pcap, after the first record for pcapng. */
uint32_t capture_linktype(const struct capture *capture);
bool capture_is_nano(const struct capture *capture);
uint64_t capture_skipped_blocks(const struct capture *capture);
void capture_progress(const struct capture *capture, uint64_t *at_bytes,
    uint64_t *size_bytes);

#endif
