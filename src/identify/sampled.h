/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SAMPLED_H
#define IDENTIFY_SAMPLED_H

#include "identify/wire.h"

/*
 * Records of sampled packets, one in N. Where the meter kept the first and the last
 * sequence number that it saw, the span is "at least": it lacks what came before the
 * first sampled segment and after the last. Otherwise there are counts alone, and many
 * files fit.
 */
bool sampled_is(const struct record *record);

void sampled_name(const struct files *files, const struct wire_server *server,
		  const struct wire_path *path, const struct record *record,
		  struct verdict *out);

#endif
