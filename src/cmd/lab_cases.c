/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the lab's data set to judged cases: the rows of every place of a scenario, then
 * what every method says of them, then the verdicts.
 */
#include "cmd/lab_spots.h"

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

void
lab_site_failed(struct lab_site *site, const struct err *err)
{
	site->failed++;
	if (err->code != EINTR)
		complain("lab table: %s", err->text);
}

void
lab_site_note(const struct err *err, char note[256])
{
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

/* ---- cases ---- */

static struct lab_case
case_of(const struct lab_site *site, const struct lab_spot *spot,
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
store_of(const struct lab_spot *spot, const struct lab_method *method)
{
	return method->source == LAB_SPANS ? spot->place->store
					   : lab_site_plain(spot->place);
}

/* How the findings of a method that this program runs are made. */
static struct lab_step
method_step(struct lab_site *site, const struct lab_spot *spot,
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

	/* among few decoys sets of several files are searched for, which takes longest */
	step.effort = method->runner == LAB_CLASSIFIER ? 0
		      : names == 0                     ? 1
		      : names == extended[0]           ? 20
						       : 10;
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
judge_file(struct lab_site *site, const struct lab_spot *spot, const struct lab_case *of,
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
	const struct lab_spot *spot;
	const struct lab_method *method;
	uint64_t names; /* 0: the scenario's own catalogue */
	const char *file, *note;
	size_t step; /* SIZE_MAX: none of its own */
};

/* All cases of all scenarios. */
struct work {
	struct pending *cases;
	struct lab_step *steps;
	struct err *errs; /* of steps */
	bool *is_told;    /* that a step failed */
	size_t case_count, step_count;
};

static const char *
why_not(const struct lab_site *site, const struct lab_spot *spot,
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
add_case(struct lab_site *site, struct work *w, const struct lab_spot *spot,
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
		p->step = spot->sklearn;
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
	if (err->code == 0 && judge_file(site, p->spot, &of, p->file, &own) == 0)
		return;
	if (err->code == 0)
		err = &own;
	if (err == &own || !w->is_told[p->step])
		lab_site_failed(site, err);
	if (err != &own)
		w->is_told[p->step] = true;
	lab_site_note(err, failure);
	lab_tables_note(site->tables, &of, failure);
}

/* ---- what is to be done ---- */

/* scikit-learn over all places of a scenario in one run; false: it has none to name. */
static bool
sklearn_step(struct lab_site *site, const struct lab_data_scenario *s,
    const struct lab_spot *spots, struct lab_step *step)
{
	unsigned words = 6, inputs = 3;
	size_t i;

	*step = (struct lab_step){
	    .output = lab_site_file(site, s->results, "sklearn", ".done"),
	    .log = s->log,
	    .prints = true,
	    .effort = 10,
	    .inputs = {site->script, site->train_rows, site->sklearn},
	    .argv = {site->config->python, "-I", "-W", "ignore", site->script,
		site->train_rows}};
	for (i = 0; i < LAB_METHODS; i++)
		if (lab_methods[i].runner == LAB_SKLEARN)
			step->argv[words++] = lab_data_path(&site->data, "%s=%s",
			    lab_methods[i].name, lab_methods[i].told);
	for (i = 0; i < s->place_count && words + 1 < LAB_STEP_WORDS &&
		    inputs + 1 < LAB_STEP_INPUTS;
	     i++) {
		if (spots[i].features == NULL)
			continue;
		step->inputs[inputs++] = spots[i].features;
		step->argv[words++] = lab_data_path(&site->data, "%s=%s/%s",
		    spots[i].features, s->results, s->places[i].name);
	}
	return inputs > 3;
}

/* Every method at every place of a scenario, the larger catalogues behind the own one. */
static void
plan_scenario(struct lab_site *site, const struct lab_data_scenario *s,
    struct lab_spot *spots, struct work *w)
{
	size_t sklearn = SIZE_MAX, i, m, k;

	if (site->script != NULL && site->train_rows != NULL &&
	    sklearn_step(site, s, spots, &w->steps[w->step_count]))
		sklearn = w->step_count++;
	for (i = 0; i < s->place_count; i++) {
		spots[i].sklearn = sklearn;
		for (m = 0; m < LAB_METHODS; m++) {
			add_case(site, w, &spots[i], &lab_methods[m], s->catalogue, 0);
			for (k = 0; k < EXTENDED && s->extended[k] != NULL; k++)
				if (lab_method_has_catalogue(&lab_methods[m]))
					add_case(site, w, &spots[i], &lab_methods[m],
					    s->extended[k], s->extended_names[k]);
		}
	}
}

/* All of it is known before any of it is done, so that no core waits for a scenario's
 * end. */
static void
do_cases(struct lab_site *site, struct lab_spot *spots, size_t count)
{
	const struct lab_steps_config config = {site->config->jobs, "naming"};
	size_t most = count * (LAB_METHODS * (1 + EXTENDED) + 1) + 1, i;
	struct work w = {
	    .cases = must(calloc(most, sizeof *w.cases)),
	    .steps = must(calloc(most, sizeof *w.steps)),
	    .errs = must(calloc(most, sizeof *w.errs)),
	    .is_told = must(calloc(most, sizeof *w.is_told)),
	};

	for (i = 0; i < site->data.count; i++) {
		plan_scenario(site, &site->data.scenarios[i], spots, &w);
		spots += site->data.scenarios[i].place_count;
	}
	lab_steps_run(w.steps, w.step_count, &config, w.errs);
	for (i = 0; i < w.case_count && !stop_asked(); i++)
		finish_case(site, &w, &w.cases[i]);
	free(w.is_told);
	free(w.errs);
	free(w.steps);
	free(w.cases);
}

int
lab_cases(const struct lab_cases_config *config, struct lab_tables *tables,
    unsigned *failed, struct err *err)
{
	struct lab_site site = {.config = config, .tables = tables};
	struct lab_spot *spots = NULL;
	size_t count = 0, i;
	int status = -1;

	if (lab_data_open(&site.data, config->dir, err) != 0 ||
	    (config->decoys != NULL &&
		lab_data_extend(&site.data, config->decoys, extended, EXTENDED, err) !=
		    0))
		goto done;
	for (i = 0; i < site.data.count; i++)
		lab_data_tell(&site.data.scenarios[i], tables);
	spots = lab_spots_open(&site, &count);
	lab_learn(&site);
	do_cases(&site, spots, count);
	*failed = site.failed;
	status = stop_asked()
		     ? err_set(err, EINTR, "stopped; the same command goes on from here")
		     : 0;
done:
	progress_show("", 0, 0);
	lab_spots_free(spots, count);
	lab_data_close(&site.data);
	return status;
}
