/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_POPULAR_H
#define IDENTIFY_POPULAR_H

#include "identify/files.h"

/*
 * Files that are downloaded again and again: of the downloads that are sure by
 * themselves, how many are of which file. Where files repeat, a candidate that others
 * downloaded is likelier than one that nobody did; where none does, nothing is.
 */
struct popular;

struct popular *popular_new(const struct files *files);
void popular_free(struct popular *popular);
/* Notes a download, if it is sure. */
void popular_add(struct popular *popular, const struct verdict *verdict);
/* How much likelier a file is than if all were as likely; own: the download itself was
 * noted as of that file. */
double popular_factor(const struct popular *popular, uint32_t file, bool own);
/* Weighs a verdict again; is_noted: popular_add was called with it. */
void popular_apply(const struct popular *popular, bool is_noted, struct verdict *verdict);

#endif
