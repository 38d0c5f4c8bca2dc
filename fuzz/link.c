/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings of an emulated link, a line of text, and frames that go through it: what was
 * printed reads the same, and every frame is accounted for.
 */
#include "base/err.h"
#include "base/text.h"
#include "lab/link.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE = 512, FRAME = 128 };

static void
carry(struct link *link, const uint8_t *data, size_t size)
{
	struct link_frame frame;
	const uint64_t *c;
	int64_t now = 0;
	size_t i;

	for (i = 0; i + 2 < size; i += 3) {
		now += data[i] * 5000;
		memset(link_room(link), data[i + 1], FRAME);
		link_put(link, data[i + 2] & 1, now, data[i + 1] % FRAME);
		while (data[i + 2] & 2 && link_take(link, data[i + 2] & 1, now, &frame))
			link_give_back(link, &frame);
	}
	for (i = 0; i < LINK_WAYS; i++) {
		while (link_take(link, (unsigned)i, INT64_MAX - 1, &frame))
			link_give_back(link, &frame);
		c = link_counters(link, (unsigned)i);
		if (c[LINK_COUNT_under_way] != 0 ||
		    c[LINK_COUNT_came] + c[LINK_COUNT_copied] !=
		    c[LINK_COUNT_queue_full] + c[LINK_COUNT_queue_bytes_full] +
		    c[LINK_COUNT_no_room] + c[LINK_COUNT_lost] + c[LINK_COUNT_left])
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct link_config config = {.frame_bytes = FRAME, .slots = 16, .seed = size};
	struct link_way again;
	struct link *link;
	struct err err = {0};
	struct text printed;
	char line[LINE];
	size_t n = 0;

	while (n < size && n < LINE - 1 && data[n] != '\n' && data[n] != '\0')
		n++;
	memcpy(line, data, n);
	line[n] = '\0';
	link_way_default(&config.ways[0]);
	link_way_default(&config.ways[1]);
	if (link_way_parse(&config.ways[0], line, &err) != 0) {
		if (err.code == 0)
			abort();
		return 0;
	}
	text_init(&printed);
	link_way_print(&config.ways[0], &printed);
	link_way_default(&again);
	if (link_way_parse(&again, printed.data, &err) != 0 ||
	    memcmp(&again, &config.ways[0], sizeof again) != 0)
		abort();
	text_done(&printed);
	if (config.ways[0].queue > 4096) /* memory for them is taken at once */
		config.ways[0].queue = 4096;
	if (link_new(&config, &link, &err) != 0)
		return 0;
	carry(link, data + n, size - n);
	link_free(link);
	return 0;
}
