/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wire model. B, P octets and packets of the server's side; c = 52 octets of headers
 *per packet (40 without timestamps; 72, 60 over IPv6); T = B - c P - 8, the 8 being the
 *SYN-ACK's options beyond timestamps, is the payload with what was sent again. For a file
 *of size S, H(S) = constant + digits of S the header:
 *
 *	T = S + H(S) + k MSS + e	k segments sent again, e a remainder, nearly always
 *0 p(k) = 0.97 NegBin(mean lam (S+H)/MSS + 0.02, shape r) + 0.03 / ((k+1) 9.2) p(e) =
 *(1-q) 0.99 for e = 0, (1-q) 0.01/4 for 8, 12, 20, 24, else q/MSS q    = 0.001 for k = 0,
 *else by x = P - ceil(T/MSS) - 3, the segments below the MSS unknown: uniform per octet
 *over the plausible range
 *
 * Far below T only files with the right remainder matter: they are found by the index of
 * residues. Near T (few k) every file is weighed.
 */
#include "identify/wire.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEAR_MAX = 4000 };

static const uint32_t usual_mss[] = {
    536,  1160, 1200, 1208, 1220, 1240, 1248, 1260, 1288, 1300, 1328, 1340, 1348, 1360,
    1368, 1380, 1388, 1400, 1408, 1412, 1420, 1428, 1440, 1448, 1452, 1460, 8948, 8960};
static const uint32_t remainders[] = {0, 8, 12, 20, 24};

static const double TAIL = 0.03, TAIL_SUM = 9.2, MEAN_LEAST = 0.02, Q_NONE = 0.001;

void
wire_path_default(struct wire_path *p)
{
	*p = (struct wire_path){
	    .lam = 0.004, .r = 0.5, .unknown = 0.5, .q = {0.005, 0.05, 0.06, 0.14, 0.29}};
}

static uint64_t
header_per_packet(const struct record *r, bool timestamps)
{
	return (r->server.is_v6 ? 40u : 20u) + 20u + (timestamps ? 12u : 0u);
}

uint64_t
wire_payload(const struct record *r, bool timestamps)
{
	uint64_t less =
	    header_per_packet(r, timestamps) * r->packets + (r->has_handshake ? 8 : 0);

	return r->bytes > less ? r->bytes - less : 0;
}

uint32_t
wire_mss(const struct record *r, bool timestamps)
{
	uint64_t others = r->has_handshake ? 3 : 0;
	double m;
	size_t i;

	if (r->packets <= others)
		return 0;
	m = (double)wire_payload(r, timestamps) / (double)(r->packets - others);
	for (i = 0; i < sizeof usual_mss / sizeof usual_mss[0]; i++)
		if (usual_mss[i] >= m - 0.05)
			return usual_mss[i];
	return 0;
}

uint32_t
wire_mss_of(const struct record *const *records, size_t n, bool timestamps)
{
	uint32_t votes[sizeof usual_mss / sizeof usual_mss[0]] = {0}, mss, best = 0;
	size_t i, k;

	for (i = 0; i < n; i++) {
		mss = wire_mss(records[i], timestamps);
		/* Small records have many short segments: they say little. */
		if (records[i]->packets < 30)
			continue;
		for (k = 0; k < sizeof usual_mss / sizeof usual_mss[0]; k++)
			votes[k] += usual_mss[k] == mss;
	}
	for (k = 1; k < sizeof usual_mss / sizeof usual_mss[0]; k++)
		if (votes[k] > votes[best])
			best = (uint32_t)k;
	return votes[best] > 0 ? usual_mss[best] : 0;
}

struct residue {
	uint32_t residue, file;
};

struct residues {
	uint32_t mss;
	struct mode header;
	size_t count;
	uint32_t *first; /* of each residue, mss + 1 */
	struct residue *item;
};

static uint64_t
header_of(const struct mode *header, uint64_t size)
{
	return header->bytes + size_digits(size, header->is_hex);
}

struct residues *
residues_new(const struct files *files, uint32_t mss, const struct mode *header)
{
	struct residues *r = calloc(1, sizeof *r);
	uint32_t i, at;

	if (r == NULL || (r->first = calloc(mss + 2, sizeof *r->first)) == NULL ||
	    (r->item = calloc(files->count + 1, sizeof *r->item)) == NULL) {
		fputs("weir: out of memory\n", stderr);
		abort();
	}
	r->mss = mss;
	r->header = *header;
	r->count = files->count;
	/* Counting sort; the files come by size, so each residue's are by size too. */
	for (i = 0; i < files->count; i++)
		r->first[(files->file[i].size + header_of(header, files->file[i].size)) %
			     mss +
			 1]++;
	for (i = 0; i < mss; i++)
		r->first[i + 1] += r->first[i];
	for (i = 0; i < files->count; i++) {
		at = (uint32_t)((files->file[i].size +
				 header_of(header, files->file[i].size)) %
				mss);
		r->item[r->first[at]++] = (struct residue){at, i};
	}
	for (i = mss; i > 0; i--)
		r->first[i] = r->first[i - 1];
	r->first[0] = 0;
	return r;
}

void
residues_free(struct residues *r)
{
	if (r == NULL)
		return;
	free(r->first);
	free(r->item);
	free(r);
}

static uint32_t
x_class(uint64_t packets, uint64_t payload, uint32_t mss, bool has_handshake)
{
	int64_t x = (int64_t)packets - (int64_t)((payload + mss - 1) / mss) -
		    (has_handshake ? 3 : 0);

	return x <= 0 ? 0 : x <= 2 ? 1 : x <= 10 ? 2 : x <= 30 ? 3 : 4;
}

static double
log_negbin(uint64_t k, double mean, double r)
{
	double n = (double)k;

	return lgamma(n + r) - lgamma(r) - lgamma(n + 1) + r * log(r / (r + mean)) +
	       n * log(mean / (r + mean));
}

static double
p_of_k(const struct wire_path *path, uint64_t k, double segments)
{
	double mean = path->lam * segments + MEAN_LEAST;

	return (1 - TAIL) * exp(log_negbin(k, mean, path->r)) +
	       TAIL / ((double)(k + 1) * TAIL_SUM);
}

static double
p_of_e(const struct wire_path *path, uint32_t e, uint64_t k, uint32_t class, uint32_t mss)
{
	double q = k == 0 ? Q_NONE : path->q[class];

	if (e == 0)
		return (1 - q) * 0.99 + q / mss;
	if (e == 8 || e == 12 || e == 20 || e == 24)
		return (1 - q) * 0.01 / 4 + q / mss;
	return q / mss;
}

struct weighing {
	const struct wire_model *m;
	const struct record *r;
	uint64_t payload;
	uint32_t class;
	double scale;
	struct tally tally;
};

static void
weigh(struct weighing *w, uint32_t file, const struct mode *header)
{
	uint64_t size = w->m->files->file[file].size,
		 sent = size + header_of(header, size);
	struct candidate c = {.file = file, .header = (uint32_t)(sent - size)};
	uint64_t k, left;

	if (sent > w->payload)
		return;
	left = w->payload - sent;
	k = left / w->m->mss;
	c.k = (uint32_t)k;
	c.e = (uint32_t)(left % w->m->mss);
	tally_add(&w->tally, &c,
		  w->scale * header->weight *
		      p_of_k(w->m->path, k, (double)sent / w->m->mss) *
		      p_of_e(w->m->path, c.e, k, w->class, w->m->mss));
}

/* Files up to reach octets below T; the first not weighed is returned. */
static size_t
weigh_near(struct weighing *w, const struct mode *header)
{
	const struct files *files = w->m->files;
	double mean = w->m->path->lam * (double)w->payload / w->m->mss;
	uint64_t reach = (uint64_t)((8 + 2 * mean) * w->m->mss) + header->bytes + 36, low;
	size_t end = catalog_lower(files->catalog, w->payload), at;

	low = w->payload > reach ? w->payload - reach : 0;
	at = files->count <= NEAR_MAX / 4 ? 0 : catalog_lower(files->catalog, low);
	if (end - at > NEAR_MAX)
		at = end - NEAR_MAX;
	low = at;
	for (; at < end; at++)
		weigh(w, (uint32_t)at, header);
	return low;
}

/* Files below, whose remainder is right. */
static void
weigh_far(struct weighing *w, const struct mode *header, const struct residues *residues,
	  size_t below)
{
	uint64_t least = w->payload / 3; /* more than twice everything sent again: no */
	size_t i, at, low, high, mid;

	for (i = 0; i < sizeof remainders / sizeof remainders[0]; i++) {
		uint32_t residue =
		    (uint32_t)((w->payload - remainders[i]) % residues->mss);

		if (w->payload < remainders[i])
			break;
		low = residues->first[residue];
		high = at = residues->first[residue + 1];
		while (low < high) {
			mid = low + (high - low) / 2;
			if (w->m->files->file[residues->item[mid].file].size < least)
				low = mid + 1;
			else
				high = mid;
		}
		for (; low < at && residues->item[low].file < below; low++)
			weigh(w, residues->item[low].file, header);
	}
}

void
wire_name(const struct wire_model *m, const struct record *r, struct verdict *out)
{
	struct weighing w = {.m = m, .r = r};
	const struct files *files = m->files;
	double range;
	uint32_t i;

	w.payload = wire_payload(r, m->timestamps);
	w.class = x_class(r->packets, w.payload, m->mss, r->has_handshake);
	w.scale = (1 - m->path->unknown) / (double)(files->count ? files->count : 1);
	out->mss = m->mss;
	out->payload = w.payload;
	tally_begin(&w.tally, out);
	for (i = 0; w.payload > 0 && files->count > 0 && i < m->header->count; i++)
		weigh_far(&w, &m->header->mode[i], m->residues[i],
			  weigh_near(&w, &m->header->mode[i]));
	range = files->count > 0
		    ? (double)files->file[files->count - 1].size * 1.05 + 1000
		    : 1;
	if (range < 1.2 * (double)w.payload)
		range = 1.2 * (double)w.payload;
	tally_end(&w.tally, m->path->unknown * 0.5 *
				(1 / range + 1 / (25.0 * (double)(w.payload + 256))));
}

void
wire_learn_header(const struct files *files, const struct record *const *records,
		  const uint32_t *mss, size_t n, bool timestamps, struct modes *header)
{
	struct vote *vote = vote_new();
	struct wire_path path;
	size_t step = n > 300 ? n / 300 : 1, i, at, end;
	uint32_t slot, hex;
	double gain;

	wire_path_default(&path);
	vote_clear(vote);
	for (i = 0; i < n; i += step) {
		uint64_t payload = wire_payload(records[i], timestamps), reach;
		double density;

		if (mss[i] == 0 || payload == 0)
			continue;
		/* Large files vote too, those with long hexadecimal sizes among them: five
		 * times the usual losses. */
		reach = (uint64_t)((8 + 5 * path.lam * (double)payload / mss[i]) * mss[i]) +
			MODE_BYTES_MAX;
		at = catalog_lower(files->catalog, payload > reach ? payload - reach : 0);
		end = catalog_lower(files->catalog, payload);
		density = catalog_density(files->catalog, payload) + 1e-15;
		vote_record(vote, 1);
		for (; at < end && end - at < 20000; at++)
			for (hex = 0; hex < 2; hex++) {
				uint64_t size = files->file[at].size, k;
				int64_t h =
				    (int64_t)(payload - size) - size_digits(size, hex);

				k = h > MODE_BYTES_MAX
					? (uint64_t)(h - MODE_BYTES_MAX + mss[i] - 1) / mss[i]
					: 0;
				h -= (int64_t)(k * mss[i]);
				for (; h >= MODE_BYTES_MIN; h -= mss[i], k++)
					if (h <= MODE_BYTES_MAX)
						vote_add(
						    vote, mode_slot((uint32_t)h, hex),
						    p_of_k(&path, k,
							   (double)payload / mss[i]) /
							density);
			}
	}
	if (vote_best(vote, &slot, &gain)) {
		header->count = 1;
		header->mode[0] = (struct mode){
		    .weight = 1,
		    .bytes = slot > MODE_BYTES_MAX ? slot - MODE_BYTES_MAX - 1 : slot,
		    .is_hex = slot > MODE_BYTES_MAX};
	}
	vote_free(vote);
}

/* Sums of a round of EM over the records named with 0.9 and more. */
struct fit {
	double k_sum, segments, named, unknown, all;
	double odd[WIRE_X_CLASSES], sent_again[WIRE_X_CLASSES];
	double k_of[256], mean_of[256]; /* a sample, for the shape */
	size_t sampled;
};

/* The shape that makes the sample likeliest, from a short list: it needs no better. */
static double
fit_shape(const struct fit *f, double lam)
{
	static const double shapes[] = {0.2, 0.5, 1, 2, 5, 8, 20};
	double best = -INFINITY, sum, r = 0.5;
	size_t i, k;

	for (i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
		struct wire_path p = {.lam = lam, .r = shapes[i]};

		sum = 0;
		for (k = 0; k < f->sampled; k++)
			sum += log(p_of_k(&p, (uint64_t)f->k_of[k], f->mean_of[k]));
		if (sum > best) {
			best = sum;
			r = shapes[i];
		}
	}
	return r;
}

void
wire_refit(const struct wire_model *m, const struct record *const *records, size_t n,
	   struct wire_path *path)
{
	struct fit f = {0};
	struct verdict v;
	size_t step = n > 2000 ? n / 2000 : 1, i;
	double lam;

	for (i = 0; i < n; i += step) {
		double segments, q;
		uint32_t class;

		wire_name(m, records[i], &v);
		f.all++;
		f.unknown += v.unknown;
		if (v.count == 0 || v.candidate[0].probability < 0.9)
			continue;
		segments = (double)(m->files->file[v.candidate[0].file].size +
				    v.candidate[0].header) /
			   m->mss;
		class = x_class(records[i]->packets, v.payload, m->mss,
				records[i]->has_handshake);
		f.named++;
		f.segments += segments;
		/* The tail's giants are the tail's. */
		if (v.candidate[0].k < 10 + 5 * path->lam * segments)
			f.k_sum += v.candidate[0].k;
		if (f.sampled < 256) {
			f.k_of[f.sampled] = v.candidate[0].k;
			f.mean_of[f.sampled++] = segments;
		}
		if (v.candidate[0].k == 0)
			continue;
		q = p_of_e(path, v.candidate[0].e, 1, class, m->mss);
		f.sent_again[class]++;
		f.odd[class] += q > 0 ? path->q[class] / m->mss / q : 0;
	}
	if (f.named < 20)
		return;
	lam = (f.k_sum + 1) / (f.segments + 250);
	path->r = fit_shape(&f, lam);
	path->lam = lam;
	for (i = 0; i < WIRE_X_CLASSES; i++) {
		struct wire_path usual;

		wire_path_default(&usual);
		path->q[i] = (f.odd[i] + 4 * usual.q[i]) / (f.sent_again[i] + 4);
	}
	path->unknown = (f.unknown + 1) / (f.all + 2);
}
