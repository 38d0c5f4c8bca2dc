/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_EXPORTING_H
#define CMD_EXPORTING_H

#include "base/option.h"
#include "send/send.h"

struct err;
struct packet;

/* The options of sending to collectors, for every command that does. */
struct export_values {
	const char *collectors, *transport, *version, *times, *interface, *source,
	    *engine;
	uint64_t hop_limit, domain, mtu, rate, pen, messages;
	int64_t refresh_us, uptime_us, patience_us;
	bool is_biflow, is_plain, is_balanced;
};

#define EXPORT_AT(type, member, value) offsetof(type, member.value)
#define EXPORT_OPTION_ROWS(type, member)                                                \
	{"send", 'n', OPTION_TEXT, EXPORT_AT(type, member, collectors), "HOST:PORT", \
	    NULL, 0, 0, "send the flows to this collector, or to several with commas " \
	    "between; [IPV6]:PORT and multicast groups too"}, \
	{"balance", 'l', OPTION_FLAG, EXPORT_AT(type, member, is_balanced), NULL, NULL, \
	    0, 0, "each flow goes to one of several collectors, in turn, not to all"}, \
	{"transport", 'P', OPTION_TEXT, EXPORT_AT(type, member, transport), "NAME", \
	    "udp", 0, 0, "udp; tcp or sctp with ipfix"}, \
	{"export", 'v', OPTION_TEXT, EXPORT_AT(type, member, version), "VERSION", \
	    "ipfix", 0, 0, "what is sent: 1, 5, 7, 9 or ipfix (10); psamp reports " \
	    "packets (RFC 5476): headers without payload, of those that -s or " \
	    "--sample-random selects"}, \
	{"biflow", 'b', OPTION_FLAG, EXPORT_AT(type, member, is_biflow), NULL, NULL, 0, \
	    0, "with ipfix: both directions in one record (RFC 5103)"}, \
	{"plain", 0, OPTION_FLAG, EXPORT_AT(type, member, is_plain), NULL, NULL, 0, 0,  \
	    "with ipfix: only elements of the IANA registry, not weir's own"},          \
	{"times", 'A', OPTION_TEXT, EXPORT_AT(type, member, times), "UNIT", NULL, 0, 0, \
	    "with 9 and ipfix: absolute times in sec, milli, micro or nano"},           \
	{"pen", 0, OPTION_NUMBER, EXPORT_AT(type, member, pen), "NUMBER", "32473", 1,   \
	    UINT32_MAX - 1, "enterprise number of weir's own elements, which are " \
	    "described to the collector (RFC 5610)"}, \
	{"domain", 0, OPTION_NUMBER, EXPORT_AT(type, member, domain), "NUMBER", "0", 0, \
	    UINT32_MAX, "observation domain (ipfix) or source id (9)"},                 \
	{"engine", 0, OPTION_TEXT, EXPORT_AT(type, member, engine), "TYPE:ID", NULL, 0, \
	    0, "engine type and id (5), in place of --domain"}, \
	{"mtu", 0, OPTION_NUMBER, EXPORT_AT(type, member, mtu), "BYTES", NULL, 1052,    \
	    65535, "by udp: largest IP packet; 1428, on this machine itself 7800; the " \
	    "path's own limit holds too"}, \
	{"rate", 0, OPTION_NUMBER, EXPORT_AT(type, member, rate), "BYTES", NULL, 1000, \
	    0, "octets a second at most; 64Mi where files are sent by udp, else " \
	    "unlimited"}, \
	{"hop-limit", 'L', OPTION_NUMBER, EXPORT_AT(type, member, hop_limit), "N", NULL, \
	    1, 255, "TTL or hop limit of what is sent; 1 for multicast"}, \
	{"send-interface", 'S', OPTION_TEXT, EXPORT_AT(type, member, interface), \
	    "INTERFACE", NULL, 0, 0, "send through this interface"}, \
	{"source", 'e', OPTION_TEXT, EXPORT_AT(type, member, source), "ADDRESS", NULL, \
	    0, 0, "send from this address, or ADDRESS:PORT"}, \
	{"resend", 0, OPTION_TIME, EXPORT_AT(type, member, refresh_us), "TIME", "1m", 0, \
	    0, "by udp: send templates and options again this often"}, \
	{"resend-after", 0, OPTION_NUMBER, EXPORT_AT(type, member, messages), "N", \
	    "1000", 1, UINT32_MAX, "and after so many datagrams"}, \
	{"boot-time", 'I', OPTION_TIME, EXPORT_AT(type, member, uptime_us), "TIME", \
	    "45d", 0, 0, "1 to 9: begin the uptime clock anew when it is so old; it " \
	    "wraps after 49.7 days"}, \
	{"patience", 0, OPTION_TIME, EXPORT_AT(type, member, patience_us), "TIME", \
	    "10s", 0, 0, "tcp and sctp: how long to wait for a collector that takes " \
	    "nothing"}

/* What the options say; -1 and what is wrong. The strings stay borrowed. */
int export_make(const struct export_values *v, struct send_config *out, struct err *err);

/* Packets to a sink that reports them (-v psamp); n 0 lets it look at the time. */
struct export_reports {
	const struct packet *packets;
	size_t n;
	uint64_t seen;    /* out of which they were selected */
	uint32_t ingress; /* interface; 0: not known */
	int64_t now_us;   /* 0: by the packets' time */
};
int export_packets(struct sink *sink, const struct export_reports *reports,
    struct err *err);

/* Tells once what could not be sent for want of a place in the format; sink may be
 * NULL. */
void export_complain(const struct sink *sink, const struct export_values *v);
/* -1 and how many, if records that were to be sent were not; sink may be NULL. */
int export_check_lost(const struct sink *sink, const struct export_values *v,
    struct err *err);

#endif
