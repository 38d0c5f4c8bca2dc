/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a frame, the first byte choosing the link type, and as a capture file.
 * Checks what packet.h promises of offsets and lengths, and that the counters add up.
 */
#include "base/err.h"
#include "packet/source.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Inside a tunnel the same holds, but for octets: those are the outermost header's. */
static void
one_tunnel(const uint8_t *frame, uint32_t captured, uint32_t wire, struct packet p)
{
	uint32_t ip_bytes = p.ip_bytes, i;
	volatile uint8_t sum = 0;

	assert(tunnel_open(frame, captured, wire, UINT32_MAX, &p) < TUNNEL_COUNTERS);
	assert(p.ip_bytes == ip_bytes);
	assert(p.ip_at + 20 <= p.transport_at && p.transport_at <= p.headers_end);
	assert(p.headers_end <= captured);
	for (i = 0; i < p.tcp_options_bytes; i++)
		sum = (uint8_t)(sum + p.tcp_options[i]);
}

static void
one_frame(const uint8_t *data, size_t size)
{
	uint32_t linktype = (uint32_t)data[0] & 0x7f, extended = linktype + 0x80;
	uint32_t captured = (uint32_t)size - 1;
	volatile uint8_t sum = 0;
	uint8_t *exact = malloc(captured + 1); /* its end is the frame's end */
	struct packet p;
	uint32_t i;

	if (exact == NULL)
		abort();
	memcpy(exact + 1, data + 1, captured);
	if (data[0] & 0x80) /* link types up to 383, those of Ethernet more often */
		linktype = packet_link_name(extended) != NULL ? extended : 276;
	else if (packet_link_name(linktype) == NULL)
		linktype = 1;
	if (packet_decode(linktype, exact + 1, captured, captured + captured % 3 * 40, 0,
	    &p) ==
	    PACKET_COUNT_ip) {
		assert(p.ip_at + 20 <= p.transport_at && p.transport_at <= p.headers_end);
		assert(p.headers_end <= captured && p.payload_bytes <= p.ip_bytes);
		for (i = 0; i < p.tcp_options_bytes; i++)
			sum = (uint8_t)(sum + p.tcp_options[i]);
		one_tunnel(exact + 1, captured, captured + captured % 3 * 40, p);
	}
	assert(p.ip_at <= captured);
	free(exact);
}

static void
one_file(const uint8_t *data, size_t size)
{
	struct packet packets[SOURCE_BURST];
	struct source *source = NULL;
	struct err err = {0};
	uint64_t frames = 0;
	char path[64];
	int fd, i;

	if ((fd = memfd_create("capture", 0)) == -1 ||
	    write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (source_open(path, &source, &err) == 0) {
		while ((i = source_burst(source, packets, &err)) > 0)
			assert(i <= SOURCE_BURST);
		assert(i == 0 || err.code != 0);
		for (i = 0; i < PACKET_COUNTERS; i++)
			frames += source_stats(source)->counters[i];
		assert(frames == source_stats(source)->frames);
		source_close(source);
	}
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && size < 1 << 20) {
		one_frame(data, size);
		one_file(data, size);
	}
	return 0;
}
