/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that a header of no known length would make fit, and those that keep a law of
 * records and frames but nearly.
 *
 * Of most files near a record neither the header nor the request is a constant: the
 * header's density is the same for all of those, the request's depends on its octets
 * beside the path alone: flat, but for those near a constant. So these are counted, which
 * gives the sum of all, and only those are looked at one by one that are heavy enough for
 * a candidate or have a constant.
 */
#include "identify/span_inside.h"

#include "identify/path_range.h"

enum { BROAD_WINDOW = 1000 };

static const double BROAD_LEAST = 0.002, ROUNDING = 1e-14;

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

/* What is worth weighing: more than is kept so far, but for rounding. */
static double
worth(const struct naming *n, double header)
{
	const struct tally *t = &n->tally;

	return t->out->count < CANDIDATES_MAX ? 0
	       : t->kept[CANDIDATES_MAX - 1] < header
		   ? t->kept[CANDIDATES_MAX - 1] / header * (1 + ROUNDING)
		   : 1;
}

/* p(r) of a file whose request is no constant, or SPAN_CONSTANT. */
static inline double
share_of(const struct span_table *table, uint64_t rest)
{
	return table->rest[rest <= MODE_BYTES_MAX ? rest : MODE_BYTES_MAX + 1];
}

/* The paths that leave a request from..to octets beside. */
static struct path_range
paths_beside(const struct naming *n, const struct span_near *near)
{
	return path_range_of((int64_t)n->r->request_span - near->to,
			     (int64_t)n->r->request_span - near->from);
}

/* The sum of p(r) over paths 0..n-1, constants as if they were none; near: most of them
 * that are near one constant. */
static double
sum_flat(const struct naming *n, const struct span_table *table, const uint16_t *path,
	 size_t count, uint32_t *near)
{
	const struct span_near all = {.from = SPAN_REST_MIN, .to = MODE_BYTES_MAX};
	struct path_range within = paths_beside(n, &all);
	uint32_t i, k = (uint32_t)count;
	double sum;

	if (within.is_empty || n->files->path_least < within.least ||
	    n->files->path_most > within.least + within.width)
		k = path_range_count(within, path, count);
	sum = table->flat * k + SPAN_NO_REQUEST * (double)(count - k);
	for (i = 0, *near = 0; i < table->near_count; i++) {
		k = path_range_count(paths_beside(n, &table->near[i]), path, count);
		sum += table->near[i].more * k;
		*near = k > *near && table->near[i].more > 0 ? k : *near;
	}
	return sum;
}

/* Files at..to-1, all of a header far from any constant. */
struct flat {
	const struct span_table *table;
	double header; /* the weight of one of them, but for its request */
	size_t at, to;
};

/* Of the files from at on, a bit for each of PATH_RANGE_FILES that is among them. */
static inline uint32_t
bits_before(size_t at, size_t to)
{
	return to - at < PATH_RANGE_FILES ? (1u << (to - at)) - 1
					  : (1u << PATH_RANGE_FILES) - 1;
}

/* Weighs those whose request is a constant; what the sum has of these. */
static double
weigh_constants(struct naming *n, const struct flat *f)
{
	const uint16_t *path = n->files->path_octets;
	struct path_range of[MODES_MAX];
	uint32_t i, bits;
	double sum = 0;
	size_t at;

	for (i = 0; i < f->table->near_count; i++) {
		uint32_t bytes = n->c->request.mode[i].bytes;
		const struct span_near one = {.from = bytes, .to = bytes};

		of[i] = paths_beside(n, &one);
	}
	for (at = f->at; at < f->to; at += PATH_RANGE_FILES) {
		for (bits = 0, i = 0; i < f->table->near_count; i++)
			bits |= path_range_bits(of[i], path + at);
		for (bits &= bits_before(at, f->to); bits != 0; bits &= bits - 1) {
			size_t file = at + (size_t)__builtin_ctz(bits);
			uint64_t rest = n->r->request_span - path[file];

			sum += f->table->summed[f->table->mode[rest] - 1];
			weigh_near(n, file, 1);
		}
	}
	return sum;
}

/* Keeps the heaviest of those whose request is no constant, if they are heavier than
 * what is kept: of the paths of a range, until none can be as heavy as `most`. */
static void
keep_heaviest(struct naming *n, const struct flat *f, struct path_range range,
	      double most)
{
	const uint16_t *path = n->files->path_octets;
	double least = worth(n, f->header), share;
	uint32_t bits;
	size_t at;

	for (at = f->at; at < f->to && least < most; at += PATH_RANGE_FILES) {
		bits = path_range_bits(range, path + at) & bits_before(at, f->to);
		for (; bits != 0 && least < most; bits &= bits - 1) {
			size_t file = at + (size_t)__builtin_ctz(bits);
			uint64_t rest = n->r->request_span - path[file];

			share = share_of(f->table, rest);
			if (share <= least || share == SPAN_CONSTANT)
				continue;
			tally_keep(&n->tally, (uint32_t)file,
				   (uint32_t)(n->r->span - n->files->size[file]),
				   share > SPAN_NO_REQUEST ? (uint32_t)rest : 0,
				   f->header * share);
			least = worth(n, f->header);
		}
	}
}

/* Their sum at once; one by one only those whose request is a constant, and those that
 * are kept. */
static void
weigh_flat(struct naming *n, const struct flat *f)
{
	static const struct path_range any = {.width = UINT16_MAX};
	uint32_t near;
	double sum = sum_flat(n, f->table, n->files->path_octets + f->at, f->to - f->at,
			      &near) -
		     weigh_constants(n, f);

	/* Of so many none that is far from any constant is kept. */
	if (near >= CANDIDATES_MAX)
		keep_heaviest(n, f, paths_beside(n, &f->table->around), f->table->most);
	else
		keep_heaviest(n, f, any, f->table->most);
	n->tally.sum += f->header * sum;
	n->tally.whole += f->header * sum;
}

/* The same where nothing is known of the request. */
static void
weigh_alike(struct naming *n, double header, size_t at, size_t to)
{
	double sum = header * (double)(to - at);

	for (; at < to && tally_is_kept(&n->tally, header); at++)
		tally_keep(&n->tally, (uint32_t)at,
			   (uint32_t)(n->r->span - n->files->size[at]), 0, header);
	n->tally.sum += sum;
	n->tally.whole += sum;
}

/* Of files at..to-1, the first whose header has at most so many octets beside the
 * digits: of the least size that, with its digits, leaves no more. */
static size_t
first_below(const struct naming *n, size_t at, size_t to, uint32_t bytes)
{
	uint64_t sum = n->r->span > bytes ? n->r->span - bytes : 0, size;
	uint32_t digits = decimal_digits(sum);

	size = sum > digits ? sum - digits : 0;
	size += decimal_digits(size) < digits;
	return files_search(n->files, at, to, size);
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
	weigh_flat(n, &(struct flat){table, header, at, from});
	weigh_flat(n, &(struct flat){table, header, end, to});
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
