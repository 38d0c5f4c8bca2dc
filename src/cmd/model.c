/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir model: what is known of servers and paths for records of octets and packets:
 * fitted to flows without labels, and shown.
 */
#include "catalog/catalog.h"
#include "cmd/common.h"
#include "cmd/identify.h"
#include "identify/identify.h"
#include "identify/plain_file.h"
#include "model/batch.h"
#include "model/parameter.h"
#include "model/sink.h"
#include "report/report.h"

#include <errno.h>
#include <string.h>

struct values {
	const char *store, *from, *output, *format, *fields, *position;
	struct option_list catalogs;
};

static const struct option_row options[] = {
	OPTION_STORE_ROW(struct values),
	{"catalog", 'c', OPTION_LIST, offsetof(struct values, catalogs), "CATALOG", NULL,
	    0, 0, "a catalogue; may be given often"},
	{"from", 0, OPTION_TEXT, offsetof(struct values, from), "FILE", NULL, 0, 0,
	    "fit: the model to go on from; what it says counts by the downloads behind "
	    "it"},
	{"write", 'w', OPTION_TEXT, offsetof(struct values, output), "FILE", NULL, 0, 0,
	    "fit: the model to write, - is standard output; show: the output's file"},
	{"position", 0, OPTION_TEXT, offsetof(struct values, position), "WHERE", NULL, 0,
	    0, "fit: where the meter is: server, middle or client; if not given it is "
	    "told by TTLs and by what is learned"},
	OPTION_FORMAT_ROW(struct values, "table, tsv, csv or ndjson"),
	{"fields", 'f', OPTION_TEXT, offsetof(struct values, fields), "LIST", NULL, 0, 0,
	    "show: columns to print"},
};

static int
fit(const struct values *v, const char **operands, int count, struct err *err)
{
	struct identify_config config = {0};
	struct identify *identify = NULL;
	struct query_sorted *sorted = NULL;
	struct catalog *catalog = NULL;
	struct flows_query q = {0};
	struct batch *batch;
	int status = EXIT_USAGE;

	if (need_option(v->store, "--store DIR", err) != 0 ||
	    need_option(v->output, "-w FILE", err) != 0 ||
	    position_parse(v->position, &config.position, err) != 0 ||
	    flows_query_init(&q, v->store, operands, count, err) != 0)
		goto done;
	if (catalogs_read(&v->catalogs, &catalog, err) != 0) {
		status = v->catalogs.count == 0 ? EXIT_USAGE : EXIT_TROUBLE;
		goto done;
	}
	status = EXIT_TROUBLE;
	config.catalog = catalog;
	identify = identify_new(&config);
	if ((v->from != NULL && identify_read_model(identify, v->from, err) != 0) ||
	    query_sorted_open(&q.query, &sorted, err) != 0)
		goto done;
	while (query_sorted_next(sorted, &batch) > 0)
		if (identify_batch(identify, batch, err) != 0)
			goto done;
	if (identify_freeze(identify, err) == 0 &&
	    identify_write_model(identify, v->output, err) == 0)
		status = EXIT_GOOD;

done:
	query_sorted_close(sorted);
	identify_free(identify);
	catalog_free(catalog);
	flows_query_done(&q);
	return status;
}

struct showing {
	struct sink *sink;
	struct batch *batch;
	struct err *err;
	bool has_failed;
};

static struct str
str_of(const char *s)
{
	return (struct str){s, (uint32_t)strlen(s)};
}

static void
show_line(void *arg, const struct plain_line *line)
{
	struct showing *s = arg;
	struct parameter row = {0};

	if (s->has_failed)
		return;
	parameter_set(&row, server, str_of(line->server));
	parameter_set(&row, port, str_of(line->port));
	parameter_set(&row, client, str_of(line->client));
	parameter_set(&row, parameter, str_of(line->name));
	parameter_set(&row, value, str_of(line->value));
	parameter_set(&row, meaning, str_of(line->help));
	batch_append(s->batch, &row);
	if (!batch_is_full(s->batch))
		return;
	s->has_failed = sink_push(s->sink, s->batch, s->err) != 0;
	batch_clear(s->batch);
}

static int
show(const struct values *v, const char *path, struct err *err)
{
	struct catalog *catalog = catalog_new();
	struct identify_config config = {.catalog = catalog};
	struct identify *identify;
	struct showing s = {.err = err};
	struct err close_err = {0};
	int status = EXIT_TROUBLE;

	catalog_seal(catalog);
	identify = identify_new(&config);
	s.batch = batch_new(&parameter_schema, 256);
	if (identify_read_model(identify, path, err) != 0 ||
	    output_open(&parameter_schema, v->format, v->output, v->fields, &s.sink,
	    err) != 0)
		goto done;
	identify_list_model(identify, show_line, &s);
	if (!s.has_failed && (s.batch->rows == 0 || sink_push(s.sink, s.batch, err) == 0))
		status = EXIT_GOOD;

done:
	if (sink_close(s.sink, err->code != 0 ? &close_err : err) != 0)
		status = EXIT_TROUBLE;
	if (err->code == EPIPE)
		err_clear(err);
	batch_free(s.batch);
	identify_free(identify);
	catalog_free(catalog);
	return status;
}

static int
run(void *values, const char **operands, int count, struct err *err)
{
	const struct values *v = values;

	if (count > 0 && strcmp(operands[0], "fit") == 0)
		return fit(v, operands + 1, count - 1, err);
	if (count == 2 && strcmp(operands[0], "show") == 0)
		return show(v, operands[1], err);
	err_set(err, EINVAL, "say 'fit' with an optional filter, or 'show FILE'");
	return EXIT_USAGE;
}

static void
more_help(struct text *out)
{
	text_str(out, "Formats and layouts:\n");
	report_help(out, &parameter_schema);
	text_str(out, "\nFields of a parameter:\n");
	schema_help(out, &parameter_schema);
}

const struct command command_model = {
	.name = "model",
	.summary = "Fits and shows what is known of paths for plain records",
	.operands = "fit [FILTER] | show FILE",
	.about = "Records of octets and packets alone are named by a model of the wire. "
	    "fit learns its parameters from the flows that the filter picks, without "
	    "labels: octets of headers per packet, header constants and the law of TLS "
	    "records by server; largest segment, losses and the length of requests by "
	    "path. weir identify --model FILE names by them and goes on fitting; with "
	    "--frozen it only names; with --adapt what the file says stays, and only "
	    "servers and paths that it does not have are fitted, to the flows that are "
	    "named.\n\n"
	    "The file is text, a parameter a line; show prints it with what each means. "
	    "What is constant of spans is not part of it: weir identify finds that in "
	    "the flows it names.",
	.examples = "weir model fit --store flows -c debian.tsv -w paths.model\n"
	    "weir model show paths.model",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct values),
	.run = run,
	.more_help = more_help,
};
