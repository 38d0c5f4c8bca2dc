/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_ORDER_H
#define IDENTIFY_ORDER_H

#include <stdint.h>

struct files;

/*
 * The place of each file, from 1, in the order in which apt fetches what it was asked for
 * at once: updates of a security archive last, then by source folder, then by package.
 * 0 for files without a path. Freed by the caller; aborts without memory.
 */
uint32_t *order_of_files(const struct files *files);

#endif
