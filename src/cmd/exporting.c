/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the options of sending mean together.
 */
#include "cmd/exporting.h"

#include "base/err.h"
#include "base/text.h"
#include "cmd/command.h"
#include "packet/source.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct word {
	const char *name;
	unsigned value;
};

static const struct word versions[] = {{"1", 1}, {"5", 5}, {"7", 7}, {"9", 9}, {"10", 10},
    {"ipfix", 10}, {"psamp", 10}, {NULL, 0}};
static const struct word times[] = {{"sec", WIRE_TIMES_SECONDS},
    {"milli", WIRE_TIMES_MILLI},
    {"micro", WIRE_TIMES_MICRO}, {"nano", WIRE_TIMES_NANO}, {NULL, 0}};
static const struct word transports[] = {{"udp", 1}, {"tcp", 2}, {"sctp", 3}, {NULL, 0}};

/* 0: no such word. */
static unsigned
find(const struct word *words, const char *name)
{
	for (; words->name != NULL; words++) {
		if (strcmp(words->name, name) == 0)
			return words->value;
	}
	return 0;
}

/* "TYPE:ID" of NetFlow v5, each an octet. */
static int
parse_engine(const char *text, uint32_t *out, struct err *err)
{
	const char *colon = strchr(text, ':');
	uint64_t type, id;

	if (colon == NULL || !parse_u64(text, (size_t)(colon - text), &type) ||
	    !parse_u64(colon + 1, strlen(colon + 1), &id) || type > 255 || id > 255)
		return err_set(err, EINVAL,
		    "--engine takes TYPE:ID, each 0 to 255, not '%s'", text);
	*out = (uint32_t)(type << 8 | id);
	return 0;
}

static int
check(const struct export_values *v, const struct send_config *c, struct err *err)
{
	unsigned version = c->encode.version;

	if (version == 0)
		return err_set(err, EINVAL,
		    "-v takes 1, 5, 7, 9, ipfix or psamp, not '%s'", v->version);
	if (c->encode.is_psamp && (v->is_biflow || v->times != NULL))
		return err_set(err, EINVAL,
		    "-b and -A are of flows, -v psamp reports packets");
	if (v->is_biflow && version != 10)
		return err_set(err, EINVAL,
		    "-b needs -v ipfix: NetFlow %u has no biflows", version);
	if (find(transports, v->transport) == 0)
		return err_set(err, EINVAL, "-P takes udp, tcp or sctp, not '%s'",
		    v->transport);
	if (version != 10 && strcmp(v->transport, "udp") != 0)
		return err_set(err, EINVAL,
		    "-P %s needs -v ipfix: NetFlow %u goes by udp only", v->transport,
		    version);
	if (v->times != NULL && find(times, v->times) == 0)
		return err_set(err, EINVAL,
		    "-A takes sec, milli, micro or nano, not '%s'", v->times);
	if (v->times != NULL && version < 9)
		return err_set(err, EINVAL,
		    "-A needs -v 9 or ipfix: NetFlow %u has only the "
		    "uptime clock", version);
	if (v->engine != NULL && version != 5)
		return err_set(err, EINVAL, "--engine is of NetFlow 5; use --domain");
	return 0;
}

int
export_make(const struct export_values *v, struct send_config *out, struct err *err)
{
	*out = (struct send_config){.collectors = v->collectors,
	    .transport = v->transport,
	    .is_balanced = v->is_balanced, .hop_limit = (unsigned)v->hop_limit,
	    .interface = v->interface, .source = v->source, .mtu = (size_t)v->mtu,
	    .rate_octets = (int64_t)v->rate, .patience_us = v->patience_us};
	out->encode = (struct wire_encode_config){.version = find(versions, v->version),
	    .is_biflow = v->is_biflow, .is_psamp = strcmp(v->version, "psamp") == 0,
	    .is_plain = v->is_plain, .pen = (uint32_t)v->pen,
	    .domain = (uint32_t)v->domain, .refresh_messages = (unsigned)v->messages,
	    .refresh_us = v->refresh_us, .announce_us = v->refresh_us,
	    .uptime_us = v->uptime_us};
	if (v->times != NULL)
		out->encode.times = find(times, v->times);
	if (check(v, out, err) != 0)
		return -1;
	return v->engine == NULL ? 0 : parse_engine(v->engine, &out->encode.domain, err);
}

int
export_packets(struct sink *sink, const struct export_reports *r, struct err *err)
{
	struct wire_packet out[SOURCE_BURST];
	struct wire_reports reports = {.packets = out, .observed = r->seen,
	    .now_us = r->now_us};
	size_t at = 0, i;

	do {
		reports.count = r->n - at < SOURCE_BURST ? r->n - at : SOURCE_BURST;
		for (i = 0; i < reports.count; i++) {
			const struct packet *p = &r->packets[at + i];
			bool is_whole = p->headers_end > p->ip_at;

			/* Only headers: payload is not even shown to the sender. */
			out[i] = (struct wire_packet){.time_ns = p->time_ns,
			    .section = p->frame + p->ip_at, .ip_bytes = p->ip_bytes,
			    .section_len = is_whole ? p->headers_end - p->ip_at : 0,
			    .ingress = r->ingress};
		}
		if (send_packets(sink, &reports, err) != 0)
			return -1;
		reports.observed = 0;
		at += reports.count;
	} while (at < r->n);
	return 0;
}

void
export_complain(const struct sink *sink, const struct export_values *v)
{
	uint64_t counters[SENT_COUNTERS];

	if (sink == NULL)
		return;
	send_encoder_counters(sink, counters);
	if (counters[SENT_ipv6_left_out] > 0)
		complain("%" PRIu64 " IPv6 flows were not sent: NetFlow %s has no place "
		    "for them; use -v 9 or ipfix", counters[SENT_ipv6_left_out],
		    v->version);
}

int
export_check_lost(const struct sink *sink, const struct export_values *v, struct err *err)
{
	uint64_t counters[SEND_COUNTERS];

	if (sink == NULL)
		return 0;
	send_counters(sink, counters);
	if (counters[SEND_records_lost] == 0)
		return 0;
	return err_set(err, EIO,
	    "%" PRIu64 " records were not sent: %s did not take them",
	    counters[SEND_records_lost], v->collectors);
}
