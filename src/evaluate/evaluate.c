/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verdict on findings: each download of the truth is right, wrong or not named, and
 * is counted in its part (before or after the split), as a whole, in its group and in the
 * grade of its evidence.
 */
#include "evaluate/evaluate.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/memory.h"
#include "evaluate/align.h"
#include "evaluate/evaluation.h"
#include "model/type.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOLERANCE_US = 2000000, TOLERANCE_S_MAX = 86400, SET_MOST = 64 };

const struct counter_row evaluate_counter_rows[EVALUATE_COUNTERS] = {
#define COUNTER(id, help) [EVALUATE_##id] = {#id, help},
#include "evaluate/counter.def"
#undef COUNTER
};

const char *const evaluation_parts[PARTS_MAX] = {"all", "train", "test"};

const char *
evaluation_text(const struct items *t, size_t text)
{
	return text == 0 ? "" : items_text(t, text);
}

size_t
evaluation_tallies(const struct evaluation *e)
{
	return 1 + e->group_count + GRADES + 1;
}

/* ---- groups ---- */

static uint32_t
group_number(struct evaluation *e, const char *text)
{
	size_t slot = hash64(text, strlen(text), 0) % GROUP_SLOTS, at;

	while (e->slots[slot] != 0) {
		if (strcmp(items_text(&e->truth, e->groups[e->slots[slot] - 1]),
		    text) == 0)
			return e->slots[slot] - 1;
		slot = (slot + 1) % GROUP_SLOTS;
	}
	if (e->group_count >= GROUPS_MAX) {
		e->counters[EVALUATE_groups_over]++;
		text = "other";
		if (e->group_count == GROUPS_MAX + 1)
			return GROUPS_MAX;
	}
	at = e->truth.strings.len;
	text_str(&e->truth.strings, text);
	text_char(&e->truth.strings, '\0');
	e->groups[e->group_count] = at;
	e->slots[slot] = ++e->group_count;
	return e->group_count - 1;
}

/* The group of a download: the truth's column, else the finding's, else "none". */
static void
make_groups(struct evaluation *e)
{
	char text[256];
	size_t i;

	e->group_of = must(calloc(e->truth.count + 1, sizeof *e->group_of));
	for (i = 0; i < e->truth.count; i++) {
		const char *group = "";

		if (e->truth.has_group)
			group = evaluation_text(&e->truth, e->truth.list[i].group);
		else if (e->pairs[i] != UNPAIRED)
			group = evaluation_text(&e->findings,
			    e->findings.list[e->pairs[i]].group);
		/* A copy: the strings may move when a new one is kept. */
		snprintf(text, sizeof text, "%s", *group != '\0' ? group : "none");
		e->group_of[i] = group_number(e, text);
	}
}

/* ---- the split ---- */

static int
time_compare(const void *pa, const void *pb)
{
	int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;

	return a < b ? -1 : a > b;
}

static int
set_split(struct evaluation *e, const char *split, struct err *err)
{
	int64_t *starts;
	double share;
	size_t i;

	if (split == NULL)
		return 0;
	e->has_split = true;
	if (!parse_f64(split, strlen(split), &share) || share >= 1) {
		if (time_parse(split, strlen(split), &e->split_us))
			return 0;
		return err_set(err, EINVAL,
		    "--split takes a time or a share of the downloads "
		    "between 0 and 1, not '%s'", split);
	}
	if (!(share > 0))
		return err_set(err, EINVAL, "--split: a share above 0, not '%s'", split);
	starts = must(malloc((e->truth.count + 1) * sizeof *starts));
	for (i = 0; i < e->truth.count; i++)
		starts[i] = e->truth.list[i].start_us;
	qsort(starts, e->truth.count, sizeof *starts, time_compare);
	e->split_us = e->truth.count > 0
	    ? starts[(size_t)(share * (double)e->truth.count)] : 0;
	free(starts);
	return 0;
}

/* ---- the verdicts ---- */

/* A name without a version, of a catalogue that has none, is judged as a name. */
static bool
says_so(const struct evaluation *e, const struct item *truth, const struct item *finding)
{
	return strcmp(evaluation_text(&e->truth, truth->name),
	    evaluation_text(&e->findings, finding->name)) == 0 &&
	    (truth->version == 0 || finding->version == 0 ||
	    strcmp(evaluation_text(&e->truth, truth->version),
	    evaluation_text(&e->findings, finding->version)) == 0);
}

static const struct item *
paired(const struct evaluation *e, size_t i)
{
	return e->pairs[i] == UNPAIRED ? NULL : &e->findings.list[e->pairs[i]];
}

/* A set of files has no order: each of its downloads is held against the one of the set
 * that says its name, if any does. */
static void
match_sets(struct evaluation *e)
{
	const struct item *list = e->truth.list, *a, *b;
	size_t i, k;
	uint32_t kept;

	for (i = 0; i < e->truth.count; i++) {
		a = paired(e, i);
		if (a == NULL || !a->is_of_set || list[i].name == 0 ||
		    says_so(e, &list[i], a))
			continue;
		for (k = i < SET_MOST ? 0 : i - SET_MOST;
		     k < e->truth.count && k < i + SET_MOST; k++) {
			b = paired(e, k);
			if (b == NULL || !b->is_of_set || b->start_us != a->start_us ||
			    b->port != a->port ||
			    addr_compare(&b->client, &a->client) != 0 ||
			    !says_so(e, &list[i], b) || says_so(e, &list[k], b))
				continue;
			kept = e->pairs[i];
			e->pairs[i] = e->pairs[k];
			e->pairs[k] = kept;
			break;
		}
	}
}

const struct item *
evaluation_finding(const struct evaluation *e, size_t i)
{
	return paired(e, i);
}

bool
evaluation_is_right(const struct evaluation *e, size_t i)
{
	const struct item *truth = &e->truth.list[i], *finding = evaluation_finding(e, i);

	if (truth->name == 0)
		return finding == NULL || finding->name == 0;
	return finding != NULL && finding->name != 0 && says_so(e, truth, finding);
}

static void
count_one(const struct evaluation *e, size_t i, struct tally *t)
{
	const struct item *finding = evaluation_finding(e, i);
	bool is_named = finding != NULL && finding->name != 0,
	    right = evaluation_is_right(e, i);

	t->downloads++;
	t->right += right;
	t->wrong += is_named && !right;
	t->unnamed += !is_named && !right;
	t->absent += finding == NULL && !right;
	t->named_right += is_named && right;
	t->known += e->truth.list[i].name != 0;
	if (is_named)
		calibration_add(&t->names, finding->probability, right);
}

unsigned
evaluation_part(const struct evaluation *e, size_t i)
{
	return e->truth.list[i].start_us < e->split_us ? 1 : 2;
}

static void
count_all(struct evaluation *e)
{
	size_t each = evaluation_tallies(e), i;
	unsigned part, own;

	e->tallies = must(calloc(each * PARTS_MAX, sizeof *e->tallies));
	for (i = 0; i < e->truth.count; i++) {
		const struct item *finding = evaluation_finding(e, i);
		unsigned grade = finding == NULL ? GRADE_absent : finding->grade;

		own = e->has_split ? evaluation_part(e, i) : 0;
		e->counters[finding != NULL ? EVALUATE_paired : EVALUATE_absent]++;
		for (part = 0; part < PARTS_MAX; part++) {
			struct tally *t = e->tallies + part * each;

			if (part != 0 && part != own)
				continue;
			count_one(e, i, &t[0]);
			count_one(e, i, &t[1 + e->group_of[i]]);
			count_one(e, i, &t[1 + e->group_count + grade]);
		}
	}
	e->counters[EVALUATE_truths] = e->truth.count;
	e->counters[EVALUATE_findings] = e->findings.count;
	e->counters[EVALUATE_unjudged] = e->findings.count - e->counters[EVALUATE_paired];
}

int
evaluate_text(const struct evaluate_text *findings, const struct evaluate_text *truth,
    const struct evaluate_config *config, struct evaluation **out, struct err *err)
{
	struct evaluation *e = must(calloc(1, sizeof *e));
	int64_t tolerance = config->tolerance_us > 0 ? config->tolerance_us
	    : TOLERANCE_US;
	const char *group = config->group != NULL ? config->group : "exporter";

	items_init(&e->truth);
	items_init(&e->findings);
	if (tolerance > (int64_t)TOLERANCE_S_MAX * 1000000) {
		err_set(err, EINVAL, "--tolerance: a day at most");
		goto fail;
	}
	if (items_read(&e->truth, truth, true, group, err) != 0 ||
	    items_read(&e->findings, findings, false, group, err) != 0)
		goto fail;
	if (e->truth.count == 0) {
		err_set(err, EINVAL,
		    "%s: no downloads: there is nothing to hold findings "
		    "against", truth->name);
		goto fail;
	}
	if (config->group != NULL && !e->truth.has_group && !e->findings.has_group) {
		err_set(err, EINVAL, "--group %s: neither %s nor %s has such a column",
		    group, truth->name, findings->name);
		goto fail;
	}
	e->pairs = must(malloc((e->truth.count + 1) * sizeof *e->pairs));
	e->counters[EVALUATE_crowded] =
	    align_items(&e->truth, &e->findings, tolerance, e->pairs);
	match_sets(e);
	make_groups(e);
	if (set_split(e, config->split, err) != 0)
		goto fail;
	count_all(e);
	*out = e;
	return 0;

fail:
	evaluation_free(e);
	return -1;
}

int
evaluate(const char *findings, const char *truth, const struct evaluate_config *config,
    struct evaluation **out, struct err *err)
{
	struct evaluate_text f = {findings, NULL, 0}, t = {truth, NULL, 0};

	return evaluate_text(&f, &t, config, out, err);
}

void
evaluation_free(struct evaluation *e)
{
	if (e == NULL)
		return;
	items_done(&e->truth);
	items_done(&e->findings);
	free(e->pairs);
	free(e->group_of);
	free(e->tallies);
	free(e);
}

const uint64_t *
evaluation_counters(const struct evaluation *e)
{
	return e->counters;
}
