/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The classifiers as a program, for scikit-learn beside it (tests/interop/sklearn.sh,
 * bench/identify.sh). Values are raw doubles, classes raw 32-bit numbers, host byte
 * order.
 *
 * 	classify KIND[,float32][,trees=N][,neighbours=N] FEATURES CLASSES X Y PROBE
 * 	COMMAND
 *
 * COMMAND nodes: a tree's nodes in preorder, a line each: feature, threshold, right,
 * samples (-1 for a leaf's feature). classes: the class of each row of PROBE, a line
 * each. probabilities: all of them, a row a line. time: CPU seconds of the best of three
 * fits, then of the best of three namings of PROBE.
 */
#include "base/err.h"
#include "identify/classifier.h"
#include "identify/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *
read_all(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "rb");
	void *data;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
		perror(path);
		exit(2);
	}
	*bytes = (size_t)ftell(file);
	rewind(file);
	if ((data = malloc(*bytes + 1)) == NULL || fread(data, 1, *bytes,
	    file) != *bytes) {
		perror(path);
		exit(2);
	}
	fclose(file);
	return data;
}

static struct classifier_config
parse_kind(char *text)
{
	struct classifier_config config = {0};
	struct err err = {0};
	char *word = strtok(text, ",");

	if (word == NULL || classifier_parse(word, &config.kind, &err) != 0) {
		fprintf(stderr, "classify: %s\n", err.text);
		exit(2);
	}
	while ((word = strtok(NULL, ",")) != NULL) {
		if (strcmp(word, "float32") == 0)
			config.is_float32 = true;
		else if (sscanf(word, "trees=%u", &config.trees) != 1 &&
		    sscanf(word, "neighbours=%u", &config.neighbours) != 1)
			exit(2);
	}
	return config;
}

static void
print_nodes(const struct samples *s, const struct classifier_config *config)
{
	struct tree_config how = {.is_float32 = config->is_float32};
	struct tree *tree;
	size_t i;

	if (tree_fit(s, &how, &tree, NULL) != 0)
		exit(1);
	for (i = 0; i < tree->node_count; i++) {
		const struct tree_node *n = &tree->nodes[i];

		if (n->feature == TREE_LEAF)
			printf("-1 0 0 %u\n", n->samples);
		else
			printf("%u %.17g %u %u\n", n->feature, n->threshold, n->right,
			    n->samples);
	}
	tree_free(tree);
}

static void
print_probabilities(const struct classifier *c, const struct samples *s,
    const double *probe, size_t rows)
{
	double *p = malloc(s->class_count * sizeof *p);
	size_t i;
	uint32_t k;

	for (i = 0; p != NULL && i < rows; i++) {
		classifier_probabilities(c, probe + i * s->features, 1, p);
		for (k = 0; k < s->class_count; k++)
			printf("%.17g%c", p[k], k + 1 < s->class_count ? ' ' : '\n');
	}
	free(p);
}

static void
print_times(const struct samples *s, const struct classifier_config *config,
    const double *probe, size_t rows, uint32_t *out)
{
	double fit = 1e9, predict = 1e9, from, to;
	int round;

	for (round = 0; round < 3; round++) {
		struct classifier *c;
		int times = s->rows < 10000 ? 200 : 1, i;

		from = now();
		for (i = 0; i < times; i++) {
			if (classifier_fit(s, config, &c, NULL) != 0)
				exit(1);
			if (i + 1 < times)
				classifier_free(c);
		}
		to = now();
		fit = (to - from) / times < fit ? (to - from) / times : fit;
		from = now();
		classifier_predict(c, probe, rows, out);
		to = now();
		predict = to - from < predict ? to - from : predict;
		classifier_free(c);
	}
	printf("%.9f %.9f\n", fit, predict);
}

int
main(int argc, char **argv)
{
	struct classifier_config config;
	struct samples s = {0};
	struct classifier *c;
	struct err err = {0};
	size_t bytes, rows, i;
	uint32_t *out;
	double *probe;

	if (argc != 8)
		return 2;
	config = parse_kind(argv[1]);
	s.features = (uint32_t)atoi(argv[2]);
	s.class_count = (uint32_t)atoi(argv[3]);
	s.x = read_all(argv[4], &bytes);
	s.rows = bytes / sizeof(double) / s.features;
	s.classes = read_all(argv[5], &bytes);
	probe = read_all(argv[6], &bytes);
	rows = bytes / sizeof(double) / s.features;
	if ((out = calloc(rows + 1, sizeof *out)) == NULL)
		return 2;
	if (strcmp(argv[7], "nodes") == 0) {
		print_nodes(&s, &config);
	} else if (strcmp(argv[7], "time") == 0) {
		print_times(&s, &config, probe, rows, out);
	} else {
		if (classifier_fit(&s, &config, &c, &err) != 0) {
			fprintf(stderr, "classify: %s\n", err.text);
			return 1;
		}
		if (strcmp(argv[7], "probabilities") == 0) {
			print_probabilities(c, &s, probe, rows);
		} else {
			classifier_predict(c, probe, rows, out);
			for (i = 0; i < rows; i++)
				printf("%u\n", out[i]);
		}
		classifier_free(c);
	}
	free((void *)s.x);
	free((void *)s.classes);
	free(probe);
	free(out);
	return 0;
}
