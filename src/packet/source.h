/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_SOURCE_H
#define PACKET_SOURCE_H

#include "packet/packet.h"
#include "packet/tunnel.h"

#include <stdbool.h>

struct err;
struct source;
struct text;

enum { SOURCE_BURST = 32 };
enum { SOURCE_LIVE_SNAPLEN = 256, SOURCE_LIVE_BUFFER = 32 << 20 };

/* What becomes of a live capture beside its frames. */
enum live_counter {
#define COUNTER(id, help) LIVE_##id,
#include "packet/live.def"
#undef COUNTER
	LIVE_COUNTERS
};
extern const struct counter_row live_counter_rows[LIVE_COUNTERS];

/* What a source has seen; frames and wire_bytes cover every record of the file. */
struct source_stats {
	uint64_t frames;
	uint64_t captured_bytes;
	uint64_t wire_bytes;
	/* pcapng blocks without packets that were stepped over */
	uint64_t skipped_blocks;
	uint64_t counters[PACKET_COUNTERS]; /* add up to frames */
	uint64_t counter_bytes[PACKET_COUNTERS]; /* wire bytes by the same verdicts */
	uint32_t unknown_linktype;          /* the last one that cannot be read */
	/* where they are opened: all metered packets */
	uint64_t tunnels[TUNNEL_COUNTERS];
};

/*
 * Records that somebody else has, as they come: next is capture_next (packet/capture.h),
 * and gives CAPTURE_END where there are none now. fd is readable when there are. Their
 * times are of another machine's clock, or of long ago.
 */
struct record;
struct source_reader {
	int (*next)(void *context, bool may_refill, struct record *out, struct err *err);
	void *context;
	int fd;
};

/* Where packets come from. Strings are borrowed until the source is closed. */
struct source_config {
	const char *path;      /* a capture file, "-": standard input; NULL: live */
	const struct source_reader *reader; /* NULL: an interface; copied */
	/* live: an interface, or another device that libpcap knows */
	const char *interface;
	const char *filter;    /* of pcap-filter(7); NULL or "": every frame */
	/* kinds that come by their inner header (packet/tunnel.h) */
	uint32_t tunnels;
	/* octets kept of a frame; 0: files all, live the default */
	uint32_t snaplen;
	uint64_t buffer_bytes; /* live: size of the ring; 0: the default */
	/* live: the interface takes frames for other machines too */
	bool is_promiscuous;
	/* live: so many sources share the interface's frames; 0: 1 */
	unsigned workers;
	/* live: what the workers share; -1 before the first opens */
	int *group;
};

/*
 * Opens a capture file, "-" being standard input: pcap (both byte orders, micro- and
 * nanoseconds, also the modified one of old Linux, versions before 2.4 and AIX) or pcapng
 * (many sections, interfaces, if_tsresol, if_tsoffset, packet, simple and enhanced packet
 * blocks). Read with read(2) into one reused buffer.
 */
int source_open(const char *path, struct source **out, struct err *err);
/* The same with all that can be chosen; a live one gives nothing before source_start. */
int source_open_with(const struct source_config *config, struct source **out,
    struct err *err);
int source_start(struct source *source, struct err *err);
void source_close(struct source *source);

/*
 * Up to SOURCE_BURST metered packets; 0 at the end of the file, or when a live source has
 * none now; -1 on an error. An error in mid-file (truncation, an absurd record) comes
 * after all packets before it were given; its text names the file and the offset.
 */
int source_burst(struct source *source, struct packet out[SOURCE_BURST], struct err *err);

const struct source_stats *source_stats(const struct source *source);
/* How far into the file, for progress; size 0 where unknown. */
void source_progress(const struct source *source, uint64_t *at_bytes,
    uint64_t *size_bytes);

bool source_is_live(const struct source *source);
/* Its packets' times are not of this machine's clock. */
bool source_is_remote(const struct source *source);
/* Live: see packet/live.h. A file's is -1. */
int source_fd(const struct source *source);
void source_check(struct source *source, int64_t now_ms, struct text *note);
/* The interface's number now; 0 where it has none. */
uint32_t source_interface(const struct source *source);
/* Opening it again, should the interface vanish, needs CAP_NET_RAW. */
bool source_needs_rights(const struct source *source);
const uint64_t *source_live_counters(struct source *source); /* LIVE_COUNTERS; zeros */

#endif
