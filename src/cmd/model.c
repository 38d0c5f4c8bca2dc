/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir model: what is known of servers and paths for records of octets and packets:
 * fitted to flows without labels, and shown.
 */
#include "base/text.h"
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
#include <stdio.h>
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
	    "show: columns to print, a line a parameter"},
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

/* ---- for people ---- */

enum {
	NAME_WIDTH = 17, VALUE_WIDTH = 30, MEANING_AT = 2 + NAME_WIDTH + 2 + VALUE_WIDTH +
	    2,
	LINE_WIDTH = 100, NUMBERS_SHOWN = 4, TOLD_MAX = 64,
};

struct page {
	struct text out;
	char server[ADDR_TEXT], port[16], client[ADDR_TEXT]; /* of the line before */
	const char *told[TOLD_MAX]; /* meanings, which are told once */
	unsigned told_count;
};

/* "20 values, 0 to 8.2" in place of many numbers; false if they are few, or none. */
static bool
sum_up(const char *value, struct text *out)
{
	double least = 0, most = 0, one;
	unsigned n = 0;
	size_t len;

	for (; *value != '\0'; value += len + (value[len] == ','), n++) {
		len = strcspn(value, ",");
		if (!parse_f64(value, len, &one))
			return false;
		least = n == 0 || one < least ? one : least;
		most = n == 0 || one > most ? one : most;
	}
	if (n <= NUMBERS_SHOWN)
		return false;
	text_printf(out, "%u values, %.3g to %.3g", n, least, most);
	return true;
}

static void
value_print(const char *value, struct text *out)
{
	size_t commas = 0, first = strcspn(value, ","), i;

	for (i = 0; value[i] != '\0'; i++)
		commas += value[i] == ',';
	if (sum_up(value, out))
		return;
	if (strlen(value) <= VALUE_WIDTH)
		text_str(out, value);
	else if (first <= VALUE_WIDTH - 10 && commas > 0)
		text_printf(out, "%.*s, %zu more", (int)first, value, commas);
	else
		text_printf(out, "%.*s...", VALUE_WIDTH - 3, value);
}

/* Words in lines of their own width behind what stands there; one more line for each. */
static void
meaning_print(const char *words, struct text *out)
{
	size_t at = MEANING_AT, len;

	for (; *words != '\0'; words += len + strspn(words + len, " "), at += len + 1) {
		len = strcspn(words, " ");
		if (at > MEANING_AT && at + len > LINE_WIDTH) {
			text_printf(out, "\n%*s", MEANING_AT, "");
			at = MEANING_AT;
		} else if (at > MEANING_AT) {
			text_char(out, ' ');
		}
		text_bytes(out, words, len);
	}
	text_char(out, '\n');
}

/* Whose parameters follow, where that is not who it was. */
static void
heading_print(struct page *page, const struct plain_line *line)
{
	bool is_first = page->out.len == 0;

	if (!is_first && strcmp(page->server, line->server) == 0 &&
	    strcmp(page->port, line->port) == 0 &&
	    strcmp(page->client, line->client) == 0)
		return;
	snprintf(page->server, sizeof page->server, "%s", line->server);
	snprintf(page->port, sizeof page->port, "%s", line->port);
	snprintf(page->client, sizeof page->client, "%s", line->client);
	text_str(&page->out, is_first ? "" : "\n");
	if (strcmp(line->server, "-") == 0)
		text_str(&page->out, "All servers");
	else
		text_printf(&page->out, "Server %s, port %s", line->server, line->port);
	if (strcmp(line->client, "-") != 0)
		text_printf(&page->out, ", client %s", line->client);
	text_char(&page->out, '\n');
}

static bool
is_told(struct page *page, const char *meaning)
{
	unsigned i;

	for (i = 0; i < page->told_count; i++)
		if (strcmp(page->told[i], meaning) == 0)
			return true;
	if (page->told_count < TOLD_MAX)
		page->told[page->told_count++] = meaning;
	return false;
}

static void
page_line(void *arg, const struct plain_line *line)
{
	struct page *page = arg;
	size_t from;

	heading_print(page, line);
	text_printf(&page->out, "  %-*s  ", NAME_WIDTH, line->name);
	from = page->out.len;
	value_print(line->value, &page->out);
	if (is_told(page, line->help)) {
		text_char(&page->out, '\n');
		return;
	}
	text_printf(&page->out, "%*s  ",
	    VALUE_WIDTH - (int)(page->out.len - from), "");
	meaning_print(line->help, &page->out);
}

static int
show_page(const struct values *v, const char *path, struct err *err)
{
	struct catalog *catalog = catalog_new();
	struct identify_config config = {.catalog = catalog};
	struct identify *identify;
	struct page page = {0};
	int status = -1;

	text_init(&page.out);
	catalog_seal(catalog);
	identify = identify_new(&config);
	if (identify_read_model(identify, path, err) == 0) {
		identify_list_model(identify, page_line, &page);
		status = output_text(&page.out, v->output, err);
	}
	if (err->code == EPIPE)
		err_clear(err);
	text_done(&page.out);
	identify_free(identify);
	catalog_free(catalog);
	return status == 0 ? EXIT_GOOD : EXIT_TROUBLE;
}

/* ---- as rows ---- */

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
		return strcmp(v->format, "table") == 0 && v->fields == NULL
			   ? show_page(v, operands[1], err)
			   : show(v, operands[1], err);
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
	    "The file is text, a parameter a line; show prints it with what each means, "
	    "many values as how many and from what to what; -f and the other formats "
	    "have them all. "
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
