/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines that programs of the lab write: the first byte chooses whose. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "lab/access.h"
#include "lab/netflow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
netflow_line(const char *line, size_t len)
{
	struct text out;
	size_t i, tabs = 0;

	text_init(&out);
	if (netflow_row(line, len, 10, &out) == 0) {
		for (i = 0; i < out.len; i++)
			tabs += out.data[i] == '\t';
		assert(tabs == 9);
		assert(out.data[out.len - 1] == '\n');
	} else
		assert(out.len == 0);
	text_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *line = (const char *)data + 1;
	struct err err = {0};
	struct access a;

	if (size == 0)
		return 0;
	if (data[0] % (ACCESS_KINDS + 1) == ACCESS_KINDS) {
		netflow_line(line, size - 1);
		return 0;
	}
	if (access_parse(data[0] % (ACCESS_KINDS + 1), line, size - 1, &a, &err) != 0) {
		assert(err.code != 0);
		return 0;
	}
	assert(strlen(a.path) < sizeof a.path && strlen(a.client) < sizeof a.client);
	assert(a.end_us >= 0 && a.duration_us >= 0 && a.status <= 999);
	return 0;
}
