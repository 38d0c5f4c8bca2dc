/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filter text: what parses must also run, over a few rows with nulls and both kinds of
 * addresses, and select no row that is not there.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "filter/filter.h"
#include "model/batch.h"
#include "model/flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct batch *
few_flows(void)
{
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	struct batch *b = batch_new(&flow_schema, 3);
	struct flow f = {0};

	flow_set(&f, start, 1795428000000000);
	flow_set(&f, end, 1795428005000000);
	flow_set(&f, src, addr_v4(0xc0000201));
	flow_set(&f, dst, addr_v6(v6));
	flow_set(&f, proto, 6);
	flow_set(&f, bytes, UINT64_MAX);
	flow_set(&f, packets, 1);
	flow_set(&f, dst_port, 443);
	flow_set(&f, tcp_flags, 0x1b);
	flow_set(&f, extra, ((struct str){"a\"b", 3}));
	batch_append(b, &f);
	memset(f.present, 0, sizeof f.present);
	batch_append(b, &f);
	flow_set(&f, start, INT64_MIN);
	flow_set(&f, end, INT64_MAX);
	flow_set(&f, bytes, 0);
	batch_append(b, &f);
	batch_constant(b, FLOW_domain, &(uint32_t){7});
	return b;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct batch *batch;
	char *text = malloc(size + 1);
	uint64_t alive[1], fields[SCHEMA_FIELDS_MAX / 64] = {0};
	struct err err = {0};
	struct filter *filter;

	if (text == NULL)
		return 0;
	if (batch == NULL)
		batch = few_flows();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if ((filter = filter_parse(&flow_schema, text, &err)) != NULL) {
		assert(filter_select(filter, batch, alive) ==
		       (size_t)__builtin_popcountll(alive[0]));
		assert(alive[0] < 8);
		filter_fields(filter, fields);
	} else {
		assert(err.code != 0);
	}
	filter_free(filter);
	free(text);
	return 0;
}
