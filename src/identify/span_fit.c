/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that fit a record's spans by the constants of its server.
 *
 * Encrypted or framed, a span tells the size by the server's law (tls.h). Where records
 * grow at the beginning of a connection, how many came before is not known: every number
 * is tried. And where in its records the header lies is known but for some octets, so
 * that one record more or less is tried as well. The first exchange of HTTP/2 may hold
 * the acknowledgement of settings.
 */
#include "identify/span.h"
#include "identify/span_weigh.h"
#include "model/tcp.h"

#include <string.h>

enum {
	NEAR_BYTES = 16,
	GREETING_OCTETS = 4096, /* of a server's greeting, about */
	SHORT_RECORDS = 3,	/* of a response, at most but seldom */
	SETTINGS_RECORDS = 4,	/* of HTTP/2 before the first response */
	ACK = 9,        /* octets of a SETTINGS frame without any */
	GREETING_REQUEST_MIN = 150, /* a ClientHello */
	GREETING_REQUEST_MAX = 4096,
};

static const double NEAR_SHARE = 0.3, SLIP_SHARE = 0.003, ACK_SHARE = 0.2;

/* Of spans of unknown files as if so many were seen, even over 25 powers of e: the share
 * of a half octave. */
static const double UNKNOWN_WEIGHT = 30, BAND_SHARE = 0.5 * 0.693 / 25;

enum { CODED_OFF = 4 };
static const struct {
	int octets;
	double share;
} coded_off[CODED_OFF] = {{-1, 0.02}, {1, 0.02}, {-2, 0.005}, {2, 0.005}};

/* One like theirs, of a few bytes more or less (a folder's name, a flag), or any. */
double
span_rest_density(const struct modes *modes, uint32_t bytes)
{
	double near = 0;
	uint32_t i, far;

	for (i = 0; i < modes->count; i++) {
		far = bytes + NEAR_BYTES - modes->mode[i].bytes;
		if (far <= 2 * NEAR_BYTES && far != NEAR_BYTES)
			near += modes->mode[i].weight / (2 * NEAR_BYTES);
	}
	return (1 - NEAR_SHARE) / FLAT_BYTES + NEAR_SHARE * near;
}

/* The density of octets 0..MODE_BYTES_MAX + 1 at once, times share. */
static void
rest_densities(const struct modes *modes, double share, double *out)
{
	double flat = (1 - NEAR_SHARE) / FLAT_BYTES, near;
	uint32_t i, k, far;

	for (k = 0; k <= MODE_BYTES_MAX; k++)
		out[k] = flat;
	for (i = 0; i < modes->count; i++) {
		near = NEAR_SHARE * modes->mode[i].weight / (2 * NEAR_BYTES);
		far = modes->mode[i].bytes - NEAR_BYTES;
		for (k = 0; k <= 2 * NEAR_BYTES; k++)
			if (far + k <= MODE_BYTES_MAX && k != NEAR_BYTES)
				out[far + k] += near;
	}
	for (k = 0; k <= MODE_BYTES_MAX; k++)
		out[k] *= share;
	for (k = 0; k < SPAN_REST_MIN; k++)
		out[k] = SPAN_NO_REQUEST;
	out[MODE_BYTES_MAX + 1] = SPAN_NO_REQUEST;
}

/* What is near a constant, as rest_densities has it. */
static void
near_densities(const struct modes *modes, double share, struct span_table *out)
{
	struct span_near *near;
	uint32_t i, k, from, to;

	out->flat = (1 - NEAR_SHARE) / FLAT_BYTES * share;
	out->around = (struct span_near){.from = MODE_BYTES_MAX + 1};
	out->near_count = modes->count;
	for (i = 0; i < modes->count; i++) {
		from = modes->mode[i].bytes - NEAR_BYTES;
		to = modes->mode[i].bytes + NEAR_BYTES;
		near = &out->near[i];
		*near = (struct span_near){
		    .from = from > SPAN_REST_MIN ? from : SPAN_REST_MIN,
		    .to = to < MODE_BYTES_MAX ? to : MODE_BYTES_MAX,
		    .more = share * NEAR_SHARE * modes->mode[i].weight /
			    (2 * NEAR_BYTES)};
		if (near->from < out->around.from)
			out->around.from = near->from;
		if (near->to > out->around.to)
			out->around.to = near->to;
	}
	for (k = 0; k < modes->count; k++) {
		out->summed[k] = out->flat;
		for (i = 0; i < modes->count; i++)
			if (modes->mode[k].bytes >= out->near[i].from &&
			    modes->mode[k].bytes <= out->near[i].to)
				out->summed[k] += out->near[i].more;
	}
	for (out->most = 0, i = 0; i <= MODE_BYTES_MAX; i++)
		out->most = out->rest[i] > out->most ? out->rest[i] : out->most;
}

bool
span_table_make(const struct constants *c, struct span_table *out)
{
	const struct modes *request = &c->request;
	uint32_t i, bytes;

	if (c->is_framed || c->comb.step > 0)
		return false;
	for (i = 0; i < request->count; i++)
		if (request->mode[i].phase != 0 ||
		    request->mode[i].bytes < SPAN_REST_MIN ||
		    request->mode[i].bytes > MODE_BYTES_MAX)
			return false;
	rest_densities(request, request->other, out->rest);
	near_densities(request, request->other, out);
	memset(out->mode, 0, sizeof out->mode);
	for (i = 0; i < request->count; i++) {
		bytes = request->mode[i].bytes;
		out->beside[i] = out->rest[bytes];
		out->mode[bytes] = (uint8_t)(i + 1);
	}
	for (i = 0; i < request->count; i++)
		out->rest[request->mode[i].bytes] = SPAN_CONSTANT;
	out->header_from = UINT32_MAX;
	out->header_to = 0;
	for (i = 0; i < c->header.count; i++) {
		bytes = c->header.mode[i].bytes;
		bytes = bytes > NEAR_BYTES ? bytes - NEAR_BYTES : 0;
		out->header_from = bytes < out->header_from ? bytes : out->header_from;
		bytes = c->header.mode[i].bytes + NEAR_BYTES;
		out->header_to = bytes > out->header_to ? bytes : out->header_to;
	}
	out->header_flat = (1 - NEAR_SHARE) / FLAT_BYTES;
	out->is_plain = true;
	for (i = 0; i < c->header.count; i++)
		out->is_plain &= c->header.mode[i].law == TLS_none;
	return true;
}

double
span_request_share_of(const struct files *files, const struct constants *c, size_t file,
		   uint64_t span, uint32_t *rest, uint8_t *mode)
{
	int64_t r = (int64_t)span -
	    files_path_octets(files, file, c->comb.step > 0 ? c->comb.phase : 0);
	double share, best = 0;
	uint32_t i;

	*rest = 0;
	*mode = 0;
	if (files->file[file].path_len == 0)
		return REQUEST_FLAT;
	if (c->is_framed && r > MODE_BYTES_MAX) {
		/* frames of flow control have no end */
		r = 0;
		share = c->request.other * REQUEST_FLAT *
			span_comb_factor(files, &c->comb, file, span);
	} else if (r < SPAN_REST_MIN || r > MODE_BYTES_MAX) {
		r = 0;
		share = SPAN_NO_REQUEST;
	} else {
		share = c->request.other * span_rest_density(&c->request, (uint32_t)r) *
			span_comb_factor(files, &c->comb, file, span);
	}
	for (i = 0; i < c->request.count; i++) {
		const struct mode *m = &c->request.mode[i];
		double one = c->by_source[files->source[file]][i];

		if (m->phase == 0 ? m->bytes != r
				  : m->bytes + files_path_octets(files, file,
				  m->phase) != span)
			continue;
		share += one;
		if (one > best) {
			best = one;
			r = m->bytes;
			*mode = (uint8_t)(i + 1);
		}
	}
	*rest = (uint32_t)r;
	return share;
}

double
span_request_unknown(const struct files *files, const struct constants *c, uint64_t span)
{
	double share = 0;
	uint32_t i;

	for (i = 0; i < c->request.count; i++)
		share += c->request.mode[i].weight *
			 files_path_share(files, (int64_t)span - c->request.mode[i].bytes,
					  c->request.mode[i].phase);
	return c->request.count == 0 ? REQUEST_FLAT : 0.5 * share + 0.5 * REQUEST_FLAT;
}

/* The half octave of a span; it is 2^width octets wide. */
static uint32_t
band_of(uint64_t span, uint32_t *width)
{
	uint32_t top = 63 - (uint32_t)__builtin_clzll(span | 2);

	*width = top - 1;
	return 2 * top + ((uint32_t)(span >> *width) & 1);
}

/* Half as the catalogue is near the span, half as other such records: those of several
 * downloads are larger than any file. */
double
span_size_unknown(const struct files *files, const struct constants *c, uint64_t span)
{
	double near = files_density(files, span) / (double)(files->count + 1);
	uint32_t width, band = band_of(span, &width);

	return 0.5 * near + 0.5 * (c->unknown_band[band] > 0
					   ? c->unknown_band[band] * files->narrow[width]
					   : 1 / (25.0 * (double)(span + 256)));
}

void
span_unknown_add(double sums[UNKNOWN_BANDS], uint64_t span, double share)
{
	uint32_t width;

	sums[band_of(span, &width)] += share;
}

void
span_unknown_set(const double sums[UNKNOWN_BANDS], struct constants *out)
{
	double all = UNKNOWN_WEIGHT;
	uint32_t i;

	for (i = 0; i < UNKNOWN_BANDS; i++)
		all += sums[i];
	for (i = 0; i < UNKNOWN_BANDS; i++)
		out->unknown_band[i] = (sums[i] + UNKNOWN_WEIGHT * BAND_SHARE) / all;
}

static void
each_of_size(const struct files *files, uint64_t size, const struct span_fit *fit,
	     span_file *each, void *arg)
{
	size_t at;

	for (at = files_first(files, size);
	     at < files->count && files->size[at] == size; at++)
		each(arg, at, fit);
}

static void
each_solved(const struct files *files, const struct mode *mode, uint64_t span,
	    uint32_t records, const struct span_fit *fit, span_file *each, void *arg)
{
	uint64_t size[MODE_SOLUTIONS];
	size_t n = mode_solve(mode, span, records, size), i;

	for (i = 0; i < n; i++)
		each_of_size(files, size[i], fit, each, arg);
}

/*
 * One a download at least, and as many as it takes for the octets before; a write's last
 * record is a short one, so that they may be more.
 */
struct span_before
span_records_before(enum tls_law number, const struct record *r)
{
	const struct tls_law_row *law = &tls_law_rows[number];
	struct span_before n = {TLS_GROWN, TLS_GROWN};
	uint64_t octets = r->offset > GREETING_OCTETS ? r->offset - GREETING_OCTETS : 0,
	    sum = 0;
	/* The handshake takes one exchange or two. */
	uint32_t shaken = r->offset == 0 ? 0 : 1,
		 downloads = r->exchange > 2 * shaken ? r->exchange - 2 * shaken : 0;

	if (!law->is_growing || octets >= TLS_GROWN_BYTES || downloads >= TLS_GROWN)
		return n;
	for (n.least = 0; n.least < TLS_GROWN && sum < octets;)
		sum += (uint64_t)TLS_GROWING_STEP * ++n.least;
	n.least = n.least > downloads ? n.least : downloads;
	n.most = n.least + shaken + SHORT_RECORDS * downloads + (law->frame > 0
	    ? SETTINGS_RECORDS : 0);
	n.most = n.most < TLS_GROWN ? n.most : TLS_GROWN;
	return n;
}

static void
each_framed(const struct files *files, const struct mode *mode, const struct record *r,
	    struct span_fit *fit, span_file *each, void *arg)
{
	const struct tls_law_row *law = &tls_law_rows[mode->law];
	struct span_before before = span_records_before(mode->law, r);
	uint32_t n, i;

	fit->share = (1 - 2 * SLIP_SHARE) / (before.most - before.least + 1);
	for (n = before.least; n <= before.most; n++)
		each_solved(files, mode, r->span, n, fit, each, arg);
	if (law->frame_cost > 0 && r->exchange <= SPAN_FIRST_LAST &&
	    r->span > law->record_cost + ACK) {
		/* The server's acknowledgement of the client's settings may be with
		 * it. */
		fit->share = ACK_SHARE;
		each_solved(files, mode, r->span - law->record_cost - ACK, before.least,
		    fit, each, arg);
	}
	for (i = 0; law->frame_cost > 0 && i < CODED_OFF && r->span > CODED_OFF; i++) {
		/* Huffman's code makes digits of the size shorter, some more than
		 * others. */
		fit->share = coded_off[i].share;
		each_solved(files, mode, r->span + (uint64_t)(int64_t)coded_off[i].octets,
		    before.least, fit, each, arg);
	}
	if (law->record_cost == 0 || law->is_apart || r->span <= law->record_cost)
		return;
	fit->share = SLIP_SHARE;
	each_solved(files, mode, r->span + law->record_cost, TLS_GROWN, fit, each, arg);
	each_solved(files, mode, r->span - law->record_cost, TLS_GROWN, fit, each, arg);
}

void
span_prefetch(const struct files *files, const struct constants *c,
	      const struct record *r)
{
	uint64_t size;
	uint32_t i;

	for (i = 0; i < c->header.count; i++)
		if (c->header.mode[i].law == TLS_none &&
		    mode_solve_plain(&c->header.mode[i], r->span, &size))
			files_prefetch(files, size);
}

void
span_each(const struct files *files, const struct modes *header, const struct record *r,
	  span_file *each, void *arg)
{
	uint64_t size;
	uint32_t i;

	for (i = 0; i < header->count; i++) {
		struct span_fit fit = {.mode = i, .share = 1};

		if (header->mode[i].law == TLS_none) {
			if (mode_solve_plain(&header->mode[i], r->span, &size))
				each_of_size(files, size, &fit, each, arg);
			continue;
		}
		each_framed(files, &header->mode[i], r, &fit, each, arg);
	}
}

/* Sizes from .. to that can be in a span. */
static void
window_sizes(bool is_framed, uint64_t span, uint64_t *from, uint64_t *to)
{
	uint64_t most = MODE_BYTES_MAX + 36, least = MODE_BYTES_MIN, cost_least,
	    cost_most;

	if (is_framed) {
		tls_cost_range(span, 0, &cost_least, &cost_most);
		most += cost_most;
		/* The least for the least size: a size of span - least costs no more. */
		tls_cost_range(span > most ? span - most : 0, 0, &cost_least, &cost_most);
		least += cost_least;
	}
	*from = span > most ? span - most : 0;
	*to = span > least ? span - least : 0;
}

void
span_window(const struct files *files, bool is_framed, uint64_t span, size_t *from,
    size_t *to)
{
	uint64_t low, high;

	window_sizes(is_framed, span, &low, &high);
	*from = files_lower(files, low);
	*to = high > 0 ? files_lower(files, high) : *from;
	if (*to < *from)
		*to = *from;
}

double
span_window_count(const struct files *files, bool is_framed, uint64_t span)
{
	uint64_t low = span > MODE_BYTES_MAX + 36 ? span - (MODE_BYTES_MAX + 36) : 0,
		 high = span > MODE_BYTES_MIN ? span - MODE_BYTES_MIN : 0;
	double n;

	if (is_framed)
		window_sizes(true, span, &low, &high);
	n = files_rank(files, high) - files_rank(files, low);
	return n > 1 ? n : 1;
}

double
span_window_width(bool is_framed, uint64_t span)
{
	uint64_t low, high;

	if (!is_framed)
		return FLAT_BYTES;
	window_sizes(true, span, &low, &high);
	return high > low ? (double)(high - low) : 1;
}

bool
span_is_greeting(const struct record *r)
{
	uint16_t flags = r->client_flags | r->server_flags;

	return r->has_connection && r->exchange == 0 && r->offset == 0 &&
	    !r->is_headless && r->has_request &&
	    r->request_span >= GREETING_REQUEST_MIN &&
	    r->request_span <= GREETING_REQUEST_MAX && r->client_flags != 0 &&
	    (flags & (TCP_FIN | TCP_RST)) == 0;
}
