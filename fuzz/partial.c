/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of answers that a run which was broken off leaves: whatever stands in it, it
 * is read, appended to and read again.
 */
#include "base/err.h"
#include "catalog/partial.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct answer given = {.status = 200, .size = 5, .etag = "\"x\""};
	struct partial *partial;
	struct answer found;
	struct err err = {0};
	char path[64];
	int fd = memfd_create("partial", MFD_CLOEXEC), i;

	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	for (i = 0; i < 2; i++) {
		if (partial_open(path, &partial, &err) != 0) {
			assert(i == 0 && err.text[0] != '\0');
			break;
		}
		assert(i == 0 || partial_find(partial, "http://h.example/x", &found));
		assert(partial_add(partial, "http://h.example/x", &given, &err) == 0);
		partial_close(partial);
	}
	close(fd);
	return 0;
}
