/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A search over multisets of 2 to 5 files: all but the largest file are tried in rising
 * order, the largest follows from the residue that is left, or, in small catalogues, from
 * what lies near. Each set has the weight
 *
 * 	several share(m) m! / (prod of multiplicities!) / N^m  p(k) p(e) p(request)
 *
 * the number of orders in which m downloads can have come. p(request): the client's
 * payload is m constants, the paths and SACK options, so that its remainder modulo 4 and
 * its amount tell m. What the record would be as one download is weighed with it.
 */
#include "identify/several.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WORK_MAX = 1000000, NEAR_FILES_MAX = 2000, NEAR_K_MAX = 64, REMAINDERS = 5 };

static const double share_of_number[SEVERAL_FILES_MAX + 1] = {0, 0, 0.5, 0.25, 0.15, 0.1};
static const uint32_t usual_remainders[REMAINDERS] = {0, 8, 12, 20, 24};

struct search {
	const struct wire_model *m;
	const struct record *r;
	const struct residues *residues;
	const struct sents *sents;
	const uint64_t *sent;
	struct wire_sight sight;
	uint64_t target;  /* T less what the first exchange has beside */
	uint64_t request; /* 0: not known */
	double alone;     /* p(request) of one download */
	size_t work;
	struct several *out;
	double sum; /* of the weights of sets */
	double by_files[SEVERAL_FILES_MAX + 1];
	/* of the number being tried */
	uint32_t files;
	double prior;
	const struct wire_losses *losses;
	struct wire_parts parts;
	double by_request; /* where files have no paths: one for all sets */
	uint32_t file[SEVERAL_FILES_MAX];
	uint64_t path_octets;
};

static double
p_of_request(double rest)
{
	double any = 4 / (12.0 * (fabs(rest) + 60));

	return rest == 0 ? 0.5 : rest >= 12 && fmod(rest, 4) == 0 ? 0.5 * any
	    : 0.005 * any;
}

/* Of m downloads with that many octets of paths, against one. */
static double
request_factor(const struct search *s, uint32_t files, uint64_t paths)
{
	if (s->request == 0)
		return 1;
	return p_of_request((double)s->request - (double)files * s->m->path->request -
			    (double)paths) /
	       s->alone;
}

static int
heavier(const void *pa, const void *pb)
{
	const struct several_set *a = pa, *b = pb;

	if (a->probability != b->probability)
		return a->probability > b->probability ? -1 : 1;
	return memcmp(a->file, b->file, sizeof a->file);
}

/* Whether a set of this weight is among the heaviest so far. */
static bool
is_heavy(const struct several *out, double weight)
{
	return out->count < SEVERAL_SETS_MAX ||
	    weight > out->set[out->least].probability;
}

void
several_keep(struct several *out, const struct several_set *set)
{
	uint32_t i;

	if (!is_heavy(out, set->probability))
		return;
	if (out->count < SEVERAL_SETS_MAX)
		out->set[out->count++] = *set;
	else
		out->set[out->least] = *set;
	if (out->count < SEVERAL_SETS_MAX)
		return;
	for (i = 1, out->least = 0; i < out->count; i++)
		if (out->set[i].probability < out->set[out->least].probability)
			out->least = i;
}

double
several_orders(const uint32_t *files, uint32_t n)
{
	double orders = 1;
	uint32_t i, run = 1;

	for (i = 1; i < n; i++) {
		run = files[i] == files[i - 1] ? run + 1 : 1;
		orders *= (double)(i + 1) / run;
	}
	return orders;
}

void
several_settle(struct several *out, double sum)
{
	uint32_t i;

	for (i = 0; i < out->count; i++)
		out->set[i].probability /= sum;
	qsort(out->set, out->count, sizeof out->set[0], heavier);
	for (i = 0; i < out->count; i++)
		out->fits += out->set[i].probability >= 0.01 * out->set[0].probability;
}

/* Weighs the files chosen, sent octets in all. */
static void
weigh(struct search *s, uint64_t sent)
{
	const struct wire_model *m = s->m;
	uint64_t left = s->target - sent, k = left / m->mss;
	uint32_t e = (uint32_t)(left % m->mss);
	double weight = s->prior * several_orders(s->file, s->files);
	struct several_set set;

	weight *= wire_losses_p(s->losses, k);
	weight *= wire_parts_p(&s->parts, m->mss, k, e, (uint32_t)(sent % m->mss));
	weight *= m->files->has_paths
		      ? request_factor(s, s->files,
			    s->path_octets +
				m->files->file[s->file[s->files - 1]].path_len)
		      : s->by_request;
	s->sum += weight;
	s->by_files[s->files] += weight;
	if (!is_heavy(s->out, weight))
		return;
	set = (struct several_set){
	    .files = s->files, .k = (uint32_t)k, .e = e, .probability = weight};
	memcpy(set.file, s->file, sizeof set.file);
	several_keep(s->out, &set);
}

/* The last and largest file, at least number from; sent: of the others. */
static void
find_last(struct search *s, uint32_t from, uint64_t sent)
{
	const struct wire_model *m = s->m;
	uint64_t left = s->target - sent, reach = (uint64_t)NEAR_K_MAX * m->mss,
		 depth = m->files->count <= NEAR_FILES_MAX ? left : reach * 4;
	size_t near = m->files->count, count, at;
	uint32_t rest = (uint32_t)(left % m->mss), i;

	if (m->files->count <= NEAR_FILES_MAX) {
		near = sents_lower(s->sents, left > reach ? left - reach : 0);
		near = near > from ? near : from;
		for (at = near; at < m->files->count && s->sent[at] <= left; at++) {
			s->work++;
			s->file[s->files - 1] = (uint32_t)at;
			weigh(s, sent + s->sent[at]);
		}
	}
	for (i = 0; i < REMAINDERS && left >= usual_remainders[i] &&
		    usual_remainders[i] < m->mss;
	     i++) {
		uint32_t beside = usual_remainders[i];
		uint32_t residue = rest >= beside ? rest - beside
						  : rest + m->mss - beside;
		const struct residue *one = residues_at(s->residues, residue, &count);

		for (at = 0; at < count && one[at].sent <= left; at++) {
			s->work++;
			if (one[at].file < from || one[at].file >= near ||
			    one[at].sent + depth < left)
				continue;
			s->file[s->files - 1] = one[at].file;
			weigh(s, sent + one[at].sent);
		}
	}
}

/* Chooses file number `chosen` and those after it. */
static void
choose(struct search *s, uint32_t chosen, uint32_t from, uint64_t sent)
{
	uint32_t rest = s->files - chosen;
	uint64_t path;
	size_t i;

	if (rest == 1) {
		find_last(s, from, sent);
		return;
	}
	for (i = from; i < s->m->files->count && sent + rest * s->sent[i] <= s->target;
	    i++) {
		if (s->work++ > WORK_MAX)
			return;
		s->file[chosen] = (uint32_t)i;
		path = s->m->files->file[i].path_len;
		s->path_octets += path;
		choose(s, chosen + 1, (uint32_t)i, sent + s->sent[i]);
		s->path_octets -= path;
	}
}

/* Whether all sets of that many can be tried. */
static bool
is_feasible(const struct search *s, uint32_t files)
{
	double n = (double)s->m->files->count, work = 1;
	uint32_t i;

	for (i = 1; i < files; i++)
		work *= (n + i - 1) / i;
	/* For each choice of the others the last one's residues are looked through. */
	work *= 1 + REMAINDERS * n / s->m->mss;
	return work <= WORK_MAX;
}

static void
try_number(struct search *s, uint32_t files)
{
	struct wire_path path = *s->m->path;
	double share = s->m->server->several * share_of_number[files] *
		       (1 - path.unknown);
	uint64_t request = s->request, least = (uint64_t)files * path.request;

	if (s->request > 0 && request < least)
		return;
	if (!is_feasible(s, files)) {
		s->out->is_cut = true;
		return;
	}
	s->sight.n_class = WIRE_N_CLASSES;
	if (request > 0 && !s->m->files->has_paths && (request - least) % 4 == 0)
		s->sight.n_class = wire_n_class((request - least) / 12);
	s->files = files;
	s->losses = wire_table(s->m->tables, s->sight.n_class, s->sight.segments);
	wire_parts_of_e(&path, s->m->mss, &s->sight, &s->parts);
	s->by_request = request_factor(s, files, 0);
	s->prior = share * pow(1 / (double)s->m->files->count, files);
	s->work = 0;
	s->path_octets = 0;
	choose(s, 0, 0, 0);
	if (s->work > WORK_MAX)
		s->out->is_cut = true;
}

static void
begin(struct search *s, const struct wire_model *m, const struct sents *later,
      const struct residues *residues, const struct record *r, struct several *out)
{
	const struct mode *mode = &m->server->header.mode[0];
	uint64_t first = mode->bytes > mode->inner ? mode->bytes - mode->inner : 0;

	*s = (struct search){.m = m,
			     .r = r,
			     .sents = later,
			     .sent = sents_of(later),
			     .residues = residues,
			     .out = out};
	wire_look(m, r, &s->sight);
	s->target = s->sight.payload > first ? s->sight.payload - first : 0;
	if (r->request_packets > 0 && m->path->request > 0 && m->path->is_request_exact)
		s->request = wire_request(r, m->overhead);
	/* Of one: its path is not known, a usual one is supposed. */
	s->alone = p_of_request((double)s->request - m->path->request);
	if (m->files->has_paths)
		s->alone = 4 / (12.0 * ((double)s->request + 60)) / 4;
}

void
several_name(const struct wire_model *m, const struct sents *later,
	     const struct residues *residues, const struct record *r,
	     const struct verdict *alone, struct several *out)
{
	struct search s;
	double sum;
	uint32_t i;

	*out = (struct several){0};
	begin(&s, m, later, residues, r, out);
	if (m->files->count == 0 || s.target == 0 || m->server->several <= 0)
		return;
	for (i = 2; i <= SEVERAL_FILES_MAX; i++)
		try_number(&s, i);
	/* Of known files so many come with others; what unknown ones do is their part. */
	sum = s.sum + alone->evidence *
			  ((1 - m->server->several) * (1 - alone->unknown) +
			   alone->unknown);
	if (!(sum > 0))
		return;
	out->probability = s.sum / sum;
	for (i = 2, out->files = 2; i <= SEVERAL_FILES_MAX; i++)
		if (s.by_files[i] > s.by_files[out->files])
			out->files = i;
	several_settle(out, sum);
}

bool
several_is_told(const struct wire_path *path, const struct record *r, uint32_t overhead)
{
	uint64_t request = r->request_packets > 0 ? wire_request(r, overhead) : 0;

	return path->is_request_exact && request >= 2 * (uint64_t)path->request &&
	       (request - path->request) % 4 != 0;
}

double
several_of_file(const struct several *s, uint32_t file)
{
	double sum = 0;
	uint32_t i, k;

	for (i = 0; i < s->count; i++) {
		for (k = 0; k < s->set[i].files && s->set[i].file[k] != file; k++)
			;
		if (k < s->set[i].files)
			sum += s->set[i].probability;
	}
	return sum;
}
