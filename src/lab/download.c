/* SPDX-License-Identifier: BSD-2-Clause */
/* truth.tsv. */
#include "lab/download.h"

#include "base/err.h"
#include "base/memory.h"
#include "lab/sheet.h"

#include <errno.h>
#include <string.h>

enum { DOWNLOADS_MAX = 10000000, MARGIN_US = 1000000 };

enum truth_column {
	TRUTH_client,
	TRUTH_start,
	TRUTH_name,
	TRUTH_client_port,
	TRUTH_version,
	TRUTH_size,
	TRUTH_kind,
	TRUTH_role,
	TRUTH_client_seen_port,
	TRUTH_client_seen,
};

static const char *const columns[] = {"client",      "start",   "name",
				      "client_port", "version", "size",
				      "kind",        "role",    "client_seen_port",
				      "client_seen", NULL};

static bool
is_cell(const struct sheet *s, enum truth_column c, const char *word)
{
	struct str cell = sheet_cell(s, c);

	return cell.len == strlen(word) && memcmp(cell.data, word, cell.len) == 0;
}

static int
read_one(const struct sheet *s, struct lab_downloads *d, struct lab_download *out,
	 struct err *err)
{
	uint64_t port = 0, seen_port = 0;

	*out = (struct lab_download){0};
	if ((sheet_cell(s, TRUTH_client).len == 0 &&
	     sheet_cell(s, TRUTH_client_seen).len == 0) ||
	    sheet_cell(s, TRUTH_start).len == 0)
		return err_set(err, EINVAL,
			       "%s: line %llu: client and start must be there",
			       s->reader.name, (unsigned long long)s->reader.line);
	if (sheet_addr(s, TRUTH_client, &out->client, err) != 0 ||
	    sheet_time(s, TRUTH_start, &out->start_us, err) != 0 ||
	    sheet_u64(s, TRUTH_client_port, UINT16_MAX, &port, err) != 0 ||
	    sheet_u64(s, TRUTH_size, UINT64_MAX, &out->size, err) != 0 ||
	    sheet_u64(s, TRUTH_client_seen_port, UINT16_MAX, &seen_port, err) != 0 ||
	    sheet_addr(s, TRUTH_client_seen, &out->seen, err) != 0)
		return -1;
	out->has_port = sheet_cell(s, TRUTH_client_port).len > 0;
	out->has_seen = sheet_cell(s, TRUTH_client_seen_port).len > 0;
	out->has_seen_addr = sheet_cell(s, TRUTH_client_seen).len > 0;
	if (sheet_cell(s, TRUTH_client).len == 0)
		out->client = out->seen; /* behind a NAT that does not tell */
	out->port = (uint16_t)port;
	out->seen_port = (uint16_t)(out->has_seen ? seen_port : port);
	out->is_training = is_cell(s, TRUTH_role, "train");
	out->name = sheet_keep(s, TRUTH_name, &d->strings);
	out->version = sheet_keep(s, TRUTH_version, &d->strings);
	out->kind = sheet_keep(s, TRUTH_kind, &d->strings);
	out->start = sheet_keep(s, TRUTH_start, &d->strings);
	return 0;
}

int
lab_downloads_read(struct lab_downloads *d, const char *path, struct err *err)
{
	struct sheet s;
	int more;

	*d = (struct lab_downloads){0};
	text_init(&d->strings);
	text_char(&d->strings, '\0');
	if (sheet_open(&s, path, columns, TRUTH_name + 1, err) != 0)
		goto fail;
	while ((more = sheet_next(&s, err)) > 0) {
		if (d->count == DOWNLOADS_MAX)
			more = err_set(err, E2BIG, "%s: more than %d downloads", path,
				       DOWNLOADS_MAX);
		if (d->count == d->cap) {
			d->cap = d->cap ? d->cap * 2 : 256;
			d->list = must(realloc(d->list, d->cap * sizeof *d->list));
		}
		if (more < 0 || (more = read_one(&s, d, &d->list[d->count], err)) != 0)
			break;
		d->training += d->list[d->count++].is_training;
	}
	sheet_close(&s);
	if (more == 0 && d->count > 0)
		return 0;
	err_set(err, ENODATA, "%s: no downloads", path);

fail:
	lab_downloads_done(d);
	return -1;
}

void
lab_downloads_done(struct lab_downloads *d)
{
	free(d->list);
	text_done(&d->strings);
	*d = (struct lab_downloads){0};
}

void
lab_downloads_labels(const struct lab_downloads *d,
    bool (*wants)(const struct lab_downloads *, size_t i), struct text *out)
{
	char client[ADDR_TEXT];
	size_t i;

	text_str(out, "name\tversion\tsize\tclient\tclient_port\tstart\n");
	for (i = 0; i < d->count; i++) {
		const struct lab_download *one = &d->list[i];

		if (wants != NULL && !wants(d, i))
			continue;
		addr_print(&one->client, client);
		text_printf(out, "%s\t%s\t", lab_download_text(d, one->name),
		    lab_download_text(d, one->version));
		if (one->size > 0)
			text_u64(out, one->size);
		text_printf(out, "\t%s\t", client);
		if (one->has_port)
			text_u64(out, one->port);
		text_printf(out, "\t%s\n", lab_download_text(d, one->start));
	}
}

bool
lab_downloads_split(const struct lab_downloads *d, int64_t *between_us, bool *has_both)
{
	int64_t last = INT64_MIN, first = INT64_MAX, apart;
	size_t i;

	*has_both = d->training > 0 && d->training < d->count;
	if (!*has_both)
		return true;
	for (i = 0; i < d->count; i++) {
		const struct lab_download *one = &d->list[i];

		if (one->is_training && one->start_us > last)
			last = one->start_us;
		if (!one->is_training && one->start_us < first)
			first = one->start_us;
	}
	if (last >= first)
		return false;
	/* A server's log knows the request, a meter the SYN before it. */
	apart = (first - last) / 2;
	*between_us = first - (apart < MARGIN_US ? apart : MARGIN_US);
	return true;
}
