/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vote for header constants. Each record and each file somewhat below its payload
 * give values of H, one per k; a true value comes again and again, a chance one does not.
 * A value's gain is the sum over records of log((1 - w) + w ratio), ratio being how much
 * likelier the record is with it than by chance and w the share tried. The best of so
 * many values gains the log of their number by chance alone; what is accepted must gain
 * e^6 times more. Further values are looked for beside those accepted.
 *
 * H and H + MSS differ by one segment sent again, which no record tells for sure. Without
 * encryption H is held below one MSS; a handshake can be longer, and of values that
 * differ by segments the least is taken unless it fits clearly worse: one too small makes
 * k too large by a constant, one too large loses the records with the fewest losses.
 *
 * A server that signs with ECDSA does so in each handshake, and its signatures differ by
 * an octet or two (DER's integers have no leading zeros): values next to the first one
 * need no more proof than there are of them.
 */
#include "identify/wire.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADER_MIN = 40,
	HEADER_MAX = 8191, /* a TLS handshake with its certificates included */
	HANDSHAKE_MIN = 700,
	SLOTS = 2 * (HEADER_MAX + 1),
	RECORDS_MAX = 150,
	ENTRIES_MAX = 6000, /* of a record */
	FILES_MAX = 20000,
	FOUND_MAX = 6,
	TRIALS = 2,
	INNER_USUAL = 250, /* octets of HTTP header supposed inside TLS */
	PAGE_TOLD = 4,     /* octets: few constants differ by a multiple */
	HEX_DIGITS_MOST = 16,
	SIGNATURE_APART = 2, /* octets by which signatures differ, either way */
};

/* Proof that a value needs beside the log of how many there are. */
static const double NEEDED = 6;
static const double share_tried[TRIALS] = {0.3, 0.03};
/* Where a product of how much likelier records are becomes a logarithm: one record makes
 * less than the rest of a double's range of it. */
static const double PRODUCT_MAX = 1e200;

struct entry {
	uint16_t slot;
	float ratio;
};

struct box { /* a record's entries */
	size_t first, end;
	double already; /* its likelihood by what is accepted, over chance */
	uint32_t mss;
};

struct voting {
	const struct files *files;
	struct wire_guess *guess;
	struct wire_tables *tables;
	struct entry *entry;
	size_t count, cap, boxes;
	struct box box[RECORDS_MAX];
	/* Over records that a slot does not touch it gains gain + log(product). */
	double gain[TRIALS][SLOTS], product[TRIALS][SLOTS], ratio[SLOTS];
	uint32_t hex_lengths; /* of the records' sizes: a bit each */
};

static void
put(struct voting *v, int64_t h, uint32_t hex, double ratio)
{
	if (v->count == v->cap) {
		v->cap = v->cap ? v->cap * 2 : 4096;
		v->entry = must(realloc(v->entry, v->cap * sizeof *v->entry));
	}
	v->entry[v->count++] = (struct entry){
	    (uint16_t)((uint32_t)h + (hex ? HEADER_MAX + 1 : 0)), (float)ratio};
}

static void
hear_file(struct voting *v, uint64_t payload, uint64_t size, uint32_t mss,
	  const struct wire_losses *losses, double density)
{
	/* Jumbo frames have segments that are longer than any header. */
	int64_t most = v->guess->law == TLS_none && mss < 1000 + HEADER_MIN
			   ? 1000
		       : v->guess->law == TLS_none && mss < HEADER_MAX - HEADER_MIN
			   ? HEADER_MIN + mss - 1
			   : HEADER_MAX,
		least = v->guess->law == TLS_none || tls_law_rows[v->guess->law].record ==
		    0
			    ? HEADER_MIN
			    : HANDSHAKE_MIN;
	uint64_t cost = tls_cost(v->guess->law, size, INNER_USUAL + decimal_digits(size)),
	    k;
	uint32_t hex;
	int64_t h;

	for (hex = 0; hex < 2; hex++) {
		h = (int64_t)(payload - size) - (int64_t)cost - size_digits(size, hex);
		k = h > most ? (uint64_t)(h - most + mss - 1) / mss : 0;
		for (h -= (int64_t)(k * mss); h >= least; h -= mss, k++)
			put(v, h, hex, wire_losses_p(losses, k) / density);
	}
}

/* Octets sent again that are looked at. Large files vote too: five times the usual
 * losses. */
static uint64_t
reach_of(uint64_t payload, uint32_t mss)
{
	return (uint64_t)((8 + 0.02 * (double)payload / mss) * mss);
}

static void
hear_record(struct voting *v, const struct record *r, uint32_t mss, unsigned n_class)
{
	uint64_t payload = wire_payload(r, v->guess->overhead), reach, cost;
	const struct wire_losses *losses;
	double density;
	size_t at, end, before = v->count;

	if (mss == 0 || payload == 0)
		return;
	cost = tls_cost(v->guess->law, payload, INNER_USUAL);
	reach = reach_of(payload, mss) + HEADER_MAX + cost;
	at = files_lower(v->files, payload > reach ? payload - reach : 0);
	end = files_lower(v->files, payload);
	density = catalog_density(v->files->catalog, payload) + 1e-15;
	if (end - at > FILES_MAX)
		return;
	losses = wire_table(v->tables, n_class, (double)payload / mss);
	/* The nearest first: they count if there are too many. */
	while (end-- > at && v->count - before < ENTRIES_MAX)
		hear_file(v, payload, v->files->size[end], mss, losses, density);
	v->hex_lengths |= 1u << hex_digits(payload);
	v->box[v->boxes++] = (struct box){before, v->count, 1, mss};
}

static double
gain_of(const struct voting *v, uint32_t slot)
{
	double best = -INFINITY, gain;
	uint32_t t;

	for (t = 0; t < TRIALS; t++) {
		gain = v->gain[t][slot] + log(v->product[t][slot]) +
		       (double)v->boxes * log1p(-share_tried[t]);
		best = gain > best ? gain : best;
	}
	return best;
}

/* Of slots that differ by segments the least that fits about as well. */
static uint32_t
least_alike(const struct voting *v, uint32_t slot, double best)
{
	uint32_t low = slot > HEADER_MAX ? HEADER_MAX + 1 : 0, mss, at;
	/* A value that nothing speaks for fits no record. */
	double worse = fmin(0.3 * (double)v->boxes, 0.5 * best);

	if (v->boxes == 0 || v->guess->law == TLS_none)
		return slot;
	mss = v->box[v->boxes / 2].mss;
	for (at = slot; at >= low + mss + HEADER_MIN;) {
		at -= mss;
		if (gain_of(v, at) > best - worse)
			slot = at;
	}
	return slot;
}

/*
 * Whether a slot is but the constant of another and a remainder that ends at a page:
 * where many such segments are sent again these come often. With a tag of hexadecimal
 * digits in the one and none in the other it looks so for files that have as many digits.
 */
static bool
is_remainder(const struct voting *v, uint32_t slot, uint32_t of)
{
	uint32_t mss = v->box[v->boxes / 2].mss, page = mss & (uint32_t)-(int32_t)mss,
		 apart = slot - of, digits;
	bool is_hex = slot > HEADER_MAX, of_hex = of > HEADER_MAX;

	if (page < PAGE_TOLD)
		return false;
	if (is_hex == of_hex)
		return (apart & (page - 1)) == 0;
	apart += of_hex ? HEADER_MAX + 1 : -(HEADER_MAX + 1);
	for (digits = 1; digits <= HEX_DIGITS_MOST; digits++)
		if (v->hex_lengths >> digits & 1 &&
		    ((apart + (is_hex ? digits : -digits)) & (page - 1)) == 0)
			return true;
	return false;
}

/* What a slot's place says for it: whether it is the first one's with another
 * signature. */
static double
prior_of(const struct voting *v, uint32_t slot, uint32_t of)
{
	bool is_near = slot - of + SIGNATURE_APART <= 2 * SIGNATURE_APART &&
		       (slot > HEADER_MAX) == (of > HEADER_MAX);

	return is_near && tls_law_rows[v->guess->law].record > 0
		   ? log((double)SLOTS / (2 * SIGNATURE_APART))
		   : 0;
}

/* The slot that raises the likelihood most, and by how much; beside a first one, if n >
 * 0. */
static double
best_slot(struct voting *v, uint32_t *slots, uint32_t n)
{
	uint32_t *slot = &slots[n];
	double best = -INFINITY, gain, *product;
	uint32_t t, k;
	size_t i, at;

	memset(v->gain, 0, sizeof v->gain);
	for (t = 0; t < TRIALS; t++)
		for (k = 0; k < SLOTS; k++)
			v->product[t][k] = 1;
	for (i = 0; i < v->boxes; i++) {
		const struct box *box = &v->box[i];

		for (at = box->first; at < box->end; at++)
			v->ratio[v->entry[at].slot] += v->entry[at].ratio;
		for (at = box->first; at < box->end; at++) {
			k = v->entry[at].slot;
			for (t = 0; v->ratio[k] > 0 && t < TRIALS; t++) {
				product = &v->product[t][k];
				*product *= 1 + share_tried[t] / (1 - share_tried[t]) *
							v->ratio[k] / box->already;
				if (*product > PRODUCT_MAX) {
					v->gain[t][k] += log(*product);
					*product = 1;
				}
			}
			v->ratio[k] = 0;
		}
	}
	for (k = 0; k < SLOTS; k++) {
		gain = gain_of(v, k) + (n > 0 ? prior_of(v, k, slots[0]) : 0);
		if (gain > best && (n == 0 || !is_remainder(v, k, slots[0]))) {
			best = gain;
			*slot = k;
		}
	}
	*slot = least_alike(v, *slot, best);
	return best;
}

/* Weights of the slots found, by EM; every record's likelihood by them. */
static void
weigh_slots(struct voting *v, const uint32_t *slot, size_t n, double *weight)
{
	double ratio[FOUND_MAX], sum, share[FOUND_MAX], other = 0.5;
	size_t i, k, at, round;

	for (k = 0; k < n; k++)
		weight[k] = 0.5 / (double)n;
	for (round = 0; round < 8; round++) {
		memset(share, 0, sizeof share);
		for (i = 0; i < v->boxes; i++) {
			struct box *box = &v->box[i];

			memset(ratio, 0, sizeof ratio);
			for (at = box->first; at < box->end; at++)
				for (k = 0; k < n; k++)
					if (v->entry[at].slot == slot[k])
						ratio[k] += v->entry[at].ratio;
			sum = other;
			for (k = 0; k < n; k++)
				sum += weight[k] * ratio[k];
			box->already = sum;
			for (k = 0; k < n; k++)
				share[k] += weight[k] * ratio[k] / sum;
		}
		other = 1;
		for (k = 0; k < n; k++) {
			weight[k] = (share[k] + 0.1) / ((double)v->boxes + 1);
			other -= weight[k];
		}
		other = other > 0.01 ? other : 0.01;
	}
}

static struct mode
mode_of(const struct wire_guess *guess, uint32_t slot, double weight)
{
	struct mode mode = {.weight = weight,
			    .digits = slot > HEADER_MAX,
			    .bytes = slot > HEADER_MAX ? slot - HEADER_MAX - 1 : slot,
			    .law = guess->law};

	mode.inner = mode.law == TLS_none          ? mode.bytes
		     : mode.bytes < INNER_USUAL ? mode.bytes
						: INNER_USUAL;
	return mode;
}

static void
find_modes(struct voting *v)
{
	struct wire_guess *g = v->guess;
	uint32_t slot[FOUND_MAX], n = 0, i;
	double weight[FOUND_MAX], sum = 0, gain, needed = log(SLOTS) + NEEDED;

	g->gain = 0;
	g->header.count = 0;
	while (n < FOUND_MAX && (gain = best_slot(v, slot, n)) > needed) {
		g->gain += gain;
		n++;
		weigh_slots(v, slot, n, weight);
	}
	g->is_significant = n > 0;
	for (i = 0; i < n; i++)
		sum += weight[i];
	for (i = 0; i < n; i++)
		g->header.mode[g->header.count++] =
		    mode_of(g, slot[i], weight[i] / sum);
	g->header.other = n > 0 ? 1 - sum : 1;
}

struct choice {
	size_t record;
	uint64_t payload;
	/* logarithm of the files within reach of a header, 0 if there are few */
	double crowd;
	uint32_t order, rest;
};

static int
sparser(const void *pa, const void *pb)
{
	const struct choice *a = pa, *b = pb;

	if (a->crowd != b->crowd)
		return a->crowd < b->crowd ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int
by_order(const void *pa, const void *pb)
{
	const struct choice *a = pa, *b = pb;

	return a->order < b->order ? -1 : a->order > b->order;
}

/* By what is left of whole segments, then by payload. */
static int
by_rest(const void *pa, const void *pb)
{
	const struct choice *a = pa, *b = pb;

	if (a->rest != b->rest)
		return a->rest < b->rest ? -1 : 1;
	if (a->payload != b->payload)
		return a->payload < b->payload ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/*
 * Records that differ by a few whole segments are of one file that came again, listed or
 * not. They agree on whatever is near it, so they vote once: by the one that had the
 * fewest segments sent again. How many are left.
 */
static size_t
leave_repeats(struct choice *choice, size_t n, const uint32_t *mss)
{
	size_t i, left = 0;
	uint64_t apart, before = 0;

	for (i = 0; i < n; i++) {
		uint32_t size = mss[choice[i].record];

		choice[i].rest = size > 0 ? (uint32_t)(choice[i].payload % size) : 0;
	}
	qsort(choice, n, sizeof *choice, by_rest);
	for (i = 0; i < n; i++) {
		uint32_t size = mss[choice[i].record];

		apart = i > 0 && choice[i].rest == choice[i - 1].rest
			    ? choice[i].payload - before
			    : UINT64_MAX;
		before = choice[i].payload;
		if (size == 0 || apart % size != 0 || apart > reach_of(before, size))
			choice[left++] = choice[i];
	}
	return left;
}

void
wire_vote(const struct files *files, const struct record *const *records,
	  const uint32_t *mss, const uint8_t *n_class, size_t n, struct wire_guess *guess)
{
	struct voting *v = must(calloc(1, sizeof *v));
	size_t step = n > 2000 ? n / 2000 : 1, count = 0, i;
	struct choice *choice = must(calloc(n / step + 1, sizeof *choice));
	struct wire_path usual;

	wire_path_default(&usual);
	v->files = files;
	v->guess = guess;
	v->tables = wire_tables_new(&usual);
	/* Records among few files of their size say most; of those any, from all over. */
	for (i = 0; i < n; i += step) {
		uint64_t payload = wire_payload(records[i], guess->overhead);
		double crowd = HEADER_MAX * catalog_density(files->catalog, payload);

		choice[count++] = (struct choice){
		    i, payload, crowd > 1 ? floor(log2(crowd)) : 0,
		    (uint32_t)i * 2654435769u, 0};
	}
	count = leave_repeats(choice, count, mss);
	qsort(choice, count, sizeof *choice, sparser);
	/* Half of them may be of any size, else digits of sizes could not be told from
	 * the constant. */
	if (count > RECORDS_MAX / 2)
		qsort(choice + RECORDS_MAX / 2, count - RECORDS_MAX / 2, sizeof *choice,
		      by_order);
	for (i = 0; i < count && v->boxes < RECORDS_MAX; i++)
		hear_record(v, records[choice[i].record], mss[choice[i].record],
			    n_class[choice[i].record]);
	find_modes(v);
	guess->records = v->boxes;
	wire_tables_free(v->tables);
	free(choice);
	free(v->entry);
	free(v);
}
