/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of every place of the lab's data set: printed by this program, read back, and
 * given to whoever learns by them.
 */
#include "cmd/lab_spots.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>

static int
write_features(const struct lab_records *rows, const char *path, struct err *err)
{
	struct text out;
	size_t i;
	int status;

	text_init(&out);
	text_str(&out, "start\tend\tclient\tclient_port\tbytes\tpackets\n");
	for (i = 0; i < rows->count; i++)
		lab_site_features(&out, rows, &rows->list[i]);
	status = lab_file_write(path, &out, err);
	text_done(&out);
	return status;
}

/* Segments sent again of each download, by weir's meter. */
static int
read_again(struct lab_site *site, struct lab_spot *spot, const char *file,
    struct err *err)
{
	const struct lab_downloads *d = &spot->scenario->downloads;
	const struct lab_record **pairs;
	struct lab_records rows;
	size_t i;

	if (lab_rows_read(&rows, file, d, err) != 0)
		return -1;
	pairs = must(calloc(d->count + 1, sizeof *pairs));
	spot->again = must(calloc(d->count + 1, sizeof *spot->again));
	lab_align(d, &rows, site->config->tolerance_us, pairs);
	for (i = 0; i < d->count; i++) {
		const struct lab_record *r = pairs[i];
		uint64_t segment = r != NULL && r->segment > 0 ? r->segment : 1448;

		spot->again[i] = r == NULL || !r->has_again
				     ? -1
				     : (int64_t)((r->again + segment - 1) / segment);
	}
	free(pairs);
	lab_records_done(&rows);
	return 0;
}

static int
read_features(struct lab_site *site, struct lab_spot *spot, const char *file,
    struct err *err)
{
	const char *features = lab_site_file(site, spot->scenario->results,
					     spot->place->name, ".features.tsv");

	if (lab_rows_read(&spot->rows, file, &spot->scenario->downloads, err) != 0 ||
	    write_features(&spot->rows, features, err) != 0)
		return -1;
	spot->features = features;
	return 0;
}

/* Steps that print a place's rows, and what they are. */
struct printing {
	struct lab_step *steps;
	struct err *errs;
	struct lab_spot **spots;
	bool *is_plain;
	size_t count;
};

static void
add_print(struct lab_site *site, struct printing *p, struct lab_spot *spot,
    const char *store, bool is_plain)
{
	const struct lab_data_scenario *s = spot->scenario;

	if (store == NULL)
		return;
	p->spots[p->count] = spot;
	p->is_plain[p->count] = is_plain;
	p->steps[p->count++] = lab_site_print(store,
	    lab_site_file(site, s->results, spot->place->name,
		is_plain ? ".plain.tsv" : ".exchanges.tsv"),
	    s->log, s->after);
}

static void
print_spots(struct lab_site *site, struct lab_spot *spots, size_t count)
{
	const struct lab_steps_config config = {site->config->jobs, "reading"};
	struct printing p = {
	    .steps = must(calloc(2 * count + 1, sizeof *p.steps)),
	    .errs = must(calloc(2 * count + 1, sizeof *p.errs)),
	    .spots = must(calloc(2 * count + 1, sizeof(struct lab_spot *))),
	    .is_plain = must(calloc(2 * count + 1, sizeof *p.is_plain)),
	};
	size_t i;

	for (i = 0; i < count; i++) {
		add_print(site, &p, &spots[i], spots[i].place->store, false);
		add_print(site, &p, &spots[i], lab_site_plain(spots[i].place), true);
	}
	lab_steps_run(p.steps, p.count, &config, p.errs);
	for (i = 0; i < p.count; i++) {
		struct err *err = &p.errs[i];

		if (err->code == 0 && p.is_plain[i])
			read_features(site, p.spots[i], p.steps[i].output, err);
		else if (err->code == 0)
			read_again(site, p.spots[i], p.steps[i].output, err);
		if (err->code != 0)
			lab_site_failed(site, err);
	}
	free(p.is_plain);
	free(p.spots);
	free(p.errs);
	free(p.steps);
}

/* All places of all scenarios, in their order. */
static struct lab_spot *
spots_of(const struct lab_data *data, size_t *count)
{
	struct lab_spot *spots;
	size_t n = 0, i, k;

	for (i = 0; i < data->count; i++)
		n += data->scenarios[i].place_count;
	spots = must(calloc(n + 1, sizeof *spots));
	*count = n;
	for (i = 0, n = 0; i < data->count; i++)
		for (k = 0; k < data->scenarios[i].place_count; k++)
			spots[n++] = (struct lab_spot){.scenario = &data->scenarios[i],
			    .place = &data->scenarios[i].places[k]};
	return spots;
}

struct lab_spot *
lab_spots_open(struct lab_site *site, size_t *count)
{
	struct lab_spot *spots = spots_of(&site->data, count);

	print_spots(site, spots, *count);
	return spots;
}

void
lab_spots_free(struct lab_spot *spots, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		free(spots[i].again);
		lab_records_done(&spots[i].rows);
	}
	free(spots);
}
