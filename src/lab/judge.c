/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two joins of judge.h. Records are sorted by client and port, so that those of a
 * download's end lie together; findings of one record are neighbours that agree in time
 * and octets.
 */
#include "lab/judge.h"

#include "base/memory.h"
#include "evaluate/align.h"

#include <stdio.h>
#include <string.h>

/* An answer that was asked for ahead of its turn comes so many tolerances later. */
enum { LATE = 10 };

static const int64_t PART_US = INT64_C(3600000000); /* a cut-off part may come so late */

/* The end that this place knows the client by: its own, or what the NAT made of it. */
static void
end_at_place(const struct lab_download *d, const struct lab_records *t,
	     struct addr *client, uint16_t *port)
{
	size_t at = lab_records_find(t, &d->client, d->port);

	*client = d->client;
	*port = d->port;
	if (at < t->count && lab_record_is_of(&t->list[at], client, *port))
		return;
	if (d->has_seen || d->has_seen_addr) {
		*client = d->has_seen_addr ? d->seen : d->client;
		*port = d->seen_port;
	}
}

/* Training rows are not, nor are downloads of no file that the truth knows. */
static bool
is_judged(const struct lab_download *d)
{
	return !d->is_training && d->name != 0;
}

/* ---- in order ---- */

static void
add_item(struct items *items, int64_t start_us, const struct addr *client, uint16_t port,
	 uint64_t octets, size_t number)
{
	/* align.c parts equals by name, as texts stand in their file: here by number. */
	items->list[items->count++] = (struct item){.start_us = start_us,
						    .client = *client,
						    .port = port,
						    .has_port = true,
						    .octets = octets,
						    .has_octets = octets > 0,
						    .name = number + 1};
}

void
lab_align(const struct lab_downloads *d, const struct lab_records *t,
	  int64_t tolerance_us, const struct lab_record **out)
{
	struct items truth = {.has_port = true}, found = {.has_port = true};
	uint32_t *pairs = must(calloc(d->count + 1, sizeof *pairs));
	size_t i;

	truth.list = must(calloc(d->count + 1, sizeof *truth.list));
	found.list = must(calloc(t->count + 1, sizeof *found.list));
	for (i = 0; i < d->count; i++) {
		struct addr client;
		uint16_t port;

		end_at_place(&d->list[i], t, &client, &port);
		add_item(&truth, d->list[i].start_us, &client, port, d->list[i].size, i);
		out[i] = NULL;
	}
	for (i = 0; i < t->count; i++)
		add_item(&found, t->list[i].start_us, &t->list[i].client, t->list[i].port,
			 t->list[i].bytes, i);
	align_items(&truth, &found, tolerance_us, pairs);
	for (i = 0; i < truth.count; i++)
		if (pairs[i] != UNPAIRED)
			out[truth.list[i].name - 1] =
			    &t->list[found.list[pairs[i]].name - 1];
	free(truth.list);
	free(found.list);
	free(pairs);
}

static bool
says_so(const struct lab_downloads *d, const struct lab_download *one,
	const struct lab_records *t, const struct lab_record *said)
{
	return strcmp(lab_download_text(d, one->name), lab_record_text(t, said->name)) ==
		   0 &&
	       (one->version == 0 || strcmp(lab_download_text(d, one->version),
					    lab_record_text(t, said->version)) == 0);
}

static bool
is_one_record(const struct lab_record *a, const struct lab_record *b)
{
	return a->start_us == b->start_us && a->end_us == b->end_us &&
	       a->bytes == b->bytes && lab_record_is_of(a, &b->client, b->port);
}

/* Another name of the same record that is the download's and is none of another's yet. */
static const struct lab_record *
find_other(const struct lab_downloads *d, const struct lab_download *one,
	   const struct lab_records *t, const struct lab_record *said,
	   const bool *is_taken)
{
	const struct lab_record *first = said;

	while (first > t->list && is_one_record(first - 1, said))
		first--;
	for (; first < t->list + t->count && is_one_record(first, said); first++)
		if (!is_taken[first - t->list] && first->name != 0 &&
		    says_so(d, one, t, first))
			return first;
	return NULL;
}

/* Names of several downloads on one record come in no order: each goes to the download
 * that it is of, if that is among those that were paired with the record. */
static void
uncross(const struct lab_downloads *d, const struct lab_records *t,
	const struct lab_record **pairs)
{
	bool *is_taken = must(calloc(t->count + 1, sizeof *is_taken));
	size_t *of = must(calloc(t->count + 1, sizeof *of)), i, at;
	const struct lab_record *other;

	for (i = 0; i < d->count; i++) {
		if (pairs[i] == NULL)
			continue;
		at = (size_t)(pairs[i] - t->list);
		of[at] = i + 1;
		is_taken[at] = pairs[i]->name != 0 &&
			       says_so(d, &d->list[i], t, pairs[i]);
	}
	for (i = 0; i < d->count; i++) {
		if (pairs[i] == NULL || is_taken[at = (size_t)(pairs[i] - t->list)])
			continue;
		other = find_other(d, &d->list[i], t, pairs[i], is_taken);
		if (other == NULL)
			continue;
		if (of[other - t->list] > 0)
			pairs[of[other - t->list] - 1] = pairs[i];
		of[at] = of[other - t->list];
		pairs[i] = other;
		of[other - t->list] = i + 1;
		is_taken[other - t->list] = true;
	}
	free(of);
	free(is_taken);
}

static void
judge_in_order(const struct lab_downloads *d, const struct lab_records *t,
	       int64_t tolerance_us, struct lab_verdict *v)
{
	const struct lab_record **pairs = must(calloc(d->count + 1, sizeof *pairs));
	size_t i;

	lab_align(d, t, LATE * tolerance_us, pairs);
	uncross(d, t, pairs);
	for (i = 0; i < d->count; i++) {
		const struct lab_record *said = pairs[i];

		if (!is_judged(&d->list[i]))
			continue;
		v[i].said = said;
		v[i].outcome = said == NULL                       ? LAB_ABSENT
			       : said->name == 0                  ? LAB_UNKNOWN
			       : says_so(d, &d->list[i], t, said) ? LAB_RIGHT
								  : LAB_WRONG;
	}
	free(pairs);
}

/* ---- by record ---- */

struct placed {
	struct addr client;
	uint16_t port;
	int64_t start_us, next_us; /* when the next download of the end began */
	size_t number, record;     /* first of what was said of it; SIZE_MAX: none */
};

static int
placed_compare(const void *pa, const void *pb)
{
	const struct placed *a = pa, *b = pb;
	int by = addr_compare(&a->client, &b->client);

	if (by == 0)
		by = (a->port > b->port) - (a->port < b->port);
	if (by == 0)
		by = (a->start_us > b->start_us) - (a->start_us < b->start_us);
	return by != 0 ? by : (a->number > b->number) - (a->number < b->number);
}

static size_t
record_of(const struct placed *p, const struct lab_records *t, int64_t tolerance_us)
{
	size_t i = lab_records_find(t, &p->client, p->port), best = SIZE_MAX;

	for (; i < t->count && lab_record_is_of(&t->list[i], &p->client, p->port); i++) {
		const struct lab_record *r = &t->list[i];
		bool covers = r->start_us <= p->start_us + tolerance_us &&
			      r->end_us >= p->start_us - tolerance_us;
		bool follows =
		    r->start_us > p->start_us && r->start_us < p->next_us - tolerance_us;

		if ((covers || follows) &&
		    (best == SIZE_MAX || r->bytes > t->list[best].bytes))
			best = i;
	}
	return best;
}

static struct placed *
place_all(const struct lab_downloads *d, const struct lab_records *t,
	  int64_t tolerance_us)
{
	struct placed *all = must(calloc(d->count + 1, sizeof *all));
	size_t i;

	for (i = 0; i < d->count; i++) {
		all[i].number = i;
		all[i].start_us = d->list[i].start_us;
		end_at_place(&d->list[i], t, &all[i].client, &all[i].port);
	}
	qsort(all, d->count, sizeof *all, placed_compare);
	for (i = 0; i < d->count; i++) {
		const struct placed *next = &all[i + 1];

		all[i].next_us = all[i].start_us + PART_US;
		if (i + 1 < d->count && next->port == all[i].port &&
		    addr_compare(&next->client, &all[i].client) == 0 &&
		    next->start_us < all[i].next_us)
			all[i].next_us = next->start_us;
		all[i].record = record_of(&all[i], t, tolerance_us);
	}
	return all;
}

void
lab_join_records(const struct lab_downloads *d, const struct lab_records *t,
		 int64_t tolerance_us, size_t *out)
{
	struct placed *all = place_all(d, t, tolerance_us);
	size_t i;

	for (i = 0; i < d->count; i++)
		out[all[i].number] = all[i].record;
	free(all);
}

/* What was said of records first.. of one record, for its downloads members[0..n-1]. */
static void
judge_record(const struct lab_downloads *d, const struct lab_records *t, size_t first,
	     const struct placed *const *members, size_t n, struct lab_verdict *v)
{
	size_t last = first, names = 0, i, k;
	bool *is_used;

	while (last < t->count && is_one_record(&t->list[first], &t->list[last]))
		names += t->list[last++].name != 0;
	is_used = must(calloc(last - first, sizeof *is_used));
	for (i = 0; i < n; i++) {
		struct lab_verdict *one = &v[members[i]->number];

		*one = (struct lab_verdict){.outcome = LAB_UNKNOWN,
		    .said = &t->list[first], .shared = (uint32_t)n};
		for (k = first; k < last && one->outcome == LAB_UNKNOWN; k++) {
			if (is_used[k - first] || t->list[k].name == 0 ||
			    !says_so(d, &d->list[members[i]->number], t, &t->list[k]))
				continue;
			is_used[k - first] = true;
			one->outcome = names > n ? LAB_WRONG : LAB_RIGHT;
			one->is_split = names > n;
			one->said = &t->list[k];
		}
	}
	for (i = 0, k = first; i < n; i++) {
		struct lab_verdict *one = &v[members[i]->number];

		while (k < last && (is_used[k - first] || t->list[k].name == 0))
			k++;
		if (one->outcome != LAB_UNKNOWN || k == last)
			continue;
		one->outcome = LAB_WRONG;
		one->is_split = names > n;
		one->said = &t->list[k++];
	}
	free(is_used);
}

static void
judge_by_record(const struct lab_downloads *d, const struct lab_records *t,
		int64_t tolerance_us, struct lab_verdict *v)
{
	struct placed *all = place_all(d, t, tolerance_us);
	const struct placed **members = must(calloc(d->count + 1, sizeof *members));
	size_t i, k, n;

	for (i = 0; i < d->count; i++) {
		if (!is_judged(&d->list[all[i].number]) ||
		    v[all[i].number].outcome != LAB_UNJUDGED)
			continue;
		if (all[i].record == SIZE_MAX) {
			v[all[i].number].outcome = LAB_ABSENT;
			continue;
		}
		/* The others of the record are of the same end, so they follow. */
		for (k = i, n = 0; k < d->count && all[k].port == all[i].port &&
				   addr_compare(&all[k].client, &all[i].client) == 0;
		     k++)
			if (all[k].record == all[i].record &&
			    is_judged(&d->list[all[k].number]))
				members[n++] = &all[k];
		judge_record(d, t, all[i].record, members, n, v);
	}
	free(members);
	free(all);
}

/* True if "name version" is one of the candidates, each followed by its probability. */
static bool
is_candidate(const struct lab_downloads *d, const struct lab_download *one,
	     const struct lab_records *t, const struct lab_record *said)
{
	const char *name = lab_download_text(d, one->name);
	const char *at = lab_record_text(t, said->candidates);
	size_t n = strlen(name);

	while (*at != '\0') {
		if (strncmp(at, name, n) == 0 && at[n] == ' ')
			return true;
		at += strcspn(at, ";");
		at += strspn(at, "; ");
	}
	return false;
}

void
lab_judge(const struct lab_downloads *d, const struct lab_records *t, enum lab_join join,
	  int64_t tolerance_us, struct lab_verdict *verdicts)
{
	size_t i;

	memset(verdicts, 0, d->count * sizeof *verdicts);
	if (join == LAB_IN_ORDER)
		judge_in_order(d, t, tolerance_us, verdicts);
	else
		judge_by_record(d, t, tolerance_us, verdicts);
	for (i = 0; i < d->count; i++)
		verdicts[i].is_among = verdicts[i].outcome == LAB_UNKNOWN &&
		    verdicts[i].said->is_set &&
		    is_candidate(d, &d->list[i], t, verdicts[i].said);
}

const char *
lab_why(const struct lab_downloads *d, const struct lab_records *t, size_t download,
	const struct lab_verdict *v, char out[128])
{
	const struct lab_download *one = &d->list[download];
	bool is_near = v->said != NULL && is_candidate(d, one, t, v->said);

	if (v->outcome == LAB_ABSENT)
		return "nothing is said of this client, port and time";
	if (v->is_split)
		return "the record was told as more files than it holds";
	if (v->outcome == LAB_UNKNOWN && v->shared > 1) {
		snprintf(out, 128,
			 "the record holds %u downloads and no name is left for this",
			 v->shared);
		return out;
	}
	if (v->outcome == LAB_UNKNOWN)
		return is_near ? "not named; the right file is a candidate" : "not named";
	if (v->outcome == LAB_WRONG && one->version != 0 &&
	    strcmp(lab_download_text(d, one->name), lab_record_text(t, v->said->name)) ==
		0)
		return "another version of the right file was named";
	return is_near ? "another file was named; the right one is a candidate"
		       : "another file was named";
}
