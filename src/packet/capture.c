/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture files: regular ones through a window that moves along the file (window.c), all
 * others by read(2) into one reused buffer. A record is decoded where it lies; what is
 * left of an incomplete one is moved to the buffer's front before the next read, or
 * looked at through the next window. pcapng blocks that hold no packets are stepped over
 * without being buffered whole.
 *
 * Formats: libpcap's pcap-savefile(5); pcapng, draft-ietf-opsawg-pcapng.
 */
#include "packet/capture.h"

#include "base/cursor.h"
#include "base/err.h"
#include "packet/window.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BUFFER_BYTES = 1 << 20,
	READ_BYTES = 1 << 18, /* at once, so that it is still in L2 when it is parsed */
	WINDOW_BYTES = 2 << 20,
	RECORD_MAX = 1 << 19, /* libpcap's own limit is 256 KiB; USB captures have more */
	BLOCK_HEAD_MAX = 64,
	FAR_APART = 256,
	AHEAD = 24,
	INTERFACES_MAX = 4096,
	PCAP_RECORD = 16,
	PCAP_RECORD_MODIFIED = 24, /* and interface, protocol, packet type behind it */
};

static const uint32_t PCAP_MICRO = 0xa1b2c3d4, PCAP_NANO = 0xa1b23c4d;
static const uint32_t PCAP_MODIFIED = 0xa1b2cd34; /* by Linux distributions of old */
enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_PACKET = 2,
    BLOCK_SIMPLE = 3,
	BLOCK_ENHANCED = 6 };
enum { OPTION_END = 0, OPTION_TSRESOL = 9, OPTION_TSOFFSET = 14 };

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
	/* pcap of today in this machine's byte order, nothing wrong so far */
	bool is_usual;
	uint32_t head;   /* bytes of a pcap record's header */
	struct interface *interfaces;
	size_t interface_count, interface_cap;
	uint64_t skipped_blocks;
	int64_t last_ns; /* pcapng: of the packet before */
	uint32_t first_linktype;
	bool has_linktype;
};

static uint32_t
get32(const struct capture *c, const uint8_t *p)
{
	return c->is_swapped ? load_be32(p) : load_le32(p);
}

static uint16_t
get16(const struct capture *c, const uint8_t *p)
{
	return c->is_swapped ? load_be16(p) : (uint16_t)(p[1] << 8 | p[0]);
}

static uint64_t
offset_of(const struct capture *c)
{
	return c->base + c->at;
}

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
	    "%s: about offset %" PRIu64 ": the file became shorter while it "
	    "was read; the packets before it were read", c->name, offset_of(c));
}

/* Moves the window so that n bytes lie at buffer[at]; as need. */
static int
need_mapped(struct capture *c, size_t n, struct err *err)
{
	uint64_t at = offset_of(c), left;
	struct stat st;

	/* It may have grown since, as files do that are still written. */
	if (at + n > c->size && fstat(c->fd, &st) == 0 && (uint64_t)st.st_size > c->size)
		c->size = (uint64_t)st.st_size;
	left = c->size > at ? c->size - at : 0;
	if (left < n && left <= c->end - c->at)
		return 0;
	if (window_move(&c->window, at,
	    left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES) != 0)
		return err_set(err, errno,
		    "%s: at offset %" PRIu64 ": cannot be mapped: %s; "
		    "give it as: cat %s | weir ... -r -", c->name, at, strerror(errno),
		    c->name);
	c->buffer = c->window.bytes;
	c->base = c->window.from;
	c->at = (size_t)(at - c->base);
	c->end = c->window.len;
	return c->end - c->at >= n;
}

/* Makes n bytes lie at buffer[at]; 1 if they do, 0 if the file ends before, -1 on
 * error. */
static int
need(struct capture *c, size_t n, struct err *err)
{
	ssize_t got;

	if (c->end - c->at >= n)
		return 1;
	if (c->is_mapped)
		return need_mapped(c, n, err);
	memmove(c->buffer, c->buffer + c->at, c->end - c->at);
	c->base += c->at;
	c->end -= c->at;
	c->at = 0;
	while (c->end < n && !c->is_eof) {
		size_t room = BUFFER_BYTES - c->end;

		got = read(c->fd, c->buffer + c->end,
		    room < READ_BYTES ? room : READ_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, errno, "%s: at offset %" PRIu64 ": %s",
			    c->name, c->base + c->end, strerror(errno));
		c->is_eof = got == 0;
		c->end += (size_t)got;
	}
	return c->end >= n;
}

/* Steps over n bytes, reading on where they are not in the buffer. */
static int
skip(struct capture *c, uint64_t n, struct err *err)
{
	int status;
	size_t part;

	while (n > 0) {
		if ((status = need(c, 1, err)) <= 0)
			return status;
		part = c->end - c->at < n ? c->end - c->at : (size_t)n;
		c->at += part;
		n -= part;
	}
	return 1;
}

static enum capture_event
broken(struct capture *c, struct err *err, uint64_t at, const char *what)
{
	c->is_broken = true;
	c->is_usual = false;
	err_set(err, EINVAL,
	    "%s: at offset %" PRIu64 ": %s; the packets before it were read", c->name, at,
	    what);
	return CAPTURE_ERROR;
}

static int
add_interface(struct capture *c, struct interface interface, struct err *err)
{
	struct interface *grown;

	if (c->interface_count == INTERFACES_MAX)
		return err_set(err, EINVAL,
		    "%s: at offset %" PRIu64 ": more than %d interfaces in "
		    "a section", c->name, offset_of(c), INTERFACES_MAX);
	if (c->interface_count == c->interface_cap) {
		c->interface_cap = c->interface_cap == 0 ? 4 : c->interface_cap * 2;
		grown = realloc(c->interfaces, c->interface_cap * sizeof *grown);
		if (grown == NULL)
			return err_set(err, ENOMEM, "%s: out of memory", c->name);
		c->interfaces = grown;
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
	for (size_t i = 0; i < sizeof aix / sizeof *aix && major == 2 && minor == 2;
	    i++) {
		if (interface->linktype == aix[i][0]) {
			interface->linktype = aix[i][1];
			interface->per_second = 1000000000;
			break;
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
	} rows[] = {{{0x1f, 0x8b}, 2, "zcat"}, {{0x28, 0xb5, 0x2f, 0xfd}, 4, "zstdcat"},
	    {{0xfd, '7', 'z', 'X'}, 4, "xzcat"}, {{'B', 'Z', 'h'}, 3, "bzcat"},
	    {{0x04, 0x22, 0x4d, 0x18}, 4, "lz4cat"}};

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

	if ((status = need(c, 4, err)) < 0)
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
		    "%s: compressed; give it as: %s %s | weir ... -r -", c->name, program,
		    c->name);
	if (!is_pcap_magic(magic)) {
		c->is_swapped = true;
		magic = load_be32(h);
	}
	if (!is_pcap_magic(magic))
		return err_set(err, EINVAL,
		    "%s: no capture file: neither pcap nor pcapng begins "
		    "with %02x %02x %02x %02x; editcap(1) converts many other formats",
		    c->name,
		    h[0], h[1], h[2], h[3]);
	if ((status = need(c, 24, err)) < 0)
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
	return add_interface(c, interface, err);
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
	c->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path,
	    O_RDONLY | O_CLOEXEC);
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

/* Units since 1970 to nanoseconds; what no int64_t holds becomes its largest value. */
static int64_t
to_ns(uint64_t units, const struct interface *interface)
{
	__int128 ns;

	if (interface->per_second == 1000000)
		ns = (__int128)units * 1000;
	else if (interface->per_second == 1000000000)
		ns = units;
	else
		ns = (__int128)units * 1000000000 / interface->per_second;
	ns += (__int128)interface->offset_s * 1000000000;
	return ns > INT64_MAX ? INT64_MAX : ns < INT64_MIN ? INT64_MIN : (int64_t)ns;
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

	if ((status = need(c, c->head, err)) < 0)
		return CAPTURE_ERROR;
	if (status == 0)
		return c->at == c->end ? CAPTURE_END
		    : broken(c, err, offset_of(c),
		        "the file is cut off within a record header");
	captured = captured_length(c, c->buffer + c->at);
	if (captured > RECORD_MAX)
		return CAPTURE_RECORD; /* the caller says so */
	if ((status = need(c, c->head + captured, err)) < 0)
		return CAPTURE_ERROR;
	return status > 0 ? CAPTURE_RECORD
	    : broken(c, err, offset_of(c), "the file is cut off within a record");
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

/* next_pcap of what lies in the buffer of a usual file; false, nothing done, for the
 * rest. */
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
		return broken(c, err, offset_of(c),
		    "a record claims more than 512 KiB, the file "
		    "is corrupt from here on");
	*out = (struct record){h + head, captured, wire, interface->linktype, 0};
	out->time_ns = (int64_t)get32(c, h) * 1000000000 +
	    (int64_t)get32(c, h + 4) * (interface->per_second == 1000000 ? 1000 : 1);
	ahead = record_ahead(h, head + captured);
	__builtin_prefetch(ahead);
	__builtin_prefetch(ahead + 64);
	c->at += head + captured;
	return CAPTURE_RECORD;
}

/* ---- pcapng ---- */

static void
read_interface_options(const struct capture *c, struct interface *interface,
    struct cursor body)
{
	const uint8_t *head, *value;
	uint16_t code, len;
	unsigned power;

	while ((head = cursor_take(&body, 4)) != NULL) {
		code = get16(c, head);
		len = get16(c, head + 2);
		value = cursor_take(&body, ((size_t)len + 3) & ~(size_t)3);
		if (code == OPTION_END || value == NULL)
			break;
		if (code == OPTION_TSRESOL && len >= 1) {
			power = value[0] & 0x7f;
			interface->per_second = 1;
			if (value[0] & 0x80)
				interface->per_second <<= power < 63 ? power : 63;
			else
				for (power = power < 19 ? power : 19; power > 0; power--)
					interface->per_second *= 10;
		}
		if (code == OPTION_TSOFFSET && len >= 8)
			interface->offset_s = (int64_t)(c->is_swapped ? load_be64(value)
			    : load_le64(value));
	}
}

/* The packet of a block whose bytes are all in the buffer; body is what lies between the
 * two lengths. */
static enum capture_event
read_packet_block(struct capture *c, uint32_t kind, const uint8_t *body, uint32_t len,
    struct record *out, struct err *err)
{
	uint32_t fixed = kind == BLOCK_SIMPLE ? 4 : 20, index = 0;
	const struct interface *interface;
	uint64_t units = 0;

	if (len < fixed)
		return broken(c, err, offset_of(c), "a packet block is too short");
	if (kind != BLOCK_SIMPLE) {
		index = kind == BLOCK_ENHANCED ? get32(c, body) : get16(c, body);
		units = (uint64_t)get32(c, body + 4) << 32 | get32(c, body + 8);
		out->captured = get32(c, body + 12);
		out->wire = get32(c, body + 16);
	}
	if (index >= c->interface_count)
		return broken(c, err, offset_of(c),
		    "a packet of an interface that was not "
		    "described");
	interface = &c->interfaces[index];
	if (kind == BLOCK_SIMPLE) {
		out->wire = get32(c, body);
		out->captured = out->wire;
		if (interface->snaplen != 0 && interface->snaplen < out->captured)
			out->captured = interface->snaplen;
	}
	if (out->captured > len - fixed)
		return broken(c, err, offset_of(c), "a packet is longer than its block");
	out->frame = body + fixed;
	out->linktype = interface->linktype;
	/* A simple packet has no time: it gets that of the packet before. */
	if (kind != BLOCK_SIMPLE)
		c->last_ns = to_ns(units, interface);
	out->time_ns = c->last_ns;
	return CAPTURE_RECORD;
}

/* Reads the head of a section: its byte order holds for all that follows. */
static enum capture_event
read_section(struct capture *c, struct err *err)
{
	const uint8_t *h = c->buffer + c->at;

	if (load_le32(h + 8) == 0x1a2b3c4d)
		c->is_swapped = false;
	else if (load_be32(h + 8) == 0x1a2b3c4d)
		c->is_swapped = true;
	else
		return broken(c, err, offset_of(c), "a section without byte-order magic");
	c->interface_count = 0;
	return CAPTURE_RECORD;
}

static enum capture_event
next_block(struct capture *c, bool may_refill, struct record *out, bool *has_packet,
    struct err *err)
{
	struct interface interface = {.per_second = 1000000};
	const uint8_t *h;
	uint32_t kind, len;
	enum capture_event event = CAPTURE_RECORD;
	uint64_t offset;
	int status;

	*has_packet = false;
	if (!may_refill && c->end - c->at < 12)
		return CAPTURE_REFILL;
	if ((status = need(c, 12, err)) < 0)
		return CAPTURE_ERROR;
	if (status == 0)
		return c->at == c->end ? CAPTURE_END
		    : broken(c, err, offset_of(c),
		        "the file is cut off within a block header");
	h = c->buffer + c->at;
	kind = load_le32(h); /* the section's number reads the same both ways */
	if (kind == BLOCK_SECTION) {
		if ((event = read_section(c, err)) != CAPTURE_RECORD)
			return event;
	} else {
		kind = get32(c, h);
	}
	len = get32(c, h + 4);
	if (len < 12 || len % 4 != 0)
		return broken(c, err, offset_of(c), "a block of an impossible length");
	if (kind != BLOCK_INTERFACE && kind != BLOCK_PACKET && kind != BLOCK_SIMPLE &&
	    kind != BLOCK_ENHANCED) {
		if (!may_refill && c->end - c->at < len)
			return CAPTURE_REFILL;
		c->skipped_blocks += kind != BLOCK_SECTION;
		offset = offset_of(c);
		status = skip(c, len, err);
		return status > 0 ? CAPTURE_RECORD : status < 0 ? CAPTURE_ERROR
		    : broken(c, err, offset, "the file is cut off within a block");
	}
	if (len > RECORD_MAX + BLOCK_HEAD_MAX)
		return broken(c, err, offset_of(c),
		    "a block claims more than 512 KiB, the file is "
		    "corrupt from here on");
	if (!may_refill && c->end - c->at < len)
		return CAPTURE_REFILL;
	if ((status = need(c, len, err)) < 0)
		return CAPTURE_ERROR;
	if (status == 0)
		return broken(c, err, offset_of(c), "the file is cut off within a block");
	h = c->buffer + c->at;
	if (get32(c, h + len - 4) != len)
		return broken(c, err, offset_of(c), "a block's two lengths differ");
	if (kind == BLOCK_INTERFACE) {
		if (len < 20)
			return broken(c, err, offset_of(c),
			    "an interface block is too short");
		interface.linktype = get16(c, h + 8);
		interface.snaplen = get32(c, h + 12);
		read_interface_options(c, &interface, cursor_over(h + 16, len - 20));
		if (add_interface(c, interface, err) != 0)
			return CAPTURE_ERROR;
	} else {
		*has_packet = true;
		event = read_packet_block(c, kind, h + 8, len - 12, out, err);
	}
	c->at += len;
	return event;
}

enum capture_event
capture_next(struct capture *c, bool may_refill, struct record *out, struct err *err)
{
	enum capture_event event;
	bool has_packet;

	if (next_usual(c, out))
		return CAPTURE_RECORD;
	if (c->is_broken)
		return CAPTURE_END;
	if (!c->is_ng)
		return next_pcap(c, may_refill, out, err);
	do
		event = next_block(c, may_refill, out, &has_packet, err);
	while (event == CAPTURE_RECORD && !has_packet);
	return event;
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
	*at_bytes = offset_of(c);
	*size_bytes = c->size;
}
