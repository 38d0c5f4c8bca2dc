/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A capture file as bursts of decoded packets, with every record in one counter.
 */
#include "packet/source.h"

#include "base/err.h"
#include "packet/capture.h"

#include <errno.h>
#include <stdlib.h>

struct source {
	struct capture *capture;
	struct source_stats stats;
	struct err pending; /* told once the packets before it were given */
};

int
source_open(const char *path, struct source **out, struct err *err)
{
	struct source *s;

	if ((s = calloc(1, sizeof *s)) == NULL)
		return err_set(err, ENOMEM, "%s: out of memory", path);
	if (capture_open(path, &s->capture, err) != 0) {
		source_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

void
source_close(struct source *s)
{
	if (s == NULL)
		return;
	capture_close(s->capture);
	free(s);
}

int
source_burst(struct source *s, struct packet out[SOURCE_BURST], struct err *err)
{
	enum packet_counter verdict;
	enum capture_event event;
	struct record r;
	int n = 0;

	while (n < SOURCE_BURST) {
		event = s->pending.code != 0 ? CAPTURE_ERROR
		    : capture_next(s->capture, n == 0, &r, &s->pending);
		if (event == CAPTURE_ERROR && n == 0)
			return err_set(err, s->pending.code, "%s", s->pending.text);
		if (event != CAPTURE_RECORD)
			break;
		verdict = packet_decode(r.linktype, r.frame, r.captured, r.wire, r.time_ns,
		    &out[n]);
		s->stats.frames++;
		s->stats.captured_bytes += r.captured;
		s->stats.wire_bytes += r.wire;
		s->stats.counters[verdict]++;
		s->stats.counter_bytes[verdict] += r.wire;
		n += verdict == PACKET_COUNT_ip;
	}
	s->stats.skipped_blocks = capture_skipped_blocks(s->capture);
	return n;
}

const struct source_stats *
source_stats(const struct source *s)
{
	return &s->stats;
}

void
source_progress(const struct source *s, uint64_t *at_bytes, uint64_t *size_bytes)
{
	capture_progress(s->capture, at_bytes, size_bytes);
}
