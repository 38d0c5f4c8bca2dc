/* SPDX-License-Identifier: BSD-2-Clause */
/* weir lab table: what every method named right in a lab's data set. */
#include "cmd/lab.h"

#include "cmd/common.h"
#include "cmd/lab_cases.h"
#include "cmd/lab_show.h"
#include "cmd/lab_step.h"
#include "lab/process.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct values {
	const char *format, *output, *python, *decoys, *misses;
	int64_t tolerance_us;
	uint64_t jobs;
};

static const struct option_row options[] = {
    {"format", 'o', OPTION_TEXT, offsetof(struct values, format), "FORMAT", "text", 0, 0,
     "output format: text, tsv (the scores), ndjson or html"},
    OPTION_OUTPUT_ROW(struct values),
    {"decoys", 0, OPTION_TEXT, offsetof(struct values, decoys), "CATALOG", NULL, 0, 0,
     "name from larger catalogues too: 1,000 and 60,000 files, of sizes that this one "
     "has"},
    {"misses", 0, OPTION_TEXT, offsetof(struct values, misses), "WHICH", NULL, 0, 0,
     "ndjson, html: list all misses, those that are ours (wire model and spans) or none; "
     "if "
     "not given all by ndjson, ours by html"},
    {"tolerance", 0, OPTION_TIME, offsetof(struct values, tolerance_us), "TIME", "2s", 0,
     0, "how far the clocks of a server's log and a meter may differ"},
    {"jobs", 'j', OPTION_NUMBER, offsetof(struct values, jobs), "PROGRAMS", NULL, 1,
     LAB_STEP_JOBS,
     "run so many programs at once; if not given as many as there are cores"},
    {"python", 0, OPTION_TEXT, offsetof(struct values, python), "PROGRAM",
     "/usr/bin/python3", 0, 0, "the Python that has scikit-learn"},
};

static const struct {
	const char *name;
	int (*show)(const struct lab_tables *, enum lab_misses, struct text *,
		    struct err *);
	const char *misses; /* if nothing else is asked for */
} formats[] = {
    {"text", lab_show_text, "none"},
    {"tsv", lab_show_tsv, "none"},
    {"ndjson", lab_show_ndjson, "all"},
    {"html", lab_show_html, "ours"},
};

static const char *const misses_words[] = {[LAB_MISSES_ALL] = "all",
					   [LAB_MISSES_OURS] = "ours",
					   [LAB_MISSES_NONE] = "none",
					   NULL};

enum { FORMATS = sizeof formats / sizeof *formats };

static int
run(void *values, const char **operands, int count, struct err *err)
{
	const struct values *v = values;
	struct lab_cases_config config = {
	    .python = v->python,
	    .decoys = v->decoys,
	    .tolerance_us = v->tolerance_us,
	    .jobs = v->jobs > 0 ? (unsigned)v->jobs
				: (unsigned)sysconf(_SC_NPROCESSORS_ONLN)};
	struct lab_tables *tables = NULL;
	unsigned failed = 0;
	int status = EXIT_USAGE;
	const char *wanted;
	struct text out;
	size_t f = 0, misses = 0;

	text_init(&out);
	while (f < FORMATS && strcmp(formats[f].name, v->format) != 0)
		f++;
	if (f == FORMATS) {
		err_set(err, EINVAL, "-o takes text, tsv, ndjson or html, not '%s'",
			v->format);
		goto done;
	}
	wanted = v->misses != NULL ? v->misses : formats[f].misses;
	while (misses_words[misses] != NULL && strcmp(misses_words[misses], wanted) != 0)
		misses++;
	if (misses_words[misses] == NULL) {
		err_set(err, EINVAL, "--misses takes all, ours or none, not '%s'",
			wanted);
		goto done;
	}
	if (count != 1) {
		err_set(err, EINVAL,
			"needs one folder: the data set that weir lab run made");
		goto done;
	}
	status = EXIT_TROUBLE;
	config.dir = operands[0];
	tables = lab_tables_new();
	if (stop_catch(err) != 0 || lab_cases(&config, tables, &failed, err) != 0 ||
	    formats[f].show(tables, (enum lab_misses)misses, &out, err) != 0 ||
	    output_text(&out, v->output, err) != 0)
		goto done;
	status = failed > 0 ? EXIT_TROUBLE : EXIT_GOOD;
done:
	if (err->code == EPIPE)
		err_clear(err);
	lab_tables_free(tables);
	text_done(&out);
	return status;
}

static void
more_help(struct text *out)
{
	enum lab_table i;
	size_t m;

	text_str(out, "Methods:\n");
	for (m = 0; m < LAB_METHODS; m++)
		text_printf(out, "  %-24s %s\n", lab_methods[m].name,
			    lab_methods[m].help);
	for (i = 0; i < LAB_TABLES; i++) {
		text_printf(out, "\nFields of rows '%s':\n",
			    lab_table_schemas[i]->name + 4);
		schema_help(out, lab_table_schemas[i]);
	}
}

const struct command command_lab_table = {
    .name = "lab table",
    .summary = "Prints what every method named right in a lab's data set",
    .operands = "DIR",
    .about =
	"DIR is what weir lab run made, finished or not: a folder a scenario. Every "
	"method "
	"names the downloads of every scenario from the records of every place: "
	"scikit-learn's classifiers and our tree, trained as the article did on the "
	"training downloads of the first scenario that has such (one-hop), by records of "
	"bytes and packets alone; the wire model by the same records; spans by those of "
	"weir's meter. Models are learned once and frozen; a training download is never "
	"judged.\n\n"
	"A record of a whole connection may hold several downloads. Of each name that is "
	"said "
	"of it one download counts as right if its file is among them; the others are "
	"unknown: so a classifier, which has one name for a record, names one of them at "
	"most. If more files are said than there are downloads, all that was said of the "
	"record is wrong. A connection that was cut in parts is named by its largest. "
	"Records "
	"of single exchanges are aligned with the downloads in order, by time and "
	"size.\n\n"
	"Each step is a run of a program whose result stays in DIR/models or "
	"DIR/SCENARIO/results, and is made again only if what it was made of has "
	"changed.",
    .examples = "weir lab table lab\n"
		"weir lab table lab --decoys debian.tsv -o html -w lab.html",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_size = sizeof(struct values),
    .run = run,
    .more_help = more_help,
};
