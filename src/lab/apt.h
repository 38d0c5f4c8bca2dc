/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LAB_APT_H
#define LAB_APT_H

#include "lab/corpus.h"

struct err;
struct words;

/*
 * apt-get against an archive of the lab's own: suite "lab" with all files as packages.
 * Nothing of the machine's own apt is read or changed: folder has its configuration,
 * lists and cache.
 */

/* Writes the archive's indexes below root and has apt, in a namespace, fetch them. */
int apt_prepare(const struct corpus *files, const char *root, const char *url,
    const char *folder, const char *space, struct err *err);
/* apt-get download of these packages into home; depth 1: no pipelining. */
void apt_download_words(struct words *words, const char *folder, const char *home,
    unsigned depth, const char *const *names, size_t n);

#endif
