/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Labels: the first byte chooses between a TSV, a log of the usual format, and a log
 * whose format is the first line. Labels that are read have names, and joining them with
 * records does no harm.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "catalog/unpack.h"
#include "identify/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char usual[] =
    "$remote_addr $remote_port $msec $request_time \"$request\" $status $body_bytes_sent";

static int
read_labels(struct labels *labels, int how, const char *text, size_t n, struct err *err)
{
	struct unpack *in;
	char *format = NULL;
	const char *end;
	int status;

	if (how == 2 && (end = memchr(text, '\n', n)) != NULL) {
		format = strndup(text, (size_t)(end - text));
		n -= (size_t)(end + 1 - text);
		text = end + 1;
	}
	in = unpack_over(text, n, 1 << 20, "fuzz");
	if (in == NULL) {
		free(format);
		return err_set(err, 1, "no lines");
	}
	status = how == 0 ? labels_read_lines(labels, in, err)
	    : labels_read_log_lines(labels, in, format != NULL ? format : usual, err);
	unpack_close(in);
	free(format);
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct labels labels = {0};
	struct label *found;
	struct err err = {0};
	size_t i, n;

	if (size == 0)
		return 0;
	if (read_labels(&labels, data[0] % 3, (const char *)data + 1, size - 1,
	    &err) != 0) {
		assert(err.code != 0);
		labels_done(&labels);
		return 0;
	}
	n = labels.count < 50 ? labels.count : 50;
	for (i = 0; i < n; i++) {
		struct record r = {.client = labels.items[i].client,
		    .server = labels.items[i].server,
		    .start_us = labels.items[i].start_us,
		    .end_us = labels.items[i].end_us,
		    .client_port = labels.items[i].client_port};

		assert(labels.items[i].name != NULL && labels.items[i].name[0] != '\0');
		if (labels_find(&labels, &r, 2000000, &found) == LABEL_FOUND)
			assert(found->is_matched);
	}
	labels_done(&labels);
	return 0;
}
