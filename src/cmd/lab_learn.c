/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is learned is learned once, from the training downloads of one scenario at the
 * first of its places, and frozen; all that is judged began after the last of them, or is
 * of another scenario.
 */
#include "cmd/lab_site.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/text.h"
#include "lab/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
is_lesson(const struct lab_downloads *d, size_t i)
{
	const struct lab_download *one = &d->list[i];
	const char *kind = lab_download_text(d, one->kind);

	return one->is_training && one->name != 0 &&
	       (*kind == '\0' || strcmp(kind, "whole") == 0);
}

static int
compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Distinct names among the lessons. */
static uint64_t
count_taught(const struct lab_downloads *d)
{
	const char **names = must(calloc(d->count + 1, sizeof *names));
	uint64_t distinct = 0;
	size_t n = 0, i;

	for (i = 0; i < d->count; i++)
		if (is_lesson(d, i))
			names[n++] = lab_download_text(d, d->list[i].name);
	qsort(names, n, sizeof *names, compare_text);
	for (i = 0; i < n; i++)
		distinct += i == 0 || strcmp(names[i - 1], names[i]) != 0;
	free(names);
	return distinct;
}

/* Labelled rows for scikit-learn: records that hold one training download. */
static int
write_lessons(const struct lab_downloads *d, const struct lab_records *rows,
	      int64_t tolerance_us, const char *path, struct err *err)
{
	size_t *record = must(calloc(d->count + 1, sizeof *record)), i;
	unsigned *held = must(calloc(rows->count + 1, sizeof *held));
	struct text out;
	int status;

	lab_join_records(d, rows, tolerance_us, record);
	for (i = 0; i < d->count; i++)
		if (record[i] != SIZE_MAX)
			held[record[i]]++;
	text_init(&out);
	text_str(&out,
		 "name\tversion\tstart\tend\tclient\tclient_port\tbytes\tpackets\n");
	for (i = 0; i < d->count; i++) {
		if (!is_lesson(d, i) || record[i] == SIZE_MAX || held[record[i]] != 1)
			continue;
		text_printf(&out, "%s\t%s\t", lab_download_text(d, d->list[i].name),
			    lab_download_text(d, d->list[i].version));
		lab_site_features(&out, rows, &rows->list[record[i]]);
	}
	status = lab_file_write(path, &out, err);
	text_done(&out);
	free(record);
	free(held);
	return status;
}

static void
failed(struct lab_site *site, const struct err *err, char note[256])
{
	lab_site_failed(site, err);
	lab_site_note(err, note);
}

/* The model of a method, made where it is not there. */
static int
make_model(struct lab_site *site, const struct lab_method *method, const char *store,
	   const char *labels, const char **out, struct err *err)
{
	const struct lab_data_scenario *s = site->training;
	const char *file = lab_site_file(site, site->data.models, method->name, ".model");
	struct lab_step learn = {.output = file,
				 .log = site->data.log,
				 .inputs = {store, labels},
				 .argv = {"", "learn", "--store", store, "--labels",
					  labels, "--classifier", "tree", "--features",
					  method->told, "--float32", "-w", file,
					  s->before}};
	struct lab_step fit = {.output = file,
			       .log = site->data.log,
			       .inputs = {store, s->catalogue},
			       .argv = {"", "model", "fit", "--store", store, "-c",
					s->catalogue, "-w", file, s->before}};

	*out = file;
	return lab_step_run(method->runner == LAB_FROZEN ? &fit : &learn, err);
}

/* Whether python has scikit-learn; a note if not. */
static bool
has_sklearn(struct lab_site *site, char note[256])
{
	const char *file = lab_site_file(site, site->data.models, "sklearn", ".version");
	struct lab_step step = {.output = file,
				.log = site->data.log,
				.prints = true,
				.argv = {site->config->python, "-I", "-c",
					 "import sklearn; print(sklearn.__version__)"}};
	struct err err = {0};
	struct text script;
	bool is_there;

	unlink(file); /* it may have been installed or removed since */
	is_there = lab_step_run(&step, &err) == 0;
	if (!is_there) {
		snprintf(note, 256, "python3-sklearn is not installed (%s)",
			 site->config->python);
		return false;
	}
	site->sklearn = file;
	text_init(&script);
	text_str(&script, lab_classify);
	site->script = lab_site_file(site, site->data.models, "classify",
				     ".py"); /* not sklearn.py */
	if (lab_file_write(site->script, &script, &err) != 0) {
		failed(site, &err, note);
		is_there = false;
	}
	text_done(&script);
	return is_there;
}

/* Lessons and labels of the training scenario's first place. */
static int
prepare_lessons(struct lab_site *site, const char *store, const char **labels,
		struct err *err)
{
	const struct lab_data_scenario *s = site->training;
	const char *models = site->data.models,
		   *printed = lab_site_file(site, models, "train-rows", ".tsv");
	struct lab_step print = lab_site_print(store, printed, site->data.log, s->before);
	struct lab_records rows = {0};
	struct text text;
	int status;

	*labels = lab_site_file(site, models, "labels", ".tsv");
	site->train_rows = lab_site_file(site, models, "train", ".tsv");
	if (lab_step_run(&print, err) != 0 ||
	    lab_rows_read(&rows, printed, &s->downloads, err) != 0)
		return -1;
	text_init(&text);
	lab_downloads_labels(&s->downloads, is_lesson, &text);
	status = lab_file_write(*labels, &text, err);
	text_done(&text);
	if (status == 0)
		status = write_lessons(&s->downloads, &rows, site->config->tolerance_us,
				       site->train_rows, err);
	lab_records_done(&rows);
	return status;
}

/* One note for all methods that learn. */
static void
note_learners(struct lab_site *site, const char *note)
{
	size_t m;

	for (m = 0; m < LAB_METHODS; m++)
		if (lab_methods[m].runner != LAB_FITTED)
			snprintf(site->notes[m], sizeof site->notes[m], "%.255s", note);
}

void
lab_learn(struct lab_site *site)
{
	const char *store = NULL, *labels;
	char note[256] = "";
	struct err err = {0};
	bool is_there;
	size_t i, m;

	for (i = 0; i < site->data.count && site->training == NULL; i++)
		if (site->data.scenarios[i].downloads.training > 0)
			site->training = &site->data.scenarios[i];
	if (site->training == NULL) {
		note_learners(site, "no scenario has training downloads (role train)");
		return;
	}
	for (i = 0; i < site->training->place_count && store == NULL; i++)
		store = lab_site_plain(&site->training->places[i]);
	if (store == NULL) {
		note_learners(site, "the training downloads have no plain records");
		return;
	}
	if (prepare_lessons(site, store, &labels, &err) != 0) {
		failed(site, &err, note);
		note_learners(site, note);
		return;
	}
	site->taught = count_taught(&site->training->downloads);
	is_there = has_sklearn(site, note);
	for (m = 0; m < LAB_METHODS; m++) {
		err_clear(&err);
		if (lab_methods[m].runner == LAB_SKLEARN && !is_there)
			snprintf(site->notes[m], sizeof site->notes[m], "%.255s", note);
		else if (lab_methods[m].runner != LAB_SKLEARN &&
			 lab_methods[m].runner != LAB_FITTED &&
			 make_model(site, &lab_methods[m], store, labels,
				    &site->models[m], &err) != 0)
			failed(site, &err, site->notes[m]);
	}
}
