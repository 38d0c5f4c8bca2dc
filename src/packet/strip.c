/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cuts payload off a capture and replaces addresses. The decoder says where the IP header
 * lies and where the last understood header ends; the frame is copied up to there and
 * then changed in place. What is no IP keeps its link header alone.
 */
#include "packet/strip.h"

#include "base/err.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "packet/capture.h"
#include "packet/packet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FRAME_MAX = 1 << 16, NAMES_MAX = 1 << 17, SLOTS = NAMES_MAX * 2 };

/* Numbers for byte strings in order of first appearance. */
struct names {
	struct {
		uint8_t key[16];
		uint32_t number; /* from 1; 0: free */
	} *slots;
	uint32_t count;
};

struct strip {
	struct capture *capture;
	FILE *file;
	struct names v4, v6, macs;
	struct strip_stats *stats;
	const char *in;
	uint64_t seed;
	uint64_t unit_ns; /* of the times written; fixed by the file header */
};

static int
names_number(struct strip *s, struct names *names, const uint8_t *bytes, size_t n,
    uint32_t *out, struct err *err)
{
	uint8_t key[16] = {0};
	size_t i;

	if (names->slots == NULL &&
	    (names->slots = calloc(SLOTS, sizeof *names->slots)) == NULL)
		return err_set(err, ENOMEM, "%s: out of memory", s->in);
	memcpy(key, bytes, n);
	i = hash64(key, sizeof key, s->seed) % SLOTS;
	while (names->slots[i].number != 0 && memcmp(names->slots[i].key, key, 16) != 0)
		i = (i + 1) % SLOTS;
	if (names->slots[i].number == 0) {
		if (names->count == NAMES_MAX - 1024)
			return err_set(err, E2BIG,
			    "%s: more than %d different addresses; strip a "
			    "part of the file", s->in, NAMES_MAX - 1024);
		memcpy(names->slots[i].key, key, 16);
		names->slots[i].number = ++names->count;
	}
	*out = names->slots[i].number;
	return 0;
}

static void
put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* The three documentation networks one after the other, then the benchmark network. */
static uint32_t
documentation_v4(uint32_t number)
{
	static const uint32_t nets[] = {0xc0000200, 0xc6336400, 0xcb007100};
	uint32_t i = number - 1;

	return i < 3 * 254 ? nets[i / 254] + i % 254 + 1 : 0xc6120000 + (i - 3 * 254) + 1;
}

static int
map_v4(struct strip *s, uint8_t *at, struct err *err)
{
	uint32_t number;

	if (names_number(s, &s->v4, at, 4, &number, err) != 0)
		return -1;
	put_be32(at, documentation_v4(number));
	s->stats->beyond_documentation = s->v4.count > 3 * 254 ? s->v4.count - 3 * 254
	    : 0;
	return 0;
}

static int
map_v6(struct strip *s, uint8_t *at, struct err *err)
{
	static const uint8_t net[12] = {0x20, 0x01, 0x0d, 0xb8};
	uint32_t number;

	if (names_number(s, &s->v6, at, 16, &number, err) != 0)
		return -1;
	memcpy(at, net, sizeof net);
	put_be32(at + 12, number);
	return 0;
}

static int
map_mac(struct strip *s, uint8_t *at, struct err *err)
{
	uint32_t number;

	if (memcmp(at, "\xff\xff\xff\xff\xff\xff", 6) == 0)
		return 0;
	if (names_number(s, &s->macs, at, 6, &number, err) != 0)
		return -1;
	at[0] = 2 | (at[0] & 1); /* a group's (33:33:ff:...) holds a part of an address */
	at[1] = 0;
	put_be32(at + 2, number);
	return 0;
}

static void
ipv4_checksum(uint8_t *h, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	h[10] = h[11] = 0;
	for (i = 0; i + 1 < len; i += 2)
		sum += load_be16(h + i);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	h[10] = (uint8_t)(sum >> 8);
	h[11] = (uint8_t)sum;
}

/* Extension headers keep type and length: routing and home address options name hosts. */
static void
clean_extensions(uint8_t *ip, size_t left)
{
	uint8_t proto = ip[6];
	size_t at = 40, header;

	while (left - at >= 8) {
		header = proto == 51 ? (ip[at + 1] + 2u) * 4 : (ip[at + 1] + 1u) * 8;
		if (proto == 44)
			header = 8;
		if (header > left - at)
			header = left - at;
		if (proto != 44)
			memset(ip + at + 2, 0, header - 2);
		proto = ip[at];
		at += header;
	}
}

/* Replaces what names anybody in the left bytes of IP headers at ip. */
static int
clean_ip(struct strip *s, uint8_t *ip, size_t left, struct err *err)
{
	if (ip[0] >> 4 == 6) {
		clean_extensions(ip, left);
		if (map_v6(s, ip + 8, err) != 0)
			return -1;
		return map_v6(s, ip + 24, err);
	}
	if (map_v4(s, ip + 12, err) != 0 || map_v4(s, ip + 16, err) != 0)
		return -1;
	memset(ip + 20, 1, left - 20);
	ipv4_checksum(ip, left);
	return 0;
}

/*
 * Of options that are not about the connection alone (MSS, window scale, SACK,
 * timestamps) only kind and length stay: multipath TCP and proxies put addresses there.
 */
static void
clean_tcp_options(uint8_t *p, size_t left)
{
	size_t at = 0, len;

	while (at < left) {
		if (p[at] <= 1) {
			at++;
			continue;
		}
		len = left - at >= 2 && p[at + 1] >= 2 ? p[at + 1] : left - at;
		if (len > left - at)
			len = left - at;
		if (!(p[at] >= 2 && p[at] <= 5) && p[at] != 8 && len > 2)
			memset(p + at + 2, 0, len - 2);
		at += len;
	}
}

/* Transport checksums cover what was cut off, and tell of it. */
static void
clean_transport(const struct packet *p, uint8_t *transport, size_t left)
{
	static const struct {
		uint8_t proto, at, len;
	} rows[] = {{6, 16, 2}, {17, 6, 2}, {136, 6, 2}, {33, 6, 2}, {1, 2, 2},
	    {58, 2, 2},
	    {132, 8, 4}};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].proto == p->proto && left >= rows[i].at + (size_t)rows[i].len)
			memset(transport + rows[i].at, 0, rows[i].len);
	if (p->proto == 6 && left > 20)
		clean_tcp_options(transport + 20, left - 20);
	if (p->proto == 1 && p->icmp_type == 5 && left >= 8)
		memset(transport + 4, 0, 4); /* the gateway of a redirect */
}

/* How many bytes of the frame stay: what cannot be understood may hold anything. */
static size_t
kept_bytes(uint32_t linktype, const struct packet *p, enum packet_counter verdict)
{
	static const uint32_t clean[] = {0, 1, 12, 14, 101, 108, 113, 228, 229, 276};
	size_t kept = 0, i;

	for (i = 0; i < sizeof clean / sizeof *clean && clean[i] != linktype; i++)
		;
	if (i == sizeof clean / sizeof *clean)
		return 0; /* stations' addresses that clean_link does not know of */
	if (p->flags & PACKET_BRIDGED)
		return 14; /* nor those of frames in frames */
	if (verdict == PACKET_COUNT_ip)
		kept = p->headers_end;
	else if (verdict == PACKET_COUNT_not_ip || verdict == PACKET_COUNT_short_ip ||
	    verdict == PACKET_COUNT_bad_ip)
		kept = p->ip_at;
	return kept < FRAME_MAX ? kept : FRAME_MAX;
}

/* Station addresses of the link header: 6 bytes, in cooked ones 8 of which some count. */
static int
clean_link(struct strip *s, uint32_t linktype, uint8_t *frame, size_t kept,
    struct err *err)
{
	size_t at = linktype == 113 ? 6 : 12, length_at = linktype == 113 ? 5 : 11;

	if (linktype == 1 && kept >= 12)
		return map_mac(s, frame, err) != 0 ? -1 : map_mac(s, frame + 6, err);
	if ((linktype != 113 && linktype != 276) || kept < at + 8)
		return 0;
	if (frame[length_at] != 6) {
		memset(frame + at, 0, 8);
		return 0;
	}
	memset(frame + at + 6, 0, 2);
	return map_mac(s, frame + at, err);
}

static int
strip_record(struct strip *s, const struct record *r, struct err *err)
{
	uint8_t head[16], frame[FRAME_MAX];
	struct packet packet;
	enum packet_counter verdict;
	uint32_t fields[4];
	size_t kept;

	if (r->linktype != capture_linktype(s->capture))
		return err_set(err, EINVAL,
		    "%s: has interfaces of different link types, which "
		    "classic pcap cannot hold; split it by interface first", s->in);
	if (r->time_ns < 0 || r->time_ns / 1000000000 > UINT32_MAX)
		return err_set(err, ERANGE,
		    "%s: frame %" PRIu64 " has a time before 1970 or after "
		    "2106, which pcap cannot hold", s->in, s->stats->frames + 1);
	verdict = packet_decode(r->linktype, r->frame, r->captured, r->wire, r->time_ns,
	    &packet);
	kept = kept_bytes(r->linktype, &packet, verdict);
	if (verdict == PACKET_COUNT_ip && kept == 0)
		return err_set(err, ENOTSUP,
		    "%s: link headers of type %u (%s) cannot be cleaned; "
		    "convert the file to Ethernet or raw IP first", s->in, r->linktype,
		    packet_link_name(r->linktype));
	memcpy(frame, r->frame, kept);
	if (clean_link(s, r->linktype, frame, kept, err) != 0)
		return -1;
	if (verdict == PACKET_COUNT_ip && packet.transport_at <= kept) {
		clean_transport(&packet, frame + packet.transport_at,
		    kept - packet.transport_at);
		if (clean_ip(s, frame + packet.ip_at, packet.transport_at - packet.ip_at,
		    err) != 0)
			return -1;
		s->stats->ip_packets++;
	}
	fields[0] = (uint32_t)(r->time_ns / 1000000000);
	fields[1] = (uint32_t)((uint64_t)(r->time_ns % 1000000000) / s->unit_ns);
	fields[2] = (uint32_t)kept;
	fields[3] = r->wire;
	memcpy(head, fields, sizeof head);
	fwrite(head, 1, sizeof head, s->file);
	fwrite(frame, 1, kept, s->file);
	s->stats->frames++;
	s->stats->captured_bytes += r->captured;
	s->stats->written_bytes += kept;
	return 0;
}

static void
write_header(struct strip *s)
{
	uint32_t header[6] = {s->unit_ns == 1 ? 0xa1b23c4d : 0xa1b2c3d4, 2 | 4 << 16,
	    0, 0, 262144, capture_linktype(s->capture)};

	fwrite(header, 1, sizeof header, s->file);
}

static int
strip_all(struct strip *s, const char *temporary, struct err *err)
{
	enum capture_event event;
	bool has_header = false;
	struct record r;

	while ((event = capture_next(s->capture, true, &r, err)) == CAPTURE_RECORD) {
		if (!has_header) { /* pcapng tells the units only now */
			s->unit_ns = capture_is_nano(s->capture) ? 1 : 1000;
			write_header(s);
		}
		has_header = true;
		if (s->unit_ns != 1 && capture_is_nano(s->capture))
			return err_set(err, EINVAL,
			    "%s: an interface with finer times appears after "
			    "the first packet; convert the file to nanosecond pcap first",
			    s->in);
		if (strip_record(s, &r, err) != 0)
			return -1;
		if (capture_is_cut(s->capture))
			return capture_cut_error(s->capture, err);
	}
	if (event == CAPTURE_ERROR)
		return -1;
	if (!has_header)
		write_header(s);
	if (fflush(s->file) != 0 || ferror(s->file) || fsync(fileno(s->file)) != 0)
		return err_set(err, errno, "%s: %s", temporary, strerror(errno));
	return 0;
}

int
strip_file(const char *in, const char *out, struct strip_stats *stats, struct err *err)
{
	struct strip s = {.stats = stats, .in = in, .seed = random_seed(),
	    .unit_ns = 1000};
	struct stat st;
	const char *base = strrchr(out, '/');
	char temporary[4096];
	int status = -1;

	*stats = (struct strip_stats){0};
	if (stat(out, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(err, EINVAL,
		    "%s: is no regular file; name a new file or one to "
		    "replace", out);
	base = base == NULL ? out : base + 1;
	if (strlen(out) + 32 > sizeof temporary)
		return err_set(err, ENAMETOOLONG, "%s: the name is too long", out);
	snprintf(temporary, sizeof temporary, "%.*s.%s.%ld.tmp", (int)(base - out), out,
	    base, (long)getpid());
	if (capture_open(in, &s.capture, err) != 0)
		return -1;
	if ((s.file = fopen(temporary, "wxe")) == NULL) {
		err_set(err, errno, "%s: %s", temporary, strerror(errno));
		goto fail;
	}
	status = strip_all(&s, temporary, err);
	if (fclose(s.file) != 0 && status == 0)
		status = err_set(err, errno, "%s: %s", temporary, strerror(errno));
	if (status == 0 && rename(temporary, out) != 0)
		status = err_set(err, errno, "%s: %s", out, strerror(errno));
	if (status != 0)
		unlink(temporary);
	stats->addresses_v4 = s.v4.count;
	stats->addresses_v6 = s.v6.count;
	stats->macs = s.macs.count;

fail:
	capture_close(s.capture);
	free(s.v4.slots);
	free(s.v6.slots);
	free(s.macs.slots);
	return status;
}
