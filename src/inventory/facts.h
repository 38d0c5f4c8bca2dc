/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef INVENTORY_FACTS_H
#define INVENTORY_FACTS_H

/* The tables of data/ as texts in the program, made by the build. */
extern const char facts_os[];
extern const char facts_layout[];
extern const char facts_family[];
extern const char facts_distribution[];

#endif
