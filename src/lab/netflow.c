/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From nfcapd's files to rows. nfdump pads its columns; its times are local, with
 * milliseconds: UTC is asked for.
 */
#include "lab/netflow.h"

#include "base/err.h"
#include "base/text.h"
#include "lab/process.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 700 };

/* COLUMN(name of a flow's field, is a port, what stands before, nfdump's notation) */
#define COLUMN_ROWS \
	COLUMN("start", false, "", "%ts") COLUMN("end", false, ";", "%te") \
	COLUMN("src", false, ";", "%sa") COLUMN("dst", false, ";", "%da") \
	COLUMN("src_port", true, ";", "%sp") COLUMN("dst_port", true, ";", "%dp") \
	COLUMN("proto", false, ";", "%pr") COLUMN("packets", false, ";", "%pkt") \
	COLUMN("bytes", false, ";", "%byt")

#define COLUMN(name, is_port, between, nfdump) name,
static const char *const columns[] = {COLUMN_ROWS};
#undef COLUMN
#define COLUMN(name, is_port, between, nfdump) is_port,
static const bool is_port[] = {COLUMN_ROWS};
#undef COLUMN

enum { COLUMNS = sizeof columns / sizeof *columns };

#define COLUMN(name, is_port, between, nfdump) between nfdump
const char netflow_format[] = "fmt:" COLUMN_ROWS;
#undef COLUMN

void
netflow_header(struct text *out)
{
	unsigned i;

	for (i = 0; i < COLUMNS; i++)
		text_printf(out, "%s\t", columns[i]);
	text_str(out, "sampling\n");
}

int
netflow_row(const char *line, size_t len, uint32_t sampling, struct text *out)
{
	const char *end = line + len, *cell, *stop;
	size_t mark = out->len;
	unsigned i;

	for (i = 0; i < COLUMNS; i++) {
		stop = memchr(line, ';', (size_t)(end - line));
		if ((stop == NULL) != (i + 1 == COLUMNS))
			goto fail;
		if (stop == NULL)
			stop = end;
		for (cell = line; cell < stop && *cell == ' '; cell++)
			;
		line = stop + (stop < end);
		while (stop > cell && stop[-1] == ' ')
			stop--;
		if (stop == cell || memchr(cell, '\t', (size_t)(stop - cell)) != NULL)
			goto fail;
		/* of ICMP nfdump prints type.code as a port */
		if (!is_port[i] || memchr(cell, '.', (size_t)(stop - cell)) == NULL)
			text_bytes(out, cell, (size_t)(stop - cell));
		text_char(out, '\t');
	}
	if (sampling > 1)
		text_u64(out, sampling);
	text_char(out, '\n');
	return 0;
fail:
	out->len = mark;
	out->data[mark] = '\0';
	return -1;
}

static int
rows_convert(const char *from, const char *to, uint32_t sampling, uint64_t *rows,
    struct err *err)
{
	FILE *in = fopen(from, "r"), *out = NULL;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	struct text text;
	int status = -1;

	*rows = 0;
	text_init(&text);
	if (in == NULL || (out = fopen(to, "w")) == NULL) {
		err_set(err, errno, "%s: %s", in == NULL ? from : to, strerror(errno));
		goto done;
	}
	netflow_header(&text);
	while ((n = getline(&line, &cap, in)) > 0) {
		if (line[n - 1] == '\n')
			n--;
		if (n == 0 || strncmp(line, "No matching flows", 17) == 0)
			continue;
		if (netflow_row(line, (size_t)n, sampling, &text) != 0) {
			err_set(err, EINVAL, "%s: line %llu: not what nfdump was asked "
			    "for: %.80s", from, (unsigned long long)*rows + 1, line);
			goto done;
		}
		++*rows;
		if (text.len > 1 << 16) {
			fwrite(text.data, 1, text.len, out);
			text_clear(&text);
		}
	}
	fwrite(text.data, 1, text.len, out);
	if (ferror(in) || ferror(out))
		err_set(err, EIO, "%s: cannot be read, or %s not written", from, to);
	else
		status = 0;
done:
	free(line);
	text_done(&text);
	if (in != NULL)
		fclose(in);
	if (out != NULL && fclose(out) != 0 && status == 0)
		status = err_set(err, errno, "%s: %s", to, strerror(errno));
	return status;
}

int
netflow_load(const char *folder, const char *store, const char *program,
    uint32_t sampling, const char *log, struct err *err)
{
	char printed[PATH_BYTES], table[PATH_BYTES];
	const char *dump[] = {"nfdump", "-R", ".", "-q", "-N", "-6", "-o",
	    netflow_format, NULL};
	const char *load[] = {program, "load", table, "--store", store, NULL};
	static const char *const utc[] = {"TZ=UTC", NULL};
	/* a ':' in a path would part two of them */
	struct process_config config = {.argv = dump, .output = printed, .log = log,
	    .environment = utc, .folder = folder};
	uint64_t rows;

	snprintf(printed, sizeof printed, "%.600s.txt",
	    folder); /* nfdump reads the folder */
	snprintf(table, sizeof table, "%.600s/rows.tsv", folder);
	if (process_run(&config, 600000, err) != 0 ||
	    rows_convert(printed, table, sampling, &rows, err) != 0)
		return -1;
	unlink(printed);
	if (rows == 0)
		return 0;
	config.argv = load;
	config.output = log;
	return process_run(&config, 600000, err);
}

int
netflow_forget(const char *folder, struct err *err)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (dir == NULL)
		return errno == ENOENT ? 0 : err_set(err, errno, "%s: %s", folder,
		    strerror(errno));
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_type == DT_REG)
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	return rmdir(folder) == 0 ? 0 : err_set(err, errno, "%s: %s", folder,
	    strerror(errno));
}
