/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir learn: a catalogue from flows whose downloads somebody has labelled, as the article
 * did it: download known files, then recognise them.
 */
#include "identify/learn.h"

#include "catalog/catalog.h"
#include "cmd/common.h"
#include "model/flow.h"

#include <errno.h>
#include <stdio.h>

struct values {
	const char *store, *labels, *output;
	int64_t tolerance_us;
};

static const struct option_row options[] = {
	OPTION_STORE_ROW(struct values),
	{"labels", 0, OPTION_TEXT, offsetof(struct values, labels), "FILE", NULL, 0, 0,
	    "TSV that says which flow was which file"},
	{"write", 'w', OPTION_TEXT, offsetof(struct values, output), "CATALOG", NULL, 0, 0,
	    "the catalogue to write; - is standard output"},
	{"tolerance", 0, OPTION_TIME, offsetof(struct values, tolerance_us), "TIME", "2s", 0, 0,
	    "how far a label's start may be from its flow's"},
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
run(void *values, const char **operands, int count, struct err *err)
{
	struct values *v = values;
	struct learn_config config = {.tolerance_s = (double)v->tolerance_us / 1e6};
	struct catalog *catalog = catalog_new();
	struct learn *learn = learn_new(&config);
	struct flows_query q = {0};
	struct err warning = {0};
	struct text t;
	int status = EXIT_USAGE;

	if (need_option(v->store, "--store DIR", err) != 0 ||
	    need_option(v->labels, "--labels FILE", err) != 0 ||
	    need_option(v->output, "-w CATALOG", err) != 0 ||
	    flows_query_init(&q, v->store, operands, count, err) != 0)
		goto done;
	status = EXIT_TROUBLE;
	if (learn_labels(learn, v->labels, err) != 0 || learn_store(&q, learn, err) != 0 ||
	    learn_finish(learn, catalog, &warning, err) != 0)
		goto done;
	catalog_seal(catalog);
	if (catalog_write(catalog, v->output, err) == 0)
		status = EXIT_GOOD;
	if (warning.code != 0) {
		complain("learn: %s", warning.text);
		status = EXIT_TROUBLE;
	}
	text_init(&t);
	counters_print(&t, learn_counter_rows, learn_counters(learn), LEARN_COUNTERS);
	progress_show("", 0, 0);
	fputs(t.data, stderr);
	text_done(&t);
done:
	learn_free(learn);
	catalog_free(catalog);
	flows_query_done(&q);
	return status;
}

const struct command command_learn = {
	.name = "learn",
	.summary = "Makes a catalogue from labelled flows",
	.operands = "[FILTER]",
	.about = "Labels are a TSV whose first line names its columns: name, and any of version, "
	    "size, client, client_port, server, server_port, start and end; what a label leaves "
	    "out fits any flow. A file's size is the middle response span of its flows less the "
	    "header, where spans are known; else the smallest payload by the wire model, since "
	    "retransmissions only add.\n\n"
	    "Labels that contradict one another are left out and counted; the first is told, and "
	    "the exit status is then 1.",
	.examples = "weir learn --store flows --labels labels.tsv -w reference.tsv",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct values),
	.run = run,
};
