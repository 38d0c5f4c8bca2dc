/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weir inventory: identifies, gathers by host, and reports: tables, one JSON object per
 * host, or an HTML page with a chart of flows over time.
 */
#include "inventory/inventory.h"

#include "catalog/catalog.h"
#include "cmd/identify.h"
#include "model/batch.h"
#include "model/finding.h"
#include "model/flow.h"
#include "model/host.h"
#include "model/sink.h"
#include "report/html.h"
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct values {
	const char *store, *format, *output;
	struct option_list catalogs;
};

static const struct option_row options[] = {
	OPTION_STORE_ROW(struct values),
	{"catalog", 'c', OPTION_LIST, offsetof(struct values, catalogs), "CATALOG", NULL,
	    0, 0, "a catalogue; may be given often"},
	OPTION_FORMAT_ROW(struct values, "table, ndjson or html"),
	OPTION_OUTPUT_ROW(struct values),
};

enum { BINS = 96 };

static const char download_fields[] =
    "start,name,version,arch,size,probability,kind,grade,"
    "server,server_port,candidates";
static const char host_fields[] = "host,first,last,flows,bytes,downloads,unknown,os,"
    "os_probability,distribution,distribution_probability,arch";

/* Flows and hosts while the rows go by. */
struct gathering {
	struct inventory *inventory;
	int64_t *starts;
	size_t count, cap;
};

static void
gather(void *arg, const struct batch *flows)
{
	struct gathering *g = arg;
	size_t i;

	inventory_flows(g->inventory, flows);
	while (g->count + flows->rows > g->cap) {
		g->cap = g->cap == 0 ? 1 << 16 : g->cap * 2;
		if ((g->starts = realloc(g->starts, g->cap * sizeof *g->starts)) == NULL)
			abort();
	}
	for (i = 0; i < flows->rows; i++)
		g->starts[g->count++] = (int64_t)column_u64(&flows->columns[FLOW_start],
		    i);
}

/* A sink that hands batches to a function; for findings and for report pages. */
struct hand {
	struct sink sink;
	int (*each)(void *arg, struct batch *batch, struct err *err);
	void *arg;
};

static int
hand_push(struct sink *sink, struct batch *batch, struct err *err)
{
	struct hand *hand = (struct hand *)sink;

	return hand->each(hand->arg, batch, err);
}

static int
hand_nothing(struct sink *sink, struct err *err)
{
	return 0;
}

static struct hand
hand_to(int (*each)(void *, struct batch *, struct err *), void *arg)
{
	return (struct hand){{hand_push, hand_nothing, hand_nothing}, each, arg};
}

static int
take_findings(void *arg, struct batch *batch, struct err *err)
{
	inventory_findings(arg, batch);
	return 0;
}

/* ---- HTML ---- */

struct table {
	struct text *out;
	unsigned fields[SCHEMA_FIELDS_MAX], n;
	bool is_begun;
	const char *label;
};

static int
add_rows(void *arg, struct batch *batch, struct err *err)
{
	struct table *t = arg;

	if (!t->is_begun)
		html_table_begin(t->out, t->label, batch, t->fields, t->n);
	t->is_begun = true;
	html_table_rows(t->out, batch, t->fields, t->n);
	return 0;
}

static void
add_chart(struct text *out, const struct gathering *g)
{
	struct html_bars bars = {"Flows over time", "flow records", INT64_MAX, 1, NULL,
	    BINS};
	uint64_t values[BINS] = {0};
	int64_t last = INT64_MIN;
	size_t i;

	for (i = 0; i < g->count; i++) {
		bars.start_us = g->starts[i] < bars.start_us ? g->starts[i]
		    : bars.start_us;
		last = g->starts[i] > last ? g->starts[i] : last;
	}
	if (g->count == 0)
		return;
	bars.bin_us = (last - bars.start_us) / BINS + 1;
	for (i = 0; i < g->count; i++)
		values[(g->starts[i] - bars.start_us) / bars.bin_us]++;
	bars.values = values;
	html_chart(out, &bars);
}

struct hosts_page {
	const struct inventory *inventory;
	struct text *out;
};

static int
add_host(void *arg, struct batch *batch, struct err *err)
{
	struct hosts_page *page = arg;
	struct table t = {.out = page->out, .label = "Downloads"};
	struct hand hand = hand_to(add_rows, &t);
	char name[ADDR_TEXT];
	struct addr addr;
	size_t i;

	if (report_fields(&finding_schema, download_fields, t.fields, &t.n, err) != 0)
		return -1;
	for (i = 0; i < batch->rows; i++) {
		addr = column_addr(&batch->columns[HOST_host], i);
		addr_print(&addr, name);
		if (column_u64(&batch->columns[HOST_downloads], i) +
		    column_u64(&batch->columns[HOST_unknown], i) == 0)
			continue;
		html_heading(page->out, name);
		t.is_begun = false;
		if (inventory_downloads(page->inventory, &addr, &hand.sink, err) != 0)
			return -1;
		if (t.is_begun)
			html_table_end(page->out);
	}
	return 0;
}

static int
write_html(const struct values *v, const struct gathering *g, struct err *err)
{
	struct hosts_page page = {.inventory = g->inventory};
	struct hand hosts = hand_to(add_host, &page);
	struct table t = {.label = "Hosts"};
	struct hand rows = hand_to(add_rows, &t);
	struct text out;
	int status = -1;

	text_init(&out);
	page.out = t.out = &out;
	html_begin(&out, "weir inventory");
	html_paragraph(&out,
	    "What each host downloaded, told from flow records alone. A name "
	    "stands with the probability that it is right; headings sort.");
	add_chart(&out, g);
	html_heading(&out, "Hosts");
	if (report_fields(&host_schema, host_fields, t.fields, &t.n, err) != 0 ||
	    inventory_hosts(g->inventory, &rows.sink, err) != 0)
		goto fail;
	if (t.is_begun)
		html_table_end(&out);
	else
		html_paragraph(&out, "No flows.");
	if (inventory_hosts(g->inventory, &hosts.sink, err) != 0)
		goto fail;
	html_end(&out);
	status = output_text(&out, v->output, err);

fail:
	text_done(&out);
	return status;
}

/* ---- ndjson: a host with its downloads ---- */

struct json_page {
	const struct inventory *inventory;
	struct text *out;
	const char *separator;
};

/* The fields of row i as "id":value pairs. */
static void
add_json_row(struct text *out, const struct batch *batch, size_t i)
{
	const char *separator = "";
	struct text cell;
	uint32_t end;
	unsigned f;

	text_init(&cell);
	for (f = 0; f < batch->schema->stored; f++) {
		const struct type *type = &types[batch->columns[f].type];

		if (column_is_null(&batch->columns[f], i))
			continue;
		text_clear(&cell);
		type->print(&cell, &batch->columns[f], i, 1, &end, STYLE_MACHINE);
		text_printf(out, "%s\"%s\":", separator, batch->schema->fields[f].id);
		if (type->is_number)
			text_bytes(out, cell.data, cell.len);
		else
			text_json(out, cell.data, cell.len);
		separator = ",";
	}
	text_done(&cell);
}

static int
add_json_download(void *arg, struct batch *batch, struct err *err)
{
	struct json_page *page = arg;
	size_t i;

	for (i = 0; i < batch->rows; i++) {
		text_str(page->out, page->separator);
		text_char(page->out, '{');
		add_json_row(page->out, batch, i);
		text_char(page->out, '}');
		page->separator = ",";
	}
	return 0;
}

static int
add_json_host(void *arg, struct batch *batch, struct err *err)
{
	struct json_page *page = arg;
	struct hand hand = hand_to(add_json_download, page);
	struct addr addr;
	size_t i;

	for (i = 0; i < batch->rows; i++) {
		addr = column_addr(&batch->columns[HOST_host], i);
		text_char(page->out, '{');
		add_json_row(page->out, batch, i);
		text_str(page->out, ",\"findings\":[");
		page->separator = "";
		if (inventory_downloads(page->inventory, &addr, &hand.sink, err) != 0)
			return -1;
		text_str(page->out, "]}\n");
	}
	return 0;
}

static int
write_ndjson(const struct values *v, const struct gathering *g, struct err *err)
{
	struct json_page page = {.inventory = g->inventory};
	struct hand hosts = hand_to(add_json_host, &page);
	struct text out;
	int status;

	text_init(&out);
	page.out = &out;
	status = inventory_hosts(g->inventory, &hosts.sink, err);
	if (status == 0)
		status = output_text(&out, v->output, err);
	text_done(&out);
	return status;
}

/* ---- tables for people ---- */

static int
write_table(const struct values *v, const struct gathering *g, struct err *err)
{
	struct sink *sink = NULL;
	int status;

	if (output_open(&host_schema, "table", v->output, host_fields, &sink, err) != 0)
		return -1;
	status = inventory_hosts(g->inventory, sink, err);
	if (sink_close(sink, err) != 0 || status != 0)
		return -1;
	/* one file, one table: the downloads are identify's output */
	if (v->output != NULL)
		return 0;
	printf("\n");
	fflush(stdout);
	if (output_open(&finding_schema, "table", NULL,
	    "client,start,name,version,arch,size,probability,kind,grade", &sink,
	    err) != 0)
		return -1;
	status = inventory_downloads(g->inventory, NULL, sink, err);
	return sink_close(sink, err) != 0 ? -1 : status;
}

static const struct {
	const char *name;
	int (*write)(const struct values *, const struct gathering *, struct err *);
} formats[] = {{"table", write_table}, {"ndjson", write_ndjson}, {"html", write_html}};

static int
run(void *values, const char **operands, int count, struct err *err)
{
	struct values *v = values;
	uint64_t counters[IDENTIFY_COUNTERS];
	struct identify_config config = {0};
	struct gathering g = {.inventory = inventory_new()};
	struct hand hand = hand_to(take_findings, g.inventory);
	struct catalog *catalog = NULL;
	struct flows_query q = {0};
	int status = EXIT_USAGE;
	size_t f = 0;

	while (f < sizeof formats / sizeof *formats && strcmp(formats[f].name,
	    v->format) != 0)
		f++;
	if (f == sizeof formats / sizeof *formats) {
		err_set(err, EINVAL, "-o takes table, ndjson or html, not '%s'",
		    v->format);
		goto done;
	}
	if (need_option(v->store, "--store DIR", err) != 0 ||
	    flows_query_init(&q, v->store, operands, count, err) != 0)
		goto done;
	status = v->catalogs.count == 0 ? EXIT_USAGE : EXIT_TROUBLE;
	if (catalogs_read(&v->catalogs, &catalog, err) != 0)
		goto done;
	config.catalog = catalog;
	if (identify_store(&q, &config, &hand.sink, counters, gather, &g, err) != 0)
		goto done;
	progress_show("", 0, 0);
	if (formats[f].write(v, &g, err) == 0)
		status = EXIT_GOOD;
	if (err->code == EPIPE)
		err_clear(err);
	if (inventory_turned_away(g.inventory) > 0) {
		complain("%" PRIu64 " rows of hosts beyond the first %d were left out",
		    inventory_turned_away(g.inventory), INVENTORY_HOSTS_MAX);
		status = EXIT_TROUBLE;
	}
done:
	catalog_free(catalog);
	inventory_free(g.inventory);
	free(g.starts);
	flows_query_done(&q);
	return status;
}

static void
more_help(struct text *out)
{
	text_str(out, "Fields of a host:\n");
	schema_help(out, &host_schema);
}

const struct command command_inventory = {
	.name = "inventory",
	.summary = "Lists hosts: what each downloaded, which systems that implies",
	.operands = "[FILTER]",
	.about = "Identifies the downloads among the flows that the filter picks and "
	    "gathers them by host: what was downloaded when and with which probability, "
	    "the distribution that the downloads imply, and the family of operating "
	    "system by the SYN fingerprint.\n\n"
	    "-o html writes one page that works offline, with a chart of flows over "
	    "time and tables that sort. -o ndjson writes an object per host with its "
	    "findings inside.",
	.examples = "weir inventory --store flows --catalog debian.tsv\n"
	    "weir inventory --store flows -c debian.tsv -o html -w report.html",
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.values_size = sizeof(struct values),
	.run = run,
	.more_help = more_help,
};
