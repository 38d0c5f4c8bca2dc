/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_QUIC_INSIDE_H
#define IDENTIFY_QUIC_INSIDE_H

#include "identify/record.h"

/* Of a later response on a connection: mean octets of its head. */
#define QUIC_HEAD 100.0

/* D of quic.h: without IP and UDP headers; 0 where there cannot be as many packets. */
double quic_payload(const struct record *record);

#endif
