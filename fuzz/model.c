/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Model files: whatever is read as a model names rows without harm, with probabilities
 * that are such. (With fuzzing built in, the check sum is not looked at.)
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "identify/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 3 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const double values[] = {0, 1e300, -1e300, 1500, 42825875, 0.5};
	struct model *model;
	struct err err = {0};
	uint32_t classes[ROWS], i;
	double *x, *p;

	if (model_read_bytes(data, size, "fuzz", &model, &err) != 0) {
		assert(err.code != 0);
		return 0;
	}
	x = malloc(ROWS * model->features.count * sizeof *x);
	p = malloc(ROWS * (size_t)model->class_count * sizeof *p);
	assert(x != NULL && p != NULL);
	for (i = 0; i < ROWS * model->features.count; i++)
		x[i] = values[i % (sizeof values / sizeof *values)];
	classifier_predict(model->classifier, x, ROWS, classes);
	classifier_probabilities(model->classifier, x, ROWS, p);
	for (i = 0; i < ROWS; i++)
		assert(classes[i] < model->class_count);
	for (i = 0; i < ROWS * model->class_count; i++)
		assert(p[i] >= 0 && p[i] <= 1);
	free(x);
	free(p);
	model_free(model);
	return 0;
}
