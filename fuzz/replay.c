/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Feeds each file named on the command line to a fuzz target, so that the corpus is
 * replayed by the ordinary tests. A folder stands for the files in it.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay_file(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *f = fopen(path, "rb");
	uint8_t *copy;
	size_t n;

	if (f == NULL) {
		perror(path);
		return 1;
	}
	n = fread(data, 1, sizeof data, f);
	fclose(f);
	/* A block of just this size, so that reading past it is seen. */
	if ((copy = malloc(n == 0 ? 1 : n)) == NULL)
		return 1;
	for (size_t i = 0; i < n; i++)
		copy[i] = data[i];
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
	return 0;
}

int
main(int argc, char **argv)
{
	int i, files = 0, failed = 0;

	for (i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		struct dirent *entry;
		char path[4096];

		if (dir == NULL) {
			failed += replay_file(argv[i]);
			files++;
			continue;
		}
		while ((entry = readdir(dir)) != NULL) {
			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
			failed += replay_file(path);
			files++;
		}
		closedir(dir);
	}
	printf("replayed %d inputs\n", files);
	return failed != 0 || files == 0;
}
