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
/* The same in two steps: that there was one, and whether it is sure; and a sure one. */
bool popular_ask(struct popular *popular, const struct verdict *verdict);
void popular_note(struct popular *popular, uint32_t file, double probability);
/* The probability that a download is of a file by this alone, and of each that no sure
 * one is of; over all files it is 1. */
double popular_share(const struct popular *popular, uint32_t file);
double popular_other(const struct popular *popular);
/* How much likelier a file is than if all were as likely; own: the download itself was
 * noted as of that file. */
double popular_factor(const struct popular *popular, uint32_t file, bool own);
/* Weighs a verdict again; is_noted: popular_add was called with it. */
void popular_apply(const struct popular *popular, bool is_noted, struct verdict *verdict);

/*
 * The same for who weighs files one by one: how much likelier a file that nobody surely
 * downloaded is, and another, than if all were as likely; beside: what else is known of
 * files of that size, 1 for nothing. popular_end comes before; then the files that were
 * surely downloaded are listed, rising.
 */
void popular_end(struct popular *popular);
/* Whether some files are so much likelier that it is worth weighing them. */
bool popular_tells(const struct popular *popular);
double popular_unseen(const struct popular *popular, double beside);
double popular_seen(const struct popular *popular, uint32_t file, bool own,
		    double beside);
const uint32_t *popular_files(const struct popular *popular, size_t *count);
/* Downloads that look like a file and have so many octets beside, or more, are of one
 * that is not listed, by odds whose logarithm is `by`, > 0; popular_doubted: 0 for
 * those that are not doubted. */
void popular_doubt(struct popular *popular, uint32_t file, double by, uint64_t beside);
double popular_doubted(const struct popular *popular, uint32_t file, uint64_t beside);
/* Sure downloads of a file. */
uint32_t popular_count(const struct popular *popular, uint32_t file);
/* No popular file is surer than the surest of its downloads by itself; before: what this
 * one was by itself, 0 if of another file or not known. */
void popular_hold(const struct popular *popular, double before, struct verdict *verdict);

#endif
