/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the lab's data set to judged cases. What is learned is learned once, from the training
 * downloads of one scenario at the first of its places, and frozen; all that is judged began
 * after the last of them, or is of another scenario.
 */
#include "cmd/lab_cases.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/lab_data.h"
#include "cmd/lab_step.h"
#include "lab/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t extended[] = {1000, 60000}; /* names with decoys */
enum { EXTENDED = sizeof extended / sizeof *extended };

static const char finding_fields[] =
    "start,end,client,client_port,bytes,name,version,probability,candidates,evidence";

/* What all cases share. */
struct site {
	const struct lab_cases_config *config;
	struct lab_tables *tables;
	struct lab_data data;
	const struct lab_data_scenario *training; /* NULL: no training downloads */
	const char *train_rows, *script;          /* files */
	const char *models[LAB_METHODS];          /* a file each; NULL: none */
	char notes[LAB_METHODS][256];             /* why there is none; "": no reason */
	uint64_t taught;                          /* files learned */
	unsigned failed;
	uint64_t done, total;
};

/* A place of a scenario with what is known of it. */
struct spot {
	const struct lab_data_scenario *scenario;
	const struct lab_data_place *place;
	struct lab_records rows; /* plain ones */
	const char *features;    /* file with those; NULL: none */
	int64_t *again;
};

/* A failed step: its message is told and stays as the note of the cases that need it. */
static void
note_failure(struct site *site, const struct err *err, char note[256])
{
	site->failed++;
	complain("lab table: %s", err->text);
	snprintf(note, 256, "%.*s", (int)strcspn(err->text, "\n"), err->text);
}

static const char *
plain_of(const struct lab_data_place *place)
{
	return place->softflowd != NULL ? place->softflowd : place->router;
}

static const char *
file_in(struct site *site, const char *folder, const char *name, const char *end)
{
	return lab_data_path(&site->data, "%s/%s%s", folder, name, end);
}

/* ---- rows of a place ---- */

/* Prints a store's flows into a table and reads it. filter may be NULL. */
static int
read_rows(const char *store, const char *output, const char *log, const char *filter,
    const struct lab_downloads *downloads, struct lab_records *out, struct err *err)
{
	struct lab_step step = {.output = output, .log = log, .inputs = {store},
	    .argv = {"", "print", "--store", store, "-o", "tsv", "--fields", lab_rows_fields,
	    "-w", output, filter}};

	if (lab_step_run(&step, err) != 0)
		return -1;
	return lab_rows_read(out, output, downloads, err);
}

static void
print_record(struct text *out, const struct lab_records *rows, const struct lab_record *r)
{
	char client[ADDR_TEXT];

	addr_print(&r->client, client);
	text_printf(out, "%s\t%s\t%s\t%u\t%llu\t%llu\n", lab_record_text(rows, r->start),
	    lab_record_text(rows, r->end), client, r->port, (unsigned long long)r->bytes,
	    (unsigned long long)r->packets);
}

static int
write_features(const struct lab_records *rows, const char *path, struct err *err)
{
	struct text out;
	size_t i;
	int status;

	text_init(&out);
	text_str(&out, "start\tend\tclient\tclient_port\tbytes\tpackets\n");
	for (i = 0; i < rows->count; i++)
		print_record(&out, rows, &rows->list[i]);
	status = lab_file_write(path, &out, err);
	text_done(&out);
	return status;
}

/* ---- what is learned ---- */

static bool
is_lesson(const struct lab_downloads *d, size_t i)
{
	const struct lab_download *one = &d->list[i];
	const char *kind = lab_download_text(d, one->kind);

	return one->is_training && one->name != 0 && (*kind == '\0' || strcmp(kind, "whole") == 0);
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

/* Labels for weir learn. */
static int
write_labels(const struct lab_downloads *d, const char *path, struct err *err)
{
	char client[ADDR_TEXT];
	struct text out;
	int status;
	size_t i;

	text_init(&out);
	text_str(&out, "name\tversion\tclient\tclient_port\tstart\n");
	for (i = 0; i < d->count; i++) {
		const struct lab_download *one = &d->list[i];

		if (!is_lesson(d, i))
			continue;
		addr_print(&one->client, client);
		text_printf(&out, "%s\t%s\t%s\t", lab_download_text(d, one->name),
		    lab_download_text(d, one->version), client);
		if (one->has_port)
			text_u64(&out, one->port);
		text_printf(&out, "\t%s\n", lab_download_text(d, one->start));
	}
	status = lab_file_write(path, &out, err);
	text_done(&out);
	return status;
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
	text_str(&out, "name\tversion\tstart\tend\tclient\tclient_port\tbytes\tpackets\n");
	for (i = 0; i < d->count; i++) {
		if (!is_lesson(d, i) || record[i] == SIZE_MAX || held[record[i]] != 1)
			continue;
		text_printf(&out, "%s\t%s\t", lab_download_text(d, d->list[i].name),
		    lab_download_text(d, d->list[i].version));
		print_record(&out, rows, &rows->list[record[i]]);
	}
	status = lab_file_write(path, &out, err);
	text_done(&out);
	free(record);
	free(held);
	return status;
}

/* The model of a method, made where it is not there. */
static int
make_model(struct site *site, const struct lab_method *method, const char *store,
    const char *labels, const char **out, struct err *err)
{
	const struct lab_data_scenario *s = site->training;
	const char *file = file_in(site, site->data.models, method->name, ".model");
	struct lab_step learn = {.output = file, .log = site->data.log, .inputs = {store, labels},
	    .argv = {"", "learn", "--store", store, "--labels", labels, "--classifier", "tree",
	    "--features", method->told, "--float32", "-w", file, s->before}};
	struct lab_step fit = {.output = file, .log = site->data.log,
	    .inputs = {store, s->catalogue}, .argv = {"", "model", "fit", "--store", store, "-c",
	    s->catalogue, "-w", file, s->before}};

	*out = file;
	return lab_step_run(method->runner == LAB_FROZEN ? &fit : &learn, err);
}

/* Whether python has scikit-learn; a note if not. */
static bool
has_sklearn(struct site *site, char note[256])
{
	const char *file = file_in(site, site->data.models, "sklearn", ".version");
	struct lab_step step = {.output = file, .log = site->data.log, .prints = true,
	    .argv = {site->config->python, "-c", "import sklearn; print(sklearn.__version__)"}};
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
	text_init(&script);
	text_str(&script, lab_classify);
	site->script = file_in(site, site->data.models, "classify", ".py"); /* not sklearn.py */
	if (lab_file_write(site->script, &script, &err) != 0) {
		note_failure(site, &err, note);
		is_there = false;
	}
	text_done(&script);
	return is_there;
}

/* Lessons and labels of the training scenario's first place. */
static int
prepare_lessons(struct site *site, const char *store, const char **labels, struct err *err)
{
	const struct lab_data_scenario *s = site->training;
	const char *models = site->data.models;
	struct lab_records rows = {0};
	int status;

	*labels = file_in(site, models, "labels", ".tsv");
	site->train_rows = file_in(site, models, "train", ".tsv");
	if (read_rows(store, file_in(site, models, "train-rows", ".tsv"), site->data.log, s->before,
	    &s->downloads, &rows, err) != 0)
		return -1;
	status = write_labels(&s->downloads, *labels, err);
	if (status == 0)
		status = write_lessons(&s->downloads, &rows, site->config->tolerance_us,
		    site->train_rows, err);
	lab_records_done(&rows);
	return status;
}

/* One note for all methods that learn. */
static void
note_learners(struct site *site, const char *note)
{
	size_t m;

	for (m = 0; m < LAB_METHODS; m++)
		if (lab_methods[m].runner != LAB_FITTED)
			snprintf(site->notes[m], sizeof site->notes[m], "%.255s", note);
}

static void
learn_all(struct site *site)
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
		store = plain_of(&site->training->places[i]);
	if (store == NULL) {
		note_learners(site, "the training downloads have no plain records");
		return;
	}
	if (prepare_lessons(site, store, &labels, &err) != 0) {
		note_failure(site, &err, note);
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
		    make_model(site, &lab_methods[m], store, labels, &site->models[m], &err) != 0)
			note_failure(site, &err, site->notes[m]);
	}
}

/* ---- cases ---- */

static struct lab_case
case_of(const struct site *site, const struct spot *spot, const struct lab_method *method,
    uint64_t names)
{
	return (struct lab_case){.scenario = spot->scenario->name, .place = spot->place->name,
	    .method = method, .has_decoys = names > 0,
	    .names = names > 0 ? names : lab_method_has_catalogue(method)
	    ? spot->scenario->files : site->taught,
	    .has_article = spot->scenario->has_fact && spot->scenario->fact.has_percent,
	    .article = spot->scenario->fact.percent};
}

static const char *
store_of(const struct spot *spot, const struct lab_method *method)
{
	return method->source == LAB_SPANS ? spot->place->store : plain_of(spot->place);
}

/* The findings of a method that this program runs. */
static int
run_method(struct site *site, const struct spot *spot, const struct lab_method *method,
    const char *catalogue, uint64_t names, const char **out, struct err *err)
{
	const char *store = store_of(spot, method), *model = site->models[method - lab_methods];
	const char *file = lab_data_path(&site->data, "%s/%s.%s%s%.0llu.tsv",
	    spot->scenario->results, spot->place->name, method->name, names > 0 ? "-" : "",
	    (unsigned long long)names);
	struct lab_step step = {.output = file, .log = spot->scenario->log,
	    .inputs = {store, method->runner == LAB_CLASSIFIER ? model : catalogue,
	    method->runner == LAB_FROZEN ? model : NULL},
	    .argv = {"", "identify", "--store", store, "-o", "tsv", "-f", finding_fields, "-w",
	    file}};
	unsigned n = 10;

	*out = file;
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
	return lab_step_run(&step, err);
}

static int
judge_file(struct site *site, const struct spot *spot, const struct lab_case *of,
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

/* names: 0 is the scenario's own catalogue. */
static void
do_case(struct site *site, const struct spot *spot, const struct lab_method *method,
    const char *catalogue, uint64_t names)
{
	struct lab_case of = case_of(site, spot, method, names);
	const char *note = site->notes[method - lab_methods], *file;
	char failure[256];
	struct err err = {0};
	int status = 0;

	if (store_of(spot, method) == NULL)
		note = method->source == LAB_SPANS ? "no store of weir's meter here"
						   : "no plain records here";
	else if (method->runner == LAB_SKLEARN && *note == '\0' && spot->features == NULL)
		note = "the records could not be read";
	if (*note != '\0' && names > 0)
		return; /* it was said of the scenario's own catalogue */
	if (*note != '\0') {
		lab_tables_note(site->tables, &of, note);
		return;
	}
	if (method->runner == LAB_SKLEARN)
		file = lab_data_path(&site->data, "%s/%s.%s.tsv", spot->scenario->results,
		    spot->place->name, method->name);
	else
		status = run_method(site, spot, method, catalogue, names, &file, &err);
	if (status == 0)
		status = judge_file(site, spot, &of, file, &err);
	if (status != 0) {
		note_failure(site, &err, failure);
		lab_tables_note(site->tables, &of, failure);
	}
}

/* ---- a scenario ---- */

/* Segments sent again of each download, by weir's meter. */
static void
read_again(struct site *site, struct spot *spot)
{
	const struct lab_downloads *d = &spot->scenario->downloads;
	const struct lab_record **pairs;
	struct lab_records rows;
	struct err err = {0};
	char note[256];
	size_t i;

	if (spot->place->store == NULL)
		return;
	if (read_rows(spot->place->store, file_in(site, spot->scenario->results, spot->place->name,
	    ".exchanges.tsv"), spot->scenario->log, spot->scenario->after, d, &rows, &err) != 0) {
		note_failure(site, &err, note);
		return;
	}
	pairs = must(calloc(d->count + 1, sizeof *pairs));
	spot->again = must(calloc(d->count + 1, sizeof *spot->again));
	lab_align(d, &rows, site->config->tolerance_us, pairs);
	for (i = 0; i < d->count; i++) {
		const struct lab_record *r = pairs[i];
		uint64_t segment = r != NULL && r->segment > 0 ? r->segment : 1448;

		spot->again[i] = r == NULL || !r->has_again
		    ? -1 : (int64_t)((r->again + segment - 1) / segment);
	}
	free(pairs);
	lab_records_done(&rows);
}

static void
open_spot(struct site *site, struct spot *spot)
{
	const char *plain = plain_of(spot->place);
	const char *results = spot->scenario->results, *name = spot->place->name, *file;
	struct err err = {0};
	char note[256];

	read_again(site, spot);
	if (plain == NULL)
		return;
	file = file_in(site, results, name, ".features.tsv");
	if (read_rows(plain, file_in(site, results, name, ".plain.tsv"), spot->scenario->log,
	    spot->scenario->after, &spot->scenario->downloads, &spot->rows, &err) != 0 ||
	    write_features(&spot->rows, file, &err) != 0)
		note_failure(site, &err, note);
	else
		spot->features = file;
}

/* scikit-learn over all places of a scenario in one run. */
static int
run_sklearn(struct site *site, const struct lab_data_scenario *s, const struct spot *spots,
    struct err *err)
{
	const char *file = file_in(site, s->results, "sklearn", ".done");
	struct lab_step step = {.output = file, .log = s->log, .prints = true,
	    .inputs = {site->script, site->train_rows},
	    .argv = {site->config->python, "-W", "ignore", site->script, site->train_rows}};
	unsigned words = 5, inputs = 2;
	size_t i;

	for (i = 0; i < LAB_METHODS; i++)
		if (lab_methods[i].runner == LAB_SKLEARN)
			step.argv[words++] = lab_data_path(&site->data, "%s=%s",
			    lab_methods[i].name, lab_methods[i].told);
	for (i = 0; i < s->place_count && words + 1 < LAB_STEP_WORDS &&
	    inputs + 1 < LAB_STEP_INPUTS; i++) {
		if (spots[i].features == NULL)
			continue;
		step.inputs[inputs++] = spots[i].features;
		step.argv[words++] = lab_data_path(&site->data, "%s=%s/%s", spots[i].features,
		    s->results, s->places[i].name);
	}
	return inputs == 2 ? 0 : lab_step_run(&step, err);
}

static void
do_scenario(struct site *site, const struct lab_data_scenario *s)
{
	struct spot *spots = must(calloc(s->place_count + 1, sizeof *spots));
	char note[256] = "", before[LAB_METHODS][256];
	struct err err = {0};
	size_t i, m, k;

	for (i = 0; i < s->place_count; i++) {
		spots[i].scenario = s;
		spots[i].place = &s->places[i];
		open_spot(site, &spots[i]);
	}
	memcpy(before, site->notes, sizeof before);
	if (site->script != NULL && site->train_rows != NULL &&
	    run_sklearn(site, s, spots, &err) != 0) {
		note_failure(site, &err, note);
		for (m = 0; m < LAB_METHODS; m++)
			if (lab_methods[m].runner == LAB_SKLEARN)
				memcpy(site->notes[m], note, sizeof note);
	}
	for (i = 0; i < s->place_count; i++) {
		for (m = 0; m < LAB_METHODS; m++) {
			do_case(site, &spots[i], &lab_methods[m], s->catalogue, 0);
			for (k = 0; k < EXTENDED && s->extended[k] != NULL; k++)
				if (lab_method_has_catalogue(&lab_methods[m]))
					do_case(site, &spots[i], &lab_methods[m], s->extended[k],
					    s->extended_names[k]);
		}
		progress_show("lab table", ++site->done, site->total);
	}
	memcpy(site->notes, before, sizeof before);
	for (i = 0; i < s->place_count; i++) {
		free(spots[i].again);
		lab_records_done(&spots[i].rows);
	}
	free(spots);
}

int
lab_cases(const struct lab_cases_config *config, struct lab_tables *tables, unsigned *failed,
    struct err *err)
{
	struct site site = {.config = config, .tables = tables};
	int status = -1;
	size_t i;

	if (lab_data_open(&site.data, config->dir, err) != 0 ||
	    (config->decoys != NULL &&
	    lab_data_extend(&site.data, config->decoys, extended, EXTENDED, err) != 0))
		goto done;
	for (i = 0; i < site.data.count; i++) {
		site.total += site.data.scenarios[i].place_count;
		lab_data_tell(&site.data.scenarios[i], tables);
	}
	learn_all(&site);
	for (i = 0; i < site.data.count; i++)
		do_scenario(&site, &site.data.scenarios[i]);
	*failed = site.failed;
	status = 0;
done:
	progress_show("", 0, 0);
	lab_data_close(&site.data);
	return status;
}
