/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: reports of packets (PSAMP) as messages of one exporter, several per input,
 * each with its length in two octets in front. The packets that come out are decoded and
 * metered; what is promised of their octets and lengths is checked.
 */
#include "datagrams.h"

#include "base/err.h"
#include "meter/meter.h"
#include "model/addr.h"
#include "model/sink.h"
#include "packet/packet.h"
#include "wire/decode.h"
#include "wire/section.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static int
ignore(struct sink *sink, struct err *err)
{
	(void)sink;
	(void)err;
	return 0;
}

static int
ignore_batch(struct sink *sink, struct batch *batch, struct err *err)
{
	(void)batch;
	return ignore(sink, err);
}

static void
take(void *context, const struct wire_section *s)
{
	struct err err = {0};
	struct packet p;
	uint8_t *exact = malloc(s->captured + 1);

	assert(exact != NULL && s->captured <= s->wire && s->captured <= 65535);
	assert(packet_link_name(s->linktype) != NULL);
	memcpy(exact, s->octets, s->captured);
	if (packet_decode(s->linktype, exact, s->captured, s->wire, s->time_ns, &p) ==
	    PACKET_COUNT_ip) {
		p.frame = exact;
		assert(meter_packets(context, &p, 1, &err) == 0);
	}
	free(exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sink sink = {ignore_batch, ignore, ignore};
	struct wire_config config = {.section = take, .streams_max = 8};
	struct meter_config meter;
	struct wire_decoder *d;
	struct err err = {0};

	meter_config_default(&meter);
	meter.max_flows = 64;
	meter.seed = 1;
	config.context = meter_new(&meter, &sink, &err);
	d = wire_decoder_new(&config);
	assert(config.context != NULL && d != NULL);
	fuzz_messages(d, NULL, data, size, 10);
	assert(meter_flush(config.context, &err) == 0);
	meter_free(config.context);
	wire_decoder_free(d);
	return 0;
}
