/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_PLAIN_ROW_H
#define IDENTIFY_PLAIN_ROW_H

#include <stddef.h>
#include <stdint.h>

/* A parameter: how it is written, read, bounded and explained. */
enum plain_kind { PLAIN_KIND_u32, PLAIN_KIND_f64, PLAIN_KIND_bool, PLAIN_KIND_modes };

struct plain_row {
	const char *name;
	enum plain_kind kind;
	size_t offset;
	uint32_t count;
	double min, max;
	const char *help;
};

/* Of struct wire_server, struct quic_server and struct wire_path. */
extern const struct plain_row plain_server_rows[], plain_quic_rows[], plain_path_rows[];
extern const size_t plain_server_row_count, plain_quic_row_count, plain_path_row_count;

#endif
