/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_ASSETS_H
#define LAB_ASSETS_H

/* Files of lab/, embedded by script/embed. */
extern const char asset_lab_requests[]; /* requests.py */
extern const char asset_lab_pipeline[]; /* pipeline.py */

struct asset {
	const char *name, *text;
};
/* All *.lab, in the order in which they run; NULLs at the end. */
extern const struct asset asset_lab_scenarios[];

#endif
