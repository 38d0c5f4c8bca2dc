/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOAD_TURN_H
#define LOAD_TURN_H

#include "model/flow.h"

/* True if the ports say that src is the server. */
bool turn_is_from_server(const struct flow *flow);

/* Exchanges all that is src's with what is dst's, and forward with reverse. */
void turn_round(struct flow *flow);

/*
 * The reverse half joins the forward one: start to end spans both, reverse fields are the
 * other's forward ones, other fields that forward has not are taken over.
 */
void turn_join(struct flow *forward, const struct flow *reverse);

#endif
