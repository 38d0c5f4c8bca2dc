/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of several downloads, where the catalogue is so small that all sets can be
 * tried: how many of a server's records are such, and what its header is if all of them
 * are. Then no record leaves the size of one file, but many leave the sum of two; where
 * files are few their sums are, too, and the vote over sums is the vote over files. A sum
 * stands with the digits of both sizes, so that what is left is twice the constant.
 */
#include "identify/plain_inside.h"

#include "base/memory.h"
#include "model/catalogue.h"

#include <math.h>
#include <stdlib.h>

enum { FILES_MAX = 300, VOTERS_MAX = 300, LOOKED_AT = 60, ROUNDS = 60 };

/* Below this share of unknown files nothing is looked for. */
static const double UNKNOWN_LEAST = 0.1, SEVERAL_LEAST = 0.02, SEVERAL_MOST = 0.99;

static bool
is_small(const struct plain *p)
{
	return !p->config.no_several && !p->config.is_fixed && p->files->count > 1 &&
	       p->files->count <= FILES_MAX;
}

/* The size under which the digits of a sum's own decimal number come to those of both
 * files. */
static uint64_t
size_of_sum(uint64_t a, uint64_t b, unsigned digits)
{
	uint64_t sum = a + b + size_digits(a, digits) + size_digits(b, digits);
	uint64_t size = sum;

	while (size + decimal_digits(size) > sum)
		size--;
	return size;
}

static struct catalog *
sums_of(const struct files *files, unsigned digits)
{
	struct catalog *sums = catalog_new();
	size_t i, k;

	for (i = 0; i < files->count; i++) {
		for (k = i; k < files->count; k++) {
			struct catalogue row = {0};

			catalogue_set(&row, name, ((struct str){"sum", 3}));
			catalogue_set(&row, size, size_of_sum(files->file[i].size,
			    files->file[k].size, digits));
			if (catalog_add(sums, &row, NULL) != 0)
				break;
		}
	}
	catalog_seal(sums);
	return sums;
}

bool
plain_guess_sums(const struct plain *p, const struct record *const *r, size_t n,
		 uint32_t overhead, struct wire_guess *out)
{
	size_t count = n < VOTERS_MAX ? n : VOTERS_MAX, i;
	uint32_t *mss = must(calloc(2 * count + 1, sizeof *mss)),
		 found = wire_mss_of(r, count, overhead);
	uint8_t *n_class = (uint8_t *)(mss + count);
	unsigned digits;

	*out = (struct wire_guess){0};
	for (i = 0; i < count && is_small(p); i++) {
		mss[i] = found != 0 ? found : wire_mss(r[i], overhead);
		n_class[i] = WIRE_N_CLASSES;
	}
	for (digits = DIGITS_DECIMAL; digits <= DIGITS_HEX && is_small(p); digits++) {
		struct catalog *catalog = sums_of(p->files, digits);
		struct wire_guess guess = {.overhead = overhead, .law = TLS_none};
		struct mode *mode = &guess.header.mode[0];
		struct files sums;

		files_init(&sums, catalog);
		wire_vote(&sums, r, mss, n_class, count, &guess);
		files_done(&sums);
		catalog_free(catalog);
		if (!guess.is_significant || mode->digits != DIGITS_DECIMAL ||
		    mode->bytes % 2 != 0 || guess.gain <= out->gain)
			continue;
		mode->bytes /= 2;
		mode->inner = mode->bytes;
		mode->digits = (uint8_t)digits;
		guess.header.count = 1;
		*out = guess;
	}
	free(mss);
	return out->is_significant;
}

/* How likely a record is as one download, as several, as one of no file. */
struct likely {
	double one, more, none;
};

static bool
look(struct plain *p, const struct record *r, double several, struct likely *out)
{
	double unknown = fmax(1e-6, fmin(1 - 1e-6, plain_unknown(p, r))), alone, share;
	struct several found;
	struct verdict v;

	plain_name(p, r, &v);
	if (!(v.evidence > 0) || v.mss == 0)
		return false;
	*out = (struct likely){.one = v.evidence * (1 - v.unknown) / (1 - unknown),
			       .none = v.evidence * v.unknown / unknown};
	if (!plain_search_several(p, r, &v, &found))
		return true;
	alone = v.evidence * ((1 - several) * (1 - v.unknown) + v.unknown);
	share = fmin(found.probability, 1 - 1e-12);
	out->more = share / (1 - share) * alone / (several * (1 - unknown));
	return true;
}

/* The shares of the three kinds by EM. */
static void
fit_shares(const struct likely *likely, size_t n, struct likely *out)
{
	struct likely sum;
	double all;
	size_t i;
	int round;

	*out = (struct likely){0.4, 0.3, 0.3};
	for (round = 0; round < ROUNDS; round++) {
		sum = (struct likely){0.1, 0.1, 0.1};
		for (i = 0; i < n; i++) {
			const struct likely *l = &likely[i];

			all = out->one * l->one + out->more * l->more +
			      out->none * l->none;
			if (!(all > 0))
				continue;
			sum.one += out->one * l->one / all;
			sum.more += out->more * l->more / all;
			sum.none += out->none * l->none / all;
		}
		all = sum.one + sum.more + sum.none;
		*out = (struct likely){sum.one / all, sum.more / all, sum.none / all};
	}
}

void
plain_learn_several(struct plain *p, struct server *s, const struct record *const *r,
		    size_t n)
{
	double several = s->known.wire.several, before = s->known.path.unknown, less;
	size_t step = n / LOOKED_AT + 1, i, count = 0;
	struct likely likely[LOOKED_AT + 1], share;

	if (!is_small(p) || n < PLAIN_FIT_MIN || s->known.wire.header.count == 0 ||
	    before < UNKNOWN_LEAST || several <= 0)
		return;
	for (i = 0; i < n && count < LOOKED_AT; i += step)
		count += look(p, r[i], several, &likely[count]);
	if (count == 0)
		return;
	fit_shares(likely, count, &share);
	s->known.wire.several = fmin(SEVERAL_MOST,
	    fmax(SEVERAL_LEAST, share.more / (share.more + share.one)));
	if (share.none >= before)
		return;
	less = share.none / before;
	s->known.path.unknown *= less;
	plain_renew_tables(&s->tables);
	for (i = 0; i < s->paths; i++) {
		s->path[i].known.wire.unknown *= less;
		plain_renew_tables(&s->path[i].tables);
	}
}
