/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Most servers send what others do. So before a server's records vote for constants among
 * all there can be (wire_vote.c), those that all servers have are held against them: by
 * the index of residues that takes a hundredth of the time. If they explain the records
 * about as well as they do those of all servers, and leave about as many unexplained, the
 * server has these, each with its own share.
 */
#include "identify/plain_inside.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { RECORDS_MAX = 150, ROUNDS = 12 };

/* Of what the constants gain of a record of all servers, what they must of this one's;
 * and how much more may be explained by none. */
static const double USUAL_PART = 0.5, OTHER_MORE = 0.1;
/* What any gain must be, also that of one constant beside the others; records that it
 * must explain. */
static const double NEEDED = 8, LEAST_RECORDS = 1.5;

struct known {
	uint32_t modes;
	size_t looked, records; /* looked at; of those with the usual segments */
	double ratio[RECORDS_MAX][MODES_MAX]; /* over chance */
	double weight[MODES_MAX], other, gain;
};

/* How much likelier a record is by a constant than by chance. */
static double
ratio_of(const struct wire_model *m, uint32_t mode, uint64_t payload, unsigned n_class)
{
	double segments = (double)payload / m->mss, sum = 0;
	const struct wire_losses *losses = wire_table(m->tables, n_class, segments);
	uint64_t reach = (uint64_t)((8 + 0.02 * segments) * m->mss);
	size_t count;
	const struct residue *at =
	    residues_at(m->residues[mode], (uint32_t)(payload % m->mss), &count);
	size_t low = 0, high = count, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (at[mid].sent <= payload)
			low = mid + 1;
		else
			high = mid;
	}
	while (low-- > 0 && at[low].sent + reach >= payload)
		sum += wire_losses_p(losses, (payload - at[low].sent) / m->mss);
	return sum / (catalog_density(m->files->catalog, payload) + 1e-15);
}

/* The share of each constant by EM, and what they gain together. */
static void
weigh(struct known *k)
{
	double share[MODES_MAX], sum;
	uint32_t m, round;
	size_t i;

	for (round = 0; round < ROUNDS; round++) {
		k->gain = 0;
		for (m = 0; m < k->modes; m++)
			share[m] = 0;
		for (i = 0; i < k->records; i++) {
			sum = k->other;
			for (m = 0; m < k->modes; m++)
				sum += k->weight[m] * k->ratio[i][m];
			for (m = 0; m < k->modes; m++)
				share[m] += k->weight[m] * k->ratio[i][m] / sum;
			k->gain += log(sum);
		}
		for (k->other = 1, m = 0; m < k->modes; m++) {
			/* What explains too few is chance. */
			k->weight[m] = round >= ROUNDS / 2 && share[m] < LEAST_RECORDS
					   ? 0
					   : share[m] / ((double)k->records + 1);
			k->other -= k->weight[m];
		}
		k->other = fmax(k->other, 0.01);
	}
}

/* Leaves out the constant that explains least, if nearly as much is explained without it;
 * false if not. */
static bool
leave_out(struct known *k)
{
	struct known *less;
	uint32_t m, least = MODES_MAX, count = 0;
	bool is_left_out;

	for (m = 0; m < k->modes; m++) {
		if (!(k->weight[m] > 0))
			continue;
		count++;
		if (least == MODES_MAX || k->weight[m] < k->weight[least])
			least = m;
	}
	if (count < 2)
		return false;
	less = must(malloc(sizeof *less));
	*less = *k;
	less->weight[least] = 0;
	weigh(less);
	is_left_out = less->gain > k->gain - NEEDED;
	if (is_left_out)
		*k = *less;
	free(less);
	return is_left_out;
}

/* The segments' size that most records have. */
static uint32_t
usual_mss(const uint32_t *mss, size_t n)
{
	uint32_t best = 0;
	size_t i, votes = 0;

	for (i = 0; i < n; i++) {
		if (votes == 0)
			best = mss[i];
		votes += mss[i] == best ? 1 : (size_t)-1;
	}
	return best;
}

static void
hold_against(struct plain *p, const struct wire_server *known,
	     const struct record *const *records, const uint32_t *mss,
	     const uint8_t *n_class, size_t n, uint32_t overhead, struct known *k)
{
	size_t step = n > RECORDS_MAX ? n / RECORDS_MAX + 1 : 1, i;
	uint32_t segment = usual_mss(mss, n), m;
	struct plain_ready ready;
	struct wire_path usual;
	struct wire_tables *tables;

	k->modes = known->header.count;
	k->looked = k->records = 0;
	k->other = 0.5;
	k->gain = 0;
	if (segment == 0)
		return;
	wire_path_default(&usual);
	tables = wire_tables_new(&usual);
	plain_make_ready(p, known, &usual, tables, overhead, segment, &ready);
	for (i = 0; i < n; i += step) {
		uint64_t payload = wire_payload(records[i], overhead);

		k->looked++;
		if (payload == 0 || mss[i] != segment)
			continue;
		for (m = 0; m < k->modes; m++)
			k->ratio[k->records][m] =
			    ratio_of(&ready.model, m, payload, n_class[i]);
		k->records++;
	}
	for (m = 0; m < k->modes; m++)
		k->weight[m] = 0.5 / k->modes;
	wire_tables_free(tables);
	if (k->records == 0)
		return;
	weigh(k);
	while (leave_out(k))
		;
}

void
plain_set_usual(struct plain *p, const struct record *const *records,
		const uint32_t *mss, const uint8_t *n_class, size_t n)
{
	struct known *k = must(malloc(sizeof *k));
	const struct wire_server *all = &p->all.known.wire;

	p->usual_known = 0;
	hold_against(p, all, records, mss, n_class, n, all->overhead, k);
	if (k->records > 0 && k->gain > NEEDED) {
		p->usual_known = k->gain / (double)k->records;
		p->usual_other = k->other;
	}
	free(k);
}

bool
plain_guess_known(struct plain *p, const struct wire_server *known,
		  const struct record *const *records, const uint32_t *mss,
		  const uint8_t *n_class, size_t n, struct wire_guess *out)
{
	struct known *k;
	double sum = 0;
	bool is_usual;
	uint32_t m;

	if (!(p->usual_known > 0) || known->header.count == 0 || known->overhead == 0)
		return false;
	k = must(malloc(sizeof *k));
	hold_against(p, known, records, mss, n_class, n, known->overhead, k);
	is_usual = k->gain > NEEDED &&
		   k->gain > USUAL_PART * p->usual_known * (double)k->records &&
		   k->other < p->usual_other + OTHER_MORE && k->records * 2 > k->looked;
	if (is_usual) {
		*out = (struct wire_guess){.overhead = known->overhead,
					   .law = known->header.mode[0].law,
					   .gain = k->gain,
					   .records = k->records,
					   .is_significant = true};
		for (m = 0; m < k->modes; m++)
			sum += k->weight[m];
		for (m = 0; m < k->modes; m++) {
			struct mode mode = known->header.mode[m];

			mode.weight = k->weight[m] / sum;
			if (k->weight[m] > 0)
				out->header.mode[out->header.count++] = mode;
		}
		out->header.other = 1 - sum;
		is_usual = out->header.count > 0;
	}
	free(k);
	return is_usual;
}
