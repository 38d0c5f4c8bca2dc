/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: NetFlow v1, v5 and v7 messages of one exporter, several per input.
 */
#include "datagrams.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_datagrams(data, size, 1) | fuzz_datagrams(data, size, 5) |
	    fuzz_datagrams(data, size, 7);
}
