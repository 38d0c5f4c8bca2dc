/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums up reference downloads: the middle, the least and the greatest of what was
 * metered. */
#include "lab/measure.h"

#include "base/memory.h"
#include "lab/judge.h"
#include "model/batch.h"
#include "model/sink.h"

#include <string.h>

static const struct field measure_fields[] = {
#define FIELD(id_, type_, ...)                                                           \
	[LAB_MEASURE_##id_] = {.id = #id_,                                               \
			       .type = TYPE_##type_,                                     \
			       .offset = offsetof(struct lab_measure, id_),              \
			       .pair = LAB_MEASURE_##id_,                                \
			       __VA_ARGS__},
#include "lab/table_measure.def"
#undef FIELD
};

const struct schema lab_measure_schema = {.name = "lab_measure",
					  .version = 1,
					  .count = LAB_MEASURE_FIELDS,
					  .stored = LAB_MEASURE_FIELDS,
					  .words = 1,
					  .row_size = sizeof(struct lab_measure),
					  .fields = measure_fields};

#define measure_set(row, id, value)                                                      \
	((row)->id = (value), row_mark((row)->present, LAB_MEASURE_##id))

/* A download in the order of names, then of the file. */
struct one {
	const char *name;
	size_t number;
	const struct lab_record *record;
};

static int
compare(const void *pa, const void *pb)
{
	const struct one *a = pa, *b = pb;
	int by = strcmp(a->name, b->name);

	return by != 0 ? by : (a->number > b->number) - (a->number < b->number);
}

static int
compare_u64(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return (a > b) - (a < b);
}

/* The values of a file's downloads, sorted. */
struct values {
	uint64_t *list;
	size_t count;
};

static void
values_sort(struct values *v)
{
	if (v->count > 0)
		qsort(v->list, v->count, sizeof *v->list, compare_u64);
}

static uint64_t
middle(const struct values *v)
{
	return v->list[v->count / 2];
}

static struct values
values_of(const struct one *ones, size_t n, uint64_t (*value)(const struct lab_record *),
	  bool needs_span, uint64_t *room)
{
	struct values v = {room, 0};
	size_t i;

	for (i = 0; i < n; i++)
		if (ones[i].record != NULL && (ones[i].record->has_span || !needs_span))
			room[v.count++] = value(ones[i].record);
	values_sort(&v);
	return v;
}

static uint64_t
span_of(const struct lab_record *r)
{
	return r->span;
}
static uint64_t
request_of(const struct lab_record *r)
{
	return r->request;
}
static uint64_t
bytes_of(const struct lab_record *r)
{
	return r->bytes;
}
static uint64_t
packets_of(const struct lab_record *r)
{
	return r->packets;
}

static uint64_t
count_sizes(const struct lab_downloads *d, const struct one *ones, size_t n,
	    uint64_t *room)
{
	struct values v = {room, n};
	uint64_t distinct = 0;
	size_t i;

	for (i = 0; i < n; i++)
		room[i] = d->list[ones[i].number].size;
	values_sort(&v);
	for (i = 0; i < n; i++)
		distinct += i == 0 || room[i - 1] != room[i];
	return distinct;
}

static void
set_header(const struct lab_downloads *d, const struct one *ones, size_t n,
	   uint64_t *room, struct lab_measure *row)
{
	struct values v = {room, 0};
	size_t i;

	for (i = 0; i < n; i++) {
		const struct lab_record *r = ones[i].record;

		if (r != NULL && r->has_span && r->span >= d->list[ones[i].number].size)
			room[v.count++] = r->span - d->list[ones[i].number].size;
	}
	values_sort(&v);
	if (v.count > 0)
		measure_set(row, header, middle(&v));
}

static void
sum_up(const struct lab_measure_input *in, const struct one *ones, size_t n,
       uint64_t *room, struct lab_measure *row)
{
	const struct lab_downloads *d = in->downloads;
	uint64_t again = 0, metered = 0;
	const char *url = in->urls[ones[0].number];
	struct values v;
	size_t i;

	for (i = 0; i < n; i++) {
		metered += ones[i].record != NULL;
		again += ones[i].record != NULL ? ones[i].record->again : 0;
	}
	measure_set(row, name,
		    ((struct str){ones[0].name, (uint32_t)strlen(ones[0].name)}));
	measure_set(row, url, ((struct str){url, (uint32_t)strlen(url)}));
	measure_set(row, size, d->list[ones[n - 1].number].size);
	measure_set(row, sizes, count_sizes(d, ones, n, room));
	measure_set(row, downloads, n);
	measure_set(row, metered, metered);
	if (metered > 0)
		measure_set(row, again, again);
	v = values_of(ones, n, span_of, true, room);
	if (v.count > 0) {
		measure_set(row, span, middle(&v));
		measure_set(row, span_low, v.list[0]);
		measure_set(row, span_high, v.list[v.count - 1]);
	}
	set_header(d, ones, n, room, row);
	v = values_of(ones, n, request_of, true, room);
	if (v.count > 0)
		measure_set(row, request, middle(&v));
	v = values_of(ones, n, bytes_of, false, room);
	if (v.count > 0) {
		measure_set(row, bytes, middle(&v));
		measure_set(row, bytes_low, v.list[0]);
		measure_set(row, bytes_high, v.list[v.count - 1]);
	}
	v = values_of(ones, n, packets_of, false, room);
	if (v.count > 0)
		measure_set(row, packets, middle(&v));
}

void
lab_measure(const struct lab_measure_input *in, struct lab_measures *out)
{
	const struct lab_downloads *d = in->downloads;
	const struct lab_record **pairs = must(calloc(d->count + 1, sizeof *pairs));
	struct one *ones = must(calloc(d->count + 1, sizeof *ones));
	uint64_t *room = must(calloc(d->count + 1, sizeof *room));
	size_t i, k;

	*out = (struct lab_measures){
	    .list = must(calloc(d->count + 1, sizeof *out->list)), .downloads = d->count};
	lab_align(d, in->records, in->tolerance_us, pairs);
	for (i = 0; i < d->count; i++) {
		ones[i] =
		    (struct one){lab_download_text(d, d->list[i].name), i, pairs[i]};
		out->metered += pairs[i] != NULL;
	}
	if (d->count > 0)
		qsort(ones, d->count, sizeof *ones, compare);
	for (i = 0; i < d->count; i = k) {
		for (k = i + 1; k < d->count && strcmp(ones[k].name, ones[i].name) == 0;)
			k++;
		sum_up(in, ones + i, k - i, room, &out->list[out->count++]);
	}
	free(pairs);
	free(ones);
	free(room);
}

void
lab_measures_done(struct lab_measures *m)
{
	free(m->list);
	*m = (struct lab_measures){0};
}

int
lab_measures_push(const struct lab_measures *m, struct sink *sink, struct err *err)
{
	struct batch *batch = batch_new(&lab_measure_schema, 1024);
	int status = 0;
	size_t i;

	for (i = 0; i < m->count && status == 0; i++) {
		batch_append(batch, &m->list[i]);
		if (!batch_is_full(batch))
			continue;
		status = sink_push(sink, batch, err);
		batch_clear(batch);
	}
	if (status == 0 && batch->rows > 0)
		status = sink_push(sink, batch, err);
	batch_free(batch);
	return status;
}
