/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: the octets of a connection, cut into IPFIX messages and decoded. The first
 * octet says how many octets a read brings; however they come, the messages are the same.
 */
#include "datagrams.h"

#include "collect/framing.h"

struct cut {
	struct wire_decoder *decoder; /* NULL: only sum up */
	struct batch *out;
	uint64_t sum, messages;
};

static int
take(void *context, const uint8_t *msg, size_t len)
{
	const struct addr exporter = {.v4 = 1};
	struct cut *c = context;
	size_t i;

	c->messages++;
	for (i = 0; i < len; i++)
		c->sum = c->sum * 31 + msg[i];
	if (c->decoder != NULL &&
	    wire_decode_session(c->decoder, &exporter, 1, msg, len, 1, c->out, NULL) < 0)
		abort();
	return 0;
}

static void
feed(struct cut *c, const uint8_t *data, size_t size, size_t chunk)
{
	static uint8_t octets[FRAMING_SPACE];
	struct framing f = {octets, 0};
	size_t room, n;
	uint8_t *to;

	while (size > 0) {
		to = framing_room(&f, &room);
		if (room == 0)
			abort();
		n = chunk < room ? chunk : room;
		n = n < size ? n : size;
		memcpy(to, data, n);
		f.len += n;
		data += n;
		size -= n;
		if (framing_take(&f, take, c) != FRAMING_OK)
			return;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_config config = {.full = clear, .streams_max = 8};
	struct cut whole = {0}, parts = {0};

	if (size == 0)
		return 0;
	parts.decoder = wire_decoder_new(&config);
	parts.out = batch_new(&flow_schema, 100);
	feed(&whole, data + 1, size - 1, SIZE_MAX);
	feed(&parts, data + 1, size - 1, (size_t)data[0] + 1);
	if (whole.sum != parts.sum || whole.messages != parts.messages)
		abort();
	wire_session_end(parts.decoder, 1);
	wire_decoder_free(parts.decoder);
	batch_free(parts.out);
	return 0;
}
