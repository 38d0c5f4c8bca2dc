/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_COMMON_H
#define CMD_COMMON_H

#include "base/text.h"
#include "cmd/command.h"
#include "query/query.h"

struct filter;
struct schema;
struct sink;

/* Rows that several commands share. */
#define OPTION_STORE_ROW(type)                                                          \
	{                                                                               \
		"store", 0, OPTION_TEXT, offsetof(type, store), "DIR", NULL, 0, 0,      \
		    "the store: a folder of Parquet files and a journal"                \
	}
#define OPTION_FORMAT_ROW(type, formats)                                                \
	{                                                                               \
		"format", 'o', OPTION_TEXT, offsetof(type, format), "FORMAT", "table", \
		    0, 0, "output format: " formats \
	}
#define OPTION_OUTPUT_ROW(type)                                                         \
	{                                                                               \
		"write", 'w', OPTION_TEXT, offsetof(type, output), "FILE", NULL, 0, 0,  \
		    "write the output to FILE instead of standard output"               \
	}

/* err and EXIT_USAGE if a needed option was not given. */
int need_option(const char *value, const char *option, struct err *err);

/* A report sink on standard output, or on a new file. fields as for --fields, or NULL. */
int output_open(const struct schema *schema, const char *format, const char *path,
    const char *fields, struct sink **out, struct err *err);

/* Writes a text to standard output or to a file; for documents. */
int output_text(const struct text *text, const char *path, struct err *err);

/* The folder that a file is in, NULL for NULL; freed by the caller. */
char *folder_of(const char *path);

/* A query of flows under a filter made of the operands. Done by flows_query_done. */
struct flows_query {
	struct query_config query;
	struct filter *filter;
	uint64_t needed[4];
	char *text;
};

int flows_query_init(struct flows_query *q, const char *dir, const char **operands,
    int count, struct err *err);
void flows_query_done(struct flows_query *q);

/* Passes batches on to several sinks. */
int tee_open(struct sink *const *sinks, size_t n, struct sink **out, struct err *err);

#endif
