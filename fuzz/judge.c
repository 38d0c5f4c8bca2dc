/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab's truth, and behind a line "%%" findings, flow rows or a list of URLs,
 * whichever they are: what can be read is judged by record and in order, and the verdicts
 * add up.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "lab/tables.h"
#include "lab/targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes as a file, for readers that take a path. */
static int
file_of(const uint8_t *data, size_t size, char path[64])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static void
judge(const struct lab_downloads *d, const struct lab_records *t, enum lab_join join)
{
	struct lab_verdict *v = calloc(d->count + 1, sizeof *v);
	struct lab_case of = {
	    .scenario = "fuzz",
	    .place = "edge",
	    .method =
		&lab_methods[join == LAB_IN_ORDER ? LAB_METHOD_spans : LAB_METHOD_tree]};
	struct lab_tables *tables = lab_tables_new();
	const struct lab_score *score;
	uint64_t judged = 0;
	size_t n, i;

	lab_judge(d, t, join, 2000000, v);
	for (i = 0; i < d->count; i++) {
		assert(v[i].outcome != LAB_RIGHT ||
		       (v[i].said != NULL && v[i].said->name != 0));
		assert(v[i].outcome != LAB_ABSENT || v[i].said == NULL);
		judged += v[i].outcome != LAB_UNJUDGED;
	}
	lab_tables_add(tables, &of, d, t, v, NULL);
	score = lab_tables_scores(tables, &n);
	assert(n > 0 && score->downloads == judged);
	assert(score->right + score->wrong + score->unknown == judged);
	assert(score->among + score->absent <= score->unknown);
	lab_tables_free(tables);
	free(v);
}

static void
targets(const char *path)
{
	struct lab_targets t;
	struct err err = {0};
	size_t i;

	lab_targets_init(&t);
	if (lab_targets_read(&t, path, &err) != 0)
		assert(err.code != 0);
	lab_targets_settle(&t);
	for (i = 1; i < t.count; i++)
		assert(strcmp(lab_target_text(&t, t.list[i - 1].url),
			      lab_target_text(&t, t.list[i].url)) < 0);
	lab_targets_done(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = memmem(data, size, "\n%%\n", 4);
	size_t first = cut == NULL ? size : (size_t)(cut + 1 - data);
	const uint8_t *rest = cut == NULL ? data : cut + 4;
	size_t second = cut == NULL ? 0 : size - first - 3;
	char truth[64], told[64];
	struct lab_downloads d;
	struct lab_records t;
	struct err err = {0};
	int a = file_of(data, first, truth), b = file_of(rest, second, told);

	targets(told);
	if (lab_downloads_read(&d, truth, &err) == 0) {
		if (lab_findings_read(&t, told, &err) == 0) {
			judge(&d, &t, LAB_BY_RECORD);
			judge(&d, &t, LAB_IN_ORDER);
			lab_records_done(&t);
		}
		if (lab_rows_read(&t, told, &d, &err) == 0) {
			judge(&d, &t, LAB_BY_RECORD);
			lab_records_done(&t);
		}
		lab_downloads_done(&d);
	} else {
		assert(err.code != 0 && err.text[0] != '\0');
	}
	close(a);
	close(b);
	return 0;
}
