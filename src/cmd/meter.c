/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir meter: packets of capture files or of an interface to flows, and flows to a store,
 * to collectors or to text.
 */
#include "cmd/meter.h"

#include "base/err.h"
#include "cmd/common.h"
#include "run/run.h"

#include <stdlib.h>

static const struct option_row options[] = {
	/* packets */
	{"read", 'r', OPTION_LIST, offsetof(struct meter_values, files), "FILE", NULL, 0,
	    0, "capture file, pcap or pcapng, or a folder of them; - is standard input; "
	    "may be given often"},
	{"interface", 'i', OPTION_LIST, offsetof(struct meter_values, interfaces),
	    "[INDEX:]NAME", NULL, 0, 0,
	    "capture live on this interface, or on another device that libpcap knows; "
	    "INDEX, or else the interface's own, stands in the flows as ingress; may be "
	    "given often"},
	{"receive-psamp", 'R', OPTION_TEXT, offsetof(struct meter_values, receive),
	    "HOST:PORT",
	    NULL, 0, 0,
	    "receive reports of packets (PSAMP by IPFIX over udp) at this address, "
	    "[IPV6]:PORT and :PORT too, in place of -r and -i"},
	{"workers", 0, OPTION_NUMBER, offsetof(struct meter_values, workers), "N", "1", 1,
	    RUN_WORKERS_MAX, "threads that share the packets of an interface"},
	{"buffer", 'B', OPTION_NUMBER, offsetof(struct meter_values, buffer_bytes),
	    "BYTES",
	    "32Mi", 1 << 16, 1 << 30, "memory for packets not yet read, of each worker"},
	{"snaplen", 'C', OPTION_NUMBER, offsetof(struct meter_values, snaplen), "BYTES",
	    NULL,
	    64, 262144, "look at no more of a frame; 256 live, else all that is there"},
	{"no-promisc", 'N', OPTION_FLAG, offsetof(struct meter_values, no_promisc), NULL,
	    NULL, 0, 0, "do not make the interface promiscuous"},
	/* as a service */
	{"daemon", 0, OPTION_FLAG, offsetof(struct meter_values, is_daemon), NULL, NULL,
	    0, 0, "live: go into the background once capturing, and log to syslog"},
	{"pid-file", 'p', OPTION_TEXT, offsetof(struct meter_values, pid_file), "FILE",
	    NULL, 0, 0, "live: a file with the process id, while it runs"},
	{"user", 0, OPTION_TEXT, offsetof(struct meter_values, user), "USER[:GROUP]",
	    NULL, 0, 0, "live: become this user once the interfaces are open"},
	{"no-sandbox", 0, OPTION_FLAG, offsetof(struct meter_values, no_sandbox), NULL,
	    NULL, 0,
	    0, "keep all rights; else capabilities, paths and system calls that are not "
	    "needed any more are given up once all is open"},
	{"verbose", 'D', OPTION_FLAG, offsetof(struct meter_values, is_verbose), NULL,
	    NULL, 0, 0, "live: say more in the log"},
	/* flows */
	{"timeout", 't', OPTION_LIST, offsetof(struct meter_values, timeouts),
	    "NAME=TIME", NULL, 0, 0, "a timeout, such as udp=5m; the names are below"},
	{"key", 'T', OPTION_TEXT, offsetof(struct meter_values, key), "NAME", "vlan", 0,
	    0,
	    "what makes packets one flow: full, port, proto, noproto, ip, vlan or ether"},
	{"own-mac", 'H', OPTION_LIST, offsetof(struct meter_values, macs), "MAC", NULL, 0,
	    0, "with --key ether: what this address sends is egress, what it gets "
	    "ingress; may be given often; live the interfaces' own without this option"},
	{"tunnel", 0, OPTION_TEXT, offsetof(struct meter_values, tunnel), "KINDS",
	    "outer", 0, 0,
	    "packets in tunnels: outer meters them by their outermost header, inner by "
	    "the innermost, a list such as gre,vxlan opens those kinds; octets are "
	    "always those of the outermost header"},
	{"sample", 's', OPTION_NUMBER, offsetof(struct meter_values, sample), "N", "1", 1,
	    UINT32_MAX, "meter every N-th packet only"},
	{"sample-random", 0, OPTION_NUMBER, offsetof(struct meter_values, sample_random),
	    "N", "1", 1, UINT32_MAX, "meter each packet with a chance of one in N"},
	{"mpls-labels", 'x', OPTION_NUMBER, offsetof(struct meter_values, labels), "N",
	    "10", 0, METER_LABELS_MAX, "MPLS labels to record of a flow's first packet"},
	{"max-flows", 'm', OPTION_NUMBER, offsetof(struct meter_values, max_flows),
	    "FLOWS", "4M",
	    64, UINT32_MAX, "flows in memory; beyond, the oldest are written"},
	{"no-cut", 0, OPTION_FLAG, offsetof(struct meter_values, no_cut), NULL, NULL, 0,
	    0, "do not cut TCP connections into exchanges"},
	{"request-min", 0, OPTION_NUMBER, offsetof(struct meter_values, request_min),
	    "BYTES", "50", 1, UINT32_MAX,
	    "smallest burst of a client that begins an exchange, but for HTTP/2"},
	{"uniflow", 0, OPTION_FLAG, offsetof(struct meter_values, is_directional), NULL,
	    NULL, 0, 0, "a flow for each direction"},
	/* to a store */
	OPTION_STORE_ROW(struct meter_values),
	{"rotate", 0, OPTION_TIME, offsetof(struct meter_values, rotate_us), "TIME", "5m",
	    0, 0,
	    "a new segment of the store every so often, by the packets' time; live, by "
	    "the clock"},
	/* to collectors */
	EXPORT_OPTION_ROWS(struct meter_values, export),
	/* as text */
	{"format", 'o', OPTION_TEXT, offsetof(struct meter_values, format), "FORMAT",
	    NULL, 0, 0, "print the flows: table, tsv, csv or ndjson"},
	OPTION_OUTPUT_ROW(struct meter_values),
	{"fields", 'f', OPTION_TEXT, offsetof(struct meter_values, fields), "LIST", NULL,
	    0, 0, "columns to print"},
	/* while and after it runs */
	OPTION_CONTROL_ROWS(struct meter_values, control),
	{"summary", 0, OPTION_TEXT, offsetof(struct meter_values, summary), "NAME",
	    "frames", 0, 0,
	    "what is printed at the end: frames, softflowd (its statistics, then ours) "
	    "or json"},
};

static int
run(void *values, const char **operands, int count, struct err *err)
{
	struct meter_values *v = values;
	int status = EXIT_USAGE;

	v->filter = operands_join(operands, count);
	if (meter_values_check(v, err) == 0)
		status = v->files.count > 0 ? meter_files(v, err) : meter_live(v, err);
	free(v->filter);
	return status;
}

const struct command command_meter = {
	.name = "meter",
	.summary = "Makes flows of captured packets",
	.operands = "-r FILE | -i INTERFACE | -R HOST:PORT [FILTER]",
	.about = "Reads captures (pcap and pcapng of Ethernet, Linux cooked, raw IP, "
	    "loopback, PPP, frame relay, HDLC, ATM, 802.11 and other link types; VLAN "
	    "stacks, PPPoE, MPLS; IPv4 and IPv6) and makes biflows: src is the "
	    "initiator by SYN, by the server's port, or by who came first, as "
	    "biflow_direction says. Octets are those of the IP header's total length. A "
	    "summary follows in which all frames of the input are accounted for.\n\n"
	    "A TCP connection is cut into exchanges of a request and its response, so "
	    "that a download is a record. An exchange ends when the client sends at "
	    "least 50 bytes of new data after the server has answered and that segment "
	    "acknowledges all of the answer; two to four of the smaller bursts that "
	    "came before, at once, end none. Requests of HTTP/2 in TLS may be smaller: "
	    "where a client is seen to acknowledge settings, what is as long as no "
	    "frame of flow control is a request. A response of 1 KiB or a request of 64 "
	    "KiB makes a record for the first 64 exchanges, one of 8 KiB up to the "
	    "1,024th, one of 256 KiB after that; the rest is folded into a remainder "
	    "record. The span of a direction is its payload by sequence numbers, "
	    "retransmissions counted once; if only the other direction was seen, its "
	    "acknowledgements tell (by_ack).\n\n"
	    "marks describe pipelined connections, for weir-identify: each is kind << "
	    "62 | value << 40 | offset, kind 0 a request of value octets sent when "
	    "offset octets of the server's stream had come, kind 1 a pushed segment of "
	    "value octets, an unusual number, that ended at offset, kind 3 value marks "
	    "that were dropped.\n\n"
	    "Fragments join the flow of their first fragment, which a bounded table "
	    "remembers for 30 seconds; those that come before it wait for it for up to "
	    "2 seconds. What finds no first fragment is metered without ports.\n\n"
	    "A packet in a tunnel is metered by its outer header, or with --tunnel by "
	    "an inner one, up to 8 levels deep: addresses, ports, TTL, flags and spans "
	    "are that header's, octets stay the outermost header's. The same addresses "
	    "in two networks of VXLAN, NVGRE or Geneve, or under two keys of GRE, are "
	    "two flows under every key; segment and tunnel_key say which. Later "
	    "fragments of a tunnel's own packets show nothing of what is inside and "
	    "stay with the outer header.\n\n"
	    "Under --sample or --sample-random connections are not cut, the row says N "
	    "(sampling), packets and octets are those of the sample and not multiplied. "
	    "SYN, FIN and RST segments outside the sample are kept all the same, but "
	    "counted apart (outside_packets, outside_bytes) and never to be multiplied "
	    "by N. first_sequence and last_sequence are of the first and last packet in "
	    "the sample. Spans are exact where a side's SYN and FIN were seen, else "
	    "lower bounds (at_least).\n\n"
	    "Where the table of flows is full, the one due first is written, but not "
	    "one that is more alive than those written before it: a flood of new flows "
	    "does not push out the others.\n\n"
	    "With -i it captures live until SIGINT or SIGTERM, which write all flows. "
	    "SIGHUP opens the file of -w anew, SIGUSR1 writes the statistics to the "
	    "log. A flow is written within a second after its time is over. An "
	    "interface that goes down or vanishes is waited for. What the kernel or a "
	    "full queue dropped is counted and told. FILTER is in the language of "
	    "pcap-filter(7), for files too.\n\n"
	    "With -R the packets are those that other exporters report, such as weir "
	    "meter -v psamp or softflowd -v psamp: sections that begin with the IP "
	    "header (ipHeaderPacketSection) or with the frame (dataLinkFrameSection). "
	    "Flows have the packets' times; without further reports time goes on from "
	    "the newest packet. Reports count as they come: what their exporter left "
	    "out by sampling is not added. Whoever can send to the port can make flows, "
	    "so let only exporters.\n\n"
	    "Payload is neither kept nor sent.",
	.examples = "weir meter -r capture.pcap --store flows\n"
	    "weir meter -r capture.pcap -n 127.0.0.1:2055 -v 9\n"
	    "tcpdump -w - | weir meter -r - -o ndjson\n"
	    "weir meter -i eth0 --store flows not port 2055\n"
	"weir meter -i 3:eth0 --workers 2 -n 192.0.2.1:2055 -v 9 --daemon -p "
	"/run/weir.pid",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct meter_values),
	.sandbox = SANDBOX_FILES | SANDBOX_NETWORK | SANDBOX_THREADS,
	.run = run,
	.more_help = meter_more_help,
};
