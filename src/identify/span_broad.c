/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that a header of no known length would make fit, and those that keep a law of
 * records and frames but nearly.
 *
 * Of most files near a record neither the header nor the request is a constant: the
 * header's density is the same for all of those, the request's depends on its octets
 * beside the path alone, and the weights are too small for a candidate once there are
 * enough. So all that is done for each is to look up its request's density.
 */
#include "identify/span_inside.h"

#include "base/search.h"

enum { BROAD_WINDOW = 1000 };

static const double BROAD_LEAST = 0.002;

/* A file that a header of no known length would make fit. */
static void
weigh_near(struct naming *n, size_t file, double width)
{
	struct candidate candidate = {.file = (uint32_t)file};
	uint64_t size = n->files->file[file].size;
	double density = 1 / width;

	candidate.header = (uint32_t)(n->r->span - size);
	if (!n->c->is_framed)
		density = span_rest_density(&n->c->header,
		    candidate.header - decimal_digits(size));
	span_weigh_file(n, &candidate, n->broad * density);
}

/* A file whose header is far from any constant: of a constant of requests the shares are
 * by archive, others are kept if they are among the heaviest. */
static void
weigh_one(struct naming *n, double header, double share, size_t file)
{
	uint64_t rest = n->r->request_span - n->files->path_octets[file];

	if (share == SPAN_CONSTANT)
		weigh_near(n, file, 1);
	else if (tally_is_kept(&n->tally, header * share))
		tally_keep(&n->tally, (uint32_t)file,
		    (uint32_t)(n->r->span - n->files->size[file]),
		    n->with_request && share > SPAN_NO_REQUEST ? (uint32_t)rest : 0,
		    header * share);
}

/* What is worth weighing: more than is kept so far. */
static double
worth(const struct naming *n, double header)
{
	const struct tally *t = &n->tally;

	return t->out->count < CANDIDATES_MAX ? 0
	       : t->kept[CANDIDATES_MAX - 1] < header
		   ? t->kept[CANDIDATES_MAX - 1] / header
		   : 1;
}

static inline double
larger(double a, double b)
{
	return a > b ? a : b;
}

/* p(r) of a file whose request is no constant, or SPAN_CONSTANT. */
static inline double
share_of(const struct span_table *table, uint64_t request, uint16_t path)
{
	uint64_t rest = request - path;

	return table->rest[rest <= MODE_BYTES_MAX ? rest : MODE_BYTES_MAX + 1];
}

/* Files at..to-1, all of a header far from any constant, of that weight. Four at once,
 * for each addition waits for the one before. */
static void
weigh_flat(struct naming *n, const struct span_table *table, double header, size_t at,
	   size_t to)
{
	const uint16_t *path = n->files->path_octets;
	uint64_t request = n->r->request_span;
	double share[4], least = worth(n, header), sum = 0;
	uint32_t k, count;

	for (; at < to; at += count) {
		count = to - at < 4 ? 1 : 4;
		share[1] = share[2] = share[3] = 0;
		share[0] = share_of(table, request, path[at]);
		if (count == 4) {
			share[1] = share_of(table, request, path[at + 1]);
			share[2] = share_of(table, request, path[at + 2]);
			share[3] = share_of(table, request, path[at + 3]);
		}
		if (larger(larger(share[0], share[1]), larger(share[2], share[3])) >
		    least) {
			for (k = 0; k < count; k++) {
				weigh_one(n, header, share[k], at + k);
				share[k] = share[k] == SPAN_CONSTANT ? 0 : share[k];
			}
			least = worth(n, header);
		}
		sum += (share[0] + share[1]) + (share[2] + share[3]);
	}
	n->tally.sum += header * sum;
	n->tally.whole += header * sum;
}

/* The same where nothing is known of the request. */
static void
weigh_alike(struct naming *n, double header, size_t at, size_t to)
{
	double sum = header * (double)(to - at);

	for (; at < to && tally_is_kept(&n->tally, header); at++)
		weigh_one(n, header, 1, at);
	n->tally.sum += sum;
	n->tally.whole += sum;
}

/* A file's place in the window of a span by the octets of its header. */
struct place {
	uint64_t span;
	uint32_t bytes;
};

static inline bool
is_above(const void *sizes, size_t i, const void *key)
{
	const uint64_t *size = sizes;
	const struct place *place = key;

	return place->span - size[i] - decimal_digits(size[i]) > place->bytes;
}

/* Of files at..to-1, the first whose header has at most so many octets beside the
 * digits. */
static size_t
first_below(const struct naming *n, size_t at, size_t to, uint32_t bytes)
{
	struct place place = {n->r->span, bytes};

	return search_lower(n->files->size, at, to, &place, is_above);
}

double
span_law_share(const struct modes *header)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < header->count; i++)
		sum += header->mode[i].law != TLS_none ? header->mode[i].weight : 0;
	return sum;
}

void
span_weigh_loose(struct naming *n)
{
	const struct modes *header = &n->c->header;
	double known = span_law_share(header), density;
	size_t at, to;
	uint32_t i;

	for (i = 0; known > 0 && i < header->count; i++) {
		const struct mode *mode = &header->mode[i];

		if (mode->law == TLS_none)
			continue;
		span_slack_window(n->files, mode, n->r, &at, &to);
		for (to = to - at > BROAD_WINDOW ? at : to; at < to; at++) {
			uint64_t size = n->files->file[at].size;
			struct candidate candidate = {
			    .file = (uint32_t)at,
			    .header = mode->bytes + size_digits(size, mode->digits)};

			density = span_slack_density(&n->c->slack, mode, n->r, size);
			if (!(density > 0))
				continue;
			candidate.cost = n->r->span - size - candidate.header;
			span_weigh_file(n, &candidate,
					n->loose * mode->weight / known * density);
		}
	}
}

/* Files at..to-1 by a table of the requests: sizes rise, so headers fall, and those near
 * a constant are next to each other. */
static void
weigh_by_table(struct naming *n, const struct span_table *table, size_t at, size_t to)
{
	double header = n->scale * n->broad * table->header_flat;
	size_t from = to, end = to, i;

	if (table->header_from <= table->header_to) {
		from = first_below(n, at, to, table->header_to);
		end = table->header_from > 0
			  ? first_below(n, from, to, table->header_from - 1)
			  : to;
	}
	for (i = from; i < end; i++)
		weigh_near(n, i, 1);
	if (!n->with_request) {
		weigh_alike(n, header, at, from);
		weigh_alike(n, header, end, to);
		return;
	}
	weigh_flat(n, table, header, at, from);
	weigh_flat(n, table, header, end, to);
}

/* Weighs them by a table if there can be one. */
static bool
weigh_fast(struct naming *n, size_t at, size_t to)
{
	struct span_table made;

	if (n->c->is_framed || (n->with_request && !n->files->has_all_paths))
		return false;
	if (n->c->table != NULL) {
		weigh_by_table(n, n->c->table, at, to);
		return true;
	}
	if (!span_table_make(n->c, &made))
		return false;
	weigh_by_table(n, &made, at, to);
	return true;
}

void
span_weigh_broad(struct naming *n)
{
	bool is_framed = n->c->is_framed;
	double other = n->broad, width = span_window_width(is_framed, n->r->span), sum;
	size_t at, to;

	sum = n->scale * other / width *
	      span_window_count(n->files, is_framed, n->r->span) * n->request_unknown;
	/* Where a constant fits so much better, only their sum matters. */
	if (other < BROAD_LEAST || n->tally.sum > SPAN_BEATEN * sum) {
		n->tally.sum += sum;
		return;
	}
	span_window(n->files, is_framed, n->r->span, &at, &to);
	if (to - at > BROAD_WINDOW) {
		n->tally.sum += sum;
		return;
	}
	if (weigh_fast(n, at, to))
		return;
	for (; at < to; at++)
		weigh_near(n, at, width);
}
