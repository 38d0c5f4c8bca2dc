/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVE_METRICS_H
#define SERVE_METRICS_H

#include "base/counter.h"

#include <stddef.h>
#include <stdint.h>

struct text;

/*
 * Prometheus text exposition format 0.0.4. A family is a HELP and a TYPE line and its
 * samples, which must follow at once; a name is weir_, the module, what is counted, and
 * for counters _total.
 */
enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

void metrics_family(struct text *out, const char *name, enum metric_type type,
    const char *help);
/* A sample; label NULL: without one. The value of a label may be any text. */
void metrics_sample(struct text *out, const char *name, const char *label,
    const char *value, double number);
/* With several labels. */
struct metric_label {
	const char *name, *value;
};
void metrics_sample_labels(struct text *out, const char *name,
    const struct metric_label *labels, size_t n, double number);
/* As above for whole numbers, which stay exact. */
void metrics_sample_u64(struct text *out, const char *name, const char *label,
    const char *value, uint64_t number);

/* A family of one sample without a label. */
void metrics_gauge(struct text *out, const char *name, const char *help, uint64_t number);

/* The families weir_MODULE_ID_total of a module's counter.def; help says MODULE: too. */
void metrics_counters(struct text *out, const char *module,
    const struct counter_row *rows, const uint64_t *values, size_t n);

static inline const char *
metrics_content_type(void)
{
	return "text/plain; version=0.0.4; charset=utf-8";
}

#endif
