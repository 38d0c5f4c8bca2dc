/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text that Prometheus reads. Help is escaped for backslash and line feed, label
 * values for the quote too, as the format's description wants it.
 */
#include "serve/metrics.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void
escape(struct text *out, const char *s, const char *special)
{
	for (; *s != '\0'; s++) {
		if (*s == '\n') {
			text_str(out, "\\n");
			continue;
		}
		if (strchr(special, *s) != NULL)
			text_char(out, '\\');
		text_char(out, *s);
	}
}

void
metrics_family(struct text *out, const char *name, enum metric_type type,
    const char *help)
{
	text_printf(out, "# HELP %s ", name);
	escape(out, help, "\\");
	text_printf(out, "\n# TYPE %s %s\n", name,
	    type == METRIC_COUNTER ? "counter" : "gauge");
}

static void
sample_head(struct text *out, const char *name, const char *label, const char *value)
{
	text_str(out, name);
	if (label != NULL) {
		text_printf(out, "{%s=\"", label);
		escape(out, value, "\\\"");
		text_str(out, "\"}");
	}
	text_char(out, ' ');
}

void
metrics_sample(struct text *out, const char *name, const char *label, const char *value,
    double number)
{
	sample_head(out, name, label, value);
	text_f64(out, number);
	text_char(out, '\n');
}

void
metrics_sample_labels(struct text *out, const char *name,
    const struct metric_label *labels, size_t n, double number)
{
	size_t i;

	text_printf(out, "%s{", name);
	for (i = 0; i < n; i++) {
		text_printf(out, "%s%s=\"", i > 0 ? "," : "", labels[i].name);
		escape(out, labels[i].value, "\\\"");
		text_char(out, '"');
	}
	text_str(out, "} ");
	text_f64(out, number);
	text_char(out, '\n');
}

void
metrics_sample_u64(struct text *out, const char *name, const char *label,
    const char *value, uint64_t number)
{
	sample_head(out, name, label, value);
	text_u64(out, number);
	text_char(out, '\n');
}

void
metrics_gauge(struct text *out, const char *name, const char *help, uint64_t number)
{
	metrics_family(out, name, METRIC_GAUGE, help);
	metrics_sample_u64(out, name, NULL, NULL, number);
}

void
metrics_counters(struct text *out, const char *module, const struct counter_row *rows,
    const uint64_t *values, size_t n)
{
	char name[128], help[512];
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof name, "weir_%s_%s_total", module, rows[i].id);
		snprintf(help, sizeof help, "%s: %s", module, rows[i].help);
		metrics_family(out, name, METRIC_COUNTER, help);
		metrics_sample_u64(out, name, NULL, NULL, values[i]);
	}
}
