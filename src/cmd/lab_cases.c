/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the lab's data set to judged cases: the rows of every place of a scenario, then
 * what every method says of them, then the verdicts.
 */
#include "cmd/lab_site.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/text.h"
#include "cmd/command.h"
#include "lab/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t extended[] = {1000, 60000}; /* names with decoys */
enum { EXTENDED = sizeof extended / sizeof *extended };

static const char finding_fields[] =
    "start,end,client,client_port,bytes,name,version,probability,candidates,evidence,"
    "pieces,kind";

/* A place of a scenario with what is known of it. */
struct spot {
	const struct lab_data_scenario *scenario;
	const struct lab_data_place *place;
	struct lab_records rows; /* plain ones */
	const char *features;    /* file with those; NULL: none */
	int64_t *again;
};

void
lab_site_failed(struct lab_site *site, const struct err *err, char note[256])
{
	site->failed++;
	if (err->code != EINTR)
		complain("lab table: %s", err->text);
	snprintf(note, 256, "%.*s", (int)strcspn(err->text, "\n"), err->text);
}

const char *
lab_site_plain(const struct lab_data_place *place)
{
	return place->softflowd != NULL ? place->softflowd : place->router;
}

const char *
lab_site_file(struct lab_site *site, const char *folder, const char *name,
	      const char *end)
{
	return lab_data_path(&site->data, "%s/%s%s", folder, name, end);
}

struct lab_step
lab_site_print(const char *store, const char *output, const char *log, const char *filter)
{
	return (struct lab_step){.output = output,
				 .log = log,
				 .inputs = {store},
				 .argv = {"", "print", "--store", store, "-o", "tsv",
					  "--fields", lab_rows_fields, "-w", output,
					  filter}};
}

void
lab_site_features(struct text *out, const struct lab_records *rows,
		  const struct lab_record *r)
{
	char client[ADDR_TEXT];

	addr_print(&r->client, client);
	text_printf(out, "%s\t%s\t%s\t%u\t%llu\t%llu\n", lab_record_text(rows, r->start),
		    lab_record_text(rows, r->end), client, r->port,
		    (unsigned long long)r->bytes, (unsigned long long)r->packets);
}

/* ---- rows of a place ---- */

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

/* ---- cases ---- */

static struct lab_case
case_of(const struct lab_site *site, const struct spot *spot,
	const struct lab_method *method, uint64_t names)
{
	return (struct lab_case){
	    .scenario = spot->scenario->name,
	    .place = spot->place->name,
	    .method = method,
	    .has_decoys = names > 0,
	    .names = names > 0                          ? names
		     : lab_method_has_catalogue(method) ? spot->scenario->files
							: site->taught,
	    .has_article = spot->scenario->has_fact && spot->scenario->fact.has_percent,
	    .article = spot->scenario->fact.percent};
}

static const char *
store_of(const struct spot *spot, const struct lab_method *method)
{
	return method->source == LAB_SPANS ? spot->place->store
					   : lab_site_plain(spot->place);
}

/* How the findings of a method that this program runs are made. */
static struct lab_step
method_step(struct lab_site *site, const struct spot *spot,
	    const struct lab_method *method, const char *catalogue, uint64_t names)
{
	const char *store = store_of(spot, method),
		   *model = site->models[method - lab_methods];
	const char *file =
	    lab_data_path(&site->data, "%s/%s.%s%s%.0llu.tsv", spot->scenario->results,
			  spot->place->name, method->name, names > 0 ? "-" : "",
			  (unsigned long long)names);
	struct lab_step step = {
	    .output = file,
	    .log = spot->scenario->log,
	    .inputs = {store, method->runner == LAB_CLASSIFIER ? model : catalogue,
		       method->runner == LAB_FROZEN ? model : NULL},
	    .argv = {"", "identify", "--store", store, "-o", "tsv", "-f", finding_fields,
		     "-w", file}};
	unsigned n = 10;

	if (method->runner == LAB_CLASSIFIER) {
		step.argv[n++] = "--classifier";
		step.argv[n++] = model;
		step.argv[n++] = "--threshold";
		step.argv[n++] = "0.000001"; /* the article's names whatever it takes */
	} else {
		step.argv[n++] = "-c";
		step.argv[n++] = catalogue;
	}
	if (method->runner == LAB_FROZEN) {
		step.argv[n++] = "--model";
		step.argv[n++] = model;
		step.argv[n++] = "--frozen";
	}
	step.argv[n++] = spot->scenario->after;
	return step;
}

static int
judge_file(struct lab_site *site, const struct spot *spot, const struct lab_case *of,
	   const char *file, struct err *err)
{
	const struct lab_downloads *d = &spot->scenario->downloads;
	struct lab_verdict *verdicts;
	struct lab_records told;

	if (lab_findings_read(&told, file, err) != 0)
		return -1;
	verdicts = must(calloc(d->count + 1, sizeof *verdicts));
	lab_judge(d, &told, of->method->join, site->config->tolerance_us, verdicts);
	lab_tables_add(site->tables, of, d, &told, verdicts, spot->again);
	free(verdicts);
	lab_records_done(&told);
	return 0;
}

/* A case on its way: what makes its findings, and why it has none. */
struct pending {
	const struct spot *spot;
	const struct lab_method *method;
	uint64_t names; /* 0: the scenario's own catalogue */
	const char *file, *note;
	size_t step; /* SIZE_MAX: none of its own */
};

/* All cases of a scenario. */
struct work {
	struct pending *cases;
	struct lab_step *steps;
	struct err *errs; /* of steps */
	size_t case_count, step_count;
};

static const char *
why_not(const struct lab_site *site, const struct spot *spot,
	const struct lab_method *method)
{
	if (store_of(spot, method) == NULL)
		return method->source == LAB_SPANS ? "no store of weir's meter here"
						   : "no plain records here";
	if (site->notes[method - lab_methods][0] == '\0' &&
	    method->runner == LAB_SKLEARN && spot->features == NULL)
		return "the records could not be read";
	return site->notes[method - lab_methods];
}

static void
add_case(struct lab_site *site, struct work *w, const struct spot *spot,
	 const struct lab_method *method, const char *catalogue, uint64_t names)
{
	struct pending *p = &w->cases[w->case_count];

	*p = (struct pending){spot, method, names, .note = why_not(site, spot, method),
			      .step = SIZE_MAX};
	if (*p->note != '\0' && names > 0)
		return; /* it is said of the scenario's own catalogue */
	w->case_count++;
	if (*p->note != '\0')
		return;
	if (method->runner == LAB_SKLEARN) {
		p->file =
		    lab_data_path(&site->data, "%s/%s.%s.tsv", spot->scenario->results,
				  spot->place->name, method->name);
		return;
	}
	p->step = w->step_count++;
	w->steps[p->step] = method_step(site, spot, method, catalogue, names);
	p->file = w->steps[p->step].output;
}

static void
finish_case(struct lab_site *site, struct work *w, const struct pending *p)
{
	struct lab_case of = case_of(site, p->spot, p->method, p->names);
	struct err own = {0}, *err = p->step == SIZE_MAX ? &own : &w->errs[p->step];
	char failure[256];

	if (*p->note != '\0') {
		lab_tables_note(site->tables, &of, p->note);
		return;
	}
	if (err->code == 0 && judge_file(site, p->spot, &of, p->file, err) == 0)
		return;
	lab_site_failed(site, err, failure);
	lab_tables_note(site->tables, &of, failure);
}

/* ---- a scenario ---- */

/* Segments sent again of each download, by weir's meter. */
static int
read_again(struct lab_site *site, struct spot *spot, const char *file, struct err *err)
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
read_features(struct lab_site *site, struct spot *spot, const char *file, struct err *err)
{
	const char *features = lab_site_file(site, spot->scenario->results,
					     spot->place->name, ".features.tsv");

	if (lab_rows_read(&spot->rows, file, &spot->scenario->downloads, err) != 0 ||
	    write_features(&spot->rows, features, err) != 0)
		return -1;
	spot->features = features;
	return 0;
}

/* Prints and reads the rows of all places. */
static void
open_spots(struct lab_site *site, const struct lab_data_scenario *s, struct spot *spots)
{
	struct lab_step *steps = must(calloc(2 * s->place_count + 1, sizeof *steps));
	struct err *errs = must(calloc(2 * s->place_count + 1, sizeof *errs));
	size_t *of = must(calloc(2 * s->place_count + 1, sizeof *of)), n = 0, i;
	char note[256];

	for (i = 0; i < s->place_count; i++) {
		const struct lab_data_place *p = &s->places[i];

		spots[i].scenario = s;
		spots[i].place = p;
		if (p->store != NULL) {
			of[n] = 2 * i;
			steps[n++] = lab_site_print(
			    p->store,
			    lab_site_file(site, s->results, p->name, ".exchanges.tsv"),
			    s->log, s->after);
		}
		if (lab_site_plain(p) != NULL) {
			of[n] = 2 * i + 1;
			steps[n++] = lab_site_print(
			    lab_site_plain(p),
			    lab_site_file(site, s->results, p->name, ".plain.tsv"),
			    s->log, s->after);
		}
	}
	lab_steps_run(steps, n, site->config->jobs, errs);
	for (i = 0; i < n; i++) {
		struct spot *spot = &spots[of[i] / 2];

		if (errs[i].code == 0 && of[i] % 2 == 0)
			read_again(site, spot, steps[i].output, &errs[i]);
		else if (errs[i].code == 0)
			read_features(site, spot, steps[i].output, &errs[i]);
		if (errs[i].code != 0)
			lab_site_failed(site, &errs[i], note);
	}
	free(of);
	free(errs);
	free(steps);
}

/* scikit-learn over all places of a scenario in one run. */
static int
run_sklearn(struct lab_site *site, const struct lab_data_scenario *s,
	    const struct spot *spots, struct err *err)
{
	const char *file = lab_site_file(site, s->results, "sklearn", ".done");
	struct lab_step step = {.output = file,
				.log = s->log,
				.prints = true,
				.inputs = {site->script, site->train_rows},
				.argv = {site->config->python, "-I", "-W", "ignore",
					 site->script, site->train_rows}};
	unsigned words = 6, inputs = 2;
	size_t i;

	for (i = 0; i < LAB_METHODS; i++)
		if (lab_methods[i].runner == LAB_SKLEARN)
			step.argv[words++] =
			    lab_data_path(&site->data, "%s=%s", lab_methods[i].name,
					  lab_methods[i].told);
	for (i = 0; i < s->place_count && words + 1 < LAB_STEP_WORDS &&
		    inputs + 1 < LAB_STEP_INPUTS;
	     i++) {
		if (spots[i].features == NULL)
			continue;
		step.inputs[inputs++] = spots[i].features;
		step.argv[words++] =
		    lab_data_path(&site->data, "%s=%s/%s", spots[i].features, s->results,
				  s->places[i].name);
	}
	return inputs == 2 ? 0 : lab_step_run(&step, err);
}

/* Every method at every place, the larger catalogues behind the own one. */
static void
plan_cases(struct lab_site *site, const struct lab_data_scenario *s,
	   const struct spot *spots, struct work *w)
{
	size_t most = s->place_count * LAB_METHODS * (1 + EXTENDED) + 1, i, m, k;

	w->cases = must(calloc(most, sizeof *w->cases));
	w->steps = must(calloc(most, sizeof *w->steps));
	w->errs = must(calloc(most, sizeof *w->errs));
	for (i = 0; i < s->place_count; i++) {
		for (m = 0; m < LAB_METHODS; m++) {
			add_case(site, w, &spots[i], &lab_methods[m], s->catalogue, 0);
			for (k = 0; k < EXTENDED && s->extended[k] != NULL; k++)
				if (lab_method_has_catalogue(&lab_methods[m]))
					add_case(site, w, &spots[i], &lab_methods[m],
						 s->extended[k], s->extended_names[k]);
		}
	}
}

static void
do_scenario(struct lab_site *site, const struct lab_data_scenario *s)
{
	struct spot *spots = must(calloc(s->place_count + 1, sizeof *spots));
	char note[256] = "", before[LAB_METHODS][256];
	struct err err = {0};
	struct work w = {0};
	size_t i, m;

	open_spots(site, s, spots);
	memcpy(before, site->notes, sizeof before);
	if (site->script != NULL && site->train_rows != NULL &&
	    run_sklearn(site, s, spots, &err) != 0) {
		lab_site_failed(site, &err, note);
		for (m = 0; m < LAB_METHODS; m++)
			if (lab_methods[m].runner == LAB_SKLEARN)
				memcpy(site->notes[m], note, sizeof note);
	}
	plan_cases(site, s, spots, &w);
	lab_steps_run(w.steps, w.step_count, site->config->jobs, w.errs);
	for (i = 0; i < w.case_count; i++)
		finish_case(site, &w, &w.cases[i]);
	memcpy(site->notes, before, sizeof before);
	for (i = 0; i < s->place_count; i++) {
		free(spots[i].again);
		lab_records_done(&spots[i].rows);
	}
	free(spots);
	free(w.cases);
	free(w.steps);
	free(w.errs);
}

int
lab_cases(const struct lab_cases_config *config, struct lab_tables *tables,
	  unsigned *failed, struct err *err)
{
	struct lab_site site = {.config = config, .tables = tables};
	int status = -1;
	size_t i;

	if (lab_data_open(&site.data, config->dir, err) != 0 ||
	    (config->decoys != NULL &&
	     lab_data_extend(&site.data, config->decoys, extended, EXTENDED, err) != 0))
		goto done;
	for (i = 0; i < site.data.count; i++)
		lab_data_tell(&site.data.scenarios[i], tables);
	lab_learn(&site);
	for (i = 0; i < site.data.count && !stop_asked(); i++) {
		progress_show("lab table", i, site.data.count);
		do_scenario(&site, &site.data.scenarios[i]);
	}
	*failed = site.failed;
	status = stop_asked()
		     ? err_set(err, EINTR, "stopped; the same command goes on from here")
		     : 0;
done:
	progress_show("", 0, 0);
	lab_data_close(&site.data);
	return status;
}
