/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPORT_LAYOUT_H
#define REPORT_LAYOUT_H

#include "report/report.h"

/* A line per layout of a schema. The --fields parser is report_fields in report.h. */
void layout_help(struct text *out, const struct schema *schema);

#endif
