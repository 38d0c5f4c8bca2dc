/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_EVIDENCE_H
#define IDENTIFY_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

struct candidate;
struct findings;
struct range_set;
struct record;
struct sequence_response;
struct several;
struct verdict;

/* Each appends its words to findings->evidence. */

/* What a record measured, as the sum that the best candidate makes of it; NULL: none. */
void evidence_span(struct findings *findings, const struct record *record,
    const struct candidate *best);
void evidence_wire(struct findings *findings, const struct record *record,
    const struct verdict *verdict, const struct candidate *best);
void evidence_quic(struct findings *findings, const struct record *record,
    const struct verdict *verdict, const struct candidate *best);

/* How many other files fit. */
void evidence_rivals(struct findings *findings, const struct verdict *verdict,
    bool is_named, bool is_set);
/* The terms of the probability, if findings->is_explained: those of the best file, and
 * how the rest is shared out. */
void evidence_terms(struct findings *findings, const struct record *record,
    const struct verdict *verdict);

/* The same of a download in pieces, of the ordinal-th of several downloads on one record,
 * and of a response of a pipelined run. */
void evidence_ranges(struct findings *findings, const struct record *record,
    const struct range_set *set, bool is_named);
void evidence_several(struct findings *findings, const struct record *record,
    const struct verdict *verdict, const struct several *several, uint32_t ordinal);
void evidence_response(struct findings *findings,
    const struct sequence_response *response);

#endif
