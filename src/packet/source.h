/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_SOURCE_H
#define PACKET_SOURCE_H

#include "packet/packet.h"

struct err;
struct source;

enum { SOURCE_BURST = 32 };

/* What a source has seen; frames and wire_bytes cover every record of the file. */
struct source_stats {
	uint64_t frames;
	uint64_t captured_bytes;
	uint64_t wire_bytes;
	uint64_t skipped_blocks; /* pcapng blocks without packets that were stepped over */
	uint64_t counters[PACKET_COUNTERS]; /* add up to frames */
	uint64_t counter_bytes[PACKET_COUNTERS]; /* wire bytes by the same verdicts */
};

/*
 * Opens a capture file, "-" being standard input: pcap (both byte orders, micro- and
 * nanoseconds) or pcapng (many sections, interfaces, if_tsresol, if_tsoffset, packet,
 * simple and enhanced packet blocks). Read with read(2) into one reused buffer.
 */
int source_open(const char *path, struct source **out, struct err *err);
void source_close(struct source *source);

/*
 * Up to SOURCE_BURST metered packets; 0 at the end of the file, -1 on an error. An error in
 * mid-file (truncation, an absurd record) comes after all packets before it were given; its
 * text names the file and the offset.
 */
int source_burst(struct source *source, struct packet out[SOURCE_BURST], struct err *err);

const struct source_stats *source_stats(const struct source *source);
/* How far into the file, for progress; size 0 where unknown. */
void source_progress(const struct source *source, uint64_t *at_bytes, uint64_t *size_bytes);

#endif
