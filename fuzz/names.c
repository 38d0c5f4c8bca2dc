/* SPDX-License-Identifier: BSD-2-Clause */
/* DNS names files: whatever is read is found again. */
#include "base/err.h"
#include "identify/dns_names.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct addr addr = addr_v4(0x0a000001);
	struct dns_names *names;
	struct err err = {0};

	if (dns_names_read_bytes(data, size, "fuzz", &names, &err) != 0) {
		if (err.code == 0)
			abort();
		return 0;
	}
	if (dns_names_find(names, &addr, &addr, INT64_MAX / 2) != NULL &&
	    dns_names_count(names) == 0)
		abort();
	dns_names_free(names);
	return 0;
}
