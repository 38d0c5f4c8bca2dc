/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir learn: from flows whose downloads somebody has labelled, as the article did it
 * (download known files, then recognise them), a catalogue or a trained classifier.
 */
#include "identify/learn.h"

#include "catalog/catalog.h"
#include "cmd/common.h"
#include "identify/model.h"
#include "model/flow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct values {
	const char *store, *labels, *log, *log_format, *order, *output;
	const char *classifier, *features;
	uint64_t trees, neighbours, depth, leaf, seed;
	int64_t tolerance_us;
	bool is_float32;
};

static const char log_format_default[] =
    "$remote_addr $remote_port $msec $request_time \"$request\" $status $body_bytes_sent";

static const struct option_row options[] = {
	OPTION_STORE_ROW(struct values),
	{"labels", 0, OPTION_TEXT, offsetof(struct values, labels), "FILE", NULL, 0, 0,
	    "TSV that says which flow was which file"},
	{"log", 0, OPTION_TEXT, offsetof(struct values, log), "FILE", NULL, 0, 0,
	    "a server's log as labels: each whole download by client, port and time"},
	{"log-format", 0, OPTION_TEXT, offsetof(struct values, log_format), "FORMAT",
	    NULL, 0, 0, "the log's lines in nginx's notation; see below for the default"},
	{"order", 0, OPTION_TEXT, offsetof(struct values, order), "FILE", NULL, 0, 0,
	    "names, one a line, in the order in which the flows started"},
	{"write", 'w', OPTION_TEXT, offsetof(struct values, output), "FILE", NULL, 0, 0,
	    "the catalogue (- is standard output) or the classifier's model to write"},
	{"tolerance", 0, OPTION_TIME, offsetof(struct values, tolerance_us), "TIME", "2s",
	    0, 0, "how far a label's time may be from its flow's"},
	{"classifier", 0, OPTION_TEXT, offsetof(struct values, classifier), "KIND", NULL,
	    0, 0, "learn a classifier instead: tree, forest or knn"},
	{"features", 0, OPTION_TEXT, offsetof(struct values, features), "LIST", "bytes",
	    0, 0, "what the classifier looks at"},
	{"trees", 0, OPTION_NUMBER, offsetof(struct values, trees), "N", "100", 1, 10000,
	    "trees of a forest"},
	{"neighbours", 0, OPTION_NUMBER, offsetof(struct values, neighbours), "N", "5", 1,
	    1000, "nearest flows that knn asks"},
	{"depth", 0, OPTION_NUMBER, offsetof(struct values, depth), "N", "0", 0, 1000000,
	    "levels of a tree at most; 0: no limit"},
	{"leaf", 0, OPTION_NUMBER, offsetof(struct values, leaf), "N", "1", 1, 1000000,
	    "flows that a tree's leaf has at least"},
	{"float32", 0, OPTION_FLAG, offsetof(struct values, is_float32), NULL, NULL, 0, 0,
	    "trees: round numbers to 32 bits first, as scikit-learn does"},
	{"seed", 0, OPTION_NUMBER, offsetof(struct values, seed), "N", "1", 0, 0,
	    "of a forest's draws; the same seed gives the same forest"},
};

static int
learn_store(struct flows_query *q, struct learn *learn, struct err *err)
{
	struct query_sorted *sorted = NULL;
	struct batch *batch;
	int status = 0;

	if (query_sorted_open(&q->query, &sorted, err) != 0)
		return -1;
	while (status == 0 && query_sorted_next(sorted, &batch) > 0)
		status = learn_batch(learn, batch, err);
	query_sorted_close(sorted);
	return status;
}

static int
read_labels(const struct values *v, struct learn *learn, struct err *err)
{
	const char *format = v->log_format != NULL ? v->log_format : log_format_default;

	if ((v->labels != NULL && learn_labels(learn, v->labels, err) != 0) ||
	    (v->log != NULL && learn_log(learn, v->log, format, err) != 0) ||
	    (v->order != NULL && learn_order(learn, v->order, err) != 0))
		return -1;
	return 0;
}

static int
write_catalogue(struct learn *learn, const char *output, struct err *warning,
    struct err *err)
{
	struct catalog *catalog = catalog_new();
	int status = learn_finish(learn, catalog, warning, err);

	if (status == 0) {
		catalog_seal(catalog);
		status = catalog_write(catalog, output, err);
	}
	catalog_free(catalog);
	return status;
}

static int
write_model(struct learn *learn, const struct model_config *config, const char *output,
    struct err *err)
{
	struct model *model = NULL;
	int status;

	if (learn_model(learn, config, &model, err) != 0)
		return -1;
	status = model_write(model, output, err);
	model_free(model);
	return status;
}

static int
model_config_of(const struct values *v, struct model_config *out, struct err *err)
{
	*out = (struct model_config){.classifier = {.is_float32 = v->is_float32,
	    .trees = (uint32_t)v->trees, .neighbours = (uint32_t)v->neighbours,
	    .depth_max = (uint32_t)v->depth, .leaf_min = (uint32_t)v->leaf,
	    .seed = v->seed}};
	if (v->classifier == NULL)
		return 0;
	if (classifier_parse(v->classifier, &out->classifier.kind, err) != 0)
		return -1;
	return features_parse(&out->features, v->features, err);
}

static int
run(void *values, const char **operands, int count, struct err *err)
{
	struct values *v = values;
	struct learn_config config = {.tolerance_s = (double)v->tolerance_us / 1e6};
	struct learn *learn = learn_new(&config);
	struct model_config model;
	struct flows_query q = {0};
	struct err warning = {0};
	int status = EXIT_USAGE, done;

	if (need_option(v->store, "--store DIR", err) != 0 ||
	    (v->log == NULL && v->order == NULL &&
	    need_option(v->labels, "--labels FILE, --log FILE or --order FILE",
	    err) != 0) ||
	    need_option(v->output, "-w FILE", err) != 0 ||
	    model_config_of(v, &model, err) != 0 ||
	    flows_query_init(&q, v->store, operands, count, err) != 0)
		goto done;
	status = EXIT_TROUBLE;
	if (read_labels(v, learn, err) != 0 || learn_store(&q, learn, err) != 0)
		goto done;
	done = v->classifier != NULL ? write_model(learn, &model, v->output, err)
				     : write_catalogue(learn, v->output, &warning, err);
	if (done == 0)
		status = EXIT_GOOD;
	if (warning.code != 0) {
		complain("learn: %s", warning.text);
		status = EXIT_TROUBLE;
	}
	if (learn_counters(learn)[LEARN_ambiguous] > 0) {
		complain("learn: %" PRIu64 " flows are named by labels that contradict "
		    "one another: left out", learn_counters(learn)[LEARN_ambiguous]);
		status = EXIT_TROUBLE;
	}
	say_counters(learn_counter_rows, learn_counters(learn),
	    LEARN_COUNTERS);
done:
	learn_free(learn);
	flows_query_done(&q);
	return status;
}

static void
more_help(struct text *out)
{
	text_str(out, "Classifiers:\n");
	classifier_help(out);
	text_str(out, "\nFeatures:\n");
	features_help(out);
	text_printf(out, "\nThe default of --log-format:\n  %s\n", log_format_default);
}

const struct command command_learn = {
	.name = "learn",
	.summary = "Makes a catalogue or trains a classifier from labelled flows",
	.operands = "[FILTER]",
	.about = "Labels are a TSV whose first line names its columns: name, and any of "
	    "version, size, client, client_port, server, server_port, start and end; "
	    "what a label leaves out fits any flow. A file's size is the middle "
	    "response span of its flows less the header, where spans are known; else "
	    "the smallest payload by the wire model, since retransmissions only add.\n\n"
	    "A server's log labels flows too: --log-format is nginx's log_format and "
	    "must hold the client's address, the request and the time, and should hold "
	    "the port. The time is that of the response's end; with $request_time its "
	    "start is known as well. Lines whose status is not 200 are left out and "
	    "counted.\n\n"
	    "--classifier trains one on features of the labelled flows; weir identify "
	    "--classifier names flows by it. A tree is the one that scikit-learn 1.2 "
	    "grows with its defaults (--float32), but where splits of different "
	    "features are equally good the first one is taken. A classifier knows the "
	    "files it was taught and no others, and the path it was taught on: a "
	    "catalogue with the wire model of weir identify names more "
	    "(docs/results).\n\n"
	    "Labels that contradict one another are left out and counted; the first is "
	    "told, and the exit status is then 1.",
	.examples = "weir learn --store flows --labels labels.tsv -w reference.tsv\n"
	"weir learn --store flows --log access.log --classifier tree --features "
	"bytes,packets -w tree.model",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct values),
	.run = run,
	.more_help = more_help,
};
