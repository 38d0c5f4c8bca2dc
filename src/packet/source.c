/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A capture, of a file or live, as bursts of decoded packets, with every record in one
 * counter. A filter is run here for files; live the kernel does that. Files may have
 * several link types, each of which needs a program of its own.
 */
#include "packet/source.h"

#include "base/err.h"
#include "packet/bpf.h"
#include "packet/capture.h"
#include "packet/live.h"

#include <errno.h>
#include <stdlib.h>

/* LIVE_FRAMES: a burst ends then even if nothing in it was metered, so that its caller
 * can look after other things. */
enum { FILTERS_MAX = 8, LIVE_FRAMES = 1024 };

struct source {
	struct capture *capture; /* or else */
	struct live *live;
	struct source_reader reader; /* next NULL: none */
	const char *filter;      /* NULL: none */
	uint32_t snaplen;        /* of files; UINT32_MAX: all */
	struct source_stats stats;
	uint32_t tunnels; /* kinds to open */
	struct err pending; /* told once the packets before it were given */
	struct {
		uint32_t linktype;
		struct packet_filter *program;
	} filters[FILTERS_MAX];
	unsigned filter_count;
};

int
source_open_with(const struct source_config *config, struct source **out, struct err *err)
{
	const char *name = config->path != NULL ? config->path : config->interface;
	struct source *s;

	if ((s = calloc(1, sizeof *s)) == NULL)
		return err_set(err, ENOMEM, "%s: out of memory", name);
	s->tunnels = config->tunnels;
	s->snaplen = config->snaplen == 0 ? UINT32_MAX : config->snaplen;
	if (config->filter != NULL && config->filter[0] != '\0')
		s->filter = config->filter;
	if (config->reader != NULL) {
		s->reader = *config->reader;
	} else if (config->path == NULL) {
		if (live_open(config, &s->live, err) != 0)
			goto fail;
		s->filter = NULL; /* the kernel has it */
	} else if (capture_open(config->path, &s->capture, err) != 0) {
		goto fail;
	}
	*out = s;
	return 0;

fail:
	source_close(s);
	return -1;
}

int
source_open(const char *path, struct source **out, struct err *err)
{
	struct source_config config = {.path = path};

	return source_open_with(&config, out, err);
}

int
source_start(struct source *s, struct err *err)
{
	return s->live != NULL ? live_start(s->live, err) : 0;
}

void
source_close(struct source *s)
{
	unsigned i;

	if (s == NULL)
		return;
	capture_close(s->capture);
	live_close(s->live);
	for (i = 0; i < s->filter_count; i++)
		packet_filter_free(s->filters[i].program);
	free(s);
}

/* The program for a link type; NULL and err if the filter makes no sense there. */
static const struct packet_filter *
filter_for(struct source *s, uint32_t linktype, struct err *err)
{
	unsigned i;

	for (i = 0; i < s->filter_count; i++) {
		if (s->filters[i].linktype == linktype)
			return s->filters[i].program;
	}
	if (i == FILTERS_MAX) {
		err_set(err, E2BIG, "filter '%s': more than %d link types in one file",
		    s->filter, FILTERS_MAX);
		return NULL;
	}
	if (packet_filter_compile(s->filter, linktype, 0, &s->filters[i].program,
	    err) != 0)
		return NULL;
	s->filters[i].linktype = linktype;
	s->filter_count++;
	return s->filters[i].program;
}

/* What a record is, decoded to out; PACKET_COUNTERS with an error pending. */
static enum packet_counter
verdict_of(struct source *s, const struct record *r, struct packet *out)
{
	const struct packet_filter *filter;
	enum packet_counter verdict;
	uint32_t captured = r->captured;

	if (s->filter != NULL) {
		if ((filter = filter_for(s, r->linktype, &s->pending)) == NULL)
			return PACKET_COUNTERS;
		if (!packet_filter_match(filter, r->frame, captured, r->wire))
			return PACKET_COUNT_filtered;
	}
	/* A record that is wrong in itself stays so. */
	if (captured > s->snaplen && captured <= r->wire)
		captured = s->snaplen;
	verdict = packet_decode(r->linktype, r->frame, captured, r->wire, r->time_ns,
	    out);
	if (s->tunnels != 0 && verdict == PACKET_COUNT_ip)
		s->stats.tunnels[tunnel_open(r->frame, captured, r->wire, s->tunnels,
		    out)]++;
	if (verdict == PACKET_COUNT_unknown_link)
		s->stats.unknown_linktype = r->linktype;
	out->frame = r->frame;
	return verdict;
}

/* The next record: of the file or off the wire. */
static inline enum capture_event
record_next(struct source *s, bool may_wait, int frames, struct record *out)
{
	if (s->capture != NULL)
		return s->pending.code != 0 ? CAPTURE_ERROR
		    : capture_next(s->capture, may_wait, out, &s->pending);
	if (frames == LIVE_FRAMES)
		return CAPTURE_END;
	if (s->live != NULL)
		return live_next(s->live, may_wait, out, &s->pending);
	return (enum capture_event)s->reader.next(s->reader.context, may_wait, out,
	    &s->pending);
}

int
source_burst(struct source *s, struct packet out[SOURCE_BURST], struct err *err)
{
	struct source_stats *stats = &s->stats;
	uint64_t captured_bytes = 0, wire_bytes = 0, other_bytes = 0;
	enum packet_counter verdict;
	enum capture_event event;
	struct record r;
	int n = 0, frames = 0;

	if (s->capture != NULL)
		capture_claim(s->capture);
	while (n < SOURCE_BURST) {
		event = record_next(s, n == 0, frames, &r);
		verdict = event == CAPTURE_RECORD ? verdict_of(s, &r, &out[n])
		    : PACKET_COUNTERS;
		if (s->capture != NULL && capture_is_cut(s->capture)) {
			capture_cut_error(s->capture, &s->pending);
			event = CAPTURE_ERROR;
		}
		if (event != CAPTURE_RECORD)
			break;
		if (verdict == PACKET_COUNTERS)
			continue;
		frames++;
		captured_bytes += r.captured;
		wire_bytes += r.wire;
		if (verdict == PACKET_COUNT_ip) {
			n++;
			continue;
		}
		stats->counters[verdict]++;
		stats->counter_bytes[verdict] += r.wire;
		other_bytes += r.wire;
	}
	stats->frames += (uint64_t)frames;
	stats->captured_bytes += captured_bytes;
	stats->wire_bytes += wire_bytes;
	stats->counters[PACKET_COUNT_ip] += (uint64_t)n;
	stats->counter_bytes[PACKET_COUNT_ip] += wire_bytes - other_bytes;
	if (s->capture != NULL)
		stats->skipped_blocks = capture_skipped_blocks(s->capture);
	if (event == CAPTURE_ERROR && n == 0)
		return err_set(err, s->pending.code, "%s", s->pending.text);
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
	*at_bytes = *size_bytes = 0;
	if (s->capture != NULL)
		capture_progress(s->capture, at_bytes, size_bytes);
}

bool
source_is_live(const struct source *s)
{
	return s->capture == NULL;
}

bool
source_is_remote(const struct source *s)
{
	return s->reader.next != NULL;
}

int
source_fd(const struct source *s)
{
	return s->live != NULL ? live_fd(s->live) : s->reader.next != NULL ? s->reader.fd
	    : -1;
}

void
source_check(struct source *s, int64_t now_ms, struct text *note)
{
	if (s->live != NULL)
		live_check(s->live, now_ms, note);
}

uint32_t
source_interface(const struct source *s)
{
	return s->live != NULL ? live_interface(s->live) : 0;
}

bool
source_needs_rights(const struct source *s)
{
	return s->live != NULL && live_needs_rights(s->live);
}

const uint64_t *
source_live_counters(struct source *s)
{
	static const uint64_t zeros[LIVE_COUNTERS];

	return s->live != NULL ? live_counters(s->live) : zeros;
}
