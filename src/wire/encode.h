/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WIRE_ENCODE_H
#define WIRE_ENCODE_H

#include "base/counter.h"
#include "model/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct batch;
struct err;
struct wire_encoder;

enum sent_counter {
#define COUNTER(id, help) SENT_##id,
#include "wire/sent.def"
#undef COUNTER
	SENT_COUNTERS
};

extern const struct counter_row sent_counter_rows[SENT_COUNTERS];

/* Datagrams one behind the other. */
struct wire_train {
	const uint8_t *octets;
	const uint32_t *lens; /* of each */
	const uint32_t *records; /* flow records in each */
	unsigned count;
	size_t len;           /* of all */
};

/* How flows tell their times. */
enum wire_times {
	/* v9: by the uptime clock; IPFIX: milliseconds, and with weir's own elements
	 * microseconds too */
	WIRE_TIMES_DEFAULT,
	WIRE_TIMES_SECONDS, /* absolute ones: v9 and IPFIX */
	WIRE_TIMES_MILLI,
	WIRE_TIMES_MICRO,
	WIRE_TIMES_NANO,
};

struct wire_interface {
	uint32_t index;
	const char *name;
};

/* What an exporter says of what it could not do. */
struct wire_statistics {
	uint64_t not_sent; /* records */
	int64_t not_sent_first_us, not_sent_last_us; /* when that was; 0: not known */
	uint64_t ignored_packets, ignored_octets; /* by the meter */
	int64_t ignored_first_us, ignored_last_us;
	/* That it sends from, to which its collectors can answer. */
	struct addr address;
	bool has_address;
};

/* 0 in a number means the default, which stands behind it. */
struct wire_encode_config {
	unsigned version;      /* 1, 5, 7, 9 or 10 (IPFIX) */
	bool is_biflow;        /* IPFIX only: RFC 5103, one record for both directions */
	bool is_psamp;         /* IPFIX only: reports of packets, no flows (RFC 5476) */
	bool is_plain;         /* IPFIX only: without weir's own elements */
	uint32_t pen;          /* of weir's own elements: PEN_EXAMPLE */
	uint32_t domain;       /* observation domain, source id or engine; 0 */
	size_t datagram_bytes; /* the largest: 1400; 1024 to 65000 */
	/* that one long record may make by itself; what does not fit of its texts and
	 * marks is cut off: 65507 */
	size_t longest_bytes;
	unsigned refresh_messages; /* templates are sent again after so many: 1000 */
	int64_t refresh_us;    /* or so long by the clock given to wire_encode: 60 s */
	enum wire_times times;
	int64_t announce_us;   /* options data by the same clock: 60 s */
	/* the uptime clock is set anew when it is older: 45 days, which is the most */
	int64_t uptime_us;
	/* What options data tell; nothing where 0. interfaces is borrowed. */
	uint32_t process;      /* exportingProcessId */
	/* IPFIX: what makes packets one flow, ids of fields; borrowed */
	const uint16_t *key_fields;
	unsigned key_count;
	uint32_t sampling;     /* one packet in so many was metered */
	bool is_sampling_random; /* each by chance; else each sampling-th */
	const struct wire_interface *interfaces;
	unsigned interface_count;
	/* Fills out; NULL: nothing to say. Called with context. */
	void (*statistics)(void *context, struct wire_statistics *out);
	/* Takes finished datagrams; borrowed for the call. */
	int (*send)(void *context, const struct wire_train *train, struct err *err);
	void *context;
};

/* NULL: out of memory or a version that is not known. config is copied. */
struct wire_encoder *wire_encoder_new(const struct wire_encode_config *config);
void wire_encoder_free(struct wire_encoder *encoder);

/*
 * Sends the flows of a batch of flow_schema; no datagram is held back. now_us is the
 * export time in their headers; 0: the latest end of flow so far, as for flows read from
 * a file. -1 if config.send failed.
 */
int wire_encode(struct wire_encoder *encoder, const struct batch *batch, int64_t now_us,
    struct err *err);
/* The same for rows from..end-1 only. */
int wire_encode_rows(struct wire_encoder *encoder, const struct batch *batch, size_t from,
    size_t end, int64_t now_us, struct err *err);

/* A packet as it is reported. */
struct wire_packet {
	int64_t time_ns;
	/* from the IP header on; the caller has cut payload off */
	const uint8_t *section;
	uint32_t section_len;
	uint32_t ingress;       /* interface; 0: not known */
	uint64_t ip_bytes;
};

struct wire_reports {
	const struct wire_packet *packets;
	size_t count;
	uint64_t observed; /* packets out of which they were selected */
	int64_t now_us;    /* as above */
};

enum { PSAMP_SEQUENCE = 1 }; /* selectionSequenceId: there is one */

/*
 * Reports of packets, with is_psamp, which the caller selected as config.sampling says.
 * They are held back until a datagram is full or a second old by the packets' time; count
 * 0 only looks at the time.
 */
int wire_encode_packets(struct wire_encoder *encoder, const struct wire_reports *reports,
    struct err *err);
/* Sends what is held back. */
int wire_encoder_flush(struct wire_encoder *encoder, struct err *err);

/* No datagram, of one long record either, is longer than this from now on. */
void wire_encoder_limit(struct wire_encoder *encoder, size_t octets);

/* Sends all templates, and what the exporter tells of itself, again before the next
 * flows. */
void wire_encoder_refresh(struct wire_encoder *encoder);

/*
 * What a new connection begins with: all templates so far, in messages of their own that
 * carry this sequence number. They do not count as sent otherwise, and go to send instead
 * of config.send, even from within that.
 */
int wire_encoder_hello(struct wire_encoder *encoder, uint32_t sequence,
    int (*send)(void *context, const struct wire_train *train, struct err *err),
    void *context, struct err *err);
/* Of the next message. */
uint32_t wire_encoder_sequence(const struct wire_encoder *encoder);

/* SENT_COUNTERS values. */
const uint64_t *wire_encoder_counters(const struct wire_encoder *encoder);

#endif
