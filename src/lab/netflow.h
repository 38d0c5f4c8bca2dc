/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_NETFLOW_H
#define LAB_NETFLOW_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct text;

/*
 * nfcapd's files become a store: nfdump prints them, weir load reads what it printed.
 * sampling above 1 is said of each row.
 */
int netflow_load(const char *folder, const char *store, const char *program,
    uint32_t sampling, const char *log, struct err *err);
/* Removes nfcapd's folder with its files; it may be missing. */
int netflow_forget(const char *folder, struct err *err);

/* The format for nfdump -o. */
extern const char netflow_format[];
/*
 * A line that nfdump printed by it becomes a row of what weir load reads; -1: no such
 * line.
 */
int netflow_row(const char *line, size_t len, uint32_t sampling, struct text *out);
/* The line of column names for netflow_row. */
void netflow_header(struct text *out);

#endif
