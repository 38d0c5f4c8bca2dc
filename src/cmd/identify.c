/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir identify: flows of a store against catalogues; findings as text, and into the
 * store where they are asked to be kept.
 */
#include "identify/identify.h"
#include "identify/dns_names.h"

#include "catalog/catalog.h"
#include "cmd/catalog.h"
#include "cmd/common.h"
#include "cmd/identify.h"
#include "identify/classify.h"
#include "identify/model.h"
#include "model/batch.h"
#include "model/finding.h"
#include "model/sink.h"
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct values {
	const char *store, *format, *output, *fields, *threshold, *classifier, *names,
	    *wire_model, *position;
	struct option_list catalogs;
	uint64_t overhead;
	bool is_kept, is_counting, is_explained, is_frozen, is_adaptive;
};

static const struct option_row options[] = {
	OPTION_STORE_ROW(struct values),
	{"catalog", 'c', OPTION_LIST, offsetof(struct values, catalogs), "CATALOG", NULL,
	    0, 0, "a catalogue; may be given often"},
	{"classifier", 0, OPTION_TEXT, offsetof(struct values, classifier), "FILE", NULL,
	    0, 0, "name by this model of weir learn --classifier instead of a catalogue"},
	OPTION_FORMAT_ROW(struct values, "table, tsv, csv or ndjson"),
	OPTION_OUTPUT_ROW(struct values),
	{"fields", 'f', OPTION_TEXT, offsetof(struct values, fields), "LIST", NULL, 0, 0,
	    "columns of findings to print"},
	{"threshold", 0, OPTION_TEXT, offsetof(struct values, threshold), "P", NULL, 0, 0,
	    "probability from which on a download is named; if not given 0.5, for "
	    "records without spans 0.7"},
	{"names", 0, OPTION_TEXT, offsetof(struct values, names), "FILE", NULL, 0, 0,
	    "DNS answers, which tell the servers' names: a TSV with the columns time, "
	    "name and address, and client where known"},
	{"model", 0, OPTION_TEXT, offsetof(struct values, wire_model), "FILE", NULL, 0, 0,
	    "what is known of paths for records without spans: read, fitted further "
	    "and written back; see weir-model(1)"},
	{"frozen", 0, OPTION_FLAG, offsetof(struct values, is_frozen), NULL, NULL, 0, 0,
	    "with --model: only read, nothing is fitted, for evaluations: of servers "
	    "and paths that it does not have any headers and losses are supposed, so "
	    "that few names are sure"},
	{"adapt", 0, OPTION_FLAG, offsetof(struct values, is_adaptive), NULL, NULL, 0, 0,
	    "with --model: only read; servers and paths that it does not have are "
	    "fitted to the flows that are named"},
	{"overhead", 0, OPTION_NUMBER, offsetof(struct values, overhead), "OCTETS", NULL,
	    28, 200,
	    "headers per packet in records without spans, as the exporter counts them; "
	    "if not given it is found out"},
	{"position", 0, OPTION_TEXT, offsetof(struct values, position), "WHERE", NULL, 0,
	    0, "where the meter of records without spans is: server, middle or client, "
	    "which says how much of what is sent again it sees; if not given it is told "
	    "by TTLs and by what is learned"},
	{"explain", 0, OPTION_FLAG, offsetof(struct values, is_explained), NULL, NULL, 0,
	    0,
	    "print for every download the evidence with every term of the probability"},
	{"keep", 'k', OPTION_FLAG, offsetof(struct values, is_kept), NULL, NULL, 0, 0,
	    "also write the findings into the store, under findings"},
	{"counters", 0, OPTION_FLAG, offsetof(struct values, is_counting), NULL, NULL, 0,
	    0, "say on standard error what became of each row"},
};

int
position_parse(const char *name, enum position *out, struct err *err)
{
	*out = name == NULL ? POSITION_any : position_of_name(name);
	if (*out != POSITIONS)
		return 0;
	return err_set(err, EINVAL,
	    "--position takes server, middle, client or any, not '%s'", name);
}

int
catalogs_read(const struct option_list *paths, struct catalog **out, struct err *err)
{
	struct catalog *catalog;
	size_t i, inexact;

	if (paths->count == 0)
		return err_set(err, EINVAL,
		    "--catalog CATALOG is needed; weir catalog makes one");
	catalog = catalog_new();
	for (i = 0; i < paths->count; i++) {
		if (catalog_read(catalog, paths->items[i], err) != 0) {
			catalog_free(catalog);
			return -1;
		}
	}
	say_left_out(catalog);
	if ((inexact = catalog_keep_exact(catalog)) > 0)
		complain(
		    "%zu files of the catalogues have rounded sizes and are left out; "
		    "weir catalog build catalogue --measure asks for exact ones",
		    inexact);
	catalog_seal(catalog);
	*out = catalog;
	return 0;
}

int
identify_store(struct flows_query *q, const struct identify_config *config,
    struct sink *sink, uint64_t counters[IDENTIFY_COUNTERS],
    void (*each)(void *arg, const struct batch *), void *arg, struct err *err)
{
	struct identify *identify = identify_new(config);
	struct query_sorted *sorted = NULL;
	struct batch *batch;
	uint64_t done = 0;
	int status = -1;

	/* A model that is not there yet is made. */
	if (config->wire_model != NULL &&
	    (config->is_frozen || access(config->wire_model, F_OK) == 0) &&
	    identify_read_model(identify, config->wire_model, err) != 0)
		goto fail;
	if (query_sorted_open(&q->query, &sorted, err) != 0)
		goto fail;
	while (query_sorted_next(sorted, &batch) > 0) {
		progress_show("identifying", done += batch->rows,
		    query_sorted_rows(sorted));
		if (each != NULL)
			each(arg, batch);
		if (identify_batch(identify, batch, err) != 0)
			goto fail;
	}
	status = identify_finish(identify, sink, err);
	if (status == 0 && config->wire_model != NULL && !config->is_frozen)
		status = identify_write_model(identify, config->wire_model, err);
	memcpy(counters, identify_counters(identify),
	    IDENTIFY_COUNTERS * sizeof *counters);

fail:
	query_sorted_close(sorted);
	identify_free(identify);
	return status;
}

/* The same by a trained model. */
static int
classify_store(struct flows_query *q, const struct model *model, double threshold,
    struct sink *sink, uint64_t counters[IDENTIFY_COUNTERS], struct err *err)
{
	struct classify *classify = classify_new(model, threshold, sink);
	struct query_sorted *sorted = NULL;
	struct batch *batch;
	uint64_t done = 0;
	int status = -1;

	if (query_sorted_open(&q->query, &sorted, err) != 0)
		goto fail;
	while (query_sorted_next(sorted, &batch) > 0) {
		progress_show("naming", done += batch->rows, query_sorted_rows(sorted));
		if (classify_batch(classify, batch, err) != 0)
			goto fail;
	}
	status = classify_finish(classify, err);
	memcpy(counters, classify_counters(classify),
	    IDENTIFY_COUNTERS * sizeof *counters);

fail:
	query_sorted_close(sorted);
	classify_free(classify);
	return status;
}

/* What names: a catalogue or a model, whose version is the key of kept findings. */
static int
open_sinks(const struct values *v, const char *version, struct store **store,
    struct sink **kept, struct sink **out, struct err *err)
{
	struct sink *sinks[2];
	char key[64];

	if (output_open(&finding_schema, v->format, v->output, v->fields, &sinks[0],
	    err) != 0)
		return -1;
	*out = sinks[0];
	if (!v->is_kept)
		return 0;
	snprintf(key, sizeof key, "%s-%d", version, FINDING_VERSION);
	if (store_open(v->store, NULL, store, err) != 0 ||
	    store_replace_sink(*store, &finding_schema, key, &sinks[1], err) != 0)
		return -1;
	*kept = sinks[1];
	return tee_open(sinks, 2, out, err);
}

/* A record that contradicts itself makes no finding: its exporter wants looking at. */
static void
say_contradictions(const uint64_t counters[IDENTIFY_COUNTERS])
{
	uint64_t n = 0;
	int i;

	for (i = 0; i < IDENTIFY_COUNTERS; i++)
		if (strstr(identify_counter_rows[i].help, "contradict themselves") !=
		    NULL)
			n += counters[i];
	if (n == 0)
		return;
	progress_show("", 0, 0);
	fprintf(stderr, "weir: identify: %" PRIu64 " flows contradict themselves and "
	    "were left "
	    "out; --counters says how, their exporters want looking at\n", n);
}

/* What the options say of naming; those that do not go together are refused. */
static int
options_take(const struct values *v, struct identify_config *config, struct err *err)
{
	if (need_option(v->store, "--store DIR", err) != 0)
		return -1;
	if (v->threshold != NULL &&
	    (!parse_f64(v->threshold, strlen(v->threshold), &config->threshold) ||
	    config->threshold <= 0 || config->threshold > 1))
		return err_set(err, EINVAL,
		    "--threshold takes a probability above 0 and up to 1, not '%s'",
		    v->threshold);
	if (position_parse(v->position, &config->position, err) != 0)
		return -1;
	if ((v->is_frozen || v->is_adaptive) && v->wire_model == NULL)
		return err_set(err, EINVAL,
		    "--%s needs --model FILE: weir model fit makes one",
		    v->is_frozen ? "frozen" : "adapt");
	if (v->is_frozen && v->is_adaptive)
		return err_set(err, EINVAL,
		    "--frozen or --adapt, not both: with --frozen nothing is fitted");
	if (v->classifier != NULL && v->catalogs.count > 0)
		return err_set(err, EINVAL, "--catalog or --classifier, not both");
	config->is_explained = v->is_explained;
	config->wire_model = v->wire_model;
	config->is_frozen = v->is_frozen || v->is_adaptive;
	config->is_adaptive = v->is_adaptive;
	config->overhead = (uint32_t)v->overhead;
	return 0;
}

static int
run(void *values, const char **operands, int count, struct err *err)
{
	struct values *v = values;
	struct identify_config config = {0};
	uint64_t counters[IDENTIFY_COUNTERS] = {0};
	struct catalog *catalog = NULL;
	struct model *model = NULL;
	struct dns_names *names = NULL;
	struct store *store = NULL;
	struct sink *sink = NULL, *kept = NULL;
	struct flows_query q = {0};
	struct err close_err = {0};
	int status = EXIT_USAGE;

	if (options_take(v, &config, err) != 0 ||
	    flows_query_init(&q, v->store, operands, count, err) != 0)
		goto done;
	status = EXIT_TROUBLE;
	if (v->classifier != NULL ? model_read(v->classifier, &model, err) != 0
				  : catalogs_read(&v->catalogs, &catalog, err) != 0) {
		if (v->classifier == NULL && v->catalogs.count == 0)
			status = EXIT_USAGE;
		goto done;
	}
	if (v->names != NULL && dns_names_read(v->names, &names, err) != 0)
		goto done;
	config.catalog = catalog;
	config.names = names;
	if (v->is_explained && v->fields == NULL)
		v->fields = "start,client,server,server_name,bytes,kind,name,version,"
			    "probability,grade,candidates,evidence";
	if (open_sinks(v, model != NULL ? model->version : catalog_version(catalog),
	    &store, &kept, &sink, err) != 0)
		goto done;
	if ((model != NULL
		? classify_store(&q, model, config.threshold, sink, counters, err)
		: identify_store(&q, &config, sink, counters, NULL, NULL, err)) == 0)
		status = EXIT_GOOD;
	else if (kept != NULL)
		store_sink_abandon(kept);
	say_contradictions(counters);
	if (v->is_counting)
		say_counters(identify_counter_rows, counters, IDENTIFY_COUNTERS);
done:
	if (sink_close(sink, err->code != 0 ? &close_err : err) != 0)
		status = EXIT_TROUBLE;
	if (err->code == EPIPE)
		err_clear(err);
	store_close(store);
	catalog_free(catalog);
	model_free(model);
	dns_names_free(names);
	flows_query_done(&q);
	return status;
}

static void
more_help(struct text *out)
{
	text_str(out, "Formats and layouts:\n");
	report_help(out, &finding_schema);
	text_str(out, "\nFields of a finding:\n");
	schema_help(out, &finding_schema);
}

const struct command command_identify = {
	.name = "identify",
	.summary = "Names the downloads among the flows of a store",
	.operands = "[FILTER]",
	.about = "Compares the flows that the filter picks with catalogues and prints a "
	    "finding per download: client, server, the file's name and version, the "
	    "probability that the name is right, and the grade of evidence.\n\n"
	    "Where weir's own meter saw the packets, response and request have exact "
	    "spans: response = header + file, request = constant + length of the path. "
	    "The header's and the request's constants are found by vote over the flows, "
	    "several per server if need be. Pipelined connections are decoded as a "
	    "whole. Ranges that follow one another, and a download that was broken off "
	    "and its rest, are one finding, kind ranges, that lists its pieces. Records "
	    "of other exporters have octets and packets only; for them a "
	    "model of the wire is fitted, without labels. So it is done with QUIC (UDP "
	    "to port 443 or 8443), where a connection carried one file, or a few, whose "
	    "order it does not tell. What fits no file is unknown. Where files are asked "
	    "for again and again, one that was surely downloaded is likelier than one "
	    "that was not.\n\n"
	    "--classifier names by a model that weir learn --classifier trained. It "
	    "knows the files it was taught and no others, and its probability is the "
	    "share of the flows it was taught that look alike: no measure of how often "
	    "it is right (weir evaluate gives that).",
	.examples = "weir identify --store flows --catalog debian.tsv\n"
	    "weir identify --store flows -c debian.tsv -o tsv 'dst port 80'",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct values),
	.run = run,
	.more_help = more_help,
};
