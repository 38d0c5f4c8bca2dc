/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACKET_CAPTURE_PRIVATE_H
#define PACKET_CAPTURE_PRIVATE_H

#include "base/cursor.h"
#include "packet/capture.h"
#include "packet/window.h"

#include <stddef.h>

struct err;

/*
 * What the readers of capture files share: capture.c reads pcap, capture_ng.c pcapng,
 * capture_bytes.c makes the file's bytes lie in memory for both.
 */
enum {
	BUFFER_BYTES = 1 << 20,
	RECORD_MAX = 1 << 19, /* libpcap's own limit is 256 KiB; USB captures have more */
};
enum { BLOCK_SECTION = 0x0a0d0d0a }; /* pcapng begins with it, in either byte order */

struct interface {
	uint32_t linktype, snaplen;
	uint64_t per_second; /* units of its time stamps */
	int64_t offset_s;
};

struct capture {
	int fd;
	const char *name;
	uint8_t *buffer; /* what lies here of the file: owned, or the window's */
	size_t at, end;
	uint64_t base;   /* file offset of buffer[0] */
	struct window window;
	bool is_mapped;
	uint64_t size;
	bool is_eof, is_swapped, is_ng, is_nano, is_broken;
	bool is_old;     /* pcap before 2.4: wire and captured length in either order */
	bool is_usual;   /* pcap of today in this machine's order, nothing wrong so far */
	uint32_t head;   /* bytes of a pcap record's header */
	struct interface *interfaces;
	size_t interface_count, interface_cap;
	uint64_t skipped_blocks;
	int64_t last_ns; /* pcapng: of the packet before */
	uint32_t first_linktype;
	bool has_linktype;
};

static inline uint32_t
get32(const struct capture *c, const uint8_t *p)
{
	return c->is_swapped ? load_be32(p) : load_le32(p);
}

static inline uint16_t
get16(const struct capture *c, const uint8_t *p)
{
	return c->is_swapped ? load_be16(p) : (uint16_t)(p[1] << 8 | p[0]);
}

static inline uint64_t
capture_offset(const struct capture *c)
{
	return c->base + c->at;
}

/* Makes n bytes lie at buffer[at]: 1 if they do, 0 if the file ends before, -1 and
 * err. */
int capture_need(struct capture *c, size_t n, struct err *err);
/* Steps over n bytes, reading on where they are not in the buffer; as capture_need. */
int capture_skip(struct capture *c, uint64_t n, struct err *err);

/* The file is wrong at this offset: CAPTURE_ERROR and err; nothing more will be read. */
enum capture_event capture_broken_at(struct capture *c, uint64_t at, const char *what,
    struct err *err);

static inline enum capture_event
capture_broken(struct capture *c, const char *what, struct err *err)
{
	return capture_broken_at(c, capture_offset(c), what, err);
}

/* One that the file describes; the first one's link type is the capture's. */
int capture_add_interface(struct capture *c, struct interface interface,
    struct err *err);

/* capture_ng.c: capture_next of a pcapng file. */
enum capture_event capture_next_ng(struct capture *c, bool may_refill,
    struct record *out, struct err *err);

#endif
