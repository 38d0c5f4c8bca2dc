/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A catalogue of any size, the same each time: names with twenty versions each, sizes
 * log-normal about 60 kB, paths as in an archive's pool.   mkcatalog FILES >CATALOG
 */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state = 0x9e3779b97f4a7c15u;

static double
uniform(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

int
main(int argc, char **argv)
{
	uint64_t files = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000, i, size;
	double normal;

	printf("name\tversion\tarch\tsuite\tsize\tpath\n");
	for (i = 0; i < files; i++) {
		normal = sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
		size = (uint64_t)exp(11 + 2 * normal) + 400;
		printf("package%" PRIu64 "\t1.%" PRIu64 "-1\tamd64\tstable\t%" PRIu64
		       "\tpool/main/p/package%" PRIu64 "/package%" PRIu64 "_1.%" PRIu64
		       "-1_amd64.deb\n",
		       i / 20, i % 20, size, i / 20, i / 20, i % 20);
	}
	return 0;
}
