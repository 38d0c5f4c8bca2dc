/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPORT_ASSETS_H
#define REPORT_ASSETS_H

/* web/report.css and web/report.js as texts in the program, made by the build. */
extern const char asset_report_css[];
extern const char asset_report_js[];

#endif
