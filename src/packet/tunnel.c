/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inner packets of tunnels. A packet that was decoded by its outer header is looked
 * at again: while a row of tunnel.def fits, what it carries (inner.c) is decoded by the
 * same tables as a frame, and takes the outer one's place, but for the octets, which stay those of
 * the outermost header. What cannot be read, or says it is longer than what it lies in,
 * leaves the packet as it was.
 */
#include "packet/tunnel.h"

#include <errno.h>

#include "base/err.h"
#include "base/text.h"
#include "packet/inner.h"

enum { UDP = 17, UDP_HEADER = 8 };

const struct counter_row tunnel_counter_rows[TUNNEL_COUNTERS] = {
#define COUNTER(id, help) {#id, help},
#include "packet/tunneled.def"
#undef COUNTER
};

static const struct tunnel_row {
	const char *id;
	uint8_t proto;
	uint16_t port;
	walk_fn *open;
	const char *help;
} rows[] = {
#define TUNNEL(id, proto, port, help) {#id, proto, port, inner_##id, help},
#include "packet/tunnel.def"
#undef TUNNEL
};
enum { ROWS = sizeof rows / sizeof *rows };
_Static_assert(ROWS <= 32, "a bit for each");

static const struct tunnel_row *
row_of(const struct packet *p, uint32_t kinds)
{
	if (p->flags & PACKET_LATER_FRAGMENT)
		return NULL;
	for (unsigned i = 0; i < ROWS; i++) {
		const struct tunnel_row *row = &rows[i];

		if (!(kinds >> i & 1) || row->proto != p->proto)
			continue;
		if (row->port == 0)
			return row;
		if (p->flags & PACKET_HAS_PORTS && (row->port == p->dst_port ||
		        (row->port == p->src_port && row->open != inner_vxlan)))
			return row;
	}
	return NULL;
}

/* One level down; false leaves p as it is. end is where p's own datagram ends. */
static bool
open_one(const struct tunnel_row *row, const uint8_t *frame, uint32_t captured,
    uint32_t *end, struct packet *p)
{
	bool may_end_later = p->flags & PACKET_FRAGMENT; /* in the next fragment */
	struct walk w = {frame, p->transport_at, captured < *end ? captured : *end, *end};
	struct packet inner = *p;

	if (p->proto == UDP && !walk_skip(&w, UDP_HEADER))
		return false;
	inner.flags = p->flags & (PACKET_HAS_MAC | PACKET_SEGMENT);
	inner.src_port = inner.dst_port = 0;
	inner.tcp_options = NULL;
	inner.tcp_options_bytes = inner.ip_options_bytes = 0;
	inner.payload_bytes = inner.fragment_id = inner.flow_label = 0;
	inner.src = inner.dst = (struct addr){0};
	if (row->open(&w, &inner) != PACKET_COUNT_ip)
		return false;
	if (inner.ip_bytes > *end - inner.ip_at && !may_end_later)
		return false;
	if (inner.ip_bytes < *end - inner.ip_at)
		*end = inner.ip_at + inner.ip_bytes;
	inner.ip_bytes = p->ip_bytes;
	inner.flags |= PACKET_INNER;
	*p = inner;
	return true;
}

enum tunnel_counter
tunnel_open(const uint8_t *frame, uint32_t captured, uint32_t wire, uint32_t kinds,
    struct packet *p)
{
	const struct tunnel_row *row = row_of(p, kinds);
	uint32_t end = wire;

	if (row == NULL)
		return TUNNEL_COUNT_none;
	if (p->ip_bytes < end - p->ip_at)
		end = p->ip_at + p->ip_bytes;
	for (int depth = 0; row != NULL; depth++) {
		if (depth == TUNNEL_DEPTH)
			return TUNNEL_COUNT_too_deep;
		if (!open_one(row, frame, captured, &end, p))
			return depth == 0 ? TUNNEL_COUNT_unread : TUNNEL_COUNT_opened;
		row = row_of(p, kinds);
	}
	return TUNNEL_COUNT_opened;
}

int
tunnel_kinds(const char *list, uint32_t *out, struct err *err)
{
	uint32_t kinds = 0;
	size_t len;
	bool is_known;

	if (strcmp(list, "outer") == 0 || strcmp(list, "inner") == 0) {
		*out = list[0] == 'o' ? 0 : UINT32_MAX;
		return 0;
	}
	for (; *list != '\0'; list += len + (list[len] == ',')) {
		len = strcspn(list, ",");
		is_known = false;
		for (unsigned i = 0; i < ROWS; i++) {
			if (strlen(rows[i].id) != len || memcmp(rows[i].id, list,
			    len) != 0)
				continue;
			kinds |= (uint32_t)1 << i;
			is_known = true;
		}
		if (!is_known)
			return err_set(err, EINVAL,
			    "tunnels are outer, inner or some of the names "
			    "that --help lists, with commas between, not '%s'", list);
	}
	*out = kinds;
	return 0;
}

void
tunnel_help(struct text *out)
{
	for (unsigned i = 0; i < ROWS; i++)
		text_printf(out, "  %-16s %s\n", rows[i].id, rows[i].help);
}
