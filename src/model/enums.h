/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_ENUMS_H
#define MODEL_ENUMS_H

/*
 * Enumerated field values: numbers are stored, names are printed. Rows are NAME(number,
 * id) so that each list stands once; NAMES(x) expands to the rows of one enum.
 */

/* RFC 5103, biflowDirection 239: how src is known to be the initiator. */
#define DIRECTION_NAMES(NAME) \
	NAME(0, arbitrary)    \
	NAME(1, initiator)    \
	NAME(2, reverse)      \
	NAME(3, perimeter)    \
	NAME(4, syn)          \
	NAME(5, port)         \
	NAME(6, first)

/* RFC 5102, flowEndReason 136. */
#define END_REASON_NAMES(NAME) \
	NAME(0, none)          \
	NAME(1, idle)          \
	NAME(2, active)        \
	NAME(3, end)           \
	NAME(4, forced)        \
	NAME(5, resources)

#define SPAN_KIND_NAMES(NAME) \
	NAME(0, none)         \
	NAME(1, exact)        \
	NAME(2, by_ack)       \
	NAME(3, at_least)

#define KIND_NAMES(NAME) \
	NAME(0, unknown)    \
	NAME(1, whole)      \
	NAME(2, partial)    \
	NAME(3, ranges)     \
	NAME(4, encoded)    \
	NAME(5, unmodified)

/* span: response and request span; response: response span only; plain: octets and
 * packets by the wire model; sequence: a pipelined run decoded as a whole. */
#define GRADE_NAMES(NAME) \
	NAME(0, none)     \
	NAME(1, span)     \
	NAME(2, response) \
	NAME(3, plain)    \
	NAME(4, sequence) \
	NAME(5, learned)

#define NAME(number, id) DIRECTION_##id = number,
enum direction { DIRECTION_NAMES(NAME) };
#undef NAME
#define NAME(number, id) END_REASON_##id = number,
enum end_reason { END_REASON_NAMES(NAME) };
#undef NAME
#define NAME(number, id) SPAN_##id = number,
enum span_kind { SPAN_KIND_NAMES(NAME) };
#undef NAME
#define NAME(number, id) KIND_##id = number,
enum kind { KIND_NAMES(NAME) };
#undef NAME
#define NAME(number, id) GRADE_##id = number,
enum grade { GRADE_NAMES(NAME) };
#undef NAME

#endif
