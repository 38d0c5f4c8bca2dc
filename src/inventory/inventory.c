/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hosts in a hash table by address. Findings are kept as batches; a host has the numbers
 * of its own. The distribution is the suite's system with the most expected downloads:
 * each finding votes with its probability, and one vote of doubt is added, so that a
 * single download does not make a certainty.
 */
#include "inventory/inventory.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/memory.h"
#include "inventory/os.h"
#include "model/batch.h"
#include "model/finding.h"
#include "model/flow.h"
#include "model/host.h"
#include "model/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VOTES = 6, FIRST_SLOTS = 1024 };

struct vote {
	char name[OS_NAME_MAX];
	double weight;
};

struct entry {
	struct addr addr;
	int64_t first_us, last_us;
	uint64_t flows, bytes, downloads, unknown;
	double expected;
	struct vote systems[VOTES], arches[VOTES];
	char fingerprint[128];
	uint32_t fingerprint_len;
	uint64_t *findings; /* batch << 32 | row */
	size_t finding_count, finding_cap;
};

struct inventory {
	struct entry *entries;
	size_t count, cap;
	uint32_t *slots; /* entry + 1 */
	size_t slot_count;
	uint64_t seed, turned_away;
	struct batch **kept;
	size_t kept_count;
};

struct inventory *
inventory_new(void)
{
	struct inventory *inv = must(calloc(1, sizeof *inv));

	inv->seed = random_seed();
	inv->slot_count = FIRST_SLOTS;
	inv->slots = must(calloc(inv->slot_count, sizeof *inv->slots));
	return inv;
}

void
inventory_free(struct inventory *inv)
{
	size_t i;

	if (inv == NULL)
		return;
	for (i = 0; i < inv->count; i++)
		free(inv->entries[i].findings);
	for (i = 0; i < inv->kept_count; i++)
		batch_free(inv->kept[i]);
	free(inv->kept);
	free(inv->entries);
	free(inv->slots);
	free(inv);
}

static uint32_t *
find_slot(const struct inventory *inv, const struct addr *addr)
{
	size_t i = hash64(addr, sizeof *addr, inv->seed) & (inv->slot_count - 1);

	while (inv->slots[i] != 0 &&
	    memcmp(&inv->entries[inv->slots[i] - 1].addr, addr, sizeof *addr) != 0)
		i = (i + 1) & (inv->slot_count - 1);
	return &inv->slots[i];
}

static void
grow(struct inventory *inv)
{
	size_t i;

	inv->cap = inv->cap == 0 ? FIRST_SLOTS / 2 : inv->cap * 2;
	inv->entries = must(realloc(inv->entries, inv->cap * sizeof *inv->entries));
	inv->slot_count = inv->cap * 2;
	free(inv->slots);
	inv->slots = must(calloc(inv->slot_count, sizeof *inv->slots));
	for (i = 0; i < inv->count; i++)
		*find_slot(inv, &inv->entries[i].addr) = (uint32_t)i + 1;
}

/* The host's entry; NULL once the table is full of others. */
static struct entry *
entry_of(struct inventory *inv, const struct addr *addr, int64_t first_us,
    int64_t last_us)
{
	uint32_t *slot = find_slot(inv, addr);
	struct entry *e;

	if (*slot == 0) {
		if (inv->count == INVENTORY_HOSTS_MAX) {
			inv->turned_away++;
			return NULL;
		}
		if (inv->count == inv->cap) {
			grow(inv);
			slot = find_slot(inv, addr);
		}
		inv->entries[inv->count] =
		    (struct entry){.addr = *addr, .first_us = first_us,
		    .last_us = last_us};
		*slot = (uint32_t)++inv->count;
	}
	e = &inv->entries[*slot - 1];
	if (first_us < e->first_us)
		e->first_us = first_us;
	if (last_us > e->last_us)
		e->last_us = last_us;
	return e;
}

void
inventory_flows(struct inventory *inv, const struct batch *batch)
{
	struct flow flow;
	struct entry *e;
	size_t i;

	for (i = 0; i < batch->rows; i++) {
		batch_row(batch, i, &flow);
		e = entry_of(inv, &flow.src, flow.start, flow.end);
		if (e == NULL)
			continue;
		/* One connection is one flow, however many records it is cut into. */
		e->flows += !flow_has(&flow, exchange) || flow.exchange == 0;
		e->bytes += flow_or(&flow, reverse_bytes, 0);
		if (flow_has(&flow, fingerprint) && e->fingerprint_len == 0 &&
		    flow.fingerprint.len < sizeof e->fingerprint) {
			memcpy(e->fingerprint, flow.fingerprint.data,
			    flow.fingerprint.len);
			e->fingerprint_len = flow.fingerprint.len;
		}
	}
}

static void
vote(struct vote votes[VOTES], const char *name, size_t n, double weight)
{
	int i;

	if (n == 0 || n >= OS_NAME_MAX)
		return;
	for (i = 0; i < VOTES; i++) {
		if (votes[i].name[0] == '\0') {
			memcpy(votes[i].name, name, n);
			votes[i].name[n] = '\0';
		}
		if (strlen(votes[i].name) == n && memcmp(votes[i].name, name, n) == 0) {
			votes[i].weight += weight;
			return;
		}
	}
}

static void
keep_finding(struct inventory *inv, struct entry *e, const struct finding *finding,
    size_t row)
{
	const char *system;

	if (e->finding_count == e->finding_cap) {
		e->finding_cap = e->finding_cap == 0 ? 8 : e->finding_cap * 2;
		e->findings = must(realloc(e->findings,
		    e->finding_cap * sizeof *e->findings));
	}
	e->findings[e->finding_count++] = (uint64_t)(inv->kept_count - 1) << 32 | row;
	if (!finding_has(finding, name)) {
		e->unknown++;
		return;
	}
	e->downloads++;
	e->expected += finding->probability;
	if (finding_has(finding, suite)) {
		system = os_from_suite(finding->suite.data, finding->suite.len);
		if (system != NULL)
			vote(e->systems, system, strlen(system), finding->probability);
		else
			vote(e->systems, finding->suite.data, finding->suite.len,
			    finding->probability);
	}
	if (finding_has(finding, arch) &&
	    !(finding->arch.len == 3 && memcmp(finding->arch.data, "all", 3) == 0))
		vote(e->arches, finding->arch.data, finding->arch.len,
		    finding->probability);
}

void
inventory_findings(struct inventory *inv, const struct batch *batch)
{
	struct finding finding;
	struct batch *copy = batch_new(&finding_schema,
	    batch->rows == 0 ? 1 : batch->rows);
	struct entry *e;
	size_t i;

	inv->kept = must(realloc(inv->kept, (inv->kept_count + 1) * sizeof *inv->kept));
	inv->kept[inv->kept_count++] = copy;
	for (i = 0; i < batch->rows; i++) {
		batch_row(batch, i, &finding);
		batch_append(copy, &finding);
		e = entry_of(inv, &finding.client, finding.start, finding.end);
		if (e != NULL)
			keep_finding(inv, e, &finding, i);
	}
}

static const struct vote *
winner(const struct vote votes[VOTES], double *share)
{
	const struct vote *best = &votes[0];
	double sum = 1;
	int i;

	for (i = 0; i < VOTES; i++) {
		sum += votes[i].weight;
		if (votes[i].weight > best->weight)
			best = &votes[i];
	}
	*share = best->weight / sum;
	return best->weight > 0 ? best : NULL;
}

static int
compare_entries(const void *a, const void *b)
{
	return addr_compare(&(*(const struct entry *const *)a)->addr,
	    &(*(const struct entry *const *)b)->addr);
}

/* The entries by address; freed by the caller. */
static const struct entry **
sorted(const struct inventory *inv)
{
	const struct entry **list = must(malloc((inv->count + 1) * sizeof *list));
	size_t i;

	for (i = 0; i < inv->count; i++)
		list[i] = &inv->entries[i];
	qsort(list, inv->count, sizeof *list, compare_entries);
	return list;
}

static struct str
str_of(const char *s)
{
	return (struct str){s, (uint32_t)strlen(s)};
}

static void
host_row(const struct entry *e, struct os_guess *guess, struct host *out)
{
	const struct vote *best;
	double share;

	*out = (struct host){0};
	host_set(out, host, e->addr);
	host_set(out, first, e->first_us);
	host_set(out, last, e->last_us);
	host_set(out, flows, e->flows);
	host_set(out, bytes, e->bytes);
	host_set(out, downloads, e->downloads);
	host_set(out, unknown, e->unknown);
	host_set(out, expected, e->expected);
	if (e->fingerprint_len > 0) {
		host_set(out, fingerprint,
		    ((struct str){e->fingerprint, e->fingerprint_len}));
		if (os_from_syn(e->fingerprint, e->fingerprint_len, guess)) {
			host_set(out, os, str_of(guess->family));
			host_set(out, os_probability, guess->probability);
		}
	}
	if ((best = winner(e->systems, &share)) != NULL) {
		host_set(out, distribution, str_of(best->name));
		host_set(out, distribution_probability, share);
	}
	if ((best = winner(e->arches, &share)) != NULL)
		host_set(out, arch, str_of(best->name));
}

static int
push_full(struct batch *batch, size_t limit, struct sink *sink, struct err *err)
{
	int status;

	if (batch->rows < limit)
		return 0;
	status = sink_push(sink, batch, err);
	batch_clear(batch);
	return status;
}

int
inventory_hosts(const struct inventory *inv, struct sink *sink, struct err *err)
{
	const struct entry **list = sorted(inv);
	struct batch *batch = batch_new(&host_schema, 1024);
	struct os_guess guess;
	struct host row;
	int status = 0;
	size_t i;

	for (i = 0; i < inv->count && status == 0; i++) {
		host_row(list[i], &guess, &row);
		batch_append(batch, &row);
		status = push_full(batch, batch->cap, sink, err);
	}
	if (status == 0)
		status = push_full(batch, 1, sink, err);
	batch_free(batch);
	free(list);
	return status;
}

static int
compare_findings(const void *a, const void *b, void *arg)
{
	const struct inventory *inv = arg;
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	const struct batch *p = inv->kept[x >> 32], *q = inv->kept[y >> 32];
	int64_t s = (int64_t)column_u64(&p->columns[FINDING_start], (uint32_t)x);
	int64_t t = (int64_t)column_u64(&q->columns[FINDING_start], (uint32_t)y);

	return s != t ? (s < t ? -1 : 1) : (x > y) - (x < y);
}

static int
push_downloads(const struct inventory *inv, const struct entry *e, struct batch *batch,
    struct sink *sink, struct err *err)
{
	int status = 0;
	uint32_t row;
	size_t i;

	if (e->finding_count > 0)
		qsort_r(e->findings, e->finding_count, sizeof *e->findings,
		    compare_findings, (void *)inv);
	for (i = 0; i < e->finding_count && status == 0; i++) {
		row = (uint32_t)e->findings[i];
		batch_append_rows(batch, inv->kept[e->findings[i] >> 32], &row, 1);
		status = push_full(batch, batch->cap, sink, err);
	}
	return status != 0 ? status : push_full(batch, 1, sink, err);
}

int
inventory_downloads(const struct inventory *inv, const struct addr *host,
    struct sink *sink, struct err *err)
{
	struct batch *batch = batch_new(&finding_schema, 1024);
	const struct entry **list = sorted(inv);
	int status = 0;
	size_t i;

	for (i = 0; i < inv->count && status == 0; i++) {
		if (host == NULL || addr_compare(&list[i]->addr, host) == 0)
			status = push_downloads(inv, list[i], batch, sink, err);
	}
	batch_free(batch);
	free(list);
	return status;
}

uint64_t
inventory_turned_away(const struct inventory *inv)
{
	return inv->turned_away;
}
