/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir strip: a capture without payload and with other addresses, fit to be given away.
 */
#include "packet/strip.h"

#include "cmd/common.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct values {
	char none;
};

static int
run(void *values, const char **operands, int count, struct err *err)
{
	struct strip_stats stats;

	if (count != 2) {
		err_set(err, EINVAL, "needs two files: strip IN OUT");
		return EXIT_USAGE;
	}
	if (strip_file(operands[0], operands[1], &stats, err) != 0)
		return EXIT_TROUBLE;
	printf("%" PRIu64 " frames, %" PRIu64 " with IP; %" PRIu64 " of %" PRIu64
	    " captured bytes kept\n%u IPv4, %u IPv6 and %u MAC addresses replaced\n",
	    stats.frames, stats.ip_packets, stats.written_bytes, stats.captured_bytes,
	    stats.addresses_v4, stats.addresses_v6, stats.macs);
	if (stats.beyond_documentation > 0)
		printf("%u IPv4 addresses found no room in the documentation networks "
		    "and got one "
		    "of 198.18.0.0/15\n", stats.beyond_documentation);
	return EXIT_GOOD;
}

const struct command command_strip = {
	.name = "strip",
	.summary = "Cuts payload and real addresses out of a capture",
	.operands = "IN OUT",
	.about = "Copies the capture IN (pcap or pcapng) to OUT (pcap): every frame "
	    "ends after its transport header, wire lengths and times stay, addresses "
	    "become those of the documentation networks in order of first appearance. "
	    "The result gives the same flows as the original.\n\n"
	    "Ports, times, sizes and TCP options stay: who knows the traffic may know "
	    "it again.",
	.examples = "weir strip capture.pcap stripped.pcap",
	.values_size = sizeof(struct values),
	.run = run,
};
