/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture files: their opening, and the records of libpcap's format (pcap-savefile(5)); a
 * record is decoded where it lies. pcapng is in capture_ng.c.
 */
#include "packet/capture_private.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FAR_APART = 256,
	AHEAD = 24,
	INTERFACES_MAX = 4096,
	PCAP_RECORD = 16,
	PCAP_RECORD_MODIFIED = 24, /* and interface, protocol, packet type behind it */
};

static const uint32_t PCAP_MICRO = 0xa1b2c3d4, PCAP_NANO = 0xa1b23c4d;
static const uint32_t PCAP_MODIFIED = 0xa1b2cd34; /* by Linux distributions of old */

void
capture_claim(struct capture *c)
{
	if (c->is_mapped)
		window_claim(&c->window);
}

bool
capture_is_cut(const struct capture *c)
{
	return c->window.is_cut;
}

int
capture_cut_error(const struct capture *c, struct err *err)
{
	return err_set(err, EIO,
	    "%s: about offset %" PRIu64 ": the file became shorter while it was read; "
	    "the packets before it were read", c->name, capture_offset(c));
}

enum capture_event
capture_broken_at(struct capture *c, uint64_t at, const char *what, struct err *err)
{
	c->is_broken = true;
	c->is_usual = false;
	err_set(err, EINVAL,
	    "%s: at offset %" PRIu64 ": %s; the packets before it were read",
	    c->name, at, what);
	return CAPTURE_ERROR;
}

int
capture_add_interface(struct capture *c, struct interface interface, struct err *err)
{
	struct interface *grown;
	size_t cap;

	if (c->interface_count == INTERFACES_MAX)
		return err_set(err, EINVAL,
		    "%s: at offset %" PRIu64 ": more than %d interfaces in a section",
		    c->name, capture_offset(c), INTERFACES_MAX);
	if (c->interface_count == c->interface_cap) {
		cap = c->interface_cap == 0 ? 4 : c->interface_cap * 2;
		if ((grown = realloc(c->interfaces, cap * sizeof *grown)) == NULL)
			return err_set(err, ENOMEM, "%s: out of memory", c->name);
		c->interfaces = grown;
		c->interface_cap = cap;
	}
	if (!c->has_linktype) {
		c->has_linktype = true;
		c->first_linktype = interface.linktype;
	}
	if (interface.per_second > 1000000)
		c->is_nano = true;
	c->interfaces[c->interface_count++] = interface;
	return 0;
}

static bool
is_pcap_magic(uint32_t magic)
{
	return magic == PCAP_MICRO || magic == PCAP_NANO || magic == PCAP_MODIFIED;
}

/*
 * Before version 2.4 the two lengths of a record were the other way round, in 2.3 with
 * some programs only; captured is never the longer one. AIX writes 2.2 with numbers of
 * its own for link types (RFC 1573's) and nanoseconds.
 */
static void
read_version(struct capture *c, struct interface *interface, uint16_t major,
    uint16_t minor)
{
	static const uint8_t aix[][2] = {{6, 1}, {9, 6}, {15, 10}, {24, 0}};

	c->is_old = (major == 2 && minor < 4) || major == 543;
	if (major != 2 || minor != 2)
		return;
	for (size_t i = 0; i < sizeof aix / sizeof *aix; i++) {
		if (interface->linktype == aix[i][0]) {
			interface->linktype = aix[i][1];
			interface->per_second = 1000000000;
			return;
		}
	}
}

/* What unpacks a compressed file that begins so; NULL: it is none. */
static const char *
decompressor(const uint8_t *h)
{
	static const struct {
		uint8_t begin[4], len;
		const char *program;
	} rows[] = {
	    {{0x1f, 0x8b}, 2, "zcat"},
	    {{0x28, 0xb5, 0x2f, 0xfd}, 4, "zstdcat"},
	    {{0xfd, '7', 'z', 'X'}, 4, "xzcat"},
	    {{'B', 'Z', 'h'}, 3, "bzcat"},
	    {{0x04, 0x22, 0x4d, 0x18}, 4, "lz4cat"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (memcmp(h, rows[i].begin, rows[i].len) == 0)
			return rows[i].program;
	return NULL;
}

/* The file header tells format, byte order and units. */
static int
read_magic(struct capture *c, struct err *err)
{
	struct interface interface = {.per_second = 1000000};
	const char *program;
	const uint8_t *h;
	uint32_t magic;
	int status;

	if ((status = capture_need(c, 4, err)) < 0)
		return -1;
	h = c->buffer;
	if (status == 0)
		return err_set(err, EINVAL, c->end == 0 ? "%s: the file is empty"
		    : "%s: no capture file: too short", c->name);
	magic = load_le32(h);
	if (magic == BLOCK_SECTION) {
		c->is_ng = true;
		return 0;
	}
	if ((program = decompressor(h)) != NULL)
		return err_set(err, EINVAL,
		    "%s: compressed; give it as: %s %s | weir ... -r -",
		    c->name, program, c->name);
	if (!is_pcap_magic(magic)) {
		c->is_swapped = true;
		magic = load_be32(h);
	}
	if (!is_pcap_magic(magic))
		return err_set(err, EINVAL,
		    "%s: no capture file: neither pcap nor pcapng begins with "
		    "%02x %02x %02x %02x; editcap(1) converts many other formats",
		    c->name, h[0], h[1], h[2], h[3]);
	if ((status = capture_need(c, 24, err)) < 0)
		return -1;
	if (status == 0)
		return err_set(err, EINVAL,
		    "%s: cut off within the file header of 24 bytes", c->name);
	h = c->buffer;
	if (magic == PCAP_NANO)
		interface.per_second = 1000000000;
	c->head = magic == PCAP_MODIFIED ? PCAP_RECORD_MODIFIED : PCAP_RECORD;
	/* the rest is about the FCS */
	interface.linktype = get32(c, h + 20) & 0x03ffffff;
	interface.snaplen = get32(c, h + 16);
	read_version(c, &interface, get16(c, h + 4), get16(c, h + 6));
	c->at = 24;
	c->is_usual = !c->is_swapped && !c->is_old && c->head == PCAP_RECORD;
	return capture_add_interface(c, interface, err);
}

int
capture_open(const char *path, struct capture **out, struct err *err)
{
	struct capture *c;
	struct stat st;

	if ((c = calloc(1, sizeof *c)) == NULL)
		return err_set(err, ENOMEM, "%s: out of memory", path);
	c->fd = -1;
	c->name = strcmp(path, "-") == 0 ? "standard input" : path;
	c->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO)
	                               : open(path, O_RDONLY | O_CLOEXEC);
	if (c->fd < 0 || fstat(c->fd, &st) != 0) {
		err_set(err, errno, "%s: %s", c->name, strerror(errno));
		goto fail;
	}
	if (S_ISDIR(st.st_mode)) {
		err_set(err, EISDIR, "%s: is a folder, not a capture file", c->name);
		goto fail;
	}
	c->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	posix_fadvise(c->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	c->window.fd = c->fd;
	if (c->size > 0)
		c->is_mapped = window_move(&c->window, 0, 1) == 0;
	if (!c->is_mapped && (c->buffer = malloc(BUFFER_BYTES)) == NULL) {
		err_set(err, ENOMEM, "%s: out of memory", c->name);
		goto fail;
	}
	if (read_magic(c, err) != 0)
		goto fail;
	*out = c;
	return 0;

fail:
	capture_close(c);
	return -1;
}

void
capture_close(struct capture *c)
{
	if (c == NULL)
		return;
	if (c->is_mapped)
		window_done(&c->window);
	else
		free(c->buffer);
	if (c->fd >= 0)
		close(c->fd);
	free(c->interfaces);
	free(c);
}

static uint32_t
captured_length(const struct capture *c, const uint8_t *h)
{
	uint32_t first = get32(c, h + 8);

	if (c->is_old && first > get32(c, h + 12))
		return get32(c, h + 12);
	return first;
}

/* Makes a whole record lie in the buffer. */
static enum capture_event
pcap_refill(struct capture *c, struct err *err)
{
	uint32_t captured;
	int status;

	if ((status = capture_need(c, c->head, err)) < 0)
		return CAPTURE_ERROR;
	if (status == 0)
		return c->at == c->end ? CAPTURE_END
		    : capture_broken(c,
		        "the file is cut off within a record header", err);
	captured = captured_length(c, c->buffer + c->at);
	if (captured > RECORD_MAX)
		return CAPTURE_RECORD; /* the caller says so */
	if ((status = capture_need(c, c->head + captured, err)) < 0)
		return CAPTURE_ERROR;
	return status > 0 ? CAPTURE_RECORD
	    : capture_broken(c, "the file is cut off within a record", err);
}

/*
 * Records of a download are alike in size: the headers of one further on are asked for
 * while this one is worked on. No prefetcher of a processor leaps that far. (It is the
 * caller that prefetches: gcc 12 drops calls of functions that do nothing else.)
 */
static inline const uint8_t *
record_ahead(const uint8_t *h, uint32_t octets)
{
	return octets > FAR_APART ? h + AHEAD * octets : h;
}

/* next_pcap of what lies in the buffer of a usual file; false, nothing done: no such. */
static inline bool
next_usual(struct capture *c, struct record *out)
{
	const struct interface *interface = &c->interfaces[0];
	const uint8_t *h = c->buffer + c->at, *ahead;
	size_t left = c->end - c->at;
	uint32_t captured;

	if (!c->is_usual || left < PCAP_RECORD)
		return false;
	captured = load_le32(h + 8);
	if (captured > RECORD_MAX || captured > left - PCAP_RECORD)
		return false;
	out->frame = h + PCAP_RECORD;
	out->captured = captured;
	out->wire = load_le32(h + 12);
	out->linktype = interface->linktype;
	out->time_ns = (int64_t)load_le32(h) * 1000000000 +
	    (int64_t)load_le32(h + 4) * (interface->per_second == 1000000 ? 1000 : 1);
	ahead = record_ahead(h, PCAP_RECORD + captured);
	__builtin_prefetch(ahead);
	__builtin_prefetch(ahead + 64);
	c->at += PCAP_RECORD + captured;
	return true;
}

static enum capture_event
next_pcap(struct capture *c, bool may_refill, struct record *out, struct err *err)
{
	const struct interface *interface = &c->interfaces[0];
	const uint8_t *h = c->buffer + c->at, *ahead;
	size_t left = c->end - c->at;
	uint32_t captured, wire, head = c->head;
	enum capture_event event;

	if (left < head || left - head < captured_length(c, h)) {
		if (!may_refill)
			return CAPTURE_REFILL;
		if ((event = pcap_refill(c, err)) != CAPTURE_RECORD)
			return event;
		h = c->buffer + c->at;
	}
	captured = captured_length(c, h);
	wire = get32(c, h + 8) ^ get32(c, h + 12) ^ captured; /* the other one */
	if (captured > RECORD_MAX)
		return capture_broken(c,
		    "a record claims more than 512 KiB, the file is corrupt from here on",
		    err);
	*out = (struct record){h + head, captured, wire, interface->linktype, 0};
	out->time_ns = (int64_t)get32(c, h) * 1000000000 +
	    (int64_t)get32(c, h + 4) * (interface->per_second == 1000000 ? 1000 : 1);
	ahead = record_ahead(h, head + captured);
	__builtin_prefetch(ahead);
	__builtin_prefetch(ahead + 64);
	c->at += head + captured;
	return CAPTURE_RECORD;
}

enum capture_event
capture_next(struct capture *c, bool may_refill, struct record *out, struct err *err)
{
	if (next_usual(c, out))
		return CAPTURE_RECORD;
	if (c->is_broken)
		return CAPTURE_END;
	return c->is_ng ? capture_next_ng(c, may_refill, out, err)
	                : next_pcap(c, may_refill, out, err);
}

uint32_t
capture_linktype(const struct capture *c)
{
	return c->first_linktype;
}

bool
capture_is_nano(const struct capture *c)
{
	return c->is_nano;
}

uint64_t
capture_skipped_blocks(const struct capture *c)
{
	return c->skipped_blocks;
}

void
capture_progress(const struct capture *c, uint64_t *at_bytes, uint64_t *size_bytes)
{
	*at_bytes = capture_offset(c);
	*size_bytes = c->size;
}
