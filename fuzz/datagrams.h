/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FUZZ_DATAGRAMS_H
#define FUZZ_DATAGRAMS_H

/*
 * What the targets of NetFlow and IPFIX have in common: the input is a row of messages of
 * one exporter, each with its length in two octets in front. The version is set.
 */
#include "model/batch.h"
#include "model/flow.h"
#include "wire/decode.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decodes the messages of an input; what is flows comes into out, which may be NULL. */
static void
fuzz_messages(struct wire_decoder *d, struct batch *out, const uint8_t *data, size_t size,
    uint8_t version)
{
	const struct addr exporter = {.v4 = 1};
	uint8_t *msg;
	size_t len;

	while (size > 2) {
		len = (size_t)(data[0] << 8 | data[1]);
		data += 2;
		size -= 2;
		len = len < size ? len : size;
		msg = malloc(len + 1);
		memcpy(msg, data, len);
		if (len >= 2) {
			msg[0] = 0;
			msg[1] = version;
		}
		if (wire_decode(d, &exporter, msg, len, 1, out, NULL) < 0)
			abort();
		free(msg);
		data += len;
		size -= len;
	}
}

__attribute__((unused)) static int
clear(void *context, struct batch *batch, struct err *err)
{
	(void)context;
	(void)err;
	batch_clear(batch);
	return 0;
}

__attribute__((unused)) static int
fuzz_datagrams(const uint8_t *data, size_t size, uint8_t version)
{
	struct wire_config config = {.full = clear, .streams_max = 8};
	struct wire_decoder *d = wire_decoder_new(&config);
	struct batch *out = batch_new(&flow_schema, 100);

	fuzz_messages(d, out, data, size, version);
	batch_free(out);
	wire_decoder_free(d);
	return 0;
}

#endif
